/* Parts of the customer's phone page: the conversation (phone_view.c), the comments (phone_comments.c), what
 * surrounds them and its addresses (phone.c).
 */
#ifndef SIM_PHONE_H
#define SIM_PHONE_H
#include "pages.h"
#include "talk.h"

enum { SHOWN_MAX = 200 };
void put_conversation(struct sheet *p, const struct thread *t);
void put_comments(struct sheet *p, const struct shop *shop, const struct customer *c);
void put_who(struct sheet *p, const struct shop *shop,
             const struct customer *c); /* hidden members of a form */
enum delivery_state message_state(struct sim *s, const struct message *m);
const char *message_state_name(enum delivery_state state);
enum word message_word(enum delivery_state state);
/* The named shop and customer, else the first of each; false: there is none. */
bool phone_pick(struct sim *s, const struct form *f, struct shop **shop, struct customer **c);
void phone_back(struct reply *a, const struct shop *shop, const struct customer *c); /* 303 to the page */
#endif
