/* grants_db: SQL of grants and of the health timeline. Every change of a token is compare-and-set on fence
 * and fingerprint, so that of two refreshers only one is ever stored. An ended grant keeps no ciphertext.
 */
#include "accounts/accounts_priv.h"

static str text(str s)
{
    return s.p == NULL ? STR("") : s;
}

static const struct sql grant_live = {
    "accounts.grant_live",
    "SELECT g.id, g.account_id, a.client_key, a.open_id, g.scopes, g.access_sealed, g.refresh_sealed, "
    "g.refresh_fp, "
    "g.state, g.access_expires_ms, g.refresh_expires_ms, g.generation, g.fence, g.lease_until_ms, "
    "g.granted_ms "
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
                      .scopes = row_text(r, 4),
                      .access_sealed = row_text(r, 5),
                      .refresh_sealed = row_text(r, 6),
                      .refresh_fp = row_text(r, 7),
                      .access_expires_ms = row_int(r, 9),
                      .refresh_expires_ms = row_int(r, 10),
                      .generation = row_int(r, 11),
                      .fence = row_int(r, 12),
                      .lease_until_ms = row_int(r, 13),
                      .granted_ms = row_int(r, 14)};
    must(read_state(row_text(r, 8), &g.state));
    *out = g;
    return RC_OK;
}

static const struct sql grant_insert = {
    "accounts.grant_insert",
    "INSERT INTO account_grants (workspace_id, id, account_id, state, scopes, access_sealed, access_fp, "
    "access_expires_ms, refresh_sealed, refresh_fp, refresh_expires_ms, refresh_due_ms, refreshing_ms, "
    "lease_until_ms, fence, generation, good_ms, granted_ms, ended_ms, end_reason) VALUES ($1, $2, $3, "
    "'active', $4, "
    "$5, $6, $7, $8, $9, $10, $11, 0, 0, 0, $12, $12, $12, 0, '')"};

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

static const struct sql grant_rotate = {
    "accounts.grant_rotate",
    "UPDATE account_grants SET scopes = $5, access_sealed = $6, access_fp = $7, access_expires_ms = $8, "
    "refresh_sealed = $9, refresh_fp = $10, refresh_expires_ms = $11, refresh_due_ms = $12, refreshing_ms = "
    "0, "
    "lease_until_ms = 0, good_ms = $13 WHERE workspace_id = $1 AND id = $2 AND refresh_fp = $3 AND fence = "
    "$4 "
    "AND state = 'active'"};

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
                            "lease_until_ms = 0 WHERE workspace_id = $1 AND id = $2 AND ended_ms = 0"};

enum rc db_grant_state(struct tx *tx, str workspace, const struct grant *g, enum grant_state to,
                       struct fault *why)
{
    return tx_exec(tx, &grant_state,
                   ARGS(V_TEXT(workspace), V_TEXT(g->id), V_TEXT(str_of(grant_state_name(to)))), NULL, why);
}

static const struct sql grant_close = {
    "accounts.grant_close",
    "UPDATE account_grants SET state = $3, end_reason = $4, ended_ms = $5, access_sealed = NULL, "
    "refresh_sealed = NULL, lease_until_ms = 0, generation = generation + 1 "
    "WHERE workspace_id = $1 AND id = $2 AND ended_ms = 0"};

enum rc db_grant_close(struct tx *tx, str workspace, const struct grant *g, enum grant_state to, str reason,
                       struct fault *why)
{
    return tx_exec(tx, &grant_close,
                   ARGS(V_TEXT(workspace), V_TEXT(g->id), V_TEXT(str_of(grant_state_name(to))),
                        V_TEXT(text(reason)), V_INT(tx_now_ms(tx))),
                   NULL, why);
}

static const struct sql grant_lease = {
    "accounts.grant_lease",
    "UPDATE account_grants SET fence = fence + 1, lease_until_ms = $4, refreshing_ms = $5 "
    "WHERE workspace_id = $1 AND id = $2 AND fence = $3 AND lease_until_ms <= $5 AND state = 'active'"};

enum rc db_grant_lease(struct tx *tx, str workspace, const struct grant *g, int64_t until_ms,
                       int64_t *changed, struct fault *why)
{
    return tx_exec(
        tx, &grant_lease,
        ARGS(V_TEXT(workspace), V_TEXT(g->id), V_INT(g->fence), V_INT(until_ms), V_INT(tx_now_ms(tx))),
        changed, why);
}

static const struct sql grant_unlease = {"accounts.grant_unlease",
                                         "UPDATE account_grants SET lease_until_ms = 0, refresh_due_ms = $4 "
                                         "WHERE workspace_id = $1 AND id = $2 AND fence = $3"};

enum rc db_grant_unlease(struct tx *tx, str workspace, const struct grant *g, struct fault *why)
{
    return tx_exec(tx, &grant_unlease,
                   ARGS(V_TEXT(workspace), V_TEXT(g->id), V_INT(g->fence), V_INT(tx_now_ms(tx) + FRESH_MS)),
                   NULL, why);
}

static const struct sql grants_due = {
    "accounts.grants_due",
    "/* exempt: the refresh schedule serves every workspace */ SELECT workspace_id, account_id FROM "
    "account_grants "
    "WHERE state = 'active' AND refresh_due_ms <= $1 AND refresh_fp <> '' ORDER BY refresh_due_ms LIMIT $2"};

enum rc db_grants_due(struct tx *tx, int64_t limit, struct arena *mem, struct grant_due **out, size_t *n,
                      struct fault *why)
{
    struct rows *r = NULL;
    enum rc rc = tx_query(tx, &grants_due, ARGS(V_INT(tx_now_ms(tx)), V_INT(limit)), mem, &r, why);
    if (rc != RC_OK)
        return rc;
    struct grant_due *list = arena_array(mem, struct grant_due, rows_count(r) + 1);
    if (list == NULL)
        return fault_set(why, RC_FULL, "base.arena", "no room for the list");
    size_t count = 0;
    while (rows_next(r))
        list[count++] = (struct grant_due){.workspace = row_text(r, 0), .account = row_text(r, 1)};
    *out = list;
    *n = count;
    return RC_OK;
}

static const struct sql health_insert = {"accounts.health_insert",
                                         "INSERT INTO account_health (workspace_id, id, account_id, at_ms, "
                                         "what, code) VALUES ($1, $2, $3, $4, $5, $6)"};

enum rc db_health_insert(struct tx *tx, str workspace, str account, const char *what, str code,
                         struct fault *why)
{
    str id = id_new(tx_mem(tx), "hea");
    return tx_exec(tx, &health_insert,
                   ARGS(V_TEXT(workspace), V_TEXT(id), V_TEXT(account), V_INT(tx_now_ms(tx)),
                        V_TEXT(str_of(what)), V_TEXT(text(code))),
                   NULL, why);
}
