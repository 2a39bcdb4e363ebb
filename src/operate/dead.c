/* Dead letters: jobs that ended without an effect, why, and their replay. Routes of operate, because jobs
 * names no permission and appends no audit.
 */
#include "access/access.h"
#include "operate/operate_priv.h"

static enum rc read_dead(struct tx *tx, void *arg, struct fault *why)
{
    struct listing *l = arg;
    struct jw *w = &l->json.w;
    struct dead_letter *d;
    size_t n = 0;
    int limit = (int)rq_int(l->rq, "limit", 50);
    enum rc rc = jobs_dead_list(tx, rq_who(l->rq)->workspace, rq_arg(l->rq, "cursor"), limit, rq_mem(l->rq),
                                &d, &n, why);
    if (rc != RC_OK)
        return rc;
    answer_begin(&l->json, l->rq, 1u << 20);
    jw_arr(w, "items");
    for (size_t i = 0; i < n; i++) {
        jw_obj(w, NULL);
        jw_str(w, "id", d[i].id);
        jw_str(w, "kind", d[i].kind);
        jw_str(w, "code", d[i].code);
        jw_str(w, "detail", d[i].detail);
        jw_i64(w, "attempts", d[i].attempts);
        jw_time(w, "died_at", d[i].died_ms);
        jw_end(w);
    }
    jw_end(w);
    answer_next(&l->json, n == (size_t)limit ? d[n - 1].id : STR_NONE);
    return RC_OK;
}

enum rc list_dead(struct request *rq, void *ctx, struct fault *why)
{
    return operate_answer(ctx, rq, read_dead, why);
}

struct replaying {
    struct request *rq;
    const struct operate *o;
};

static enum rc replay(struct tx *tx, void *arg, struct fault *why)
{
    struct replaying *r = arg;
    str id = rq_arg(r->rq, "id");
    enum rc rc = jobs_dead_replay(tx, rq_who(r->rq)->workspace, id, why);
    if (rc == RC_OK)
        rc = access_once_save(tx, rq_once(r->rq), 202, STR("{}"), why);
    if (rc != RC_OK)
        return rc;
    const struct audit_entry e = audit_of(r->rq, "jobs.replayed", id, STR_NONE);
    return audit_put(r->o->audit, tx, &e, why);
}

enum rc replay_dead(struct request *rq, void *ctx, struct fault *why)
{
    struct replaying r = {rq, ctx};
    enum rc rc = store_write(r.o->store, STORE_INTERACTIVE, replay, &r, why);
    if (rc == RC_OK)
        answer_json(rq, 202, STR("{}"));
    return rc;
}

/* ---- the operator's view, as text ---- */
struct printing {
    str workspace;
    struct arena *mem;
    struct buf *out;
};

static enum rc print_dead(struct tx *tx, void *arg, struct fault *why)
{
    struct printing *p = arg;
    struct dead_letter *d;
    size_t n = 0;
    enum rc rc = jobs_dead_list(tx, p->workspace, STR_NONE, OPERATE_LINES, p->mem, &d, &n, why);
    for (size_t i = 0; rc == RC_OK && i < n; i++) {
        char at[TIME_TEXT];
        buf_fmt(p->out, "%s  " STR_FMT "  " STR_FMT "  " STR_FMT ": " STR_FMT "\n",
                time_iso(d[i].died_ms, at), STR_ARG(d[i].id), STR_ARG(d[i].kind), STR_ARG(d[i].code),
                STR_ARG(d[i].detail));
    }
    return rc;
}

enum rc operate_dead_print(const struct operate *o, str workspace, struct arena *mem, struct buf *out,
                           struct fault *why)
{
    struct printing p = {workspace, mem, out};
    return store_read(o->store, print_dead, &p, why);
}
