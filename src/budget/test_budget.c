/* Budgets on both databases: two nodes never pass a limit of TikTok's, judged by a checker that knows nothing
 * of spacing; a hot workspace leaves the others their part; refusals shut the right bucket for the right
 * time. Time is virtual: a minute of calls takes as long as its transactions. */
#include "testdb.h"
#include <pthread.h>
#include <stdlib.h>
#include "budget/budget_priv.h"

static const struct migration_table *tables(void)
{
    static struct migration_table t[1];
    t[0] = budget_migrations;
    return t;
}

/* ---- a world of two nodes on one database ---- */
enum { NODES = 2 };
struct world {
    struct testdb db;
    struct store *other; /* PostgreSQL: the second node's own */
    struct config *config;
    struct budget *node[NODES];
    struct arena *mem;
};

static void world_open(struct world *w, bool postgres, const char *qps, const char *per_minute)
{
    struct setting_table t = {budget_settings, budget_settings_n};
    struct fault why = {0};
    char a[64], b[64], *env[3] = {a, b, NULL};
    *w = (struct world){.mem = arena_open(8u << 20)};
    (void)snprintf(a, sizeof a, "MZ_BUDGET_BUSINESS_QPS=%s", qps);
    (void)snprintf(b, sizeof b, "MZ_BUDGET_PER_MINUTE=%s", per_minute);
    assert_rc(config_load(&t, 1, STR_NONE, env, &w->config, &why), RC_OK, &why);
    testdb_open(&w->db, postgres, tables(), 1);
    struct store_options so = {.url = str_of(w->db.url), .migrations = tables(), .n_migrations = 1};
    if (postgres)
        assert_rc(store_open(&so, &w->other, &why), RC_OK, &why);
    for (int i = 0; i < NODES; i++) {
        struct budget_options o = {.config = w->config,
                                   .store = i == 1 && w->other != NULL ? w->other : w->db.store};
        assert_rc(budget_open(&o, &w->node[i], &why), RC_OK, &why);
    }
}

static void world_close(struct world *w)
{
    for (int i = 0; i < NODES; i++)
        budget_close(&w->node[i]);
    store_close(&w->other);
    testdb_close(&w->db);
    config_close(&w->config);
    arena_close(&w->mem);
}

static int64_t now_ms(const struct world *w)
{
    return store_clock(w->db.store);
}

/* ---- the checker: no more than `allowed` calls in any window that begins with one of them ---- */
enum { SEEN_MAX = 20000 };
struct seen {
    int64_t at_us[SEEN_MAX];
    size_t n;
};

