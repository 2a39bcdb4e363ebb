/* The pure front of the intake: signature header, time class, the envelope's create_time. Runs on untrusted
 * bytes before anything is verified, so it allocates nothing and looks at a bounded number of bytes. Source
 * of the header's form: business-messaging 3.2 (developers.tiktok.com/doc/webhooks-verification).
 */
#include "webhook/webhook.h"

enum { FRESH_S = 300, KEEP_S = 73 * 3600, SCAN_BYTES = 4096, HEADER_BYTES = 512, FINE_MS = 5000 };

static bool part_t(str value, bool *seen, int64_t *out)
{
    uint64_t t = 0;
    if (*seen || value.n == 0 || value.n > 12 || !str_to_u64(value, &t))
        return false;
    *seen = true;
    *out = (int64_t)t;
    return true;
}

static bool part_s(str value, bool *seen, unsigned char out[32])
{
    if (*seen || !hex_parse(value, out, 32))
        return false;
    *seen = true;
    return true;
}

bool signature_parse(str header, struct signature *out)
{
    struct signature sig = {0, {0}};
    bool seen_t = false, seen_s = false;
    str rest = header, part;
    if (header.n > HEADER_BYTES)
        return false;
    while (str_cut(&rest, ',', &part)) {
        str value = str_trim(part), name;
        if (!str_cut(&value, '=', &name))
            return false;
        if (str_eq(name, STR("t")) && !part_t(value, &seen_t, &sig.t_s))
            return false;
        if (str_eq(name, STR("s")) && !part_s(value, &seen_s, sig.s))
            return false;
    }
    if (!seen_t || !seen_s)
        return false;
    *out = sig;
    return true;
}

enum time_class time_classify(int64_t t_s, int64_t now_ms)
{
    int64_t age = now_ms / 1000 - t_s;
    if (age < -FRESH_S || age > KEEP_S)
        return TIME_QUARANTINE;
    return age > FRESH_S ? TIME_STALE : TIME_FRESH;
}

/* Index just behind the string that opens at `at` (a quote), or 0 when it does not end in the text. */
static size_t skip_string(str text, size_t at)
{
    for (size_t i = at + 1; i < text.n; i++) {
        if (text.p[i] == '\\')
            i++;
        else if (text.p[i] == '"')
            return i + 1;
    }
    return 0;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static int64_t number_after(str text, size_t at)
{
    int64_t v = 0;
    size_t digits = 0;
    while (at < text.n && is_blank(text.p[at]))
        at++;
    if (at >= text.n || text.p[at] != ':')
        return 0;
    for (at++; at < text.n && is_blank(text.p[at]); at++)
        ;
    for (; at < text.n && text.p[at] >= '0' && text.p[at] <= '9' && digits < 12; at++, digits++)
        v = v * 10 + (text.p[at] - '0');
    return digits < 12 ? v : 0;
}

int64_t envelope_create_time(str body)
{
    str text = str_sub(body, 0, SCAN_BYTES);
    int depth = 0;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c == '{' || c == '[')
            depth++;
        else if (c == '}' || c == ']')
            depth--;
        else if (c == '"') {
            size_t end = skip_string(text, i);
            if (end == 0)
                return 0;
            if (depth == 1 && str_eq(str_sub(text, i, end - i), STR("\"create_time\""))) {
                int64_t v = number_after(text, end);
                if (v != 0)
                    return v;
            }
            i = end - 1;
        }
    }
    return 0;
}

int64_t envelope_event_ms(str body)
{
    static const char name[] = "\\\"timestamp\\\":"; /* inside content, which is JSON in a string */
    int64_t ms = envelope_create_time(body) * 1000;
    str text = str_sub(body, 0, SCAN_BYTES);
    const char *at = memmem(text.p, text.n, name, sizeof name - 1);
    if (at == NULL || ms == 0)
        return ms;
    int64_t fine = 0;
    size_t i = (size_t)(at - text.p) + sizeof name - 1, digits = 0;
    for (; i < text.n && text.p[i] >= '0' && text.p[i] <= '9' && digits < 14; i++, digits++)
        fine = fine * 10 + (text.p[i] - '0');
    return digits == 13 && fine - ms <= FINE_MS && ms - fine <= FINE_MS ? fine : ms;
}
