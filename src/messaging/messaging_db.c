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
    {.number = 4110,
     .name = "every kind of event",
     .text = "ALTER TABLE messages ADD COLUMN source @TEXT NOT NULL DEFAULT 'customer';\n"
             "ALTER TABLE messages ADD COLUMN automatic @TEXT;\n"
             "-- personal: messages.content (SQLite takes no comment inside ADD COLUMN)\n"
             "ALTER TABLE messages ADD COLUMN content @TEXT;\n"
             "ALTER TABLE conversations ADD COLUMN last_in_ms @INT64 NOT NULL DEFAULT 0;\n"
             "ALTER TABLE conversations ADD COLUMN last_out_ms @INT64 NOT NULL DEFAULT 0;\n"
             "ALTER TABLE conversations ADD COLUMN first_out_ms @INT64 NOT NULL DEFAULT 0;\n"
             "ALTER TABLE conversations ADD COLUMN read_ms @INT64 NOT NULL DEFAULT 0;\n"
             "ALTER TABLE conversations ADD COLUMN seen_at_ms @INT64 NOT NULL DEFAULT 0;\n"
             "UPDATE conversations SET last_in_ms = last_at_ms;\n"
             "CREATE TABLE message_reactions (\n"
             "  workspace_id @TEXT NOT NULL,\n"
             "  account_id @TEXT NOT NULL,\n"
             "  conversation_external @TEXT NOT NULL,\n"
             "  message_external @TEXT NOT NULL,\n"
             "  person @TEXT NOT NULL,\n"
             "  kind @TEXT NOT NULL,\n"
             "  mark @TEXT NOT NULL,\n"
             "  at_ms @INT64 NOT NULL,\n"
             "  removed @FLAG NOT NULL,\n"
             "  PRIMARY KEY (workspace_id, account_id, conversation_external, message_external, person, kind,"
             " mark)\n"
             ") @TABLE;\n"
             "CREATE TABLE conversation_referrals (\n"
             "  workspace_id @TEXT NOT NULL,\n"
             "  account_id @TEXT NOT NULL,\n"
             "  conversation_external @TEXT NOT NULL,\n"
             "  at_ms @INT64 NOT NULL,\n"
             "  source @TEXT NOT NULL,\n"
             "  advertiser @TEXT,\n"
             "  ad @TEXT,\n"
             "  ad_name @TEXT,\n"
             "  ref @TEXT, -- personal\n"
             "  prefilled @TEXT, -- personal\n"
             "  PRIMARY KEY (workspace_id, account_id, conversation_external, at_ms)\n"
             ") @TABLE;\n"
             "CREATE TABLE messages_eu (\n"
             "  workspace_id @TEXT NOT NULL,\n"
             "  account_id @TEXT NOT NULL,\n"
             "  at_ms @INT64 NOT NULL,\n"
             "  PRIMARY KEY (workspace_id, account_id, at_ms)\n"
             ") @TABLE"},
};
const struct migration_table messaging_migrations = {"messaging", migrations, COUNT_OF(migrations)};

static const struct sql SQL_CONVERSATION_FIND = {
    "messaging.conversation_find",
    "SELECT id, account_id, external_id, identity_id, status, last_message_id, last_external_id, last_at_ms,"
    " last_in_ms, last_out_ms, first_out_ms, read_ms, seen_at_ms"
    " FROM conversations WHERE workspace_id = $1 AND account_id = $2 AND external_id = $3"};
static const struct sql SQL_CONVERSATION_MAKE = {
    "messaging.conversation_make",
    "INSERT INTO conversations (workspace_id, id, account_id, external_id, identity_id, status, unread,"
    " last_message_id, last_external_id, last_at_ms, created_ms)"
    " VALUES ($1, $2, $3, $4, $5, $6, 0, '', '', 0, $7)"};
static const struct sql SQL_CONVERSATION_SAVE = {
    "messaging.conversation_save",
    "UPDATE conversations SET status = $3, last_message_id = $4, last_external_id = $5, last_at_ms = $6,"
    " last_in_ms = $7, last_out_ms = $8, first_out_ms = $9, read_ms = $10"
    " WHERE workspace_id = $1 AND id = $2"};
static const struct sql SQL_CONVERSATION_UNREAD = {
    "messaging.conversation_unread",
    "UPDATE conversations SET unread = (SELECT count(*) FROM (SELECT 1 FROM messages m"
    " WHERE m.workspace_id = $1 AND m.conversation_id = $2 AND m.at_ms > $3 AND m.received_ms > $4"
    " AND m.direction = 'in' LIMIT 1000) AS news) WHERE workspace_id = $1 AND id = $2"};
static const struct sql SQL_CONVERSATION_SEEN = {
    "messaging.conversation_seen",
    "UPDATE conversations SET unread = 0, seen_at_ms = $3 WHERE workspace_id = $1 AND id = $2"};
static const struct sql SQL_CONVERSATION_LOAD = {
    "messaging.conversation_load",
    "SELECT c.id, c.account_id, c.external_id, c.identity_id, c.status, c.unread, c.last_at_ms, c.created_ms,"
    " m.id, m.type, m.direction, m.text, m.at_ms, m.shown, c.read_ms, c.last_in_ms, c.first_out_ms"
    " FROM conversations c"
    " LEFT JOIN messages m ON m.workspace_id = c.workspace_id AND m.id = c.last_message_id"
    " WHERE c.workspace_id = $1 AND c.id = $2"};
