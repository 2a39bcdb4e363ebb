/* The queue on both databases: order, leases and fences, crashes, retries, dead letters, fairness, schedules. */
#include "unit.h"
#include "testdb.h"
#include "jobs/jobs_priv.h"
#include "crypto/crypto.h"
#include <signal.h>
#include <sys/wait.h>

static const struct migration test_rows[] = {
    {99000, "effects",
     "CREATE TABLE test_effects (workspace_id @TEXT NOT NULL, id @TEXT NOT NULL, tag @TEXT NOT NULL,"
     " times @INT64 NOT NULL, at @INT64 NOT NULL, PRIMARY KEY (workspace_id, id)) @TABLE",
     0}};
static const struct migration_table test_migrations = {"jobs_test", test_rows, 1};
static const struct sql effect_put = {
    "test.effect", "INSERT INTO test_effects (workspace_id, id, tag, times, at) VALUES ($1, $2, $3, 1, $4)"
                   " ON CONFLICT (workspace_id, id) DO UPDATE SET times = test_effects.times + 1"};
static const struct sql effect_list = {
    "test.effects", "SELECT tag, times FROM test_effects WHERE workspace_id = $1 ORDER BY at, id"};
static const struct sql effect_sum = {
    "test.sum", "SELECT COUNT(*), SUM(times) FROM test_effects WHERE workspace_id <> $1"};
static const struct sql lanes_left = {"test.lanes",
                                      "SELECT COUNT(*) FROM job_lanes WHERE workspace_id <> $1"};

/* ---- one world: a fresh store and the kinds under test ---- */
struct world {
    struct testdb *db;
    struct store *store;
    struct config *config;
    struct jobs *jobs;
    struct arena *mem;
    _Atomic int fail_times; /* the next so many runs answer fail_rc */
    enum rc fail_rc;
    _Atomic int ran;
    _Atomic int64_t order;
    int kill_at;   /* the process kills itself in this run */
    str only_fail; /* ... of the job with this tag only */
};

struct effect {
    struct job *job;
    str tag;
    int64_t at;
};

static enum rc effect_fn(struct tx *tx, void *arg, struct fault *why)
{
    struct effect *e = arg;
    return tx_exec(tx, &effect_put,
                   ARGS(V_TEXT(job_workspace(e->job)), V_TEXT(job_id(e->job)), V_TEXT(e->tag), V_INT(e->at)),
                   NULL, why);
}

static enum rc run_effect(struct job *j, void *ctx, struct fault *why)
{
    struct world *w = ctx;
    struct effect e = {.job = j};
    assert_true(json_str(job_args(j), "tag", &e.tag));
    int n = ++w->ran;
    if (w->kill_at && n == w->kill_at)
        kill(getpid(), SIGKILL);
    if ((w->only_fail.n == 0 || str_eq(w->only_fail, e.tag)) && w->fail_times > 0) {
        w->fail_times--;
        return fault_set(why, w->fail_rc, "test.failed", "as told");
    }
    e.at = ++w->order;
    return job_commit(j, effect_fn, &e, why);
}

static enum rc run_forgets(struct job *j, void *ctx, struct fault *why)
{
    (void)j;
    (void)ctx;
    (void)why;
    return RC_OK;
}

static const int64_t ms_waits[] = {1000, 2000};
static const struct retry_row three = {"three", ms_waits, 2, 3, 10};
static const struct job_kind kinds[] = {
    {"t.free", JOB_FREE, JOBS_SYNC, &three, 0, run_effect, "free"},
    {"t.one", JOB_ONE, JOBS_SYNC, &three, 0, run_effect, "one"},
    {"t.strict", JOB_STRICT, JOBS_SYNC, &three, 0, run_effect, "strict"},
    {"t.forgets", JOB_FREE, JOBS_BULK, &three, 0, run_forgets, "forgets to end its job"},
    {"t.tick", JOB_FREE, JOBS_BULK, &three, 0, run_effect, "scheduled"},
};

