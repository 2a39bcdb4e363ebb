/* The grant engine on both databases: a pair that is kept until it is stored, calls that were cut off, answer
 * classes of three kinds, probes, reports, notices, revocation on two nodes, many at once, and words for
 * everything that can stand in a timeline. */
#include "test_kit.h"

static const str ws = {"ws_a", 4};

/* ---- SQL of the tests ---- */
struct doing {
    const struct sql *q;
    int64_t value, changed;
};

static enum rc do_fn(struct tx *tx, void *arg, struct fault *why)
{
    struct doing *d = arg;
    return tx_exec(tx, d->q, ARGS(V_INT(d->value)), &d->changed, why);
}

static void sql(struct kit *k, const struct sql *q, int64_t value)
{
    struct doing d = {.q = q, .value = value};
    struct fault why = {0};
    assert_rc(store_write(k->db.store, STORE_INTERACTIVE, do_fn, &d, &why), RC_OK, &why);
    assert_true(d.changed > 0);
}
static const struct sql due = {"test.due",
                               "UPDATE account_grants SET refresh_due_ms = $1 WHERE ended_ms = 0"};
static const struct sql access_ends = {"test.access_ends",
                                       "UPDATE account_grants SET access_expires_ms = $1 WHERE ended_ms = 0"};
static const struct sql hard_end = {"test.hard_end",
                                    "UPDATE account_grants SET refresh_expires_ms = $1 WHERE ended_ms = 0"};
static const struct sql lease_over = {"test.lease_over",
                                      "UPDATE account_grants SET lease_until_ms = $1 WHERE ended_ms = 0"};
static const struct sql stolen = {
    "test.stolen", "UPDATE account_grants SET fence = fence + 1, lease_until_ms = $1 WHERE ended_ms = 0"};
static const struct sql asked_long_ago = {
    "test.asked", "UPDATE account_grants SET revoke_asked_ms = $1 WHERE state = 'revoking'"};

#define COUNT(name_, what_)                                                                                  \
    static const struct sql name_ = {"test." #name_, "SELECT COUNT(*) FROM account_grants WHERE "            \
                                                     "workspace_id = $1 AND " what_}
COUNT(active, "state = 'active'");
COUNT(unsure, "state = 'unsure'");
COUNT(needs_reauth, "state = 'needs_reauth'");
COUNT(revoking, "state = 'revoking'");
COUNT(revoked, "state = 'revoked' AND access_sealed IS NULL AND refresh_sealed IS NULL");
COUNT(first_pair, "rotation = 0 AND refresh_sealed IS NOT NULL");
COUNT(failures, "failures > 0");
COUNT(leased, "lease_until_ms > 0");
COUNT(intents, "refreshing_ms > 0");

static int64_t now_of(struct kit *k)
{
    return store_clock(k->db.store);
}

/* ---- the timeline ---- */
struct reading {
    struct kit *k;
    str account;
    struct timeline_entry *list;
    size_t n;
};

static enum rc timeline_fn(struct tx *tx, void *arg, struct fault *why)
{
    struct reading *r = arg;
    struct timeline_page p = {.workspace = ws, .account = r->account, .before = STR(""), .limit = 200};
    return accounts_timeline(tx, &p, r->k->mem, &r->list, &r->n, why);
}

/* The newest entry of this kind; NULL: none. */
static const struct timeline_entry *entry(struct kit *k, str account, const char *what)
{
    struct reading r = {.k = k, .account = account};
    struct fault why = {0};
    assert_rc(store_read(k->db.store, timeline_fn, &r, &why), RC_OK, &why);
    for (size_t i = 0; i < r.n; i++)
        if (str_eq(r.list[i].what, str_of(what)))
            return &r.list[i];
    return NULL;
}

static size_t entries(struct kit *k, str account, const char *what)
{
    struct reading r = {.k = k, .account = account};
    struct fault why = {0};
    size_t n = 0;
    assert_rc(store_read(k->db.store, timeline_fn, &r, &why), RC_OK, &why);
    for (size_t i = 0; i < r.n; i++)
        n += str_eq(r.list[i].what, str_of(what));
    return n;
}

static void tick(struct kit *k)
{
    struct fault why = {0};
    assert_rc(accounts_tick(k->accounts, &why), RC_OK, &why);
    jobs_drain(k->jobs);
}

