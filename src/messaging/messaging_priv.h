/* Inside messaging: statements, handlers, the JSON shapes that REST and events share. */
#ifndef MZ_MESSAGING_PRIV_H
#define MZ_MESSAGING_PRIV_H
#include "messaging/messaging.h"

struct conversation {
    str id, account_id, external_id, identity_id, last_message_id, last_external_id;
    enum conversation_status status;
    int64_t last_at_ms;              /* of the newest message, with its id as the tie-break */
    int64_t last_in_ms, last_out_ms; /* newest message of the customer; of a person or program of ours */
    int64_t first_out_ms, read_ms, seen_at_ms; /* 0: never; read: by the customer; seen: by us, our clock */
};
struct message_new {
    str id, conversation_id, account_id, ref;
    const struct inbound *in;
};
MUSTCHECK enum rc messaging_db_conversation_find(struct tx *tx, str workspace, str account, str external,
                                                 struct arena *mem, struct conversation *out,
                                                 struct fault *why);
MUSTCHECK enum rc messaging_db_conversation_make(struct tx *tx, str workspace, const struct conversation *c,
                                                 struct fault *why);
MUSTCHECK enum rc messaging_db_conversation_save(struct tx *tx, str workspace, const struct conversation *c,
                                                 struct fault *why);
/* What the customer wrote after our newest message and that came since we last looked; counted, so the order
 * of arrival does not matter. At most 1,000. */
MUSTCHECK enum rc messaging_db_conversation_unread(struct tx *tx, str workspace, const struct conversation *c,
                                                   struct fault *why);
MUSTCHECK enum rc messaging_db_conversation_seen(struct tx *tx, str workspace, str id, int64_t *changed,
                                                 struct fault *why);
MUSTCHECK enum rc messaging_db_conversation_load(struct tx *tx, str workspace, str id, struct arena *mem,
                                                 struct rows **out, struct fault *why);
/* Messages of ours after a time, automatic ones not counted; at most 100. */
MUSTCHECK enum rc messaging_db_sent_since(struct tx *tx, str workspace, str conversation, int64_t since_ms,
                                          int64_t *n, struct fault *why);
struct page { /* where a list goes on: strictly after (at, tie) in its order; at 0: the beginning */
    int64_t at_ms, limit;
    str tie, status;
};
MUSTCHECK enum rc messaging_db_conversation_list(struct tx *tx, str workspace, const struct page *p,
                                                 struct arena *mem, struct rows **out, struct fault *why);
MUSTCHECK enum rc messaging_db_message_make(struct tx *tx, str workspace, const struct message_new *m,
                                            bool *made, struct fault *why);
MUSTCHECK enum rc messaging_db_message_load(struct tx *tx, str workspace, str id, struct arena *mem,
                                            struct rows **out, struct fault *why);
struct message_page {
    str conversation, tie;
    int64_t at_ms, limit;
};
MUSTCHECK enum rc messaging_db_message_list(struct tx *tx, str workspace, const struct message_page *p,
                                            struct arena *mem, struct rows **out, struct fault *why);
/* ---- notices_db.c ---- */
struct thread { /* TikTok's name of a conversation */
    str workspace, account, external;
};
MUSTCHECK enum rc messaging_db_reaction_save(struct tx *tx, const struct thread *t, const struct reaction *r,
                                             bool *changed, struct fault *why);
struct reactions { /* of a conversation, oldest first; at most 1,000 */
    struct standing {
        str message, kind, mark; /* message: TikTok's id */
        int64_t at_ms;
    } * at;
    size_t n;
};
MUSTCHECK enum rc messaging_db_reaction_list(struct tx *tx, const struct thread *t, struct arena *mem,
                                             struct reactions *out, struct fault *why);
MUSTCHECK enum rc messaging_db_message_of(struct tx *tx, const struct thread *t, str external,
                                          struct arena *mem, str *id, struct fault *why);
MUSTCHECK enum rc messaging_db_referral_save(struct tx *tx, const struct thread *t, const struct referral *r,
                                             struct fault *why);
/* The newest: source, advertiser, ad, ad_name, ref, prefilled, at. RC_MISSING: none. */
MUSTCHECK enum rc messaging_db_referral_last(struct tx *tx, const struct thread *t, struct arena *mem,
                                             struct rows **out, struct fault *why);
MUSTCHECK enum rc messaging_db_eu_save(struct tx *tx, str workspace, str account, int64_t at_ms, bool *made,
                                       struct fault *why);
/* ---- shapes (messaging_rest.c) ---- */
void message_write(const struct rows *r, const struct reactions *reactions, struct jw *w);
struct writing { /* where a conversation is written, in a read or an event */
    struct tx *tx;
    str workspace;
    struct arena *mem;
    const struct messaging *room;
};
MUSTCHECK enum rc conversation_write(const struct writing *in, const struct rows *r, struct jw *w,
                                     struct fault *why);
enum rc list_conversations(struct request *rq, void *ctx, struct fault *why);
enum rc get_conversation(struct request *rq, void *ctx, struct fault *why);
enum rc list_messages(struct request *rq, void *ctx, struct fault *why);
enum rc read_conversation(struct request *rq, void *ctx, struct fault *why);
/* ---- parsers ---- */
enum rc content_missing(const char *field, struct fault *why);
bool content_id(const struct json *obj, const char *key, str *out); /* 1 to 256 bytes */
/* ---- inbound.c, notices.c, explain.c ---- */
struct arriving { /* one event on its way into the tables */
    str workspace, account, ref;
    struct log *log;
};
MUSTCHECK enum rc conversation_find_or_make(struct tx *tx, const struct arriving *a, str external,
                                            str identity, struct conversation *out, struct fault *why);
typedef enum rc (*event_fn)(struct job *j, struct arriving *a, const struct webhook_event *ev,
                            const char **outcome, struct fault *why);
enum rc reacted(struct job *j, struct arriving *a, const struct inbound *in, struct fault *why);
enum rc was_read(struct job *j, struct arriving *a, const struct webhook_event *ev, const char **outcome,
                 struct fault *why);
enum rc was_referred(struct job *j, struct arriving *a, const struct webhook_event *ev, const char **outcome,
                     struct fault *why);
enum rc came_from_eu(struct job *j, struct arriving *a, const struct webhook_event *ev, const char **outcome,
                     struct fault *why);
enum rc messaging_inbound(struct job *j, void *ctx, struct fault *why);
enum rc render_conversation(const struct mozflow_render *r, struct jw *data, struct fault *why);
enum rc render_message(const struct mozflow_render *r, struct jw *data, struct fault *why);
enum rc explain_conversation(struct tx *tx, str workspace, str id, struct explain *out, struct fault *why);
enum rc explain_message(struct tx *tx, str workspace, str id, struct explain *out, struct fault *why);
#endif