static struct config *config_for(char *const *env)
{
    struct config *c = NULL;
    struct fault why;
    const struct setting_table t[] = {{jobs_settings, jobs_settings_n}, {store_settings, store_settings_n}};
    static char *none[] = {NULL};
    assert_int_equal(config_load(t, 2, STR_NONE, env ? env : none, &c, &why), RC_OK);
    return c;
}

static struct jobs *node_open(struct world *w)
{
    struct fault why = {0};
    struct jobs *j = NULL;
    struct job_table *t = arena_new(w->mem, struct job_table);
    *t = (struct job_table){kinds, COUNT_OF(kinds), w};
    const struct jobs_options o = {
        .store = w->store, .config = w->config, .tables = t, .n_tables = 1, .node = "n"};
    assert_int_equal(jobs_open(&o, &j, &why), RC_OK);
    return j;
}

static const struct migration_table *const room_tables[] = {&jobs_migrations, &test_migrations};

static int world_open(void **state)
{
    struct world *w = test_calloc(1, sizeof *w);
    w->db = testdb_open(*state, room_tables, 2);
    w->store = testdb_store(w->db);
    w->mem = arena_open((size_t)32 << 20);
    static char env0[] = "MZ_JOBS_THREADS_SYNC=20";
    static char *env[] = {env0, NULL};
    w->config = config_for(env);
    w->jobs = node_open(w);
    *state = w;
    return 0;
}

static int world_close(void **state)
{
    struct world *w = *state;
    jobs_close(&w->jobs);
    config_close(&w->config);
    testdb_close(&w->db);
    arena_close(&w->mem);
    test_free(w);
    return 0;
}

/* ---- acts ---- */
static enum rc put_fn(struct tx *tx, void *arg, struct fault *why)
{
    return jobs_put(tx, arg, why);
}

static void put_due(struct world *w, struct job_new n, const char *tag)
{
    struct fault why = {0};
    n.args = arena_fmt(w->mem, "{\"tag\":\"%s\"}", tag);
    if (!n.workspace.p)
        n.workspace = STR("ws_a");
    enum rc rc = store_write(w->store, STORE_INTERACTIVE, put_fn, &n, &why);
    if (rc != RC_OK)
        fail_msg("put: %s %s %s", rc_name(rc), why.code, why.detail);
}

static void put(struct world *w, const char *kind, const char *key, const char *tag)
{
    put_due(w, (struct job_new){.kind = kind, .key = str_of(key)}, tag);
}

struct sum {
    struct arena *mem;
    int64_t rows, times;
    str tags;
    const struct sql *q;
    str workspace;
};

static enum rc sum_fn(struct tx *tx, void *arg, struct fault *why)
{
    struct sum *s = arg;
    struct rows *r;
    enum rc rc = tx_one(tx, s->q, ARGS(V_TEXT(STR("none"))), s->mem, &r, why);
    if (rc == RC_OK) {
        s->rows = row_int(r, 0);
        s->times = s->q == &effect_sum ? row_int(r, 1) : 0;
    }
    return rc;
}

static int64_t count(struct world *w, const struct sql *q, int64_t *times)
{
    struct fault why = {0};
    struct sum s = {.mem = w->mem, .q = q};
    assert_int_equal(store_read(w->store, sum_fn, &s, &why), RC_OK);
    if (times)
        *times = s.times;
    return s.rows;
}

static enum rc tags_fn(struct tx *tx, void *arg, struct fault *why)
{
    struct sum *s = arg;
    struct rows *r;
    struct buf b;
    enum rc rc = tx_query(tx, &effect_list, ARGS(V_TEXT(s->workspace)), s->mem, &r, why);
    buf_init(&b, s->mem, 1 << 20);
    while (rc == RC_OK && rows_next(r)) {
        buf_put(&b, row_text(r, 0));
        if (row_int(r, 1) != 1)
            buf_put(&b, STR("!"));
    }
    s->tags = b.n ? buf_str(&b) : STR("");
    return rc;
}

static void assert_tags(struct world *w, const char *ws, const char *want)
{
    struct fault why = {0};
    struct sum s = {.mem = w->mem, .workspace = str_of(ws)};
    assert_int_equal(store_read(w->store, tags_fn, &s, &why), RC_OK);
    assert_string_equal(arena_cstr(w->mem, s.tags), want);
}

