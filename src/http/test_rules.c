/* What the rows promise, seen from outside: who may come in, flags, CSRF, Idempotency-Key, parameters, problems,
 * headers, limits. A real server; the hooks are small stand-ins for access and flags. */
#include "unit.h"
#include "http/http_priv.h"
#include "test_kit.h"

static struct kit kit;
static struct reply r, r2;
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static _Atomic int entered;
static _Atomic int handled;

/* ---- stand-ins ---- */

/* "Bearer all": every permission; "Bearer none": a key without; "Bearer bad": not valid; "Bearer down": no database. */
static enum rc who(void *arg, struct request *rq, struct principal *out, struct fault *why)
{
    (void)arg;
    str a = rq_header(rq, "authorization");
    if (a.p == NULL && rq_cookie(rq, "mz_session").p == NULL) {
        out->kind = WHO_NOBODY;
        return RC_OK;
    }
    if (str_eq(a, STR("Bearer bad"))) {
        return fault_set(why, RC_DENIED, "auth.invalid", "no such key");
    }
    if (str_eq(a, STR("Bearer down"))) {
        return fault_set(why, RC_RETRY, "store.unavailable", "no database");
    }
    *out = (struct principal){.kind = WHO_KEY, .workspace = STR("ws_1"), .id = STR("key_1")};
    out->may = str_eq(a, STR("Bearer none")) ? 0 : ~UINT64_C(0);
    return RC_OK;
}

static bool flag_on(void *arg, str workspace, const char *flag)
{
    (void)arg;
    (void)workspace;
    return strcmp(flag, "on") == 0;
}

static enum rc once_find(void *arg, const struct once *o, struct arena *mem, int *status, str *body, struct fault *why)
{
    (void)arg;
    (void)mem;
    if (str_eq(o->key, STR("stored"))) {
        *status = 201;
        *body = STR("{\"stored\":true}");
        return RC_OK;
    }
    if (str_eq(o->key, STR("other"))) {
        return fault_set(why, RC_CONFLICT, "idempotency.other_body", "another body");
    }
    return RC_MISSING;
}

static enum rc done(struct request *rq, void *ctx, struct fault *why)
{
    (void)ctx;
    (void)why;
    atomic_fetch_add(&handled, 1);
    answer_json(rq, 200, rq_once(rq) != NULL ? STR("{\"once\":true}") : STR("{}"));
    return RC_OK;
}

static enum rc gated(struct request *rq, void *ctx, struct fault *why)
{
    atomic_fetch_add(&entered, 1);
    (void)pthread_mutex_lock(&gate);
    (void)pthread_mutex_unlock(&gate);
    return done(rq, ctx, why);
}

static enum rc fails(struct request *rq, void *ctx, struct fault *why)
{
    (void)ctx;
    int64_t rc = rq_int(rq, "rc", 0);
    return fault_set(why, (enum rc)rc, rq_has(rq, "own") ? "test.own" : "no.such.row", "secret detail");
}

static enum rc shows(struct request *rq, void *ctx, struct fault *why)
{
    (void)ctx;
    (void)why;
    struct buf b;
    struct jw w;
    buf_init(&b, rq_mem(rq), 4096);
    jw_init(&w, &b);
    jw_obj(&w, NULL);
    jw_str(&w, "name", rq_arg(rq, "name"));
    jw_i64(&w, "count", rq_int(rq, "count", -1));
    jw_i64(&w, "on", rq_int(rq, "on", -1));
    jw_str(&w, "kind", rq_arg(rq, "kind"));
    jw_str(&w, "address", rq_address(rq));
    jw_str(&w, "cookie", rq_cookie(rq, "mz_session"));
    jw_end(&w);
    answer_json(rq, 200, buf_str(&b));
    return RC_OK;
}

static enum rc cookie(struct request *rq, void *ctx, struct fault *why)
{
    (void)ctx;
    (void)why;
    answer_cookie(rq, "mz_session", STR("abc"), 60);
    answer_header(rq, "Cache-Control", STR("private"));
    answer_form_action(rq, STR("https://www.tiktok.com"));
    answer_page(rq, 200, STR("<p>hi"));
    return RC_OK;
}

