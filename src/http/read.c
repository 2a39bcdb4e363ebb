/* read: request line, fields, framing and chunked bodies of HTTP/1.1, strictly after RFC 9112 and stricter.
 * Flow: head_read takes complete lines -> request_line, then field_line each -> head_end settles the framing.
 * A verdict falls only when a line is complete or a cap is reached, so that it never depends on how bytes
 * were cut. Stricter than the RFC on purpose: no empty line before the request, no bare LF, no obs-fold, one
 * Host, no list in Content-Length, only the coding "chunked" and never in HTTP/1.0, no chunk extensions, no
 * trailers, origin-form only.
 */
#include "http/read_priv.h"

/* What a byte may be part of; letters and digits are part of everything. Bytes from 0x80 on are opaque
 * (obs-text). */
enum { T_TOKEN = 1, T_VALUE = 2, T_TARGET = 4, T_HOST = 8 };
/* clang-format off */
static const unsigned char class_of[256] = {
    0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, /* 0x00 */
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* 0x10 */
    2, 7, 2, 3, 7, 7, 7, 7, 6, 6, 7, 7, 6, 15, 15, 6, /* 0x20 */
    15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 14, 6, 2, 6, 2, 6, /* 0x30 */
    6, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, /* 0x40 */
    15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 10, 2, 10, 3, 15, /* 0x50 */
    3, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, /* 0x60 */
    15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 2, 3, 2, 7, 0, /* 0x70 */
    2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, /* 0x80 */
    2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, /* 0x90 */
    2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, /* 0xa0 */
    2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, /* 0xb0 */
    2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, /* 0xc0 */
    2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, /* 0xd0 */
    2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, /* 0xe0 */
    2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, /* 0xf0 */
};
/* clang-format on */

static bool all_of(str s, unsigned cls)
{
    unsigned seen = cls;
    for (size_t i = 0; i < s.n; i++) {
        seen &= class_of[(unsigned char)s.p[i]];
    }
    return seen == cls;
}

static enum read_state bad(struct head *h, int status, const char *why)
{
    h->status = status;
    h->why = why;
    return READ_BAD;
}

static struct slice slice_of(const char *base, str s)
{
    return (struct slice){(uint16_t)(s.p - base), (uint16_t)s.n};
}

void head_reset(struct head *h)
{
    memset(h, 0, offsetof(struct head, fields));
}

str head_str(const char *p, struct slice s)
{
    return (str){p + s.at, s.n};
}

str head_known(const struct head *h, const char *p, enum known k)
{
    return h->known[k] == 0 ? STR_NONE : head_str(p, h->fields[h->known[k] - 1].value);
}

/* ---- request line ---- */

static const struct {
    const char *name;
    enum method method;
} methods[] = {
    {"GET", M_GET},     {"POST", M_POST},     {"HEAD", M_HEAD},       {"PUT", M_PUT},
    {"PATCH", M_PATCH}, {"DELETE", M_DELETE}, {"OPTIONS", M_OPTIONS},
};

static enum method method_of(str s)
{
    for (size_t i = 0; i < COUNT_OF(methods); i++) {
        if (str_eq(s, str_of(methods[i].name))) {
            return methods[i].method;
        }
    }
    return M_OTHER;
}

static enum read_state request_line(struct head *h, const char *base, str line)
{
    str method, target;
    if (!str_cut(&line, ' ', &method) || method.n == 0 || method.n > 20 || !all_of(method, T_TOKEN)) {
        return bad(h, 400, "method");
    }
    if (!str_cut(&line, ' ', &target) || target.n == 0 || line.p == NULL) {
        return bad(h, 400, "request line");
    }
    if (target.n > TARGET_BYTES) {
        return bad(h, 414, "target too long");
    }
    if (target.p[0] != '/' || !all_of(target, T_TARGET)) {
        return bad(h, 400, "target is not in origin form");
    }
    if (str_eq(line, STR("HTTP/1.0"))) {
        h->http10 = true;
    } else if (!str_eq(line, STR("HTTP/1.1"))) {
        bool shaped = line.n == 8 && memcmp(line.p, "HTTP/", 5) == 0 && line.p[6] == '.';
        return bad(h, shaped && line.p[5] >= '0' && line.p[5] <= '9' ? 505 : 400, "version");
    }
    const char *mark = memchr(target.p, '?', target.n);
    size_t path_n = mark == NULL ? target.n : (size_t)(mark - target.p);
    h->method = (uint8_t)method_of(method);
    h->method_text = slice_of(base, method);
    h->path = slice_of(base, str_sub(target, 0, path_n));
    h->query = mark == NULL ? (struct slice){0, 0} : slice_of(base, (str){mark + 1, target.n - path_n - 1});
    return READ_MORE;
}

/* ---- fields ---- */

