/* The simulator without sockets: encoders, ids, switches, signature and retry arithmetic, rows of the
 * scenario, and requests run straight through sim_serve. The signature vector was computed by another program
 * (openssl dgst).
 */
#include "unit.h"
#include "account.h"
#include "ads.h"
#include "authorize.h"
#include "faults.h"
#include "files.h"
#include "flight.h"
#include "hooks.h"
#include "oauth.h"
#include "record.h"
#include "sender.h"
#include "crypto/crypto.h"

static const char scenario[] =
    "{\"apps\":[{\"client_key\":\"awtest\",\"client_secret\":\"s3cret\",\"name\":\"T\",\"organization\":"
    "\"o\","
    "\"scopes\":\"user.info.basic,user.info.profile\",\"redirect_uris\":{\"web\":[\"https://a.example/cb\"],"
    "\"desktop\":[\"http://localhost:*/cb\"]}}],"
    "\"users\":[{\"id\":\"u1\",\"display_name\":\"\u0e2a\",\"username\":\"u.one\"}]}";

static void world(struct sim *s)
{
    struct fault why = {.rc = RC_OK};
    sim_init(s);
    assert_int_equal(scenario_apply(s, STR(scenario), ".", &why), RC_OK);
}

/* Runs one request; the reply's body lives in mem. */
static void serve(struct sim *s, struct arena *mem, struct ask q, struct reply *a)
{
    q.mem = mem;
    sim_serve(s, &q, a);
    assert_true(buf_ok(&a->body));
}

static void same(str got, const char *want)
{
    if (!str_eq(got, str_of(want)))
        fail_msg("got " STR_FMT ", want %s", STR_ARG(got), want);
}

static void test_form(void **state)
{
    (void)state;
    struct arena *mem = arena_open(1U << 20);
    struct form f;
    assert_true(form_read(STR("a=1&b=%2A%21x+y&c=&d&a=2"), mem, &f));
    same(form_get(&f, "b"), "*!x y");
    assert_int_equal(f.n, 5);
    assert_true(form_twice(&f, "a"));
    assert_false(form_twice(&f, "b"));
    assert_int_equal(form_get(&f, "c").n, 0);
    static const char *const bad[] = {"a=%", "a=%2", "a=%zz", "a=%00"};
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_false(form_read(str_of(bad[i]), mem, &f));
    struct buf many;
    buf_init(&many, mem, 4096);
    for (int i = 0; i < FORM_MAX + 1; i++)
        buf_put(&many, STR("x=1&"));
    assert_false(form_read(buf_str(&many), mem, &f));
    struct buf b;
    buf_init(&b, mem, 4096);
    put_param(&b, true, "code", STR("ab*1!4608.va"));
    put_param(&b, false, "scopes", STR("a,b c"));
    same(buf_str(&b), "code=ab%2A1%214608.va&scopes=a%2Cb%20c");
    arena_close(&mem);
}

static void test_json_text(void **state)
{
    (void)state;
    struct arena *mem = arena_open(1U << 20);
    struct buf b;
    buf_init(&b, mem, 4096);
    put_json_text(&b, STR("\u0e2a/\"\\\n\x01\U0001F60A"), false);
    same(buf_str(&b), "\"\u0e2a/\\\"\\\\\\n\\u0001\U0001F60A\"");
    buf_clear(&b);
    put_json_text(&b, STR("\u0e2a/\U0001F60A"), true);
    same(buf_str(&b), "\"\\u0e2a\\/\\ud83d\\ude0a\"");
    buf_clear(&b);
    put_json_text(&b, STR("a\xFFz\xE0\xB8"), false);
    same(buf_str(&b), "\"a\uFFFDz\uFFFD\uFFFD\"");
    buf_clear(&b);
    struct out o;
    out_init(&o, &b, false);
    out_open(&o, NULL, '{');
    out_int(&o, "n", 7600000000000007003);
    out_open(&o, "l", '[');
    out_bool(&o, NULL, true);
    out_str(&o, NULL, STR_NONE);
    out_close(&o, ']');
    out_open(&o, "e", '{');
    out_close(&o, '}');
    out_close(&o, '}');
    same(buf_str(&b), "{\"n\":7600000000000007003,\"l\":[true,\"\"],\"e\":{}}");
    arena_close(&mem);
}

