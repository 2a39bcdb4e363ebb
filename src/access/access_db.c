/* SQL of room access, part one: workspaces, members, invitations, linked TikTok identities. Statements that
 * look over all workspaces say why: the credential or the e-mail is what tells the workspace. */
#include "access/access_priv.h"

static const struct migration rows[] = {
    {
        .number = 2201,
        .name = "workspaces, members, invitations",
        .text = "CREATE TABLE workspaces (\n"
                "  workspace_id @TEXT NOT NULL PRIMARY KEY,\n"
                "  name @TEXT NOT NULL,\n"
                "  public_key @TEXT NOT NULL,\n"
                "  language @TEXT NOT NULL,\n"
                "  created_ms @INT64 NOT NULL\n"
                ") @TABLE;\n"
                "CREATE UNIQUE INDEX workspaces_public_key ON workspaces (public_key);\n"
                "CREATE TABLE members (\n"
                "  workspace_id @TEXT NOT NULL,\n"
                "  id @TEXT NOT NULL,\n"
                "  email @TEXT NOT NULL, -- personal\n"
                "  name @TEXT NOT NULL, -- personal\n"
                "  password_hash @TEXT NOT NULL,\n"
                "  role @TEXT NOT NULL,\n"
                "  language @TEXT NOT NULL,\n"
                "  origin @TEXT NOT NULL,\n"
                "  external_id @TEXT NOT NULL, -- personal\n"
                "  state @TEXT NOT NULL,\n"
                "  created_ms @INT64 NOT NULL,\n"
                "  signed_in_ms @INT64 NOT NULL,\n"
                "  PRIMARY KEY (workspace_id, id)\n"
                ") @TABLE;\n"
                "CREATE UNIQUE INDEX members_email ON members (workspace_id, email) "
                "WHERE origin = 'own' AND state = 'active';\n"
                "CREATE UNIQUE INDEX members_external ON members (workspace_id, external_id) WHERE "
                "external_id <> '';\n"
                "CREATE INDEX members_sign_in ON members (email);\n"
                "CREATE TABLE invitations (\n"
                "  workspace_id @TEXT NOT NULL,\n"
                "  id @TEXT NOT NULL,\n"
                "  token_hash @TEXT NOT NULL,\n"
                "  email @TEXT NOT NULL, -- personal\n"
                "  name @TEXT NOT NULL, -- personal\n"
                "  role @TEXT NOT NULL,\n"
                "  language @TEXT NOT NULL,\n"
                "  invited_by @TEXT NOT NULL,\n"
                "  created_ms @INT64 NOT NULL,\n"
                "  expires_ms @INT64 NOT NULL,\n"
                "  taken_ms @INT64 NOT NULL,\n"
                "  member_id @TEXT NOT NULL,\n"
                "  PRIMARY KEY (workspace_id, id)\n"
                ") @TABLE;\n"
                "CREATE UNIQUE INDEX invitations_token ON invitations (token_hash);\n"
                "CREATE INDEX invitations_expires ON invitations (expires_ms);\n"
                "CREATE TABLE member_identities (\n"
                "  workspace_id @TEXT NOT NULL,\n"
                "  client_key @TEXT NOT NULL,\n"
                "  open_id @TEXT NOT NULL, -- personal\n"
                "  member_id @TEXT NOT NULL,\n"
                "  linked_ms @INT64 NOT NULL,\n"
                "  PRIMARY KEY (workspace_id, client_key, open_id)\n"
                ") @TABLE;\n"
                "CREATE INDEX member_identities_member ON member_identities (workspace_id, member_id);\n"
                "CREATE INDEX member_identities_open_id ON member_identities (client_key, open_id)",
    },
    {
        .number = 2202,
        .name = "sessions, keys, links, idempotency",
        .text = "CREATE TABLE sessions (\n"
                "  workspace_id @TEXT NOT NULL,\n"
                "  id_hash @TEXT NOT NULL,\n"
                "  member_id @TEXT NOT NULL,\n"
                "  created_ms @INT64 NOT NULL,\n"
                "  seen_ms @INT64 NOT NULL,\n"
                "  expires_ms @INT64 NOT NULL,\n"
                "  ended_ms @INT64 NOT NULL,\n"
                "  PRIMARY KEY (workspace_id, id_hash)\n"
                ") @TABLE;\n"
                "CREATE UNIQUE INDEX sessions_id ON sessions (id_hash);\n"
                "CREATE INDEX sessions_member ON sessions (workspace_id, member_id);\n"
                "CREATE INDEX sessions_expires ON sessions (expires_ms);\n"
                "CREATE TABLE api_keys (\n"
                "  workspace_id @TEXT NOT NULL,\n"
                "  id @TEXT NOT NULL,\n"
                "  name @TEXT NOT NULL,\n"
                "  secret_hash @TEXT NOT NULL,\n"
                "  scopes @TEXT NOT NULL,\n"
                "  created_by @TEXT NOT NULL,\n"
                "  created_ms @INT64 NOT NULL,\n"
                "  expires_ms @INT64 NOT NULL,\n"
                "  revoked_ms @INT64 NOT NULL,\n"
                "  used_ms @INT64 NOT NULL,\n"
                "  PRIMARY KEY (workspace_id, id)\n"
                ") @TABLE;\n"
                "CREATE UNIQUE INDEX api_keys_id ON api_keys (id);\n"
                "CREATE TABLE console_tokens (\n"
                "  workspace_id @TEXT NOT NULL,\n"
                "  token_hash @TEXT NOT NULL,\n"
                "  member_id @TEXT NOT NULL,\n"
                "  expires_ms @INT64 NOT NULL,\n"
                "  taken_ms @INT64 NOT NULL,\n"
                "  PRIMARY KEY (workspace_id, token_hash)\n"
                ") @TABLE;\n"
                "CREATE UNIQUE INDEX console_tokens_token ON console_tokens (token_hash);\n"
                "CREATE INDEX console_tokens_expires ON console_tokens (expires_ms);\n"
                "CREATE TABLE idempotency_keys (\n"
                "  workspace_id @TEXT NOT NULL,\n"
                "  principal @TEXT NOT NULL,\n"
                "  once_key @TEXT NOT NULL,\n"
                "  route @TEXT NOT NULL,\n"
                "  body_hash @BYTES NOT NULL,\n"
                "  status @INT64 NOT NULL,\n"
                "  body @TEXT NOT NULL,\n"
                "  created_ms @INT64 NOT NULL,\n"
                "  PRIMARY KEY (workspace_id, principal, once_key)\n"
                ") @TABLE;\n"
                "CREATE INDEX idempotency_keys_age ON idempotency_keys (created_ms);\n"
                "CREATE TABLE sign_in_counts (\n"
                "  -- exempt: of the installation, nobody is signed in yet\n"
                "  kind @TEXT NOT NULL,\n"
                "  subject @TEXT NOT NULL,\n"
                "  slot @INT64 NOT NULL,\n"
                "  n @INT64 NOT NULL,\n"
                "  PRIMARY KEY (kind, subject, slot)\n"
                ") @TABLE;\n"
                "CREATE INDEX sign_in_counts_slot ON sign_in_counts (slot)",
    },
};
const struct migration_table access_migrations = {.room = "access", .rows = rows, .n = COUNT_OF(rows)};

