/* http_acts: what people do to accounts through REST: refresh now, end one, look what would stop, end many.
 * A refresh is one of the few calls to TikTok outside a job: a person's explicit "check now".
 */
#include "accounts/http_priv.h"

struct act {
    struct accounts *a;
    struct request *rq;
    str id, body, args;
};

/* ---- refresh ---- */
static enum rc refreshed_tx(struct tx *tx, void *arg, struct fault *why)
{
    struct act *t = arg;
    struct account_shown s;
    str workspace = rq_who(t->rq)->workspace;
    enum rc rc = account_show(tx, workspace, t->id, tx_mem(tx), &s, why);
    if (rc != RC_OK)
        return rc;
    t->body = account_json(t->a, &s, rq_mem(t->rq));
    rc = access_once_save(tx, rq_once(t->rq), 200, t->body, why);
    struct audit_entry e = audit_of(t->rq, "accounts.refreshed", t->id, STR_NONE);
    return rc == RC_OK ? audit_put(t->a->o.audit, tx, &e, why) : rc;
}

enum rc accounts_refresh_route(struct request *rq, void *ctx, struct fault *why)
{
    struct act t = {.a = ctx, .rq = rq, .id = rq_arg(rq, "id")};
    enum rc rc = accounts_refresh_now(t.a, rq_who(rq)->workspace, t.id, why);
    if (rc == RC_OK)
        rc = store_write(t.a->o.store, STORE_INTERACTIVE, refreshed_tx, &t, why);
    if (rc == RC_OK)
        answer_json(rq, 200, t.body);
    return rc;
}

/* ---- one end ---- */
/* One transaction: the grant's end, the kept answer, the audit entry as its last act. accounts_revoke_then
 * stamps the consent ledger, so the answer is saved before. */
static enum rc revoke_tx(struct tx *tx, void *arg, struct fault *why)
{
    struct act *t = arg;
    struct account acc;
    str workspace = rq_who(t->rq)->workspace;
    enum rc rc = accounts_load(tx, workspace, t->id, tx_mem(tx), &acc, why);
    if (rc != RC_OK)
        return rc;
    bool over = str_eq(str_of(acc.state), STR("revoked"));
    t->body = arena_fmt(rq_mem(t->rq), "{\"id\":\"" STR_FMT "\",\"state\":\"%s\"}", STR_ARG(t->id),
                        over ? "revoked" : "revoking");
    rc = accounts_revoke_then(t->a, tx, &(struct revoke_in){workspace, t->id, rq_once(t->rq), t->body}, why);
    struct audit_entry e = audit_of(t->rq, "accounts.revoked", t->id, STR_NONE);
    return rc == RC_OK ? audit_put(t->a->o.audit, tx, &e, why) : rc;
}

enum rc accounts_revoke_route(struct request *rq, void *ctx, struct fault *why)
{
    struct act t = {.a = ctx, .rq = rq, .id = rq_arg(rq, "id")};
    enum rc rc = store_write(t.a->o.store, STORE_INTERACTIVE, revoke_tx, &t, why);
    if (rc == RC_OK)
        answer_json(rq, 202, t.body);
    return rc;
}

/* ---- what would stop ---- */
static void put_stops(struct accounts *a, const struct account *acc, struct arena *mem, struct jw *w)
{
    const struct feature *list[64];
    size_t n = account_stops(a, acc, mem, list, COUNT_OF(list));
    jw_arr(w, "stops");
    for (size_t i = 0; i < n; i++) {
        jw_obj(w, NULL);
        jw_cstr(w, "name", list[i]->name);
        jw_cstr(w, "en", list[i]->en);
        jw_cstr(w, "th", list[i]->th);
        jw_str(w, "count", STR_NONE);
        jw_end(w);
    }
    jw_end(w);
}

static const struct {
    const char *code, *en, *th;
} refusals[] = {
    {"accounts.missing", "There is no such account.", "ไม่มีบัญชีนี้"},
    {"accounts.not_connected",
     "This account was never connected here, so there is nothing to end: its messages go on arriving until "
     "TikTok's webhook for them is taken away.",
     "บัญชีนี้ยังไม่เคยเชื่อมต่อกับระบบ จึงไม่มีสิ่งใดให้ยกเลิก ข้อความของบัญชียังคงเข้ามาจนกว่าจะนำเว็บฮุกของ TikTok ออก"},
    {"accounts.revoked", "This account is disconnected already.", "บัญชีนี้ถูกยกเลิกการเชื่อมต่อแล้ว"},
};

static void put_refused(const struct many_row *r, struct jw *w)
{
    size_t why = r->acc.state == NULL ? 0 : account_bare(&r->acc) ? 1 : 2;
    jw_obj(w, NULL);
    jw_str(w, "id", r->acc.id);
    jw_cstr(w, "code", refusals[why].code);
    jw_cstr(w, "en", refusals[why].en);
    jw_cstr(w, "th", refusals[why].th);
    jw_end(w);
}

struct looking {
    struct accounts *a;
    struct request *rq;
    struct many which;
    struct many_row *rows;
    size_t n;
};

static enum rc look_fn(struct tx *tx, void *arg, struct fault *why)
{
    struct looking *l = arg;
    return many_rows(tx, &l->which, STR(""), PREVIEW_MAX, rq_mem(l->rq), &l->rows, &l->n, why);
}

