/* Conversations: finding and making threads and messages (talk.c), what a shop may still send (window.c), the
 * events that tell of them (talk_events.c). Runs under the lock.
 */
#ifndef SIM_TALK_H
#define SIM_TALK_H
#include "sim.h"
#include "sender.h"

extern const char *const content_names[CONTENT_KINDS]; /* "text": lower case as in webhooks */
extern const char *const source_names[SOURCE_KINDS];

/* ---- rows ---- */
void shop_open_id(struct sim *s, const struct shop *shop, char out[ID_SIZE]);
struct shop *shop_of_token(struct sim *s, const struct token *t); /* NULL: none */
void customer_identifier(const struct customer *c, char out[96]);
/* The customer writes to the shops; every message of the customer's thread is older than its n. */
struct thread *thread_find(struct sim *s, const struct shop *shop, str id);
struct thread *thread_make(struct sim *s, const struct shop *shop, const struct customer *c);
struct message *message_find(struct sim *s, const struct thread *t, str id); /* of this thread; NULL */
struct message *message_newest(struct sim *s, const struct thread *t);
struct message *message_before(struct sim *s, const struct message *m);
/* A new row at the end of the thread; the windows and times of the thread move. text may be empty. */
struct message *message_add(struct sim *s, struct thread *t, const struct message *like, str text);
bool thread_stranger(const struct thread *t); /* never answered */
void talk_clear(struct sim *s);               /* threads, messages, media, comments, shop states */

/* ---- window.c ---- */
struct window {
    const char *state; /* "none", "first", "active", "silent" */
    int64_t left;      /* -1: without limit */
    int64_t ends_ms;   /* 0: no end */
};
struct window window_at(const struct sim *s, const struct thread *t);
/* NULL: one more may be sent. Else the text that goes with 40064. Nothing is counted. */
const char *window_refusal(struct sim *s, const struct thread *t);
void window_count(struct sim *s, struct thread *t, bool from_shop, int64_t at_ms); /* a message came */

/* ---- talk_events.c: events as TikTok writes them; each returns the first delivery or 0 ---- */
uint64_t event_message(struct sim *s, const struct message *m, const struct plan *plan_or_null);
struct reaction_event {
    const struct message *of;
    bool removed, ai;
    const char *emoji;
    int64_t at_ms;
};
uint64_t event_reaction(struct sim *s, const struct reaction_event *r, const struct plan *plan_or_null);
uint64_t event_read(struct sim *s, struct thread *t, const struct plan *plan_or_null);
uint64_t event_referral(struct sim *s, struct thread *t, const struct plan *plan_or_null);
/* Any event of a shop: fill writes the members of content. */
uint64_t event_emit(struct sim *s, const struct shop *shop, const char *name,
                    void (*fill)(struct sim *s, struct out *o, const void *arg), const void *arg,
                    const struct plan *plan_or_null);
void put_party(struct out *o, const char *key, const char *id, const char *role);
void put_picture_url(struct sim *s, struct out *o, const char *key, const struct message *m);
void embed_url(const struct message *m, char out[160]);
int64_t talk_now(const struct sim *s); /* TikTok's clock, that may be wrong by switch */

/* ---- writing to shops (phone_write.c) ---- */
struct written { /* what a customer, or a person at the shop, does in TikTok's app */
    const char
        *kind; /* "text", "image", "video", "sticker", "emoji", "share_post", "reaction", "tap", "referral" */
    str text, quoted, message, button, picture, from;
    bool remove, ai;
};
/* The message (of a reaction: the one it belongs to); NULL: *why says what does not fit. */
struct message *talk_write(struct sim *s, struct thread *t, const struct written *w, const struct plan *plan,
                           uint64_t *delivery, const char **why);
void talk_read(struct sim *s, struct thread *t, const struct plan *plan_or_null); /* the page is open */

bool image_capable(const struct sim *s, const struct thread *t); /* messages.c */

/* ---- media.c ---- */
struct media *media_find(struct sim *s, str id);
struct media *media_add(struct sim *s, const struct media *like, str bytes);
struct media *media_drawn(struct sim *s, unsigned user, bool video, str seed); /* a picture of our own */
const char *picture_type(str bytes); /* "image/jpeg", "image/png" or NULL, by content */
bool media_expired(const struct sim *s, const struct media *m);
void media_clear(struct sim *s);
void media_url(struct sim *s, const struct media *m, struct buf *b);
#endif
