/* SQL of room flags. flag_states holds only what differs from the rows' defaults; flag_version is one row
 * that every change moves, so that a node sees by one cheap read whether it must load again. Loading reads
 * all workspaces: the states are the installation's picture in memory, never shown across workspaces. */
#include "flags/flags_priv.h"

static const struct migration rows[] = {
    {
        .number = 2301,
        .name = "flag states",
        .text = "CREATE TABLE flag_states (\n"
                "  workspace_id @TEXT NOT NULL,\n"
                "  name @TEXT NOT NULL,\n"
                "  state @FLAG NOT NULL,\n"
                "  reason @TEXT NOT NULL,\n"
                "  changed_by @TEXT NOT NULL,\n"
                "  changed_ms @INT64 NOT NULL,\n"
                "  PRIMARY KEY (workspace_id, name)\n"
                ") @TABLE;\n"
                "CREATE TABLE flag_version (\n"
                "  -- exempt: one row of the installation\n"
                "  one @INT64 NOT NULL PRIMARY KEY,\n"
                "  n @INT64 NOT NULL\n"
                ") @TABLE;\n"
                "INSERT INTO flag_version (one, n) VALUES (1, 0)",
    },
};
const struct migration_table flags_migrations = {.room = "flags", .rows = rows, .n = COUNT_OF(rows)};

#define STATE "workspace_id, name, state, reason, changed_by, changed_ms"
static const struct sql version = {"flags.version", "SELECT n FROM flag_version WHERE one = 1"};
static const struct sql bump = {"flags.bump", "UPDATE flag_version SET n = n + 1 WHERE one = 1"};
static const struct sql page = {"flags.page",
                                "SELECT " STATE " FROM flag_states WHERE (workspace_id, name) > ($1, $2) "
                                "ORDER BY workspace_id, name LIMIT 1000"};
static const struct sql of = {"flags.of",
                              "SELECT " STATE " FROM flag_states WHERE workspace_id = $1 ORDER BY name "
                              "LIMIT 200"};
static const struct sql save = {"flags.save",
                                "INSERT INTO flag_states (" STATE ") VALUES ($1, $2, $3, $4, $5, $6) "
                                "ON CONFLICT (workspace_id, name) DO UPDATE SET state = excluded.state, "
                                "reason = excluded.reason, changed_by = excluded.changed_by, "
                                "changed_ms = excluded.changed_ms"};
static const struct sql delete_one = {"flags.delete",
                                      "DELETE FROM flag_states WHERE workspace_id = $1 AND name = $2"};

enum rc flags_db_version(struct tx *tx, int64_t *out, struct fault *why)
{
    struct rows *r;
    enum rc rc = tx_one(tx, &version, NO_ARGS, tx_mem(tx), &r, why);
    if (rc == RC_OK)
        *out = row_int(r, 0);
    return rc;
}

enum rc flags_db_bump(struct tx *tx, struct fault *why)
{
    return tx_exec(tx, &bump, NO_ARGS, NULL, why);
}

static enum rc list(struct rows *r, struct arena *mem, struct state_row **out, size_t *n, struct fault *why)
{
    struct state_row *s = arena_array(mem, struct state_row, rows_count(r) + 1);
    if (s == NULL)
        return fault_set(why, RC_FULL, "flags.full", "no room for flag states");
    for (size_t i = 0; rows_next(r); i++)
        s[i] = (struct state_row){.workspace = row_text(r, 0),
                                  .name = row_text(r, 1),
                                  .on = row_int(r, 2) != 0,
                                  .reason = row_text(r, 3),
                                  .by = row_text(r, 4),
                                  .at_ms = row_int(r, 5)};
    *out = s;
    *n = rows_count(r);
    return RC_OK;
}

enum rc flags_db_page(struct tx *tx, str after_workspace, str after_name, struct arena *mem,
                      struct state_row **out, size_t *n, struct fault *why)
{
    struct rows *r;
    enum rc rc = tx_query(tx, &page, ARGS(V_TEXT(after_workspace), V_TEXT(after_name)), mem, &r, why);
    return rc != RC_OK ? rc : list(r, mem, out, n, why);
}

enum rc flags_db_of(struct tx *tx, str workspace, struct arena *mem, struct state_row **out, size_t *n,
                    struct fault *why)
{
    struct rows *r;
    enum rc rc = tx_query(tx, &of, ARGS(V_TEXT(workspace)), mem, &r, why);
    return rc != RC_OK ? rc : list(r, mem, out, n, why);
}

enum rc flags_db_save(struct tx *tx, const struct state_row *s, struct fault *why)
{
    return tx_exec(tx, &save,
                   ARGS(V_TEXT(s->workspace), V_TEXT(s->name), V_FLAG(s->on), V_TEXT(s->reason),
                        V_TEXT(s->by), V_INT(tx_now_ms(tx))),
                   NULL, why);
}

enum rc flags_db_delete(struct tx *tx, str workspace, str name, struct fault *why)
{
    return tx_exec(tx, &delete_one, ARGS(V_TEXT(workspace), V_TEXT(name)), NULL, why);
}
