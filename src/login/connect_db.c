/* connect_db: SQL of connection attempts. The states of their redirects are rows of login_states. A browser
 * is bound by one UPDATE, so that of two browsers that click at once one wins.
 */
#include "login/connect_priv.h"

static const struct migration rows[] = {
    {
        .number = 3210,
        .name = "connect attempts",
        .text = "CREATE TABLE connect_attempts (\n"
                "  workspace_id @TEXT NOT NULL,\n"
                "  id @TEXT NOT NULL,\n"
                "  kind @TEXT NOT NULL,\n"
                "  state @INT64 NOT NULL,\n"
                "  client_key @TEXT NOT NULL,\n"
                "  account_id @TEXT NOT NULL,\n"
                "  beside_id @TEXT NOT NULL,\n"
                "  feature @TEXT NOT NULL,\n"
                "  market @TEXT NOT NULL,\n"
                "  return_to @TEXT NOT NULL,\n"
                "  lang @TEXT NOT NULL,\n"
                "  maker @TEXT NOT NULL,\n"
                "  browser_hash @TEXT NOT NULL,\n"
                "  scopes_asked @TEXT NOT NULL,\n"
                "  scopes_granted @TEXT NOT NULL,\n"
                "  scopes_missing @TEXT NOT NULL,\n"
                "  connected_id @TEXT NOT NULL,\n"
                "  end_code @TEXT NOT NULL,\n"
                "  created_ms @INT64 NOT NULL,\n"
                "  shown_ms @INT64 NOT NULL,\n"
                "  expires_ms @INT64 NOT NULL,\n"
                "  ended_ms @INT64 NOT NULL,\n"
                "  PRIMARY KEY (workspace_id, id)\n"
                ") @TABLE;\n"
                "CREATE UNIQUE INDEX connect_attempts_id ON connect_attempts (id);\n"
                "CREATE INDEX connect_attempts_age ON connect_attempts (created_ms)",
        .oldest_binary = 0,
    },
};
const struct migration_table connect_migrations = {.room = "connect", .rows = rows, .n = COUNT_OF(rows)};

static str text(str s)
{
    return s.p == NULL ? STR("") : s;
}

static const struct sql insert = {
    "connect.insert",
    "INSERT INTO connect_attempts (workspace_id, id, kind, state, client_key, account_id, feature, market, "
    "return_to, lang, maker, browser_hash, scopes_asked, scopes_granted, scopes_missing, connected_id, "
    "end_code, created_ms, shown_ms, expires_ms, ended_ms, beside_id) VALUES ($1, $2, $3, 0, $4, $5, $6, $7, "
    "$8, $9, $10, '', '', '', '', '', '', $11, 0, $12, 0, $13)"};

enum rc db_connect_insert(struct tx *tx, const struct connect_insert *in, struct fault *why)
{
    const struct connect_start *s = in->start;
    int64_t now = tx_now_ms(tx);
    return tx_exec(tx, &insert,
                   ARGS(V_TEXT(s->workspace), V_TEXT(in->id), V_TEXT(str_of(tiktok_kind(s->kind)->name)),
                        V_TEXT(in->client_key), V_TEXT(text(s->account)), V_TEXT(text(s->feature)),
                        V_TEXT(text(s->market)), V_TEXT(text(s->return_to)), V_TEXT(text(s->lang)),
                        V_TEXT(text(s->maker)), V_INT(now), V_INT(now + CONNECT_LINK_MS),
                        V_TEXT(text(s->beside))),
                   NULL, why);
}

#define COLUMNS                                                                                              \
    "SELECT c.workspace_id, c.id, c.kind, c.state, c.client_key, c.account_id, c.feature, c.market, "        \
    "c.return_to, r.url, c.lang, c.browser_hash, c.scopes_asked, c.scopes_granted, c.scopes_missing, "       \
    "c.connected_id, c.end_code, c.created_ms, c.shown_ms, c.expires_ms, c.ended_ms, c.beside_id FROM "      \
    "connect_attempts c LEFT JOIN login_return_urls r ON r.workspace_id = c.workspace_id AND r.id = "        \
    "c.return_to "

static const struct sql by_id = {
    "connect.by_id",
    "/* exempt: the link names an attempt; its workspace is looked for */ " COLUMNS "WHERE c.id = $1"};
static const struct sql one = {"connect.one", COLUMNS "WHERE c.workspace_id = $1 AND c.id = $2"};

