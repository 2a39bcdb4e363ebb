/* revoke: how a grant ends, by us, by the person, by TikTok. Flow of ours: state `revoking` (from its commit
 * on nobody but the revoke job opens the tokens) -> job: an expired access token is refreshed first, and that
 * pair is stored like any other -> TikTok is told -> the ciphertext goes, when TikTok confirms, when it says
 * "already gone", or after 24 hours of trying. What can go wrong: a removal notice that is older than the
 * live grant (ends nothing); one within 2 s of its birth (job accounts.verify asks whether the token lives).
 */
#include "accounts/accounts_priv.h"
#include "access/access.h"

/* What TikTok gave us about a person is kept no longer than its end allows: the developer terms ask for
 * deletion when the authorization ends (login-kit 7.4). A month after an end by people lets a shop connect
 * again without losing its name in lists; gone, banned and age-changed accounts lose it at once. */
#define MONTH_MS (30 * DAY_MS)
const struct ending_row ending_rows[] = {
    {"by_us", -1, MONTH_MS, "we disconnected it", "An operator or a member ended it here."},
    {"removed.0", 0, MONTH_MS, "unknown", "TikTok gives no reason."},
    {"removed.1", 1, MONTH_MS, "disconnected in TikTok", "The person ended it in TikTok's settings."},
    {"removed.2", 2, 0, "account deleted", "The TikTok account does not exist any more."},
    {"removed.3", 3, 0, "age changed", "TikTok no longer lets this person use apps."},
    {"removed.4", 4, 0, "account banned", "TikTok banned the account."},
    {"removed.5", 5, MONTH_MS, "revoked by the app", "The echo of an end by us, perhaps on another system."},
};
const size_t ending_rows_n = COUNT_OF(ending_rows);

const struct ending_row *ending_of(int64_t reason)
{
    for (size_t i = 0; i < COUNT_OF(ending_rows); i++)
        if (ending_rows[i].reason == reason)
            return &ending_rows[i];
    return &ending_rows[1];
}

static enum rc withdrawn(struct accounts *a, struct tx *tx, str workspace, const struct grant *g,
                         const char *flow, struct fault *why)
{
    struct consent_entry e = {.workspace = workspace,
                              .who = {g->client_key, g->open_id},
                              .act = CONSENT_WITHDRAWN,
                              .flow = str_of(flow)};
    return consent_record(a->o.consent, tx, &e, NULL, why);
}

enum rc grant_forget(struct tx *tx, str workspace, str account, struct fault *why)
{
    const struct tiktok_advertisers none = {0};
    enum rc rc = db_profile_erase(tx, workspace, account, why);
    return rc == RC_OK ? db_advertisers_save(tx, workspace, account, &none, why) : rc;
}

/* Who the account was stays for as long as the row says; the claim on a business account ends with it. */
static enum rc let_go(struct tx *tx, str workspace, str account, const struct ending_row *row,
                      struct fault *why)
{
    if (row->keep_profile_ms == 0) {
        enum rc rc = grant_forget(tx, workspace, account, why);
        return rc == RC_OK ? db_account_release(tx, workspace, account, 0, why) : rc;
    }
    return db_account_release(tx, workspace, account, tx_now_ms(tx) + row->keep_profile_ms, why);
}

static enum rc over(struct tx *tx, str workspace, const struct grant *g, const struct ending_row *row,
                    struct fault *why)
{
    struct health_new line = {
        .workspace = workspace, .account = g->account, .what = "revoked", .code = row->by, .cls = "ok"};
    enum rc rc = grant_end(tx, workspace, g, row->reason < 0 ? GRANT_REVOKE_DONE : GRANT_GONE_AT_TIKTOK,
                           row->words, why);
    if (rc == RC_OK)
        rc = db_health_put(tx, &line, why);
    return rc == RC_OK ? let_go(tx, workspace, g->account, row, why) : rc;
}

