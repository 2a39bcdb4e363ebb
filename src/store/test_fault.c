/* store when things fail: COMMIT failed, cut and delayed; a statement failing in fn; a full disk that hits
 * one of 64 callers (a real one on SQLite); fn run twice; bounds. Each on both databases where both have the
 * case. */
#include "test_kit.h"
#include "store/sqlite_priv.h"

static const struct sql put_item = {"f.put", "INSERT INTO items (k, v, b) VALUES ($1, $2, $3)"};
static const struct sql guilty_item = {"f.guilty", "INSERT INTO items (k, v, b) VALUES ($1, $2, $3)"};

struct caller {
    struct testdb *db;
    int id;
    bool guilty;
    size_t bytes; /* of the item's blob */
    enum rc rc;
    struct fault why;
    int runs;
};
static char zeros[4 * 1024 * 1024];

static enum rc put_one(struct tx *tx, void *arg, struct fault *why)
{
    struct caller *c = arg;
    char key[16];
    c->runs++;
    (void)snprintf(key, sizeof(key), "k%d", c->id);
    return tx_exec(tx, c->guilty ? &guilty_item : &put_item,
                   ARGS(V_TEXT(str_of(key)), V_INT(c->id), V_BYTES(((str){zeros, c->bytes}))), NULL, why);
}

static void *call_one(void *arg)
{
    struct caller *c = arg;
    c->rc = store_write(c->db->store, STORE_INTERACTIVE, put_one, c, &c->why);
    return NULL;
}

static struct caller call_now(struct testdb *db, int id)
{
    struct caller c = {.db = db, .id = id};
    (void)call_one(&c);
    return c;
}

static int64_t items(struct testdb *db)
{
    return kit_number(db, "SELECT count(*) FROM items");
}

static void arm(enum trip_at at, const char *name, int times, enum trip_act act)
{
    trip_set(&(struct trip_rule){.at = at, .name = name, .times = times, .act = act});
}

/* ---- COMMIT failed ---- */

static void commit_refused(bool postgres)
{
    struct testdb db;
    testdb_open(&db, postgres, kit_tables, kit_n_tables);
    /* SQLite tells the group to run one by one, and then the call that is still refused alone. */
    arm(AT_COMMIT, "commit", postgres ? 1 : 2, TRIP_CONSTRAINT);
    struct caller c = call_now(&db, 1);
    assert_rc(c.rc, RC_CONFLICT, &c.why);
    assert_int_equal(trip_hits(), postgres ? 1 : 2);
    assert_int_equal(items(&db), 0);
    arm(AT_COMMIT, "commit", postgres ? 1 : 2, TRIP_FULL);
    c = call_now(&db, 1);
    assert_rc(c.rc, RC_FULL, &c.why);
    trip_set(NULL);
    assert_int_equal(items(&db), 0);
    c = call_now(&db, 1);
    assert_rc(c.rc, RC_OK, &c.why);
    struct fault why;
    assert_true(store_ready(db.store, &why));
    assert_int_equal(items(&db), 1);
    testdb_close(&db);
}
TESTDB_CASES(commit_refused)

static void commit_refused_once(bool postgres)
{
    struct testdb db;
    testdb_open(&db, postgres, kit_tables, kit_n_tables);
    arm(AT_COMMIT, "commit", 1, postgres ? TRIP_DEADLOCK : TRIP_FULL);
    struct caller c = call_now(&db, 1);
    trip_set(NULL);
    assert_rc(c.rc, RC_OK, &c.why);
    assert_int_equal(c.runs, 2); /* fn ran twice, its effect is there once */
    assert_int_equal(items(&db), 1);
    testdb_close(&db);
}
TESTDB_CASES(commit_refused_once)

/* ---- COMMIT cut: before it arrived, or with its answer lost ---- */

static void commit_cut(bool postgres)
{
    struct testdb db;
    struct fault why;
    testdb_open(&db, postgres, kit_tables, kit_n_tables);
    arm(AT_COMMIT, "commit", 1, TRIP_CUT_BEFORE);
    struct caller c = call_now(&db, 1);
    assert_rc(c.rc, RC_UNSURE, &c.why);
    assert_string_equal(c.why.code, "store.commit_unknown");
    assert_int_equal(c.runs, 1); /* never blindly again */
    assert_false(store_ready(db.store, &why));
    trip_set(NULL);
    assert_int_equal(items(&db), 0);
    arm(AT_COMMIT, "commit", 1, TRIP_CUT_AFTER);
    c = call_now(&db, 1);
    assert_rc(c.rc, RC_UNSURE, &c.why);
    trip_set(NULL);
    /* It had happened: a repeat meets its own row. */
    c = call_now(&db, 1);
    assert_rc(c.rc, RC_CONFLICT, &c.why);
    c = call_now(&db, 2);
    assert_rc(c.rc, RC_OK, &c.why);
    assert_int_equal(items(&db), 2);
    assert_true(store_ready(db.store, &why));
    testdb_reopen(&db, kit_tables, kit_n_tables);
    assert_int_equal(items(&db), 2);
    testdb_close(&db);
}
TESTDB_CASES(commit_cut)

