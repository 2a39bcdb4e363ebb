/* What callers hear: mistakes in parameters, problems and their pages, security headers, the OpenAPI
 * description. */
#include "test_rows.h"

/* ---- parameters ---- */

#define THING "POST /things/msg_01k00000000000000000000000"
static void every_mistake_is_listed_at_once(void **state)
{
    (void)state;
    expect(THING, JSON,
           "{\"name\":\"abc\",\"count\":3,\"on\":true,\"kind\":\"b\",\"tags\":[1,2],\"extra\":{}}", 200,
           NULL);
    assert_true(body_has(&r, "{\"name\":\"abc\",\"count\":3,\"on\":1,\"kind\":\"b\""));
    expect(THING, JSON,
           "{\"name\":\"abcdefghi\",\"count\":11,\"on\":1,\"kind\":\"c\",\"tags\":[1,2,3],\"extra\":[],"
           "\"admin\":true,\"x\":1}",
           400, "input.invalid");
    static const char *const fields[] = {"name", "count", "on", "kind", "tags", "extra", "admin", "x"};
    for (size_t i = 0; i < COUNT_OF(fields); i++) {
        char want[64];
        (void)snprintf(want, sizeof(want), "{\"field\":\"%s\",\"in\":\"body\"", fields[i]);
        assert_true(body_has(&r, want));
    }
    assert_true(body_has(&r, "(1..10)") && body_has(&r, "(a|b)"));
    expect(THING, JSON, "{}", 400, "input.invalid");
    assert_true(body_has(&r, "is required"));
    expect(THING, JSON "Accept-Language: th\r\n", "{}", 400, "input.invalid");
    assert_true(body_has(&r, "จำเป็นต้องระบุ"));
    expect(THING, JSON, "[]", 400, "input.not_object");
    expect(THING, JSON, "{\"name\":", 400, "json.malformed");
    expect(THING, JSON, "{\"name\":\"a\",\"name\":\"b\"}", 400, "json.duplicate_key");
    expect(THING, "", "{\"name\":\"a\"}", 415, "http.content_type");
    expect(THING, "Content-Type: text/plain\r\n", "{\"name\":\"a\"}", 415, "http.content_type");
    expect(THING, JSON "Content-Encoding: gzip\r\n", "{\"name\":\"a\"}", 415, "http.content_type");
    expect(THING, "Content-Type: application/json; charset=utf-8\r\n", "{\"name\":\"a\"}", 200, NULL);
    expect("POST /things/msg_short", JSON, "{\"name\":\"a\"}", 404, "not_found");
    expect("POST /things/evt_01k00000000000000000000000", JSON, "{\"name\":\"a\"}", 404, "not_found");
}

static void queries_and_forms_are_checked(void **state)
{
    static const char form[] = "Content-Type: application/x-www-form-urlencoded\r\n";
    (void)state;
    expect("GET /list?name=a%20b&count=5&on=true&kind=a", "", NULL, 200, NULL);
    assert_true(body_has(&r, "{\"name\":\"a b\",\"count\":5,\"on\":1,\"kind\":\"a\""));
    expect("GET /list?count=0", "", NULL, 400, "input.invalid");
    expect("GET /list?count=x", "", NULL, 400, "input.invalid");
    expect("GET /list?limit=5", "", NULL, 400, "input.invalid");
    expect("GET /list?name=a&name=b", "", NULL, 400, "input.invalid");
    expect("GET /list?name=%ff", "", NULL, 400, "input.invalid");
    expect("GET /list?name=%zz", "", NULL, 400, "input.form");
    expect("GET /list?lang=th", "", NULL, 200, NULL);
    expect("GET /page?from=elsewhere&name=x", "", NULL, 200, NULL);
    assert_true(body_has(&r, "\"name\":\"x\""));
    expect("POST /form", form, "name=a+b&count=2", 200, NULL);
    assert_true(body_has(&r, "\"name\":\"a b\",\"count\":2"));
    send_to(&r, "POST /form", form, "name=a&admin=1");
    assert_int_equal(r.status, 400);
    assert_true(str_starts(reply_header(&r, "content-type"), STR("text/html")));
}

/* ---- problems and headers ---- */

