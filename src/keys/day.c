/* Day keys: made a day ahead, held in memory on every node, destroyed when the bodies under them have had
 * their time.
 *
 * Sealing takes no lock but once a day per thread; opening takes a shared lock for the look-up. What can go
 * wrong: the person store is away for more than a day, then there is no key and intake answers 503; the wall
 * clock jumps ahead, so nothing is destroyed before it has run evenly for ten minutes.
 */
#include "keys/keys_priv.h"

static int64_t day_of(int64_t ms)
{
    return ms / DAY_MS;
}

static str day_text(int64_t day, struct arena *mem)
{
    return arena_fmt(mem, "%lld", (long long)day);
}

/* ---- the list in memory ---- */

static bool list_find(struct keys *k, int64_t day, struct seal_key *out)
{
    bool found = false;
    pthread_rwlock_rdlock(&k->days_lock);
    for (size_t i = k->n_days; i-- > 0 && !found;) {
        found = k->locked->days[i].day == day;
        if (found)
            *out = k->locked->days[i].key;
    }
    pthread_rwlock_unlock(&k->days_lock);
    return found;
}

struct days_job {
    struct keys *k;
    int64_t from;
    size_t n;
    struct day_key days[DAYS_MAX];
    int64_t gone;
};

static enum rc days_read(struct tx *tx, void *arg, struct fault *why)
{
    struct days_job *j = arg;
    struct key_row *r;
    size_t n;
    enum rc rc = keys_db_days(tx, j->from, tx_mem(tx), &r, &n, why);
    j->n = 0;
    for (size_t i = 0; rc == RC_OK && i < n && j->n < DAYS_MAX; i++) {
        struct wrapped w = {
            .kind = "day", .owner = day_text(r[i].day, tx_mem(tx)), .id = r[i].id, .bytes = r[i].bytes};
        rc = kek_unwrap(&j->k->locked->kek, &w, &j->days[j->n].key, why);
        j->days[j->n++].day = r[i].day;
    }
    return rc;
}

enum rc keys_days_load(struct keys *k, struct fault *why)
{
    struct days_job *j = mem_new(sizeof(*j));
    j->k = k;
    j->from = day_of(clock_now_ms()) - k->daily_days;
    enum rc rc = store_read(k->people, days_read, j, why);
    if (rc == RC_OK) {
        pthread_rwlock_wrlock(&k->days_lock);
        memcpy(k->locked->days, j->days, sizeof(j->days));
        k->n_days = j->n;
        pthread_rwlock_unlock(&k->days_lock);
        metric_set(&keys_metrics[KEYS_M_DAYS], (int64_t)j->n, NULL, NULL);
    }
    wipe(j, sizeof(*j));
    mem_free(j);
    return rc;
}

static enum rc days_write(struct tx *tx, void *arg, struct fault *why)
{
    struct keys *k = arg;
    int64_t today = day_of(clock_now_ms());
    enum rc rc = RC_OK;
    for (int64_t day = today; rc == RC_OK && day <= today + 1; day++) {
        struct seal_key fresh;
        key_new("day", &fresh);
        struct wrapped w = {.kind = "day", .owner = day_text(day, tx_mem(tx)), .id = key_id(&fresh)};
        rc = kek_wrap(&k->locked->kek, &w, &fresh, tx_mem(tx), why);
        if (rc == RC_OK)
            rc = keys_db_day_insert(
                tx,
                &(struct key_row){
                    .day = day, .id = w.id, .bytes = w.bytes, .kek = key_id(&k->locked->kek.primary)},
                why);
        wipe(&fresh, sizeof(fresh));
    }
    return rc;
}

enum rc keys_days_make(struct keys *k, struct fault *why)
{
    struct seal_key key;
    int64_t today = day_of(clock_now_ms());
    bool there = list_find(k, today, &key) && list_find(k, today + 1, &key);
    wipe(&key, sizeof(key));
    return there ? RC_OK : store_write(k->people, STORE_INTAKE, days_write, k, why);
}

static enum rc days_delete(struct tx *tx, void *arg, struct fault *why)
{
    struct days_job *j = arg;
    return keys_db_days_delete(tx, j->from, &j->gone, why);
}

/* A jump of the wall clock by over a minute starts the time of waiting anew. */
static bool settled(struct keys *k)
{
    int64_t mono = clock_mono_ms(), offset = clock_now_ms() - mono, moved = offset - k->offset_ms;
    if (k->settled_mono_ms == 0 || moved > 60000 || moved < -60000)
        k->settled_mono_ms = mono;
    k->offset_ms = offset;
    return mono - k->settled_mono_ms >= k->settle_ms;
}