static const struct known_row {
    const char *name;
    enum known known;
    bool once; /* a second one is refused, even when equal */
} known_rows[] = {
    {"host", K_HOST, true},
    {"content-length", K_LENGTH, true},
    {"transfer-encoding", K_CODING, true},
    {"connection", K_CONNECTION, false},
    {"expect", K_EXPECT, true},
    {"content-type", K_TYPE, false},
    {"cookie", K_COOKIE, true},
    {"authorization", K_AUTHORIZATION, true},
    {"idempotency-key", K_ONCE, true},
    {"origin", K_ORIGIN, true},
    {"sec-fetch-site", K_FETCH_SITE, true},
    {"accept-language", K_LANGUAGE, false},
    {"x-forwarded-for", K_FORWARDED, false},
    {"x-request-id", K_REQUEST_ID, true},
    {"last-event-id", K_LAST_EVENT, true},
    {"content-encoding", K_ENCODING, true},
};

static const struct known_row *known_of(str name)
{
    for (size_t i = 0; i < COUNT_OF(known_rows); i++) {
        const char *k = known_rows[i].name;
        if ((name.p[0] | 0x20) == k[0] && str_eq_nocase(name, str_of(k))) {
            return &known_rows[i];
        }
    }
    return NULL;
}

static enum read_state connection_field(struct head *h, str value)
{
    str part;
    while (str_cut(&value, ',', &part)) {
        h->close = h->close || str_eq_nocase(str_trim(part), STR("close"));
    }
    return READ_MORE;
}

static enum read_state length_field(struct head *h, str value)
{
    uint64_t n;
    if (value.n == 0 || value.n > 18 || !str_to_u64(value, &n)) {
        return bad(h, 400, "content-length");
    }
    h->has_length = true;
    h->length = n;
    return READ_MORE;
}

static enum read_state known_field(struct head *h, const struct known_row *row, str value)
{
    if (row->once && h->known[row->known] != 0) {
        return bad(h, 400, "a field that may come once came twice");
    }
    if (h->known[row->known] == 0) {
        h->known[row->known] = (uint8_t)(h->n_fields + 1);
    }
    switch (row->known) {
    case K_HOST:
        return value.n > 0 && all_of(value, T_HOST) ? READ_MORE : bad(h, 400, "host");
    case K_LENGTH:
        return length_field(h, value);
    case K_CODING:
        h->chunked = true;
        return str_eq_nocase(value, STR("chunked")) ? READ_MORE : bad(h, 400, "transfer-encoding");
    case K_CONNECTION:
        return connection_field(h, value);
    case K_EXPECT:
        h->wants_continue = true;
        return str_eq_nocase(value, STR("100-continue")) ? READ_MORE : bad(h, 417, "expect");
    default:
        return READ_MORE;
    }
}

static enum read_state field_line(struct head *h, const char *base, str line)
{
    const char *colon = memchr(line.p, ':', line.n);
    if (line.p[0] == ' ' || line.p[0] == '\t') {
        return bad(h, 400, "folded field");
    }
    if (colon == NULL || colon == line.p) {
        return bad(h, 400, "field without a name");
    }
    str name = {line.p, (size_t)(colon - line.p)};
    str value = {colon + 1, line.n - name.n - 1};
    if (!all_of(name, T_TOKEN)) {
        return bad(h, 400, "field name");
    }
    if (!all_of(value, T_VALUE)) {
        return bad(h, 400, "field value");
    }
    if (h->n_fields == HEAD_FIELDS) {
        return bad(h, 431, "too many fields");
    }
    value = str_trim(value);
    const struct known_row *row = known_of(name);
    if (row != NULL && known_field(h, row, value) == READ_BAD) {
        return READ_BAD;
    }
    h->fields[h->n_fields++] = (struct head_field){slice_of(base, name), slice_of(base, value)};
    return READ_MORE;
}

/* ---- framing ---- */

static enum read_state head_end(struct head *h)
{
    if (h->known[K_HOST] == 0 && !h->http10) {
        return bad(h, 400, "no host");
    }
    if (h->chunked && h->has_length && !planted("http.length_with_coding")) {
        return bad(h, 400, "content-length with transfer-encoding");
    }
    if (h->chunked && h->http10) {
        return bad(h, 400, "transfer-encoding in HTTP/1.0");
    }
    h->close = h->close || h->http10; /* HTTP/1.0 answers always end the connection */
    h->wants_continue = h->wants_continue && !h->http10 && (h->chunked || h->length > 0);
    h->bytes = h->line_at;
    return READ_DONE;
}

static enum read_state one_line(struct head *h, const char *base, str line)
{
    if (line.n == 0 || line.p[line.n - 1] != '\r') {
        return bad(h, 400, "bare line feed");
    }
    line.n--;
    if (!h->started) {
        h->started = true;
        return request_line(h, base, line);
    }
    return line.n == 0 ? head_end(h) : field_line(h, base, line);
}

