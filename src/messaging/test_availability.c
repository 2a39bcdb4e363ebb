/* Availability and webhook set-up. Pure: verdicts over all facts, words, links. On both databases, against a
 * scripted TikTok on loopback and the real rooms below: each verdict from TikTok's answers, the task that
 * waits, what Mozflow hears, the plan, registrations, our own limit. */
#include "test_kit.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include "messaging/setup_priv.h"

/* ---- pure ---- */
static struct facts all_good(void)
{
    struct facts f = {0};
    for (size_t i = 0; i < FACTS; i++)
        f.by[i] = (struct fact){.result = FACT_GOOD, .at_ms = 1000 + (int64_t)i};
    return f;
}

static void judges(void **state)
{
    (void)state;
    struct facts f = all_good();
    assert_int_equal(availability_judge(&f), VERDICT_AVAILABLE);
    static const struct {
        enum fact_name fact;
        enum verdict bad, unknown;
    } rows[] = {
        {FACT_TOKEN, VERDICT_TOKEN_DEAD, VERDICT_UNKNOWN},
        {FACT_SCOPES, VERDICT_NO_SCOPE, VERDICT_UNKNOWN},
        {FACT_TYPE, VERDICT_NOT_BUSINESS, VERDICT_AVAILABLE}, /* conversation/list proves more */
        {FACT_REGION, VERDICT_NOT_LET_IN, VERDICT_AVAILABLE},
        {FACT_CONVERSATIONS, VERDICT_NOT_LET_IN, VERDICT_UNKNOWN},
        {FACT_HOOK + HOOK_MESSAGES, VERDICT_WEBHOOK_MISSING, VERDICT_UNKNOWN},
        {FACT_HOOK + HOOK_COMMENTS, VERDICT_AVAILABLE, VERDICT_AVAILABLE},
        {FACT_HOOK + HOOK_VIDEO, VERDICT_AVAILABLE, VERDICT_AVAILABLE},
        {FACT_LAST_EVENT, VERDICT_AVAILABLE, VERDICT_AVAILABLE},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        f = all_good();
        f.by[rows[i].fact].result = FACT_BAD;
        assert_int_equal(availability_judge(&f), rows[i].bad);
        f.by[rows[i].fact].result = FACT_UNKNOWN;
        assert_int_equal(availability_judge(&f), rows[i].unknown);
        for (size_t k = 0; k < i && rows[k].bad != VERDICT_AVAILABLE; k++) { /* the earlier one decides */
            f = all_good();
            f.by[rows[i].fact].result = FACT_BAD;
            f.by[rows[k].fact].result = FACT_BAD;
            assert_int_equal(availability_judge(&f), rows[k].bad);
        }
    }
    f = (struct facts){0};
    assert_int_equal(availability_judge(&f), VERDICT_UNKNOWN);
}

static void has_words_for_all(void **state)
{
    (void)state;
    struct arena *mem = arena_open(1 << 20);
    for (size_t v = 0; v < VERDICTS; v++) {
        enum verdict found = VERDICTS;
        assert_true(verdict_find(str_of(verdict_rows[v].name), &found) && found == v);
        assert_true(strlen(verdict_rows[v].en) > 10 && strlen(verdict_rows[v].th) > 10);
    }
    for (size_t i = 0; i < FACTS; i++)
        for (size_t r = 0; r < FACT_RESULTS; r++)
            assert_true(fact_rows[i].words[r].en != NULL && utf8_valid(str_of(fact_rows[i].words[r].th)));
    struct facts f = all_good(), back;
    struct fault why;
    struct buf b;
    struct jw w;
    f.by[FACT_REGION] = (struct fact){FACT_BAD, 77, 40118, "2026LOG"};
    buf_init(&b, mem, 8192);
    jw_init(&w, &b);
    facts_write(&f, &w);
    assert_int_equal(facts_parse(buf_str(&b), mem, &back, &why), RC_OK);
    assert_memory_equal(&f, &back, sizeof(f));
    assert_int_equal(facts_parse(STR("{}"), mem, &back, &why), RC_OK);
    assert_int_equal(facts_parse(STR("{\"token\":{\"result\":9}}"), mem, &back, &why), RC_BUG);
    assert_true(str_eq(fallback_url(&fallback_links[0], STR("a.b_c"), mem), STR("https://tiktok.me/a.b_c")));
    assert_true(str_eq(fallback_url(&fallback_links[1], STR("a/b?c"), mem),
                       STR("https://www.tiktok.com/@a%2Fb%3Fc")));
    assert_int_equal(fallback_url(&fallback_links[0], STR(""), mem).n, 0);
    assert_true(
        str_eq(fallback_url(&fallback_links[2], STR(""), mem), STR("https://www.tiktok.com/messages")));
    arena_close(&mem);
}

