/* jobs: what this room does by itself. Every second, on every node (ticker.c): calls that were cut off are
 * found, and lots are put for what is due; a lot takes eight leases in one transaction. Every hour: the
 * countdown to hard ends, and what is old goes. What can go wrong: a lot that takes long gives the rest of
 * its leases back before they run out; a node dies with its lots (each node has its own, so nobody waits).
 */
#include "accounts/accounts_priv.h"

enum { LOT = 8, LOTS_MAX = 16, LOT_RUN_MS = 20000, SWEEP_MAX = 50, HOUR_MS = 3600000 };

const struct metric accounts_metrics[] = {
    [M_REFRESH] = {"mz_account_refresh_total", METRIC_COUNTER, "outcome",
                   "Token refreshes and probes by outcome."},
    [M_END] = {"mz_account_grant_end_total", METRIC_COUNTER, "reason",
               "Grants that ended, by their last state."},
    [M_KEEPING] = {"mz_account_keeping_total", METRIC_COUNTER, "outcome",
                   "Writes of a new token pair that failed and were repeated, by outcome."},
    [M_UNSURE] = {"mz_account_unsure_total", METRIC_COUNTER, "found", "Calls that were cut off, as found."},
    [M_SECONDS] = {"mz_account_refresh_seconds", METRIC_HISTOGRAM, NULL,
                   "One refresh from its call to its stored pair."},
    [M_WINDOW] = {"mz_account_refresh_window_seconds", METRIC_HISTOGRAM, NULL,
                  "From TikTok's answer to the stored pair: what a killed process loses."},
};
const size_t accounts_metrics_n = COUNT_OF(accounts_metrics);

str job_arg(struct job *j, const char *name)
{
    str s = STR_NONE;
    return json_str(job_args(j), name, &s) ? s : STR_NONE;
}

/* ---- a lot: leases of several due grants in one transaction, then one flight after the other ---- */
struct lot {
    struct accounts *a;
    struct arena *mem;
    struct grant_due *due;
    size_t n;
    int64_t claimed_mono_ms;
};

static enum rc claim_fn(struct tx *tx, void *arg, struct fault *why)
{
    struct lot *l = arg;
    return db_grants_claim(tx, LOT, tx_now_ms(tx) + LEASE_MS, l->mem, &l->due, &l->n, why);
}

static void fly_one(struct lot *l, const struct grant_due *d)
{
    struct arena *mem = arena_open_secret(256 * 1024);
    struct fault why = {0};
    bool mine = false;
    struct opened o = {
        .a = l->a, .workspace = d->workspace, .account = d->account, .mem = mem, .taken = true};
    bool led = flight_lead(l->a->flights, d->account, 0);
    enum rc rc = grant_open(&o, &why);
    bool ours = rc == RC_OK && str_eq(o.grant.id, d->grant) && o.grant.fence == d->fence;
    bool late = l->a->stopping || clock_mono_ms() - l->claimed_mono_ms > LEASE_MS - CALL_MS;
    if (ours && late)
        grant_release(&o, 0);
    else if (ours)
        rc = failpoint(&accounts_points[P_LEASE_TAKEN], o.grant.id, &why);
    if (ours && !late && rc == RC_OK)
        rc = grant_refresh(&o, &mine, &why);
    (void)rc; /* recorded with the grant */
    if (led)
        flight_end(l->a->flights, d->account);
    arena_close(&mem);
}

static enum rc lot_job(struct job *j, void *ctx, struct fault *why)
{
    struct lot l = {.a = ctx};
    int64_t until = clock_mono_ms() + LOT_RUN_MS;
    enum rc rc = RC_OK;
    do {
        l.n = 0;
        l.mem = arena_open(64 * 1024);
        rc = store_write(l.a->o.store, STORE_INTAKE, claim_fn, &l, why);
        l.claimed_mono_ms = clock_mono_ms();
        for (size_t i = 0; rc == RC_OK && i < l.n; i++)
            fly_one(&l, &l.due[i]);
        arena_close(&l.mem);
    } while (rc == RC_OK && l.n > 0 && clock_mono_ms() < until && !l.a->stopping);
    return rc == RC_OK ? job_done(j, why) : rc;
}

