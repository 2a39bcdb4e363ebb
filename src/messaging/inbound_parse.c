/* im_receive_msg and im_send_msg to struct inbound; pure. Optional in production: scene_type, is_follower,
 * message_tag (business-messaging 3.5), so only ids, time and type are demanded. The envelope counts seconds,
 * the content milliseconds. What can go wrong: a field that every message has is missing or too long.
 */
#include "messaging/messaging_priv.h"

enum { ID_BYTES = 256, TYPE_BYTES = 64, TEXT_BYTES = 64 << 10, URL_BYTES = 2048, CONTENT_BYTES = 16 << 10 };

const char *const message_source_names[SOURCES] = {
    [SOURCE_CUSTOMER] = "customer", [SOURCE_API] = "api",     [SOURCE_APP] = "app",
    [SOURCE_WEB] = "web",           [SOURCE_OTHER] = "other",
};

enum rc content_missing(const char *field, struct fault *why)
{
    return fault_set(why, RC_INVALID, "messaging.content", "the field %s is missing or too long", field);
}

bool content_id(const struct json *obj, const char *key, str *out)
{
    str s;
    if (!json_str(obj, key, &s) || s.n == 0 || s.n > ID_BYTES)
        return false;
    *out = s;
    return true;
}

/* ---- what a type holds, in our words: one writer per type ---- */
static void copy(const struct json *from, const char *name, struct jw *w)
{
    str s;
    if (json_str(from, name, &s) && s.n <= URL_BYTES)
        jw_str(w, name, s);
}

static void put_media(const struct json *part, struct jw *w)
{
    copy(part, "media_id", w);
}

static void put_url(const struct json *part, struct jw *w)
{
    copy(part, "url", w);
}

static void put_post(const struct json *part, struct jw *w)
{
    copy(part, "video_id", w);
    copy(part, "embed_url", w);
}

/* The echo nests elements and calls a button's label `text`; the send call does neither (3.5). */
static void put_template(const struct json *part, struct jw *w)
{
    enum { BUTTONS = 3 };
    const struct json *element = json_get(part, "elements");
    element = element != NULL && element->type == JSON_ARR ? element->child : NULL;
    const struct json *buttons = json_get(element, "buttons");
    copy(part, "type", w);
    copy(element, "title", w);
    jw_arr(w, "buttons");
    const struct json *b = buttons != NULL && buttons->type == JSON_ARR ? buttons->child : NULL;
    for (int i = 0; b != NULL && i < BUTTONS; b = b->next, i++) {
        jw_obj(w, NULL);
        copy(b, "text", w);
        copy(b, "id", w);
        jw_end(w);
    }
    jw_end(w);
}

static const struct type_row {
    const char *type; /* also the name of its part of the content */
    enum message_form form;
    void (*put)(const struct json *part, struct jw *w);
} types[] = {
    {"text", FORM_SHOWN, NULL},
    {"share_post", FORM_SHOWN, put_post},
    {"template", FORM_SHOWN, put_template},
    {"image", FORM_NOT_YET, put_media},
    {"video", FORM_NOT_YET, put_media},
    {"sticker", FORM_NOT_YET, put_url},
    {"emoji", FORM_NOT_YET, put_url},
    {"reaction", FORM_REACTION, NULL},
};

static const struct type_row *type_of(str type)
{
    static const struct type_row unknown = {NULL, FORM_NOT_YET, NULL};
    for (size_t i = 0; i < COUNT_OF(types); i++)
        if (str_eq(type, str_of(types[i].type)))
            return &types[i];
    return &unknown;
}

static enum message_source source_of(const struct json *c)
{
    static const struct {
        const char *name;
        enum message_source source;
    } rows[] = {{"API", SOURCE_API}, {"APP", SOURCE_APP}, {"WEB", SOURCE_WEB}};
    str name;
    if (json_str(json_get(c, "message_tag"), "source", &name))
        for (size_t i = 0; i < COUNT_OF(rows); i++)
            if (str_eq(name, str_of(rows[i].name)))
                return rows[i].source;
    return SOURCE_OTHER; /* OTHERS, UNKNOWN_SOURCE, or left out */
}

