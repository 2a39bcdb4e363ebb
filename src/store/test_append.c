/* store_append on both databases: new and duplicate rows, a row that breaks a rule among good ones, values of
 * every type, COMMIT cut, bounds, rows that wait at closing. Nothing may be called a duplicate that is not
 * stored. */
#include "test_kit.h"

static const enum val_type types[] = {VT_TEXT, VT_INT, VT_BYTES};
static const struct append_sql item = {
    .insert = {"a.item", "INSERT INTO items (k, v, b) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"},
    .pg_copy = "COPY items (k, v, b) FROM STDIN (FORMAT binary)",
    .pg_unnest = "INSERT INTO items (k, v, b) SELECT * FROM unnest($1::text[], $2::bigint[], $3::bytea[])"
                 " ON CONFLICT DO NOTHING RETURNING k",
    .types = types,
    .n = COUNT_OF(types),
    .key_col = 0,
};

struct told {
    atomic_int rc[RC_COUNT];
    atomic_int all;
};
struct until {
    struct told *told;
    int want;
};

static void tell(void *arg, enum rc rc)
{
    struct told *t = arg;
    atomic_fetch_add(&t->rc[rc], 1);
    atomic_fetch_add(&t->all, 1);
}

static bool all_told(void *arg)
{
    const struct until *u = arg;
    return atomic_load(&u->told->all) >= u->want;
}

static enum rc append(struct store *s, const char *key, int64_t v, str b, struct told *t)
{
    struct fault why;
    return store_append(s, &item, (const struct val[]){V_TEXT(str_of(key)), V_INT(v), V_BYTES(b)}, tell, t,
                        &why);
}

static void wait_told(struct told *t, int want)
{
    assert_true(kit_until(all_told, &(struct until){t, want}));
}

static void new_and_duplicate(bool postgres)
{
    enum { ROWS = 500 };
    struct testdb db;
    struct told t = {.all = 0};
    char key[16];
    testdb_open(&db, postgres, kit_tables, kit_n_tables);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < ROWS; i++) {
            (void)snprintf(key, sizeof(key), "k%d", i / 2); /* each twice, in one batch or in two */
            assert_int_equal(append(db.store, key, i, STR("\0body\xff"), &t), RC_OK);
        }
        wait_told(&t, (round + 1) * ROWS);
        assert_int_equal(t.rc[RC_OK], ROWS / 2);
        assert_int_equal(t.rc[RC_CONFLICT], ROWS / 2 + round * ROWS);
    }
    assert_int_equal(kit_number(&db, "SELECT count(*) FROM items"), ROWS / 2);
    testdb_close(&db);
}
TESTDB_CASES(new_and_duplicate)

static const struct sql read_back = {"a.read", "SELECT v, b FROM items WHERE k = $1"};

static enum rc check_back(struct tx *tx, void *arg, struct fault *why)
{
    struct rows *r;
    enum rc rc = tx_one(tx, &read_back, ARGS(V_TEXT(STR("ยาว"))), tx_mem(tx), &r, why);
    if (rc != RC_OK)
        return rc;
    assert_true(row_int(r, 0) == INT64_MAX);
    assert_true(str_eq(row_text(r, 1), *(str *)arg));
    rc = tx_one(tx, &read_back, ARGS(V_TEXT(STR("null"))), tx_mem(tx), &r, why);
    if (rc == RC_OK)
        assert_true(row_null(r, 1) && row_int(r, 0) == 0);
    return rc == RC_OK ? tx_one(tx, &read_back, ARGS(V_TEXT(STR(""))), tx_mem(tx), &r, why) : rc;
}

static void values_survive(bool postgres)
{
    struct testdb db;
    struct told t = {.all = 0};
    struct fault why;
    static char body[3000];
    for (size_t i = 0; i < sizeof(body); i++)
        body[i] = (char)i;
    str b = {body, sizeof(body)};
    testdb_open(&db, postgres, kit_tables, kit_n_tables);
    assert_int_equal(append(db.store, "ยาว", INT64_MAX, b, &t), RC_OK);
    assert_int_equal(append(db.store, "null", 0, STR_NONE, &t), RC_OK);
    assert_int_equal(append(db.store, "", 1, STR(""), &t), RC_OK);
    wait_told(&t, 3);
    assert_int_equal(t.rc[RC_OK], 3);
    assert_rc(store_read(db.store, check_back, &b, &why), RC_OK, &why);
    testdb_close(&db);
}
TESTDB_CASES(values_survive)