/* ---- a scripted TikTok ---- */
#define DATA(text) "{\"code\":0,\"message\":\"OK\",\"request_id\":\"R\",\"data\":{" text "}}"
#define CODE(n) "{\"code\":" #n ",\"message\":\"m\",\"request_id\":\"REQ" #n "\",\"data\":{}}"
#define ALL_SCOPES "user.account.type,message.list.read,message.list.send,message.list.manage"
enum { SAID_INFO, SAID_TYPE, SAID_LIST, SAID_HOOK, SAIDS };
struct script {
    int listener, port;
    pthread_t thread;
    _Atomic bool stop;
    _Atomic int asked[SAIDS], sets, deletes;
    pthread_mutex_t lock;
    char said[SAIDS][512];
    char registered[4][256]; /* by category */
};

static int category_in(const char *request)
{
    static const char *const names[] = {"DIRECT_MESSAGE", "COMMENT", "VIDEO", "BRAND_MENTION"};
    for (int i = 0; i < 4; i++)
        if (strstr(request, names[i]) != NULL)
            return i;
    fail_msg("no category in %s", request);
    return 0;
}

static void answer_one(struct script *s, const char *request, char *out, size_t cap)
{
    static const char *const paths[SAIDS] = {"/tt_user/token_info/get/", "/business/get/",
                                             "/business/message/conversation/list/",
                                             "/business/webhook/list/"};
    (void)snprintf(out, cap, "%s", CODE(40007));
    for (int i = 0; i < SAIDS; i++)
        if (strstr(request, paths[i]) != NULL) {
            s->asked[i]++;
            (void)snprintf(out, cap, "%s", s->said[i]);
        }
    if (strstr(request, paths[SAID_HOOK]) != NULL && s->said[SAID_HOOK][0] == '\0') {
        const char *url = s->registered[category_in(request)];
        if (url[0] == '\0')
            (void)snprintf(out, cap, DATA("\"app_id\":\"7600\""));
        else
            (void)snprintf(out, cap, DATA("\"callback_url\":\"%s\""), url);
    }
    if (strstr(request, "/business/webhook/update/") != NULL) {
        const char *url = strstr(request, "\"callback_url\":\"");
        assert_non_null(url);
        s->sets++;
        (void)snprintf(s->registered[category_in(request)], 256, "%.*s", (int)strcspn(url + 16, "\""),
                       url + 16);
        (void)snprintf(out, cap, DATA(""));
    }
    if (strstr(request, "/business/webhook/delete/") != NULL) {
        s->deletes++;
        s->registered[category_in(request)][0] = '\0';
        (void)snprintf(out, cap, DATA(""));
    }
}

static void *script_run(void *arg)
{
    struct script *s = arg;
    struct pollfd p = {.fd = s->listener, .events = POLLIN};
    while (!s->stop) {
        char request[8192], body[1024], head[160];
        size_t n = 0;
        if (poll(&p, 1, 20) <= 0)
            continue;
        int fd = accept(s->listener, NULL, NULL);
        struct pollfd q = {.fd = fd, .events = POLLIN};
        while (n + 1 < sizeof request && poll(&q, 1, 2000) > 0) {
            ssize_t got = recv(fd, request + n, sizeof request - 1 - n, 0);
            if (got <= 0)
                break;
            n += (size_t)got;
            request[n] = '\0';
            const char *end = strstr(request, "\r\n\r\n"), *len = strcasestr(request, "content-length:");
            if (end != NULL &&
                (len == NULL || (size_t)(request + n - end - 4) >= strtoul(len + 15, NULL, 10)))
                break;
        }
        request[n] = '\0';
        pthread_mutex_lock(&s->lock);
        answer_one(s, request, body, sizeof body);
        pthread_mutex_unlock(&s->lock);
        int h = snprintf(head, sizeof head,
                         "HTTP/1.1 200 X\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n", strlen(body));
        if (send(fd, head, (size_t)h, MSG_NOSIGNAL) > 0)
            (void)send(fd, body, strlen(body), MSG_NOSIGNAL);
        close(fd);
    }
    return NULL;
}

