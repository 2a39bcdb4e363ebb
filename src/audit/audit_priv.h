/* Shared by audit's own files only. */
#ifndef MZ_AUDIT_PRIV_H
#define MZ_AUDIT_PRIV_H
#include "crypto/crypto.h"
#include "audit/audit.h"

#define AUDIT_LABEL "audit.chain"
#define AUDIT_PAGE 500
#define AUDIT_DETAIL_MAX 2048

struct audit {
    struct store *store;
    struct log *log;
    struct mac_keys mac;
};
struct audit_link { /* one stored entry, as the chain sees it */
    int64_t n, at_ms;
    str actor, action, object, detail, address, request;
    str prev, hash; /* 32 raw bytes each */
};

/* audit.c: pure. The HMAC of (prev, workspace and every field with its length). */
/* false: the fields are longer than audit_put allows, so audit_put did not write them. */
bool audit_hash(const unsigned char key[KEY_BYTES], str workspace, const struct audit_link *l,
                unsigned char out[SHA256_BYTES]);

/* audit_db.c */
MUSTCHECK enum rc audit_db_insert(struct tx *tx, str workspace, const struct audit_link *l,
                                  struct fault *why);
/* RC_MISSING "store.no_row" when the chain is empty. */
MUSTCHECK enum rc audit_db_last(struct tx *tx, str workspace, struct arena *mem, int64_t *n, str *hash,
                                struct fault *why);
/* Ascending, n > after. */
MUSTCHECK enum rc audit_db_page(struct tx *tx, str workspace, int64_t after, struct arena *mem,
                                struct audit_link **out, size_t *n, struct fault *why);
/* Descending, n < before; only entries of one object when it is not empty. */
struct audit_query {
    str workspace, object;
    int64_t before;
    int limit;
};
MUSTCHECK enum rc audit_db_list(struct tx *tx, const struct audit_query *q, struct arena *mem,
                                struct audit_link **out, size_t *n, struct fault *why);
MUSTCHECK enum rc audit_find(struct tx *tx, const struct audit_query *q, struct arena *mem,
                             struct audit_row **out, size_t *n, struct fault *why);

extern const struct metric audit_metrics[];
enum { AUDIT_M_ENTRIES, AUDIT_M_BROKEN };
#endif