/* ---- workspaces ---- */

static const struct sql workspace_insert = {
    "access.workspace_insert",
    "INSERT INTO workspaces (workspace_id, name, public_key, language, created_ms) "
    "VALUES ($1, $2, $3, $4, $5)"};
static const struct sql workspace_find = {
    "access.workspace",
    "SELECT workspace_id, name, public_key, language FROM workspaces WHERE workspace_id = $1"};
static const struct sql workspace_by_key = {
    "access.workspace_by_key",
    "SELECT workspace_id, name, public_key, language FROM workspaces WHERE public_key = $1"};

enum rc db_workspace_insert(struct tx *tx, const struct workspace *w, struct fault *why)
{
    return tx_exec(tx, &workspace_insert,
                   ARGS(V_TEXT(w->id), V_TEXT(w->name), V_TEXT(w->public_key), V_TEXT(w->language),
                        V_INT(tx_now_ms(tx))),
                   NULL, why);
}

static enum rc workspace_one(struct tx *tx, const struct sql *q, str value, struct arena *mem,
                             struct workspace *out, struct fault *why)
{
    struct rows *r;
    enum rc rc = tx_one(tx, q, ARGS(V_TEXT(value)), mem, &r, why);
    if (rc == RC_MISSING)
        return not_found(why);
    if (rc == RC_OK)
        *out = (struct workspace){.id = row_text(r, 0),
                                  .name = row_text(r, 1),
                                  .public_key = row_text(r, 2),
                                  .language = row_text(r, 3)};
    return rc;
}