/* ---- the world ---- */
struct world {
    struct kit k;
    struct script s;
    struct config *config;
    struct tiktok *tiktok;
    struct messaging m;
    str account;
};

static void say(struct world *w, int what, const char *body)
{
    pthread_mutex_lock(&w->s.lock);
    (void)snprintf(w->s.said[what], sizeof w->s.said[what], "%s", body);
    pthread_mutex_unlock(&w->s.lock);
}

static void registered(struct world *w, int category, str url)
{
    pthread_mutex_lock(&w->s.lock);
    (void)snprintf(w->s.registered[category], 256, STR_FMT, STR_ARG(url));
    pthread_mutex_unlock(&w->s.lock);
}

static void script_start(struct script *s)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof a;
    pthread_mutex_init(&s->lock, NULL);
    s->listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(s->listener, (struct sockaddr *)&a, n), 0);
    assert_int_equal(listen(s->listener, 64), 0);
    assert_int_equal(getsockname(s->listener, (struct sockaddr *)&a, &n), 0);
    s->port = ntohs(a.sin_port);
    assert_int_equal(pthread_create(&s->thread, NULL, script_run, s), 0);
}

static const struct account_app *app_of(const struct world *w)
{
    const struct account_app *app = accounts_app(w->k.accounts, APP_ACCOUNTS);
    assert_non_null(app);
    return app;
}

static void all_is_well(struct world *w)
{
    say(w, SAID_INFO, DATA("\"creator_id\":\"-000shop\",\"scope\":\"" ALL_SCOPES "\""));
    say(w, SAID_TYPE, DATA("\"is_business_account\":true"));
    say(w, SAID_LIST, DATA("\"conversations\":[],\"has_more\":false"));
    say(w, SAID_HOOK, "");
    for (int c = 0; c < 4; c++)
        registered(w, c, app_of(w)->webhook_url);
}

static void world_open(struct world *w, bool postgres)
{
    struct fault why = {0};
    static struct migration_table more[2];
    static struct mozflow_event_table events[1];
    more[0] = messaging_setup_migrations;
    events[0] = (struct mozflow_event_table){messaging_setup_events, messaging_setup_events_n, NULL};
    const struct kit_more km = {.migrations = more, .n_migrations = 1, .events = events, .n_events = 1};
    memset(w, 0, sizeof *w);
    script_start(&w->s);
    kit_open(&w->k, postgres, &km);
    char url[80], hosts[] = "MZ_FETCH_TIKTOK_HOSTS=127.0.0.1";
    (void)snprintf(url, sizeof url, "MZ_TIKTOK_BUSINESS_API_URL=http://127.0.0.1:%d", w->s.port);
    char *env[] = {url, hosts, NULL};
    const struct setting_table t[] = {{tiktok_settings, tiktok_settings_n},
                                      {fetch_settings, fetch_settings_n}};
    assert_rc(config_load(t, 2, STR_NONE, env, &w->config, &why), RC_OK, &why);
    assert_rc(tiktok_open(w->config, w->k.fetch, NULL, &w->tiktok, &why), RC_OK, &why);
    w->m = (struct messaging){.store = w->k.db.store,
                              .config = w->config,
                              .accounts = w->k.accounts,
                              .audit = w->k.audit,
                              .budget = w->k.budget,
                              .fetch = w->k.fetch,
                              .tiktok = w->tiktok};
    w->account = kit_arrive_as(&w->k, APP_ACCOUNTS, "ws_a", "-000shop", 86400);
    all_is_well(w);
}

