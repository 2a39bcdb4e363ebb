/* handover_db: SQL of hand-over codes, links, return URLs, and of the clean-up. A code is burnt by the first
 * look at it, whoever is right; a TikTok account has one Mozflow user at most (primary key).
 */
#include "login/login_priv.h"

static const struct sql code_insert = {
    "login.code_insert",
    "INSERT INTO login_codes (workspace_id, code_hash, attempt_id, created_ms, expires_ms, used_ms) "
    "VALUES ($1, $2, $3, $4, $5, 0)"};

enum rc db_code_insert(struct tx *tx, str workspace, str hash, str attempt, struct fault *why)
{
    int64_t now = tx_now_ms(tx);
    return tx_exec(
        tx, &code_insert,
        ARGS(V_TEXT(workspace), V_TEXT(hash), V_TEXT(attempt), V_INT(now), V_INT(now + LOGIN_CODE_MS)), NULL,
        why);
}

static const struct sql code_take = {
    "login.code_take", "UPDATE login_codes SET used_ms = $3 WHERE workspace_id = $1 AND code_hash = $2 "
                       "AND used_ms = 0 RETURNING attempt_id, expires_ms"};
static const struct sql code_used = {
    "login.code_used", "SELECT used_ms FROM login_codes WHERE workspace_id = $1 AND code_hash = $2"};

enum rc db_code_take(struct tx *tx, str workspace, str hash, struct code_row *out, bool *used,
                     struct fault *why)
{
    struct rows *r = NULL;
    struct fault inner;
    enum rc rc = tx_one(tx, &code_take, ARGS(V_TEXT(workspace), V_TEXT(hash), V_INT(tx_now_ms(tx))),
                        tx_mem(tx), &r, why);
    *used = false;
    if (rc == RC_OK)
        *out = (struct code_row){.attempt = row_text(r, 0), .expires_ms = row_int(r, 1)};
    if (rc == RC_MISSING) {
        enum rc seen = tx_one(tx, &code_used, ARGS(V_TEXT(workspace), V_TEXT(hash)), tx_mem(tx), &r, &inner);
        *used = seen == RC_OK;
    }
    return rc;
}

static const struct sql code_presented = {
    "login.code_presented",
    "SELECT max(used_ms), count(*) FROM login_codes WHERE workspace_id = $1 AND attempt_id = $2"};

enum rc db_code_presented(struct tx *tx, str workspace, str attempt, struct arena *mem, int64_t *used_ms,
                          struct fault *why)
{
    struct rows *r = NULL;
    enum rc rc = tx_one(tx, &code_presented, ARGS(V_TEXT(workspace), V_TEXT(attempt)), mem, &r, why);
    if (rc == RC_OK && row_int(r, 1) == 0)
        return fault_set(why, RC_MISSING, "login.no_code", "the attempt has no code");
    if (rc == RC_OK)
        *used_ms = row_int(r, 0);
    return rc;
}

static const struct sql link_find = {
    "login.link_find", "SELECT mozflow_user_id FROM login_links WHERE workspace_id = $1 AND account_id = $2"};

enum rc db_link_find(struct tx *tx, str workspace, str account, struct arena *mem, str *user,
                     struct fault *why)
{
    struct rows *r = NULL;
    enum rc rc = tx_one(tx, &link_find, ARGS(V_TEXT(workspace), V_TEXT(account)), mem, &r, why);
    if (rc == RC_OK)
        *user = row_text(r, 0);
    return rc;
}

static const struct sql link_insert = {
    "login.link_insert", "INSERT INTO login_links (workspace_id, account_id, mozflow_user_id, linked_ms) "
                         "VALUES ($1, $2, $3, $4) ON CONFLICT (workspace_id, account_id) DO NOTHING"};

enum rc db_link_insert(struct tx *tx, str workspace, str account, str user, int64_t *changed,
                       struct fault *why)
{
    return tx_exec(tx, &link_insert,
                   ARGS(V_TEXT(workspace), V_TEXT(account), V_TEXT(user), V_INT(tx_now_ms(tx))), changed,
                   why);
}

static const struct sql link_delete = {"login.link_delete",
                                       "DELETE FROM login_links WHERE workspace_id = $1 AND account_id = $2"};

