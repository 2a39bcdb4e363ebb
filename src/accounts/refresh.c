/* refresh: one flight of one grant. No network inside a transaction.
 * Flow: open (read, unseal) -> lease with fence and intent, durable -> call -> first transaction after the
 * answer: compare-and-set on the fingerprint that was sent. What can go wrong: the answer is lost after
 * TikTok rotated (asked once more with the old token; refused, the person must consent again, with an alert);
 * the commit of the new pair fails (this thread keeps the pair in memory that is wiped, and repeats); the
 * process dies in between (jobs.c finds the intent when the lease has run out). Timeouts and 5xx delete
 * nothing.
 */
#include <time.h>
#include "accounts/accounts_priv.h"

enum { PAUSE_FIRST_MS = 50, PAUSE_LAST_MS = 1000 };

static void pause_ms(long ms)
{
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = (ms % 1000) * 1000000};
    nanosleep(&t, NULL);
}

const struct account_app *grant_app(const struct opened *o)
{
    return accounts_app_of(o->a, o->grant.client_key, role_kind(o->grant.role));
}

/* ---- opening: state first, so that nobody but the revoke job opens what is being revoked ---- */
static enum rc may_open(const struct opened *o, const struct grant *g, struct fault *why)
{
    if (g->state == GRANT_REVOKING && !o->for_revoke)
        return fault_set(why, RC_REAUTH, "accounts.revoked", "the grant is being revoked");
    if (g->state == GRANT_NEEDS_REAUTH && !o->for_revoke)
        return fault_set(why, RC_REAUTH, "accounts.needs_reauth", "TikTok no longer accepts its tokens");
    return RC_OK;
}

static enum rc why_none(struct tx *tx, const struct opened *o, struct fault *why)
{
    str state = STR("");
    enum rc rc = db_grant_last(tx, o->workspace, o->account, tx_mem(tx), &state, why);
    if (rc != RC_OK)
        return rc;
    if (state.n == 0)
        return fault_set(why, RC_REAUTH, "accounts.needs_reauth", "the account was never connected");
    return fault_set(why, RC_REAUTH, "accounts.revoked", "the connection has ended");
}

/* Row values live in the read's own arena; those that are used later are copied. */
static enum rc keep_grant(struct opened *o, const struct grant *g, struct fault *why)
{
    struct grant k = *g;
    str *const texts[] = {&k.id,     &k.account, &k.client_key, &k.open_id,
                          &k.scopes, &k.role,    &k.access_fp,  &k.refresh_fp};
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        *texts[i] = arena_str(o->mem, *texts[i]);
        if (texts[i]->p == NULL)
            return fault_set(why, RC_FULL, "base.arena", "no room for the grant");
    }
    k.access_sealed = k.refresh_sealed = STR_NONE;
    o->grant = k;
    return RC_OK;
}