static void world_close(struct world *w)
{
    tiktok_close(&w->tiktok);
    config_close(&w->config);
    kit_close(&w->k);
    w->s.stop = true;
    pthread_join(w->s.thread, NULL);
    close(w->s.listener);
    pthread_mutex_destroy(&w->s.lock);
}

struct keeping {
    struct probe *p;
    struct probe_kept kept;
};

static enum rc keep_fn(struct tx *tx, void *arg, struct fault *why)
{
    struct keeping *k = arg;
    return probe_keep(k->p, tx, &k->kept, why);
}

/* One probe as a person's: every question is asked. */
static struct probe_kept probed(struct world *w)
{
    struct fault why = {0};
    struct arena *mem = arena_open_secret(ASK_MEM);
    struct probe p = {
        .m = &w->m, .workspace = STR("ws_a"), .account = w->account, .patient = true, .mem = mem};
    struct keeping k = {.p = &p};
    assert_rc(probe_run(&p, &why), RC_OK, &why);
    assert_rc(store_write(w->k.db.store, STORE_INTERACTIVE, keep_fn, &k, &why), RC_OK, &why);
    arena_close(&mem);
    return k.kept;
}

struct loading {
    struct world *w;
    struct availability a;
    struct waiting t;
    bool open;
    struct hook_row hooks[HOOK_CATEGORIES];
};

static enum rc load_fn(struct tx *tx, void *arg, struct fault *why)
{
    struct loading *l = arg;
    struct arena *mem = l->w->k.mem;
    enum rc rc = setup_db_load(tx, STR("ws_a"), l->w->account, mem, &l->a, why);
    if (rc == RC_OK)
        rc = setup_db_hooks(tx, STR("-"), app_of(l->w)->id, mem, l->hooks, why);
    if (rc != RC_OK)
        return rc;
    rc = setup_db_task(tx, STR("ws_a"), l->w->account, mem, &l->t, why);
    l->open = rc == RC_OK;
    return rc == RC_MISSING ? RC_OK : rc;
}

static struct loading loaded(struct world *w)
{
    struct fault why = {0};
    struct loading l = {.w = w};
    assert_rc(store_read(w->k.db.store, load_fn, &l, &why), RC_OK, &why);
    return l;
}

static const struct sql events_sent = {
    "test.events", "SELECT COUNT(*) FROM mozflow_outbox WHERE workspace_id = $1 AND type = "
                   "'messaging.availability_changed'"};

/* ---- verdicts ---- */
static void answers_make_verdicts(bool postgres)
{
    static const struct {
        int what;
        const char *says;
        enum verdict verdict;
        enum fact_name fact; /* that is bad or unknown */
        int64_t code;
    } rows[] = {
        {SAID_LIST, CODE(40118), VERDICT_NOT_LET_IN, FACT_REGION, 40118},
        {SAID_LIST, CODE(40125), VERDICT_NOT_LET_IN, FACT_CONVERSATIONS, 40125},
        {SAID_LIST, CODE(40001), VERDICT_NOT_LET_IN, FACT_REGION, 40001}, /* the scope was granted */
        {SAID_LIST, CODE(50000), VERDICT_UNKNOWN, FACT_CONVERSATIONS, 50000},
        {SAID_LIST, "<html>", VERDICT_UNKNOWN, FACT_CONVERSATIONS, 0},
        {SAID_TYPE, DATA("\"is_business_account\":false"), VERDICT_NOT_BUSINESS, FACT_TYPE, 0},
        {SAID_TYPE, CODE(50000), VERDICT_AVAILABLE, FACT_TYPE, 50000},
        {SAID_INFO, DATA("\"creator_id\":\"o\",\"scope\":\"message.list.read\""), VERDICT_NO_SCOPE,
         FACT_SCOPES, 0},
        {SAID_HOOK, DATA(""), VERDICT_WEBHOOK_MISSING, FACT_HOOK + HOOK_MESSAGES, 0},
        {SAID_HOOK, DATA("\"callback_url\":\"https://other.example/w\""), VERDICT_WEBHOOK_MISSING,
         FACT_HOOK + HOOK_MESSAGES, 0},
        {SAID_HOOK, CODE(40101), VERDICT_UNKNOWN, FACT_HOOK + HOOK_MESSAGES, 0},
        {SAID_INFO, CODE(40105), VERDICT_TOKEN_DEAD, FACT_TOKEN, 40105},
    };
    struct world w;
    world_open(&w, postgres);
    assert_int_equal(probed(&w).verdict, VERDICT_AVAILABLE);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        all_is_well(&w);
        say(&w, rows[i].what, rows[i].says);
        struct probe_kept kept = probed(&w);
        if (kept.verdict != rows[i].verdict)
            fail_msg("row %zu: %s, want %s", i, verdict_rows[kept.verdict].name,
                     verdict_rows[rows[i].verdict].name);
        struct loading l = loaded(&w);
        assert_int_equal(l.a.verdict, rows[i].verdict);
        assert_int_not_equal(l.a.facts.by[rows[i].fact].result, FACT_GOOD);
        assert_int_equal(l.a.facts.by[rows[i].fact].tiktok_code, rows[i].code);
        assert_int_equal(l.a.next_ms == 0, rows[i].verdict == VERDICT_TOKEN_DEAD);
    }
    world_close(&w);
}
TESTDB_CASES(answers_make_verdicts)

