/* Delivering one event: read and render, sign, send, settle.
 *
 * Nothing is written before the call, so a crash in it means one more delivery with the same webhook-id,
 * which receivers know. After it one transaction settles the outbox row together with the job. A failed
 * attempt is noted on the row first and then left to the retry schedule; the last one makes the event `dead`.
 */
#include "mozflow/mozflow_priv.h"

struct delivery {
    struct mozflow *m;
    struct job *job;
    struct arena *mem, *secret_mem;
    str id;
    struct outbox_row row;
    struct endpoint_row endpoint;
    struct secret keys[MOZFLOW_SECRETS_MAX];
    size_t n_keys;
    struct mozflow_type type;
    str body;
    enum rc rendered;
    struct fault render_why;
    int status;
    str code; /* why it failed; STR_NONE: it did not */
};

/* ---- reading ---- */
static enum rc render(struct tx *tx, struct delivery *d, struct fault *why)
{
    struct buf b;
    struct jw w;
    const struct json *ids;
    if (!mozflow_type_of(d->m, d->row.type, &d->type))
        return fault_set(why, RC_BUG, "mozflow.unknown_type", "no row for event type " STR_FMT,
                         STR_ARG(d->row.type));
    enum rc rc = json_parse(d->row.ids, NULL, d->mem, &ids, why);
    if (rc != RC_OK)
        return rc;
    const struct mozflow_render r = {tx, d->row.workspace, d->row.subject, ids, d->mem, d->type.ctx};
    buf_init(&b, d->mem, MOZFLOW_BODY_MAX);
    jw_init(&w, &b);
    jw_obj(&w, NULL);
    if ((rc = d->type.event->render(&r, &w, why)) != RC_OK)
        return rc;
    jw_end(&w);
    if (!buf_ok(&b))
        return fault_set(why, RC_BUG, "mozflow.too_large", "the event is over 256 KiB");
    const struct envelope e = {d->m->o.base_url, d->row.workspace, d->row.id,        d->row.type,
                               d->row.subject,   buf_str(&b),      d->row.created_ms};
    d->body = mozflow_body(&e, d->mem);
    return d->body.p ? RC_OK : fault_set(why, RC_BUG, "mozflow.too_large", "the event is over 256 KiB");
}

static enum rc read_fn(struct tx *tx, void *arg, struct fault *why)
{
    struct delivery *d = arg;
    arena_reset(d->secret_mem);
    enum rc rc = mozflow_db_find(tx, job_workspace(d->job), d->id, d->mem, &d->row, why);
    if (rc == RC_OK)
        rc = mozflow_db_endpoint(tx, d->row.workspace, d->mem, &d->endpoint, why);
    if (rc != RC_OK || !d->endpoint.known || !d->endpoint.enabled || !str_eq(d->row.state, STR("waiting")))
        return rc;
    if ((rc = mozflow_keys_of(d->m, tx, d->row.workspace, d->secret_mem, d->keys, &d->n_keys, why)) != RC_OK)
        return rc;
    d->rendered = render(tx, d, &d->render_why); /* a fault of its own: the row must learn of it */
    return RC_OK;
}

/* ---- settling ---- */
static enum rc settle_fn(struct tx *tx, void *arg, struct fault *why)
{
    struct delivery *d = arg;
    struct outbox_row r = d->row;
    r.last_ms = tx_now_ms(tx);
    r.attempts++;
    r.last_status = d->status;
    r.last_code = d->code;
    if (str_eq(r.state, STR("delivered")))
        r.delivered_ms = r.last_ms;
    enum rc rc = mozflow_db_settle(tx, &r, why);
    bool dead = str_eq(r.state, STR("dead"));
    return rc == RC_OK && dead ? jobs_alert(tx, r.workspace, "mozflow.dead", r.type, 1, why) : rc;
}

/* No enabled endpoint: the event waits until there is one. Looked at again under the lock that switching on
 * takes. */
static enum rc hold_fn(struct tx *tx, void *arg, struct fault *why)
{
    struct delivery *d = arg;
    struct endpoint_row now;
    struct outbox_row r = d->row;
    enum rc rc = store_lock(tx, r.workspace, MOZFLOW_LOCK, STR("-"), why);
    if (rc == RC_OK)
        rc = mozflow_db_endpoint(tx, r.workspace, tx_mem(tx), &now, why);
    if (rc != RC_OK)
        return rc;
    if (now.known && now.enabled)
        return fault_set(why, RC_RETRY, "mozflow.endpoint_back", "the endpoint was switched on meanwhile");
    r.state = STR("held");
    return mozflow_db_settle(tx, &r, why);
}

/* 410: the receiver says that nobody is there any more. */
static enum rc gone_fn(struct tx *tx, void *arg, struct fault *why)
{
    struct delivery *d = arg;
    struct outbox_row r = d->row;
    const struct audit_entry e = {.workspace = r.workspace,
                                  .actor = STR("system"),
                                  .action = STR("mozflow.endpoint_gone"),
                                  .object = r.id};
    enum rc rc = store_lock(tx, r.workspace, MOZFLOW_LOCK, STR("-"), why);
    if (rc == RC_OK)
        rc = mozflow_db_endpoint_off(tx, r.workspace, STR("gone"), why);
    if (rc != RC_OK)
        return rc;
    r.state = STR("held");
    r.attempts++;
    r.last_ms = tx_now_ms(tx);
    r.last_status = d->status;
    r.last_code = STR("mozflow.gone");
    rc = mozflow_db_settle(tx, &r, why);
    if (rc == RC_OK)
        rc = jobs_alert(tx, r.workspace, "mozflow.endpoint_gone", STR("endpoint"), 1, why);
    return rc == RC_OK ? audit_put(d->m->o.audit, tx, &e, why) : rc;
}

