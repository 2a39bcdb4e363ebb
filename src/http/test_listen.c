/* Where a server listens: a socket handed over by the service manager, a Unix socket; and answers that go
 * wrong on purpose. */
#include "unit.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/un.h>
#include "test_kit.h"

static struct kit kit;
static struct reply r;

static enum rc fine(struct request *rq, void *ctx, struct fault *why)
{
    (void)ctx;
    (void)why;
    answer_json(rq, 200, STR("{\"fine\":true}"));
    return RC_OK;
}

static enum rc spoiled(struct request *rq, void *ctx, struct fault *why)
{
    (void)ctx;
    (void)why;
    int64_t keep = rq_int(rq, "keep", -1);
    answer_body(rq, 200, "text/plain", STR("0123456789"));
    answer_spoil(rq, keep < 0 ? SIZE_MAX : (size_t)keep, rq_int(rq, "pace", 0));
    return RC_OK;
}

static const struct param spoil_params[] = {
    {.name = "keep", .in = IN_QUERY, .kind = P_INT},
    {.name = "pace", .in = IN_QUERY, .kind = P_INT},
};
static const struct route routes[] = {
    {.method = "GET", .path = "/fine", .name = "fine", .cls = HTTP_READ, .handle = fine},
    {.method = "GET",
     .path = "/spoil",
     .name = "spoil",
     .cls = HTTP_READ,
     .params = spoil_params,
     .n_params = 2,
     .handle = spoiled},
};
static const struct route_table table = {routes, COUNT_OF(routes), NULL};

/* ---- handed over ---- */

static int listening(int *port)
{
    struct sockaddr_in sa = {.sin_family = AF_INET};
    socklen_t n = sizeof(sa);
    sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
    assert_int_equal(listen(fd, 16), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &n), 0);
    *port = ntohs(sa.sin_port);
    return fd;
}

/* The socket stands at descriptor 3 before the server is there; what was connected meanwhile is served, also
 * by the next server after the first has gone. */
static void a_socket_handed_over_keeps_its_backlog(void **state)
{
    const struct http_options o = {.tables = &table, .n_tables = 1};
    char pid[32];
    int port;
    (void)state;
    int fd = listening(&port);
    assert_int_equal(dup2(fd, 3), 3);
    if (fd != 3) {
        (void)close(fd);
    }
    (void)snprintf(pid, sizeof(pid), "%d", (int)getpid());
    assert_int_equal(setenv("LISTEN_PID", pid, 1), 0);
    assert_int_equal(setenv("LISTEN_FDS", "1", 1), 0);
    for (int round = 0; round < 2; round++) {
        int early = dial(port);
        say(early, STR("GET /fine HTTP/1.1\r\nHost: a\r\n\r\n"));
        kit_open_with(&kit, &o, NULL);
        assert_int_equal(http_port(kit.http), port);
        assert_true(hear(early, &r));
        assert_int_equal(r.status, 200);
        (void)close(early);
        kit_close(&kit);
    }
    assert_int_equal(unsetenv("LISTEN_FDS"), 0);
    (void)close(3);
}

static void names_choose_the_socket(void **state)
{
    const struct http_options o = {.tables = &table, .n_tables = 1};
    int port;
    (void)state;
    int fd = listening(&port);
    assert_int_equal(dup2(fd, 3), 3);
    assert_int_equal(setenv("LISTEN_FDS", "1", 1), 0);
    assert_int_equal(setenv("LISTEN_FDNAMES", "http.private_listen", 1), 0);
    kit_open_with(&kit, &o, NULL);
    assert_int_not_equal(http_port(kit.http), port); /* the socket is another listener's */
    kit_close(&kit);
    assert_int_equal(unsetenv("LISTEN_FDS"), 0);
    assert_int_equal(unsetenv("LISTEN_FDNAMES"), 0);
    (void)close(3);
}

/* ---- Unix ---- */

static void a_unix_socket_is_for_its_owner(void **state)
{
    char folder[] = "/tmp/mz-unix-XXXXXX", text[64];
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    struct timeval wait = {KIT_WAIT_S, 0};
    struct stat st;
    (void)state;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/s", folder);
    (void)snprintf(text, sizeof(text), "unix:%s/s", folder);
    const struct http_options o = {
        .tables = &table, .n_tables = 1, .listen_key = "admin", .listen_text = text};
    kit_open_with(&kit, &o, NULL);
    assert_int_equal(stat(sa.sun_path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
    say(fd, STR("GET /fine HTTP/1.1\r\nHost: a\r\n\r\n"));
    assert_true(hear(fd, &r));
    assert_int_equal(r.status, 200);
    (void)close(fd);
    kit_close(&kit);
    assert_int_not_equal(access(sa.sun_path, F_OK), 0);
    assert_int_equal(rmdir(folder), 0);
}

static void a_taken_port_refuses_the_start(void **state)
{
    const struct setting_table settings = {http_settings, http_settings_n};
    char *env[] = {"MZ_PUBLIC_BASE_URL=http://127.0.0.1:1", NULL};
    char text[64];
    struct config *config = NULL;
    struct http *http = NULL;
    struct fault why = {0};
    int port;
    (void)state;
    int fd = listening(&port);
    (void)snprintf(text, sizeof(text), "127.0.0.1:%d", port);
    assert_int_equal(config_load(&settings, 1, STR_NONE, env, &config, &why), RC_OK);
    const struct http_options o = {
        .config = config, .listen_key = "http.listen", .listen_text = text, .tables = &table, .n_tables = 1};
    assert_int_equal(http_open(&o, &http, &why), RC_INVALID);
    assert_string_equal(why.code, "http.listen");
    assert_non_null(strstr(why.detail, "EADDRINUSE"));
    config_close(&config);
    (void)close(fd);
}

/* ---- spoiled on purpose ---- */

static size_t all_of(int port, const char *path, char *out, size_t max)
{
    char text[128];
    size_t n = 0;
    int fd = dial(port);
    int k = snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", path);
    say(fd, (str){text, (size_t)k});
    for (ssize_t got; n < max && (got = recv(fd, out + n, max - n, 0)) > 0;) {
        n += (size_t)got;
    }
    (void)close(fd);
    return n;
}

static void answers_can_be_spoiled(void **state)
{
    static char got[4096];
    const struct http_options o = {.tables = &table, .n_tables = 1, .plain_http_ok = true};
    size_t at;
    (void)state;
    kit_open_with(&kit, &o, NULL);
    int port = http_port(kit.http);
    size_t n = all_of(port, "/spoil?keep=4", got, sizeof(got));
    assert_true(str_find((str){got, n}, STR("Content-Length: 10\r\n"), &at));
    assert_true(str_ends((str){got, n}, STR("\r\n\r\n0123")));
    assert_int_equal(all_of(port, "/spoil?keep=0", got, sizeof(got)), 0);
    int64_t begun = clock_mono_ms();
    n = all_of(port, "/spoil?pace=10", got, sizeof(got));
    assert_true(str_ends((str){got, n}, STR("\r\n\r\n0123456789")));
    assert_true(clock_mono_ms() - begun >= 90);
    kit_close(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_socket_handed_over_keeps_its_backlog),
        cmocka_unit_test(names_choose_the_socket),
        cmocka_unit_test(a_unix_socket_is_for_its_owner),
        cmocka_unit_test(a_taken_port_refuses_the_start),
        cmocka_unit_test(answers_can_be_spoiled),
    };
    crypto_start();
    metrics_register(http_metrics, http_metrics_n);
    return cmocka_run_group_tests_name("http listen", tests, NULL, NULL);
}
