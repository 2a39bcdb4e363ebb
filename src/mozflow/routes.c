/* What people and Mozflow's operators do with events: look, replay, and set up the endpoint.
 * A secret is in one answer only; what is kept for a repeat of the same request has null in its place.
 */
#include "mozflow/mozflow_priv.h"

struct act { /* one request on its way through a transaction */
    struct mozflow *m;
    struct request *rq;
    str workspace, id;
    struct arena *mem;
    struct outbox_query query;
    struct outbox_row row, *rows;
    size_t n;
    struct endpoint_row endpoint;
    struct secret_row *secrets;
    size_t n_secrets;
    struct mozflow_endpoint_set set;
    str shown, body;
};

static struct act act_of(struct request *rq, void *ctx)
{
    return (struct act){.m = ctx, .rq = rq, .mem = rq_mem(rq), .workspace = rq_who(rq)->workspace};
}

static struct act act_on_event(struct request *rq, void *ctx)
{
    struct act a = act_of(rq, ctx);
    a.id = rq_arg(rq, "id");
    return a;
}

static enum rc done(struct act *a, int status, struct buf *b, struct fault *why)
{
    if (!buf_ok(b))
        return fault_set(why, RC_FULL, "mozflow.memory", "the answer does not fit");
    answer_json(a->rq, status, buf_str(b));
    return RC_OK;
}

/* ---- events ---- */
static void write_event(struct jw *w, const struct outbox_row *r)
{
    jw_obj(w, NULL);
    jw_str(w, "id", r->id);
    jw_str(w, "type", r->type);
    jw_str(w, "subject", r->subject);
    jw_str(w, "state", r->state);
    jw_i64(w, "attempts", r->attempts);
    jw_time(w, "created_at", r->created_ms);
    jw_time(w, "last_attempt_at", r->last_ms);
    if (r->last_status)
        jw_i64(w, "last_status", r->last_status);
    else
        jw_null(w, "last_status");
    jw_str(w, "last_code", r->last_code);
    jw_time(w, "delivered_at", r->delivered_ms);
    jw_end(w);
}

static enum rc list_fn(struct tx *tx, void *arg, struct fault *why)
{
    struct act *a = arg;
    return mozflow_db_list(tx, &a->query, a->mem, &a->rows, &a->n, why);
}

enum rc mozflow_get_events(struct request *rq, void *ctx, struct fault *why)
{
    struct act a = act_of(rq, ctx);
    struct buf b;
    struct jw w;
    a.query = (struct outbox_query){.workspace = a.workspace,
                                    .before = rq_arg(rq, "cursor"),
                                    .state = rq_arg(rq, "state"),
                                    .subject = rq_arg(rq, "subject"),
                                    .limit = (int)rq_int(rq, "limit", 50)};
    enum rc rc = store_read(a.m->o.store, list_fn, &a, why);
    if (rc != RC_OK)
        return rc;
    buf_init(&b, a.mem, (size_t)1 << 20);
    jw_init(&w, &b);
    jw_obj(&w, NULL);
    jw_arr(&w, "items");
    for (size_t i = 0; i < a.n; i++)
        write_event(&w, &a.rows[i]);
    jw_end(&w);
    jw_str(&w, "next_cursor", a.n == (size_t)a.query.limit ? a.rows[a.n - 1].id : STR_NONE);
    jw_end(&w);
    return done(&a, 200, &b, why);
}

static enum rc find_fn(struct tx *tx, void *arg, struct fault *why)
{
    struct act *a = arg;
    enum rc rc = mozflow_db_find(tx, a->workspace, a->id, a->mem, &a->row, why);
    if (rc == RC_MISSING) /* the same answer as for an id of another workspace */
        return fault_set(why, RC_MISSING, "access.not_found", "no such event");
    return rc;
}

enum rc mozflow_get_event(struct request *rq, void *ctx, struct fault *why)
{
    struct act a = act_on_event(rq, ctx);
    struct buf b;
    struct jw w;
    enum rc rc = store_read(a.m->o.store, find_fn, &a, why);
    if (rc != RC_OK)
        return rc;
    buf_init(&b, a.mem, 8192);
    jw_init(&w, &b);
    write_event(&w, &a.row);
    return done(&a, 200, &b, why);
}

