/* Writing JSON in document order. The writer places commas and quotes and refuses wrong nesting as our own
 * mistake; a text that does not fit is seen at the end, in the buffer. Strings are always valid UTF-8
 * afterwards, and no character that could break a log line, a terminal or an HTML page's script leaves
 * unescaped.
 */
#include "json/json.h"

#define IN_OBJECT 1U
#define HAS_ITEM 2U

void jw_init(struct jw *w, struct buf *b)
{
    *w = (struct jw){.b = b};
}

/* Comma and key. state[0] is the document itself: one value, no key. */
static void before_value(struct jw *w, const char *key)
{
    unsigned char *s = &w->state[w->depth];
    must(((*s & IN_OBJECT) != 0) == (key != NULL));
    must(w->depth > 0 || (*s & HAS_ITEM) == 0);
    if ((*s & HAS_ITEM) != 0)
        buf_put_c(w->b, ',');
    *s |= HAS_ITEM;
    if (key != NULL) {
        json_put_quoted(w->b, str_of(key));
        buf_put_c(w->b, ':');
    }
}

static void open_level(struct jw *w, const char *key, char c, unsigned char state)
{
    before_value(w, key);
    must(w->depth + 1 < sizeof(w->state));
    w->state[++w->depth] = state;
    buf_put_c(w->b, c);
}

void jw_obj(struct jw *w, const char *key_or_null)
{
    open_level(w, key_or_null, '{', IN_OBJECT);
}

void jw_arr(struct jw *w, const char *key_or_null)
{
    open_level(w, key_or_null, '[', 0);
}

void jw_end(struct jw *w)
{
    must(w->depth > 0);
    buf_put_c(w->b, (w->state[w->depth] & IN_OBJECT) != 0 ? '}' : ']');
    w->depth--;
}

void jw_str(struct jw *w, const char *key_or_null, str s)
{
    before_value(w, key_or_null);
    if (s.p == NULL)
        buf_put(w->b, STR("null"));
    else
        json_put_quoted(w->b, s);
}

void jw_cstr(struct jw *w, const char *key_or_null, const char *s)
{
    jw_str(w, key_or_null, str_of(s));
}

void jw_i64(struct jw *w, const char *key_or_null, int64_t v)
{
    before_value(w, key_or_null);
    buf_put_i64(w->b, v);
}

void jw_bool(struct jw *w, const char *key_or_null, bool v)
{
    before_value(w, key_or_null);
    buf_put(w->b, v ? STR("true") : STR("false"));
}

void jw_null(struct jw *w, const char *key_or_null)
{
    before_value(w, key_or_null);
    buf_put(w->b, STR("null"));
}

void jw_time(struct jw *w, const char *key_or_null, int64_t ms)
{
    char text[TIME_TEXT];
    jw_cstr(w, key_or_null, ms == 0 ? NULL : time_iso(ms, text));
}

void jw_raw(struct jw *w, const char *key_or_null, str json_text)
{
    before_value(w, key_or_null);
    buf_put(w->b, json_text.n == 0 ? STR("null") : json_text);
}

/* The shortest of three spellings that reads back as the same number. */
static void put_double(struct buf *b, double d)
{
    char text[40];
    for (int digits = 15; digits <= 17; digits++) {
        (void)snprintf(text, sizeof(text), "%.*g", digits, d);
        double back = strtod(text, NULL);
        if (memcmp(&back, &d, sizeof(d)) == 0)
            break;
    }
    buf_put(b, str_of(text));
    if (strpbrk(text, ".en") == NULL) /* keep it a double for the next reader */
        buf_put(b, STR(".0"));
}

static void put_tree(struct jw *w, const char *key, const struct json *node);

