/* Login on both databases: 1,000 races for one state, what a callback may and may not take, what a failed
 * sign-in leaves behind (nothing but its end), who may return where, and that every end has its words. */
#include "test_kit.h"
#include "login/login_priv.h"
#include "crypto/crypto.h"

enum { RACES = 1000 };
static const str ws = {"ws_a", 4};

struct world {
    struct kit kit;
    struct flags *flags;
    struct feed *feed;
    struct login *login;
};

static void world_open(struct world *w, bool postgres)
{
    struct fault why = {0};
    const struct migration_table m[] = {login_migrations, flags_migrations, connect_migrations,
                                        features_migrations, access_migrations};
    const struct setting_table s[] = {{login_settings, login_settings_n}};
    const struct mozflow_event_table e[] = {{login_events, login_events_n, NULL}};
    const struct kit_more more = {m, COUNT_OF(m), s, COUNT_OF(s), e, COUNT_OF(e)};
    memset(w, 0, sizeof *w);
    kit_open(&w->kit, postgres, &more);
    struct kit *k = &w->kit;
    static const struct flag_table flags[] = {{login_flags, 1}};
    struct flags_options fo = {
        .store = k->db.store, .audit = k->audit, .tables = flags, .n_tables = 1, .no_thread = true};
    assert_rc(flags_open(&fo, &w->flags, &why), RC_OK, &why);
    struct login_options o = {.config = k->config,
                              .store = k->db.store,
                              .keys = k->keys,
                              .audit = k->audit,
                              .consent = k->consent,
                              .budget = k->budget,
                              .accounts = k->accounts,
                              .tiktok = k->tiktok,
                              .flags = w->flags};
    assert_rc(login_open(&o, &w->login, &why), RC_OK, &why);
}

static void world_close(struct world *w)
{
    login_close(&w->login);
    flags_close(&w->flags);
    kit_close(&w->kit);
}

/* ---- one attempt with its click ---- */
struct clicking {
    struct world *w;
    struct login_start start;
    enum login_via via;
    bool challenge;
    str attempt;
    struct login_clicked clicked;
};

static enum rc click_fn(struct tx *tx, void *arg, struct fault *why)
{
    struct clicking *c = arg;
    struct arena *mem = c->w->kit.mem;
    enum rc rc = login_attempt_make(tx, &c->start, mem, &c->attempt, why);
    struct login_click click = {.workspace = c->start.workspace,
                                .attempt = c->attempt,
                                .via = c->via,
                                .redirect_uri = STR("http://127.0.0.1:1/auth/tiktok/callback"),
                                .scopes = STR("user.info.basic"),
                                .challenge = c->challenge};
    return rc == RC_OK ? login_state_put(c->w->login, tx, &click, mem, &c->clicked, why) : rc;
}

static struct clicking click(struct world *w, enum login_via via, bool challenge)
{
    struct fault why = {0};
    struct clicking c = {.w = w,
                         .via = via,
                         .challenge = challenge,
                         .start = {.workspace = ws, .purpose = LOGIN_SIGN_IN, .lang = STR("th")}};
    assert_rc(store_write(w->kit.db.store, STORE_INTERACTIVE, click_fn, &c, &why), RC_OK, &why);
    return c;
}

/* ---- taking ---- */
struct taker {
    struct world *w;
    struct login_proof proof;
    struct arena *mem;
    struct login_taken taken;
    struct fault why;
    enum rc rc;
    pthread_barrier_t *gate;
    pthread_t thread;
};

static enum rc take_fn(struct tx *tx, void *arg, struct fault *why)
{
    struct taker *t = arg;
    return login_state_take(t->w->login, tx, &t->proof, t->mem, &t->taken, why);
}

static void *take(void *arg)
{
    struct taker *t = arg;
    if (t->gate != NULL)
        pthread_barrier_wait(t->gate);
    t->rc = store_write(t->w->kit.db.store, STORE_INTERACTIVE, take_fn, t, &t->why);
    return NULL;
}

static struct taker take_once(struct world *w, enum login_via via, str state, str cookie)
{
    struct taker t = {.w = w, .proof = {via, state, cookie}, .mem = w->kit.mem};
    take(&t);
    return t;
}

