/* SQL of the rotation of data keys: where each workspace's scan stands, which keys may retire. */
#include "keys/rotate_priv.h"

static const struct sql rotation = {
    "keys.rotation", "SELECT started_ms, col, after_id, found, resealed, unreadable, clean_ms, done_ms "
                     "FROM key_rotations WHERE workspace_id = $1"};
static const struct sql rotation_save = {
    "keys.rotation_save",
    "INSERT INTO key_rotations (workspace_id, started_ms, col, after_id, found, resealed, unreadable, "
    "clean_ms, done_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (workspace_id) DO UPDATE SET "
    "started_ms = excluded.started_ms, col = excluded.col, after_id = excluded.after_id, "
    "found = excluded.found, resealed = excluded.resealed, unreadable = excluded.unreadable, "
    "clean_ms = excluded.clean_ms, done_ms = excluded.done_ms"};
static const struct sql retire = {
    "keys.retire", "UPDATE data_keys SET retired_ms = $3 WHERE workspace_id = $1 AND active = 0 "
                   "AND retired_ms = 0 AND stopped_ms <= $2 AND key_id <> 'root'"};
static const struct sql old_ids = {
    "keys.old_ids",
    "SELECT key_id FROM data_keys WHERE workspace_id = $1 AND active = 0 AND key_id <> 'root'"};
static const struct sql workspaces = {"keys.workspaces",
                                      "SELECT workspace_id FROM data_keys WHERE active = 1 "
                                      "AND created_ms < $1 ORDER BY workspace_id LIMIT 20"};
static const struct sql rotations = {
    "keys.rotations",
    "SELECT workspace_id, started_ms, col, after_id, found, resealed, unreadable, clean_ms, "
    "done_ms FROM key_rotations ORDER BY done_ms, started_ms DESC LIMIT 50"};
static const struct sql forget = {
    "keys.forget", "DELETE FROM data_keys WHERE retired_ms > 0 AND retired_ms < $1 AND active = 0"};
static const struct sql state_keys = {
    "keys.state", "SELECT coalesce(sum(CASE WHEN active = 0 AND retired_ms = 0 AND key_id <> 'root' THEN 1 "
                  "ELSE 0 END), 0), coalesce(sum(CASE WHEN retired_ms > 0 THEN 1 ELSE 0 END), 0) "
                  "FROM data_keys"};
static const struct sql state_rotations = {
    "keys.state_rotations", "SELECT coalesce(sum(CASE WHEN done_ms = 0 THEN 1 ELSE 0 END), 0), "
                            "coalesce(sum(unreadable), 0) FROM key_rotations"};

enum rc keys_db_rotation(struct tx *tx, str workspace, struct rotation *out, struct fault *why)
{
    struct rows *r;
    enum rc rc = tx_one(tx, &rotation, ARGS(V_TEXT(workspace)), tx_mem(tx), &r, why);
    if (rc != RC_OK)
        return rc;
    *out = (struct rotation){.workspace = workspace,
                             .started_ms = row_int(r, 0),
                             .col = row_int(r, 1),
                             .after = row_text(r, 2),
                             .found = row_int(r, 3),
                             .resealed = row_int(r, 4),
                             .unreadable = row_int(r, 5),
                             .clean_ms = row_int(r, 6),
                             .done_ms = row_int(r, 7)};
    return RC_OK;
}

enum rc keys_db_rotation_save(struct tx *tx, const struct rotation *r, struct fault *why)
{
    return tx_exec(tx, &rotation_save,
                   ARGS(V_TEXT(r->workspace), V_INT(r->started_ms), V_INT(r->col), V_TEXT(r->after),
                        V_INT(r->found), V_INT(r->resealed), V_INT(r->unreadable), V_INT(r->clean_ms),
                        V_INT(r->done_ms)),
                   NULL, why);
}

enum rc keys_db_retire(struct tx *tx, str workspace, int64_t stopped_before_ms, int64_t *n, struct fault *why)
{
    return tx_exec(tx, &retire, ARGS(V_TEXT(workspace), V_INT(stopped_before_ms), V_INT(tx_now_ms(tx))), n,
                   why);
}

enum rc keys_db_old_ids(struct tx *tx, str workspace, struct arena *mem, struct rows **out, struct fault *why)
{
    return tx_query(tx, &old_ids, ARGS(V_TEXT(workspace)), mem, out, why);
}

enum rc keys_db_workspaces(struct tx *tx, int64_t before_ms, struct arena *mem, struct rows **out,
                           struct fault *why)
{
    return tx_query(tx, &workspaces, ARGS(V_INT(before_ms)), mem, out, why);
}

enum rc keys_db_rotations(struct tx *tx, struct arena *mem, struct rows **out, struct fault *why)
{
    return tx_query(tx, &rotations, NO_ARGS, mem, out, why);
}

enum rc keys_db_forget(struct tx *tx, int64_t retired_before_ms, struct fault *why)
{
    return tx_exec(tx, &forget, ARGS(V_INT(retired_before_ms)), NULL, why);
}

enum rc keys_db_state(struct tx *tx, struct keys_status *out, struct fault *why)
{
    struct rows *a, *b;
    enum rc rc = tx_one(tx, &state_keys, NO_ARGS, tx_mem(tx), &a, why);
    if (rc == RC_OK)
        rc = tx_one(tx, &state_rotations, NO_ARGS, tx_mem(tx), &b, why);
    if (rc != RC_OK)
        return rc;
    out->old_data_keys = row_int(a, 0);
    out->retired_data_keys = row_int(a, 1);
    out->rotating = row_int(b, 0);
    out->unreadable = row_int(b, 1);
    return RC_OK;
}
