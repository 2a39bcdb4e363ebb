/* Inside webhook: the room's state, the inbox's statements, who does what.
 *   intake.c   event threads: verify, seal, append, answer
 *   router.c   one thread: drain, find the owner, put jobs
 *   webhook.c  open/close, loading a body for a job
 *   status.c   what people see: status, retention, explain
 *   tables.c   const rows: routes, problems, metrics, settings, alerts
 */
#ifndef MZ_WEBHOOK_PRIV_H
#define MZ_WEBHOOK_PRIV_H
#include <pthread.h>
#include <stdatomic.h>
#include "keys/keys.h"
#include "webhook/webhook.h"

enum { HASH_BYTES = 16, APPS_MAX = 64, BATCH = 128 };
enum inbox_state {
    INBOX_WAITING,     /* the queue */
    INBOX_ROUTED,      /* a job has it */
    INBOX_KEPT,        /* authentic; this version does nothing with it */
    INBOX_TEST,        /* the portal's test button */
    INBOX_UNPARSABLE,  /* authentic, but no envelope */
    INBOX_UNROUTED,    /* no workspace has this business account */
    INBOX_QUARANTINED, /* too old or from the future */
    INBOX_FOREIGN,     /* names another app */
    INBOX_STATES
};
extern const char *const inbox_state_names[INBOX_STATES];

enum outcome { OUT_STORED, OUT_DUPLICATE, OUT_FAILED, OUT_STALE, OUT_QUARANTINED, OUTCOMES };
struct app_counts { /* since the start; the first three are what alarms look at */
    _Atomic int64_t bad_signature, quarantined, unrouted, last_verified_ms;
    _Atomic int64_t by[OUTCOMES]; /* since the router last gave them to the metrics: a label costs a search */
};
struct lane; /* what one event thread keeps: HMAC contexts, a sealer */
struct webhook {
    struct webhook_options o;
    struct webhook_app apps[APPS_MAX];
    struct app_counts counts[APPS_MAX];
    uint64_t epoch;       /* tells a thread that its lane is of another room */
    pthread_mutex_t lock; /* lanes, kick */
    struct lane *lanes;
    pthread_cond_t kick;
    atomic_bool kicked;
    bool stopping, running;
    _Atomic int64_t stored; /* rows since the start */
    pthread_t router;
};

struct inbox_key {
    str app;
    int64_t event_ms;
    unsigned char hash[HASH_BYTES];
};
struct inbox_row {
    struct inbox_key key;
    int64_t arrived_ms;
    str sealed;
};
/* ---- intake.c ---- */
enum rc webhook_receive(struct request *rq, void *ctx, struct fault *why);
enum rc webhook_challenge(struct request *rq, void *ctx, struct fault *why);
size_t webhook_body_cap(str path, void *ctx);
void webhook_lanes_close(struct webhook *w);
void body_hash(str body, unsigned char out[HASH_BYTES]);
size_t app_index(const struct webhook *w, str id); /* APPS_MAX: none */
void counts_flush(struct webhook *w);              /* to the metrics */
void inbox_around(bool begins);                    /* the answers of one commit leave together */
int64_t inbox_commits(void);                       /* of this process, since its start */
/* ---- router.c ---- */
void router_kick(struct webhook *w);
void *router_main(void *arg);
struct drained {
    size_t rows;
    int64_t oldest_ms; /* arrival of the first */
};
enum rc router_drain_app(struct webhook *w, size_t app, struct drained *out, struct fault *why);
/* ---- webhook_db.c ---- */
extern const struct append_sql inbox_append;
MUSTCHECK enum rc webhook_db_inbox_waiting(struct tx *tx, str app, struct arena *mem, struct inbox_row **out,
                                           size_t *n, struct fault *why);
MUSTCHECK enum rc webhook_db_inbox_mark(struct tx *tx, const struct inbox_key *k, enum inbox_state state,
                                        str workspace, const char *event, bool *mine, struct fault *why);
MUSTCHECK enum rc webhook_db_inbox_load(struct tx *tx, const struct inbox_key *k, struct arena *mem,
                                        struct rows **out, struct fault *why);
MUSTCHECK enum rc webhook_db_inbox_retain(struct tx *tx, int64_t before_ms, int64_t *deleted,
                                          struct fault *why);
MUSTCHECK enum rc webhook_db_seen_save(struct tx *tx, str app, int64_t verified_ms, int64_t test_ms,
                                       struct fault *why);
MUSTCHECK enum rc webhook_db_event_seen_save(struct tx *tx, str app, const char *event, int64_t at_ms,
                                             struct fault *why);
MUSTCHECK enum rc webhook_db_seen_find(struct tx *tx, str app, struct arena *mem, struct rows **out,
                                       struct fault *why);
/* ---- webhook.c ---- */
str ref_text(const struct inbox_key *k, struct arena *mem);
MUSTCHECK bool ref_parse(str ref, struct inbox_key *out);
MUSTCHECK enum rc body_open(struct webhook *w, const struct inbox_key *k, str sealed, struct arena *mem,
                            str *out, struct fault *why);
/* ---- status.c ---- */
enum rc webhook_status(struct request *rq, void *ctx, struct fault *why);
enum rc webhook_retain(struct job *j, void *ctx, struct fault *why);
enum rc webhook_explain_row(struct tx *tx, str workspace, str id, struct explain *out, struct fault *why);
/* ---- tables.c ---- */
#define metric_webhooks (&webhook_metrics[0])
#define metric_routed (&webhook_metrics[1])
#endif
