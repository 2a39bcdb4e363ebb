/* SQL of room mozflow. */
#include "mozflow/mozflow_priv.h"

static const struct migration rows[] = {
    {1200, "outbox, endpoints and their secrets",
     "CREATE TABLE mozflow_outbox (\n"
     "  workspace_id @TEXT NOT NULL, id @TEXT NOT NULL, type @TEXT NOT NULL, subject @TEXT NOT NULL,\n"
     "  ids @TEXT NOT NULL, state @TEXT NOT NULL, attempts @INT64 NOT NULL, created_ms @INT64 NOT NULL,\n"
     "  last_ms @INT64, last_status @INT64, last_code @TEXT, delivered_ms @INT64,\n"
     "  PRIMARY KEY (workspace_id, id)\n"
     ") @TABLE;\n"
     "CREATE INDEX mozflow_outbox_subject ON mozflow_outbox (workspace_id, subject, id);\n"
     "CREATE INDEX mozflow_outbox_stuck ON mozflow_outbox (workspace_id, state, id)\n"
     "  WHERE state = 'held' OR state = 'dead';\n"
     "CREATE INDEX mozflow_outbox_age ON mozflow_outbox (created_ms);\n"
     "CREATE TABLE mozflow_endpoints (\n"
     "  workspace_id @TEXT NOT NULL PRIMARY KEY, url @TEXT NOT NULL, enabled @FLAG NOT NULL, off_code "
     "@TEXT,\n"
     "  off_ms @INT64, created_ms @INT64 NOT NULL, updated_ms @INT64 NOT NULL\n"
     ") @TABLE;\n"
     "CREATE TABLE mozflow_secrets (\n"
     "  workspace_id @TEXT NOT NULL, id @TEXT NOT NULL, sealed @BYTES NOT NULL, created_ms @INT64 NOT NULL,\n"
     "  until_ms @INT64 NOT NULL,\n"
     "  PRIMARY KEY (workspace_id, id)\n"
     ") @TABLE",
     0},
};
const struct migration_table mozflow_migrations = {"mozflow", rows, COUNT_OF(rows)};

/* ---- outbox ---- */
#define OUTBOX                                                                                               \
    " workspace_id, id, type, subject, ids, state, last_code, created_ms, last_ms, delivered_ms, attempts,"  \
    " last_status FROM mozflow_outbox"
static const struct sql insert = {
    "mozflow.insert",
    "INSERT INTO mozflow_outbox (workspace_id, id, type, subject, ids, state, attempts, created_ms)"
    " VALUES ($1, $2, $3, $4, $5, 'waiting', 0, $6)"};
static const struct sql find = {"mozflow.find", "SELECT" OUTBOX " WHERE workspace_id = $1 AND id = $2"};
static const struct sql settle = {
    "mozflow.settle",
    "UPDATE mozflow_outbox SET state = $3, attempts = $4, last_ms = $5, last_status = $6, last_code = $7,"
    " delivered_ms = $8 WHERE workspace_id = $1 AND id = $2"};
static const struct sql list_all = {
    "mozflow.list", "SELECT" OUTBOX " WHERE workspace_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3"};
static const struct sql list_state = {
    "mozflow.list_state",
    "SELECT" OUTBOX " WHERE workspace_id = $1 AND id < $2 AND state = $4 ORDER BY id DESC LIMIT $3"};
static const struct sql list_subject = {
    "mozflow.list_subject",
    "SELECT" OUTBOX " WHERE workspace_id = $1 AND id < $2 AND subject = $4 ORDER BY id DESC LIMIT $3"};
static const struct sql held = {
    "mozflow.held", "SELECT" OUTBOX " WHERE workspace_id = $1 AND state = 'held' AND created_ms >= $2"
                    " ORDER BY id LIMIT $3"};
static const struct sql tidy = {
    "mozflow.tidy",
    "/* exempt: tidying by age, whosever it is */ DELETE FROM mozflow_outbox WHERE (workspace_id, id) IN"
    " (SELECT workspace_id, id FROM mozflow_outbox WHERE created_ms < $1 AND state <> 'waiting'"
    " ORDER BY created_ms LIMIT $2)"};

enum rc mozflow_db_insert(struct tx *tx, const struct outbox_row *r, struct fault *why)
{
    return tx_exec(tx, &insert,
                   ARGS(V_TEXT(r->workspace), V_TEXT(r->id), V_TEXT(r->type), V_TEXT(r->subject),
                        V_TEXT(r->ids), V_INT(tx_now_ms(tx))),
                   NULL, why);
}