static void tokens_now(struct kit *k, str account, enum rc want, const char *access)
{
    struct account_token t;
    struct fault why = {0};
    assert_rc(accounts_token(k->accounts, ws, account, k->mem, &t, &why), want, &why);
    if (want == RC_OK)
        assert_memory_equal(t.access.p, access, strlen(access));
}

/* ---- the pair in hand ---- */
/* The first two commits of this process fail (main sets MZ_FAIL): once before, once with a hidden success. */
static void keeps_the_pair_until_it_is_stored(bool postgres)
{
    struct kit k;
    kit_open(&k, postgres, NULL);
    str account = kit_arrive(&k, "ws_a", "-000person", 30);
    tokens_now(&k, account, RC_OK, "act.2");
    assert_int_equal(k.stub.refreshes, 1);
    assert_int_equal(entries(&k, account, "refreshed"), 1);
    assert_int_equal(kit_int(&k, &leased, ws) + kit_int(&k, &intents, ws), 0);
    kit_close(&k);
}
TESTDB_CASES(keeps_the_pair_until_it_is_stored)

static void stores_after_a_lost_lease(bool postgres)
{
    struct kit k;
    struct fault why = {0};
    kit_open(&k, postgres, NULL);
    str account = kit_arrive(&k, "ws_a", "-000person", 30);
    struct opened o = {.a = k.accounts, .workspace = ws, .account = account, .mem = k.mem};
    assert_rc(grant_open(&o, &why), RC_OK, &why);
    assert_rc(grant_lease(&o, &why), RC_OK, &why);
    assert_int_equal(o.changed, 1);
    sql(&k, &stolen, now_of(&k) + 60000); /* the lease ran out and another node has it */
    assert_rc(grant_flight(&o, &why), RC_OK, &why);
    assert_int_equal(kit_int(&k, &first_pair, ws), 0); /* stored: the fingerprint decides */
    assert_int_equal(kit_int(&k, &leased, ws), 1);     /* and the other's lease is untouched */
    tokens_now(&k, account, RC_OK, "act.2");
    kit_close(&k);
}
TESTDB_CASES(stores_after_a_lost_lease)

struct ending {
    struct kit *k;
    str account;
};
static enum rc revoke_fn(struct tx *tx, void *arg, struct fault *why)
{
    struct ending *e = arg;
    return accounts_revoke(e->k->accounts, tx, ws, e->account, why);
}
static void end_it(struct kit *k, str account)
{
    struct ending e = {k, account};
    struct fault why = {0};
    assert_rc(store_write(k->db.store, STORE_INTERACTIVE, revoke_fn, &e, &why), RC_OK, &why);
}

static void stores_while_revoking(bool postgres)
{
    struct kit k;
    struct fault why = {0};
    kit_open(&k, postgres, NULL);
    str account = kit_arrive(&k, "ws_a", "-000person", 30);
    struct opened o = {.a = k.accounts, .workspace = ws, .account = account, .mem = k.mem};
    assert_rc(grant_open(&o, &why), RC_OK, &why);
    assert_rc(grant_lease(&o, &why), RC_OK, &why);
    end_it(&k, account);
    assert_rc(grant_flight(&o, &why), RC_OK, &why);
    assert_int_equal(kit_int(&k, &first_pair, ws), 0);
    assert_int_equal(kit_int(&k, &revoking, ws), 1);
    jobs_drain(k.jobs); /* TikTok is told with the pair that was stored */
    assert_int_equal(k.stub.revokes, 1);
    assert_int_equal(kit_int(&k, &revoked, ws), 1);
    /* A flight that comes home after the end: nothing is stored, nothing loops. */
    kit_close(&k);
    kit_open(&k, postgres, NULL);
    account = kit_arrive(&k, "ws_a", "-000person", 30);
    o = (struct opened){.a = k.accounts, .workspace = ws, .account = account, .mem = k.mem};
    assert_rc(grant_open(&o, &why), RC_OK, &why);
    assert_rc(grant_lease(&o, &why), RC_OK, &why);
    kit_arrive(&k, "ws_a", "-000person", 7200); /* replaced */
    assert_rc(grant_flight(&o, &why), RC_OK, &why);
    tokens_now(&k, account, RC_OK, "act.first");
    kit_close(&k);
}
TESTDB_CASES(stores_while_revoking)

