/* http: the inbound server. A strict HTTP/1.1 reader (own, <= 900 lines), route rows, input checks, caps,
 * cookies, CSRF, problem answers (RFC 9457), deferred replies and event streams.
 *
 * Threads: event threads (libevent) do sockets, reading, limits and routes of class HTTP_INLINE; all other
 * routes run on worker threads behind bounded queues (full: 503 with Retry-After). A request object never
 * leaves its event thread: work and results travel by id, so a client that left is simply gone. Per request:
 * connection -> head -> route and body cap known before the body is read -> body -> who (access) -> flag ->
 * permission -> Idempotency-Key -> parameters checked by the row -> handler. Owns no table; names no
 * capability: wiring hands in the tables.
 */
#ifndef MZ_HTTP_H
#define MZ_HTTP_H
#include "base/base.h"
#include "json/json.h"
#include "config/config.h"
#include "observe/observe.h"
#include "http/page.h"  /* problems, pages, faults on purpose: second part of this manual */
#include "http/shape.h" /* what a good answer looks like: third part */

enum route_class { HTTP_READ, HTTP_WRITE, HTTP_EXCHANGE, HTTP_INLINE, HTTP_STREAM };
enum param_in { IN_PATH, IN_QUERY, IN_BODY, IN_HEADER };
enum param_kind { P_TEXT, P_INT, P_FLAG, P_ID, P_ENUM, P_URL, P_CURSOR, P_LIST, P_OBJECT };
struct param { /* a handler never checks what its row can say */
    const char *name;
    enum param_in in;
    enum param_kind kind;
    bool required;
    int64_t min, max;    /* P_INT: value; text: bytes (max 0: 256); P_LIST: entries */
    const char *choices; /* P_ENUM "a|b"; P_ID: the prefix */
    const char *doc;
};
typedef enum rc (*route_fn)(struct request *rq, void *ctx, struct fault *why);
struct route {
    /* "/v1/conversations/{id}/messages"; matches with and without a final '/' only if `slash` is set.
     * "*" "/{rest*}": whatever no other row matches (simulator). */
    const char *method, *path;
    const char *name; /* operationId */
    enum route_class cls;
    enum permission need; /* PERM_NONE: public */
    const char *flag;     /* off: answers 404 like an unknown path; NULL: none */
    bool slash, form;     /* form: body is application/x-www-form-urlencoded, else JSON */
    bool raw;             /* handler reads the raw body itself */
    bool browser;         /* a page a person sees: errors are HTML pages, not problem+json */
    bool no_once;         /* POST without Idempotency-Key (browser forms, webhooks) */
    size_t body_max;      /* 0: 64 KiB */
    size_t (*body_cap)(str path, void *ctx); /* NULL: body_max; else asked before the body is read */
    const struct param *params;
    size_t n_params;
    route_fn handle;
    const char *doc;           /* summary sentence */
    const struct shape *gives; /* a good answer; NULL: an empty body */
    bool many;                 /* a page of them */
    const char *answer;        /* a sentence more about the answer, or NULL */
};
struct route_table {
    const struct route *rows;
    size_t n;
    void *ctx; /* handed to every handler of the table */
};

/* ---- what a handler reads (all strings live in rq_mem) ---- */
struct arena *rq_mem(struct request *rq);
str rq_arg(struct request *rq, const char *name); /* a declared parameter; STR_NONE when absent */
int64_t rq_int(struct request *rq, const char *name, int64_t otherwise);
bool rq_has(struct request *rq, const char *name);
const struct json *rq_json(struct request *rq); /* parsed body or NULL */
str rq_body(struct request *rq);
str rq_header(struct request *rq, const char *name); /* STR_NONE when absent; duplicates refused or joined */
str rq_cookie(struct request *rq, const char *name);
str rq_path(struct request *rq);  /* decoded once; on a row "*" "/{rest*}" as it came */
str rq_query(struct request *rq); /* raw text behind '?'; STR_NONE when none */
str rq_method(struct request *rq);
str rq_id(struct request *rq);      /* request id, in every log line and problem */
str rq_address(struct request *rq); /* client address after trusted proxies, canonical text */
str rq_lang(struct request *rq);    /* "en" or "th": ?lang=, cookie, Accept-Language */
const struct principal *rq_who(struct request *rq);
struct http *rq_http(struct request *rq);
int64_t rq_arrived_ms(struct request *rq); /* wall time of the first byte */
/* What the handler's own transaction must store; NULL when the request carries no Idempotency-Key. */
struct once {
    str workspace, principal, key, route;
    unsigned char body_hash[32];
};
const struct once *rq_once(struct request *rq);

