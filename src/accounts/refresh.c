/* refresh: giving tokens, refreshing them once, telling TikTok about ends. No network inside a transaction.
 * Flow of a refresh: take the lease (fence + intent) -> call -> compare-and-set on fence and old fingerprint.
 * What can go wrong: the answer is lost after TikTok rotated. Then the old token is tried once more; refused,
 * the grant needs the person again (alert accounts.needs_reauth). Timeouts and 5xx delete nothing.
 */
#include <time.h>
#include "accounts/accounts_priv.h"

enum { SECRET_MEM = 256 * 1024, WAIT_MS = 10000, POLL_MS = 50 };

const struct metric accounts_metrics[] = {
    {"mz_account_refresh_total", METRIC_COUNTER, "outcome", "Token refreshes by outcome."},
    {"mz_account_grant_end_total", METRIC_COUNTER, "reason",
     "Grants that ended, by the event that ended them."},
};
const size_t accounts_metrics_n = COUNT_OF(accounts_metrics);

static const struct account_app *app_of(const struct accounts *a, str client_key)
{
    for (size_t i = 0; i < a->n_apps; i++)
        if (str_eq(a->apps[i].client.client_key, client_key))
            return &a->apps[i];
    return NULL;
}

/* ---- what is known of a grant, opened ---- */
struct opened {
    struct accounts *a;
    str workspace, account;
    struct arena *mem; /* secret */
    struct grant grant;
    struct secret access, refresh;
    int64_t now_ms;
    int64_t changed;
    const struct tiktok_tokens *tokens;
    const char *reason;
};

/* Row values live in the read's own arena; the few that are used later are copied. */
static enum rc keep_grant(struct opened *o, const struct grant *g, struct fault *why)
{
    o->grant = *g;
    o->grant.id = arena_str(o->mem, g->id);
    o->grant.account = arena_str(o->mem, g->account);
    o->grant.client_key = arena_str(o->mem, g->client_key);
    o->grant.open_id = arena_str(o->mem, g->open_id);
    o->grant.scopes = arena_str(o->mem, g->scopes);
    o->grant.refresh_fp = arena_str(o->mem, g->refresh_fp);
    return o->grant.refresh_fp.p == NULL ? fault_set(why, RC_FULL, "base.arena", "no room for the grant")
                                         : RC_OK;
}

static enum rc open_grant(struct tx *tx, void *arg, struct fault *why)
{
    struct opened *o = arg;
    struct grant g = {0};
    struct account acc;
    enum rc rc = accounts_load(tx, o->workspace, o->account, tx_mem(tx), &acc, why);
    if (rc == RC_OK)
        rc = db_grant_live(tx, o->workspace, o->account, tx_mem(tx), &g, why);
    if (rc != RC_OK)
        return rc;
    o->now_ms = tx_now_ms(tx);
    struct keys_place at = {o->workspace, "account_grants", g.id, "access_sealed"};
    rc = keys_unseal(o->a->o.keys, tx, &at, g.access_sealed, o->mem, &o->access, why);
    at.column = "refresh_sealed";
    if (rc == RC_OK && g.refresh_sealed.n > 0)
        rc = keys_unseal(o->a->o.keys, tx, &at, g.refresh_sealed, o->mem, &o->refresh, why);
    return rc == RC_OK ? keep_grant(o, &g, why) : rc;
}

static enum rc take_lease(struct tx *tx, void *arg, struct fault *why)
{
    struct opened *o = arg;
    struct grant live = {0};
    enum rc rc = grant_lock_live(tx, o->workspace, o->account, &live, why);
    if (rc != RC_OK)
        return rc;
    o->changed = 0;
    if (!str_eq(live.id, o->grant.id) || live.fence != o->grant.fence ||
        !str_eq(live.refresh_fp, o->grant.refresh_fp))
        return RC_OK; /* somebody rotated since it was read */
    return db_grant_lease(tx, o->workspace, &live, tx_now_ms(tx) + LEASE_MS, &o->changed, why);
}

