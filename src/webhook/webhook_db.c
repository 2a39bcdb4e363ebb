/* The inbox's statements. The primary key begins with the app and TikTok's own time in ms, so that the unique
 * index grows at its end (with seconds alone a burst hits one index page per row: half of a commit's bytes);
 * the partial index holds only what waits. Bodies are sealed before they come here.
 */
#include "webhook/webhook_priv.h"

static const struct migration migrations[] = {
    {.number = 3001,
     .name = "webhook_inbox",
     .text = "-- exempt: the owner is unknown until the row is routed; workspace is filled in then\n"
             "CREATE TABLE webhook_inbox (\n"
             "  app @TEXT NOT NULL,\n"
             "  event_ms @INT64 NOT NULL,\n"
             "  hash @BYTES NOT NULL,\n"
             "  arrived_ms @INT64 NOT NULL,\n"
             "  signed_s @INT64 NOT NULL,\n"
             "  stale @FLAG NOT NULL,\n"
             "  state @INT64 NOT NULL,\n"
             "  routed_ms @INT64,\n"
             "  workspace @TEXT,\n"
             "  event @TEXT,\n"
             "  body @BYTES NOT NULL,\n"
             "  PRIMARY KEY (app, event_ms, hash)\n"
             ") @TABLE;\n"
             "CREATE INDEX webhook_inbox_waiting ON webhook_inbox (app, arrived_ms) WHERE state = 0;\n"
             "-- exempt: one row per app of the installation\n"
             "CREATE TABLE webhook_seen (\n"
             "  app @TEXT NOT NULL PRIMARY KEY,\n"
             "  verified_ms @INT64 NOT NULL,\n"
             "  test_ms @INT64 NOT NULL\n"
             ") @TABLE"},
    {.number = 3002,
     .name = "webhook_seen_events",
     .text = "-- exempt: a row per app of the installation and event name\n"
             "CREATE TABLE webhook_seen_events (\n"
             "  app @TEXT NOT NULL,\n"
             "  event @TEXT NOT NULL,\n"
             "  at_ms @INT64 NOT NULL,\n"
             "  PRIMARY KEY (app, event)\n"
             ") @TABLE"},
};
const struct migration_table webhook_migrations = {"webhook", migrations, COUNT_OF(migrations)};

static const enum val_type append_types[] = {VT_TEXT, VT_INT, VT_BYTES, VT_INT,
                                             VT_INT,  VT_INT, VT_INT,   VT_BYTES};
const struct append_sql inbox_append = {
    .insert = {"webhook.append",
               "INSERT INTO webhook_inbox (app, event_ms, hash, arrived_ms, signed_s, stale, state, body)"
               " VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING"},
    .pg_copy = "COPY webhook_inbox (app, event_ms, hash, arrived_ms, signed_s, stale, state, body)"
               " FROM STDIN (FORMAT binary)",
    .pg_flags = 1u << 5, /* stale */
    .pg_unnest = "INSERT INTO webhook_inbox (app, event_ms, hash, arrived_ms, signed_s, stale, state, body)"
                 " SELECT * FROM unnest($1::text[], $2::bigint[], $3::bytea[], $4::bigint[], $5::bigint[],"
                 " $6::smallint[], $7::bigint[], $8::bytea[]) ON CONFLICT DO NOTHING RETURNING hash",
    .types = append_types,
    .n = COUNT_OF(append_types),
    .key_col = 2,
    .around = inbox_around,
};

static const struct sql SQL_WAITING = {
    "webhook.waiting",
    "SELECT event_ms, hash, arrived_ms, body FROM webhook_inbox WHERE app = $1 AND state = 0"
    " ORDER BY arrived_ms LIMIT $2"};
/* A burst comes before autovacuum has looked: PostgreSQL then believes that a handful waits, and each batch
 * read and sorted the whole backlog (76 ms at 135,000 rows). Without sorting only the index in order is left.
 * */
