/* tiktok_parse: TikTok's answers and callback query into structs. Pure: no I/O, no clock, no store; fuzzed.
 * An OAuth success is 2xx and no `error` and access_token, open_id and an integer expires_in; anything else
 * never becomes a token (login-kit 2.6). What can go wrong: error objects with HTTP 200, HTML, half a body.
 */
#include "tiktok/tiktok_priv.h"

enum {
    CODE_MAX = 2048,
    STATE_MAX = 512,
    TEXT_MAX = 1024,
    QUERY_NAMES = 64,
    TOKEN_MAX = 4096,
    LIFE_MAX_S = 400 * 86400
};

static const struct json_limits small = {.text_bytes = 64 * 1024, .depth = 8, .nodes = 4096};

enum rc tiktok_object(int status, str body, struct arena *mem, const struct json **out, struct fault *why)
{
    const struct json *root = NULL;
    struct fault inner;
    enum rc rc = json_parse(body, &small, mem, &root, &inner);
    if (rc == RC_OK && root->type == JSON_OBJ) {
        *out = root;
        return RC_OK;
    }
    if (rc == RC_FULL) /* our want of room says nothing about the answer */
        return fault_set(why, RC_FULL, "base.arena", "no room for TikTok's answer");
    if (status == 429)
        return fault_set(why, RC_LIMITED, "tiktok.limited", "HTTP 429 without a JSON object");
    if (status >= 500)
        return fault_set(why, RC_RETRY, "tiktok.down", "HTTP %d without a JSON object", status);
    return fault_set(why, RC_RETRY, "tiktok.not_json", "HTTP %d, %zu bytes that are no JSON object", status,
                     body.n);
}

str tiktok_text_of(const struct json *o, const char *key)
{
    str s = STR_NONE;
    return json_str(o, key, &s) ? s : STR_NONE;
}

/* The flat error body of OAuth endpoints; RC_OK when there is none and the status is 2xx. */
static enum rc oauth_error(int status, const struct json *o, struct fault *why)
{
    struct tiktok_says says = {.word = tiktok_text_of(o, "error"),
                               .text = tiktok_text_of(o, "error_description"),
                               .log_id = tiktok_text_of(o, "log_id"),
                               .status = status};
    const struct json *error = json_get(o, "error");
    if (error == NULL && status >= 200 && status < 300)
        return RC_OK;
    if (error == NULL && status == 429)
        return fault_set(why, RC_LIMITED, "tiktok.limited", "HTTP 429");
    if (error == NULL && status >= 500)
        return fault_set(why, RC_RETRY, "tiktok.down", "HTTP %d", status);
    return tiktok_classify(FROM_OAUTH, &says, why);
}

struct secret tiktok_secret_of(struct arena *mem, str s)
{
    str copy = arena_str(mem, s);
    return (struct secret){(const unsigned char *)copy.p, copy.n};
}

/* Tokens, codes and open_ids are printable ASCII without blanks; anything else would end in a header or a
 * URL. */
bool tiktok_opaque(str s, size_t max)
{
    if (s.n == 0 || s.n > max)
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= 0x20 || s.p[i] >= 0x7f)
            return false;
    return true;
}

