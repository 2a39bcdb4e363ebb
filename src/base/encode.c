/* Text forms of bytes. Parsers accept one spelling only where a value is compared later: base64 refuses
 * bits left over and missing or surplus padding, percent-decoding refuses a NUL. */
#include "base/base_priv.h"

static const char hex_lower[] = "0123456789abcdef";
static const char hex_upper[] = "0123456789ABCDEF";
static const char b64_std[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char b64_url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void buf_put_hex(struct buf *b, const void *p, size_t n)
{
    const unsigned char *in = p;
    for (size_t i = 0; i < n; i++) {
        buf_put_c(b, hex_lower[in[i] >> 4]);
        buf_put_c(b, hex_lower[in[i] & 15]);
    }
}

static void put_b64(struct buf *b, str bytes, const char *alphabet, bool pad)
{
    const unsigned char *in = (const unsigned char *)bytes.p;
    for (size_t i = 0; i < bytes.n; i += 3) {
        size_t left = bytes.n - i;
        unsigned v = (unsigned)in[i] << 16;
        if (left > 1)
            v |= (unsigned)in[i + 1] << 8;
        if (left > 2)
            v |= in[i + 2];
        buf_put_c(b, alphabet[v >> 18]);
        buf_put_c(b, alphabet[v >> 12 & 63]);
        if (left > 1 || pad)
            buf_put_c(b, left > 1 ? alphabet[v >> 6 & 63] : '=');
        if (left > 2 || pad)
            buf_put_c(b, left > 2 ? alphabet[v & 63] : '=');
    }
}

void buf_put_base64(struct buf *b, const void *p, size_t n)
{
    put_b64(b, (str){p, n}, b64_std, true);
}

void buf_put_base64url(struct buf *b, const void *p, size_t n)
{
    put_b64(b, (str){p, n}, b64_url, false);
}

static bool unreserved(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

void buf_put_percent(struct buf *b, str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (unreserved(s.p[i])) {
            buf_put_c(b, s.p[i]);
        } else {
            char triple[3] = {'%', hex_upper[c >> 4], hex_upper[c & 15]};
            buf_put(b, (str){triple, 3});
        }
    }
}

void buf_put_form(struct buf *b, const char *name, str value)
{
    if (!b->failed && b->n > 0 && b->p[b->n - 1] != '?' && b->p[b->n - 1] != '&')
        buf_put_c(b, '&');
    buf_put_percent(b, str_of(name));
    buf_put_c(b, '=');
    buf_put_percent(b, value); /* a blank as %20: right in a form and in a query */
}

static const char *const html_of[256] = {
    ['&'] = "&amp;", ['<'] = "&lt;", ['>'] = "&gt;", ['"'] = "&quot;", ['\''] = "&#39;",
};

void buf_put_html(struct buf *b, str s)
{
    for (size_t i = 0; i < s.n; i++) {
        const char *name = html_of[(unsigned char)s.p[i]];
        if (name == NULL)
            buf_put_c(b, s.p[i]);
        else
            buf_put(b, str_of(name));
    }
}

str hex_text(struct arena *mem, const void *p, size_t n)
{
    const unsigned char *in = p;
    if (n > SIZE_MAX / 2 - 1)
        return STR_NONE;
    char *out = arena_take(mem, 2 * n + 1);
    if (out == NULL)
        return STR_NONE;
    for (size_t i = 0; i < n; i++) {
        out[2 * i] = hex_lower[in[i] >> 4];
        out[2 * i + 1] = hex_lower[in[i] & 15];
    }
    return (str){out, 2 * n};
}

static const signed char hex_of[256] = {
    /* value + 1; 0: no digit */
    ['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
    ['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
    ['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
};

static int hex_digit(char c)
{
    return hex_of[(unsigned char)c] - 1;
}

bool hex_parse(str hex, void *out, size_t n)
{
    if (n > SIZE_MAX / 2 || hex.n != 2 * n)
        return false;
    for (size_t i = 0; i < hex.n; i++) {
        if (hex_digit(hex.p[i]) < 0)
            return false;
    }
    unsigned char *to = out;
    for (size_t i = 0; i < n; i++)
        to[i] = (unsigned char)(hex_digit(hex.p[2 * i]) << 4 | hex_digit(hex.p[2 * i + 1]));
    return true;
}

static int b64_digit(char c, bool url)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == (url ? '-' : '+'))
        return 62;
    if (c == (url ? '_' : '/'))
        return 63;
    return -1;
}

/* text without padding */
static bool parse_b64(str text, bool url, struct arena *mem, str *out)
{
    if (text.n % 4 == 1)
        return false;
    size_t n = text.n / 4 * 3 + (text.n % 4 == 0 ? 0 : text.n % 4 - 1);
    unsigned char *to = arena_take(mem, n + 1);
    if (to == NULL)
        return false;
    unsigned acc = 0, have = 0;
    size_t at = 0;
    for (size_t i = 0; i < text.n; i++) {
        int d = b64_digit(text.p[i], url);
        if (d < 0)
            return false;
        acc = (acc << 6 | (unsigned)d) & 0xFFFFU;
        have += 6;
        if (have >= 8) {
            have -= 8;
            to[at++] = (unsigned char)(acc >> have);
        }
    }
    if ((acc & ((1U << have) - 1U)) != 0) /* bits left over: a second spelling of the same bytes */
        return false;
    *out = (str){(const char *)to, n};
    return true;
}

bool base64_parse(str text, struct arena *mem, str *out)
{
    if (text.n % 4 != 0)
        return false;
    for (int i = 0; i < 2 && text.n > 0 && text.p[text.n - 1] == '='; i++)
        text.n--;
    return parse_b64(text, false, mem, out);
}

bool base64url_parse(str text, struct arena *mem, str *out)
{
    return parse_b64(text, true, mem, out);
}

enum rc percent_decode(str text, bool plus_is_space, struct arena *mem, str *out)
{
    char *to = arena_take(mem, text.n + 1);
    if (to == NULL)
        return RC_FULL;
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c == '%') {
            if (text.n - i < 3)
                return RC_INVALID;
            int hi = hex_digit(text.p[i + 1]), lo = hex_digit(text.p[i + 2]);
            if (hi < 0 || lo < 0)
                return RC_INVALID;
            c = (char)(hi << 4 | lo);
            i += 2;
        } else if (c == '+' && plus_is_space) {
            c = ' ';
        }
        if (c == '\0')
            return RC_INVALID;
        to[n++] = c;
    }
    *out = (str){to, n};
    return RC_OK;
}

bool percent_parse(str text, bool plus_is_space, struct arena *mem, str *out)
{
    return percent_decode(text, plus_is_space, mem, out) == RC_OK;
}
