/* Rotation of data keys on both databases: every value ends under the new key while readers and writers go on
 * and none of them fails; a value that was sealed late keeps the old key alive; a retired key is refused. And
 * 10,000 ways to open a value that is not in its place.
 * MZ_KEYS_ROWS: rows of the test under load, 5,000 without. */
#include "testdb.h"
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include "keys/rotate_priv.h"

static const struct migration table_rows[] = {
    {.number = 99001,
     .name = "sealed values",
     .text = "CREATE TABLE test_values (workspace_id @TEXT NOT NULL, id @TEXT NOT NULL, v @BYTES,\n"
             "  PRIMARY KEY (workspace_id, id)) @TABLE"},
};
static const struct migration_table *tables(void)
{
    static struct migration_table t[4];
    t[0] = keys_migrations;
    t[1] = audit_migrations;
    t[2] = jobs_migrations;
    t[3] = (struct migration_table){"test", table_rows, 1};
    return t;
}

static const struct sql value_scan = {"test.scan", "SELECT id, v FROM test_values WHERE workspace_id = $1 "
                                                   "AND id > $2 AND v IS NOT NULL ORDER BY id LIMIT $3"};
static const struct sql value_swap = {
    "test.swap", "UPDATE test_values SET v = $1 WHERE workspace_id = $2 AND id = $3 AND v = $4"};
static const struct sql value_read = {"test.read",
                                      "SELECT v FROM test_values WHERE workspace_id = $1 AND id = $2"};
static const struct sql value_write = {"test.write",
                                       "INSERT INTO test_values (workspace_id, id, v) VALUES ($1, $2, $3) "
                                       "ON CONFLICT (workspace_id, id) DO UPDATE SET v = excluded.v"};
static const struct sql value_drop = {"test.drop",
                                      "DELETE FROM test_values WHERE workspace_id = $1 AND id = $2"};
static const struct keys_column columns[] = {
    {"test_values", "v", &value_scan, &value_swap, "values"},
};
static const struct keys_columns column_tables[] = {{columns, COUNT_OF(columns)}};

struct kit {
    struct testdb db;
    char dir[64], kek[128], people[256];
    struct config *config;
    struct keys *keys;
    struct audit *audit;
    struct jobs *jobs;
    struct arena *mem;
};