static void test_sign(void **state)
{
    (void)state;
    char hex[65];
    /* printf '1789000001.{"a":1}' | openssl dgst -sha256 -hmac mz_test_app_secret_0001 */
    webhook_sign(STR("mz_test_app_secret_0001"), 1789000001, STR("{\"a\":1}"), hex);
    assert_string_equal(hex, "1259fb7ab2358de6c57ec340576156acdeca37c7dbdfe8a570166785c65d6672");
}

static void test_retry(void **state)
{
    (void)state;
    int64_t since = 0, last = 0;
    const int64_t hour_ms = 3600000;
    unsigned n = 0;
    for (int64_t pause; (pause = retry_pause_ms(10, n + 1, since)) >= 0; n++) {
        assert_true(pause >= last && pause <= hour_ms * 6);
        last = pause;
        since += pause;
    }
    assert_int_equal(retry_pause_ms(10, 1, 0), 10000);
    assert_int_equal(retry_pause_ms(10, 5, 0), 160000);
    assert_true(since <= hour_ms * 72 && since > hour_ms * 66);
    assert_true(n > 15 && n < 30);
}

static void test_ids(void **state)
{
    (void)state;
    struct app a = {.client_key = "k1", .organization = "o"}, b = {.client_key = "k2", .organization = "o"};
    struct user u = {.id = "u1"};
    char one[ID_SIZE], two[ID_SIZE], text[TOKEN_SIZE], who[96], log[LOG_ID_SIZE];
    open_id_of(&a, &u, one);
    open_id_of(&a, &u, two);
    assert_string_equal(one, two);
    assert_int_equal(strlen(one), 36);
    assert_int_equal(strncmp(one, "-000", 4), 0);
    open_id_of(&b, &u, two);
    assert_string_not_equal(one, two);
    union_id_of(&a, &u, one);
    union_id_of(&b, &u, two);
    assert_string_equal(one, two);
    assert_int_equal(strlen(one), 36);
    unique_identifier_of(STR("c"), who);
    assert_int_equal(strlen(who), 64);
    secret_new(MADE_CODE, text);
    assert_true(str_ends(str_of(text), STR("*1!4608.va")));
    secret_new(MADE_ACCESS, text);
    assert_true(str_starts(str_of(text), STR("act.")) && str_ends(str_of(text), STR("!6290.va")));
    log_id_new(1789000001000, log);
    assert_int_equal(strlen(log), 34);
    assert_int_equal(strncmp(log, "20260910", 8), 0);
    conversation_id_of(STR("b"), STR("c"), one);
    conversation_id_of(STR("b"), STR("d"), two);
    assert_string_not_equal(one, two);
}

static void test_switches(void **state)
{
    (void)state;
    struct switches s;
    struct fault why;
    switches_init(&s);
    assert_true(switch_is(&s, SW_PROFILE, "nov2026"));
    assert_int_equal(switch_int(&s, SW_RATE_PER_MINUTE), 600);
    assert_int_equal(switch_text(&s, SW_AUTO_USER).n, 0);
    assert_int_equal(switch_set(&s, STR("profile"), STR("legacy"), &why), RC_OK);
    assert_int_equal(switch_set(&s, STR("webhook_skew_s"), STR("-30"), &why), RC_OK);
    assert_int_equal(switch_int(&s, SW_WEBHOOK_SKEW_S), -30);
    assert_int_equal(switch_set(&s, STR("profile"), STR("nov"), &why), RC_INVALID);
    assert_int_equal(switch_set(&s, STR("code_ttl_s"), STR("0"), &why), RC_INVALID);
    assert_int_equal(switch_set(&s, STR("code_ttl_s"), STR_NONE, &why), RC_INVALID);
    assert_int_equal(switch_set(&s, STR("unknown"), STR("on"), &why), RC_INVALID);
    assert_true(switch_is(&s, SW_PROFILE, "legacy"));
    for (size_t i = 0; i < SW_COUNT; i++)
        assert_non_null(switch_rows[i].name);
}

