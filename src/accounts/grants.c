/* grants: the life of an authorization: made, replaced, revoked, removed. State moves by one table.
 * Flow: lock the account -> find or make it -> end the live grant as replaced -> seal and insert the new one.
 * What can go wrong: TikTok's removal notice is late and names an authorization that was renewed since.
 */
#include "accounts/accounts_priv.h"
#include "access/access.h"

static const char *const state_names[GRANT_STATES] = {
    [GRANT_ACTIVE] = "active",   [GRANT_NEEDS_REAUTH] = "needs_reauth", [GRANT_REVOKING] = "revoking",
    [GRANT_REVOKED] = "revoked", [GRANT_REMOVED] = "removed",           [GRANT_REPLACED] = "replaced",
};

const char *grant_state_name(enum grant_state s)
{
    must((unsigned)s < GRANT_STATES);
    return state_names[s];
}

static const struct {
    enum grant_state from;
    enum grant_event by;
    enum grant_state to;
} moves[] = {
    {GRANT_ACTIVE, GRANT_REFRESHED, GRANT_ACTIVE},
    {GRANT_ACTIVE, GRANT_REFUSED, GRANT_NEEDS_REAUTH},
    {GRANT_ACTIVE, GRANT_REVOKE_ASKED, GRANT_REVOKING},
    {GRANT_NEEDS_REAUTH, GRANT_REVOKE_ASKED, GRANT_REVOKING},
    {GRANT_REVOKING, GRANT_REVOKE_DONE, GRANT_REVOKED},
    {GRANT_ACTIVE, GRANT_GONE_AT_TIKTOK, GRANT_REMOVED},
    {GRANT_NEEDS_REAUTH, GRANT_GONE_AT_TIKTOK, GRANT_REMOVED},
    {GRANT_REVOKING, GRANT_GONE_AT_TIKTOK, GRANT_REVOKED},
    {GRANT_ACTIVE, GRANT_NEW_ONE, GRANT_REPLACED},
    {GRANT_NEEDS_REAUTH, GRANT_NEW_ONE, GRANT_REPLACED},
    {GRANT_REVOKING, GRANT_NEW_ONE, GRANT_REPLACED},
};

enum rc grant_move(enum grant_state from, enum grant_event by, enum grant_state *to, struct fault *why)
{
    for (size_t i = 0; i < COUNT_OF(moves); i++)
        if (moves[i].from == from && moves[i].by == by) {
            *to = moves[i].to;
            return RC_OK;
        }
    return fault_set(why, RC_BUG, "accounts.grant_move", "no move from %s by event %d",
                     grant_state_name(from), (int)by);
}

/* 50 % of the life +-10 %, and never later than 10 minutes before the end of a life that is longer than
 * that. */
static int64_t refresh_due(int64_t now_ms, int64_t life_s)
{
    uint32_t dice = 0;
    random_bytes(&dice, sizeof(dice));
    int64_t due = life_s * 400 + (int64_t)(dice % 2001) * life_s / 10; /* 40 % .. 60 % in ms */
    int64_t floor_ms = life_s * 1000 - 600000;
    return now_ms + (floor_ms > 0 && due > floor_ms ? floor_ms : due);
}

static enum rc seal_one(struct accounts *a, struct tx *tx, const struct keys_place *at, struct secret plain,
                        str *out, struct fault *why)
{
    return keys_seal(a->o.keys, tx, at, plain, tx_mem(tx), out, why);
}

