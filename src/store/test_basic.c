/* store, the plain paths on both databases: values, rows, rollback, poison, reads, text checks, migrations,
 * nesting. */
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include "testdb.h"

static const struct migration rows_first[] = {
    {.number = 1001,
     .name = "things",
     .text = "CREATE TABLE things (\n  k @TEXT NOT NULL PRIMARY KEY,\n  n @INT64 NOT NULL,\n  yes @FLAG NOT "
             "NULL,\n"
             "  b @BYTES,\n  note @TEXT -- personal\n) @TABLE;\n"
             "@SQLITE CREATE TRIGGER things_keep BEFORE DELETE ON things BEGIN SELECT RAISE(ABORT, 'kept'); "
             "END;\n"
             "@POSTGRES CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS "
             "$$ BEGIN RAISE EXCEPTION 'kept' USING ERRCODE = '23514'; END $$;\n"
             "@POSTGRES CREATE TRIGGER things_keep BEFORE DELETE ON things FOR EACH ROW EXECUTE FUNCTION "
             "keep();\n"
             "CREATE INDEX things_n ON things (n)"},
};
static const struct migration_table first[] = {{"things", rows_first, COUNT_OF(rows_first)}};

static const struct sql put = {"t.put",
                               "INSERT INTO things (k, n, yes, b, note) VALUES ($1, $2, $3, $4, $5)"};
static const struct sql get = {"t.get", "SELECT k, n, yes, b, note FROM things WHERE k = $1"};
static const struct sql all = {"t.all", "SELECT k, count(*) OVER (), sum(n) OVER () FROM things ORDER BY k"};
static const struct sql age = {"t.age", "SELECT k FROM things WHERE n > $1 - 60000"};
static const struct sql drop_all = {"t.drop", "DELETE FROM things"};
static const struct sql wrong = {"t.wrong", "SELECT nothing FROM things"};

struct bag {
    const char *keys[4];
    size_t n;
    bool ignore_failure;
    enum rc end;
    str text;
    int runs;
};

static enum rc put_bag(struct tx *tx, void *arg, struct fault *why)
{
    struct bag *b = arg;
    b->runs++;
    for (size_t i = 0; i < b->n; i++) {
        enum rc rc = tx_exec(tx, &put,
                             ARGS(V_TEXT(str_of(b->keys[i])), V_INT(INT64_MIN), V_FLAG(true),
                                  V_BYTES(STR("\0\xff")), V_TEXT(b->text)),
                             NULL, why);
        if (rc != RC_OK && !b->ignore_failure)
            return rc;
    }
    return b->end == RC_OK ? RC_OK : fault_set(why, b->end, "test.end", "as wanted");
}

static enum rc check_values(struct tx *tx, void *arg, struct fault *why)
{
    struct rows *r;
    enum rc rc = tx_one(tx, &get, ARGS(V_TEXT(str_of(arg))), tx_mem(tx), &r, why);
    if (rc != RC_OK)
        return rc;
    assert_true(str_eq(row_text(r, 0), str_of(arg)));
    assert_true(row_int(r, 1) == INT64_MIN);
    assert_int_equal(row_int(r, 2), 1);
    assert_true(str_eq(row_text(r, 3), STR("\0\xff")));
    assert_true(row_null(r, 4) && row_text(r, 4).p == NULL);
    return RC_OK;
}

static enum rc count_all(struct tx *tx, void *arg, struct fault *why)
{
    struct rows *r;
    enum rc rc = tx_query(tx, &all, NO_ARGS, tx_mem(tx), &r, why);
    if (rc == RC_OK)
        *(size_t *)arg = rows_count(r);
    return rc;
}

static size_t counted(struct testdb *db)
{
    size_t n = 999;
    struct fault why;
    assert_rc(store_read(db->store, count_all, &n, &why), RC_OK, &why);
    return n;
}

static void values_come_back(bool postgres)
{
    struct testdb db;
    struct fault why;
    char key[] = "ก key";
    struct bag b = {.keys = {key}, .n = 1, .text = STR_NONE};
    testdb_open(&db, postgres, first, 1);
    assert_rc(store_write(db.store, STORE_INTERACTIVE, put_bag, &b, &why), RC_OK, &why);
    assert_rc(store_read(db.store, check_values, key, &why), RC_OK, &why);
    char none[] = "none";
    assert_rc(store_read(db.store, check_values, none, &why), RC_MISSING, &why);
    assert_string_equal(why.code, "store.no_row");
    testdb_reopen(&db, first, 1);
    assert_rc(store_read(db.store, check_values, key, &why), RC_OK, &why);
    assert_true(store_ready(db.store, &why));
    testdb_close(&db);
}
TESTDB_CASES(values_come_back)

