/* The room's const rows. The JSON Schema of message.received and the REST shapes come from the same writers.
 * */
#include "messaging/messaging_priv.h"

static str key_of_conversation(const struct webhook_event *ev, struct arena *mem)
{
    str id;
    if (!json_str(ev->content, "conversation_id", &id) || id.n == 0 || id.n > 256)
        return STR_NONE;
    return arena_fmt(mem, "in:" STR_FMT ":" STR_FMT, STR_ARG(ev->user_openid), STR_ARG(id));
}

static str key_of_account(const struct webhook_event *ev, struct arena *mem)
{
    return arena_fmt(mem, "in:" STR_FMT, STR_ARG(ev->user_openid));
}

#define KEPT(name, text)                                                                                     \
    {                                                                                                        \
        .event = name, .scope = WEBHOOK_BUSINESS, .doc = text                                                \
    }
const struct webhook_row messaging_webhooks[] = {
    {.event = "im_receive_msg",
     .scope = WEBHOOK_BUSINESS,
     .job_kind = "messaging.inbound",
     .order_key = key_of_conversation,
     .doc = "A customer outside EEA, CH and UK wrote."},
    {.event = "im_send_msg",
     .scope = WEBHOOK_BUSINESS,
     .job_kind = "messaging.inbound",
     .order_key = key_of_conversation,
     .doc = "The business sent something: by the API, in TikTok's app, on its web pages, or a robot did."},
    {.event = "im_receive_msg_eu",
     .scope = WEBHOOK_BUSINESS,
     .job_kind = "messaging.inbound",
     .order_key = key_of_account,
     .doc = "A customer in EEA, CH or UK wrote: TikTok sends no content. Counted; no conversation."},
    {.event = "im_referral_msg",
     .scope = WEBHOOK_BUSINESS,
     .job_kind = "messaging.inbound",
     .order_key = key_of_conversation,
     .doc = "A customer came from an ad or a tiktok.me link. Kept until the conversation exists."},
    {.event = "im_mark_read_msg",
     .scope = WEBHOOK_BUSINESS,
     .job_kind = "messaging.inbound",
     .order_key = key_of_conversation,
     .doc = "The customer read the thread up to a time, which never goes back."},
    KEPT("im_auto_message_config_update", "An automatic message was changed."),
    KEPT("im_auto_message_audit_update", "An automatic message was reviewed."),
    KEPT("im_receive_high_intent_comment", "A comment that shows interest in buying."),
    KEPT("comment.update", "A comment was made, deleted, hidden or shown."),
    KEPT("brand.mention.event", "The brand was mentioned."),
};
const size_t messaging_webhooks_n = COUNT_OF(messaging_webhooks);

const struct job_kind messaging_jobs[] = {
    {.name = "messaging.inbound",
     .order = JOB_ONE,
     .cls = JOBS_INTAKE,
     .retry = &retry_fast,
     .run = messaging_inbound,
     .doc = "Stores one event of a conversation (message, echo, reaction, read mark, referral), once."},
};
const size_t messaging_jobs_n = COUNT_OF(messaging_jobs);

#define STATES "open|waiting_us|waiting_customer|snoozed|closed"
static const struct param one_params[] = {
    {.name = "id",
     .in = IN_PATH,
     .kind = P_ID,
     .choices = "cnv",
     .required = true,
     .doc = "The conversation."},
};
static const struct param list_params[] = {
    {.name = "limit",
     .in = IN_QUERY,
     .kind = P_INT,
     .min = 1,
     .max = 100,
     .doc = "Entries a page; 50 when absent."},
    {.name = "cursor",
     .in = IN_QUERY,
     .kind = P_CURSOR,
     .max = 512,
     .doc = "next_cursor of the page before."},
    {.name = "status",
     .in = IN_QUERY,
     .kind = P_ENUM,
     .choices = STATES,
     .doc = "Only conversations in this state."},
};
static const struct param messages_params[] = {
    {.name = "id",
     .in = IN_PATH,
     .kind = P_ID,
     .choices = "cnv",
     .required = true,
     .doc = "The conversation."},
    {.name = "limit",
     .in = IN_QUERY,
     .kind = P_INT,
     .min = 1,
     .max = 100,
     .doc = "Entries a page; 50 when absent."},
    {.name = "cursor",
     .in = IN_QUERY,
     .kind = P_CURSOR,
     .max = 512,
     .doc = "next_cursor of the page before."},
};

static const struct shape shape_contact = {
    .name = "ConversationContact",
    .doc = "The customer of a conversation.",
    .fields = {{"id", A_TEXT, .doc = "con_..."},
               {"name", A_TEXT, MAY_BE_NULL, .doc = "Display name, when TikTok gave one."},
               {"username", A_TEXT, MAY_BE_NULL, .doc = "TikTok's username."},
               {"avatar_url", A_URL, MAY_BE_NULL, .doc = "Picture."}}};
