/* answer: what a handler says, and how it becomes bytes. Security headers stand on every answer; a handler
 * replaces one by setting a header of the same name. The usual two blocks (data, pages) are made once at
 * start. What can go wrong: a header value with CR or LF would let a caller write headers of its own: a
 * broken invariant.
 */
#include "http/http_priv.h"

#define PAGE_CSP                                                                                             \
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; font-src 'self'; "       \
    "connect-src 'self'; manifest-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; "  \
    "require-trusted-types-for 'script'; form-action 'self'"
#define DATA_CSP "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

enum default_header {
    D_TYPE,
    D_CSP,
    D_CACHE,
    D_SNIFF,
    D_REFERRER,
    D_COOP,
    D_CORP,
    D_PERMISSIONS,
    D_HSTS,
    D_RETRY,
    D_N
};
static const struct {
    const char *name, *value; /* value NULL: made per answer or per server */
} defaults[D_N] = {
    [D_TYPE] = {"Content-Type", NULL},
    [D_CSP] = {"Content-Security-Policy", NULL},
    [D_CACHE] = {"Cache-Control", "no-store"},
    [D_SNIFF] = {"X-Content-Type-Options", "nosniff"},
    [D_REFERRER] = {"Referrer-Policy", "no-referrer"},
    [D_COOP] = {"Cross-Origin-Opener-Policy", "same-origin"},
    [D_CORP] = {"Cross-Origin-Resource-Policy", "same-origin"},
    [D_PERMISSIONS] = {"Permissions-Policy",
                       "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), "
                       "magnetometer=(), microphone=(), midi=(), payment=(), usb=()"},
    [D_HSTS] = {"Strict-Transport-Security", NULL},
    [D_RETRY] = {"Retry-After", NULL},
};
static const struct {
    int status;
    const char *text;
} statuses[] = {
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {206, "Partial Content"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {417, "Expectation Failed"},
    {422, "Unprocessable Content"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
};

const char *status_text(int status)
{
    for (size_t i = 0; i < COUNT_OF(statuses); i++) {
        if (statuses[i].status == status) {
            return statuses[i].text;
        }
    }
    return "Status";
}

/* ---- what handlers call ---- */

static void answer(struct request *rq, int status, const char *type, str body)
{
    must(status >= 200 && status <= 599 && !rq->deferred);
    rq->status = status;
    rq->type = type;
    rq->content = body;
    rq->answered = true;
    rq->page = str_starts(str_of(type), STR("text/html")); /* which Content-Security-Policy */
}

void answer_json(struct request *rq, int status, str body)
{
    answer(rq, status, "application/json", body);
}

void answer_body(struct request *rq, int status, const char *type, str body)
{
    answer(rq, status, type, body);
}

void answer_page(struct request *rq, int status, str html)
{
    answer(rq, status, "text/html; charset=utf-8", html);
}

void answer_redirect(struct request *rq, str url)
{
    if (url.n == 0) { /* the arena was full when it was made */
        problem_answer_row(rq, http_problem(rq->h, NULL, RC_FULL), http_rc_status(RC_FULL), STR_NONE);
        return;
    }
    answer(rq, 303, NULL, STR_NONE);
    answer_header(rq, "Location", url);
}

static bool header_safe(str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f) {
            return false;
        }
    }
    return true;
}

void answer_header(struct request *rq, const char *name, str value)
{
    must(header_safe(value) && header_safe(str_of(name)));
    for (unsigned i = 0; i < D_N; i++) {
        if (str_eq_nocase(str_of(name), str_of(defaults[i].name))) {
            rq->replaced |= 1U << i;
        }
    }
    buf_put(&rq->extra, str_of(name));
    buf_put(&rq->extra, STR(": "));
    buf_put(&rq->extra, value);
    buf_put(&rq->extra, STR("\r\n"));
}

static bool cookie_safe(str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c <= 0x20 || c >= 0x7f || c == '"' || c == ',' || c == ';' || c == '\\') {
            return false;
        }
    }
    return true;
}

void answer_cookie(struct request *rq, const char *name, str value, int64_t max_age_s)
{
    must(cookie_safe(value) && cookie_safe(str_of(name)));
    bool plain = rq->h->o.plain_http_ok;
    str line = arena_fmt(rq->mem, STR_FMT "%s=" STR_FMT "; Path=/%s; HttpOnly; SameSite=Lax; Max-Age=%lld",
                         STR_ARG(rq->h->cookie_prefix), name, STR_ARG(value), plain ? "" : "; Secure",
                         (long long)(max_age_s < 0 ? 0 : max_age_s));
    rq->extra.failed = rq->extra.failed || line.p == NULL;
    answer_header(rq, "Set-Cookie", line);
}

void answer_form_action(struct request *rq, str origin)
{
    must(header_safe(origin) && memchr(origin.p, ';', origin.n) == NULL);
    rq->form_action = origin;
}

void answer_spoil(struct request *rq, size_t keep_bytes, int64_t ms_per_byte)
{
    must(rq->h->o.plain_http_ok);
    rq->spoiled = true;
    rq->spoil_keep = keep_bytes;
    rq->spoil_ms = ms_per_byte;
}

void answer_begin(struct json_answer *a, struct request *rq, size_t max_bytes)
{
    a->rq = rq;
    buf_init(&a->b, rq->mem, max_bytes);
    jw_init(&a->w, &a->b);
    jw_obj(&a->w, NULL);
}

void answer_next(struct json_answer *a, str cursor)
{
    jw_str(&a->w, "next_cursor", cursor);
}

enum rc answer_end(struct json_answer *a, int status, struct fault *why)
{
    jw_end(&a->w);
    if (!buf_ok(&a->b)) {
        return fault_set(why, RC_FULL, "busy", "the answer does not fit");
    }
    answer_json(a->rq, status, buf_str(&a->b));
    return RC_OK;
}