/* Named after this process: a lot of a node that died must not stand for the lots of others. */
static enum rc put_lots(struct tx *tx, const struct accounts *a, int64_t due, struct fault *why)
{
    int64_t lots = (due + LOT - 1) / LOT;
    enum rc rc = RC_OK;
    for (int64_t i = 0; rc == RC_OK && i < lots && i < LOTS_MAX; i++) {
        struct job_new job = {.kind = "accounts.refresh_lot",
                              .workspace = STR("-"),
                              .args = STR("{}"),
                              .unique = arena_fmt(tx_mem(tx), "lot-%s-%d", a->node, (int)i)};
        rc = jobs_put(tx, &job, why);
    }
    return rc;
}

/* ---- every second, on every node: what was cut off, then what is due ---- */
/* The lease that ran out with an intent: nobody knows what TikTok did. The grant is due at once; the flight
 * that follows tries the old token. */
static enum rc found_fn(struct tx *tx, void *arg, struct fault *why)
{
    const struct grant_due *d = arg;
    struct grant live = {0};
    enum rc rc = grant_lock_live(tx, d->workspace, d->account, &live, why);
    if (rc == RC_MISSING)
        return RC_OK;
    if (rc != RC_OK || !str_eq(live.id, d->grant) || live.fence != d->fence || live.intent_ms == 0 ||
        live.lease_until_ms > tx_now_ms(tx))
        return rc;
    struct grant_back b = {.workspace = d->workspace, .due_ms = tx_now_ms(tx), .failures = -1};
    struct health_new line = {.workspace = d->workspace,
                              .account = d->account,
                              .what = "unsure",
                              .code = "cut_off",
                              .cls = "unsure"};
    bool doubt = live.state == GRANT_ACTIVE && live.refresh_fp.n > 0;
    rc = failpoint(&accounts_points[P_UNSURE_FOUND], live.id, why);
    if (rc == RC_OK)
        rc = db_grant_back(tx, &live, &b, NULL, why);
    if (rc == RC_OK && doubt)
        rc = grant_end(tx, d->workspace, &live, GRANT_LOST_ANSWER, "", why);
    if (rc == RC_OK && doubt)
        rc = db_health_put(tx, &line, why);
    return rc == RC_OK && doubt ? grant_changed(tx, d->workspace, d->account, why) : rc;
}

static enum rc lost_fn(struct tx *tx, void *arg, struct fault *why)
{
    struct lot *l = arg;
    return db_grants_lost(tx, SWEEP_MAX, l->mem, &l->due, &l->n, why);
}

static enum rc sweep(struct accounts *a, struct fault *why)
{
    struct lot l = {.a = a};
    enum rc rc = RC_OK;
    for (int round = 0; rc == RC_OK && round < 40; round++) {
        l.mem = arena_open(64 * 1024);
        rc = store_read(a->o.store, lost_fn, &l, why);
        for (size_t i = 0; rc == RC_OK && i < l.n; i++) {
            log_event(a->o.log, LOG_WARN, "accounts.unsure", F_ID("account", l.due[i].account));
            metric_add(&accounts_metrics[M_UNSURE], 1, "cut_off", NULL);
            rc = store_write(a->o.store, STORE_INTAKE, found_fn, &l.due[i], why);
        }
        arena_close(&l.mem);
        if (l.n < SWEEP_MAX)
            break;
    }
    return rc;
}

struct scan {
    struct accounts *a;
    int64_t due;
};

static enum rc count_fn(struct tx *tx, void *arg, struct fault *why)
{
    struct scan *s = arg;
    return db_grants_count_due(tx, LOT * LOTS_MAX, &s->due, why);
}

