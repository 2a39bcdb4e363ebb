/* All SQL of room store: control statements, its two tables (schema_migrations, store_counters), locks and
 * stamps.
 *
 * A stamp is an UPSERT on the feed's counter row: it holds that row until the transaction ends, so the next
 * writer gets its number after this one has committed, and number order is commit order. */
#include "store/db_priv.h"

const struct sql db_begin_immediate = {"begin", "BEGIN IMMEDIATE"};
const struct sql db_begin_deferred = {"begin", "BEGIN"};
const struct sql db_begin = {"begin", "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"};
const struct sql db_begin_snapshot = {
    "begin", "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = 5000"};
const struct sql db_commit = {"commit", "COMMIT"};
const struct sql db_rollback = {"rollback", "ROLLBACK"};
const struct sql db_savepoint = {"savepoint", "SAVEPOINT c"};
const struct sql db_release = {"release", "RELEASE c"};
const struct sql db_rollback_to = {"rollback_to", "ROLLBACK TO c"};
const struct sql db_pg_clock = {"clock", "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint"};
const struct sql db_pg_migration_lock = {"migration_lock", "SELECT pg_advisory_xact_lock(7305808869231650)"};
const char *const db_pg_patient = "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '60s'";

/* The writer checkpoints by itself between groups, so that no caller waits for it. */
const char *const db_sqlite_writer_setup = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                                           "PRAGMA wal_autocheckpoint = 0; PRAGMA foreign_keys = ON;"
                                           "PRAGMA trusted_schema = OFF; PRAGMA secure_delete = ON;"
                                           "PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0;"
                                           "PRAGMA cache_size = -8192; PRAGMA journal_size_limit = 67108864;";
const char *const db_sqlite_reader_setup = "PRAGMA query_only = ON; PRAGMA wal_autocheckpoint = 0;"
                                           "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;"
                                           "PRAGMA mmap_size = 0; PRAGMA cache_size = -2048;";
const char *const db_sqlite_mode = "PRAGMA journal_mode";
const char *const db_pg_setup =
    "SET statement_timeout = '10s'; SET lock_timeout = '3s';"
    "SET idle_in_transaction_session_timeout = '20s'; SET synchronous_commit = on;"
    "SET default_transaction_isolation = 'read committed'; SET client_encoding = 'UTF8';"
    "SET timezone = 'UTC'; SET client_min_messages = warning; SET jit = off; SET plan_cache_mode = "
    "force_custom_plan;"
    "SET standard_conforming_strings = on";
const char *const db_serial_create = "CREATE SEQUENCE IF NOT EXISTS store_plant_serial";

static const struct migration own_rows[] = {
    {
        .number = 1,
        .name = "counters of feeds",
        .text = "CREATE TABLE store_counters (\n"
                "  workspace_id @TEXT NOT NULL,\n"
                "  feed @TEXT NOT NULL,\n"
                "  n @INT64 NOT NULL,\n"
                "  PRIMARY KEY (workspace_id, feed)\n"
                ") @TABLE",
        .oldest_binary = 0,
    },
};
const struct migration_table db_own_migrations = {.room = "store", .rows = own_rows, .n = COUNT_OF(own_rows)};

const char *const db_migrations_table = "CREATE TABLE IF NOT EXISTS schema_migrations (\n"
                                        "  number @INT64 NOT NULL PRIMARY KEY,\n"
                                        "  room @TEXT NOT NULL,\n"
                                        "  name @TEXT NOT NULL,\n"
                                        "  text_hash @INT64 NOT NULL,\n"
                                        "  oldest_binary @INT64 NOT NULL,\n"
                                        "  applied_ms @INT64 NOT NULL\n"
                                        ") @TABLE";
static const struct sql migrations_load = {
    "store.migrations",
    "SELECT number, room, name, text_hash, oldest_binary FROM schema_migrations ORDER BY number"};
static const struct sql migration_insert = {
    "store.migration_save",
    "INSERT INTO schema_migrations (number, room, name, text_hash, oldest_binary, applied_ms)"
    " VALUES ($1, $2, $3, $4, $5, $6)"};

