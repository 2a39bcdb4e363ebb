/* token: giving tokens to other rooms, and hearing from them how a token fared. Nothing is cached: every
 * giving reads the row, so that a revocation holds on all nodes from its commit on. What can go wrong: a
 * report about a token that was rotated since (not counted), and reports in a crowd (one job).
 */
#include <time.h>
#include "accounts/accounts_priv.h"

enum { WAIT_MS = 5000, NOW_WAIT_MS = 2000, POLL_MS = 50, LAST_RESORT_MS = 5000, DOUBT_MS = 600000 };

static void pause_ms(long ms)
{
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = (ms % 1000) * 1000000};
    nanosleep(&t, NULL);
}

static void give(const struct opened *o, struct account_token *out)
{
    *out = (struct account_token){.access = o->access,
                                  .scopes = o->grant.scopes,
                                  .open_id = o->grant.open_id,
                                  .generation = o->grant.generation,
                                  .rotation = o->grant.rotation};
}

static int64_t life_left(const struct opened *o)
{
    return o->grant.access_expires_ms == 0 ? INT64_MAX : o->grant.access_expires_ms - o->now_ms;
}

static bool fresh(const struct opened *o)
{
    return o->grant.state == GRANT_ACTIVE && life_left(o) > FRESH_MS;
}

/* After a failure nobody asks TikTok before the schedule does: callers would storm an outage. */
static bool waiting(const struct opened *o)
{
    return o->grant.failures > 0 && o->grant.due_ms > o->now_ms;
}

/* Leads the flight or waits for who does, in this process or another. RC_OK: read again. */
static enum rc join(struct opened *o, struct fault *why)
{
    bool mine = false;
    if (!flight_lead(o->a->flights, o->account, WAIT_MS))
        return RC_OK;
    enum rc rc = grant_refresh(o, &mine, why);
    flight_end(o->a->flights, o->account);
    if (rc == RC_OK && !mine)
        pause_ms(POLL_MS);
    return rc;
}

enum rc accounts_token(struct accounts *a, str workspace, str id, struct arena *mem,
                       struct account_token *out, struct fault *why)
{
    int64_t until = clock_mono_ms() + WAIT_MS;
    for (;;) {
        struct opened o = {.a = a, .workspace = workspace, .account = id, .mem = mem};
        enum rc rc = grant_open(&o, why);
        if (rc != RC_OK)
            return rc;
        if (fresh(&o)) {
            give(&o, out);
            return RC_OK;
        }
        rc = waiting(&o)
                 ? fault_set(why, RC_RETRY,
                             o.grant.state == GRANT_UNSURE ? "accounts.unsure" : "accounts.refresh_failing",
                             "the last refresh failed; it is tried again by itself")
                 : join(&o, why);
        bool passing = rc == RC_RETRY || rc == RC_LIMITED || rc == RC_FULL;
        if (passing && life_left(&o) > LAST_RESORT_MS) {
            give(&o, out); /* it could not be refreshed now, and its own life is not over */
            return RC_OK;
        }
        if (rc != RC_OK)
            return rc;
        if (clock_mono_ms() > until || a->stopping)
            return fault_set(why, RC_RETRY, "accounts.refresh_busy", "another refresh did not end in time");
    }
}

/* ---- a person's or an operator's "now" ---- */
/* A worker of the web server waits here: for a lease of a node that died it must not wait long. */
enum rc accounts_refresh_now(struct accounts *a, str workspace, str id, struct fault *why)
{
    int64_t until = clock_mono_ms() + NOW_WAIT_MS, rotation = -1, good_ms = 0;
    for (;;) {
        struct arena *mem = arena_open_secret(256 * 1024);
        struct opened o = {.a = a, .workspace = workspace, .account = id, .mem = mem};
        bool mine = false, lead = false;
        enum rc rc = grant_open(&o, why);
        bool done =
            rc == RC_OK && rotation >= 0 && (o.grant.rotation != rotation || o.grant.good_ms != good_ms);
        if (rc == RC_OK && rotation < 0) {
            rotation = o.grant.rotation;
            good_ms = o.grant.good_ms;
        }
        if (rc == RC_OK && !done) {
            lead = flight_lead(a->flights, id, NOW_WAIT_MS);
            rc = lead ? grant_refresh(&o, &mine, why) : RC_OK;
        }
        if (lead)
            flight_end(a->flights, id);
        arena_close(&mem);
        if (rc != RC_OK || done || mine)
            return rc;
        if (clock_mono_ms() > until || a->stopping)
            return fault_set(why, RC_RETRY, "accounts.refresh_busy", "another refresh did not end in time");
        if (lead)
            pause_ms(POLL_MS); /* another node leads */
    }
}

