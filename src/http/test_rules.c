/* Who may come in, and when: permission, flags, CSRF, Idempotency-Key, limits. Seen from outside, over
 * sockets. */
#include "test_rows.h"

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
    expect("HEAD /secret", ALL, NULL, 200, NULL);
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
            fail_msg("%s differs from an unknown path:\n%.*s\n%.*s", cases[i].off, (int)r.n, r.bytes,
                     (int)r2.n, r2.bytes);
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
    expect("POST /form", "Sec-Fetch-Site: cross-site\r\nContent-Type: application/x-www-form-urlencoded\r\n",
           "name=a", 403, NULL);
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
        assert_true(str_eq(reply_header(&r, "ratelimit-policy"), STR("\"reads\";q=4;w=2")));
        str left = i == 0 ? STR("\"reads\";r=3;t=1") : STR("\"reads\";r=");
        assert_true(str_starts(reply_header(&r, "ratelimit"), left));
        if (i == 0) { /* 127.0.0.1 is no trusted proxy: what it forwards is not believed */
            assert_true(body_has(&r, "\"address\":\"127.0.0.1\""));
        }
    }
    assert_in_range(ok, 4, 5);
    expect("GET /list", "", NULL, 429, "rate_limited");
    assert_true(reply_header(&r, "retry-after").n > 0);
    assert_true(str_eq(reply_header(&r, "ratelimit"), STR("\"reads\";r=0;t=2")));
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_KIT(permission_is_checked),
        WITH_KIT(a_route_switched_off_does_not_exist),
        WITH_KIT(requests_from_other_sites_are_refused),
        WITH_KIT(posts_carry_a_key),
        cmocka_unit_test(addresses_are_limited),
        cmocka_unit_test(trusted_proxies_are_believed_from_the_right),
    };
    crypto_start();
    metrics_register(http_metrics, http_metrics_n);
    return cmocka_run_group_tests_name("http rules", tests, NULL, NULL);
}