static void outbox_of(const struct rows *r, struct outbox_row *out)
{
    *out = (struct outbox_row){.workspace = row_text(r, 0),
                               .id = row_text(r, 1),
                               .type = row_text(r, 2),
                               .subject = row_text(r, 3),
                               .ids = row_text(r, 4),
                               .state = row_text(r, 5),
                               .last_code = row_text(r, 6),
                               .created_ms = row_int(r, 7),
                               .last_ms = row_int(r, 8),
                               .delivered_ms = row_int(r, 9),
                               .attempts = row_int(r, 10),
                               .last_status = row_int(r, 11)};
}

enum rc mozflow_db_find(struct tx *tx, str workspace, str id, struct arena *mem, struct outbox_row *out,
                        struct fault *why)
{
    struct rows *r;
    enum rc rc = tx_query(tx, &find, ARGS(V_TEXT(workspace), V_TEXT(id)), mem, &r, why);
    if (rc != RC_OK)
        return rc;
    if (!rows_next(r))
        return fault_set(why, RC_MISSING, "mozflow.no_event", "no event has this id");
    outbox_of(r, out);
    return RC_OK;
}

enum rc mozflow_db_settle(struct tx *tx, const struct outbox_row *r, struct fault *why)
{
    return tx_exec(tx, &settle,
                   ARGS(V_TEXT(r->workspace), V_TEXT(r->id), V_TEXT(r->state), V_INT(r->attempts),
                        V_INT(r->last_ms), V_INT(r->last_status), V_TEXT(r->last_code),
                        V_INT(r->delivered_ms)),
                   NULL, why);
}

static enum rc outbox_rows(struct rows *r, struct arena *mem, struct outbox_row **out, size_t *n,
                           struct fault *why)
{
    struct outbox_row *at = arena_array(mem, struct outbox_row, rows_count(r) + 1);
    size_t count = 0;
    if (!at)
        return fault_set(why, RC_FULL, "mozflow.memory", "no room for the list");
    while (rows_next(r))
        outbox_of(r, &at[count++]);
    *out = at;
    *n = count;
    return RC_OK;
}

enum rc mozflow_db_list(struct tx *tx, const struct outbox_query *q, struct arena *mem,
                        struct outbox_row **out, size_t *n, struct fault *why)
{
    struct rows *r;
    str before = q->before.n ? q->before : STR("~"); /* behind every id */
    const struct sql *s = q->subject.n ? &list_subject : q->state.n ? &list_state : &list_all;
    const struct val v[] = {V_TEXT(q->workspace), V_TEXT(before), V_INT(q->limit),
                            V_TEXT(q->subject.n ? q->subject : q->state)};
    enum rc rc = tx_query(tx, s, v, s == &list_all ? 3 : 4, mem, &r, why);
    return rc == RC_OK ? outbox_rows(r, mem, out, n, why) : rc;
}

enum rc mozflow_db_held(struct tx *tx, str workspace, int64_t since_ms, struct arena *mem,
                        struct outbox_row **out, size_t *n, struct fault *why)
{
    struct rows *r;
    enum rc rc =
        tx_query(tx, &held, ARGS(V_TEXT(workspace), V_INT(since_ms), V_INT(MOZFLOW_PAGE)), mem, &r, why);
    return rc == RC_OK ? outbox_rows(r, mem, out, n, why) : rc;
}

enum rc mozflow_db_tidy(struct tx *tx, int64_t before_ms, int64_t *gone, struct fault *why)
{
    return tx_exec(tx, &tidy, ARGS(V_INT(before_ms), V_INT(MOZFLOW_PAGE)), gone, why);
}

/* ---- endpoint ---- */
static const struct sql endpoint = {"mozflow.endpoint",
                                    "SELECT url, enabled, off_code, off_ms, created_ms, updated_ms FROM "
                                    "mozflow_endpoints WHERE workspace_id = $1"};
static const struct sql endpoint_save = {"mozflow.endpoint_save",
                                         "INSERT INTO mozflow_endpoints (workspace_id, url, enabled, "
                                         "created_ms, updated_ms) VALUES ($1, $2, $3, $4, $4)"
                                         " ON CONFLICT (workspace_id) DO UPDATE SET url = excluded.url, "
                                         "enabled = excluded.enabled, off_code = NULL,"
                                         " off_ms = NULL, updated_ms = excluded.updated_ms"};
