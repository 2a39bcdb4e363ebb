/* messaging: conversations and messages of connected business accounts. Part 1: text messages in.
 *
 * Tables: conversations, messages. Flow: webhook puts the job messaging.inbound under the key
 * in:<conversation>; the job loads the event, parses it (pure) and in one transaction touches the contact,
 * finds or makes the conversation, stores the message once on TikTok's message id, moves the conversation by
 * its table, emits message.received and puts the feed entries. A second delivery finds the message and
 * changes nothing. Order inside a conversation is TikTok's time, then TikTok's message id; late events end in
 * the same state as timely ones. Types other than text are stored as "not shown yet" with their reference, so
 * that a later version can show them. Threads: jobs' intake workers and http's workers. Personal data:
 * messages.text (plain, so that people can search it).
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
    const struct config *config; /* from here on: for the set-up (messaging/setup.h) */
    struct accounts *accounts;
    struct audit *audit;
    struct budget *budget;
    struct fetch *fetch;
    struct tiktok *tiktok;
};

/* ---- pure: what an im_receive_msg says (business-messaging 3.5) ---- */
enum message_form {
    FORM_SHOWN,   /* this version shows it */
    FORM_NOT_YET, /* a line of the thread that this version cannot show */
    FORM_NO_LINE  /* belongs to another message (reaction): no line of its own */
};
struct inbound {
    str conversation, message; /* TikTok's ids */
    str type, text, quoted;    /* quoted: TikTok's id of the message that this one quotes */
    str person, username;      /* unique_identifier and handle of the customer */
    int64_t at_ms;             /* TikTok's time */
    enum message_form form;
};
/* RC_INVALID "messaging.content" names the missing field. Strings live as long as the event. */
MUSTCHECK enum rc inbound_parse(const struct webhook_event *ev, struct inbound *out, struct fault *why);

/* ---- the conversation's state: one function, one table ---- */
enum conversation_status {
    CONV_OPEN,
    CONV_WAITING_US,
    CONV_WAITING_CUSTOMER,
    CONV_SNOOZED,
    CONV_CLOSED,
    CONV_STATUSES
};
enum conversation_event { CONV_CUSTOMER_WROTE, CONV_EVENTS };
extern const char *const conversation_status_names[CONV_STATUSES];
/* RC_BUG "messaging.move" for an unlisted pair. */
MUSTCHECK enum rc conversation_move(enum conversation_status from, enum conversation_event by,
                                    enum conversation_status *to, struct fault *why);

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
extern const struct metric messaging_metrics[];
extern const size_t messaging_metrics_n;
extern const struct event_doc messaging_event_docs[];
extern const size_t messaging_event_docs_n;
extern const struct explain_row messaging_explain[];
extern const size_t messaging_explain_n;
#include "messaging/setup.h"
#endif