struct dead {
    struct arena *mem;
    struct dead_letter *at;
    size_t n;
    str id;
};

static enum rc dead_fn(struct tx *tx, void *arg, struct fault *why)
{
    struct dead *d = arg;
    return jobs_dead_list(tx, STR("ws_a"), STR_NONE, 100, d->mem, &d->at, &d->n, why);
}

static enum rc replay_fn(struct tx *tx, void *arg, struct fault *why)
{
    struct dead *d = arg;
    return jobs_dead_replay(tx, STR("ws_a"), d->id, why);
}

static struct dead dead_now(struct world *w)
{
    struct fault why = {0};
    struct dead d = {.mem = w->mem};
    assert_int_equal(store_read(w->store, dead_fn, &d, &why), RC_OK);
    return d;
}

/* Claims like a worker would, without running: what a killed process leaves. */
static struct job *claim(struct jobs *j, enum job_class cls, size_t want)
{
    struct job *list = NULL;
    int64_t wait;
    (void)crew_claim(&j->crews[cls], want, &list, &wait);
    return list;
}

static void drop(struct job *list)
{
    while (list) {
        struct job *j = list;
        list = j->next;
        job_free(&j);
    }
}

/* ---- order ---- */
static void test_strict_waits_for_its_head(void **state)
{
    struct world *w = *state;
    for (const char *t = "abcdef"; *t; t++)
        put(w, "t.strict", "out:1", (char[]){*t, 0});
    w->fail_times = 1;
    w->fail_rc = RC_RETRY;
    jobs_drain(w->jobs); /* a fails; nothing passes it */
    assert_tags(w, "ws_a", "");
    clock_shift_ms(2000);
    jobs_drain(w->jobs);
    assert_tags(w, "ws_a", "abcdef");
    assert_int_equal(count(w, &lanes_left, NULL), 0);
}

static void test_one_lets_others_pass_a_waiting_retry(void **state)
{
    struct world *w = *state;
    for (const char *t = "abcdef"; *t; t++) {
        put(w, "t.one", "in:1", (char[]){*t, 0});
        clock_shift_ms(1);
    }
    w->fail_times = 1;
    w->fail_rc = RC_RETRY;
    jobs_drain(w->jobs);
    assert_tags(w, "ws_a", "bcdef");
    clock_shift_ms(2000);
    jobs_drain(w->jobs);
    assert_tags(w, "ws_a", "bcdefa");
}

static void test_a_lane_is_in_one_hand(void **state)
{
    struct world *w = *state;
    put(w, "t.one", "in:1", "a");
    put(w, "t.one", "in:1", "b");
    put(w, "t.one", "in:2", "c");
    struct job *first = claim(w->jobs, JOBS_SYNC, 10);
    assert_non_null(first);
    assert_non_null(first->next);
    assert_null(first->next->next); /* two lanes, two jobs */
    assert_null(claim(w->jobs, JOBS_SYNC, 10));
    drop(first);
}

static void test_due_and_later(void **state)
{
    struct world *w = *state;
    struct fault why = {0};
    put_due(w, (struct job_new){.kind = "t.one", .key = STR("k"), .due_ms = store_clock(w->store) + 60000},
            "late");
    put(w, "t.one", "k", "now");
    jobs_drain(w->jobs);
    assert_tags(w, "ws_a", "now");
    clock_shift_ms(60001);
    struct job *j = claim(w->jobs, JOBS_SYNC, 1);
    assert_int_equal(job_attempt(j), 1);
    assert_int_equal(job_later(j, store_clock(w->store) + 5000, &why), RC_OK);
    drop(j);
    jobs_drain(w->jobs);
    assert_tags(w, "ws_a", "now");
    clock_shift_ms(5001);
    j = claim(w->jobs, JOBS_SYNC, 1);
    assert_int_equal(job_attempt(j), 1); /* later uses no attempt */
    job_give_back(j);
    drop(j);
    jobs_drain(w->jobs);
    assert_tags(w, "ws_a", "nowlate");
}

