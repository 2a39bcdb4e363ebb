/* store_bulk on both databases: values of every type, bounds, a row that breaks a rule, a fault in the
 * middle, a connection cut, a second run of fn; and that nothing of a failed call can be committed. */
#include "test_kit.h"
#include "store/bulk.h"

static const enum val_type types[] = {VT_TEXT, VT_INT, VT_BYTES};
static const struct bulk_table items = {
    .insert = {"b.item", "INSERT INTO items (k, v, b) VALUES ($1, $2, $3)"},
    .pg_copy = "COPY items (k, v, b) FROM STDIN (FORMAT binary)",
    .types = types,
    .n = COUNT_OF(types),
};

struct load {
    struct store *store;
    int64_t rows, at, stored;
    int64_t bad_row; /* counted from 1; 0: none */
    struct val bad;  /* stands there in column v */
    enum rc fail;    /* or the source fails there */
    char key[32];
    bool swallow; /* fn says RC_OK although the bulk failed */
    int runs;
};

static enum rc next(void *arg, struct val *row, struct fault *why)
{
    struct load *l = arg;
    if (l->at == l->rows)
        return RC_MISSING;
    l->at++;
    if (l->at == l->bad_row && l->fail != RC_OK)
        return fault_set(why, l->fail, "test.source", "no more");
    (void)snprintf(l->key, sizeof l->key, "กุญแจ %06lld", (long long)l->at - 1);
    row[0] = V_TEXT(str_of(l->key));
    row[1] = l->at == l->bad_row ? l->bad : V_INT(l->at - 1);
    row[2] = l->at % 3 == 1 ? V_NULL : V_BYTES(STR("\0\xff\n\\."));
    return RC_OK;
}

static enum rc load(struct tx *tx, void *arg, struct fault *why)
{
    struct load *l = arg;
    l->at = 0;
    l->runs++;
    enum rc rc = store_bulk(tx, &items, next, l, &l->stored, why);
    return l->swallow ? RC_OK : rc;
}

static enum rc run(struct testdb *db, struct load *l, struct fault *why)
{
    return store_write(db->store, STORE_BULK, load, l, why);
}

static void rows_arrive(bool postgres)
{
    struct testdb db;
    struct fault why;
    struct load l = {.rows = BULK_ROWS_MAX};
    testdb_open(&db, postgres, kit_tables, kit_n_tables);
    assert_rc(run(&db, &l, &why), RC_OK, &why);
    assert_int_equal(l.stored, BULK_ROWS_MAX);
    assert_int_equal(kit_number(&db, "SELECT count(*) FROM items"), BULK_ROWS_MAX);
    assert_int_equal(kit_number(&db, "SELECT sum(v) FROM items"),
                     (int64_t)BULK_ROWS_MAX * (BULK_ROWS_MAX - 1) / 2);
    assert_int_equal(kit_number(&db, "SELECT count(*) FROM items WHERE b IS NULL"), (BULK_ROWS_MAX + 2) / 3);
    assert_int_equal(kit_number(&db, "SELECT count(*) FROM items WHERE length(b) = 5"),
                     BULK_ROWS_MAX - (BULK_ROWS_MAX + 2) / 3);
    assert_int_equal(kit_number(&db, "SELECT v FROM items WHERE k = 'กุญแจ 000042'"), 42);
    struct load none = {.rows = 0, .stored = -1};
    assert_rc(run(&db, &none, &why), RC_OK, &why);
    assert_int_equal(none.stored, 0);
    testdb_close(&db);
}
TESTDB_CASES(rows_arrive)