static void test_uris(void **state)
{
    (void)state;
    assert_true(uri_allowed(URI_WEB, STR("https://a.example/cb")));
    assert_false(uri_allowed(URI_WEB, STR("http://a.example/cb")));
    assert_false(uri_allowed(URI_WEB, STR("https://a.example/cb?x=1")));
    assert_false(uri_allowed(URI_WEB, STR("https://a.example/#f")));
    assert_false(uri_allowed(URI_WEB, STR("a.example/cb")));
    assert_true(uri_allowed(URI_DESKTOP, STR("http://127.0.0.1:*/cb")));
    assert_true(uri_allowed(URI_DESKTOP, STR("http://localhost:8080/cb")));
    assert_false(uri_allowed(URI_DESKTOP, STR("http://localhost/cb")));
    assert_false(uri_allowed(URI_DESKTOP, STR("http://localhost:0/cb")));
    assert_false(uri_allowed(URI_DESKTOP, STR("http://192.0.2.1:80/cb")));
    struct app a = {.uris = {[URI_DESKTOP] = {"http://127.0.0.1:*/cb"}}, .n_uris = {[URI_DESKTOP] = 1}};
    enum uri_kind kind;
    assert_true(uri_registered(&a, STR("http://127.0.0.1:4455/cb"), &kind) && kind == URI_DESKTOP);
    static const char *const foreign[] = {"http://127.0.0.1:4455/cb/", "http://127.0.0.1:x/cb",
                                          "http://127.0.0.1/cb",       "http://localhost:4455/cb",
                                          "https://127.0.0.1:4455/cb", "http://127.0.0.1:70000/cb"};
    for (size_t i = 0; i < COUNT_OF(foreign); i++)
        assert_false(uri_registered(&a, str_of(foreign[i]), &kind));
}

static void test_fill(void **state)
{
    (void)state;
    struct arena *mem = arena_open(1U << 20);
    struct fault why;
    char set[] = "base=http://127.0.0.1:1", bad[] = "quote=\"";
    char *sets[] = {set, bad, NULL};
    str out;
    assert_int_equal(text_fill(STR("a ${base}/x $ {"), sets, mem, &out, &why), RC_OK);
    same(out, "a http://127.0.0.1:1/x $ {");
    assert_int_equal(text_fill(STR("${nobody_sets_this}"), sets, mem, &out, &why), RC_INVALID);
    assert_int_equal(text_fill(STR("${quote}"), sets, mem, &out, &why), RC_INVALID);
    assert_int_equal(text_fill(STR("${base"), sets, mem, &out, &why), RC_INVALID);
    arena_close(&mem);
}

static void test_exchange(void **state)
{
    (void)state;
    struct sim s;
    struct reply a;
    struct arena *mem = arena_open(32U << 20);
    const struct json *j;
    str token;
    world(&s);
    struct app *app = app_find(s.w, STR("awtest"));
    struct user *u = user_find(s.w, STR("u1"));
    assert_non_null(app);
    assert_non_null(u);
    struct code *c = code_make(&s, app, u, scope_bit("user.info.basic"));
    assert_true(TEXT_SET(c->redirect_uri, STR("https://a.example/cb")));
    struct buf body;
    buf_init(&body, mem, 4096);
    buf_put(&body, STR("client_key=awtest&client_secret=s3cret&grant_type=authorization_code&redirect_uri="
                       "https%3A%2F%2Fa.example%2Fcb"));
    put_param(&body, false, "code", str_of(c->text));
    const struct ask q = {.method = STR("POST"),
                          .path = STR("/v2/oauth/token/"),
                          .body = buf_str(&body),
                          .content_type = STR("application/x-www-form-urlencoded")};
    serve(&s, mem, q, &a);
    assert_int_equal(json_parse(buf_str(&a.body), NULL, mem, &j, NULL), RC_OK);
    assert_true(json_str(j, "access_token", &token));
    serve(&s, mem, q, &a);
    assert_int_equal(json_parse(buf_str(&a.body), NULL, mem, &j, NULL), RC_OK);
    assert_true(json_str(j, "error", &token));
    same(token, "invalid_grant");
    serve(&s, mem, (struct ask){.method = STR("POST"), .path = STR("/v2/oauth/token")}, &a);
    assert_int_equal(a.status, 404);
    assert_int_equal(s.log_n, 3);
    arena_close(&mem);
    sim_release(&s);
}

