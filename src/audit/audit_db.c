/* SQL of room audit: one table that only grows. The triggers are the second fence behind having no such
 * statement. */
#include "audit/audit_priv.h"

static const struct migration rows[] = {
    {
        .number = 2101,
        .name = "audit entries",
        .text = "CREATE TABLE audit_entries (\n"
                "  workspace_id @TEXT NOT NULL,\n"
                "  n @INT64 NOT NULL,\n"
                "  at_ms @INT64 NOT NULL,\n"
                "  actor @TEXT NOT NULL,\n"
                "  action @TEXT NOT NULL,\n"
                "  object @TEXT NOT NULL,\n"
                "  detail @TEXT NOT NULL,\n"
                "  address @TEXT NOT NULL, -- personal\n"
                "  request_id @TEXT NOT NULL,\n"
                "  prev @BYTES NOT NULL,\n"
                "  hash @BYTES NOT NULL,\n"
                "  PRIMARY KEY (workspace_id, n)\n"
                ") @TABLE;\n"
                "CREATE INDEX audit_by_object ON audit_entries (workspace_id, object, n);\n"
                "@SQLITE CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit_entries "
                "BEGIN SELECT RAISE(ABORT, 'audit_entries only grows'); END;\n"
                "@SQLITE CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit_entries "
                "BEGIN SELECT RAISE(ABORT, 'audit_entries only grows'); END;\n"
                "@POSTGRES CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS "
                "$$ BEGIN RAISE EXCEPTION 'audit_entries only grows'; END $$;\n"
                "@POSTGRES CREATE TRIGGER audit_only_grows BEFORE UPDATE OR DELETE ON audit_entries "
                "FOR EACH ROW EXECUTE FUNCTION audit_refuse();\n"
                "@POSTGRES CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON audit_entries "
                "FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()",
        .oldest_binary = 0,
    },
};
const struct migration_table audit_migrations = {.room = "audit", .rows = rows, .n = COUNT_OF(rows)};

static const struct sql insert = {
    "audit.insert",
    "INSERT INTO audit_entries (workspace_id, n, at_ms, actor, action, object, detail, address, "
    "request_id, prev, hash) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"};
static const struct sql last = {
    "audit.last", "SELECT n, hash FROM audit_entries WHERE workspace_id = $1 ORDER BY n DESC LIMIT 1"};
static const struct sql page = {
    "audit.page", "SELECT n, at_ms, actor, action, object, detail, address, request_id, prev, hash "
                  "FROM audit_entries WHERE workspace_id = $1 AND n > $2 ORDER BY n LIMIT $3"};
static const struct sql newest = {
    "audit.newest", "SELECT n, at_ms, actor, action, object, detail, address, request_id, prev, hash "
                    "FROM audit_entries WHERE workspace_id = $1 AND n < $2 ORDER BY n DESC LIMIT $3"};
static const struct sql of_object = {
    "audit.of_object", "SELECT n, at_ms, actor, action, object, detail, address, request_id, prev, hash "
                       "FROM audit_entries WHERE workspace_id = $1 AND n < $2 AND object = $4 "
                       "ORDER BY n DESC LIMIT $3"};

static str text_or_empty(str s)
{
    return s.p == NULL ? STR("") : s;
}

enum rc audit_db_insert(struct tx *tx, str workspace, const struct audit_link *l, struct fault *why)
{
    return tx_exec(tx, &insert,
                   ARGS(V_TEXT(workspace), V_INT(l->n), V_INT(l->at_ms), V_TEXT(text_or_empty(l->actor)),
                        V_TEXT(text_or_empty(l->action)), V_TEXT(text_or_empty(l->object)),
                        V_TEXT(text_or_empty(l->detail)), V_TEXT(text_or_empty(l->address)),
                        V_TEXT(text_or_empty(l->request)), V_BYTES(l->prev), V_BYTES(l->hash)),
                   NULL, why);
}

enum rc audit_db_last(struct tx *tx, str workspace, struct arena *mem, int64_t *n, str *hash,
                      struct fault *why)
{
    struct rows *r;
    enum rc rc = tx_one(tx, &last, ARGS(V_TEXT(workspace)), mem, &r, why);
    if (rc != RC_OK)
        return rc;
    *n = row_int(r, 0);
    *hash = row_text(r, 1);
    return RC_OK;
}

static enum rc links(struct rows *r, struct arena *mem, struct audit_link **out, size_t *n, struct fault *why)
{
    size_t count = rows_count(r);
    struct audit_link *l = arena_array(mem, struct audit_link, count + 1);
    if (l == NULL)
        return fault_set(why, RC_FULL, "audit.full", "no room for %zu entries", count);
    for (size_t i = 0; rows_next(r); i++)
        l[i] = (struct audit_link){
            .n = row_int(r, 0),
            .at_ms = row_int(r, 1),
            .actor = row_text(r, 2),
            .action = row_text(r, 3),
            .object = row_text(r, 4),
            .detail = row_text(r, 5),
            .address = row_text(r, 6),
            .request = row_text(r, 7),
            .prev = row_text(r, 8),
            .hash = row_text(r, 9),
        };
    *out = l;
    *n = count;
    return RC_OK;
}

enum rc audit_db_page(struct tx *tx, str workspace, int64_t after, struct arena *mem, struct audit_link **out,
                      size_t *n, struct fault *why)
{
    struct rows *r;
    enum rc rc = tx_query(tx, &page, ARGS(V_TEXT(workspace), V_INT(after), V_INT(AUDIT_PAGE)), mem, &r, why);
    return rc != RC_OK ? rc : links(r, mem, out, n, why);
}

enum rc audit_db_list(struct tx *tx, const struct audit_query *q, struct arena *mem, struct audit_link **out,
                      size_t *n, struct fault *why)
{
    struct rows *r;
    int64_t before = q->before > 0 ? q->before : INT64_MAX;
    enum rc rc =
        q->object.n == 0
            ? tx_query(tx, &newest, ARGS(V_TEXT(q->workspace), V_INT(before), V_INT(q->limit)), mem, &r, why)
            : tx_query(tx, &of_object,
                       ARGS(V_TEXT(q->workspace), V_INT(before), V_INT(q->limit), V_TEXT(q->object)), mem, &r,
                       why);
    return rc != RC_OK ? rc : links(r, mem, out, n, why);
}
