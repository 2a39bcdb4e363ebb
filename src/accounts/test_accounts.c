/* Accounts on both databases: arrival and replacement, single-flight refresh, lost answers, dead grants,
 * removal notices that are stale, business claims raced by two workspaces, and no plain token in the
 * database. */
#include "test_kit.h"

static const str ws = {"ws_a", 4};

static void moves_by_table(void **state)
{
    (void)state;
    struct fault why;
    enum grant_state to = GRANT_STATES;
    size_t ok = 0;
    for (int s = 0; s < GRANT_STATES; s++)
        for (int e = 0; e < GRANT_EVENTS; e++) {
            enum rc rc = grant_move((enum grant_state)s, (enum grant_event)e, &to, &why);
            assert_true(rc == RC_OK || rc == RC_BUG);
            ok += rc == RC_OK;
            if (s == GRANT_REVOKED || s == GRANT_REMOVED || s == GRANT_REPLACED)
                assert_int_equal(rc, RC_BUG); /* an end is an end */
        }
    assert_int_equal(ok, 22);
}

static const struct sql plain = {
    "test.plain",
    "SELECT COUNT(*) FROM account_grants WHERE workspace_id = $1 AND (access_fp LIKE '%act.%' OR "
    "refresh_fp LIKE '%rft.%' OR length(access_fp) <> 32 OR length(refresh_fp) <> 32)"};
static const struct sql kept = {"test.kept",
                                "SELECT COUNT(*) FROM account_grants WHERE workspace_id = $1 AND "
                                "ended_ms > 0 AND access_sealed IS NOT NULL"};

static void arrives_and_replaces(bool postgres)
{
    struct kit k;
    struct fault why = {0};
    struct account_token t;
    kit_open(&k, postgres, NULL);
    str first = kit_arrive(&k, "ws_a", "-000person", 7200),
        second = kit_arrive(&k, "ws_a", "-000person", 7200);
    str other = kit_arrive(&k, "ws_b", "-000person", 7200);
    assert_true(str_eq(first, second));
    assert_false(str_eq(first, other));
    assert_int_equal(kit_int(&k, &kit_count_live, ws), 1);
    assert_int_equal(kit_int(&k, &plain, ws), 0);
    assert_int_equal(kit_int(&k, &kept, ws), 0);
    assert_rc(accounts_token(k.accounts, ws, first, k.mem, &t, &why), RC_OK, &why);
    assert_memory_equal(t.access.p, "act.first", 9);
    assert_int_equal(k.stub.refreshes, 0);
    assert_rc(accounts_token(k.accounts, ws, other, k.mem, &t, &why), RC_MISSING,
              &why); /* foreign as absent */
    kit_close(&k);
}
TESTDB_CASES(arrives_and_replaces)

struct caller {
    struct kit *k;
    str account;
    enum rc rc;
    struct arena *mem;
    struct account_token token;
    pthread_t thread;
};

static void *ask(void *arg)
{
    struct caller *c = arg;
    struct fault why = {0};
    c->rc = accounts_token(c->k->accounts, ws, c->account, c->mem, &c->token, &why);
    if (c->rc != RC_OK)
        print_message("%s %s\n", why.code, why.detail);
    return NULL;
}

static void refreshes_once_for_many(bool postgres)
{
    struct kit k;
    struct caller c[8];
    kit_open(&k, postgres, NULL);
    str account = kit_arrive(&k, "ws_a", "-000person", 30);
    for (size_t i = 0; i < COUNT_OF(c); i++) {
        c[i] = (struct caller){.k = &k, .account = account, .mem = arena_open_secret(1 << 20)};
        assert_int_equal(pthread_create(&c[i].thread, NULL, ask, &c[i]), 0);
    }
    for (size_t i = 0; i < COUNT_OF(c); i++) {
        pthread_join(c[i].thread, NULL);
        assert_int_equal(c[i].rc, RC_OK);
        assert_memory_equal(c[i].token.access.p, "act.2", 5);
        arena_close(&c[i].mem);
    }
    assert_int_equal(k.stub.refreshes, 1);
    assert_int_equal(k.stub.max_in_flight, 1);
    kit_close(&k);
}
TESTDB_CASES(refreshes_once_for_many)