static enum rc keep_tokens(struct tx *tx, void *arg, struct fault *why)
{
    struct opened *o = arg;
    struct grant live = {0};
    struct grant_new in = {o->workspace, o->account, o->grant.client_key, o->tokens};
    enum rc rc = grant_lock_live(tx, o->workspace, o->account, &live, why);
    if (rc == RC_OK)
        rc = grant_rotated(o->a, tx, &in, &o->grant, &o->changed, why);
    return rc == RC_OK && o->changed > 0
               ? db_health_insert(tx, o->workspace, o->account, "refreshed", STR(""), why)
               : rc;
}

static enum rc give_back(struct tx *tx, void *arg, struct fault *why)
{
    struct opened *o = arg;
    enum rc rc = db_grant_unlease(tx, o->workspace, &o->grant, why);
    return rc == RC_OK
               ? db_health_insert(tx, o->workspace, o->account, "refresh_failed", str_of(o->reason), why)
               : rc;
}

/* TikTok refused the refresh token. Only the holder of the fence may say so: a lost race is not a dead
 * grant. */
static enum rc mark_dead(struct tx *tx, void *arg, struct fault *why)
{
    struct opened *o = arg;
    struct grant live = {0};
    enum rc rc = grant_lock_live(tx, o->workspace, o->account, &live, why);
    if (rc != RC_OK || live.fence != o->grant.fence || !str_eq(live.refresh_fp, o->grant.refresh_fp) ||
        live.state != GRANT_ACTIVE)
        return rc;
    o->changed = 1;
    rc = grant_end(tx, o->workspace, &live, GRANT_REFUSED, o->reason, why);
    struct audit_entry e = {.workspace = o->workspace,
                            .actor = STR("tiktok"),
                            .action = STR("accounts.needs_reauth"),
                            .object = o->account};
    if (rc == RC_OK)
        rc = jobs_alert(tx, o->workspace, "accounts.needs_reauth", o->account, 1, why);
    return rc == RC_OK ? audit_put(o->a->o.audit, tx, &e, why) : rc;
}

static struct budget_call call_of(const struct opened *o, const struct account_app *app, const char *endpoint)
{
    return (struct budget_call){.client_key = app->client.client_key,
                                .workspace = o->workspace,
                                .account = o->account,
                                .family = tiktok_kind(app->kind)->name,
                                .endpoint = endpoint};
}

/* The call, and once more with the old token when its answer was lost (reliability-security 4.3). */
static enum rc ask_refresh(struct opened *o, struct tiktok_tokens *out, struct fault *why)
{
    const struct account_app *app = app_of(o->a, o->grant.client_key);
    struct permit permit;
    if (app == NULL)
        return fault_set(why, RC_REFUSED, "accounts.app_gone", "the app of this account is not configured");
    enum rc rc = RC_UNSURE;
    const struct budget_call call = call_of(o, app, "tiktok.token");
    for (int tries = 0; rc == RC_UNSURE && tries < 2; tries++) {
        rc = budget_take(o->a->o.budget, &call, &permit, why);
        if (rc == RC_OK)
            rc = tiktok_refresh(o->a->o.tiktok, &permit, &app->client, o->refresh, o->mem, out, why);
        if (rc != RC_OK)
            budget_answered(o->a->o.budget, &call, why);
    }
    if (rc == RC_OK && !str_eq(out->open_id, o->grant.open_id))
        return fault_set(why, RC_REFUSED, "accounts.open_id", "the refreshed token is another person's");
    return rc;
}