/* ---- COMMIT delayed, and a whole group with an unknown end ---- */

struct hold { /* keeps the first commit until opened */
    atomic_bool reached, opened;
};

static void hold_here(void *arg)
{
    struct hold *h = arg;
    atomic_store(&h->reached, true);
    int64_t deadline = clock_mono_ms() + 10000;
    while (!atomic_load(&h->opened) && clock_mono_ms() < deadline)
        continue;
}

static bool is_reached(void *arg)
{
    return atomic_load(&((struct hold *)arg)->reached);
}

struct delayed {
    struct caller c;
    atomic_bool returned;
};

static void *call_delayed(void *arg)
{
    struct delayed *d = arg;
    (void)call_one(&d->c);
    atomic_store(&d->returned, true);
    return NULL;
}

static void commit_delayed(bool postgres)
{
    struct testdb db;
    testdb_open(&db, postgres, kit_tables, kit_n_tables);
    struct hold h = {.reached = false};
    struct delayed d = {.c = {.db = &db, .id = 1}};
    trip_set(
        &(struct trip_rule){.at = AT_COMMIT, .name = "commit", .times = 1, .call = hold_here, .arg = &h});
    pthread_t t;
    assert_int_equal(pthread_create(&t, NULL, call_delayed, &d), 0);
    assert_true(kit_until(is_reached, &h));
    assert_int_equal(items(&db), 0);        /* readers go on, and do not see it */
    assert_false(atomic_load(&d.returned)); /* nobody is told before it is durable */
    atomic_store(&h.opened, true);
    assert_int_equal(pthread_join(t, NULL), 0);
    trip_set(NULL);
    assert_rc(d.c.rc, RC_OK, &d.c.why);
    assert_int_equal(items(&db), 1);
    testdb_close(&db);
}
TESTDB_CASES(commit_delayed)

struct queued {
    struct testdb *db;
    int want;
};

static bool all_queued(void *arg)
{
    const struct queued *q = arg;
    return sqlite_waiting(q->db->store) >= q->want;
}

/* One caller keeps the writer busy at its COMMIT until n others wait; they are one group then. */
static void one_group(struct testdb *db, struct caller *cs, int n, const struct trip_rule *then)
{
    struct hold h = {.reached = false};
    struct delayed first = {.c = {.db = db, .id = 1000}};
    pthread_t t, ts[64];
    trip_set(
        &(struct trip_rule){.at = AT_COMMIT, .name = "commit", .times = 1, .call = hold_here, .arg = &h});
    assert_int_equal(pthread_create(&t, NULL, call_delayed, &first), 0);
    assert_true(kit_until(is_reached, &h));
    for (int i = 0; i < n; i++)
        assert_int_equal(pthread_create(&ts[i], NULL, call_one, &cs[i]), 0);
    assert_true(kit_until(all_queued, &(struct queued){db, n}));
    trip_set(then);
    atomic_store(&h.opened, true);
    assert_int_equal(pthread_join(t, NULL), 0);
    for (int i = 0; i < n; i++)
        assert_int_equal(pthread_join(ts[i], NULL), 0);
    assert_rc(first.c.rc, RC_OK, &first.c.why);
    trip_set(NULL);
}

