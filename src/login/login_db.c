/* login_db: SQL of attempts and states. A state is taken by one UPDATE ... RETURNING, so that of many equal
 * callbacks one wins on both databases. States are found before the workspace is known, by a 256-bit hash.
 */
#include "login/login_priv.h"

static const struct migration rows[] = {
    {
        .number = 3201,
        .name = "login",
        .text = "CREATE TABLE login_attempts (\n"
                "  workspace_id @TEXT NOT NULL,\n"
                "  id @TEXT NOT NULL,\n"
                "  purpose @INT64 NOT NULL,\n"
                "  state @INT64 NOT NULL,\n"
                "  via @INT64 NOT NULL,\n"
                "  mozflow_user_id @TEXT NOT NULL,\n"
                "  member_id @TEXT NOT NULL,\n"
                "  return_url_id @TEXT NOT NULL,\n"
                "  lang @TEXT NOT NULL,\n"
                "  client_state @TEXT NOT NULL,\n"
                "  app_challenge @TEXT NOT NULL,\n"
                "  scopes_asked @TEXT NOT NULL,\n"
                "  scopes_granted @TEXT NOT NULL,\n"
                "  scopes_missing @TEXT NOT NULL,\n"
                "  account_id @TEXT NOT NULL,\n"
                "  known @FLAG NOT NULL,\n"
                "  cookie_hash @TEXT NOT NULL,\n"
                "  end_code @TEXT NOT NULL,\n"
                "  created_ms @INT64 NOT NULL,\n"
                "  shown_ms @INT64 NOT NULL,\n"
                "  expires_ms @INT64 NOT NULL,\n"
                "  ended_ms @INT64 NOT NULL,\n"
                "  PRIMARY KEY (workspace_id, id)\n"
                ") @TABLE;\n"
                "CREATE UNIQUE INDEX login_attempts_id ON login_attempts (id);\n"
                "CREATE INDEX login_attempts_age ON login_attempts (created_ms);\n"
                "CREATE TABLE login_states (\n"
                "  -- exempt: TikTok returns a state only; the row names the workspace\n"
                "  state_hash @TEXT NOT NULL,\n"
                "  workspace_id @TEXT NOT NULL,\n"
                "  attempt_id @TEXT NOT NULL,\n"
                "  provider @TEXT NOT NULL,\n"
                "  via @INT64 NOT NULL,\n"
                "  cookie_hash @TEXT NOT NULL,\n"
                "  redirect_uri @TEXT NOT NULL,\n"
                "  verifier_sealed @BYTES,\n"
                "  qr_sealed @BYTES,\n"
                "  ticket @TEXT NOT NULL,\n"
                "  created_ms @INT64 NOT NULL,\n"
                "  expires_ms @INT64 NOT NULL,\n"
                "  used_ms @INT64 NOT NULL,\n"
                "  PRIMARY KEY (state_hash)\n"
                ") @TABLE;\n"
                "CREATE INDEX login_states_of ON login_states (workspace_id, attempt_id);\n"
                "CREATE INDEX login_states_age ON login_states (expires_ms);\n"
                "CREATE TABLE login_codes (\n"
                "  workspace_id @TEXT NOT NULL,\n"
                "  code_hash @TEXT NOT NULL,\n"
                "  attempt_id @TEXT NOT NULL,\n"
                "  created_ms @INT64 NOT NULL,\n"
                "  expires_ms @INT64 NOT NULL,\n"
                "  used_ms @INT64 NOT NULL,\n"
                "  PRIMARY KEY (workspace_id, code_hash)\n"
                ") @TABLE;\n"
                "CREATE INDEX login_codes_age ON login_codes (expires_ms);\n"
                "CREATE TABLE login_links (\n"
                "  workspace_id @TEXT NOT NULL,\n"
                "  account_id @TEXT NOT NULL,\n"
                "  mozflow_user_id @TEXT NOT NULL,\n"
                "  linked_ms @INT64 NOT NULL,\n"
                "  PRIMARY KEY (workspace_id, account_id)\n"
                ") @TABLE;\n"
                "CREATE TABLE login_return_urls (\n"
                "  workspace_id @TEXT NOT NULL,\n"
                "  id @TEXT NOT NULL,\n"
                "  url @TEXT NOT NULL,\n"
                "  created_ms @INT64 NOT NULL,\n"
                "  PRIMARY KEY (workspace_id, id)\n"
                ") @TABLE;\n"
                "CREATE UNIQUE INDEX login_return_urls_url ON login_return_urls (workspace_id, url)",
        .oldest_binary = 0,
    },
};
const struct migration_table login_migrations = {.room = "login", .rows = rows, .n = COUNT_OF(rows)};