/* ---- calls that were cut off ---- */
static void cut_off(struct kit *k, str account, bool rotated)
{
    struct fault why = {0};
    struct opened o = {.a = k->accounts, .workspace = ws, .account = account, .mem = k->mem};
    assert_rc(grant_open(&o, &why), RC_OK, &why);
    assert_rc(grant_lease(&o, &why), RC_OK, &why); /* and here the process dies */
    if (rotated)
        k->stub.generation++;
    tick(k);
    assert_int_equal(kit_int(k, &unsure, ws), 0); /* the lease still runs */
    sql(k, &lease_over, 1);
}

static void doubts_what_was_cut_off(bool postgres)
{
    struct kit k;
    struct fault why = {0};
    kit_open(&k, postgres, NULL);
    str account = kit_arrive(&k, "ws_a", "-000person", 7200);
    cut_off(&k, account, false);
    k.stub.mode = STUB_BUSY;
    tick(&k); /* found, tried, and TikTok is down: in doubt, with an alert */
    assert_int_equal(kit_int(&k, &unsure, ws), 1);
    assert_int_equal(kit_alerts(&k, "accounts.unsure"), 1);
    k.stub.mode = STUB_GOOD;
    sql(&k, &due, 1);
    tick(&k);
    assert_int_equal(kit_int(&k, &active, ws), 1);
    assert_non_null(entry(&k, account, "unsure"));
    assert_string_equal(entry(&k, account, "probed")->words->outcome, "good");
    cut_off(&k, account, true); /* this time TikTok had rotated: the old token is dead */
    tick(&k);
    assert_int_equal(kit_int(&k, &needs_reauth, ws), 1);
    assert_int_equal(kit_alerts(&k, "accounts.needs_reauth"), 1);
    tokens_now(&k, account, RC_REAUTH, NULL);
    /* A caller that meets it first settles it as well. */
    account = kit_arrive(&k, "ws_a", "-000person", 30);
    struct opened o = {.a = k.accounts, .workspace = ws, .account = account, .mem = k.mem};
    assert_rc(grant_open(&o, &why), RC_OK, &why);
    assert_rc(grant_lease(&o, &why), RC_OK, &why);
    sql(&k, &lease_over, 1);
    tokens_now(&k, account, RC_OK, "act.2");
    assert_int_equal(kit_int(&k, &intents, ws), 0);
    kit_close(&k);
}
TESTDB_CASES(doubts_what_was_cut_off)

static void loses_an_answer_after_rotation(bool postgres)
{
    struct kit k;
    kit_open(&k, postgres, NULL);
    str account = kit_arrive(&k, "ws_a", "-000person", 30);
    k.stub.mode = STUB_ROTATED_LOST; /* the second try meets a token that TikTok no longer knows */
    tokens_now(&k, account, RC_REAUTH, NULL);
    assert_int_equal(k.stub.refreshes, 2);
    assert_int_equal(kit_int(&k, &needs_reauth, ws), 1);
    assert_int_equal(kit_alerts(&k, "accounts.needs_reauth"), 1);
    kit_close(&k);
}
TESTDB_CASES(loses_an_answer_after_rotation)

