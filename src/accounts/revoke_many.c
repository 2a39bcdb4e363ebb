/* revoke_many: one, many or all affected accounts. The preview tells what stops for each; the job then ends
 * them, one transaction each. What can go wrong: an account ends by itself between preview and job
 * (harmless), the job is repeated after a crash (ending twice is harmless, too).
 */
#include "accounts/http_priv.h"

enum { STEP = 10 };

enum rc many_read(const struct json *from, struct arena *mem, struct many *out, struct fault *why)
{
    struct many m = {.workspace = out->workspace};
    const struct json *ids = from != NULL ? json_get(from, "accounts") : NULL;
    const struct json *all = from != NULL ? json_get(from, "all") : NULL;
    if ((ids == NULL) == (all == NULL))
        return fault_set(why, RC_INVALID, "accounts.which", "either accounts or all");
    if (all != NULL) {
        m.all = true;
        m.kind = m.app = STR("");
        (void)json_str(all, "kind", &m.kind);
        (void)json_str(all, "app", &m.app);
        *out = m;
        return RC_OK;
    }
    if (ids->count == 0 || ids->count > NAMED_MAX)
        return fault_set(why, RC_INVALID, "accounts.which", "one to %d accounts", (int)NAMED_MAX);
    m.ids = arena_array(mem, str, ids->count);
    if (m.ids == NULL)
        return fault_set(why, RC_FULL, "base.arena", "no room for the list");
    for (const struct json *c = ids->child; c != NULL; c = c->next) {
        if (c->type != JSON_STR || !id_valid(c->s, "acc"))
            return fault_set(why, RC_INVALID, "accounts.which", "ids look like acc_...");
        m.ids[m.n_ids++] = c->s;
    }
    *out = m;
    return RC_OK;
}

static bool over_already(const struct account *acc)
{
    return str_eq(str_of(acc->state), STR("revoked")) || str_eq(str_of(acc->state), STR("revoking"));
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
