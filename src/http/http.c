/* http: opening, draining and closing a server; tickets and streams as other threads see them.
 * Two servers live in a process: the public one and the private one (metrics, readiness, commands).
 */
#include <signal.h>
#include <unistd.h>
#include "http/conn_priv.h"

#define DRAIN_MS 5000

/* ---- open ---- */

static str origin_of(str url)
{
    size_t at;
    if (!str_find(url, STR("://"), &at)) {
        return url;
    }
    const char *slash = memchr(url.p + at + 3, '/', url.n - at - 3);
    return slash == NULL ? url : str_sub(url, 0, (size_t)(slash - url.p));
}

static enum rc read_settings(struct http *h, struct fault *why)
{
    const struct config *c = h->o.config;
    str base = config_text(c, "public.base_url");
    while (str_ends(base, STR("/"))) {
        base.n--;
    }
    h->base_url = arena_str(h->mem, base);
    h->origin = origin_of(h->base_url);
    h->https = str_starts(base, STR("https://")) && !h->o.plain_http_ok;
    h->cookie_prefix = h->o.plain_http_ok ? STR("") : STR("__Host-");
    h->max_connections = (unsigned)config_int(c, "http.max_connections");
    h->max_per_address = (unsigned)config_int(c, "http.max_per_address");
    h->queue_max = (unsigned)config_int(c, "http.queue_max");
    h->shed_us = config_int(c, "http.shed_wait_ms") * 1000;
    h->requests_max = (unsigned)config_int(c, "http.requests_per_connection");
    h->n_loops = h->is_private ? 1 : (unsigned)config_int(c, "http.event_threads");
    const int64_t per_second[RATE_COUNT] = {
        [RATE_READ] = config_int(c, "http.reads_per_second"),
        [RATE_WRITE] = config_int(c, "http.writes_per_second"),
        [RATE_EXCHANGE] = config_int(c, "http.exchanges_per_second"),
        [RATE_INTAKE] = config_int(c, "http.intake_per_second"),
    };
    h->peers = peers_open(h->mem, per_second);
    return nets_open(c, "http.trusted_proxies", h->mem, &h->proxies, why);
}

static enum rc read_tables(struct http *h, struct fault *why)
{
    const struct http_options *o = &h->o;
    struct route_table *all = arena_array(h->mem, struct route_table, o->n_tables + 1);
    must(all != NULL);
    all[0] = (struct route_table){http_own_routes, http_own_routes_n, NULL};
    size_t n = o->plain_http_ok ? 0 : 1; /* the simulator answers every path itself */
    for (size_t i = 0; i < o->n_tables; i++) {
        all[n++] = o->tables[i];
    }
    problems_open(h, o);
    return router_open(all, n, h->mem, &h->router, why);
}

static enum rc start(struct http *h, struct fault *why)
{
    enum rc rc = read_settings(h, why);
    if (rc == RC_OK) {
        rc = read_tables(h, why);
    }
    if (rc == RC_OK) {
        rc = sock_tls(h, why);
    }
    if (rc == RC_OK) {
        rc = sock_listen(h,
                         h->o.listen_text != NULL ? str_of(h->o.listen_text)
                                                  : config_text(h->o.config, h->o.listen_key),
                         why);
    }
    if (rc != RC_OK) {
        return rc;
    }
    answer_prepare(h);
    http_openapi(h, &h->openapi);
    must(buf_ok(&h->openapi));
    h->work = work_open(h);
    h->loops = mem_new(sizeof(struct loop) * h->n_loops);
    for (unsigned i = 0; i < h->n_loops; i++) {
        loop_prepare(&h->loops[i], h, i);
    }
    /* Only now: a running loop hands connections to its neighbours, which must stand. */
    for (unsigned i = 0; i < h->n_loops; i++) {
        loop_run(&h->loops[i]);
    }
    return RC_OK;
}

