/* The simulator without sockets: encoders, ids, switches, signature and retry arithmetic, rows of the
 * scenario, and requests run straight through sim_serve. The signature vector was computed by another program
 * (openssl dgst).
 */
#include "unit.h"
#include "authorize.h"
#include "faults.h"
#include "files.h"
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
