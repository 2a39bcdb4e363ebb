/* SQL of room keys. data_keys in the main store; person_keys and day_keys in the store that backups do not
 * copy. Rows of day_keys belong to no workspace (webhook bodies have none yet). A destroyed person's row
 * keeps no key bytes. */
#include "keys/keys_priv.h"

static const struct migration main_rows[] = {
    {
        .number = 2001,
        .name = "data keys",
        .text = "CREATE TABLE data_keys (\n"
                "  workspace_id @TEXT NOT NULL,\n"
                "  key_id @TEXT NOT NULL,\n"
                "  kek_id @TEXT NOT NULL,\n"
                "  wrapped @BYTES NOT NULL,\n"
                "  active @FLAG NOT NULL,\n"
                "  created_ms @INT64 NOT NULL,\n"
                "  PRIMARY KEY (workspace_id, key_id)\n"
                ") @TABLE;\n"
                "CREATE UNIQUE INDEX data_keys_active ON data_keys (workspace_id) WHERE active = 1;\n"
                "CREATE INDEX data_keys_kek ON data_keys (kek_id)",
    },
    {
        .number = 2002,
        .name = "rotation of data keys",
        .text = "ALTER TABLE data_keys ADD COLUMN stopped_ms @INT64 NOT NULL DEFAULT 0;\n"
                "ALTER TABLE data_keys ADD COLUMN retired_ms @INT64 NOT NULL DEFAULT 0;\n"
                "CREATE TABLE key_rotations (\n"
                "  workspace_id @TEXT NOT NULL PRIMARY KEY,\n"
                "  started_ms @INT64 NOT NULL,\n"
                "  col @INT64 NOT NULL,\n"
                "  after_id @TEXT NOT NULL,\n"
                "  found @INT64 NOT NULL,\n"
                "  resealed @INT64 NOT NULL,\n"
                "  unreadable @INT64 NOT NULL,\n"
                "  clean_ms @INT64 NOT NULL,\n"
                "  done_ms @INT64 NOT NULL\n"
                ") @TABLE",
    },
};
const struct migration_table keys_migrations = {.room = "keys", .rows = main_rows, .n = COUNT_OF(main_rows)};

static const struct migration person_rows[] = {
    {
        .number = 2051,
        .name = "person and day keys",
        .text = "CREATE TABLE person_keys (\n"
                "  workspace_id @TEXT NOT NULL,\n"
                "  person_id @TEXT NOT NULL,\n"
                "  key_id @TEXT NOT NULL,\n"
                "  kek_id @TEXT NOT NULL,\n"
                "  wrapped @BYTES,\n"
                "  created_ms @INT64 NOT NULL,\n"
                "  destroyed_ms @INT64,\n"
                "  PRIMARY KEY (workspace_id, person_id)\n"
                ") @TABLE;\n"
                "CREATE INDEX person_keys_kek ON person_keys (kek_id);\n"
                "CREATE TABLE day_keys (\n"
                "  -- exempt: webhook bodies have no workspace yet\n"
                "  day @INT64 NOT NULL PRIMARY KEY,\n"
                "  key_id @TEXT NOT NULL,\n"
                "  kek_id @TEXT NOT NULL,\n"
                "  wrapped @BYTES NOT NULL,\n"
                "  created_ms @INT64 NOT NULL\n"
                ") @TABLE",
    },
};
const struct migration_table keys_person_migrations = {
    .room = "keys.person", .rows = person_rows, .n = COUNT_OF(person_rows)};

/* ---- data_keys ---- */

static const struct sql data_active = {
    "keys.active",
    "SELECT key_id, kek_id, wrapped, retired_ms FROM data_keys WHERE workspace_id = $1 AND active = 1"};
static const struct sql data_find = {
    "keys.find",
    "SELECT key_id, kek_id, wrapped, retired_ms FROM data_keys WHERE workspace_id = $1 AND key_id = $2"};
static const struct sql data_insert = {
    "keys.insert", "INSERT INTO data_keys (workspace_id, key_id, kek_id, wrapped, active, created_ms) "
                   "VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING"};
static const struct sql data_stop = {
    "keys.stop", "UPDATE data_keys SET active = 0, stopped_ms = $2 WHERE workspace_id = $1 AND active = 1"};
static const struct sql data_delete = {"keys.delete", "DELETE FROM data_keys WHERE workspace_id = $1"};
static const struct sql data_ids = {"keys.ids", "SELECT key_id FROM data_keys WHERE workspace_id = $1"};

static enum rc one_row(struct tx *tx, const struct sql *q, const struct val *v, size_t n, struct arena *mem,
                       struct key_row *out, struct fault *why)
{
    struct rows *r;
    enum rc rc = tx_one(tx, q, v, n, mem, &r, why);
    if (rc != RC_OK)
        return rc;
    *out = (struct key_row){.workspace = v[0].s,
                            .id = row_text(r, 0),
                            .kek = row_text(r, 1),
                            .bytes = row_text(r, 2),
                            .retired_ms = row_int(r, 3)};
    return RC_OK;
}

