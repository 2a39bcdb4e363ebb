/* The reader against nginx: every request of the malformed table, with another one behind it on the same
 * connection, goes to both. They may differ in whom they refuse, but where both accept they must see the same
 * requests; where only one of them sees a second request in the same bytes, a smuggler would have a way in.
 * Skipped without nginx. */
#include "unit.h"
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include "test_vectors.h"
#include "test_kit.h"

#define SEEN_MAX 8

struct seen { /* what one server answered on one connection */
    size_t n;
    int status[SEEN_MAX];
    char line[SEEN_MAX][64]; /* method, target and length as the server understood them */
};

static struct kit kit;
static int nginx_port;
static pid_t nginx_pid;
static char folder[64];
static unsigned both_accept, only_nginx, only_we;

/* ---- our side: one row for everything ---- */

static enum rc tell(struct request *rq, void *ctx, struct fault *why)
{
    (void)ctx;
    (void)why;
    answer_body(rq, 200, "text/plain",
                arena_fmt(rq_mem(rq), STR_FMT " " STR_FMT "%s" STR_FMT "|", STR_ARG(rq_method(rq)),
                          STR_ARG(rq_path(rq)), rq_query(rq).n > 0 ? "?" : "", STR_ARG(rq_query(rq))));
    return RC_OK;
}

static const struct route routes[] = {{.method = "*",
                                       .path = "/{rest*}",
                                       .name = "rest",
                                       .cls = HTTP_INLINE,
                                       .raw = true,
                                       .no_once = true,
                                       .handle = tell}};
static const struct route_table table = {routes, COUNT_OF(routes), NULL};

/* ---- nginx on a free port ---- */

static int free_port(void)
{
    struct sockaddr_in sa = {.sin_family = AF_INET};
    socklen_t n = sizeof(sa);
    sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &n), 0);
    (void)close(fd);
    return ntohs(sa.sin_port);
}

static void write_conf(const char *path)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    (void)fprintf(
        f,
        "daemon off; master_process off; pid %s/pid; error_log %s/error.log crit;\n"
        "events { worker_connections 64; }\n"
        "http { access_log off; client_body_temp_path %s/body; proxy_temp_path %s/p; fastcgi_temp_path "
        "%s/f;\n"
        "uwsgi_temp_path %s/u; scgi_temp_path %s/s; client_header_timeout 1s; client_body_timeout 1s;\n"
        "keepalive_timeout 1s; lingering_close off; merge_slashes off; client_max_body_size 64m;\n"
        "server { listen 127.0.0.1:%d; location / { default_type text/plain;\n"
        "return 200 \"$request_method $request_uri|\"; } } }\n",
        folder, folder, folder, folder, folder, folder, folder, nginx_port);
    assert_int_equal(fclose(f), 0);
}

