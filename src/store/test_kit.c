/* See test_kit.h. */
#include <errno.h>
#include <sched.h>
#include "test_kit.h"

static const struct migration rows[] = {
    {.number = 1001,
     .name = "counts and items",
     .text = "CREATE TABLE counts (k @TEXT NOT NULL PRIMARY KEY, n @INT64 NOT NULL) @TABLE;\n"
             "CREATE TABLE items (k @TEXT NOT NULL PRIMARY KEY, v @INT64 NOT NULL CHECK (v >= 0), b @BYTES) "
             "@TABLE;\n"
             "CREATE TABLE marks (n @INT64 NOT NULL, who @INT64 NOT NULL) @TABLE"},
};
const struct migration_table kit_tables[] = {{"kit", rows, COUNT_OF(rows)}};
const size_t kit_n_tables = COUNT_OF(kit_tables);

void gate_open(struct gate *g, int want)
{
    assert_int_equal(pthread_mutex_init(&g->mu, NULL), 0);
    pthread_condattr_t a;
    assert_int_equal(pthread_condattr_init(&a), 0);
    assert_int_equal(pthread_condattr_setclock(&a, CLOCK_MONOTONIC), 0);
    assert_int_equal(pthread_cond_init(&g->all, &a), 0);
    g->want = want;
    g->here = 0;
}

void gate_pass(struct gate *g, int64_t patience_ms)
{
    struct timespec t;
    assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &t), 0);
    t.tv_nsec += (long)(patience_ms % 1000) * 1000000;
    t.tv_sec += (time_t)(patience_ms / 1000) + t.tv_nsec / 1000000000;
    t.tv_nsec %= 1000000000;
    pthread_mutex_lock(&g->mu);
    g->here++;
    if (g->here >= g->want)
        pthread_cond_broadcast(&g->all);
    while (g->here < g->want)
        if (pthread_cond_timedwait(&g->all, &g->mu, &t) == ETIMEDOUT)
            break;
    pthread_mutex_unlock(&g->mu);
}

void in_threads(int n, void *(*fn)(void *), void *args, size_t arg_size)
{
    pthread_t threads[128];
    assert_true(n <= (int)COUNT_OF(threads));
    for (int i = 0; i < n; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, fn, (char *)args + (size_t)i * arg_size), 0);
    for (int i = 0; i < n; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
}

struct number {
    struct sql q;
    int64_t n;
};

static enum rc ask_number(struct tx *tx, void *arg, struct fault *why)
{
    struct number *x = arg;
    struct rows *r;
    enum rc rc = tx_one(tx, &x->q, NO_ARGS, tx_mem(tx), &r, why);
    if (rc == RC_OK)
        x->n = row_int(r, 0);
    return rc;
}

int64_t kit_number(struct testdb *db, const char *sql_text)
{
    struct number x = {.q = {"kit.number", sql_text}};
    struct fault why = {.rc = RC_OK};
    assert_rc(store_read(db->store, ask_number, &x, &why), RC_OK, &why);
    return x.n;
}

static const struct sql add = {"kit.add", "INSERT INTO counts (k, n) VALUES ($1, $2)"};
struct added {
    const char *key;
    int64_t n;
};

static enum rc run_add(struct tx *tx, void *arg, struct fault *why)
{
    const struct added *a = arg;
    return tx_exec(tx, &add, ARGS(V_TEXT(str_of(a->key)), V_INT(a->n)), NULL, why);
}

void kit_add(struct testdb *db, const char *key, int64_t n)
{
    struct fault why = {.rc = RC_OK};
    assert_rc(store_write(db->store, STORE_INTERACTIVE, run_add, &(struct added){key, n}, &why), RC_OK, &why);
}

bool kit_until(bool (*cond)(void *), void *arg)
{
    int64_t deadline = clock_mono_ms() + 10000;
    while (!cond(arg)) {
        if (clock_mono_ms() > deadline)
            return false;
        (void)sched_yield();
    }
    return true;
}