static void failure_rolls_back(bool postgres)
{
    struct testdb db;
    struct fault why;
    testdb_open(&db, postgres, first, 1);
    struct bag twice = {.keys = {"a", "b", "a"}, .n = 3, .text = STR("x")};
    assert_rc(store_write(db.store, STORE_INTERACTIVE, put_bag, &twice, &why), RC_CONFLICT, &why);
    assert_string_equal(why.code, "store.constraint");
    assert_null(strstr(why.detail, "\"a\"")); /* no value in words */
    struct bag own = {.keys = {"a"}, .n = 1, .text = STR("x"), .end = RC_DENIED};
    assert_rc(store_write(db.store, STORE_INTERACTIVE, put_bag, &own, &why), RC_DENIED, &why);
    assert_string_equal(why.code, "test.end");
    assert_int_equal(counted(&db), 0);
    /* A failed statement poisons: fn cannot turn it into success. */
    struct bag hide = {.keys = {"a", "a", "c"}, .n = 3, .text = STR("x"), .ignore_failure = true};
    assert_rc(store_write(db.store, STORE_INTERACTIVE, put_bag, &hide, &why), RC_CONFLICT, &why);
    assert_int_equal(counted(&db), 0);
    testdb_close(&db);
}
TESTDB_CASES(failure_rolls_back)

static void bad_text_is_refused(bool postgres)
{
    struct testdb db;
    struct fault why;
    testdb_open(&db, postgres, first, 1);
    const str bad[] = {STR("a\0b"), STR("\xff"), STR("\xed\xa0\x80"), STR("ok\xc3")};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct bag b = {.keys = {"k"}, .n = 1, .text = bad[i]};
        assert_rc(store_write(db.store, STORE_INTERACTIVE, put_bag, &b, &why), RC_INVALID, &why);
        assert_string_equal(why.code, "store.text");
    }
    assert_int_equal(counted(&db), 0);
    testdb_close(&db);
}
TESTDB_CASES(bad_text_is_refused)

static enum rc ask_wrong(struct tx *tx, void *arg, struct fault *why)
{
    struct rows *r;
    return tx_query(tx, arg, NO_ARGS, tx_mem(tx), &r, why);
}

static enum rc ask_age(struct tx *tx, void *arg, struct fault *why)
{
    struct rows *r;
    (void)arg;
    return tx_query(tx, &age, ARGS(V_INT(clock_now_ms())), tx_mem(tx), &r, why);
}

static void mistakes_are_bugs(bool postgres)
{
    struct testdb db;
    struct fault why;
    struct sql w = wrong;
    testdb_open(&db, postgres, first, 1);
    assert_rc(store_read(db.store, ask_wrong, &w, &why), RC_BUG, &why);
    assert_rc(store_write(db.store, STORE_BULK, ask_wrong, &w, &why), RC_BUG, &why);
    assert_string_equal(why.code, "store.sql");
    struct bag b = {.keys = {"a"}, .n = 1, .text = STR("x")};
    assert_rc(store_read(db.store, put_bag, &b, &why), RC_BUG, &why);
    assert_string_equal(why.code, "store.read_only");
    /* A 64-bit parameter stays one inside an expression. */
    assert_rc(store_read(db.store, ask_age, NULL, &why), RC_OK, &why);
    testdb_close(&db);
}
TESTDB_CASES(mistakes_are_bugs)

static enum rc run_drop(struct tx *tx, void *arg, struct fault *why)
{
    (void)arg;
    return tx_exec(tx, &drop_all, NO_ARGS, NULL, why);
}

/* The trigger of the migration's marked statements is there on each database. */
static void marked_statements_ran(bool postgres)
{
    struct testdb db;
    struct fault why;
    struct bag b = {.keys = {"a"}, .n = 1, .text = STR("x")};
    testdb_open(&db, postgres, first, 1);
    assert_rc(store_write(db.store, STORE_INTERACTIVE, put_bag, &b, &why), RC_OK, &why);
    assert_rc(store_write(db.store, STORE_INTERACTIVE, run_drop, NULL, &why), RC_CONFLICT, &why);
    assert_int_equal(counted(&db), 1);
    testdb_close(&db);
}
TESTDB_CASES(marked_statements_ran)

/* ---- sizes ---- */

static const struct sql many = {"t.many",
                                "WITH RECURSIVE g(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM g WHERE i < $1)"
                                " SELECT i FROM g"};
static enum rc ask_many(struct tx *tx, void *arg, struct fault *why)
{
    struct rows *r;
    enum rc rc = tx_query(tx, &many, ARGS(V_INT(*(int *)arg)), tx_mem(tx), &r, why);
    if (rc == RC_OK)
        *(int *)arg = -(int)rows_count(r);
    return rc;
}