static void test_unique_while_waiting(void **state)
{
    struct world *w = *state;
    const struct job_new n = {.kind = "t.free", .unique = STR("u1")};
    put_due(w, n, "a");
    put_due(w, n, "b");
    struct job *j = claim(w->jobs, JOBS_SYNC, 10);
    assert_non_null(j);
    assert_null(j->next);
    put_due(w, n, "c"); /* the first has begun and may have read what changed since: this one counts */
    assert_null(job_run(j));
    drop(j);
    jobs_drain(w->jobs);
    assert_tags(w, "ws_a", "ac");
}

/* ---- leases, fences, crashes ---- */
static void test_a_late_commit_is_refused(void **state)
{
    struct world *w = *state;
    struct fault why = {0};
    put(w, "t.one", "in:1", "a");
    struct job *lost = claim(w->jobs, JOBS_SYNC, 1);
    assert_non_null(lost);
    struct jobs *other = node_open(w);
    jobs_drain(other);
    assert_tags(w, "ws_a", ""); /* leased */
    clock_shift_ms(JOB_LEASE_MS + 1);
    struct job *taken = claim(other, JOBS_SYNC, 1);
    assert_non_null(taken);
    struct effect e = {.job = lost, .tag = STR("late")};
    assert_int_equal(job_commit(lost, effect_fn, &e, &why), RC_DENIED);
    assert_string_equal(why.code, "jobs.fenced");
    assert_tags(w, "ws_a", "");
    e = (struct effect){.job = taken, .tag = STR("a")};
    assert_int_equal(job_commit(taken, effect_fn, &e, &why), RC_OK);
    e = (struct effect){.job = lost, .tag = STR("later")};
    assert_int_equal(job_commit(lost, effect_fn, &e, &why), RC_DENIED); /* the lane is gone altogether */
    assert_tags(w, "ws_a", "a");
    drop(lost);
    drop(taken);
    jobs_close(&other);
}

static void test_three_vanished_claims_end_a_job(void **state)
{
    struct world *w = *state;
    put(w, "t.free", NULL, "bad");
    for (int i = 0; i < 3; i++) {
        struct job *j = claim(w->jobs, JOBS_SYNC, 1);
        assert_non_null(j);
        struct fault why = {0};
        if (i > 0) /* what job_run does before the handler; then the process dies */
            assert_int_equal(job_begin_suspect(j, &why), RC_OK);
        drop(j);
        clock_shift_ms(JOB_LEASE_MS + 1);
    }
    put(w, "t.free", NULL, "good");
    jobs_drain(w->jobs);
    assert_tags(w, "ws_a", "good");
    struct dead d = dead_now(w);
    assert_int_equal(d.n, 1);
    assert_string_equal(arena_cstr(w->mem, d.at[0].code), "jobs.crashed");
}

static void test_a_batch_that_dies_blames_nobody(void **state)
{
    struct world *w = *state;
    for (int i = 0; i < 10; i++)
        put(w, "t.free", NULL, "x");
    for (int i = 0; i < 6; i++) { /* claimed in a batch and never begun, six times */
        struct job *j = claim(w->jobs, JOBS_SYNC, 20);
        assert_non_null(j);
        drop(j);
        clock_shift_ms(JOB_LEASE_MS + 1);
    }
    jobs_drain(w->jobs);
    assert_tags(w, "ws_a", "xxxxxxxxxx");
}

/* ---- endings ---- */
static void test_retries_then_dead_then_replayed(void **state)
{
    struct world *w = *state;
    struct fault why = {0};
    put(w, "t.strict", "k", "a");
    put(w, "t.strict", "k", "b");
    w->fail_times = 3;
    w->fail_rc = RC_RETRY;
    for (int i = 0; i < 3; i++) {
        jobs_drain(w->jobs);
        clock_shift_ms(3000);
    }
    jobs_drain(w->jobs);
    assert_tags(w, "ws_a", "b"); /* the dead one blocks nobody */
    struct dead d = dead_now(w);
    assert_int_equal(d.n, 1);
    assert_string_equal(arena_cstr(w->mem, d.at[0].code), "test.failed");
    assert_int_equal(d.at[0].attempts, 3);
    d.id = d.at[0].id;
    assert_int_equal(store_write(w->store, STORE_INTERACTIVE, replay_fn, &d, &why), RC_OK);
    jobs_drain(w->jobs);
    assert_tags(w, "ws_a", "ba");
    assert_int_equal(dead_now(w).n, 0);
    assert_int_equal(store_write(w->store, STORE_INTERACTIVE, replay_fn, &d, &why), RC_MISSING);
}