static void survives_a_lost_answer(bool postgres)
{
    struct kit k;
    struct fault why = {0};
    struct account_token t;
    kit_open(&k, postgres, NULL);
    str account = kit_arrive(&k, "ws_a", "-000person", 30);
    k.stub.mode = STUB_LOST_ONCE;
    assert_rc(accounts_token(k.accounts, ws, account, k.mem, &t, &why), RC_OK, &why);
    assert_int_equal(k.stub.refreshes, 2);
    kit_close(&k);
    kit_open(&k, postgres, NULL);
    account = kit_arrive(&k, "ws_a", "-000person", 30);
    k.stub.mode = STUB_LOST_ALWAYS;
    /* In doubt; its own life is not over, so the old one is given while the schedule asks again. */
    assert_rc(accounts_token(k.accounts, ws, account, k.mem, &t, &why), RC_OK, &why);
    assert_memory_equal(t.access.p, "act.first", 9);
    assert_int_equal(k.stub.refreshes, 2); /* once more, never a loop */
    assert_rc(accounts_token(k.accounts, ws, account, k.mem, &t, &why), RC_OK, &why);
    assert_int_equal(k.stub.refreshes, 2); /* callers do not storm an outage */
    k.stub.mode = STUB_GOOD;               /* nothing was deleted */
    assert_rc(accounts_refresh(k.accounts, ws, account, &why), RC_OK, &why);
    assert_rc(accounts_token(k.accounts, ws, account, k.mem, &t, &why), RC_OK, &why);
    assert_memory_equal(t.access.p, "act.2", 5);
    kit_close(&k);
}
TESTDB_CASES(survives_a_lost_answer)

static void marks_a_dead_grant(bool postgres)
{
    struct kit k;
    struct fault why = {0};
    struct account_token t;
    kit_open(&k, postgres, NULL);
    str account = kit_arrive(&k, "ws_a", "-000person", 30);
    k.stub.mode = STUB_DEAD;
    assert_rc(accounts_token(k.accounts, ws, account, k.mem, &t, &why), RC_REAUTH, &why);
    assert_string_equal(why.code, "accounts.needs_reauth");
    assert_rc(accounts_token(k.accounts, ws, account, k.mem, &t, &why), RC_REAUTH, &why);
    assert_int_equal(k.stub.refreshes, 1); /* no retry loop */
    k.stub.mode = STUB_GOOD;
    kit_arrive(&k, "ws_a", "-000person", 7200);
    assert_rc(accounts_token(k.accounts, ws, account, k.mem, &t, &why), RC_OK, &why);
    kit_close(&k);
}
TESTDB_CASES(marks_a_dead_grant)

/* ---- ends ---- */
struct ending {
    struct kit *k;
    str workspace, account;
    struct account_removal removal;
    struct business_claim claim;
    bool ended;
    str id;
};

static enum rc revoke_fn(struct tx *tx, void *arg, struct fault *why)
{
    struct ending *e = arg;
    return accounts_revoke(e->k->accounts, tx, e->workspace, e->account, why);
}

static void revokes_at_tiktok(bool postgres)
{
    struct kit k;
    struct fault why = {0};
    struct account_token t;
    kit_open(&k, postgres, NULL);
    struct ending e = {.k = &k, .workspace = ws, .account = kit_arrive(&k, "ws_a", "-000person", 7200)};
    assert_rc(store_write(k.db.store, STORE_INTERACTIVE, revoke_fn, &e, &why), RC_OK, &why);
    assert_rc(accounts_token(k.accounts, ws, e.account, k.mem, &t, &why), RC_REAUTH, &why);
    assert_rc(store_write(k.db.store, STORE_INTERACTIVE, revoke_fn, &e, &why), RC_OK, &why); /* harmless */
    jobs_drain(k.jobs);
    assert_int_equal(k.stub.revokes, 1);
    assert_int_equal(kit_int(&k, &kit_count_live, ws), 0);
    assert_int_equal(kit_int(&k, &kept, ws), 0);
    e.workspace = STR("ws_b");
    assert_rc(store_write(k.db.store, STORE_INTERACTIVE, revoke_fn, &e, &why), RC_MISSING, &why);
    kit_close(&k);
}
TESTDB_CASES(revokes_at_tiktok)

static enum rc removed_fn(struct tx *tx, void *arg, struct fault *why)
{
    struct ending *e = arg;
    return accounts_removed(e->k->accounts, tx, &e->removal, &e->ended, why);
}