static const struct sql SQL_CONVERSATION_LIST = {
    "messaging.conversation_list",
    "SELECT c.id, c.account_id, c.external_id, c.identity_id, c.status, c.unread, c.last_at_ms, c.created_ms,"
    " m.id, m.type, m.direction, m.text, m.at_ms, m.shown, c.read_ms, c.last_in_ms, c.first_out_ms"
    " FROM conversations c"
    " LEFT JOIN messages m ON m.workspace_id = c.workspace_id AND m.id = c.last_message_id"
    " WHERE c.workspace_id = $1 AND ($2 = '' OR c.status = $2)"
    " AND (c.last_at_ms < $3 OR (c.last_at_ms = $3 AND c.id < $4))"
    " ORDER BY c.last_at_ms DESC, c.id DESC LIMIT $5"};
static const struct sql SQL_MESSAGE_MAKE = {
    "messaging.message_make",
    "INSERT INTO messages (workspace_id, id, conversation_id, account_id, external_id, direction, type, "
    "shown,"
    " text, quoted_external_id, at_ms, received_ms, ref, source, automatic, content)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)"
    " ON CONFLICT (workspace_id, account_id, external_id) DO NOTHING"};
#define MESSAGE_COLUMNS                                                                                      \
    "m.id, m.conversation_id, m.account_id, m.external_id, m.direction, m.type, m.shown, m.text,"            \
    " m.quoted_external_id, m.at_ms, m.received_ms, m.ref, m.source, m.automatic, m.content, c.read_ms"      \
    " FROM messages m JOIN conversations c ON c.workspace_id = m.workspace_id AND c.id = m.conversation_id"
static const struct sql SQL_MESSAGE_LOAD = {
    "messaging.message_load", "SELECT " MESSAGE_COLUMNS " WHERE m.workspace_id = $1 AND m.id = $2"};
static const struct sql SQL_MESSAGE_LIST = {"messaging.message_list",
                                            "SELECT " MESSAGE_COLUMNS
                                            " WHERE m.workspace_id = $1 AND m.conversation_id = $2"
                                            " AND (m.at_ms < $3 OR (m.at_ms = $3 AND m.external_id < $4))"
                                            " ORDER BY m.at_ms DESC, m.external_id DESC LIMIT $5"};
static const struct sql SQL_MESSAGES_SENT = {
    "messaging.messages_sent",
    "SELECT count(*) FROM (SELECT 1 FROM messages m WHERE m.workspace_id = $1 AND m.conversation_id = $2"
    " AND m.at_ms > $3 AND m.direction = 'out' AND m.automatic IS NULL LIMIT 100) AS sent"};

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
                                 .last_message_id = row_text(r, 5),
                                 .last_external_id = row_text(r, 6),
                                 .last_at_ms = row_int(r, 7),
                                 .last_in_ms = row_int(r, 8),
                                 .last_out_ms = row_int(r, 9),
                                 .first_out_ms = row_int(r, 10),
                                 .read_ms = row_int(r, 11),
                                 .seen_at_ms = row_int(r, 12)};
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
                        V_TEXT(str_of(conversation_status_names[c->status])), V_TEXT(c->last_message_id),
                        V_TEXT(c->last_external_id), V_INT(c->last_at_ms), V_INT(c->last_in_ms),
                        V_INT(c->last_out_ms), V_INT(c->first_out_ms), V_INT(c->read_ms)),
                   NULL, why);
}

enum rc messaging_db_conversation_unread(struct tx *tx, str workspace, const struct conversation *c,
                                         struct fault *why)
{
    return tx_exec(tx, &SQL_CONVERSATION_UNREAD,
                   ARGS(V_TEXT(workspace), V_TEXT(c->id), V_INT(c->last_out_ms), V_INT(c->seen_at_ms)), NULL,
                   why);
}

enum rc messaging_db_sent_since(struct tx *tx, str workspace, str conversation, int64_t since_ms, int64_t *n,
                                struct fault *why)
{
    struct rows *r;
    enum rc rc = tx_one(tx, &SQL_MESSAGES_SENT,
                        ARGS(V_TEXT(workspace), V_TEXT(conversation), V_INT(since_ms)), tx_mem(tx), &r, why);
    if (rc == RC_OK)
        *n = row_int(r, 0);
    return rc;
}

enum rc messaging_db_conversation_seen(struct tx *tx, str workspace, str id, int64_t *changed,
                                       struct fault *why)
{
    return tx_exec(tx, &SQL_CONVERSATION_SEEN, ARGS(V_TEXT(workspace), V_TEXT(id), V_INT(tx_now_ms(tx))),
                   changed, why);
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

static struct val optional(str s)
{
    return s.n > 0 ? V_TEXT(s) : V_NULL;
}

enum rc messaging_db_message_make(struct tx *tx, str workspace, const struct message_new *m, bool *made,
                                  struct fault *why)
{
    int64_t changed = 0;
    const struct inbound *in = m->in;
    enum rc rc =
        tx_exec(tx, &SQL_MESSAGE_MAKE,
                ARGS(V_TEXT(workspace), V_TEXT(m->id), V_TEXT(m->conversation_id), V_TEXT(m->account_id),
                     V_TEXT(in->message), V_TEXT(in->source == SOURCE_CUSTOMER ? STR("in") : STR("out")),
                     V_TEXT(in->type), V_FLAG(in->form == FORM_SHOWN), V_TEXT(in->text), V_TEXT(in->quoted),
                     V_INT(in->at_ms), V_INT(tx_now_ms(tx)), V_TEXT(m->ref),
                     V_TEXT(str_of(message_source_names[in->source])), optional(in->automatic),
                     optional(in->content)),
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