static void kit_config(struct kit *k, bool postgres)
{
    static const char text[] = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeef1\n";
    struct setting_table t[] = {{keys_settings, keys_settings_n}, {jobs_settings, jobs_settings_n}};
    struct fault why = {0};
    char a[192], b[300], *env[3] = {a, NULL, NULL};
    (void)snprintf(k->kek, sizeof k->kek, "%s/kek", k->dir);
    int fd = open(k->kek, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    (void)close(fd);
    (void)snprintf(a, sizeof a, "MZ_KEYS_KEK_FILE=%s", k->kek);
    if (postgres) {
        (void)snprintf(b, sizeof b, "MZ_KEYS_PERSON_URL=%s", pg_database());
        env[1] = b;
    }
    assert_rc(config_load(t, 2, STR_NONE, env, &k->config, &why), RC_OK, &why);
}

static void kit_open(struct kit *k, bool postgres)
{
    struct fault why = {0};
    const char *tmp = getenv("TMPDIR");
    *k = (struct kit){.mem = arena_open_secret(64u << 20)};
    crypto_start();
    testdb_open(&k->db, postgres, tables(), 4);
    (void)snprintf(k->dir, sizeof k->dir, "%.40s/mzrot.XXXXXX", tmp != NULL ? tmp : "/tmp");
    assert_non_null(mkdtemp(k->dir));
    kit_config(k, postgres);
    struct keys_options o = {
        .store = k->db.store, .main_url = str_of(k->db.url), .config = k->config, .no_thread = true};
    assert_rc(keys_open(&o, &k->keys, &why), RC_OK, &why);
    struct audit_options ao = {.store = k->db.store, .mac = keys_mac(k->keys)};
    assert_rc(audit_open(&ao, &k->audit, &why), RC_OK, &why);
    keys_columns_are(k->keys, k->audit, column_tables, 1);
    struct job_table *t = arena_new(k->mem, struct job_table);
    *t = (struct job_table){keys_jobs, keys_jobs_n, k->keys};
    struct jobs_options jo = {
        .store = k->db.store, .config = k->config, .tables = t, .n_tables = 1, .node = "n"};
    assert_rc(jobs_open(&jo, &k->jobs, &why), RC_OK, &why);
}

static void kit_close(struct kit *k)
{
    jobs_close(&k->jobs);
    audit_close(&k->audit);
    keys_close(&k->keys);
    config_close(&k->config);
    testdb_close(&k->db);
    arena_close(&k->mem);
    (void)unlink(k->kek);
    (void)rmdir(k->dir);
}

/* ---- one value ---- */
struct one {
    struct kit *k;
    const char *workspace;
    char id[24];
    int64_t serial;
    str sealed;        /* in: written as it is when given */
    struct arena *mem; /* secret */
    bool right;
};

static struct one one_of(struct kit *k, const char *workspace, int64_t n)
{
    struct one o = {.k = k, .workspace = workspace, .mem = k->mem};
    (void)snprintf(o.id, sizeof o.id, "row_%08lld", (long long)n);
    return o;
}

static enum rc one_write(struct tx *tx, void *arg, struct fault *why)
{
    struct one *o = arg;
    str ws = str_of(o->workspace),
        plain = arena_fmt(tx_mem(tx), "%s/%s/%lld", o->workspace, o->id, (long long)o->serial),
        sealed = o->sealed;
    struct keys_place at = {ws, "test_values", str_of(o->id), "v"};
    enum rc rc = RC_OK;
    if (sealed.n == 0)
        rc = keys_seal(o->k->keys, tx, &at, (struct secret){(const unsigned char *)plain.p, plain.n},
                       tx_mem(tx), &sealed, why);
    return rc == RC_OK ? tx_exec(tx, &value_write, ARGS(V_TEXT(ws), V_TEXT(str_of(o->id)), V_BYTES(sealed)),
                                 NULL, why)
                       : rc;
}

static enum rc one_read(struct tx *tx, void *arg, struct fault *why)
{
    struct one *o = arg;
    struct rows *r;
    struct secret got;
    str ws = str_of(o->workspace), begins = arena_fmt(tx_mem(tx), "%s/%s/", o->workspace, o->id);
    struct keys_place at = {ws, "test_values", str_of(o->id), "v"};
    enum rc rc = tx_one(tx, &value_read, ARGS(V_TEXT(ws), V_TEXT(str_of(o->id))), tx_mem(tx), &r, why);
    if (rc != RC_OK)
        return rc;
    o->sealed = arena_str(o->mem, row_text(r, 0));
    rc = keys_unseal(o->k->keys, tx, &at, o->sealed, o->mem, &got, why);
    o->right = rc == RC_OK && str_starts((str){(const char *)got.p, got.n}, begins);
    return rc;
}

static enum rc one_drop(struct tx *tx, void *arg, struct fault *why)
{
    struct one *o = arg;
    return tx_exec(tx, &value_drop, ARGS(V_TEXT(str_of(o->workspace)), V_TEXT(str_of(o->id))), NULL, why);
}

static void write_one(struct one *o)
{
    struct fault why = {0};
    assert_rc(store_write(o->k->db.store, STORE_INTERACTIVE, one_write, o, &why), RC_OK, &why);
}

static void read_one(struct one *o, enum rc want)
{
    struct fault why = {0};
    assert_rc(store_read(o->k->db.store, one_read, o, &why), want, &why);
    assert_true(want != RC_OK || o->right);
}

struct many {
    struct kit *k;
    const char *workspace;
    int64_t from, to;
};

static enum rc many_write(struct tx *tx, void *arg, struct fault *why)
{
    struct many *m = arg;
    enum rc rc = RC_OK;
    for (int64_t i = m->from; rc == RC_OK && i < m->to; i++) {
        struct one o = one_of(m->k, m->workspace, i);
        rc = one_write(tx, &o, why);
    }
    return rc;
}

static void fill(struct kit *k, const char *workspace, int64_t n)
{
    struct fault why = {0};
    for (int64_t from = 0; from < n; from += 200) {
        struct many m = {k, workspace, from, from + 200 < n ? from + 200 : n};
        assert_rc(store_write(k->db.store, STORE_BULK, many_write, &m, &why), RC_OK, &why);
    }
}

/* ---- rotating ---- */
static enum rc start_fn(struct tx *tx, void *arg, struct fault *why)
{
    struct one *o = arg;
    return keys_rotate_start(o->k->keys, tx, str_of(o->workspace), why);
}

static void rotate_start(struct kit *k, const char *workspace)
{
    struct fault why = {0};
    struct one o = {.k = k, .workspace = workspace};
    assert_rc(store_write(k->db.store, STORE_BULK, start_fn, &o, &why), RC_OK, &why);
}

/* Pages until the rotation rests or is over. */
static struct reseal reseal_run(struct kit *k, const char *workspace)
{
    struct fault why = {0};
    struct reseal r = {.k = k->keys, .workspace = str_of(workspace)};
    do
        assert_rc(store_write(k->db.store, STORE_BULK, keys_reseal_page, &r, &why), RC_OK, &why);
    while (r.next == RESEAL_MORE);
    return r;
}

static struct keys_status status_of(struct kit *k)
{
    struct keys_status s;
    struct fault why = {0};
    assert_rc(keys_status(k->keys, &s, &why), RC_OK, &why);
    return s;
}

/* ---- under load ---- */
struct load {
    struct kit *k;
    int64_t rows;
    uint64_t dice;
    bool writes;
    atomic_bool *stop;
    int64_t done, failed;
    struct fault why;
};

static uint64_t roll(uint64_t *dice)
{
    *dice ^= *dice << 13;
    *dice ^= *dice >> 7;
    *dice ^= *dice << 17;
    return *dice;
}

static void *load_run(void *arg)
{
    struct load *l = arg;
    struct arena *mem = arena_open_secret(1u << 20);
    while (!atomic_load(l->stop)) {
        struct one o = one_of(l->k, "ws_a", (int64_t)(roll(&l->dice) % (uint64_t)l->rows));
        struct fault why = {0};
        o.mem = mem;
        o.serial = l->done;
        enum rc rc = l->writes ? store_write(l->k->db.store, STORE_INTERACTIVE, one_write, &o, &why)
                               : store_read(l->k->db.store, one_read, &o, &why);
        l->done++;
        if (rc != RC_OK || (!l->writes && !o.right)) {
            l->failed++;
            l->why = why;
        }
        arena_reset(mem);
    }
    arena_close(&mem);
    return NULL;
}

static void rotates_under_load(bool postgres)
{
    enum { HANDS = 4 };
    const char *given = getenv("MZ_KEYS_ROWS");
    int64_t rows = given != NULL ? atoll(given) : 5000, reads = 0;
    struct kit k;
    struct load l[HANDS];
    pthread_t t[HANDS];
    atomic_bool stop = false;
    kit_open(&k, postgres);
    fill(&k, "ws_a", rows);
    fill(&k, "ws_b", 20);
    struct one before = one_of(&k, "ws_a", 7), other = one_of(&k, "ws_b", 7);
    read_one(&before, RC_OK);
    for (int i = 0; i < HANDS; i++) {
        l[i] = (struct load){.k = &k, .rows = rows, .dice = 88172645463325252U + (uint64_t)i, .stop = &stop};
        l[i].writes = i == HANDS - 1;
        assert_int_equal(pthread_create(&t[i], NULL, load_run, &l[i]), 0);
    }
    rotate_start(&k, "ws_a");
    int64_t began = clock_mono_ms();
    struct reseal r = reseal_run(&k, "ws_a");
    assert_int_equal(r.next, RESEAL_WAIT);
    int64_t resealed = r.at.resealed;
    clock_shift_ms(GRACE_MS + 1);
    r = reseal_run(&k, "ws_a");
    int64_t took = clock_mono_ms() - began;
    if (r.next != RESEAL_DONE) { /* the writer was between two keys: one more round */
        clock_shift_ms(GRACE_MS + 1);
        r = reseal_run(&k, "ws_a");
    }
    assert_int_equal(r.next, RESEAL_DONE);
    atomic_store(&stop, true);
    for (int i = 0; i < HANDS; i++) {
        assert_int_equal(pthread_join(t[i], NULL), 0);
        reads += l[i].writes ? 0 : l[i].done;
        if (l[i].failed > 0)
            fail_msg("%lld of %lld failed: %s %s", (long long)l[i].failed, (long long)l[i].done,
                     l[i].why.code, l[i].why.detail);
    }
    print_message("%lld rows in %lld ms, %lld sealed anew; %lld reads and %lld writes meanwhile, 0 failed\n",
                  (long long)rows, (long long)took, (long long)resealed, (long long)reads,
                  (long long)l[HANDS - 1].done);
    assert_true(resealed > rows / 2 && reads > 100);
    struct keys_status s = status_of(&k);
    assert_int_equal(s.retired_data_keys, 1);
    assert_int_equal(s.old_data_keys, 0);
    keys_forget_old(k.keys, STR("ws_a"));
    struct one late = before; /* what was copied before: its key is retired */
    write_one(&late);
    read_one(&late, RC_DENIED);
    read_one(&other, RC_OK); /* the other workspace has its own key */
    kit_close(&k);
}
TESTDB_CASES(rotates_under_load)

/* ---- the second scan ---- */
static void waits_for_late_commits(bool postgres)
{
    struct kit k;
    kit_open(&k, postgres);
    fill(&k, "ws_a", 130);
    struct one late = one_of(&k, "ws_a", 3), gone = one_of(&k, "ws_a", 3);
    read_one(&late, RC_OK);
    rotate_start(&k, "ws_a");
    struct reseal r = reseal_run(&k, "ws_a");
    assert_int_equal(r.next, RESEAL_WAIT);
    assert_int_equal(r.at.resealed, 130);
    r = reseal_run(&k, "ws_a"); /* too early: nothing happens */
    assert_int_equal(r.next, RESEAL_WAIT);
    write_one(&late); /* a transaction that had sealed under the old key commits now */
    clock_shift_ms(GRACE_MS + 1);
    r = reseal_run(&k, "ws_a");
    assert_int_equal(r.next, RESEAL_WAIT); /* found and sealed anew: the minute begins again */
    assert_int_equal(r.at.resealed, 131);
    assert_int_equal(status_of(&k).old_data_keys, 1);
    clock_shift_ms(GRACE_MS + 1);
    r = reseal_run(&k, "ws_a");
    assert_int_equal(r.next, RESEAL_DONE);
    read_one(&gone, RC_OK);
    assert_int_equal(status_of(&k).old_data_keys, 0);
    kit_close(&k);
}
TESTDB_CASES(waits_for_late_commits)

static void keeps_the_key_of_what_does_not_open(bool postgres)
{
    struct kit k;
    struct fault why = {0};
    kit_open(&k, postgres);
    fill(&k, "ws_a", 60);
    struct one bad = one_of(&k, "ws_a", 30), copy = one_of(&k, "ws_a", 31);
    read_one(&copy, RC_OK);
    bad.sealed = copy.sealed; /* another row's value */
    write_one(&bad);
    rotate_start(&k, "ws_a");
    struct reseal r = reseal_run(&k, "ws_a");
    assert_int_equal(r.next, RESEAL_WAIT);
    assert_int_equal(r.at.unreadable, 1);
    clock_shift_ms(2 * 3600000);
    r = reseal_run(&k, "ws_a");
    assert_int_equal(r.next, RESEAL_WAIT);
    assert_int_equal(status_of(&k).old_data_keys, 1);
    assert_int_equal(status_of(&k).unreadable, 1);
    assert_rc(store_write(k.db.store, STORE_INTERACTIVE, one_drop, &bad, &why), RC_OK, &why);
    r = reseal_run(&k, "ws_a");
    clock_shift_ms(GRACE_MS + 1);
    r = reseal_run(&k, "ws_a");
    assert_int_equal(r.next, RESEAL_DONE);
    kit_close(&k);
}
TESTDB_CASES(keeps_the_key_of_what_does_not_open)

/* ---- by command ---- */
static enum rc put_all(struct tx *tx, void *arg, struct fault *why)
{
    struct kit *k = arg;
    return keys_rotation_put(k->keys, tx, STR_NONE, STR("cli"), why);
}

static enum rc put_one(struct tx *tx, void *arg, struct fault *why)
{
    struct one *o = arg;
    return keys_rotation_put(o->k->keys, tx, str_of(o->workspace), STR("cli"), why);
}

static void rotates_all_by_jobs(bool postgres)
{
    enum { SPACES = 45 };
    struct kit k;
    struct fault why = {0};
    struct buf b;
    size_t at;
    char name[16];
    kit_open(&k, postgres);
    for (int i = 0; i < SPACES; i++) {
        (void)snprintf(name, sizeof name, "ws_%03d", i);
        fill(&k, name, 3);
    }
    clock_shift_ms(10); /* keys are older than the command */
    struct one nobody = {.k = &k, .workspace = "ws_nobody"};
    assert_rc(store_write(k.db.store, STORE_INTERACTIVE, put_one, &nobody, &why), RC_MISSING, &why);
    assert_rc(store_write(k.db.store, STORE_INTERACTIVE, put_all, &k, &why), RC_OK, &why);
    jobs_drain(k.jobs);
    assert_int_equal(status_of(&k).old_data_keys, SPACES);
    assert_int_equal(status_of(&k).rotating, SPACES);
    clock_shift_ms(GRACE_MS + 5000);
    jobs_drain(k.jobs);
    struct keys_status s = status_of(&k);
    assert_int_equal(s.rotating, 0);
    assert_int_equal(s.retired_data_keys, SPACES);
    assert_int_equal(s.old_data_keys, 0);
    buf_init(&b, k.mem, 1u << 20);
    assert_rc(keys_print(k.keys, k.mem, &b, &why), RC_OK, &why);
    assert_true(str_find(buf_str(&b), STR("retired 45"), &at));
    assert_true(str_find(buf_str(&b), STR("3 values sealed anew, old keys retired"), &at));
    struct one v = one_of(&k, "ws_044", 2);
    read_one(&v, RC_OK);
    clock_shift_ms((int64_t)(RETIRED_DAYS + 1) * DAY_MS); /* later the retired ones are deleted */
    k.keys->forgot_mono_ms = 0;
    assert_rc(keys_tick(k.keys, &why), RC_OK, &why);
    assert_int_equal(status_of(&k).retired_data_keys, 0);
    clock_shift_ms(-(int64_t)(RETIRED_DAYS + 1) * DAY_MS);
    kit_close(&k);
}
TESTDB_CASES(rotates_all_by_jobs)

/* ---- a column that nobody declared ---- */
static enum rc seal_undeclared(struct tx *tx, void *arg, struct fault *why)
{
    struct one *o = arg;
    struct keys_place at = {str_of(o->workspace), "test_values", str_of(o->id), "other"};
    str out;
    return keys_seal(o->k->keys, tx, &at, (struct secret){(const unsigned char *)"x", 1}, tx_mem(tx), &out,
                     why);
}

static void refuses_undeclared_columns(bool postgres)
{
    struct kit k;
    struct fault why = {0};
    kit_open(&k, postgres);
    struct one o = one_of(&k, "ws_a", 1);
    assert_rc(store_write(k.db.store, STORE_INTERACTIVE, seal_undeclared, &o, &why), RC_BUG, &why);
    assert_string_equal(why.code, "keys.undeclared");
    kit_close(&k);
}
TESTDB_CASES(refuses_undeclared_columns)

/* ---- 10,000 attempts ---- */
enum { VALUES = 50, ATTEMPTS = 10000 };
struct attack {
    struct kit *k;
    str a[VALUES], b[VALUES]; /* of ws_a and ws_b */
    int64_t tried, opened;
};

/* One attempt of each of five ways; the dice choose rows, bits and bytes. */
static bool try_one(struct tx *tx, struct attack *x, uint64_t *dice, int way)
{
    uint64_t i = roll(dice) % VALUES, j = (i + 1 + roll(dice) % (VALUES - 1)) % VALUES;
    struct one o = one_of(x->k, "ws_a", (int64_t)i), other = one_of(x->k, "ws_a", (int64_t)j);
    str value = way == 0 ? x->b[i] : x->a[i], own_id, foreign_id;
    struct keys_place at = {STR("ws_a"), "test_values", str_of(o.id), "v"};
    char *p = arena_take(x->k->mem, value.n);
    struct secret out;
    struct fault why = {0};
    assert_non_null(p);
    memcpy(p, value.p, value.n);
    value.p = p;
    assert_true(sealed_key_id(x->a[i], &own_id) && sealed_key_id(x->b[i], &foreign_id));
    switch (way) {
    case 0: /* the wrong key: another workspace's value that claims to be under ours */
        memcpy(p + (foreign_id.p - x->b[i].p), own_id.p, own_id.n);
        break;
    case 1:
        at.row = str_of(other.id);
        break;
    case 2:
        at.column = roll(dice) % 2 ? "w" : "vv";
        at.table = roll(dice) % 2 ? "test_values" : "account_grants";
        break;
    case 3: /* the same row in another workspace; the key is still in memory */
        at.workspace = roll(dice) % 2 ? STR("ws_b") : STR("-");
        break;
    default:
        p[roll(dice) % value.n] ^= (char)(1 << roll(dice) % 8);
    }
    enum rc rc = keys_unseal(x->k->keys, tx, &at, value, x->k->mem, &out, &why);
    assert_true(rc == RC_OK || rc == RC_DENIED || rc == RC_MISSING);
    return rc == RC_OK;
}

static enum rc attack_fn(struct tx *tx, void *arg, struct fault *why)
{
    struct attack *x = arg;
    uint64_t dice = 2463534242U + (uint64_t)x->tried;
    (void)why;
    for (int i = 0; i < 1000; i++, x->tried++)
        x->opened += try_one(tx, x, &dice, i % 5);
    return RC_OK;
}

static void opens_nothing_out_of_place(bool postgres)
{
    struct kit k;
    struct fault why = {0};
    kit_open(&k, postgres);
    fill(&k, "ws_a", VALUES);
    fill(&k, "ws_b", VALUES);
    struct attack *x = arena_new(k.mem, struct attack);
    x->k = &k;
    for (int i = 0; i < VALUES; i++) {
        struct one a = one_of(&k, "ws_a", i), b = one_of(&k, "ws_b", i);
        read_one(&a, RC_OK);
        read_one(&b, RC_OK);
        x->a[i] = a.sealed;
        x->b[i] = b.sealed;
    }
    while (x->tried < ATTEMPTS)
        assert_rc(store_read(k.db.store, attack_fn, x, &why), RC_OK, &why);
    print_message("%lld attempts, %lld opened\n", (long long)x->tried, (long long)x->opened);
    assert_int_equal(x->tried, ATTEMPTS);
    assert_int_equal(x->opened, 0);
    kit_close(&k);
}
TESTDB_CASES(opens_nothing_out_of_place)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TESTDB_BOTH(opens_nothing_out_of_place), TESTDB_BOTH(refuses_undeclared_columns),
        TESTDB_BOTH(waits_for_late_commits),     TESTDB_BOTH(keeps_the_key_of_what_does_not_open),
        TESTDB_BOTH(rotates_all_by_jobs),        TESTDB_BOTH(rotates_under_load),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
