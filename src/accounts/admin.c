/* admin: the operator's commands `accounts list|show|refresh|revoke|preview|revoke-all`, behind the admin
 * socket. An account is named by its id alone. What changes anything is audited with the actor "cli".
 */
#include "accounts/http_priv.h"

enum { LINES = 500, STORY = 20 };

struct asked {
    struct accounts *a;
    struct request *rq;
    struct account_owner who, *list;
    struct account_shown s;
    struct timeline_entry *story;
    size_t n, n_story;
};

static enum rc find(struct tx *tx, struct asked *q, struct fault *why)
{
    return db_account_anywhere(tx, rq_arg(q->rq, "id"), rq_mem(q->rq), &q->who, why);
}

static enum rc find_fn(struct tx *tx, void *arg, struct fault *why)
{
    return find(tx, arg, why);
}

static void put_line(struct asked *q, const struct account *acc, str workspace, struct buf *b)
{
    char next[TIME_TEXT];
    const struct account_health *h = account_health(acc, STR(""), store_clock(q->a->o.store));
    buf_fmt(b, STR_FMT "  " STR_FMT "  " STR_FMT "  %s  %s  next %s  " STR_FMT "\n", STR_ARG(acc->id),
            STR_ARG(workspace), STR_ARG(acc->role), acc->state, h->code,
            acc->next_ms > 0 ? time_iso(acc->next_ms, next) : "-",
            STR_ARG(acc->username.n > 0 ? acc->username : acc->display_name));
}

/* ---- list ---- */
struct listed {
    struct asked *q;
    struct buf *b;
};

static enum rc list_fn(struct tx *tx, void *arg, struct fault *why)
{
    struct listed *l = arg;
    struct account_owner *list = NULL;
    size_t n = 0;
    struct arena *mem = rq_mem(l->q->rq);
    enum rc rc = db_accounts_anywhere(tx, rq_arg(l->q->rq, "workspace"), LINES, mem, &list, &n, why);
    buf_clear(l->b);
    for (size_t i = 0; rc == RC_OK && i < n; i++) {
        struct account acc;
        rc = accounts_load(tx, list[i].workspace, list[i].account, mem, &acc, why);
        if (rc == RC_OK)
            put_line(l->q, &acc, list[i].workspace, l->b);
    }
    return rc;
}

static enum rc answer_text(struct request *rq, const struct buf *b, struct fault *why)
{
    if (!buf_ok(b))
        return fault_set(why, RC_FULL, "base.arena", "the answer is too long");
    answer_body(rq, 200, "text/plain; charset=utf-8", b->n > 0 ? buf_str(b) : STR("none\n"));
    return RC_OK;
}

static enum rc get_list(struct request *rq, void *ctx, struct fault *why)
{
    struct asked q = {.a = ctx, .rq = rq};
    struct buf b;
    buf_init(&b, rq_mem(rq), 1u << 20);
    struct listed l = {&q, &b};
    enum rc rc = store_read(q.a->o.store, list_fn, &l, why);
    return rc == RC_OK ? answer_text(rq, &b, why) : rc;
}

/* ---- show ---- */
static enum rc show_fn(struct tx *tx, void *arg, struct fault *why)
{
    struct asked *q = arg;
    enum rc rc = find(tx, q, why);
    if (rc == RC_OK)
        rc = account_show(tx, q->who.workspace, q->who.account, rq_mem(q->rq), &q->s, why);
    struct timeline_page p = {
        .workspace = q->who.workspace, .account = q->who.account, .before = STR(""), .limit = STORY};
    return rc == RC_OK ? accounts_timeline(tx, &p, rq_mem(q->rq), &q->story, &q->n_story, why) : rc;
}

static void put_time(struct buf *b, const char *name, int64_t ms)
{
    char at[TIME_TEXT];
    buf_fmt(b, "%-16s %s\n", name, ms > 0 ? time_iso(ms, at) : "-");
}

