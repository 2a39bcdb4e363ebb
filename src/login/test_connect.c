/* Connecting on both databases, without TikTok: who may make which attempt, one browser of many, one taking
 * of many, an answer at the wrong callback is burnt, states and links that are too old, and that every end
 * has its words. The way through TikTok is tests/journeys/b_connect.mjs.
 */
#include "test_kit.h"
#include <pthread.h>
#include "login/connect_priv.h"
#include "crypto/crypto.h"

enum { RACERS = 16, ROUNDS = 40 };
#define WS STR("ws_a")

struct world {
    struct kit kit;
    struct flags *flags;
    struct login *login;
};

static void world_open(struct world *w, bool postgres)
{
    struct fault why = {0};
    const struct migration_table m[] = {login_migrations, flags_migrations, connect_migrations,
                                        features_migrations};
    const struct setting_table s[] = {{login_settings, login_settings_n}};
    const struct mozflow_event_table e[] = {{connect_events, connect_events_n, NULL}};
    const struct kit_more more = {m, COUNT_OF(m), s, COUNT_OF(s), e, COUNT_OF(e)};
    memset(w, 0, sizeof *w);
    kit_open(&w->kit, postgres, &more);
    struct kit *k = &w->kit;
    static struct flag_table flags[2];
    flags[0] = (struct flag_table){login_flags, login_flags_n};
    flags[1] = (struct flag_table){connect_flags, connect_flags_n};
    struct flags_options fo = {
        .store = k->db.store, .audit = k->audit, .tables = flags, .n_tables = 2, .no_thread = true};
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

/* ---- one step per transaction ---- */
struct step {
    struct world *w;
    struct connect_start start;
    struct connect_click click;
    struct connect_proof proof;
    struct connect_attempt finish;
    str attempt;
    struct connect_clicked clicked;
    struct connect_taken taken;
    struct arena *mem;
    struct fault why;
    enum rc rc;
};

static enum rc make_fn(struct tx *tx, void *arg, struct fault *why)
{
    struct step *s = arg;
    return connect_attempt_make(s->w->login, tx, &s->start, s->mem, &s->attempt, why);
}

static enum rc click_fn(struct tx *tx, void *arg, struct fault *why)
{
    struct step *s = arg;
    return connect_state_put(s->w->login, tx, &s->click, s->mem, &s->clicked, why);
}

static enum rc take_fn(struct tx *tx, void *arg, struct fault *why)
{
    struct step *s = arg;
    return connect_state_take(tx, &s->proof, s->mem, &s->taken, why);
}

static enum rc finish_fn(struct tx *tx, void *arg, struct fault *why)
{
    struct step *s = arg;
    int64_t changed = 0;
    s->finish.connected = STR("acc_x");
    enum rc rc = db_connect_finished(tx, &s->finish, &changed, why);
    return rc == RC_OK && changed == 0 ? fault_set(why, RC_CONFLICT, "connect.link_over", "over") : rc;
}

static enum rc do_step(struct step *s, store_fn fn)
{
    s->rc = store_write(s->w->kit.db.store, STORE_INTERACTIVE, fn, s, &s->why);
    return s->rc;
}

static void expect(struct step *s, store_fn fn, enum rc rc, const char *code)
{
    assert_rc(do_step(s, fn), rc, &s->why);
    if (rc != RC_OK)
        assert_string_equal(s->why.code, code);
}

/* A fresh attempt of a kind, not yet clicked. */
static struct step begun(struct world *w, enum app_kind kind)
{
    struct step s = {.w = w, .mem = w->kit.mem, .start = {.workspace = WS, .kind = kind, .lang = STR("en")}};
    expect(&s, make_fn, RC_OK, "");
    s.click = (struct connect_click){
        .attempt = s.attempt, .cookie = token_new(s.mem), .market = STR("th"), .kind = kind};
    return s;
}

static struct step clicked(struct world *w, enum app_kind kind)
{
    struct step s = begun(w, kind);
    expect(&s, click_fn, RC_OK, "");
    s.proof = (struct connect_proof){kind, s.clicked.state, s.click.cookie};
    return s;
}

static void makes_only_what_may_be(bool postgres)
{
    struct world w;
    world_open(&w, postgres);
    str business = kit_arrive_as(&w.kit, APP_ACCOUNTS, "ws_a", "-000shop", 86400);
    const struct {
        struct connect_start start;
        enum rc rc;
        const char *code;
    } cases[] = {
        {{.workspace = WS, .kind = APP_ACCOUNTS}, RC_OK, ""},
        {{.workspace = WS, .kind = APP_ADS}, RC_OK, ""},
        {{.workspace = WS, .kind = APP_ACCOUNTS, .market = STR("mars")}, RC_INVALID, "connect.market"},
        {{.workspace = WS, .kind = APP_ACCOUNTS, .feature = STR("leads")},
         RC_INVALID,
         "connect.feature_unknown"},
        {{.workspace = WS, .kind = APP_ACCOUNTS, .feature = STR("chat.send")},
         RC_REFUSED,
         "accounts.app_lacks_scope"}, /* the kit's app holds user.info.basic only */
        {{.workspace = WS, .kind = APP_ACCOUNTS, .account = business}, RC_OK, ""},
        {{.workspace = WS, .kind = APP_ADS, .account = business}, RC_INVALID, "connect.account_kind"},
        {{.workspace = STR("ws_b"), .kind = APP_ACCOUNTS, .account = business},
         RC_MISSING,
         "accounts.missing"},
        {{.workspace = STR("ws_b"), .kind = APP_ADS, .beside = business}, RC_MISSING, "accounts.missing"},
        {{.workspace = WS, .kind = APP_ADS, .beside = business}, RC_OK, ""},
        {{.workspace = WS, .kind = APP_ADS, .return_to = STR("https://evil.example/")},
         RC_INVALID,
         "connect.return"},
        {{.workspace = WS, .kind = APP_ADS, .return_to = STR("/console//evil.example")},
         RC_INVALID,
         "connect.return"},
        {{.workspace = WS, .kind = APP_ADS, .return_to = STR("/console/\\evil")},
         RC_INVALID,
         "connect.return"},
        {{.workspace = WS, .kind = APP_ADS, .return_to = STR("/console/../x")}, RC_INVALID, "connect.return"},
        {{.workspace = WS, .kind = APP_ADS, .return_to = STR("/console/accounts?a=1")}, RC_OK, ""},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct step s = {.w = &w, .mem = w.kit.mem, .start = cases[i].start};
        expect(&s, make_fn, cases[i].rc, cases[i].code);
    }
    world_close(&w);
}
TESTDB_CASES(makes_only_what_may_be)

static void one_browser_keeps_the_link(bool postgres)
{
    struct world w;
    world_open(&w, postgres);
    struct step s = begun(&w, APP_ACCOUNTS), other = s;
    s.click.market = STR("");
    expect(&s, click_fn, RC_INVALID, "connect.market");
    s.click.market = STR("th");
    s.click.kind = APP_ADS;
    expect(&s, click_fn, RC_MISSING, "connect.link_unknown");
    s.click.kind = APP_ACCOUNTS;
    expect(&s, click_fn, RC_OK, "");
    assert_true(str_eq(s.clicked.scopes, STR("user.info.basic")));
    other.click.cookie = token_new(s.mem);
    expect(&other, click_fn, RC_CONFLICT, "connect.other_browser");
    other.click.cookie = STR("");
    expect(&other, click_fn, RC_CONFLICT, "connect.no_cookie");
    expect(&s, click_fn, RC_OK, ""); /* the same browser may try again */
    clock_shift_ms(CONNECT_LINK_MS + 1000);
    expect(&s, click_fn, RC_CONFLICT, "connect.link_over");
    clock_shift_ms(-CONNECT_LINK_MS - 1000);
    world_close(&w);
}
TESTDB_CASES(one_browser_keeps_the_link)

static void *race_click(void *arg)
{
    (void)do_step(arg, click_fn);
    return NULL;
}

static void *race_take(void *arg)
{
    (void)do_step(arg, take_fn);
    return NULL;
}

/* Runs the racers; how many got RC_OK. */
static size_t race(struct step *racers, size_t n, void *(*fn)(void *))
{
    pthread_t threads[RACERS];
    size_t won = 0;
    for (size_t i = 0; i < n; i++)
        racers[i].mem = arena_open_secret(1u << 20);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, fn, &racers[i]), 0);
    for (size_t i = 0; i < n; i++) {
        pthread_join(threads[i], NULL);
        won += racers[i].rc == RC_OK;
        arena_close(&racers[i].mem);
    }
    return won;
}

