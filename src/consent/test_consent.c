/* The ledger on both databases: what holds, per person and workspace, and that nobody can be read from it. */
#include "testdb.h"
#include <pthread.h>
#include "consent/consent_priv.h"

struct kit {
    struct testdb db;
    struct consent *consent;
    struct arena *mem;
};
static const unsigned char root[32] = {2, 7, 1};
static const struct consent_subject person = {{"ck", 2}, {"open-id-1", 9}};

static void derive(const void *arg, const char *label, str workspace, unsigned char out[32])
{
    hkdf((struct secret){arg, 32}, str_of(label), workspace, out, 32);
}

static void kit_open(struct kit *k, bool postgres)
{
    static struct migration_table t[1];
    struct fault why;
    t[0] = consent_migrations;
    crypto_start();
    testdb_open(&k->db, postgres, t, 1);
    k->mem = arena_open(1 << 20);
    struct consent_options o = {.store = k->db.store, .mac = {root, derive}};
    assert_rc(consent_open(&o, &k->consent, &why), RC_OK, &why);
}

static void kit_close(struct kit *k)
{
    consent_close(&k->consent);
    arena_close(&k->mem);
    testdb_close(&k->db);
}

struct act {
    struct kit *k;
    struct consent_entry e;
    int64_t n;
    struct consent_state state;
    struct consent_row *rows;
    size_t n_rows;
};

static enum rc record(struct tx *tx, void *arg, struct fault *why)
{
    struct act *a = arg;
    return consent_record(a->k->consent, tx, &a->e, &a->n, why);
}

static enum rc read_state(struct tx *tx, void *arg, struct fault *why)
{
    struct act *a = arg;
    enum rc rc = consent_of(a->k->consent, tx, a->e.workspace, &a->e.who, a->k->mem, &a->state, why);
    if (rc != RC_OK)
        return rc;
    return consent_list(a->k->consent, tx, a->e.workspace, &a->e.who, a->k->mem, &a->rows, &a->n_rows, why);
}

static struct act act_of(struct kit *k, enum consent_act act, const char *scopes)
{
    struct act a = {.k = k};
    a.e = (struct consent_entry){.workspace = STR("ws_a"),
                                 .who = person,
                                 .act = act,
                                 .flow = STR("login.web"),
                                 .text_version = act == CONSENT_GIVEN ? STR("tiktok-login/1") : STR_NONE,
                                 .text = act == CONSENT_GIVEN ? STR("We read your name.") : STR_NONE,
                                 .language = act == CONSENT_GIVEN ? STR("th") : STR_NONE,
                                 .scopes = str_of(scopes),
                                 .attempt = STR("att_1")};
    return a;
}

static void put(struct kit *k, enum consent_act act, const char *scopes)
{
    struct fault why;
    struct act a = act_of(k, act, scopes);
    assert_rc(store_write(k->db.store, STORE_INTERACTIVE, record, &a, &why), RC_OK, &why);
}

static struct consent_state now(struct kit *k, str workspace, struct consent_subject who)
{
    struct fault why;
    struct act a = {.k = k, .e = {.workspace = workspace, .who = who}};
    assert_rc(store_read(k->db.store, read_state, &a, &why), RC_OK, &why);
    return a.state;
}

static void knows_what_holds(bool postgres)
{
    struct kit k;
    kit_open(&k, postgres);
    str ws = STR("ws_a");
    assert_false(now(&k, ws, person).given);
    put(&k, CONSENT_GIVEN, "user.info.basic,user.info.profile");
    struct consent_state s = now(&k, ws, person);
    assert_true(s.given && str_eq(s.scopes, STR("user.info.basic,user.info.profile")));
    assert_true(str_eq(s.text_version, STR("tiktok-login/1")) && str_eq(s.language, STR("th")));
    put(&k, CONSENT_WITHDRAWN, "user.info.profile");
    s = now(&k, ws, person);
    assert_true(s.given && str_eq(s.scopes, STR("user.info.basic")));
    put(&k, CONSENT_WITHDRAWN, "user.info.basic");
    assert_false(now(&k, ws, person).given);
    put(&k, CONSENT_GIVEN, "user.info.basic"); /* the newest agreement counts */
    assert_true(now(&k, ws, person).given);
    put(&k, CONSENT_WITHDRAWN, ""); /* everything */
    s = now(&k, ws, person);
    assert_true(!s.given && s.scopes.n == 0 && s.n == 4);
    struct consent_subject other = person;
    other.open_id = STR("open-id-2");
    assert_false(now(&k, ws, other).given);
    kit_close(&k);
}
TESTDB_CASES(knows_what_holds)

static enum rc run_sql(struct tx *tx, void *arg, struct fault *why)
{
    return tx_exec(tx, arg, NO_ARGS, NULL, why);
}