static const struct sql SQL_IN_ORDER[2] = {
    [ON_SQLITE] = {"webhook.in_order", ""},
    [ON_POSTGRES] = {"webhook.in_order",
                     "SELECT set_config('enable_sort', 'off', true), set_config('enable_bitmapscan', 'off', "
                     "true), set_config('enable_seqscan', 'off', true)"},
};
static const struct sql SQL_MARK = {
    "webhook.mark", "UPDATE webhook_inbox SET state = $4, routed_ms = $5, workspace = $6, event = $7"
                    " WHERE app = $1 AND event_ms = $2 AND hash = $3 AND state = 0"};
static const struct sql SQL_LOAD = {
    "webhook.load",
    "SELECT body, arrived_ms, routed_ms, state, workspace, event, stale, signed_s FROM webhook_inbox"
    " WHERE app = $1 AND event_ms = $2 AND hash = $3"};
static const struct sql SQL_OLD = {
    "webhook.old",
    "SELECT app, event_ms, hash FROM webhook_inbox WHERE arrived_ms < $1 AND state <> 0 LIMIT 200"};
static const struct sql SQL_DELETE = {
    "webhook.delete", "DELETE FROM webhook_inbox WHERE app = $1 AND event_ms = $2 AND hash = $3"};
static const struct sql SQL_SEEN = {
    "webhook.seen",
    "INSERT INTO webhook_seen (app, verified_ms, test_ms) VALUES ($1, $2, $3)"
    " ON CONFLICT (app) DO UPDATE SET"
    " verified_ms = CASE WHEN excluded.verified_ms > webhook_seen.verified_ms THEN excluded.verified_ms"
    " ELSE webhook_seen.verified_ms END,"
    " test_ms = CASE WHEN excluded.test_ms > webhook_seen.test_ms THEN excluded.test_ms"
    " ELSE webhook_seen.test_ms END"};
static const struct sql SQL_SEEN_FIND = {"webhook.seen_find",
                                         "SELECT verified_ms, test_ms FROM webhook_seen WHERE app = $1"};

static const struct sql SQL_SEEN_EVENT = {
    "webhook.seen_event", "INSERT INTO webhook_seen_events (app, event, at_ms) VALUES ($1, $2, $3)"
                          " ON CONFLICT (app, event) DO UPDATE SET at_ms = excluded.at_ms"
                          " WHERE excluded.at_ms > webhook_seen_events.at_ms"};
static const struct sql SQL_SEEN_EVENTS = {"webhook.seen_events",
                                           "SELECT event, at_ms FROM webhook_seen_events WHERE app = $1"};

static struct val hash_of(const struct inbox_key *k)
{
    return V_BYTES(((str){(const char *)k->hash, HASH_BYTES}));
}

enum rc webhook_db_inbox_waiting(struct tx *tx, str app, struct arena *mem, struct inbox_row **out, size_t *n,
                                 struct fault *why)
{
    struct rows *r;
    enum rc rc = tx_query(tx, tx_own(tx, SQL_IN_ORDER), NO_ARGS, mem, &r, why);
    if (rc == RC_OK)
        rc = tx_query(tx, &SQL_WAITING, ARGS(V_TEXT(app), V_INT(BATCH)), mem, &r, why);
    if (rc != RC_OK)
        return rc;
    struct inbox_row *rows = arena_array(mem, struct inbox_row, rows_count(r) + 1);
    if (rows == NULL)
        return fault_set(why, RC_FULL, "webhook.memory", "a batch of waiting rows");
    size_t count = 0;
    while (rows_next(r)) {
        str hash = row_text(r, 1);
        if (hash.n != HASH_BYTES)
            return fault_set(why, RC_BUG, "webhook.hash", "a stored hash has %zu bytes", hash.n);
        struct inbox_row *row = &rows[count++];
        *row = (struct inbox_row){.key = {.app = app, .event_ms = row_int(r, 0)},
                                  .arrived_ms = row_int(r, 2),
                                  .sealed = row_text(r, 3)};
        memcpy(row->key.hash, hash.p, HASH_BYTES);
    }
    *out = rows;
    *n = count;
    return RC_OK;
}