static void test_refused_is_dead_at_once(void **state)
{
    struct world *w = *state;
    put(w, "t.free", NULL, "a");
    put(w, "t.forgets", NULL, "b");
    w->fail_times = 1;
    w->fail_rc = RC_REFUSED;
    jobs_drain(w->jobs);
    struct dead d = dead_now(w);
    assert_int_equal(d.n, 2);
    bool forgot =
        str_eq(d.at[0].code, STR("jobs.unfinished")) || str_eq(d.at[1].code, STR("jobs.unfinished"));
    assert_true(forgot);
    assert_int_equal(w->ran, 1);
}

static void test_unsure_waits_for_its_lease(void **state)
{
    struct world *w = *state;
    put(w, "t.strict", "k", "a");
    put(w, "t.strict", "k", "b");
    w->fail_times = 1;
    w->fail_rc = RC_UNSURE;
    jobs_drain(w->jobs);
    assert_tags(w, "ws_a", "");
    clock_shift_ms(JOB_LEASE_MS + 1);
    jobs_drain(w->jobs);
    assert_tags(w, "ws_a", "ab");
}

static void test_unknown_names_are_refused(void **state)
{
    struct world *w = *state;
    struct fault why = {0};
    struct job_new n = {.kind = "t.nobody", .workspace = STR("ws_a")};
    assert_int_equal(store_write(w->store, STORE_INTERACTIVE, put_fn, &n, &why), RC_BUG);
    assert_string_equal(why.code, "jobs.unknown_kind");
    n = (struct job_new){.kind = "t.one", .workspace = STR("ws_a")};
    assert_int_equal(store_write(w->store, STORE_INTERACTIVE, put_fn, &n, &why), RC_BUG);
    const struct job_schedule s = {"s", "t.nobody", 1000, ""};
    struct jobs_options o = w->jobs->o;
    o.schedules = &s;
    o.n_schedules = 1;
    struct jobs *j = NULL;
    assert_int_equal(jobs_open(&o, &j, &why), RC_BUG);
}

/* ---- fairness and schedules ---- */
static void test_workspaces_take_turns(void **state)
{
    struct world *w = *state;
    for (int i = 0; i < 300; i++)
        put(w, "t.free", NULL, "x");
    for (int i = 0; i < 6; i++)
        put_due(w, (struct job_new){.kind = "t.free", .workspace = i % 2 ? STR("ws_b") : STR("ws_c")}, "y");
    size_t others = 0;
    for (int round = 0; round < 3; round++) {
        struct job *list = claim(w->jobs, JOBS_SYNC, 6);
        for (struct job *j = list; j; j = j->next)
            others += !str_eq(job_workspace(j), STR("ws_a"));
        drop(list);
    }
    assert_int_equal(others, 6);
}

static void test_a_slot_is_put_once_by_all_nodes(void **state)
{
    struct world *w = *state;
    struct fault why = {0};
    static const struct job_schedule s = {"hourly", "t.tick", 3600000, ""};
    struct jobs_options o = w->jobs->o;
    struct jobs *a = NULL, *b = NULL;
    o.schedules = &s;
    o.n_schedules = 1;
    assert_int_equal(jobs_open(&o, &a, &why), RC_OK);
    assert_int_equal(jobs_open(&o, &b, &why), RC_OK);
    for (int i = 0; i < 4; i++) {
        jobs_schedules_tick(a);
        jobs_schedules_tick(b);
        struct job *j = claim(w->jobs, JOBS_BULK, 10);
        assert_non_null(j);
        assert_null(j->next);
        assert_int_equal(job_done(j, &why), RC_OK);
        drop(j);
        jobs_schedules_tick(b);
        assert_null(claim(w->jobs, JOBS_BULK, 10));
        clock_shift_ms(3600000);
    }
    jobs_close(&a);
    jobs_close(&b);
}

