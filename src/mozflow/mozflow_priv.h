/* Inside of room mozflow. */
#ifndef MZ_MOZFLOW_PRIV_H
#define MZ_MOZFLOW_PRIV_H
#include "mozflow/mozflow.h"
#include "access/access.h"
#include "crypto/crypto.h"

#define MOZFLOW_IDS_MAX 2048
#define MOZFLOW_BODY_MAX ((size_t)256 << 10)
#define MOZFLOW_SECRETS_MAX 3 /* active at once: one in force, two being rotated out */
#define MOZFLOW_SECRET_BYTES 32
#define MOZFLOW_PAGE 200 /* rows of one tidying or releasing transaction */
#define MOZFLOW_LOCK "mozflow_endpoint"

struct mozflow {
    struct arena *mem;
    struct mozflow_options o;
    struct mozflow_event_table *tables; /* the given ones and our own */
    size_t n_tables;
};
struct mozflow_type { /* an event's row and its table's ctx */
    const struct mozflow_event *event;
    void *ctx;
};
bool mozflow_type_of(const struct mozflow *m, str type, struct mozflow_type *out);

/* ---- rows ---- */
struct outbox_row {
    str workspace, id, type, subject, ids, state, last_code;
    int64_t created_ms, last_ms, delivered_ms, attempts, last_status;
};
struct endpoint_row {
    bool known, enabled;
    str url, off_code;
    int64_t off_ms, created_ms, updated_ms;
};
struct secret_row {
    str id, sealed;
    int64_t created_ms, until_ms; /* until 0: in force */
};

/* ---- body.c: pure ---- */
struct envelope {
    str base_url, workspace, id, type, subject, data; /* data: rendered JSON object */
    int64_t created_ms;
};
/* The CloudEvents document; STR_NONE when it does not fit. */
str mozflow_body(const struct envelope *e, struct arena *mem);
/* The key behind "whsec_...": 24 to 64 bytes, as Standard Webhooks says. */
MUSTCHECK bool mozflow_secret_parse(str text, struct arena *secret_mem, struct secret *key);
/* "v1,<base64> v1,<base64>": one per key. */
str mozflow_signature(const struct secret *keys, size_t n, const str parts[3], struct arena *mem);
/* Retry-After as a wait from now_ms, 0 when absent or unreadable; at most a day. */
int64_t mozflow_retry_after(str value, int64_t now_ms);

/* ---- endpoint.c ---- */
MUSTCHECK enum rc mozflow_keys_of(struct mozflow *m, struct tx *tx, str workspace, struct arena *secret_mem,
                                  struct secret keys[MOZFLOW_SECRETS_MAX], size_t *n, struct fault *why);
MUSTCHECK enum rc mozflow_rotate(struct mozflow *m, struct tx *tx, str workspace, struct arena *mem,
                                 str *shown, struct fault *why);

/* ---- emit.c ---- */
MUSTCHECK enum rc mozflow_put_delivery(struct tx *tx, str workspace, str id, struct fault *why);

/* ---- deliver.c, tidy.c ---- */
enum rc mozflow_run_deliver(struct job *j, void *ctx, struct fault *why);
enum rc mozflow_run_release(struct job *j, void *ctx, struct fault *why);
enum rc mozflow_run_tidy(struct job *j, void *ctx, struct fault *why);

/* ---- routes.c ---- */
enum rc mozflow_get_events(struct request *rq, void *ctx, struct fault *why);
enum rc mozflow_get_event(struct request *rq, void *ctx, struct fault *why);
enum rc mozflow_post_replay(struct request *rq, void *ctx, struct fault *why);
enum rc mozflow_get_endpoint(struct request *rq, void *ctx, struct fault *why);
enum rc mozflow_put_endpoint(struct request *rq, void *ctx, struct fault *why);
enum rc mozflow_post_rotate(struct request *rq, void *ctx, struct fault *why);
enum rc mozflow_post_test(struct request *rq, void *ctx, struct fault *why);
enum rc mozflow_explain_event(struct tx *tx, str workspace, str id, struct explain *out, struct fault *why);
enum { METRIC_EMITTED, METRIC_DELIVERY, METRIC_TIME, METRIC_AGE }; /* rows of mozflow_metrics */

/* ---- mozflow_db.c ---- */
MUSTCHECK enum rc mozflow_db_insert(struct tx *tx, const struct outbox_row *r, struct fault *why);
MUSTCHECK enum rc mozflow_db_find(struct tx *tx, str workspace, str id, struct arena *mem,
                                  struct outbox_row *out,
                                  struct fault *why); /* RC_MISSING "mozflow.no_event" */
MUSTCHECK enum rc mozflow_db_settle(struct tx *tx, const struct outbox_row *r, struct fault *why);
struct outbox_query {
    str workspace, before, state; /* before: id, newest first; state STR_NONE: all */
    str subject;                  /* STR_NONE: all */
    int limit;
};
MUSTCHECK enum rc mozflow_db_list(struct tx *tx, const struct outbox_query *q, struct arena *mem,
                                  struct outbox_row **out, size_t *n, struct fault *why);
MUSTCHECK enum rc mozflow_db_held(struct tx *tx, str workspace, int64_t since_ms, struct arena *mem,
                                  struct outbox_row **out, size_t *n, struct fault *why);
MUSTCHECK enum rc mozflow_db_tidy(struct tx *tx, int64_t before_ms, int64_t *gone, struct fault *why);
MUSTCHECK enum rc mozflow_db_endpoint(struct tx *tx, str workspace, struct arena *mem,
                                      struct endpoint_row *out,
                                      struct fault *why); /* out->known false: none */
MUSTCHECK enum rc mozflow_db_endpoint_save(struct tx *tx, str workspace, str url, bool enabled,
                                           struct fault *why);
MUSTCHECK enum rc mozflow_db_endpoint_off(struct tx *tx, str workspace, str code, struct fault *why);
MUSTCHECK enum rc mozflow_db_secrets(struct tx *tx, str workspace, struct arena *mem, struct secret_row **out,
                                     size_t *n, struct fault *why); /* active ones, newest first */
MUSTCHECK enum rc mozflow_db_secret_insert(struct tx *tx, str workspace, const struct secret_row *s,
                                           struct fault *why);
/* The ones in force end at until_ms; those already over go. */
MUSTCHECK enum rc mozflow_db_secrets_end(struct tx *tx, str workspace, int64_t until_ms, struct fault *why);
#endif