static enum rc finish(struct delivery *d, str state, struct fault *why)
{
    d->row.state = state;
    metric_add(&mozflow_metrics[METRIC_DELIVERY], 1, d->type.event ? d->type.event->type : "unknown",
               arena_cstr(d->mem, state));
    log_event(d->m->o.log, str_eq(state, STR("dead")) ? LOG_ERROR : LOG_INFO, "mozflow.delivery",
              F_ID("event", d->id), F_ID("workspace", d->row.workspace), F_ID("type", d->row.type),
              F_STR("state", state), F_INT("status", d->status), F_STR("code", d->code),
              F_INT("attempt", job_attempt(d->job)));
    return job_commit(d->job, settle_fn, d, why);
}

/* ---- sending ---- */
static bool post(struct delivery *d, struct fetch_answer *a)
{
    struct fault why = {0};
    int64_t now = clock_now_ms();
    str stamp = arena_fmt(d->mem, "%lld", (long long)(now / 1000));
    const str parts[3] = {d->id, stamp, d->body};
    str signature = mozflow_signature(d->keys, d->n_keys, parts, d->mem);
    const struct fetch_header h[] = {
        {.name = "content-type", .value = STR("application/cloudevents+json; charset=utf-8")},
        {.name = "webhook-id", .value = d->id},
        {.name = "webhook-timestamp", .value = stamp},
        {.name = "webhook-signature", .value = signature},
    };
    const struct fetch_request rq = {.cls = FETCH_PUBLIC,
                                     .what = "mozflow.deliver",
                                     .method = "POST",
                                     .url = d->endpoint.url,
                                     .headers = h,
                                     .n_headers = COUNT_OF(h),
                                     .body = d->body,
                                     .total_ms = config_int(d->m->o.config, "mozflow.timeout_ms"),
                                     .max_bytes = (size_t)1 << 20,
                                     .repeatable = true}; /* the receiver knows a repeat by webhook-id */
    must(stamp.p && signature.p);
    enum rc rc = fetch_run(d->m->o.fetch, &rq, d->mem, a, &why);
    d->status = rc == RC_OK ? a->status : 0;
    d->code = rc != RC_OK                            ? arena_str(d->mem, str_of(why.code))
              : a->status >= 200 && a->status <= 299 ? STR_NONE
              : a->status >= 300 && a->status <= 399 ? STR("mozflow.redirect")
                                                     : STR("mozflow.refused");
    metric_observe_us(&mozflow_metrics[METRIC_TIME], a->took_ms * 1000, d->type.event->type, NULL);
    return d->code.p == NULL;
}

static enum rc failed(struct delivery *d, const struct fetch_answer *a, struct fault *why)
{
    if (d->status == 410) {
        log_event(d->m->o.log, LOG_ERROR, "mozflow.endpoint_gone", F_ID("workspace", d->row.workspace),
                  F_ID("event", d->id));
        return job_commit(d->job, gone_fn, d, why);
    }
    if (job_last(d->job))
        return finish(d, STR("dead"), why);
    job_retry_after(d->job, mozflow_retry_after(a->retry_after, clock_now_ms()));
    enum rc rc = job_note(d->job, settle_fn, d, why);
    metric_add(&mozflow_metrics[METRIC_DELIVERY], 1, d->type.event->type, "retry");
    if (rc != RC_OK)
        return rc;
    return fault_set(why, RC_RETRY, "mozflow.undelivered", STR_FMT " (HTTP status %d)", STR_ARG(d->code),
                     d->status);
}

static enum rc not_rendered(struct delivery *d, struct fault *why)
{
    if (d->rendered == RC_MISSING)
        return finish(d, STR("withdrawn"), why); /* its subject was erased */
    bool again = d->rendered == RC_RETRY || d->rendered == RC_FULL || d->rendered == RC_LIMITED;
    if (again && !job_last(d->job)) {
        *why = d->render_why;
        return d->rendered;
    }
    d->code = arena_str(d->mem, str_of(d->render_why.code));
    return finish(d, STR("dead"), why);
}

static enum rc deliver(struct delivery *d, struct fault *why)
{
    struct fetch_answer a = {0};
    enum rc rc = store_read(d->m->o.store, read_fn, d, why);
    if (rc == RC_MISSING)
        return job_done(d->job, why); /* tidied away, or its workspace is gone */
    if (rc != RC_OK)
        return rc;
    if (!str_eq(d->row.state, STR("waiting")))
        return job_done(d->job, why);
    if (!d->endpoint.known || !d->endpoint.enabled)
        return job_commit(d->job, hold_fn, d, why);
    if (d->rendered != RC_OK)
        return not_rendered(d, why);
    if (!post(d, &a))
        return failed(d, &a, why);
    metric_observe_us(&mozflow_metrics[METRIC_AGE], (store_clock(d->m->o.store) - d->row.created_ms) * 1000,
                      d->type.event->type, NULL);
    return finish(d, STR("delivered"), why);
}

enum rc mozflow_run_deliver(struct job *j, void *ctx, struct fault *why)
{
    struct delivery d = {.m = ctx, .job = j, .mem = job_mem(j)};
    if (!json_str(job_args(j), "event", &d.id))
        return fault_set(why, RC_BUG, "mozflow.bad_job", "the delivery names no event");
    d.secret_mem = arena_open_secret((size_t)64 << 10);
    enum rc rc = deliver(&d, why);
    arena_close(&d.secret_mem);
    return rc;
}