enum rc access_workspace(struct tx *tx, str id, struct arena *mem, struct workspace *out, struct fault *why)
{
    return workspace_one(tx, &workspace_find, id, mem, out, why);
}

enum rc access_workspace_by_public_key(struct tx *tx, str public_key, struct arena *mem,
                                       struct workspace *out, struct fault *why)
{
    return workspace_one(tx, &workspace_by_key, public_key, mem, out, why);
}

static const struct sql workspace_ids = {
    "access.workspace_ids",
    "SELECT workspace_id FROM workspaces ORDER BY created_ms DESC, workspace_id LIMIT 10000"};

enum rc db_workspace_ids(struct tx *tx, struct arena *mem, str **out, size_t *n, struct fault *why)
{
    struct rows *r;
    size_t count = 0;
    enum rc rc = tx_query(tx, &workspace_ids, NO_ARGS, mem, &r, why);
    if (rc != RC_OK)
        return rc;
    str *ids = arena_array(mem, str, rows_count(r) + 1);
    if (ids == NULL)
        return fault_set(why, RC_FULL, "access.memory", "the list of workspaces");
    while (rows_next(r))
        ids[count++] = row_text(r, 0);
    *out = ids;
    *n = count;
    return RC_OK;
}

/* ---- members ---- */

#define MEMBER                                                                                               \
    "workspace_id, id, email, name, password_hash, role, language, origin, external_id, created_ms, "        \
    "signed_in_ms"
static const struct sql member_insert = {
    "access.member_insert",
    "INSERT INTO members (" MEMBER ", state) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0, 'active') "
    "ON CONFLICT DO NOTHING"};
static const struct sql member_find = {"access.member",
                                       "SELECT " MEMBER " FROM members WHERE workspace_id = $1 "
                                       "AND id = $2 AND state = 'active'"};
static const struct sql member_external = {
    "access.member_external",
    "SELECT " MEMBER " FROM members WHERE workspace_id = $1 AND external_id = $2 AND external_id <> ''"};
static const struct sql members_list = {"access.members",
                                        "SELECT " MEMBER " FROM members WHERE workspace_id = $1 "
                                        "AND id > $2 AND state = 'active' ORDER BY id LIMIT $3"};
/* Over all workspaces: who signs in names an e-mail, and the password tells whose it is. */
static const struct sql members_by_email = {
    "access.members_by_email", "SELECT " MEMBER " FROM members WHERE email = $1 AND origin = 'own' AND "
                               "state = 'active' AND password_hash <> '' ORDER BY signed_in_ms DESC LIMIT 4"};
static const struct sql owners = {"access.owners",
                                  "SELECT count(*), min(id) FROM members WHERE workspace_id = $1 "
                                  "AND role = 'owner' AND state = 'active'"};