static str text(str s)
{
    return s.p == NULL ? STR("") : s;
}

/* ---- attempts ---- */
static const struct sql attempt_insert = {"login.attempt_insert",
                                          "INSERT INTO login_attempts (workspace_id, id, purpose, state, "
                                          "via, mozflow_user_id, member_id, return_url_id, "
                                          "lang, client_state, app_challenge, scopes_asked, scopes_granted, "
                                          "scopes_missing, account_id, known, cookie_hash, "
                                          "end_code, created_ms, shown_ms, expires_ms, ended_ms) VALUES ($1, "
                                          "$2, $3, 0, 0, $4, $5, $6, $7, $8, $9, '', '', "
                                          "'', '', 0, '', '', $10, 0, $11, 0)"};

enum rc db_attempt_insert(struct tx *tx, const struct login_start *in, str id, struct fault *why)
{
    int64_t now = tx_now_ms(tx);
    return tx_exec(tx, &attempt_insert,
                   ARGS(V_TEXT(in->workspace), V_TEXT(id), V_INT(in->purpose),
                        V_TEXT(text(in->mozflow_user_id)), V_TEXT(text(in->member)),
                        V_TEXT(text(in->return_url)), V_TEXT(text(in->lang)), V_TEXT(text(in->client_state)),
                        V_TEXT(text(in->app_challenge)), V_INT(now), V_INT(now + LOGIN_STATE_MS)),
                   NULL, why);
}

#define ATTEMPT_COLUMNS                                                                                      \
    "SELECT a.workspace_id, a.id, a.purpose, a.state, a.mozflow_user_id, a.member_id, a.return_url_id, "     \
    "r.url, "                                                                                                \
    "a.lang, a.client_state, a.app_challenge, a.scopes_granted, a.scopes_missing, a.account_id, a.known, "   \
    "a.cookie_hash, a.end_code, a.created_ms, a.shown_ms, a.expires_ms, a.ended_ms FROM login_attempts a "   \
    "LEFT JOIN login_return_urls r ON r.workspace_id = a.workspace_id AND r.id = a.return_url_id "

static const struct sql attempt_by_id = {
    "login.attempt_by_id",
    "/* exempt: the start link names an attempt; its workspace is looked for */ " ATTEMPT_COLUMNS
    "WHERE a.id = $1"};
static const struct sql attempt_one = {"login.attempt_one",
                                       ATTEMPT_COLUMNS "WHERE a.workspace_id = $1 AND a.id = $2"};

static void read_attempt(const struct rows *r, struct attempt *out)
{
    int64_t purpose = row_int(r, 2), state = row_int(r, 3);
    must(purpose >= 0 && purpose < LOGIN_PURPOSES && state >= 0 && state < ATTEMPT_STATES);
    *out = (struct attempt){.workspace = row_text(r, 0),
                            .id = row_text(r, 1),
                            .purpose = (enum login_purpose)purpose,
                            .state = (enum attempt_state)state,
                            .mozflow_user_id = row_text(r, 4),
                            .member = row_text(r, 5),
                            .return_url_id = row_text(r, 6),
                            .return_url = row_text(r, 7),
                            .lang = row_text(r, 8),
                            .client_state = row_text(r, 9),
                            .app_challenge = row_text(r, 10),
                            .granted = row_text(r, 11),
                            .missing = row_text(r, 12),
                            .account = row_text(r, 13),
                            .known = row_int(r, 14) != 0,
                            .cookie_hash = row_text(r, 15),
                            .end_code = row_text(r, 16),
                            .created_ms = row_int(r, 17),
                            .shown_ms = row_int(r, 18),
                            .expires_ms = row_int(r, 19),
                            .ended_ms = row_int(r, 20)};
}

static enum rc one_attempt(enum rc rc, const struct rows *r, struct attempt *out, struct fault *why)
{
    if (rc == RC_MISSING)
        return fault_set(why, RC_MISSING, "login.attempt_unknown", "no such attempt");
    if (rc == RC_OK)
        read_attempt(r, out);
    return rc;
}

enum rc db_attempt_by_id(struct tx *tx, str id, struct arena *mem, struct attempt *out, struct fault *why)
{
    struct rows *r = NULL;
    enum rc rc = tx_one(tx, &attempt_by_id, ARGS(V_TEXT(id)), mem, &r, why);
    return one_attempt(rc, r, out, why);
}