/* v < 0 breaks a CHECK: that row alone fails, and not as a duplicate, which intake would acknowledge. */
static void one_bad_row(bool postgres)
{
    enum { ROWS = 300 };
    struct testdb db;
    struct told t = {.all = 0};
    char key[16];
    testdb_open(&db, postgres, kit_tables, kit_n_tables);
    for (int i = 0; i < ROWS; i++) {
        (void)snprintf(key, sizeof(key), "k%d", i);
        assert_int_equal(append(db.store, key, i == 7 || i == 200 ? -1 : i, STR("x"), &t), RC_OK);
    }
    wait_told(&t, ROWS);
    assert_int_equal(t.rc[RC_OK], ROWS - 2);
    assert_int_equal(t.rc[RC_BUG], 2);
    assert_int_equal(append(db.store, "a\xff", 1, STR("x"), &t), RC_INVALID);
    assert_int_equal(kit_number(&db, "SELECT count(*) FROM items"), ROWS - 2);
    testdb_close(&db);
}
TESTDB_CASES(one_bad_row)

static const char *commit_name(bool postgres)
{
    return postgres ? "a.item" : "commit"; /* PostgreSQL: the statement is its own transaction */
}

static void append_cut(bool postgres)
{
    struct testdb db;
    struct told t = {.all = 0};
    testdb_open(&db, postgres, kit_tables, kit_n_tables);
    trip_set(&(struct trip_rule){
        .at = AT_COMMIT, .name = commit_name(postgres), .times = 1, .act = TRIP_CUT_BEFORE});
    assert_int_equal(append(db.store, "a", 1, STR("x"), &t), RC_OK);
    wait_told(&t, 1);
    assert_int_equal(t.rc[RC_UNSURE], 1);
    trip_set(&(struct trip_rule){
        .at = AT_COMMIT, .name = commit_name(postgres), .times = 1, .act = TRIP_CUT_AFTER});
    assert_int_equal(append(db.store, "a", 1, STR("x"), &t), RC_OK);
    wait_told(&t, 2);
    assert_int_equal(t.rc[RC_UNSURE], 2);
    trip_set(NULL);
    assert_int_equal(append(db.store, "a", 1, STR("x"), &t), RC_OK);
    assert_int_equal(append(db.store, "b", 1, STR("x"), &t), RC_OK);
    wait_told(&t, 4);
    assert_int_equal(t.rc[RC_CONFLICT], 1); /* it had happened; the repeat is harmless */
    assert_int_equal(t.rc[RC_OK], 1);
    testdb_close(&db);
}
TESTDB_CASES(append_cut)

static void append_refused(bool postgres)
{
    struct testdb db;
    struct told t = {.all = 0};
    testdb_open(&db, postgres, kit_tables, kit_n_tables);
    /* A full disk at the statement: SQLite tries the lost group once more, PostgreSQL is told for certain. */
    trip_set(&(struct trip_rule){
        .at = postgres ? AT_COMMIT : AT_STATEMENT, .name = "a.item", .times = 2, .act = TRIP_FULL});
    assert_int_equal(append(db.store, "a", 1, STR("x"), &t), RC_OK);
    wait_told(&t, 1);
    assert_int_equal(t.rc[RC_FULL], 1);
    trip_set(NULL);
    assert_int_equal(append(db.store, "a", 1, STR("x"), &t), RC_OK);
    wait_told(&t, 2);
    assert_int_equal(t.rc[RC_OK], 1);
    if (postgres) { /* and contention is tried again without anybody noticing */
        trip_set(&(struct trip_rule){.at = AT_COMMIT, .name = "a.item", .times = 2, .act = TRIP_DEADLOCK});
        assert_int_equal(append(db.store, "b", 1, STR("x"), &t), RC_OK);
        wait_told(&t, 3);
        assert_int_equal(t.rc[RC_OK], 2);
        trip_set(NULL);
    }
    testdb_close(&db);
}
TESTDB_CASES(append_refused)

/* ---- bounds, with commits held so that rows wait ---- */

struct hold {
    atomic_int reached;
    atomic_bool opened;
};

static void hold_here(void *arg)
{
    struct hold *h = arg;
    atomic_fetch_add(&h->reached, 1);
    int64_t deadline = clock_mono_ms() + 20000;
    while (!atomic_load(&h->opened) && clock_mono_ms() < deadline)
        (void)usleep(200); /* only to leave the processor to the test's other threads */
}

static bool held(void *arg)
{
    return atomic_load(&((struct hold *)arg)->reached) > 0;
}

static bool held_twice(void *arg)
{
    return atomic_load(&((struct hold *)arg)->reached) > 1;
}

/* Keeps SQLite's writer, or both of PostgreSQL's lanes, at their commit. */
static int hold_commits(struct testdb *db, bool postgres, struct hold *h, struct told *t)
{
    trip_set(&(struct trip_rule){
        .at = AT_COMMIT, .name = commit_name(postgres), .times = 100, .call = hold_here, .arg = h});
    assert_int_equal(append(db->store, "h1", 1, STR("x"), t), RC_OK);
    assert_true(kit_until(held, h));
    if (!postgres)
        return 1;
    assert_int_equal(append(db->store, "h2", 1, STR("x"), t), RC_OK);
    assert_true(kit_until(held_twice, h));
    return 2;
}