static const struct sql endpoint_off = {
    "mozflow.endpoint_off",
    "UPDATE mozflow_endpoints SET enabled = 0, off_code = $2, off_ms = $3 WHERE workspace_id = $1"};

enum rc mozflow_db_endpoint(struct tx *tx, str workspace, struct arena *mem, struct endpoint_row *out,
                            struct fault *why)
{
    struct rows *r;
    enum rc rc = tx_query(tx, &endpoint, ARGS(V_TEXT(workspace)), mem, &r, why);
    if (rc != RC_OK)
        return rc;
    *out = (struct endpoint_row){0};
    if (rows_next(r))
        *out = (struct endpoint_row){.known = true,
                                     .url = row_text(r, 0),
                                     .enabled = row_int(r, 1) != 0,
                                     .off_code = row_text(r, 2),
                                     .off_ms = row_int(r, 3),
                                     .created_ms = row_int(r, 4),
                                     .updated_ms = row_int(r, 5)};
    return RC_OK;
}

enum rc mozflow_db_endpoint_save(struct tx *tx, str workspace, str url, bool enabled, struct fault *why)
{
    return tx_exec(tx, &endpoint_save,
                   ARGS(V_TEXT(workspace), V_TEXT(url), V_FLAG(enabled), V_INT(tx_now_ms(tx))), NULL, why);
}

enum rc mozflow_db_endpoint_off(struct tx *tx, str workspace, str code, struct fault *why)
{
    return tx_exec(tx, &endpoint_off, ARGS(V_TEXT(workspace), V_TEXT(code), V_INT(tx_now_ms(tx))), NULL, why);
}

/* ---- secrets ---- */
static const struct sql secrets = {
    "mozflow.secrets", "SELECT id, sealed, created_ms, until_ms FROM mozflow_secrets WHERE workspace_id = $1"
                       " AND (until_ms = 0 OR until_ms > $2) ORDER BY id DESC"};
static const struct sql secret_insert = {
    "mozflow.secret_insert", "INSERT INTO mozflow_secrets (workspace_id, id, sealed, created_ms, until_ms)"
                             " VALUES ($1, $2, $3, $4, 0)"};
static const struct sql secrets_over = {
    "mozflow.secrets_over",
    "DELETE FROM mozflow_secrets WHERE workspace_id = $1 AND until_ms > 0 AND until_ms <= $2"};
static const struct sql secrets_end = {
    "mozflow.secrets_end",
    "UPDATE mozflow_secrets SET until_ms = $2 WHERE workspace_id = $1 AND (until_ms = 0 OR until_ms > $2)"};

enum rc mozflow_db_secrets(struct tx *tx, str workspace, struct arena *mem, struct secret_row **out,
                           size_t *n, struct fault *why)
{
    struct rows *r;
    enum rc rc = tx_query(tx, &secrets, ARGS(V_TEXT(workspace), V_INT(tx_now_ms(tx))), mem, &r, why);
    if (rc != RC_OK)
        return rc;
    struct secret_row *at = arena_array(mem, struct secret_row, rows_count(r) + 1);
    size_t count = 0;
    if (!at)
        return fault_set(why, RC_FULL, "mozflow.memory", "no room for the secrets");
    while (rows_next(r))
        at[count++] = (struct secret_row){row_text(r, 0), row_text(r, 1), row_int(r, 2), row_int(r, 3)};
    *out = at;
    *n = count;
    return RC_OK;
}

enum rc mozflow_db_secret_insert(struct tx *tx, str workspace, const struct secret_row *s, struct fault *why)
{
    return tx_exec(tx, &secret_insert,
                   ARGS(V_TEXT(workspace), V_TEXT(s->id), V_BYTES(s->sealed), V_INT(tx_now_ms(tx))), NULL,
                   why);
}

enum rc mozflow_db_secrets_end(struct tx *tx, str workspace, int64_t until_ms, struct fault *why)
{
    enum rc rc = tx_exec(tx, &secrets_end, ARGS(V_TEXT(workspace), V_INT(until_ms)), NULL, why);
    if (rc != RC_OK)
        return rc;
    return tx_exec(tx, &secrets_over, ARGS(V_TEXT(workspace), V_INT(tx_now_ms(tx))), NULL, why);
}