static void a_task_waits_for_tiktok(bool postgres)
{
    struct world w;
    world_open(&w, postgres);
    say(&w, SAID_LIST, CODE(40118));
    assert_true(probed(&w).changed);
    struct loading l = loaded(&w);
    assert_true(l.open && l.t.owner.p == NULL && l.t.recheck_ms > l.t.opened_ms);
    str id = l.t.id;
    assert_false(probed(&w).changed); /* the same task, no second event */
    assert_true(loaded(&w).open && str_eq(loaded(&w).t.id, id));
    assert_int_equal(kit_int(&w.k, &events_sent, STR("ws_a")), 1);
    say(&w, SAID_LIST, CODE(50000)); /* an outage closes nothing */
    assert_int_equal(probed(&w).verdict, VERDICT_UNKNOWN);
    assert_true(loaded(&w).open);
    all_is_well(&w);
    assert_int_equal(probed(&w).verdict, VERDICT_AVAILABLE);
    assert_false(loaded(&w).open);
    assert_int_equal(kit_int(&w.k, &events_sent, STR("ws_a")), 3);
    assert_int_equal(kit_alerts(&w.k, "messaging.unavailable"), 0);
    say(&w, SAID_LIST, CODE(40118));
    assert_int_equal(probed(&w).before, VERDICT_AVAILABLE);
    assert_int_equal(kit_alerts(&w.k, "messaging.unavailable"), 1);
    assert_false(str_eq(loaded(&w).t.id, id)); /* a new wait */
    world_close(&w);
}
TESTDB_CASES(a_task_waits_for_tiktok)

static enum rc past_fn(struct tx *tx, void *arg, struct fault *why)
{
    struct loading *l = arg;
    l->t.recheck_ms = tx_now_ms(tx) - 1000;
    l->t.reminded_ms = 0;
    return setup_db_task_save(tx, STR("ws_a"), &l->t, why);
}

static void reminds_once(bool postgres)
{
    struct world w;
    struct fault why = {0};
    world_open(&w, postgres);
    say(&w, SAID_LIST, CODE(40118));
    (void)probed(&w);
    (void)probed(&w);
    assert_int_equal(kit_alerts(&w.k, "messaging.still_waiting"), 0); /* not before the date */
    struct loading l = loaded(&w);
    assert_rc(store_write(w.k.db.store, STORE_INTERACTIVE, past_fn, &l, &why), RC_OK, &why);
    (void)probed(&w);
    (void)probed(&w);
    assert_int_equal(kit_alerts(&w.k, "messaging.still_waiting"), 1);
    world_close(&w);
}
TESTDB_CASES(reminds_once)