/* ---- rows ---- */

static const struct param thing[] = {
    {.name = "id", .in = IN_PATH, .kind = P_ID, .required = true, .choices = "msg"},
    {.name = "name", .in = IN_BODY, .kind = P_TEXT, .required = true, .min = 1, .max = 8},
    {.name = "count", .in = IN_BODY, .kind = P_INT, .min = 1, .max = 10},
    {.name = "on", .in = IN_BODY, .kind = P_FLAG},
    {.name = "kind", .in = IN_BODY, .kind = P_ENUM, .choices = "a|b"},
    {.name = "tags", .in = IN_BODY, .kind = P_LIST, .max = 2},
    {.name = "extra", .in = IN_BODY, .kind = P_OBJECT},
};
static const struct param list_params[] = {
    {.name = "name", .in = IN_QUERY, .kind = P_TEXT},
    {.name = "count", .in = IN_QUERY, .kind = P_INT, .min = 1, .max = 100},
    {.name = "on", .in = IN_QUERY, .kind = P_FLAG},
    {.name = "kind", .in = IN_QUERY, .kind = P_ENUM, .choices = "a|b"},
};
static const struct param form_params[] = {
    {.name = "name", .in = IN_BODY, .kind = P_TEXT, .required = true},
    {.name = "count", .in = IN_BODY, .kind = P_INT},
    {.name = "on", .in = IN_BODY, .kind = P_FLAG},
    {.name = "kind", .in = IN_BODY, .kind = P_TEXT},
};
static const struct param fail_params[] = {
    {.name = "rc", .in = IN_QUERY, .kind = P_INT, .required = true, .min = 1, .max = 13},
    {.name = "own", .in = IN_QUERY, .kind = P_FLAG},
};
#define N(a) .params = (a), .n_params = COUNT_OF(a)
static const struct route routes[] = {
    {.method = "GET", .path = "/public", .name = "public", .cls = HTTP_READ, .handle = done},
    {.method = "GET", .path = "/secret", .name = "secret", .cls = HTTP_READ, .need = PERM_EXPLAIN, .handle = done},
    {.method = "POST", .path = "/secret", .name = "doSecret", .cls = HTTP_WRITE, .need = PERM_EXPLAIN, .handle = done},
    {.method = "PUT", .path = "/secret", .name = "putSecret", .cls = HTTP_WRITE, .need = PERM_EXPLAIN, .handle = done},
    {.method = "POST", .path = "/gate", .name = "gate", .cls = HTTP_WRITE, .need = PERM_EXPLAIN, .handle = gated},
    {.method = "GET", .path = "/off", .name = "off", .cls = HTTP_READ, .flag = "off", .handle = done},
    {.method = "POST", .path = "/off/secret", .name = "offSecret", .cls = HTTP_WRITE, .need = PERM_EXPLAIN,
     .flag = "off", .handle = done},
    {.method = "GET", .path = "/off/inline", .name = "offInline", .cls = HTTP_INLINE, .flag = "off", .handle = done},
    {.method = "GET", .path = "/off/page", .name = "offPage", .cls = HTTP_READ, .flag = "off", .browser = true,
     .handle = done},
    {.method = "GET", .path = "/on", .name = "on", .cls = HTTP_READ, .flag = "on", .handle = done},
    {.method = "POST", .path = "/things/{id}", .name = "thing", .cls = HTTP_WRITE, N(thing), .handle = shows},
    {.method = "GET", .path = "/list", .name = "list", .cls = HTTP_READ, N(list_params), .handle = shows},
    {.method = "GET", .path = "/page", .name = "page", .cls = HTTP_READ, .browser = true, N(list_params),
     .handle = shows},
    {.method = "POST", .path = "/form", .name = "form", .cls = HTTP_WRITE, .form = true, .browser = true, N(form_params),
     .handle = shows},
    {.method = "GET", .path = "/fail", .name = "fail", .cls = HTTP_READ, N(fail_params), .handle = fails},
    {.method = "GET", .path = "/cookie", .name = "cookie", .cls = HTTP_READ, .browser = true, .handle = cookie},
};
static const struct route_table table = {routes, COUNT_OF(routes), NULL};
static const struct problem_row own_rows[] = {
    {"test.own", 418, "Own", "Own means.", "Own todo.", "ของตนเอง", "ความหมาย", "สิ่งที่ต้องทำ"}};
