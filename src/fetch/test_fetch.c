/* Addresses, URLs and calls against a small server of its own on loopback: every way in which an answer can
 * be bad. */
#include "unit.h"
#include "fetch/fetch_priv.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

/* ---- the room ---- */
struct world {
    struct config *config;
    struct fetch *fetch;
    struct arena *mem;
    int listener;
    int port;
    pthread_t server;
    _Atomic bool stop;
    _Atomic int connections, requests;
    char seen[8192]; /* the last request */
    pthread_mutex_t lock;
};

static struct config *config_for(char *const *env, struct fault *why)
{
    struct config *c = NULL;
    const struct setting_table t[] = {{fetch_settings, fetch_settings_n}};
    assert_int_equal(config_load(t, 1, STR_NONE, env, &c, why), RC_OK);
    return c;
}

static void send_all(int fd, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t w = send(fd, p, n, MSG_NOSIGNAL);
        if (w <= 0)
            return;
        p += w;
        n -= (size_t)w;
    }
}
#define SAY(fd, text) send_all((fd), (text), sizeof(text) - 1)

static void serve_huge(int fd)
{
    static char block[65536];
    memset(block, 'x', sizeof block);
    SAY(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 100; i++) {
        SAY(fd, "10000\r\n");
        send_all(fd, block, sizeof block);
        SAY(fd, "\r\n");
    }
}