static enum rc read_one(enum rc rc, const struct rows *r, struct connect_attempt *out, struct fault *why)
{
    enum app_kind kind = APP_KINDS;
    if (rc == RC_MISSING)
        return fault_set(why, RC_MISSING, "connect.link_unknown", "no such attempt");
    if (rc != RC_OK)
        return rc;
    must(tiktok_kind_find(row_text(r, 2), &kind));
    *out = (struct connect_attempt){.workspace = row_text(r, 0),
                                    .id = row_text(r, 1),
                                    .kind = kind,
                                    .state = row_int(r, 3),
                                    .client_key = row_text(r, 4),
                                    .account = row_text(r, 5),
                                    .feature = row_text(r, 6),
                                    .market = row_text(r, 7),
                                    .return_to = row_text(r, 8),
                                    .return_url = text(row_text(r, 9)),
                                    .lang = row_text(r, 10),
                                    .browser_hash = row_text(r, 11),
                                    .asked = row_text(r, 12),
                                    .granted = row_text(r, 13),
                                    .missing = row_text(r, 14),
                                    .connected = row_text(r, 15),
                                    .end_code = row_text(r, 16),
                                    .created_ms = row_int(r, 17),
                                    .shown_ms = row_int(r, 18),
                                    .expires_ms = row_int(r, 19),
                                    .ended_ms = row_int(r, 20),
                                    .beside = row_text(r, 21)};
    return RC_OK;
}

enum rc db_connect_by_id(struct tx *tx, str id, struct arena *mem, struct connect_attempt *out,
                         struct fault *why)
{
    struct rows *r = NULL;
    enum rc rc = tx_one(tx, &by_id, ARGS(V_TEXT(text(id))), mem, &r, why);
    return read_one(rc, r, out, why);
}

enum rc db_connect(struct tx *tx, str workspace, str id, struct arena *mem, struct connect_attempt *out,
                   struct fault *why)
{
    struct rows *r = NULL;
    enum rc rc = tx_one(tx, &one, ARGS(V_TEXT(workspace), V_TEXT(id)), mem, &r, why);
    return read_one(rc, r, out, why);
}

static const struct sql started = {
    "connect.started",
    "UPDATE connect_attempts SET state = 1, browser_hash = $3, scopes_asked = $4, market = $5, lang = $6, "
    "shown_ms = $7 WHERE workspace_id = $1 AND id = $2 AND state <= 1 AND expires_ms > $7 AND "
    "(browser_hash = '' OR browser_hash = $3)"};

enum rc db_connect_started(struct tx *tx, const struct connect_attempt *a, int64_t *changed,
                           struct fault *why)
{
    return tx_exec(tx, &started,
                   ARGS(V_TEXT(a->workspace), V_TEXT(a->id), V_TEXT(a->browser_hash), V_TEXT(text(a->asked)),
                        V_TEXT(text(a->market)), V_TEXT(text(a->lang)), V_INT(tx_now_ms(tx))),
                   changed, why);
}

static const struct sql finished = {
    "connect.finished",
    "UPDATE connect_attempts SET state = 3, connected_id = $3, scopes_granted = $4, scopes_missing = $5, "
    "ended_ms = $6, end_code = 'connect.completed' WHERE workspace_id = $1 AND id = $2 AND state = 1"};

enum rc db_connect_finished(struct tx *tx, const struct connect_attempt *a, int64_t *changed,
                            struct fault *why)
{
    return tx_exec(tx, &finished,
                   ARGS(V_TEXT(a->workspace), V_TEXT(a->id), V_TEXT(a->connected), V_TEXT(text(a->granted)),
                        V_TEXT(text(a->missing)), V_INT(tx_now_ms(tx))),
                   changed, why);
}

/* An end that may be tried again leaves the link open for its browser until it expires. */
static const struct sql ended = {
    "connect.end",
    "UPDATE connect_attempts SET state = CASE WHEN $5 = 1 AND expires_ms > $4 THEN state ELSE 4 END, "
    "end_code = $3, ended_ms = $4 WHERE workspace_id = $1 AND id = $2 AND state <= 1"};

enum rc db_connect_end(struct tx *tx, str workspace, str id, const struct login_end *end, struct fault *why)
{
    return tx_exec(tx, &ended,
                   ARGS(V_TEXT(workspace), V_TEXT(id), V_TEXT(str_of(end->code)), V_INT(tx_now_ms(tx)),
                        V_INT(end->try_again ? 1 : 0)),
                   NULL, why);
}

static const struct sql tidy = {
    "connect.tidy", "/* exempt: clean-up by age */ DELETE FROM connect_attempts WHERE created_ms < $1"};

enum rc db_connect_tidy(struct tx *tx, int64_t before_ms, struct fault *why)
{
    return tx_exec(tx, &tidy, ARGS(V_INT(before_ms - (int64_t)30 * 86400000)), NULL, why);
}