/* Seals both tokens for the grant's row and computes absolute times. */
static enum rc seal_pair(struct accounts *a, struct tx *tx, const struct grant_new *in, str grant,
                         struct sealed_pair *out, struct fault *why)
{
    const struct tiktok_tokens *t = in->tokens;
    struct keys_place at = {in->workspace, "account_grants", grant, "access_sealed"};
    int64_t now = tx_now_ms(tx);
    struct sealed_pair s = {.scopes = t->scopes,
                            .access_fp =
                                keys_fingerprint(a->o.keys, "access", in->client_key, t->access, tx_mem(tx)),
                            .access_expires_ms = now + t->expires_in_s * 1000,
                            .refresh_due_ms = refresh_due(now, t->expires_in_s)};
    enum rc rc = seal_one(a, tx, &at, t->access, &s.access_sealed, why);
    if (rc == RC_OK && t->refresh.n > 0) {
        at.column = "refresh_sealed";
        s.refresh_fp = keys_fingerprint(a->o.keys, "refresh", in->client_key, t->refresh, tx_mem(tx));
        s.refresh_expires_ms = now + t->refresh_expires_in_s * 1000;
        rc = seal_one(a, tx, &at, t->refresh, &s.refresh_sealed, why);
    }
    if (rc == RC_OK)
        *out = s;
    return rc;
}

enum rc grant_make(struct accounts *a, struct tx *tx, const struct grant_new *in, struct arena *mem, str *id,
                   struct fault *why)
{
    struct grant g = {.id = id_new(mem, "gra"), .account = in->account};
    struct sealed_pair s = {0};
    enum rc rc = seal_pair(a, tx, in, g.id, &s, why);
    if (rc == RC_OK)
        rc = db_grant_insert(tx, in->workspace, &g, &s, why);
    if (rc == RC_OK)
        *id = g.id;
    return rc;
}

enum rc grant_rotated(struct accounts *a, struct tx *tx, const struct grant_new *in, const struct grant *old,
                      int64_t *changed, struct fault *why)
{
    struct sealed_pair s = {0};
    struct grant_new pair = *in;
    struct tiktok_tokens t = *in->tokens;
    if (t.scopes.n == 0)
        t.scopes = old->scopes; /* a refresh never widens; some answers leave the list out */
    pair.tokens = &t;
    enum rc rc = seal_pair(a, tx, &pair, old->id, &s, why);
    return rc == RC_OK ? db_grant_rotate(tx, in->workspace, old, &s, changed, why) : rc;
}

enum rc grant_end(struct tx *tx, str workspace, const struct grant *g, enum grant_event by,
                  const char *reason, struct fault *why)
{
    enum grant_state to = GRANT_STATES;
    enum rc rc = grant_move(g->state, by, &to, why);
    if (rc != RC_OK)
        return rc;
    bool over = to == GRANT_REVOKED || to == GRANT_REMOVED || to == GRANT_REPLACED;
    rc = over ? db_grant_close(tx, workspace, g, to, str_of(reason), why)
              : db_grant_state(tx, workspace, g, to, why);
    return rc == RC_OK
               ? db_health_insert(tx, workspace, g->account, grant_state_name(to), str_of(reason), why)
               : rc;
}

/* ---- arrival ---- */
str accounts_missing_scopes(str held, str granted, struct arena *mem)
{
    struct buf b;
    str head;
    buf_init(&b, mem, 1024);
    while (str_cut(&held, ',', &head)) {
        head = str_trim(head);
        if (head.n == 0 || tiktok_scope_in(granted, head))
            continue;
        if (b.n > 0)
            buf_put_c(&b, ',');
        buf_put(&b, head);
    }
    return b.n > 0 ? buf_str(&b) : STR("");
}

static enum rc lock_account(struct tx *tx, str workspace, str client_key, str open_id, struct fault *why)
{
    str id = arena_fmt(tx_mem(tx), STR_FMT "/" STR_FMT, STR_ARG(client_key), STR_ARG(open_id));
    return store_lock(tx, workspace, "account", id, why);
}

static enum rc find_or_make(struct tx *tx, const struct account_arrival *in, struct arena *mem,
                            struct account_arrived *out, struct fault *why)
{
    str client_key = in->app->client.client_key;
    enum rc rc = db_account_find(tx, in->workspace, client_key, in->tokens->open_id, mem, &out->account, why);
    out->known = rc == RC_OK;
    if (rc == RC_MISSING) {
        out->account = id_new(mem, "acc");
        struct account_insert row = {.workspace = in->workspace,
                                     .id = out->account,
                                     .app = in->app->id,
                                     .client_key = client_key,
                                     .open_id = in->tokens->open_id,
                                     .role = STR("login")};
        rc = db_account_insert(tx, &row, why);
    }
    if (rc == RC_OK && in->user != NULL)
        rc = db_profile_save(tx, in->workspace, out->account, in->user, why);
    return rc;
}

