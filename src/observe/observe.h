/* observe: the only way to print. Typed events as JSON lines, masked by field type; metrics; and the row
 * types that every room shares (principal, permission, alert, check, metric).
 *
 * A log line is one JSON object: ts, level, event, then the typed fields in order. The field type decides the
 * form: a secret becomes "***" and 8 hex of a keyed hash, a person's value its masked form, an id stays. A
 * second net masks token shapes in free text. Thread-safe; a line is written by one write(2). Metrics are
 * per-thread shards summed at exposition. Owns no table.
 */
#ifndef MZ_OBSERVE_H
#define MZ_OBSERVE_H
#include "base/base.h"
#include "observe/explain.h" /* second part of this manual */
#include "json/json.h"
#include "config/config.h"

struct log;
enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
enum field_type {
    FT_ID,
    FT_STR,
    FT_INT,
    FT_MS,
    FT_BYTES,
    FT_FLAG,
    FT_RC,
    FT_SECRET,
    FT_PERSON,
    FT_CODE,
    FT_FAULT
};
struct field {
    const char *name;
    enum field_type type;
    str s;
    int64_t i;
    const struct fault *why;
};
#define F_ID(name, v) ((struct field){(name), FT_ID, (v), 0, NULL}) /* ids made by us or TikTok */
#define F_STR(name, v)                                                                                       \
    ((struct field){(name), FT_STR, (v), 0, NULL}) /* free text: scanned, cut at 256 bytes */
#define F_INT(name, v) ((struct field){(name), FT_INT, {NULL, 0}, (int64_t)(v), NULL})
#define F_MS(name, v) ((struct field){(name), FT_MS, {NULL, 0}, (int64_t)(v), NULL})
#define F_FLAG(name, v) ((struct field){(name), FT_FLAG, {NULL, 0}, (v) ? 1 : 0, NULL})
#define F_RC(v) ((struct field){"rc", FT_RC, {NULL, 0}, (int64_t)(v), NULL})
#define F_SECRET(name, v) ((struct field){(name), FT_SECRET, (v), 0, NULL}) /* tokens, codes, states */
#define F_PERSON(name, v)                                                                                    \
    ((struct field){(name), FT_PERSON, (v), 0, NULL}) /* names, usernames, phones, e-mail */
#define F_FAULT(w) ((struct field){"fault", FT_FAULT, {NULL, 0}, 0, (w)})

MUSTCHECK enum rc log_open(int fd, enum log_level min, struct log **out, struct fault *why);
void log_close(struct log **l);
/* log_event(log, LOG_INFO, "token.refresh", F_ID("account", id), F_MS("took", ms)); NULL log writes
 * nothing. */
#define log_event(l, level, event, ...)                                                                      \
    log_fields((l), (level), (event), (const struct field[]){__VA_ARGS__},                                   \
               sizeof((const struct field[]){__VA_ARGS__}) / sizeof(struct field))
void log_fields(struct log *l, enum log_level level, const char *event, const struct field *fs, size_t n);
/* F_MS and FT_BYTES names get their unit appended ("took" is written "took_ms"); a name used twice on a
 * line gets a number. */
/* The request or job id put on every line of this thread until cleared (NULL). */
void log_context(const char *key, str id);

/* ---- metrics: rows are declared by each room, registered once by wiring; labels bounded by the row ---- */
enum metric_kind { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };
struct metric {
    const char *name; /* "mz_webhook_total" */
    enum metric_kind kind;
    const char *labels; /* "app,outcome"; NULL: none */
    const char *doc;
};
void metrics_register(const struct metric *rows, size_t n);
/* values: label values in the row's order; more than 200 series of a row fall into "other". */
void metric_add(const struct metric *row, int64_t by, const char *v1_or_null, const char *v2_or_null);
void metric_set(const struct metric *row, int64_t value, const char *v1_or_null, const char *v2_or_null);
void metric_observe_us(const struct metric *row, int64_t us, const char *v1_or_null, const char *v2_or_null);
/* histogram: count */
int64_t metric_value(const struct metric *row, const char *v1_or_null, const char *v2_or_null);
void metrics_write(struct buf *out); /* Prometheus text exposition 0.0.4 */
extern const struct metric observe_metrics[];
extern const size_t observe_metrics_n;
size_t metrics_rows(const struct metric ***out); /* for gen-docs and tests */

/* ---- who acts ---- */
enum principal_kind { WHO_NOBODY, WHO_MEMBER, WHO_KEY, WHO_SYSTEM };
enum permission { /* each route names one; access holds role x permission; a key's scopes are these names */
                  PERM_NONE, /* public route */
                  PERM_LOGIN_START,
                  PERM_LOGIN_EXCHANGE,
                  PERM_LOGIN_LINK,
                  PERM_CONVERSATIONS_READ,
                  PERM_CONVERSATIONS_WRITE,
                  PERM_CONTACTS_READ,
                  PERM_CONTACTS_WRITE,
                  PERM_ACCOUNTS_READ,
                  PERM_ACCOUNTS_MANAGE,
                  PERM_MEMBERS_READ,
                  PERM_MEMBERS_MANAGE,
                  PERM_KEYS_MANAGE,
                  PERM_FLAGS_READ,
                  PERM_FLAGS_MANAGE,
                  PERM_EVENTS_READ,
                  PERM_EVENTS_MANAGE,
                  PERM_JOBS_READ,
                  PERM_JOBS_MANAGE,
                  PERM_AUDIT_READ,
                  PERM_EXPLAIN,
                  PERM_SESSION_SELF,
                  PERM_ALERTS_READ,
                  PERM_COUNT
};
const char *permission_name(enum permission p); /* "conversations.read" */
struct principal {
    enum principal_kind kind;
    str workspace; /* ws_... ; empty for nobody */
    str id;        /* member or key id */
    str role;      /* owner, admin, analyst, agent, auditor, or "key" */
    str session;   /* hash of the session's token; empty for keys */
    uint64_t may;  /* bit per permission, resolved by access */
};
/* ---- row types read by machinery, declared here because they are the lowest ---- */
struct alert_row {
    const char *name;     /* "webhook.bad_signature" */
    const char *severity; /* "page" or "ticket" */
    const char *en, *th;  /* what happened, what it means, what to do */
};
struct event_doc { /* a typed log event, for gen-docs and check-docs */
    const char *name;
    const char *doc;
};
#endif
