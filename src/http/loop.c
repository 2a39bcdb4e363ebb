/* loop: one event thread. It accepts from the shared listening socket, owns its connections alone, and reads
 * notes that other threads leave (answers of tickets, finished work, stream bytes): many notes, one wake-up.
 * Timeouts are kept by one sweep every 250 ms instead of a timer per connection.
 */
#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "http/conn_priv.h"

#define TICK_MS 250
#define ACCEPT_PAUSE_MS 100

#ifdef MZ_TEST
_Atomic int64_t http_skew_ms;
#endif

/* ---- notes ---- */

void loop_ring(struct loop *l)
{
    uint64_t one = 1;
    ssize_t r;
    do {
        r = write(l->wake_fd, &one, sizeof(one));
    } while (r < 0 && errno == EINTR);
}

/* A thread that answers a whole commit leaves all its notes first; else the loop would wake at the first and
 * go to sleep again before the last. Loops beyond the few remembered are rung at once. */
static _Thread_local struct {
    bool on;
    size_t n;
    struct loop *loops[8];
} held;

void loops_hold(bool on)
{
    held.on = on;
    for (size_t i = 0; !on && i < held.n; i++) {
        loop_ring(held.loops[i]);
    }
    held.n = 0;
}

static void ring_later(struct loop *l)
{
    for (size_t i = 0; i < held.n; i++) {
        if (held.loops[i] == l) {
            return;
        }
    }
    if (held.n == COUNT_OF(held.loops)) {
        loop_ring(l);
        return;
    }
    held.loops[held.n++] = l;
}

void loop_note(struct loop *l, const struct note *n)
{
    (void)pthread_mutex_lock(&l->lock);
    bool first = l->notes.n == 0;
    buf_put(&l->notes, (str){(const char *)n, sizeof(*n)});
    must(buf_ok(&l->notes));
    (void)pthread_mutex_unlock(&l->lock);
    if (first && held.on) {
        ring_later(l);
    } else if (first) {
        loop_ring(l);
    }
}

uint64_t conn_ticket(const struct conn *c)
{
    return (uint64_t)c->loop->no << 56 | (uint64_t)c->slot << 32 | c->gen;
}

struct conn *loop_conn(struct loop *l, uint64_t ticket)
{
    uint32_t slot = (uint32_t)(ticket >> 32) & 0xffffff, gen = (uint32_t)ticket;
    if (slot / CHUNK >= l->n_chunks) {
        return NULL;
    }
    struct conn *c = &l->chunks[slot / CHUNK][slot % CHUNK];
    return c->state != C_FREE && c->gen == gen ? c : NULL;
}

static void drop_note(struct note *n)
{
    if (n->kind == NOTE_DONE) {
        request_free(&n->rq);
    } else if (n->kind == NOTE_CONN) {
        (void)close(n->fd);
    }
    mem_free(n->bytes);
}

static void take_conn(struct loop *l, int fd, const struct address *from);

static void take_note(struct loop *l, struct note *n)
{
    struct conn *c = n->kind == NOTE_CONN ? NULL : loop_conn(l, n->ticket);
    if (n->kind == NOTE_CONN) {
        take_conn(l, n->fd, &n->from);
        return;
    }
    if (c != NULL && n->kind == NOTE_REPLY && c->state == C_BUSY) {
        conn_reply(c, n);
    } else if (c != NULL && n->kind == NOTE_DONE && c->state == C_BUSY) {
        conn_done(c, n->rq); /* frees it */
        n->rq = NULL;
        return;
    } else if (c != NULL && n->kind == NOTE_SEND && c->state == C_STREAM) {
        conn_stream_send(c, (str){n->bytes, n->n});
    } else if (c != NULL && n->kind == NOTE_CLOSE && c->state == C_STREAM) {
        conn_close(c);
    }
    drop_note(n);
}

static void take_notes(struct loop *l)
{
    (void)pthread_mutex_lock(&l->lock);
    struct buf empty = l->taken;
    l->taken = l->notes;
    l->notes = empty;
    (void)pthread_mutex_unlock(&l->lock);
    for (size_t at = 0; at < l->taken.n; at += sizeof(struct note)) {
        struct note n;
        memcpy(&n, l->taken.p + at, sizeof(n));
        take_note(l, &n);
    }
    buf_clear(&l->taken);
}

static void drain_accept(struct loop *l)
{
    if (l->accepting) {
        (void)event_del(&l->accept_ev);
        l->accepting = false;
    }
}