/* A text that was made by tapping a card carries whose and which button it was. */
static void put_button(const struct json *c, struct jw *w)
{
    const struct json *tap = json_get(c, "reply_source_payload");
    str s;
    if (json_str(tap, "reply_source_unique_id", &s) && s.n <= ID_BYTES)
        jw_str(w, "button_id", s);
    if (json_str(tap, "reply_source_msg_id", &s) && s.n <= ID_BYTES)
        jw_str(w, "button_of", s);
}

static enum rc content_of(const struct json *c, const struct type_row *row, struct arena *mem, str *out,
                          struct fault *why)
{
    bool tapped = json_get(c, "reply_source_payload") != NULL;
    if (row->put == NULL && !tapped)
        return RC_OK;
    struct buf b;
    struct jw w;
    buf_init(&b, mem, CONTENT_BYTES);
    jw_init(&w, &b);
    jw_obj(&w, NULL);
    if (row->put != NULL)
        row->put(json_get(c, row->type), &w);
    if (tapped)
        put_button(c, &w);
    jw_end(&w);
    if (!buf_ok(&b))
        return content_missing(row->type, why);
    *out = buf_str(&b);
    return RC_OK;
}

/* Who the customer is: the sender of what came in, the receiver of what went out. On echoes
 * unique_identifier is not documented, so the user object decides there. */
static bool person_of(const struct json *c, bool out, struct inbound *in)
{
    (void)content_id(c, out ? "to" : "from", &in->username);
    if (out)
        return content_id(json_get(c, "to_user"), "id", &in->person);
    return content_id(c, "unique_identifier", &in->person) ||
           content_id(json_get(c, "from_user"), "id", &in->person);
}

enum rc inbound_parse(const struct webhook_event *ev, struct arena *mem, struct inbound *out,
                      struct fault *why)
{
    const struct json *c = ev->content;
    bool echo = str_eq(ev->name, STR("im_send_msg"));
    struct inbound in = {.source = echo ? source_of(c) : SOURCE_CUSTOMER};
    if (!content_id(c, "conversation_id", &in.conversation))
        return content_missing("conversation_id", why);
    if (!json_i64(c, "timestamp", &in.at_ms) || in.at_ms <= 0)
        return content_missing("timestamp", why);
    if (!json_str(c, "type", &in.type) || in.type.n == 0 || in.type.n > TYPE_BYTES)
        return content_missing("type", why);
    if (!person_of(c, echo, &in))
        return content_missing(echo ? "to_user.id" : "unique_identifier", why);
    const struct type_row *row = type_of(in.type);
    in.form = row->form;
    in.reactions = json_get(c, "reaction");
    if (!content_id(c, "message_id", &in.message) && in.form != FORM_REACTION)
        return content_missing("message_id", why);
    bool text = str_eq(in.type, STR("text"));
    if (text && (!json_str(json_get(c, "text"), "body", &in.text) || in.text.n > TEXT_BYTES))
        return content_missing("text.body", why);
    (void)content_id(json_get(c, "referenced_message_info"), "referenced_message_id", &in.quoted);
    (void)content_id(c, "auto_message_type", &in.automatic);
    enum rc rc = content_of(c, row, mem, &in.content, why);
    if (rc == RC_OK)
        *out = in;
    return rc;
}

enum rc reaction_parse(const struct json *element, const struct inbound *in, struct reaction *out,
                       struct fault *why)
{
    str operation, type;
    struct reaction r = {.person = in->person, .at_ms = in->at_ms};
    if (!content_id(element, "original_msg_id", &r.message))
        return content_missing("reaction.original_msg_id", why);
    if (!json_str(element, "operation", &operation) || !json_str(element, "type", &type))
        return content_missing("reaction.operation", why);
    bool made = str_eq(type, STR("AI_EMOJI"));
    if (!json_str(element, made ? "ai_emoji_url" : "emoji", &r.mark) || r.mark.n == 0 || r.mark.n > URL_BYTES)
        return content_missing("reaction.emoji", why);
    r.kind = made ? STR("ai_emoji") : STR("emoji");
    r.removed = str_eq(operation, STR("REMOVE"));
    if (made) /* the same picture is signed anew each time: what comes before the query names it */
        (void)str_cut(&(str){r.mark.p, r.mark.n}, '?', &r.mark);
    (void)content_id(element, "unique_identifier", &r.person);
    (void)json_i64(element, "timestamp", &r.at_ms);
    *out = r;
    return RC_OK;
}