/* ---- asked by us ---- */
/* Order matters: locks and rows, the kept answer, the job's lane, then the stamps of consent and feed (the
 * caller's audit is last). */
enum rc accounts_revoke_then(struct accounts *a, struct tx *tx, const struct revoke_in *in, struct fault *why)
{
    struct grant g = {0};
    struct health_new line = {.workspace = in->workspace, .account = in->id, .what = "revoking"};
    enum rc rc = grant_lock_live(tx, in->workspace, in->id, &g, why);
    bool nothing = rc == RC_MISSING && str_eq(str_of(why->code), STR("accounts.no_grant"));
    if (rc != RC_OK && !nothing)
        return rc;
    nothing = nothing || g.state == GRANT_REVOKING;
    rc = nothing ? RC_OK : grant_end(tx, in->workspace, &g, GRANT_REVOKE_ASKED, "", why);
    if (rc == RC_OK && !nothing)
        rc = db_health_put(tx, &line, why);
    if (rc == RC_OK && !nothing)
        rc = grant_emit(tx, "account.disconnected", in->workspace, in->id, "revoked", why);
    if (rc == RC_OK)
        rc = access_once_save(tx, in->once, 202, in->body, why);
    if (rc != RC_OK || nothing)
        return rc;
    str args = arena_fmt(tx_mem(tx), "{\"account\":\"" STR_FMT "\",\"grant\":\"" STR_FMT "\"}",
                         STR_ARG(in->id), STR_ARG(g.id));
    struct job_new job = {.kind = "accounts.revoke", .workspace = in->workspace, .key = in->id, .args = args};
    rc = jobs_put(tx, &job, why);
    if (rc == RC_OK)
        rc = withdrawn(a, tx, in->workspace, &g, "accounts.revoke", why);
    return rc == RC_OK ? grant_changed(tx, in->workspace, in->id, why) : rc;
}

enum rc accounts_revoke(struct accounts *a, struct tx *tx, str workspace, str id, struct fault *why)
{
    struct revoke_in in = {.workspace = workspace, .id = id};
    return accounts_revoke_then(a, tx, &in, why);
}

/* ---- telling TikTok ---- */
struct ending {
    struct accounts *a;
    str workspace, account, grant;
    const struct ending_row *row;
    const char *told; /* timeline: "confirmed", "already_gone", "untold" */
    struct fault said;
};

static enum rc close_fn(struct tx *tx, void *arg, struct fault *why)
{
    const struct ending *e = arg;
    struct grant live = {0};
    struct health_new line = {.workspace = e->workspace,
                              .account = e->account,
                              .what = "revoke_told",
                              .code = e->told,
                              .cls = e->said.rc == RC_OK ? "ok" : rc_name(e->said.rc),
                              .fault = &e->said};
    enum rc rc = grant_lock_live(tx, e->workspace, e->account, &live, why);
    if (rc == RC_MISSING || (rc == RC_OK && !str_eq(live.id, e->grant)))
        return RC_OK;
    if (rc == RC_OK)
        rc = db_health_put(tx, &line, why);
    if (rc == RC_OK)
        rc = over(tx, e->workspace, &live, e->row, why);
    return rc == RC_OK ? grant_changed(tx, e->workspace, e->account, why) : rc;
}

/* The revoke call takes a live access token: an expired one is refused and the grant would survive. */
static enum rc tell_tiktok(struct opened *o, struct fault *why)
{
    const struct account_app *app = grant_app(o);
    struct permit permit = {0};
    bool mine = false;
    if (app == NULL)
        return fault_set(why, RC_REFUSED, "accounts.app_gone", "the app of this account is not configured");
    if (o->grant.access_expires_ms > 0 && o->grant.access_expires_ms <= o->now_ms && o->refresh.n > 0) {
        enum rc rc = grant_refresh(o, &mine, why);
        if (rc == RC_OK && (!mine || o->changed == 0))
            return fault_set(why, RC_RETRY, "accounts.refresh_busy", "another refresh is under way");
        if (rc != RC_OK)
            return rc;
    }
    enum rc rc = grant_permit(o, OP_REVOKE, &permit, why);
    if (rc != RC_OK) {
        o->due_ms = permit.slot_ms;
        return rc;
    }
    rc = tiktok_revoke(o->a->o.tiktok, &permit, &app->client, o->access, why);
    if (rc != RC_OK)
        grant_told(o, OP_REVOKE, why);
    return rc;
}

