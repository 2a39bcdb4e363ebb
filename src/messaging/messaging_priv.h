/* Inside messaging: statements, handlers, the JSON shapes that REST and events share. */
#ifndef MZ_MESSAGING_PRIV_H
#define MZ_MESSAGING_PRIV_H
#include "messaging/messaging.h"

struct conversation {
    str id, account_id, external_id, identity_id, last_message_id, last_external_id;
    enum conversation_status status;
    int64_t unread, last_at_ms;
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
MUSTCHECK enum rc messaging_db_conversation_seen(struct tx *tx, str workspace, str id, int64_t *changed,
                                                 struct fault *why);
MUSTCHECK enum rc messaging_db_conversation_load(struct tx *tx, str workspace, str id, struct arena *mem,
                                                 struct rows **out, struct fault *why);
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
/* ---- shapes (messaging_rest.c) ---- */
void message_write(const struct rows *r, struct jw *w);
MUSTCHECK enum rc conversation_write(struct tx *tx, str workspace, const struct rows *r, struct arena *mem,
                                     struct jw *w, struct fault *why);
enum rc list_conversations(struct request *rq, void *ctx, struct fault *why);
enum rc get_conversation(struct request *rq, void *ctx, struct fault *why);
enum rc list_messages(struct request *rq, void *ctx, struct fault *why);
enum rc read_conversation(struct request *rq, void *ctx, struct fault *why);
/* ---- inbound.c, explain.c ---- */
enum rc messaging_inbound(struct job *j, void *ctx, struct fault *why);
enum rc render_message(const struct mozflow_render *r, struct jw *data, struct fault *why);
enum rc explain_conversation(struct tx *tx, str workspace, str id, struct explain *out, struct fault *why);
enum rc explain_message(struct tx *tx, str workspace, str id, struct explain *out, struct fault *why);
#endif
