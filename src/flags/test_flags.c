/* States on both databases: who wins, how soon another node sees a change, and the record of it. */
#include "testdb.h"
#include <pthread.h>
#include "crypto/crypto.h"
#include "flags/flags_priv.h"

static const struct flag_row rows_a[] = {
    {"login.tiktok", true, "Sign-in with TikTok is off.", "ปิดการลงชื่อเข้าใช้ด้วย TikTok"},
    {"messaging.inbound", false, "Messages are not taken in.", "ปิดการรับข้อความ"},
};
static const struct flag_table table_a[] = {{rows_a, COUNT_OF(rows_a)}};
static const struct flag_table twice[] = {{rows_a, COUNT_OF(rows_a)}, {rows_a, 1}};

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
static const bool sanitized = true; /* slower: the order of magnitude is no finding there */
#else
static const bool sanitized = false;
#endif

struct kit {
    struct testdb db;
    struct audit *audit;
    struct flags *flags;
};

static void derive(const void *arg, const char *label, str workspace, unsigned char out[32])
{
    hkdf((struct secret){arg, 32}, str_of(label), workspace, out, 32);
}

static enum rc open_flags(struct kit *k, const struct flag_table *t, size_t n, bool thread,
                          struct flags **out, struct fault *why)
{
    struct flags_options o = {
        .store = k->db.store, .audit = k->audit, .tables = t, .n_tables = n, .no_thread = !thread};
    return flags_open(&o, out, why);
}

static void kit_open(struct kit *k, bool postgres)
{
    static const unsigned char root[32] = {1, 5, 9};
    static struct migration_table t[2];
    struct fault why;
    t[0] = audit_migrations;
    t[1] = flags_migrations;
    crypto_start();
    testdb_open(&k->db, postgres, t, 2);
    struct audit_options o = {.store = k->db.store, .mac = {root, derive}};
    assert_rc(audit_open(&o, &k->audit, &why), RC_OK, &why);
    assert_rc(open_flags(k, table_a, 1, false, &k->flags, &why), RC_OK, &why);
}

static void kit_close(struct kit *k)
{
    flags_close(&k->flags);
    audit_close(&k->audit);
    testdb_close(&k->db);
}

struct set {
    struct kit *k;
    struct flag_change c;
};

static enum rc do_set(struct tx *tx, void *arg, struct fault *why)
{
    struct set *s = arg;
    return flags_set(s->k->flags, tx, &s->c, why);
}

static enum rc set(struct kit *k, const char *workspace, const char *name, enum flag_state state,
                   struct fault *why)
{
    struct set s = {.k = k};
    s.c = (struct flag_change){.workspace = str_of(workspace),
                               .name = str_of(name),
                               .state = state,
                               .reason = STR("because of a test"),
                               .by = {.actor = STR("mem_1")}};
    enum rc rc = store_write(k->db.store, STORE_INTERACTIVE, do_set, &s, why);
    return rc == RC_OK ? flags_refresh(k->flags, why) : rc;
}

/* installation x workspace x default: what holds, written by hand. */
static void obeys_the_order(bool postgres)
{
    static const struct {
        enum flag_state all, here;
        bool login, inbound; /* defaults: on, off */
    } rows[] = {
        {FLAG_UNSET, FLAG_UNSET, true, false}, {FLAG_UNSET, FLAG_OFF, false, false},
        {FLAG_UNSET, FLAG_ON, true, true},     {FLAG_OFF, FLAG_UNSET, false, false},
        {FLAG_OFF, FLAG_OFF, false, false},    {FLAG_OFF, FLAG_ON, false, false},
        {FLAG_ON, FLAG_UNSET, true, true},     {FLAG_ON, FLAG_OFF, false, false},
        {FLAG_ON, FLAG_ON, true, true},
    };
    static const char *const names[] = {"login.tiktok", "messaging.inbound"};
    struct kit k;
    struct fault why;
    kit_open(&k, postgres);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        for (size_t n = 0; n < 2; n++) {
            assert_rc(set(&k, "-", names[n], rows[i].all, &why), RC_OK, &why);
            assert_rc(set(&k, "ws_a", names[n], rows[i].here, &why), RC_OK, &why);
            bool want = n == 0 ? rows[i].login : rows[i].inbound;
            assert_int_equal(flag_on(k.flags, STR("ws_a"), names[n]), want);
            bool others = rows[i].all == FLAG_ON || (rows[i].all == FLAG_UNSET && n == 0);
            assert_int_equal(flag_on(k.flags, STR("ws_b"), names[n]), others);
            assert_int_equal(flag_on(k.flags, STR_NONE, names[n]), others);
        }
    }
    struct audit_verdict v;
    assert_rc(audit_verify(k.audit, STR("ws_a"), NULL, &v, &why), RC_OK, &why);
    assert_true(v.whole);
    assert_int_equal(v.checked, 2 * COUNT_OF(rows)); /* each change has its entry */
    kit_close(&k);
}
TESTDB_CASES(obeys_the_order)

