/* The statements of contacts. Personal data (names, avatars) is written by contacts_db_identity_make/save and
 * contacts_db_contact_save alone. Lists run newest first by id, because ids are time-ordered.
 */
#include "contacts/contacts_priv.h"

static const struct migration migrations[] = {
    {.number = 4001,
     .name = "contacts",
     .text = "CREATE TABLE contacts (\n"
             "  workspace_id @TEXT NOT NULL,\n"
             "  id @TEXT NOT NULL,\n"
             "  name @TEXT, -- personal\n"
             "  username @TEXT, -- personal\n"
             "  avatar_url @TEXT, -- personal\n"
             "  created_ms @INT64 NOT NULL,\n"
             "  updated_ms @INT64 NOT NULL,\n"
             "  PRIMARY KEY (workspace_id, id)\n"
             ") @TABLE;\n"
             "CREATE TABLE contact_identities (\n"
             "  workspace_id @TEXT NOT NULL,\n"
             "  id @TEXT NOT NULL,\n"
             "  contact_id @TEXT NOT NULL,\n"
             "  kind @TEXT NOT NULL,\n"
             "  app @TEXT NOT NULL,\n"
             "  external_id @TEXT NOT NULL,\n"
             "  username @TEXT, -- personal\n"
             "  display_name @TEXT, -- personal\n"
             "  avatar_url @TEXT, -- personal\n"
             "  first_seen_ms @INT64 NOT NULL,\n"
             "  last_seen_ms @INT64 NOT NULL,\n"
             "  PRIMARY KEY (workspace_id, id),\n"
             "  FOREIGN KEY (workspace_id, contact_id) REFERENCES contacts (workspace_id, id)\n"
             ") @TABLE;\n"
             "CREATE UNIQUE INDEX contact_identities_key ON contact_identities (workspace_id, kind, app, "
             "external_id);\n"
             "CREATE INDEX contact_identities_contact ON contact_identities (workspace_id, contact_id)"},
};
const struct migration_table contacts_migrations = {"contacts", migrations, COUNT_OF(migrations)};

static const struct sql SQL_IDENTITY_FIND = {
    "contacts.identity_find",
    "SELECT id, contact_id, username, display_name, avatar_url, last_seen_ms FROM contact_identities"
    " WHERE workspace_id = $1 AND kind = $2 AND app = $3 AND external_id = $4"};
static const struct sql SQL_CONTACT_MAKE = {
    "contacts.contact_make",
    "INSERT INTO contacts (workspace_id, id, name, username, avatar_url, created_ms, updated_ms)"
    " VALUES ($1, $2, $3, $4, $5, $6, $6)"};
static const struct sql SQL_IDENTITY_MAKE = {
    "contacts.identity_make",
    "INSERT INTO contact_identities (workspace_id, id, contact_id, kind, app, external_id, username, "
    "display_name,"
    " avatar_url, first_seen_ms, last_seen_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)"};
static const struct sql SQL_IDENTITY_SAVE = {
    "contacts.identity_save",
    "UPDATE contact_identities SET username = $3, display_name = $4, avatar_url = $5, last_seen_ms = $6"
    " WHERE workspace_id = $1 AND id = $2"};
static const struct sql SQL_IDENTITY_SEEN = {"contacts.identity_seen",
                                             "UPDATE contact_identities SET last_seen_ms = $3 WHERE "
                                             "workspace_id = $1 AND id = $2 AND last_seen_ms < $3"};
static const struct sql SQL_CONTACT_SAVE = {
    "contacts.contact_save", "UPDATE contacts SET name = $3, username = $4, avatar_url = $5, updated_ms = $6"
                             " WHERE workspace_id = $1 AND id = $2"};
static const struct sql SQL_CONTACT_OF = {
    "contacts.contact_of", "SELECT c.id, c.name, c.username, c.avatar_url FROM contact_identities i"
                           " JOIN contacts c ON c.workspace_id = i.workspace_id AND c.id = i.contact_id"
                           " WHERE i.workspace_id = $1 AND i.id = $2"};
static const struct sql SQL_CONTACT_LOAD = {
    "contacts.contact_load", "SELECT id, name, username, avatar_url, created_ms, updated_ms FROM contacts"
                             " WHERE workspace_id = $1 AND id = $2"};
static const struct sql SQL_CONTACT_IDENTITIES = {"contacts.contact_identities",
                                                  "SELECT id, kind, external_id, username, display_name, "
                                                  "first_seen_ms, last_seen_ms FROM contact_identities"
                                                  " WHERE workspace_id = $1 AND contact_id = $2 ORDER BY id"};
