/* dispatch: what happens between a head and an answer, on the event thread. Route, caps and rate are settled
 * before the body is read; then the request runs here (HTTP_INLINE) or goes to a worker queue as a copy of
 * its own. What can go wrong: a refusal before the body was read ends the connection, because the body is
 * still on its way.
 */
#include "http/conn_priv.h"

static bool path_of(const struct conn *c, const char *p, str *out)
{
    str raw = head_str(p, c->head.path);
    size_t n;
    if (path_decode(raw, c->loop->path, &n)) {
        *out = (str){c->loop->path, n};
        return true;
    }
    *out = raw;
    return router_rest(c->loop->h->router) != NULL;
}

/* ---- the request object of this thread ---- */

struct request *dispatch_request(struct conn *c, const char *p_or_null)
{
    struct loop *l = c->loop;
    struct request *rq = &l->rq;
    memset(rq, 0, offsetof(struct request, args));
    if (arena_used(l->mem) > 0) {
        arena_reset(l->mem);
    }
    rq->h = l->h;
    rq->mem = l->mem;
    rq->match = c->match;
    rq->row = c->match.row;
    rq->ticket = conn_ticket(c);
    rq->arrived_ms = c->arrived_ms;
    rq->arrived_us = c->first_us;
    rq->from = c->client;
    rq->rate = c->rate;
    rq->thai = c->thai;
    rq->head_only = c->head_only;
    rq->close = c->last || c->closing || c->eof || c->requests + 1 >= l->h->requests_max ||
                atomic_load_explicit(&l->h->draining, memory_order_relaxed);
    rq->inl = true;
    /* The answer to a ticket makes the same id again from the ticket; a caller's own would have to be kept.
     * */
    rq->own_id = rq->row != NULL && rq->row->route->cls == HTTP_INLINE && !c->match.wrong_method;
    buf_init(&rq->extra, l->mem, 65536);
    if (p_or_null != NULL) {
        rq->head = &c->head;
        rq->base = p_or_null;
        rq->query = c->head.query.n > 0 ? head_str(p_or_null, c->head.query) : STR_NONE;
        if (!path_of(c, p_or_null, &rq->path) || rq->row == router_rest(l->h->router)) {
            rq->path = head_str(p_or_null, c->head.path);
        }
    }
    return rq;
}

void dispatch_answer(struct conn *c, struct request *rq)
{
    struct loop *l = c->loop;
    struct tally *t = &l->tallies[c->match.row == NULL ? l->n_rows : c->match.row->index];
    t->by_class[rq->status / 100]++;
    answer_render(rq, &l->out);
    c->closing = c->closing || rq->close;
    conn_finish(c);
}

void dispatch_refuse(struct conn *c, const char *p, int status, const char *code)
{
    c->last = true; /* what follows on this connection cannot be told apart any more */
    struct request *rq = dispatch_request(c, p);
    const struct problem_row *row = http_problem(rq->h, code, RC_INVALID);
    problem_answer_row(rq, row, status, STR_NONE);
    metric_add(&http_metrics[METRIC_REFUSED], 1, row->code, NULL);
    dispatch_answer(c, rq);
}

/* ---- before the body ---- */

static enum rate_class rate_class_of(const struct row *row)
{
    static const enum rate_class of[] = {
        [HTTP_READ] = RATE_READ,     [HTTP_WRITE] = RATE_WRITE, [HTTP_EXCHANGE] = RATE_EXCHANGE,
        [HTTP_INLINE] = RATE_INTAKE, [HTTP_STREAM] = RATE_READ,
    };
    return row == NULL ? RATE_READ : of[row->route->cls];
}

static bool within_rate(struct conn *c, const char *p)
{
    struct http *h = c->loop->h;
    enum rate_class cls = rate_class_of(c->match.row);
    c->client = c->from;
    if (c->head.known[K_FORWARDED] == 0 || !nets_hold(h->proxies, &c->from)) {
        return peer_take(h->peers, c->peer, cls, &c->rate);
    }
    struct request probe = {.head = &c->head, .base = p, .mem = c->loop->mem};
    c->client = address_behind(h->proxies, rq_header(&probe, "x-forwarded-for"), &c->from);
    struct peer *peer = peer_get(h->peers, &c->client);
    bool ok = peer_take(h->peers, peer, cls, &c->rate);
    peer_put(h->peers, peer);
    return ok;
}

static size_t cap_of(const struct row *row, str path)
{
    size_t cap = BODY_DEFAULT;
    if (row != NULL && row->route->body_cap != NULL) {
        cap = row->route->body_cap(path, row->ctx);
    } else if (row != NULL && row->route->body_max > 0) {
        cap = row->route->body_max;
    }
    return cap < BODY_LIMIT ? cap : BODY_LIMIT;
}

static enum read_state refused(struct conn *c, const char *p, int status, const char *code)
{
    dispatch_refuse(c, p, status, code);
    return READ_BAD;
}

enum read_state dispatch_head(struct conn *c, const char *p)
{
    str path;
    const struct head *k = &c->head;
    c->match.row = NULL;
    c->client = c->from;
    c->rate = (struct rate){0};
    c->head_only = k->method == M_HEAD;
    c->last = k->close;
    if (!path_of(c, p, &path)) {
        return refused(c, p, 400, "http.malformed");
    }
    router_match(c->loop->h->router, path, (enum method)k->method, &c->match);
    const struct row *row = c->match.row;
    bool body = k->chunked || k->length > 0;
    if (body && k->method <= M_HEAD && (row == NULL || !row->route->raw)) {
        return refused(c, p, 400, "http.body_unexpected");
    }
    c->cap = cap_of(row, path);
    if (k->length > c->cap) {
        return refused(c, p, 413, "http.body_too_large");
    }
    c->limited = !within_rate(c, p);
    return c->limited && body ? refused(c, p, 429, "rate_limited") : READ_DONE;
}

/* ---- after the body ---- */

static void to_worker(struct conn *c, struct request *rq)
{
    enum route_class cls = rq->row->route->cls == HTTP_INLINE ? HTTP_READ : rq->row->route->cls;
    rq->inl = false;
    struct request *w = request_for_work(rq, rq->body.n);
    if (work_put(c->loop->h->work, cls, w)) {
        return;
    }
    request_free(&w);
    metric_add(&http_metrics[METRIC_FULL], 1, NULL, NULL);
    problem_answer(rq, RC_FULL, NULL, NULL);
    dispatch_answer(c, rq);
}

void dispatch(struct conn *c, const char *p, str body)
{
    struct request *rq = dispatch_request(c, p);
    rq->body = body;
    c->state = C_BUSY;
    c->since_ms = c->loop->now_ms;
    if (c->limited || rq->row == NULL) {
        problem_answer(rq, c->limited ? RC_LIMITED : RC_MISSING, NULL, NULL);
        dispatch_answer(c, rq);
        return;
    }
    bool here = rq->match.wrong_method ? rq->row->route->flag == NULL : rq->row->route->cls == HTTP_INLINE;
    if (!here) {
        to_worker(c, rq);
        return;
    }
    run_request(rq);
    if (rq->deferred) {
        c->thai = rq_lang(rq).p[0] == 't';
    } else {
        dispatch_answer(c, rq);
    }
}
