/* Rows of conversations: threads, messages, media, automatic messages, comments. Included by model.h.
 *
 * A message holds its long text on the heap. Messages and media are rings: the oldest row is forgotten, and a
 * link to a forgotten row is seen by its number, which never repeats.
 */
#ifndef SIM_CHAT_H
#define SIM_CHAT_H
#include "base/base.h"
#include "bounds.h"

enum content {
    CONTENT_TEXT,
    CONTENT_IMAGE,
    CONTENT_VIDEO,
    CONTENT_STICKER,
    CONTENT_EMOJI,
    CONTENT_SHARE_POST,
    CONTENT_TEMPLATE,
    CONTENT_KINDS
};
enum source { SOURCE_APP, SOURCE_WEB, SOURCE_API, SOURCE_OTHERS, SOURCE_KINDS };
enum {
    CARD_BUTTONS = 3,
    CARD_TEXT = 164, /* 40 characters of four bytes */
    MESSAGE_REACTIONS = 4
};
struct card { /* TEMPLATE: titles and buttons; link: QA_LINK_CARD */
    bool link;
    char title[CARD_TEXT];
    struct {
        char title[CARD_TEXT], id[CARD_TEXT];
    } buttons[CARD_BUTTONS];
    unsigned n;
};
struct reaction {
    bool by_shop, ai;
    char emoji[40];
    int64_t at_ms;
};
struct message {
    uint64_t n, prev; /* 1, 2 ... over all messages; 0: free. prev: the one before in its thread */
    unsigned thread;
    char id[ID_SIZE];
    enum content content;
    enum source source;
    bool from_shop;
    const char *automatic;                      /* WELCOME_MESSAGE ...; NULL: a person or the API */
    char *text;                                 /* heap; of pictures and posts: empty */
    struct card *card;                          /* heap */
    char media[ID_SIZE], post[24], picture[24]; /* picture: name of a sticker or emoji */
    char quoted[ID_SIZE], tapped[ID_SIZE], button[CARD_TEXT];
    struct reaction reactions[MESSAGE_REACTIONS];
    unsigned n_reactions;
    uint64_t delivery;
    int64_t at_ms;
    char log_id[40]; /* of the API call that sent it */
};
struct thread {
    char id[ID_SIZE];
    unsigned shop, customer;
    uint64_t last; /* newest message; 0: none yet */
    int64_t n_in, n_out, first_in_ms, last_in_ms, last_out_ms, update_ms;
    int64_t read_ms;           /* the customer has read up to here */
    bool answered, replied;    /* the shop wrote; and the customer wrote after that */
    int64_t sent_in_window;    /* by the shop since the last message of the customer, within 48 hours */
    int64_t sent_in_silence;   /* and after them */
    int64_t typing, mark_read; /* SENDER_ACTIONs */
    int64_t typing_ms, comment_ms;
    int64_t refused;           /* sends that the rules refused */
    char referral[8], ref[96]; /* "ad", "link" */
    int64_t referral_ms;
};
struct media {
    uint64_t n;
    char id[ID_SIZE];
    unsigned user; /* whose account uploaded it; of a customer's: the shop's owner */
    bool video, inbound;
    const char *type;
    char *bytes; /* heap */
    size_t size;
    int64_t made_ms;
};
enum auto_kind { AUTO_WELCOME, AUTO_QUESTION, AUTO_PROMPT, AUTO_KINDS };
struct auto_message {
    bool used;
    enum auto_kind kind;
    char id[24], first[1024], second[1024]; /* content; question and answer; title and content */
    bool rejected;
    int64_t review_ms; /* REVIEWING until then */
    int64_t order;
};
struct shop_state { /* what a shop keeps at TikTok beside its row */
    bool auto_on[AUTO_KINDS], direct_reply;
    struct auto_message autos[10];
    int64_t day, of_day; /* conversations that were answered on this UTC day */
};
enum comment_status { COMMENT_PUBLIC, COMMENT_HIDDEN, COMMENT_DELETED };
struct comment {
    int64_t id, video, parent; /* parent 0: top level */
    unsigned shop, customer;
    bool by_shop, liked, high_intent, answered; /* answered: by a direct message */
    enum comment_status status;
    int64_t likes, at_ms;
    char *text; /* heap */
};
#endif