static enum rc lots_fn(struct tx *tx, void *arg, struct fault *why)
{
    const struct scan *s = arg;
    return put_lots(tx, s->a, s->due, why);
}

enum rc accounts_tick(struct accounts *a, struct fault *why)
{
    struct scan s = {.a = a};
    enum rc rc = sweep(a, why);
    if (rc == RC_OK)
        rc = store_read(a->o.store, count_fn, &s, why);
    return rc == RC_OK && s.due > 0 ? store_write(a->o.store, STORE_INTAKE, lots_fn, &s, why) : rc;
}

/* ---- every hour ---- */
struct noticing {
    struct accounts *a;
    struct grant_due *d;
};

static enum rc notice_fn(struct tx *tx, void *arg, struct fault *why)
{
    const struct grant_due *d = ((struct noticing *)arg)->d;
    struct grant live = {0};
    char days_text[24];
    enum rc rc = grant_lock_live(tx, d->workspace, d->account, &live, why);
    if (rc == RC_MISSING)
        return RC_OK;
    int days = rc == RC_OK ? grant_notice_days(live.refresh_expires_ms - tx_now_ms(tx)) : 0;
    if (rc != RC_OK || !str_eq(live.id, d->grant) || days == 0 ||
        (live.noticed_days != 0 && live.noticed_days <= days))
        return rc;
    (void)snprintf(days_text, sizeof days_text, "%d", days);
    struct health_new line = {
        .workspace = d->workspace, .account = d->account, .what = "notice", .code = days_text};
    rc = db_grant_noticed(tx, d->workspace, &live, days, why);
    if (rc == RC_OK)
        rc = db_health_put(tx, &line, why);
    if (rc == RC_OK)
        rc = grant_emit(tx, "account.reconsent_due", d->workspace, d->account, days_text, why);
    if (rc == RC_OK)
        rc = jobs_alert(tx, d->workspace, "accounts.reconsent_due", d->account, 1, why);
    return rc == RC_OK ? grant_changed(tx, d->workspace, d->account, why) : rc;
}

struct ending_page {
    struct arena *mem;
    str after;
    struct grant_due *list;
    size_t n;
};

static enum rc ending_fn(struct tx *tx, void *arg, struct fault *why)
{
    struct ending_page *p = arg;
    return db_grants_ending(tx, tx_now_ms(tx) + 30 * DAY_MS, p->after, p->mem, &p->list, &p->n, why);
}

enum rc countdown_job(struct job *j, void *ctx, struct fault *why)
{
    struct accounts *a = ctx;
    struct ending_page p = {.mem = job_mem(j), .after = STR("")};
    enum rc rc = RC_OK;
    do {
        rc = store_read(a->o.store, ending_fn, &p, why);
        for (size_t i = 0; rc == RC_OK && i < p.n; i++) {
            struct noticing one = {a, &p.list[i]};
            rc = store_write(a->o.store, STORE_BULK, notice_fn, &one, why);
            p.after = p.list[i].grant;
        }
    } while (rc == RC_OK && p.n == 100);
    return rc == RC_OK ? job_done(j, why) : rc;
}

struct tidying {
    struct accounts *a;
    int64_t deleted;
    size_t erased;
};

static enum rc tidy_fn(struct tx *tx, void *arg, struct fault *why)
{
    struct tidying *t = arg;
    int64_t before = tx_now_ms(tx) - config_int(t->a->o.config, "accounts.timeline_days") * DAY_MS;
    return db_health_tidy(tx, before, &t->deleted, why);
}

static enum rc erase_fn(struct tx *tx, void *arg, struct fault *why)
{
    struct tidying *t = arg;
    struct account_owner *list = NULL;
    enum rc rc = db_accounts_to_erase(tx, tx_mem(tx), &list, &t->erased, why);
    for (size_t i = 0; rc == RC_OK && i < t->erased; i++)
        rc = grant_forget(tx, list[i].workspace, list[i].account, why);
    return rc;
}

