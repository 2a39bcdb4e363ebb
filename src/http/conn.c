/* conn: one connection, known to its event thread alone. Bytes in -> requests, one at a time -> bytes out.
 * Flow: readable -> process (head, body, dispatch, again while bytes are left) -> flush. While a handler has
 * the request, what comes next waits; while the client does not take its answer, nothing more is read from
 * it. What can go wrong: every way of being slow has a deadline in conn_sweep; a closed connection's slot
 * keeps its number, but `gen` has moved on, so that late answers find nobody.
 */
#include <sys/socket.h>
#include <unistd.h>
#include "http/conn_priv.h"

#define IN_MAX ((size_t)BODY_LIMIT + (size_t)4 * SCRATCH_BYTES)
#define WAITING_BYTES 32768U /* read ahead behind a request that is being handled */
#define PIPE_BYTES (256U << 10)
#define HEAD_MS 10000
#define BODY_MS 20000
#define BODY_BYTES_PER_S 1000
#define STALL_MS 20000
#define IDLE_MS 60000
#define IDLE_CROWDED_MS 5000
#define BUSY_MS 60000
#define LINGER_MS 2000

struct view { /* bytes not yet worked on */
    char *p;
    size_t n;
};

static bool unsent(const struct conn *c)
{
    return c->out.n > c->out_at;
}

static void enter(struct conn *c, enum conn_state s)
{
    c->state = (uint8_t)s;
    c->since_ms = c->loop->now_ms;
}

/* ---- open and close ---- */

static void pause_reading(struct conn *c)
{
    if (c->rd_on) {
        (void)event_del(&c->rd);
        c->rd_on = false;
    }
}

static void resume_reading(struct conn *c)
{
    if (!c->rd_on && !c->eof) {
        c->rd_on = event_add(&c->rd, NULL) == 0;
        if (c->ssl != NULL && SSL_pending(c->ssl) > 0) {
            event_active(&c->rd, EV_READ, 0); /* already taken from the socket: no event would come */
        }
    }
}

static bool counted(const struct conn *c)
{
    static const struct address local = {{0}};
    return memcmp(&c->from, &local, sizeof(local)) != 0 && !nets_hold(c->loop->h->proxies, &c->from);
}

void conn_open(struct loop *l, struct conn *c, int fd, const struct address *from)
{
    struct http *h = l->h;
    uint32_t slot = c->slot, gen = c->gen;
    memset(c, 0, offsetof(struct conn, head));
    c->slot = slot;
    c->gen = gen;
    c->loop = l;
    c->fd = fd;
    c->from = *from;
    c->peer = peer_get(h->peers, from);
    buf_init(&c->in, NULL, IN_MAX);
    buf_init(&c->body, NULL, IN_MAX);
    buf_init(&c->out, NULL, (size_t)(64U << 20));
    if (counted(c) && !peer_connect(c->peer, h->max_per_address)) {
        metric_add(&http_metrics[METRIC_DROPPED], 1, "address", NULL);
        peer_put(h->peers, c->peer);
        (void)close(fd);
        loop_forget(l, c);
        return;
    }
    must(event_assign(&c->rd, l->base, fd, EV_READ | EV_PERSIST, conn_readable, c) == 0);
    must(event_assign(&c->wr, l->base, fd, EV_WRITE | EV_PERSIST, conn_writable, c) == 0);
    enter(c, C_IDLE);
    if (h->tls != NULL) {
        c->ssl = SSL_new(h->tls);
        must(c->ssl != NULL && SSL_set_fd(c->ssl, fd) == 1);
        SSL_set_accept_state(c->ssl);
        enter(c, C_SHAKING);
    }
    resume_reading(c);
}

void conn_close(struct conn *c)
{
    struct loop *l = c->loop;
    const struct stream_hooks *k = &l->h->o.hooks.stream;
    if (c->state == C_STREAM && k->closed != NULL) {
        k->closed(k->arg, conn_ticket(c));
    }
    (void)event_del(&c->rd);
    (void)event_del(&c->wr);
    if (c->ssl != NULL) {
        (void)SSL_shutdown(c->ssl);
        SSL_free(c->ssl);
    }
    (void)close(c->fd);
    if (counted(c)) {
        peer_disconnect(c->peer);
    }
    peer_put(l->h->peers, c->peer);
    buf_release(&c->in);
    buf_release(&c->body);
    buf_release(&c->out);
    loop_forget(l, c);
}

/* ---- bytes out ---- */

void conn_want_write(struct conn *c)
{
    if (!c->wr_on) {
        c->wr_on = event_add(&c->wr, NULL) == 0;
    }
}

