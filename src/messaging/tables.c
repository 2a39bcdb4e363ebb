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
    KEPT("im_send_msg", "The business sent something: kept until part 3 shows echoes."),
    KEPT("im_receive_msg_eu", "A customer in EEA, CH or UK wrote: TikTok sends no content."),
    KEPT("im_referral_msg", "A customer came from an ad or a tiktok.me link."),
    KEPT("im_mark_read_msg", "The customer read the thread."),
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
     .doc = "Stores one inbound message with its contact and conversation, once."},
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
        {"last_message", A_ONE, MAY_BE_NULL, .of = &shape_last_message, .doc = "The newest message."}}};
static const struct shape shape_message = {
    .name = "Message",
    .doc = "A message, stored once.",
    .fields = {{"id", A_TEXT, .doc = "msg_..."},
               {"conversation_id", A_TEXT, .doc = "Its conversation."},
               {"account_id", A_TEXT, .doc = "Its business account."},
               {"external_id", A_TEXT, .doc = "TikTok's id of the message."},
               {"direction", A_ENUM, .choices = "in|out", .doc = "in: from the customer."},
               {"type", A_TEXT, .doc = "TikTok's name of the kind: text, image, ..."},
               {"shown", A_FLAG, .doc = "Whether this version shows the kind."},
               {"text", A_TEXT, MAY_BE_NULL, .doc = "The text; null for other kinds."},
               {"quoted_external_id", A_TEXT, MAY_BE_NULL, .doc = "TikTok's id of the message it answers."},
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

const struct mozflow_event messaging_events[] = {
    {.type = "message.received",
     .doc = "A customer's message was stored. Sent once for each message of TikTok.",
     .schema = "{\"type\":\"object\",\"required\":[\"message\",\"conversation\"],\"properties\":{\"message\":"
               "{\"type\":"
               "\"object\",\"required\":[\"id\",\"conversation_id\",\"external_id\",\"direction\",\"type\","
               "\"shown\","
               "\"sent_at\"],\"properties\":{\"id\":{\"type\":\"string\"},\"text\":{\"type\":[\"string\","
               "\"null\"]},"
               "\"shown\":{\"type\":\"boolean\"}}},\"conversation\":{\"type\":\"object\",\"required\":["
               "\"id\",\"contact\","
               "\"status\"]}}}",
     .render = render_message},
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

const struct metric messaging_metrics[] = {
    {.name = "mz_messages_in_total",
     .kind = METRIC_COUNTER,
     .labels = "outcome",
     .doc = "Inbound message events handled: shown, not_shown_yet, no_line. Redeliveries count again here."},
};
const size_t messaging_metrics_n = COUNT_OF(messaging_metrics);

const struct event_doc messaging_event_docs[] = {
    {"message.in", "An inbound message event was handled; ids, type, outcome and age, never its text."},
};
const size_t messaging_event_docs_n = COUNT_OF(messaging_event_docs);

const struct explain_row messaging_explain[] = {
    {"msg_", explain_message, "A message: written, stored, event, delivery; its webhook follows."},
    {"cnv_", explain_conversation, "A conversation: since when, how it stands; its newest message follows."},
};
const size_t messaging_explain_n = COUNT_OF(messaging_explain);
