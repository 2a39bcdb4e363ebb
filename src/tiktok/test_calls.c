/* The calls themselves against a small server of their own on loopback: the bytes that leave (path with its
 * final slash, bare Access-Token, one Content-Type, who stands in body and query), what comes back, and that
 * no secret ever reaches the log or a fault. */
#include "unit.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include "tiktok/tiktok_priv.h"
#include "crypto/crypto.h"

#define ACCESS "act.S3cretAccess!1"
#define REFRESH "rft.S3cretRefresh"
#define APP_SECRET "S3cretOfTheApp00112233"
#define CODE "S3cretCode*1!2"

struct world {
    struct config *config;
    struct fetch *fetch;
    struct log *log;
    struct tiktok *tiktok;
    struct arena *mem;
    int listener, port, log_fd[2];
    pthread_t server;
    _Atomic bool stop;
    pthread_mutex_t lock;
    char seen[16384];
    const char *answer; /* body to answer; NULL: hang up after reading the request */
    int status;
};

static bool read_all(int fd, char *buf, size_t cap)
{
    size_t n = 0, body = 0;
    char *end = NULL;
    while (n < cap - 1 && (end == NULL || n < (size_t)(end - buf) + 4 + body)) {
        ssize_t got = recv(fd, buf + n, cap - 1 - n, 0);
        if (got <= 0)
            return false;
        n += (size_t)got;
        buf[n] = '\0';
        end = strstr(buf, "\r\n\r\n");
        const char *length = end != NULL ? strcasestr(buf, "content-length:") : NULL;
        body = length != NULL && length < end ? strtoul(length + 15, NULL, 10) : 0;
    }
    return end != NULL;
}

static void serve_one(struct world *w, int fd)
{
    char buf[16384], head[256];
    if (!read_all(fd, buf, sizeof(buf)))
        return;
    pthread_mutex_lock(&w->lock);
    memcpy(w->seen, buf, sizeof(w->seen));
    const char *body = w->answer;
    pthread_mutex_unlock(&w->lock);
    if (body == NULL)
        return;
    int n = snprintf(head, sizeof(head),
                     "HTTP/1.1 %d X\r\nX-Tt-Logid: logid-of-header\r\nContent-Length: %zu\r\n"
                     "Connection: close\r\n\r\n",
                     w->status, strlen(body));
    (void)send(fd, head, (size_t)n, MSG_NOSIGNAL);
    (void)send(fd, body, strlen(body), MSG_NOSIGNAL);
}

static void *serve(void *arg)
{
    struct world *w = arg;
    struct pollfd p = {w->listener, POLLIN, 0};
    while (!w->stop) {
        if (poll(&p, 1, 20) <= 0)
            continue;
        int fd = accept(w->listener, NULL, NULL);
        struct timeval limit = {2, 0};
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
        serve_one(w, fd);
        close(fd);
    }
    return NULL;
}

static void listen_free(struct world *w)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t n = sizeof(a);
    w->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(w->listener, (struct sockaddr *)&a, sizeof(a)), 0);
    assert_int_equal(listen(w->listener, 16), 0);
    assert_int_equal(getsockname(w->listener, (struct sockaddr *)&a, &n), 0);
    w->port = ntohs(a.sin_port);
}

static int begin(void **state)
{
    struct world *w = test_calloc(1, sizeof(*w));
    struct fault why;
    char api[64], business[64], ads[64];
    crypto_start();
    listen_free(w);
    (void)snprintf(api, sizeof(api), "MZ_TIKTOK_API_URL=http://127.0.0.1:%d", w->port);
    (void)snprintf(business, sizeof(business), "MZ_TIKTOK_BUSINESS_API_URL=http://127.0.0.1:%d/open_api/v1.3",
                   w->port);
    (void)snprintf(ads, sizeof(ads), "MZ_TIKTOK_ADS_AUTHORIZE_URL=http://127.0.0.1:%d", w->port);
    char hosts[] = "MZ_FETCH_TIKTOK_HOSTS=127.0.0.1", allow[] = "MZ_FETCH_ALLOW_PRIVATE=127.0.0.0/8";
    char *env[] = {hosts, allow, api, business, ads, NULL};
    const struct setting_table t[] = {{fetch_settings, fetch_settings_n},
                                      {tiktok_settings, tiktok_settings_n}};
    assert_int_equal(config_load(t, 2, STR_NONE, env, &w->config, &why), RC_OK);
    assert_int_equal(pipe2(w->log_fd, O_CLOEXEC | O_NONBLOCK), 0);
    assert_int_equal(log_open(w->log_fd[1], LOG_DEBUG, &w->log, &why), RC_OK);
    assert_int_equal(fetch_open(w->config, w->log, &w->fetch, &why), RC_OK);
    assert_int_equal(tiktok_open(w->config, w->fetch, w->log, &w->tiktok, &why), RC_OK);
    w->mem = arena_open_secret((size_t)32 << 20);
    pthread_mutex_init(&w->lock, NULL);
    assert_int_equal(pthread_create(&w->server, NULL, serve, w), 0);
    *state = w;
    return 0;
}

