/* SQL of room access, part two: sessions, API keys, sign-in links, idempotency keys, counters, tidying. A
 * session's hash, a key's id and a link's hash are looked up over all workspaces: they are what tells the
 * workspace. */
#include "access/access_priv.h"

static str or_empty(str s)
{
    return s.p == NULL ? STR("") : s;
}

/* ---- sessions ---- */

static const struct sql session_insert = {
    "access.session_insert",
    "INSERT INTO sessions (workspace_id, id_hash, member_id, created_ms, seen_ms, expires_ms, ended_ms) "
    "VALUES ($1, $2, $3, $4, $4, $5, 0)"};
static const struct sql session_find = {
    "access.session",
    "SELECT s.workspace_id, s.member_id, m.role, m.language, s.seen_ms, s.expires_ms "
    "FROM sessions s JOIN members m ON m.workspace_id = s.workspace_id AND m.id = s.member_id "
    "WHERE s.id_hash = $1 AND s.ended_ms = 0 AND m.state = 'active'"};
static const struct sql session_touch = {"access.session_touch",
                                         "UPDATE sessions SET seen_ms = $3 WHERE workspace_id = $1 AND "
                                         "id_hash = $2 AND ended_ms = 0 AND seen_ms < $3"};
static const struct sql session_end = {
    "access.session_end", "UPDATE sessions SET ended_ms = $2 WHERE id_hash = $1 AND ended_ms = 0"};
static const struct sql sessions_end = {
    "access.sessions_end",
    "UPDATE sessions SET ended_ms = $3 WHERE workspace_id = $1 AND member_id = $2 AND ended_ms = 0"};

enum rc db_session_insert(struct tx *tx, str id_hash, const struct session_row *s, struct fault *why)
{
    return tx_exec(tx, &session_insert,
                   ARGS(V_TEXT(s->workspace), V_TEXT(id_hash), V_TEXT(s->member), V_INT(tx_now_ms(tx)),
                        V_INT(s->expires_ms)),
                   NULL, why);
}

enum rc db_session(struct tx *tx, str id_hash, struct arena *mem, struct session_row *out, struct fault *why)
{
    struct rows *r;
    enum rc rc = tx_one(tx, &session_find, ARGS(V_TEXT(id_hash)), mem, &r, why);
    if (rc == RC_OK)
        *out = (struct session_row){.workspace = row_text(r, 0),
                                    .member = row_text(r, 1),
                                    .role = row_text(r, 2),
                                    .language = row_text(r, 3),
                                    .seen_ms = row_int(r, 4),
                                    .expires_ms = row_int(r, 5)};
    return rc;
}

enum rc db_session_touch(struct tx *tx, str workspace, str id_hash, struct fault *why)
{
    return tx_exec(tx, &session_touch, ARGS(V_TEXT(workspace), V_TEXT(id_hash), V_INT(tx_now_ms(tx))), NULL,
                   why);
}

enum rc db_session_end(struct tx *tx, str id_hash, struct fault *why)
{
    return tx_exec(tx, &session_end, ARGS(V_TEXT(id_hash), V_INT(tx_now_ms(tx))), NULL, why);
}

enum rc db_sessions_end(struct tx *tx, str workspace, str member, struct fault *why)
{
    return tx_exec(tx, &sessions_end, ARGS(V_TEXT(workspace), V_TEXT(member), V_INT(tx_now_ms(tx))), NULL,
                   why);
}

/* ---- API keys ---- */

#define KEY                                                                                                  \
    "workspace_id, id, name, secret_hash, scopes, created_by, created_ms, expires_ms, revoked_ms, used_ms"
static const struct sql key_insert = {"access.key_insert", "INSERT INTO api_keys (" KEY
                                                           ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, 0)"};
static const struct sql key_find = {"access.key", "SELECT " KEY " FROM api_keys WHERE id = $1"};
static const struct sql keys_list = {
    "access.keys", "SELECT " KEY " FROM api_keys WHERE workspace_id = $1 AND id > $2 ORDER BY id LIMIT $3"};