static void rows_are_bounded(bool postgres)
{
    struct testdb db;
    struct fault why;
    testdb_open(&db, postgres, first, 1);
    int n = 10000;
    assert_rc(store_read(db.store, ask_many, &n, &why), RC_OK, &why);
    assert_int_equal(n, -10000);
    n = 10001;
    assert_rc(store_read(db.store, ask_many, &n, &why), RC_FULL, &why);
    testdb_close(&db);
}
TESTDB_CASES(rows_are_bounded)

/* ---- after commit, order of locks ---- */

static void count_up(void *arg)
{
    (*(int *)arg)++;
}

struct after {
    enum rc end;
    int called;
    const char *kinds[2];
    bool stamp_first;
};

static enum rc with_after(struct tx *tx, void *arg, struct fault *why)
{
    struct after *a = arg;
    int64_t n;
    tx_after(tx, count_up, &a->called);
    tx_after(tx, count_up, &a->called);
    enum rc rc = a->stamp_first ? store_stamp(tx, STR("w"), "f", &n, why) : RC_OK;
    for (int i = 0; rc == RC_OK && i < 2 && a->kinds[i] != NULL; i++)
        rc = store_lock(tx, STR("w"), a->kinds[i], STR("1"), why);
    return rc == RC_OK ? a->end : rc;
}

static void hooks_and_lock_order(bool postgres)
{
    struct testdb db;
    struct fault why = {.rc = RC_OK};
    testdb_open(&db, postgres, first, 1);
    struct after good = {.kinds = {"contact", "conversation"}};
    assert_rc(store_write(db.store, STORE_INTERACTIVE, with_after, &good, &why), RC_OK, &why);
    assert_int_equal(good.called, 1);
    struct after bad = {.end = RC_CONFLICT};
    assert_rc(store_write(db.store, STORE_INTERACTIVE, with_after, &bad, &why), RC_CONFLICT, &why);
    assert_int_equal(bad.called, 0);
    struct after order = {.kinds = {"conversation", "contact"}};
    assert_rc(store_write(db.store, STORE_INTERACTIVE, with_after, &order, &why), RC_BUG, &why);
    assert_string_equal(why.code, "store.lock_order");
    struct after late = {.kinds = {"contact"}, .stamp_first = true};
    assert_rc(store_write(db.store, STORE_INTERACTIVE, with_after, &late, &why), RC_BUG, &why);
    testdb_close(&db);
}
TESTDB_CASES(hooks_and_lock_order)

/* ---- nesting ends the process ---- */

static enum rc nested(struct tx *tx, void *arg, struct fault *why)
{
    struct testdb *db = arg;
    (void)tx;
    struct bag b = {.n = 0};
    return store_write(db->store, STORE_INTERACTIVE, put_bag, &b, why);
}

static enum rc nested_read(struct tx *tx, void *arg, struct fault *why)
{
    struct testdb *db = arg;
    (void)tx;
    size_t n;
    return store_read(db->store, count_all, &n, why);
}

static int end_of_child(bool postgres, store_fn fn)
{
    char dir[] = "/tmp/mznest.XXXXXX";
    assert_non_null(mkdtemp(dir));
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct testdb db;
        struct fault why;
        (void)signal(SIGABRT, SIG_DFL);
        (void)setenv("TMPDIR", dir, 1); /* what it leaves behind */
        (void)dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
        testdb_open(&db, postgres, first, 1);
        (void)alarm(20);
        enum rc rc = store_write(db.store, STORE_INTERACTIVE, fn, &db, &why);
        _exit(rc == RC_OK ? 0 : 1);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    struct testdb left = {.store = NULL};
    (void)snprintf(left.dir, sizeof(left.dir), "%s", dir);
    testdb_close(&left);
    return status;
}

static void nesting_is_broken(bool postgres)
{
    if (postgres)
        (void)pg_start(); /* here, not in the child */
    int status = end_of_child(postgres, nested);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    status = end_of_child(postgres, nested_read);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}
TESTDB_CASES(nesting_is_broken)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TESTDB_BOTH(nesting_is_broken), /* first: it forks, and no thread is there yet */
        TESTDB_BOTH(values_come_back),      TESTDB_BOTH(failure_rolls_back),
        TESTDB_BOTH(bad_text_is_refused),   TESTDB_BOTH(mistakes_are_bugs),
        TESTDB_BOTH(marked_statements_ran), TESTDB_BOTH(rows_are_bounded),
        TESTDB_BOTH(hooks_and_lock_order),
    };
    return cmocka_run_group_tests_name("store.basic", tests, NULL, NULL);
}