static void serve_headers(int fd)
{
    SAY(fd, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n");
    for (int i = 0; i < 4000; i++)
        SAY(fd, "X-Many: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n");
    SAY(fd, "\r\n");
}

static bool read_request(struct world *w, int fd, char *path, size_t cap);

/* True: the connection stays open for another request. */
static bool answer(struct world *w, int fd, const char *path)
{
    if (strcmp(path, "/hello") == 0) {
        SAY(fd,
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Tt-Logid: 2026log\r\nRetry-After: 7\r\n"
            "Content-Length: 2\r\n\r\n{}");
        return true;
    }
    if (strcmp(path, "/redirect") == 0)
        SAY(fd, "HTTP/1.1 302 Found\r\nLocation: /hello\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    else if (strcmp(path, "/half") == 0)
        SAY(fd, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"half\":");
    else if (strcmp(path, "/500") == 0)
        SAY(fd, "HTTP/1.1 500 Oops\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbad");
    else if (strcmp(path, "/huge") == 0)
        serve_huge(fd);
    else if (strcmp(path, "/headers") == 0)
        serve_headers(fd);
    else if (strcmp(path, "/garbage") == 0)
        SAY(fd, "this is not HTTP at all\r\n\r\n");
    else if (strcmp(path, "/slow") == 0) {
        SAY(fd, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
        struct pollfd p = {fd, POLLIN, 0};
        while (!w->stop && poll(&p, 1, 20) == 0)
            send_all(fd, "z", 1);
    } else if (strcmp(path, "/keep-then-die") == 0) {
        SAY(fd, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        char next[256];
        (void)read_request(w, fd, next, sizeof next); /* the next request is taken whole, then we hang up */
    }
    return false;
}

static bool read_request(struct world *w, int fd, char *path, size_t cap)
{
    char buf[8192];
    size_t n = 0, body = 0;
    char *end = NULL;
    while (!end && n < sizeof buf - 1) {
        ssize_t r = recv(fd, buf + n, sizeof buf - 1 - n, 0);
        if (r <= 0)
            return false;
        n += (size_t)r;
        buf[n] = 0;
        end = strstr(buf, "\r\n\r\n");
    }
    char *length = strcasestr(buf, "content-length:");
    if (length)
        body = strtoul(length + 15, NULL, 10);
    while (end && n < (size_t)(end - buf) + 4 + body && n < sizeof buf - 1) {
        ssize_t r = recv(fd, buf + n, sizeof buf - 1 - n, 0);
        if (r <= 0)
            return false;
        n += (size_t)r;
        buf[n] = 0;
    }
    w->requests++;
    pthread_mutex_lock(&w->lock);
    memcpy(w->seen, buf, n + 1);
    pthread_mutex_unlock(&w->lock);
    char *from = strchr(buf, ' ');
    size_t len = from ? strcspn(from + 1, " ") : 0;
    if (!from || len >= cap)
        return false;
    memcpy(path, from + 1, len);
    path[len] = 0;
    return true;
}

static void *serve(void *arg)
{
    struct world *w = arg;
    struct pollfd p = {w->listener, POLLIN, 0};
    while (!w->stop) {
        if (poll(&p, 1, 20) <= 0)
            continue;
        int fd = accept(w->listener, NULL, NULL);
        char path[256];
        w->connections++;
        struct timeval limit = {2, 0};
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
        while (read_request(w, fd, path, sizeof path) && answer(w, fd, path))
            ;
        close(fd);
    }
    return NULL;
}

static struct world *world_with(const char *allow)
{
    struct world *w = test_calloc(1, sizeof *w);
    struct fault why;
    static char hosts[] = "MZ_FETCH_TIKTOK_HOSTS=127.0.0.1,localhost,tiktok.test";
    char setting[128];
    (void)snprintf(setting, sizeof setting, "MZ_FETCH_ALLOW_PRIVATE=%s", allow);
    char *env[] = {hosts, setting, NULL};
    w->config = config_for(env, &why);
    assert_int_equal(fetch_open(w->config, NULL, &w->fetch, &why), RC_OK);
    w->mem = arena_open((size_t)32 << 20);
    pthread_mutex_init(&w->lock, NULL);
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t n = sizeof a;
    w->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(w->listener, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(listen(w->listener, 16), 0);
    assert_int_equal(getsockname(w->listener, (struct sockaddr *)&a, &n), 0);
    w->port = ntohs(a.sin_port);
    assert_int_equal(pthread_create(&w->server, NULL, serve, w), 0);
    return w;
}

static int open_world(void **state)
{
    *state = world_with("127.0.0.0/8,::1/128");
    return 0;
}

static int open_closed_world(void **state)
{
    *state = world_with("");
    return 0;
}

static int close_world(void **state)
{
    struct world *w = *state;
    fetch_close(&w->fetch); /* ends kept connections, so the server's thread goes on */
    w->stop = true;
    pthread_join(w->server, NULL);
    close(w->listener);
    config_close(&w->config);
    arena_close(&w->mem);
    pthread_mutex_destroy(&w->lock);
    test_free(w);
    return 0;
}

static enum rc call(struct world *w, struct fetch_request rq, const char *path, struct fetch_answer *a,
                    struct fault *why)
{
    rq.what = "test";
    if (!rq.method)
        rq.method = "GET";
    if (!rq.url.p)
        rq.url = arena_fmt(w->mem, "http://127.0.0.1:%d%s", w->port, path ? path : "/");
    return fetch_run(w->fetch, &rq, w->mem, a, why);
}

static void assert_fault(enum rc got, enum rc want, const struct fault *why, const char *code)
{
    if (got != want || strcmp(why->code, code) != 0)
        fail_msg("wanted %s %s, got %s %s (%s)", rc_name(want), code, rc_name(got), why->code, why->detail);
}

static void test_a_plain_answer(void **state)
{
    struct world *w = *state;
    struct fault why = {0};
    struct fetch_answer a;
    static const unsigned char token[] = "act.secret";
    const struct fetch_header h[] = {{.name = "Access-Token", .secret = {token, sizeof token - 1}},
                                     {.name = "Content-Type", .value = STR("application/json")}};
    for (int i = 0; i < 3; i++) {
        enum rc rc = call(
            w,
            (struct fetch_request){.method = "POST", .headers = h, .n_headers = 2, .body = STR("{\"a\":1}")},
            "/hello", &a, &why);
        assert_int_equal(rc, RC_OK);
        assert_int_equal(a.status, 200);
        assert_true(str_eq(a.body, STR("{}")));
        assert_true(str_eq(a.log_id, STR("2026log")));
        assert_true(str_eq(a.retry_after, STR("7")));
        assert_true(str_eq(a.content_type, STR("application/json")));
        assert_true(a.sent);
    }
    assert_non_null(strstr(w->seen, "Access-Token: act.secret\r\n"));
    assert_non_null(strstr(w->seen, "\r\n\r\n{\"a\":1}"));
    assert_null(strstr(w->seen, "Expect"));
    assert_int_equal(w->connections, 1); /* kept */
}

static void test_bad_answers(void **state)
{
    struct world *w = *state;
    struct fault why = {0};
    struct fetch_answer a;
    enum rc rc = call(w, (struct fetch_request){0}, "/redirect", &a, &why);
    assert_int_equal(rc, RC_OK);
    assert_int_equal(a.status, 302); /* not followed */
    assert_int_equal(w->requests, 1);
    assert_int_equal(call(w, (struct fetch_request){0}, "/500", &a, &why), RC_OK);
    assert_int_equal(a.status, 500);
    assert_true(str_eq(a.body, STR("bad")));
    rc = call(w, (struct fetch_request){0}, "/half", &a, &why);
    assert_fault(rc, RC_RETRY, &why, "fetch.cut");
    assert_true(a.sent);
    rc = call(w, (struct fetch_request){.max_bytes = 100000}, "/huge", &a, &why);
    assert_fault(rc, RC_FULL, &why, "fetch.too_large");
    rc = call(w, (struct fetch_request){0}, "/headers", &a, &why);
    assert_fault(rc, RC_FULL, &why, "fetch.too_large");
    rc = call(w, (struct fetch_request){0}, "/garbage", &a, &why);
    assert_int_equal(rc, RC_RETRY);
    int64_t start = clock_mono_ms();
    rc = call(w, (struct fetch_request){.total_ms = 300}, "/slow", &a, &why);
    assert_fault(rc, RC_RETRY, &why, "fetch.timeout");
    assert_true(a.sent);
    assert_true(clock_mono_ms() - start < 3000);
}

static void test_nothing_listens(void **state)
{
    struct world *w = *state;
    struct fault why = {0};
    struct fetch_answer a;
    enum rc rc = call(w, (struct fetch_request){.url = STR("http://127.0.0.1:1/")}, NULL, &a, &why);
    assert_fault(rc, RC_RETRY, &why, "fetch.connect");
    assert_false(a.sent);
    rc = call(w,
              (struct fetch_request){
                  .cls = FETCH_PUBLIC, .url = STR("https://no-such-name.invalid/"), .total_ms = 2000},
              NULL, &a, &why);
    assert_int_equal(rc, RC_RETRY);
    assert_false(a.sent);
}

static void test_a_dead_kept_connection(void **state)
{
    struct world *w = *state;
    struct fault why = {0};
    struct fetch_answer a;
    struct fetch_request once = {.method = "POST", .body = STR("pay")};
    assert_int_equal(call(w, once, "/keep-then-die", &a, &why), RC_OK);
    int before = w->requests;
    enum rc rc = call(w, once, "/hello", &a, &why); /* the server takes it and hangs up */
    assert_int_equal(rc, RC_RETRY);
    assert_true(a.sent);
    assert_int_equal(w->requests, before + 1); /* not repeated behind our back */
    assert_int_equal(call(w, once, "/keep-then-die", &a, &why), RC_OK);
    once.repeatable = true;
    assert_int_equal(call(w, once, "/hello", &a, &why), RC_OK);
}

static void test_hostile_urls(void **state)
{
    struct world *w = *state;
    struct fault why = {0};
    struct fetch_answer a;
    static const char *const wrong[] = {"",
                                        "ftp://example.com/",
                                        "file:///etc/passwd",
                                        "gopher://127.0.0.1/",
                                        "//example.com/",
                                        "https:/example.com",
                                        "https://",
                                        "https:///x",
                                        "https://user@example.com/",
                                        "https://user:pw@example.com/",
                                        "https://exa mple.com/",
                                        "https://example.com\r\nX: y/",
                                        "https://example.com/a\nb",
                                        "https://example.com\\@evil.test/",
                                        "https://example.com/#frag",
                                        "https://example.com:0/",
                                        "https://example.com:65536/",
                                        "https://example.com:/",
                                        "https://example.com:80:80/",
                                        "https://example..com/",
                                        "https://example.com./",
                                        "https://.example.com/",
                                        "https://[::1/",
                                        "https://[fe80::1%25eth0]/",
                                        "https://[]/",
                                        "https://exämple.com/",
                                        "https://%6c/",
                                        "https://[1.2.3.4]/",
                                        "HTTPS://example.com/x"};
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        enum rc rc =
            call(w, (struct fetch_request){.cls = FETCH_PUBLIC, .url = str_of(wrong[i])}, NULL, &a, &why);
        if (rc != RC_INVALID || strcmp(why.code, "fetch.url") != 0)
            fail_msg("%s: %s %s", wrong[i], rc_name(rc), why.code);
    }
    assert_int_equal(w->connections, 0);
}

static void test_who_may_get_a_token(void **state)
{
    struct world *w = *state;
    struct fault why = {0};
    struct fetch_answer a;
    static const char *const other[] = {"https://evil.test/", "https://tiktok.test.evil.test/",
                                        "https://xtiktok.test/", "https://sub.tiktok.test/"};
    for (size_t i = 0; i < COUNT_OF(other); i++)
        assert_fault(call(w, (struct fetch_request){.url = str_of(other[i])}, NULL, &a, &why), RC_DENIED,
                     &why, "fetch.host");
    const struct fetch_header token[] = {{.name = "authorization", .value = STR("Bearer x")}};
    enum rc rc = call(w, (struct fetch_request){.cls = FETCH_PUBLIC, .headers = token, .n_headers = 1},
                      "/hello", &a, &why);
    assert_fault(rc, RC_DENIED, &why, "fetch.host");
    assert_int_equal(w->connections, 0);
}

static void test_header_injection(void **state)
{
    struct world *w = *state;
    struct fault why = {0};
    struct fetch_answer a;
    const struct fetch_header bad[] = {{.name = "X-A", .value = STR("a\r\nX-Evil: 1")},
                                       {.name = "X-A", .value = STR("a\n")},
                                       {.name = "X-A", .value = STR("a\0b")},
                                       {.name = "X-A\r\nX-Evil", .value = STR("1")},
                                       {.name = "X-A: 1", .value = STR("1")},
                                       {.name = "", .value = STR("1")},
                                       {.name = "X-A", .secret = {(const unsigned char *)"s\r\nY: 1", 7}}};
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_fault(call(w, (struct fetch_request){.headers = &bad[i], .n_headers = 1}, "/hello", &a, &why),
                     RC_INVALID, &why, "fetch.header");
    assert_int_equal(w->connections, 0);
}

static void test_private_addresses_are_refused(void **state)
{
    struct world *w = *state; /* fetch.allow_private is empty here */
    struct fault why = {0};
    struct fetch_answer a;
    static const char *const forms[] = {
        "https://127.0.0.1",          "https://2130706433",      "https://0x7f.1",
        "https://0177.0.0.1",         "https://127.1",           "https://[::1]",
        "https://[::ffff:127.0.0.1]", "https://[::ffff:7f00:1]", "https://0",
        "https://169.254.169.254",    "https://10.0.0.1",        "https://localhost",
        "http://127.0.0.1",           "http://localhost",        "http://8.8.8.8"};
    for (size_t i = 0; i < COUNT_OF(forms); i++) {
        str url = arena_fmt(w->mem, "%s:%d/", forms[i], w->port);
        enum rc rc = call(w, (struct fetch_request){.cls = FETCH_PUBLIC, .url = url}, NULL, &a, &why);
        if (rc != RC_DENIED || strcmp(why.code, "fetch.address") != 0)
            fail_msg("%s: %s %s %s", url.p, rc_name(rc), why.code, why.detail);
    }
    assert_int_equal(w->connections, 0);
}

/* What rebinding amounts to: the checked answer was public, the socket's address is not. */
static void test_the_socket_is_checked_again(void **state)
{
    struct world *w = *state;
    struct fault why = {0};
    unsigned char a[16];
    assert_true(host_is_address(STR("127.0.0.1"), a));
    assert_int_equal(fetch_address_ok(w->fetch, true, a, &why), RC_DENIED);
    CURL *easy = curl_easy_init();
    struct handle h = {.fetch = w->fetch, .tls = true};
    char url[64];
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%d/hello", w->port);
    fetch_set_fixed(easy, w->fetch);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, &h);
    curl_easy_setopt(easy, CURLOPT_URL, url);
    assert_int_not_equal(curl_easy_perform(easy), CURLE_OK);
    assert_true(h.refused);
    assert_int_equal(w->connections, 0);
    curl_easy_cleanup(easy);
}

static void test_settings_are_checked(void **state)
{
    (void)state;
    static char a[] = "MZ_FETCH_ALLOW_PRIVATE=10.1.2.3/8",
                b[] = "MZ_FETCH_TIKTOK_HOSTS=https://open.tiktokapis.com";
    char *wrong[] = {a, b};
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        char *env[] = {wrong[i], NULL};
        struct fault why = {0};
        struct fetch *f = NULL;
        struct config *c = config_for(env, &why);
        assert_fault(fetch_open(c, NULL, &f, &why), RC_INVALID, &why, "fetch.setting");
        assert_null(f);
        config_close(&c);
    }
}

static void *many_calls(void *arg)
{
    struct world *w = arg;
    struct arena *mem = arena_open((size_t)1 << 20);
    for (int i = 0; i < 20; i++) {
        struct fault why;
        struct fetch_answer a;
        struct fetch_request rq = {.what = "test", .method = "GET"};
        rq.url = arena_fmt(mem, "http://localhost:%d/500", w->port);
        enum rc rc = fetch_run(w->fetch, &rq, mem, &a, &why);
        if (rc != RC_OK || a.status != 500)
            return arg;
        arena_reset(mem);
    }
    arena_close(&mem);
    return NULL;
}

static void test_many_threads(void **state)
{
    pthread_t t[6];
    for (size_t i = 0; i < COUNT_OF(t); i++)
        assert_int_equal(pthread_create(&t[i], NULL, many_calls, *state), 0);
    for (size_t i = 0; i < COUNT_OF(t); i++) {
        void *bad;
        pthread_join(t[i], &bad);
        assert_null(bad);
    }
}

#define OPEN(f) cmocka_unit_test_setup_teardown(f, open_world, close_world)
#define CLOSED(f) cmocka_unit_test_setup_teardown(f, open_closed_world, close_world)
int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_settings_are_checked),
        OPEN(test_a_plain_answer),
        OPEN(test_bad_answers),
        OPEN(test_nothing_listens),
        OPEN(test_a_dead_kept_connection),
        OPEN(test_hostile_urls),
        OPEN(test_who_may_get_a_token),
        OPEN(test_header_injection),
        OPEN(test_many_threads),
        CLOSED(test_private_addresses_are_refused),
        CLOSED(test_the_socket_is_checked_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