enum rc tiktok_tokens_parse(int status, str body, struct arena *mem, struct tiktok_tokens *out,
                            struct fault *why)
{
    const struct json *o = NULL;
    enum rc rc = tiktok_object(status, body, mem, &o, why);
    if (rc == RC_OK)
        rc = oauth_error(status, o, why);
    if (rc != RC_OK)
        return rc;
    struct tiktok_tokens t = {.scopes = tiktok_text_of(o, "scope"),
                              .token_type = tiktok_text_of(o, "token_type")};
    str access = tiktok_text_of(o, "access_token"), refresh = tiktok_text_of(o, "refresh_token");
    if (!tiktok_opaque(access, TOKEN_MAX) || !tiktok_opaque(tiktok_text_of(o, "open_id"), 128) ||
        !json_i64(o, "expires_in", &t.expires_in_s) || t.expires_in_s <= 0 || t.expires_in_s > LIFE_MAX_S)
        return fault_set(why, RC_REFUSED, "tiktok.oauth_error", "HTTP %d without a usable token", status);
    if (json_get(o, "refresh_token") != NULL && !tiktok_opaque(refresh, TOKEN_MAX))
        return fault_set(why, RC_REFUSED, "tiktok.oauth_error", "HTTP %d with a bad refresh token", status);
    if (refresh.n > 0 &&
        (!json_i64(o, "refresh_expires_in", &t.refresh_expires_in_s) || t.refresh_expires_in_s <= 0))
        return fault_set(why, RC_REFUSED, "tiktok.oauth_error", "refresh token without a life");
    if (t.refresh_expires_in_s > 10 * (int64_t)LIFE_MAX_S || t.scopes.n > TEXT_MAX)
        return fault_set(why, RC_REFUSED, "tiktok.oauth_error", "values out of bounds");
    t.access = tiktok_secret_of(mem, access);
    t.open_id = arena_str(mem, tiktok_text_of(o, "open_id"));
    t.scopes = arena_str(mem, t.scopes);
    t.token_type = arena_str(mem, t.token_type);
    if (refresh.n > 0)
        t.refresh = tiktok_secret_of(mem, refresh);
    if (t.access.n == 0 || t.open_id.n == 0 || (refresh.n > 0 && t.refresh.n == 0) || t.scopes.p == NULL ||
        t.token_type.p == NULL)
        return fault_set(why, RC_FULL, "base.arena", "no room for the token answer");
    *out = t;
    return RC_OK;
}

enum rc tiktok_empty_parse(int status, str body, struct arena *mem, struct fault *why)
{
    if (status >= 200 && status < 300 && str_trim(body).n == 0)
        return RC_OK; /* the older documentation says "empty" */
    const struct json *o = NULL;
    enum rc rc = tiktok_object(status, body, mem, &o, why);
    return rc == RC_OK ? oauth_error(status, o, why) : rc;
}

static bool user_bounds(const struct tiktok_user *u)
{
    return tiktok_opaque(u->open_id, 128) && u->union_id.n <= 128 && u->display_name.n <= TEXT_MAX &&
           u->avatar_url.n <= 4096 && u->username.n <= 256 && u->bio.n <= 4096 && u->profile_link.n <= 2048;
}

enum rc tiktok_user_parse(int status, str body, struct arena *mem, struct tiktok_user *out, struct fault *why)
{
    const struct json *o = NULL;
    enum rc rc = tiktok_object(status, body, mem, &o, why);
    if (rc != RC_OK)
        return rc;
    const struct json *error = json_get(o, "error"), *user = json_get(json_get(o, "data"), "user");
    str code = tiktok_text_of(error, "code");
    if (!str_eq(code, STR("ok")) || status != 200) {
        if (code.n == 0 && status >= 500)
            return fault_set(why, RC_RETRY, "tiktok.down", "HTTP %d", status);
        struct tiktok_says says = {.word = code,
                                   .text = tiktok_text_of(error, "message"),
                                   .log_id = tiktok_text_of(error, "log_id"),
                                   .status = status};
        return tiktok_classify(FROM_API, &says, why);
    }
    struct tiktok_user u = {.open_id = tiktok_text_of(user, "open_id"),
                            .union_id = tiktok_text_of(user, "union_id"),
                            .display_name = tiktok_text_of(user, "display_name"),
                            .avatar_url = tiktok_text_of(user, "avatar_url"),
                            .username = tiktok_text_of(user, "username"),
                            .bio = tiktok_text_of(user, "bio_description"),
                            .profile_link = tiktok_text_of(user, "profile_deep_link")};
    u.has_profile = json_bool(user, "is_verified", &u.is_verified);
    u.has_stats = json_i64(user, "follower_count", &u.followers);
    bool ignored = json_i64(user, "following_count", &u.following) &&
                   json_i64(user, "likes_count", &u.likes) && json_i64(user, "video_count", &u.videos);
    (void)ignored;
    if (!user_bounds(&u))
        return fault_set(why, RC_REFUSED, "tiktok.api_error", "user info without open_id or out of bounds");
    *out = u; /* the tree lives in mem, and so do its strings */
    return RC_OK;
}