static bool reachable(int port)
{
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    bool ok = connect(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0;
    (void)close(fd);
    return ok;
}

static const char *nginx_path(void)
{
    static const char *const places[] = {"/usr/sbin/nginx", "/usr/local/sbin/nginx", "/usr/bin/nginx"};
    for (size_t i = 0; i < COUNT_OF(places); i++) {
        if (access(places[i], X_OK) == 0) {
            return places[i];
        }
    }
    return NULL;
}

static bool nginx_start(void)
{
    char conf[96];
    const char *program = nginx_path();
    if (program == NULL) {
        return false;
    }
    (void)snprintf(folder, sizeof(folder), "/tmp/mz-nginx-XXXXXX");
    assert_non_null(mkdtemp(folder));
    nginx_port = free_port();
    (void)snprintf(conf, sizeof(conf), "%s/nginx.conf", folder);
    write_conf(conf);
    nginx_pid = fork();
    if (nginx_pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        int null = open("/dev/null", O_RDWR);
        (void)dup2(null, 1);
        (void)dup2(null, 2);
        (void)execl(program, "nginx", "-p", folder, "-c", conf, (char *)NULL);
        _exit(127);
    }
    int64_t until = clock_mono_ms() + KIT_WAIT_S * 1000;
    while (!reachable(nginx_port)) {
        if (clock_mono_ms() > until || waitpid(nginx_pid, NULL, WNOHANG) != 0) {
            fail_msg("nginx did not start");
        }
    }
    return true;
}

static int nginx_stop(void **state)
{
    (void)state;
    if (nginx_pid <= 0) {
        return 0;
    }
    (void)kill(nginx_pid, SIGTERM);
    (void)waitpid(nginx_pid, NULL, 0);
    pid_t child = fork();
    if (child == 0) {
        (void)execlp("rm", "rm", "-rf", folder, (char *)NULL);
        _exit(127);
    }
    (void)waitpid(child, NULL, 0);
    return 0;
}

/* ---- what a server made of some bytes ---- */

static void listen_to(int port, str bytes, struct seen *out)
{
    static struct reply r;
    memset(out, 0, sizeof(*out));
    int fd = dial(port);
    say(fd, bytes);
    (void)shutdown(fd, SHUT_WR);
    while (out->n < SEEN_MAX && hear(fd, &r)) {
        str rest = r.body, line = STR_NONE;
        if (r.status == 100) {
            continue;
        }
        bool told = r.status == 200 && str_cut(&rest, '|', &line) && line.n < sizeof(out->line[0]);
        (void)snprintf(out->line[out->n], sizeof(out->line[0]), STR_FMT, told ? (int)line.n : 0, line.p);
        out->status[out->n++] = r.status;
    }
    (void)close(fd);
}

static size_t accepted(const struct seen *s)
{
    size_t n = 0;
    while (n < s->n && s->status[n] == 200) {
        n++;
    }
    return n;
}

static void compare(str name, str bytes)
{
    struct seen we, they;
    struct buf b;
    buf_init(&b, NULL, VECTOR_BYTES * 2);
    vector_bytes(bytes, &b);
    buf_put(&b, STR("GET /smuggled HTTP/1.1\r\nHost: b\r\n\r\n"));
    listen_to(http_port(kit.http), buf_str(&b), &we);
    listen_to(nginx_port, buf_str(&b), &they);
    size_t a = accepted(&we), t = accepted(&they);
    only_nginx += a == 0 && t > 0;
    only_we += a > 0 && t == 0;
    both_accept += a > 0 && t > 0;
    for (size_t i = 0; i < a && i < t; i++) {
        if (strcmp(we.line[i], they.line[i]) != 0) {
            fail_msg(STR_FMT ": request %zu is '%s' here and '%s' for nginx", STR_ARG(name), i, we.line[i],
                     they.line[i]);
        }
    }
    /* Both took the first: then both must see as many requests, or one of them refuses the rest. */
    if (a > 0 && t > 0 && a != t && we.n == a && they.n == t) {
        fail_msg(STR_FMT ": %zu requests here, %zu for nginx", STR_ARG(name), a, t);
    }
    buf_release(&b);
}

static void one_malformed(const str *c, size_t n)
{
    assert_int_equal(n, 3);
    compare(c[1], c[2]);
}

static void one_wellformed(const str *c, size_t n)
{
    assert_int_equal(n, 3);
    compare(c[0], c[1]);
}

static void never_both_accept_and_disagree(void **state)
{
    const struct http_options o = {.tables = &table, .n_tables = 1, .plain_http_ok = true};
    (void)state;
    if (!nginx_start()) {
        skip();
    }
    kit_open_with(&kit, &o, NULL);
    size_t bad = vectors_each("tests/vectors/http/malformed.txt", one_malformed);
    assert_true(bad >= 300);
    unsigned wrongly = only_we + both_accept;
    size_t good = vectors_each("tests/vectors/http/wellformed.txt", one_wellformed);
    print_message("%zu malformed: %u only nginx accepts, %u both; %zu good: both accept %u\n", bad,
                  only_nginx, wrongly, good, both_accept - wrongly + only_we);
    assert_true(both_accept >= 20); /* the good ones: otherwise nothing was compared */
    kit_close(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_teardown(never_both_accept_and_disagree, nginx_stop)};
    crypto_start();
    metrics_register(http_metrics, http_metrics_n);
    return cmocka_run_group_tests_name("http nginx", tests, NULL, NULL);
}