static void races_have_one_winner(bool postgres)
{
    struct world w;
    struct step racers[RACERS];
    world_open(&w, postgres);
    for (int round = 0; round < ROUNDS; round++) {
        struct step s = clicked(&w, round % 2 == 0 ? APP_ACCOUNTS : APP_ADS);
        for (size_t i = 0; i < RACERS; i++)
            racers[i] = s;
        assert_int_equal(race(racers, RACERS, race_take), 1);
        struct step fresh = begun(&w, APP_ADS);
        for (size_t i = 0; i < RACERS; i++) {
            racers[i] = fresh;
            racers[i].click.cookie = token_new(w.kit.mem);
        }
        assert_int_equal(race(racers, RACERS, race_click), 1); /* the browser that was first */
        arena_reset(w.kit.mem);
    }
    world_close(&w);
}
TESTDB_CASES(races_have_one_winner)

static void takes_only_its_own(bool postgres)
{
    struct world w;
    world_open(&w, postgres);
    struct step s = clicked(&w, APP_ACCOUNTS), bad = s;
    bad.proof.cookie = token_new(s.mem);
    expect(&bad, take_fn, RC_CONFLICT, "connect.state_unknown");
    bad.proof.cookie = STR("");
    expect(&bad, take_fn, RC_CONFLICT, "connect.state_unknown");
    bad.proof = (struct connect_proof){APP_ACCOUNTS, token_new(s.mem), s.click.cookie};
    expect(&bad, take_fn, RC_CONFLICT, "connect.state_unknown");
    expect(&s, take_fn, RC_OK, "");
    assert_true(!s.taken.mixed_up && str_eq(s.taken.attempt.id, s.attempt) &&
                str_eq(s.taken.attempt.workspace, WS));
    expect(&s, take_fn, RC_CONFLICT, "connect.double_callback");
    struct step old = clicked(&w, APP_ADS);
    clock_shift_ms(LOGIN_STATE_MS + 1000);
    expect(&old, take_fn, RC_CONFLICT, "connect.state_expired");
    clock_shift_ms(-LOGIN_STATE_MS - 1000);
    world_close(&w);
}
TESTDB_CASES(takes_only_its_own)