static enum rc refresh_leased(struct opened *o, struct fault *why)
{
    struct tiktok_tokens tokens = {0};
    struct fault ignored;
    enum rc rc = ask_refresh(o, &tokens, why);
    if (rc == RC_OK) {
        o->tokens = &tokens;
        rc = store_write(o->a->o.store, STORE_INTAKE, keep_tokens, o, why);
        o->tokens = NULL;
    }
    metric_add(&accounts_metrics[0], 1, rc_name(rc), NULL);
    log_event(o->a->o.log, rc == RC_OK ? LOG_INFO : LOG_WARN, "accounts.refresh", F_ID("account", o->account),
              F_RC(rc), F_FAULT(rc == RC_OK ? NULL : why));
    if (rc == RC_OK)
        return RC_OK;
    o->reason = why->code;
    o->changed = 0;
    if (rc == RC_REAUTH) {
        enum rc marked = store_write(o->a->o.store, STORE_INTAKE, mark_dead, o, &ignored);
        if (marked == RC_OK && o->changed == 0)
            return RC_OK; /* somebody else rotated it: read again */
        return fault_set(why, RC_REAUTH, "accounts.needs_reauth", "TikTok refused the refresh token");
    }
    enum rc back = store_write(o->a->o.store, STORE_INTAKE, give_back, o, &ignored);
    (void)back; /* else the lease runs out by itself */
    return rc == RC_UNSURE ? fault_set(why, RC_RETRY, "accounts.refresh_unsure", "two answers were lost")
                           : rc;
}

/* The grant with one more fence, as the lease left it. */
static enum rc refresh_once(struct opened *o, bool *mine, struct fault *why)
{
    if (o->refresh.n == 0 || o->grant.state != GRANT_ACTIVE)
        return fault_set(why, RC_REAUTH, "accounts.needs_reauth", "no refresh token that could be used");
    enum rc rc = store_write(o->a->o.store, STORE_INTAKE, take_lease, o, why);
    *mine = rc == RC_OK && o->changed == 1;
    if (!*mine)
        return rc;
    o->grant.fence++;
    return refresh_leased(o, why);
}

enum rc accounts_refresh(struct accounts *a, str workspace, str account, struct fault *why)
{
    struct arena *mem = arena_open_secret(SECRET_MEM);
    struct opened o = {.a = a, .workspace = workspace, .account = account, .mem = mem};
    bool mine = false;
    enum rc rc = store_read(a->o.store, open_grant, &o, why);
    if (rc == RC_OK)
        rc = refresh_once(&o, &mine, why);
    arena_close(&mem);
    return rc;
}

static void pause_ms(long ms)
{
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = (ms % 1000) * 1000000};
    nanosleep(&t, NULL);
}

static enum rc give(const struct opened *o, struct account_token *out)
{
    *out = (struct account_token){.access = o->access,
                                  .scopes = o->grant.scopes,
                                  .open_id = o->grant.open_id,
                                  .generation = o->grant.generation};
    return RC_OK;
}

enum rc accounts_token(struct accounts *a, str workspace, str id, struct arena *mem,
                       struct account_token *out, struct fault *why)
{
    int64_t until = clock_mono_ms() + WAIT_MS;
    for (;;) {
        struct opened o = {.a = a, .workspace = workspace, .account = id, .mem = mem};
        bool mine = false;
        enum rc rc = store_read(a->o.store, open_grant, &o, why);
        if (rc == RC_MISSING && str_eq(str_of(why->code), STR("accounts.no_grant")))
            return fault_set(why, RC_REAUTH, "accounts.needs_reauth", "the account is not connected");
        if (rc != RC_OK)
            return rc;
        if (o.grant.state != GRANT_ACTIVE)
            return fault_set(why, RC_REAUTH, "accounts.needs_reauth", "the grant is %s",
                             grant_state_name(o.grant.state));
        if (o.grant.access_expires_ms - o.now_ms > FRESH_MS)
            return give(&o, out);
        rc = refresh_once(&o, &mine, why);
        if (rc != RC_OK)
            return rc;
        if (clock_mono_ms() > until)
            return fault_set(why, RC_RETRY, "accounts.refresh_busy", "another refresh did not end in time");
        if (!mine)
            pause_ms(POLL_MS);
    }
}

/* ---- jobs ---- */
static str arg_of(struct job *j, const char *name)
{
    str s = STR_NONE;
    return json_str(job_args(j), name, &s) ? s : STR_NONE;
}

static enum rc refresh_job(struct job *j, void *ctx, struct fault *why)
{
    struct accounts *a = ctx;
    enum rc rc = accounts_refresh(a, job_workspace(j), arg_of(j, "account"), why);
    bool gone =
        rc == RC_REAUTH || rc == RC_MISSING; /* recorded with the grant: the job itself has done its work */
    return rc == RC_OK || gone ? job_done(j, why) : rc;
}