enum rc keys_db_active(struct tx *tx, str workspace, struct arena *mem, struct key_row *out,
                       struct fault *why)
{
    return one_row(tx, &data_active, ARGS(V_TEXT(workspace)), mem, out, why);
}

enum rc keys_db_find(struct tx *tx, str workspace, str id, struct arena *mem, struct key_row *out,
                     struct fault *why)
{
    return one_row(tx, &data_find, ARGS(V_TEXT(workspace), V_TEXT(id)), mem, out, why);
}

enum rc keys_db_insert(struct tx *tx, const struct key_row *r, bool active, struct fault *why)
{
    return tx_exec(tx, &data_insert,
                   ARGS(V_TEXT(r->workspace), V_TEXT(r->id), V_TEXT(r->kek), V_BYTES(r->bytes),
                        V_FLAG(active), V_INT(tx_now_ms(tx))),
                   NULL, why);
}

enum rc keys_db_stop(struct tx *tx, str workspace, struct fault *why)
{
    return tx_exec(tx, &data_stop, ARGS(V_TEXT(workspace), V_INT(tx_now_ms(tx))), NULL, why);
}

enum rc keys_db_delete(struct tx *tx, str workspace, struct fault *why)
{
    return tx_exec(tx, &data_delete, ARGS(V_TEXT(workspace)), NULL, why);
}

enum rc keys_db_ids(struct tx *tx, str workspace, struct arena *mem, struct rows **out, struct fault *why)
{
    return tx_query(tx, &data_ids, ARGS(V_TEXT(workspace)), mem, out, why);
}

/* ---- person_keys ---- */

static const struct sql person_find = {"keys.person",
                                       "SELECT key_id, kek_id, wrapped, destroyed_ms FROM person_keys "
                                       "WHERE workspace_id = $1 AND person_id = $2"};
static const struct sql person_insert = {
    "keys.person_insert",
    "INSERT INTO person_keys (workspace_id, person_id, key_id, kek_id, wrapped, created_ms) "
    "VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING"};
static const struct sql person_destroy = {
    "keys.person_destroy",
    "INSERT INTO person_keys (workspace_id, person_id, key_id, kek_id, wrapped, created_ms, destroyed_ms) "
    "VALUES ($1, $2, '', '', NULL, $3, $3) ON CONFLICT (workspace_id, person_id) DO UPDATE "
    "SET wrapped = NULL, kek_id = '', destroyed_ms = coalesce(person_keys.destroyed_ms, "
    "excluded.destroyed_ms)"};

enum rc keys_db_person(struct tx *tx, str workspace, str person, struct arena *mem, struct key_row *out,
                       struct fault *why)
{
    struct rows *r;
    enum rc rc = tx_one(tx, &person_find, ARGS(V_TEXT(workspace), V_TEXT(person)), mem, &r, why);
    if (rc != RC_OK)
        return rc;
    *out = (struct key_row){.workspace = workspace,
                            .person = person,
                            .id = row_text(r, 0),
                            .kek = row_text(r, 1),
                            .bytes = row_text(r, 2),
                            .destroyed_ms = row_int(r, 3)};
    return RC_OK;
}

enum rc keys_db_person_insert(struct tx *tx, const struct key_row *r, struct fault *why)
{
    return tx_exec(tx, &person_insert,
                   ARGS(V_TEXT(r->workspace), V_TEXT(r->person), V_TEXT(r->id), V_TEXT(r->kek),
                        V_BYTES(r->bytes), V_INT(tx_now_ms(tx))),
                   NULL, why);
}

enum rc keys_db_person_destroy(struct tx *tx, str workspace, str person, struct fault *why)
{
    return tx_exec(tx, &person_destroy, ARGS(V_TEXT(workspace), V_TEXT(person), V_INT(tx_now_ms(tx))), NULL,
                   why);
}

/* ---- day_keys ---- */

static const struct sql days = {"keys.days",
                                "SELECT day, key_id, kek_id, wrapped FROM day_keys WHERE day >= $1 "
                                "ORDER BY day LIMIT 128"};
static const struct sql day_insert = {
    "keys.day_insert",
    "INSERT INTO day_keys (day, key_id, kek_id, wrapped, created_ms) VALUES ($1, $2, $3, $4, $5) "
    "ON CONFLICT DO NOTHING"};
static const struct sql days_delete = {"keys.days_delete", "DELETE FROM day_keys WHERE day < $1"};

enum rc keys_db_days(struct tx *tx, int64_t from, struct arena *mem, struct key_row **out, size_t *n,
                     struct fault *why)
{
    struct rows *r;
    enum rc rc = tx_query(tx, &days, ARGS(V_INT(from)), mem, &r, why);
    if (rc != RC_OK)
        return rc;
    struct key_row *list = arena_array(mem, struct key_row, rows_count(r) + 1);
    if (list == NULL)
        return fault_set(why, RC_FULL, "keys.full", "no room for the day keys");
    for (size_t i = 0; rows_next(r); i++)
        list[i] = (struct key_row){
            .day = row_int(r, 0), .id = row_text(r, 1), .kek = row_text(r, 2), .bytes = row_text(r, 3)};
    *out = list;
    *n = rows_count(r);
    return RC_OK;
}