void conn_send(struct conn *c, str bytes)
{
    if (bytes.n == 0) {
        return;
    }
    if (!unsent(c)) {
        long r = sock_write(c, bytes);
        if (r == IO_END) {
            conn_close(c);
            return;
        }
        size_t sent = r > 0 ? (size_t)r : 0;
        if (sent == bytes.n) {
            return;
        }
        bytes = str_sub(bytes, sent, bytes.n - sent);
        c->stalled_ms = c->loop->now_ms;
    }
    buf_put(&c->out, bytes);
    if (!buf_ok(&c->out)) {
        conn_close(c);
        return;
    }
    conn_want_write(c);
}

/* Everything is said: our side is closed, and what the client still sends is thrown away for a moment,
 * because closing with unread bytes would make the kernel send a reset that can destroy the answer on its
 * way. */
static void linger(struct conn *c)
{
    if (c->eof) {
        conn_close(c);
        return;
    }
    if (c->ssl != NULL) {
        (void)SSL_shutdown(c->ssl);
    }
    (void)shutdown(c->fd, SHUT_WR);
    buf_release(&c->in);
    buf_release(&c->body);
    enter(c, C_LINGER);
    resume_reading(c);
}

void conn_flush(struct conn *c)
{
    struct loop *l = c->loop;
    str bytes = buf_str(&l->out);
    if (!buf_ok(&l->out)) {
        conn_close(c);
    } else {
        conn_send(c, bytes);
    }
    buf_clear(&l->out);
    if (l->out.cap > (size_t)(1U << 20)) {
        buf_release(&l->out);
    }
    if (c->state == C_FREE || c->state == C_LINGER || c->state == C_SPOIL) {
        return;
    }
    if (unsent(c)) {
        pause_reading(c);
    } else if (c->closing && c->state == C_IDLE) {
        linger(c);
    }
}

void conn_finish(struct conn *c)
{
    c->gen = c->gen == UINT32_MAX ? 1 : c->gen + 1;
    c->requests++;
    if (c->body.cap > 0) {
        buf_release(&c->body);
    }
    enter(c, C_IDLE);
}

/* ---- bytes in ---- */

static void begin(struct conn *c)
{
    head_reset(&c->head);
    chunks_reset(&c->chunks);
    c->continued = false;
    c->first_ms = c->loop->now_ms;
    c->first_us = clock_mono_us();
    c->arrived_ms = clock_now_ms();
    enter(c, C_HEAD);
}

static bool chunked_ready(struct conn *c, struct view *v, str *body)
{
    size_t used = 0, at = c->head.bytes;
    enum read_state r = chunks_read(&c->chunks, (str){v->p + at, v->n - at}, c->cap, &c->body, &used);
    memmove(v->p + at, v->p + at + used, v->n - at - used);
    v->n -= used;
    if (r == READ_BAD) {
        dispatch_refuse(c, v->p, c->chunks.status,
                        c->chunks.status == 413 ? "http.body_too_large" : "http.malformed");
    }
    *body = (str){c->body.n > 0 ? c->body.p : "", c->body.n};
    return r == READ_DONE;
}

static bool body_ready(struct conn *c, struct view *v, str *body)
{
    if (c->head.wants_continue && !c->continued && v->n == c->head.bytes) {
        buf_put(&c->loop->out, STR("HTTP/1.1 100 Continue\r\n\r\n"));
    }
    c->continued = true;
    if (c->head.chunked) {
        return chunked_ready(c, v, body);
    }
    *body = (str){v->p + c->head.bytes, (size_t)c->head.length};
    return v->n - c->head.bytes >= c->head.length;
}

static bool head_ready(struct conn *c, struct view *v)
{
    static const struct {
        int status;
        const char *code;
    } codes[] = {{400, "http.malformed"},
                 {414, "http.target_too_long"},
                 {417, "http.expectation"},
                 {431, "http.head_too_large"},
                 {505, "http.version"}};
    enum read_state r = head_read(&c->head, v->p, v->n);
    for (size_t i = 0; r == READ_BAD && i < COUNT_OF(codes); i++) {
        if (codes[i].status == c->head.status) {
            dispatch_refuse(c, NULL, codes[i].status, codes[i].code);
            return false;
        }
    }
    if (r != READ_DONE || dispatch_head(c, v->p) != READ_DONE) {
        return false;
    }
    enter(c, C_BODY);
    return true;
}

