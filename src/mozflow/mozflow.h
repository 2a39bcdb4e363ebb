/* mozflow: the outbox of signed events to Mozflow, their delivery, dead ends and replay.
 *
 * Tables: mozflow_outbox (one row per event: ids only), mozflow_endpoints (one per workspace),
 * mozflow_secrets (sealed signing secrets; several are active during a rotation). mozflow_emit writes the row
 * and its delivery job in the caller's transaction. Bodies are rendered when they are delivered, by functions
 * that wiring hands in, so an erased person is not in a queue. Order is not promised; jobs serve workspaces
 * in turn. At least once: receivers keep `webhook-id`, which never changes, not by retry and not by replay.
 *
 * Body: CloudEvents 1.0 JSON {specversion, id, source "<base>/workspaces/<ws>", type "mozflow.tiktok.<type>",
 * subject, time, datacontenttype, data}. Head: Standard Webhooks webhook-id, webhook-timestamp,
 * webhook-signature with one "v1,<base64 HMAC-SHA-256 of id.timestamp.body>" per active secret ("whsec_" +
 * base64 of 32 bytes; the key is the decoded part). 2xx is success; 410 switches the endpoint off; everything
 * else, 3xx included, is tried again by retry_days, no sooner than Retry-After says; then the event is `dead`
 * until someone replays it. Without an enabled endpoint an event is `held`; switching one on releases those
 * of the last mozflow.hold_days.
 */
#ifndef MZ_MOZFLOW_H
#define MZ_MOZFLOW_H
#include "base/base.h"
#include "json/json.h"
#include "config/config.h"
#include "observe/observe.h"
#include "store/store.h"
#include "http/http.h"
#include "fetch/fetch.h"
#include "jobs/jobs.h"
#include "audit/audit.h"
#include "keys/keys.h"

/* ---- what a capability hands in: one row per event type ---- */
struct mozflow_render { /* one event being rendered, inside a read transaction */
    struct tx *tx;
    str workspace;
    str subject;
    const struct json *ids; /* what was given to mozflow_emit */
    struct arena *mem;
    void *ctx; /* the table's */
};
struct mozflow_event {
    const char *type;   /* "message.received" */
    const char *doc;    /* when it is sent, one or two sentences */
    const char *schema; /* JSON Schema (object) of `data` */
    /* Writes the members of `data` into the open object. RC_MISSING: the subject is gone (erased): the event
     * closes as `withdrawn` and nothing is sent. RC_RETRY: tried again. Others: dead, with the fault. */
    enum rc (*render)(const struct mozflow_render *r, struct jw *data, struct fault *why);
};
struct mozflow_event_table {
    const struct mozflow_event *rows;
    size_t n;
    void *ctx;
};

/* ---- emit ---- */
struct mozflow_new {
    const char *type;
    str workspace;
    str subject; /* id of the thing: msg_..., con_..., acc_... */
    str ids;     /* JSON object of ids that render needs, <= 2 KiB; STR_NONE: {} */
};
/* In the caller's transaction. RC_BUG "mozflow.unknown_type" when no row has this type. *id (may be NULL)
 * lives in tx_mem. */
MUSTCHECK enum rc mozflow_emit(struct tx *tx, const struct mozflow_new *e, str *id, struct fault *why);

/* ---- endpoint of a workspace, also used to seed a demo or test installation ---- */
struct mozflow_endpoint_set {
    str workspace;
    str url; /* shape already checked by mozflow_url_ok */
    bool enabled;
    str secret; /* "whsec_..."; STR_NONE: made when the workspace has none */
};
/* *shown is the new secret's text, to be shown once; STR_NONE when the one in force stays. */
struct mozflow;
MUSTCHECK enum rc mozflow_endpoint_save(struct mozflow *m, struct tx *tx,
                                        const struct mozflow_endpoint_set *e, struct arena *mem, str *shown,
                                        struct fault *why);
/* https (or http to an address of fetch.allow_private), no userinfo, no fragment, <= 1,024 bytes. The address
 * itself is checked at every connection. RC_INVALID "mozflow.url". */
MUSTCHECK enum rc mozflow_url_ok(const struct mozflow *m, str url, struct fault *why);

/* ---- one subject's events, newest first, <= 100: for explain ---- */
struct mozflow_sent {
    str id, type, subject, state; /* waiting, delivered, held, withdrawn, dead */
    int64_t created_ms, last_ms, delivered_ms;
    int attempts, last_status;
    str last_code;
};
MUSTCHECK enum rc mozflow_list(struct tx *tx, str workspace, str subject, struct arena *mem,
                               struct mozflow_sent **out, size_t *n, struct fault *why);

struct mozflow_options {
    struct store *store;
    struct fetch *fetch;
    struct keys *keys;
    struct audit *audit;
    struct log *log;
    const struct config *config; /* mozflow.* */
    str base_url;                /* public base URL, for `source` */
    const struct mozflow_event_table *tables;
    size_t n_tables;
};
/* RC_BUG "mozflow.duplicate_type". Open before jobs_open: mozflow_jobs names it as ctx. */
MUSTCHECK enum rc mozflow_open(const struct mozflow_options *o, struct mozflow **out, struct fault *why);
void mozflow_close(struct mozflow **m);

extern const struct job_kind mozflow_jobs[]; /* ctx: struct mozflow * */
extern const size_t mozflow_jobs_n;
extern const struct job_schedule mozflow_schedules[];
extern const size_t mozflow_schedules_n;
/* GET /v1/events, GET /v1/events/{id}, POST /v1/events/{id}/replay, GET|PUT /v1/events/endpoint,
 * POST /v1/events/endpoint/rotate-secret, POST /v1/events/endpoint/test. ctx: struct mozflow * */
extern const struct route mozflow_routes[];
extern const size_t mozflow_routes_n;
extern const struct problem_row mozflow_problems[];
extern const size_t mozflow_problems_n;
extern const struct mozflow_event mozflow_own_events[]; /* "endpoint.test": mozflow_open adds it */
extern const size_t mozflow_own_events_n;
extern const struct migration_table mozflow_migrations;
extern const struct keys_column mozflow_sealed[];
extern const size_t mozflow_sealed_n;
extern const struct setting mozflow_settings[];
extern const size_t mozflow_settings_n;
extern const struct metric mozflow_metrics[];
extern const size_t mozflow_metrics_n;
extern const struct alert_row mozflow_alerts[];
extern const size_t mozflow_alerts_n;
extern const struct explain_row mozflow_explain[]; /* "evt_" */
extern const size_t mozflow_explain_n;
extern const struct event_doc mozflow_event_docs[]; /* log events */
extern const size_t mozflow_event_docs_n;
#endif