/* The rings forget the oldest and never grow. */
static void test_bounds(void **state)
{
    (void)state;
    struct sim s;
    struct reply a;
    world(&s);
    struct app *app = app_find(s.w, STR("awtest"));
    struct user *u = user_find(s.w, STR("u1"));
    char first[TOKEN_SIZE];
    assert_true(text_set(first, sizeof first, str_of(code_make(&s, app, u, 1)->text)));
    for (int i = 0; i < MAX_CODES; i++)
        (void)code_make(&s, app, u, 1);
    assert_null(code_find(s.w, str_of(first)));
    for (int i = 0; i < MAX_LOG + 10; i++) {
        struct arena *mem = arena_open(8U << 20);
        serve(&s, mem, (struct ask){.method = STR("GET"), .path = STR("/nothing")}, &a);
        arena_close(&mem);
    }
    struct buf b;
    buf_init(&b, NULL, 16U << 20);
    record_write(&s, 0, STR(""), (int64_t)MAX_LOG * 2, &b);
    struct arena *mem = arena_open(64U << 20);
    const struct json *j;
    assert_int_equal(json_parse(buf_str(&b), NULL, mem, &j, NULL), RC_OK);
    assert_int_equal(json_get(j, "entries")->count, MAX_LOG);
    buf_clear(&b);
    record_write(&s, s.log_n - 5, STR("/noth"), 100, &b);
    assert_int_equal(json_parse(buf_str(&b), NULL, mem, &j, NULL), RC_OK);
    assert_int_equal(json_get(j, "entries")->count, 5);
    buf_clear(&b);
    record_write(&s, 0, STR("/other"), 3, &b);
    assert_int_equal(json_parse(buf_str(&b), NULL, mem, &j, NULL), RC_OK);
    assert_int_equal(json_get(j, "entries")->count, 0);
    struct buf small; /* room for few: the newest of them, whole */
    buf_init(&small, NULL, 4000);
    record_write(&s, 0, STR(""), 100, &small);
    assert_int_equal(json_parse(buf_str(&small), NULL, mem, &j, NULL), RC_OK);
    assert_true(json_get(j, "entries")->count > 0 && json_get(j, "entries")->count < 50);
    arena_close(&mem);
    buf_release(&small);
    buf_release(&b);
    sim_release(&s);
}

