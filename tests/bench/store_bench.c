/* What store_append gives: rows of 630 bytes a second, durable, on SQLite and PostgreSQL, against the plain
 * way (one transaction a row, by store_write from one thread). The last line is for scripts. The rows are
 * like webhook intake's: a time-ordered unique key of three columns and a body. */
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include "testdb.h"

enum { BODY = 630, IN_FLIGHT = 256, PRODUCERS = 2 };

static const struct migration rows[] = {
    {.number = 1001,
     .name = "bench",
     .text = "CREATE TABLE inbox (app @TEXT NOT NULL, at @INT64 NOT NULL, hash @BYTES NOT NULL, body @BYTES "
             "NOT NULL, "
             "PRIMARY KEY (app, at, hash)) @TABLE;\n"
             "CREATE TABLE plain (app @TEXT NOT NULL, at @INT64 NOT NULL, hash @BYTES NOT NULL, body @BYTES "
             "NOT NULL, "
             "PRIMARY KEY (app, at, hash)) @TABLE"},
};
static const struct migration_table tables[] = {{"bench", rows, COUNT_OF(rows)}};
static const enum val_type types[] = {VT_TEXT, VT_INT, VT_BYTES, VT_BYTES};
static const struct append_sql inbox = {
    .insert = {"b.inbox",
               "INSERT INTO inbox (app, at, hash, body) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING"},
    .pg_copy = "COPY inbox (app, at, hash, body) FROM STDIN (FORMAT binary)",
    .pg_unnest = "INSERT INTO inbox (app, at, hash, body)"
                 " SELECT * FROM unnest($1::text[], $2::bigint[], $3::bytea[], $4::bytea[])"
                 " ON CONFLICT DO NOTHING RETURNING hash",
    .types = types,
    .n = COUNT_OF(types),
    .key_col = 2,
};
static const struct sql plain = {"b.plain",
                                 "INSERT INTO plain (app, at, hash, body) VALUES ($1, $2, $3, $4)"};

static char body[BODY];
static int64_t until_ms;
static atomic_long stored, refused;

struct row {
    int64_t at;
    unsigned char hash[16];
};

static void make_row(struct row *r, uint64_t n, uint64_t who)
{
    uint64_t x = (n * 2 + who + 1) * 0x9E3779B97F4A7C15U;
    r->at = 1790000000 + (int64_t)(n / 20000); /* a second's worth of arrivals shares its create_time */
    memcpy(r->hash, &x, 8);
    x ^= x >> 31;
    x *= 0xBF58476D1CE4E5B9U;
    memcpy(r->hash + 8, &x, 8);
}

struct producer {
    struct store *store;
    uint64_t who;
    atomic_int in_flight;
    /* posted when half of what was in flight is answered: nobody spins, as event threads do not */
    sem_t room;
};

static void told(void *arg, enum rc rc)
{
    struct producer *p = arg;
    atomic_fetch_add(rc == RC_OK ? &stored : &refused, 1);
    if (atomic_fetch_sub(&p->in_flight, 1) == IN_FLIGHT / PRODUCERS / 2)
        (void)sem_post(&p->room);
}

static void *produce(void *arg)
{
    struct producer *p = arg;
    struct fault why;
    for (uint64_t n = 0; clock_mono_ms() < until_ms; n++) {
        struct row r;
        make_row(&r, n, p->who);
        while (atomic_load(&p->in_flight) >= IN_FLIGHT / PRODUCERS)
            (void)sem_wait(&p->room);
        atomic_fetch_add(&p->in_flight, 1);
        const struct val v[] = {V_TEXT(STR("7600000000000000001")), V_INT(r.at),
                                V_BYTES(((str){(const char *)r.hash, sizeof(r.hash)})),
                                V_BYTES(((str){body, BODY}))};
        if (store_append(p->store, &inbox, v, told, p, &why) != RC_OK)
            told(p, RC_FULL);
    }
    while (atomic_load(&p->in_flight) > 0)
        (void)sched_yield();
    return NULL;
}

