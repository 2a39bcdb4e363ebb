/* Two jobs that look after the outbox: held events go out again when an endpoint comes back, and old rows go.
 * Both work in pages and put themselves again while there is more, so no transaction grows.
 */
#include "mozflow/mozflow_priv.h"

#define DAY_MS (24LL * 3600 * 1000)

struct release {
    struct mozflow *m;
    str workspace;
};

static enum rc release_fn(struct tx *tx, void *arg, struct fault *why)
{
    const struct release *r = arg;
    struct outbox_row *rows;
    size_t n;
    int64_t since = tx_now_ms(tx) - config_int(r->m->o.config, "mozflow.hold_days") * DAY_MS;
    enum rc rc = mozflow_db_held(tx, r->workspace, since, tx_mem(tx), &rows, &n, why);
    for (size_t i = 0; i < n && rc == RC_OK; i++) {
        rows[i].state = STR("waiting");
        rc = mozflow_db_settle(tx, &rows[i], why);
        if (rc == RC_OK)
            rc = mozflow_put_delivery(tx, r->workspace, rows[i].id, why);
    }
    if (rc != RC_OK || n < MOZFLOW_PAGE)
        return rc;
    const struct job_new more = {.kind = "mozflow.release",
                                 .workspace = r->workspace,
                                 .key = STR("mozflow.release"),
                                 .unique = STR("release")};
    return jobs_put(tx, &more, why);
}

enum rc mozflow_run_release(struct job *j, void *ctx, struct fault *why)
{
    struct release r = {ctx, job_workspace(j)};
    return job_commit(j, release_fn, &r, why);
}

static enum rc tidy_fn(struct tx *tx, void *arg, struct fault *why)
{
    const struct mozflow *m = arg;
    int64_t gone = 0, before = tx_now_ms(tx) - config_int(m->o.config, "mozflow.keep_days") * DAY_MS;
    enum rc rc = mozflow_db_tidy(tx, before, &gone, why);
    if (rc != RC_OK || gone < MOZFLOW_PAGE)
        return rc;
    const struct job_new more = {.kind = "mozflow.tidy", .workspace = STR("-"), .unique = STR("more")};
    return jobs_put(tx, &more, why);
}

enum rc mozflow_run_tidy(struct job *j, void *ctx, struct fault *why)
{
    return job_commit(j, tidy_fn, ctx, why);
}
