/* store, use cases raced against themselves on both databases, with a gate inside fn so that they truly meet:
 * a read-modify-write under store_lock, a quota, inserts of one key, an UPSERT; and stamps: two writers of
 * which the first is slow, with a reader that must see no gap. Planted: store.no_lock, store.serial_cursor.
 * */
#include "test_kit.h"
#include "store/store_priv.h"

enum { RACES = 200, TWO = 2 };

static const struct sql read_n = {"r.read", "SELECT n FROM counts WHERE k = $1"};
static const struct sql write_n = {"r.write", "UPDATE counts SET n = $2 WHERE k = $1"};
static const struct sql insert_item = {"r.item", "INSERT INTO items (k, v) VALUES ($1, $2)"};
static const struct sql upsert_n = {
    "r.upsert",
    "INSERT INTO counts (k, n) VALUES ($1, 1) ON CONFLICT (k) DO UPDATE SET n = counts.n + 1 RETURNING n"};

struct racer {
    struct testdb *db;
    struct gate *gate;
    store_fn fn;
    char key[16];
    int64_t most; /* of a quota */
    enum rc rc;
    struct fault why;
    int runs;
};

/* On SQLite calls run one after the other: there the gate is met before store_write, never inside fn. */
static void meet(struct tx *tx, struct racer *r)
{
    if (tx_is_postgres(tx) && r->runs++ == 0)
        gate_pass(r->gate, 500);
}

static enum rc load_n(struct tx *tx, struct racer *r, int64_t *n, struct fault *why)
{
    struct rows *rows;
    enum rc rc = tx_one(tx, &read_n, ARGS(V_TEXT(str_of(r->key))), tx_mem(tx), &rows, why);
    if (rc == RC_OK)
        *n = row_int(rows, 0);
    return rc;
}

static enum rc add_one(struct tx *tx, void *arg, struct fault *why)
{
    struct racer *r = arg;
    int64_t n = 0;
    meet(tx, r);
    enum rc rc = store_lock(tx, STR("w"), "count", str_of(r->key), why);
    if (rc == RC_OK)
        rc = load_n(tx, r, &n, why);
    if (rc == RC_OK && r->most > 0 && n >= r->most)
        return fault_set(why, RC_LIMITED, "test.quota", "used up");
    if (rc == RC_OK)
        rc = tx_exec(tx, &write_n, ARGS(V_TEXT(str_of(r->key)), V_INT(n + 1)), NULL, why);
    return rc;
}

static enum rc insert_one(struct tx *tx, void *arg, struct fault *why)
{
    struct racer *r = arg;
    meet(tx, r);
    return tx_exec(tx, &insert_item, ARGS(V_TEXT(str_of(r->key)), V_INT(1)), NULL, why);
}

static enum rc upsert_one(struct tx *tx, void *arg, struct fault *why)
{
    struct racer *r = arg;
    struct rows *rows;
    meet(tx, r);
    return tx_one(tx, &upsert_n, ARGS(V_TEXT(str_of(r->key))), tx_mem(tx), &rows, why);
}

static void *race_one(void *arg)
{
    struct racer *r = arg;
    gate_pass(r->gate, 2000);
    r->rc = store_write(r->db->store, STORE_INTERACTIVE, r->fn, r, &r->why);
    return NULL;
}

/* Two (or n) of fn on the same key; how many ended with `rc`. */
static int race(struct testdb *db, store_fn fn, int key, int n, int64_t most)
{
    struct racer racers[16];
    struct gate g;
    int good = 0;
    gate_open(&g, n);
    for (int i = 0; i < n; i++) {
        racers[i] = (struct racer){.db = db, .gate = &g, .fn = fn, .most = most};
        (void)snprintf(racers[i].key, sizeof(racers[i].key), "k%d", key);
    }
    in_threads(n, race_one, racers, sizeof(racers[0]));
    for (int i = 0; i < n; i++) {
        good += racers[i].rc == RC_OK;
        if (racers[i].rc != RC_OK && racers[i].rc != RC_CONFLICT && racers[i].rc != RC_LIMITED)
            assert_rc(racers[i].rc, RC_OK, &racers[i].why);
    }
    return good;
}

static void no_update_is_lost(bool postgres)
{
    struct testdb db;
    testdb_open(&db, postgres, kit_tables, kit_n_tables);
    kit_add(&db, "k1", 0);
    for (int i = 0; i < RACES; i++)
        assert_int_equal(race(&db, add_one, 1, TWO, 0), TWO);
    assert_int_equal(kit_number(&db, "SELECT n FROM counts WHERE k = 'k1'"), RACES * TWO);
    testdb_close(&db);
}
TESTDB_CASES(no_update_is_lost)

static void quota_holds(bool postgres)
{
    struct testdb db;
    testdb_open(&db, postgres, kit_tables, kit_n_tables);
    for (int i = 0; i < 25; i++) {
        char key[16];
        (void)snprintf(key, sizeof(key), "k%d", i);
        kit_add(&db, key, 8);
        assert_int_equal(race(&db, add_one, i, 8, 10), 2);
    }
    assert_int_equal(kit_number(&db, "SELECT max(n) FROM counts"), 10);
    testdb_close(&db);
}
TESTDB_CASES(quota_holds)

