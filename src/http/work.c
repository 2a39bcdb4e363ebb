/* work: bounded queues and threads for the routes that may wait (database, TikTok). One queue per class, so
 * that slow code exchanges never stop reads. Full: the event thread answers 503 with Retry-After. Reads that
 * stand in a slow queue are refused as well, by the worker that would have run them. A request
 * here owns its memory; its connection may be gone when it is done.
 */
#include "http/http_priv.h"

#define CLASSES 3 /* HTTP_READ (and HTTP_STREAM), HTTP_WRITE, HTTP_EXCHANGE */
#define THREADS_MAX 64

struct queue {
    pthread_mutex_t lock;
    pthread_cond_t some;
    struct request *first, *last;
    unsigned n, max;
    int64_t shed_us, slow_us; /* 0: never sheds; since when every request has waited longer than that, or 0 */
    bool ending;
    pthread_t threads[THREADS_MAX];
    unsigned n_threads;
};
struct work {
    struct queue queues[CLASSES];
};

static struct queue *queue_of(struct work *w, enum route_class cls)
{
    must(cls != HTTP_INLINE);
    return &w->queues[cls == HTTP_STREAM ? HTTP_READ : cls];
}

/* As CoDel does it: a short queue may be long for a moment, a standing one is overload (decision 0015). */
static bool too_slow(struct queue *q, const struct request *rq)
{
    int64_t now = clock_mono_us();
    if (q->shed_us == 0 || now - rq->queued_us < q->shed_us) {
        q->slow_us = 0;
    } else if (q->slow_us == 0) {
        q->slow_us = now;
    }
    return q->slow_us != 0 && now - q->slow_us >= q->shed_us;
}

static struct request *next_of(struct queue *q)
{
    (void)pthread_mutex_lock(&q->lock);
    while (q->first == NULL && !q->ending) {
        (void)pthread_cond_wait(&q->some, &q->lock);
    }
    struct request *rq = q->first;
    if (rq != NULL) {
        q->first = rq->next;
        q->last = q->first == NULL ? NULL : q->last;
        q->n--;
        rq->shed = too_slow(q, rq);
    }
    (void)pthread_mutex_unlock(&q->lock);
    return rq;
}

static void *worker(void *arg)
{
    struct queue *q = arg;
    struct request *rq;
    while ((rq = next_of(q)) != NULL) {
        log_context("request", rq_id(rq));
        run_request(rq);
        log_context("request", STR_NONE);
        request_done(rq);
    }
    return NULL;
}

static void queue_open(struct queue *q, unsigned threads, unsigned max)
{
    must(pthread_mutex_init(&q->lock, NULL) == 0 && pthread_cond_init(&q->some, NULL) == 0);
    q->max = max;
    q->n_threads = threads < THREADS_MAX ? threads : THREADS_MAX;
    for (unsigned i = 0; i < q->n_threads; i++) {
        must(pthread_create(&q->threads[i], NULL, worker, q) == 0);
    }
}

static bool class_used(const struct http *h, enum route_class cls)
{
    const struct row *row;
    for (size_t i = 0; (row = router_row(h->router, i)) != NULL; i++) {
        enum route_class c = row->route->cls == HTTP_STREAM ? HTTP_READ : row->route->cls;
        /* An inline row behind a flag is asked for on a worker when its method is wrong. */
        if (c == cls || (cls == HTTP_READ && row->route->flag != NULL)) {
            return true;
        }
    }
    return false;
}

struct work *work_open(struct http *h)
{
    static const char *const keys[CLASSES] = {"http.threads_read", "http.threads_write",
                                              "http.threads_exchange"};
    struct work *w = mem_new(sizeof(*w));
    for (int i = 0; i < CLASSES; i++) {
        unsigned threads = (unsigned)config_int(h->o.config, keys[i]);
        if (!class_used(h, (enum route_class)i)) {
            threads = 0;
        } else if (h->is_private) {
            threads = 1;
        }
        queue_open(&w->queues[i], threads, h->queue_max);
        w->queues[i].shed_us = i == HTTP_READ && !h->is_private ? h->shed_us : 0;
    }
    return w;
}

bool work_put(struct work *w, enum route_class cls, struct request *rq)
{
    struct queue *q = queue_of(w, cls);
    (void)pthread_mutex_lock(&q->lock);
    bool ok = q->n < q->max && !q->ending && q->n_threads > 0;
    if (ok) {
        rq->next = NULL;
        rq->queued_us = clock_mono_us();
        if (q->last == NULL) {
            q->first = rq;
        } else {
            q->last->next = rq;
        }
        q->last = rq;
        q->n++;
        (void)pthread_cond_signal(&q->some);
    }
    (void)pthread_mutex_unlock(&q->lock);
    return ok;
}

static void queue_close(struct queue *q)
{
    (void)pthread_mutex_lock(&q->lock);
    q->ending = true;
    (void)pthread_cond_broadcast(&q->some);
    (void)pthread_mutex_unlock(&q->lock);
    for (unsigned i = 0; i < q->n_threads; i++) {
        (void)pthread_join(q->threads[i], NULL);
    }
    (void)pthread_cond_destroy(&q->some);
    (void)pthread_mutex_destroy(&q->lock);
}

void work_close(struct work **w)
{
    if (*w == NULL) {
        return;
    }
    for (int i = 0; i < CLASSES; i++) {
        queue_close(&(*w)->queues[i]);
    }
    mem_free(*w);
    *w = NULL;
}

/* ---- requests that travel ---- */

static str copied(struct arena *mem, str s)
{
    str c = arena_str(mem, s);
    must(c.p != NULL || s.p == NULL);
    return c;
}

struct request *request_for_work(const struct request *from, size_t body_n)
{
    struct arena *mem = arena_open((size_t)(16U << 20) + body_n * 8);
    struct request *rq = arena_new(mem, struct request);
    struct head *head = arena_new(mem, struct head);
    must(rq != NULL && head != NULL);
    *rq = *from;
    *head = *from->head;
    rq->mem = mem;
    rq->head = head;
    rq->base = copied(mem, (str){from->base, from->head->bytes}).p;
    rq->path = copied(mem, from->path);
    rq->query = from->query.p == NULL ? STR_NONE : head_str(rq->base, head->query);
    rq->body = copied(mem, from->body);
    if (from->id.n > 0) {
        rq->id = (str){rq->id_room, from->id.n};
    }
    buf_init(&rq->extra, mem, 65536);
    buf_init(&rq->wire, NULL, (size_t)(64U << 20));
    return rq;
}

void request_free(struct request **rq)
{
    struct arena *mem = (*rq)->mem;
    buf_release(&(*rq)->wire);
    *rq = NULL;
    arena_close(&mem);
}
