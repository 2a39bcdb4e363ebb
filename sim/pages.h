/* Pages: one frame, two languages, texts by table. Every page says "Simulated TikTok". No script or style
 * inside. */
#ifndef SIM_PAGES_H
#define SIM_PAGES_H
#include "sim.h"

enum word {
    W_SIMULATED,
    W_NOTE,
    W_HOME,
    W_PEOPLE,
    W_PHONE,
    W_SCANNER,
    W_LANGUAGE,
    W_HOME_TITLE,
    W_HOME_TEXT,
    W_WHO,
    W_WHO_TEXT,
    W_CONTINUE_AS,
    W_CANNOT,
    W_NOBODY,
    W_WANTS,
    W_WILL,
    W_REQUIRED,
    W_ALLOW,
    W_DENY,
    W_NOT_YOU,
    W_YOU_ARE,
    W_WRONG,
    W_WRONG_TEXT,
    W_LOG_ID,
    W_PHONE_TITLE,
    W_PHONE_TEXT,
    W_CUSTOMER,
    W_SHOP,
    W_MESSAGE,
    W_SEND,
    W_OPEN,
    W_NO_MESSAGES,
    W_NO_SHOPS,
    W_ST_WAITING,
    W_ST_DELIVERED,
    W_ST_RETRYING,
    W_ST_LOST,
    W_ST_DROPPED,
    W_SCAN_TITLE,
    W_SCAN_TEXT,
    W_SCAN_URL,
    W_SCAN,
    W_CONFIRM,
    W_CANCEL,
    W_SCAN_DONE,
    W_SCAN_BAD,
    W_TICKETS,
    W_BACK,
    W_SANDBOX,
    W_TOO_LONG,
    W_AD_ACCOUNTS,
    W_NO_AD_ACCOUNTS,
    W_MORE,
    W_STICKER,
    W_EMOJI,
    W_IMAGE,
    W_VIDEO,
    W_POST,
    W_FILE,
    W_QUOTE,
    W_QUOTING,
    W_QUOTED_OTHER,
    W_REACT,
    W_TYPING,
    W_AUTOMATIC,
    W_COMMENTS,
    W_COMMENT,
    W_INTENT,
    W_COUNT
};
struct sheet {
    struct sim *s;
    const struct ask *q;
    struct reply *a;
    struct buf *b;
    bool thai;
};
/* Starts an HTML page with the frame; narrow: a card in the middle. sheet_end closes it. */
void sheet_begin(struct sheet *p, struct sim *s, const struct ask *q, struct reply *a);
void sheet_open(struct sheet *p, enum word title, bool narrow, const char *script_or_null);
void sheet_end(struct sheet *p);
const char *word(const struct sheet *p, enum word w);
void put_word(struct sheet *p, enum word w);     /* escaped */
void put_text(struct sheet *p, str s);           /* escaped */
void put_raw(struct sheet *p, const char *html); /* constant markup only */
void put_hidden(struct sheet *p, const char *name, str value);
void put_face(struct sheet *p, const struct user *u, unsigned side);
bool sheet_thai(const struct ask *q);
#endif
