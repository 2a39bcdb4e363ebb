/* What a claim costs when 100,000 jobs wait on one key, against a queue that holds only the job to claim; and
 * how many jobs a second go through 8 workers. Both databases. Usage: jobs_bench [waiting] [rounds] [jobs].
 * The table is for people, the last line for scripts: "jobs key=value ...". */
#include "testdb.h"
#include "jobs/jobs_priv.h"
#include "crypto/crypto.h"

/* Straight into the tables: what is measured is not the putting. */
static const struct sql fill_jobs = {
    "bench.fill_jobs",
    "INSERT INTO jobs (workspace_id, id, kind, cls, lane, state, sort_ms, seq, due_ms, attempts, crashes, "
    "args, put_ms)"
    " WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < $1)"
    " SELECT 'ws_hot', 'job_hot' || i, 'b.strict', 4, 'hot', 0, 0, i, 0, 0, 0, '{}', 0 FROM s"};
static const struct sql fill_lane = {"bench.fill_lane",
                                     "INSERT INTO job_lanes (workspace_id, cls, lane, ready_ms, fence, seq)"
                                     " VALUES ('ws_hot', 4, 'hot', 0, 0, $1)"};

struct bench {
    struct testdb db;
    struct config *config;
    struct jobs *jobs;
    int64_t waiting, rounds, n_jobs;
    _Atomic int64_t done;
    const char *key;
};

static enum rc run_one(struct job *j, void *ctx, struct fault *why)
{
    struct bench *b = ctx;
    enum rc rc = job_done(j, why);
    b->done += rc == RC_OK;
    return rc;
}

static const int64_t waits[] = {1000};
static const struct retry_row once = {"once", waits, 1, 2, 0};
static const struct job_kind kinds[] = {
    {"b.strict", JOB_STRICT, JOBS_SYNC, &once, 0, run_one, "hot key"},
    {"b.free", JOB_FREE, JOBS_DELIVER, &once, 0, run_one, "throughput"},
};

static enum rc fill_fn(struct tx *tx, void *arg, struct fault *why)
{
    const struct bench *b = arg;
    enum rc rc = tx_exec(tx, &fill_jobs, ARGS(V_INT(b->waiting)), NULL, why);
    return rc == RC_OK ? tx_exec(tx, &fill_lane, ARGS(V_INT(b->waiting)), NULL, why) : rc;
}

static enum rc put_fn(struct tx *tx, void *arg, struct fault *why)
{
    const struct bench *b = arg;
    const struct job_new n = {.kind = "b.strict", .workspace = STR("ws_hot"), .key = str_of(b->key)};
    return jobs_put(tx, &n, why);
}

static enum rc puts_fn(struct tx *tx, void *arg, struct fault *why)
{
    (void)arg;
    const struct job_new n = {.kind = "b.free", .workspace = STR("ws_a")};
    for (int i = 0; i < 100; i++) {
        enum rc rc = jobs_put(tx, &n, why);
        if (rc != RC_OK)
            return rc;
    }
    return RC_OK;
}