/* ---- many hands ---- */
enum { PRODUCERS = 20, EACH = 200 };

static void *produce(void *arg)
{
    struct world *w = arg;
    struct fault why;
    for (int i = 0; i < EACH; i++) {
        char key[32];
        (void)snprintf(key, sizeof key, "k%d", i % 40);
        struct job_new n = {.kind = i % 3 == 0   ? "t.free"
                                    : i % 3 == 1 ? "t.one"
                                                 : "t.strict",
                            .workspace = i % 2 ? STR("ws_a") : STR("ws_b"),
                            .key = str_of(key),
                            .args = STR("{\"tag\":\"p\"}")};
        while (store_write(w->store, STORE_INTERACTIVE, put_fn, &n, &why) != RC_OK)
            ;
    }
    return NULL;
}

static void test_four_thousand_effects(void **state)
{
    struct world *w = *state;
    struct fault why = {0};
    pthread_t t[PRODUCERS];
    assert_int_equal(jobs_start(w->jobs, &why), RC_OK); /* 20 consumers */
    int64_t from = clock_mono_ms(), until = from + 120000, times = 0, n = 0;
    for (int i = 0; i < PRODUCERS; i++)
        assert_int_equal(pthread_create(&t[i], NULL, produce, w), 0);
    for (int i = 0; i < PRODUCERS; i++)
        pthread_join(t[i], NULL);
    while ((n = count(w, &effect_sum, &times)) < PRODUCERS * EACH && clock_mono_ms() < until)
        usleep(2000);
    printf("4,000 jobs put and done in %lld ms\n", (long long)(clock_mono_ms() - from));
    jobs_stop(w->jobs);
    assert_int_equal(n, PRODUCERS * EACH);
    assert_int_equal(times, PRODUCERS * EACH);
    assert_int_equal(count(w, &lanes_left, NULL), 0);
}

/* A process is killed in the middle of its 20th job; another one finishes. */
static void test_a_killed_process_loses_nothing(void **state)
{
    struct world *w = *state;
    for (int i = 0; i < 50; i++)
        put_due(w, (struct job_new){.kind = i % 2 ? "t.strict" : "t.free", .key = STR("k")}, "z");
    jobs_close(&w->jobs);
    testdb_pause(w->db); /* no connection crosses fork() */
    pid_t child = fork();
    if (child == 0) {
        testdb_resume(w->db);
        w->store = testdb_store(w->db);
        w->jobs = node_open(w);
        w->kill_at = 20;
        jobs_drain(w->jobs);
        _exit(1);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    testdb_resume(w->db);
    w->store = testdb_store(w->db);
    w->jobs = node_open(w);
    int64_t done = count(w, &effect_sum, NULL);
    assert_true(done >= 19 && done < 50);
    clock_shift_ms(JOB_LEASE_MS + 1);
    jobs_drain(w->jobs);
    int64_t times = 0;
    assert_int_equal(count(w, &effect_sum, &times), 50);
    assert_int_equal(times, 50);
}

#define T(f) cmocka_unit_test_setup_teardown(f, world_open, world_close)
#define BOTH(f) T(f)
static const struct CMUnitTest tests[] = {
    T(test_strict_waits_for_its_head),
    T(test_one_lets_others_pass_a_waiting_retry),
    T(test_a_lane_is_in_one_hand),
    T(test_due_and_later),
    T(test_unique_while_waiting),
    T(test_a_late_commit_is_refused),
    T(test_three_vanished_claims_end_a_job),
    T(test_a_batch_that_dies_blames_nobody),
    T(test_retries_then_dead_then_replayed),
    T(test_refused_is_dead_at_once),
    T(test_unsure_waits_for_its_lease),
    T(test_unknown_names_are_refused),
    T(test_workspaces_take_turns),
    T(test_a_slot_is_put_once_by_all_nodes),
    T(test_four_thousand_effects),
    T(test_a_killed_process_loses_nothing),
};
