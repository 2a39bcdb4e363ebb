/* SQL of room budget. A bucket of an app belongs to the installation (workspace_id "-"), one of a connected
 * account to its workspace. Rows that nobody used for a day are deleted. */
#include "budget/budget_priv.h"

static const struct migration rows[] = {
    {
        .number = 2501,
        .name = "buckets and shares",
        .text = "CREATE TABLE budget_buckets (\n"
                "  workspace_id @TEXT NOT NULL,\n"
                "  client_key @TEXT NOT NULL,\n"
                "  pool @TEXT NOT NULL,\n"
                "  account @TEXT NOT NULL,\n"
                "  endpoint @TEXT NOT NULL,\n"
                "  name @TEXT NOT NULL,\n"
                "  tat_us @INT64 NOT NULL,\n"
                "  cell_ms @INT64 NOT NULL,\n"
                "  now_n @INT64 NOT NULL,\n"
                "  before_n @INT64 NOT NULL,\n"
                "  promised_ms @INT64 NOT NULL,\n"
                "  shut_ms @INT64 NOT NULL,\n"
                "  shut_until_ms @INT64 NOT NULL,\n"
                "  used_ms @INT64 NOT NULL,\n"
                "  PRIMARY KEY (workspace_id, client_key, pool, account, endpoint, name)\n"
                ") @TABLE;\n"
                "CREATE INDEX budget_buckets_used ON budget_buckets (used_ms);\n"
                "CREATE TABLE budget_shares (\n"
                "  workspace_id @TEXT NOT NULL,\n"
                "  client_key @TEXT NOT NULL,\n"
                "  pool @TEXT NOT NULL,\n"
                "  endpoint @TEXT NOT NULL,\n"
                "  tat_us @INT64 NOT NULL,\n"
                "  promised_ms @INT64 NOT NULL,\n"
                "  cell_ms @INT64 NOT NULL,\n"
                "  asked @INT64 NOT NULL,\n"
                "  asked_before @INT64 NOT NULL,\n"
                "  PRIMARY KEY (workspace_id, client_key, pool, endpoint)\n"
                ") @TABLE;\n"
                "CREATE INDEX budget_shares_asked ON budget_shares (client_key, pool, endpoint, cell_ms)",
    },
};
const struct migration_table budget_migrations = {.room = "budget", .rows = rows, .n = COUNT_OF(rows)};

static const struct sql bucket_load = {
    "budget.load",
    "SELECT workspace_id, account, endpoint, name, tat_us, cell_ms, now_n, before_n, promised_ms, shut_ms, "
    "shut_until_ms FROM budget_buckets WHERE workspace_id IN ('-', $1) AND client_key = $2 AND pool = $3 "
    "AND account IN ('', $4) AND endpoint IN ('', $5, $6)"};
static const struct sql bucket_save = {
    "budget.save",
    "INSERT INTO budget_buckets (workspace_id, client_key, pool, account, endpoint, name, tat_us, cell_ms, "
    "now_n, before_n, promised_ms, shut_ms, shut_until_ms, used_ms) "
    "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) "
    "ON CONFLICT (workspace_id, client_key, pool, account, endpoint, name) DO UPDATE SET "
    "tat_us = excluded.tat_us, cell_ms = excluded.cell_ms, now_n = excluded.now_n, "
    "before_n = excluded.before_n, promised_ms = excluded.promised_ms, shut_ms = excluded.shut_ms, "
    "shut_until_ms = excluded.shut_until_ms, "
    "used_ms = excluded.used_ms"};
static const struct sql share_load = {
    "budget.share", "SELECT tat_us, promised_ms, cell_ms, asked, asked_before FROM budget_shares "
                    "WHERE workspace_id = $1 AND client_key = $2 AND pool = $3 AND endpoint = $4"};
static const struct sql share_save = {
    "budget.share_save",
    "INSERT INTO budget_shares (workspace_id, client_key, pool, endpoint, tat_us, promised_ms, cell_ms, "
    "asked, asked_before) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) "
    "ON CONFLICT (workspace_id, client_key, pool, endpoint) DO UPDATE SET tat_us = excluded.tat_us, "
    "promised_ms = excluded.promised_ms, cell_ms = excluded.cell_ms, asked = excluded.asked, "
    "asked_before = excluded.asked_before"};
static const struct sql demands = {
    "budget.demands", "SELECT cell_ms, asked, asked_before FROM budget_shares WHERE client_key = $1 "
                      "AND pool = $2 AND endpoint = $3 AND cell_ms > $4 ORDER BY cell_ms DESC LIMIT 500"};
static const struct sql tidy_buckets = {
    "budget.tidy", "DELETE FROM budget_buckets WHERE shut_until_ms < $1 AND used_ms < $1 AND used_ms < "
                   "(SELECT coalesce(min(o.used_ms), 0) + 3600000 FROM budget_buckets o)"};
static const struct sql tidy_shares = {"budget.tidy_shares",
                                       "DELETE FROM budget_shares WHERE cell_ms < $1 AND promised_ms < $1"};
static const struct sql states = {
    "budget.states", "SELECT pool, client_key, account, endpoint, name, cell_ms, now_n, before_n, "
                     "shut_until_ms FROM budget_buckets WHERE workspace_id IN ('-', $1) AND used_ms > $2 "
                     "ORDER BY client_key, pool, account, endpoint, name LIMIT 500"};