static enum rc revoke_again(struct job *j, const struct opened *o, enum rc rc, struct fault *why)
{
    bool busy = str_eq(str_of(why->code), STR("accounts.refresh_busy"));
    log_event(o->a->o.log, LOG_WARN, "accounts.revoke_again", F_ID("account", o->account), F_RC(rc),
              F_FAULT(why));
    if (busy)
        return job_later(j, o->now_ms + 1000, why);
    if (rc == RC_LIMITED && o->due_ms > 0)
        return job_later(j, o->due_ms, why);
    /* Every other outcome is tried again: wrong configuration may be mended within the 24 hours. */
    return rc == RC_LIMITED || rc == RC_FULL ? rc
                                             : fault_set(why, RC_RETRY, "accounts.revoke_again", "later");
}

static bool told_of(enum rc rc)
{
    return rc == RC_OK || rc == RC_REAUTH; /* refused as unknown: it is gone already */
}

enum rc revoke_job(struct job *j, void *ctx, struct fault *why)
{
    struct accounts *a = ctx;
    struct arena *mem = arena_open_secret(256 * 1024);
    struct ending end = {.a = a,
                         .workspace = job_workspace(j),
                         .account = job_arg(j, "account"),
                         .grant = job_arg(j, "grant"),
                         .row = ending_of(-1)};
    struct opened o = {
        .a = a, .workspace = end.workspace, .account = end.account, .mem = mem, .for_revoke = true};
    enum rc rc = grant_open(&o, why);
    bool other = rc == RC_MISSING || (rc == RC_REAUTH && o.grant.id.n == 0) ||
                 (rc == RC_OK && (!str_eq(o.grant.id, end.grant) || o.grant.state != GRANT_REVOKING));
    if (rc == RC_OK && !other)
        rc = tell_tiktok(&o, why);
    arena_close(&mem);
    if (other)
        return job_done(j, why);
    bool late = o.grant.revoke_asked_ms > 0 && o.now_ms - o.grant.revoke_asked_ms >= REVOKE_MS;
    if (!told_of(rc) && !late && !job_last(j))
        return revoke_again(j, &o, rc, why);
    end.told = rc == RC_OK ? "confirmed" : rc == RC_REAUTH ? "already_gone" : "untold";
    if (rc != RC_OK)
        end.said = *why;
    log_event(a->o.log, told_of(rc) ? LOG_INFO : LOG_ERROR, "accounts.revoked", F_ID("account", end.account),
              F_RC(rc));
    rc = failpoint(&accounts_points[P_REVOKE_TOLD], end.grant, why);
    if (rc == RC_OK)
        rc = job_commit(j, close_fn, &end, why);
    return rc == RC_OK ? failpoint(&accounts_points[P_REVOKE_WIPED], end.grant, why) : rc;
}

/* ---- ended by TikTok or the person ---- */
enum rc grant_removed(struct accounts *a, struct tx *tx, const struct account_owner *who,
                      const struct grant *g, int64_t reason, struct fault *why)
{
    bool was_ours = g->state == GRANT_REVOKING;
    enum rc rc = over(tx, who->workspace, g, ending_of(reason < 0 ? 0 : reason), why);
    if (rc != RC_OK || was_ours)
        return rc;
    rc = grant_emit(tx, "account.disconnected", who->workspace, who->account, "removed", why);
    if (rc == RC_OK)
        rc = withdrawn(a, tx, who->workspace, g, "tiktok.removed", why);
    if (rc == RC_OK)
        rc = grant_changed(tx, who->workspace, who->account, why);
    struct audit_entry e = {.workspace = who->workspace,
                            .actor = STR("tiktok"),
                            .action = STR("accounts.removed_at_tiktok"),
                            .object = who->account};
    return rc == RC_OK ? audit_put(a->o.audit, tx, &e, why) : rc;
}