/* ---- answers by class ---- */
static const struct {
    enum app_kind kind;
    int mode, code;
    const struct sql *state;
    const char *alert, *what;
    int64_t tiktok_code, failures;
} answers[] = {
    {APP_LOGIN_KIT, STUB_DEAD, 0, &needs_reauth, "accounts.needs_reauth", "needs_reauth", 0, 0},
    {APP_LOGIN_KIT, STUB_BAD_CLIENT, 0, &active, "accounts.app_setup", "failed", 0, 1},
    {APP_LOGIN_KIT, STUB_BUSY, 0, &active, NULL, "failed", 0, 1},
    {APP_LOGIN_KIT, STUB_HTML, 0, &active, NULL, "failed", 0, 1},
    {APP_LOGIN_KIT, STUB_ERROR_200, 0, &active, NULL, "failed", 0, 1},
    {APP_ACCOUNTS, STUB_GOOD, 40103, &needs_reauth, "accounts.needs_reauth", "needs_reauth", 40103, 0},
    {APP_ACCOUNTS, STUB_GOOD, 40107, &needs_reauth, "accounts.needs_reauth", "needs_reauth", 40107, 0},
    {APP_ACCOUNTS, STUB_GOOD, 40110, &needs_reauth, "accounts.needs_reauth", "needs_reauth", 40110, 0},
    {APP_ACCOUNTS, STUB_GOOD, 40100, &active, NULL, NULL, 0, 0},
    {APP_ACCOUNTS, STUB_GOOD, 40101, &active, "accounts.app_setup", "failed", 40101, 1},
    {APP_ACCOUNTS, STUB_GOOD, 40118, &active, "accounts.app_setup", "failed", 40118, 1},
    {APP_ACCOUNTS, STUB_GOOD, 50000, &active, NULL, "failed", 50000, 1},
    {APP_ADS, STUB_GOOD, 40105, &needs_reauth, "accounts.needs_reauth", "needs_reauth", 40105, 0},
    {APP_ADS, STUB_GOOD, 50000, &active, NULL, "failed", 50000, 1},
};

static void classes_answers(bool postgres)
{
    static const char *const who[] = {"-000person", "-biz", "-ads"};
    for (size_t i = 0; i < COUNT_OF(answers); i++) {
        struct kit k;
        kit_open(&k, postgres, NULL);
        str account = kit_arrive_as(&k, answers[i].kind, "ws_a", who[answers[i].kind], 7200);
        k.stub.mode = answers[i].mode;
        k.stub.code = answers[i].code;
        sql(&k, &due, 1);
        tick(&k);
        print_message("kind %d mode %d code %d\n", (int)answers[i].kind, answers[i].mode, answers[i].code);
        assert_int_equal(kit_int(&k, answers[i].state, ws), 1);
        assert_int_equal(kit_int(&k, &failures, ws), answers[i].failures);
        assert_int_equal(kit_int(&k, &leased, ws) + kit_int(&k, &intents, ws), 0);
        if (answers[i].kind != APP_ADS)
            assert_int_equal(kit_int(&k, &first_pair, ws), 1); /* nothing was stored, nothing deleted */
        if (answers[i].alert != NULL)
            assert_int_equal(kit_alerts(&k, answers[i].alert), 1);
        else
            assert_int_equal(kit_alerts(&k, "accounts.needs_reauth") + kit_alerts(&k, "accounts.app_setup"),
                             0);
        const struct timeline_entry *e = answers[i].what != NULL ? entry(&k, account, answers[i].what) : NULL;
        assert_int_equal(e != NULL, answers[i].what != NULL);
        if (answers[i].tiktok_code != 0) {
            assert_int_equal(e->tiktok_code, answers[i].tiktok_code);
            assert_true(e->log_id.n > 0);
        }
        kit_close(&k);
    }
}
TESTDB_CASES(classes_answers)

/* ---- business accounts and advertisers ---- */
static void business_belongs_to_one_workspace(bool postgres)
{
    struct kit k;
    kit_open(&k, postgres, NULL);
    str account = kit_arrive_as(&k, APP_ACCOUNTS, "ws_a", "-biz", 30);
    tokens_now(&k, account, RC_OK, "act.2"); /* refreshed at its own endpoint */
    assert_non_null(entry(&k, account, "scope_changed"));
    k.may_fail = true;
    kit_arrive_as(&k, APP_ACCOUNTS, "ws_b", "-biz", 7200);
    assert_int_equal(k.arrived, RC_CONFLICT);
    assert_string_equal(k.why.code, "accounts.business_taken");
    end_it(&k, account);
    jobs_drain(k.jobs);
    assert_int_equal(kit_int(&k, &revoked, ws), 1);
    kit_arrive_as(&k, APP_ACCOUNTS, "ws_b", "-biz", 7200); /* free again */
    assert_int_equal(k.arrived, RC_OK);
    kit_arrive_as(&k, APP_ACCOUNTS, "ws_a", "-biz", 7200);
    assert_int_equal(k.arrived, RC_CONFLICT);
    kit_close(&k);
}
TESTDB_CASES(business_belongs_to_one_workspace)

static const struct sql erase_now = {"test.erase_now",
                                     "UPDATE accounts SET erase_ms = $1 WHERE erase_ms > 0"};