enum rc db_attempt(struct tx *tx, str workspace, str id, struct arena *mem, struct attempt *out,
                   struct fault *why)
{
    struct rows *r = NULL;
    enum rc rc = tx_one(tx, &attempt_one, ARGS(V_TEXT(workspace), V_TEXT(id)), mem, &r, why);
    return one_attempt(rc, r, out, why);
}

/* state 0 made, 1 started, 2 partly granted, 3 done, 4 ended: a later click only moves the first two. */
static const struct sql attempt_started = {
    "login.attempt_started",
    "UPDATE login_attempts SET state = 1, via = $3, cookie_hash = $4, scopes_asked = $5, shown_ms = $6, "
    "lang = CASE WHEN $7 = '' THEN lang ELSE $7 END WHERE workspace_id = $1 AND id = $2 AND state <= 1 AND "
    "expires_ms > $6"};

enum rc db_attempt_started(struct tx *tx, const struct attempt_started *in, struct fault *why)
{
    int64_t changed = 0;
    enum rc rc =
        tx_exec(tx, &attempt_started,
                ARGS(V_TEXT(in->workspace), V_TEXT(in->id), V_INT(in->via), V_TEXT(text(in->cookie_hash)),
                     V_TEXT(in->scopes), V_INT(tx_now_ms(tx)), V_TEXT(text(in->lang))),
                &changed, why);
    return rc == RC_OK && changed == 0
               ? fault_set(why, RC_CONFLICT, "login.attempt_over", "the attempt has ended already")
               : rc;
}

static const struct sql attempt_finished = {"login.attempt_finished",
                                            "UPDATE login_attempts SET state = $3, account_id = $4, "
                                            "scopes_granted = $5, scopes_missing = $6, known = $7, "
                                            "ended_ms = $8 WHERE workspace_id = $1 AND id = $2"};

enum rc db_attempt_finished(struct tx *tx, const struct attempt_finished *in, struct fault *why)
{
    return tx_exec(tx, &attempt_finished,
                   ARGS(V_TEXT(in->workspace), V_TEXT(in->id), V_INT(in->state), V_TEXT(text(in->account)),
                        V_TEXT(text(in->granted)), V_TEXT(text(in->missing)), V_FLAG(in->known),
                        V_INT(tx_now_ms(tx))),
                   NULL, why);
}

static const struct sql attempt_state = {
    "login.attempt_state", "UPDATE login_attempts SET state = $3 WHERE workspace_id = $1 AND id = $2"};

enum rc db_attempt_state(struct tx *tx, str workspace, str id, enum attempt_state to, struct fault *why)
{
    return tx_exec(tx, &attempt_state, ARGS(V_TEXT(workspace), V_TEXT(id), V_INT(to)), NULL, why);
}

/* An end that may be tried again leaves the attempt open until it expires. */
static const struct sql attempt_end = {
    "login.attempt_end",
    "UPDATE login_attempts SET state = CASE WHEN $5 = 1 AND expires_ms > $4 THEN 1 ELSE 4 END, "
    "end_code = $3, ended_ms = $4 WHERE workspace_id = $1 AND id = $2 AND state <= 1"};

enum rc db_attempt_end(struct tx *tx, str workspace, str id, const struct login_end *end, struct fault *why)
{
    return tx_exec(tx, &attempt_end,
                   ARGS(V_TEXT(workspace), V_TEXT(id), V_TEXT(str_of(end->code)), V_INT(tx_now_ms(tx)),
                        V_INT(end->try_again ? 1 : 0)),
                   NULL, why);
}

/* ---- states ---- */
static const struct sql state_insert = {
    "login.state_insert", "INSERT INTO login_states (state_hash, workspace_id, attempt_id, provider, via, "
                          "cookie_hash, redirect_uri, "
                          "verifier_sealed, qr_sealed, ticket, created_ms, expires_ms, used_ms) "
                          "VALUES ($1, $2, $3, $12, $4, $5, $6, $7, $8, $9, $10, $11, 0)"};

enum rc db_state_insert(struct tx *tx, const struct state_row *in, struct fault *why)
{
    int64_t now = tx_now_ms(tx);
    return tx_exec(tx, &state_insert,
                   ARGS(V_TEXT(in->hash), V_TEXT(in->workspace), V_TEXT(in->attempt), V_INT(in->via),
                        V_TEXT(text(in->cookie_hash)), V_TEXT(in->redirect_uri), V_BYTES(in->verifier_sealed),
                        V_BYTES(in->qr_sealed), V_TEXT(text(in->ticket)), V_INT(now),
                        V_INT(now + LOGIN_STATE_MS), V_TEXT(in->provider)),
                   NULL, why);
}

