/* Comments on videos, their endpoints and events (comments.c, comment_api.c), and direct replies to comments
 * (direct_reply.c). Messaging 2.2, 3.6, 7.3.
 */
#ifndef SIM_COMMENTS_H
#define SIM_COMMENTS_H
#include "sim.h"
#include "sender.h"
#include "v13.h"

bool video_is_of(const struct sim *s, const struct user *u, str id);
struct comment *comment_find(struct sim *s, str id);
/* NULL: the table is full. parent 0: top level. Emits comment.update. */
struct comment *comment_add(struct sim *s, const struct comment *like, str text, const struct plan *plan);
void comment_changed(struct sim *s, const struct comment *c, const char *action, const struct plan *plan);
void comments_clear(struct sim *s);
/* im_receive_high_intent_comment, when direct replies are on; 0: nothing was sent. */
uint64_t comment_high_intent(struct sim *s, struct comment *c, const struct plan *plan);

/* The thread of a direct reply to this comment; false: answered. */
bool direct_reply_open(struct v13 *c, const struct shop *shop, str comment, struct thread **out);
void direct_reply_done(struct sim *s, str comment);
#endif