static void woken(evutil_socket_t fd, short what, void *arg)
{
    struct loop *l = arg;
    uint64_t sum;
    (void)what;
    l->now_ms = clock_mono_ms();
    while (read((int)fd, &sum, sizeof(sum)) < 0 && errno == EINTR) {
    }
    take_notes(l);
    if (atomic_load(&l->h->draining)) {
        drain_accept(l);
    }
    if (atomic_load(&l->h->stopping)) {
        (void)event_base_loopbreak(l->base);
    }
}

/* ---- connections ---- */

static struct conn *slot_take(struct loop *l)
{
    if (l->free == NULL && l->n_chunks < CHUNKS) {
        struct conn *cs = mem_new(sizeof(struct conn) * CHUNK);
        for (unsigned i = CHUNK; i > 0; i--) {
            struct conn *c = &cs[i - 1];
            c->slot = l->n_chunks * CHUNK + i - 1;
            c->gen = 1;
            c->loop = l;
            c->free_next = l->free;
            l->free = c;
        }
        l->chunks[l->n_chunks++] = cs;
    }
    struct conn *c = l->free;
    if (c != NULL) {
        l->free = c->free_next;
    }
    return c;
}

void loop_forget(struct loop *l, struct conn *c)
{
    c->state = C_FREE;
    c->gen++;
    c->free_next = l->free;
    l->free = c;
    atomic_fetch_sub(&l->n_conns, 1);
    atomic_fetch_sub(&l->h->n_connections, 1);
}

static void dropped(int fd, const char *reason)
{
    (void)close(fd);
    metric_add(&http_metrics[METRIC_DROPPED], 1, reason, NULL);
}

/* The connection is counted in l->n_conns already. */
static void take_conn(struct loop *l, int fd, const struct address *from)
{
    struct conn *c = slot_take(l);
    if (c == NULL) {
        atomic_fetch_sub(&l->n_conns, 1);
        atomic_fetch_sub(&l->h->n_connections, 1);
        dropped(fd, "total");
        return;
    }
    conn_open(l, c, fd, from);
}

/* Connections go to the loop that has fewest: whoever wakes first would otherwise take them all. */
static struct loop *emptiest(struct loop *l)
{
    struct loop *best = l;
    for (unsigned i = 0; i < l->h->n_loops; i++) {
        struct loop *other = &l->h->loops[i];
        if (atomic_load(&other->n_conns) < atomic_load(&best->n_conns)) {
            best = other;
        }
    }
    return best;
}

static void place(struct loop *l, int fd, const struct address *from)
{
    struct loop *to = emptiest(l);
    atomic_fetch_add(&to->n_conns, 1);
    if (to == l) {
        take_conn(l, fd, from);
        return;
    }
    struct note n = {.kind = NOTE_CONN, .fd = fd, .from = *from};
    loop_note(to, &n);
}

static void accept_pause(struct loop *l)
{
    (void)event_del(&l->accept_ev);
    l->accepting = false;
    l->accept_again_ms = l->now_ms + ACCEPT_PAUSE_MS;
}

static void acceptable(evutil_socket_t fd, short what, void *arg)
{
    struct loop *l = arg;
    struct address from;
    (void)fd;
    (void)what;
    l->now_ms = clock_mono_ms();
    for (int i = 0; i < 16 && !atomic_load(&l->h->draining); i++) {
        int got = sock_accept(l->h, &from);
        if (got == -2) {
            metric_add(&http_metrics[METRIC_DROPPED], 1, "descriptors", NULL);
            accept_pause(l);
        }
        if (got < 0) {
            return;
        }
        if (atomic_fetch_add(&l->h->n_connections, 1) >= l->h->max_connections) {
            atomic_fetch_sub(&l->h->n_connections, 1);
            dropped(got, "total");
            continue;
        }
        place(l, got, &from);
    }
}

/* ---- the sweep ---- */

static void flush_tallies(struct loop *l)
{
    static const char *const classes[] = {"0xx", "1xx", "2xx", "3xx", "4xx", "5xx"};
    for (size_t i = 0; i <= l->n_rows; i++) {
        const struct row *row = router_row(l->h->router, i);
        for (unsigned k = 0; k < COUNT_OF(classes); k++) {
            if (l->tallies[i].by_class[k] > 0) {
                metric_add(&http_metrics[METRIC_REQUESTS], l->tallies[i].by_class[k],
                           row == NULL ? "none" : row->route->name, classes[k]);
                l->tallies[i].by_class[k] = 0;
            }
        }
    }
}