static void stale_removal_ends_nothing(bool postgres)
{
    struct kit k;
    struct fault why = {0};
    kit_open(&k, postgres, NULL);
    str account = kit_arrive(&k, "ws_a", "-000person", 7200);
    int64_t now_s = store_clock(k.db.store) / 1000;
    struct ending e = {.k = &k, .removal = {{ws, account}, 1, now_s - 60}};
    assert_rc(store_write(k.db.store, STORE_INTERACTIVE, removed_fn, &e, &why), RC_OK, &why);
    assert_false(e.ended);
    assert_int_equal(kit_int(&k, &kit_count_live, ws), 1);
    e.removal.create_time_s = now_s; /* too close: TikTok is asked, the token lives */
    assert_rc(store_write(k.db.store, STORE_INTERACTIVE, removed_fn, &e, &why), RC_OK, &why);
    jobs_drain(k.jobs);
    assert_int_equal(kit_int(&k, &kit_count_live, ws), 1);
    k.stub.mode = STUB_DEAD; /* asked again: the token is dead */
    assert_rc(store_write(k.db.store, STORE_INTERACTIVE, removed_fn, &e, &why), RC_OK, &why);
    jobs_drain(k.jobs);
    assert_int_equal(kit_int(&k, &kit_count_live, ws), 0);
    kit_arrive(&k, "ws_a", "-000person", 7200);
    e.removal.create_time_s = now_s + 3600;
    assert_rc(store_write(k.db.store, STORE_INTERACTIVE, removed_fn, &e, &why), RC_OK, &why);
    assert_true(e.ended);
    assert_rc(store_write(k.db.store, STORE_INTERACTIVE, removed_fn, &e, &why), RC_OK, &why);
    assert_false(e.ended); /* a duplicate */
    kit_close(&k);
}
TESTDB_CASES(stale_removal_ends_nothing)

/* ---- business accounts ---- */
static enum rc claim_fn(struct tx *tx, void *arg, struct fault *why)
{
    struct ending *e = arg;
    return accounts_claim_business(tx, &e->claim, e->k->mem, &e->id, why);
}
static enum rc owner_fn(struct tx *tx, void *arg, struct fault *why)
{
    struct ending *e = arg;
    return accounts_find_owner(tx, STR("7600"), STR("-biz"), e->k->mem, &e->workspace, &e->account, why);
}

static void one_workspace_has_a_business(bool postgres)
{
    struct kit k;
    struct fault why = {0};
    kit_open(&k, postgres, NULL);
    struct ending a = {.k = &k, .claim = {ws, STR("7600"), STR("-biz"), STR("Shop"), STR("shop")}}, b = a;
    b.claim.workspace = STR("ws_b");
    assert_rc(store_read(k.db.store, owner_fn, &a, &why), RC_MISSING, &why);
    assert_rc(store_write(k.db.store, STORE_INTERACTIVE, claim_fn, &a, &why), RC_OK, &why);
    assert_rc(store_write(k.db.store, STORE_INTERACTIVE, claim_fn, &a, &why), RC_OK,
              &why); /* again: the same */
    assert_rc(store_write(k.db.store, STORE_INTERACTIVE, claim_fn, &b, &why), RC_CONFLICT, &why);
    assert_string_equal(why.code, "accounts.business_taken");
    assert_rc(store_read(k.db.store, owner_fn, &a, &why), RC_OK, &why);
    assert_true(str_eq(a.workspace, ws) && str_eq(a.account, a.id));
    kit_close(&k);
}
TESTDB_CASES(one_workspace_has_a_business)

/* ---- one person, several grants ---- */
struct loading {
    str id;
    struct account acc;
    struct arena *mem;
};
static enum rc load_fn(struct tx *tx, void *arg, struct fault *why)
{
    struct loading *l = arg;
    return accounts_load(tx, ws, l->id, l->mem, &l->acc, why);
}
static str person_of(struct kit *k, str id)
{
    struct loading l = {.id = id, .mem = k->mem};
    struct fault why = {0};
    assert_rc(store_read(k->db.store, load_fn, &l, &why), RC_OK, &why);
    return l.acc.person;
}