static void one_winner_of_two(bool postgres)
{
    struct world w;
    pthread_barrier_t gate;
    int winners = 0, doubles = 0;
    world_open(&w, postgres);
    assert_int_equal(pthread_barrier_init(&gate, NULL, 2), 0);
    for (int i = 0; i < RACES; i++) {
        struct taker t[2];
        struct clicking c = click(&w, VIA_BROWSER, false);
        for (int j = 0; j < 2; j++) {
            t[j] = (struct taker){.w = &w,
                                  .proof = {VIA_BROWSER, c.clicked.state, c.clicked.cookie},
                                  .mem = arena_open_secret(65536),
                                  .gate = &gate};
            assert_int_equal(pthread_create(&t[j].thread, NULL, take, &t[j]), 0);
        }
        int won = 0;
        for (int j = 0; j < 2; j++) {
            pthread_join(t[j].thread, NULL);
            won += t[j].rc == RC_OK;
            doubles += strcmp(t[j].why.code, "login.double_callback") == 0;
            arena_close(&t[j].mem);
        }
        assert_int_equal(won, 1);
        winners += won;
    }
    assert_int_equal(winners, RACES);
    assert_int_equal(doubles, RACES);
    pthread_barrier_destroy(&gate);
    world_close(&w);
}
TESTDB_CASES(one_winner_of_two)

