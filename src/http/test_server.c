/* A real server and real sockets on loopback: connections, bodies, deadlines, tickets, streams, draining. */
#include "unit.h"
#include "http/conn_priv.h"
#include "test_kit.h"

#define BIG_BYTES (5U << 20)

static struct kit kit;
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER; /* held: routes of /gate wait */
static _Atomic int entered;
static _Atomic uint64_t parked;
static _Atomic uint64_t stream_now;
static _Atomic int streams_closed;
static char last_event[64];

/* ---- handlers ---- */

static enum rc echo(struct request *rq, void *ctx, struct fault *why)
{
    struct buf b;
    (void)ctx;
    (void)why;
    buf_init(&b, rq_mem(rq), (size_t)(1U << 20));
    buf_fmt(&b, STR_FMT " " STR_FMT " %zu ", STR_ARG(rq_method(rq)), STR_ARG(rq_path(rq)), rq_body(rq).n);
    buf_put(&b, str_sub(rq_body(rq), 0, 100));
    answer_body(rq, 200, "text/plain", buf_str(&b));
    return RC_OK;
}

static enum rc park(struct request *rq, void *ctx, struct fault *why)
{
    (void)ctx;
    (void)why;
    atomic_store(&parked, rq_defer(rq));
    return RC_OK;
}

static enum rc reply_at_once(struct request *rq, void *ctx, struct fault *why)
{
    (void)ctx;
    (void)why;
    http_reply(rq_http(rq), rq_defer(rq), RC_OK, NULL, 0);
    return RC_OK;
}

static enum rc wait_at_gate(struct request *rq, void *ctx, struct fault *why)
{
    (void)ctx;
    (void)why;
    atomic_fetch_add(&entered, 1);
    (void)pthread_mutex_lock(&gate);
    (void)pthread_mutex_unlock(&gate);
    answer_json(rq, 200, STR("{}"));
    return RC_OK;
}

static enum rc big(struct request *rq, void *ctx, struct fault *why)
{
    (void)ctx;
    (void)why;
    char *p = arena_take(rq_mem(rq), BIG_BYTES);
    assert_non_null(p);
    for (size_t i = 0; i < BIG_BYTES; i++) {
        p[i] = (char)('a' + i % 23);
    }
    answer_body(rq, 200, "text/plain", (str){p, BIG_BYTES});
    return RC_OK;
}

static size_t cap_by_path(str path, void *ctx)
{
    (void)ctx;
    return str_ends(path, STR("/large")) ? (size_t)(4U << 20) : 1024;
}

static const struct param app_param[] = {{.name = "app", .in = IN_PATH, .kind = P_TEXT, .required = true}};
static const struct route routes[] = {
    {.method = "GET",
     .path = "/inline",
     .name = "getInline",
     .cls = HTTP_INLINE,
     .raw = true,
     .handle = echo},
    {.method = "POST",
     .path = "/inline",
     .name = "postInline",
     .cls = HTTP_INLINE,
     .raw = true,
     .no_once = true,
     .handle = echo},
    {.method = "POST",
     .path = "/hook/{app}",
     .name = "hook",
     .cls = HTTP_INLINE,
     .raw = true,
     .no_once = true,
     .body_cap = cap_by_path,
     .params = app_param,
     .n_params = 1,
     .handle = echo},
    {.method = "GET", .path = "/work", .name = "getWork", .cls = HTTP_READ, .handle = echo},
    {.method = "POST",
     .path = "/work",
     .name = "postWork",
     .cls = HTTP_WRITE,
     .raw = true,
     .no_once = true,
     .body_max = 3U << 20,
     .handle = echo},
    {.method = "GET", .path = "/park", .name = "park", .cls = HTTP_INLINE, .handle = park},
    {.method = "GET", .path = "/later", .name = "later", .cls = HTTP_INLINE, .handle = reply_at_once},
    {.method = "GET", .path = "/gate", .name = "gate", .cls = HTTP_READ, .handle = wait_at_gate},
    {.method = "GET", .path = "/big", .name = "big", .cls = HTTP_READ, .handle = big},
    {.method = "GET", .path = "/stream", .name = "stream", .cls = HTTP_STREAM, .handle = NULL},
};
static const struct route_table table = {routes, COUNT_OF(routes), NULL};