static enum rc look(struct looking *l, struct fault *why)
{
    l->which.workspace = rq_who(l->rq)->workspace;
    l->which.rq = l->rq;
    enum rc rc = many_read(rq_json(l->rq), rq_mem(l->rq), &l->which, why);
    if (rc == RC_OK && !many_app_known(l->a, l->which.workspace, l->which.app))
        rc = answer_mistake(l->rq, STR("all.app"), "must be the id of an app of this workspace",
                            "ต้องเป็นรหัสแอปของพื้นที่ทำงานนี้", why);
    return rc == RC_OK ? store_read(l->a->o.store, look_fn, l, why) : rc;
}

static void put_items(struct looking *l, bool stops, struct jw *w)
{
    jw_arr(w, "items");
    for (size_t i = 0; i < l->n; i++) {
        const struct account *acc = &l->rows[i].acc;
        if (l->rows[i].refused)
            continue;
        jw_obj(w, NULL);
        jw_str(w, "id", acc->id);
        if (stops) {
            jw_str(w, "kind", acc->role);
            jw_str(w, "display_name", acc->display_name.n > 0 ? acc->display_name : STR_NONE);
            jw_str(w, "username", acc->username.n > 0 ? acc->username : STR_NONE);
            jw_cstr(w, "state", acc->state);
            put_stops(l->a, acc, rq_mem(l->rq), w);
        } else
            jw_cstr(w, "state", "revoking");
        jw_end(w);
    }
    jw_end(w);
    if (!stops)
        return;
    jw_arr(w, "refused");
    for (size_t i = 0; i < l->n; i++)
        if (l->rows[i].refused && !l->which.all)
            put_refused(&l->rows[i], w);
    jw_end(w);
}

static str looked_json(struct looking *l, bool stops)
{
    struct buf b;
    struct jw w;
    buf_init(&b, rq_mem(l->rq), 1u << 20);
    jw_init(&w, &b);
    jw_obj(&w, NULL);
    put_items(l, stops, &w);
    jw_end(&w);
    return buf_str(&b);
}

struct kept {
    struct looking *l;
    str body;
};

static enum rc kept_tx(struct tx *tx, void *arg, struct fault *why)
{
    struct kept *k = arg;
    return access_once_save(tx, rq_once(k->l->rq), 200, k->body, why);
}

enum rc accounts_preview_route(struct request *rq, void *ctx, struct fault *why)
{
    struct looking l = {.a = ctx, .rq = rq};
    enum rc rc = look(&l, why);
    if (rc != RC_OK)
        return rc;
    struct kept k = {&l, looked_json(&l, true)};
    if (k.body.p == NULL)
        return fault_set(why, RC_FULL, "base.arena", "the preview is too long");
    rc = store_write(l.a->o.store, STORE_INTERACTIVE, kept_tx, &k, why);
    if (rc == RC_OK)
        answer_json(rq, 200, k.body);
    return rc;
}

/* ---- the end of many: a job, because each account is a transaction of its own ---- */
static str job_args_of(struct looking *l)
{
    struct buf b;
    struct jw w;
    str actor = audit_of(l->rq, "accounts.revoked", STR(""), STR_NONE).actor;
    buf_init(&b, rq_mem(l->rq), 8192);
    jw_init(&w, &b);
    jw_obj(&w, NULL);
    jw_str(&w, "actor", actor);
    if (l->which.all) {
        jw_obj(&w, "all");
        jw_str(&w, "kind", l->which.kind.n > 0 ? l->which.kind : STR("any"));
        jw_str(&w, "app", l->which.app.n > 0 ? l->which.app : STR_NONE);
        jw_end(&w);
    } else {
        jw_arr(&w, "accounts");
        for (size_t i = 0; i < l->which.n_ids; i++)
            jw_str(&w, NULL, l->which.ids[i]);
        jw_end(&w);
    }
    jw_end(&w);
    return buf_str(&b);
}

static enum rc revocations_tx(struct tx *tx, void *arg, struct fault *why)
{
    struct kept *k = arg;
    struct looking *l = k->l;
    str workspace = rq_who(l->rq)->workspace;
    struct job_new job = {.kind = "accounts.revoke_many",
                          .workspace = workspace,
                          .key = STR("accounts.revoke_many"),
                          .args = job_args_of(l)};
    enum rc rc = access_once_save(tx, rq_once(l->rq), 202, k->body, why);
    if (rc == RC_OK)
        rc = jobs_put(tx, &job, why);
    struct audit_entry e = audit_of(l->rq, "accounts.revocations", STR(""), STR_NONE);
    return rc == RC_OK ? audit_put(l->a->o.audit, tx, &e, why) : rc;
}

enum rc accounts_revocations_route(struct request *rq, void *ctx, struct fault *why)
{
    struct looking l = {.a = ctx, .rq = rq};
    enum rc rc = look(&l, why);
    if (rc != RC_OK)
        return rc;
    for (size_t i = 0; i < l.n; i++)
        if (l.rows[i].acc.state == NULL)
            return fault_set(why, RC_MISSING, "accounts.missing", "no such account");
    struct kept k = {&l, looked_json(&l, false)};
    if (k.body.p == NULL)
        return fault_set(why, RC_FULL, "base.arena", "the list is too long");
    rc = store_write(l.a->o.store, STORE_INTERACTIVE, revocations_tx, &k, why);
    if (rc == RC_OK)
        answer_json(rq, 202, k.body);
    return rc;
}