static void take_row(struct bucket *b, const struct rows *r)
{
    b->stored = true;
    b->tat_us = row_int(r, 4);
    b->cell_ms = row_int(r, 5);
    b->now_n = row_int(r, 6);
    b->before_n = row_int(r, 7);
    b->promised_ms = row_int(r, 8);
    b->shut_ms = row_int(r, 9);
    b->shut_until_ms = row_int(r, 10);
}

static bool is_row_of(const struct bucket *b, const struct rows *r)
{
    return str_eq(row_text(r, 3), str_of(b->limit->name)) && str_eq(row_text(r, 0), b->workspace) &&
           str_eq(row_text(r, 1), b->account) && str_eq(row_text(r, 2), b->endpoint);
}

/* An endpoint that counts with others of its group brings a second name. */
static str group_of(const struct bucket *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (list[i].limit->group != NULL)
            return str_of(list[i].limit->group);
    return STR("");
}

enum rc budget_db_load(struct tx *tx, const struct budget_key *k, struct bucket *list, size_t n,
                       struct fault *why)
{
    struct rows *r;
    enum rc rc = tx_query(tx, &bucket_load,
                          ARGS(V_TEXT(k->workspace), V_TEXT(k->client_key), V_TEXT(str_of(k->pool)),
                               V_TEXT(k->account), V_TEXT(k->endpoint), V_TEXT(group_of(list, n))),
                          tx_mem(tx), &r, why);
    while (rc == RC_OK && rows_next(r))
        for (size_t i = 0; i < n; i++)
            if (is_row_of(&list[i], r))
                take_row(&list[i], r);
    return rc;
}

enum rc budget_db_save(struct tx *tx, const struct budget_key *k, const struct bucket *b, struct fault *why)
{
    return tx_exec(tx, &bucket_save,
                   ARGS(V_TEXT(b->workspace), V_TEXT(k->client_key), V_TEXT(str_of(k->pool)),
                        V_TEXT(b->account), V_TEXT(b->endpoint), V_TEXT(str_of(b->limit->name)),
                        V_INT(b->tat_us), V_INT(b->cell_ms), V_INT(b->now_n), V_INT(b->before_n),
                        V_INT(b->promised_ms), V_INT(b->shut_ms), V_INT(b->shut_until_ms),
                        V_INT(tx_now_ms(tx))),
                   NULL, why);
}

enum rc budget_db_share(struct tx *tx, const struct budget_key *k, str endpoint, struct share *out,
                        struct fault *why)
{
    struct rows *r;
    enum rc rc =
        tx_query(tx, &share_load,
                 ARGS(V_TEXT(k->workspace), V_TEXT(k->client_key), V_TEXT(str_of(k->pool)), V_TEXT(endpoint)),
                 tx_mem(tx), &r, why);
    if (rc != RC_OK)
        return rc;
    *out = (struct share){0};
    if (rows_next(r))
        *out = (struct share){.tat_us = row_int(r, 0),
                              .promised_ms = row_int(r, 1),
                              .cell_ms = row_int(r, 2),
                              .asked = row_int(r, 3),
                              .asked_before = row_int(r, 4)};
    return RC_OK;
}

enum rc budget_db_share_save(struct tx *tx, const struct budget_key *k, str endpoint, const struct share *s,
                             struct fault *why)
{
    return tx_exec(tx, &share_save,
                   ARGS(V_TEXT(k->workspace), V_TEXT(k->client_key), V_TEXT(str_of(k->pool)),
                        V_TEXT(endpoint), V_INT(s->tat_us), V_INT(s->promised_ms), V_INT(s->cell_ms),
                        V_INT(s->asked), V_INT(s->asked_before)),
                   NULL, why);
}

enum rc budget_db_demands(struct tx *tx, const struct budget_ask *a, int64_t *out, size_t *n,
                          struct fault *why)
{
    struct rows *r;
    enum rc rc = tx_query(tx, &demands,
                          ARGS(V_TEXT(a->key.client_key), V_TEXT(str_of(a->key.pool)), V_TEXT(a->endpoint),
                               V_INT(a->now_ms - 3 * DEMAND_MS)),
                          tx_mem(tx), &r, why);
    if (rc != RC_OK)
        return rc;
    size_t found = 0;
    while (rows_next(r) && found < DEMANDS_MAX) {
        const struct share s = {
            .cell_ms = row_int(r, 0), .asked = row_int(r, 1), .asked_before = row_int(r, 2)};
        int64_t demand = share_demand_milli(&s, a->now_ms);
        if (demand > 0)
            out[found++] = demand;
    }
    *n = found;
    return RC_OK;
}

enum rc budget_db_tidy(struct tx *tx, int64_t before_ms, struct fault *why)
{
    enum rc rc = tx_exec(tx, &tidy_buckets, ARGS(V_INT(before_ms)), NULL, why);
    return rc == RC_OK ? tx_exec(tx, &tidy_shares, ARGS(V_INT(before_ms)), NULL, why) : rc;
}

enum rc budget_db_states(struct tx *tx, str workspace, int64_t after_ms, struct arena *mem, struct rows **out,
                         struct fault *why)
{
    return tx_query(tx, &states, ARGS(V_TEXT(workspace), V_INT(after_ms)), mem, out, why);
}