static enum rc put_due(struct tx *tx, void *arg, struct fault *why)
{
    (void)arg;
    struct grant_due *due = NULL;
    size_t n = 0;
    enum rc rc = db_grants_due(tx, 200, tx_mem(tx), &due, &n, why);
    for (size_t i = 0; rc == RC_OK && i < n; i++) {
        str args = arena_fmt(tx_mem(tx), "{\"account\":\"" STR_FMT "\"}", STR_ARG(due[i].account));
        struct job_new job = {.kind = "accounts.refresh",
                              .workspace = due[i].workspace,
                              .key = due[i].account,
                              .args = args,
                              .unique = due[i].account};
        rc = jobs_put(tx, &job, why);
    }
    return rc;
}

static enum rc due_job(struct job *j, void *ctx, struct fault *why)
{
    (void)ctx;
    return job_commit(j, put_due, NULL, why);
}

struct ending {
    struct accounts *a;
    str workspace, account, grant;
    const char *reason;
    int64_t tiktok_reason;
};

static enum rc close_revoked(struct tx *tx, void *arg, struct fault *why)
{
    struct ending *e = arg;
    struct grant live = {0};
    enum rc rc = grant_lock_live(tx, e->workspace, e->account, &live, why);
    if (rc == RC_MISSING || (rc == RC_OK && !str_eq(live.id, e->grant)))
        return RC_OK;
    return rc == RC_OK ? grant_end(tx, e->workspace, &live, GRANT_REVOKE_DONE, e->reason, why) : rc;
}

/* The revoke call takes a live access token: an expired one is refreshed first, without being stored. */
static enum rc tell_tiktok(struct opened *o, struct fault *why)
{
    const struct account_app *app = app_of(o->a, o->grant.client_key);
    struct permit permit;
    struct secret access = o->access;
    if (app == NULL)
        return fault_set(why, RC_REFUSED, "accounts.app_gone", "the app of this account is not configured");
    if (o->grant.access_expires_ms <= o->now_ms && o->refresh.n > 0) {
        struct tiktok_tokens fresh = {0};
        enum rc rc = ask_refresh(o, &fresh, why);
        if (rc != RC_OK)
            return rc;
        access = fresh.access;
    }
    const struct budget_call call = call_of(o, app, "tiktok.revoke");
    enum rc rc = budget_take(o->a->o.budget, &call, &permit, why);
    if (rc == RC_OK)
        rc = tiktok_revoke(o->a->o.tiktok, &permit, &app->client, access, why);
    if (rc != RC_OK)
        budget_answered(o->a->o.budget, &call, why);
    return rc;
}

static enum rc revoke_job(struct job *j, void *ctx, struct fault *why)
{
    struct accounts *a = ctx;
    struct arena *mem = arena_open_secret(SECRET_MEM);
    struct ending end = {
        .a = a, .workspace = job_workspace(j), .account = arg_of(j, "account"), .grant = arg_of(j, "grant")};
    struct opened o = {.a = a, .workspace = end.workspace, .account = end.account, .mem = mem};
    enum rc rc = store_read(a->o.store, open_grant, &o, why);
    bool other = rc == RC_MISSING || (rc == RC_OK && !str_eq(o.grant.id, end.grant));
    if (rc == RC_OK && !other)
        rc = tell_tiktok(&o, why);
    arena_close(&mem);
    if (other)
        return job_done(j, why);
    bool told = rc == RC_OK || rc == RC_REAUTH; /* refused as unknown: it is gone already */
    if (!told && !job_last(j) && rc != RC_REFUSED)
        return rc == RC_UNSURE ? fault_set(why, RC_RETRY, "accounts.revoke_unsure", "no answer was read")
                               : rc;
    end.reason = told ? "we disconnected it" : "disconnected here; TikTok could not be told";
    log_event(a->o.log, told ? LOG_INFO : LOG_ERROR, "accounts.revoked", F_ID("account", end.account),
              F_RC(rc));
    metric_add(&accounts_metrics[1], 1, told ? "revoked" : "untold", NULL);
    return job_commit(j, close_revoked, &end, why);
}

