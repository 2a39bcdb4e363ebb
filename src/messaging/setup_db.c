/* The statements of messaging's set-up: availability, tasks, the plan's cursor, webhook subscriptions. The
 * app rows of the installation stand under the workspace "-".
 */
#include "messaging/setup_priv.h"

static const struct migration migrations[] = {
    {.number = 4150,
     .name = "availability",
     .text = "CREATE TABLE account_availability (\n"
             "  workspace_id @TEXT NOT NULL,\n"
             "  account_id @TEXT NOT NULL,\n"
             "  verdict @TEXT NOT NULL,\n"
             "  code @TEXT NOT NULL,\n"
             "  facts @TEXT NOT NULL,\n"
             "  checked_ms @INT64 NOT NULL,\n"
             "  next_ms @INT64 NOT NULL, -- 0: not connected, not planned\n"
             "  PRIMARY KEY (workspace_id, account_id)\n"
             ") @TABLE;\n"
             "CREATE INDEX account_availability_due ON account_availability (next_ms) WHERE next_ms > 0;\n"
             "CREATE TABLE availability_tasks (\n"
             "  workspace_id @TEXT NOT NULL,\n"
             "  id @TEXT NOT NULL,\n"
             "  account_id @TEXT NOT NULL,\n"
             "  owner @TEXT, -- personal\n"
             "  opened_ms @INT64 NOT NULL,\n"
             "  recheck_ms @INT64 NOT NULL,\n"
             "  reminded_ms @INT64 NOT NULL,\n"
             "  closed_ms @INT64 NOT NULL,\n"
             "  PRIMARY KEY (workspace_id, id)\n"
             ") @TABLE;\n"
             "CREATE UNIQUE INDEX availability_tasks_open ON availability_tasks (workspace_id, account_id)"
             " WHERE closed_ms = 0;\n"
             "CREATE TABLE availability_plan (\n"
             "  workspace_id @TEXT NOT NULL PRIMARY KEY,\n"
             "  at_workspace @TEXT NOT NULL,\n"
             "  at_account @TEXT NOT NULL\n"
             ") @TABLE;\n"
             "CREATE TABLE webhook_subscriptions (\n"
             "  workspace_id @TEXT NOT NULL,\n"
             "  app @TEXT NOT NULL,\n"
             "  category @TEXT NOT NULL,\n"
             "  url @TEXT,\n"
             "  state @TEXT NOT NULL,\n"
             "  code @TEXT NOT NULL,\n"
             "  checked_ms @INT64 NOT NULL,\n"
             "  PRIMARY KEY (workspace_id, app, category)\n"
             ") @TABLE"},
};
const struct migration_table messaging_setup_migrations = {"messaging_setup", migrations,
                                                           COUNT_OF(migrations)};

static const struct sql SQL_LOAD = {
    "messaging.availability_load",
    "SELECT verdict, code, facts, checked_ms, next_ms FROM account_availability"
    " WHERE workspace_id = $1 AND account_id = $2"};
static const struct sql SQL_SAVE = {
    "messaging.availability_save",
    "INSERT INTO account_availability (workspace_id, account_id, verdict, code, facts, checked_ms, next_ms)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (workspace_id, account_id) DO UPDATE SET"
    " verdict = excluded.verdict, code = excluded.code, facts = excluded.facts,"
    " checked_ms = excluded.checked_ms, next_ms = excluded.next_ms"};
/* A new account is due at once, and so is one that was asleep; others keep their time. */
static const struct sql SQL_PLAN = {
    "messaging.availability_plan",
    "INSERT INTO account_availability (workspace_id, account_id, verdict, code, facts, checked_ms, next_ms)"
    " VALUES ($1, $2, 'unknown', '', '{}', 0, $3) ON CONFLICT (workspace_id, account_id) DO UPDATE SET"
    " next_ms = excluded.next_ms WHERE account_availability.next_ms = 0"};
static const struct sql SQL_SLEEP = {
    "messaging.availability_sleep",
    "UPDATE account_availability SET next_ms = 0 WHERE workspace_id = $1 AND account_id = $2"};
static const struct sql SQL_DUE = {
    "messaging.availability_due",
    "SELECT workspace_id, account_id FROM account_availability /* exempt: the plan is the installation's */"
    " WHERE next_ms > 0 AND next_ms <= $1 ORDER BY next_ms LIMIT $2"};
static const struct sql SQL_PUT_OFF = {
    "messaging.availability_put_off",
    "UPDATE account_availability SET next_ms = $3 WHERE workspace_id = $1 AND account_id = $2"
    " AND next_ms > 0"};
static const struct sql SQL_CURSOR = {
    "messaging.plan_cursor",
    "SELECT at_workspace, at_account FROM availability_plan WHERE workspace_id = $1"};
