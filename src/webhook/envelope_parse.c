/* The envelope after the commit: {client_key, event, create_time (s), user_openid, content (JSON inside a
 * string)}. Pure. An authentic body that is no envelope is RC_INVALID: the caller keeps it. user_openid may
 * be absent (login-kit 6.3, portability events); content that is no JSON leaves content NULL, and the handler
 * decides.
 */
#include "webhook/webhook.h"

static const struct json_limits limits = {.text_bytes = 8u << 20, .depth = 32, .nodes = 1000000};

enum rc webhook_parse(str body, struct arena *mem, struct webhook_event *out, struct fault *why)
{
    const struct json *root = NULL;
    struct webhook_event ev = *out;
    struct fault inner = {0};
    enum rc rc = json_parse(body, &limits, mem, &root, &inner);
    if (rc == RC_FULL)
        return fault_set(why, RC_FULL, "webhook.memory", "%s", inner.detail);
    if (rc != RC_OK || root->type != JSON_OBJ)
        return fault_set(why, RC_INVALID, "webhook.unparsable", "the body is no JSON object");
    if (!json_str(root, "event", &ev.name) || ev.name.n == 0 || ev.name.n > 128 ||
        !json_str(root, "client_key", &ev.client_key))
        return fault_set(why, RC_INVALID, "webhook.unparsable", "event or client_key is missing");
    if (!json_i64(root, "create_time", &ev.create_time_s))
        ev.create_time_s = 0;
    if (!json_str(root, "user_openid", &ev.user_openid))
        ev.user_openid = STR_NONE;
    if (!json_str(root, "content", &ev.content_text))
        ev.content_text = STR_NONE;
    ev.content = NULL;
    if (ev.content_text.n > 0 && json_parse(ev.content_text, &limits, mem, &ev.content, &inner) == RC_FULL)
        return fault_set(why, RC_FULL, "webhook.memory", "%s", inner.detail);
    *out = ev;
    return RC_OK;
}