static const struct sql member_role = {
    "access.member_role",
    "UPDATE members SET role = $3 WHERE workspace_id = $1 AND id = $2 AND state = 'active'"};
static const struct sql member_language = {
    "access.member_language",
    "UPDATE members SET language = $3 WHERE workspace_id = $1 AND id = $2 AND state = 'active'"};
static const struct sql member_signed_in = {
    "access.member_signed_in",
    "UPDATE members SET signed_in_ms = $3 WHERE workspace_id = $1 AND id = $2 AND state = 'active'"};
static const struct sql member_remove = {
    "access.member_remove",
    "UPDATE members SET state = 'removed', email = '', name = '', password_hash = '', "
    "external_id = '' WHERE workspace_id = $1 AND id = $2"};
static const struct sql member_renew = {"access.member_renew",
                                        "UPDATE members SET email = $3, name = $4, role = $5, language = $6 "
                                        "WHERE workspace_id = $1 AND id = $2 AND state = 'active'"};

static struct member member_of(const struct rows *r)
{
    return (struct member){.workspace = row_text(r, 0),
                           .id = row_text(r, 1),
                           .email = row_text(r, 2),
                           .name = row_text(r, 3),
                           .password_hash = row_text(r, 4),
                           .role = row_text(r, 5),
                           .language = row_text(r, 6),
                           .origin = row_text(r, 7),
                           .external = row_text(r, 8),
                           .created_ms = row_int(r, 9),
                           .signed_in_ms = row_int(r, 10)};
}

static str or_empty(str s)
{
    return s.p == NULL ? STR("") : s;
}

enum rc db_member_insert(struct tx *tx, const struct member *m, bool *inserted, struct fault *why)
{
    int64_t changed = 0;
    enum rc rc = tx_exec(tx, &member_insert,
                         ARGS(V_TEXT(m->workspace), V_TEXT(m->id), V_TEXT(or_empty(m->email)),
                              V_TEXT(or_empty(m->name)), V_TEXT(or_empty(m->password_hash)), V_TEXT(m->role),
                              V_TEXT(m->language), V_TEXT(m->origin), V_TEXT(or_empty(m->external)),
                              V_INT(tx_now_ms(tx))),
                         &changed, why);
    if (rc == RC_OK)
        *inserted = changed == 1;
    return rc;
}

static enum rc member_one(struct tx *tx, const struct sql *q, const struct val v[2], struct arena *mem,
                          struct member *out, struct fault *why)
{
    struct rows *r;
    enum rc rc = tx_one(tx, q, v, 2, mem, &r, why);
    if (rc == RC_MISSING)
        return not_found(why);
    if (rc == RC_OK)
        *out = member_of(r);
    return rc;
}

enum rc db_member(struct tx *tx, str workspace, str id, struct arena *mem, struct member *out,
                  struct fault *why)
{
    const struct val v[2] = {V_TEXT(workspace), V_TEXT(id)};
    return member_one(tx, &member_find, v, mem, out, why);
}

enum rc db_member_external(struct tx *tx, str workspace, str external, struct arena *mem, struct member *out,
                           struct fault *why)
{
    const struct val v[2] = {V_TEXT(workspace), V_TEXT(external)};
    return member_one(tx, &member_external, v, mem, out, why);
}

static enum rc member_many(struct rows *r, struct arena *mem, struct member **out, size_t *n,
                           struct fault *why)
{
    struct member *m = arena_array(mem, struct member, rows_count(r) + 1);
    if (m == NULL)
        return fault_set(why, RC_FULL, "access.full", "no room for members");
    for (size_t i = 0; rows_next(r); i++)
        m[i] = member_of(r);
    *out = m;
    *n = rows_count(r);
    return RC_OK;
}