static int ascending(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static int64_t busiest(struct seen *s, int64_t window_us)
{
    int64_t most = 0;
    qsort(s->at_us, s->n, sizeof s->at_us[0], ascending);
    for (size_t from = 0, to = 0; from < s->n; from++) {
        while (to < s->n && s->at_us[to] < s->at_us[from] + window_us)
            to++;
        if ((int64_t)(to - from) > most)
            most = (int64_t)(to - from);
    }
    return most;
}

static void saw(struct seen *s, int64_t at_us)
{
    assert_true(s->n < SEEN_MAX);
    s->at_us[s->n++] = at_us;
}

/* ---- callers that come back when they are told to, over a virtual time ---- */
struct caller {
    struct budget_call call;
    int64_t next_ms, due_ms, every_ms; /* every_ms 0: again at once; else what came late is caught up */
    int64_t granted, refused;
    struct seen *seen[3];
};

static struct caller *next_of(struct caller *c, size_t n)
{
    struct caller *first = &c[0];
    for (size_t i = 1; i < n; i++)
        if (c[i].next_ms < first->next_ms)
            first = &c[i];
    return first;
}

static void ask(struct world *w, struct caller *c, int node)
{
    struct reservation r = {0};
    struct fault why = {0};
    assert_rc(budget_reserve(w->node[node], &c->call, 1, &r, &why), RC_OK, &why);
    if (r.n == 0) {
        c->refused++;
        c->next_ms = r.slot_us / 1000;
        return;
    }
    int64_t real_us = now_ms(w) * 1000, at = r.slot_us > real_us ? r.slot_us : real_us;
    c->granted++;
    for (size_t i = 0; i < COUNT_OF(c->seen); i++)
        if (c->seen[i] != NULL)
            saw(c->seen[i], at);
    c->due_ms += c->every_ms;
    c->next_ms = c->every_ms > 0 && c->due_ms > at / 1000 ? c->due_ms : at / 1000;
}

static void run(struct world *w, struct caller *c, size_t n, int64_t for_ms)
{
    int64_t end = now_ms(w) + for_ms;
    for (unsigned turn = 0;; turn++) {
        struct caller *it = next_of(c, n);
        int64_t now = now_ms(w);
        if (now >= end || it->next_ms >= end)
            break;
        if (it->next_ms > now)
            clock_shift_ms(it->next_ms - now);
        ask(w, it, (int)(turn % NODES));
    }
}

static struct budget_call business(const char *workspace, const char *account, const char *endpoint)
{
    return (struct budget_call){.client_key = STR("app1"),
                                .workspace = str_of(workspace),
                                .account = str_of(account),
                                .family = "accounts",
                                .endpoint = endpoint};
}

static struct budget_call login(const char *workspace, const char *endpoint)
{
    return (struct budget_call){.client_key = STR("aw1"),
                                .workspace = str_of(workspace),
                                .account = STR(""),
                                .family = "login_kit",
                                .endpoint = endpoint};
}

/* ---- pure ---- */
static void test_every_row_keeps_its_limit(void **state)
{
    (void)state;
    struct setting_table t = {budget_settings, budget_settings_n};
    struct config *c = NULL;
    struct fault why = {0};
    char *env[] = {NULL};
    assert_rc(config_load(&t, 1, STR_NONE, env, &c, &why), RC_OK, &why);
    struct limit_settings s;
    budget_limits_open(&s, c);
    struct seen *seen = test_calloc(1, sizeof *seen);
    size_t rows = 0;
    for (size_t i = 0; budget_limit(i) != NULL; i++) {
        struct bucket b = {.limit = budget_limit(i), .rate = budget_rate(budget_limit(i), &s, STR("x"))};
        if (b.rate.allowed == 0 || b.limit->window_ms == DAY_MS)
            continue;
        seen->n = 0;
        rows++;
        for (int64_t now = INT64_C(1700000000000000); seen->n < (size_t)b.rate.allowed * 3;) {
            now = bucket_earliest_us(&b, now);
            bucket_take(&b, now, 1);
            saw(seen, now);
        }
        int64_t most = busiest(seen, b.limit->window_ms * 1000);
        assert_true(most <= b.rate.kept && b.rate.kept < b.rate.allowed + 1);
        assert_true(most * 100 >= b.rate.allowed * 70); /* and does not waste it */
    }
    assert_true(rows >= 6);
    test_free(seen);
    config_close(&c);
}

static void test_levels(void **state)
{
    (void)state;
    struct setting_table t = {budget_settings, budget_settings_n};
    struct config *c = NULL;
    struct fault why = {0};
    char a[] = "MZ_BUDGET_BUSINESS_LEVEL=advanced",
         b[] = "MZ_BUDGET_BUSINESS_LEVELS=k1=ultimate, k2 = premium", *env[] = {a, b, NULL};
    assert_rc(config_load(&t, 1, STR_NONE, env, &c, &why), RC_OK, &why);
    struct limit_settings s;
    budget_limits_open(&s, c);
    static const struct {
        const char *key;
        int64_t qps;
    } want[] = {{"k1", 50}, {"k2", 30}, {"k3", 20}};
    for (size_t i = 0; i < COUNT_OF(want); i++) {
        assert_int_equal(budget_rate(budget_limit(0), &s, str_of(want[i].key)).allowed, want[i].qps);
        assert_int_equal(budget_rate(budget_limit(1), &s, str_of(want[i].key)).allowed, want[i].qps * 60);
        assert_int_equal(budget_rate(budget_limit(2), &s, str_of(want[i].key)).allowed, want[i].qps * 86400);
    }
    config_close(&c);
}

static void test_the_day_ends_at_midnight(void **state)
{
    (void)state;
    struct bucket b = {.limit = budget_limit(2), .rate = {.allowed = 10, .kept = 9}};
    int64_t day = INT64_C(19700) * DAY_MS, now = (day + 3600000) * 1000;
    assert_string_equal(b.limit->name, "qpd");
    for (int i = 0; i < 9; i++) {
        assert_int_equal(bucket_earliest_us(&b, now), now);
        bucket_take(&b, now, 1);
    }
    assert_int_equal(bucket_earliest_us(&b, now), (day + DAY_MS) * 1000);
    now = (day + DAY_MS) * 1000;
    bucket_take(&b, now, 1);
    assert_int_equal(bucket_earliest_us(&b, now), now);
    assert_int_equal(bucket_used(&b, day + DAY_MS), 1);
}

static void test_parts_are_max_min_fair(void **state)
{
    (void)state;
    static const struct {
        int64_t rate, wants[4];
        size_t n;
        int64_t level;
    } rows[] = {
        {9000, {100000, 0, 0, 0}, 1, 9000},         /* alone: what there is */
        {9000, {1000, 1000, 1000, 0}, 3, 9000},     /* all fits: nobody is cut */
        {9000, {1000, 100000, 0, 0}, 2, 8000},      /* the small one has its wish, the hot one the rest */
        {9000, {50000, 100000, 90000, 0}, 3, 3000}, /* equal parts */
        {9000, {2000, 100000, 90000, 1000}, 4, 3000},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        int64_t wants[4];
        memcpy(wants, rows[i].wants, sizeof wants);
        assert_int_equal(fair_level_milli(rows[i].rate, wants, rows[i].n), rows[i].level);
    }
}

/* ---- two nodes ---- */
static void passes_no_limit(bool postgres)
{
    static const char *const spaces[] = {"ws_a", "ws_b", "ws_c"}, *const accounts[] = {"acc_1", "acc_2",
                                                                                       "acc_3"};
    static const char *const ends[] = {"accounts.business_get", "accounts.conversation_list"};
    struct world w;
    struct caller c[9] = {0};
    struct seen *app = test_calloc(1, sizeof *app), *one = test_calloc(1, sizeof *one),
                *messages = test_calloc(1, sizeof *messages);
    world_open(&w, postgres, "0", "600");
    for (size_t i = 0; i < 6; i++) {
        c[i].call = business(spaces[i / 2], accounts[i / 2], ends[i % 2]);
        c[i].seen[0] = app;
        c[i].seen[1] = i % 2 == 1 ? messages : NULL;
        c[i].seen[2] = i == 0 ? one : NULL;
    }
    for (size_t i = 6; i < 9;
         i++) { /* other accounts of the app: nothing but the app's own limit holds them */
        c[i].call = business(spaces[i - 6], "", "ads.advertiser_get");
        c[i].call.family = "ads";
        c[i].seen[0] = app;
    }
    for (size_t i = 0; i < COUNT_OF(c); i++)
        c[i].next_ms = now_ms(&w);
    run(&w, c, COUNT_OF(c), 75000);
    print_message(
        "calls: app %zu, most in a second %lld, in a minute %lld; one account %zu, in a minute %lld\n",
        app->n, (long long)busiest(app, 1000000), (long long)busiest(app, 60000000), one->n,
        (long long)busiest(one, 60000000));
    assert_true(busiest(app, 1000000) <= 10);
    assert_true(busiest(app, 60000000) <= 600);
    assert_true(busiest(messages, 1000000) <= 10);
    assert_true(busiest(one, 60000000) <= 40);
    assert_true(app->n >= 500); /* of at most 750: the limit is used, too */
    assert_true(one->n >= 25);
    test_free(app);
    test_free(one);
    test_free(messages);
    world_close(&w);
}
TESTDB_CASES(passes_no_limit)

static void passes_no_login_limit(bool postgres)
{
    struct world w;
    struct caller c[4] = {0};
    struct seen *token = test_calloc(1, sizeof *token), *info = test_calloc(1, sizeof *info);
    world_open(&w, postgres, "0", "600");
    for (size_t i = 0; i < COUNT_OF(c); i++) {
        c[i].call = login(i % 2 ? "ws_a" : "ws_b", i < 2 ? "tiktok.token" : "tiktok.user_info");
        c[i].seen[0] = i < 2 ? token : info;
        c[i].next_ms = now_ms(&w);
    }
    run(&w, c, COUNT_OF(c), 70000);
    print_message("calls: token %zu, in a minute %lld; user info %zu, in a minute %lld\n", token->n,
                  (long long)busiest(token, 60000000), info->n, (long long)busiest(info, 60000000));
    assert_true(busiest(token, 60000000) <= 600 && busiest(info, 60000000) <= 600);
    assert_true(token->n >= 500 && info->n >= 500); /* each endpoint has its own */
    test_free(token);
    test_free(info);
    world_close(&w);
}
TESTDB_CASES(passes_no_login_limit)

static void leaves_the_others_their_part(bool postgres)
{
    static const char *const spaces[] = {"ws_hot", "ws_1", "ws_2", "ws_3", "ws_4"};
    enum { HOT = 60, OTHERS = 4, PARTS = 5 };
    struct world w;
    struct caller c[HOT + OTHERS] = {0};
    world_open(&w, postgres, "0", "600");
    int64_t step_us = budget_step_us(w.node[0], &(struct budget_call){.client_key = STR("app1"),
                                                                      .account = STR(""),
                                                                      .family = "ads",
                                                                      .endpoint = "ads.report"});
    int64_t minute = 60000000 / step_us, part = minute / PARTS;
    for (size_t i = 0; i < COUNT_OF(c); i++) {
        c[i].call = business(spaces[i < HOT ? 0 : i - HOT + 1], "", "ads.report");
        c[i].call.family = "ads";
        c[i].next_ms = now_ms(&w);
        c[i].every_ms = i < HOT ? 0 : 60000 / part; /* the others want just their part */
    }
    run(&w, c, HOT, 20000); /* the hot one alone: it may have all */
    int64_t alone = 0, hot = 0;
    for (size_t i = 0; i < HOT; i++) {
        alone += c[i].granted;
        c[i].granted = 0;
    }
    for (size_t i = HOT; i < COUNT_OF(c); i++)
        c[i].next_ms = c[i].due_ms = now_ms(&w);
    run(&w, c, COUNT_OF(c), 60000);
    for (size_t i = 0; i < HOT; i++)
        hot += c[i].granted;
    print_message("a part is %lld; hot alone %lld in 20 s, then %lld; others", (long long)part,
                  (long long)alone, (long long)hot);
    for (size_t i = HOT; i < COUNT_OF(c); i++)
        print_message(" %lld", (long long)c[i].granted);
    print_message("\n");
    for (size_t i = HOT; i < COUNT_OF(c); i++)
        assert_true(c[i].granted * 100 >= part * 80);
    assert_true(alone * 100 >= minute / 3 * 85);
    assert_true(hot * 100 >= part * 70);
    world_close(&w);
}
TESTDB_CASES(leaves_the_others_their_part)

/* ---- refusals ---- */
static int64_t first_slot_ms(struct world *w, int node, const struct budget_call *c)
{
    struct reservation r = {0};
    struct fault why = {0};
    assert_rc(budget_reserve(w->node[node], c, 1, &r, &why), RC_OK, &why);
    return r.slot_us / 1000;
}

static void assert_between(int64_t value, int64_t least, int64_t most)
{
    if (value < least || value > most)
        fail_msg("%lld is not between %lld and %lld", (long long)value, (long long)least, (long long)most);
}

static struct fault refusal(int64_t code, const char *text)
{
    struct fault why;
    (void)fault_set(&why, RC_LIMITED, "tiktok.limited", "%s", text);
    fault_outer(&why, code, STR("log1"));
    return why;
}

static void shuts_for_the_penalty(bool postgres)
{
    struct world w;
    world_open(&w, postgres, "0", "600");
    struct budget_call get = business("ws_a", "acc_1", "accounts.business_get"),
                       other = business("ws_b", "acc_2", "accounts.business_get"),
                       sign = login("ws_a", "tiktok.token");
    struct fault busy = refusal(40016, "Too frequent"), app = refusal(40100, "Too many requests"),
                 named = refusal(40100, "App reaches the QPM limit 600"),
                 day = refusal(40100, "App reaches the QPD limit"), http = refusal(429, "HTTP 429");
    int64_t now = now_ms(&w);
    budget_answered(w.node[0], &get, &busy); /* one endpoint of one account: five minutes, nobody else */
    assert_between(first_slot_ms(&w, 1, &get) - now, 299000, 302000);
    assert_between(first_slot_ms(&w, 1, &other) - now, -3000, 500);
    budget_answered(w.node[0], &get, &app); /* unnamed, our counters low: the next second */
    assert_between(first_slot_ms(&w, 1, &other) - now_ms(&w), 500, 1600);
    clock_shift_ms(2000);
    budget_answered(w.node[1], &other, &app); /* again within a minute: it was the minute */
    assert_between(first_slot_ms(&w, 0, &other) - now_ms(&w), 299000, 301000);
    assert_between(first_slot_ms(&w, 0, &sign) - now_ms(&w), -3000, 500); /* another pool */
    clock_shift_ms(600000);
    budget_answered(w.node[0], &other, &named);
    assert_between(first_slot_ms(&w, 1, &other) - now_ms(&w), 299000, 301000);
    clock_shift_ms(600000);
    budget_answered(w.node[0], &other, &day);
    int64_t midnight = now_ms(&w) - now_ms(&w) % DAY_MS + DAY_MS;
    assert_between(first_slot_ms(&w, 1, &other) - midnight, -3000, 2000);
    budget_answered(w.node[0], &sign, &http);
    assert_between(first_slot_ms(&w, 1, &sign) - now_ms(&w), 59000, 61000);
    struct budget_state *list = NULL;
    struct fault why = {0};
    size_t n = 0, shut = 0, foreign = 0;
    assert_rc(budget_states(w.node[0], STR("ws_a"), w.mem, &list, &n, &why), RC_OK, &why);
    for (size_t i = 0; i < n; i++) {
        shut += list[i].shut_until_ms > 0;
        foreign += str_eq(list[i].account, STR("acc_2"));
    }
    assert_int_equal(shut, 2); /* the day of the business app, the minute of the login endpoint */
    assert_int_equal(foreign, 0);
    world_close(&w);
}
TESTDB_CASES(shuts_for_the_penalty)

/* 40100 without a name, when our own counts say what is used up. */
static void test_counts_tell_which_limit(void **state)
{
    (void)state;
    struct fault why = refusal(40100, "Too many requests");
    int64_t now = INT64_C(19700) * DAY_MS + 43200000;
    struct bucket list[3];
    struct penalty p;
    for (size_t i = 0; i < 3; i++)
        list[i] =
            (struct bucket){.limit = budget_limit(i), .rate = {.allowed = (int64_t[]){10, 600, 864000}[i]}};
    assert_true(budget_penalty(list, 3, &why, now, &p));
    assert_int_equal(p.bucket, 0);
    assert_int_equal(p.until_ms, now + 1000);
    list[1].cell_ms = now - now % 60000;
    list[1].now_n = 500;
    assert_true(budget_penalty(list, 3, &why, now, &p));
    assert_int_equal(p.bucket, 1);
    assert_int_equal(p.until_ms, now + 300000);
    list[2].cell_ms = now - now % DAY_MS;
    list[2].now_n = 830000;
    assert_true(budget_penalty(list, 3, &why, now, &p));
    assert_int_equal(p.bucket, 2);
    assert_int_equal(p.until_ms, INT64_C(19701) * DAY_MS);
}

/* ---- slices: above 100 a second, in real time ---- */
struct hand {
    struct world *w;
    struct budget_call call;
    int node;
    struct seen *seen;
    pthread_mutex_t *gate;
    int64_t failed;
};
enum { HANDS = 6, CALLS_EACH = 250 };

static void *hand_run(void *arg)
{
    struct hand *h = arg;
    struct budget_call c = h->call;
    for (int i = 0; i < CALLS_EACH;) {
        struct permit p;
        struct fault why = {0};
        enum rc rc = budget_take(h->w->node[h->node], &c, &p, &why);
        int64_t at = store_clock(h->w->db.store) * 1000;
        if (rc == RC_LIMITED)
            continue; /* a hot caller */
        h->failed += rc != RC_OK;
        pthread_mutex_lock(h->gate);
        saw(h->seen, at);
        pthread_mutex_unlock(h->gate);
        i++;
    }
    return NULL;
}

/* HANDS threads of two nodes; the permits in `seen`. Returns how long it took. */
static int64_t take_many(struct world *w, struct seen *seen, struct budget_call a, struct budget_call b)
{
    struct hand h[HANDS];
    pthread_t t[HANDS];
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    int64_t began = clock_mono_ms();
    for (int i = 0; i < HANDS; i++) {
        h[i] = (struct hand){w, i % NODES ? a : b, i % NODES, seen, &gate, 0};
        assert_int_equal(pthread_create(&t[i], NULL, hand_run, &h[i]), 0);
    }
    for (int i = 0; i < HANDS; i++) {
        assert_int_equal(pthread_join(t[i], NULL), 0);
        assert_int_equal(h[i].failed, 0);
    }
    assert_int_equal(seen->n, HANDS * CALLS_EACH);
    return clock_mono_ms() - began;
}

static void slices_keep_the_limit(bool postgres)
{
    struct world w;
    struct budget_call a = business("ws_a", "", "ads.report"), b = business("ws_b", "", "ads.report");
    struct seen *seen = test_calloc(1, sizeof *seen);
    world_open(&w, postgres, "1000", "600");
    a.family = b.family = "ads";
    int64_t took = take_many(&w, seen, a, b);
    print_message("%zu permits in %lld ms; most in a second %lld\n", seen->n, (long long)took,
                  (long long)busiest(seen, 1000000));
    assert_true(busiest(seen, 1000000) <= 1000);
    test_free(seen);
    world_close(&w);
}
TESTDB_CASES(slices_keep_the_limit)

/* Far above what is asked for: permits cost next to nothing, though a commit lasts longer than a slot. */
static void slices_do_not_slow(bool postgres)
{
    struct world w;
    struct seen *seen = test_calloc(1, sizeof *seen);
    world_open(&w, postgres, "0", "1000000");
    int64_t took = take_many(&w, seen, login("ws_a", "tiktok.token"), login("ws_b", "tiktok.token"));
    print_message("%zu permits in %lld ms\n", seen->n, (long long)took);
    assert_true(took < 5000); /* 1,500 commits one after the other would take longer on a slow disk */
    test_free(seen);
    world_close(&w);
}
TESTDB_CASES(slices_do_not_slow)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_row_keeps_its_limit),
        cmocka_unit_test(test_levels),
        cmocka_unit_test(test_the_day_ends_at_midnight),
        cmocka_unit_test(test_parts_are_max_min_fair),
        cmocka_unit_test(test_counts_tell_which_limit),
        TESTDB_BOTH(passes_no_limit),
        TESTDB_BOTH(passes_no_login_limit),
        TESTDB_BOTH(leaves_the_others_their_part),
        TESTDB_BOTH(shuts_for_the_penalty),
        TESTDB_BOTH(slices_keep_the_limit),
        TESTDB_BOTH(slices_do_not_slow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