static void nothing_of_a_failed_call_stays(bool postgres)
{
    static const struct {
        struct load l;
        enum rc rc;
        const char *code;
    } cases[] = {
        {{.rows = 100, .bad_row = 70, .bad = {VT_INT, {NULL, 0}, -1}}, RC_CONFLICT, "store.constraint"},
        {{.rows = 100, .bad_row = 70, .bad = {VT_TEXT, {"x", 1}, 0}}, RC_BUG, "store.bulk"},
        {{.rows = 100, .bad_row = 70, .fail = RC_RETRY}, RC_RETRY, "test.source"},
        {{.rows = BULK_ROWS_MAX + 1}, RC_FULL, "store.bulk"},
    };
    struct testdb db;
    struct fault why;
    testdb_open(&db, postgres, kit_tables, kit_n_tables);
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        for (int swallow = 0; swallow < 2; swallow++) {
            struct load l = cases[i].l;
            l.swallow = swallow != 0; /* a transaction that is poisoned commits nothing, whatever fn says */
            assert_rc(run(&db, &l, &why), cases[i].rc, &why);
            assert_string_equal(why.code, cases[i].code);
            assert_int_equal(kit_number(&db, "SELECT count(*) FROM items"), 0);
        }
    struct load good = {.rows = 10}, again = {.rows = 11};
    assert_rc(run(&db, &good, &why), RC_OK, &why); /* the connection is as good as before */
    assert_rc(run(&db, &again, &why), RC_CONFLICT, &why);
    assert_int_equal(kit_number(&db, "SELECT count(*) FROM items"), 10);
    testdb_close(&db);
}
TESTDB_CASES(nothing_of_a_failed_call_stays)

/* The statement that carries the rows is lost once: fn runs again, and the rows are there once. */
static void runs_again(bool postgres)
{
    struct testdb db;
    struct fault why;
    struct load l = {.rows = 200};
    testdb_open(&db, postgres, kit_tables, kit_n_tables);
    trip_set(&(struct trip_rule){
        .at = AT_STATEMENT, .name = "b.item", .times = 1, .act = postgres ? TRIP_CUT_AFTER : TRIP_FULL});
    enum rc rc = run(&db, &l, &why);
    assert_int_equal(trip_hits(), 1);
    trip_set(NULL);
    if (postgres) {
        assert_rc(rc, RC_OK, &why);
        assert_int_equal(l.runs, 2);
        assert_int_equal(kit_number(&db, "SELECT count(*) FROM items"), 200);
    } else {
        assert_true(rc == RC_FULL || rc == RC_OK); /* disk full once: the group is tried again */
        assert_int_equal(kit_number(&db, "SELECT count(*) FROM items"), rc == RC_OK ? 200 : 0);
    }
    testdb_close(&db);
}
TESTDB_CASES(runs_again)

/* tx_own: a statement that exists on one database only. */
static const struct sql only_postgres[2] = {
    [ON_SQLITE] = {"b.own", ""},
    [ON_POSTGRES] = {"b.own", "SELECT 7"},
};

static enum rc ask_own(struct tx *tx, void *arg, struct fault *why)
{
    struct rows *r;
    int64_t *got = arg, changed = 5;
    enum rc rc = tx_query(tx, tx_own(tx, only_postgres), NO_ARGS, tx_mem(tx), &r, why);
    if (rc == RC_OK)
        *got = rows_next(r) ? row_int(r, 0) : -1;
    if (rc == RC_OK && *got == -1) {
        rc = tx_exec(tx, tx_own(tx, only_postgres), NO_ARGS, &changed, why);
        assert_int_equal(changed, 0);
    }
    return rc;
}

static void each_database_its_own_text(bool postgres)
{
    struct testdb db;
    struct fault why;
    int64_t got = 0;
    testdb_open(&db, postgres, kit_tables, kit_n_tables);
    assert_rc(store_read(db.store, ask_own, &got, &why), RC_OK, &why);
    assert_int_equal(got, postgres ? 7 : -1);
    testdb_close(&db);
}
TESTDB_CASES(each_database_its_own_text)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TESTDB_BOTH(rows_arrive),
        TESTDB_BOTH(nothing_of_a_failed_call_stays),
        TESTDB_BOTH(runs_again),
        TESTDB_BOTH(each_database_its_own_text),
    };
    return cmocka_run_group_tests_name("store bulk", tests, NULL, NULL);
}