static void tick(evutil_socket_t fd, short what, void *arg)
{
    struct loop *l = arg;
    (void)fd;
    (void)what;
    l->now_ms = clock_mono_ms();
    if (atomic_load(&l->h->stopping)) {
        (void)event_base_loopbreak(l->base);
        return;
    }
    if (atomic_load(&l->h->draining)) {
        drain_accept(l);
    } else if (!l->accepting && l->now_ms >= l->accept_again_ms) {
        l->accepting = event_add(&l->accept_ev, NULL) == 0;
    }
    for (unsigned i = 0; i < l->n_chunks; i++) {
        for (unsigned k = 0; k < CHUNK; k++) {
            if (l->chunks[i][k].state != C_FREE) {
                conn_sweep(&l->chunks[i][k], l->now_ms + SWEEP_SKEW_MS);
            }
        }
    }
    flush_tallies(l);
    if (l->no == 0) {
        metric_set(&http_metrics[METRIC_OPEN], (int64_t)atomic_load(&l->h->n_connections), l->h->o.listen_key,
                   NULL);
    }
}

/* ---- life ---- */

static void *run(void *arg)
{
    struct loop *l = arg;
    l->now_ms = clock_mono_ms();
    (void)event_base_loop(l->base, EVLOOP_NO_EXIT_ON_EMPTY);
    return NULL;
}

static void loop_memory(struct loop *l)
{
    while (router_row(l->h->router, l->n_rows) != NULL) {
        l->n_rows++;
    }
    l->tallies = mem_new(sizeof(struct tally) * (l->n_rows + 1));
    l->scratch = mem_new(SCRATCH_BYTES);
    l->path = mem_new(TARGET_BYTES + 1);
    l->mem = arena_open((size_t)(16U << 20));
    buf_init(&l->notes, NULL, (size_t)(256U << 20));
    buf_init(&l->taken, NULL, (size_t)(256U << 20));
    buf_init(&l->out, NULL, (size_t)(64U << 20));
    must(pthread_mutex_init(&l->lock, NULL) == 0);
}

/* All loops are prepared before the first one runs: it may hand a connection to any other at once. */
void loop_prepare(struct loop *l, struct http *h, unsigned no)
{
    static const struct timeval every = {0, TICK_MS * 1000};
    l->h = h;
    l->no = no;
    loop_memory(l);
    struct event_config *cfg = event_config_new();
    must(cfg != NULL && event_config_set_flag(cfg, EVENT_BASE_FLAG_NOLOCK) == 0);
    l->base = event_base_new_with_config(cfg);
    event_config_free(cfg);
    l->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    must(l->base != NULL && l->wake_fd >= 0);
    must(event_assign(&l->accept_ev, l->base, h->listen_fd, EV_READ | EV_PERSIST, acceptable, l) == 0);
    must(event_assign(&l->wake_ev, l->base, l->wake_fd, EV_READ | EV_PERSIST, woken, l) == 0);
    must(event_assign(&l->tick_ev, l->base, -1, EV_PERSIST, tick, l) == 0);
    must(event_add(&l->accept_ev, NULL) == 0 && event_add(&l->wake_ev, NULL) == 0);
    must(event_add(&l->tick_ev, &every) == 0);
    l->accepting = true;
}

void loop_run(struct loop *l)
{
    must(pthread_create(&l->thread, NULL, run, l) == 0);
}

void loop_join(struct loop *l)
{
    (void)pthread_join(l->thread, NULL);
}

void loop_release(struct loop *l)
{
    l->now_ms = clock_mono_ms();
    take_notes(l);
    for (unsigned i = 0; i < l->n_chunks; i++) {
        for (unsigned k = 0; k < CHUNK; k++) {
            if (l->chunks[i][k].state != C_FREE) {
                conn_close(&l->chunks[i][k]);
            }
        }
    }
    flush_tallies(l);
    (void)event_del(&l->accept_ev);
    (void)event_del(&l->wake_ev);
    (void)event_del(&l->tick_ev);
    event_base_free(l->base);
    (void)close(l->wake_fd);
    for (unsigned i = 0; i < l->n_chunks; i++) {
        mem_free(l->chunks[i]);
    }
    buf_release(&l->notes);
    buf_release(&l->taken);
    buf_release(&l->out);
    arena_close(&l->mem);
    mem_free(l->tallies);
    mem_free(l->scratch);
    mem_free(l->path);
    (void)pthread_mutex_destroy(&l->lock);
}