static enum rc close_removed(struct tx *tx, void *arg, struct fault *why)
{
    struct ending *e = arg;
    struct grant live = {0};
    enum rc rc = grant_lock_live(tx, e->workspace, e->account, &live, why);
    if (rc == RC_MISSING || (rc == RC_OK && !str_eq(live.id, e->grant)))
        return RC_OK;
    struct account_owner who = {e->workspace, e->account};
    return rc == RC_OK ? grant_removed(e->a, tx, &who, &live, e->tiktok_reason, why) : rc;
}

/* A removal notice from about the grant's first seconds: does the token live? */
static enum rc verify_job(struct job *j, void *ctx, struct fault *why)
{
    struct accounts *a = ctx;
    struct arena *mem = arena_open_secret(SECRET_MEM);
    struct ending end = {
        .a = a, .workspace = job_workspace(j), .account = arg_of(j, "account"), .grant = arg_of(j, "grant")};
    bool known = json_i64(job_args(j), "reason", &end.tiktok_reason);
    must(known);
    struct opened o = {.a = a, .workspace = end.workspace, .account = end.account, .mem = mem};
    struct tiktok_user user = {0};
    struct permit permit;
    struct budget_call call = {0};
    enum rc rc = store_read(a->o.store, open_grant, &o, why);
    bool other = rc == RC_MISSING || (rc == RC_OK && !str_eq(o.grant.id, end.grant));
    if (rc == RC_OK && !other) {
        call = (struct budget_call){.client_key = o.grant.client_key,
                                    .workspace = end.workspace,
                                    .account = end.account,
                                    .family = tiktok_kind(APP_LOGIN_KIT)->name,
                                    .endpoint = "tiktok.user_info"};
        rc = budget_take(a->o.budget, &call, &permit, why);
        if (rc == RC_LIMITED) {
            arena_close(&mem);
            return job_later(j, permit.slot_ms, why);
        }
    }
    if (rc == RC_OK && !other) {
        struct tiktok_grant ask = {.access = o.access, .scopes = o.grant.scopes};
        rc = tiktok_user_info(a->o.tiktok, &permit, &ask, mem, &user, why);
        if (rc != RC_OK)
            budget_answered(a->o.budget, &call, why);
    }
    arena_close(&mem);
    if (other || rc == RC_OK || rc == RC_SCOPE)
        return job_done(j, why);
    return rc == RC_REAUTH ? job_commit(j, close_removed, &end, why) : rc;
}

const struct job_kind accounts_jobs[] = {
    {.name = "accounts.refresh",
     .order = JOB_ONE,
     .cls = JOBS_TOKEN,
     .retry = &retry_patient,
     .lease_ms = 60000,
     .run = refresh_job,
     .doc = "Refreshes one account's token; a lost answer is tried once more with the old token."},
    {.name = "accounts.refresh_due",
     .order = JOB_FREE,
     .cls = JOBS_TOKEN,
     .retry = &retry_fast,
     .run = due_job,
     .doc = "Puts a refresh for every grant that is past half of its access token's life."},
    {.name = "accounts.revoke",
     .order = JOB_ONE,
     .cls = JOBS_TOKEN,
     .retry = &retry_patient,
     .lease_ms = 60000,
     .run = revoke_job,
     .doc = "Tells TikTok that a grant ends, then deletes its tokens."},
    {.name = "accounts.verify",
     .order = JOB_ONE,
     .cls = JOBS_TOKEN,
     .retry = &retry_patient,
     .lease_ms = 60000,
     .run = verify_job,
     .doc = "Asks TikTok whether a token lives when a removal notice is as old as the grant."},
};
const size_t accounts_jobs_n = COUNT_OF(accounts_jobs);

const struct job_schedule accounts_schedules[] = {
    {"accounts.refresh", "accounts.refresh_due", 60000, "Looks every minute for tokens to refresh."},
};
const size_t accounts_schedules_n = COUNT_OF(accounts_schedules);