static void run_job(struct kit *k, const char *kind);
static const struct sql ads = {"test.ads",
                               "SELECT COUNT(*) FROM account_advertisers WHERE workspace_id = $1"};

static void probes_advertisers(bool postgres)
{
    struct kit k;
    kit_open(&k, postgres, NULL);
    str account = kit_arrive_as(&k, APP_ADS, "ws_a", "-ads", 0);
    tokens_now(&k, account, RC_OK, "act.first"); /* it does not expire, and is not refreshed */
    tick(&k);
    assert_int_equal(k.stub.probes, 0); /* not due before a day has passed */
    sql(&k, &due, 1);
    tick(&k);
    assert_int_equal(k.stub.probes, 1);
    assert_int_equal(k.stub.refreshes, 0);
    assert_int_equal(kit_int(&k, &ads, ws), 2);
    assert_non_null(entry(&k, account, "probed"));
    tick(&k);
    assert_int_equal(k.stub.probes, 1);
    end_it(&k, account);
    jobs_drain(k.jobs);
    run_job(&k, "accounts.tidy");
    assert_int_equal(kit_int(&k, &ads, ws), 2); /* kept for a month, so that a new consent finds them */
    sql(&k, &erase_now, 1);
    run_job(&k, "accounts.tidy");
    assert_int_equal(kit_int(&k, &ads, ws), 0);
    kit_close(&k);
}
TESTDB_CASES(probes_advertisers)

/* ---- what other rooms report ---- */
static void report(struct kit *k, str account, int64_t rotation, const char *code)
{
    struct fault said = {.rc = RC_REAUTH, .outer_code = 40105, .outer_ref = "log-1"}, why = {0};
    (void)snprintf(said.code, sizeof said.code, "%s", code);
    if (strcmp(code, "tiktok.scope_missing") == 0)
        said.rc = RC_SCOPE;
    struct account_report r = {ws, account, rotation, &said};
    assert_rc(accounts_reported(k->accounts, NULL, &r, &why), RC_OK, &why);
    jobs_drain(k->jobs);
}

static void refreshes_once_on_report(bool postgres)
{
    struct kit k;
    kit_open(&k, postgres, NULL);
    str account = kit_arrive_as(&k, APP_ACCOUNTS, "ws_a", "-biz", 86400);
    report(&k, account, 0, "tiktok.token_invalid");
    assert_int_equal(k.stub.refreshes, 1);
    report(&k, account, 0, "tiktok.token_invalid"); /* about the earlier pair: not counted */
    assert_int_equal(k.stub.refreshes, 1);
    assert_int_equal(kit_int(&k, &active, ws), 1);
    (void)snprintf(k.stub.scope, sizeof k.stub.scope, "user.info.basic,comment.list");
    report(&k, account, 1, "tiktok.scope_missing"); /* asks what is granted now */
    assert_int_equal(k.stub.probes, 1);
    struct account_token t;
    struct fault why = {0};
    assert_rc(accounts_token(k.accounts, ws, account, k.mem, &t, &why), RC_OK, &why);
    assert_true(tiktok_scope_in(t.scopes, STR("comment.list")));
    report(&k, account, 1, "tiktok.token_invalid"); /* the refreshed one is refused, too */
    assert_int_equal(k.stub.refreshes, 1);
    assert_int_equal(kit_int(&k, &needs_reauth, ws), 1);
    kit_close(&k);
}
TESTDB_CASES(refreshes_once_on_report)

/* ---- the hard end ---- */
static void notices_each_once(bool postgres)
{
    struct kit k;
    static const struct {
        int64_t left_hours;
        int notices;
    } steps[] = {{31 * 24, 0}, {29 * 24, 1}, {20 * 24, 1}, {6 * 24, 2}, {2 * 24, 2}, {20, 3}, {10, 3}};
    kit_open(&k, postgres, NULL);
    str account = kit_arrive(&k, "ws_a", "-000person", 7200);
    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        sql(&k, &hard_end, now_of(&k) + steps[i].left_hours * 3600000);
        run_job(&k, "accounts.countdown");
        assert_int_equal(kit_alerts(&k, "accounts.reconsent_due"), steps[i].notices);
        assert_int_equal(entries(&k, account, "notice"), steps[i].notices);
    }
    assert_int_equal(grant_notice_days(31 * DAY_MS), 0);
    assert_int_equal(grant_notice_days(30 * DAY_MS), 30);
    assert_int_equal(grant_notice_days(7 * DAY_MS), 7);
    assert_int_equal(grant_notice_days(0), 1);
    kit_close(&k);
}
TESTDB_CASES(notices_each_once)

