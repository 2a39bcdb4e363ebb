/* The feed on both databases, through a real server: order, resuming, losing one's place, who may go on
 * listening, writers that race, tidying. */
#include "testdb.h"
#include "feed/feed_priv.h"
#include "crypto/crypto.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

struct world {
    struct testdb db;
    struct config *config;
    struct feed *feed;
    struct http *http;
    struct route_table routes;
    _Atomic bool refused; /* the answer to "may it go on?" */
    _Atomic int asked;
};

static enum rc who(void *arg, struct request *rq, struct principal *out, struct fault *why)
{
    (void)arg;
    (void)why;
    str ws = rq_header(rq, "x-workspace");
    *out = (struct principal){.kind = WHO_MEMBER,
                              .workspace = ws.n ? ws : STR("ws_a"),
                              .id = STR("mem_1"),
                              .role = STR("agent"),
                              .session = STR("of the stream"),
                              .may = UINT64_MAX};
    return RC_OK;
}

static bool still(void *arg, const struct principal *p)
{
    struct world *w = arg;
    w->asked++;
    assert_true(str_eq(p->id, STR("mem_1")) && str_eq(p->session, STR("of the stream")));
    return !w->refused;
}

static const struct migration_table *tables(void)
{
    static struct migration_table t[1];
    t[0] = feed_migrations;
    return t;
}

static void world_open(struct world *w, bool postgres)
{
    struct fault why;
    const struct setting_table t[] = {{feed_settings, feed_settings_n}, {http_settings, http_settings_n}};
    char *env[] = {(char[]){"MZ_PUBLIC_BASE_URL=http://127.0.0.1:1"}, (char[]){"MZ_HTTP_LISTEN=127.0.0.1:0"},
                   (char[]){"MZ_FEED_STREAMS_MAX=3"}, NULL};
    *w = (struct world){.http = NULL};
    crypto_start();
    testdb_open(&w->db, postgres, tables(), 1);
    assert_rc(config_load(t, 2, STR_NONE, env, &w->config, &why), RC_OK, &why);
    const struct feed_options fo = {.store = w->db.store, .config = w->config, .still = still, .arg = w};
    assert_rc(feed_open(&fo, &w->feed, &why), RC_OK, &why);
    w->routes = (struct route_table){feed_routes, feed_routes_n, NULL};
    const struct http_options ho = {.config = w->config,
                                    .listen_key = "http.listen",
                                    .tables = &w->routes,
                                    .n_tables = 1,
                                    .hooks = {.who = who, .stream = feed_stream_hooks(w->feed)}};
    assert_rc(http_open(&ho, &w->http, &why), RC_OK, &why);
    assert_rc(feed_start(w->feed, w->http, &why), RC_OK, &why);
}

static void world_close(struct world *w)
{
    feed_stop(w->feed);
    http_close(&w->http);
    feed_close(&w->feed);
    config_close(&w->config);
    testdb_close(&w->db);
}

/* ---- a listener ---- */
struct ear {
    int fd;
    char text[65536];
    size_t n;
    bool ended;
};

