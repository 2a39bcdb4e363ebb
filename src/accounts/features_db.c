/* features_db: SQL of features: what TikTok last said about a feature of an account, and the market that the
 * owner named. Small tables, one row per account and feature; written once per answer class, not per call.
 */
#include "accounts/features_priv.h"

static const struct migration rows[] = {
    {
        .number = 3110,
        .name = "features, markets",
        .text = "CREATE TABLE account_features (\n"
                "  workspace_id @TEXT NOT NULL,\n"
                "  account_id @TEXT NOT NULL,\n"
                "  feature @TEXT NOT NULL,\n"
                "  worked_ms @INT64 NOT NULL,\n"
                "  refused_ms @INT64 NOT NULL,\n"
                "  PRIMARY KEY (workspace_id, account_id, feature)\n"
                ") @TABLE;\n"
                "CREATE TABLE account_markets (\n"
                "  workspace_id @TEXT NOT NULL,\n"
                "  account_id @TEXT NOT NULL,\n"
                "  market @TEXT NOT NULL,\n"
                "  said_ms @INT64 NOT NULL,\n"
                "  PRIMARY KEY (workspace_id, account_id)\n"
                ") @TABLE",
        .oldest_binary = 0,
    },
};
const struct migration_table features_migrations = {.room = "features", .rows = rows, .n = COUNT_OF(rows)};

static const struct sql note = {
    "features.note",
    "INSERT INTO account_features (workspace_id, account_id, feature, worked_ms, refused_ms) "
    "VALUES ($1, $2, $3, $4, $5) ON CONFLICT (workspace_id, account_id, feature) DO UPDATE SET "
    "worked_ms = CASE WHEN $4 > 0 THEN $4 ELSE account_features.worked_ms END, "
    "refused_ms = CASE WHEN $5 > 0 THEN $5 ELSE account_features.refused_ms END"};

enum rc accounts_feature_noted(struct tx *tx, const struct feature_note *n, struct fault *why)
{
    int64_t now = tx_now_ms(tx);
    return tx_exec(tx, &note,
                   ARGS(V_TEXT(n->workspace), V_TEXT(n->account), V_TEXT(n->feature),
                        V_INT(n->worked ? now : 0), V_INT(n->worked ? 0 : now)),
                   NULL, why);
}

static const struct sql list = {"features.list",
                                "SELECT feature, worked_ms, refused_ms FROM "
                                "account_features WHERE workspace_id = $1 AND account_id = $2"};

enum rc db_features(struct tx *tx, str workspace, str account, struct arena *mem, struct feature_row **out,
                    size_t *n, struct fault *why)
{
    struct rows *r = NULL;
    enum rc rc = tx_query(tx, &list, ARGS(V_TEXT(workspace), V_TEXT(account)), mem, &r, why);
    if (rc != RC_OK)
        return rc;
    struct feature_row *found = arena_array(mem, struct feature_row, rows_count(r) + 1);
    if (found == NULL)
        return fault_set(why, RC_FULL, "base.arena", "no room for the list");
    size_t count = 0;
    while (rows_next(r))
        found[count++] = (struct feature_row){row_text(r, 0), row_int(r, 1), row_int(r, 2)};
    *out = found;
    *n = count;
    return RC_OK;
}

static const struct sql market_set = {
    "features.market_set",
    "INSERT INTO account_markets (workspace_id, account_id, market, said_ms) VALUES ($1, $2, $3, $4) "
    "ON CONFLICT (workspace_id, account_id) DO UPDATE SET market = $3, said_ms = $4"};

enum rc accounts_market_set(struct tx *tx, str workspace, str account, str market, struct fault *why)
{
    return tx_exec(tx, &market_set,
                   ARGS(V_TEXT(workspace), V_TEXT(account), V_TEXT(market), V_INT(tx_now_ms(tx))), NULL, why);
}

static const struct sql market_get = {
    "features.market", "SELECT market FROM account_markets WHERE workspace_id = $1 AND account_id = $2"};

enum rc accounts_market(struct tx *tx, str workspace, str account, struct arena *mem, str *market,
                        struct fault *why)
{
    struct rows *r = NULL;
    enum rc rc = tx_one(tx, &market_get, ARGS(V_TEXT(workspace), V_TEXT(account)), mem, &r, why);
    if (rc == RC_OK)
        *market = row_text(r, 0);
    else if (rc == RC_MISSING)
        *market = STR("");
    return rc == RC_MISSING ? RC_OK : rc;
}