void answer_rate(struct request *rq)
{
    if (rq->rate.limit == 0) {
        return;
    }
    /* draft-ietf-httpapi-ratelimit-headers-11: structured fields, a policy by name and what is left of it. */
    buf_fmt(&rq->extra,
            "RateLimit-Policy: \"%s\";q=%lld;w=%lld\r\n"
            "RateLimit: \"%s\";r=%lld;t=%lld\r\n",
            rq->rate.policy, (long long)rq->rate.limit, (long long)rq->rate.window_s, rq->rate.policy,
            (long long)rq->rate.remaining, (long long)rq->rate.reset_s);
}

/* ---- bytes ---- */

static void header_put(struct buf *b, const char *name, str value)
{
    buf_put(b, str_of(name));
    buf_put(b, STR(": "));
    buf_put(b, value);
    buf_put(b, STR("\r\n"));
}

struct block { /* which default headers an answer gets */
    const struct http *h;
    bool page;
    unsigned replaced;
    str form_action;
};

static void block_put(const struct block *k, struct buf *b)
{
    if ((k->replaced & (1U << D_CSP)) == 0) {
        buf_put(b, STR("Content-Security-Policy: "));
        buf_put(b, k->page ? STR(PAGE_CSP) : STR(DATA_CSP));
        if (k->page && k->form_action.n > 0) {
            buf_put_c(b, ' ');
            buf_put(b, k->form_action);
        }
        buf_put(b, STR("\r\n"));
    }
    for (unsigned i = D_CACHE; i <= D_PERMISSIONS; i++) {
        if ((k->replaced & (1U << i)) == 0) {
            header_put(b, defaults[i].name, str_of(defaults[i].value));
        }
    }
    if (k->h->https && (k->replaced & (1U << D_HSTS)) == 0) {
        header_put(b, defaults[D_HSTS].name, STR("max-age=63072000; includeSubDomains"));
    }
}

static str block_made(struct http *h, bool page)
{
    struct buf b;
    struct block k = {h, page, 0, STR_NONE};
    buf_init(&b, h->mem, 4096);
    block_put(&k, &b);
    must(buf_ok(&b));
    return buf_str(&b);
}

void answer_prepare(struct http *h)
{
    h->block_json = block_made(h, false);
    h->block_page = block_made(h, true);
}

static void two(char *at, int64_t v)
{
    at[0] = (char)('0' + v / 10 % 10);
    at[1] = (char)('0' + v % 10);
}

/* "Sun, 22 Nov 2026 18:05:00 GMT", made once a second per thread. */
static str date_text(void)
{
    static _Thread_local int64_t made_s = -1;
    static _Thread_local char text[] = "Thu, 01 Jan 1970 00:00:00 GMT";
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec", days[] = "ThuFriSatSunMonTueWed";
    int64_t s = clock_now_ms() / 1000;
    if (s != made_s) {
        char iso[TIME_TEXT];
        const char *t = time_iso(s * 1000, iso);
        int month = (t[5] - '0') * 10 + (t[6] - '0');
        memcpy(text, days + (s / 86400) % 7 * 3, 3);
        memcpy(text + 5, t + 8, 2);
        memcpy(text + 8, months + (month - 1) * 3, 3);
        memcpy(text + 12, t, 4);
        two(text + 17, s / 3600 % 24);
        two(text + 20, s / 60 % 60);
        two(text + 23, s % 60);
        made_s = s;
    }
    return STR(text);
}

static void status_put(struct buf *b, int status)
{
    if (status == 200) {
        buf_put(b, STR("HTTP/1.1 200 OK\r\nDate: "));
    } else {
        buf_fmt(b, "HTTP/1.1 %d %s\r\nDate: ", status, status_text(status));
    }
    buf_put(b, date_text());
    buf_put(b, STR("\r\n"));
}

static void length_put(const struct request *rq, struct buf *b, bool empty)
{
    if (empty) {
        return;
    }
    if (rq->content.n > 0 && rq->type != NULL && (rq->replaced & (1U << D_TYPE)) == 0) {
        header_put(b, "Content-Type", str_of(rq->type));
    }
    buf_put(b, STR("Content-Length: "));
    buf_put_i64(b, (int64_t)rq->content.n);
    buf_put(b, STR("\r\n"));
}

void answer_render(struct request *rq, struct buf *out)
{
    bool empty = rq->status == 204 || rq->status == 304;
    if (rq->extra.failed) { /* a cookie or header had no room: half an answer would be worse than none */
        buf_init(&rq->extra, rq->mem, 0);
        rq->status = 503;
        rq->content = rq->form_action = STR_NONE;
        rq->replaced = 0;
        rq->close = true;
    }
    status_put(out, rq->status);
    if (rq->stream) {
        buf_put(out, STR("Content-Type: text/event-stream\r\nX-Accel-Buffering: no\r\n"));
    } else {
        length_put(rq, out, empty);
    }
    header_put(out, "X-Request-Id", rq_id(rq));
    if (rq->replaced == 0 && rq->form_action.n == 0) {
        buf_put(out, rq->page ? rq->h->block_page : rq->h->block_json);
    } else {
        struct block k = {rq->h, rq->page, rq->replaced, rq->form_action};
        block_put(&k, out);
    }
    if (rq->extra.n > 0) {
        buf_put(out, (str){rq->extra.p, rq->extra.n});
    }
    if (rq->close || rq->stream) {
        buf_put(out, STR("Connection: close\r\n"));
    }
    buf_put(out, STR("\r\n"));
    if (!empty && !rq->head_only && !rq->stream) {
        buf_put(out, rq->content);
    }
}