static void stream_opened(void *arg, uint64_t stream, const struct principal *who, str last_event_id)
{
    (void)arg;
    (void)who;
    (void)snprintf(last_event, sizeof(last_event), STR_FMT, STR_ARG(last_event_id));
    atomic_store(&stream_now, stream);
}

static void stream_closed(void *arg, uint64_t stream)
{
    (void)arg;
    (void)stream;
    atomic_fetch_add(&streams_closed, 1);
}

static int open_kit(void **state)
{
    static char *env[] = {"MZ_HTTP_THREADS_READ=1", "MZ_HTTP_QUEUE_MAX=2", NULL};
    const struct http_options o = {
        .tables = &table, .n_tables = 1, .hooks = {.stream = {stream_opened, stream_closed, NULL}}};
    (void)state;
    atomic_store(&http_skew_ms, 0);
    atomic_store(&entered, 0);
    atomic_store(&parked, 0);
    atomic_store(&stream_now, 0);
    atomic_store(&streams_closed, 0);
    kit_open_with(&kit, &o, env);
    return 0;
}

static int close_kit(void **state)
{
    (void)state;
    kit_close(&kit);
    return 0;
}

static void await(const char *what, bool (*is)(void))
{
    int64_t until = clock_mono_ms() + KIT_WAIT_S * 1000;
    while (!is()) {
        struct timespec some = {0, 1000000};
        if (clock_mono_ms() > until) {
            fail_msg("waited in vain for %s", what);
        }
        (void)nanosleep(&some, NULL);
    }
}

static bool is_parked(void)
{
    return atomic_load(&parked) != 0;
}

static bool one_entered(void)
{
    return atomic_load(&entered) >= 1;
}

static bool stream_is_open(void)
{
    return atomic_load(&stream_now) != 0;
}

static bool stream_is_closed(void)
{
    return atomic_load(&streams_closed) == 1;
}

static bool no_connections(void)
{
    return atomic_load(&kit.http->n_connections) == 0;
}

/* ---- tests ---- */

static struct reply r;