struct putting {
    const char *kind, *args;
};
static enum rc put_fn(struct tx *tx, void *arg, struct fault *why)
{
    const struct putting *p = arg;
    struct job_new job = {.kind = p->kind, .workspace = ws, .key = STR("x"), .args = str_of(p->args)};
    return jobs_put(tx, &job, why);
}
static void run_args(struct kit *k, const char *kind, const char *args)
{
    struct putting p = {kind, args};
    struct fault why = {0};
    assert_rc(store_write(k->db.store, STORE_INTERACTIVE, put_fn, &p, &why), RC_OK, &why);
    jobs_drain(k->jobs);
}
static void run_job(struct kit *k, const char *kind)
{
    run_args(k, kind, "{}");
}

/* ---- ends ---- */
static void opens_for_nobody_while_revoking(bool postgres)
{
    struct kit k;
    struct accounts *node2 = NULL;
    struct account_token t;
    struct fault why = {0};
    kit_open(&k, postgres, NULL);
    str account = kit_arrive(&k, "ws_a", "-000person", 7200);
    struct accounts_options o = {.config = k.config,
                                 .store = k.db.store,
                                 .keys = k.keys,
                                 .audit = k.audit,
                                 .consent = k.consent,
                                 .budget = k.budget,
                                 .tiktok = k.tiktok};
    assert_rc(accounts_open(&o, &node2, &why), RC_OK, &why);
    assert_rc(accounts_token(node2, ws, account, k.mem, &t, &why), RC_OK,
              &why); /* warm, were there a cache */
    end_it(&k, account);
    assert_rc(accounts_token(node2, ws, account, k.mem, &t, &why), RC_REAUTH, &why);
    assert_string_equal(why.code, "accounts.revoked");
    struct opened other = {.a = node2, .workspace = ws, .account = account, .mem = k.mem};
    assert_rc(grant_open(&other, &why), RC_REAUTH, &why);
    other.for_revoke = true; /* the revoke job alone */
    assert_rc(grant_open(&other, &why), RC_OK, &why);
    jobs_drain(k.jobs);
    assert_int_equal(kit_int(&k, &revoked, ws), 1);
    assert_rc(grant_open(&other, &why), RC_REAUTH, &why);
    accounts_close(&node2);
    kit_close(&k);
}
TESTDB_CASES(opens_for_nobody_while_revoking)

static void refreshes_before_it_revokes(bool postgres)
{
    struct kit k;
    kit_open(&k, postgres, NULL);
    str account = kit_arrive(&k, "ws_a", "-000person", 7200);
    sql(&k, &access_ends, now_of(&k) - 1000);
    end_it(&k, account);
    jobs_drain(k.jobs);
    assert_int_equal(k.stub.refreshes, 1);
    assert_int_equal(k.stub.revokes, 1);
    assert_int_equal(kit_int(&k, &revoked, ws), 1);
    assert_non_null(entry(&k, account, "refreshed")); /* that pair was stored like any other */
    kit_close(&k);
    /* Already gone: the refresh token is refused. */
    kit_open(&k, postgres, NULL);
    account = kit_arrive(&k, "ws_a", "-000person", 7200);
    sql(&k, &access_ends, now_of(&k) - 1000);
    k.stub.mode = STUB_DEAD;
    end_it(&k, account);
    jobs_drain(k.jobs);
    assert_int_equal(kit_int(&k, &revoked, ws), 1);
    assert_true(str_eq(entry(&k, account, "revoke_told")->code, STR("already_gone")));
    struct reading r = {.k = &k, .account = account};
    struct fault why = {0};
    assert_rc(store_read(k.db.store, timeline_fn, &r, &why), RC_OK, &why);
    assert_true(str_eq(r.list[0].what, STR("revoked"))); /* entries of one transaction keep their order */
    assert_true(str_eq(r.list[1].what, STR("revoke_told")));
    for (size_t i = 1; i < r.n; i++)
        assert_true(r.list[i].at_ms < r.list[i - 1].at_ms);
    kit_close(&k);
}
TESTDB_CASES(refreshes_before_it_revokes)

