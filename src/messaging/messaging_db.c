/* The statements of messaging. A message is unique on TikTok's id within its account; everything else of a
 * second delivery is skipped by that one insert. Columns of the two SELECT lists are read by number in
 * messaging_rest.c.
 */
#include "messaging/messaging_priv.h"

static const struct migration migrations[] = {
    {.number = 4101,
     .name = "conversations",
     .text = "CREATE TABLE conversations (\n"
             "  workspace_id @TEXT NOT NULL,\n"
             "  id @TEXT NOT NULL,\n"
             "  account_id @TEXT NOT NULL,\n"
             "  external_id @TEXT NOT NULL,\n"
             "  identity_id @TEXT NOT NULL,\n"
             "  status @TEXT NOT NULL,\n"
             "  unread @INT64 NOT NULL,\n"
             "  last_message_id @TEXT NOT NULL,\n"
             "  last_external_id @TEXT NOT NULL,\n"
             "  last_at_ms @INT64 NOT NULL,\n"
             "  created_ms @INT64 NOT NULL,\n"
             "  PRIMARY KEY (workspace_id, id)\n"
             ") @TABLE;\n"
             "CREATE UNIQUE INDEX conversations_external ON conversations (workspace_id, account_id, "
             "external_id);\n"
             "CREATE INDEX conversations_recent ON conversations (workspace_id, last_at_ms, id);\n"
             "CREATE TABLE messages (\n"
             "  workspace_id @TEXT NOT NULL,\n"
             "  id @TEXT NOT NULL,\n"
             "  conversation_id @TEXT NOT NULL,\n"
             "  account_id @TEXT NOT NULL,\n"
             "  external_id @TEXT NOT NULL,\n"
             "  direction @TEXT NOT NULL,\n"
             "  type @TEXT NOT NULL,\n"
             "  shown @FLAG NOT NULL,\n"
             "  text @TEXT, -- personal\n"
             "  quoted_external_id @TEXT,\n"
             "  at_ms @INT64 NOT NULL,\n"
             "  received_ms @INT64 NOT NULL,\n"
             "  ref @TEXT NOT NULL,\n"
             "  PRIMARY KEY (workspace_id, id),\n"
             "  FOREIGN KEY (workspace_id, conversation_id) REFERENCES conversations (workspace_id, id)\n"
             ") @TABLE;\n"
             "CREATE UNIQUE INDEX messages_external ON messages (workspace_id, account_id, external_id);\n"
             "CREATE INDEX messages_thread ON messages (workspace_id, conversation_id, at_ms, external_id)"},
};
const struct migration_table messaging_migrations = {"messaging", migrations, COUNT_OF(migrations)};

static const struct sql SQL_CONVERSATION_FIND = {
    "messaging.conversation_find",
    "SELECT id, account_id, external_id, identity_id, status, unread, last_message_id, last_external_id, "
    "last_at_ms"
    " FROM conversations WHERE workspace_id = $1 AND account_id = $2 AND external_id = $3"};
static const struct sql SQL_CONVERSATION_MAKE = {
    "messaging.conversation_make",
    "INSERT INTO conversations (workspace_id, id, account_id, external_id, identity_id, status, unread,"
    " last_message_id, last_external_id, last_at_ms, created_ms)"
    " VALUES ($1, $2, $3, $4, $5, $6, 0, '', '', 0, $7)"};
static const struct sql SQL_CONVERSATION_SAVE = {
    "messaging.conversation_save", "UPDATE conversations SET status = $3, unread = $4, last_message_id = $5, "
                                   "last_external_id = $6, last_at_ms = $7"
                                   " WHERE workspace_id = $1 AND id = $2"};
static const struct sql SQL_CONVERSATION_SEEN = {
    "messaging.conversation_seen", "UPDATE conversations SET unread = 0 WHERE workspace_id = $1 AND id = $2"};
static const struct sql SQL_CONVERSATION_LOAD = {
    "messaging.conversation_load",
    "SELECT c.id, c.account_id, c.external_id, c.identity_id, c.status, c.unread, c.last_at_ms, c.created_ms,"
    " m.id, m.type, m.direction, m.text, m.at_ms, m.shown FROM conversations c"
    " LEFT JOIN messages m ON m.workspace_id = c.workspace_id AND m.id = c.last_message_id"
    " WHERE c.workspace_id = $1 AND c.id = $2"};
static const struct sql SQL_CONVERSATION_LIST = {
    "messaging.conversation_list",
    "SELECT c.id, c.account_id, c.external_id, c.identity_id, c.status, c.unread, c.last_at_ms, c.created_ms,"
    " m.id, m.type, m.direction, m.text, m.at_ms, m.shown FROM conversations c"
    " LEFT JOIN messages m ON m.workspace_id = c.workspace_id AND m.id = c.last_message_id"
    " WHERE c.workspace_id = $1 AND ($2 = '' OR c.status = $2)"
    " AND (c.last_at_ms < $3 OR (c.last_at_ms = $3 AND c.id < $4))"
    " ORDER BY c.last_at_ms DESC, c.id DESC LIMIT $5"};
static const struct sql SQL_MESSAGE_MAKE = {
    "messaging.message_make", "INSERT INTO messages (workspace_id, id, conversation_id, account_id, "
                              "external_id, direction, type, shown, text,"
                              " quoted_external_id, at_ms, received_ms, ref) VALUES ($1, $2, $3, $4, $5, "
                              "'in', $6, $7, $8, $9, $10, $11, $12)"
                              " ON CONFLICT (workspace_id, account_id, external_id) DO NOTHING"};