static enum rc one_plain(struct tx *tx, void *arg, struct fault *why)
{
    const struct row *r = arg;
    return tx_exec(tx, &plain,
                   ARGS(V_TEXT(STR("7600000000000000001")), V_INT(r->at),
                        V_BYTES(((str){(const char *)r->hash, sizeof(r->hash)})),
                        V_BYTES(((str){body, BODY}))),
                   NULL, why);
}

static double cpu_s(void)
{
    struct rusage u;
    (void)getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static double run_append(struct store *s, int64_t ms, double *cpu_us)
{
    struct producer ps[PRODUCERS];
    pthread_t ts[PRODUCERS];
    atomic_store(&stored, 0);
    atomic_store(&refused, 0);
    double cpu = cpu_s();
    int64_t start = clock_mono_us();
    until_ms = clock_mono_ms() + ms;
    for (int i = 0; i < PRODUCERS; i++) {
        ps[i] = (struct producer){.store = s, .who = (uint64_t)i};
        assert_int_equal(sem_init(&ps[i].room, 0, 0), 0);
        assert_int_equal(pthread_create(&ts[i], NULL, produce, &ps[i]), 0);
    }
    for (int i = 0; i < PRODUCERS; i++)
        assert_int_equal(pthread_join(ts[i], NULL), 0);
    double took = (double)(clock_mono_us() - start) / 1e6;
    long n = atomic_load(&stored);
    *cpu_us = (cpu_s() - cpu) * 1e6 / (double)(n > 0 ? n : 1);
    if (atomic_load(&refused) > 0)
        (void)printf("refused or duplicate: %ld\n", atomic_load(&refused));
    return (double)n / took;
}

static double run_plain(struct store *s, int64_t ms)
{
    struct fault why = {.rc = RC_OK};
    uint64_t n = 0;
    int64_t start = clock_mono_us();
    until_ms = clock_mono_ms() + ms;
    for (; clock_mono_ms() < until_ms; n++) {
        struct row r;
        make_row(&r, n, 0);
        assert_rc(store_write(s, STORE_INTAKE, one_plain, &r, &why), RC_OK, &why);
    }
    return (double)n / ((double)(clock_mono_us() - start) / 1e6);
}

struct result {
    double rows, plain, cpu_us;
};

static struct result bench(bool postgres, int64_t ms)
{
    struct testdb db;
    struct result r;
    testdb_open(&db, postgres, tables, COUNT_OF(tables));
    r.plain = run_plain(db.store, ms / 2);
    r.rows = run_append(db.store, ms, &r.cpu_us);
    testdb_close(&db);
    (void)printf(
        "%-10s %9.0f rows/s appended   %7.0f rows/s one by one   ratio %5.1f   %.1f us of our CPU a row\n",
        postgres ? "postgres" : "sqlite", r.rows, r.plain, r.rows / r.plain, r.cpu_us);
    return r;
}

/* store_bench [seconds] [sqlite|postgres] */
int main(int argc, char **argv)
{
    int64_t seconds = argc > 1 ? strtol(argv[1], NULL, 10) : 5;
    const char *only = argc > 2 ? argv[2] : "";
    for (size_t i = 0; i < BODY; i++)
        body[i] = (char)('!' + i * 7 % 90);
    struct result sqlite = {0}, pg = {0};
    if (strcmp(only, "postgres") != 0)
        sqlite = bench(false, seconds * 1000);
    if (strcmp(only, "sqlite") != 0)
        pg = bench(true, seconds * 1000);
    (void)printf("store sqlite_rows=%.0f sqlite_ratio=%.1f pg_rows=%.0f pg_ratio=%.1f\n", sqlite.rows,
                 sqlite.plain > 0 ? sqlite.rows / sqlite.plain : 0, pg.rows,
                 pg.plain > 0 ? pg.rows / pg.plain : 0);
    return 0;
}