static enum rc replay_fn(struct tx *tx, void *arg, struct fault *why)
{
    struct act *a = arg;
    struct buf b;
    struct jw w;
    enum rc rc = find_fn(tx, a, why);
    if (rc != RC_OK)
        return rc;
    a->row.state = STR("waiting");
    a->row.attempts = 0;
    a->row.delivered_ms = 0;
    rc = mozflow_db_settle(tx, &a->row, why);
    if (rc == RC_OK)
        rc = mozflow_put_delivery(tx, a->workspace, a->id, why);
    buf_init(&b, a->mem, 8192);
    jw_init(&w, &b);
    write_event(&w, &a->row);
    a->body = buf_str(&b);
    if (rc == RC_OK)
        rc = access_once_save(tx, rq_once(a->rq), 202, a->body, why);
    if (rc != RC_OK)
        return rc;
    const struct audit_entry e = audit_of(a->rq, "mozflow.replayed", a->id, STR_NONE);
    return audit_put(a->m->o.audit, tx, &e, why);
}

enum rc mozflow_post_replay(struct request *rq, void *ctx, struct fault *why)
{
    struct act a = act_on_event(rq, ctx);
    enum rc rc = store_write(a.m->o.store, STORE_INTERACTIVE, replay_fn, &a, why);
    if (rc == RC_OK)
        answer_json(rq, 202, a.body);
    return rc;
}

/* ---- endpoint ---- */
/* secret: what is shown once; STR_NONE writes null; NULL leaves the member out. */
static str endpoint_json(struct act *a, const str *secret)
{
    struct buf b;
    struct jw w;
    buf_init(&b, a->mem, 8192);
    jw_init(&w, &b);
    jw_obj(&w, NULL);
    jw_str(&w, "url", a->endpoint.url);
    jw_bool(&w, "enabled", a->endpoint.enabled);
    jw_str(&w, "off_reason", a->endpoint.off_code);
    jw_time(&w, "off_at", a->endpoint.off_ms);
    jw_time(&w, "updated_at", a->endpoint.updated_ms);
    if (secret)
        jw_str(&w, "secret", *secret);
    jw_arr(&w, "secrets");
    for (size_t i = 0; i < a->n_secrets; i++) {
        jw_obj(&w, NULL);
        jw_str(&w, "id", a->secrets[i].id);
        jw_time(&w, "created_at", a->secrets[i].created_ms);
        jw_time(&w, "valid_until", a->secrets[i].until_ms);
        jw_end(&w);
    }
    jw_end(&w);
    jw_end(&w);
    return buf_str(&b);
}

static enum rc endpoint_fn(struct tx *tx, void *arg, struct fault *why)
{
    struct act *a = arg;
    enum rc rc = mozflow_db_endpoint(tx, a->workspace, a->mem, &a->endpoint, why);
    return rc == RC_OK ? mozflow_db_secrets(tx, a->workspace, a->mem, &a->secrets, &a->n_secrets, why) : rc;
}

static enum rc answer_endpoint(struct act *a, str body, struct fault *why)
{
    if (!body.p)
        return fault_set(why, RC_FULL, "mozflow.memory", "the answer does not fit");
    answer_json(a->rq, 200, body);
    return RC_OK;
}

enum rc mozflow_get_endpoint(struct request *rq, void *ctx, struct fault *why)
{
    struct act a = act_of(rq, ctx);
    enum rc rc = store_read(a.m->o.store, endpoint_fn, &a, why);
    return rc == RC_OK ? answer_endpoint(&a, endpoint_json(&a, NULL), why) : rc;
}

static enum rc put_fn(struct tx *tx, void *arg, struct fault *why)
{
    struct act *a = arg;
    a->shown = STR_NONE;
    enum rc rc = mozflow_endpoint_save(a->m, tx, &a->set, a->mem, &a->shown, why);
    if (rc == RC_OK)
        rc = endpoint_fn(tx, a, why);
    if (rc != RC_OK)
        return rc;
    const struct audit_entry e = audit_of(a->rq, "mozflow.endpoint_set", a->workspace,
                                          STR("{\"fields\":[\"url\","
                                              "\"enabled\"]}"));
    return audit_put(a->m->o.audit, tx, &e, why);
}

enum rc mozflow_put_endpoint(struct request *rq, void *ctx, struct fault *why)
{
    struct act a = act_of(rq, ctx);
    a.set = (struct mozflow_endpoint_set){
        .workspace = a.workspace, .url = rq_arg(rq, "url"), .enabled = rq_int(rq, "enabled", 1) != 0};
    enum rc rc = mozflow_url_ok(a.m, a.set.url, why);
    if (rc == RC_OK)
        rc = store_write(a.m->o.store, STORE_INTERACTIVE, put_fn, &a, why);
    return rc == RC_OK ? answer_endpoint(&a, endpoint_json(&a, &a.shown), why) : rc;
}