static void outcomes_become_problems(void **state)
{
    static const struct {
        enum rc rc;
        int status;
        const char *code;
    } cases[] = {
        {RC_MISSING, 404, "not_found"},     {RC_INVALID, 400, "invalid"},
        {RC_CONFLICT, 409, "conflict"},     {RC_DENIED, 403, "auth.forbidden"},
        {RC_OFF, 403, "switched_off"},      {RC_REFUSED, 422, "refused"},
        {RC_SCOPE, 403, "scope_missing"},   {RC_REAUTH, 409, "reconnect_needed"},
        {RC_LIMITED, 429, "rate_limited"},  {RC_RETRY, 503, "try_again"},
        {RC_UNSURE, 503, "commit_unknown"}, {RC_FULL, 503, "busy"},
        {RC_BUG, 500, "internal"},
    };
    char line[64];
    size_t at;
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        (void)snprintf(line, sizeof(line), "GET /fail?rc=%d", (int)cases[i].rc);
        expect(line, "", NULL, cases[i].status, cases[i].code);
        assert_true(str_eq(reply_header(&r, "content-type"), STR("application/problem+json")));
        assert_false(body_has(&r, "secret detail"));
        assert_true(body_has(&r, "\"type\":\"https://tiktok.example:8443/errors/"));
        assert_int_equal(reply_header(&r, "retry-after").n > 0, r.status == 429 || r.status == 503);
        str id = reply_header(&r, "x-request-id");
        assert_true(id.n == 30 && str_find(r.body, id, &at));
    }
    expect("GET /fail?rc=2&own=true", "Accept-Language: th;q=0.9, en;q=0.1\r\n", NULL, 418, "test.own");
    assert_true(body_has(&r, "\"title\":\"ของตนเอง\""));
    expect("GET /fail?rc=2&own=true&lang=en", "Accept-Language: th\r\n", NULL, 418, "test.own");
    assert_true(body_has(&r, "\"title\":\"Own\""));
}

static void every_problem_has_both_languages_and_a_page(void **state)
{
    char line[128];
    (void)state;
    for (size_t i = 0; i < http_problems_n; i++) {
        const struct problem_row *p = &http_problems[i];
        const char *const texts[] = {p->en_title, p->en_means, p->en_todo,
                                     p->th_title, p->th_means, p->th_todo};
        for (size_t k = 0; k < COUNT_OF(texts); k++) {
            assert_non_null(texts[k]);
            assert_true(strlen(texts[k]) > 3 && utf8_valid(str_of(texts[k])));
            assert_int_equal((unsigned char)texts[k][0] == 0xe0 ||
                                 (k >= 3 && strstr(texts[k], "\xe0\xb8") != NULL),
                             k >= 3);
        }
        (void)snprintf(line, sizeof(line), "GET /errors/%s?lang=%s", p->code, i % 2 == 0 ? "th" : "en");
        send_to(&r, line, "", NULL);
        assert_int_equal(r.status, 200);
        assert_true(body_has(&r, i % 2 == 0 ? "<html lang=\"th\">" : "<html lang=\"en\">"));
        assert_true(body_has(&r, p->code));
    }
    send_to(&r, "GET /errors", "", NULL);
    assert_true(r.status == 200 && body_has(&r, "test.own") && body_has(&r, "/errors/input.invalid"));
    send_to(&r, "GET /errors/none", "Accept: text/html\r\n", NULL);
    assert_int_equal(r.status, 404);
    send_to(&r, "GET /static/pages.css", "", NULL);
    assert_true(str_starts(reply_header(&r, "content-type"), STR("text/css")));
}

static void every_answer_carries_the_defences(void **state)
{
    static const char *const lines[] = {"GET /public",           "GET /secret",       "GET /nowhere",
                                        "GET /errors",           "GET /openapi.json", "GET /cookie",
                                        "GET /static/pages.css", "GET /list?x=1",     "BREW /public"};
    static const char *const names[] = {"x-content-type-options",
                                        "referrer-policy",
                                        "cross-origin-opener-policy",
                                        "cross-origin-resource-policy",
                                        "permissions-policy",
                                        "cache-control",
                                        "strict-transport-security",
                                        "content-security-policy",
                                        "x-request-id",
                                        "date"};
    size_t at;
    (void)state;
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        send_to(&r, lines[i], "", NULL);
        for (size_t k = 0; k < COUNT_OF(names); k++) {
            if (reply_header(&r, names[k]).n == 0) {
                fail_msg("%s lacks %s", lines[i], names[k]);
            }
        }
        str csp = reply_header(&r, "content-security-policy");
        assert_true(str_find(csp, STR("default-src 'none'"), &at) &&
                    str_find(csp, STR("frame-ancestors 'none'"), &at));
        assert_false(str_find(csp, STR("unsafe"), &at));
    }
    send_to(&r, "GET /cookie", "", NULL);
    assert_true(str_ends(reply_header(&r, "content-security-policy"),
                         STR("form-action 'self' https://www.tiktok.com")));
    assert_true(str_eq(reply_header(&r, "cache-control"), STR("private")));
    assert_true(str_eq(reply_header(&r, "set-cookie"),
                       STR("__Host-mz_session=abc; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=60")));
    send_to(&r, "GET /list", "Cookie: mz_session=evil; __Host-mz_session=good; x=y\r\n", NULL);
    assert_true(body_has(&r, "\"cookie\":\"good\""));
}