static void ear_open(struct world *w, struct ear *e, const char *headers)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)http_port(w->http)),
                            .sin_addr = {htonl(INADDR_LOOPBACK)}};
    char rq[512];
    struct timeval limit = {0, 20000};
    *e = (struct ear){.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    (void)setsockopt(e->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    assert_int_equal(connect(e->fd, (struct sockaddr *)&a, sizeof a), 0);
    int n = snprintf(rq, sizeof rq,
                     "GET /v1/feed HTTP/1.1\r\nHost: 127.0.0.1:1\r\nAccept: text/event-stream\r\n%s\r\n",
                     headers);
    assert_int_equal(send(e->fd, rq, (size_t)n, MSG_NOSIGNAL), n);
}

static void ear_listen(struct ear *e)
{
    ssize_t k = recv(e->fd, e->text + e->n, sizeof e->text - 1 - e->n, 0);
    if (k == 0)
        e->ended = true;
    if (k > 0)
        e->n += (size_t)k;
    e->text[e->n] = 0;
}

static void hears(struct ear *e, const char *what)
{
    int64_t until = clock_mono_ms() + 10000;
    while (!strstr(e->text, what)) {
        if (clock_mono_ms() > until || e->ended)
            fail_msg("never heard %s, but:\n%s", what, e->text);
        ear_listen(e);
    }
}

static void hears_the_end(struct ear *e)
{
    int64_t until = clock_mono_ms() + 10000;
    while (!e->ended && clock_mono_ms() < until)
        ear_listen(e);
    assert_true(e->ended);
}

/* ---- writers ---- */
struct put {
    const char *ws, *topic;
    str ref;
    int times;
    enum rc end;
};

static enum rc put_fn(struct tx *tx, void *arg, struct fault *why)
{
    const struct put *p = arg;
    for (int i = 0; i < p->times; i++) {
        enum rc rc = feed_put(tx, str_of(p->ws), p->topic, p->ref, why);
        if (rc != RC_OK)
            return rc;
    }
    return p->end == RC_OK ? RC_OK : fault_set(why, p->end, "test.end", "as told");
}

static enum rc put(struct world *w, struct put p)
{
    struct fault why;
    return store_write(w->db.store, STORE_INTERACTIVE, put_fn, &p, &why);
}

/* ---- cases ---- */
static void tells_what_changed(bool postgres)
{
    struct world w;
    struct ear a, b;
    world_open(&w, postgres);
    assert_int_equal(put(&w, (struct put){"ws_a", "message", STR("msg_0"), 1, RC_OK}), RC_OK);
    ear_open(&w, &a, "");
    ear_open(&w, &b, "X-Workspace: ws_b\r\n");
    hears(&a, "id: 1\nevent: hello\ndata: {\"n\":1}\n\n");
    hears(&b, "id: 0\nevent: hello\ndata: {\"n\":0}\n\n");
    assert_int_equal(put(&w, (struct put){"ws_a", "message", STR("msg_x"), 1, RC_CONFLICT}), RC_CONFLICT);
    assert_int_equal(put(&w, (struct put){"ws_a", "message", STR("msg_1"), 1, RC_OK}), RC_OK);
    assert_int_equal(put(&w, (struct put){"ws_b", "flag", STR_NONE, 1, RC_OK}), RC_OK);
    hears(&a, "id: 2\ndata: {\"n\":2,\"topic\":\"message\",\"id\":\"msg_1\"}\n\n");
    hears(&b, "id: 1\ndata: {\"n\":1,\"topic\":\"flag\",\"id\":null}\n\n");
    assert_null(strstr(a.text, "msg_x"));
    assert_null(strstr(a.text, "msg_0")); /* it was there before the hello */
    assert_null(strstr(a.text, "flag"));
    assert_null(strstr(b.text, "msg_"));
    assert_int_equal(feed_streams(w.feed), 2);
    close(a.fd);
    close(b.fd);
    int64_t until = clock_mono_ms() + 10000;
    while (feed_streams(w.feed) > 0 && clock_mono_ms() < until)
        ear_listen(&(struct ear){.fd = -1});
    assert_int_equal(feed_streams(w.feed), 0);
    world_close(&w);
}
TESTDB_CASES(tells_what_changed)

static void resumes_at_its_place(bool postgres)
{
    struct world w;
    struct ear e;
    world_open(&w, postgres);
    assert_int_equal(put(&w, (struct put){"ws_a", "message", STR("m"), 300, RC_OK}), RC_OK);
    ear_open(&w, &e, "Last-Event-ID: 3\r\n");
    hears(&e, "event: hello\ndata: {\"n\":3}");
    hears(&e, "id: 300\n"); /* more than one look holds */
    for (int i = 4; i <= 300; i++) {
        char frame[64];
        (void)snprintf(frame, sizeof frame, "id: %d\ndata: {\"n\":%d,", i, i);
        const char *at = strstr(e.text, frame);
        assert_non_null(at);
        assert_null(strstr(at + 1, frame));
    }
    assert_null(strstr(e.text, "id: 3\ndata"));
    close(e.fd);
    ear_open(&w, &e, "Last-Event-ID: 900\r\n"); /* of another life: a restored database */
    hears(&e, "id: 300\nevent: reset");
    close(e.fd);
    ear_open(&w, &e, "Last-Event-ID: none\r\n");
    hears(&e, "id: 300\nevent: hello");
    close(e.fd);
    world_close(&w);
}
TESTDB_CASES(resumes_at_its_place)

static enum rc tidy_fn(struct tx *tx, void *arg, struct fault *why)
{
    return feed_db_tidy(tx, tx_now_ms(tx) + 1000, arg, why);
}

static void says_when_its_place_is_gone(bool postgres)
{
    struct world w;
    struct fault why;
    struct ear e;
    int64_t gone = 0;
    world_open(&w, postgres);
    assert_int_equal(put(&w, (struct put){"ws_a", "message", STR("m"), 20, RC_OK}), RC_OK);
    assert_rc(store_write(w.db.store, STORE_BULK, tidy_fn, &gone, &why), RC_OK, &why);
    assert_int_equal(gone, 19); /* the newest stays: it is the head */
    ear_open(&w, &e, "Last-Event-ID: 5\r\n");
    hears(&e, "id: 20\nevent: reset\ndata: {\"n\":20}");
    assert_int_equal(put(&w, (struct put){"ws_a", "message", STR("next"), 1, RC_OK}), RC_OK);
    hears(&e, "id: 21\ndata: {\"n\":21,\"topic\":\"message\",\"id\":\"next\"}");
    close(e.fd);
    ear_open(&w, &e, "Last-Event-ID: 19\r\n"); /* 20 is still there: nothing was missed */
    hears(&e, "event: hello\ndata: {\"n\":19}");
    hears(&e, "id: 21\n");
    close(e.fd);
    world_close(&w);
}
TESTDB_CASES(says_when_its_place_is_gone)

static void closes_whom_it_must(bool postgres)
{
    struct world w;
    struct ear e[4];
    world_open(&w, postgres);
    for (int i = 0; i < 3; i++) {
        ear_open(&w, &e[i], "");
        hears(&e[i], "event: hello");
    }
    ear_open(&w, &e[3], ""); /* feed.streams_max is 3 here */
    hears_the_end(&e[3]);
    w.refused = true; /* the member was removed */
    hears_the_end(&e[0]);
    hears_the_end(&e[1]);
    assert_true(w.asked >= 2);
    for (int i = 0; i < 4; i++)
        close(e[i].fd);
    world_close(&w);
}
TESTDB_CASES(closes_whom_it_must)

static void *write_many(void *arg)
{
    struct world *w = arg;
    for (int i = 0; i < 50; i++)
        while (put(w, (struct put){"ws_a", "message", STR("m"), 1 + i % 2, RC_OK}) != RC_OK)
            ;
    return NULL;
}

/* Writers race while somebody listens: every number comes, in order, once. */
static void misses_nothing_under_a_race(bool postgres)
{
    struct world w;
    struct ear e;
    pthread_t t[4];
    world_open(&w, postgres);
    ear_open(&w, &e, "");
    hears(&e, "event: hello");
    for (size_t i = 0; i < COUNT_OF(t); i++)
        assert_int_equal(pthread_create(&t[i], NULL, write_many, &w), 0);
    hears(&e, "id: 300\n"); /* 4 x (25 x 1 + 25 x 2) */
    for (size_t i = 0; i < COUNT_OF(t); i++)
        pthread_join(t[i], NULL);
    int64_t last = 0;
    for (const char *p = strstr(e.text, "\"n\":"); p; p = strstr(p + 1, "\"n\":")) {
        int64_t n = strtoll(p + 4, NULL, 10);
        assert_true(n == last + 1 || (n == 0 && last == 0));
        last = n;
    }
    assert_int_equal(last, 300);
    close(e.fd);
    world_close(&w);
}
TESTDB_CASES(misses_nothing_under_a_race)

static void refuses_strange_topics(bool postgres)
{
    struct world w;
    static const char *const bad[] = {
        "", "Message", "a b", "a\n", "0123456789012345678901234567890123456789x", "é"};
    world_open(&w, postgres);
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_int_equal(put(&w, (struct put){"ws_a", bad[i], STR_NONE, 1, RC_OK}), RC_INVALID);
    world_close(&w);
}
TESTDB_CASES(refuses_strange_topics)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TESTDB_BOTH(tells_what_changed),          TESTDB_BOTH(resumes_at_its_place),
        TESTDB_BOTH(says_when_its_place_is_gone), TESTDB_BOTH(closes_whom_it_must),
        TESTDB_BOTH(misses_nothing_under_a_race), TESTDB_BOTH(refuses_strange_topics),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