static const struct sql SQL_CURSOR_SAVE = {
    "messaging.plan_cursor_save",
    "INSERT INTO availability_plan (workspace_id, at_workspace, at_account) VALUES ($1, $2, $3)"
    " ON CONFLICT (workspace_id) DO UPDATE SET at_workspace = excluded.at_workspace,"
    " at_account = excluded.at_account"};
static const struct sql SQL_TASK = {
    "messaging.task_open",
    "SELECT id, account_id, owner, opened_ms, recheck_ms, reminded_ms FROM availability_tasks"
    " WHERE workspace_id = $1 AND account_id = $2 AND closed_ms = 0"};
static const struct sql SQL_TASK_MAKE = {
    "messaging.task_make", "INSERT INTO availability_tasks (workspace_id, id, account_id, owner, opened_ms,"
                           " recheck_ms, reminded_ms, closed_ms) VALUES ($1, $2, $3, $4, $5, $6, 0, 0)"};
static const struct sql SQL_TASK_SAVE = {
    "messaging.task_save", "UPDATE availability_tasks SET owner = $3, recheck_ms = $4, reminded_ms = $5"
                           " WHERE workspace_id = $1 AND id = $2"};
static const struct sql SQL_TASK_CLOSE = {
    "messaging.task_close",
    "UPDATE availability_tasks SET closed_ms = $3 WHERE workspace_id = $1 AND id = $2"};
static const struct sql SQL_HOOKS = {
    "messaging.hooks", "SELECT category, url, state, code, checked_ms FROM webhook_subscriptions"
                       " WHERE workspace_id = $1 AND app = $2"};
static const struct sql SQL_HOOK_SAVE = {
    "messaging.hook_save",
    "INSERT INTO webhook_subscriptions (workspace_id, app, category, url, state, code, checked_ms)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (workspace_id, app, category) DO UPDATE SET"
    " url = excluded.url, state = excluded.state, code = excluded.code, checked_ms = excluded.checked_ms"};

enum rc setup_db_load(struct tx *tx, str workspace, str account, struct arena *mem, struct availability *out,
                      struct fault *why)
{
    struct rows *r;
    enum rc rc = tx_one(tx, &SQL_LOAD, ARGS(V_TEXT(workspace), V_TEXT(account)), mem, &r, why);
    if (rc != RC_OK)
        return rc;
    struct availability a = {
        .account = account, .code = row_text(r, 1), .checked_ms = row_int(r, 3), .next_ms = row_int(r, 4)};
    if (!verdict_find(row_text(r, 0), &a.verdict))
        return fault_set(why, RC_BUG, "messaging.verdict", "a stored verdict is unknown");
    rc = facts_parse(row_text(r, 2), mem, &a.facts, why);
    if (rc == RC_OK)
        *out = a;
    return rc;
}

enum rc setup_db_save(struct tx *tx, str workspace, const struct availability *a, struct fault *why)
{
    struct buf b;
    struct jw w;
    buf_init(&b, tx_mem(tx), 8192);
    jw_init(&w, &b);
    facts_write(&a->facts, &w);
    return tx_exec(tx, &SQL_SAVE,
                   ARGS(V_TEXT(workspace), V_TEXT(a->account), V_TEXT(str_of(verdict_rows[a->verdict].name)),
                        V_TEXT(a->code), V_TEXT(buf_str(&b)), V_INT(a->checked_ms), V_INT(a->next_ms)),
                   NULL, why);
}

enum rc setup_db_plan(struct tx *tx, str workspace, str account, struct fault *why)
{
    return tx_exec(tx, &SQL_PLAN, ARGS(V_TEXT(workspace), V_TEXT(account), V_INT(tx_now_ms(tx))), NULL, why);
}

enum rc setup_db_sleep(struct tx *tx, str workspace, str account, struct fault *why)
{
    return tx_exec(tx, &SQL_SLEEP, ARGS(V_TEXT(workspace), V_TEXT(account)), NULL, why);
}

enum rc setup_db_due(struct tx *tx, int64_t limit, struct arena *mem, struct account_owner **out, size_t *n,
                     struct fault *why)
{
    struct rows *r;
    enum rc rc = tx_query(tx, &SQL_DUE, ARGS(V_INT(tx_now_ms(tx)), V_INT(limit)), mem, &r, why);
    if (rc != RC_OK)
        return rc;
    struct account_owner *list = arena_array(mem, struct account_owner, rows_count(r) + 1);
    if (list == NULL)
        return fault_set(why, RC_FULL, "messaging.memory", "accounts that are due");
    size_t count = 0;
    while (rows_next(r))
        list[count++] = (struct account_owner){row_text(r, 0), row_text(r, 1)};
    *out = list;
    *n = count;
    return RC_OK;
}