static int by_size(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* Median microseconds of claiming one job; the claimed one is finished outside the measured time. */
static double claim_us(struct bench *b, bool put_first)
{
    struct fault why;
    int64_t *took = test_calloc((size_t)b->rounds, sizeof *took), wait;
    for (int64_t i = 0; i < b->rounds; i++) {
        struct job *j = NULL;
        if (put_first)
            assert_rc(store_write(b->db.store, STORE_INTERACTIVE, put_fn, b, &why), RC_OK, &why);
        int64_t start = clock_mono_us();
        size_t n = crew_claim(&b->jobs->crews[JOBS_SYNC], 1, &j, &wait);
        took[i] = clock_mono_us() - start;
        assert_int_equal(n, 1);
        j->runs = JOBS_SLICE; /* the lane goes back, so that the next round claims again */
        assert_rc(job_done(j, &why), RC_OK, &why);
        job_free(&j);
    }
    qsort(took, (size_t)b->rounds, sizeof *took, by_size);
    double median = (double)took[b->rounds / 2];
    test_free(took);
    return median;
}

static double jobs_per_second(struct bench *b)
{
    struct fault why;
    for (int64_t i = 0; i < b->n_jobs / 100; i++)
        assert_rc(store_write(b->db.store, STORE_INTERACTIVE, puts_fn, b, &why), RC_OK, &why);
    b->done = 0;
    int64_t start = clock_mono_ms(), until = start + 120000;
    assert_rc(jobs_start(b->jobs, &why), RC_OK, &why);
    while (b->done < b->n_jobs / 100 * 100 && clock_mono_ms() < until)
        usleep(1000);
    int64_t took = clock_mono_ms() - start;
    assert_int_equal(b->done, b->n_jobs / 100 * 100);
    jobs_stop(b->jobs);
    return (double)b->done * 1000 / (double)(took > 0 ? took : 1);
}

struct figures {
    double empty_us, hot_us, per_second;
};

static struct figures measure(struct bench *b, bool postgres)
{
    struct fault why;
    struct figures f;
    static struct migration_table t[1];
    const struct setting_table s[] = {{jobs_settings, jobs_settings_n}};
    char *env[] = {NULL};
    struct job_table table = {kinds, COUNT_OF(kinds), b};
    t[0] = jobs_migrations;
    testdb_open(&b->db, postgres, t, 1);
    assert_rc(config_load(s, 1, STR_NONE, env, &b->config, &why), RC_OK, &why);
    const struct jobs_options o = {
        .store = b->db.store, .config = b->config, .tables = &table, .n_tables = 1, .node = "bench"};
    assert_rc(jobs_open(&o, &b->jobs, &why), RC_OK, &why);
    f.per_second = jobs_per_second(b);
    jobs_close(&b->jobs); /* its workers would eat what the claims below are to find */
    assert_rc(jobs_open(&o, &b->jobs, &why), RC_OK, &why);
    b->key = "cold";
    (void)claim_us(b, true); /* warm up */
    f.empty_us = claim_us(b, true);
    assert_rc(store_write(b->db.store, STORE_BULK, fill_fn, b, &why), RC_OK, &why);
    f.hot_us = claim_us(b, false);
    jobs_close(&b->jobs);
    config_close(&b->config);
    testdb_close(&b->db);
    return f;
}

int main(int argc, char **argv)
{
    struct bench b = {.waiting = argc > 1 ? strtol(argv[1], NULL, 10) : 100000,
                      .rounds = argc > 2 ? strtol(argv[2], NULL, 10) : 300,
                      .n_jobs = argc > 3 ? strtol(argv[3], NULL, 10) : 20000};
    crypto_start();
    struct figures lite = measure(&b, false), pg = measure(&b, true);
    printf("%lld jobs wait on one key; median of %lld claims; %lld jobs through 8 workers\n",
           (long long)b.waiting, (long long)b.rounds, (long long)b.n_jobs);
    printf("%-12s %14s %14s %8s %10s\n", "database", "empty queue us", "hot key us", "ratio", "jobs/s");
    printf("%-12s %14.0f %14.0f %8.2f %10.0f\n", "SQLite", lite.empty_us, lite.hot_us,
           lite.hot_us / lite.empty_us, lite.per_second);
    printf("%-12s %14.0f %14.0f %8.2f %10.0f\n", "PostgreSQL", pg.empty_us, pg.hot_us,
           pg.hot_us / pg.empty_us, pg.per_second);
    printf("jobs ratio=%.2f pg_ratio=%.2f claim_us=%.0f pg_claim_us=%.0f jobs_s=%.0f pg_jobs_s=%.0f\n",
           lite.hot_us / lite.empty_us, pg.hot_us / pg.empty_us, lite.hot_us, pg.hot_us, lite.per_second,
           pg.per_second);
    return 0;
}