static void put_children(struct jw *w, const struct json *node)
{
    if (w->depth + 1 >=
        sizeof(w->state)) { /* foreign text nested deeper than can be written: not our mistake */
        w->b->failed = true;
        before_value(w, NULL);
        return;
    }
    if (node->type == JSON_OBJ)
        open_level(w, NULL, '{', 0); /* keys are written below: a tree's key may hold a NUL */
    else
        open_level(w, NULL, '[', 0);
    for (const struct json *c = node->child; c != NULL; c = c->next) {
        if (node->type != JSON_OBJ) {
            put_tree(w, NULL, c);
            continue;
        }
        before_value(w, NULL);
        json_put_quoted(w->b, c->key);
        buf_put_c(w->b, ':');
        w->state[w->depth] &= (unsigned char)~HAS_ITEM;
        put_tree(w, NULL, c);
    }
    buf_put_c(w->b, node->type == JSON_OBJ ? '}' : ']');
    w->depth--;
}

static void put_tree(struct jw *w, const char *key, const struct json *node)
{
    if (key !=
        NULL) { /* from here on the key is written: the value is placed as the first of a key-less level */
        before_value(w, key);
        unsigned char kept = w->state[w->depth];
        w->state[w->depth] = 0;
        put_tree(w, NULL, node);
        w->state[w->depth] = kept;
        return;
    }
    switch (node == NULL ? JSON_NULL : node->type) {
    case JSON_BOOL:
        jw_bool(w, NULL, node->b);
        break;
    case JSON_INT:
        jw_i64(w, NULL, node->i);
        break;
    case JSON_DOUBLE:
        before_value(w, NULL);
        put_double(w->b, node->d);
        break;
    case JSON_STR:
        jw_str(w, NULL, node->s);
        break;
    case JSON_ARR:
    case JSON_OBJ:
        put_children(w, node);
        break;
    case JSON_NULL:
    default:
        jw_null(w, NULL);
        break;
    }
}

void jw_tree(struct jw *w, const char *key_or_null, const struct json *node)
{
    put_tree(w, key_or_null, node);
}

/* Characters that are legal in a JSON string and yet do harm: controls (C1, DEL), line separators,
 * direction marks that reorder what a person reads, and the byte order mark. */
static bool harmful(uint32_t cp)
{
    return cp < 0x20 || (cp >= 0x7F && cp <= 0x9F) || cp == 0x061C || cp == 0x200E || cp == 0x200F ||
           cp == 0x2028 || cp == 0x2029 || (cp >= 0x202A && cp <= 0x202E) || (cp >= 0x2066 && cp <= 0x2069) ||
           cp == 0xFEFF;
}

static uint32_t code_point(const unsigned char *p, size_t len)
{
    static const unsigned char lead_mask[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
    uint32_t cp = p[0] & lead_mask[len];
    for (size_t i = 1; i < len; i++)
        cp = cp << 6 | (p[i] & 0x3FU);
    return cp;
}

static const char short_escape[128] = {
    ['"'] = '"', ['\\'] = '\\', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't', ['\b'] = 'b', ['\f'] = 'f',
};

static void put_escaped(struct buf *b, uint32_t cp)
{
    if (cp < 128 && short_escape[cp] != 0) {
        buf_put_c(b, '\\');
        buf_put_c(b, short_escape[cp]);
        return;
    }
    const unsigned char two[2] = {(unsigned char)(cp >> 8 & 0xFF), (unsigned char)(cp & 0xFF)};
    buf_put(b, STR("\\u"));
    buf_put_hex(b, two, 2);
}

void json_put_quoted(struct buf *b, str s)
{
    const unsigned char *p = (const unsigned char *)s.p;
    size_t from = 0, i = 0; /* [from, i) waits to be copied as it is */
    buf_put_c(b, '"');
    while (i < s.n) {
        size_t len = utf8_len(str_sub(s, i, 4));
        uint32_t cp = len == 0 ? 0 : code_point(p + i, len);
        bool plain = len != 0 && !harmful(cp) && cp != '"' && cp != '\\';
        if (!plain) {
            buf_put(b, (str){s.p + from, i - from});
            if (len == 0)
                buf_put(b, STR("\xEF\xBF\xBD"));
            else
                put_escaped(b, cp);
            from = i + (len == 0 ? 1 : len);
        }
        i += len == 0 ? 1 : len;
    }
    if (i > from)
        buf_put(b, (str){s.p + from, i - from});
    buf_put_c(b, '"');
}
