/* Key bytes in memory: one mapping that is locked, kept out of core dumps and wiped in forked children. A
 * small set-associative cache on top: eight ways, the oldest goes. What can go wrong: the memory-lock limit
 * is too low; then the service runs and says so once, because refusing to serve would not protect the keys
 * any better. */
#include <sys/mman.h>
#include "keys/keys_priv.h"

enum { SETS = 512, WAYS = 8, ROOM_BYTES = 64 * 1024 };

struct entry {
    char name[NAME];
    struct seal_key key;
    int64_t put_mono_ms; /* 0: free */
};
struct cells {
    struct entry at[SETS][WAYS];
    _Alignas(16) unsigned char room[ROOM_BYTES];
};
struct vault {
    pthread_mutex_t gate;
    struct cells *cells;
    size_t room_used;
};

struct vault *vault_open(struct log *log)
{
    struct vault *v = mem_new(sizeof(*v));
    void *p = mmap(NULL, sizeof(struct cells), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    must(p != MAP_FAILED);
    bool locked = mlock(p, sizeof(struct cells)) == 0;
    bool undumped = madvise(p, sizeof(struct cells), MADV_DONTDUMP) == 0;
    (void)madvise(p, sizeof(struct cells), MADV_WIPEONFORK);
    if (!locked || !undumped)
        log_event(log, LOG_WARN, "keys.memory", F_FLAG("locked", locked), F_FLAG("undumped", undumped));
    v->cells = p;
    must(pthread_mutex_init(&v->gate, NULL) == 0);
    return v;
}

void vault_close(struct vault **v)
{
    if (*v == NULL)
        return;
    wipe((*v)->cells, sizeof(struct cells));
    munmap((*v)->cells, sizeof(struct cells));
    pthread_mutex_destroy(&(*v)->gate);
    mem_free(*v);
    *v = NULL;
}

void *vault_room(struct vault *v, size_t n)
{
    size_t at = (v->room_used + 15U) & ~(size_t)15U;
    must(n <= ROOM_BYTES - at);
    v->room_used = at + n;
    return v->cells->room + at;
}

static struct entry *set_of(struct vault *v, str name)
{
    uint64_t h = 14695981039346656037U;
    for (size_t i = 0; i < name.n; i++)
        h = (h ^ (unsigned char)name.p[i]) * 1099511628211U;
    return v->cells->at[(h ^ (h >> 32)) % SETS];
}

static bool is_named(const struct entry *e, str name)
{
    return e->put_mono_ms != 0 && str_eq(str_of(e->name), name);
}

bool vault_find(struct vault *v, str name, struct seal_key *out)
{
    bool found = false;
    pthread_mutex_lock(&v->gate);
    struct entry *set = set_of(v, name);
    for (size_t i = 0; i < WAYS && !found; i++) {
        found = is_named(&set[i], name) && clock_mono_ms() - set[i].put_mono_ms < FRESH_MS;
        if (found)
            *out = set[i].key;
    }
    pthread_mutex_unlock(&v->gate);
    return found;
}

void vault_put(struct vault *v, str name, const struct seal_key *k)
{
    must(name.n > 0 && name.n < NAME);
    pthread_mutex_lock(&v->gate);
    struct entry *set = set_of(v, name), *to = &set[0];
    for (size_t i = 0; i < WAYS; i++) {
        if (is_named(&set[i], name)) {
            to = &set[i];
            break;
        }
        if (set[i].put_mono_ms < to->put_mono_ms)
            to = &set[i];
    }
    wipe(to, sizeof(*to));
    memcpy(to->name, name.p, name.n);
    to->key = *k;
    to->put_mono_ms = clock_mono_ms() + 1; /* never 0 */
    pthread_mutex_unlock(&v->gate);
}

void vault_forget(struct vault *v, str name)
{
    pthread_mutex_lock(&v->gate);
    struct entry *set = set_of(v, name);
    for (size_t i = 0; i < WAYS; i++)
        if (is_named(&set[i], name))
            wipe(&set[i], sizeof(set[i]));
    pthread_mutex_unlock(&v->gate);
}