/* One request as far as its bytes are there; false: nothing more to do now. */
static bool one(struct conn *c, struct view *v)
{
    str body;
    if (c->state == C_IDLE) {
        begin(c);
    }
    if (c->state == C_HEAD && !head_ready(c, v)) {
        return false;
    }
    if (c->state != C_BODY || !body_ready(c, v, &body)) {
        return false;
    }
    size_t used = c->head.bytes + (c->head.chunked ? 0 : (size_t)c->head.length);
    dispatch(c, v->p, body);
    v->p += used;
    v->n -= used;
    return v->n > 0 && c->state == C_IDLE && !c->closing && c->loop->out.n < PIPE_BYTES;
}

static void process(struct conn *c, struct view *v)
{
    while (v->n > 0 && one(c, v)) {
    }
}

static void keep(struct conn *c, const struct view *v, bool from_in)
{
    if (c->state == C_FREE || c->state == C_LINGER) {
        return;
    }
    if (!from_in) {
        buf_put(&c->in, (str){v->p, v->n});
    } else if (v->n == 0) {
        buf_release(&c->in);
    } else {
        memmove(c->in.p, v->p, v->n);
        c->in.n = v->n;
    }
    must(buf_ok(&c->in));
}

static bool ready(const struct conn *c)
{
    return (c->state == C_IDLE || c->state == C_HEAD || c->state == C_BODY) && !c->closing && !unsent(c);
}

/* Works on what waits in c->in, until it is used up or somebody has to be waited for. */
static void pump(struct conn *c)
{
    while (ready(c) && c->in.n > 0) {
        struct view v = {c->in.p, c->in.n};
        process(c, &v);
        bool moved = c->state != C_FREE && v.n < c->in.n;
        keep(c, &v, true);
        conn_flush(c);
        if (!moved) {
            break;
        }
    }
    if (c->state != C_FREE && ready(c) && c->eof) {
        conn_close(c); /* half a request, or none: nothing more will come */
    } else if (c->state != C_FREE && c->eof && c->state == C_IDLE && unsent(c)) {
        c->closing = true;
    }
}

static void take(struct conn *c, char *p, size_t n)
{
    if (c->state == C_LINGER || c->state == C_STREAM || c->state == C_SPOIL) {
        return;
    }
    if (c->in.n == 0 && ready(c)) {
        struct view v = {p, n};
        process(c, &v);
        keep(c, &v, false);
        if (c->state == C_FREE) {
            return;
        }
        conn_flush(c);
        if (c->state == C_IDLE && c->in.n > 0) {
            pump(c);
        }
        return;
    }
    buf_put(&c->in, (str){p, n});
    must(buf_ok(&c->in));
    if (ready(c)) {
        pump(c);
    } else if (c->in.n > WAITING_BYTES) {
        pause_reading(c);
    }
}

static void ended(struct conn *c)
{
    c->eof = true;
    pause_reading(c);
    if (c->state == C_BUSY) {
        return; /* only the client's sending side may be closed: it still gets its answer */
    }
    if (c->state == C_IDLE && (unsent(c) || c->closing)) {
        c->closing = true;
        return;
    }
    conn_close(c);
}

static bool shaken(struct conn *c)
{
    bool ok = false;
    if (!sock_shake(c, &ok)) {
        conn_close(c);
        return false;
    }
    if (ok) {
        enter(c, C_IDLE);
    }
    return ok;
}

void conn_readable(evutil_socket_t fd, short what, void *arg)
{
    struct conn *c = arg;
    struct loop *l = c->loop;
    (void)fd;
    (void)what;
    l->now_ms = clock_mono_ms();
    if (c->state == C_SHAKING && !shaken(c)) {
        return;
    }
    for (int i = 0; (i < 4 || c->ssl != NULL) && c->rd_on; i++) {
        long r = sock_read(c, l->scratch, SCRATCH_BYTES);
        if (r == IO_LATER) {
            return;
        }
        if (r == IO_END) {
            ended(c);
            return;
        }
        take(c, l->scratch, (size_t)r);
        if (c->state == C_FREE || (c->ssl == NULL && r < (long)SCRATCH_BYTES)) {
            return;
        }
    }
}

void conn_writable(evutil_socket_t fd, short what, void *arg)
{
    struct conn *c = arg;
    (void)fd;
    (void)what;
    c->loop->now_ms = clock_mono_ms();
    if (c->state == C_SHAKING && !shaken(c)) {
        return;
    }
    while (unsent(c)) {
        long r = sock_write(c, (str){c->out.p + c->out_at, c->out.n - c->out_at});
        if (r == IO_LATER) {
            return;
        }
        if (r == IO_END) {
            conn_close(c);
            return;
        }
        c->out_at += (size_t)r;
        c->stalled_ms = c->loop->now_ms;
    }
    (void)event_del(&c->wr);
    c->wr_on = false;
    c->out_at = 0;
    buf_release(&c->out);
    if (c->closing && c->state == C_IDLE) {
        linger(c);
        return;
    }
    if (c->state != C_BUSY || c->in.n <= WAITING_BYTES) {
        resume_reading(c);
    }
    pump(c);
}