static void shows_a_persons_grants_together(bool postgres)
{
    struct kit k;
    char beside[64];
    kit_open(&k, postgres, NULL);
    k.username = "shop";
    str login = kit_arrive(&k, "ws_a", "-000person", 7200);
    k.username = "Other";
    str stranger = kit_arrive(&k, "ws_a", "-000other", 7200);
    k.username = "Shop";
    str shop = kit_arrive_as(&k, APP_ACCOUNTS, "ws_a", "-biz", 7200);
    k.username = NULL;
    (void)snprintf(beside, sizeof beside, STR_FMT, STR_ARG(stranger));
    str ads = kit_arrive_as(&k, APP_ADS, "ws_a", "-ads", 0); /* nothing joins it to anybody */
    assert_true(str_eq(person_of(&k, shop), person_of(&k, login)));
    assert_false(str_eq(person_of(&k, shop), person_of(&k, stranger)));
    assert_true(str_eq(person_of(&k, ads), ads));
    k.beside = beside;
    kit_arrive_as(&k, APP_ADS, "ws_a", "-ads", 0); /* the owner says whose it is */
    assert_true(str_eq(person_of(&k, ads), person_of(&k, stranger)));
    k.beside = NULL;
    kit_close(&k);
}
TESTDB_CASES(shows_a_persons_grants_together)

/* ---- many lots at once ---- */
enum { CLAIMERS = 4, GRANTS = 40 };
struct claimer {
    struct kit *k;
    pthread_t thread;
    struct arena *mem;
    struct grant_due *due;
    size_t n;
    int64_t total;
};
static enum rc claim8_fn(struct tx *tx, void *arg, struct fault *why)
{
    struct claimer *c = arg;
    return db_grants_claim(tx, 8, tx_now_ms(tx) + LEASE_MS, c->mem, &c->due, &c->n, why);
}
static void *claim_all(void *arg)
{
    struct claimer *c = arg;
    struct fault why = {0};
    do {
        c->n = 0;
        if (store_write(c->k->db.store, STORE_INTAKE, claim8_fn, c, &why) != RC_OK)
            print_message("%s %s\n", why.code, why.detail);
        c->total += (int64_t)c->n;
    } while (c->n > 0);
    return NULL;
}
static const struct sql all_due = {"test.all_due",
                                   "UPDATE account_grants SET refresh_due_ms = 1 WHERE workspace_id = $1"};
static enum rc due_fn(struct tx *tx, void *arg, struct fault *why)
{
    (void)arg;
    return tx_exec(tx, &all_due, ARGS(V_TEXT(ws)), NULL, why);
}
static const struct sql fences = {
    "test.fences", "SELECT COUNT(*) FROM account_grants WHERE workspace_id = $1 AND fence = 1"};

static void claims_every_grant_once(bool postgres)
{
    struct kit k;
    struct claimer c[CLAIMERS];
    struct fault why = {0};
    char name[32];
    int64_t total = 0;
    kit_open(&k, postgres, NULL);
    for (int i = 0; i < GRANTS; i++) {
        (void)snprintf(name, sizeof name, "-person%d", i);
        kit_arrive(&k, "ws_a", name, 7200);
    }
    assert_rc(store_write(k.db.store, STORE_INTERACTIVE, due_fn, NULL, &why), RC_OK, &why);
    for (size_t i = 0; i < CLAIMERS; i++) {
        c[i] = (struct claimer){.k = &k, .mem = arena_open(1 << 20)};
        assert_int_equal(pthread_create(&c[i].thread, NULL, claim_all, &c[i]), 0);
    }
    for (size_t i = 0; i < CLAIMERS; i++) {
        pthread_join(c[i].thread, NULL);
        total += c[i].total;
        arena_close(&c[i].mem);
    }
    assert_int_equal(total, GRANTS);
    assert_int_equal(kit_int(&k, &fences, ws), GRANTS);
    kit_close(&k);
}
TESTDB_CASES(claims_every_grant_once)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(moves_by_table),
        TESTDB_BOTH(arrives_and_replaces),
        TESTDB_BOTH(refreshes_once_for_many),
        TESTDB_BOTH(survives_a_lost_answer),
        TESTDB_BOTH(marks_a_dead_grant),
        TESTDB_BOTH(revokes_at_tiktok),
        TESTDB_BOTH(stale_removal_ends_nothing),
        TESTDB_BOTH(one_workspace_has_a_business),
        TESTDB_BOTH(shows_a_persons_grants_together),
        TESTDB_BOTH(claims_every_grant_once),
    };
    return cmocka_run_group_tests_name("accounts", tests, NULL, NULL);
}
