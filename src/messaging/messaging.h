/* messaging: conversations and messages of connected business accounts.
 *
 * Tables: conversations, messages, message_reactions, conversation_referrals, messages_eu. Flow: webhook puts
 * the job messaging.inbound under the key in:<conversation>; the job loads the event, parses it (pure) and in
 * one transaction touches the contact, finds or makes the conversation, stores the message once on TikTok's
 * message id, moves the conversation by its table, emits the event and puts the feed entries. A second
 * delivery finds the message and changes nothing. What the business wrote elsewhere (TikTok's app, its web
 * pages, robots) comes as an echo and is stored as sent. Order inside a conversation is TikTok's time, then
 * TikTok's message id; late and shuffled events end in the same state as timely ones: times only grow,
 * reactions keep the newest word, unread is counted from what is stored. A referral or reaction that comes
 * before its conversation or message waits under TikTok's id. Types that this version does not show are
 * stored with their reference, so that a later one can. Threads: jobs' intake workers and http's workers.
 * Personal data: messages.text and content (plain, so that people can search it), referrals.
 */
#ifndef MZ_MESSAGING_H
#define MZ_MESSAGING_H
#include "base/base.h"
#include "config/config.h"
#include "contacts/contacts.h"
#include "feed/feed.h"
#include "http/http.h"
#include "jobs/jobs.h"
#include "mozflow/mozflow.h"
#include "store/store.h"
#include "webhook/webhook.h"

struct messaging {
    struct store *store;
    struct webhook *webhook;
    struct log *log;
    const struct config *config;
    struct accounts *accounts; /* from here on: for the set-up (messaging/setup.h) */
    struct audit *audit;
    struct budget *budget;
    struct fetch *fetch;
    struct tiktok *tiktok;
};

/* ---- pure: what an im_receive_msg or im_send_msg says (business-messaging 3.5) ---- */
enum message_form {
    FORM_SHOWN,   /* this version shows it */
    FORM_NOT_YET, /* a line of the thread that this version cannot show; its event is kept */
    FORM_REACTION /* belongs to another message: no line of its own */
};
/* Who wrote it: the customer, our API call, the business in TikTok's app or on its web pages, a robot. */
enum message_source { SOURCE_CUSTOMER, SOURCE_API, SOURCE_APP, SOURCE_WEB, SOURCE_OTHER, SOURCES };
extern const char *const message_source_names[SOURCES];
struct inbound {
    str conversation, message; /* TikTok's ids */
    str type, text, quoted;    /* quoted: TikTok's id of the message that this one quotes */
    str person, username;      /* unique_identifier and handle of the customer, whoever writes */
    str automatic;             /* WELCOME_MESSAGE, SUGGESTED_QUESTION, AUTO_REPLY; else none */
    str content;               /* JSON object: what the type holds besides its text; else none */
    const struct json *reactions;
    int64_t at_ms; /* TikTok's time */
    enum message_source source;
    enum message_form form;
};
/* RC_INVALID "messaging.content" names the missing field. Strings live as long as the event, or in mem. */
MUSTCHECK enum rc inbound_parse(const struct webhook_event *ev, struct arena *mem, struct inbound *out,
                                struct fault *why);
struct reaction {           /* one element of `reaction` */
    str message;            /* TikTok's id of the message it belongs to */
    str person, kind, mark; /* kind: emoji, ai_emoji; mark: the emoji, or the picture's address */
    int64_t at_ms;
    bool removed;
};
MUSTCHECK enum rc reaction_parse(const struct json *element, const struct inbound *in, struct reaction *out,
                                 struct fault *why);

/* ---- pure: events that are no message ---- */
struct read_mark { /* im_mark_read_msg: the customer has read all up to this time */
    str conversation, person, username;
    int64_t until_ms, at_ms;
};
MUSTCHECK enum rc read_mark_parse(const struct webhook_event *ev, struct read_mark *out, struct fault *why);
struct referral {             /* im_referral_msg: where the customer came from, before the first message */
    str conversation, source; /* ad, short_link */
    str advertiser, ad, ad_name, ref, prefilled;
    int64_t at_ms;
};
MUSTCHECK enum rc referral_parse(const struct webhook_event *ev, struct referral *out, struct fault *why);
/* im_receive_msg_eu: somebody in EEA, CH or UK wrote. TikTok sends nothing but the time. */
MUSTCHECK enum rc eu_parse(const struct webhook_event *ev, int64_t *at_ms, struct fault *why);

/* ---- the conversation's state: one function, one table ---- */
enum conversation_status {
    CONV_OPEN,
    CONV_WAITING_US,
    CONV_WAITING_CUSTOMER,
    CONV_SNOOZED,
    CONV_CLOSED,
    CONV_STATUSES
};
enum conversation_event { CONV_CUSTOMER_WROTE, CONV_WE_WROTE, CONV_EVENTS };
extern const char *const conversation_status_names[CONV_STATUSES];
/* RC_BUG "messaging.move" for an unlisted pair. */
MUSTCHECK enum rc conversation_move(enum conversation_status from, enum conversation_event by,
                                    enum conversation_status *to, struct fault *why);

/* ---- the sending window (business-messaging 2.1): what TikTok's pages say may still be sent ---- */
/* DOCUMENTED: the page on limits: 10 after the first message, unlimited for 48 h after each reply, 3 once
 * silent. STRICT: the page of the send call: 10 in the 48 h after each message of the customer. */
enum window_policy { WINDOW_DOCUMENTED, WINDOW_STRICT, WINDOW_POLICIES };
extern const char *const window_policy_names[WINDOW_POLICIES];
struct window_facts {
    int64_t last_in_ms;     /* the customer's newest message; 0: none, nothing may be sent */
    bool replied;           /* the customer has answered a message of ours */
    int64_t sent_since_in;  /* our messages after last_in_ms, */
    int64_t sent_since_end; /* and after the 48 h; automatic ones are not counted */
};
struct window {
    const char *state; /* "none", "first", "active", "silent" */
    int64_t left;      /* messages that may still be sent; WINDOW_UNLIMITED */
    int64_t ends_ms;   /* when the state ends by itself; 0: only by the customer */
};
#define WINDOW_MS ((int64_t)48 * 3600 * 1000)
#define WINDOW_UNLIMITED INT64_MAX
struct window window_of(enum window_policy policy, const struct window_facts *facts, int64_t now_ms);

extern const struct migration_table messaging_migrations; /* 4100+ */
extern const struct webhook_row messaging_webhooks[];
extern const size_t messaging_webhooks_n;
extern const struct route messaging_routes[]; /* ctx: struct messaging */
extern const size_t messaging_routes_n;
extern const struct job_kind messaging_jobs[]; /* ctx: struct messaging */
extern const size_t messaging_jobs_n;
extern const struct mozflow_event messaging_events[];
extern const size_t messaging_events_n;
extern const struct problem_row messaging_problems[];
extern const size_t messaging_problems_n;
extern const struct setting messaging_settings[];
extern const size_t messaging_settings_n;
extern const struct metric messaging_metrics[];
extern const size_t messaging_metrics_n;
extern const struct event_doc messaging_event_docs[];
extern const size_t messaging_event_docs_n;
extern const struct explain_row messaging_explain[];
extern const size_t messaging_explain_n;
#include "messaging/setup.h"
#endif