static const struct shape shape_last_message = {
    .name = "LastMessage",
    .doc = "The newest message of a conversation.",
    .fields = {{"id", A_TEXT, .doc = "msg_..."},
               {"type", A_TEXT, .doc = "TikTok's name of the kind: text, image, ..."},
               {"direction", A_ENUM, .choices = "in|out", .doc = "in: from the customer."},
               {"text", A_TEXT, MAY_BE_NULL, .doc = "The text; null for other kinds."},
               {"at", A_TIME, .doc = "TikTok's time."},
               {"shown", A_FLAG, .doc = "Whether this version shows the kind."}}};
static const struct shape shape_referral = {
    .name = "ConversationReferral",
    .doc = "Where the customer came from most recently.",
    .fields = {{"source", A_TEXT, .doc = "ad or short_link, as TikTok calls it."},
               {"advertiser_id", A_TEXT, MAY_BE_NULL, .doc = "Of the ad."},
               {"ad_id", A_TEXT, MAY_BE_NULL, .doc = "The ad."},
               {"ad_name", A_TEXT, MAY_BE_NULL, .doc = "Its name at that time."},
               {"ref", A_TEXT, MAY_BE_NULL, .doc = "The tag of the tiktok.me link."},
               {"prefilled_message", A_TEXT, MAY_BE_NULL, .doc = "The text that the link proposed."},
               {"at", A_TIME, .doc = "TikTok's time."}}};
static const struct shape shape_window = {
    .name = "SendingWindow",
    .doc = "What TikTok's pages say may still be sent; its own refusal always wins.",
    .fields = {
        {"policy", A_ENUM, .choices = "documented|strict", .doc = "Which of TikTok's pages is followed."},
        {"state", A_ENUM, .choices = "none|first|active|silent",
         .doc = "none: the customer never wrote; first: has not answered us yet; active: wrote within 48 h; "
                "silent: not for 48 h."},
        {"messages_left", A_INT, MAY_BE_NULL, .doc = "Messages that may still be sent; null: no limit."},
        {"ends_at", A_TIME, MAY_BE_NULL,
         .doc = "When the 48 hours end; null: they have not begun or are over."}}};
static const struct shape shape_button = {
    .name = "MessageButton",
    .doc = "A button of a card.",
    .fields = {{"text", A_TEXT, MAY_BE_ABSENT, .doc = "Its label."},
               {"id", A_TEXT, MAY_BE_ABSENT, .doc = "The id that was given when it was sent."}}};
static const struct shape shape_content = {
    .name = "MessageContent",
    .doc = "What a message holds besides its text; which members there are depends on its type.",
    .fields = {
        {"media_id", A_TEXT, MAY_BE_ABSENT, .doc = "image, video: TikTok's id of the file."},
        {"url", A_TEXT, MAY_BE_ABSENT, .doc = "sticker, emoji: TikTok's address of the picture."},
        {"video_id", A_TEXT, MAY_BE_ABSENT, .doc = "share_post: the video."},
        {"embed_url", A_TEXT, MAY_BE_ABSENT, .doc = "share_post: its player."},
        {"type", A_TEXT, MAY_BE_ABSENT, .doc = "template: qa_button_card or qa_link_card."},
        {"title", A_TEXT, MAY_BE_ABSENT, .doc = "template: its text."},
        {"buttons", A_MANY, MAY_BE_ABSENT, .of = &shape_button, .doc = "template: its buttons."},
        {"button_id", A_TEXT, MAY_BE_ABSENT, .doc = "The text was made by tapping this button of ours."},
        {"button_of", A_TEXT, MAY_BE_ABSENT, .doc = "TikTok's id of the card it stands on."}}};
static const struct shape shape_reaction = {
    .name = "MessageReaction",
    .doc = "An emoji that somebody put on a message.",
    .fields = {{"kind", A_ENUM, .choices = "emoji|ai_emoji", .doc = "ai_emoji: a picture."},
               {"mark", A_TEXT, .doc = "The emoji, or the picture's address without its signature."},
               {"at", A_TIME, .doc = "TikTok's time."}}};
