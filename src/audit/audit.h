/* audit: the append-only record of who did what, one keyed hash chain per workspace.
 *
 * audit_put is the last act of a transaction: it takes the number `store_stamp(tx, workspace, "audit")` and
 * links the entry to the one before it with HMAC-SHA-256 under a key that is not in the database, so an
 * entry that was changed, removed from the middle, added or re-ordered shows in audit_verify. (A cut tail
 * shows only against a head kept elsewhere: audit_head gives it, audit_verify takes it.) Triggers refuse
 * UPDATE and DELETE on both databases. Order of stamps in one transaction: consent, feed, audit.
 * Installation acts have the workspace "-". `detail` holds ids and names of fields, never personal values or
 * secrets: erasure does not touch this table. Table: audit_entries. No thread. Routes: GET /v1/audit, GET
 * /v1/audit/verdict.
 */
#ifndef MZ_AUDIT_H
#define MZ_AUDIT_H
#include "base/base.h"
#include "config/config.h"
#include "observe/observe.h"
#include "store/store.h"
#include "http/http.h"

/* Where keyed hashes of this room (and of access and consent, which may not call keys) get their key. Room
 * keys gives one with keys_mac(); unit tests hand in their own. The same (label, workspace) always gives the
 * same key. */
struct mac_keys {
    const void *arg;
    void (*derive)(const void *arg, const char *label, str workspace, unsigned char out[32]);
};

struct audit;
struct audit_options {
    struct store *store;
    struct log *log;
    struct mac_keys mac;
};
MUSTCHECK enum rc audit_open(const struct audit_options *o, struct audit **out, struct fault *why);
void audit_close(struct audit **a);

struct audit_entry {
    str workspace; /* ws_... or "-" */
    str actor;     /* member, key, or a word such as "system" and "cli"; <= 128 bytes */
    str action;    /* "access.key_created"; <= 96 bytes */
    str object;    /* id of what was acted on; may be empty; <= 128 bytes */
    /* JSON object of ids and field names, STR_NONE means {}; <= 2 KiB, else RC_INVALID "audit.detail" */
    str detail;
    str address; /* client address or empty */
    str request; /* request id or empty */
};
/* One entry, in the caller's transaction. Nothing else is written in it afterwards. */
MUSTCHECK enum rc audit_put(struct audit *a, struct tx *tx, const struct audit_entry *e, struct fault *why);
/* The entry of a handler: workspace, actor, address and request id are taken from the request. */
struct audit_entry audit_of(struct request *rq, const char *action, str object, str detail);

struct audit_row {
    int64_t n, at_ms;
    str actor, action, object, detail, address, request, hash; /* hash: 64 hex characters */
};
/* Newest first, numbers below `before` (0: from the newest); limit <= 200. */
MUSTCHECK enum rc audit_list(struct tx *tx, str workspace, int64_t before, int limit, struct arena *mem,
                             struct audit_row **out, size_t *n, struct fault *why);

struct audit_head {
    int64_t n;     /* 0: no entry yet */
    char hash[65]; /* hex */
};
MUSTCHECK enum rc audit_head(struct tx *tx, str workspace, struct audit_head *out, struct fault *why);
struct audit_verdict {
    bool whole;             /* every entry from 1 to the newest is there, in order, unchanged */
    int64_t checked, bad_n; /* bad_n: the first entry that does not fit; 0 when whole */
    struct audit_head head;
};
/* Reads the whole chain in pages, outside any transaction. kept: a head noted earlier that must still be in
 * the chain (finds a cut tail); NULL: none. RC_OK with whole=false is the finding, not a fault. */
MUSTCHECK enum rc audit_verify(struct audit *a, str workspace, const struct audit_head *kept_or_null,
                               struct audit_verdict *out, struct fault *why);

extern const struct migration_table audit_migrations;
extern const struct route audit_routes[]; /* ctx: struct audit * */
extern const size_t audit_routes_n;
extern const struct problem_row audit_problems[];
extern const size_t audit_problems_n;
extern const struct metric audit_metrics[];
extern const size_t audit_metrics_n;
extern const struct alert_row audit_alerts[];
extern const size_t audit_alerts_n;
extern const struct event_doc audit_event_docs[];
extern const size_t audit_event_docs_n;
#endif
