/* im_receive_msg to struct inbound. Pure. Optional in production: scene_type, is_follower, message_tag
 * (business- messaging 3.5), so only ids, time and type are demanded. The envelope counts seconds, the
 * content milliseconds.
 */
#include "messaging/messaging.h"

enum { ID_BYTES = 256, TYPE_BYTES = 64, TEXT_BYTES = 64 << 10 };

static const struct {
    const char *type;
    enum message_form form;
} types[] = {
    {"text", FORM_SHOWN},       {"image", FORM_NOT_YET},    {"video", FORM_NOT_YET},
    {"sticker", FORM_NOT_YET},  {"emoji", FORM_NOT_YET},    {"share_post", FORM_NOT_YET},
    {"template", FORM_NOT_YET}, {"reaction", FORM_NO_LINE},
};

static enum message_form form_of(str type)
{
    for (size_t i = 0; i < COUNT_OF(types); i++)
        if (str_eq(type, str_of(types[i].type)))
            return types[i].form;
    return FORM_NOT_YET;
}

static enum rc missing(const char *field, struct fault *why)
{
    return fault_set(why, RC_INVALID, "messaging.content", "the field %s is missing or too long", field);
}

static bool id_of(const struct json *obj, const char *key, str *out)
{
    str s;
    if (!json_str(obj, key, &s) || s.n == 0 || s.n > ID_BYTES)
        return false;
    *out = s;
    return true;
}

enum rc inbound_parse(const struct webhook_event *ev, struct inbound *out, struct fault *why)
{
    const struct json *c = ev->content;
    struct inbound in = {.text = STR_NONE, .quoted = STR_NONE, .username = STR_NONE};
    if (!id_of(c, "conversation_id", &in.conversation))
        return missing("conversation_id", why);
    if (!id_of(c, "message_id", &in.message))
        return missing("message_id", why);
    if (!json_i64(c, "timestamp", &in.at_ms) || in.at_ms <= 0)
        return missing("timestamp", why);
    if (!json_str(c, "type", &in.type) || in.type.n == 0 || in.type.n > TYPE_BYTES)
        return missing("type", why);
    if (!id_of(c, "unique_identifier", &in.person) && !id_of(json_get(c, "from_user"), "id", &in.person))
        return missing("unique_identifier", why);
    in.form = form_of(in.type);
    if (in.form == FORM_SHOWN && (!json_str(json_get(c, "text"), "body", &in.text) || in.text.n > TEXT_BYTES))
        return missing("text.body", why);
    (void)id_of(json_get(c, "referenced_message_info"), "referenced_message_id", &in.quoted);
    (void)id_of(c, "from", &in.username);
    *out = in;
    return RC_OK;
}