static const struct sql SQL_MESSAGE_LOAD = {
    "messaging.message_load", "SELECT id, conversation_id, account_id, external_id, direction, type, shown, "
                              "text, quoted_external_id, at_ms,"
                              " received_ms, ref FROM messages WHERE workspace_id = $1 AND id = $2"};
static const struct sql SQL_MESSAGE_LIST = {
    "messaging.message_list",
    "SELECT id, conversation_id, account_id, external_id, direction, type, shown, text, quoted_external_id, "
    "at_ms,"
    " received_ms, ref FROM messages WHERE workspace_id = $1 AND conversation_id = $2"
    " AND (at_ms < $3 OR (at_ms = $3 AND external_id < $4)) ORDER BY at_ms DESC, external_id DESC LIMIT $5"};

static enum conversation_status status_of(str name)
{
    for (size_t i = 0; i < CONV_STATUSES; i++)
        if (str_eq(name, str_of(conversation_status_names[i])))
            return (enum conversation_status)i;
    must(false && "a stored status is unknown");
    return CONV_OPEN;
}

enum rc messaging_db_conversation_find(struct tx *tx, str workspace, str account, str external,
                                       struct arena *mem, struct conversation *out, struct fault *why)
{
    struct rows *r;
    enum rc rc = tx_one(tx, &SQL_CONVERSATION_FIND,
                        ARGS(V_TEXT(workspace), V_TEXT(account), V_TEXT(external)), mem, &r, why);
    if (rc != RC_OK)
        return rc;
    *out = (struct conversation){.id = row_text(r, 0),
                                 .account_id = row_text(r, 1),
                                 .external_id = row_text(r, 2),
                                 .identity_id = row_text(r, 3),
                                 .status = status_of(row_text(r, 4)),
                                 .unread = row_int(r, 5),
                                 .last_message_id = row_text(r, 6),
                                 .last_external_id = row_text(r, 7),
                                 .last_at_ms = row_int(r, 8)};
    return RC_OK;
}

enum rc messaging_db_conversation_make(struct tx *tx, str workspace, const struct conversation *c,
                                       struct fault *why)
{
    return tx_exec(tx, &SQL_CONVERSATION_MAKE,
                   ARGS(V_TEXT(workspace), V_TEXT(c->id), V_TEXT(c->account_id), V_TEXT(c->external_id),
                        V_TEXT(c->identity_id), V_TEXT(str_of(conversation_status_names[c->status])),
                        V_INT(tx_now_ms(tx))),
                   NULL, why);
}

enum rc messaging_db_conversation_save(struct tx *tx, str workspace, const struct conversation *c,
                                       struct fault *why)
{
    return tx_exec(tx, &SQL_CONVERSATION_SAVE,
                   ARGS(V_TEXT(workspace), V_TEXT(c->id),
                        V_TEXT(str_of(conversation_status_names[c->status])), V_INT(c->unread),
                        V_TEXT(c->last_message_id), V_TEXT(c->last_external_id), V_INT(c->last_at_ms)),
                   NULL, why);
}

enum rc messaging_db_conversation_seen(struct tx *tx, str workspace, str id, int64_t *changed,
                                       struct fault *why)
{
    return tx_exec(tx, &SQL_CONVERSATION_SEEN, ARGS(V_TEXT(workspace), V_TEXT(id)), changed, why);
}

enum rc messaging_db_conversation_load(struct tx *tx, str workspace, str id, struct arena *mem,
                                       struct rows **out, struct fault *why)
{
    return tx_one(tx, &SQL_CONVERSATION_LOAD, ARGS(V_TEXT(workspace), V_TEXT(id)), mem, out, why);
}

enum rc messaging_db_conversation_list(struct tx *tx, str workspace, const struct page *p, struct arena *mem,
                                       struct rows **out, struct fault *why)
{
    return tx_query(tx, &SQL_CONVERSATION_LIST,
                    ARGS(V_TEXT(workspace), V_TEXT(p->status.n > 0 ? p->status : STR("")),
                         V_INT(p->at_ms != 0 ? p->at_ms : INT64_MAX), V_TEXT(p->tie.n > 0 ? p->tie : STR("")),
                         V_INT(p->limit)),
                    mem, out, why);
}

enum rc messaging_db_message_make(struct tx *tx, str workspace, const struct message_new *m, bool *made,
                                  struct fault *why)
{
    int64_t changed = 0;
    enum rc rc = tx_exec(tx, &SQL_MESSAGE_MAKE,
                         ARGS(V_TEXT(workspace), V_TEXT(m->id), V_TEXT(m->conversation_id),
                              V_TEXT(m->account_id), V_TEXT(m->in->message), V_TEXT(m->in->type),
                              V_FLAG(m->in->form == FORM_SHOWN), V_TEXT(m->in->text), V_TEXT(m->in->quoted),
                              V_INT(m->in->at_ms), V_INT(tx_now_ms(tx)), V_TEXT(m->ref)),
                         &changed, why);
    *made = changed == 1;
    return rc;
}

enum rc messaging_db_message_load(struct tx *tx, str workspace, str id, struct arena *mem, struct rows **out,
                                  struct fault *why)
{
    return tx_one(tx, &SQL_MESSAGE_LOAD, ARGS(V_TEXT(workspace), V_TEXT(id)), mem, out, why);
}

enum rc messaging_db_message_list(struct tx *tx, str workspace, const struct message_page *p,
                                  struct arena *mem, struct rows **out, struct fault *why)
{
    return tx_query(tx, &SQL_MESSAGE_LIST,
                    ARGS(V_TEXT(workspace), V_TEXT(p->conversation),
                         V_INT(p->at_ms != 0 ? p->at_ms : INT64_MAX), V_TEXT(p->tie.n > 0 ? p->tie : STR("")),
                         V_INT(p->limit)),
                    mem, out, why);
}
