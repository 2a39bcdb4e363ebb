/* The chain on both databases: whole after races, and every way of tampering found at the right entry. */
#include "testdb.h"
#include <pthread.h>
#include "audit/audit_priv.h"

static const struct migration_table *tables(void)
{
    static struct migration_table t[1];
    t[0] = audit_migrations;
    return t;
}

static void derive(const void *arg, const char *label, str workspace, unsigned char out[32])
{
    hkdf((struct secret){arg, 32}, str_of(label), workspace, out, 32);
}
static const unsigned char root[32] = {7, 1, 4};

struct kit {
    struct testdb db;
    struct audit *audit;
};

static void kit_open(struct kit *k, bool postgres)
{
    struct fault why;
    crypto_start();
    testdb_open(&k->db, postgres, tables(), 1);
    struct audit_options o = {.store = k->db.store, .mac = {root, derive}};
    assert_rc(audit_open(&o, &k->audit, &why), RC_OK, &why);
}

static void kit_close(struct kit *k)
{
    audit_close(&k->audit);
    testdb_close(&k->db);
}

struct put {
    struct audit *audit;
    struct audit_entry e;
    bool fail_after;
};

static enum rc put(struct tx *tx, void *arg, struct fault *why)
{
    struct put *p = arg;
    enum rc rc = audit_put(p->audit, tx, &p->e, why);
    return rc == RC_OK && p->fail_after ? fault_set(why, RC_CONFLICT, "test.back", "goes back") : rc;
}

static enum rc put_one(struct kit *k, const char *workspace, const char *object, struct fault *why)
{
    struct put p = {.audit = k->audit};
    p.e = (struct audit_entry){.workspace = str_of(workspace),
                               .actor = STR("mem_a"),
                               .action = STR("test.did"),
                               .object = str_of(object),
                               .detail = STR("{\"field\":\"role\"}"),
                               .address = STR("127.0.0.1")};
    return store_write(k->db.store, STORE_INTERACTIVE, put, &p, why);
}

static void fill(struct kit *k, const char *workspace, int n)
{
    struct fault why;
    char object[32];
    for (int i = 1; i <= n; i++) {
        (void)snprintf(object, sizeof(object), "obj_%d", i);
        assert_rc(put_one(k, workspace, object, &why), RC_OK, &why);
    }
}

static struct audit_verdict verdict(struct kit *k, const char *workspace, const struct audit_head *kept)
{
    struct fault why;
    struct audit_verdict v;
    assert_rc(audit_verify(k->audit, str_of(workspace), kept, &v, &why), RC_OK, &why);
    return v;
}

static enum rc run_sql(struct tx *tx, void *arg, struct fault *why)
{
    return tx_exec(tx, arg, NO_ARGS, NULL, why);
}

static enum rc raw(struct kit *k, const char *text)
{
    struct fault why;
    struct sql q = {"test.raw", text};
    return store_write(k->db.store, STORE_INTERACTIVE, run_sql, &q, &why);
}

static void drop_triggers(struct kit *k, bool postgres)
{
    if (postgres) {
        assert_int_equal(raw(k, "DROP TRIGGER audit_only_grows ON audit_entries"), RC_OK);
        return;
    }
    assert_int_equal(raw(k, "DROP TRIGGER audit_no_update"), RC_OK);
    assert_int_equal(raw(k, "DROP TRIGGER audit_no_delete"), RC_OK);
}

/* ---- cases ---- */

struct list {
    struct arena *mem;
    struct audit_row *rows;
    size_t n;
};

static enum rc read_list(struct tx *tx, void *arg, struct fault *why)
{
    struct list *l = arg;
    return audit_list(tx, STR("ws_a"), 0, 3, l->mem, &l->rows, &l->n, why);
}

static void keeps_chains_apart(bool postgres)
{
    struct kit k;
    struct fault why;
    kit_open(&k, postgres);
    assert_true(verdict(&k, "ws_a", NULL).whole); /* nothing yet is whole */
    fill(&k, "ws_a", 5);
    fill(&k, "ws_b", 2);
    struct audit_verdict a = verdict(&k, "ws_a", NULL), b = verdict(&k, "ws_b", NULL);
    assert_true(a.whole && b.whole);
    assert_int_equal(a.checked, 5);
    assert_int_equal(b.checked, 2);
    struct list l = {.mem = arena_open(65536)};
    assert_rc(store_read(k.db.store, read_list, &l, &why), RC_OK, &why);
    assert_int_equal(l.n, 3);
    assert_int_equal(l.rows[0].n, 5);
    assert_int_equal(l.rows[2].n, 3);
    assert_true(str_eq(l.rows[0].object, STR("obj_5")) &&
                str_eq(l.rows[0].detail, STR("{\"field\":\"role\"}")));
    assert_true(str_eq(l.rows[0].hash, str_of(a.head.hash)));
    arena_close(&l.mem);
    kit_close(&k);
}
TESTDB_CASES(keeps_chains_apart)