enum rc keys_db_day_insert(struct tx *tx, const struct key_row *r, struct fault *why)
{
    return tx_exec(
        tx, &day_insert,
        ARGS(V_INT(r->day), V_TEXT(r->id), V_TEXT(r->kek), V_BYTES(r->bytes), V_INT(tx_now_ms(tx))), NULL,
        why);
}

enum rc keys_db_days_delete(struct tx *tx, int64_t before, int64_t *gone, struct fault *why)
{
    return tx_exec(tx, &days_delete, ARGS(V_INT(before)), gone, why);
}

/* ---- another KEK's rows: over all workspaces by its nature (re-wrapping is an act of the installation)
 * ---- */

static const struct sql foreign[] = {
    [TABLE_DATA] = {"keys.foreign_data", "SELECT workspace_id, '', key_id, kek_id, wrapped, 0 FROM data_keys "
                                         "WHERE kek_id <> $1 ORDER BY workspace_id, key_id LIMIT 200"},
    [TABLE_PERSON] =
        {"keys.foreign_person",
         "SELECT workspace_id, person_id, key_id, kek_id, wrapped, 0 FROM person_keys "
         "WHERE kek_id <> $1 AND wrapped IS NOT NULL ORDER BY workspace_id, person_id LIMIT 200"},
    [TABLE_DAY] = {"keys.foreign_day", "SELECT '', '', key_id, kek_id, wrapped, day FROM day_keys "
                                       "WHERE kek_id <> $1 ORDER BY day LIMIT 200"},
};
static const struct sql rewrap_data = {"keys.rewrap_data",
                                       "UPDATE data_keys SET wrapped = $1, kek_id = $2 "
                                       "WHERE workspace_id = $3 AND key_id = $4 AND kek_id = $5"};
static const struct sql rewrap_person = {
    "keys.rewrap_person", "UPDATE person_keys SET wrapped = $1, kek_id = $2 WHERE workspace_id = $3 "
                          "AND person_id = $4 AND kek_id = $5 AND wrapped IS NOT NULL"};
static const struct sql rewrap_day = {"keys.rewrap_day", "UPDATE day_keys SET wrapped = $1, kek_id = $2 "
                                                         "WHERE day = $3 AND kek_id = $4"};
static const struct sql counts[] = {
    [TABLE_DATA] =
        {"keys.count_data",
         "SELECT count(*), coalesce(sum(CASE WHEN kek_id <> $1 THEN 1 ELSE 0 END), 0) FROM data_keys"},
    [TABLE_PERSON] = {"keys.count_person",
                      "SELECT count(*), coalesce(sum(CASE WHEN kek_id <> $1 THEN 1 ELSE 0 END), 0)"
                      " FROM person_keys WHERE wrapped IS NOT NULL"},
    [TABLE_DAY] =
        {"keys.count_day",
         "SELECT count(*), coalesce(sum(CASE WHEN kek_id <> $1 THEN 1 ELSE 0 END), 0) FROM day_keys"},
};

enum rc keys_db_foreign(struct tx *tx, enum key_table t, str kek, struct arena *mem, struct key_row **out,
                        size_t *n, struct fault *why)
{
    struct rows *r;
    enum rc rc = tx_query(tx, &foreign[t], ARGS(V_TEXT(kek)), mem, &r, why);
    if (rc != RC_OK)
        return rc;
    struct key_row *list = arena_array(mem, struct key_row, rows_count(r) + 1);
    if (list == NULL)
        return fault_set(why, RC_FULL, "keys.full", "no room for a batch of keys");
    for (size_t i = 0; rows_next(r); i++)
        list[i] = (struct key_row){.workspace = row_text(r, 0),
                                   .person = row_text(r, 1),
                                   .id = row_text(r, 2),
                                   .kek = row_text(r, 3),
                                   .bytes = row_text(r, 4),
                                   .day = row_int(r, 5)};
    *out = list;
    *n = rows_count(r);
    return RC_OK;
}

enum rc keys_db_rewrap(struct tx *tx, enum key_table t, const struct key_row *r, str old_kek,
                       struct fault *why)
{
    if (t == TABLE_DAY)
        return tx_exec(tx, &rewrap_day,
                       ARGS(V_BYTES(r->bytes), V_TEXT(r->kek), V_INT(r->day), V_TEXT(old_kek)), NULL, why);
    return tx_exec(tx, t == TABLE_DATA ? &rewrap_data : &rewrap_person,
                   ARGS(V_BYTES(r->bytes), V_TEXT(r->kek), V_TEXT(r->workspace),
                        V_TEXT(t == TABLE_DATA ? r->id : r->person), V_TEXT(old_kek)),
                   NULL, why);
}

enum rc keys_db_count(struct tx *tx, enum key_table t, str kek, int64_t *all, int64_t *other,
                      struct fault *why)
{
    struct rows *r;
    enum rc rc = tx_one(tx, &counts[t], ARGS(V_TEXT(kek)), tx_mem(tx), &r, why);
    if (rc != RC_OK)
        return rc;
    *all = row_int(r, 0);
    *other = row_int(r, 1);
    return RC_OK;
}