enum rc keys_days_destroy(struct keys *k, struct fault *why)
{
    if (!settled(k))
        return RC_OK;
    struct days_job *j = mem_new(sizeof(*j));
    j->from = day_of(clock_now_ms()) - k->daily_days;
    enum rc rc = store_write(k->people, STORE_BULK, days_delete, j, why);
    if (rc == RC_OK && j->gone > 0)
        log_event(k->log, LOG_INFO, "keys.days_destroyed", F_INT("keys", j->gone),
                  F_INT("before_day", j->from));
    mem_free(j);
    return rc;
}

/* ---- sealing and opening ---- */

struct day_sealer {
    struct keys *k;
    struct sealer *sealer;
    int64_t day;
};

enum rc day_sealer_open(struct keys *k, struct day_sealer **out, struct fault *why)
{
    if (k == NULL)
        return fault_set(why, RC_BUG, "keys.options", "no keys");
    struct day_sealer *d = mem_new(sizeof(*d));
    d->k = k;
    *out = d;
    return RC_OK;
}

void day_sealer_close(struct day_sealer **d)
{
    if (*d == NULL)
        return;
    sealer_close(&(*d)->sealer);
    mem_free(*d);
    *d = NULL;
}

static enum rc turn_to(struct day_sealer *d, int64_t day, struct fault *why)
{
    struct seal_key key;
    if (!list_find(d->k, day, &key))
        return fault_set(why, RC_RETRY, "keys.no_day_key", "no key for day %lld", (long long)day);
    struct sealer *fresh = NULL;
    enum rc rc = sealer_open(&key, &fresh, why);
    wipe(&key, sizeof(key));
    if (rc != RC_OK)
        return rc;
    sealer_close(&d->sealer);
    d->sealer = fresh;
    d->day = day;
    return RC_OK;
}

enum { PARTS_MAX = 8 };
static size_t day_ad(const str *ad, size_t n, str day, str out[PARTS_MAX + 2])
{
    must(n <= PARTS_MAX);
    out[0] = STR("day");
    out[1] = day;
    for (size_t i = 0; i < n; i++)
        out[2 + i] = ad[i];
    return n + 2;
}

enum rc day_seal(struct day_sealer *d, const str *ad, size_t n_ad, str plain, struct arena *mem, str *out,
                 struct fault *why)
{
    int64_t day = day_of(clock_now_ms());
    if (d->sealer == NULL || d->day != day) {
        enum rc rc = turn_to(d, day, why);
        if (rc != RC_OK)
            return rc;
    }
    str parts[PARTS_MAX + 2];
    size_t n = day_ad(ad, n_ad, (str){(const char *)&d->day, sizeof(d->day)}, parts);
    return sealer_seal(d->sealer, parts, n, plain, mem, out, why);
}

/* The day stands in the table beside the key's id, so the list is searched by id. */
static bool list_find_id(struct keys *k, str id, struct day_key *out)
{
    bool found = false;
    pthread_rwlock_rdlock(&k->days_lock);
    for (size_t i = k->n_days; i-- > 0 && !found;) {
        found = str_eq(key_id(&k->locked->days[i].key), id);
        if (found)
            *out = k->locked->days[i];
    }
    pthread_rwlock_unlock(&k->days_lock);
    return found;
}

/* Another node may have made it since our last look; asked at most once a second, not per lost body. */
static void load_again(struct keys *k)
{
    pthread_mutex_lock(&k->gate);
    bool due = clock_mono_ms() - k->reloaded_mono_ms >= 1000;
    if (due)
        k->reloaded_mono_ms = clock_mono_ms();
    pthread_mutex_unlock(&k->gate);
    struct fault why;
    if (due && keys_days_load(k, &why) != RC_OK)
        log_event(k->log, LOG_WARN, "keys.tick", F_FAULT(&why));
}

enum rc day_unseal(struct keys *k, const str *ad, size_t n_ad, str sealed, struct arena *mem, str *out,
                   struct fault *why)
{
    str id;
    struct day_key found;
    if (!sealed_key_id(sealed, &id))
        return fault_set(why, RC_DENIED, "crypto.open", "not a sealed value");
    if (!list_find_id(k, id, &found)) {
        load_again(k);
        if (!list_find_id(k, id, &found))
            return fault_set(why, RC_MISSING, "keys.destroyed", "no key " STR_FMT, STR_ARG(id));
    }
    str parts[PARTS_MAX + 2];
    size_t n = day_ad(ad, n_ad, (str){(const char *)&found.day, sizeof(found.day)}, parts);
    struct secret plain;
    enum rc rc = open_sealed(&found.key, parts, n, sealed, mem, &plain, why);
    wipe(&found, sizeof(found));
    if (rc == RC_OK)
        *out = (str){(const char *)plain.p, plain.n};
    else if (rc == RC_DENIED)
        metric_add(&keys_metrics[KEYS_M_REFUSED], 1, "day", NULL);
    return rc;
}
