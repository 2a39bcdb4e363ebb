/* grants_db: SQL of grants. A new pair is compare-and-set on the fingerprint of the token that was sent, so
 * that of two refreshers only one is ever stored; the fence decides only who may start. An ended grant keeps
 * no ciphertext. Statements of the schedule look over all workspaces and say so.
 */
#include "accounts/accounts_priv.h"

static str text(str s)
{
    return s.p == NULL ? STR("") : s;
}

static const struct sql grant_live = {
    "accounts.grant_live",
    "SELECT g.id, g.account_id, a.client_key, a.open_id, a.role, g.scopes, g.access_sealed, "
    "g.refresh_sealed, g.access_fp, g.refresh_fp, g.state, g.access_expires_ms, g.refresh_expires_ms, "
    "g.generation, g.rotation, g.fence, g.lease_until_ms, g.refreshing_ms, g.granted_ms, g.good_ms, "
    "g.failures, g.noticed_days, g.revoke_asked_ms, g.doubted, g.refresh_due_ms "
    "FROM account_grants g JOIN accounts a ON a.workspace_id = g.workspace_id AND a.id = g.account_id "
    "WHERE g.workspace_id = $1 AND g.account_id = $2 AND g.ended_ms = 0"};

static bool read_state(str name, enum grant_state *out)
{
    for (unsigned i = 0; i < GRANT_STATES; i++)
        if (str_eq(name, str_of(grant_state_name((enum grant_state)i)))) {
            *out = (enum grant_state)i;
            return true;
        }
    return false;
}

enum rc db_grant_live(struct tx *tx, str workspace, str account, struct arena *mem, struct grant *out,
                      struct fault *why)
{
    struct rows *r = NULL;
    enum rc rc = tx_one(tx, &grant_live, ARGS(V_TEXT(workspace), V_TEXT(account)), mem, &r, why);
    if (rc == RC_MISSING)
        return fault_set(why, RC_MISSING, "accounts.no_grant", "the account has no live grant");
    if (rc != RC_OK)
        return rc;
    struct grant g = {.id = row_text(r, 0),
                      .account = row_text(r, 1),
                      .client_key = row_text(r, 2),
                      .open_id = row_text(r, 3),
                      .role = row_text(r, 4),
                      .scopes = row_text(r, 5),
                      .access_sealed = row_text(r, 6),
                      .refresh_sealed = row_text(r, 7),
                      .access_fp = row_text(r, 8),
                      .refresh_fp = row_text(r, 9),
                      .access_expires_ms = row_int(r, 11),
                      .refresh_expires_ms = row_int(r, 12),
                      .generation = row_int(r, 13),
                      .rotation = row_int(r, 14),
                      .fence = row_int(r, 15),
                      .lease_until_ms = row_int(r, 16),
                      .intent_ms = row_int(r, 17),
                      .granted_ms = row_int(r, 18),
                      .good_ms = row_int(r, 19),
                      .failures = row_int(r, 20),
                      .noticed_days = row_int(r, 21),
                      .revoke_asked_ms = row_int(r, 22),
                      .doubted = row_int(r, 23),
                      .due_ms = row_int(r, 24)};
    must(read_state(row_text(r, 10), &g.state));
    *out = g;
    return RC_OK;
}

static const struct sql grant_last = {
    "accounts.grant_last", "SELECT state FROM account_grants WHERE workspace_id = $1 AND account_id = $2 "
                           "ORDER BY id DESC LIMIT 1"};

enum rc db_grant_last(struct tx *tx, str workspace, str account, struct arena *mem, str *state,
                      struct fault *why)
{
    struct rows *r = NULL;
    enum rc rc = tx_one(tx, &grant_last, ARGS(V_TEXT(workspace), V_TEXT(account)), mem, &r, why);
    if (rc == RC_OK)
        *state = row_text(r, 0);
    else if (rc == RC_MISSING) {
        *state = STR("");
        rc = RC_OK;
    }
    return rc;
}

static const struct sql grant_insert = {
    "accounts.grant_insert",
    "INSERT INTO account_grants (workspace_id, id, account_id, state, scopes, access_sealed, access_fp, "
    "access_expires_ms, refresh_sealed, refresh_fp, refresh_expires_ms, refresh_due_ms, refreshing_ms, "
    "lease_until_ms, fence, generation, good_ms, granted_ms, ended_ms, end_reason) VALUES ($1, $2, $3, "
    "'active', $4, $5, $6, $7, $8, $9, $10, $11, 0, 0, 0, $12, $12, $12, 0, '')"};