static void test_rows_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "{\"apps\":[{\"client_key\":\"x\"}]}",
        "{\"apps\":[{\"client_key\":\"x\",\"client_secret\":\"s\",\"scopes\":\"nonsense\"}]}",
        "{\"apps\":[{\"client_key\":\"x\",\"client_secret\":\"s\",\"webhook_url\":\"http://1.2.3.4:5/\"}]}",
        "{\"apps\":[{\"client_key\":\"x\",\"client_secret_file\":\"no-such-file\"}]}",
        "{\"users\":[{\"id\":\"a b\"}]}",
        "{\"users\":[{\"id\":\"a\",\"unknown\":1}]}",
        "{\"shops\":[{}]}",
        "{\"users\":[{\"id\":\"a\",\"region\":\"thai\"}]}",
        "{\"users\":[{\"id\":\"a\",\"account_type\":\"shop\"}]}",
        "{\"users\":[{\"id\":\"a\",\"message_permission\":\"some\"}]}",
        "{\"apps\":[{\"client_key\":\"x\",\"client_secret\":\"s\",\"messaging\":\"some\"}]}",
        "{\"apps\":[{\"client_key\":\"x\",\"client_secret\":\"s\",\"permissions\":\"1\"}]}",
        "{\"apps\":[{\"client_key\":\"x\",\"client_secret\":\"s\",\"webhooks\":{\"DM\":{\"url\":\"x\"}}}]}",
        "{\"advertisers\":[{\"name\":\"a\"}]}",
        "{\"switches\":{\"profile\":\"x\"}}",
        "{\"faults\":[{\"path\":\"/\",\"kind\":\"nonsense\"}]}",
        "{\"nonsense\":[{}]}",
        "[]",
        "{",
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct sim s;
        struct fault why = {.rc = RC_OK};
        sim_init(&s);
        assert_int_not_equal(scenario_apply(&s, str_of(bad[i]), ".", &why), RC_OK);
        sim_release(&s);
    }
}

static const char business_scenario[] =
    "{\"apps\":[{\"client_key\":\"76\",\"client_secret\":\"s\",\"portal\":\"business\",\"scopes\":"
    "\"user.info.basic\",\"webhook_url\":\"http://127.0.0.1:1/"
    "p\"},{\"client_key\":\"77\",\"client_secret\":\"s\","
    "\"portal\":\"ads\",\"permissions\":\"4,15\"}],\"users\":[{\"id\":\"u1\"},{\"id\":\"u2\",\"region\":"
    "\"FR\","
    "\"account_type\":\"business\"}],\"advertisers\":[{\"id\":\"1\",\"user\":\"u2\"},{\"id\":\"2\",\"user\":"
    "\"u1\"}],"
    "\"shops\":[{\"id\":\"s1\",\"client_key\":\"76\",\"user\":\"u1\"}]}";

static void business_world(struct sim *s)
{
    struct fault why = {.rc = RC_OK};
    sim_init(s);
    if (scenario_apply(s, STR(business_scenario), ".", &why) != RC_OK)
        fail_msg("%s", why.detail);
}

static void test_rights(void **state)
{
    (void)state;
    uint32_t bits = 0;
    struct app ads = {.portal = PORTAL_ADS}, accounts = {.portal = PORTAL_BUSINESS};
    struct buf b;
    assert_true(rights_parse(&ads, STR("15,4"), &bits));
    buf_init(&b, NULL, 256);
    rights_put(&ads, &b, bits);
    same(buf_str(&b), "4,15");
    buf_clear(&b);
    assert_true(rights_parse(&accounts, STR("message.list.read,user.info.basic"), &bits));
    rights_put(&accounts, &b, bits);
    same(buf_str(&b), "user.info.basic,message.list.read");
    buf_release(&b);
    static const char *const bad[] = {"4,", "3", "x", "4, 15", "user.info.basic"};
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_false(rights_parse(&ads, str_of(bad[i]), &bits));
    assert_true(sim_scopes_n <= 32 && sim_permissions_n <= 32);
}

