/* grants: the life of an authorization: state moves by one table, pairs are sealed for their row, ends wipe.
 * Flow of an arrival (arrive.c): lock the account -> find or make it -> end the live grant as replaced ->
 * seal and insert the new one. What can go wrong: a state that does not know an event (RC_BUG, nothing
 * moves).
 */
#include "accounts/accounts_priv.h"
#include "feed/feed.h"

static const char *const state_names[GRANT_STATES] = {
    [GRANT_ACTIVE] = "active",     [GRANT_UNSURE] = "unsure",   [GRANT_NEEDS_REAUTH] = "needs_reauth",
    [GRANT_REVOKING] = "revoking", [GRANT_REVOKED] = "revoked", [GRANT_REMOVED] = "removed",
    [GRANT_REPLACED] = "replaced",
};

const char *grant_state_name(enum grant_state s)
{
    must((unsigned)s < GRANT_STATES);
    return state_names[s];
}

bool grant_over(enum grant_state s)
{
    return s == GRANT_REVOKED || s == GRANT_REMOVED || s == GRANT_REPLACED;
}

/* GRANT_REFRESHED out of needs_reauth: a thread that kept the new pair while the database was away is late,
 * and meanwhile another one met the old token's refusal. */
static const struct {
    enum grant_state from;
    enum grant_event by;
    enum grant_state to;
} moves[] = {
    {GRANT_ACTIVE, GRANT_REFRESHED, GRANT_ACTIVE},
    {GRANT_UNSURE, GRANT_REFRESHED, GRANT_ACTIVE},
    {GRANT_NEEDS_REAUTH, GRANT_REFRESHED, GRANT_ACTIVE},
    {GRANT_REVOKING, GRANT_REFRESHED, GRANT_REVOKING},
    {GRANT_ACTIVE, GRANT_LOST_ANSWER, GRANT_UNSURE},
    {GRANT_UNSURE, GRANT_LOST_ANSWER, GRANT_UNSURE},
    {GRANT_REVOKING, GRANT_LOST_ANSWER, GRANT_REVOKING},
    {GRANT_NEEDS_REAUTH, GRANT_LOST_ANSWER, GRANT_NEEDS_REAUTH},
    {GRANT_ACTIVE, GRANT_REFUSED, GRANT_NEEDS_REAUTH},
    {GRANT_UNSURE, GRANT_REFUSED, GRANT_NEEDS_REAUTH},
    {GRANT_ACTIVE, GRANT_REVOKE_ASKED, GRANT_REVOKING},
    {GRANT_UNSURE, GRANT_REVOKE_ASKED, GRANT_REVOKING},
    {GRANT_NEEDS_REAUTH, GRANT_REVOKE_ASKED, GRANT_REVOKING},
    {GRANT_REVOKING, GRANT_REVOKE_DONE, GRANT_REVOKED},
    {GRANT_ACTIVE, GRANT_GONE_AT_TIKTOK, GRANT_REMOVED},
    {GRANT_UNSURE, GRANT_GONE_AT_TIKTOK, GRANT_REMOVED},
    {GRANT_NEEDS_REAUTH, GRANT_GONE_AT_TIKTOK, GRANT_REMOVED},
    {GRANT_REVOKING, GRANT_GONE_AT_TIKTOK, GRANT_REVOKED},
    {GRANT_ACTIVE, GRANT_NEW_ONE, GRANT_REPLACED},
    {GRANT_UNSURE, GRANT_NEW_ONE, GRANT_REPLACED},
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

/* ---- sealing ---- */
static int64_t next_of(int64_t now, const struct tiktok_tokens *t)
{
    struct grant_life life = {.now_ms = now, .access_ms = t->expires_in_s * 1000};
    random_bytes(&life.dice, sizeof life.dice);
    if (t->expires_in_s > 0)
        life.access_expires_ms = now + t->expires_in_s * 1000;
    if (t->refresh.n > 0)
        life.refresh_expires_ms = now + t->refresh_expires_in_s * 1000;
    return grant_next_ms(&life);
}

/* Both tokens for the grant's row, with absolute times. */
enum rc grant_seal(struct accounts *a, struct tx *tx, const struct grant_new *in, str grant,
                   struct sealed_pair *out, struct fault *why)
{
    const struct tiktok_tokens *t = in->tokens;
    struct keys_place at = {in->workspace, "account_grants", grant, "access_sealed"};
    int64_t now = tx_now_ms(tx);
    struct sealed_pair s = {.scopes = t->scopes,
                            .access_fp =
                                keys_fingerprint(a->o.keys, "access", in->client_key, t->access, tx_mem(tx)),
                            .access_expires_ms = t->expires_in_s > 0 ? now + t->expires_in_s * 1000 : 0,
                            .refresh_due_ms = next_of(now, t)};
    enum rc rc = keys_seal(a->o.keys, tx, &at, t->access, tx_mem(tx), &s.access_sealed, why);
    if (rc == RC_OK && t->refresh.n > 0) {
        at.column = "refresh_sealed";
        s.refresh_fp = keys_fingerprint(a->o.keys, "refresh", in->client_key, t->refresh, tx_mem(tx));
        s.refresh_expires_ms = t->refresh_expires_in_s > 0 ? now + t->refresh_expires_in_s * 1000 : 0;
        rc = keys_seal(a->o.keys, tx, &at, t->refresh, tx_mem(tx), &s.refresh_sealed, why);
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
    enum rc rc = grant_seal(a, tx, in, g.id, &s, why);
    if (rc == RC_OK)
        rc = db_grant_insert(tx, in->workspace, &g, &s, why);
    if (rc == RC_OK)
        *id = g.id;
    return rc;
}

/* ---- moves with their row and their line of the timeline ---- */
enum rc grant_end(struct tx *tx, str workspace, const struct grant *g, enum grant_event by,
                  const char *reason, struct fault *why)
{
    enum grant_state to = GRANT_STATES;
    enum rc rc = grant_move(g->state, by, &to, why);
    if (rc != RC_OK)
        return rc;
    rc = grant_over(to) ? db_grant_close(tx, workspace, g, to, str_of(reason), why)
                        : db_grant_state(tx, workspace, g, to, why);
    if (rc == RC_OK && grant_over(to))
        metric_add(&accounts_metrics[M_END], 1, grant_state_name(to), NULL);
    return rc;
}

enum rc grant_lock(struct tx *tx, str workspace, str client_key, str open_id, struct fault *why)
{
    str id = arena_fmt(tx_mem(tx), STR_FMT "/" STR_FMT, STR_ARG(client_key), STR_ARG(open_id));
    return store_lock(tx, workspace, "account", id, why);
}

enum rc grant_lock_live(struct tx *tx, str workspace, str id, struct grant *g, struct fault *why)
{
    struct account acc;
    enum rc rc = accounts_load(tx, workspace, id, tx_mem(tx), &acc, why);
    if (rc == RC_OK)
        rc = grant_lock(tx, workspace, acc.client_key, acc.open_id, why);
    return rc == RC_OK ? db_grant_live(tx, workspace, id, tx_mem(tx), g, why) : rc;
}

/* ---- what people and Mozflow see of a change ---- */
enum rc grant_changed(struct tx *tx, str workspace, str account, struct fault *why)
{
    return feed_put(tx, workspace, "account", account, why);
}

enum rc grant_emit(struct tx *tx, const char *type, str workspace, str account, const char *reason,
                   struct fault *why)
{
    str ids =
        arena_fmt(tx_mem(tx), "{\"account\":\"" STR_FMT "\",\"reason\":\"%s\"}", STR_ARG(account), reason);
    struct mozflow_new e = {.type = type, .workspace = workspace, .subject = account, .ids = ids};
    return mozflow_emit(tx, &e, NULL, why);
}