static void wipes_after_a_day_of_silence(bool postgres)
{
    struct kit k;
    kit_open(&k, postgres, NULL);
    str account = kit_arrive(&k, "ws_a", "-000person", 7200);
    k.stub.mode = STUB_BUSY;
    end_it(&k, account);
    jobs_drain(k.jobs);
    assert_int_equal(kit_int(&k, &revoking, ws), 1); /* still trying: the ciphertext is needed */
    sql(&k, &asked_long_ago, now_of(&k) - REVOKE_MS - 2 * 3600000);
    run_job(&k, "accounts.tidy"); /* a job that died is put again */
    assert_int_equal(kit_int(&k, &revoked, ws), 1);
    assert_true(str_eq(entry(&k, account, "revoke_told")->code, STR("untold")));
    kit_close(&k);
}
TESTDB_CASES(wipes_after_a_day_of_silence)

static const struct sql erasable = {"test.erasable",
                                    "SELECT COUNT(*) FROM accounts WHERE workspace_id = $1 AND erase_ms > 0"};
static const struct sql audits = {"test.audits", "SELECT COUNT(*) FROM audit_entries WHERE workspace_id = $1 "
                                                 "AND action = 'accounts.revoked' AND actor = 'mem_x'"};

static void revokes_many(bool postgres)
{
    struct kit k;
    char name[32], args[256];
    kit_open(&k, postgres, NULL);
    for (int i = 0; i < 23; i++) {
        (void)snprintf(name, sizeof name, "-person%d", i);
        kit_arrive(&k, "ws_a", name, 7200);
    }
    str shop = kit_arrive_as(&k, APP_ACCOUNTS, "ws_a", "-biz", 7200);
    str other = kit_arrive(&k, "ws_b", "-person1", 7200);
    run_args(&k, "accounts.revoke_many", "{\"actor\":\"mem_x\",\"all\":{\"kind\":\"login\",\"app\":null}}");
    assert_int_equal(kit_int(&k, &revoked, ws), 23);
    assert_int_equal(kit_int(&k, &erasable, ws), 23); /* names go a month later */
    assert_int_equal(kit_int(&k, &audits, ws), 23);
    assert_int_equal(kit_int(&k, &active, ws), 1);
    assert_int_equal(kit_int(&k, &active, STR("ws_b")), 1); /* another workspace's stays */
    (void)snprintf(args, sizeof args, "{\"actor\":\"mem_x\",\"accounts\":[\"" STR_FMT "\",\"" STR_FMT "\"]}",
                   STR_ARG(shop), STR_ARG(other));
    run_args(&k, "accounts.revoke_many", args);
    assert_int_equal(kit_int(&k, &revoked, ws), 24);
    assert_int_equal(kit_int(&k, &active, STR("ws_b")), 1);
    kit_close(&k);
}
TESTDB_CASES(revokes_many)

int main(void)
{
    setenv("MZ_FAIL", "refresh.commit=error:1;refresh.commit=unsure:1", 1);
    const struct CMUnitTest tests[] = {
        TESTDB_BOTH(keeps_the_pair_until_it_is_stored), /* first: the failpoints count from the start */
        TESTDB_BOTH(stores_after_a_lost_lease),
        TESTDB_BOTH(stores_while_revoking),
        TESTDB_BOTH(doubts_what_was_cut_off),
        TESTDB_BOTH(loses_an_answer_after_rotation),
        TESTDB_BOTH(classes_answers),
        TESTDB_BOTH(business_belongs_to_one_workspace),
        TESTDB_BOTH(probes_advertisers),
        TESTDB_BOTH(refreshes_once_on_report),
        TESTDB_BOTH(notices_each_once),
        TESTDB_BOTH(opens_for_nobody_while_revoking),
        TESTDB_BOTH(refreshes_before_it_revokes),
        TESTDB_BOTH(wipes_after_a_day_of_silence),
        TESTDB_BOTH(revokes_many),
    };
    return cmocka_run_group_tests_name("grants", tests, NULL, NULL);
}