static void one_insert_wins(bool postgres)
{
    struct testdb db;
    testdb_open(&db, postgres, kit_tables, kit_n_tables);
    for (int i = 0; i < RACES; i++)
        assert_int_equal(race(&db, insert_one, i, TWO, 0), 1);
    assert_int_equal(kit_number(&db, "SELECT count(*) FROM items"), RACES);
    testdb_close(&db);
}
TESTDB_CASES(one_insert_wins)

static void upserts_add_up(bool postgres)
{
    struct testdb db;
    testdb_open(&db, postgres, kit_tables, kit_n_tables);
    for (int i = 0; i < RACES; i++)
        assert_int_equal(race(&db, upsert_one, 1, TWO, 0), TWO);
    assert_int_equal(kit_number(&db, "SELECT n FROM counts WHERE k = 'k1'"), RACES * TWO);
    testdb_close(&db);
}
TESTDB_CASES(upserts_add_up)

/* ---- stamps ---- */

static const struct sql mark = {"r.mark", "INSERT INTO marks (n, who) VALUES ($1, $2)"};
static const struct sql after = {"r.after", "SELECT n FROM marks WHERE n > $1 ORDER BY n LIMIT 100"};

struct stamper {
    struct testdb *db;
    int who;
    struct gate *stamped;    /* the slow one opens it once it holds its number */
    atomic_bool *other_done; /* and then waits for this, or 50 ms */
    int runs;
};

static enum rc stamp_one(struct tx *tx, void *arg, struct fault *why)
{
    struct stamper *s = arg;
    int64_t n = 0;
    enum rc rc = store_stamp(tx, STR("w"), "feed", &n, why);
    if (rc == RC_OK)
        rc = tx_exec(tx, &mark, ARGS(V_INT(n), V_INT(s->who)), NULL, why);
    if (s->who == 0 && s->runs++ == 0) {
        int64_t until = clock_mono_ms() + 50;
        gate_pass(s->stamped, 2000);
        while (!atomic_load(s->other_done) && clock_mono_ms() < until)
            continue;
    }
    return rc;
}

static void *stamp_thread(void *arg)
{
    struct stamper *s = arg;
    struct fault why = {.rc = RC_OK};
    if (s->who == 1)
        gate_pass(s->stamped, 2000);
    /* no assert in a thread */
    must(store_write(s->db->store, STORE_INTERACTIVE, stamp_one, s, &why) == RC_OK);
    if (s->who == 1)
        atomic_store(s->other_done, true);
    return NULL;
}

/* Reads on from the last number it saw, as feeds do; a number that appears behind it was missed. */
struct reader {
    struct testdb *db;
    int64_t last, seen;
    atomic_bool stop;
};

static enum rc read_on(struct tx *tx, void *arg, struct fault *why)
{
    struct reader *r = arg;
    struct rows *rows;
    enum rc rc = tx_query(tx, &after, ARGS(V_INT(r->last)), tx_mem(tx), &rows, why);
    while (rc == RC_OK && rows_next(rows)) {
        r->last = row_int(rows, 0);
        r->seen++;
    }
    return rc;
}

static void *read_thread(void *arg)
{
    struct reader *r = arg;
    struct fault why = {.rc = RC_OK};
    while (!atomic_load(&r->stop))
        must(store_read(r->db->store, read_on, r, &why) == RC_OK);
    return NULL;
}

static void reader_sees_no_gap(bool postgres)
{
    enum { ROUNDS = 20 };
    struct testdb db;
    struct fault why = {.rc = RC_OK};
    testdb_open(&db, postgres, kit_tables, kit_n_tables);
    struct reader r = {.db = &db, .last = 0};
    pthread_t reader;
    assert_int_equal(pthread_create(&reader, NULL, read_thread, &r), 0);
    for (int i = 0; i < ROUNDS; i++) {
        struct gate g;
        atomic_bool done = false;
        gate_open(&g, TWO);
        struct stamper s[TWO] = {{.db = &db, .who = 0, .stamped = &g, .other_done = &done},
                                 {.db = &db, .who = 1, .stamped = &g, .other_done = &done}};
        in_threads(TWO, stamp_thread, s, sizeof(s[0]));
    }
    atomic_store(&r.stop, true);
    assert_int_equal(pthread_join(reader, NULL), 0);
    assert_rc(store_read(db.store, read_on, &r, &why), RC_OK, &why);
    assert_int_equal(kit_number(&db, "SELECT count(*) FROM marks"), ROUNDS * TWO);
    assert_int_equal(r.seen, ROUNDS * TWO);
    testdb_close(&db);
}
TESTDB_CASES(reader_sees_no_gap)

int main(int argc, char **argv)
{
    const struct CMUnitTest locks[] = {
        TESTDB_BOTH(no_update_is_lost),
        TESTDB_BOTH(quota_holds),
        TESTDB_BOTH(one_insert_wins),
        TESTDB_BOTH(upserts_add_up),
    };
    const struct CMUnitTest stamps[] = {TESTDB_BOTH(reader_sees_no_gap)};
    if (argc > 1 && strcmp(argv[1], "stamps") == 0)
        return cmocka_run_group_tests_name("store.stamps", stamps, NULL, NULL);
    return cmocka_run_group_tests_name("store.races", locks, NULL, NULL);
}