static void takes_only_its_own(bool postgres)
{
    struct world w;
    world_open(&w, postgres);
    struct clicking a = click(&w, VIA_BROWSER, true), b = click(&w, VIA_BROWSER, false);
    struct clicking m = click(&w, VIA_MOBILE, false), q = click(&w, VIA_QR, false);
    const struct {
        enum login_via via;
        str state, cookie;
        const char *code;
    } rows[] = {
        {VIA_BROWSER, STR(""), a.clicked.cookie, "login.state_unknown"},
        {VIA_BROWSER, STR("nothing-of-ours"), a.clicked.cookie, "login.state_unknown"},
        {VIA_BROWSER, a.clicked.state, STR(""), "login.state_unknown"},
        {VIA_BROWSER, a.clicked.state, b.clicked.cookie, "login.state_unknown"}, /* another browser */
        {VIA_MOBILE, a.clicked.state, STR(""),
         "login.state_unknown"}, /* a browser's state through the app's door */
        {VIA_QR, a.clicked.state, a.clicked.cookie, "login.state_unknown"},
        {VIA_BROWSER, m.clicked.state, STR(""),
         "login.state_unknown"}, /* an app's state through the browser's */
        {VIA_BROWSER, q.clicked.state, q.clicked.cookie, "login.state_unknown"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct taker t = take_once(&w, rows[i].via, rows[i].state, rows[i].cookie);
        assert_int_equal(t.rc, RC_CONFLICT);
        assert_string_equal(t.why.code, rows[i].code);
    }
    struct taker ok = take_once(&w, VIA_BROWSER, a.clicked.state, a.clicked.cookie);
    assert_int_equal(ok.rc, RC_OK);
    assert_true(str_eq(ok.taken.attempt, a.attempt) && str_eq(ok.taken.workspace, ws));
    assert_int_equal(ok.taken.verifier.n, 43);
    assert_memory_equal(ok.taken.verifier.p, a.clicked.verifier.p, 43);
    assert_string_equal(take_once(&w, VIA_BROWSER, a.clicked.state, a.clicked.cookie).why.code,
                        "login.double_callback");
    assert_int_equal(take_once(&w, VIA_MOBILE, m.clicked.state, STR("")).rc, RC_OK);
    world_close(&w);
}
TESTDB_CASES(takes_only_its_own)

static const struct sql hashes = {
    "test.hashes", "SELECT COUNT(*) FROM login_states WHERE workspace_id = $1 AND length(state_hash) = 64"};
static const struct sql age = {"test.age", "UPDATE login_states SET expires_ms = 1 WHERE workspace_id = $1"};

static enum rc age_fn(struct tx *tx, void *arg, struct fault *why)
{
    (void)arg;
    return tx_exec(tx, &age, ARGS(V_TEXT(ws)), NULL, why);
}

static void states_expire(bool postgres)
{
    struct world w;
    struct fault why = {0};
    world_open(&w, postgres);
    struct clicking c = click(&w, VIA_BROWSER, false);
    assert_int_equal(kit_int(&w.kit, &hashes, ws), 1);
    assert_rc(store_write(w.kit.db.store, STORE_BULK, age_fn, NULL, &why), RC_OK, &why);
    assert_string_equal(take_once(&w, VIA_BROWSER, c.clicked.state, c.clicked.cookie).why.code,
                        "login.state_expired");
    world_close(&w);
}
TESTDB_CASES(states_expire)

/* ---- the one transaction ---- */
static const struct sql codes = {"test.codes", "SELECT COUNT(*) FROM login_codes WHERE workspace_id = $1"};
static const struct sql accounts_of = {"test.accounts",
                                       "SELECT COUNT(*) FROM accounts WHERE workspace_id = $1"};
static const struct sql consents = {"test.consents",
                                    "SELECT COUNT(*) FROM consent_entries WHERE workspace_id = $1"};
static const struct sql audits = {"test.audits",
                                  "SELECT COUNT(*) FROM audit_entries WHERE workspace_id = $1"};
static const struct sql events = {"test.events",
                                  "SELECT COUNT(*) FROM mozflow_outbox WHERE workspace_id = $1"};
static const struct sql fed = {"test.fed", "SELECT COUNT(*) FROM feed WHERE workspace_id = $1"};

static void finishes_whole(bool postgres)
{
    struct world w;
    struct fault why = {0};
    world_open(&w, postgres);
    const struct sql *all[] = {&codes, &accounts_of, &consents, &audits, &events, &fed};
    static const struct {
        enum stub_mode mode;
        const char *end;
    } bad[] = {{STUB_HTML, "login.not_json"},
               {STUB_ERROR_200, "login.tiktok_code"},
               {STUB_OTHER_PERSON, "login.other_person"}};
    for (size_t i = 0; i <= COUNT_OF(bad); i++) {
        bool good = i == COUNT_OF(bad);
        struct clicking c = click(&w, VIA_BROWSER, true);
        struct taker t = take_once(&w, VIA_BROWSER, c.clicked.state, c.clicked.cookie);
        struct login_result r = {0};
        struct login_finish f = {.l = w.login, .taken = &t.taken, .code = STR("c*1!2"), .flow = "login.web"};
        w.kit.stub.mode = good ? STUB_GOOD : (int)bad[i].mode;
        enum rc rc = login_finish(&f, w.kit.mem, &r, &why);
        if (!good) {
            assert_int_not_equal(rc, RC_OK);
            assert_string_equal(login_end_of(&why)->code, bad[i].end);
        } else
            assert_rc(rc, RC_OK, &why);
        for (size_t q = 0; q < COUNT_OF(all); q++)
            assert_int_equal(kit_int(&w.kit, all[q], ws), good ? 1 : 0);
        assert_int_equal(r.code.n, good ? 43 : 0);
    }
    world_close(&w);
}
TESTDB_CASES(finishes_whole)

/* ---- hand-over codes: of their workspace, once ---- */
struct coding {
    str workspace, code;
    struct arena *mem;
    bool used;
};
static enum rc mint_fn(struct tx *tx, void *arg, struct fault *why)
{
    struct coding *c = arg;
    return login_code_mint(tx, c->workspace, STR("lat_1"), c->mem, &c->code, why);
}
static enum rc burn_fn(struct tx *tx, void *arg, struct fault *why)
{
    struct coding *c = arg;
    struct code_row row;
    return db_code_take(tx, c->workspace, sha256_hex(c->code, tx_mem(tx)), &row, &c->used, why);
}
static const struct sql plain_codes = {
    "test.plain_codes",
    "SELECT COUNT(*) FROM login_codes WHERE workspace_id = $1 AND length(code_hash) <> 64"};

static void codes_stay_in_their_workspace(bool postgres)
{
    struct world w;
    struct fault why = {0};
    world_open(&w, postgres);
    struct coding c = {.workspace = ws, .mem = w.kit.mem};
    assert_rc(store_write(w.kit.db.store, STORE_INTERACTIVE, mint_fn, &c, &why), RC_OK, &why);
    assert_int_equal(kit_int(&w.kit, &plain_codes, ws), 0);
    c.workspace = STR("ws_b");
    assert_rc(store_write(w.kit.db.store, STORE_INTERACTIVE, burn_fn, &c, &why), RC_MISSING, &why);
    assert_false(c.used); /* as if it did not exist */
    c.workspace = ws;
    assert_rc(store_write(w.kit.db.store, STORE_INTERACTIVE, burn_fn, &c, &why), RC_OK, &why);
    assert_rc(store_write(w.kit.db.store, STORE_INTERACTIVE, burn_fn, &c, &why), RC_MISSING, &why);
    assert_true(c.used);
    world_close(&w);
}
TESTDB_CASES(codes_stay_in_their_workspace)

/* ---- pure ---- */
static void ends_have_words(void **state)
{
    (void)state;
    for (size_t i = 0; login_end(i) != NULL; i++) {
        size_t found = 0;
        for (size_t p = 0; p < login_problems_n; p++)
            found += strcmp(login_problems[p].code, login_end(i)->code) == 0;
        assert_int_equal(found, 1);
    }
    for (size_t p = 0; p < login_problems_n; p++) {
        const struct problem_row *r = &login_problems[p];
        const char *texts[] = {r->en_title, r->en_means, r->en_todo, r->th_title, r->th_means, r->th_todo};
        for (size_t i = 0; i < COUNT_OF(texts); i++) {
            assert_true(texts[i] != NULL && strlen(texts[i]) > 5 && utf8_valid(str_of(texts[i])));
            if (i >= 3)
                assert_true(strlen(texts[i]) >
                            utf8_count(str_of(texts[i]))); /* Thai letters, not English left over */
        }
    }
}

static const char *const tiktok_faults[] = {"tiktok.denied",
                                            "tiktok.non_sandbox_target",
                                            "tiktok.scope_unapproved",
                                            "tiktok.client",
                                            "tiktok.redirect_mismatch",
                                            "tiktok.verifier",
                                            "tiktok.code_expired",
                                            "tiktok.down",
                                            "tiktok.slow",
                                            "tiktok.not_json",
                                            "tiktok.oauth_error",
                                            "tiktok.callback"};

static void faults_become_own_ends(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(tiktok_faults); i++) {
        struct fault why = {0};
        enum rc rc = fault_set(&why, RC_REFUSED, tiktok_faults[i], "x");
        assert_int_equal(rc, RC_REFUSED);
        const struct login_end *end = login_end_of(&why);
        assert_string_not_equal(end->code, "login.our_fault");
        for (size_t j = 0; j < i; j++) { /* each its own page */
            struct fault other = {0};
            rc = fault_set(&other, RC_REFUSED, tiktok_faults[j], "x");
            assert_ptr_not_equal(login_end_of(&other), end);
        }
    }
}