/* ---- answers from elsewhere ---- */

static void answered(struct conn *c)
{
    conn_flush(c);
    if (c->state == C_IDLE && !unsent(c)) {
        resume_reading(c);
        pump(c);
    }
}

void conn_reply(struct conn *c, const struct note *n)
{
    struct request *rq = dispatch_request(c, NULL);
    if (n->retry_s > 0) {
        answer_header(rq, "Retry-After", arena_fmt(rq->mem, "%lld", (long long)n->retry_s));
    }
    if (n->rc == RC_OK) {
        answer_body(rq, 200, NULL, STR_NONE);
    } else {
        problem_answer_row(rq, n->row, n->row->status != 0 ? n->row->status : http_rc_status(n->rc),
                           STR_NONE);
    }
    dispatch_answer(c, rq);
    answered(c);
}

static void stream_open(struct conn *c, struct request *rq)
{
    const struct stream_hooks *k = &c->loop->h->o.hooks.stream;
    enter(c, C_STREAM);
    if (k->opened != NULL) {
        k->opened(k->arg, conn_ticket(c), &rq->who, head_known(rq->head, rq->base, K_LAST_EVENT));
    }
    conn_send(c, buf_str(&rq->wire));
    if (c->state != C_FREE) {
        buf_release(&c->in);
        resume_reading(c);
    }
}

void conn_done(struct conn *c, struct request *rq)
{
    struct tally *t = &c->loop->tallies[c->match.row == NULL ? c->loop->n_rows : c->match.row->index];
    t->by_class[rq->status / 100]++;
    metric_observe_us(&http_metrics[METRIC_TOOK], clock_mono_us() - rq->arrived_us,
                      rq->row == NULL ? "none" : rq->row->route->name, NULL);
    if (rq->stream) {
        stream_open(c, rq);
    } else if (rq->spoiled) {
        spoil_start(c, rq);
    } else if (!buf_ok(&rq->wire)) {
        conn_close(c);
    } else {
        c->closing = c->closing || rq->close;
        conn_finish(c);
        conn_send(c, buf_str(&rq->wire));
        if (c->state != C_FREE) {
            answered(c);
        }
    }
    request_free(&rq);
}

void conn_stream_send(struct conn *c, str bytes)
{
    if (c->out.n - c->out_at + bytes.n > STREAM_UNSENT) {
        metric_add(&http_metrics[METRIC_DROPPED], 1, "stream", NULL);
        conn_close(c);
        return;
    }
    conn_send(c, bytes);
}

/* ---- deadlines ---- */

static void sweep_reading(struct conn *c, int64_t now)
{
    int64_t took = now - c->first_ms;
    int64_t got = (int64_t)(c->head.chunked ? c->chunks.total : c->in.n);
    bool late = c->state == C_HEAD ? took > HEAD_MS : took > BODY_MS && got < took / 1000 * BODY_BYTES_PER_S;
    if (late) {
        metric_add(&http_metrics[METRIC_DROPPED], 1, "slow", NULL);
        dispatch_refuse(c, NULL, 408, "http.too_slow");
        conn_flush(c);
    }
}

static void sweep_idle(struct conn *c, int64_t now)
{
    struct http *h = c->loop->h;
    bool crowded = atomic_load(&h->n_connections) > h->max_connections / 10 * 9;
    int64_t most = c->requests == 0 ? HEAD_MS : crowded ? IDLE_CROWDED_MS : IDLE_MS;
    if (now - c->since_ms > most || (atomic_load(&h->draining) && !unsent(c))) {
        conn_close(c);
    }
}

void conn_sweep(struct conn *c, int64_t now)
{
    if (unsent(c) && now - c->stalled_ms > STALL_MS) {
        metric_add(&http_metrics[METRIC_DROPPED], 1, "stalled", NULL);
        conn_close(c);
        return;
    }
    if (c->state == C_HEAD || c->state == C_BODY) {
        sweep_reading(c, now);
    } else if (c->state == C_IDLE && !unsent(c)) {
        sweep_idle(c, now);
    } else if (c->state == C_BUSY && now - c->since_ms > BUSY_MS) {
        dispatch_refuse(c, NULL, 503, "try_again");
        conn_flush(c);
    } else if ((c->state == C_LINGER && now - c->since_ms > LINGER_MS) ||
               (c->state == C_SHAKING && now - c->since_ms > HEAD_MS) ||
               (c->state == C_STREAM && atomic_load(&c->loop->h->draining))) {
        conn_close(c);
    }
}
