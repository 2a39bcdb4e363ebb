/* Adapts room http: reads a request into struct ask, runs it, writes struct reply, spoils the bytes when a
 * fault says so. A delay sleeps on the worker, without the simulator's lock. Limits per address are off:
 * everything here comes from one machine, and TikTok's own limits are simulated in the handlers.
 */
#include "front.h"
#include "flight.h"
#include "sender.h"
#include <errno.h>
#include <time.h>

struct front {
    struct sim *sim;
    struct config *config;
    struct http *http;
    struct route rows[1];
    struct route_table table;
};

static void sleep_ms(int64_t ms)
{
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    while (nanosleep(&t, &t) != 0 && errno == EINTR) {
    }
}

static void ask_read(struct request *rq, struct ask *q)
{
    *q = (struct ask){.mem = rq_mem(rq),
                      .method = rq_method(rq),
                      .path = rq_path(rq),
                      .query = rq_query(rq),
                      .body = rq_body(rq),
                      .content_type = rq_header(rq, "content-type"),
                      .authorization = rq_header(rq, "authorization"),
                      .cookie = rq_header(rq, "cookie"),
                      .access_token = rq_header(rq, "access-token"),
                      .accept = rq_header(rq, "accept"),
                      .accept_language = rq_header(rq, "accept-language"),
                      .user_agent = rq_header(rq, "user-agent"),
                      .origin = rq_header(rq, "origin"),
                      .x_user = rq_header(rq, "x-user")};
}

/* Spoiled connections end after the answer. A slow one is complete, so its end is announced: a client that
 * keeps connections must not send the next request into the closing one. */
static void spoil(struct request *rq, const struct reply *a)
{
    if (a->drop) {
        answer_spoil(rq, 0, 0);
    } else if (a->keep_bytes != SIZE_MAX) {
        answer_spoil(rq, a->keep_bytes == 0 ? 1 : a->keep_bytes, a->ms_per_byte);
    } else if (a->ms_per_byte > 0) {
        answer_header(rq, "Connection", STR("close"));
        answer_spoil(rq, SIZE_MAX, a->ms_per_byte);
    }
}

/* An echo that overtakes its answer: the answer waits until the delivery was tried, five seconds at most. */
static void wait_for(struct sim *s, uint64_t delivery)
{
    for (int64_t until = clock_mono_ms() + 5000; clock_mono_ms() < until; sleep_ms(2)) {
        pthread_mutex_lock(&s->lock);
        const struct delivery *d = delivery_find(s, delivery);
        bool open =
            d != NULL && d->n_attempts == 0 && (d->state == DELIVERY_WAITING || d->state == DELIVERY_SENDING);
        pthread_mutex_unlock(&s->lock);
        if (!open)
            return;
    }
}

static enum rc front_serve(struct request *rq, void *ctx, struct fault *why)
{
    struct front *f = ctx;
    struct ask q;
    struct reply a;
    (void)why;
    ask_read(rq, &q);
    sim_serve(f->sim, &q, &a);
    if (a.wait_delivery > 0)
        wait_for(f->sim, a.wait_delivery);
    if (a.delay_ms > 0)
        sleep_ms(a.delay_ms);
    if (!buf_ok(&a.body)) {
        answer_body(rq, 500, "text/plain; charset=utf-8",
                    STR("The simulator ran out of room for this answer."));
        flight_end(f->sim, &a);
        return RC_OK;
    }
    for (size_t i = 0; i < a.n_headers; i++)
        answer_header(rq, a.headers[i].name, a.headers[i].value);
    spoil(rq, &a);
    answer_body(rq, a.status, a.type, buf_str(&a.body));
    flight_end(f->sim, &a);
    return RC_OK;
}

static enum rc front_config(struct front *f, const struct front_options *o, struct fault *why)
{
    char listen[320], cert[1100], key[1100], base[320];
    snprintf(listen, sizeof listen, "MZ_HTTP_LISTEN=%s", o->listen);
    snprintf(base, sizeof base, "MZ_PUBLIC_BASE_URL=%s", f->sim->url);
    char threads[] = "MZ_HTTP_THREADS_READ=64", reads[] = "MZ_HTTP_READS_PER_SECOND=0",
         writes[] = "MZ_HTTP_WRITES_PER_SECOND=0", exchanges[] = "MZ_HTTP_EXCHANGES_PER_SECOND=0",
         intake[] = "MZ_HTTP_INTAKE_PER_SECOND=0", mine[] = "MZ_HTTP_MAX_PER_ADDRESS=2000",
         long_lived[] = "MZ_HTTP_REQUESTS_PER_CONNECTION=1000000";
    char *env[12] = {listen, threads, reads, writes, exchanges, intake, mine, base, long_lived, NULL};
    if (o->tls_cert != NULL) {
        snprintf(cert, sizeof cert, "MZ_HTTP_TLS_CERT=%s", o->tls_cert);
        snprintf(key, sizeof key, "MZ_HTTP_TLS_KEY=%s", o->tls_key);
        env[9] = cert;
        env[10] = key;
    }
    const struct setting_table table = {http_settings, http_settings_n};
    enum rc rc = config_load(&table, 1, STR_NONE, env, &f->config, why);
    const struct config_problem *problems;
    if (rc != RC_OK && f->config != NULL && config_problems(f->config, &problems) > 0)
        return fault_set(why, rc, "sim.config", STR_FMT ": " STR_FMT, STR_ARG(problems[0].key),
                         STR_ARG(problems[0].text));
    return rc;
}

enum rc front_open(struct sim *s, const struct front_options *o, struct front **out, struct fault *why)
{
    struct front *f = mem_new(sizeof *f);
    f->sim = s;
    f->rows[0] = (struct route){.method = "*",
                                .path = "/{rest*}",
                                .name = "simulate",
                                .cls = HTTP_READ,
                                .need = PERM_NONE,
                                .raw = true,
                                .no_once = true,
                                .body_max = 4U << 20,
                                .handle = front_serve,
                                .doc = "TikTok's side",
                                .answer = "as TikTok answers"};
    f->table = (struct route_table){.rows = f->rows, .n = 1, .ctx = f};
    enum rc rc = front_config(f, o, why);
    if (rc == RC_OK) {
        const struct problem_table problems = {http_problems, http_problems_n};
        const struct http_options options = {.config = f->config,
                                             .listen_key = "http.listen",
                                             .tables = &f->table,
                                             .n_tables = 1,
                                             .problems = &problems,
                                             .n_problems = 1,
                                             .plain_http_ok = true};
        rc = http_open(&options, &f->http, why);
    }
    if (rc != RC_OK) {
        config_close(&f->config);
        mem_free(f);
        return rc;
    }
    *out = f;
    return RC_OK;
}

int front_port(const struct front *f)
{
    return http_port(f->http);
}

void front_close(struct front **f)
{
    if (*f == NULL)
        return;
    http_drain((*f)->http);
    http_close(&(*f)->http);
    config_close(&(*f)->config);
    mem_free(*f);
    *f = NULL;
}