enum rc webhook_db_inbox_mark(struct tx *tx, const struct inbox_key *k, enum inbox_state state, str workspace,
                              const char *event, bool *mine, struct fault *why)
{
    int64_t changed = 0;
    enum rc rc = tx_exec(tx, &SQL_MARK,
                         ARGS(V_TEXT(k->app), V_INT(k->event_ms), hash_of(k), V_INT(state),
                              V_INT(tx_now_ms(tx)), V_TEXT(workspace), V_TEXT(str_of(event))),
                         &changed, why);
    *mine = changed == 1;
    return rc;
}

enum rc webhook_db_inbox_load(struct tx *tx, const struct inbox_key *k, struct arena *mem, struct rows **out,
                              struct fault *why)
{
    return tx_one(tx, &SQL_LOAD, ARGS(V_TEXT(k->app), V_INT(k->event_ms), hash_of(k)), mem, out, why);
}

enum rc webhook_db_inbox_retain(struct tx *tx, int64_t before_ms, int64_t *deleted, struct fault *why)
{
    struct rows *r;
    enum rc rc = tx_query(tx, &SQL_OLD, ARGS(V_INT(before_ms)), tx_mem(tx), &r, why);
    *deleted = 0;
    while (rc == RC_OK && rows_next(r)) {
        rc = tx_exec(tx, &SQL_DELETE,
                     ARGS(V_TEXT(row_text(r, 0)), V_INT(row_int(r, 1)), V_BYTES(row_text(r, 2))), NULL, why);
        *deleted += 1;
    }
    return rc;
}

enum rc webhook_db_seen_save(struct tx *tx, str app, int64_t verified_ms, int64_t test_ms, struct fault *why)
{
    return tx_exec(tx, &SQL_SEEN, ARGS(V_TEXT(app), V_INT(verified_ms), V_INT(test_ms)), NULL, why);
}

enum rc webhook_db_event_seen_save(struct tx *tx, str app, const char *event, int64_t at_ms,
                                   struct fault *why)
{
    return tx_exec(tx, &SQL_SEEN_EVENT, ARGS(V_TEXT(app), V_TEXT(str_of(event)), V_INT(at_ms)), NULL, why);
}

enum rc webhook_lasts(struct tx *tx, str app, struct arena *mem, struct webhook_last **out, size_t *n,
                      struct fault *why)
{
    struct rows *r;
    enum rc rc = tx_query(tx, &SQL_SEEN_EVENTS, ARGS(V_TEXT(app)), mem, &r, why);
    if (rc != RC_OK)
        return rc;
    struct webhook_last *list = arena_array(mem, struct webhook_last, rows_count(r) + 1);
    if (list == NULL)
        return fault_set(why, RC_FULL, "webhook.memory", "last events of an app");
    size_t count = 0;
    while (rows_next(r))
        list[count++] = (struct webhook_last){row_text(r, 0), row_int(r, 1)};
    *out = list;
    *n = count;
    return RC_OK;
}

enum rc webhook_arrived(struct tx *tx, str app, str body, bool *found, struct fault *why)
{
    struct inbox_key key = {.app = app, .event_ms = envelope_event_ms(body)};
    struct rows *r;
    body_hash(body, key.hash);
    enum rc rc = webhook_db_inbox_load(tx, &key, tx_mem(tx), &r, why);
    if (rc == RC_OK || rc == RC_MISSING)
        *found = rc == RC_OK;
    return rc == RC_MISSING ? RC_OK : rc;
}

enum rc webhook_db_seen_find(struct tx *tx, str app, struct arena *mem, struct rows **out, struct fault *why)
{
    return tx_one(tx, &SQL_SEEN_FIND, ARGS(V_TEXT(app)), mem, out, why);
}
