/* Migrations on both databases: forward and once only, new rooms later, a broken one leaves nothing behind,
 * refused by a binary that is too old (and only then) with a sentence that says what to do, and several nodes
 * starting at once. */
#include "test_kit.h"

static const struct migration a_rows[] = {
    {.number = 1001,
     .name = "a one",
     .text = "CREATE TABLE a (k @TEXT NOT NULL PRIMARY KEY, n @INT64) @TABLE"},
    {.number = 1002, .name = "a two", .text = "ALTER TABLE a ADD COLUMN flag @FLAG NOT NULL DEFAULT 1"},
    {.number = 1003, .name = "a drops n", .text = "ALTER TABLE a DROP COLUMN n", .oldest_binary = 1002},
};
static const struct migration b_rows[] = {
    {.number = 500,
     .name = "b one",
     .text = "CREATE TABLE b (k @TEXT NOT NULL PRIMARY KEY) @TABLE;\n"
             "INSERT INTO b (k) VALUES ('x')"},
};
static const struct migration bad_rows[] = {
    {.number = 2001,
     .name = "bad",
     .text = "CREATE TABLE c (k @TEXT) @TABLE;\nINSERT INTO nowhere (k) VALUES (1)"},
};
static const struct migration word_rows[] = {
    {.number = 2002, .name = "word", .text = "CREATE TABLE d (k @NUMBER)"}};

static enum rc try_open(const struct testdb *db, const struct migration_table *tables, size_t n,
                        struct fault *why)
{
    struct store *s = NULL;
    struct store_options o = {.url = str_of(db->url), .migrations = tables, .n_migrations = n};
    enum rc rc = store_open(&o, &s, why);
    store_close(&s);
    return rc;
}

static void forward_and_once(bool postgres)
{
    struct testdb db;
    const struct migration_table one[] = {{"a", a_rows, 1}};
    const struct migration_table more[] = {{"a", a_rows, 2}, {"b", b_rows, 1}};
    testdb_open(&db, postgres, one, 1);
    assert_int_equal(kit_number(&db, "SELECT count(*) FROM schema_migrations"), 2); /* with store's own */
    testdb_reopen(&db, more, 2); /* also a lower number of a room that is new */
    testdb_reopen(&db, more, 2);
    assert_int_equal(kit_number(&db, "SELECT count(*) FROM schema_migrations"), 4);
    assert_int_equal(kit_number(&db, "SELECT count(*) FROM b"), 1);
    assert_int_equal(kit_number(&db, "SELECT count(flag) FROM a"), 0);
    testdb_close(&db);
}
TESTDB_CASES(forward_and_once)

static void old_binary_is_refused(bool postgres)
{
    struct testdb db;
    struct fault why = {.rc = RC_OK};
    const struct migration_table oldest[] = {{"a", a_rows, 1}}, old[] = {{"a", a_rows, 2}},
                                 new[] = {{"a", a_rows, 3}};
    const struct migration_table other[] = {{"b", b_rows, 1}};
    testdb_open(&db, postgres, old, 1);
    store_close(&db.store);
    /* 1002 only expands: a binary that does not know it may run. */
    assert_rc(try_open(&db, oldest, 1, &why), RC_OK, &why);
    assert_rc(try_open(&db, new, 1, &why), RC_OK, &why);
    /* 1003 dropped a column: 1002 is the oldest that may. */
    assert_rc(try_open(&db, old, 1, &why), RC_OK, &why);
    assert_rc(try_open(&db, oldest, 1, &why), RC_REFUSED, &why);
    assert_string_equal(why.code, "store.schema_newer");
    assert_non_null(strstr(why.detail, "newer version"));
    assert_non_null(strstr(why.detail, "a drops n"));
    assert_non_null(strstr(why.detail, "1002"));
    assert_rc(try_open(&db, other, 1, &why), RC_REFUSED, &why);
    testdb_close(&db);
}
TESTDB_CASES(old_binary_is_refused)

