/* Many clients at once: 10,000 idle connections, hundreds of slow ones of each kind that slowhttptest knows
 * (headers, body, read) beside a client that is served, and more reading requests than the workers can do.
 * Exit code 77, with the reason, where this machine allows too few descriptors. */
#include <sys/resource.h>
#include <sys/wait.h>
#include "http/conn_priv.h"
#include "test_kit.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SANITIZED = 1 };
#elif defined(__has_feature)
enum { SANITIZED = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) };
#else
enum { SANITIZED = 0 };
#endif

enum { IDLE = 10000, SLOW = 300, READERS = 10, LUMP = 1 << 20, ASKED = 1000 };
static struct kit kit;
static struct reply r;
static char lump[LUMP];

static enum rc inline_route(struct request *rq, void *ctx, struct fault *why)
{
    (void)ctx;
    (void)why;
    answer_body(rq, 200, "text/plain", STR("ok"));
    return RC_OK;
}

static enum rc lump_route(struct request *rq, void *ctx, struct fault *why)
{
    (void)ctx;
    (void)why;
    answer_body(rq, 200, "text/plain", (str){lump, sizeof(lump)});
    return RC_OK;
}

/* Work of 2 ms, as a database would keep a worker. */
static enum rc work_route(struct request *rq, void *ctx, struct fault *why)
{
    const struct timespec two_ms = {0, 2000000};
    (void)nanosleep(&two_ms, NULL);
    return inline_route(rq, ctx, why);
}

static const struct route routes[] = {
    {.method = "GET", .path = "/inline", .name = "inline", .cls = HTTP_INLINE, .handle = inline_route},
    {.method = "POST",
     .path = "/inline",
     .name = "inlinePost",
     .cls = HTTP_INLINE,
     .raw = true,
     .no_once = true,
     .handle = inline_route},
    {.method = "GET", .path = "/lump", .name = "lump", .cls = HTTP_INLINE, .handle = lump_route},
    {.method = "GET", .path = "/work", .name = "work", .cls = HTTP_READ, .handle = work_route},
};
static const struct route_table tables[] = {{routes, COUNT_OF(routes), NULL}};

static void kit_begin(char *const *env)
{
    kit_open_with(&kit, &(struct http_options){.tables = tables, .n_tables = 1}, env);
}

/* ---- figures ---- */

