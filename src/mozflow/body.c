/* What goes over the wire, as pure functions: the CloudEvents document, Standard Webhooks signatures,
 * Retry-After. Sources: CloudEvents 1.0.2 (structured JSON mode), the Standard Webhooks specification
 * (signature scheme v1).
 */
#include "mozflow/mozflow_priv.h"

#define DAY_MS (24LL * 3600 * 1000)

str mozflow_body(const struct envelope *e, struct arena *mem)
{
    struct buf b;
    struct jw w;
    str source = arena_fmt(mem, STR_FMT "/workspaces/" STR_FMT, STR_ARG(e->base_url), STR_ARG(e->workspace));
    str type = arena_fmt(mem, "mozflow.tiktok." STR_FMT, STR_ARG(e->type));
    buf_init(&b, mem, MOZFLOW_BODY_MAX);
    jw_init(&w, &b);
    jw_obj(&w, NULL);
    jw_cstr(&w, "specversion", "1.0");
    jw_str(&w, "id", e->id);
    jw_str(&w, "source", source);
    jw_str(&w, "type", type);
    if (e->subject.n > 0)
        jw_str(&w, "subject", e->subject);
    jw_time(&w, "time", e->created_ms);
    jw_cstr(&w, "datacontenttype", "application/json");
    jw_raw(&w, "data", e->data);
    jw_end(&w);
    return source.p && type.p && buf_ok(&b) ? buf_str(&b) : STR_NONE;
}

bool mozflow_secret_parse(str text, struct arena *secret_mem, struct secret *key)
{
    str bytes;
    if (!str_starts(text, STR("whsec_")) || !base64_parse(str_sub(text, 6, text.n), secret_mem, &bytes))
        return false;
    if (bytes.n < 24 || bytes.n > 64)
        return false;
    *key = (struct secret){(const unsigned char *)bytes.p, bytes.n};
    return true;
}

str mozflow_signature(const struct secret *keys, size_t n, const str parts[3], struct arena *mem)
{
    struct buf b;
    const str text[] = {parts[0], STR("."), parts[1], STR("."), parts[2]};
    buf_init(&b, mem, 1024);
    for (size_t i = 0; i < n; i++) {
        unsigned char mac[SHA256_BYTES];
        hmac_once(keys[i], text, COUNT_OF(text), mac);
        buf_put(&b, i ? STR(" v1,") : STR("v1,"));
        buf_put_base64(&b, mac, sizeof mac);
    }
    return buf_str(&b);
}

static int64_t bounded(int64_t wait_ms)
{
    return wait_ms < 0 ? 0 : wait_ms > DAY_MS ? DAY_MS : wait_ms;
}

int64_t mozflow_retry_after(str value, int64_t now_ms)
{
    int64_t seconds;
    char text[40];
    struct tm t = {0};
    str v = str_trim(value);
    if (v.n == 0 || v.n >= sizeof text)
        return 0;
    if (str_to_i64(v, &seconds))
        return seconds > DAY_MS / 1000 ? DAY_MS : bounded(seconds * 1000);
    memcpy(text, v.p, v.n);
    text[v.n] = 0;
    const char *end = strptime(text, "%a, %d %b %Y %H:%M:%S GMT", &t);
    return end && *end == 0 ? bounded((int64_t)timegm(&t) * 1000 - now_ms) : 0;
}