static void release(struct http *h)
{
    if (h->listen_fd >= 0 && h->own_socket) {
        (void)close(h->listen_fd);
    }
    if (h->unix_path.n > 0) {
        (void)unlink(h->unix_path.p);
    }
    SSL_CTX_free(h->tls);
    peers_close(h->peers);
    buf_release(&h->openapi);
    (void)pthread_mutex_destroy(&h->once_lock);
    arena_close(&h->mem);
    mem_free(h);
}

enum rc http_open(const struct http_options *o, struct http **out, struct fault *why)
{
    struct http *h = mem_new(sizeof(*h));
    (void)signal(SIGPIPE, SIG_IGN); /* OpenSSL writes without MSG_NOSIGNAL */
    h->o = *o;
    h->mem = arena_open((size_t)(16U << 20));
    h->listen_fd = -1;
    h->is_private = strcmp(o->listen_key, "http.listen") != 0;
    buf_init(&h->openapi, NULL, (size_t)(8U << 20));
    must(pthread_mutex_init(&h->once_lock, NULL) == 0);
    enum rc rc = start(h, why);
    if (rc != RC_OK) {
        release(h);
        return rc;
    }
    *out = h;
    return RC_OK;
}

/* ---- close ---- */

void http_drain(struct http *h)
{
    atomic_store(&h->draining, true);
    for (unsigned i = 0; i < h->n_loops; i++) {
        loop_ring(&h->loops[i]);
    }
    int64_t until = clock_mono_ms() + DRAIN_MS;
    while (atomic_load(&h->n_connections) > 0 && clock_mono_ms() < until) {
        struct timespec some = {0, 5000000};
        (void)nanosleep(&some, NULL);
    }
}

void http_close(struct http **h)
{
    if (*h == NULL) {
        return;
    }
    atomic_store(&(*h)->draining, true);
    work_close(&(*h)->work);
    atomic_store(&(*h)->stopping, true);
    for (unsigned i = 0; i < (*h)->n_loops; i++) {
        loop_ring(&(*h)->loops[i]);
    }
    for (unsigned i = 0; i < (*h)->n_loops; i++) {
        loop_join(&(*h)->loops[i]);
    }
    for (unsigned i = 0; i < (*h)->n_loops; i++) {
        loop_release(&(*h)->loops[i]);
    }
    mem_free((*h)->loops);
    release(*h);
    *h = NULL;
}

/* ---- what other threads say ---- */

static struct loop *loop_of(struct http *h, uint64_t ticket)
{
    unsigned no = (unsigned)(ticket >> 56);
    must(no < h->n_loops);
    return &h->loops[no];
}

void http_reply(struct http *h, uint64_t ticket, enum rc rc, const char *code_or_null, int64_t retry_after_s)
{
    struct note n = {.kind = NOTE_REPLY, .rc = rc, .ticket = ticket, .retry_s = retry_after_s};
    n.row = rc == RC_OK ? NULL : http_problem(h, code_or_null, rc);
    loop_note(loop_of(h, ticket), &n);
}

void http_hold(bool on)
{
    loops_hold(on);
}

void http_stream_send(struct http *h, uint64_t stream, str bytes)
{
    struct note n = {.kind = NOTE_SEND, .ticket = stream, .bytes = mem_new(bytes.n), .n = bytes.n};
    memcpy(n.bytes, bytes.p, bytes.n);
    loop_note(loop_of(h, stream), &n);
}

void http_stream_close(struct http *h, uint64_t stream)
{
    struct note n = {.kind = NOTE_CLOSE, .ticket = stream};
    loop_note(loop_of(h, stream), &n);
}

void request_done(struct request *rq)
{
    struct note n = {.kind = NOTE_DONE, .ticket = rq->ticket, .rq = rq};
    loop_note(loop_of(rq->h, rq->ticket), &n);
}

/* ---- small questions ---- */

int http_port(const struct http *h)
{
    return h->port;
}

str http_base_url(const struct http *h)
{
    return h->base_url;
}

const struct route *http_routes(const struct http *h, size_t i)
{
    const struct row *row = router_row(h->router, i);
    return row == NULL ? NULL : row->route;
}