enum rc db_members(struct tx *tx, str workspace, str after, int64_t limit, struct arena *mem,
                   struct member **out, size_t *n, struct fault *why)
{
    struct rows *r;
    enum rc rc = tx_query(tx, &members_list, ARGS(V_TEXT(workspace), V_TEXT(or_empty(after)), V_INT(limit)),
                          mem, &r, why);
    return rc != RC_OK ? rc : member_many(r, mem, out, n, why);
}

enum rc db_members_by_email(struct tx *tx, str email, struct arena *mem, struct member **out, size_t *n,
                            struct fault *why)
{
    struct rows *r;
    enum rc rc = tx_query(tx, &members_by_email, ARGS(V_TEXT(email)), mem, &r, why);
    return rc != RC_OK ? rc : member_many(r, mem, out, n, why);
}

enum rc db_owners(struct tx *tx, str workspace, struct arena *mem, str *first, int64_t *n, struct fault *why)
{
    struct rows *r;
    enum rc rc = tx_one(tx, &owners, ARGS(V_TEXT(workspace)), mem, &r, why);
    if (rc == RC_OK) {
        *n = row_int(r, 0);
        *first = row_text(r, 1);
    }
    return rc;
}

static enum rc changed_one(struct tx *tx, const struct sql *q, const struct val *v, size_t n,
                           struct fault *why)
{
    int64_t changed = 0;
    enum rc rc = tx_exec(tx, q, v, n, &changed, why);
    return rc == RC_OK && changed == 0 ? not_found(why) : rc;
}

enum rc db_member_role(struct tx *tx, str workspace, str id, str role, struct fault *why)
{
    return changed_one(tx, &member_role, ARGS(V_TEXT(workspace), V_TEXT(id), V_TEXT(role)), why);
}

enum rc db_member_language(struct tx *tx, str workspace, str id, str language, struct fault *why)
{
    return changed_one(tx, &member_language, ARGS(V_TEXT(workspace), V_TEXT(id), V_TEXT(language)), why);
}

enum rc db_member_signed_in(struct tx *tx, str workspace, str id, struct fault *why)
{
    return changed_one(tx, &member_signed_in, ARGS(V_TEXT(workspace), V_TEXT(id), V_INT(tx_now_ms(tx))), why);
}

enum rc db_member_remove(struct tx *tx, str workspace, str id, struct fault *why)
{
    return changed_one(tx, &member_remove, ARGS(V_TEXT(workspace), V_TEXT(id)), why);
}

enum rc db_member_renew(struct tx *tx, const struct member *m, struct fault *why)
{
    return changed_one(tx, &member_renew,
                       ARGS(V_TEXT(m->workspace), V_TEXT(m->id), V_TEXT(or_empty(m->email)),
                            V_TEXT(or_empty(m->name)), V_TEXT(m->role), V_TEXT(m->language)),
                       why);
}

/* ---- invitations ---- */

static const struct sql invitation_insert = {
    "access.invitation_insert",
    "INSERT INTO invitations (workspace_id, id, token_hash, email, name, role, language, invited_by, "
    "created_ms, "
    "expires_ms, taken_ms, member_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0, '')"};
/* Over all workspaces: the token is the credential that tells the workspace. The e-mail and name leave the
 * row. */
static const struct sql invitation_take = {
    "access.invitation_take", "UPDATE invitations SET taken_ms = $2, member_id = $3 WHERE token_hash = $1 "
                              "AND taken_ms = 0 AND expires_ms > $2 "
                              "RETURNING workspace_id, id, email, name, role, language, invited_by"};

enum rc db_invitation_insert(struct tx *tx, const struct invitation *i, struct fault *why)
{
    return tx_exec(tx, &invitation_insert,
                   ARGS(V_TEXT(i->workspace), V_TEXT(i->id), V_TEXT(i->token_hash), V_TEXT(i->email),
                        V_TEXT(or_empty(i->name)), V_TEXT(i->role), V_TEXT(i->language),
                        V_TEXT(i->invited_by), V_INT(tx_now_ms(tx)), V_INT(i->expires_ms)),
                   NULL, why);
}

