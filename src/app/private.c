/* Routes of the private listener: readiness with its reasons, metrics. Nothing here needs a credential, which
 * is why the listener must stay private (default 127.0.0.1).
 */
#include "app/app.h"

static enum rc get_readyz(struct request *rq, void *ctx, struct fault *why)
{
    struct app *a = ctx;
    struct buf b;
    struct jw w;
    struct fault reason = {0};
    (void)why;
    bool store_ok = store_ready(a->store, &reason), ready = store_ok && !a->draining;
    buf_init(&b, rq_mem(rq), 4096);
    jw_init(&w, &b);
    jw_obj(&w, NULL);
    jw_bool(&w, "ready", ready);
    jw_arr(&w, "reasons");
    if (!store_ok)
        jw_str(&w, NULL, arena_fmt(rq_mem(rq), "store: %s (%s)", reason.detail, reason.code));
    if (a->draining)
        jw_str(&w, NULL, STR("draining: this process is ending"));
    jw_end(&w);
    jw_end(&w);
    answer_json(rq, ready ? 200 : 503, buf_str(&b));
    return RC_OK;
}

static enum rc get_metrics(struct request *rq, void *ctx, struct fault *why)
{
    struct buf b;
    (void)ctx;
    buf_init(&b, rq_mem(rq), 4u << 20);
    metrics_write(&b);
    if (!buf_ok(&b))
        return fault_set(why, RC_FULL, "app.metrics", "the exposition is larger than its buffer");
    answer_body(rq, 200, "text/plain; version=0.0.4; charset=utf-8", buf_str(&b));
    return RC_OK;
}

static const struct shape shape_ready = {
    .name = "Ready",
    .doc = "Whether this node can do its work.",
    .fields = {{"ready", A_FLAG, .doc = "It can."}, {"reasons", A_TEXTS, .doc = "Why not."}}};

const struct route private_routes[] = {
    {.method = "GET",
     .path = "/readyz",
     .name = "readyz",
     .cls = HTTP_READ,
     .handle = get_readyz,
     .doc = "200 when this node can do its work, else 503 with reasons.",
     .gives = &shape_ready},
    {.method = "GET",
     .path = "/metrics",
     .name = "metrics",
     .cls = HTTP_READ,
     .handle = get_metrics,
     .doc = "Prometheus text exposition 0.0.4.",
     .gives = &shape_plain_text,
     .answer = "Prometheus text exposition 0.0.4."},
};
const size_t private_routes_n = COUNT_OF(private_routes);