enum rc db_grant_insert(struct tx *tx, str workspace, const struct grant *g, const struct sealed_pair *s,
                        struct fault *why)
{
    return tx_exec(tx, &grant_insert,
                   ARGS(V_TEXT(workspace), V_TEXT(g->id), V_TEXT(g->account), V_TEXT(text(s->scopes)),
                        V_BYTES(s->access_sealed), V_TEXT(s->access_fp), V_INT(s->access_expires_ms),
                        V_BYTES(s->refresh_sealed), V_TEXT(text(s->refresh_fp)), V_INT(s->refresh_expires_ms),
                        V_INT(s->refresh_due_ms), V_INT(tx_now_ms(tx))),
                   NULL, why);
}

/* A refused or doubted grant lives again with a new pair; one that is being revoked stays so. A refresh token
 * that lives longer than the first notice's distance makes its notices due anew. */
static const struct sql grant_rotate = {
    "accounts.grant_rotate",
    "UPDATE account_grants SET scopes = $5, access_sealed = $6, access_fp = $7, access_expires_ms = $8, "
    "refresh_sealed = $9, refresh_fp = $10, refresh_expires_ms = $11, refresh_due_ms = $12, good_ms = $13, "
    "rotation = rotation + 1, failures = 0, "
    "state = CASE WHEN state = 'revoking' THEN state ELSE 'active' END, "
    "noticed_days = CASE WHEN $11 > $13 + 2592000000 THEN 0 ELSE noticed_days END, "
    "refreshing_ms = CASE WHEN fence = $4 THEN 0 ELSE refreshing_ms END, "
    "lease_until_ms = CASE WHEN fence = $4 THEN 0 ELSE lease_until_ms END "
    "WHERE workspace_id = $1 AND id = $2 AND refresh_fp = $3 AND ended_ms = 0"};

enum rc db_grant_rotate(struct tx *tx, str workspace, const struct grant *old, const struct sealed_pair *s,
                        int64_t *changed, struct fault *why)
{
    return tx_exec(tx, &grant_rotate,
                   ARGS(V_TEXT(workspace), V_TEXT(old->id), V_TEXT(old->refresh_fp), V_INT(old->fence),
                        V_TEXT(text(s->scopes)), V_BYTES(s->access_sealed), V_TEXT(s->access_fp),
                        V_INT(s->access_expires_ms), V_BYTES(s->refresh_sealed), V_TEXT(text(s->refresh_fp)),
                        V_INT(s->refresh_expires_ms), V_INT(s->refresh_due_ms), V_INT(tx_now_ms(tx))),
                   changed, why);
}

static const struct sql grant_state = {
    "accounts.grant_state", "UPDATE account_grants SET state = $3, generation = generation + 1, "
                            "revoke_asked_ms = CASE WHEN $3 = 'revoking' THEN $4 ELSE revoke_asked_ms END "
                            "WHERE workspace_id = $1 AND id = $2 AND ended_ms = 0"};

enum rc db_grant_state(struct tx *tx, str workspace, const struct grant *g, enum grant_state to,
                       struct fault *why)
{
    return tx_exec(
        tx, &grant_state,
        ARGS(V_TEXT(workspace), V_TEXT(g->id), V_TEXT(str_of(grant_state_name(to))), V_INT(tx_now_ms(tx))),
        NULL, why);
}

static const struct sql grant_close = {
    "accounts.grant_close",
    "UPDATE account_grants SET state = $3, end_reason = $4, ended_ms = $5, access_sealed = NULL, "
    "refresh_sealed = NULL, lease_until_ms = 0, refreshing_ms = 0, generation = generation + 1 "
    "WHERE workspace_id = $1 AND id = $2 AND ended_ms = 0"};

enum rc db_grant_close(struct tx *tx, str workspace, const struct grant *g, enum grant_state to, str reason,
                       struct fault *why)
{
    return tx_exec(tx, &grant_close,
                   ARGS(V_TEXT(workspace), V_TEXT(g->id), V_TEXT(str_of(grant_state_name(to))),
                        V_TEXT(text(reason)), V_INT(tx_now_ms(tx))),
                   NULL, why);
}

/* ---- leases ---- */
static const struct sql grant_take = {
    "accounts.grant_lease",
    "UPDATE account_grants SET fence = fence + 1, lease_until_ms = $4, refreshing_ms = $5 "
    "WHERE workspace_id = $1 AND id = $2 AND fence = $3 AND lease_until_ms <= $5 AND ended_ms = 0"};

enum rc db_grant_lease(struct tx *tx, str workspace, const struct grant *g, int64_t until_ms,
                       int64_t *changed, struct fault *why)
{
    return tx_exec(
        tx, &grant_take,
        ARGS(V_TEXT(workspace), V_TEXT(g->id), V_INT(g->fence), V_INT(until_ms), V_INT(tx_now_ms(tx))),
        changed, why);
}

