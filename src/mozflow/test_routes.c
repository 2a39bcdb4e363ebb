/* The routes of this room through a real server: endpoint, test event, list, replay; what is shown once;
 * whose it is. */
#include "test_world.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

struct site {
    struct world w;
    struct config *config;
    struct http *http;
    struct route_table routes;
    char answer[16384];
};

static enum rc who(void *arg, struct request *rq, struct principal *out, struct fault *why)
{
    (void)arg;
    (void)why;
    str ws = rq_header(rq, "x-workspace");
    *out = (struct principal){.kind = WHO_MEMBER,
                              .workspace = ws.n ? ws : STR("ws_a"),
                              .id = STR("mem_1"),
                              .role = STR("owner"),
                              .may = UINT64_MAX};
    return RC_OK;
}

static void site_open(struct site *s, bool postgres)
{
    struct fault why;
    const struct setting_table t[] = {{http_settings, http_settings_n}};
    char *env[] = {(char[]){"MZ_PUBLIC_BASE_URL=http://127.0.0.1:1"}, (char[]){"MZ_HTTP_LISTEN=127.0.0.1:0"},
                   (char[]){"MZ_HTTP_WRITES_PER_SECOND=0"}, NULL};
    world_open(&s->w, postgres, "127.0.0.0/8");
    assert_rc(config_load(t, 1, STR_NONE, env, &s->config, &why), RC_OK, &why);
    s->routes = (struct route_table){mozflow_routes, mozflow_routes_n, s->w.m};
    const struct problem_table problems[] = {{http_problems, http_problems_n},
                                             {mozflow_problems, mozflow_problems_n}};
    const struct http_options o = {.config = s->config,
                                   .listen_key = "http.listen",
                                   .tables = &s->routes,
                                   .n_tables = 1,
                                   .problems = problems,
                                   .n_problems = 2,
                                   .hooks = {.who = who}};
    assert_rc(http_open(&o, &s->http, &why), RC_OK, &why);
}

static void site_close(struct site *s)
{
    http_close(&s->http);
    config_close(&s->config);
    world_close(&s->w);
}

static int ask(struct site *s, const char *method, const char *path, const char *headers, const char *body)
{
    static int serial;
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)http_port(s->http)),
                            .sin_addr = {htonl(INADDR_LOOPBACK)}};
    char rq[4096];
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    int n = snprintf(
        rq, sizeof rq,
        "%s %s HTTP/1.1\r\nHost: 127.0.0.1:1\r\nConnection: close\r\nContent-Type: application/json\r\n"
        "Idempotency-Key: key-%d\r\n%sContent-Length: %zu\r\n\r\n%s",
        method, path, ++serial, headers, strlen(body), body);
    assert_int_equal(send(fd, rq, (size_t)n, MSG_NOSIGNAL), n);
    size_t got = 0;
    for (ssize_t k = 1; k > 0 && got<sizeof s->answer - 1; got += k> 0 ? (size_t)k : 0)
        k = recv(fd, s->answer + got, sizeof s->answer - 1 - got, 0);
    s->answer[got] = 0;
    close(fd);
    return (int)strtol(s->answer + 9, NULL, 10);
}

#define GET(s, path) ask((s), "GET", (path), "", "")
#define POST(s, path) ask((s), "POST", (path), "", "{}")

static const struct json *body_of(struct site *s)
{
    struct fault why;
    const struct json *j;
    const char *at = strstr(s->answer, "\r\n\r\n");
    assert_non_null(at);
    assert_rc(json_parse(arena_str(s->w.mem, str_of(at + 4)), NULL, s->w.mem, &j, &why), RC_OK, &why);
    return j;
}

