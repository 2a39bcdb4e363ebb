/* The statements for what is no message: reactions, referrals, hidden customers. All are kept under TikTok's
 * ids, so that one that comes before its message or conversation is there when that comes. */
#include "messaging/messaging_priv.h"

/* The newest word counts; at the same moment a removal does. */
static const struct sql SQL_REACTION_SAVE = {
    "messaging.reaction_save",
    "INSERT INTO message_reactions (workspace_id, account_id, conversation_external, message_external, "
    "person,"
    " kind, mark, at_ms, removed) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
    " ON CONFLICT (workspace_id, account_id, conversation_external, message_external, person, kind, mark)"
    " DO UPDATE SET at_ms = excluded.at_ms, removed = excluded.removed"
    " WHERE excluded.at_ms > message_reactions.at_ms OR (excluded.at_ms = message_reactions.at_ms"
    " AND excluded.removed > message_reactions.removed)"};
static const struct sql SQL_REACTION_LIST = {
    "messaging.reaction_list",
    "SELECT message_external, kind, mark, at_ms FROM message_reactions WHERE workspace_id = $1"
    " AND account_id = $2 AND conversation_external = $3 AND removed = 0 ORDER BY at_ms, mark LIMIT 1000"};
static const struct sql SQL_MESSAGE_OF = {
    "messaging.message_of",
    "SELECT id FROM messages WHERE workspace_id = $1 AND account_id = $2 AND external_id = $3"};
static const struct sql SQL_REFERRAL_SAVE = {
    "messaging.referral_save",
    "INSERT INTO conversation_referrals (workspace_id, account_id, conversation_external, at_ms, source,"
    " advertiser, ad, ad_name, ref, prefilled) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
    " ON CONFLICT DO NOTHING"};
static const struct sql SQL_REFERRAL_LAST = {
    "messaging.referral_last",
    "SELECT source, advertiser, ad, ad_name, ref, prefilled, at_ms FROM conversation_referrals"
    " WHERE workspace_id = $1 AND account_id = $2 AND conversation_external = $3 ORDER BY at_ms DESC LIMIT "
    "1"};
static const struct sql SQL_EU_SAVE = {
    "messaging.eu_save",
    "INSERT INTO messages_eu (workspace_id, account_id, at_ms) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"};

enum rc messaging_db_reaction_save(struct tx *tx, const struct thread *t, const struct reaction *r,
                                   bool *changed, struct fault *why)
{
    int64_t n = 0;
    enum rc rc = tx_exec(tx, &SQL_REACTION_SAVE,
                         ARGS(V_TEXT(t->workspace), V_TEXT(t->account), V_TEXT(t->external),
                              V_TEXT(r->message), V_TEXT(r->person), V_TEXT(r->kind), V_TEXT(r->mark),
                              V_INT(r->at_ms), V_FLAG(r->removed)),
                         &n, why);
    *changed = n == 1;
    return rc;
}

enum rc messaging_db_reaction_list(struct tx *tx, const struct thread *t, struct arena *mem,
                                   struct reactions *out, struct fault *why)
{
    struct rows *r;
    enum rc rc = tx_query(tx, &SQL_REACTION_LIST,
                          ARGS(V_TEXT(t->workspace), V_TEXT(t->account), V_TEXT(t->external)), mem, &r, why);
    if (rc != RC_OK)
        return rc;
    struct reactions got = {.at = arena_array(mem, struct standing, rows_count(r) + 1)};
    if (got.at == NULL)
        return fault_set(why, RC_FULL, "base.arena", "no room for a conversation's reactions");
    while (rows_next(r))
        got.at[got.n++] = (struct standing){row_text(r, 0), row_text(r, 1), row_text(r, 2), row_int(r, 3)};
    *out = got;
    return RC_OK;
}

enum rc messaging_db_message_of(struct tx *tx, const struct thread *t, str external, struct arena *mem,
                                str *id, struct fault *why)
{
    struct rows *r;
    enum rc rc = tx_one(tx, &SQL_MESSAGE_OF, ARGS(V_TEXT(t->workspace), V_TEXT(t->account), V_TEXT(external)),
                        mem, &r, why);
    if (rc == RC_OK)
        *id = row_text(r, 0);
    return rc;
}

static struct val optional(str s)
{
    return s.n > 0 ? V_TEXT(s) : V_NULL;
}

enum rc messaging_db_referral_save(struct tx *tx, const struct thread *t, const struct referral *r,
                                   struct fault *why)
{
    return tx_exec(tx, &SQL_REFERRAL_SAVE,
                   ARGS(V_TEXT(t->workspace), V_TEXT(t->account), V_TEXT(t->external), V_INT(r->at_ms),
                        V_TEXT(r->source), optional(r->advertiser), optional(r->ad), optional(r->ad_name),
                        optional(r->ref), optional(r->prefilled)),
                   NULL, why);
}

enum rc messaging_db_referral_last(struct tx *tx, const struct thread *t, struct arena *mem,
                                   struct rows **out, struct fault *why)
{
    return tx_one(tx, &SQL_REFERRAL_LAST, ARGS(V_TEXT(t->workspace), V_TEXT(t->account), V_TEXT(t->external)),
                  mem, out, why);
}

enum rc messaging_db_eu_save(struct tx *tx, str workspace, str account, int64_t at_ms, bool *made,
                             struct fault *why)
{
    int64_t n = 0;
    enum rc rc = tx_exec(tx, &SQL_EU_SAVE, ARGS(V_TEXT(workspace), V_TEXT(account), V_INT(at_ms)), &n, why);
    *made = n == 1;
    return rc;
}