static void put_story(const struct asked *q, struct buf *b)
{
    for (size_t i = 0; i < q->n_story; i++) {
        const struct timeline_entry *e = &q->story[i];
        char at[TIME_TEXT];
        buf_fmt(b, "%s  %s", time_iso(e->at_ms, at), e->words->en);
        if (e->tiktok_code != 0)
            buf_fmt(b, " [TikTok %lld]", (long long)e->tiktok_code);
        if (e->log_id.n > 0)
            buf_fmt(b, " [log id " STR_FMT "]", STR_ARG(e->log_id));
        buf_put_c(b, '\n');
    }
}

static enum rc get_one(struct request *rq, void *ctx, struct fault *why)
{
    struct asked q = {.a = ctx, .rq = rq};
    struct buf b;
    buf_init(&b, rq_mem(rq), 256u << 10);
    enum rc rc = store_read(q.a->o.store, show_fn, &q, why);
    if (rc != RC_OK)
        return rc;
    const struct account *acc = &q.s.acc;
    const struct account_health *h = account_health(acc, STR(""), store_clock(q.a->o.store));
    put_line(&q, acc, q.who.workspace, &b);
    buf_fmt(&b, "%-16s " STR_FMT "\n", "scopes", STR_ARG(acc->scopes));
    put_time(&b, "connected", acc->connected_ms);
    put_time(&b, "last good call", acc->good_ms);
    put_time(&b, "access ends", acc->access_expires_ms);
    put_time(&b, "hard end", acc->refresh_expires_ms);
    put_time(&b, "next", acc->next_ms);
    for (size_t i = 0; i < q.s.ads.n; i++)
        buf_fmt(&b, "%-16s " STR_FMT "  " STR_FMT "\n", "ad account", STR_ARG(q.s.ads.list[i].id),
                STR_ARG(q.s.ads.list[i].name));
    buf_fmt(&b, "%s %s\n%s\n%s\n%s\n\n", h->en, h->next_en, h->th, h->next_th, "Newest first:");
    put_story(&q, &b);
    return answer_text(rq, &b, why);
}

/* ---- refresh, revoke ---- */
static enum rc refreshed_fn(struct tx *tx, void *arg, struct fault *why)
{
    const struct asked *q = arg;
    struct audit_entry e = {.workspace = q->who.workspace,
                            .actor = STR("cli"),
                            .action = STR("accounts.refreshed"),
                            .object = q->who.account,
                            .request = rq_id(q->rq)};
    return audit_put(q->a->o.audit, tx, &e, why);
}

static enum rc post_refresh(struct request *rq, void *ctx, struct fault *why)
{
    struct asked q = {.a = ctx, .rq = rq};
    enum rc rc = store_read(q.a->o.store, find_fn, &q, why);
    if (rc == RC_OK)
        rc = accounts_refresh_now(q.a, q.who.workspace, q.who.account, why);
    if (rc == RC_OK)
        rc = store_write(q.a->o.store, STORE_INTERACTIVE, refreshed_fn, &q, why);
    if (rc == RC_OK)
        answer_body(rq, 200, "text/plain; charset=utf-8", STR("refreshed\n"));
    return rc;
}

static enum rc revoke_fn(struct tx *tx, void *arg, struct fault *why)
{
    struct asked *q = arg;
    enum rc rc = find(tx, q, why);
    if (rc == RC_OK)
        rc = accounts_revoke(q->a, tx, q->who.workspace, q->who.account, why);
    struct audit_entry e = {.workspace = q->who.workspace,
                            .actor = STR("cli"),
                            .action = STR("accounts.revoked"),
                            .object = q->who.account,
                            .request = rq_id(q->rq)};
    return rc == RC_OK ? audit_put(q->a->o.audit, tx, &e, why) : rc;
}

