/* Shared by consent's own files only. */
#ifndef MZ_CONSENT_PRIV_H
#define MZ_CONSENT_PRIV_H
#include "crypto/crypto.h"
#include "consent/consent.h"

#define CONSENT_PAGE 500

struct consent {
    struct store *store;
    struct log *log;
    struct mac_keys mac;
};
struct consent_link { /* one stored entry, as the chain sees it */
    struct consent_row r;
    str prev, hash; /* 32 raw bytes each */
};

/* consent_db.c */
MUSTCHECK enum rc consent_db_insert(struct tx *tx, str workspace, const struct consent_link *l,
                                    struct fault *why);
MUSTCHECK enum rc consent_db_last(struct tx *tx, str workspace, struct arena *mem, int64_t *n, str *hash,
                                  struct fault *why);
MUSTCHECK enum rc consent_db_page(struct tx *tx, str workspace, int64_t after, struct arena *mem,
                                  struct consent_link **out, size_t *n, struct fault *why);
/* Newest first. */
MUSTCHECK enum rc consent_db_of(struct tx *tx, str workspace, str pseudonym, struct arena *mem,
                                struct consent_link **out, size_t *n, struct fault *why);

/* state.c: pure. rows newest first. */
MUSTCHECK enum rc consent_fold(const struct consent_row *rows, size_t n, struct arena *mem,
                               struct consent_state *out, struct fault *why);

enum { CONSENT_M_ENTRIES, CONSENT_M_BROKEN };
#endif
