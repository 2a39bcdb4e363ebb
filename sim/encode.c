/* Form, query, HTML and JSON text as the simulator reads and writes it (encode.h). Pure; a full buffer is
 * sticky in struct buf and seen once by the caller. Numbers never pass through a double.
 */
#include "encode.h"

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool percent_decode_once(str text, bool plus, struct arena *mem, str *out)
{
    char *to = arena_take(mem, text.n + 1);
    if (to == NULL)
        return false;
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c == '+' && plus) {
            c = ' ';
        } else if (c == '%') {
            if (i + 2 >= text.n)
                return false;
            int high = hex_value(text.p[i + 1]), low = hex_value(text.p[i + 2]);
            if (high < 0 || low < 0)
                return false;
            c = (char)(high * 16 + low);
            i += 2;
        }
        if (c == '\0')
            return false;
        to[n++] = c;
    }
    *out = (str){to, n};
    return true;
}

static bool pair_read(str part, struct arena *mem, struct field_pair *out)
{
    size_t at = 0;
    while (at < part.n && part.p[at] != '=')
        at++;
    str name = {part.p, at}, value = {part.p + at, 0};
    if (at < part.n)
        value = (str){part.p + at + 1, part.n - at - 1};
    return percent_decode_once(name, true, mem, &out->name) &&
           percent_decode_once(value, true, mem, &out->value);
}

bool form_read(str text, struct arena *mem, struct form *out)
{
    out->n = 0;
    for (size_t from = 0, i = 0; i <= text.n; i++) {
        if (i < text.n && text.p[i] != '&')
            continue;
        str part = {text.p + from, i - from};
        from = i + 1;
        if (part.n == 0)
            continue;
        if (out->n == FORM_MAX || !pair_read(part, mem, &out->at[out->n]))
            return false;
        out->n++;
    }
    return true;
}

str form_get(const struct form *f, const char *name)
{
    for (size_t i = 0; i < f->n; i++)
        if (str_eq(f->at[i].name, str_of(name)))
            return f->at[i].value;
    return STR_NONE;
}

bool form_twice(const struct form *f, const char *name)
{
    size_t seen = 0;
    for (size_t i = 0; i < f->n; i++)
        seen += str_eq(f->at[i].name, str_of(name)) ? 1 : 0;
    return seen > 1;
}

static bool unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.' || c == '~';
}

void put_escaped(struct buf *b, str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (unreserved(s.p[i]))
            buf_put_c(b, s.p[i]);
        else
            buf_fmt(b, "%%%02X", (unsigned)(unsigned char)s.p[i]);
    }
}

void put_param(struct buf *b, bool first, const char *name, str value)
{
    if (!first)
        buf_put_c(b, '&');
    buf_put(b, str_of(name));
    buf_put_c(b, '=');
    put_escaped(b, value);
}

void put_html(struct buf *b, str s)
{
    for (size_t i = 0; i < s.n; i++) {
        switch (s.p[i]) {
        case '&':
            buf_put(b, STR("&amp;"));
            break;
        case '<':
            buf_put(b, STR("&lt;"));
            break;
        case '>':
            buf_put(b, STR("&gt;"));
            break;
        case '"':
            buf_put(b, STR("&quot;"));
            break;
        case '\'':
            buf_put(b, STR("&#39;"));
            break;
        default:
            buf_put_c(b, s.p[i]);
        }
    }
}

/* ---- JSON ---- */

/* Decodes one code point; returns its length in bytes, 1 with U+FFFD for a bad byte. */
static size_t code_point(str s, size_t at, uint32_t *out)
{
    const unsigned char *p = (const unsigned char *)s.p + at;
    size_t left = s.n - at, need = p[0] < 0x80 ? 1 : p[0] >= 0xF0 ? 4 : p[0] >= 0xE0 ? 3 : 2;
    *out = 0xFFFD;
    if (need > left || !utf8_valid((str){s.p + at, need}))
        return 1;
    static const unsigned char mask[5] = {0, 0x7F, 0x1F, 0x0F, 0x07};
    uint32_t c = p[0] & mask[need];
    for (size_t i = 1; i < need; i++)
        c = c << 6 | (p[i] & 0x3F);
    *out = c;
    return need;
}

static void put_u(struct buf *b, uint32_t c)
{
    if (c >= 0x10000) {
        c -= 0x10000;
        buf_fmt(b, "\\u%04x\\u%04x", 0xD800 + (unsigned)(c >> 10), 0xDC00 + (unsigned)(c & 0x3FF));
    } else {
        buf_fmt(b, "\\u%04x", (unsigned)c);
    }
}

static bool put_short(struct buf *b, uint32_t c, bool escape)
{
    static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
    for (size_t i = 0; from[i] != '\0'; i++) {
        if (c == (uint32_t)from[i]) {
            buf_put_c(b, '\\');
            buf_put_c(b, to[i]);
            return true;
        }
    }
    if (c == '/' && escape) {
        buf_put(b, STR("\\/"));
        return true;
    }
    return false;
}

void put_json_text(struct buf *b, str s, bool escape)
{
    buf_put_c(b, '"');
    for (size_t i = 0; i < s.n;) {
        uint32_t c;
        size_t n = code_point(s, i, &c);
        if (put_short(b, c, escape)) {
            i += n;
            continue;
        }
        if (c < 0x20 || (escape && c >= 0x80))
            put_u(b, c);
        else if (c == 0xFFFD && n == 1)
            buf_put(b, STR("\xEF\xBF\xBD"));
        else
            buf_put(b, (str){s.p + i, n});
        i += n;
    }
    buf_put_c(b, '"');
}

void out_init(struct out *o, struct buf *b, bool escape)
{
    *o = (struct out){.b = b, .escape = escape};
}

static void out_key(struct out *o, const char *key)
{
    if (o->comma)
        buf_put_c(o->b, ',');
    o->comma = true;
    if (key != NULL) {
        put_json_text(o->b, str_of(key), o->escape);
        buf_put_c(o->b, ':');
    }
}

void out_open(struct out *o, const char *key, char bracket)
{
    out_key(o, key);
    buf_put_c(o->b, bracket);
    o->comma = false;
}

void out_close(struct out *o, char bracket)
{
    buf_put_c(o->b, bracket);
    o->comma = true;
}

void out_str(struct out *o, const char *key, str s)
{
    out_key(o, key);
    put_json_text(o->b, s, o->escape);
}

void out_cstr(struct out *o, const char *key, const char *s)
{
    out_str(o, key, str_of(s));
}

void out_int(struct out *o, const char *key, int64_t v)
{
    out_key(o, key);
    buf_put_i64(o->b, v);
}

void out_bool(struct out *o, const char *key, bool v)
{
    out_key(o, key);
    buf_put(o->b, v ? STR("true") : STR("false"));
}

void out_raw(struct out *o, const char *key, str json)
{
    out_key(o, key);
    buf_put(o->b, json);
}