static void keeps_no_names(bool postgres)
{
    struct kit k;
    struct fault why;
    kit_open(&k, postgres);
    put(&k, CONSENT_GIVEN, "user.info.basic");
    struct act a = {.k = &k, .e = {.workspace = STR("ws_a"), .who = person}};
    assert_rc(store_read(k.db.store, read_state, &a, &why), RC_OK, &why);
    assert_int_equal(a.n_rows, 1);
    assert_int_equal(a.rows[0].pseudonym.n, 32);
    assert_int_equal(a.rows[0].text_sha256.n, 64);
    assert_true(a.rows[0].shown_ms > 0 && a.rows[0].at_ms > 0);
    /* Another workspace knows the same person by another pseudonym. */
    assert_false(str_eq(a.rows[0].pseudonym, consent_pseudonym(k.consent, STR("ws_b"), &person, k.mem)));
    struct consent_subject shifted = {STR("cko"), STR("pen-id-1")};
    assert_false(str_eq(a.rows[0].pseudonym, consent_pseudonym(k.consent, STR("ws_a"), &shifted, k.mem)));
    struct sql change = {"test.raw", "UPDATE consent_entries SET scopes = 'all'"};
    struct sql forget = {"test.raw", "DELETE FROM consent_entries"};
    assert_int_not_equal(store_write(k.db.store, STORE_INTERACTIVE, run_sql, &change, &why), RC_OK);
    assert_int_not_equal(store_write(k.db.store, STORE_INTERACTIVE, run_sql, &forget, &why), RC_OK);
    kit_close(&k);
}
TESTDB_CASES(keeps_no_names)

static void finds_changed_entries(bool postgres)
{
    struct kit k;
    struct fault why;
    int64_t checked, bad;
    kit_open(&k, postgres);
    for (int i = 0; i < 6; i++)
        put(&k, CONSENT_GIVEN, "user.info.basic");
    assert_rc(consent_verify(k.consent, STR("ws_a"), &checked, &bad, &why), RC_OK, &why);
    assert_true(checked == 6 && bad == 0);
    struct sql drop = {"test.raw", postgres ? "DROP TRIGGER consent_only_grows ON consent_entries"
                                            : "DROP TRIGGER consent_no_update"};
    struct sql change = {"test.raw", "UPDATE consent_entries SET act = 'withdrawn' WHERE n = 4"};
    assert_rc(store_write(k.db.store, STORE_INTERACTIVE, run_sql, &drop, &why), RC_OK, &why);
    assert_rc(store_write(k.db.store, STORE_INTERACTIVE, run_sql, &change, &why), RC_OK, &why);
    assert_rc(consent_verify(k.consent, STR("ws_a"), &checked, &bad, &why), RC_OK, &why);
    assert_int_equal(bad, 4);
    kit_close(&k);
}
TESTDB_CASES(finds_changed_entries)

static void refuses_incomplete_entries(bool postgres)
{
    struct kit k;
    struct fault why;
    int64_t checked, bad;
    kit_open(&k, postgres);
    struct act no_text = act_of(&k, CONSENT_GIVEN, "a"), no_flow = no_text, no_one = no_text;
    no_text.e.text_version = STR_NONE;
    no_flow.e.flow = STR_NONE;
    no_one.e.who.open_id = STR_NONE;
    assert_rc(store_write(k.db.store, STORE_INTERACTIVE, record, &no_text, &why), RC_BUG, &why);
    assert_rc(store_write(k.db.store, STORE_INTERACTIVE, record, &no_flow, &why), RC_BUG, &why);
    assert_rc(store_write(k.db.store, STORE_INTERACTIVE, record, &no_one, &why), RC_BUG, &why);
    put(&k, CONSENT_GIVEN, "a");
    assert_rc(consent_verify(k.consent, STR("ws_a"), &checked, &bad, &why), RC_OK, &why);
    assert_true(checked == 1 && bad == 0);
    kit_close(&k);
}
TESTDB_CASES(refuses_incomplete_entries)

enum { RACERS = 6, EACH = 30 };
static void *racer(void *arg)
{
    struct fault why;
    for (int i = 0; i < EACH; i++) {
        struct act a = act_of(arg, i % 2 == 0 ? CONSENT_GIVEN : CONSENT_WITHDRAWN, "x");
        if (store_write(((struct kit *)arg)->db.store, STORE_INTERACTIVE, record, &a, &why) != RC_OK)
            return arg;
    }
    return NULL;
}

static void stays_whole_in_races(bool postgres)
{
    struct kit k;
    struct fault why;
    pthread_t t[RACERS];
    int64_t checked, bad;
    kit_open(&k, postgres);
    for (size_t i = 0; i < RACERS; i++)
        assert_int_equal(pthread_create(&t[i], NULL, racer, &k), 0);
    for (size_t i = 0; i < RACERS; i++) {
        void *failed;
        assert_int_equal(pthread_join(t[i], &failed), 0);
        assert_null(failed);
    }
    assert_rc(consent_verify(k.consent, STR("ws_a"), &checked, &bad, &why), RC_OK, &why);
    assert_true(checked == RACERS * EACH && bad == 0);
    kit_close(&k);
}
TESTDB_CASES(stays_whole_in_races)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TESTDB_BOTH(knows_what_holds),      TESTDB_BOTH(keeps_no_names),
        TESTDB_BOTH(finds_changed_entries), TESTDB_BOTH(refuses_incomplete_entries),
        TESTDB_BOTH(stays_whole_in_races),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