static const struct sql key_used = {
    "access.key_used",
    "UPDATE api_keys SET used_ms = $3 WHERE workspace_id = $1 AND id = $2 AND used_ms < $3"};
static const struct sql key_revoke = {
    "access.key_revoke",
    "UPDATE api_keys SET revoked_ms = $3 WHERE workspace_id = $1 AND id = $2 AND revoked_ms = 0"};

static struct api_key key_of(const struct rows *r)
{
    return (struct api_key){.workspace = row_text(r, 0),
                            .id = row_text(r, 1),
                            .name = row_text(r, 2),
                            .secret_hash = row_text(r, 3),
                            .scopes = row_text(r, 4),
                            .created_by = row_text(r, 5),
                            .created_ms = row_int(r, 6),
                            .expires_ms = row_int(r, 7),
                            .revoked_ms = row_int(r, 8),
                            .used_ms = row_int(r, 9)};
}

enum rc db_key_insert(struct tx *tx, const struct api_key *k, struct fault *why)
{
    return tx_exec(tx, &key_insert,
                   ARGS(V_TEXT(k->workspace), V_TEXT(k->id), V_TEXT(k->name), V_TEXT(k->secret_hash),
                        V_TEXT(k->scopes), V_TEXT(k->created_by), V_INT(tx_now_ms(tx)), V_INT(k->expires_ms)),
                   NULL, why);
}

enum rc db_key(struct tx *tx, str id, struct arena *mem, struct api_key *out, struct fault *why)
{
    struct rows *r;
    enum rc rc = tx_one(tx, &key_find, ARGS(V_TEXT(id)), mem, &r, why);
    if (rc == RC_OK)
        *out = key_of(r);
    return rc;
}

enum rc db_keys(struct tx *tx, str workspace, str after, int64_t limit, struct arena *mem,
                struct api_key **out, size_t *n, struct fault *why)
{
    struct rows *r;
    enum rc rc = tx_query(tx, &keys_list, ARGS(V_TEXT(workspace), V_TEXT(or_empty(after)), V_INT(limit)), mem,
                          &r, why);
    if (rc != RC_OK)
        return rc;
    struct api_key *k = arena_array(mem, struct api_key, rows_count(r) + 1);
    if (k == NULL)
        return fault_set(why, RC_FULL, "access.full", "no room for keys");
    for (size_t i = 0; rows_next(r); i++)
        k[i] = key_of(r);
    *out = k;
    *n = rows_count(r);
    return RC_OK;
}

enum rc db_key_used(struct tx *tx, str workspace, str id, struct fault *why)
{
    return tx_exec(tx, &key_used, ARGS(V_TEXT(workspace), V_TEXT(id), V_INT(tx_now_ms(tx))), NULL, why);
}

enum rc db_key_revoke(struct tx *tx, str workspace, str id, bool *changed, struct fault *why)
{
    int64_t n = 0;
    enum rc rc = tx_exec(tx, &key_revoke, ARGS(V_TEXT(workspace), V_TEXT(id), V_INT(tx_now_ms(tx))), &n, why);
    if (rc == RC_OK)
        *changed = n == 1;
    return rc;
}

/* ---- one-time sign-in links ---- */

static const struct sql token_insert = {
    "access.token_insert",
    "INSERT INTO console_tokens (workspace_id, token_hash, member_id, expires_ms, taken_ms) "
    "VALUES ($1, $2, $3, $4, 0)"};
static const struct sql token_find = {
    "access.token_find", "SELECT workspace_id, member_id FROM console_tokens WHERE token_hash = $1 AND "
                         "taken_ms = 0 AND expires_ms > $2"};
static const struct sql token_take = {
    "access.token_take", "UPDATE console_tokens SET taken_ms = $2 WHERE token_hash = $1 AND taken_ms = 0 AND "
                         "expires_ms > $2 RETURNING workspace_id, member_id"};