static void group_unknown_is_unsure_for_all(void **state)
{
    enum { N = 32 };
    struct testdb db;
    struct caller cs[N];
    (void)state;
    testdb_open(&db, false, kit_tables, kit_n_tables);
    for (int i = 0; i < N; i++)
        cs[i] = (struct caller){.db = &db, .id = i};
    one_group(&db, cs, N, &(struct trip_rule){.at = AT_COMMIT, .name = "commit", .times = 1, .act = TRIP_IO});
    for (int i = 0; i < N; i++)
        assert_rc(cs[i].rc, RC_UNSURE, &cs[i].why);
    assert_int_equal(items(&db), 1); /* the database was opened again and is whole */
    for (int i = 0; i < N; i++)
        cs[i] = call_now(&db, i);
    assert_int_equal(items(&db), N + 1);
    assert_int_equal(
        kit_number(&db, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check = 'ok'"), 1);
    testdb_close(&db);
}

static void group_refused_runs_one_by_one(void **state)
{
    enum { N = 32 };
    struct testdb db;
    struct caller cs[N];
    (void)state;
    testdb_open(&db, false, kit_tables, kit_n_tables);
    for (int i = 0; i < N; i++)
        cs[i] = (struct caller){.db = &db, .id = i};
    one_group(&db, cs, N,
              &(struct trip_rule){.at = AT_COMMIT, .name = "commit", .times = 1, .act = TRIP_CONSTRAINT});
    for (int i = 0; i < N; i++) {
        assert_rc(cs[i].rc, RC_OK, &cs[i].why);
        assert_int_equal(cs[i].runs, 2);
    }
    assert_int_equal(items(&db), N + 1);
    testdb_close(&db);
}

/* ---- a statement that fails in fn ---- */

static void statement_fails(bool postgres)
{
    static const struct {
        enum trip_act act;
        enum rc rc;
    } rows[] = {
        {TRIP_FULL, RC_FULL}, {TRIP_IO, RC_RETRY}, {TRIP_CONSTRAINT, RC_CONFLICT}, {TRIP_NOMEM, RC_RETRY}};
    struct testdb db;
    testdb_open(&db, postgres, kit_tables, kit_n_tables);
    for (int i = 0; i < (int)COUNT_OF(rows); i++) {
        arm(AT_STATEMENT, "f.put", 100, rows[i].act);
        struct caller c = call_now(&db, i);
        assert_rc(c.rc, rows[i].rc, &c.why);
        trip_set(NULL);
        assert_int_equal(items(&db), i);
        c = call_now(&db, i);
        assert_rc(c.rc, RC_OK, &c.why);
        assert_int_equal(items(&db), i + 1);
    }
    testdb_close(&db);
}
TESTDB_CASES(statement_fails)

/* Contention and a connection lost before COMMIT: fn runs again, five times at most; the effect comes once.
 * */
static void fn_runs_again(void **state)
{
    static const enum trip_act acts[] = {TRIP_DEADLOCK, TRIP_CUT_BEFORE, TRIP_CUT_AFTER};
    struct testdb db;
    (void)state;
    testdb_open(&db, true, kit_tables, kit_n_tables);
    for (int i = 0; i < (int)COUNT_OF(acts); i++) {
        arm(AT_STATEMENT, "f.put", 2, acts[i]);
        struct caller c = call_now(&db, i);
        assert_rc(c.rc, RC_OK, &c.why);
        assert_int_equal(c.runs, 3);
        trip_set(NULL);
        assert_int_equal(items(&db), i + 1);
    }
    arm(AT_STATEMENT, "f.put", 100, TRIP_DEADLOCK);
    struct caller c = call_now(&db, 50);
    trip_set(NULL);
    assert_rc(c.rc, RC_RETRY, &c.why);
    assert_string_equal(c.why.code, "store.contention");
    assert_int_equal(c.runs, 6);
    testdb_close(&db);
}

/* ---- one of 64 callers meets a full disk ---- */

static const struct sql limit_pages = {"f.limit", "PRAGMA max_page_count = 120"};

static enum rc run_limit(struct tx *tx, void *arg, struct fault *why)
{
    struct rows *r;
    (void)arg;
    return tx_query(tx, &limit_pages, NO_ARGS, tx_mem(tx), &r, why);
}

static void check_one_of_64(struct testdb *db, const struct caller *cs, int extra)
{
    for (int i = 0; i < 64; i++)
        assert_rc(cs[i].rc, cs[i].guilty ? RC_FULL : RC_OK, &cs[i].why);
    assert_int_equal(items(db), 63 + extra);
}

static void disk_full_for_one(bool postgres)
{
    struct testdb db;
    struct caller cs[64];
    testdb_open(&db, postgres, kit_tables, kit_n_tables);
    for (int i = 0; i < 64; i++)
        cs[i] = (struct caller){.db = &db, .id = i, .guilty = i == 40, .bytes = 100};
    struct trip_rule rule = {.at = AT_STATEMENT, .name = "f.guilty", .times = 2, .act = TRIP_FULL};
    if (postgres) {
        trip_set(&rule);
        in_threads(16, call_one, cs, sizeof(cs[0])); /* the pool has 16 */
        for (int i = 16; i < 64; i += 16)
            in_threads(16, call_one, &cs[i], sizeof(cs[0]));
        trip_set(NULL);
        check_one_of_64(&db, cs, 0);
    } else {
        one_group(&db, cs, 64, &rule);
        check_one_of_64(&db, cs, 1);
    }
    testdb_close(&db);
}
TESTDB_CASES(disk_full_for_one)

/* SQLite's own SQLITE_FULL: the file may not grow enough for 4 MiB, but for everybody else. */
static void disk_really_full_for_one(void **state)
{
    struct testdb db;
    struct caller cs[64];
    struct fault why;
    (void)state;
    testdb_open(&db, false, kit_tables, kit_n_tables);
    assert_rc(store_write(db.store, STORE_BULK, run_limit, NULL, &why), RC_OK, &why);
    for (int i = 0; i < 64; i++)
        cs[i] =
            (struct caller){.db = &db, .id = i, .guilty = i == 40, .bytes = i == 40 ? sizeof(zeros) : 100};
    one_group(&db, cs, 64, NULL);
    check_one_of_64(&db, cs, 1);
    assert_int_equal(
        kit_number(&db, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check = 'ok'"), 1);
    testdb_close(&db);
}

/* ---- bounds ---- */

struct busy {
    struct gate *in, *out;
    struct store *store;
    enum rc rc;
};

static enum rc stay(struct tx *tx, void *arg, struct fault *why)
{
    struct busy *b = arg;
    (void)tx;
    (void)why;
    gate_pass(b->in, 5000);
    gate_pass(b->out, 5000);
    return RC_OK;
}

static void *stay_thread(void *arg)
{
    struct busy *b = arg;
    struct fault why;
    b->rc = store_read(b->store, stay, b, &why);
    return NULL;
}

/* All connections are in use: the next one waits 100 ms and is told so. */
static void pool_is_full(bool postgres)
{
    enum { READERS = 8 };
    struct testdb db;
    struct gate in, out;
    struct busy bs[READERS];
    pthread_t ts[READERS];
    struct store *small = NULL;
    struct fault why;
    int n = postgres ? 2 : READERS;
    testdb_open(&db, postgres, kit_tables, kit_n_tables);
    if (postgres) {
        store_close(&db.store);
        struct store_options o = {
            .url = str_of(db.url), .pool = 2, .migrations = kit_tables, .n_migrations = kit_n_tables};
        assert_rc(store_open(&o, &small, &why), RC_OK, &why);
        db.store = small;
    }
    gate_open(&in, n + 1);
    gate_open(&out, n + 1);
    for (int i = 0; i < n; i++) {
        bs[i] = (struct busy){.in = &in, .out = &out, .store = db.store};
        assert_int_equal(pthread_create(&ts[i], NULL, stay_thread, &bs[i]), 0);
    }
    gate_pass(&in, 5000);
    int64_t start = clock_mono_ms();
    struct gate none;
    gate_open(&none, 0);
    struct busy late = {.in = &none, .out = &none};
    assert_rc(store_read(db.store, stay, &late, &why), RC_FULL, &why);
    assert_string_equal(why.code, "store.full");
    assert_in_range(clock_mono_ms() - start, 90, 4000);
    gate_pass(&out, 5000);
    for (int i = 0; i < n; i++) {
        assert_int_equal(pthread_join(ts[i], NULL), 0);
        assert_int_equal(bs[i].rc, RC_OK);
    }
    assert_rc(store_read(db.store, stay, &late, &why), RC_OK, &why);
    testdb_close(&db);
}
TESTDB_CASES(pool_is_full)

static const struct sql forever = {"f.forever",
                                   "WITH RECURSIVE g(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM g)"
                                   " SELECT count(*) FROM g"};
static enum rc run_forever(struct tx *tx, void *arg, struct fault *why)
{
    struct rows *r;
    (void)arg;
    return tx_query(tx, &forever, NO_ARGS, tx_mem(tx), &r, why);
}

static void read_ends_after_five_seconds(bool postgres)
{
    struct testdb db;
    struct fault why;
    testdb_open(&db, postgres, kit_tables, kit_n_tables);
    int64_t start = clock_mono_ms();
    assert_rc(store_read(db.store, run_forever, NULL, &why), RC_RETRY, &why);
    assert_string_equal(why.code, "store.timeout");
    assert_in_range(clock_mono_ms() - start, 4500, 9000);
    assert_int_equal(items(&db), 0);
    testdb_close(&db);
}
TESTDB_CASES(read_ends_after_five_seconds)

int main(void)
{
    sqlite_group_us = 10000000;
    const struct CMUnitTest tests[] = {
        TESTDB_BOTH(commit_refused),
        TESTDB_BOTH(commit_refused_once),
        TESTDB_BOTH(commit_cut),
        TESTDB_BOTH(commit_delayed),
        cmocka_unit_test(group_unknown_is_unsure_for_all),
        cmocka_unit_test(group_refused_runs_one_by_one),
        TESTDB_BOTH(statement_fails),
        cmocka_unit_test(fn_runs_again),
        TESTDB_BOTH(disk_full_for_one),
        cmocka_unit_test(disk_really_full_for_one),
        TESTDB_BOTH(pool_is_full),
        TESTDB_BOTH(read_ends_after_five_seconds),
    };
    return cmocka_run_group_tests_name("store.faults", tests, NULL, NULL);
}