/* marketing 1.2: the code comes as auth_code, and also as code; business-messaging 1.2: an error may come as
 * error_code. An empty value counts as absent. */
static enum rc callback_extras(enum app_kind kind, const struct pairs *ps, struct tiktok_callback *c,
                               struct fault *why)
{
    bool twice = false;
    str extra = kind == APP_ADS        ? pairs_find(ps, STR("auth_code"), &twice)
                : kind == APP_ACCOUNTS ? pairs_find(ps, STR("error_code"), &twice)
                                       : STR_NONE;
    if (twice || extra.n > (kind == APP_ADS ? CODE_MAX : 128) || !utf8_valid(extra))
        return fault_set(why, RC_INVALID, "tiktok.callback", "bad value of a code");
    if (kind == APP_ADS && extra.n > 0)
        c->code = extra;
    if (kind == APP_ACCOUNTS && c->error.n == 0)
        c->error = extra;
    return RC_OK;
}

enum rc tiktok_callback_parse(str query, struct arena *mem, struct tiktok_callback *out, struct fault *why)
{
    return tiktok_callback_parse_of(APP_LOGIN_KIT, query, mem, out, why);
}

enum rc tiktok_callback_parse_of(enum app_kind kind, str query, struct arena *mem,
                                 struct tiktok_callback *out, struct fault *why)
{
    struct pairs ps = {0};
    struct fault inner;
    enum rc rc = pairs_parse(query, QUERY_NAMES, mem, &ps, &inner);
    if (rc != RC_OK)
        return fault_set(why, rc == RC_FULL ? RC_FULL : RC_INVALID, "tiktok.callback", "%s", inner.detail);
    struct tiktok_callback c = {0};
    const struct {
        const char *name;
        str *to;
        size_t max;
    } fields[] = {{"code", &c.code, CODE_MAX},        {"scopes", &c.scopes, TEXT_MAX},
                  {"state", &c.state, STATE_MAX},     {"error", &c.error, 128},
                  {"error_type", &c.error_type, 128}, {"error_description", &c.error_description, 4096},
                  {"log_id", &c.log_id, 128}};
    for (size_t i = 0; i < COUNT_OF(fields); i++) {
        bool twice = false;
        *fields[i].to = pairs_find(&ps, str_of(fields[i].name), &twice);
        if (twice || fields[i].to->n > fields[i].max || !utf8_valid(*fields[i].to))
            return fault_set(why, RC_INVALID, "tiktok.callback", "bad value of %s", fields[i].name);
    }
    rc = callback_extras(kind, &ps, &c, why);
    if (rc != RC_OK)
        return rc;
    if (c.error.n == 0 && !tiktok_opaque(c.code, CODE_MAX))
        return fault_set(why, RC_INVALID, "tiktok.callback", "neither a usable code nor an error");
    *out = c;
    return RC_OK;
}

enum rc tiktok_callback_fault(const struct tiktok_callback *cb, struct fault *why)
{
    struct tiktok_says says = {.word = cb->error,
                               .type = cb->error_type,
                               .text = cb->error_description,
                               .log_id = cb->log_id,
                               .status = 302};
    return tiktok_classify(FROM_REDIRECT, &says, why);
}