static int end(void **state)
{
    struct world *w = *state;
    tiktok_close(&w->tiktok);
    fetch_close(&w->fetch);
    w->stop = true;
    pthread_join(w->server, NULL);
    log_close(&w->log);
    close(w->listener);
    close(w->log_fd[0]);
    close(w->log_fd[1]);
    config_close(&w->config);
    arena_close(&w->mem);
    pthread_mutex_destroy(&w->lock);
    test_free(w);
    return 0;
}

static void will_answer(struct world *w, int status, const char *body)
{
    pthread_mutex_lock(&w->lock);
    w->answer = body;
    w->status = status;
    w->seen[0] = '\0';
    pthread_mutex_unlock(&w->lock);
}

static void no_secret_in(const char *text)
{
    static const char *const secrets[] = {"S3cretAccess", "S3cretRefresh", "S3cretOfTheApp", "S3cretCode"};
    for (size_t i = 0; i < COUNT_OF(secrets); i++)
        if (strstr(text, secrets[i]) != NULL)
            fail_msg("%s stands in: %s", secrets[i], text);
}

static void log_is_clean(struct world *w)
{
    static char text[1 << 16];
    ssize_t got = read(w->log_fd[0], text, sizeof(text) - 1);
    assert_true(got > 0);
    text[got] = '\0';
    assert_non_null(strstr(text, "tiktok.call"));
    no_secret_in(text);
}

static struct secret secret(const char *s)
{
    return (struct secret){(const unsigned char *)s, strlen(s)};
}

static const struct permit permit;
static const struct tiktok_client *client(enum app_kind kind)
{
    static struct tiktok_client c;
    c = (struct tiktok_client){kind, STR("7600000000000000001"), secret(APP_SECRET)};
    return &c;
}
#define ACCOUNT_OK                                                                                           \
    "{\"code\":0,\"message\":\"OK\",\"request_id\":\"R\",\"data\":{\"access_token\":\"a\",\"expires_in\":"   \
    "86400,\"refresh_token\":\"r\",\"open_id\":\"o\"}}"
#define DONE "{\"code\":0,\"message\":\"OK\",\"request_id\":\"R\",\"data\":{}}"

static void saw(const struct world *w, const char *start, const char *const *parts, size_t n)
{
    if (strncmp(w->seen, start, strlen(start)) != 0)
        fail_msg("want %s, saw %s", start, w->seen);
    for (size_t i = 0; i < n; i++)
        if (strstr(w->seen, parts[i]) == NULL)
            fail_msg("%s is missing in %s", parts[i], w->seen);
    assert_null(strstr(w->seen, "charset"));
}

static void never(const struct world *w, const char *part)
{
    if (strcasestr(w->seen, part) != NULL)
        fail_msg("%s stands in %s", part, w->seen);
}