enum read_state head_read(struct head *h, const char *p, size_t n)
{
    size_t limit = n < HEAD_BYTES ? n : HEAD_BYTES;
    for (;;) {
        const char *nl = h->seen < limit ? memchr(p + h->seen, '\n', limit - h->seen) : NULL;
        if (nl == NULL) {
            h->seen = (uint32_t)limit;
            return limit == HEAD_BYTES ? bad(h, 431, "head too large") : READ_MORE;
        }
        str line = {p + h->line_at, (size_t)(nl - p) - h->line_at};
        h->line_at = h->seen = (uint32_t)(nl - p) + 1;
        enum read_state r = one_line(h, p, line);
        if (r != READ_MORE) {
            return r;
        }
    }
}

/* ---- paths ---- */

static int hex_of(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    char low = (char)(c | 0x20);
    return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

static bool segment_ok(const char *p, size_t n, bool last)
{
    if (n == 0) {
        return last; /* "/" and one final slash */
    }
    return !(p[0] == '.' && (n == 1 || (n == 2 && p[1] == '.')));
}

static bool segments_ok(str path)
{
    size_t from = 1;
    for (size_t i = 1; i <= path.n; i++) {
        if (i == path.n || path.p[i] == '/') {
            if (!segment_ok(path.p + from, i - from, i == path.n)) {
                return false;
            }
            from = i + 1;
        }
    }
    return true;
}

bool path_decode(str raw, char *out, size_t *out_n)
{
    size_t n = 0;
    bool high = false;
    if (raw.n == 0 || raw.p[0] != '/') {
        return false;
    }
    for (size_t i = 0; i < raw.n; i++) {
        int c = (unsigned char)raw.p[i];
        if (c == '%') {
            int a = i + 2 < raw.n ? hex_of(raw.p[i + 1]) : -1;
            int b = i + 2 < raw.n ? hex_of(raw.p[i + 2]) : -1;
            c = a < 0 || b < 0 ? 0 : a * 16 + b;
            i += 2;
            if (c < 0x20 || c == 0x7f || c == '/' || c == '\\') {
                return false;
            }
        }
        high = high || c >= 0x80;
        out[n++] = (char)c;
    }
    str path = {out, n};
    if (!segments_ok(path) || (high && !utf8_valid(path))) {
        return false;
    }
    *out_n = n;
    return true;
}

/* ---- chunked bodies ---- */

enum { CK_SIZE, CK_SIZE_LF, CK_DATA, CK_DATA_CR, CK_DATA_LF, CK_END_CR, CK_END_LF };

void chunks_reset(struct chunks *k)
{
    *k = (struct chunks){0};
}

static bool chunk_bad(struct chunks *k, int status, const char *why)
{
    k->status = status;
    k->why = why;
    return false;
}

/* One byte of framing; false: refused. *done: the last byte of the body. */
static bool chunk_byte(struct chunks *k, char c, size_t max, bool *done)
{
    static const struct {
        char want;
        uint8_t next;
    } fixed[] = {
        [CK_DATA_CR] = {'\r', CK_DATA_LF},
        [CK_DATA_LF] = {'\n', CK_SIZE},
        [CK_END_CR] = {'\r', CK_END_LF},
        [CK_END_LF] = {'\n', CK_SIZE},
    };
    if (k->state == CK_SIZE) {
        int digit = hex_of(c);
        if (c == '\r' && k->digits > 0) {
            k->state = CK_SIZE_LF;
            return true;
        }
        if (digit < 0 || k->digits == 7) {
            return chunk_bad(k, 400, "chunk size");
        }
        k->left = k->left * 16 + (uint32_t)digit;
        k->digits++;
        return true;
    }
    if (k->state == CK_SIZE_LF) {
        k->total += k->left;
        k->digits = 0;
        k->state = k->left == 0 ? CK_END_CR : CK_DATA;
        if (c != '\n') {
            return chunk_bad(k, 400, "chunk size line");
        }
        return k->total <= max || chunk_bad(k, 413, "body too large");
    }
    if (c != fixed[k->state].want) {
        return chunk_bad(k, 400, k->state >= CK_END_CR ? "trailer" : "chunk end");
    }
    *done = k->state == CK_END_LF;
    k->state = fixed[k->state].next;
    return true;
}

enum read_state chunks_read(struct chunks *k, str in, size_t max, struct buf *out, size_t *used)
{
    bool done = false;
    size_t i = 0;
    while (i < in.n && !done) {
        if (k->state == CK_DATA) {
            size_t n = in.n - i < k->left ? in.n - i : k->left;
            buf_put(out, str_sub(in, i, n));
            k->left -= (uint32_t)n;
            i += n;
            if (k->left == 0) {
                k->state = CK_DATA_CR;
            }
        } else if (!chunk_byte(k, in.p[i++], max, &done)) {
            *used = i;
            return READ_BAD;
        }
    }
    *used = i;
    return done ? READ_DONE : READ_MORE;
}