enum rc tiktok_qr_start_parse(int status, str body, str ticket, struct arena *mem, struct tiktok_qr *out,
                              struct fault *why)
{
    static const str place = {"client_ticket=tobefilled", 24};
    const struct json *o = NULL;
    enum rc rc = tiktok_object(status, body, mem, &o, why);
    if (rc == RC_OK)
        rc = oauth_error(status, o, why);
    if (rc != RC_OK)
        return rc;
    str url = tiktok_text_of(o, "scan_qrcode_url"), token = tiktok_text_of(o, "token");
    size_t at = 0;
    if (url.n > 2048 || !str_find(url, place, &at) || !tiktok_opaque(token, TOKEN_MAX) ||
        !tiktok_opaque(url, 2048))
        return fault_set(why, RC_REFUSED, "tiktok.oauth_error",
                         "QR answer without link, ticket place or token");
    str tail = str_sub(url, at + place.n, url.n);
    str filled = arena_fmt(mem, STR_FMT "client_ticket=" STR_FMT STR_FMT, (int)at, url.p, STR_ARG(ticket),
                           STR_ARG(tail));
    struct tiktok_qr qr = {.url = filled, .token = tiktok_secret_of(mem, token)};
    if (filled.n == 0 || qr.token.n == 0)
        return fault_set(why, RC_FULL, "base.arena", "no room for the QR answer");
    *out = qr;
    return RC_OK;
}

static bool qr_status(str word, enum tiktok_qr_status *out)
{
    static const struct {
        const char *word;
        enum tiktok_qr_status status;
    } words[] = {{"new", QR_NEW},
                 {"scanned", QR_SCANNED},
                 {"confirmed", QR_CONFIRMED},
                 {"expired", QR_EXPIRED},
                 {"utilised", QR_USED}};
    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (str_eq(word, str_of(words[i].word))) {
            *out = words[i].status;
            return true;
        }
    return false;
}

/* The table of the documentation names `code`, its example a redirect_uri that holds ?code=: both are read.
 * */
static enum rc qr_callback(const struct json *o, struct arena *mem, struct tiktok_callback *out,
                           struct fault *why)
{
    struct tiktok_callback cb = {.code = tiktok_text_of(o, "code"),
                                 .scopes = tiktok_text_of(o, "scopes"),
                                 .state = tiktok_text_of(o, "state")};
    str uri = tiktok_text_of(o, "redirect_uri");
    size_t at = 0;
    if (cb.code.n == 0 && str_find(uri, STR("?"), &at)) {
        enum rc rc = tiktok_callback_parse(str_sub(uri, at + 1, uri.n), mem, &cb, why);
        if (rc != RC_OK)
            return rc;
    }
    if (!tiktok_opaque(cb.code, CODE_MAX) || cb.state.n > STATE_MAX)
        return fault_set(why, RC_INVALID, "tiktok.callback", "confirmed QR without a code");
    *out = cb;
    return RC_OK;
}

enum rc tiktok_qr_check_parse(int status, str body, str ticket, struct arena *mem,
                              struct tiktok_qr_answer *out, struct fault *why)
{
    const struct json *o = NULL;
    enum rc rc = tiktok_object(status, body, mem, &o, why);
    if (rc == RC_OK)
        rc = oauth_error(status, o, why);
    if (rc != RC_OK)
        return rc;
    struct tiktok_qr_answer a = {0};
    if (!qr_status(tiktok_text_of(o, "status"), &a.status))
        return fault_set(why, RC_REFUSED, "tiktok.oauth_error", "unknown QR status");
    str theirs = tiktok_text_of(o, "client_ticket");
    if ((a.status == QR_CONFIRMED || a.status == QR_SCANNED || theirs.n > 0) && !str_eq(theirs, ticket))
        return fault_set(why, RC_DENIED, "tiktok.qr_ticket", "the answer bears another ticket");
    if (a.status == QR_CONFIRMED)
        rc = qr_callback(o, mem, &a.callback, why);
    if (rc == RC_OK)
        *out = a;
    return rc;
}
