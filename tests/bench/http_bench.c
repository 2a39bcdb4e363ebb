/* A server with a few tiny routes, to measure what room http itself costs. Prints its port and serves until
 * stdin ends: /inline (answered on the event thread), /defer (ticket answered by another thread in batches),
 * /work (worker). Usage: http_bench [event threads] [worker threads]. Driven by tests/bench/http.mjs with
 * wrk, next to nginx.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>
#include "crypto/crypto.h"
#include "http/http.h"

struct parked { /* tickets waiting for the answering thread, as intake's wait for a commit */
    pthread_mutex_t lock;
    pthread_cond_t some;
    uint64_t tickets[4096];
    size_t n;
    bool ending;
    struct http *http;
};

static enum rc answer_now(struct request *rq, void *ctx, struct fault *why)
{
    (void)ctx;
    (void)why;
    answer_json(rq, 200, STR("{}"));
    return RC_OK;
}

static enum rc answer_later(struct request *rq, void *ctx, struct fault *why)
{
    struct parked *p = ctx;
    (void)why;
    must(rq_body(rq).n < 65536);
    uint64_t ticket = rq_defer(rq);
    (void)pthread_mutex_lock(&p->lock);
    must(p->n < COUNT_OF(p->tickets));
    p->tickets[p->n++] = ticket;
    (void)pthread_cond_signal(&p->some);
    (void)pthread_mutex_unlock(&p->lock);
    return RC_OK;
}

static void *answering(void *arg)
{
    struct parked *p = arg;
    static uint64_t batch[COUNT_OF(p->tickets)];
    for (;;) {
        (void)pthread_mutex_lock(&p->lock);
        while (p->n == 0 && !p->ending) {
            (void)pthread_cond_wait(&p->some, &p->lock);
        }
        size_t n = p->n;
        memcpy(batch, p->tickets, n * sizeof(batch[0]));
        p->n = 0;
        (void)pthread_mutex_unlock(&p->lock);
        for (size_t i = 0; i < n; i++) {
            http_reply(p->http, batch[i], RC_OK, NULL, 0);
        }
        if (n == 0) {
            return NULL;
        }
    }
}

static const struct route routes[] = {
    {.method = "GET",
     .path = "/inline",
     .name = "getInline",
     .cls = HTTP_INLINE,
     .raw = true,
     .no_once = true,
     .handle = answer_now,
     .doc = "At once."},
    {.method = "POST",
     .path = "/inline",
     .name = "postInline",
     .cls = HTTP_INLINE,
     .raw = true,
     .no_once = true,
     .handle = answer_now,
     .doc = "At once."},
    {.method = "POST",
     .path = "/defer",
     .name = "postDefer",
     .cls = HTTP_INLINE,
     .raw = true,
     .no_once = true,
     .handle = answer_later,
     .doc = "By a ticket."},
    {.method = "GET",
     .path = "/work",
     .name = "getWork",
     .cls = HTTP_READ,
     .handle = answer_now,
     .doc = "On a worker."},
};

static void load(const char *const *argv, struct config **config)
{
    static char threads[64], workers[64];
    static char *env[] = {"MZ_PUBLIC_BASE_URL=http://127.0.0.1",
                          "MZ_HTTP_LISTEN=127.0.0.1:0",
                          "MZ_HTTP_MAX_PER_ADDRESS=20000",
                          "MZ_HTTP_MAX_CONNECTIONS=20000",
                          "MZ_HTTP_INTAKE_PER_SECOND=0",
                          "MZ_HTTP_READS_PER_SECOND=0",
                          "MZ_HTTP_QUEUE_MAX=4096",
                          threads,
                          workers,
                          NULL};
    const struct setting_table one = {http_settings, http_settings_n};
    struct fault why = {0};
    (void)snprintf(threads, sizeof(threads), "MZ_HTTP_EVENT_THREADS=%s", argv[0]);
    (void)snprintf(workers, sizeof(workers), "MZ_HTTP_THREADS_READ=%s", argv[1]);
    if (config_load(&one, 1, STR_NONE, env, config, &why) != RC_OK) {
        const struct config_problem *ps;
        size_t n = config_problems(*config, &ps);
        for (size_t i = 0; i < n; i++) {
            (void)fprintf(stderr, STR_FMT ": " STR_FMT "\n", STR_ARG(ps[i].key), STR_ARG(ps[i].text));
        }
        must_failed("settings of the bench", __FILE__, __LINE__);
    }
}

int main(int argc, char **argv)
{
    static struct parked parked = {.lock = PTHREAD_MUTEX_INITIALIZER, .some = PTHREAD_COND_INITIALIZER};
    const char *const args[] = {argc > 1 ? argv[1] : "2", argc > 2 ? argv[2] : "2"};
    const struct route_table table = {routes, COUNT_OF(routes), &parked};
    struct config *config = NULL;
    struct http *http = NULL;
    struct fault why = {0};
    pthread_t thread;
    char c;
    crypto_start();
    load(args, &config);
    metrics_register(http_metrics, http_metrics_n);
    struct http_options o = {.config = config, .listen_key = "http.listen", .tables = &table, .n_tables = 1};
    if (http_open(&o, &http, &why) != RC_OK) {
        must_failed(why.detail, __FILE__, __LINE__);
    }
    parked.http = http;
    must(pthread_create(&thread, NULL, answering, &parked) == 0);
    (void)printf("%d\n", http_port(http));
    (void)fflush(stdout);
    while (read(0, &c, 1) > 0) {
    }
    http_drain(http);
    (void)pthread_mutex_lock(&parked.lock);
    parked.ending = true;
    (void)pthread_cond_signal(&parked.some);
    (void)pthread_mutex_unlock(&parked.lock);
    (void)pthread_join(thread, NULL);
    http_close(&http);
    config_close(&config);
    return 0;
}