static const struct sql SQL_CONTACT_LIST = {
    "contacts.contact_list", "SELECT id, name, username, avatar_url, created_ms, updated_ms FROM contacts"
                             " WHERE workspace_id = $1 AND ($2 = '' OR id < $2) ORDER BY id DESC LIMIT $3"};

enum rc contacts_db_identity_find(struct tx *tx, const struct contact_seen *s, struct arena *mem,
                                  struct identity_row *out, struct fault *why)
{
    struct rows *r;
    enum rc rc = tx_one(tx, &SQL_IDENTITY_FIND,
                        ARGS(V_TEXT(s->workspace), V_TEXT(s->kind), V_TEXT(s->app), V_TEXT(s->external_id)),
                        mem, &r, why);
    if (rc != RC_OK)
        return rc;
    *out = (struct identity_row){.id = row_text(r, 0),
                                 .contact_id = row_text(r, 1),
                                 .username = row_text(r, 2),
                                 .display_name = row_text(r, 3),
                                 .avatar_url = row_text(r, 4),
                                 .seen_ms = row_int(r, 5)};
    return RC_OK;
}

enum rc contacts_db_identity_make(struct tx *tx, const struct contact_seen *s, str identity_id,
                                  str contact_id, struct fault *why)
{
    enum rc rc = tx_exec(tx, &SQL_CONTACT_MAKE,
                         ARGS(V_TEXT(s->workspace), V_TEXT(contact_id), V_TEXT(s->display_name),
                              V_TEXT(s->username), V_TEXT(s->avatar_url), V_INT(tx_now_ms(tx))),
                         NULL, why);
    if (rc != RC_OK)
        return rc;
    return tx_exec(tx, &SQL_IDENTITY_MAKE,
                   ARGS(V_TEXT(s->workspace), V_TEXT(identity_id), V_TEXT(contact_id), V_TEXT(s->kind),
                        V_TEXT(s->app), V_TEXT(s->external_id), V_TEXT(s->username), V_TEXT(s->display_name),
                        V_TEXT(s->avatar_url), V_INT(s->seen_ms)),
                   NULL, why);
}

enum rc contacts_db_identity_save(struct tx *tx, str workspace, const struct identity_row *row,
                                  struct fault *why)
{
    return tx_exec(tx, &SQL_IDENTITY_SAVE,
                   ARGS(V_TEXT(workspace), V_TEXT(row->id), V_TEXT(row->username), V_TEXT(row->display_name),
                        V_TEXT(row->avatar_url), V_INT(row->seen_ms)),
                   NULL, why);
}

enum rc contacts_db_identity_seen(struct tx *tx, str workspace, str id, int64_t seen_ms, struct fault *why)
{
    return tx_exec(tx, &SQL_IDENTITY_SEEN, ARGS(V_TEXT(workspace), V_TEXT(id), V_INT(seen_ms)), NULL, why);
}

enum rc contacts_db_contact_save(struct tx *tx, str workspace, const struct contact *c, struct fault *why)
{
    return tx_exec(tx, &SQL_CONTACT_SAVE,
                   ARGS(V_TEXT(workspace), V_TEXT(c->id), V_TEXT(c->name), V_TEXT(c->username),
                        V_TEXT(c->avatar_url), V_INT(tx_now_ms(tx))),
                   NULL, why);
}

enum rc contacts_db_contact_of(struct tx *tx, str workspace, str identity_id, struct arena *mem,
                               struct contact *out, struct fault *why)
{
    struct rows *r;
    enum rc rc = tx_one(tx, &SQL_CONTACT_OF, ARGS(V_TEXT(workspace), V_TEXT(identity_id)), mem, &r, why);
    if (rc != RC_OK)
        return rc;
    *out = (struct contact){row_text(r, 0), row_text(r, 1), row_text(r, 2), row_text(r, 3)};
    return RC_OK;
}

enum rc contacts_db_contact_load(struct tx *tx, str workspace, str id, struct arena *mem, struct rows **out,
                                 struct fault *why)
{
    return tx_one(tx, &SQL_CONTACT_LOAD, ARGS(V_TEXT(workspace), V_TEXT(id)), mem, out, why);
}

enum rc contacts_db_contact_identities(struct tx *tx, str workspace, str id, struct arena *mem,
                                       struct rows **out, struct fault *why)
{
    return tx_query(tx, &SQL_CONTACT_IDENTITIES, ARGS(V_TEXT(workspace), V_TEXT(id)), mem, out, why);
}

enum rc contacts_db_contact_list(struct tx *tx, str workspace, str before, int64_t limit, struct arena *mem,
                                 struct rows **out, struct fault *why)
{
    return tx_query(tx, &SQL_CONTACT_LIST,
                    ARGS(V_TEXT(workspace), V_TEXT(before.n > 0 ? before : STR("")), V_INT(limit)), mem, out,
                    why);
}