static const struct shape shape_conversation = {
    .name = "Conversation",
    .doc = "A conversation with one customer.",
    .fields = {
        {"id", A_TEXT, .doc = "cnv_..."},
        {"account_id", A_TEXT, .doc = "The business account it belongs to."},
        {"external_id", A_TEXT, .doc = "TikTok's id of the conversation."},
        {"contact", A_ONE, .of = &shape_contact, .doc = "The customer."},
        {"status", A_ENUM, .choices = STATES, .doc = "Where it stands."},
        {"unread_count", A_INT, .doc = "Messages since somebody last read it."},
        {"last_message_at", A_TIME, MAY_BE_NULL, .doc = "TikTok's time of the newest message."},
        {"created_at", A_TIME, .doc = "When it was first stored."},
        {"customer_read_at", A_TIME, MAY_BE_NULL, .doc = "The customer has read all up to this time."},
        {"last_message", A_ONE, MAY_BE_NULL, .of = &shape_last_message, .doc = "The newest message."},
        {"referral", A_ONE, MAY_BE_NULL, .of = &shape_referral, .doc = "Where the customer came from."},
        {"window", A_ONE, .of = &shape_window, .doc = "What may still be sent."}}};
static const struct shape shape_message = {
    .name = "Message",
    .doc = "A message, stored once.",
    .fields = {
        {"id", A_TEXT, .doc = "msg_..."},
        {"conversation_id", A_TEXT, .doc = "Its conversation."},
        {"account_id", A_TEXT, .doc = "Its business account."},
        {"external_id", A_TEXT, .doc = "TikTok's id of the message."},
        {"direction", A_ENUM, .choices = "in|out", .doc = "in: from the customer."},
        {"type", A_TEXT, .doc = "TikTok's name of the kind: text, image, ..."},
        {"shown", A_FLAG, .doc = "Whether this version shows the kind."},
        {"text", A_TEXT, MAY_BE_NULL, .doc = "The text; null for other kinds."},
        {"quoted_external_id", A_TEXT, MAY_BE_NULL, .doc = "TikTok's id of the message it answers."},
        {"source", A_ENUM, .choices = "customer|api|app|web|other",
         .doc = "Who wrote: api is this service; app and web are the business in TikTok itself."},
        {"automatic", A_TEXT, MAY_BE_NULL, .doc = "TikTok's kind of automatic message; null: a person's."},
        {"content", A_ONE, MAY_BE_NULL, .of = &shape_content, .doc = "What it holds besides text."},
        {"state", A_ENUM, .choices = "received|sent|read", .doc = "TikTok reports no delivery."},
        {"reactions", A_MANY, .of = &shape_reaction, .doc = "Those that were not taken back."},
        {"sent_at", A_TIME, .doc = "TikTok's time."},
        {"received_at", A_TIME, .doc = "When the webhook came."}}};

const struct route messaging_routes[] = {
    {.method = "GET",
     .path = "/v1/conversations",
     .name = "listConversations",
     .cls = HTTP_READ,
     .need = PERM_CONVERSATIONS_READ,
     .params = list_params,
     .n_params = COUNT_OF(list_params),
     .handle = list_conversations,
     .doc = "Conversations of the workspace, most recent first.",
     .gives = &shape_conversation,
     .many = true},
    {.method = "GET",
     .path = "/v1/conversations/{id}",
     .name = "getConversation",
     .cls = HTTP_READ,
     .need = PERM_CONVERSATIONS_READ,
     .params = one_params,
     .n_params = COUNT_OF(one_params),
     .handle = get_conversation,
     .doc = "One conversation.",
     .gives = &shape_conversation},
    {.method = "PUT",
     .path = "/v1/conversations/{id}/read",
     .name = "readConversation",
     .cls = HTTP_WRITE,
     .need = PERM_CONVERSATIONS_WRITE,
     .params = one_params,
     .n_params = COUNT_OF(one_params),
     .handle = read_conversation,
     .doc = "Sets the unread count of a conversation to zero. TikTok is not told.",
     .gives = &shape_conversation},
    {.method = "GET",
     .path = "/v1/conversations/{id}/messages",
     .name = "listMessages",
     .cls = HTTP_READ,
     .need = PERM_CONVERSATIONS_READ,
     .params = messages_params,
     .n_params = COUNT_OF(messages_params),
     .handle = list_messages,
     .doc = "Messages of a conversation, newest first by TikTok's time.",
     .gives = &shape_message,
     .many = true},
};
const size_t messaging_routes_n = COUNT_OF(messaging_routes);

/* Members may be added; these stay. The whole shapes are those of REST. */
#define SCHEMA_CONVERSATION                                                                                  \
    "\"conversation\":{\"type\":\"object\",\"required\":[\"id\",\"contact\",\"status\",\"unread_count\","    \
    "\"referral\",\"window\"]}"