static const struct sql grant_back = {"accounts.grant_back",
                                      "UPDATE account_grants SET lease_until_ms = 0, refreshing_ms = 0, "
                                      "refresh_due_ms = CASE WHEN $4 > 0 THEN $4 ELSE refresh_due_ms END, "
                                      "failures = CASE WHEN $5 >= 0 THEN $5 ELSE failures END "
                                      "WHERE workspace_id = $1 AND id = $2 AND fence = $3 AND ended_ms = 0"};

enum rc db_grant_back(struct tx *tx, const struct grant *g, const struct grant_back *b, int64_t *changed,
                      struct fault *why)
{
    return tx_exec(
        tx, &grant_back,
        ARGS(V_TEXT(b->workspace), V_TEXT(g->id), V_INT(g->fence), V_INT(b->due_ms), V_INT(b->failures)),
        changed, why);
}

static const struct sql grant_good = {
    "accounts.grant_good",
    "UPDATE account_grants SET lease_until_ms = 0, refreshing_ms = 0, refresh_due_ms = $4, failures = 0, "
    "good_ms = $5, state = CASE WHEN state = 'unsure' THEN 'active' ELSE state END "
    "WHERE workspace_id = $1 AND id = $2 AND fence = $3 AND ended_ms = 0"};

enum rc db_grant_good(struct tx *tx, str workspace, const struct grant *g, int64_t due_ms, struct fault *why)
{
    return tx_exec(
        tx, &grant_good,
        ARGS(V_TEXT(workspace), V_TEXT(g->id), V_INT(g->fence), V_INT(due_ms), V_INT(tx_now_ms(tx))), NULL,
        why);
}

static const struct sql called_well = {"accounts.called_well",
                                       "UPDATE account_grants SET good_ms = $3 WHERE workspace_id = $1 AND "
                                       "account_id = $2 AND ended_ms = 0 AND good_ms < $3 - 60000"};

enum rc accounts_good(struct tx *tx, str workspace, str account, struct fault *why)
{
    return tx_exec(tx, &called_well, ARGS(V_TEXT(workspace), V_TEXT(account), V_INT(tx_now_ms(tx))), NULL,
                   why);
}

static const struct sql grant_scopes = {"accounts.grant_scopes",
                                        "UPDATE account_grants SET scopes = $3 WHERE workspace_id = $1 AND "
                                        "id = $2 AND ended_ms = 0"};

enum rc db_grant_scopes(struct tx *tx, str workspace, const struct grant *g, str scopes, struct fault *why)
{
    return tx_exec(tx, &grant_scopes, ARGS(V_TEXT(workspace), V_TEXT(g->id), V_TEXT(text(scopes))), NULL,
                   why);
}

/* The rotation whose access token TikTok refused; the refresh that follows is due now. */
static const struct sql grant_doubt = {"accounts.grant_doubt",
                                       "UPDATE account_grants SET doubted = rotation, refresh_due_ms = $3 "
                                       "WHERE workspace_id = $1 AND id = $2 AND ended_ms = 0"};

enum rc db_grant_doubt(struct tx *tx, str workspace, const struct grant *g, struct fault *why)
{
    return tx_exec(tx, &grant_doubt, ARGS(V_TEXT(workspace), V_TEXT(g->id), V_INT(tx_now_ms(tx))), NULL, why);
}

static const struct sql grant_noticed = {"accounts.grant_noticed",
                                         "UPDATE account_grants SET noticed_days = $3 WHERE workspace_id = "
                                         "$1 AND id = $2 AND ended_ms = 0"};

enum rc db_grant_noticed(struct tx *tx, str workspace, const struct grant *g, int64_t days, struct fault *why)
{
    return tx_exec(tx, &grant_noticed, ARGS(V_TEXT(workspace), V_TEXT(g->id), V_INT(days)), NULL, why);
}

/* ---- the schedule: over all workspaces ---- */
static const struct sql count_due = {
    "accounts.count_due",
    "/* exempt: the refresh schedule serves every workspace */ SELECT COUNT(*) FROM (SELECT id FROM "
    "account_grants WHERE ended_ms = 0 AND state IN ('active', 'unsure') AND refresh_due_ms <= $1 AND "
    "refreshing_ms = 0 AND lease_until_ms <= $1 LIMIT $2) due"};

enum rc db_grants_count_due(struct tx *tx, int64_t most, int64_t *n, struct fault *why)
{
    struct rows *r = NULL;
    enum rc rc = tx_one(tx, &count_due, ARGS(V_INT(tx_now_ms(tx)), V_INT(most)), tx_mem(tx), &r, why);
    if (rc == RC_OK)
        *n = row_int(r, 0);
    return rc;
}