static void leaves_no_gap(bool postgres)
{
    struct kit k;
    struct fault why;
    kit_open(&k, postgres);
    fill(&k, "ws_a", 2);
    struct put p = {.audit = k.audit, .fail_after = true};
    p.e = (struct audit_entry){.workspace = STR("ws_a"), .actor = STR("m"), .action = STR("x")};
    assert_rc(store_write(k.db.store, STORE_INTERACTIVE, put, &p, &why), RC_CONFLICT, &why);
    static const char *const bad[] = {"[]", "{", "not json", "{\"a\":1}{"};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        p.e.detail = str_of(bad[i]);
        assert_rc(store_write(k.db.store, STORE_INTERACTIVE, put, &p, &why), RC_INVALID, &why);
        assert_string_equal(why.code, "audit.detail");
    }
    fill(&k, "ws_a", 1);
    assert_int_equal(verdict(&k, "ws_a", NULL).checked, 3);
    assert_true(verdict(&k, "ws_a", NULL).whole);
    kit_close(&k);
}
TESTDB_CASES(leaves_no_gap)

static void refuses_change(bool postgres)
{
    struct kit k;
    kit_open(&k, postgres);
    fill(&k, "ws_a", 2);
    assert_int_not_equal(raw(&k, "UPDATE audit_entries SET actor = 'x' WHERE n = 1"), RC_OK);
    assert_int_not_equal(raw(&k, "DELETE FROM audit_entries WHERE n = 2"), RC_OK);
    if (postgres)
        assert_int_not_equal(raw(&k, "TRUNCATE audit_entries"), RC_OK);
    assert_true(verdict(&k, "ws_a", NULL).whole);
    kit_close(&k);
}
TESTDB_CASES(refuses_change)

static void finds_tampering(bool postgres)
{
    static const struct {
        const char *sql;
        int64_t bad_n;
    } acts[] = {
        {"UPDATE audit_entries SET actor = 'mem_b' WHERE workspace_id = 'ws_a' AND n = 4", 4},
        {"UPDATE audit_entries SET at_ms = at_ms + 1 WHERE workspace_id = 'ws_a' AND n = 6", 6},
        {"UPDATE audit_entries SET detail = '{}' WHERE workspace_id = 'ws_a' AND n = 1", 1},
        {"UPDATE audit_entries SET address = '' WHERE workspace_id = 'ws_a' AND n = 9", 9},
        {"UPDATE audit_entries SET prev = hash WHERE workspace_id = 'ws_a' AND n = 2", 2},
        {"DELETE FROM audit_entries WHERE workspace_id = 'ws_a' AND n = 5", 5},
        {"UPDATE audit_entries SET n = 11 WHERE workspace_id = 'ws_a' AND n = 10", 10},
        {"UPDATE audit_entries SET workspace_id = 'ws_b' WHERE workspace_id = 'ws_a' AND n = 3", 3},
    };
    for (size_t i = 0; i < COUNT_OF(acts); i++) {
        struct kit k;
        kit_open(&k, postgres);
        fill(&k, "ws_a", 10);
        drop_triggers(&k, postgres);
        assert_int_equal(raw(&k, acts[i].sql), RC_OK);
        struct audit_verdict v = verdict(&k, "ws_a", NULL);
        assert_false(v.whole);
        assert_int_equal(v.bad_n, acts[i].bad_n);
        kit_close(&k);
    }
}
TESTDB_CASES(finds_tampering)

static void finds_cut_tail(bool postgres)
{
    struct kit k;
    kit_open(&k, postgres);
    fill(&k, "ws_a", 10);
    struct audit_head kept = verdict(&k, "ws_a", NULL).head;
    fill(&k, "ws_a", 1);
    assert_true(verdict(&k, "ws_a", &kept).whole);
    drop_triggers(&k, postgres);
    assert_int_equal(raw(&k, "DELETE FROM audit_entries WHERE workspace_id = 'ws_a' AND n >= 9"), RC_OK);
    assert_true(verdict(&k, "ws_a", NULL).whole); /* the chain alone cannot know */
    struct audit_verdict v = verdict(&k, "ws_a", &kept);
    assert_false(v.whole);
    assert_int_equal(v.bad_n, 9);
    kit_close(&k);
}
TESTDB_CASES(finds_cut_tail)

enum { RACERS = 8, EACH = 25 };
static void *racer(void *arg)
{
    struct fault why;
    for (int i = 0; i < EACH; i++)
        if (put_one(arg, "ws_a", "obj", &why) != RC_OK)
            return arg;
    return NULL;
}

static void stays_whole_in_races(bool postgres)
{
    struct kit k;
    pthread_t t[RACERS];
    kit_open(&k, postgres);
    for (size_t i = 0; i < RACERS; i++)
        assert_int_equal(pthread_create(&t[i], NULL, racer, &k), 0);
    for (size_t i = 0; i < RACERS; i++) {
        void *failed;
        assert_int_equal(pthread_join(t[i], &failed), 0);
        assert_null(failed);
    }
    struct audit_verdict v = verdict(&k, "ws_a", NULL);
    assert_true(v.whole);
    assert_int_equal(v.checked, RACERS * EACH);
    kit_close(&k);
}
TESTDB_CASES(stays_whole_in_races)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TESTDB_BOTH(keeps_chains_apart), TESTDB_BOTH(leaves_no_gap),  TESTDB_BOTH(refuses_change),
        TESTDB_BOTH(finds_tampering),    TESTDB_BOTH(finds_cut_tail), TESTDB_BOTH(stays_whole_in_races),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