static const struct problem_table own = {own_rows, COUNT_OF(own_rows)};

static void open_env(char *const *env)
{
    const struct http_options o = {.tables = &table,
                                   .n_tables = 1,
                                   .problems = &own,
                                   .n_problems = 1,
                                   .hooks = {.who = who, .flag_on = flag_on, .once_find = once_find}};
    atomic_store(&handled, 0);
    atomic_store(&entered, 0);
    kit_open_with(&kit, &o, env);
}

static int open_kit(void **state)
{
    static char *env[] = {"MZ_PUBLIC_BASE_URL=https://tiktok.example:8443", NULL};
    (void)state;
    open_env(env);
    return 0;
}

static int close_kit(void **state)
{
    (void)state;
    kit_close(&kit);
    return 0;
}

/* method and path, further header lines, body */
static void send_to(struct reply *out, const char *line, const char *headers, const char *body)
{
    static char text[8192];
    int n = snprintf(text, sizeof(text), "%s HTTP/1.1\r\nHost: a\r\n%s", line, headers);
    if (body != NULL) {
        n += snprintf(text + n, sizeof(text) - (size_t)n, "Content-Length: %zu\r\n", strlen(body));
    }
    n += snprintf(text + n, sizeof(text) - (size_t)n, "\r\n%s", body == NULL ? "" : body);
    ask(http_port(kit.http), (str){text, (size_t)n}, out);
}

static void expect(const char *line, const char *headers, const char *body, int status, const char *code)
{
    char want[128];
    send_to(&r, line, headers, body);
    (void)snprintf(want, sizeof(want), "\"code\":\"%s\"", code == NULL ? "" : code);
    if (r.status != status || (code != NULL && !body_has(&r, want))) {
        fail_msg("%s | %s: wanted %d %s, got %d " STR_FMT, line, headers, status, code == NULL ? "" : code, r.status,
                 STR_ARG(r.body));
    }
}

#define JSON "Content-Type: application/json\r\n"
#define ALL "Authorization: Bearer all\r\n"
#define KEY "Idempotency-Key: k1\r\n"

/* ---- who and permission ---- */

static void permission_is_checked(void **state)
{
    (void)state;
    expect("GET /public", "", NULL, 200, NULL);
    expect("GET /public", "Authorization: Bearer bad\r\n", NULL, 200, NULL);
    expect("GET /secret", "", NULL, 401, "auth.required");
    assert_true(str_eq(reply_header(&r, "www-authenticate"), STR("Bearer")));
    expect("GET /secret", "Authorization: Bearer bad\r\n", NULL, 401, "auth.invalid");
    expect("GET /secret", "Authorization: Bearer none\r\n", NULL, 403, "auth.forbidden");
    expect("GET /secret", "Authorization: Bearer down\r\n", NULL, 503, "try_again");
    expect("GET /secret", ALL, NULL, 200, NULL);
    expect("HEAD /secret", ALL, NULL, 200, NULL) ;
    expect("DELETE /secret", ALL, NULL, 405, "http.method");
    assert_true(str_eq(reply_header(&r, "allow"), STR("GET, HEAD, POST, PUT")));
    expect("GET /nowhere", ALL, NULL, 404, "not_found");
}

/* ---- flags ---- */

static void blank_date(struct reply *x)
{
    str date = reply_header(x, "date");
    assert_int_equal(date.n, 29);
    memset(x->bytes + (date.p - x->bytes), '-', date.n);
}

