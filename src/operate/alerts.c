/* Raising and showing alerts. What can go wrong: an inner event names an alert without a row; that is our
 * mistake and becomes a dead letter, which is itself listed.
 */
#include "operate/operate_priv.h"

const struct alert_row *operate_alert(const struct operate *o, str name)
{
    for (size_t t = 0; t < o->n_alerts; t++)
        for (size_t i = 0; i < o->alerts[t].n; i++)
            if (str_eq(name, str_of(o->alerts[t].rows[i].name)))
                return &o->alerts[t].rows[i];
    return NULL;
}

struct raising {
    struct alert_new alert;
    str id;
    bool first;
};

static enum rc raise_row(struct tx *tx, void *arg, struct fault *why)
{
    struct raising *r = arg;
    r->alert.id = id_new(tx_mem(tx), "alr");
    enum rc rc = operate_db_alert_raise(tx, &r->alert, tx_mem(tx), &r->id, &r->first, why);
    if (rc != RC_OK || str_eq(r->alert.workspace, STR("-")))
        return rc;
    const struct mozflow_new e = {.type = "alert.raised", .workspace = r->alert.workspace, .subject = r->id};
    return mozflow_emit(tx, &e, NULL, why);
}

enum rc raise_alert(struct job *j, void *ctx, struct fault *why)
{
    const struct operate *o = ctx;
    struct raising r = {.alert = {.workspace = job_workspace(j), .object = STR("")}};
    if (!json_str(job_args(j), "alert", &r.alert.name))
        return fault_set(why, RC_BUG, "operate.alert", "the event names no alert");
    const struct alert_row *row = operate_alert(o, r.alert.name);
    if (row == NULL)
        return fault_set(why, RC_BUG, "operate.alert", "no row for " STR_FMT, STR_ARG(r.alert.name));
    r.alert.severity = row->severity;
    (void)json_str(job_args(j), "object", &r.alert.object);
    if (!json_i64(job_args(j), "count", &r.alert.count))
        r.alert.count = 1;
    enum rc rc = job_commit(j, raise_row, &r, why);
    if (rc == RC_OK) {
        metric_add(&operate_metrics[0], 1, row->name, row->severity);
        log_event(o->log, LOG_WARN, "alert.raised", F_STR("alert", r.alert.name),
                  F_ID("object", r.alert.object), F_ID("workspace", r.alert.workspace),
                  F_INT("count", r.alert.count));
    }
    return rc;
}

static void write_alert(const struct operate *o, const struct rows *r, struct jw *w)
{
    const struct alert_row *row = o != NULL ? operate_alert(o, row_text(r, 1)) : NULL;
    jw_str(w, "id", row_text(r, 0));
    jw_str(w, "name", row_text(r, 1));
    jw_str(w, "object", row_text(r, 2));
    jw_str(w, "severity", row_text(r, 3));
    jw_i64(w, "count", row_int(r, 4));
    jw_time(w, "first_at", row_int(r, 5));
    jw_time(w, "at", row_int(r, 6));
    jw_str(w, "text_en", row != NULL ? str_of(row->en) : STR_NONE);
    jw_str(w, "text_th", row != NULL ? str_of(row->th) : STR_NONE);
}

enum rc render_alert(const struct mozflow_render *r, struct jw *data, struct fault *why)
{
    struct rows *row;
    enum rc rc = operate_db_alert_load(r->tx, r->workspace, r->subject, r->mem, &row, why);
    if (rc == RC_OK)
        write_alert(r->ctx, row, data);
    return rc;
}

static enum rc read_alerts(struct tx *tx, void *arg, struct fault *why)
{
    struct listing *l = arg;
    struct jw *w = &l->json.w;
    struct rows *r;
    int64_t limit = rq_int(l->rq, "limit", 50), n = 0;
    str last = STR_NONE;
    enum rc rc = operate_db_alert_list(tx, rq_who(l->rq)->workspace, rq_arg(l->rq, "cursor"), limit + 1,
                                       rq_mem(l->rq), &r, why);
    if (rc != RC_OK)
        return rc;
    answer_begin(&l->json, l->rq, 1u << 20);
    jw_arr(w, "items");
    while (n < limit && rows_next(r)) {
        jw_obj(w, NULL);
        write_alert(l->o, r, w);
        jw_end(w);
        last = row_text(r, 0);
        n++;
    }
    jw_end(w);
    answer_next(&l->json, (int64_t)rows_count(r) > limit ? last : STR_NONE);
    return RC_OK;
}

enum rc list_alerts(struct request *rq, void *ctx, struct fault *why)
{
    return operate_answer(ctx, rq, read_alerts, why);
}

/* ---- the operator's view, as text ---- */
struct printing {
    const struct operate *o;
    str workspace;
    struct arena *mem;
    struct buf *out;
};

static enum rc print_alerts(struct tx *tx, void *arg, struct fault *why)
{
    struct printing *p = arg;
    struct rows *r;
    enum rc rc = operate_db_alert_list(tx, p->workspace, STR_NONE, OPERATE_LINES, p->mem, &r, why);
    while (rc == RC_OK && rows_next(r)) {
        const struct alert_row *row = operate_alert(p->o, row_text(r, 1));
        char at[TIME_TEXT];
        str name = row_text(r, 1), object = row_text(r, 2), severity = row_text(r, 3);
        buf_fmt(p->out, "%s  " STR_FMT "  " STR_FMT "  " STR_FMT "  %lld times\n    %s\n",
                time_iso(row_int(r, 6), at), STR_ARG(severity), STR_ARG(name), STR_ARG(object),
                (long long)row_int(r, 4), row != NULL ? row->en : "");
    }
    return rc;
}

enum rc operate_alerts_print(const struct operate *o, str workspace, struct arena *mem, struct buf *out,
                             struct fault *why)
{
    struct printing p = {o, workspace, mem, out};
    return store_read(o->store, print_alerts, &p, why);
}
