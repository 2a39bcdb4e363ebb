/* webhook: prove it is TikTok, store once, route by event name.
 *
 * POST /webhooks/tiktok/{app}: HMAC-SHA-256 over "t.body" with the app's current and previous secret, in
 * constant time, before anything is parsed (reliability-security 3.2); time classes of 3.3: |dt| <= 300 s
 * fresh, up to 73 h old stale (kept: the seven-day dedupe is the replay defence), older or over 300 s ahead
 * quarantine. One row in webhook_inbox, its body sealed under the day's key; 200 only after the commit. Key =
 * (app, event_ms of the envelope, 128-bit hash of the raw body): never the signature's t, so a re-signed
 * retry is still a duplicate. Replies: 200 stored or duplicate; 401 bad or missing signature; 413; 503 +
 * Retry-After when full, failing or draining. Never 200 without a row, never 4xx for our own faults.
 *
 * Tables: webhook_inbox (no workspace yet: exempt), webhook_seen (last verified and test times per app),
 * webhook_seen_events (the same for each event's name).
 * Threads: intake runs on http's event threads; one router thread drains unrouted rows in arrival order, <=
 * 128 a batch (while commits are full it rests, until a row is 10 s old: decision 0009), finds account and
 * workspace, puts the keyed jobs and marks the rows in one transaction. A second node's router waits on the
 * lock ("router", app). What can go wrong: unknown events, unparsable but authentic bodies and events of
 * unknown accounts are kept, counted and answered 200, because a refusal would make TikTok repeat them for 72
 * h.
 */
#ifndef MZ_WEBHOOK_H
#define MZ_WEBHOOK_H
#include "base/base.h"
#include "json/json.h"
#include "http/http.h"
#include "store/store.h"
#include "jobs/jobs.h"
#include "observe/observe.h"

struct webhook;
struct keys;

/* One row per app whose webhooks are received; secrets live as long as the room. */
struct webhook_app {
    str id;                          /* path segment, [a-z0-9_-]{1,32} */
    str kind;                        /* login_kit, accounts, ads */
    str client_key;                  /* must equal the envelope's */
    struct secret current, previous; /* previous may be empty */
    int64_t previous_until_ms;       /* previous is refused from then on; 0: no end */
    size_t body_max;                 /* 1 MiB; ads 8 MiB */
};

/* The envelope, parsed after the commit. content is the inner JSON, parsed a second time (NULL: not JSON). */
struct webhook_event {
    str app, name, client_key, user_openid, content_text;
    int64_t create_time_s, arrived_ms;
    const struct json *content;
    str ref; /* "app.event_ms.hash": names the inbox row in jobs, explain and logs */
};
enum webhook_scope { WEBHOOK_BUSINESS, WEBHOOK_INSTALLATION };
/* A capability's row for one event name. */
struct webhook_row {
    const char *event;        /* "im_receive_msg" */
    enum webhook_scope scope; /* BUSINESS: user_openid must be a connected business account */
    const char *job_kind;     /* NULL: kept and counted, "not shown yet" */
    /* The order key of its job from the event (pure), e.g. "in:<conversation>"; NULL: no order. */
    str (*order_key)(const struct webhook_event *ev, struct arena *mem);
    const char *doc;
};
struct webhook_table {
    const struct webhook_row *rows;
    size_t n;
};
/* Who owns a business account: handed in by wiring (accounts). RC_MISSING: unknown. */
typedef enum rc (*webhook_find_owner)(struct tx *tx, str client_key, str user_openid, struct arena *mem,
                                      str *workspace, str *account, struct fault *why);
/* Tells the owner's room that a verified event for this account arrived; once per account and batch. */
typedef enum rc (*webhook_saw_owner)(struct tx *tx, str workspace, str account, int64_t at_ms,
                                     struct fault *why);
struct webhook_options {
    struct store *store;
    struct keys *keys;
    struct log *log;
    const struct config *config;
    const struct webhook_app *apps;
    size_t n_apps;
    const struct webhook_table *tables;
    size_t n_tables;
    webhook_find_owner find_owner;
    webhook_saw_owner saw_owner;
};
/* RC_INVALID "webhook.empty_secret": HMAC under an empty key is computable by anyone. */
MUSTCHECK enum rc webhook_open(const struct webhook_options *o, struct webhook **out, struct fault *why);
MUSTCHECK enum rc webhook_start(struct webhook *w, struct fault *why); /* the router thread */
void webhook_stop(struct webhook *w);
void webhook_close(struct webhook **w);
/* Routes everything that waits, on this thread: tests. */
MUSTCHECK enum rc webhook_route_all(struct webhook *w, struct fault *why);

/* For the job that handles a routed event: args {"ref":...,"account":...}. The body is opened and parsed
 * again. RC_MISSING "webhook.gone" after retention; RC_INVALID "webhook.content" when the content is no JSON.
 * */
MUSTCHECK enum rc webhook_load(struct webhook *w, str ref, struct arena *mem, struct webhook_event *out,
                               struct fault *why);

/* Is this very body stored as a delivery to this app? For the loopback check. */
MUSTCHECK enum rc webhook_arrived(struct tx *tx, str app, str body, bool *found, struct fault *why);
struct webhook_last { /* the last verified event of each name that a row above knows */
    str event;
    int64_t at_ms;
};
MUSTCHECK enum rc webhook_lasts(struct tx *tx, str app, struct arena *mem, struct webhook_last **out,
                                size_t *n, struct fault *why);

/* ---- pure parts ---- */
struct signature {
    int64_t t_s;
    unsigned char s[32];
};
/* "t=<digits>,s=<64 hex>": parts by name in any order, blanks after commas, unknown parts ignored;
 * duplicates, signs, overflow and bad hex refused. */
MUSTCHECK bool signature_parse(str header, struct signature *out);
enum time_class { TIME_FRESH, TIME_STALE, TIME_QUARANTINE };
enum time_class time_classify(int64_t t_s, int64_t now_ms);
/* create_time of the envelope's top level by a bounded scan (4 KiB), without parsing; 0 when not found. */
int64_t envelope_create_time(str body);
/* The same in ms; with the content's own "timestamp" when that is within 5 s: finer, so that keys of a burst
 * are in order. Of the body alone: a repetition gives the same. */
int64_t envelope_event_ms(str body);
/* RC_INVALID "webhook.unparsable". Strings live in mem. */
MUSTCHECK enum rc webhook_parse(str body, struct arena *mem, struct webhook_event *out, struct fault *why);

extern const struct migration_table webhook_migrations; /* 3000+ */
extern const struct route webhook_routes[];             /* ctx: struct webhook */
extern const size_t webhook_routes_n;
extern const struct job_kind webhook_jobs[]; /* retention; ctx: struct webhook */
extern const size_t webhook_jobs_n;
extern const struct job_schedule webhook_schedules[];
extern const size_t webhook_schedules_n;
extern const struct problem_row webhook_problems[];
extern const size_t webhook_problems_n;
extern const struct metric webhook_metrics[];
extern const size_t webhook_metrics_n;
extern const struct setting webhook_settings[];
extern const size_t webhook_settings_n;
extern const struct alert_row webhook_alerts[];
extern const size_t webhook_alerts_n;
extern const struct event_doc webhook_event_docs[];
extern const size_t webhook_event_docs_n;
extern const struct explain_row webhook_explain[];
extern const size_t webhook_explain_n;
#endif