static void account_token_calls(void **state)
{
    struct world *w = *state;
    struct fault why = {0};
    struct tiktok_tokens t;
    will_answer(w, 200, ACCOUNT_OK);
    struct tiktok_code code = {.code = STR(CODE),
                               .redirect_uri = STR("https://x.example/cb/"),
                               .verifier = STR("not-for-this-family-0123456789ab")};
    assert_int_equal(tiktok_exchange(w->tiktok, &permit, client(APP_ACCOUNTS), &code, w->mem, &t, &why),
                     RC_OK);
    const char *const exchange[] = {"\r\nContent-Type: application/json\r\n",
                                    "{\"client_id\":\"7600000000000000001\",\"client_secret\":\"" APP_SECRET
                                    "\",\"grant_type\":\"authorization_code\",\"auth_code\":\"" CODE
                                    "\",\"redirect_uri\":\"https://x.example/cb/\"}"};
    saw(w, "POST /open_api/v1.3/tt_user/oauth2/token/ HTTP/1.1\r\n", exchange, COUNT_OF(exchange));
    never(w, "access-token");
    never(w, "verifier");

    will_answer(w, 200, ACCOUNT_OK);
    assert_int_equal(
        tiktok_refresh(w->tiktok, &permit, client(APP_ACCOUNTS), secret(REFRESH), w->mem, &t, &why), RC_OK);
    const char *const refresh[] = {"\"grant_type\":\"refresh_token\",\"refresh_token\":\"" REFRESH "\"}"};
    saw(w, "POST /open_api/v1.3/tt_user/oauth2/refresh_token/ HTTP/1.1\r\n", refresh, 1);

    will_answer(w, 200, DONE);
    assert_int_equal(tiktok_revoke(w->tiktok, &permit, client(APP_ACCOUNTS), secret(ACCESS), &why), RC_OK);
    const char *const revoke[] = {"\"client_secret\":\"" APP_SECRET "\",\"access_token\":\"" ACCESS "\"}"};
    saw(w, "POST /open_api/v1.3/tt_user/oauth2/revoke/ HTTP/1.1\r\n", revoke, 1);

    struct tiktok_token_info info;
    will_answer(w, 200, "{\"code\":0,\"data\":{\"creator_id\":\"o\",\"scope\":\"a, b\"}}");
    assert_int_equal(
        tiktok_token_info(w->tiktok, &permit, client(APP_ACCOUNTS), secret(ACCESS), w->mem, &info, &why),
        RC_OK);
    assert_true(str_eq(info.scopes, STR("a,b")));
    const char *const ask[] = {"{\"app_id\":\"7600000000000000001\",\"access_token\":\"" ACCESS "\"}"};
    saw(w, "POST /open_api/v1.3/tt_user/token_info/get/ HTTP/1.1\r\n", ask, 1);
    log_is_clean(w);
}

static void account_calls(void **state)
{
    struct world *w = *state;
    struct fault why = {0};
    struct tiktok_business b;
    struct tiktok_call call = {.access = secret(ACCESS),
                               .business_id = STR("-0+/="),
                               .scopes = STR("user.info.username,user.account.type")};
    const char *const bare[] = {"\r\nAccess-Token: " ACCESS "\r\n"};
    will_answer(w, 200, "{\"code\":0,\"data\":{\"username\":\"u\",\"is_business_account\":true}}");
    assert_int_equal(tiktok_business_get(w->tiktok, &permit, &call, w->mem, &b, &why), RC_OK);
    assert_true(b.is_business);
    saw(w,
        "GET /open_api/v1.3/business/get/?business_id=-0%2B%2F%3D&fields=%5B%22username%22%2C%22is_business_"
        "account%22%5D HTTP/1.1\r\n",
        bare, 1);
    never(w, "bearer");
    never(w, "authorization:");
    call.scopes = STR("message.list.read");
    assert_int_equal(tiktok_business_get(w->tiktok, &permit, &call, w->mem, &b, &why), RC_SCOPE);

    will_answer(w, 200, "{\"code\":40118,\"message\":\"not in allowlist\",\"request_id\":\"RQ\"}");
    assert_int_equal(tiktok_conversations_probe(w->tiktok, &permit, &call, &why), RC_OFF);
    assert_string_equal(why.code, "tiktok.not_allowed");
    assert_int_equal(why.outer_code, 40118);
    assert_string_equal(why.outer_ref, "RQ");
    saw(w,
        "GET /open_api/v1.3/business/message/conversation/list/?business_id=-0%2B%2F%3D&conversation_type="
        "STRANGER&limit=1 HTTP/1.1\r\n",
        bare, 1);
    log_is_clean(w);
}

static void subscription_calls(void **state)
{
    struct world *w = *state;
    struct fault why = {0};
    str url = STR_NONE;
    struct tiktok_subscription s = {STR("DIRECT_MESSAGE"), STR("https://x.example/webhooks/tiktok/accounts")};
    will_answer(w, 200, DONE);
    assert_int_equal(tiktok_subscription_set(w->tiktok, &permit, client(APP_ACCOUNTS), &s, &why), RC_OK);
    const char *const set[] = {"{\"app_id\":\"7600000000000000001\",\"secret\":\"" APP_SECRET
                               "\",\"event_type\":\"DIRECT_MESSAGE\",\"callback_url\":\"https://x.example/"
                               "webhooks/tiktok/accounts\"}"};
    saw(w, "POST /open_api/v1.3/business/webhook/update/ HTTP/1.1\r\n", set, 1);
    never(w, "item_list");
    never(w, "access-token");

    will_answer(w, 200, "{\"code\":0,\"data\":{\"callback_url\":\"https://x.example/w\"}}");
    assert_int_equal(
        tiktok_subscription_get(w->tiktok, &permit, client(APP_ACCOUNTS), STR("COMMENT"), w->mem, &url, &why),
        RC_OK);
    assert_true(str_eq(url, STR("https://x.example/w")));
    saw(w,
        "GET /open_api/v1.3/business/webhook/list/?app_id=7600000000000000001&secret=" APP_SECRET
        "&event_type=COMMENT HTTP/1.1\r\n",
        NULL, 0);
    will_answer(w, 404, "404 page not found");
    assert_int_equal(
        tiktok_subscription_get(w->tiktok, &permit, client(APP_ACCOUNTS), STR("COMMENT"), w->mem, &url, &why),
        RC_REFUSED);
    assert_string_equal(why.code, "tiktok.no_endpoint");
    assert_string_equal(why.outer_ref, "logid-of-header");
    no_secret_in(why.detail);

    will_answer(w, 200, DONE);
    assert_int_equal(
        tiktok_subscription_delete(w->tiktok, &permit, client(APP_ACCOUNTS), STR("COMMENT"), &why), RC_OK);
    saw(w, "POST /open_api/v1.3/business/webhook/delete/ HTTP/1.1\r\n", NULL, 0);
    log_is_clean(w);
}