#define SCHEMA_MESSAGE                                                                                       \
    "{\"type\":\"object\",\"required\":[\"message\",\"conversation\"],\"properties\":{\"message\":{"         \
    "\"type\":\"object\",\"required\":[\"id\",\"conversation_id\",\"external_id\",\"direction\",\"type\","   \
    "\"shown\",\"source\",\"state\",\"reactions\",\"sent_at\"],\"properties\":{\"id\":{\"type\":\"string\"}" \
    ","                                                                                                      \
    "\"text\":{\"type\":[\"string\",\"null\"]},\"shown\":{\"type\":\"boolean\"},"                            \
    "\"state\":{\"enum\":[\"received\",\"sent\",\"read\"]}}}," SCHEMA_CONVERSATION "}}"
const struct mozflow_event messaging_events[] = {
    {.type = "message.received",
     .doc = "A customer's message was stored. Sent once for each message of TikTok.",
     .schema = SCHEMA_MESSAGE,
     .render = render_message},
    {.type = "message.sent",
     .doc = "A message of the business was seen at TikTok: sent by the API, in its app, on its web pages or "
            "by a "
            "robot. Sent once for each message of TikTok.",
     .schema = SCHEMA_MESSAGE,
     .render = render_message},
    {.type = "message.reacted",
     .doc = "An emoji was put on a message, or taken back. The message comes with all that stand now.",
     .schema = SCHEMA_MESSAGE,
     .render = render_message},
    {.type = "conversation.read",
     .doc = "The customer has read further than before.",
     .schema =
         "{\"type\":\"object\",\"required\":[\"conversation\"],\"properties\":{" SCHEMA_CONVERSATION "}}",
     .render = render_conversation},
};
const size_t messaging_events_n = COUNT_OF(messaging_events);

const struct problem_row messaging_problems[] = {
    {.code = "messaging.missing",
     .status = 404,
     .en_title = "No such conversation",
     .en_means = "There is no conversation with this id in your workspace.",
     .en_todo = "Go back to the list of conversations.",
     .th_title = "ไม่พบการสนทนา",
     .th_means = "ไม่มีการสนทนารหัสนี้ในพื้นที่ทำงานของท่าน",
     .th_todo = "โปรดกลับไปยังรายการการสนทนา"},
    {.code = "messaging.cursor",
     .status = 400,
     .en_title = "Unusable cursor",
     .en_means = "The cursor was not made by this list.",
     .en_todo = "Start again without a cursor.",
     .th_title = "ตำแหน่งหน้ารายการใช้ไม่ได้",
     .th_means = "ค่าตำแหน่งนี้ไม่ได้มาจากรายการนี้",
     .th_todo = "โปรดเริ่มใหม่โดยไม่ระบุตำแหน่ง"},
    {.code = "messaging.content",
     .status = 422,
     .en_title = "TikTok sent a message that cannot be read",
     .en_means = "The event is authentic, but a field that every message has is missing. It is kept.",
     .en_todo = "Tell the operator the reference; after an upgrade it can be replayed.",
     .th_title = "อ่านข้อความจาก TikTok ไม่ได้",
     .th_means = "เหตุการณ์เป็นของจริง แต่ขาดข้อมูลที่ทุกข้อความต้องมี ระบบเก็บไว้แล้ว",
     .th_todo = "โปรดแจ้งรหัสอ้างอิงแก่ผู้ดูแลระบบ สามารถประมวลผลซ้ำได้หลังปรับรุ่น"},
};
const size_t messaging_problems_n = COUNT_OF(messaging_problems);

const struct setting messaging_settings[] = {
    {.key = "messaging.window_policy",
     .kind = SET_ENUM,
     .choices = "documented|strict",
     .def = "documented",
     .doc =
         "Which of TikTok's two pages on limits is believed. documented: 10 messages after the first one, no "
         "limit for 48 h after each reply, 3 once silent. strict: 10 in the 48 h after each message."},
};
const size_t messaging_settings_n = COUNT_OF(messaging_settings);

const struct metric messaging_metrics[] = {
    {.name = "mz_messages_in_total",
     .kind = METRIC_COUNTER,
     .labels = "outcome",
     .doc = "Events of conversations handled: shown, not_shown_yet, reaction, read, referral, eu. "
            "Redeliveries count again here."},
};
const size_t messaging_metrics_n = COUNT_OF(messaging_metrics);

const struct event_doc messaging_event_docs[] = {
    {"message.in", "An event of a conversation was handled; ids, outcome and age, never its text."},
};
const size_t messaging_event_docs_n = COUNT_OF(messaging_event_docs);

const struct explain_row messaging_explain[] = {
    {"msg_", explain_message, "A message: written, stored, event, delivery; its webhook follows."},
    {"cnv_", explain_conversation, "A conversation: since when, how it stands; its newest message follows."},
};
const size_t messaging_explain_n = COUNT_OF(messaging_explain);