enum rc accounts_removed(struct accounts *a, struct tx *tx, const struct account_removal *r, bool *ended,
                         struct fault *why)
{
    enum { SETTLE_S = 2 }; /* clocks and whole seconds: closer than this the notice alone decides nothing */
    struct grant g = {0};
    enum rc rc = grant_lock_live(tx, r->owner.workspace, r->owner.account, &g, why);
    if (rc == RC_MISSING) {
        *ended = false; /* nothing lives: a duplicate, or later than our own end */
        return RC_OK;
    }
    if (rc != RC_OK)
        return rc;
    int64_t after_s = r->create_time_s - g.granted_ms / 1000;
    struct health_new line = {
        .workspace = r->owner.workspace, .account = r->owner.account, .what = "stale_removal"};
    *ended = false;
    if (after_s < -SETTLE_S)
        return db_health_put(tx, &line, why);
    if (after_s <= SETTLE_S) {
        str args =
            arena_fmt(tx_mem(tx), "{\"account\":\"" STR_FMT "\",\"grant\":\"" STR_FMT "\",\"reason\":%d}",
                      STR_ARG(r->owner.account), STR_ARG(g.id), (int)r->reason);
        struct job_new job = {.kind = "accounts.verify",
                              .workspace = r->owner.workspace,
                              .key = r->owner.account,
                              .args = args};
        return jobs_put(tx, &job, why);
    }
    rc = grant_removed(a, tx, &r->owner, &g, r->reason, why);
    if (rc == RC_OK)
        *ended = true;
    return rc;
}

/* ---- a notice as old as the grant: does the token live? ---- */
struct verifying {
    struct accounts *a;
    struct account_owner who;
    str grant;
    int64_t reason;
};

static enum rc removed_fn(struct tx *tx, void *arg, struct fault *why)
{
    const struct verifying *v = arg;
    struct grant live = {0};
    enum rc rc = grant_lock_live(tx, v->who.workspace, v->who.account, &live, why);
    if (rc == RC_MISSING || (rc == RC_OK && !str_eq(live.id, v->grant)))
        return RC_OK;
    return rc == RC_OK ? grant_removed(v->a, tx, &v->who, &live, v->reason, why) : rc;
}

enum rc verify_job(struct job *j, void *ctx, struct fault *why)
{
    struct accounts *a = ctx;
    struct arena *mem = arena_open_secret(256 * 1024);
    struct verifying v = {
        .a = a, .who = {job_workspace(j), job_arg(j, "account")}, .grant = job_arg(j, "grant")};
    bool known = json_i64(job_args(j), "reason", &v.reason);
    must(known);
    struct opened o = {
        .a = a, .workspace = v.who.workspace, .account = v.who.account, .mem = mem, .for_revoke = true};
    enum rc rc = grant_open(&o, why);
    bool other = (rc != RC_OK && o.grant.id.n == 0 && (rc == RC_MISSING || rc == RC_REAUTH)) ||
                 (rc == RC_OK && !str_eq(o.grant.id, v.grant));
    if (rc == RC_OK && !other)
        rc = grant_live_call(&o, why);
    arena_close(&mem);
    if (other || rc == RC_OK || rc == RC_SCOPE)
        return job_done(j, why);
    if (rc == RC_LIMITED && o.due_ms > 0)
        return job_later(j, o.due_ms, why);
    return rc == RC_REAUTH ? job_commit(j, removed_fn, &v, why) : rc;
}