static void a_route_switched_off_does_not_exist(void **state)
{
    static const struct {
        const char *off, *unknown, *headers, *body;
    } cases[] = {
        {"GET /off", "GET /xyz", "", NULL},
        {"GET /off", "GET /xyz", "Authorization: Bearer bad\r\n", NULL},
        {"GET /off", "GET /xyz", ALL "Accept: text/html\r\nAccept-Language: th\r\n", NULL},
        {"POST /off", "POST /xyz", ALL JSON, "{}"},
        {"DELETE /off", "DELETE /xyz", "", NULL},
        {"HEAD /off", "HEAD /xyz", "", NULL},
        {"POST /off/secret", "POST /xyz", "", "{}"},
        {"POST /off/secret", "POST /xyz", ALL "Sec-Fetch-Site: cross-site\r\nCookie: a=b\r\n", "no json"},
        {"GET /off/secret", "GET /xyz", "", NULL},
        {"GET /off/inline", "GET /xyz", "", NULL},
        {"PUT /off/inline", "PUT /xyz", "", "x"},
        {"GET /off/page?x=%00", "GET /xyz?x=%00", "", NULL},
        {"GET /off/page", "GET /xyz", "Accept: text/html\r\n", NULL},
    };
    char headers[512];
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        (void)snprintf(headers, sizeof(headers), "%sX-Request-Id: same-id-0001\r\n", cases[i].headers);
        send_to(&r, cases[i].off, headers, cases[i].body);
        send_to(&r2, cases[i].unknown, headers, cases[i].body);
        assert_int_equal(r.status, 404);
        blank_date(&r);
        blank_date(&r2);
        if (r.n != r2.n || memcmp(r.bytes, r2.bytes, r.n) != 0) {
            fail_msg("%s differs from an unknown path:\n%.*s\n%.*s", cases[i].off, (int)r.n, r.bytes, (int)r2.n, r2.bytes);
        }
    }
    expect("GET /on", "", NULL, 200, NULL);
    assert_int_equal(atomic_load(&handled), 1);
}

/* ---- CSRF ---- */

static void requests_from_other_sites_are_refused(void **state)
{
#define PUT "PUT /secret"
#define COOKIE "Cookie: __Host-mz_session=s\r\n"
    (void)state;
    expect(PUT, COOKIE, NULL, 403, "http.cross_site");
    expect(PUT, COOKIE "Origin: https://evil.example\r\n", NULL, 403, "http.cross_site");
    expect(PUT, COOKIE "Origin: null\r\n", NULL, 403, "http.cross_site");
    expect(PUT, COOKIE "Origin: https://tiktok.example\r\n", NULL, 403, "http.cross_site");
    expect(PUT, COOKIE "Origin: http://tiktok.example:8443\r\n", NULL, 403, "http.cross_site");
    expect(PUT, COOKIE "Origin: https://tiktok.example:8443.evil.example\r\n", NULL, 403, "http.cross_site");
    expect(PUT, COOKIE "Sec-Fetch-Site: cross-site\r\nOrigin: https://tiktok.example:8443\r\n", NULL, 403,
           "http.cross_site");
    expect(PUT, COOKIE "Sec-Fetch-Site: same-site\r\n", NULL, 403, "http.cross_site");
    expect(PUT, ALL "Sec-Fetch-Site: cross-site\r\n", NULL, 403, "http.cross_site");
    expect(PUT, ALL "Origin: https://evil.example\r\n", NULL, 403, "http.cross_site");
    expect(PUT, COOKIE "Sec-Fetch-Site: same-origin\r\n", NULL, 200, NULL);
    expect(PUT, COOKIE "Origin: https://tiktok.example:8443\r\n", NULL, 200, NULL);
    expect(PUT, ALL, NULL, 200, NULL);
    expect("GET /secret", COOKIE "Sec-Fetch-Site: cross-site\r\n", NULL, 200, NULL);
    expect("POST /form", "Sec-Fetch-Site: cross-site\r\nContent-Type: application/x-www-form-urlencoded\r\n", "name=a",
           403, NULL);
}

/* ---- Idempotency-Key ---- */

static void *ask_gate(void *arg)
{
    struct reply *out = arg;
    static const char text[] = "POST /gate HTTP/1.1\r\nHost: a\r\n" ALL "Idempotency-Key: same\r\n\r\n";
    ask(http_port(kit.http), STR(text), out);
    return NULL;
}

