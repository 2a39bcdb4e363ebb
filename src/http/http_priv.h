/* Inside of room http: the request object and what its files give each other. conn_priv.h holds what only the
 * event threads know. Never included outside src/http. */
#ifndef MZ_HTTP_PRIV_H
#define MZ_HTTP_PRIV_H
#include <pthread.h>
#include <stdatomic.h>
#include "http/http.h"
#include "http/page.h"
#include "http/read_priv.h"
#include "http/limits_priv.h"

#define ARGS_MAX 48 /* parameters of one route */
#define BODY_DEFAULT 65536U
#define BODY_LIMIT (32U << 20) /* no route may raise its cap above */
#define RID_TEXT 31            /* "req_", 26 characters and NUL */

enum { METRIC_REQUESTS, METRIC_REFUSED, METRIC_TOOK, METRIC_OPEN, METRIC_DROPPED, METRIC_FULL, METRIC_SHED };

/* ---- router.c: routes grouped by path; matching takes no memory ---- */
struct row {
    const struct route *route;
    void *ctx;
    size_t index;
};
struct match {
    const struct row *row; /* NULL: no such path */
    bool wrong_method;     /* the path exists; row is then any of its rows */
    unsigned allow;        /* bit per enum method */
    unsigned n_parts;
    struct slice part[PATH_PARTS]; /* into the decoded path */
};
struct router;
MUSTCHECK enum rc router_open(const struct route_table *tables, size_t n, struct arena *mem,
                              struct router **out, struct fault *why);
void router_match(const struct router *r, str path, enum method m, struct match *out);
const struct row *router_rest(const struct router *r); /* the row that takes what is left; NULL: none */
const struct row *router_row(const struct router *r, size_t i); /* NULL past the end */

/* ---- the request ---- */
struct arg {
    str s;
    int64_t i;
    bool has;
};
struct request {
    struct http *h;
    struct arena *mem;
    const struct row *row;
    struct match match;
    const struct head *head; /* NULL: the head was unreadable */
    const char *base;        /* its bytes */
    str path, query, body, id;
    char id_room[68];
    char address_room[ADDRESS_TEXT];
    struct address from;
    bool thai, inl, head_only, own_id; /* own_id: a caller's X-Request-Id does not count */
    const struct json *json;
    struct principal who;
    struct once once;
    bool has_once;
    struct rate rate; /* limit 0: not told */
    int64_t arrived_ms, arrived_us;
    uint64_t ticket;
    /* the answer */
    int status;
    const char *type;
    str content, form_action;
    struct buf extra;
    unsigned replaced; /* bit per default header that the handler set itself */
    bool answered, deferred, page, close, stream, spoiled;
    size_t spoil_keep;
    int64_t spoil_ms;
    const struct problem_row *problem;
    struct fault why;
    struct buf wire;           /* rendered by a worker */
    struct request *next;      /* in a work queue, */
    int64_t queued_us;         /* since then */
    bool shed;                 /* the queue is too slow: refuse it */
    struct arg args[ARGS_MAX]; /* last: not cleared between requests */
};

/* ---- run.c: who, flag, method, CSRF, permission, Idempotency-Key, parameters, handler ---- */
void run_request(struct request *rq); /* leaves an answer, or rq->deferred or rq->stream set */
/* input.c: fills rq->args. RC_INVALID answers itself with every mistake listed; RC_MISSING: a path id of
 * wrong shape */
MUSTCHECK enum rc input_read(struct request *rq, struct fault *why);
/* answer.c */
void answer_render(struct request *rq, struct buf *out);
void answer_prepare(struct http *h);  /* the header blocks that never change */
void answer_rate(struct request *rq); /* RateLimit fields of rq->rate */
const char *status_text(int status);
/* problem.c */
void problems_open(struct http *h, const struct http_options *o);
void problem_answer(struct request *rq, enum rc rc, const char *code, const struct fault *why_or_null);
void problem_answer_row(struct request *rq, const struct problem_row *row, int status, str errors_json);
enum rc problem_index(struct request *rq, void *ctx, struct fault *why); /* GET /errors */
enum rc problem_page(struct request *rq, void *ctx, struct fault *why);  /* GET /errors/{code} */
enum rc page_style(struct request *rq, void *ctx, struct fault *why);    /* GET /static/pages.css */
extern const struct route http_own_routes[];
extern const size_t http_own_routes_n;
/* openapi.c, shapes.c */
enum rc openapi_get(struct request *rq, void *ctx, struct fault *why);
void shapes_write(const struct http *h, struct jw *w); /* members of components.schemas */
#define RATE_HEADERS                                                                                         \
    "{\"RateLimit\":{\"$ref\":\"#/components/headers/RateLimit\"},"                                          \
    "\"RateLimit-Policy\":{\"$ref\":\"#/components/headers/RateLimitPolicy\"}}"
void shapes_answers(struct jw *w, const struct route *t); /* the good members of responses */

/* ---- work.c: bounded queues and their threads ---- */
struct work;
struct work *work_open(struct http *h);
bool work_put(struct work *w, enum route_class cls, struct request *rq); /* false: full */
void work_close(struct work **w);                                        /* runs what is queued, then ends */
struct request *request_for_work(const struct request *from, size_t body_n); /* own arena, deep copy */
void request_free(struct request **rq);
void request_done(struct request *rq); /* conn.c: back to its event thread */

/* ---- the server ---- */
struct loop;
struct http {
    struct http_options o;
    struct arena *mem;
    str base_url, origin; /* origin: scheme://host[:port] */
    bool https;
    struct router *router;
    struct peers *peers;
    struct nets *proxies;
    struct work *work;
    const struct problem_row **problems; /* sorted by code */
    size_t n_problems;
    const struct problem_row *by_rc[RC_COUNT];
    str block_json, block_page, cookie_prefix;
    struct buf openapi;
    pthread_mutex_t once_lock;
    struct once_slot {
        unsigned char key[32];
        bool used;
    } once_slots[1024];
    int listen_fd, port;
    bool is_private, own_socket;
    str unix_path;
    void *tls; /* SSL_CTX or NULL */
    unsigned n_loops, max_connections, max_per_address, queue_max, requests_max;
    int64_t shed_us;
    struct loop *loops;
    _Atomic unsigned n_connections;
    _Atomic bool draining, stopping;
};
#endif