enum rc accounts_arrive(struct accounts *a, struct tx *tx, const struct account_arrival *in,
                        struct arena *mem, struct account_arrived *out, struct fault *why)
{
    if (in->user != NULL && !str_eq(in->user->open_id, in->tokens->open_id))
        return fault_set(why, RC_INVALID, "accounts.open_id", "token and user info name different people");
    struct account_arrived got = {0};
    struct grant live = {0};
    enum rc rc = lock_account(tx, in->workspace, in->app->client.client_key, in->tokens->open_id, why);
    if (rc == RC_OK)
        rc = find_or_make(tx, in, mem, &got, why);
    if (rc != RC_OK)
        return rc;
    rc = db_grant_live(tx, in->workspace, got.account, tx_mem(tx), &live, why);
    if (rc == RC_OK)
        rc = grant_end(tx, in->workspace, &live, GRANT_NEW_ONE, "signed in again", why);
    else if (rc == RC_MISSING)
        rc = RC_OK;
    struct grant_new make = {in->workspace, got.account, in->app->client.client_key, in->tokens};
    if (rc == RC_OK)
        rc = grant_make(a, tx, &make, mem, &got.grant, why);
    if (rc == RC_OK)
        rc = db_health_insert(tx, in->workspace, got.account, "connected", STR(""), why);
    if (rc != RC_OK)
        return rc;
    got.missing_scopes = accounts_missing_scopes(in->app->scopes, in->tokens->scopes, mem);
    *out = got;
    return RC_OK;
}

enum rc accounts_profile(struct tx *tx, str workspace, str id, struct arena *mem, struct account_profile *out,
                         struct fault *why)
{
    struct account a;
    enum rc rc = accounts_load(tx, workspace, id, mem, &a, why);
    if (rc == RC_OK)
        *out = (struct account_profile){a.client_key, a.open_id,    a.union_id,  a.display_name,
                                        a.username,   a.avatar_url, a.profile_ms};
    return rc;
}