/* Texts of one chain, other rows' chains, removal from the middle: as a map of a few rows would answer. */
static void test_index(void **state)
{
    (void)state;
    enum { ROWS = 5000 };
    static char names[ROWS][16];
    static bool held[ROWS];
    struct index x;
    index_open(&x, ROWS);
    for (size_t i = 0; i < ROWS; i++) {
        snprintf(names[i], sizeof names[i], "t%zu", i / 2); /* each text twice */
        index_put(&x, str_of(names[i]), i);
        held[i] = true;
    }
    for (size_t i = 0; i < ROWS; i += 3) {
        index_drop(&x, str_of(names[i]), i);
        held[i] = false;
    }
    for (size_t i = 0; i < ROWS; i++) {
        size_t found = 0, newest = SIZE_MAX;
        for (size_t r = index_first(&x, str_of(names[i])); r != SIZE_MAX; r = index_after(&x, r)) {
            if (strcmp(names[r], names[i]) != 0)
                continue;
            newest = newest == SIZE_MAX ? r : newest;
            found++;
        }
        size_t even = i & ~(size_t)1;
        assert_int_equal(found, held[even] + held[even + 1]);
        assert_true(found == 0 || newest == (held[even + 1] ? even + 1 : even));
    }
    index_clear(&x, ROWS);
    assert_true(index_first(&x, STR("t1")) == SIZE_MAX);
    index_close(&x);
}

/* Far more refreshes than rows: the living token of every grant is never given away. */
static void test_chains(void **state)
{
    (void)state;
    struct sim s;
    business_world(&s);
    const struct app *app = app_find(s.w, STR("76"));
    struct token *one = token_make(&s, app, user_find(s.w, STR("u1")), 1), *still;
    char rested[TOKEN_SIZE];
    still = token_make(&s, app, user_find(s.w, STR("u2")), 1);
    assert_true(text_set(rested, sizeof rested, str_of(still->refresh)));
    for (int i = 0; i < MAX_TOKENS + 1000; i++) {
        char old[TOKEN_SIZE];
        assert_true(text_set(old, sizeof old, str_of(one->refresh)));
        one = token_rotate(&s, one);
        assert_ptr_equal(token_by_refresh(s.w, str_of(one->refresh)), one);
        assert_true(refresh_alive(s.w, one, sim_now(&s)));
        const struct token *gone = token_by_refresh(s.w, str_of(old));
        assert_true(gone == NULL || !refresh_alive(s.w, gone, sim_now(&s)));
    }
    assert_int_equal(one->serial, MAX_TOKENS + 1001);
    assert_ptr_equal(token_by_refresh(s.w, str_of(rested)), still);
    assert_true(refresh_alive(s.w, still, sim_now(&s)));
    sim_release(&s);
}

static void test_grace(void **state)
{
    (void)state;
    struct sim s;
    struct fault why;
    business_world(&s);
    assert_int_equal(switch_set(&s.sw, STR("rotation"), STR("rotate_with_grace"), &why), RC_OK);
    int64_t now = sim_now(&s);
    struct token *a = token_make(&s, app_find(s.w, STR("76")), user_find(s.w, STR("u1")), 1);
    struct token *b = token_rotate(&s, a);
    assert_true(refresh_alive(s.w, a, now) && refresh_alive(s.w, b, now));
    struct token *c = token_rotate(&s, a);
    assert_false(refresh_alive(s.w, b, now) || token_alive(s.w, b, now));
    assert_true(refresh_alive(s.w, a, now) && refresh_alive(s.w, c, now));
    token_used(&s, c);
    assert_false(refresh_alive(s.w, a, now));
    assert_true(refresh_alive(s.w, c, now));
    struct token *d = token_rotate(&s, c);
    (void)token_rotate(&s, d); /* a refresh uses d */
    assert_false(refresh_alive(s.w, c, now));
    sim_release(&s);
}