#define STATE_COLUMNS                                                                                        \
    "state_hash, workspace_id, attempt_id, cookie_hash, redirect_uri, verifier_sealed, qr_sealed, ticket, "  \
    "via, "                                                                                                  \
    "expires_ms, used_ms, provider"

static void read_state(const struct rows *r, struct state_row *out)
{
    int64_t via = row_int(r, 8);
    must(via >= 0 && via < VIA_COUNT);
    *out = (struct state_row){.hash = row_text(r, 0),
                              .workspace = row_text(r, 1),
                              .attempt = row_text(r, 2),
                              .cookie_hash = row_text(r, 3),
                              .redirect_uri = row_text(r, 4),
                              .verifier_sealed = row_text(r, 5),
                              .qr_sealed = row_text(r, 6),
                              .ticket = row_text(r, 7),
                              .via = (enum login_via)via,
                              .expires_ms = row_int(r, 9),
                              .used_ms = row_int(r, 10),
                              .provider = row_text(r, 11)};
}

static const struct sql state_take = {
    "login.state_take",
    "UPDATE login_states SET used_ms = $4 WHERE state_hash = $1 AND cookie_hash = $2 AND via = $3 "
    "AND provider = $5 AND used_ms = 0 AND expires_ms > $4 RETURNING " STATE_COLUMNS};
/* Planted defect login_state_reuse: a taken state can be taken again. */
static const struct sql state_take_again = {
    "login.state_take_again",
    "UPDATE login_states SET used_ms = $4 WHERE state_hash = $1 AND cookie_hash = $2 AND "
    "via = $3 AND provider = $5 AND expires_ms > $4 RETURNING " STATE_COLUMNS};

enum rc db_state_take(struct tx *tx, const struct state_row *want, struct arena *mem, struct state_row *out,
                      struct fault *why)
{
    struct rows *r = NULL;
    const struct sql *q = planted("login_state_reuse") ? &state_take_again : &state_take;
    enum rc rc = tx_one(tx, q,
                        ARGS(V_TEXT(want->hash), V_TEXT(text(want->cookie_hash)), V_INT(want->via),
                             V_INT(tx_now_ms(tx)), V_TEXT(want->provider)),
                        mem, &r, why);
    if (rc == RC_OK)
        read_state(r, out);
    return rc;
}

static const struct sql state_find = {"login.state_find",
                                      "SELECT " STATE_COLUMNS " FROM login_states WHERE state_hash = $1"};

enum rc db_state_find(struct tx *tx, str hash, struct arena *mem, struct state_row *out, struct fault *why)
{
    struct rows *r = NULL;
    enum rc rc = tx_one(tx, &state_find, ARGS(V_TEXT(hash)), mem, &r, why);
    if (rc == RC_OK)
        read_state(r, out);
    return rc;
}

static const struct sql state_burn = {
    "login.state_burn", "UPDATE login_states SET used_ms = $2 WHERE state_hash = $1 AND used_ms = 0"};

enum rc db_state_burn(struct tx *tx, str hash, struct fault *why)
{
    return tx_exec(tx, &state_burn, ARGS(V_TEXT(hash), V_INT(tx_now_ms(tx))), NULL, why);
}

static const struct sql state_qr = {"login.state_qr",
                                    "UPDATE login_states SET qr_sealed = $2 WHERE state_hash = $1"};

enum rc db_state_qr(struct tx *tx, str hash, str qr_sealed, struct fault *why)
{
    return tx_exec(tx, &state_qr, ARGS(V_TEXT(hash), V_BYTES(qr_sealed)), NULL, why);
}

static const struct sql state_of_attempt = {"login.state_of_attempt",
                                            "SELECT " STATE_COLUMNS
                                            " FROM login_states WHERE workspace_id = $1 AND attempt_id = $2 "
                                            "ORDER BY created_ms DESC, state_hash LIMIT 1"};

enum rc db_state_of_attempt(struct tx *tx, str workspace, str attempt, struct arena *mem,
                            struct state_row *out, struct fault *why)
{
    struct rows *r = NULL;
    enum rc rc = tx_one(tx, &state_of_attempt, ARGS(V_TEXT(workspace), V_TEXT(attempt)), mem, &r, why);
    if (rc == RC_OK)
        read_state(r, out);
    return rc;
}