static enum rc open_fn(struct tx *tx, void *arg, struct fault *why)
{
    struct opened *o = arg;
    struct grant g = {0};
    struct account acc;
    enum rc rc = db_grant_live(tx, o->workspace, o->account, tx_mem(tx), &g, why);
    if (rc == RC_MISSING) {
        rc = accounts_load(tx, o->workspace, o->account, tx_mem(tx), &acc, why);
        return rc == RC_OK ? why_none(tx, o, why) : rc;
    }
    if (rc == RC_OK)
        rc = may_open(o, &g, why);
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

enum rc grant_open(struct opened *o, struct fault *why)
{
    return store_read(o->a->o.store, open_fn, o, why);
}

/* ---- the lease ---- */
/* An intent under a lease that ran out is an outcome nobody knows: recorded before the old token is tried. */
static enum rc note_lost(struct tx *tx, const struct opened *o, struct grant *live, struct fault *why)
{
    enum rc rc = failpoint(&accounts_points[P_UNSURE_FOUND], live->id, why);
    struct health_new line = {.workspace = o->workspace,
                              .account = o->account,
                              .what = "unsure",
                              .code = "cut_off",
                              .cls = "unsure"};
    if (rc != RC_OK || live->state == GRANT_REVOKING || live->state == GRANT_NEEDS_REAUTH)
        return rc;
    if (live->state != GRANT_UNSURE)
        rc = grant_end(tx, o->workspace, live, GRANT_LOST_ANSWER, "", why);
    live->state = GRANT_UNSURE;
    return rc == RC_OK ? db_health_put(tx, &line, why) : rc;
}

static enum rc lease_fn(struct tx *tx, void *arg, struct fault *why)
{
    struct opened *o = arg;
    struct grant live = {0};
    o->changed = 0;
    enum rc rc = grant_lock(tx, o->workspace, o->grant.client_key, o->grant.open_id, why);
    if (rc == RC_OK)
        rc = db_grant_live(tx, o->workspace, o->account, tx_mem(tx), &live, why);
    if (rc == RC_MISSING)
        return RC_OK; /* over meanwhile: the caller reads again */
    if (rc != RC_OK)
        return rc;
    if (planted("accounts.no_lease")) {
        o->changed = 1;
        return RC_OK;
    }
    if (!str_eq(live.id, o->grant.id) || live.fence != o->grant.fence ||
        !str_eq(live.refresh_fp, o->grant.refresh_fp) || live.lease_until_ms > tx_now_ms(tx))
        return RC_OK; /* somebody leads, or rotated since it was read */
    if (live.state == GRANT_REVOKING && !o->for_revoke)
        return RC_OK;
    rc = db_grant_lease(tx, o->workspace, &live, tx_now_ms(tx) + LEASE_MS, &o->changed, why);
    if (rc == RC_OK && o->changed == 1 && live.intent_ms > 0)
        rc = note_lost(tx, o, &live, why);
    o->grant.state = live.state;
    return rc;
}

enum rc grant_lease(struct opened *o, struct fault *why)
{
    enum rc rc = store_write(o->a->o.store, STORE_INTAKE, lease_fn, o, why);
    if (rc == RC_OK && o->changed == 1) {
        o->grant.fence++;
        rc = failpoint(&accounts_points[P_LEASE_TAKEN], o->grant.id, why);
    }
    return rc;
}

static enum rc back_fn(struct tx *tx, void *arg, struct fault *why)
{
    const struct opened *o = arg;
    struct grant_back b = {.workspace = o->workspace, .due_ms = o->due_ms, .failures = -1};
    return db_grant_back(tx, &o->grant, &b, NULL, why);
}

void grant_release(struct opened *o, int64_t due_ms)
{
    struct fault ignored;
    o->due_ms = due_ms;
    enum rc rc = store_write(o->a->o.store, STORE_INTAKE, back_fn, o, &ignored);
    (void)rc; /* else the lease runs out, and the intent makes somebody ask */
}

/* ---- the call ---- */
static struct budget_call budget_of(const struct opened *o, enum tiktok_op op)
{
    const struct account_app *app = grant_app(o);
    must(app != NULL);
    const struct tiktok_endpoint *e = tiktok_endpoint_of(app->kind, op);
    return (struct budget_call){.client_key = o->grant.client_key,
                                .workspace = o->workspace,
                                .account = o->account,
                                .family = tiktok_kind(app->kind)->name,
                                .endpoint = e != NULL ? e->name : "tiktok.token"};
}

enum rc grant_permit(const struct opened *o, enum tiktok_op op, struct permit *out, struct fault *why)
{
    if (grant_app(o) == NULL)
        return fault_set(why, RC_REFUSED, "tiktok.client", "the app of this account is not configured");
    struct budget_call call = budget_of(o, op);
    return budget_take(o->a->o.budget, &call, out, why);
}

void grant_told(const struct opened *o, enum tiktok_op op, const struct fault *why)
{
    if (grant_app(o) == NULL)
        return;
    struct budget_call call = budget_of(o, op);
    budget_answered(o->a->o.budget, &call, why);
}

/* The call, and once more with the old token when its answer was lost (reliability-security 4.3). */
static enum rc ask(struct opened *o, struct tiktok_tokens *out, struct fault *why)
{
    const struct account_app *app = grant_app(o);
    struct permit permit = {0};
    enum rc rc = RC_UNSURE;
    for (int tries = 0; rc == RC_UNSURE && tries < 2; tries++) {
        rc = grant_permit(o, OP_REFRESH, &permit, why);
        if (rc != RC_OK && tries > 0)
            return fault_set(why, RC_UNSURE, "tiktok.unsure",
                             "an answer was lost and no slot is free to ask");
        if (rc != RC_OK) {
            o->due_ms = permit.slot_ms;
            return rc;
        }
        rc = failpoint(&accounts_points[P_CALLED], o->grant.id, why);
        if (rc == RC_OK)
            rc = tiktok_refresh(o->a->o.tiktok, &permit, &app->client, o->refresh, o->mem, out, why);
        if (rc != RC_OK)
            grant_told(o, OP_REFRESH, why);
    }
    if (rc == RC_OK && out->open_id.n > 0 && !str_eq(out->open_id, o->grant.open_id))
        return fault_set(why, RC_REFUSED, "accounts.open_id", "the refreshed token is another person's");
    return rc;
}

/* ---- the new pair: kept until it is stored ---- */
static enum rc said_refreshed(struct tx *tx, struct opened *o, const struct grant *live, struct fault *why)
{
    struct health_new line = {.workspace = o->workspace, .account = o->account, .cls = "ok"};
    enum rc rc = RC_OK;
    if (live->state == GRANT_UNSURE || live->state == GRANT_NEEDS_REAUTH) {
        line.what = "probed";
        line.code = "alive";
        rc = db_health_put(tx, &line, why);
    }
    line.what = "refreshed";
    line.code = NULL;
    if (rc == RC_OK)
        rc = db_health_put(tx, &line, why);
    line.what = "scope_changed";
    if (rc == RC_OK && o->rescoped)
        rc = db_health_put(tx, &line, why);
    bool seen = live->state != GRANT_ACTIVE || o->rescoped;
    return rc == RC_OK && seen ? grant_changed(tx, o->workspace, o->account, why) : rc;
}

static enum rc keep_fn(struct tx *tx, void *arg, struct fault *why)
{
    struct opened *o = arg;
    struct grant live = {0};
    struct sealed_pair s = {0};
    struct tiktok_tokens t = *o->tokens;
    struct grant_new pair = {o->workspace, o->account, o->grant.client_key, &t};
    o->changed = 0;
    if (t.scopes.n == 0)
        t.scopes = o->grant.scopes; /* a refresh never widens; some answers leave the list out */
    if (t.refresh.n == 0) {
        t.refresh = o->refresh; /* an answer without one: the old one goes on */
        t.refresh_expires_in_s = (o->grant.refresh_expires_ms - tx_now_ms(tx)) / 1000;
    }
    enum rc rc = grant_lock(tx, o->workspace, o->grant.client_key, o->grant.open_id, why);
    if (rc == RC_OK)
        rc = db_grant_live(tx, o->workspace, o->account, tx_mem(tx), &live, why);
    if (rc == RC_MISSING || (rc == RC_OK && !str_eq(live.id, o->grant.id)))
        return RC_OK; /* the grant is over: its tokens are not wanted any more */
    if (rc == RC_OK)
        rc = grant_seal(o->a, tx, &pair, live.id, &s, why);
    if (rc != RC_OK)
        return rc;
    if (str_eq(live.refresh_fp, s.refresh_fp) && str_eq(live.access_fp, s.access_fp)) {
        o->changed = 1; /* found stored: the commit that nobody could be sure of was done */
        return RC_OK;
    }
    if (planted("accounts.fence_decides") && live.fence != o->grant.fence)
        return RC_OK;
    o->rescoped = accounts_missing_scopes(t.scopes, live.scopes, tx_mem(tx)).n > 0 ||
                  accounts_missing_scopes(live.scopes, t.scopes, tx_mem(tx)).n > 0;
    rc = db_grant_rotate(tx, o->workspace, &o->grant, &s, &o->changed, why);
    return rc == RC_OK && o->changed > 0 ? said_refreshed(tx, o, &live, why) : rc;
}

static enum rc keep_once(struct opened *o, struct fault *why)
{
    enum rc hurt = failpoint(&accounts_points[P_COMMIT], o->grant.id, why);
    if (hurt == RC_RETRY)
        return hurt; /* the write fails before it begins */
    enum rc rc = store_write(o->a->o.store, STORE_INTAKE, keep_fn, o, why);
    return rc == RC_OK && hurt == RC_UNSURE ? hurt : rc;
}

/* Ends only when the pair is stored, found stored, or no longer wanted. A fault that repeating cannot mend
 * (its workspace's key is destroyed) ends it too. */
static enum rc keep(struct opened *o, struct fault *why)
{
    long wait = PAUSE_FIRST_MS;
    for (;;) {
        enum rc rc = keep_once(o, why);
        if (rc == RC_OK || rc == RC_MISSING || rc == RC_DENIED || rc == RC_BUG || rc == RC_INVALID)
            return rc;
        metric_add(&accounts_metrics[M_KEEPING], 1, rc_name(rc), NULL);
        log_event(o->a->o.log, LOG_WARN, "accounts.keeping", F_ID("account", o->account), F_RC(rc),
                  F_FAULT(why));
        pause_ms(wait);
        wait = wait * 2 < PAUSE_LAST_MS ? wait * 2 : PAUSE_LAST_MS;
    }
}

/* ---- what follows from an answer ---- */
static enum rc dead_fn(struct tx *tx, void *arg, struct fault *why)
{
    struct opened *o = arg;
    struct grant live = {0};
    struct health_new line = {.workspace = o->workspace,
                              .account = o->account,
                              .what = "needs_reauth",
                              .code = o->said.code,
                              .cls = rc_name(o->said.rc),
                              .fault = &o->said};
    o->changed = 0;
    enum rc rc = grant_lock(tx, o->workspace, o->grant.client_key, o->grant.open_id, why);
    if (rc == RC_OK)
        rc = db_grant_live(tx, o->workspace, o->account, tx_mem(tx), &live, why);
    if (rc == RC_MISSING)
        return RC_OK;
    if (rc != RC_OK || !str_eq(live.id, o->grant.id) || live.fence != o->grant.fence ||
        !str_eq(live.refresh_fp, o->grant.refresh_fp) ||
        (live.state != GRANT_ACTIVE && live.state != GRANT_UNSURE))
        return rc; /* only who holds the fence may say so: a lost race is not a dead grant */
    o->changed = 1;
    struct grant_back b = {.workspace = o->workspace, .failures = -1};
    rc = grant_end(tx, o->workspace, &live, GRANT_REFUSED, "", why);
    if (rc == RC_OK)
        rc = db_grant_back(tx, &o->grant, &b, NULL, why);
    if (rc == RC_OK)
        rc = db_health_put(tx, &line, why);
    if (rc == RC_OK)
        rc = grant_emit(tx, "account.needs_reauth", o->workspace, o->account, "refused", why);
    struct audit_entry e = {.workspace = o->workspace,
                            .actor = STR("tiktok"),
                            .action = STR("accounts.needs_reauth"),
                            .object = o->account};
    if (rc == RC_OK)
        rc = jobs_alert(tx, o->workspace, "accounts.needs_reauth", o->account, 1, why);
    if (rc == RC_OK)
        rc = grant_changed(tx, o->workspace, o->account, why);
    return rc == RC_OK ? audit_put(o->a->o.audit, tx, &e, why) : rc;
}

enum rc grant_dead(struct opened *o, const char *reason, struct fault *why)
{
    if (reason != NULL)
        (void)fault_set(&o->said, RC_REAUTH, reason, "the grant can no longer be refreshed");
    bool doubted = o->grant.state == GRANT_UNSURE;
    enum rc rc = failpoint(&accounts_points[doubted ? P_UNSURE_PROBED : P_REFUSED], o->grant.id, why);
    return rc == RC_OK ? store_write(o->a->o.store, STORE_INTAKE, dead_fn, o, why) : rc;
}

/* Alerts: our configuration at once, an unknown outcome at once, a failing refresh when it lasts. */
enum { ALERT_FAILURES = 5 };

static const char *alert_of(const struct opened *o, int64_t failures)
{
    if (o->act == GRANT_OUR_SETUP)
        return "accounts.app_setup";
    if (o->grant.state == GRANT_UNSURE || o->act == GRANT_ASK_AGAIN)
        return "accounts.unsure";
    return failures == ALERT_FAILURES ? "accounts.refresh_failing" : NULL;
}

static enum rc failed_fn(struct tx *tx, void *arg, struct fault *why)
{
    struct opened *o = arg;
    struct grant live = {0};
    enum rc rc = grant_lock(tx, o->workspace, o->grant.client_key, o->grant.open_id, why);
    if (rc == RC_OK)
        rc = db_grant_live(tx, o->workspace, o->account, tx_mem(tx), &live, why);
    if (rc == RC_MISSING || (rc == RC_OK && (!str_eq(live.id, o->grant.id) || live.fence != o->grant.fence)))
        return RC_OK;
    if (rc != RC_OK)
        return rc;
    struct grant_life life = {.now_ms = tx_now_ms(tx), .failures = (int)live.failures + 1};
    random_bytes(&life.dice, sizeof life.dice);
    struct grant_back b = {
        .workspace = o->workspace, .due_ms = grant_next_ms(&life), .failures = live.failures + 1};
    struct health_new line = {.workspace = o->workspace,
                              .account = o->account,
                              .what = o->act == GRANT_ASK_AGAIN ? "unsure" : "failed",
                              .code = o->said.code,
                              .cls = rc_name(o->said.rc),
                              .fault = &o->said};
    rc = db_grant_back(tx, &o->grant, &b, NULL, why);
    if (rc == RC_OK && o->act == GRANT_ASK_AGAIN && live.state == GRANT_ACTIVE)
        rc = grant_end(tx, o->workspace, &live, GRANT_LOST_ANSWER, "", why);
    if (rc == RC_OK)
        rc = db_health_put(tx, &line, why);
    const char *alert = alert_of(o, b.failures);
    if (rc == RC_OK && alert != NULL)
        rc = jobs_alert(tx, o->workspace, alert, o->account, 1, why);
    return rc == RC_OK && alert != NULL ? grant_changed(tx, o->workspace, o->account, why) : rc;
}

/* Every outcome but a good pair. */
enum rc grant_settle(struct opened *o, struct fault *why)
{
    const struct account_app *app = grant_app(o);
    struct fault ignored;
    o->said = *why;
    o->act = grant_answer_of(app != NULL ? (int)app->kind : -1, true, why)->act;
    if (o->act == GRANT_WAIT) {
        int64_t slot = o->due_ms > 0 ? o->due_ms : o->now_ms + 60000;
        grant_release(o, slot);
        o->due_ms = slot;
        return why->rc;
    }
    if (o->act == GRANT_CONSENT) {
        enum rc rc = grant_dead(o, NULL, &ignored);
        if (rc == RC_OK && o->changed == 0 && !o->for_revoke)
            return RC_OK; /* a newer pair stands: read again */
        return fault_set(why, RC_REAUTH, "accounts.needs_reauth", "TikTok refused the refresh token");
    }
    enum rc rc = store_write(o->a->o.store, STORE_INTAKE, failed_fn, o, &ignored);
    (void)rc; /* else the lease runs out by itself and the intent is found */
    if (o->said.rc == RC_UNSURE)
        return fault_set(why, RC_RETRY, "accounts.unsure", "TikTok's answers were lost twice");
    return why->rc;
}

enum rc grant_flight(struct opened *o, struct fault *why)
{
    struct tiktok_tokens tokens = {0};
    int64_t from_us = clock_mono_us(), got_us = 0;
    o->due_ms = 0;
    enum rc rc = ask(o, &tokens, why);
    bool answered = rc == RC_OK;
    got_us = clock_mono_us();
    if (answered) {
        rc = failpoint(&accounts_points[o->grant.state == GRANT_UNSURE ? P_UNSURE_PROBED : P_ANSWERED],
                       o->grant.id, why);
        o->tokens = &tokens;
        rc = keep(o, why); /* whatever a failpoint said: a pair in hand is kept */
        o->tokens = NULL;
        metric_observe_us(&accounts_metrics[M_WINDOW], clock_mono_us() - got_us, NULL, NULL);
        metric_observe_us(&accounts_metrics[M_SECONDS], clock_mono_us() - from_us, NULL, NULL);
    }
    metric_add(&accounts_metrics[M_REFRESH], 1, rc_name(rc), NULL);
    log_event(o->a->o.log, rc == RC_OK ? LOG_INFO : LOG_WARN, "accounts.refresh", F_ID("account", o->account),
              F_RC(rc), F_FAULT(rc == RC_OK ? NULL : why));
    if (!answered)
        return grant_settle(o, why);
    if (rc == RC_OK && o->changed > 0) {
        o->access = tokens.access;
        return failpoint(&accounts_points[P_STORED], o->grant.id, why);
    }
    if (rc == RC_OK)
        grant_release(o, 0); /* another pair stands, or the grant is over: only our lease must go */
    return rc;
}

enum rc grant_refresh(struct opened *o, bool *mine, struct fault *why)
{
    if (o->grant.state == GRANT_NEEDS_REAUTH && !o->for_revoke)
        return fault_set(why, RC_REAUTH, "accounts.needs_reauth", "TikTok no longer accepts its tokens");
    enum rc rc = o->taken ? RC_OK : grant_lease(o, why);
    *mine = rc == RC_OK && (o->taken || o->changed == 1);
    if (!*mine)
        return rc;
    if (o->refresh.n > 0)
        return grant_flight(o, why);
    return o->for_revoke ? RC_OK : grant_probe(o, why);
}

enum rc accounts_refresh(struct accounts *a, str workspace, str account, struct fault *why)
{
    struct arena *mem = arena_open_secret(256 * 1024);
    struct opened o = {.a = a, .workspace = workspace, .account = account, .mem = mem};
    bool mine = false;
    enum rc rc = grant_open(&o, why);
    if (rc == RC_OK)
        rc = grant_refresh(&o, &mine, why);
    arena_close(&mem);
    return rc;
}