enum rc db_migrations_load(struct tx *tx, struct arena *mem, struct applied **out, size_t *n,
                           struct fault *why)
{
    struct rows *r;
    enum rc rc = tx_query(tx, &migrations_load, NO_ARGS, mem, &r, why);
    if (rc != RC_OK)
        return rc;
    struct applied *a = arena_array(mem, struct applied, rows_count(r));
    if (a == NULL)
        return fault_set(why, RC_FULL, "store.memory", "list of migrations");
    for (size_t i = 0; rows_next(r); i++) {
        a[i] = (struct applied){.number = row_int(r, 0),
                                .room = row_text(r, 1),
                                .name = row_text(r, 2),
                                .text_hash = row_int(r, 3),
                                .oldest_binary = row_int(r, 4)};
    }
    *out = a;
    *n = rows_count(r);
    return RC_OK;
}

enum rc db_migration_save(struct tx *tx, const struct applied *a, struct fault *why)
{
    return tx_exec(tx, &migration_insert,
                   ARGS(V_INT(a->number), V_TEXT(a->room), V_TEXT(a->name), V_INT(a->text_hash),
                        V_INT(a->oldest_binary), V_INT(tx_now_ms(tx))),
                   NULL, why);
}

/* ---- locks ---- */

static const struct sql lock_take = {"store.lock", "SELECT pg_advisory_xact_lock($1)"};

/* FNV-1a, 64 bits, then mixed: two aggregates that meet in one number only wait for each other. */
static uint64_t lock_mix(uint64_t h, str s)
{
    for (size_t i = 0; i < s.n; i++)
        h = (h ^ (unsigned char)s.p[i]) * 1099511628211U;
    h = (h ^ 0x1fU) * 1099511628211U; /* a separator, so that ("a","bc") differs from ("ab","c") */
    return h ^ (h >> 29);
}

/* Locks come in ascending (kind, id) and before stamps; another order can end in a deadlock on PostgreSQL, so
 * both databases refuse it the first time it is written. */
static enum rc lock_order(struct tx *tx, const char *kind, str id, struct fault *why)
{
    size_t len = strlen(kind);
    must(len < sizeof(tx->lock_kind));
    if (tx->stamped)
        return fault_set(why, RC_BUG, "store.lock_order", "lock %s after a stamp", kind);
    int order = strcmp(tx->lock_kind, kind);
    if (order == 0 && tx->lock_id.p != NULL) {
        size_t n = tx->lock_id.n < id.n ? tx->lock_id.n : id.n;
        order = n == 0 ? 0 : memcmp(tx->lock_id.p, id.p, n);
        if (order == 0)
            order = tx->lock_id.n > id.n ? 1 : 0;
    }
    if (order > 0)
        return fault_set(why, RC_BUG, "store.lock_order", "lock %s after %s", kind, tx->lock_kind);
    str copy = arena_str(tx->mem, id);
    if (copy.p == NULL)
        return fault_set(why, RC_FULL, "store.memory", "lock %s", kind);
    memcpy(tx->lock_kind, kind, len + 1);
    tx->lock_id = copy;
    return RC_OK;
}

enum rc store_lock(struct tx *tx, str workspace, const char *kind, str id, struct fault *why)
{
    enum rc rc = lock_order(tx, kind, id, why);
    if (rc != RC_OK || !tx_is_postgres(tx) || planted("store.no_lock"))
        return rc;
    uint64_t h = lock_mix(lock_mix(lock_mix(14695981039346656037U, workspace), str_of(kind)), id);
    struct rows *r;
    return tx_query(tx, &lock_take, ARGS(V_INT(h)), tx->mem, &r, why);
}

/* ---- stamps ---- */

static const struct sql stamp_next = {
    "store.stamp", "INSERT INTO store_counters (workspace_id, feed, n) VALUES ($1, $2, 1)"
                   " ON CONFLICT (workspace_id, feed) DO UPDATE SET n = store_counters.n + 1 RETURNING n"};
#ifdef MZ_PLANT
static const struct sql stamp_serial = {"store.stamp", "SELECT nextval('store_plant_serial')"};
#endif

enum rc store_stamp(struct tx *tx, str workspace, const char *feed, int64_t *out, struct fault *why)
{
    struct rows *r;
    enum rc rc;
    tx->stamped = true;
#ifdef MZ_PLANT
    if (planted("store.serial_cursor") && tx_is_postgres(tx)) {
        rc = tx_one(tx, &stamp_serial, NO_ARGS, tx->mem, &r, why);
        if (rc == RC_OK)
            *out = row_int(r, 0);
        return rc;
    }
#endif
    rc = tx_one(tx, &stamp_next, ARGS(V_TEXT(workspace), V_TEXT(str_of(feed))), tx->mem, &r, why);
    if (rc == RC_OK)
        *out = row_int(r, 0);
    return rc;
}