static void posts_carry_a_key(void **state)
{
    pthread_t t;
    (void)state;
    expect("POST /secret", ALL, NULL, 400, "idempotency.missing");
    expect("POST /secret", ALL "Idempotency-Key: \r\n", NULL, 400, "idempotency.malformed");
    expect("POST /secret", ALL "Idempotency-Key: a b\r\n", NULL, 400, "idempotency.malformed");
    expect("POST /secret", ALL KEY, NULL, 200, NULL);
    assert_true(body_has(&r, "\"once\":true"));
    expect("PUT /secret", ALL, NULL, 200, NULL);
    atomic_store(&handled, 0);
    expect("POST /secret", ALL "Idempotency-Key: stored\r\n", NULL, 201, NULL);
    assert_true(body_has(&r, "{\"stored\":true}"));
    assert_true(str_eq(reply_header(&r, "idempotency-replayed"), STR("true")));
    expect("POST /secret", ALL "Idempotency-Key: other\r\n", NULL, 422, "idempotency.other_body");
    assert_int_equal(atomic_load(&handled), 0);
    (void)pthread_mutex_lock(&gate);
    assert_int_equal(pthread_create(&t, NULL, ask_gate, &r2), 0);
    int64_t until = clock_mono_ms() + KIT_WAIT_S * 1000;
    while (atomic_load(&entered) == 0 && clock_mono_ms() < until) {
    }
    assert_int_equal(atomic_load(&entered), 1);
    expect("POST /gate", ALL "Idempotency-Key: same\r\n", NULL, 409, "idempotency.in_flight");
    (void)pthread_mutex_unlock(&gate);
    assert_int_equal(pthread_join(t, NULL), 0);
    assert_int_equal(r2.status, 200);
    expect("POST /gate", ALL "Idempotency-Key: same\r\n", NULL, 200, NULL);
}

/* ---- parameters ---- */