static enum rc post_revoke(struct request *rq, void *ctx, struct fault *why)
{
    struct asked q = {.a = ctx, .rq = rq};
    enum rc rc = store_write(q.a->o.store, STORE_INTERACTIVE, revoke_fn, &q, why);
    if (rc == RC_OK)
        answer_body(rq, 200, "text/plain; charset=utf-8",
                    STR("its tokens are no longer used; TikTok is being told\n"));
    return rc;
}

/* ---- all of a workspace, kind or app ---- */
struct all {
    struct accounts *a;
    struct request *rq;
    struct buf *b;
};

/* The workspace and the app must be there: a slip of the pen must not read as "none". */
static enum rc all_named(struct tx *tx, const struct all *l, struct many *m, struct fault *why)
{
    struct workspace ws;
    str kind = rq_arg(l->rq, "kind"), app = rq_arg(l->rq, "app");
    *m = (struct many){.workspace = rq_arg(l->rq, "workspace"),
                       .all = true,
                       .kind = str_eq(kind, STR("any")) ? STR("") : kind,
                       .app = app.n > 0 ? app : STR("")};
    enum rc rc = access_workspace(tx, m->workspace, rq_mem(l->rq), &ws, why);
    if (rc == RC_MISSING)
        return fault_set(why, RC_MISSING, "accounts.no_workspace", "no such workspace");
    if (rc == RC_OK && !many_app_known(l->a, m->workspace, m->app))
        return fault_set(why, RC_MISSING, "accounts.no_app", "no such app");
    return rc;
}

static void put_what_stops(const struct all *l, const struct account *acc, struct buf *b)
{
    const struct feature *list[64];
    size_t n = account_stops(l->a, acc, rq_mem(l->rq), list, COUNT_OF(list));
    for (size_t i = 0; i < n; i++)
        buf_fmt(b, "    stops: %s (%s)\n", list[i]->en, list[i]->name);
    if (n == 0)
        buf_put(b, STR("    stops: nothing that works today; its tokens are deleted\n"));
}

static enum rc preview_fn(struct tx *tx, void *arg, struct fault *why)
{
    struct all *l = arg;
    struct many_row *rows = NULL;
    size_t n = 0;
    struct many m;
    struct asked q = {.a = l->a, .rq = l->rq};
    enum rc rc = all_named(tx, l, &m, why);
    if (rc == RC_OK)
        rc = many_rows(tx, &m, STR(""), PREVIEW_MAX, rq_mem(l->rq), &rows, &n, why);
    buf_clear(l->b);
    for (size_t i = 0; rc == RC_OK && i < n; i++)
        if (!rows[i].refused) {
            put_line(&q, &rows[i].acc, m.workspace, l->b);
            put_what_stops(l, &rows[i].acc, l->b);
        }
    return rc;
}

static enum rc get_preview(struct request *rq, void *ctx, struct fault *why)
{
    struct buf b;
    buf_init(&b, rq_mem(rq), 1u << 20);
    struct all l = {ctx, rq, &b};
    enum rc rc = store_read(l.a->o.store, preview_fn, &l, why);
    return rc == RC_OK ? answer_text(rq, &b, why) : rc;
}

static enum rc revoke_all_fn(struct tx *tx, void *arg, struct fault *why)
{
    struct all *l = arg;
    struct jw w;
    struct many m;
    enum rc rc = all_named(tx, l, &m, why);
    if (rc != RC_OK)
        return rc;
    str workspace = m.workspace;
    buf_clear(l->b);
    jw_init(&w, l->b);
    jw_obj(&w, NULL);
    jw_cstr(&w, "actor", "cli");
    jw_obj(&w, "all");
    jw_str(&w, "kind", m.kind.n > 0 ? m.kind : STR("any"));
    jw_str(&w, "app", m.app.n > 0 ? m.app : STR_NONE);
    jw_end(&w);
    jw_end(&w);
    struct job_new job = {.kind = "accounts.revoke_many",
                          .workspace = workspace,
                          .key = STR("accounts.revoke_many"),
                          .args = buf_str(l->b)};
    rc = jobs_put(tx, &job, why);
    struct audit_entry e = {.workspace = workspace,
                            .actor = STR("cli"),
                            .action = STR("accounts.revocations"),
                            .object = STR(""),
                            .request = rq_id(l->rq)};
    return rc == RC_OK ? audit_put(l->a->o.audit, tx, &e, why) : rc;
}

