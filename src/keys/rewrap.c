/* Changing the key encryption key: rows wrapped under another one are wrapped anew, a batch per transaction;
 * what they wrap stays, so no value is touched. And the counts that say when the old KEK may go. */
#include "keys/keys_priv.h"

struct batch {
    struct keys *k;
    enum key_table table;
    size_t n;
};

static enum rc rewrap_row(struct tx *tx, struct batch *b, struct key_row *r, struct fault *why)
{
    static const char *const kinds[] = {
        [TABLE_DATA] = "data", [TABLE_PERSON] = "person", [TABLE_DAY] = "day"};
    struct wrapped w = {.kind = kinds[b->table], .owner = r->workspace, .id = r->id, .bytes = r->bytes};
    if (b->table == TABLE_PERSON)
        w.owner = arena_fmt(tx_mem(tx), STR_FMT "/" STR_FMT, STR_ARG(r->workspace), STR_ARG(r->person));
    if (b->table == TABLE_DAY)
        w.owner = arena_fmt(tx_mem(tx), "%lld", (long long)r->day);
    str old = r->kek;
    enum rc rc = kek_rewrap(&b->k->locked->kek, &w, tx_mem(tx), why);
    if (rc != RC_OK)
        return rc;
    r->bytes = w.bytes;
    r->kek = key_id(&b->k->locked->kek.primary);
    return keys_db_rewrap(tx, b->table, r, old, why);
}

static enum rc rewrap_batch(struct tx *tx, void *arg, struct fault *why)
{
    struct batch *b = arg;
    struct key_row *r;
    enum rc rc =
        keys_db_foreign(tx, b->table, key_id(&b->k->locked->kek.primary), tx_mem(tx), &r, &b->n, why);
    for (size_t i = 0; rc == RC_OK && i < b->n; i++)
        rc = rewrap_row(tx, b, &r[i], why);
    return rc;
}

static enum rc peek(struct tx *tx, void *arg, struct fault *why)
{
    struct batch *b = arg;
    struct key_row *r;
    return keys_db_foreign(tx, b->table, key_id(&b->k->locked->kek.primary), tx_mem(tx), &r, &b->n, why);
}

static bool stopping(struct keys *k)
{
    pthread_mutex_lock(&k->gate);
    bool stop = k->stop;
    pthread_mutex_unlock(&k->gate);
    return stop;
}

enum rc keys_rewrap_all(struct keys *k, struct fault *why)
{
    static const enum key_table tables[] = {TABLE_DATA, TABLE_PERSON, TABLE_DAY};
    if (k->locked->kek.other.id[0] == 0)
        return RC_OK; /* one KEK: whatever is under another cannot be opened here */
    for (size_t t = 0; t < COUNT_OF(tables); t++) {
        struct store *s = tables[t] == TABLE_DATA ? k->store : k->people;
        struct batch b = {.k = k, .table = tables[t]};
        int64_t done = 0;
        enum rc rc = store_read(s, peek, &b, why);
        while (rc == RC_OK && b.n > 0 && !stopping(k)) {
            rc = store_write(s, STORE_BULK, rewrap_batch, &b, why);
            done += rc == RC_OK ? (int64_t)b.n : 0;
        }
        if (done > 0)
            log_event(k->log, LOG_INFO, "keys.rewrapped", F_INT("keys", done));
        if (rc != RC_OK)
            return rc;
    }
    return RC_OK;
}

struct count_job {
    struct keys *k;
    enum key_table table;
    int64_t all, foreign;
};

static enum rc count(struct tx *tx, void *arg, struct fault *why)
{
    struct count_job *j = arg;
    return keys_db_count(tx, j->table, key_id(&j->k->locked->kek.primary), &j->all, &j->foreign, why);
}

static enum rc state_fn(struct tx *tx, void *arg, struct fault *why)
{
    return keys_db_state(tx, arg, why);
}

enum rc keys_status(struct keys *k, struct keys_status *out, struct fault *why)
{
    struct keys_status s = {0};
    int64_t *const counts[] = {
        [TABLE_DATA] = &s.data_keys, [TABLE_PERSON] = &s.person_keys, [TABLE_DAY] = &s.day_keys};
    for (size_t t = 0; t < COUNT_OF(counts); t++) {
        struct count_job j = {.k = k, .table = (enum key_table)t};
        enum rc rc = store_read(t == TABLE_DATA ? k->store : k->people, count, &j, why);
        if (rc != RC_OK)
            return rc;
        *counts[t] = j.all;
        s.under_other_kek += j.foreign;
    }
    enum rc rc = store_read(k->store, state_fn, &s, why);
    if (rc != RC_OK)
        return rc;
    str id = key_id(&k->locked->kek.primary);
    must(id.n < sizeof(s.kek_id));
    memcpy(s.kek_id, id.p, id.n);
    pthread_rwlock_rdlock(&k->days_lock);
    s.today = k->n_days == 0 ? 0 : k->locked->days[k->n_days - 1].day;
    pthread_rwlock_unlock(&k->days_lock);
    *out = s;
    return RC_OK;
}