/* A revocation whose job died (a dead letter) must not keep ciphertext for ever. */
static enum rc stuck_fn(struct tx *tx, void *arg, struct fault *why)
{
    struct tidying *t = arg;
    struct grant_due *list = NULL;
    size_t n = 0;
    enum rc rc = db_grants_stuck(tx, tx_now_ms(tx) - REVOKE_MS - HOUR_MS, tx_mem(tx), &list, &n, why);
    for (size_t i = 0; rc == RC_OK && i < n; i++) {
        str args = arena_fmt(tx_mem(tx), "{\"account\":\"" STR_FMT "\",\"grant\":\"" STR_FMT "\"}",
                             STR_ARG(list[i].account), STR_ARG(list[i].grant));
        struct job_new job = {.kind = "accounts.revoke",
                              .workspace = list[i].workspace,
                              .key = list[i].account,
                              .args = args,
                              .unique = list[i].grant};
        rc = jobs_put(tx, &job, why);
    }
    (void)t;
    return rc;
}

enum rc tidy_job(struct job *j, void *ctx, struct fault *why)
{
    struct tidying t = {.a = ctx};
    enum rc rc = RC_OK;
    for (int i = 0; rc == RC_OK && i < 500 && (i == 0 || t.deleted > 0); i++)
        rc = store_write(t.a->o.store, STORE_BULK, tidy_fn, &t, why);
    for (int i = 0; rc == RC_OK && i < 50 && (i == 0 || t.erased > 0); i++)
        rc = store_write(t.a->o.store, STORE_BULK, erase_fn, &t, why);
    if (rc == RC_OK)
        rc = store_write(t.a->o.store, STORE_BULK, stuck_fn, &t, why);
    return rc == RC_OK ? job_done(j, why) : rc;
}

#define TOKEN_JOB(name_, order_, run_, doc_)                                                                 \
    {                                                                                                        \
        .name = name_, .order = order_, .cls = JOBS_TOKEN, .retry = &retry_patient, .lease_ms = 60000,       \
        .run = run_, .doc = doc_                                                                             \
    }
const struct job_kind accounts_jobs[] = {
    {.name = "accounts.refresh_lot",
     .order = JOB_FREE,
     .cls = JOBS_TOKEN,
     .retry = &retry_fast,
     .lease_ms = 60000,
     .run = lot_job,
     .doc = "Refreshes or probes due grants, eight leases at a time, until none is due or 20 s are over."},
    TOKEN_JOB("accounts.check", JOB_ONE, check_job,
              "TikTok refused a token in another room's call: refresh once, or read its scopes again."),
    TOKEN_JOB("accounts.revoke", JOB_ONE, revoke_job,
              "Tells TikTok that a grant ends, then deletes its tokens."),
    TOKEN_JOB("accounts.verify", JOB_ONE, verify_job,
              "Asks TikTok whether a token lives when a removal notice is as old as the grant."),
    TOKEN_JOB("accounts.revoke_many", JOB_ONE, revoke_many_job,
              "Ends a list of accounts, or all of a kind or app, fifty in a transaction."),
    TOKEN_JOB("accounts.countdown", JOB_FREE, countdown_job,
              "Notices 30, 7 and 1 days before refresh tokens end for good."),
    TOKEN_JOB("accounts.tidy", JOB_FREE, tidy_job,
              "Deletes old timeline entries and profiles of ended accounts; restarts stuck revocations."),
};
const size_t accounts_jobs_n = COUNT_OF(accounts_jobs);

const struct job_schedule accounts_schedules[] = {
    {"accounts.countdown", "accounts.countdown", HOUR_MS,
     "Looks for refresh tokens that end within 30 days."},
    {"accounts.tidy", "accounts.tidy", HOUR_MS, "Timeline and profiles that are old enough to go."},
};
const size_t accounts_schedules_n = COUNT_OF(accounts_schedules);