static enum rc read_due(struct rows *r, struct arena *mem, struct grant_due **out, size_t *n,
                        struct fault *why)
{
    struct grant_due *list = arena_array(mem, struct grant_due, rows_count(r) + 1);
    if (list == NULL)
        return fault_set(why, RC_FULL, "base.arena", "no room for the list");
    size_t count = 0;
    while (rows_next(r))
        list[count++] = (struct grant_due){.workspace = row_text(r, 0),
                                           .account = row_text(r, 1),
                                           .grant = row_text(r, 2),
                                           .fence = row_int(r, 3)};
    *out = list;
    *n = count;
    return RC_OK;
}

#define DUE                                                                                                  \
    "FROM account_grants WHERE ended_ms = 0 AND state IN ('active', 'unsure') AND refresh_due_ms <= $1 AND " \
    "refreshing_ms = 0 AND lease_until_ms <= $1 ORDER BY refresh_due_ms LIMIT $3"
/* One writer on SQLite. On PostgreSQL many lots claim at once: each skips the rows that another is taking, so
 * that nobody waits, nobody gets a row twice, and nobody goes home while others' rows stand first. */
static const struct sql claim[2] = {
    [ON_SQLITE] =
        {"accounts.grants_claim",
         "/* exempt: the refresh schedule serves every workspace */ UPDATE account_grants SET fence "
         "= fence + 1, lease_until_ms = $2, refreshing_ms = $1 WHERE (workspace_id, id) IN (SELECT "
         "workspace_id, id " DUE ") RETURNING workspace_id, account_id, id, fence"},
    [ON_POSTGRES] = {"accounts.grants_claim_pg",
                     "/* exempt: the refresh schedule serves every workspace */ WITH due AS MATERIALIZED "
                     "(SELECT workspace_id, id " DUE " FOR UPDATE SKIP LOCKED) UPDATE account_grants g SET "
                     "fence = fence + 1, lease_until_ms = $2, refreshing_ms = $1 FROM due WHERE "
                     "g.workspace_id = due.workspace_id AND g.id = due.id RETURNING g.workspace_id, "
                     "g.account_id, g.id, g.fence"},
};

enum rc db_grants_claim(struct tx *tx, int64_t limit, int64_t until_ms, struct arena *mem,
                        struct grant_due **out, size_t *n, struct fault *why)
{
    struct rows *r = NULL;
    enum rc rc = tx_query(tx, tx_own(tx, claim), ARGS(V_INT(tx_now_ms(tx)), V_INT(until_ms), V_INT(limit)),
                          mem, &r, why);
    return rc == RC_OK ? read_due(r, mem, out, n, why) : rc;
}

static const struct sql lost = {
    "accounts.grants_lost",
    "/* exempt: a call that was cut off is looked for in every workspace */ SELECT workspace_id, account_id, "
    "id, fence FROM account_grants WHERE refreshing_ms > 0 AND lease_until_ms <= $1 AND ended_ms = 0 "
    "ORDER BY lease_until_ms LIMIT $2"};

enum rc db_grants_lost(struct tx *tx, int64_t limit, struct arena *mem, struct grant_due **out, size_t *n,
                       struct fault *why)
{
    struct rows *r = NULL;
    enum rc rc = tx_query(tx, &lost, ARGS(V_INT(tx_now_ms(tx)), V_INT(limit)), mem, &r, why);
    return rc == RC_OK ? read_due(r, mem, out, n, why) : rc;
}

static const struct sql ending = {
    "accounts.grants_ending",
    "/* exempt: the countdown serves every workspace */ SELECT workspace_id, account_id, id, fence FROM "
    "account_grants WHERE ended_ms = 0 AND refresh_expires_ms > 0 AND refresh_expires_ms <= $1 AND "
    "noticed_days <> 1 AND state IN ('active', 'unsure') AND id > $2 ORDER BY id LIMIT 100"};

enum rc db_grants_ending(struct tx *tx, int64_t before_ms, str after, struct arena *mem,
                         struct grant_due **out, size_t *n, struct fault *why)
{
    struct rows *r = NULL;
    enum rc rc = tx_query(tx, &ending, ARGS(V_INT(before_ms), V_TEXT(text(after))), mem, &r, why);
    return rc == RC_OK ? read_due(r, mem, out, n, why) : rc;
}

static const struct sql stuck = {
    "accounts.grants_stuck",
    "/* exempt: a revocation whose job died is looked for in every workspace */ SELECT workspace_id, "
    "account_id, id, fence FROM account_grants WHERE state = 'revoking' AND revoke_asked_ms <= $1 ORDER BY "
    "revoke_asked_ms LIMIT 50"};

enum rc db_grants_stuck(struct tx *tx, int64_t asked_before_ms, struct arena *mem, struct grant_due **out,
                        size_t *n, struct fault *why)
{
    struct rows *r = NULL;
    enum rc rc = tx_query(tx, &stuck, ARGS(V_INT(asked_before_ms)), mem, &r, why);
    return rc == RC_OK ? read_due(r, mem, out, n, why) : rc;
}