static void advertiser_calls(void **state)
{
    struct world *w = *state;
    struct fault why = {0};
    struct tiktok_tokens t;
    struct tiktok_advertisers all;
    struct tiktok_ads_user u;
    will_answer(w, 200, "{\"code\":0,\"data\":{\"access_token\":\"a\",\"advertiser_ids\":[\"1\"]}}");
    struct tiktok_code code = {.code = STR(CODE), .redirect_uri = STR("https://x.example/ads/")};
    assert_int_equal(tiktok_exchange(w->tiktok, &permit, client(APP_ADS), &code, w->mem, &t, &why), RC_OK);
    const char *const exchange[] = {"{\"app_id\":\"7600000000000000001\",\"secret\":\"" APP_SECRET
                                    "\",\"auth_code\":\"" CODE "\"}"};
    saw(w, "POST /open_api/v1.3/oauth2/access_token/ HTTP/1.1\r\n", exchange, 1);
    assert_int_equal(t.n_advertisers, 1);

    will_answer(w, 200, "{\"code\":0,\"data\":{\"list\":[{\"advertiser_id\":\"1\"}]}}");
    assert_int_equal(
        tiktok_advertisers(w->tiktok, &permit, client(APP_ADS), secret(ACCESS), w->mem, &all, &why), RC_OK);
    const char *const bare[] = {"\r\nAccess-Token: " ACCESS "\r\n"};
    saw(w,
        "GET /open_api/v1.3/oauth2/advertiser/get/?app_id=7600000000000000001&secret=" APP_SECRET
        " HTTP/1.1\r\n",
        bare, 1);
    will_answer(w, 200, "{\"code\":0,\"data\":{\"core_user_id\":\"9\",\"email\":\"a@b.c\"}}");
    assert_int_equal(tiktok_ads_whoami(w->tiktok, &permit, secret(ACCESS), w->mem, &u, &why), RC_OK);
    saw(w, "GET /open_api/v1.3/user/info/ HTTP/1.1\r\n", bare, 1);
    will_answer(w, 200, DONE);
    assert_int_equal(tiktok_revoke(w->tiktok, &permit, client(APP_ADS), secret(ACCESS), &why), RC_OK);
    saw(w, "POST /open_api/v1.3/oauth2/revoke_token/ HTTP/1.1\r\n", NULL, 0);
    assert_int_equal(tiktok_refresh(w->tiktok, &permit, client(APP_ADS), secret(REFRESH), w->mem, &t, &why),
                     RC_BUG);
    assert_string_equal(why.code, "tiktok.no_refresh");
    log_is_clean(w);
}

/* What was sent and not answered may have rotated the token; a refusal that was read did not. */
static void lost_answers_are_unsure(void **state)
{
    struct world *w = *state;
    static const struct {
        int status;
        const char *body;
        enum rc rc;
    } rows[] = {
        {200, NULL, RC_UNSURE},
        {200, "<html>oops", RC_RETRY},
        {200, "{\"code\":0,\"data\":{\"access_token\":\"a", RC_UNSURE},
        {200, DONE, RC_UNSURE},
        {200, "{\"code\":40107,\"message\":\"m\"}", RC_REAUTH},
        {200, "{\"code\":40100,\"message\":\"m\"}", RC_LIMITED},
        {404, "404 page not found", RC_REFUSED},
        {502, "<html>bad gateway", RC_RETRY},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct tiktok_tokens t = {.expires_in_s = 77};
        struct fault why = {0};
        will_answer(w, rows[i].status, rows[i].body);
        enum rc rc =
            tiktok_refresh(w->tiktok, &permit, client(APP_ACCOUNTS), secret(REFRESH), w->mem, &t, &why);
        if (rc != rows[i].rc)
            fail_msg("row %zu: %s %s %s", i, rc_name(rc), why.code, why.detail);
        assert_int_equal(t.expires_in_s, 77);
        no_secret_in(why.detail);
    }
    log_is_clean(w);
}