/* ---- registrations ---- */
static void registers_verifies_repairs(bool postgres)
{
    struct world w;
    struct fault why = {0};
    world_open(&w, postgres);
    struct hook_asking a = {.m = &w.m, .workspace = STR("ws_a"), .app = app_of(&w), .patient = true};
    struct hook_row h;
    for (int c = 0; c < 4; c++)
        registered(&w, c, STR(""));
    assert_rc(hook_ask(&a, HOOK_COMMENTS, w.k.mem, &h, &why), RC_OK, &why);
    assert_string_equal(h.state, "missing");
    registered(&w, 1, STR("https://other.example/w"));
    assert_rc(hook_ask(&a, HOOK_COMMENTS, w.k.mem, &h, &why), RC_OK, &why);
    assert_string_equal(h.state, "foreign");
    assert_true(str_eq(h.url, STR("https://other.example/w")));
    assert_rc(hook_register(&a, HOOK_COMMENTS, &why), RC_OK, &why);
    assert_rc(hook_ask(&a, HOOK_COMMENTS, w.k.mem, &h, &why), RC_OK, &why);
    assert_string_equal(h.state, "right");
    assert_rc(hook_ask(&a, HOOK_MESSAGES, w.k.mem, &h, &why), RC_OK, &why);
    assert_string_equal(h.state, "missing"); /* each category for itself */
    assert_rc(hook_remove(&a, HOOK_COMMENTS, &why), RC_OK, &why);
    assert_rc(hook_ask(&a, HOOK_COMMENTS, w.k.mem, &h, &why), RC_OK, &why);
    assert_string_equal(h.state, "missing");
    assert_int_equal(w.s.sets, 1);
    assert_int_equal(w.s.deletes, 1);
    say(&w, SAID_HOOK, CODE(40101));
    assert_rc(hook_ask(&a, HOOK_COMMENTS, w.k.mem, &h, &why), RC_OK, &why);
    assert_string_equal(h.state, "unknown");
    assert_true(str_eq(h.code, STR("tiktok.client")));
    /* another workspace's app is not seen */
    assert_non_null(hook_app(&w.m, STR("ws_a"), app_of(&w)->id));
    assert_null(hook_app(&w.m, STR("ws_a"), STR("login")));
    world_close(&w);
}
TESTDB_CASES(registers_verifies_repairs)

/* What was seen right for one account is not asked again for the next within hours. */
static void asks_sparingly(bool postgres)
{
    struct world w;
    struct fault why = {0};
    world_open(&w, postgres);
    (void)probed(&w);
    assert_int_equal(w.s.asked[SAID_HOOK], 4);
    struct arena *mem = arena_open_secret(ASK_MEM);
    struct probe p = {.m = &w.m, .workspace = STR("ws_a"), .account = w.account, .mem = mem};
    assert_rc(probe_run(&p, &why), RC_OK, &why);
    assert_int_equal(w.s.asked[SAID_HOOK], 4);
    assert_int_equal(w.s.asked[SAID_LIST], 2);
    assert_int_equal(availability_judge(&p.facts), VERDICT_AVAILABLE);
    arena_close(&mem);
    world_close(&w);
}
TESTDB_CASES(asks_sparingly)

static enum rc plan_fn(struct tx *tx, void *arg, struct fault *why)
{
    struct world *w = arg;
    struct account_owner *due = NULL;
    size_t n = 0;
    enum rc rc = setup_db_plan(tx, STR("ws_a"), w->account, why);
    if (rc == RC_OK)
        rc = setup_db_due(tx, 10, tx_mem(tx), &due, &n, why);
    if (rc != RC_OK)
        return rc;
    assert_int_equal(n, 1);
    rc = setup_db_put_off(tx, STR("ws_a"), w->account, tx_now_ms(tx) + 1000000, why);
    if (rc == RC_OK)
        rc = setup_db_plan(tx, STR("ws_a"), w->account, why); /* planned already: keeps its time */
    if (rc == RC_OK)
        rc = setup_db_due(tx, 10, tx_mem(tx), &due, &n, why);
    assert_int_equal(n, 0);
    if (rc == RC_OK)
        rc = setup_db_sleep(tx, STR("ws_a"), w->account, why);
    if (rc == RC_OK)
        rc = setup_db_put_off(tx, STR("ws_a"), w->account, 1, why); /* asleep: nothing moves it */
    if (rc == RC_OK)
        rc = setup_db_due(tx, 10, tx_mem(tx), &due, &n, why);
    assert_int_equal(n, 0);
    if (rc == RC_OK)
        rc = setup_db_plan(tx, STR("ws_a"), w->account, why); /* connected again: at once */
    if (rc == RC_OK)
        rc = setup_db_due(tx, 10, tx_mem(tx), &due, &n, why);
    assert_int_equal(n, 1);
    return rc;
}