static void the_description_follows_the_rows(void **state)
{
    struct arena *mem = arena_open((size_t)(16U << 20));
    const struct json *doc, *op;
    struct fault why;
    str s;
    (void)state;
    send_to(&r, "GET /openapi.json", "", NULL);
    assert_int_equal(json_parse(r.body, NULL, mem, &doc, &why), RC_OK);
    assert_true(json_str(doc, "openapi", &s) && str_eq(s, STR("3.1.0")));
    op = json_get(json_get(json_get(doc, "paths"), "/things/{id}"), "post");
    assert_true(json_str(op, "operationId", &s) && str_eq(s, STR("thing")));
    op = json_get(json_get(json_get(doc, "paths"), "/secret"), "post");
    assert_int_equal(json_get(op, "parameters")->count, 1);
    assert_int_equal(json_get(op, "security")->count, 2);
    for (size_t i = 0; http_routes(kit.http, i) != NULL; i++) {
        assert_non_null(json_get(json_get(doc, "paths"), http_routes(kit.http, i)->path));
    }
    arena_close(&mem);
}

static void a_read_that_ran_twice_answers_once(void **state)
{
    (void)state;
    send_to(&r, "GET /twice", "", NULL);
    assert_int_equal(r.status, 201);
    assert_true(str_eq(r.body, STR("{\"run\":2,\"next_cursor\":null}")));
    send_to(&r, "GET /too-much", "", NULL);
    assert_int_equal(r.status, 503);
    assert_true(body_has(&r, "\"code\":\"busy\""));
}

static const struct json *described(const struct json *doc, const char *path, const char *method,
                                    const char *media)
{
    const struct json *op = json_get(json_get(json_get(doc, "paths"), path), method);
    return json_get(json_get(json_get(json_get(op, "responses"), "2XX"), "content"), media);
}

static bool is_ref(const struct json *at, const char *name)
{
    str s;
    return json_str(at, "$ref", &s) && str_starts(s, STR("#/components/schemas/")) &&
           str_ends(s, str_of(name));
}

static void answers_are_described(void **state)
{
    struct arena *mem = arena_open((size_t)(16U << 20));
    const struct json *doc, *at;
    struct fault why;
    (void)state;
    send_to(&r, "GET /openapi.json", "", NULL);
    assert_int_equal(json_parse(r.body, NULL, mem, &doc, &why), RC_OK);
    assert_true(
        is_ref(json_get(described(doc, "/things/{id}", "post", "application/json"), "schema"), "Thing"));
    at = json_get(described(doc, "/list", "get", "application/json"), "schema");
    assert_true(is_ref(json_get(json_get(json_get(at, "properties"), "items"), "items"), "Thing"));
    assert_non_null(json_get(json_get(at, "properties"), "next_cursor"));
    assert_non_null(described(doc, "/page", "get", "text/html"));
    assert_non_null(described(doc, "/static/pages.css", "get", "text/css"));
    assert_null(described(doc, "/public", "get", "application/json"));
    at = json_get(json_get(json_get(doc, "components"), "schemas"), "Thing");
    assert_int_equal(json_get(at, "required")->count, 5); /* words may be absent */
    at = json_get(at, "properties");
    assert_int_equal(json_get(json_get(at, "state"), "type")->count, 2);
    assert_int_equal(json_get(json_get(at, "state"), "enum")->count, 3); /* null is one of them */
    assert_non_null(json_get(json_get(at, "on"), "additionalProperties"));
    assert_true(is_ref(json_get(json_get(at, "part"), "anyOf")->child, "Part"));
    assert_true(is_ref(json_get(json_get(at, "parts"), "items"), "Part"));
    assert_non_null(json_get(json_get(json_get(doc, "components"), "schemas"), "Part"));
    arena_close(&mem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_KIT(every_mistake_is_listed_at_once),
        WITH_KIT(queries_and_forms_are_checked),
        WITH_KIT(outcomes_become_problems),
        WITH_KIT(every_problem_has_both_languages_and_a_page),
        WITH_KIT(every_answer_carries_the_defences),
        WITH_KIT(the_description_follows_the_rows),
        WITH_KIT(answers_are_described),
        WITH_KIT(a_read_that_ran_twice_answers_once),
    };
    crypto_start();
    metrics_register(http_metrics, http_metrics_n);
    return cmocka_run_group_tests_name("http answers", tests, NULL, NULL);
}