enum rc db_invitation_take(struct tx *tx, str token_hash, str member, struct arena *mem,
                           struct invitation *out, struct fault *why)
{
    struct rows *r;
    enum rc rc = tx_one(tx, &invitation_take, ARGS(V_TEXT(token_hash), V_INT(tx_now_ms(tx)), V_TEXT(member)),
                        mem, &r, why);
    if (rc == RC_OK)
        *out = (struct invitation){.workspace = row_text(r, 0),
                                   .id = row_text(r, 1),
                                   .email = row_text(r, 2),
                                   .name = row_text(r, 3),
                                   .role = row_text(r, 4),
                                   .language = row_text(r, 5),
                                   .invited_by = row_text(r, 6)};
    return rc;
}

/* ---- linked identities ---- */

static const struct sql identity_find = {
    "access.identity",
    "SELECT i.workspace_id, i.member_id FROM member_identities i JOIN members m "
    "ON m.workspace_id = i.workspace_id AND m.id = i.member_id "
    "WHERE i.workspace_id = $1 AND i.client_key = $2 AND i.open_id = $3 AND m.state = 'active'"};
/* Over all workspaces: the identity proved by TikTok is the credential; the member who signed in last is
 * meant. */
static const struct sql identity_any = {
    "access.identity_any",
    "SELECT i.workspace_id, i.member_id FROM member_identities i JOIN members m "
    "ON m.workspace_id = i.workspace_id AND m.id = i.member_id "
    "WHERE i.client_key = $1 AND i.open_id = $2 AND m.state = 'active' ORDER BY m.signed_in_ms DESC LIMIT 1"};
static const struct sql identity_insert = {
    "access.identity_insert",
    "INSERT INTO member_identities (workspace_id, client_key, open_id, member_id, linked_ms) "
    "VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING"};
static const struct sql identities_of = {
    "access.identities_of", "SELECT client_key, linked_ms FROM member_identities "
                            "WHERE workspace_id = $1 AND member_id = $2 ORDER BY linked_ms LIMIT 20"};
static const struct sql identities_remove = {
    "access.identities_remove", "DELETE FROM member_identities WHERE workspace_id = $1 AND member_id = $2"};

enum rc db_identity_find(struct tx *tx, const struct access_identity *i, struct arena *mem, str *workspace,
                         str *member, struct fault *why)
{
    struct rows *r;
    enum rc rc =
        i->workspace.n > 0
            ? tx_one(tx, &identity_find,
                     ARGS(V_TEXT(i->workspace), V_TEXT(i->client_key), V_TEXT(i->open_id)), mem, &r, why)
            : tx_one(tx, &identity_any, ARGS(V_TEXT(i->client_key), V_TEXT(i->open_id)), mem, &r, why);
    if (rc == RC_OK) {
        *workspace = row_text(r, 0);
        *member = row_text(r, 1);
    }
    return rc;
}

enum rc db_identity_insert(struct tx *tx, const struct access_identity *i, str workspace, str member,
                           bool *inserted, struct fault *why)
{
    int64_t changed = 0;
    enum rc rc = tx_exec(tx, &identity_insert,
                         ARGS(V_TEXT(workspace), V_TEXT(i->client_key), V_TEXT(i->open_id), V_TEXT(member),
                              V_INT(tx_now_ms(tx))),
                         &changed, why);
    if (rc == RC_OK)
        *inserted = changed == 1;
    return rc;
}

enum rc db_identities_of(struct tx *tx, str workspace, str member, struct arena *mem, struct rows **out,
                         struct fault *why)
{
    return tx_query(tx, &identities_of, ARGS(V_TEXT(workspace), V_TEXT(member)), mem, out, why);
}

enum rc db_identities_remove(struct tx *tx, str workspace, str member, struct fault *why)
{
    return tx_exec(tx, &identities_remove, ARGS(V_TEXT(workspace), V_TEXT(member)), NULL, why);
}
