/* See test_world.h. */
#include "test_world.h"
#include <signal.h>

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
const struct sql effect_sum = {"test.sum",
                               "SELECT COUNT(*), SUM(times) FROM test_effects WHERE workspace_id <> $1"};
const struct sql lanes_left = {"test.lanes", "SELECT COUNT(*) FROM job_lanes WHERE workspace_id <> $1"};

enum rc effect_fn(struct tx *tx, void *arg, struct fault *why)
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

struct jobs *node_open(struct world *w)
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

static const struct migration_table *tables(void)
{
    static struct migration_table t[2];
    t[0] = jobs_migrations;
    t[1] = test_migrations;
    return t;
}

int world_open(void **state)
{
    struct world *w = test_calloc(1, sizeof *w);
    w->postgres = *state != NULL;
    testdb_open(&w->db, w->postgres, tables(), 2);
    w->store = w->db.store;
    w->mem = arena_open((size_t)32 << 20);
    static char env0[] = "MZ_JOBS_THREADS_SYNC=20";
    static char *env[] = {env0, NULL};
    w->config = config_for(env);
    w->jobs = node_open(w);
    *state = w;
    return 0;
}

int world_close(void **state)
{
    struct world *w = *state;
    jobs_close(&w->jobs);
    config_close(&w->config);
    testdb_close(&w->db);
    arena_close(&w->mem);
    test_free(w);
    return 0;
}

void world_pause(struct world *w)
{
    jobs_close(&w->jobs);
    store_close(&w->db.store);
}

void world_resume(struct world *w)
{
    testdb_reopen(&w->db, tables(), 2);
    w->store = w->db.store;
    w->jobs = node_open(w);
}

/* ---- acts ---- */
enum rc put_fn(struct tx *tx, void *arg, struct fault *why)
{
    return jobs_put(tx, arg, why);
}

void put_due(struct world *w, struct job_new n, const char *tag)
{
    struct fault why = {0};
    n.args = arena_fmt(w->mem, "{\"tag\":\"%s\"}", tag);
    if (!n.workspace.p)
        n.workspace = STR("ws_a");
    enum rc rc = store_write(w->store, STORE_INTERACTIVE, put_fn, &n, &why);
    if (rc != RC_OK)
        fail_msg("put: %s %s %s", rc_name(rc), why.code, why.detail);
}

void put(struct world *w, const char *kind, const char *key, const char *tag)
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

int64_t count(struct world *w, const struct sql *q, int64_t *times)
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

void assert_tags(struct world *w, const char *ws, const char *want)
{
    struct fault why = {0};
    struct sum s = {.mem = w->mem, .workspace = str_of(ws)};
    assert_int_equal(store_read(w->store, tags_fn, &s, &why), RC_OK);
    assert_string_equal(arena_cstr(w->mem, s.tags), want);
}

static enum rc dead_fn(struct tx *tx, void *arg, struct fault *why)
{
    struct dead *d = arg;
    return jobs_dead_list(tx, STR("ws_a"), STR_NONE, 100, d->mem, &d->at, &d->n, why);
}

enum rc replay_fn(struct tx *tx, void *arg, struct fault *why)
{
    struct dead *d = arg;
    return jobs_dead_replay(tx, STR("ws_a"), d->id, why);
}

struct dead dead_now(struct world *w)
{
    struct fault why = {0};
    struct dead d = {.mem = w->mem};
    assert_int_equal(store_read(w->store, dead_fn, &d, &why), RC_OK);
    return d;
}

/* Claims like a worker would, without running: what a killed process leaves. */
struct job *claim(struct jobs *j, enum job_class cls, size_t want)
{
    struct job *list = NULL;
    int64_t wait;
    (void)crew_claim(&j->crews[cls], want, &list, &wait);
    return list;
}

void drop(struct job *list)
{
    while (list) {
        struct job *j = list;
        list = j->next;
        job_free(&j);
    }
}