#define THING "POST /things/msg_01k00000000000000000000000"
static void every_mistake_is_listed_at_once(void **state)
{
    (void)state;
    expect(THING, JSON, "{\"name\":\"abc\",\"count\":3,\"on\":true,\"kind\":\"b\",\"tags\":[1,2],\"extra\":{}}", 200, NULL);
    assert_true(body_has(&r, "{\"name\":\"abc\",\"count\":3,\"on\":1,\"kind\":\"b\""));
    expect(THING, JSON, "{\"name\":\"abcdefghi\",\"count\":11,\"on\":1,\"kind\":\"c\",\"tags\":[1,2,3],\"extra\":[],"
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
        {RC_MISSING, 404, "not_found"},   {RC_INVALID, 400, "invalid"},         {RC_CONFLICT, 409, "conflict"},
        {RC_DENIED, 403, "auth.forbidden"}, {RC_OFF, 403, "switched_off"},      {RC_REFUSED, 422, "refused"},
        {RC_SCOPE, 403, "scope_missing"}, {RC_REAUTH, 409, "reconnect_needed"}, {RC_LIMITED, 429, "rate_limited"},
        {RC_RETRY, 503, "try_again"},     {RC_UNSURE, 503, "commit_unknown"},   {RC_FULL, 503, "busy"},
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
        const char *const texts[] = {p->en_title, p->en_means, p->en_todo, p->th_title, p->th_means, p->th_todo};
        for (size_t k = 0; k < COUNT_OF(texts); k++) {
            assert_non_null(texts[k]);
            assert_true(strlen(texts[k]) > 3 && utf8_valid(str_of(texts[k])));
            assert_int_equal((unsigned char)texts[k][0] == 0xe0 || (k >= 3 && strstr(texts[k], "\xe0\xb8") != NULL), k >= 3);
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
    static const char *const lines[] = {"GET /public", "GET /secret", "GET /nowhere", "GET /errors", "GET /openapi.json",
                                        "GET /cookie", "GET /static/pages.css", "GET /list?x=1", "BREW /public"};
    static const char *const names[] = {"x-content-type-options", "referrer-policy", "cross-origin-opener-policy",
                                        "cross-origin-resource-policy", "permissions-policy", "cache-control",
                                        "strict-transport-security", "content-security-policy", "x-request-id", "date"};
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
        assert_true(str_find(csp, STR("default-src 'none'"), &at) && str_find(csp, STR("frame-ancestors 'none'"), &at));
        assert_false(str_find(csp, STR("unsafe"), &at));
    }
    send_to(&r, "GET /cookie", "", NULL);
    assert_true(str_ends(reply_header(&r, "content-security-policy"), STR("form-action 'self' https://www.tiktok.com")));
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

/* ---- limits ---- */

static void addresses_are_limited(void **state)
{
    static char *env[] = {"MZ_HTTP_READS_PER_SECOND=2", "MZ_HTTP_MAX_PER_ADDRESS=3",
                          "MZ_HTTP_TRUSTED_PROXIES=10.0.0.0/8,127.0.0.2", NULL};
    int fds[3], ok = 0;
    (void)state;
    open_env(env);
    for (int i = 0; i < 8; i++) {
        send_to(&r, "GET /list", "X-Forwarded-For: 9.9.9.9\r\n", NULL);
        ok += r.status == 200;
        if (i == 0) { /* 127.0.0.1 is no trusted proxy: what it forwards is not believed */
            assert_true(body_has(&r, "\"address\":\"127.0.0.1\""));
        }
    }
    assert_in_range(ok, 4, 5);
    expect("GET /list", "", NULL, 429, "rate_limited");
    assert_true(reply_header(&r, "retry-after").n > 0);
    for (size_t i = 0; i < 3; i++) {
        fds[i] = dial(http_port(kit.http));
        say(fds[i], STR("GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n"));
        assert_true(hear(fds[i], &r));
    }
    int one_more = dial(http_port(kit.http));
    assert_true(closed(one_more));
    (void)close(one_more);
    for (size_t i = 0; i < 3; i++) {
        (void)close(fds[i]);
    }
    kit_close(&kit);
}

static void trusted_proxies_are_believed_from_the_right(void **state)
{
    static char *env[] = {"MZ_HTTP_TRUSTED_PROXIES=10.0.0.0/8,127.0.0.1", NULL};
    static const struct {
        const char *forwarded, *address;
    } cases[] = {
        {"X-Forwarded-For: 9.9.9.9\r\n", "9.9.9.9"},
        {"X-Forwarded-For: 1.1.1.1, 9.9.9.9, 10.1.2.3\r\n", "9.9.9.9"},
        {"X-Forwarded-For: 1.1.1.1\r\nX-Forwarded-For: 9.9.9.9\r\n", "9.9.9.9"},
        {"X-Forwarded-For: junk\r\n", "127.0.0.1"},
        {"X-Forwarded-For: 9.9.9.9, junk, 10.1.2.3\r\n", "10.1.2.3"},
        {"X-Forwarded-For: [2001:db8::1]\r\n", "2001:db8::1"},
        {"X-Forwarded-For: ::ffff:9.9.9.9\r\n", "9.9.9.9"},
        {"", "127.0.0.1"},
    };
    char want[64];
    (void)state;
    open_env(env);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        send_to(&r, "GET /list", cases[i].forwarded, NULL);
        (void)snprintf(want, sizeof(want), "\"address\":\"%s\"", cases[i].address);
        if (!body_has(&r, want)) {
            fail_msg("%s: " STR_FMT, cases[i].forwarded, STR_ARG(r.body));
        }
    }
    kit_close(&kit);
}

#define WITH_KIT(f) cmocka_unit_test_setup_teardown(f, open_kit, close_kit)
int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_KIT(permission_is_checked),
        WITH_KIT(a_route_switched_off_does_not_exist),
        WITH_KIT(requests_from_other_sites_are_refused),
        WITH_KIT(posts_carry_a_key),
        WITH_KIT(every_mistake_is_listed_at_once),
        WITH_KIT(queries_and_forms_are_checked),
        WITH_KIT(outcomes_become_problems),
        WITH_KIT(every_problem_has_both_languages_and_a_page),
        WITH_KIT(every_answer_carries_the_defences),
        WITH_KIT(the_description_follows_the_rows),
        cmocka_unit_test(addresses_are_limited),
        cmocka_unit_test(trusted_proxies_are_believed_from_the_right),
    };
    crypto_start();
    metrics_register(http_metrics, http_metrics_n);
    return cmocka_run_group_tests_name("http rules", tests, NULL, NULL);
}