enum rc db_link_delete(struct tx *tx, str workspace, str account, int64_t *changed, struct fault *why)
{
    return tx_exec(tx, &link_delete, ARGS(V_TEXT(workspace), V_TEXT(account)), changed, why);
}

static const struct sql return_insert = {
    "login.return_insert",
    "INSERT INTO login_return_urls (workspace_id, id, url, created_ms) VALUES ($1, $2, $3, $4) "
    "ON CONFLICT (workspace_id, url) DO NOTHING"};

enum rc db_return_insert(struct tx *tx, str workspace, str id, str url, struct fault *why)
{
    return tx_exec(tx, &return_insert, ARGS(V_TEXT(workspace), V_TEXT(id), V_TEXT(url), V_INT(tx_now_ms(tx))),
                   NULL, why);
}

static const struct sql return_find = {
    "login.return_find", "SELECT id FROM login_return_urls WHERE workspace_id = $1 AND url = $2"};

enum rc db_return_find(struct tx *tx, str workspace, str url, struct arena *mem, str *id, struct fault *why)
{
    struct rows *r = NULL;
    enum rc rc = tx_one(tx, &return_find, ARGS(V_TEXT(workspace), V_TEXT(url)), mem, &r, why);
    if (rc == RC_OK)
        *id = row_text(r, 0);
    return rc;
}

static const struct sql return_load = {
    "login.return_load", "SELECT url FROM login_return_urls WHERE workspace_id = $1 AND id = $2"};

enum rc db_return_load(struct tx *tx, str workspace, str id, struct arena *mem, str *url, struct fault *why)
{
    struct rows *r = NULL;
    enum rc rc = tx_one(tx, &return_load, ARGS(V_TEXT(workspace), V_TEXT(id)), mem, &r, why);
    if (rc == RC_OK)
        *url = row_text(r, 0);
    return rc;
}

static const struct sql return_list = {
    "login.return_list",
    "SELECT id, url FROM login_return_urls WHERE workspace_id = $1 ORDER BY id LIMIT 100"};

enum rc db_return_list(struct tx *tx, str workspace, struct arena *mem, struct return_url **out, size_t *n,
                       struct fault *why)
{
    struct rows *r = NULL;
    enum rc rc = tx_query(tx, &return_list, ARGS(V_TEXT(workspace)), mem, &r, why);
    if (rc != RC_OK)
        return rc;
    struct return_url *list = arena_array(mem, struct return_url, rows_count(r) + 1);
    size_t count = 0;
    if (list == NULL)
        return fault_set(why, RC_FULL, "base.arena", "no room for the list");
    while (rows_next(r))
        list[count++] = (struct return_url){row_text(r, 0), row_text(r, 1)};
    *out = list;
    *n = count;
    return RC_OK;
}

static const struct sql return_delete = {"login.return_delete",
                                         "DELETE FROM login_return_urls WHERE workspace_id = $1 AND id = $2"};

enum rc db_return_delete(struct tx *tx, str workspace, str id, int64_t *changed, struct fault *why)
{
    return tx_exec(tx, &return_delete, ARGS(V_TEXT(workspace), V_TEXT(id)), changed, why);
}

/* States and codes go an hour after their end: until then a repeat gets its exact answer. Attempts that
 * never came back go with them; finished ones stay 30 days for explain. */
static const struct sql tidy[] = {
    {"login.tidy_states", "DELETE FROM login_states WHERE expires_ms < $1"},
    {"login.tidy_codes", "/* exempt: clean-up by age */ DELETE FROM login_codes WHERE expires_ms < $1"},
    {"login.tidy_attempts",
     "/* exempt: clean-up by age */ DELETE FROM login_attempts WHERE created_ms < $1 AND state <= 1"},
};
static const struct sql tidy_old = {
    "login.tidy_old", "/* exempt: clean-up by age */ DELETE FROM login_attempts WHERE created_ms < $1"};

enum rc login_db_tidy(struct tx *tx, int64_t before_ms, struct fault *why)
{
    enum rc rc = RC_OK;
    for (size_t i = 0; rc == RC_OK && i < COUNT_OF(tidy); i++)
        rc = tx_exec(tx, &tidy[i], ARGS(V_INT(before_ms)), NULL, why);
    return rc == RC_OK ? tx_exec(tx, &tidy_old, ARGS(V_INT(before_ms - (int64_t)30 * 86400000)), NULL, why)
                       : rc;
}