static void test_accounts(void **state)
{
    (void)state;
    struct sim s;
    const char *text;
    business_world(&s);
    struct app *app = app_find(s.w, STR("76"));
    struct user *th = user_find(s.w, STR("u1")), *fr = user_find(s.w, STR("u2"));
    assert_true(account_is_business(&s, th)); /* a shop is his */
    assert_null(messaging_refusal(&s, app, th, &text));
    assert_string_equal(messaging_refusal(&s, app, fr, &text), "40118");
    assert_true(TEXT_SET(th->message_permission, STR("requests")));
    assert_false(messages_open(&s, app, th));
    assert_true(TEXT_SET(th->account_type, STR("personal")));
    assert_string_equal(messaging_refusal(&s, app, th, &text), "40001");
    assert_true(TEXT_SET(app->messaging, STR("pending")));
    assert_string_equal(messaging_refusal(&s, app, th, &text), "40125");
    assert_string_equal(hook_url(&s, app, "im_receive_msg"), "http://127.0.0.1:1/p");
    assert_true(TEXT_SET(app->hooks[HOOK_COMMENT].url, STR("http://127.0.0.1:2/c")));
    assert_string_equal(hook_url(&s, app, "comment.update"), "http://127.0.0.1:2/c");
    assert_string_equal(hook_url(&s, app, "authorization.removed"), "http://127.0.0.1:1/p");
    struct grant *g = grant_make(s.w, app_find(s.w, STR("77")), fr);
    ads_tick_all(&s, g);
    assert_true(ads_ticked(g, 0) && !ads_ticked(g, 1));
    sim_release(&s);
}

/* The counter falls only when the answer was written; an entry that a ring has overtaken is left alone. */
static void test_flights(void **state)
{
    (void)state;
    struct sim s;
    struct reply first, second;
    struct arena *mem = arena_open(32U << 20);
    business_world(&s);
    const struct token *t = token_make(&s, app_find(s.w, STR("76")), user_find(s.w, STR("u1")), 1);
    struct grant *g = &s.w->grants[t->grant];
    str body = arena_fmt(mem,
                         "{\"client_id\":\"76\",\"client_secret\":\"s\",\"grant_type\":\"refresh_token\","
                         "\"refresh_token\":\"%s\"}",
                         t->refresh);
    const struct ask q = {.method = STR("POST"),
                          .path = STR("/open_api/v1.3/tt_user/oauth2/refresh_token/"),
                          .body = body,
                          .content_type = STR("application/json")};
    serve(&s, mem, q, &first);
    serve(&s, mem, q, &second);
    assert_int_equal(g->in_flight, 2);
    assert_int_equal(g->in_flight_max, 2);
    assert_int_equal(g->refreshed, 1);
    assert_int_equal(g->refused, 1);
    assert_string_equal(second.code, "40107");
    flight_end(&s, &first);
    flight_end(&s, &first);
    assert_int_equal(g->in_flight, 1);
    s.flights_n += MAX_FLIGHTS;
    s.flights[(second.flight - 1) % MAX_FLIGHTS].n += MAX_FLIGHTS;
    flight_end(&s, &second);
    assert_int_equal(g->in_flight, 1);
    arena_close(&mem);
    sim_release(&s);
}

static void test_png(void **state)
{
    (void)state;
    unsigned char pixels[100 * 100];
    for (size_t i = 0; i < sizeof pixels; i++)
        pixels[i] = (unsigned char)(i / 700 % 3);
    const struct rgb colours[3] = {{1, 2, 3}, {4, 5, 6}, {7, 8, 9}};
    struct buf b;
    buf_init(&b, NULL, 1U << 20);
    put_png(&b, 100, pixels, colours, 3);
    assert_true(buf_ok(&b));
    assert_true(str_starts(buf_str(&b), STR("\x89PNG\r\n\x1a\n")));
    assert_true(b.n < 2000); /* it compresses */
    buf_release(&b);
}

int main(void)
{
    crypto_start();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_form),   cmocka_unit_test(test_json_text),    cmocka_unit_test(test_sign),
        cmocka_unit_test(test_retry),  cmocka_unit_test(test_ids),          cmocka_unit_test(test_switches),
        cmocka_unit_test(test_uris),   cmocka_unit_test(test_fill),         cmocka_unit_test(test_exchange),
        cmocka_unit_test(test_bounds), cmocka_unit_test(test_rows_refused), cmocka_unit_test(test_png),
        cmocka_unit_test(test_rights), cmocka_unit_test(test_index),        cmocka_unit_test(test_chains),
        cmocka_unit_test(test_grace),  cmocka_unit_test(test_accounts),     cmocka_unit_test(test_flights),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