/* Every kind's answer at every other kind's callback, the sign-in's too: told, burnt, never taken. */
static void mixed_up_answers_are_burnt(bool postgres)
{
    struct world w;
    world_open(&w, postgres);
    static const enum app_kind from[] = {APP_ACCOUNTS, APP_ADS};
    for (size_t i = 0; i < COUNT_OF(from); i++)
        for (enum app_kind to = APP_LOGIN_KIT; to < APP_KINDS; to++) {
            if (to == from[i])
                continue;
            struct step s = clicked(&w, from[i]), wrong = s;
            wrong.proof.kind = to;
            wrong.proof.cookie = token_new(s.mem);
            expect(&wrong, take_fn, RC_CONFLICT, "connect.state_unknown"); /* a stranger burns nothing */
            wrong.proof.cookie = s.click.cookie;
            expect(&wrong, take_fn, RC_OK, "");
            assert_true(wrong.taken.mixed_up);
            expect(&s, take_fn, RC_CONFLICT, "connect.double_callback");
        }
    world_close(&w);
}
TESTDB_CASES(mixed_up_answers_are_burnt)

static void an_attempt_connects_once(bool postgres)
{
    struct world w;
    world_open(&w, postgres);
    struct step s = clicked(&w, APP_ADS), second = s;
    expect(&second, click_fn, RC_OK, ""); /* two tabs of one browser */
    second.proof.state = second.clicked.state;
    expect(&s, take_fn, RC_OK, "");
    expect(&second, take_fn, RC_OK, "");
    s.finish = second.finish = s.taken.attempt;
    expect(&s, finish_fn, RC_OK, "");
    expect(&second, finish_fn, RC_CONFLICT, "connect.link_over");
    expect(&s, click_fn, RC_CONFLICT, "connect.link_over");
    world_close(&w);
}
TESTDB_CASES(an_attempt_connects_once)

static void every_end_has_words(void **state)
{
    (void)state;
    struct fault why;
    const struct login_end *end = NULL;
    size_t n = 0;
    for (; (end = connect_end(n)) != NULL; n++) {
        size_t found = 0;
        for (size_t i = 0; i < connect_problems_n; i++) {
            const struct problem_row *p = &connect_problems[i];
            if (strcmp(p->code, end->code) != 0)
                continue;
            found++;
            assert_int_equal(p->status, end->status);
            assert_true((unsigned char)p->th_title[0] >= 0x80 || strncmp(p->th_title, "TikTok", 6) == 0);
            assert_true(p->en_todo[0] != '\0' && p->th_todo[0] != '\0' && p->th_means[0] != '\0');
        }
        assert_int_equal(found, 1);
        (void)fault_set(&why, RC_BUG, end->code, "x");
        assert_ptr_equal(connect_end_of(&why), end);
    }
    assert_true(n >= 25);
    (void)fault_set(&why, RC_BUG, "store.unavailable", "x");
    assert_string_equal(connect_end_of(&why)->code, "connect.our_fault");
    const struct step_row *s = NULL;
    for (size_t i = 0; (s = step_at(i)) != NULL; i++)
        assert_true(s->name.th[0] != '\0' && s->detail.th[0] != '\0' &&
                    (s->conflict.en == NULL) == (s->conflict.th == NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TESTDB_BOTH(makes_only_what_may_be),     TESTDB_BOTH(one_browser_keeps_the_link),
        TESTDB_BOTH(races_have_one_winner),      TESTDB_BOTH(takes_only_its_own),
        TESTDB_BOTH(mixed_up_answers_are_burnt), TESTDB_BOTH(an_attempt_connects_once),
        cmocka_unit_test(every_end_has_words)};
    return cmocka_run_group_tests_name("connect", tests, NULL, NULL);
}
