/* limits: what one address may do: open connections, and requests per second by class. One record per address
 * (an IPv6 /64 counts as one). A bucket is one atomic time ("virtual time" of GCRA): the hot path of a
 * keep-alive connection is one compare-and-swap without a lock. A table full of live records makes new
 * addresses share one record, so that a flood of addresses is limited as a whole and takes no more memory.
 */
#include "http/http_priv.h"

#define PEERS_MAX 32768U
#define SHARDS 64U
#define SLOTS 256U /* hash chains per shard */
#define BURST_SECONDS 2

struct peer {
    unsigned char key[16];
    struct peer *next;
    _Atomic unsigned conns;
    _Atomic int64_t due_us[RATE_COUNT]; /* when the bucket would be full again */
    unsigned refs;                      /* under the shard's lock */
    bool shared;
};
struct shard {
    pthread_mutex_t lock;
    struct peer *chain[SLOTS];
    struct peer *all; /* PEERS_MAX / SHARDS records */
    unsigned used;
    struct peer *free;
};
struct peers {
    struct shard shards[SHARDS];
    int64_t per_second[RATE_COUNT];
    struct peer overflow;
};

struct peers *peers_open(struct arena *mem, const int64_t per_second[RATE_COUNT])
{
    struct peers *ps = arena_new(mem, struct peers);
    must(ps != NULL);
    memcpy(ps->per_second, per_second, sizeof(ps->per_second));
    ps->overflow.shared = true;
    for (unsigned i = 0; i < SHARDS; i++) {
        must(pthread_mutex_init(&ps->shards[i].lock, NULL) == 0);
    }
    return ps;
}

void peers_close(struct peers *ps)
{
    for (unsigned i = 0; ps != NULL && i < SHARDS; i++) {
        mem_free(ps->shards[i].all);
        (void)pthread_mutex_destroy(&ps->shards[i].lock);
    }
}

static uint64_t hash_key(const unsigned char key[16])
{
    uint64_t a, b;
    memcpy(&a, key, 8);
    memcpy(&b, key + 8, 8);
    uint64_t h = (a ^ (b * 0x9e3779b97f4a7c15U)) * 0xff51afd7ed558ccdU;
    return h ^ (h >> 32);
}

static void key_of(const struct address *a, unsigned char key[16])
{
    static const unsigned char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    memcpy(key, a->ip, 16);
    if (memcmp(a->ip, mapped, sizeof(mapped)) != 0) {
        memset(key + 8, 0, 8); /* IPv6: the /64 */
    }
}

static bool in_debt(const struct peer *p, int64_t now)
{
    for (int c = 0; c < RATE_COUNT; c++) {
        if (atomic_load_explicit(&p->due_us[c], memory_order_relaxed) > now) {
            return true;
        }
    }
    return false;
}

/* Takes every record that nobody holds and that owes nothing out of the chains. */
static void sweep(struct shard *s)
{
    int64_t now = clock_mono_us();
    for (unsigned i = 0; i < SLOTS; i++) {
        struct peer **at = &s->chain[i];
        while (*at != NULL) {
            struct peer *p = *at;
            if (p->refs == 0 && !in_debt(p, now)) {
                *at = p->next;
                p->next = s->free;
                s->free = p;
            } else {
                at = &p->next;
            }
        }
    }
}

static struct peer *record(struct shard *s)
{
    if (s->all == NULL) {
        s->all = mem_new(sizeof(struct peer) * (PEERS_MAX / SHARDS));
    }
    if (s->free == NULL && s->used < PEERS_MAX / SHARDS) {
        return &s->all[s->used++];
    }
    if (s->free == NULL) {
        sweep(s);
    }
    struct peer *p = s->free;
    if (p != NULL) {
        s->free = p->next;
    }
    return p;
}

static void forget(struct peer *p, const unsigned char key[16])
{
    memcpy(p->key, key, 16);
    p->refs = 0;
    atomic_store(&p->conns, 0);
    for (int c = 0; c < RATE_COUNT; c++) {
        atomic_store(&p->due_us[c], 0);
    }
}

struct peer *peer_get(struct peers *ps, const struct address *a)
{
    unsigned char key[16];
    key_of(a, key);
    uint64_t h = hash_key(key);
    struct shard *s = &ps->shards[h % SHARDS];
    (void)pthread_mutex_lock(&s->lock);
    struct peer **chain = &s->chain[(h / SHARDS) % SLOTS];
    struct peer *p = *chain;
    while (p != NULL && memcmp(p->key, key, 16) != 0) {
        p = p->next;
    }
    if (p == NULL && (p = record(s)) != NULL) {
        forget(p, key);
        p->next = *chain;
        *chain = p;
    }
    if (p != NULL) {
        p->refs++;
    }
    (void)pthread_mutex_unlock(&s->lock);
    return p == NULL ? &ps->overflow : p;
}

void peer_put(struct peers *ps, struct peer *p)
{
    if (p->shared) {
        return;
    }
    struct shard *s = &ps->shards[hash_key(p->key) % SHARDS];
    (void)pthread_mutex_lock(&s->lock);
    must(p->refs > 0);
    p->refs--;
    (void)pthread_mutex_unlock(&s->lock);
}

bool peer_connect(struct peer *p, unsigned max)
{
    if (atomic_fetch_add(&p->conns, 1) < max) {
        return true;
    }
    atomic_fetch_sub(&p->conns, 1);
    return false;
}

void peer_disconnect(struct peer *p)
{
    must(atomic_fetch_sub(&p->conns, 1) > 0);
}

bool peer_take(struct peers *ps, struct peer *p, enum rate_class c, struct rate *out)
{
    static const char *const names[RATE_COUNT] = {[RATE_READ] = "reads",
                                                  [RATE_WRITE] = "writes",
                                                  [RATE_EXCHANGE] = "exchanges",
                                                  [RATE_INTAKE] = "intake"};
    int64_t rate = ps->per_second[c];
    if (rate == 0) {
        *out = (struct rate){0};
        return true;
    }
    int64_t step = 1000000 / rate > 0 ? 1000000 / rate : 1;
    int64_t depth = step * rate * BURST_SECONDS;
    int64_t now = clock_mono_us();
    int64_t due = atomic_load_explicit(&p->due_us[c], memory_order_relaxed);
    int64_t next;
    do {
        next = (due > now ? due : now) + step;
        if (next - now > depth) {
            int64_t wait = next - now - depth;
            *out = (struct rate){names[c], rate * BURST_SECONDS, BURST_SECONDS,
                                 0,        BURST_SECONDS,        wait / 1000000 + 1};
            return false;
        }
    } while (!atomic_compare_exchange_weak(&p->due_us[c], &due, next));
    *out = (struct rate){names[c],
                         rate * BURST_SECONDS,
                         BURST_SECONDS,
                         (depth - (next - now)) / step,
                         (next - now) / 1000000 + 1,
                         0};
    return true;
}