static void refuses_what_has_no_row(bool postgres)
{
    struct kit k;
    struct fault why;
    struct flags *f = NULL;
    kit_open(&k, postgres);
    assert_rc(set(&k, "ws_a", "no.such", FLAG_ON, &why), RC_MISSING, &why);
    struct set s = {
        .k = &k,
        .c = {.workspace = STR("ws_a"), .name = STR("login.tiktok"), .reason = STR("x"), .state = FLAG_OFF}};
    s.c.by.actor = STR("mem_1");
    assert_rc(store_write(k.db.store, STORE_INTERACTIVE, do_set, &s, &why), RC_INVALID, &why);
    assert_true(flag_on(k.flags, STR("ws_a"), "login.tiktok"));
    assert_rc(open_flags(&k, twice, 2, false, &f, &why), RC_BUG, &why);
    kit_close(&k);
}
TESTDB_CASES(refuses_what_has_no_row)

/* Another node (a second room on the same store) follows by itself. */
static void is_seen_elsewhere_within_a_second(bool postgres)
{
    struct kit k;
    struct fault why;
    struct flags *other = NULL;
    kit_open(&k, postgres);
    assert_rc(open_flags(&k, table_a, 1, true, &other, &why), RC_OK, &why);
    assert_true(flag_on(other, STR("ws_a"), "login.tiktok"));
    assert_rc(set(&k, "ws_a", "login.tiktok", FLAG_OFF, &why), RC_OK, &why);
    int64_t began = clock_mono_ms();
    while (flag_on(other, STR("ws_a"), "login.tiktok") && clock_mono_ms() - began < 10000)
        (void)usleep(1000);
    int64_t took = clock_mono_ms() - began;
    assert_false(flag_on(other, STR("ws_a"), "login.tiktok"));
    assert_true(took < 1000 || sanitized);
    flags_close(&other);
    kit_close(&k);
}
TESTDB_CASES(is_seen_elsewhere_within_a_second)

enum { MANY = 2500 };
static void *asker(void *arg)
{
    struct kit *k = arg;
    bool ever = false;
    for (int i = 0; i < 20000; i++)
        ever = flag_on(k->flags, STR("ws_1"), "login.tiktok") || ever;
    return ever ? arg : NULL;
}

static enum rc many(struct tx *tx, void *arg, struct fault *why)
{
    const int *from = arg;
    for (int i = *from; i < *from + 250; i++) {
        str ws = arena_fmt(tx_mem(tx), "ws_%d", i);
        enum rc rc = flags_db_save(tx,
                                   &(struct state_row){.workspace = ws,
                                                       .name = STR("login.tiktok"),
                                                       .reason = STR("many"),
                                                       .by = STR("t"),
                                                       .on = i % 2 == 0},
                                   why);
        if (rc != RC_OK)
            return rc;
    }
    return flags_db_bump(tx, why);
}

static void holds_many_workspaces(bool postgres)
{
    struct kit k;
    struct fault why;
    pthread_t t[2];
    kit_open(&k, postgres);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&t[i], NULL, asker, &k), 0);
    for (int from = 0; from < MANY; from += 250) { /* more than two pages, loaded while others ask */
        assert_rc(store_write(k.db.store, STORE_BULK, many, &from, &why), RC_OK, &why);
        assert_rc(flags_refresh(k.flags, &why), RC_OK, &why);
    }
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(pthread_join(t[i], NULL), 0);
    for (int i = 0; i < MANY; i++) {
        char ws[32];
        (void)snprintf(ws, sizeof(ws), "ws_%d", i);
        assert_int_equal(flag_on(k.flags, str_of(ws), "login.tiktok"), i % 2 == 0);
    }
    assert_true(flag_on(k.flags, STR("ws_unknown"), "login.tiktok"));
    kit_close(&k);
}
TESTDB_CASES(holds_many_workspaces)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TESTDB_BOTH(obeys_the_order),
        TESTDB_BOTH(refuses_what_has_no_row),
        TESTDB_BOTH(is_seen_elsewhere_within_a_second),
        TESTDB_BOTH(holds_many_workspaces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