static enum rc post_revoke_all(struct request *rq, void *ctx, struct fault *why)
{
    struct buf b;
    buf_init(&b, rq_mem(rq), 4096);
    struct all l = {ctx, rq, &b};
    enum rc rc = store_write(l.a->o.store, STORE_INTERACTIVE, revoke_all_fn, &l, why);
    if (rc == RC_OK)
        answer_body(rq, 200, "text/plain; charset=utf-8", STR("they are being ended; see accounts list\n"));
    return rc;
}

#define ID_PARAM(in_)                                                                                        \
    {                                                                                                        \
        .name = "id", .in = in_, .kind = P_ID, .required = true, .choices = "acc", .doc = "The account."     \
    }
#define ALL_PARAMS(in_)                                                                                      \
    {.name = "workspace", .in = in_, .kind = P_TEXT, .required = true, .max = 64, .doc = "The workspace."},  \
        {.name = "kind",                                                                                     \
         .in = in_,                                                                                          \
         .kind = P_ENUM,                                                                                     \
         .required = true,                                                                                   \
         .choices = "login|business|advertiser|any",                                                         \
         .doc = "One kind of grant; any: all."},                                                             \
    {                                                                                                        \
        .name = "app", .in = in_, .kind = P_TEXT, .max = 32, .doc = "One app row's id."                      \
    }
static const struct param list_params[] = {
    {.name = "workspace", .in = IN_QUERY, .kind = P_TEXT, .max = 64, .doc = "One workspace; absent: all."}};
static const struct param show_params[] = {ID_PARAM(IN_QUERY)}, act_params[] = {ID_PARAM(IN_BODY)};
static const struct param preview_params[] = {ALL_PARAMS(IN_QUERY)}, all_params[] = {ALL_PARAMS(IN_BODY)};

#define ADMIN(method_, path_, name_, cls_, params_, run_)                                                    \
    .method = method_, .path = path_, .name = name_, .cls = cls_, .no_once = true, .params = params_,        \
    .n_params = COUNT_OF(params_), .handle = run_, .gives = &shape_plain_text
const struct route accounts_admin_routes[] = {
    {ADMIN("GET", "/admin/accounts", "adminAccounts", HTTP_READ, list_params, get_list),
     .doc = "Connected accounts, a line each: id, workspace, kind, state, health, next refresh."},
    {ADMIN("GET", "/admin/accounts/show", "adminAccount", HTTP_READ, show_params, get_one),
     .doc = "One account: deadlines, what to do, the newest lines of its timeline."},
    {ADMIN("POST", "/admin/accounts/refresh", "adminAccountRefresh", HTTP_EXCHANGE, act_params, post_refresh),
     .doc = "Refreshes or probes an account's tokens now."},
    {ADMIN("POST", "/admin/accounts/revoke", "adminAccountRevoke", HTTP_WRITE, act_params, post_revoke),
     .doc = "Ends an account's connection."},
    {ADMIN("GET", "/admin/accounts/preview", "adminAccountsPreview", HTTP_READ, preview_params, get_preview),
     .doc = "Which accounts of a workspace would be ended."},
    {ADMIN("POST", "/admin/accounts/revoke-all", "adminAccountsRevoke", HTTP_WRITE, all_params,
           post_revoke_all),
     .doc = "Ends all accounts of a workspace, or those of a kind or an app."},
};
const size_t accounts_admin_routes_n = COUNT_OF(accounts_admin_routes);