static void the_login_kit_is_as_before(void **state)
{
    struct world *w = *state;
    struct fault why = {0};
    struct tiktok_tokens t;
    will_answer(w, 200,
                "{\"access_token\":\"a\",\"expires_in\":7200,\"refresh_token\":\"r\",\"refresh_expires_in\":"
                "9,\"open_id\":\"o\"}");
    struct tiktok_code code = {
        .code = STR("a*1"), .redirect_uri = STR("https://x.example/"), .verifier = STR("v")};
    assert_int_equal(tiktok_exchange(w->tiktok, &permit, client(APP_LOGIN_KIT), &code, w->mem, &t, &why),
                     RC_OK);
    const char *const form[] = {"\r\nContent-Type: application/x-www-form-urlencoded\r\n",
                                "\r\n\r\nclient_key=7600000000000000001&client_secret=" APP_SECRET
                                "&grant_type=authorization_code&code=a%2A1&redirect_uri=https%3A%2F%2Fx."
                                "example%2F&code_verifier=v"};
    saw(w, "POST /v2/oauth/token/ HTTP/1.1\r\n", form, 2);
    log_is_clean(w);
}

static void authorize_urls(void **state)
{
    struct world *w = *state;
    struct fault why = {0};
    struct tiktok_authorize a = {.kind = APP_ADS,
                                 .client_key = STR("76"),
                                 .redirect_uri = STR("https://x.example/ads/callback/"),
                                 .state = STR("s+1"),
                                 .scopes = STR("never"),
                                 .challenge = STR("never")};
    str url;
    assert_int_equal(tiktok_authorize_url(w->tiktok, &a, w->mem, &url, &why), RC_OK);
    str want = arena_fmt(w->mem,
                         "http://127.0.0.1:%d/portal/auth?app_id=76&redirect_uri=https%%3A%%2F%%2Fx.example"
                         "%%2Fads%%2Fcallback%%2F&state=s%%2B1",
                         w->port);
    if (!str_eq(url, want))
        fail_msg(STR_FMT, STR_ARG(url));
    a.kind = APP_ACCOUNTS;
    a.scopes = STR("user.info.basic,message.list.read");
    assert_int_equal(tiktok_authorize_url(w->tiktok, &a, w->mem, &url, &why), RC_OK);
    want =
        STR("https://www.tiktok.com/v2/auth/authorize/?client_key=76&response_type=code&scope=user.info."
            "basic%2Cmessage.list.read&redirect_uri=https%3A%2F%2Fx.example%2Fads%2Fcallback%2F&state=s%2B1"
            "&disable_auto_auth=1");
    if (!str_eq(url, want))
        fail_msg(STR_FMT, STR_ARG(url));
    assert_true(str_eq(tiktok_authorize_origin_of(w->tiktok, APP_ACCOUNTS), STR("https://www.tiktok.com")));
}

/* Every operation that a family has names one of its own rows, with a final slash. */
static void endpoints_are_whole(void **state)
{
    (void)state;
    size_t n = 0;
    for (unsigned k = 0; k < APP_KINDS; k++)
        for (unsigned op = 0; op < TIKTOK_OPS; op++) {
            const struct tiktok_endpoint *e = tiktok_endpoint_of((enum app_kind)k, (enum tiktok_op)op);
            if (e == NULL)
                continue;
            n++;
            assert_int_equal(e->kind, k);
            assert_true(str_ends(str_of(e->path), STR("/")) && strlen(e->doc) > 10);
        }
    assert_int_equal(n, 6 + 9 + 4);
    assert_null(tiktok_endpoint_of(APP_ADS, OP_REFRESH));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(account_token_calls),     cmocka_unit_test(account_calls),
        cmocka_unit_test(subscription_calls),      cmocka_unit_test(advertiser_calls),
        cmocka_unit_test(lost_answers_are_unsure), cmocka_unit_test(the_login_kit_is_as_before),
        cmocka_unit_test(authorize_urls),          cmocka_unit_test(endpoints_are_whole),
    };
    return cmocka_run_group_tests_name("tiktok calls", tests, begin, end);
}