static void an_operator_sets_it_up(bool postgres)
{
    static struct site s;
    char body[256], path[128];
    str id, secret, v;
    site_open(&s, postgres);
    assert_int_equal(GET(&s, "/v1/events/endpoint"), 200);
    assert_int_equal(POST(&s, "/v1/events/endpoint/test"), 409);
    assert_non_null(strstr(s.answer, "mozflow.no_endpoint"));
    assert_int_equal(POST(&s, "/v1/events/endpoint/rotate-secret"), 409);
    assert_int_equal(ask(&s, "PUT", "/v1/events/endpoint", "", "{\"url\":\"https://192.168.1.1/x\"}"), 422);
    (void)snprintf(body, sizeof body, "{\"url\":\"%s\",\"enabled\":false}", s.w.url);
    assert_int_equal(ask(&s, "PUT", "/v1/events/endpoint", "", body), 200);
    assert_true(json_str(body_of(&s), "secret", &secret) && str_starts(secret, STR("whsec_")));
    assert_int_equal(POST(&s, "/v1/events/endpoint/test"), 409); /* switched off */
    (void)snprintf(body, sizeof body, "{\"url\":\"%s\"}", s.w.url);
    assert_int_equal(ask(&s, "PUT", "/v1/events/endpoint", "", body), 200);
    assert_false(json_str(body_of(&s), "secret", &v)); /* shown once */
    assert_int_equal(GET(&s, "/v1/events/endpoint"), 200);
    assert_null(strstr(s.answer, "whsec_"));
    assert_int_equal(POST(&s, "/v1/events/endpoint/test"), 202);
    assert_true(json_str(body_of(&s), "event_id", &id));
    jobs_drain(s.w.jobs);
    assert_int_equal(s.w.to.n, 1);
    assert_true(verifies(&s.w, &s.w.to.got[0], secret));
    (void)snprintf(path, sizeof path, "/v1/events/" STR_FMT, STR_ARG(id));
    assert_int_equal(GET(&s, path), 200);
    assert_true(json_str(body_of(&s), "state", &v) && str_eq(v, STR("delivered")));
    (void)snprintf(path, sizeof path, "/v1/events/" STR_FMT "/replay", STR_ARG(id));
    assert_int_equal(POST(&s, path), 202);
    jobs_drain(s.w.jobs);
    assert_int_equal(s.w.to.n, 2);
    assert_true(str_eq(header(&s.w, &s.w.to.got[1], "webhook-id"), id));
    assert_int_equal(POST(&s, "/v1/events/endpoint/rotate-secret"), 200);
    assert_true(json_str(body_of(&s), "secret", &v) && !str_eq(v, secret));
    site_close(&s);
}
TESTDB_CASES(an_operator_sets_it_up)

static void lists_by_page_and_state(bool postgres)
{
    static struct site s;
    char path[160];
    str next;
    site_open(&s, postgres);
    for (int i = 0; i < 5; i++)
        (void)emit(&s.w);
    jobs_drain(s.w.jobs);
    assert_int_equal(GET(&s, "/v1/events?limit=3"), 200);
    assert_int_equal(json_get(body_of(&s), "items")->count, 3);
    assert_true(json_str(body_of(&s), "next_cursor", &next));
    (void)snprintf(path, sizeof path, "/v1/events?limit=3&cursor=" STR_FMT, STR_ARG(next));
    assert_int_equal(GET(&s, path), 200);
    assert_int_equal(json_get(body_of(&s), "items")->count, 2);
    assert_false(json_str(body_of(&s), "next_cursor", &next));
    assert_int_equal(GET(&s, "/v1/events?state=held"), 200);
    assert_int_equal(json_get(body_of(&s), "items")->count, 5);
    assert_int_equal(GET(&s, "/v1/events?state=delivered"), 200);
    assert_int_equal(json_get(body_of(&s), "items")->count, 0);
    assert_int_equal(GET(&s, "/v1/events?subject=msg_1"), 200);
    assert_int_equal(json_get(body_of(&s), "items")->count, 5);
    site_close(&s);
}
TESTDB_CASES(lists_by_page_and_state)

/* An event of another workspace and one that never was give the same bytes but for the request's id and path.
 * */
static void others_events_do_not_exist(bool postgres)
{
    static struct site s;
    char path[128];
    site_open(&s, postgres);
    str id = emit(&s.w);
    (void)snprintf(path, sizeof path, "/v1/events/" STR_FMT, STR_ARG(id));
    assert_int_equal(GET(&s, path), 200);
    assert_int_equal(ask(&s, "GET", path, "X-Workspace: ws_b\r\n", ""), 404);
    str code, other;
    assert_true(json_str(body_of(&s), "code", &code));
    assert_int_equal(GET(&s, "/v1/events/evt_01k00000000000000000000000"), 404);
    assert_true(json_str(body_of(&s), "code", &other) && str_eq(code, other));
    (void)snprintf(path, sizeof path, "/v1/events/" STR_FMT "/replay", STR_ARG(id));
    assert_int_equal(ask(&s, "POST", path, "X-Workspace: ws_b\r\n", "{}"), 404);
    assert_int_equal(ask(&s, "GET", "/v1/events", "X-Workspace: ws_b\r\n", ""), 200);
    assert_int_equal(json_get(body_of(&s), "items")->count, 0);
    site_close(&s);
}
TESTDB_CASES(others_events_do_not_exist)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TESTDB_BOTH(an_operator_sets_it_up),
        TESTDB_BOTH(lists_by_page_and_state),
        TESTDB_BOTH(others_events_do_not_exist),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