enum rc setup_db_put_off(struct tx *tx, str workspace, str account, int64_t next_ms, struct fault *why)
{
    return tx_exec(tx, &SQL_PUT_OFF, ARGS(V_TEXT(workspace), V_TEXT(account), V_INT(next_ms)), NULL, why);
}

enum rc setup_db_cursor(struct tx *tx, struct arena *mem, struct account_owner *out, struct fault *why)
{
    struct rows *r;
    enum rc rc = tx_one(tx, &SQL_CURSOR, ARGS(V_TEXT(STR("-"))), mem, &r, why);
    if (rc != RC_OK && rc != RC_MISSING)
        return rc;
    *out = rc == RC_OK ? (struct account_owner){row_text(r, 0), row_text(r, 1)}
                       : (struct account_owner){STR(""), STR("")};
    return RC_OK;
}

enum rc setup_db_cursor_save(struct tx *tx, const struct account_owner *at, struct fault *why)
{
    return tx_exec(tx, &SQL_CURSOR_SAVE, ARGS(V_TEXT(STR("-")), V_TEXT(at->workspace), V_TEXT(at->account)),
                   NULL, why);
}

enum rc setup_db_task(struct tx *tx, str workspace, str account, struct arena *mem, struct waiting *out,
                      struct fault *why)
{
    struct rows *r;
    enum rc rc = tx_one(tx, &SQL_TASK, ARGS(V_TEXT(workspace), V_TEXT(account)), mem, &r, why);
    if (rc == RC_OK)
        *out = (struct waiting){.id = row_text(r, 0),
                                .account = row_text(r, 1),
                                .owner = row_text(r, 2),
                                .opened_ms = row_int(r, 3),
                                .recheck_ms = row_int(r, 4),
                                .reminded_ms = row_int(r, 5)};
    return rc;
}

enum rc setup_db_task_make(struct tx *tx, str workspace, const struct waiting *t, struct fault *why)
{
    return tx_exec(tx, &SQL_TASK_MAKE,
                   ARGS(V_TEXT(workspace), V_TEXT(t->id), V_TEXT(t->account), V_TEXT(t->owner),
                        V_INT(t->opened_ms), V_INT(t->recheck_ms)),
                   NULL, why);
}

enum rc setup_db_task_save(struct tx *tx, str workspace, const struct waiting *t, struct fault *why)
{
    return tx_exec(
        tx, &SQL_TASK_SAVE,
        ARGS(V_TEXT(workspace), V_TEXT(t->id), V_TEXT(t->owner), V_INT(t->recheck_ms), V_INT(t->reminded_ms)),
        NULL, why);
}

enum rc setup_db_task_close(struct tx *tx, str workspace, str id, struct fault *why)
{
    return tx_exec(tx, &SQL_TASK_CLOSE, ARGS(V_TEXT(workspace), V_TEXT(id), V_INT(tx_now_ms(tx))), NULL, why);
}

const char *const hook_state_names[HOOK_STATES] = {"unknown", "right", "missing", "foreign"};

enum rc setup_db_hooks(struct tx *tx, str workspace, str app, struct arena *mem,
                       struct hook_row out[HOOK_CATEGORIES], struct fault *why)
{
    struct rows *r;
    enum rc rc = tx_query(tx, &SQL_HOOKS, ARGS(V_TEXT(workspace), V_TEXT(app)), mem, &r, why);
    if (rc != RC_OK)
        return rc;
    for (unsigned c = 0; c < HOOK_CATEGORIES; c++)
        out[c] = (struct hook_row){.app = app,
                                   .category = (enum webhook_category)c,
                                   .state = hook_state_names[HOOK_UNKNOWN],
                                   .code = STR("")};
    while (rows_next(r)) {
        enum webhook_category c;
        if (!category_find(row_text(r, 0), &c))
            continue; /* a category that a later version knew */
        out[c].url = row_text(r, 1);
        for (size_t s = 0; s < HOOK_STATES; s++)
            if (str_eq(row_text(r, 2), str_of(hook_state_names[s])))
                out[c].state = hook_state_names[s];
        out[c].code = row_text(r, 3);
        out[c].checked_ms = row_int(r, 4);
    }
    return RC_OK;
}

enum rc setup_db_hook_save(struct tx *tx, str workspace, const struct hook_row *h, struct fault *why)
{
    return tx_exec(tx, &SQL_HOOK_SAVE,
                   ARGS(V_TEXT(workspace), V_TEXT(h->app), V_TEXT(str_of(hook_categories[h->category].name)),
                        V_TEXT(h->url), V_TEXT(str_of(h->state)), V_TEXT(h->code), V_INT(h->checked_ms)),
                   NULL, why);
}