/* ---- what a handler answers; then it returns RC_OK. Another rc becomes a problem by its code ---- */
void answer_json(struct request *rq, int status, str body);
void answer_body(struct request *rq, int status, const char *type, str body);
void answer_page(struct request *rq, int status, str html);
void answer_redirect(struct request *rq, str url); /* 303; url checked by the caller; empty: 503 */
void answer_header(struct request *rq, const char *name, str value); /* CR and LF are a broken invariant */
/* __Host-, Secure, HttpOnly, SameSite=Lax, Path=/; max_age 0 deletes */
void answer_cookie(struct request *rq, const char *name, str value, int64_t max_age_s);
void answer_form_action(struct request *rq, str origin); /* CSP, on the page before a redirect to TikTok */
enum rc answer_mistake(struct request *rq, str field, const char *en, const char *th, struct fault *why);

/* ---- deferred: an HTTP_INLINE handler takes a ticket, returns RC_OK, and any thread answers it once ---- */
uint64_t rq_defer(struct request *rq);
void http_reply(struct http *h, uint64_t ticket, enum rc rc, const char *code_or_null, int64_t retry_after_s);
void http_hold(bool on); /* this thread's replies wake nobody until it is off again: many, one wake-up */

/* ---- event streams (text/event-stream): room feed drives them ---- */
struct stream_hooks {
    void (*opened)(void *arg, uint64_t stream, const struct principal *who, str last_event_id);
    void (*closed)(void *arg, uint64_t stream);
    void *arg;
};
void http_stream_send(struct http *h, uint64_t stream, str bytes); /* closed when over 256 KiB are unsent */
void http_stream_close(struct http *h, uint64_t stream);

/* ---- what machinery needs from above, handed in by wiring ---- */
struct http_hooks {
    /* By access; RC_OK with WHO_NOBODY without a credential, RC_DENIED: a bad one (401). NULL: nobody. */
    enum rc (*who)(void *arg, struct request *rq, struct principal *out, struct fault *why);
    /* NULL: on. Asked on workers; for HTTP_INLINE rows on event threads, so it must not wait. */
    bool (*flag_on)(void *arg, str workspace_or_none, const char *flag);
    /* A stored answer for this Idempotency-Key: RC_OK found, RC_MISSING none, RC_CONFLICT other body or in
     * flight. NULL: none is kept. */
    enum rc (*once_find)(void *arg, const struct once *o, struct arena *mem, int *status, str *body,
                         struct fault *why);
    void *arg;
    struct stream_hooks stream;
};
struct http_options {
    const struct config *config; /* http.*, public.base_url */
    const char *listen_key;      /* setting that holds host:port: "http.listen" or "http.private_listen" */
    const char *listen_text;     /* not NULL: listen here; listen_key is then only the listener's name */
    const struct route_table *tables;
    size_t n_tables;
    const struct problem_table *problems;
    size_t n_problems;
    struct http_hooks hooks;
    struct log *log;
    bool plain_http_ok; /* the simulator: cookies without __Host-, no HSTS */
};
/* Listens at once. SIGPIPE is ignored in the whole process from here on. */
MUSTCHECK enum rc http_open(const struct http_options *o, struct http **out, struct fault *why);
int http_port(const struct http *h);
void http_drain(struct http *h); /* stop accepting, Connection: close, wait <= 5 s */
void http_close(struct http **h);
str http_base_url(const struct http *h);                  /* public.base_url, never from headers */
void http_openapi(const struct http *h, struct buf *out); /* OpenAPI 3.1 from the route and problem tables */
const struct route *http_routes(const struct http *h, size_t i); /* NULL past the end */
extern const struct setting http_settings[];
extern const size_t http_settings_n;
extern const struct metric http_metrics[];
extern const size_t http_metrics_n;
extern const struct problem_row http_problems[]; /* input.*, http.*, generic rows per rc, store.*, json.* */
extern const size_t http_problems_n;
#endif