static int by_time(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static int64_t part_of(int64_t *us, size_t n, size_t percent)
{
    qsort(us, n, sizeof(*us), by_time);
    return us[(n - 1) * percent / 100];
}

/* A client that is served, in us. The median is judged, p99 shown: on a busy machine the last percent says
 * how long other programs ran. */
struct served {
    int64_t p50, p99;
};

static struct served serve_one(void)
{
    static int64_t us[ASKED];
    int fd = dial(http_port(kit.http));
    for (size_t i = 0; i < ASKED; i++) {
        int64_t begun = clock_mono_us();
        say(fd, STR("GET /inline HTTP/1.1\r\nHost: a\r\n\r\n"));
        assert_true(hear(fd, &r));
        assert_int_equal(r.status, 200);
        us[i] = clock_mono_us() - begun;
    }
    (void)close(fd);
    return (struct served){part_of(us, ASKED, 50), part_of(us, ASKED, 99)};
}

static void not_much_slower(const struct served *alone, const struct served *among)
{
    assert_in_range(among->p50, 0, 3 * alone->p50 + 10000); /* 1.2 on a quiet machine; this one is shared */
}

static int64_t resident_bytes(void)
{
    long all = 0, resident = 0;
    FILE *f = fopen("/proc/self/statm", "re");
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%ld %ld", &all, &resident), 2);
    (void)fclose(f);
    return (int64_t)resident * sysconf(_SC_PAGESIZE);
}

/* ---- idle ----
 * The clients are a process of their own, so that 10,000 connections need 10,000 descriptors a side and the
 * server's memory is counted alone. Over `line` go a port, then 'p' (ping some) or an end; back comes 'd'. */

static int line = -1;

static bool one_more(int port, int *fd)
{
    *fd = dial(port);
    say(*fd, STR("GET /inline HTTP/1.1\r\nHost: a\r\n\r\n"));
    return hear(*fd, &r) && r.status == 200;
}

static int clients(int peer)
{
    static int fds[IDLE];
    int port = 0;
    char c = 'd';
    if (read(peer, &port, sizeof(port)) != (ssize_t)sizeof(port)) {
        return 0;
    }
    for (size_t i = 0; i < IDLE; i++) {
        if (!one_more(port, &fds[i])) {
            return 1;
        }
    }
    while (write(peer, &c, 1) == 1 && read(peer, &c, 1) == 1) {
        for (size_t i = 0; i < IDLE; i += 97) {
            say(fds[i], STR("GET /inline HTTP/1.1\r\nHost: a\r\n\r\n"));
            if (!hear(fds[i], &r)) {
                return 1;
            }
        }
        c = 'd';
    }
    return 0;
}

static void clients_say_done(void)
{
    char c = 0;
    assert_int_equal(read(line, &c, 1), 1);
    assert_int_equal(c, 'd');
}

static void ten_thousand_sit_idle(void **state)
{
    static char *env[] = {"MZ_HTTP_MAX_CONNECTIONS=20000", "MZ_HTTP_MAX_PER_ADDRESS=10002",
                          "MZ_HTTP_REQUESTS_PER_CONNECTION=1000000", NULL};
    int more[3], port;
    (void)state;
    kit_begin(env);
    port = http_port(kit.http);
    struct served alone = serve_one(), among;
    int64_t before = resident_bytes();
    assert_int_equal(write(line, &port, sizeof(port)), sizeof(port));
    clients_say_done();
    int64_t grown = resident_bytes() - before;
    among = serve_one();
    print_message("10,000 idle: %lld KiB more, p99 %lld us alone, %lld us among them\n",
                  (long long)grown / 1024, (long long)alone.p99, (long long)among.p99);
    if (!SANITIZED) {
        assert_in_range(grown < 0 ? 0 : grown, 0, 32 << 20);
    }
    not_much_slower(&alone, &among);
    assert_int_equal(write(line, "p", 1), 1); /* they are all still served */
    clients_say_done();
    for (size_t i = 0; i < COUNT_OF(more); i++) { /* the cap per address: two more, not three */
        assert_int_equal(one_more(port, &more[i]), i < 2);
    }
    for (size_t i = 0; i < COUNT_OF(more); i++) {
        (void)close(more[i]);
    }
    (void)close(line);
    kit_close(&kit);
}

/* ---- slow ---- */

static void each_ends(const int *fds, size_t n, int status)
{
    for (size_t i = 0; i < n; i++) {
        bool heard = hear(fds[i], &r);
        assert_int_equal(heard ? r.status : 0, status);
        assert_true(closed(fds[i]));
        (void)close(fds[i]);
    }
}

static void nobody_is_connected(void)
{
    const struct timespec some = {0, 1000000};
    int64_t until = clock_mono_ms() + KIT_WAIT_S * 1000;
    while (atomic_load(&kit.http->n_connections) > 0) {
        assert_true(clock_mono_ms() < until);
        (void)nanosleep(&some, NULL);
    }
}

static void the_slow_harm_nobody(void **state)
{
    static int head[SLOW], body[SLOW], readers[READERS];
    static char *env[] = {"MZ_HTTP_MAX_PER_ADDRESS=1000", NULL};
    (void)state;
    atomic_store(&http_skew_ms, 0);
    kit_begin(env);
    struct served alone = serve_one();
    for (size_t i = 0; i < SLOW; i++) {
        head[i] = dial(http_port(kit.http));
        say(head[i], STR("GET /inline HTTP/1.1\r\nHost: a\r\n"));
        body[i] = dial(http_port(kit.http));
        say(body[i], STR("POST /inline HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\nx"));
    }
    for (size_t i = 0; i < READERS; i++) { /* they ask for more than any socket holds, and never read */
        int small = 4096;
        readers[i] = dial(http_port(kit.http));
        (void)setsockopt(readers[i], SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
        for (int k = 0; k < 12; k++) {
            say(readers[i], STR("GET /lump HTTP/1.1\r\nHost: a\r\n\r\n"));
        }
    }
    for (size_t i = 0; i < SLOW;
         i++) { /* one header and one byte more: that does not begin their time anew */
        say(head[i], STR("X-More: 1\r\n"));
        say(body[i], STR("x"));
    }
    struct served among = serve_one();
    print_message("slow clients: p99 %lld us alone, %lld us among them\n", (long long)alone.p99,
                  (long long)among.p99);
    not_much_slower(&alone, &among);
    atomic_store(&http_skew_ms, 10500); /* headers: 10 s */
    each_ends(head, SLOW, 408);
    atomic_store(&http_skew_ms, 21000); /* a body under 1,000 bytes a second, for 20 s */
    each_ends(body, SLOW, 408);
    nobody_is_connected(); /* an answer that nobody takes: 20 s */
    for (size_t i = 0; i < READERS; i++) {
        (void)close(readers[i]);
    }
    atomic_store(&http_skew_ms, 0);
    (void)serve_one();
    kit_close(&kit);
}

/* ---- too much ---- */

enum { CROWD = 64, EACH = 40 };
struct asker {
    pthread_t thread;
    int64_t us[EACH];
    int status[EACH];
    bool told_when; /* every 503 says Retry-After */
    struct reply r;
};

static void *asks(void *arg)
{
    struct asker *a = arg;
    int fd = dial(http_port(kit.http));
    a->told_when = true;
    for (size_t i = 0; i < EACH; i++) {
        int64_t begun = clock_mono_us();
        say(fd, STR("GET /work HTTP/1.1\r\nHost: a\r\n\r\n"));
        must(hear(fd, &a->r));
        a->us[i] = clock_mono_us() - begun;
        a->status[i] = a->r.status;
        a->told_when = a->told_when && (a->r.status != 503 || reply_header(&a->r, "retry-after").n > 0);
    }
    (void)close(fd);
    return NULL;
}

/* The median wait of what was served; *refused: how many were not. */
static int64_t crowd(char *const *env, size_t *refused)
{
    static struct asker askers[CROWD];
    static int64_t us[CROWD * EACH];
    size_t n = 0;
    *refused = 0;
    kit_begin(env);
    for (size_t i = 0; i < CROWD; i++) {
        assert_int_equal(pthread_create(&askers[i].thread, NULL, asks, &askers[i]), 0);
    }
    for (size_t i = 0; i < CROWD; i++) {
        assert_int_equal(pthread_join(askers[i].thread, NULL), 0);
        assert_true(askers[i].told_when);
        for (size_t k = 0; k < EACH; k++) {
            assert_true(askers[i].status[k] == 200 || askers[i].status[k] == 503);
            *refused += askers[i].status[k] == 503;
            if (askers[i].status[k] == 200) {
                us[n++] = askers[i].us[k];
            }
        }
    }
    for (int i = 0; i < 20; i++) { /* over: everybody is served again */
        ask(http_port(kit.http), STR("GET /work HTTP/1.1\r\nHost: a\r\n\r\n"), &r);
        assert_int_equal(r.status, 200);
    }
    kit_close(&kit);
    return part_of(us, n, 50);
}

static void a_standing_queue_is_shed(void **state)
{
    static char *off[] = {"MZ_HTTP_THREADS_READ=1", "MZ_HTTP_SHED_WAIT_MS=0", NULL};
    static char *on[] = {"MZ_HTTP_THREADS_READ=1", "MZ_HTTP_SHED_WAIT_MS=20", NULL};
    size_t refused_off, refused_on;
    (void)state;
    int64_t wait_off = crowd(off, &refused_off), wait_on = crowd(on, &refused_on);
    print_message("overload: served after %lld us, with shedding after %lld us (%zu of %d refused)\n",
                  (long long)wait_off, (long long)wait_on, refused_on, CROWD * EACH);
    assert_int_equal(refused_off, 0);
    assert_in_range(refused_on, 1, CROWD * EACH - CROWD);
    assert_in_range(wait_on, 0, wait_off * 2 / 3);
}

int main(void)
{
    const struct rlimit want = {12000, 12000};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ten_thousand_sit_idle),
        cmocka_unit_test(the_slow_harm_nobody),
        cmocka_unit_test(a_standing_queue_is_shed),
    };
    struct rlimit now;
    int ends[2];
    if (getrlimit(RLIMIT_NOFILE, &now) != 0 ||
        (now.rlim_cur < want.rlim_cur && setrlimit(RLIMIT_NOFILE, &want) != 0)) {
        print_message("SKIPPED: 10,000 connections need 12,000 descriptors, this machine allows %llu\n",
                      (unsigned long long)now.rlim_max);
        return 77;
    }
    must(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    pid_t child = fork(); /* before there is any thread */
    must(child >= 0);
    (void)close(ends[child == 0 ? 0 : 1]);
    if (child == 0) {
        _exit(clients(ends[1]));
    }
    line = ends[0];
    crypto_start();
    metrics_register(http_metrics, http_metrics_n);
    int failed = cmocka_run_group_tests_name("http crowd", tests, NULL, NULL), status = 0;
    must(waitpid(child, &status, 0) == child);
    return failed != 0 ? failed : WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