static const struct sql token_take_planted = {
    "access.token_take", "UPDATE console_tokens SET taken_ms = $2 WHERE token_hash = $1 AND "
                         "expires_ms > $2 RETURNING workspace_id, member_id"};

enum rc db_token_insert(struct tx *tx, const struct console_token *t, struct fault *why)
{
    return tx_exec(tx, &token_insert,
                   ARGS(V_TEXT(t->workspace), V_TEXT(t->token_hash), V_TEXT(t->member), V_INT(t->expires_ms)),
                   NULL, why);
}

enum rc db_token_find(struct tx *tx, str token_hash, struct arena *mem, struct console_token *out,
                      struct fault *why)
{
    struct rows *r;
    enum rc rc = tx_one(tx, &token_find, ARGS(V_TEXT(token_hash), V_INT(tx_now_ms(tx))), mem, &r, why);
    if (rc == RC_OK)
        *out = (struct console_token){.workspace = row_text(r, 0), .member = row_text(r, 1)};
    return rc;
}

enum rc db_token_take(struct tx *tx, str token_hash, struct arena *mem, struct console_token *out,
                      struct fault *why)
{
    struct rows *r;
    const struct sql *q = planted("access.token_twice") ? &token_take_planted : &token_take;
    enum rc rc = tx_one(tx, q, ARGS(V_TEXT(token_hash), V_INT(tx_now_ms(tx))), mem, &r, why);
    if (rc == RC_OK)
        *out = (struct console_token){.workspace = row_text(r, 0), .member = row_text(r, 1)};
    return rc;
}

/* ---- idempotency keys ---- */

static const struct sql once_find = {
    "access.once", "SELECT route, body_hash, status, body, created_ms FROM idempotency_keys "
                   "WHERE workspace_id = $1 AND principal = $2 AND once_key = $3 AND created_ms > $4"};
static const struct sql once_insert = {
    "access.once_insert",
    "INSERT INTO idempotency_keys (workspace_id, principal, once_key, route, body_hash, status, body, "
    "created_ms) "
    "VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (workspace_id, principal, once_key) DO UPDATE "
    "SET route = excluded.route, body_hash = excluded.body_hash, status = excluded.status, body = "
    "excluded.body, "
    "created_ms = excluded.created_ms WHERE idempotency_keys.created_ms <= $9"};

enum rc db_once(struct tx *tx, const struct once *o, struct arena *mem, struct once_row *out,
                struct fault *why)
{
    struct rows *r;
    enum rc rc = tx_one(
        tx, &once_find,
        ARGS(V_TEXT(o->workspace), V_TEXT(o->principal), V_TEXT(o->key), V_INT(tx_now_ms(tx) - ONCE_MS)), mem,
        &r, why);
    if (rc == RC_OK)
        *out = (struct once_row){.route = row_text(r, 0),
                                 .body_hash = row_text(r, 1),
                                 .status = row_int(r, 2),
                                 .body = row_text(r, 3),
                                 .created_ms = row_int(r, 4)};
    return rc;
}

enum rc db_once_insert(struct tx *tx, const struct once *o, int64_t status, str body, bool *inserted,
                       struct fault *why)
{
    int64_t changed = 0, now = tx_now_ms(tx);
    str hash = {(const char *)o->body_hash, sizeof(o->body_hash)};
    enum rc rc =
        tx_exec(tx, &once_insert,
                ARGS(V_TEXT(o->workspace), V_TEXT(o->principal), V_TEXT(o->key), V_TEXT(o->route),
                     V_BYTES(hash), V_INT(status), V_TEXT(or_empty(body)), V_INT(now), V_INT(now - ONCE_MS)),
                &changed, why);
    if (rc == RC_OK)
        *inserted = changed == 1;
    return rc;
}

/* ---- sign-in counters ---- */

static const struct sql count_add = {
    "access.count_add",
    "INSERT INTO sign_in_counts (kind, subject, slot, n) VALUES ($1, $2, $3, 1) "
    "ON CONFLICT (kind, subject, slot) DO UPDATE SET n = sign_in_counts.n + 1 RETURNING n"};
