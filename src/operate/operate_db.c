/* The alerts table. One row per (workspace, name, object): a repetition adds to its count and moves its last
 * time. */
#include "operate/operate_priv.h"

static const struct migration migrations[] = {
    {.number = 4901,
     .name = "alerts",
     .text = "CREATE TABLE alerts (\n"
             "  workspace_id @TEXT NOT NULL,\n"
             "  id @TEXT NOT NULL,\n"
             "  name @TEXT NOT NULL,\n"
             "  object @TEXT NOT NULL,\n"
             "  severity @TEXT NOT NULL,\n"
             "  count @INT64 NOT NULL,\n"
             "  first_ms @INT64 NOT NULL,\n"
             "  last_ms @INT64 NOT NULL,\n"
             "  PRIMARY KEY (workspace_id, id)\n"
             ") @TABLE;\n"
             "CREATE UNIQUE INDEX alerts_object ON alerts (workspace_id, name, object)"},
};
const struct migration_table operate_migrations = {"operate", migrations, COUNT_OF(migrations)};

static const struct sql SQL_ALERT_RAISE = {
    "operate.alert_raise",
    "INSERT INTO alerts (workspace_id, id, name, object, severity, count, first_ms, last_ms)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7, $7)"
    " ON CONFLICT (workspace_id, name, object) DO UPDATE SET count = alerts.count + excluded.count,"
    " last_ms = excluded.last_ms RETURNING id"};
static const struct sql SQL_ALERT_LIST = {
    "operate.alert_list", "SELECT id, name, object, severity, count, first_ms, last_ms FROM alerts"
                          " WHERE workspace_id = $1 AND ($2 = '' OR id < $2) ORDER BY id DESC LIMIT $3"};
static const struct sql SQL_ALERT_LOAD = {"operate.alert_load",
                                          "SELECT id, name, object, severity, count, first_ms, last_ms FROM "
                                          "alerts WHERE workspace_id = $1 AND id = $2"};

enum rc operate_db_alert_raise(struct tx *tx, const struct alert_new *a, struct arena *mem, str *id,
                               bool *first, struct fault *why)
{
    struct rows *r;
    enum rc rc = tx_one(tx, &SQL_ALERT_RAISE,
                        ARGS(V_TEXT(a->workspace), V_TEXT(a->id), V_TEXT(a->name), V_TEXT(a->object),
                             V_TEXT(str_of(a->severity)), V_INT(a->count), V_INT(tx_now_ms(tx))),
                        mem, &r, why);
    if (rc != RC_OK)
        return rc;
    *id = row_text(r, 0);
    *first = str_eq(*id, a->id);
    return RC_OK;
}

enum rc operate_db_alert_list(struct tx *tx, str workspace, str before, int64_t limit, struct arena *mem,
                              struct rows **out, struct fault *why)
{
    return tx_query(tx, &SQL_ALERT_LIST,
                    ARGS(V_TEXT(workspace), V_TEXT(before.n > 0 ? before : STR("")), V_INT(limit)), mem, out,
                    why);
}

enum rc operate_db_alert_load(struct tx *tx, str workspace, str id, struct arena *mem, struct rows **out,
                              struct fault *why)
{
    return tx_one(tx, &SQL_ALERT_LOAD, ARGS(V_TEXT(workspace), V_TEXT(id)), mem, out, why);
}