static bool queue_is_old(void *arg)
{
    return clock_mono_ms() > *(int64_t *)arg + 1000;
}

static void queue_is_bounded(bool postgres)
{
    struct testdb db;
    static char mib[1024 * 1024];
    testdb_open(&db, postgres, kit_tables, kit_n_tables);
    for (int kind = 0; kind < 3; kind++) {
        struct told t = {.all = 0};
        struct hold h = {.reached = 0};
        char key[32];
        int taken = hold_commits(&db, postgres, &h, &t), before = taken;
        enum rc rc = RC_OK;
        int64_t first_ms = clock_mono_ms();
        while (rc == RC_OK && taken < 5000) {
            (void)snprintf(key, sizeof(key), "k%d-%d", kind, taken);
            rc = append(db.store, key, taken, kind == 1 ? (str){mib, sizeof(mib)} : STR("x"), &t);
            taken += rc == RC_OK;
            if (kind == 2 && rc == RC_OK)
                assert_true(kit_until(queue_is_old, &first_ms));
        }
        assert_int_equal(rc, RC_FULL);
        if (kind != 2 && clock_mono_ms() - first_ms < 900) /* a slow machine may meet the third bound first */
            assert_int_equal(taken - before, kind == 0 ? 2048 : 15);
        atomic_store(&h.opened, true);
        wait_told(&t, taken);
        trip_set(NULL);
        assert_int_equal(t.rc[RC_OK] + t.rc[RC_CONFLICT], taken);
    }
    testdb_close(&db);
}
TESTDB_CASES(queue_is_bounded)

/* Closing finishes what waits. */
static void closing_drains(bool postgres)
{
    enum { ROWS = 1500 };
    struct testdb db;
    struct told t = {.all = 0};
    char key[16];
    testdb_open(&db, postgres, kit_tables, kit_n_tables);
    for (int i = 0; i < ROWS; i++) {
        (void)snprintf(key, sizeof(key), "k%d", i);
        assert_int_equal(append(db.store, key, i, STR("x"), &t), RC_OK);
    }
    testdb_reopen(&db, kit_tables, kit_n_tables);
    assert_int_equal(t.rc[RC_OK], ROWS);
    assert_int_equal(kit_number(&db, "SELECT count(*) FROM items"), ROWS);
    testdb_close(&db);
}
TESTDB_CASES(closing_drains)

/* ---- intake, interactive and bulk at once: each gets its turn, nothing is lost ---- */

struct worker {
    struct testdb *db;
    struct told *told;
    int id, kind;
    int good;
};
static const struct sql count_up = {
    "a.count", "INSERT INTO counts (k, n) VALUES ($1, 1) ON CONFLICT (k) DO UPDATE SET n = counts.n + 1"};

static enum rc run_count(struct tx *tx, void *arg, struct fault *why)
{
    (void)arg;
    enum rc rc = store_lock(tx, STR("w"), "count", STR("x"), why);
    return rc == RC_OK ? tx_exec(tx, &count_up, ARGS(V_TEXT(STR("x"))), NULL, why) : rc;
}

static void *work(void *arg)
{
    struct worker *w = arg;
    struct fault why;
    char key[32];
    for (int i = 0; i < 100; i++) {
        (void)snprintf(key, sizeof(key), "w%d-%d", w->id, i);
        if (w->kind == 0)
            w->good += append(w->db->store, key, i, STR("x"), w->told) == RC_OK;
        else
            w->good += store_write(w->db->store, w->kind == 1 ? STORE_INTERACTIVE : STORE_BULK, run_count,
                                   NULL, &why) == RC_OK;
    }
    return NULL;
}

static void classes_together(bool postgres)
{
    enum { N = 12 };
    struct testdb db;
    struct told t = {.all = 0};
    struct worker ws[N];
    testdb_open(&db, postgres, kit_tables, kit_n_tables);
    for (int i = 0; i < N; i++)
        ws[i] = (struct worker){.db = &db, .told = &t, .id = i, .kind = i % 3};
    in_threads(N, work, ws, sizeof(ws[0]));
    for (int i = 0; i < N; i++)
        assert_int_equal(ws[i].good, 100);
    wait_told(&t, N / 3 * 100);
    assert_int_equal(t.rc[RC_OK], N / 3 * 100);
    assert_int_equal(kit_number(&db, "SELECT n FROM counts WHERE k = 'x'"), N / 3 * 2 * 100);
    testdb_close(&db);
}
TESTDB_CASES(classes_together)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TESTDB_BOTH(new_and_duplicate), TESTDB_BOTH(values_survive),   TESTDB_BOTH(one_bad_row),
        TESTDB_BOTH(append_cut),        TESTDB_BOTH(append_refused),   TESTDB_BOTH(queue_is_bounded),
        TESTDB_BOTH(closing_drains),    TESTDB_BOTH(classes_together),
    };
    return cmocka_run_group_tests_name("store.append", tests, NULL, NULL);
}