/* ---- ends ---- */
enum rc grant_lock_live(struct tx *tx, str workspace, str id, struct grant *g, struct fault *why)
{
    struct account acc;
    enum rc rc = accounts_load(tx, workspace, id, tx_mem(tx), &acc, why);
    if (rc == RC_OK)
        rc = lock_account(tx, workspace, acc.client_key, acc.open_id, why);
    return rc == RC_OK ? db_grant_live(tx, workspace, id, tx_mem(tx), g, why) : rc;
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

static enum rc emit_disconnected(struct tx *tx, str workspace, str account, const char *reason,
                                 struct fault *why)
{
    str ids =
        arena_fmt(tx_mem(tx), "{\"account\":\"" STR_FMT "\",\"reason\":\"%s\"}", STR_ARG(account), reason);
    struct mozflow_new e = {
        .type = "account.disconnected", .workspace = workspace, .subject = account, .ids = ids};
    return mozflow_emit(tx, &e, NULL, why);
}

/* Order matters: locks and rows, the kept answer, the job's lane, then the consent stamp (the caller's audit
 * is last).
 */
enum rc accounts_revoke_then(struct accounts *a, struct tx *tx, const struct revoke_in *in, struct fault *why)
{
    struct grant g = {0};
    enum rc rc = grant_lock_live(tx, in->workspace, in->id, &g, why);
    bool nothing = rc == RC_MISSING && str_eq(str_of(why->code), STR("accounts.no_grant"));
    if (rc != RC_OK && !nothing)
        return rc;
    nothing = nothing || g.state == GRANT_REVOKING;
    rc = nothing ? RC_OK : grant_end(tx, in->workspace, &g, GRANT_REVOKE_ASKED, "we disconnected it", why);
    if (rc == RC_OK && !nothing)
        rc = emit_disconnected(tx, in->workspace, in->id, "revoked", why);
    if (rc == RC_OK)
        rc = access_once_save(tx, in->once, 202, in->body, why);
    if (rc != RC_OK || nothing)
        return rc;
    str args = arena_fmt(tx_mem(tx), "{\"account\":\"" STR_FMT "\",\"grant\":\"" STR_FMT "\"}",
                         STR_ARG(in->id), STR_ARG(g.id));
    struct job_new job = {.kind = "accounts.revoke", .workspace = in->workspace, .key = in->id, .args = args};
    rc = jobs_put(tx, &job, why);
    return rc == RC_OK ? withdrawn(a, tx, in->workspace, &g, "accounts.revoke", why) : rc;
}

enum rc accounts_revoke(struct accounts *a, struct tx *tx, str workspace, str id, struct fault *why)
{
    struct revoke_in in = {.workspace = workspace, .id = id};
    return accounts_revoke_then(a, tx, &in, why);
}

static const char *const removal_reasons[] = {"unknown",     "disconnected in TikTok", "account deleted",
                                              "age changed", "account banned",         "revoked by the app"};

enum rc grant_removed(struct accounts *a, struct tx *tx, const struct account_owner *who,
                      const struct grant *g, int64_t reason, struct fault *why)
{
    size_t row = reason > 0 && (size_t)reason < COUNT_OF(removal_reasons) ? (size_t)reason : 0;
    bool was_ours = g->state == GRANT_REVOKING;
    enum rc rc = grant_end(tx, who->workspace, g, GRANT_GONE_AT_TIKTOK, removal_reasons[row], why);
    if (rc == RC_OK && (reason == 2 || reason == 4))
        rc = db_profile_erase(tx, who->workspace, who->account, why);
    if (rc != RC_OK || was_ours)
        return rc;
    rc = emit_disconnected(tx, who->workspace, who->account, "removed", why);
    if (rc == RC_OK)
        rc = withdrawn(a, tx, who->workspace, g, "tiktok.removed", why);
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
    *ended = false;
    if (after_s < -SETTLE_S)
        return db_health_insert(tx, r->owner.workspace, r->owner.account, "stale_removal", STR(""), why);
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

/* ---- business accounts ---- */
enum rc accounts_find_owner(struct tx *tx, str client_key, str user_openid, struct arena *mem, str *workspace,
                            str *account, struct fault *why)
{
    enum rc rc = db_business_owner(tx, client_key, user_openid, mem, workspace, account, why);
    return rc == RC_MISSING ? fault_set(why, RC_MISSING, "accounts.business_unknown",
                                        "no workspace has this business account")
                            : rc;
}

enum rc accounts_claim_business(struct tx *tx, const struct business_claim *c, struct arena *mem,
                                str *account, struct fault *why)
{
    str owner = STR_NONE, id = STR_NONE;
    enum rc rc = lock_account(tx, STR("-"), c->client_key, c->open_id, why);
    if (rc == RC_OK)
        rc = db_business_owner(tx, c->client_key, c->open_id, mem, &owner, &id, why);
    if (rc == RC_OK && !str_eq(owner, c->workspace))
        return fault_set(why, RC_CONFLICT, "accounts.business_taken", "another workspace has this account");
    if (rc == RC_MISSING) {
        id = id_new(mem, "acc");
        struct account_insert row = {.workspace = c->workspace,
                                     .id = id,
                                     .app = STR("accounts"),
                                     .client_key = c->client_key,
                                     .open_id = c->open_id,
                                     .role = STR("business")};
        rc = db_account_insert(tx, &row, why);
    }
    if (rc == RC_OK)
        rc = db_names_save(tx, c, id, why);
    if (rc == RC_OK)
        *account = id;
    return rc;
}
