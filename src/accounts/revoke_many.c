/* revoke_many: one, many or all affected accounts. The preview tells what stops for each; the job then ends
 * them, one transaction each. What can go wrong: an account ends by itself between preview and job
 * (harmless), the job is repeated after a crash (ending twice is harmless, too).
 */
#include "accounts/http_priv.h"

enum { STEP = 10 };

static enum rc wrong(const struct many *m, const char *field, const char *en, const char *th,
                     struct fault *why)
{
    return m->rq != NULL ? answer_mistake(m->rq, str_of(field), en, th, why)
                         : fault_set(why, RC_INVALID, "accounts.which", "%s %s", field, en);
}

#define NOT_KNOWN "is not a known member (kind, app)", "ไม่ใช่ชื่อที่รู้จัก (kind, app)"
#define NOT_A_KIND                                                                                           \
    "must be one of login, business, advertiser, any", "ต้องเป็น login, business, advertiser หรือ any"
#define NOT_AN_APP "must be the id of an app of this workspace", "ต้องเป็นรหัสแอปของพื้นที่ทำงานนี้"
#define NOT_AN_ID "must be an account's id, acc_...", "ต้องเป็นรหัสบัญชี acc_..."

/* Whatever is not understood is refused: an ignored filter would end every account of the workspace. */
static enum rc read_all(const struct json *all, struct many *m, struct arena *mem, struct fault *why)
{
    m->all = true;
    m->kind = m->app = STR("");
    if (all->type != JSON_OBJ)
        return wrong(m, "all", NOT_KNOWN, why);
    for (const struct json *c = all->child; c != NULL; c = c->next) {
        bool kind = str_eq(c->key, STR("kind")), app = str_eq(c->key, STR("app"));
        const char *field = arena_cstr(mem, arena_fmt(mem, "all." STR_FMT, STR_ARG(str_sub(c->key, 0, 64))));
        if (!kind && !app && !planted("accounts.loose_filter"))
            return wrong(m, field != NULL ? field : "all", NOT_KNOWN, why);
        if (kind && c->type == JSON_STR)
            m->kind = c->s;
        else if (app && c->type == JSON_STR && c->s.n > 0)
            m->app = c->s;
        else if (app && c->type != JSON_NULL)
            return wrong(m, "all.app", NOT_AN_APP, why);
    }
    if (str_eq(m->kind, STR("any"))) {
        m->kind = STR("");
        return RC_OK;
    }
    bool known = str_eq(m->kind, STR("login")) || str_eq(m->kind, STR("business")) ||
                 str_eq(m->kind, STR("advertiser")) || planted("accounts.loose_filter");
    return known ? RC_OK : wrong(m, "all.kind", NOT_A_KIND, why);
}

static enum rc read_ids(const struct json *ids, struct many *m, struct arena *mem, struct fault *why)
{
    if (ids->type != JSON_ARR || ids->count == 0 || ids->count > NAMED_MAX)
        return fault_set(why, RC_INVALID, "accounts.which", "one to %d accounts", (int)NAMED_MAX);
    m->ids = arena_array(mem, str, ids->count);
    if (m->ids == NULL)
        return fault_set(why, RC_FULL, "base.arena", "no room for the list");
    for (const struct json *c = ids->child; c != NULL; c = c->next) {
        char field[32];
        (void)snprintf(field, sizeof field, "accounts[%zu]", m->n_ids);
        if (c->type != JSON_STR || !id_valid(c->s, "acc"))
            return wrong(m, field, NOT_AN_ID, why);
        m->ids[m->n_ids++] = c->s;
    }
    return RC_OK;
}

static const struct json *given(const struct json *from, const char *name)
{
    const struct json *j = from != NULL ? json_get(from, name) : NULL;
    return j != NULL && j->type != JSON_NULL ? j : NULL;
}

enum rc many_read(const struct json *from, struct arena *mem, struct many *out, struct fault *why)
{
    struct many m = {.workspace = out->workspace, .rq = out->rq};
    const struct json *ids = given(from, "accounts"), *all = given(from, "all");
    if ((ids == NULL) == (all == NULL))
        return fault_set(why, RC_INVALID, "accounts.which", "either accounts or all");
    enum rc rc = all != NULL ? read_all(all, &m, mem, why) : read_ids(ids, &m, mem, why);
    if (rc == RC_OK)
        *out = m;
    return rc;
}

bool many_app_known(struct accounts *a, str workspace, str app)
{
    const struct account_app *row = app.n > 0 ? accounts_app_named(a, app) : NULL;
    return app.n == 0 ||
           (row != NULL && (str_eq(row->workspace, workspace) || str_eq(row->workspace, STR("-"))));
}

bool account_bare(const struct account *acc)
{
    return strcmp(account_health(acc, STR(""), 0)->code, "not_connected") == 0;
}