static void broken_leaves_nothing(bool postgres)
{
    struct testdb db;
    struct fault why = {.rc = RC_OK};
    const struct migration_table good[] = {{"a", a_rows, 1}}, bad[] = {{"a", a_rows, 1}, {"c", bad_rows, 1}};
    const struct migration_table word[] = {{"a", a_rows, 1}, {"d", word_rows, 1}};
    const char *tables = postgres ? "SELECT count(*) FROM pg_tables WHERE tablename = 'c'"
                                  : "SELECT count(*) FROM sqlite_schema WHERE name = 'c'";
    testdb_open(&db, postgres, good, 1);
    store_close(&db.store);
    assert_rc(try_open(&db, bad, 2, &why), RC_BUG, &why);
    assert_non_null(strstr(why.detail, "2001"));
    assert_rc(try_open(&db, word, 2, &why), RC_BUG, &why);
    assert_non_null(strstr(why.detail, "@NUMBER"));
    struct store_options o = {.url = str_of(db.url), .migrations = good, .n_migrations = 1};
    assert_rc(store_open(&o, &db.store, &why), RC_OK, &why);
    assert_int_equal(kit_number(&db, tables), 0);
    assert_int_equal(kit_number(&db, "SELECT count(*) FROM schema_migrations"), 2);
    testdb_close(&db);
}
TESTDB_CASES(broken_leaves_nothing)

struct node {
    struct testdb *db;
    struct gate *gate;
    enum rc rc;
    struct fault why;
};

static void *start_node(void *arg)
{
    struct node *n = arg;
    const struct migration_table more[] = {{"a", a_rows, 3}, {"b", b_rows, 1}};
    gate_pass(n->gate, 2000);
    n->rc = try_open(n->db, more, 2, &n->why);
    return NULL;
}

/* PostgreSQL only: SQLite has one daemon, kept by the state folder's lock. */
static void nodes_start_at_once(void **state)
{
    enum { NODES = 6 };
    (void)state;
    for (int round = 0; round < 5; round++) {
        struct testdb db = {.store = NULL};
        struct node nodes[NODES];
        struct gate g;
        struct fault why;
        (void)snprintf(db.url, sizeof(db.url), "%s", pg_database());
        gate_open(&g, NODES);
        for (int i = 0; i < NODES; i++)
            nodes[i] = (struct node){.db = &db, .gate = &g};
        in_threads(NODES, start_node, nodes, sizeof(nodes[0]));
        for (int i = 0; i < NODES; i++)
            assert_rc(nodes[i].rc, RC_OK, &nodes[i].why);
        struct store_options o = {.url = str_of(db.url)};
        const struct migration_table more[] = {{"a", a_rows, 3}, {"b", b_rows, 1}};
        o.migrations = more;
        o.n_migrations = 2;
        assert_rc(store_open(&o, &db.store, &why), RC_OK, &why);
        assert_int_equal(kit_number(&db, "SELECT count(*) FROM b"), 1);
        testdb_close(&db);
    }
}

static void bad_urls_say_so(void **state)
{
    static const struct {
        const char *url;
        enum rc rc;
    } rows[] = {{"mysql://x", RC_INVALID},
                {"sqlite:", RC_INVALID},
                {"postgresql://me:pass@127.0.0.1:1/none", RC_INVALID},
                {"sqlite:/nowhere/at/all/x.db", RC_RETRY},
                {"postgresql://127.0.0.1:1/none", RC_RETRY}};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct store *s = NULL;
        struct fault why = {.rc = RC_OK};
        struct store_options o = {.url = str_of(rows[i].url)};
        assert_rc(store_open(&o, &s, &why), rows[i].rc, &why);
        assert_true(why.detail[0] != 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TESTDB_BOTH(forward_and_once),      TESTDB_BOTH(old_binary_is_refused),
        TESTDB_BOTH(broken_leaves_nothing), cmocka_unit_test(nodes_start_at_once),
        cmocka_unit_test(bad_urls_say_so),
    };
    return cmocka_run_group_tests_name("store.migrations", tests, NULL, NULL);
}