/* ---- reports ---- */
struct reporting {
    struct accounts *a;
    const struct account_report *r;
};

static enum rc report_fn(struct tx *tx, void *arg, struct fault *why)
{
    const struct reporting *p = arg;
    const struct account_report *r = p->r;
    str args = arena_fmt(tx_mem(tx), "{\"account\":\"" STR_FMT "\",\"rotation\":%lld,\"code\":\"%s\"}",
                         STR_ARG(r->account), (long long)r->rotation, r->fault->code);
    struct health_new line = {.workspace = r->workspace,
                              .account = r->account,
                              .what = "failed",
                              .code = r->fault->code,
                              .cls = rc_name(r->fault->rc),
                              .fault = r->fault};
    enum rc rc = db_health_put(tx, &line, why);
    struct job_new job = {
        .kind = "accounts.check",
        .workspace = r->workspace,
        .key = r->account,
        .args = args,
        .unique = arena_fmt(tx_mem(tx), STR_FMT "/%lld", STR_ARG(r->account), (long long)r->rotation)};
    return rc == RC_OK ? jobs_put(tx, &job, why) : rc;
}

enum rc accounts_reported(struct accounts *a, struct tx *tx_or_null, const struct account_report *r,
                          struct fault *why)
{
    struct reporting p = {a, r};
    if (r->fault->rc != RC_REAUTH && r->fault->rc != RC_SCOPE)
        return RC_OK; /* not about the token */
    return tx_or_null != NULL ? report_fn(tx_or_null, &p, why)
                              : store_write(a->o.store, STORE_INTERACTIVE, report_fn, &p, why);
}

/* ---- the check that a report asks for ---- */
static enum rc doubt_fn(struct tx *tx, void *arg, struct fault *why)
{
    const struct opened *o = arg;
    return db_grant_doubt(tx, o->workspace, &o->grant, why);
}

/* The refreshed token was refused as well, within minutes: consent is what is missing. */
static bool refused_again(const struct opened *o)
{
    return o->grant.doubted >= 0 && o->grant.doubted == o->grant.rotation - 1 &&
           o->now_ms - o->grant.good_ms < DOUBT_MS;
}

static enum rc check_grant(struct opened *o, struct job *j, struct fault *why)
{
    const struct account_app *app = grant_app(o);
    int64_t rotation = -1;
    bool mine = false;
    struct fault said = {.rc = RC_REAUTH};
    if (!json_i64(job_args(j), "rotation", &rotation) || rotation < o->grant.rotation || app == NULL)
        return RC_OK; /* another pair stands since */
    (void)snprintf(said.code, sizeof said.code, STR_FMT, STR_ARG(job_arg(j, "code")));
    if (str_eq(str_of(said.code), STR("tiktok.scope_missing")))
        said.rc = RC_SCOPE;
    enum grant_act act = grant_answer_of((int)app->kind, false, &said)->act;
    if (act == GRANT_KEEP_TRYING)
        return RC_OK;
    enum rc rc = grant_lease(o, why);
    if (rc != RC_OK || o->changed == 0)
        return rc == RC_OK ? fault_set(why, RC_RETRY, "accounts.refresh_busy", "another call is under way")
                           : rc;
    o->taken = true;
    o->said = said;
    if (said.rc == RC_SCOPE && o->refresh.n > 0 && app->kind != APP_LOGIN_KIT)
        return grant_probe(o, why); /* its granted scopes are read again */
    if (act == GRANT_CONSENT || (said.rc == RC_REAUTH && refused_again(o) && app->kind != APP_ADS))
        return grant_dead(o, said.code, why);
    rc = store_write(o->a->o.store, STORE_INTAKE, doubt_fn, o, why);
    return rc == RC_OK ? grant_refresh(o, &mine, why) : rc;
}

enum rc check_job(struct job *j, void *ctx, struct fault *why)
{
    struct accounts *a = ctx;
    struct arena *mem = arena_open_secret(256 * 1024);
    struct opened o = {.a = a, .workspace = job_workspace(j), .account = job_arg(j, "account"), .mem = mem};
    enum rc rc = grant_open(&o, why);
    if (rc == RC_OK)
        rc = check_grant(&o, j, why);
    arena_close(&mem);
    bool settled = rc == RC_REAUTH || rc == RC_MISSING; /* recorded with the grant */
    if (rc == RC_LIMITED && o.due_ms > 0)
        return job_later(j, o.due_ms, why);
    return rc == RC_OK || settled ? job_done(j, why) : rc;
}