size_t account_stops(struct accounts *a, const struct account *acc, struct arena *mem,
                     const struct feature **out, size_t max)
{
    enum app_kind kind = role_kind(acc->role);
    const struct account_app *app = accounts_app_of(a, acc->client_key, kind);
    struct feature_facts facts = {
        .held = app != NULL ? app->scopes : STR(""), .granted = acc->scopes, .live = true};
    size_t n = 0;
    for (size_t i = 0; feature_at(i) != NULL && n < max; i++) {
        struct feature_verdict v;
        if (feature_at(i)->kind != kind)
            continue;
        feature_judge(feature_at(i), &facts, mem, &v);
        if (v.state == FEATURE_WORKS || v.state == FEATURE_UNTRIED)
            out[n++] = feature_at(i);
    }
    return n;
}

static bool over_already(const struct account *acc)
{
    return account_bare(acc) || str_eq(str_of(acc->state), STR("revoked")) ||
           str_eq(str_of(acc->state), STR("revoking"));
}

static enum rc named_rows(struct tx *tx, const struct many *m, struct arena *mem, struct many_row *list,
                          struct fault *why)
{
    enum rc rc = RC_OK;
    for (size_t i = 0; rc == RC_OK && i < m->n_ids; i++) {
        rc = accounts_load(tx, m->workspace, m->ids[i], mem, &list[i].acc, why);
        list[i].refused = rc == RC_MISSING || (rc == RC_OK && over_already(&list[i].acc));
        if (rc == RC_MISSING) {
            list[i].acc.id = m->ids[i];
            rc = RC_OK;
        }
    }
    return rc;
}

enum rc many_rows(struct tx *tx, const struct many *m, str after, int64_t limit, struct arena *mem,
                  struct many_row **out, size_t *n, struct fault *why)
{
    struct account *rows = NULL;
    size_t count = m->n_ids;
    struct account_list ask = {
        .workspace = m->workspace, .after = after, .role = m->kind, .app = m->app, .limit = limit};
    enum rc rc = m->all ? db_account_list(tx, &ask, mem, &rows, &count, why) : RC_OK;
    if (rc != RC_OK)
        return rc;
    struct many_row *list = arena_array(mem, struct many_row, count + 1);
    if (list == NULL)
        return fault_set(why, RC_FULL, "base.arena", "no room for the list");
    if (!m->all)
        rc = named_rows(tx, m, mem, list, why);
    for (size_t i = 0; m->all && i < count; i++)
        list[i] = (struct many_row){.acc = rows[i], .refused = over_already(&rows[i])};
    if (rc == RC_OK) {
        *out = list;
        *n = count;
    }
    return rc;
}

/* ---- the job ---- */
struct ending_many {
    struct accounts *a;
    struct many which;
    str actor;
    char after[64]; /* of `all`: the last id seen */
    bool more;
    struct arena *mem; /* of one page */
};

/* One account: a transaction of its own, so that locks, stamps and the audit entry keep their order. */
struct one_end {
    struct accounts *a;
    str workspace, id, actor;
};

static enum rc end_one_fn(struct tx *tx, void *arg, struct fault *why)
{
    const struct one_end *e = arg;
    struct audit_entry entry = {
        .workspace = e->workspace, .actor = e->actor, .action = STR("accounts.revoked"), .object = e->id};
    enum rc rc = accounts_revoke(e->a, tx, e->workspace, e->id, why);
    return rc == RC_OK ? audit_put(e->a->o.audit, tx, &entry, why) : rc;
}

struct page {
    struct ending_many *e;
    struct many_row *rows;
    size_t n;
};

static enum rc page_fn(struct tx *tx, void *arg, struct fault *why)
{
    struct page *p = arg;
    return many_rows(tx, &p->e->which, str_of(p->e->after), STEP, p->e->mem, &p->rows, &p->n, why);
}

static enum rc end_page(struct ending_many *e, struct fault *why)
{
    struct page p = {.e = e};
    enum rc rc = store_read(e->a->o.store, page_fn, &p, why);
    for (size_t i = 0; rc == RC_OK && i < p.n; i++) {
        struct one_end one = {e->a, e->which.workspace, p.rows[i].acc.id, e->actor};
        if (!p.rows[i].refused)
            rc = store_write(e->a->o.store, STORE_INTERACTIVE, end_one_fn, &one, why);
        if (rc == RC_MISSING)
            rc = RC_OK;
        (void)snprintf(e->after, sizeof e->after, STR_FMT, STR_ARG(p.rows[i].acc.id));
    }
    e->more = rc == RC_OK && e->which.all && p.n == STEP;
    return rc;
}

enum rc revoke_many_job(struct job *j, void *ctx, struct fault *why)
{
    struct ending_many e = {.a = ctx, .which = {.workspace = job_workspace(j)}, .actor = job_arg(j, "actor")};
    enum rc rc = many_read(job_args(j), job_mem(j), &e.which, why);
    if (e.actor.n == 0)
        e.actor = STR("system");
    while (rc == RC_OK) {
        e.mem = arena_open(256 * 1024);
        rc = end_page(&e, why);
        arena_close(&e.mem);
        if (!e.more)
            break;
    }
    return rc == RC_OK ? job_done(j, why) : rc;
}
