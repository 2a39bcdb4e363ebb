/* Events about a conversation that are no message: read, where the customer came from, a customer whom
 * TikTok hides. Pure (business-messaging 3.6). */
#include "messaging/messaging_priv.h"

enum { REF_BYTES = 2083, NAME_BYTES = 512 };

static str short_text(const struct json *obj, const char *key, size_t max)
{
    str s;
    return json_str(obj, key, &s) && s.n <= max ? s : STR_NONE;
}

/* An object in webhooks, an array of them in REST answers; either may come. */
static const struct json *only(const struct json *v)
{
    return v != NULL && v->type == JSON_ARR ? v->child : v;
}

enum rc read_mark_parse(const struct webhook_event *ev, struct read_mark *out, struct fault *why)
{
    const struct json *c = ev->content;
    struct read_mark r = {.username = short_text(c, "from", NAME_BYTES)};
    if (!content_id(c, "conversation_id", &r.conversation))
        return content_missing("conversation_id", why);
    if (!content_id(json_get(c, "from_user"), "id", &r.person) &&
        !content_id(c, "unique_identifier", &r.person))
        return content_missing("from_user.id", why);
    if (!json_i64(json_get(c, "read"), "last_read_timestamp", &r.until_ms) || r.until_ms <= 0)
        return content_missing("read.last_read_timestamp", why);
    if (!json_i64(c, "timestamp", &r.at_ms) || r.at_ms <= 0)
        r.at_ms = r.until_ms;
    *out = r;
    return RC_OK;
}

enum rc referral_parse(const struct webhook_event *ev, struct referral *out, struct fault *why)
{
    const struct json *c = ev->content, *from = json_get(c, "referral");
    const struct json *ad = only(json_get(from, "ad")), *link = only(json_get(from, "short_link"));
    struct referral r = {.source = short_text(from, "source", 32)};
    if (!content_id(c, "conversation_id", &r.conversation))
        return content_missing("conversation_id", why);
    if (!json_i64(c, "timestamp", &r.at_ms) || r.at_ms <= 0)
        return content_missing("timestamp", why);
    if (r.source.n == 0)
        return content_missing("referral.source", why);
    r.advertiser = short_text(ad, "advertiser_id", 64);
    r.ad = short_text(ad, "ad_id", 64);
    r.ad_name = short_text(ad, "ad_name", NAME_BYTES);
    r.ref = short_text(link, "ref", REF_BYTES);
    r.prefilled = short_text(link, "prefilled_message", REF_BYTES);
    *out = r;
    return RC_OK;
}

enum rc eu_parse(const struct webhook_event *ev, int64_t *at_ms, struct fault *why)
{
    int64_t at = 0;
    if (!json_i64(ev->content, "timestamp", &at) || at <= 0)
        return content_missing("timestamp", why);
    *at_ms = at;
    return RC_OK;
}
