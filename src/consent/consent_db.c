/* SQL of room consent: one table that only grows, as audit's. The person stands in it as a pseudonym. */
#include "consent/consent_priv.h"

static const struct migration rows[] = {
    {
        .number = 2401,
        .name = "consent ledger",
        .text = "CREATE TABLE consent_entries (\n"
                "  workspace_id @TEXT NOT NULL,\n"
                "  n @INT64 NOT NULL,\n"
                "  at_ms @INT64 NOT NULL,\n"
                "  shown_ms @INT64 NOT NULL,\n"
                "  act @TEXT NOT NULL,\n"
                "  pseudonym @TEXT NOT NULL,\n"
                "  flow @TEXT NOT NULL,\n"
                "  text_version @TEXT NOT NULL,\n"
                "  text_sha256 @TEXT NOT NULL,\n"
                "  language @TEXT NOT NULL,\n"
                "  scopes @TEXT NOT NULL,\n"
                "  attempt @TEXT NOT NULL,\n"
                "  prev @BYTES NOT NULL,\n"
                "  hash @BYTES NOT NULL,\n"
                "  PRIMARY KEY (workspace_id, n)\n"
                ") @TABLE;\n"
                "CREATE INDEX consent_by_person ON consent_entries (workspace_id, pseudonym, n);\n"
                "@SQLITE CREATE TRIGGER consent_no_update BEFORE UPDATE ON consent_entries "
                "BEGIN SELECT RAISE(ABORT, 'consent_entries only grows'); END;\n"
                "@SQLITE CREATE TRIGGER consent_no_delete BEFORE DELETE ON consent_entries "
                "BEGIN SELECT RAISE(ABORT, 'consent_entries only grows'); END;\n"
                "@POSTGRES CREATE FUNCTION consent_refuse() RETURNS trigger LANGUAGE plpgsql AS "
                "$$ BEGIN RAISE EXCEPTION 'consent_entries only grows'; END $$;\n"
                "@POSTGRES CREATE TRIGGER consent_only_grows BEFORE UPDATE OR DELETE ON consent_entries "
                "FOR EACH ROW EXECUTE FUNCTION consent_refuse();\n"
                "@POSTGRES CREATE TRIGGER consent_no_truncate BEFORE TRUNCATE ON consent_entries "
                "FOR EACH STATEMENT EXECUTE FUNCTION consent_refuse()",
    },
};
const struct migration_table consent_migrations = {.room = "consent", .rows = rows, .n = COUNT_OF(rows)};

#define ENTRY                                                                                                \
    "n, at_ms, shown_ms, act, pseudonym, flow, text_version, text_sha256, language, scopes, attempt, prev, " \
    "hash"
static const struct sql insert = {"consent.insert",
                                  "INSERT INTO consent_entries (workspace_id, " ENTRY ") "
                                  "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)"};
static const struct sql last = {
    "consent.last", "SELECT n, hash FROM consent_entries WHERE workspace_id = $1 ORDER BY n DESC LIMIT 1"};
static const struct sql page = {
    "consent.page",
    "SELECT " ENTRY " FROM consent_entries WHERE workspace_id = $1 AND n > $2 ORDER BY n LIMIT 500"};
static const struct sql of_person = {"consent.of",
                                     "SELECT " ENTRY " FROM consent_entries WHERE workspace_id = $1 "
                                     "AND pseudonym = $2 ORDER BY n DESC LIMIT 200"};

enum rc consent_db_insert(struct tx *tx, str workspace, const struct consent_link *l, struct fault *why)
{
    const struct consent_row *r = &l->r;
    str act = r->act == CONSENT_GIVEN ? STR("given") : STR("withdrawn");
    return tx_exec(tx, &insert,
                   ARGS(V_TEXT(workspace), V_INT(r->n), V_INT(r->at_ms), V_INT(r->shown_ms), V_TEXT(act),
                        V_TEXT(r->pseudonym), V_TEXT(r->flow), V_TEXT(r->text_version),
                        V_TEXT(r->text_sha256), V_TEXT(r->language), V_TEXT(r->scopes), V_TEXT(r->attempt),
                        V_BYTES(l->prev), V_BYTES(l->hash)),
                   NULL, why);
}

enum rc consent_db_last(struct tx *tx, str workspace, struct arena *mem, int64_t *n, str *hash,
                        struct fault *why)
{
    struct rows *r;
    enum rc rc = tx_one(tx, &last, ARGS(V_TEXT(workspace)), mem, &r, why);
    if (rc == RC_OK) {
        *n = row_int(r, 0);
        *hash = row_text(r, 1);
    }
    return rc;
}

static enum rc links(struct rows *r, struct arena *mem, struct consent_link **out, size_t *n,
                     struct fault *why)
{
    struct consent_link *l = arena_array(mem, struct consent_link, rows_count(r) + 1);
    if (l == NULL)
        return fault_set(why, RC_FULL, "consent.full", "no room for consent entries");
    for (size_t i = 0; rows_next(r); i++) {
        l[i].r = (struct consent_row){.n = row_int(r, 0),
                                      .at_ms = row_int(r, 1),
                                      .shown_ms = row_int(r, 2),
                                      .act = str_eq(row_text(r, 3), STR("given")) ? CONSENT_GIVEN
                                                                                  : CONSENT_WITHDRAWN,
                                      .pseudonym = row_text(r, 4),
                                      .flow = row_text(r, 5),
                                      .text_version = row_text(r, 6),
                                      .text_sha256 = row_text(r, 7),
                                      .language = row_text(r, 8),
                                      .scopes = row_text(r, 9),
                                      .attempt = row_text(r, 10)};
        l[i].prev = row_text(r, 11);
        l[i].hash = row_text(r, 12);
    }
    *out = l;
    *n = rows_count(r);
    return RC_OK;
}

enum rc consent_db_page(struct tx *tx, str workspace, int64_t after, struct arena *mem,
                        struct consent_link **out, size_t *n, struct fault *why)
{
    struct rows *r;
    enum rc rc = tx_query(tx, &page, ARGS(V_TEXT(workspace), V_INT(after)), mem, &r, why);
    return rc != RC_OK ? rc : links(r, mem, out, n, why);
}

enum rc consent_db_of(struct tx *tx, str workspace, str pseudonym, struct arena *mem,
                      struct consent_link **out, size_t *n, struct fault *why)
{
    struct rows *r;
    enum rc rc = tx_query(tx, &of_person, ARGS(V_TEXT(workspace), V_TEXT(pseudonym)), mem, &r, why);
    return rc != RC_OK ? rc : links(r, mem, out, n, why);
}