static enum rc rotate_fn(struct tx *tx, void *arg, struct fault *why)
{
    struct act *a = arg;
    const str hidden = STR_NONE;
    enum rc rc = mozflow_rotate(a->m, tx, a->workspace, a->mem, &a->shown, why);
    if (rc == RC_OK)
        rc = endpoint_fn(tx, a, why);
    if (rc == RC_OK)
        rc = access_once_save(tx, rq_once(a->rq), 200, endpoint_json(a, &hidden), why);
    if (rc != RC_OK)
        return rc;
    const struct audit_entry e = audit_of(a->rq, "mozflow.secret_rotated", a->workspace, STR_NONE);
    return audit_put(a->m->o.audit, tx, &e, why);
}

enum rc mozflow_post_rotate(struct request *rq, void *ctx, struct fault *why)
{
    struct act a = act_of(rq, ctx);
    enum rc rc = store_write(a.m->o.store, STORE_INTERACTIVE, rotate_fn, &a, why);
    return rc == RC_OK ? answer_endpoint(&a, endpoint_json(&a, &a.shown), why) : rc;
}

static enum rc test_fn(struct tx *tx, void *arg, struct fault *why)
{
    struct act *a = arg;
    const struct mozflow_new e = {
        .type = "endpoint.test", .workspace = a->workspace, .subject = a->workspace};
    enum rc rc = endpoint_fn(tx, a, why);
    if (rc != RC_OK)
        return rc;
    if (!a->endpoint.known || !a->endpoint.enabled)
        return fault_set(why, RC_CONFLICT, "mozflow.no_endpoint", "there is no endpoint that is switched on");
    if ((rc = mozflow_emit(tx, &e, &a->id, why)) != RC_OK)
        return rc;
    a->body = arena_fmt(a->mem, "{\"event_id\":\"" STR_FMT "\"}", STR_ARG(a->id));
    if (!a->body.p)
        return fault_set(why, RC_FULL, "mozflow.memory", "the answer does not fit");
    if ((rc = access_once_save(tx, rq_once(a->rq), 202, a->body, why)) != RC_OK)
        return rc;
    const struct audit_entry entry = audit_of(a->rq, "mozflow.test_sent", a->id, STR_NONE);
    return audit_put(a->m->o.audit, tx, &entry, why);
}

enum rc mozflow_post_test(struct request *rq, void *ctx, struct fault *why)
{
    struct act a = act_of(rq, ctx);
    enum rc rc = store_write(a.m->o.store, STORE_INTERACTIVE, test_fn, &a, why);
    if (rc == RC_OK)
        answer_json(rq, 202, a.body);
    return rc;
}

/* ---- explain ---- */
enum rc mozflow_explain_event(struct tx *tx, str workspace, str id, struct explain *out, struct fault *why)
{
    struct outbox_row r;
    enum rc rc = mozflow_db_find(tx, workspace, id, out->mem, &r, why);
    if (rc != RC_OK)
        return rc;
    explain_add(out, r.created_ms,
                EXPLAIN(out, "Event " STR_FMT " (" STR_FMT ") was written for Mozflow.",
                        "เหตุการณ์ " STR_FMT " (" STR_FMT ") ถูกบันทึกเพื่อส่งไปยัง Mozflow"),
                STR_ARG(r.id), STR_ARG(r.type));
    if (r.last_ms == 0)
        return RC_OK;
    if (str_eq(r.state, STR("delivered")))
        explain_add(out, r.last_ms,
                    EXPLAIN(out, "Mozflow took it at attempt %lld with HTTP status %lld.",
                            "Mozflow รับเหตุการณ์ในการส่งครั้งที่ %lld ด้วยสถานะ HTTP %lld"),
                    (long long)r.attempts, (long long)r.last_status);
    else
        explain_add(
            out, r.last_ms,
            EXPLAIN(out, "Attempt %lld ended with " STR_FMT " (HTTP status %lld); the event is " STR_FMT ".",
                    "การส่งครั้งที่ %lld จบด้วย " STR_FMT " (สถานะ HTTP %lld) เหตุการณ์มีสถานะ " STR_FMT),
            (long long)r.attempts, STR_ARG(r.last_code), (long long)r.last_status, STR_ARG(r.state));
    return RC_OK;
}