static void keep_alive_serves_many(void **state)
{
    (void)state;
    int fd = dial(http_port(kit.http));
    for (int i = 0; i < 20; i++) {
        say(fd, i % 2 == 0 ? STR("GET /inline HTTP/1.1\r\nHost: a\r\n\r\n")
                           : STR("GET /work HTTP/1.1\r\nHost: a\r\n\r\n"));
        assert_true(hear(fd, &r));
        assert_int_equal(r.status, 200);
        assert_null(reply_header(&r, "connection").p);
    }
    say(fd, STR("GET /inline HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
    assert_true(hear(fd, &r));
    assert_true(str_eq(reply_header(&r, "connection"), STR("close")));
    assert_true(closed(fd));
    (void)close(fd);
}

static void pipelined_answers_come_in_order(void **state)
{
    static const char *const want[] = {"GET /work 0",      "POST /inline 5 hello", "",
                                       "POST /work 3 abc", "GET /inline 0",        "POST /hook/x 2 hi"};
    (void)state;
    int fd = dial(http_port(kit.http));
    say(fd, STR("GET /work HTTP/1.1\r\nHost: a\r\n\r\n"
                "POST /inline HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
                "GET /later HTTP/1.1\r\nHost: a\r\n\r\n"
                "POST /work HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
                "GET /inline HTTP/1.1\r\nHost: a\r\n\r\n"
                "POST /hook/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "
                "chunked\r\n\r\n1\r\nh\r\n1\r\ni\r\n0\r\n\r\n"));
    for (size_t i = 0; i < COUNT_OF(want); i++) {
        assert_true(hear(fd, &r));
        assert_int_equal(r.status, 200);
        if (!str_starts(r.body, str_of(want[i]))) {
            fail_msg("answer %zu: " STR_FMT, i, STR_ARG(r.body));
        }
    }
    (void)close(fd);
}

static void one_byte_at_a_time_is_the_same(void **state)
{
    static const char text[] =
        "POST /work HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\nGET /inline HTTP/1.1\r\nHost: a\r\n\r\n";
    (void)state;
    int fd = dial(http_port(kit.http)), one = 1;
    assert_int_equal(setsockopt(fd, IPPROTO_TCP, 1 /* TCP_NODELAY */, &one, sizeof(one)), 0);
    for (size_t i = 0; i < sizeof(text) - 1; i++) {
        say(fd, (str){text + i, 1});
    }
    assert_true(hear(fd, &r));
    assert_true(str_eq(r.body, STR("POST /work 11 hello world")));
    assert_true(hear(fd, &r));
    assert_true(str_starts(r.body, STR("GET /inline")));
    (void)close(fd);
}

static void large_bodies_arrive_whole(void **state)
{
    static char body[3U << 20];
    (void)state;
    memset(body, 'x', sizeof(body));
    int fd = dial(http_port(kit.http));
    char head[128];
    int n = snprintf(head, sizeof(head), "POST /work HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n",
                     sizeof(body));
    say(fd, (str){head, (size_t)n});
    say(fd, (str){body, sizeof(body)});
    assert_true(hear(fd, &r));
    assert_true(str_starts(r.body, STR("POST /work 3145728 xxx")));
    (void)close(fd);
}

static void large_answers_arrive_whole(void **state)
{
    static char got[BIG_BYTES + 4096];
    size_t n = 0, at;
    (void)state;
    int fd = dial(http_port(kit.http));
    say(fd, STR("GET /big HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
    for (ssize_t k; (k = recv(fd, got + n, sizeof(got) - n, 0)) > 0;) {
        n += (size_t)k;
    }
    assert_true(str_find((str){got, n}, STR("\r\n\r\n"), &at));
    assert_int_equal(n - at - 4, BIG_BYTES);
    for (size_t i = 0; i < BIG_BYTES; i++) {
        if (got[at + 4 + i] != (char)('a' + i % 23)) {
            fail_msg("byte %zu differs", i);
        }
    }
    (void)close(fd);
}

static void too_large_is_said_before_the_body(void **state)
{
    static const struct {
        const char *head;
        int status;
    } cases[] = {
        {"POST /inline HTTP/1.1\r\nHost: a\r\nContent-Length: 65537\r\n\r\n", 413},
        {"POST /work HTTP/1.1\r\nHost: a\r\nContent-Length: 3145729\r\n\r\n", 413},
        {"POST /hook/small HTTP/1.1\r\nHost: a\r\nContent-Length: 1025\r\n\r\n", 413},
        {"POST /nowhere HTTP/1.1\r\nHost: a\r\nContent-Length: 999999999999\r\n\r\n", 413},
        {"POST /hook/small HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n401\r\n", 413},
        {"POST /hook/large HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4194305\r\n\r\n",
         413},
        {"POST /hook/large HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4194304\r\n\r\n",
         100},
        {"GET /inline HTTP/1.1\r\nHost: a\r\nContent-Length: 70000\r\n\r\n", 413},
        {"GET /work HTTP/1.1\r\nHost: a\r\nContent-Length: 7\r\n\r\n", 400},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int fd = dial(http_port(kit.http));
        say(fd, str_of(cases[i].head));
        assert_true(hear(fd, &r));
        assert_int_equal(r.status, cases[i].status);
        if (r.status != 100) {
            assert_true(closed(fd));
        }
        (void)close(fd);
    }
}

static void continue_is_said_once(void **state)
{
    (void)state;
    int fd = dial(http_port(kit.http));
    say(fd, STR("POST /work HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n"));
    assert_true(hear(fd, &r));
    assert_int_equal(r.status, 100);
    say(fd, STR("ab"));
    say(fd, STR("cd"));
    assert_true(hear(fd, &r));
    assert_true(str_eq(r.body, STR("POST /work 4 abcd")));
    (void)close(fd);
}

static void malformed_is_refused_and_closed(void **state)
{
    (void)state;
    int fd = dial(http_port(kit.http));
    say(fd, STR("POST /inline HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
                "0\r\n\r\nGET /inline HTTP/1.1\r\nHost: a\r\n\r\n"));
    assert_true(hear(fd, &r));
    assert_int_equal(r.status, 400);
    assert_true(body_has(&r, "\"code\":\"http.malformed\""));
    assert_true(closed(fd));
    (void)close(fd);
}

static void slow_clients_are_closed(void **state)
{
    static const struct {
        const char *text;
        int64_t skew_ms;
        int status; /* 0: closed without a word */
    } cases[] = {
        {"GET /inline HTTP/1.1\r\nHost: a\r\nX: ", 11000, 408},
        {"POST /inline HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\nabc", 22000, 408},
        {"", 11000, 0},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        atomic_store(&http_skew_ms, 0);
        int fd = dial(http_port(kit.http));
        say(fd, str_of(cases[i].text));
        /* A second connection's answer proves that the first one's bytes have been read by then or soon. */
        ask(http_port(kit.http), STR("GET /inline HTTP/1.1\r\nHost: a\r\n\r\n"), &r);
        atomic_store(&http_skew_ms, cases[i].skew_ms);
        bool heard = hear(fd, &r);
        assert_int_equal(heard ? r.status : 0, cases[i].status);
        assert_true(closed(fd));
        (void)close(fd);
    }
}

static void a_steady_body_may_take_long(void **state)
{
    static char body[60000];
    (void)state;
    memset(body, 'y', sizeof(body));
    int fd = dial(http_port(kit.http));
    say(fd, STR("POST /inline HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\n"));
    say(fd, (str){body, 59999});
    ask(http_port(kit.http), STR("GET /inline HTTP/1.1\r\nHost: a\r\n\r\n"), &r);
    atomic_store(&http_skew_ms, 30000); /* 2,000 bytes a second so far */
    ask(http_port(kit.http), STR("GET /inline HTTP/1.1\r\nHost: a\r\n\r\n"), &r);
    say(fd, (str){body, 1});
    assert_true(hear(fd, &r));
    assert_true(str_starts(r.body, STR("POST /inline 60000")));
    (void)close(fd);
}

static void tickets_are_answered_once(void **state)
{
    (void)state;
    int fd = dial(http_port(kit.http));
    say(fd, STR("GET /park HTTP/1.1\r\nHost: a\r\n\r\n"));
    await("the ticket", is_parked);
    uint64_t ticket = atomic_exchange(&parked, 0);
    http_reply(kit.http, ticket, RC_FULL, NULL, 7);
    http_reply(kit.http, ticket, RC_OK, NULL, 0); /* the second finds nobody */
    assert_true(hear(fd, &r));
    assert_int_equal(r.status, 503);
    assert_true(str_eq(reply_header(&r, "retry-after"), STR("7")));
    say(fd, STR("GET /park HTTP/1.1\r\nHost: a\r\n\r\n"));
    await("the second ticket", is_parked);
    uint64_t second = atomic_exchange(&parked, 0);
    http_reply(kit.http, ticket, RC_OK, NULL, 0); /* an old ticket answers nothing */
    http_reply(kit.http, second, RC_INVALID, "input.form", 0);
    assert_true(hear(fd, &r));
    assert_int_equal(r.status, 400);
    (void)close(fd);
}

static void a_client_that_left_is_simply_gone(void **state)
{
    struct linger reset = {1, 0};
    (void)state;
    int fd = dial(http_port(kit.http));
    say(fd, STR("GET /park HTTP/1.1\r\nHost: a\r\n\r\n"));
    await("the ticket", is_parked);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)), 0);
    (void)close(fd);
    http_reply(kit.http, atomic_load(&parked), RC_OK, NULL, 0);
    await("the connection's end", no_connections);
    ask(http_port(kit.http), STR("GET /inline HTTP/1.1\r\nHost: a\r\n\r\n"), &r);
    assert_int_equal(r.status, 200);
}

static void half_closed_clients_get_their_answer(void **state)
{
    static const char *const paths[] = {"/work", "/inline", "/later"};
    char text[128];
    (void)state;
    for (size_t i = 0; i < COUNT_OF(paths); i++) {
        int fd = dial(http_port(kit.http));
        int n = snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", paths[i]);
        say(fd, (str){text, (size_t)n});
        assert_int_equal(shutdown(fd, SHUT_WR), 0);
        assert_true(hear(fd, &r));
        assert_int_equal(r.status, 200);
        assert_true(closed(fd));
        (void)close(fd);
    }
}

static void a_full_queue_is_503(void **state)
{
    int fds[4];
    (void)state;
    (void)pthread_mutex_lock(&gate);
    for (size_t i = 0; i < COUNT_OF(fds); i++) { /* one at work, two waiting, one too many */
        fds[i] = dial(http_port(kit.http));
        say(fds[i], STR("GET /gate HTTP/1.1\r\nHost: a\r\n\r\n"));
        if (i == 0) {
            await("the first to enter", one_entered);
        }
    }
    assert_true(hear(fds[3], &r));
    assert_int_equal(r.status, 503);
    assert_true(reply_header(&r, "retry-after").n > 0);
    assert_null(reply_header(&r, "connection").p);
    (void)pthread_mutex_unlock(&gate);
    for (size_t i = 0; i < 3; i++) {
        assert_true(hear(fds[i], &r));
        assert_int_equal(r.status, 200);
    }
    for (size_t i = 0; i < COUNT_OF(fds); i++) {
        (void)close(fds[i]);
    }
}

static void streams_flow_and_end(void **state)
{
    char line[16];
    (void)state;
    int fd = dial(http_port(kit.http));
    say(fd, STR("GET /stream HTTP/1.1\r\nHost: a\r\nLast-Event-ID: 41\r\n\r\n"));
    assert_true(hear(fd, &r));
    assert_int_equal(r.status, 200);
    assert_true(str_eq(reply_header(&r, "content-type"), STR("text/event-stream")));
    await("the stream", stream_is_open);
    assert_string_equal(last_event, "41");
    http_stream_send(kit.http, atomic_load(&stream_now), STR("data: 1\n\n"));
    assert_int_equal(recv(fd, line, 9, MSG_WAITALL), 9);
    assert_memory_equal(line, "data: 1\n\n", 9);
    http_stream_close(kit.http, atomic_load(&stream_now));
    assert_true(closed(fd));
    (void)close(fd);
    await("the closed hook", stream_is_closed);
    http_stream_send(kit.http, atomic_load(&stream_now), STR("data: 2\n\n")); /* to nobody */
}

static void a_stream_nobody_reads_is_closed(void **state)
{
    static char lump[65536];
    (void)state;
    int fd = dial(http_port(kit.http));
    say(fd, STR("GET /stream HTTP/1.1\r\nHost: a\r\n\r\n"));
    await("the stream", stream_is_open);
    memset(lump, ':', sizeof(lump));
    for (int i = 0; i < 400 && !stream_is_closed(); i++) { /* more than any socket buffer holds */
        http_stream_send(kit.http, atomic_load(&stream_now), (str){lump, sizeof(lump)});
    }
    await("the closed hook", stream_is_closed);
    (void)close(fd);
}

static void *drainer(void *arg)
{
    http_drain(arg);
    return NULL;
}

static bool is_draining(void)
{
    return atomic_load(&kit.http->draining);
}

static void draining_answers_and_closes(void **state)
{
    pthread_t t;
    (void)state;
    int idle = dial(http_port(kit.http)), busy = dial(http_port(kit.http));
    say(idle, STR("GET /inline HTTP/1.1\r\nHost: a\r\n\r\n"));
    assert_true(hear(idle, &r));
    say(busy, STR("GET /park HTTP/1.1\r\nHost: a\r\n\r\n"));
    await("the ticket", is_parked);
    assert_int_equal(pthread_create(&t, NULL, drainer, kit.http), 0);
    await("draining", is_draining);
    assert_true(closed(idle));
    http_reply(kit.http, atomic_load(&parked), RC_OK, NULL, 0);
    assert_true(hear(busy, &r));
    assert_int_equal(r.status, 200);
    assert_true(str_eq(reply_header(&r, "connection"), STR("close")));
    assert_true(closed(busy));
    (void)close(idle);
    (void)close(busy);
    assert_int_equal(pthread_join(t, NULL), 0);
    assert_int_equal(atomic_load(&kit.http->n_connections), 0);
}

#define WITH_KIT(f) cmocka_unit_test_setup_teardown(f, open_kit, close_kit)
int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_KIT(keep_alive_serves_many),
        WITH_KIT(pipelined_answers_come_in_order),
        WITH_KIT(one_byte_at_a_time_is_the_same),
        WITH_KIT(large_bodies_arrive_whole),
        WITH_KIT(large_answers_arrive_whole),
        WITH_KIT(too_large_is_said_before_the_body),
        WITH_KIT(continue_is_said_once),
        WITH_KIT(malformed_is_refused_and_closed),
        WITH_KIT(slow_clients_are_closed),
        WITH_KIT(a_steady_body_may_take_long),
        WITH_KIT(tickets_are_answered_once),
        WITH_KIT(a_client_that_left_is_simply_gone),
        WITH_KIT(half_closed_clients_get_their_answer),
        WITH_KIT(a_full_queue_is_503),
        WITH_KIT(streams_flow_and_end),
        WITH_KIT(a_stream_nobody_reads_is_closed),
        WITH_KIT(draining_answers_and_closes),
    };
    crypto_start();
    metrics_register(http_metrics, http_metrics_n);
    return cmocka_run_group_tests_name("http server", tests, NULL, NULL);
}
