/* availability_plan: when a probe is due. Every minute one page of connected business accounts is looked at
 * (new ones are planned at once), and what is due gets a job; the job asks and keeps. A refused call asks for
 * one at once. What can go wrong: more accounts than a page a minute can see (200): the walk takes longer,
 * each account keeps its own time.
 */
#include "messaging/setup_priv.h"

enum { PAGE = 200, DUE = 100, PUT_OFF_MS = 3600000 };

static enum rc put_probe(struct tx *tx, str workspace, str account, struct fault *why)
{
    const struct job_new job = {.kind = "messaging.probe",
                                .workspace = workspace,
                                .key = account,
                                .args =
                                    arena_fmt(tx_mem(tx), "{\"account\":\"" STR_FMT "\"}", STR_ARG(account)),
                                .unique = account};
    return jobs_put(tx, &job, why);
}

/* One page further in the walk over all connected accounts; behind the last one it begins again. */
static enum rc walk(struct tx *tx, struct fault *why)
{
    struct account_owner at, *list = NULL;
    size_t n = 0;
    enum rc rc = setup_db_cursor(tx, tx_mem(tx), &at, why);
    if (rc == RC_OK)
        rc = accounts_businesses(tx, at.workspace.n > 0 ? &at : NULL, PAGE, tx_mem(tx), &list, &n, why);
    for (size_t i = 0; rc == RC_OK && i < n; i++)
        rc = setup_db_plan(tx, list[i].workspace, list[i].account, why);
    if (rc != RC_OK)
        return rc;
    at = n == PAGE ? list[n - 1] : (struct account_owner){STR(""), STR("")};
    return setup_db_cursor_save(tx, &at, why);
}

static enum rc plan(struct tx *tx, void *arg, struct fault *why)
{
    struct account_owner *due = NULL;
    size_t n = 0;
    (void)arg;
    enum rc rc = store_lock(tx, STR("-"), "messaging.plan", STR("availability"), why);
    if (rc == RC_OK)
        rc = walk(tx, why);
    if (rc == RC_OK)
        rc = setup_db_due(tx, DUE, tx_mem(tx), &due, &n, why);
    for (size_t i = 0; rc == RC_OK && i < n; i++) {
        rc = setup_db_put_off(tx, due[i].workspace, due[i].account, tx_now_ms(tx) + PUT_OFF_MS, why);
        if (rc == RC_OK)
            rc = put_probe(tx, due[i].workspace, due[i].account, why);
    }
    return rc;
}

enum rc probe_due_job(struct job *j, void *ctx, struct fault *why)
{
    (void)ctx;
    return job_commit(j, plan, NULL, why);
}

/* ---- one account ---- */
static enum rc keep(struct tx *tx, void *arg, struct fault *why)
{
    const struct probe *p = arg;
    struct probe_kept k;
    enum rc rc = probe_keep(p, tx, &k, why);
    return rc == RC_OK ? feed_put(tx, p->workspace, "account", p->account, why) : rc;
}

static enum rc rest(struct tx *tx, void *arg, struct fault *why)
{
    const struct probe *p = arg;
    return setup_db_sleep(tx, p->workspace, p->account, why);
}

enum rc probe_job(struct job *j, void *ctx, struct fault *why)
{
    str account = STR_NONE;
    bool known = json_str(job_args(j), "account", &account);
    must(known);
    struct arena *mem = arena_open_secret(ASK_MEM);
    struct probe p = {.m = ctx, .workspace = job_workspace(j), .account = account, .mem = mem};
    enum rc rc = probe_run(&p, why);
    if (rc == RC_LIMITED && p.later_ms != 0)
        rc = job_later(j, p.later_ms, why);
    else if (rc == RC_MISSING || rc == RC_CONFLICT) /* erased, or its app is no longer configured */
        rc = job_commit(j, rest, &p, why);
    else if (rc == RC_OK || job_last(j)) /* the last try keeps what is known */
        rc = job_commit(j, keep, &p, why);
    arena_close(&mem);
    return rc;
}

/* ---- a refused call ---- */
struct doubt {
    str workspace, account;
};

static enum rc put_doubt(struct tx *tx, void *arg, struct fault *why)
{
    const struct doubt *d = arg;
    return put_probe(tx, d->workspace, d->account, why);
}

enum rc messaging_answered(struct messaging *m, str workspace, str account, const struct fault *answer,
                           struct fault *why)
{
    static const int64_t codes[] = {40001, 40105, 40118}; /* business-messaging 4.3 */
    struct doubt d = {workspace, account};
    for (size_t i = 0; i < COUNT_OF(codes); i++)
        if (answer->outer_code == codes[i])
            return store_write(m->store, STORE_BULK, put_doubt, &d, why);
    return RC_OK;
}