static void plans(bool postgres)
{
    struct world w;
    struct fault why = {0};
    world_open(&w, postgres);
    assert_rc(store_write(w.k.db.store, STORE_INTERACTIVE, plan_fn, &w, &why), RC_OK, &why);
    world_close(&w);
}
TESTDB_CASES(plans)

/* ---- jobs ---- */
static const struct sql probes_waiting = {
    "test.probes", "SELECT COUNT(*) FROM jobs WHERE workspace_id = $1 AND kind = 'messaging.probe'"};

static enum rc put_plan(struct tx *tx, void *arg, struct fault *why)
{
    (void)arg;
    const struct job_new job = {.kind = "messaging.probe_due", .workspace = STR("-"), .args = STR("{}")};
    return jobs_put(tx, &job, why);
}

/* Connected: planned by the walk and probed by its job. Refused later: probed at once, for the three codes
 * only, and once for many refusals. */
static void jobs_plan_and_probe(bool postgres)
{
    struct world w;
    struct fault why = {0};
    static const struct {
        int64_t code;
        int64_t jobs;
    } rows[] = {{40100, 0}, {50000, 0}, {0, 0}, {40118, 1}, {40001, 1}, {40105, 1}};
    world_open(&w, postgres);
    w.k.tables[w.k.n_tables++] = (struct job_table){messaging_setup_jobs, messaging_setup_jobs_n, &w.m};
    const struct jobs_options jo = {.store = w.k.db.store,
                                    .config = w.k.config,
                                    .tables = w.k.tables,
                                    .n_tables = w.k.n_tables,
                                    .emits = w.k.emits,
                                    .n_emits = 2,
                                    .node = "test"};
    jobs_close(&w.k.jobs);
    assert_rc(jobs_open(&jo, &w.k.jobs, &why), RC_OK, &why);
    assert_rc(store_write(w.k.db.store, STORE_BULK, put_plan, NULL, &why), RC_OK, &why);
    jobs_drain(w.k.jobs);
    struct loading l = loaded(&w);
    assert_int_equal(l.a.verdict, VERDICT_AVAILABLE);
    if (l.a.next_ms <= l.a.checked_ms + 20LL * 3600000)
        fail_msg("next %lld, checked %lld", (long long)l.a.next_ms, (long long)l.a.checked_ms);
    int asked = w.s.asked[SAID_LIST];
    assert_rc(store_write(w.k.db.store, STORE_BULK, put_plan, NULL, &why), RC_OK, &why);
    jobs_drain(w.k.jobs);
    assert_int_equal(w.s.asked[SAID_LIST], asked); /* not due again */
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fault answer = {.rc = RC_OFF, .outer_code = rows[i].code};
        assert_rc(messaging_answered(&w.m, STR("ws_a"), w.account, &answer, &why), RC_OK, &why);
        assert_int_equal(kit_int(&w.k, &probes_waiting, STR("ws_a")), rows[i].jobs);
    }
    say(&w, SAID_LIST, CODE(40118));
    jobs_drain(w.k.jobs);
    assert_int_equal(loaded(&w).a.verdict, VERDICT_NOT_LET_IN);
    assert_int_equal(w.s.asked[SAID_LIST], asked + 1);
    world_close(&w);
}
TESTDB_CASES(jobs_plan_and_probe)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(judges),           cmocka_unit_test(has_words_for_all),
        TESTDB_BOTH(answers_make_verdicts), TESTDB_BOTH(a_task_waits_for_tiktok),
        TESTDB_BOTH(reminds_once),          TESTDB_BOTH(registers_verifies_repairs),
        TESTDB_BOTH(asks_sparingly),        TESTDB_BOTH(plans),
        TESTDB_BOTH(jobs_plan_and_probe),
    };
    return cmocka_run_group_tests_name("messaging availability", tests, NULL, NULL);
}