struct adding {
    str url, id;
    struct arena *mem;
};
static enum rc add_fn(struct tx *tx, void *arg, struct fault *why)
{
    struct adding *a = arg;
    return login_return_url_add(tx, ws, a->url, a->mem, &a->id, why);
}

static void return_urls_are_checked(bool postgres)
{
    struct world w;
    struct fault why = {0};
    world_open(&w, postgres);
    static const char *const good[] = {"https://shop.example/back", "https://shop.example/back?x=1",
                                       "http://127.0.0.1:3000/tiktok/return", "http://localhost:3000/r"};
    static const char *const bad[] = {"",
                                      "http://shop.example/back",
                                      "//evil.example/",
                                      "https://",
                                      "https:///x",
                                      "javascript:alert(1)",
                                      "https://shop.example/#x",
                                      "https://user@evil.example/",
                                      "https://shop.example\\@evil.example/",
                                      "https://shop.example/\r\nX: y",
                                      "https://sh op.example/",
                                      "HTTPS://shop.example/",
                                      "ftp://shop.example/",
                                      "http://127.0.0.1.evil.example/",
                                      "http://localhost.evil.example/",
                                      "data:text/html,x",
                                      "/relative",
                                      "http://127.0.0.1@evil.example/"};
    for (size_t i = 0; i < COUNT_OF(good) + COUNT_OF(bad); i++) {
        bool ok = i < COUNT_OF(good);
        struct adding a = {.url = str_of(ok ? good[i] : bad[i - COUNT_OF(good)]), .mem = w.kit.mem};
        enum rc rc = store_write(w.kit.db.store, STORE_INTERACTIVE, add_fn, &a, &why);
        if (rc != (ok ? RC_OK : RC_INVALID))
            fail_msg("%.*s: %s", STR_ARG(a.url), rc_name(rc));
    }
    struct adding again = {.url = str_of(good[0]), .mem = w.kit.mem}, twice = again;
    assert_rc(store_write(w.kit.db.store, STORE_INTERACTIVE, add_fn, &again, &why), RC_OK, &why);
    assert_rc(store_write(w.kit.db.store, STORE_INTERACTIVE, add_fn, &twice, &why), RC_OK, &why);
    assert_true(str_eq(again.id, twice.id));
    world_close(&w);
}
TESTDB_CASES(return_urls_are_checked)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ends_have_words),
        cmocka_unit_test(faults_become_own_ends),
        TESTDB_BOTH(takes_only_its_own),
        TESTDB_BOTH(states_expire),
        TESTDB_BOTH(finishes_whole),
        TESTDB_BOTH(return_urls_are_checked),
        TESTDB_BOTH(codes_stay_in_their_workspace),
        TESTDB_BOTH(one_winner_of_two),
    };
    return cmocka_run_group_tests_name("login", tests, NULL, NULL);
}