static const struct sql count_clear = {"access.count_clear",
                                       "DELETE FROM sign_in_counts WHERE kind = $1 AND subject = $2"};

enum rc db_count_add(struct tx *tx, str kind, str subject, int64_t *n, struct fault *why)
{
    struct rows *r;
    enum rc rc = tx_one(tx, &count_add, ARGS(V_TEXT(kind), V_TEXT(subject), V_INT(tx_now_ms(tx) / SLOT_MS)),
                        tx_mem(tx), &r, why);
    if (rc == RC_OK)
        *n = row_int(r, 0);
    return rc;
}

enum rc db_count_clear(struct tx *tx, str kind, str subject, struct fault *why)
{
    return tx_exec(tx, &count_clear, ARGS(V_TEXT(kind), V_TEXT(subject)), NULL, why);
}

/* ---- tidying: over all workspaces, a bounded number of rows each ---- */

static const struct sql tidy[] = {
    {"access.tidy_sessions",
     "DELETE FROM sessions WHERE (workspace_id, id_hash) IN (SELECT workspace_id, id_hash "
     "FROM sessions WHERE expires_ms < $1 ORDER BY expires_ms LIMIT 90)"},
    {"access.tidy_tokens",
     "DELETE FROM console_tokens WHERE (workspace_id, token_hash) IN (SELECT workspace_id, token_hash "
     "FROM console_tokens WHERE expires_ms < $1 ORDER BY expires_ms LIMIT 90)"},
    {"access.tidy_invitations",
     "DELETE FROM invitations WHERE (workspace_id, id) IN (SELECT workspace_id, id "
     "FROM invitations WHERE expires_ms < $1 ORDER BY expires_ms LIMIT 90)"},
    {"access.tidy_once", "DELETE FROM idempotency_keys WHERE (workspace_id, principal, once_key) IN (SELECT "
                         "workspace_id, principal, once_key FROM idempotency_keys WHERE created_ms < $1 "
                         "ORDER BY created_ms LIMIT 90)"},
    {"access.tidy_counts",
     "DELETE FROM sign_in_counts WHERE (kind, subject, slot) IN (SELECT kind, subject, slot "
     "FROM sign_in_counts WHERE slot < $1 ORDER BY slot LIMIT 90)"},
};

enum rc db_tidy(struct tx *tx, bool *more, struct fault *why)
{
    int64_t day_ago = tx_now_ms(tx) - ONCE_MS;
    bool full = false;
    for (size_t i = 0; i < COUNT_OF(tidy); i++) {
        int64_t gone = 0, limit = i == COUNT_OF(tidy) - 1 ? day_ago / SLOT_MS : day_ago;
        enum rc rc = tx_exec(tx, &tidy[i], ARGS(V_INT(limit)), &gone, why);
        if (rc != RC_OK)
            return rc;
        full = full || gone == TIDY_ROWS;
    }
    *more = full;
    return RC_OK;
}

/* After a restore: what a browser or an inbox may still hold is worth nothing any more. */
static const struct sql epoch[] = {
    {"access.epoch_sessions", "UPDATE sessions SET ended_ms = $1 WHERE ended_ms = 0"},
    {"access.epoch_tokens", "UPDATE console_tokens SET taken_ms = $1 WHERE taken_ms = 0"},
    {"access.epoch_invitations", "UPDATE invitations SET taken_ms = $1 WHERE taken_ms = 0"},
    {"access.epoch_once", "DELETE FROM idempotency_keys WHERE created_ms <= $1"},
};

enum rc access_new_epoch(struct tx *tx, struct fault *why)
{
    enum rc rc = RC_OK;
    for (size_t i = 0; rc == RC_OK && i < COUNT_OF(epoch); i++)
        rc = tx_exec(tx, &epoch[i], ARGS(V_INT(tx_now_ms(tx))), NULL, why);
    return rc;
}
