/* business_parse: answers of TikTok API for Business into structs. Pure: no I/O, no clock, no store; fuzzed.
 * Success is 2xx and an object whose integer `code` is 0; then `data` counts. What can go wrong: HTTP 200
 * with an error code (the rule, not the exception), plain-text 404 for a wrong path, HTML of a gateway, half
 * a body, optional fields that are absent, ids as numbers beyond 2^53.
 */
#include "tiktok/tiktok_priv.h"

enum {
    TOKEN_MAX = 4096,
    ID_MAX = 128,
    SCOPES_MAX = 4096,
    TEXT_MAX = 1024,
    URL_MAX = 4096,
    ADVERTISERS_MAX = 20000,
    LIFE_MAX_S = 400 * 86400
};

/* Room for the longest list that is asked for: 20,000 ad accounts with names. */
static const struct json_limits wide = {.text_bytes = 2 * 1024 * 1024, .depth = 16, .nodes = 200000};

static enum rc bad(struct fault *why, const struct tiktok_says *says, const char *what)
{
    (void)fault_set(why, RC_REFUSED, "tiktok.api_error", "HTTP %d: %s", says->status, what);
    fault_outer(why, says->number, says->log_id);
    return RC_REFUSED;
}

static enum rc no_object(const struct tiktok_answer *a, struct fault *why)
{
    enum rc rc = RC_RETRY;
    if (a->status == 404) /* "404 page not found": a wrong path or a missing slash (BM 1.1) */
        rc = fault_set(why, RC_REFUSED, "tiktok.no_endpoint", "HTTP 404, %zu bytes of text", a->body.n);
    else if (a->status == 429)
        rc = fault_set(why, RC_LIMITED, "tiktok.limited", "HTTP 429 without a JSON object");
    else if (a->status >= 500)
        rc = fault_set(why, RC_RETRY, "tiktok.down", "HTTP %d without a JSON object", a->status);
    else
        rc = fault_set(why, RC_RETRY, "tiktok.not_json", "HTTP %d, %zu bytes that are no JSON object",
                       a->status, a->body.n);
    fault_outer(why, 0, a->log_id);
    return rc;
}

enum rc tiktok_unwrap(const struct tiktok_answer *a, struct arena *mem, const struct json **data,
                      struct fault *why)
{
    const struct json *o = NULL;
    struct fault inner;
    enum rc rc = json_parse(a->body, &wide, mem, &o, &inner);
    if (rc == RC_FULL) /* our want of room says nothing about the answer */
        return fault_set(why, RC_FULL, "base.arena", "no room for TikTok's answer");
    if (rc != RC_OK || o->type != JSON_OBJ)
        return no_object(a, why);
    str request_id = tiktok_text_of(o, "request_id");
    struct tiktok_says says = {.word = STR("code"),
                               .text = tiktok_text_of(o, "message"),
                               .log_id = request_id.n > 0 ? request_id : a->log_id,
                               .status = a->status};
    bool ok = a->status >= 200 && a->status < 300;
    if (!json_i64(o, "code", &says.number)) {
        if (a->status == 429 || a->status >= 500)
            return no_object(a, why);
        return bad(why, &says, "a JSON object without a code");
    }
    char number[24];
    (void)snprintf(number, sizeof(number), "%lld", (long long)says.number);
    says.word = str_of(number);
    if (says.number != 0)
        return tiktok_classify_code(a, &says, why);
    if (!ok)
        return a->status >= 500 || a->status == 429 ? no_object(a, why)
                                                    : bad(why, &says, "code 0 without success");
    *data = json_get(o, "data");
    return RC_OK;
}

enum rc tiktok_done_parse(const struct tiktok_answer *a, struct arena *mem, struct fault *why)
{
    const struct json *ignored = NULL;
    if (tiktok_kind(a->kind)->wrapped)
        return tiktok_unwrap(a, mem, &ignored, why);
    return tiktok_empty_parse(a->status, a->body, mem, why);
}

/* ---- scopes: "a, b" or [4, 15] -> "a,b", "4,15" ---- */
static bool put_scope(struct buf *b, str word)
{
    if (word.n == 0)
        return true;
    if (!tiktok_opaque(word, ID_MAX))
        return false;
    if (b->n > 0)
        buf_put_c(b, ',');
    buf_put(b, word);
    return true;
}

static bool put_scope_node(struct buf *b, const struct json *v)
{
    char number[24];
    if (v->type == JSON_STR)
        return put_scope(b, str_trim(v->s));
    if (v->type != JSON_INT)
        return false;
    (void)snprintf(number, sizeof(number), "%lld", (long long)v->i);
    return put_scope(b, str_of(number));
}

/* RC_INVALID: no scopes; RC_FULL: no room for them. */
static enum rc scopes_of(const struct json *o, struct arena *mem, str *out)
{
    const struct json *scope = json_get(o, "scope");
    struct buf b;
    str rest, head;
    buf_init(&b, mem, SCOPES_MAX);
    if (scope == NULL || scope->type == JSON_NULL) {
        *out = STR("");
        return RC_OK;
    }
    if (scope->type == JSON_ARR) {
        for (const struct json *v = scope->child; v != NULL; v = v->next)
            if (!put_scope_node(&b, v))
                return RC_INVALID;
    } else if (scope->type == JSON_STR && scope->s.n <= SCOPES_MAX) {
        for (rest = scope->s; str_cut(&rest, ',', &head);)
            if (!put_scope(&b, str_trim(head)))
                return RC_INVALID;
    } else
        return RC_INVALID;
    *out = b.n > 0 ? buf_str(&b) : STR("");
    return buf_ok(&b) ? RC_OK : RC_FULL;
}

/* ---- tokens ---- */
/* TikTok says that it went well and we cannot read the token: a refresh may have rotated. */
static enum rc no_token(const struct tiktok_answer *a, struct fault *why, const char *what)
{
    bool unsure = a->group == GROUP_REFRESH;
    enum rc rc =
        fault_set(why, unsure ? RC_UNSURE : RC_REFUSED, unsure ? "tiktok.unsure" : "tiktok.oauth_error",
                  "HTTP %d, code 0: %s", a->status, what);
    fault_outer(why, 0, a->log_id);
    return rc;
}

static enum rc ids_of(const struct json *list, struct arena *mem, struct tiktok_tokens *t)
{
    if (list == NULL || list->type == JSON_NULL)
        return RC_OK;
    if (list->type != JSON_ARR || list->count > ADVERTISERS_MAX)
        return RC_INVALID;
    if (list->count == 0)
        return RC_OK;
    t->advertisers = arena_array(mem, str, list->count);
    for (const struct json *v = list->child; t->advertisers != NULL && v != NULL; v = v->next) {
        str id = v->type == JSON_STR   ? v->s
                 : v->type == JSON_INT ? arena_fmt(mem, "%lld", (long long)v->i)
                                       : STR_NONE;
        if (v->type == JSON_INT && id.p == NULL)
            return RC_FULL;
        if (!tiktok_opaque(id, 64))
            return RC_INVALID;
        t->advertisers[t->n_advertisers++] = id;
    }
    return t->advertisers != NULL ? RC_OK : RC_FULL;
}

/* token_type, scope and refresh_token_expires_in are optional (BM 1.3). */
static enum rc account_tokens(const struct tiktok_answer *a, const struct json *data, struct tiktok_tokens *t,
                              struct fault *why)
{
    str open_id = tiktok_text_of(data, "open_id");
    if (!tiktok_opaque(open_id, ID_MAX))
        return no_token(a, why, "no usable open_id");
    if (!json_i64(data, "expires_in", &t->expires_in_s) || t->expires_in_s <= 0 ||
        t->expires_in_s > LIFE_MAX_S)
        return no_token(a, why, "no usable expires_in");
    const struct json *life = json_get(data, "refresh_token_expires_in");
    if (life != NULL && life->type != JSON_NULL &&
        (!json_i64(data, "refresh_token_expires_in", &t->refresh_expires_in_s) ||
         t->refresh_expires_in_s < 0 || t->refresh_expires_in_s > 10 * (int64_t)LIFE_MAX_S))
        return no_token(a, why, "a bad refresh_token_expires_in");
    t->open_id = open_id;
    return RC_OK;
}

static enum rc wrapped_tokens(const struct tiktok_answer *a, struct arena *mem, struct tiktok_tokens *out,
                              struct fault *why)
{
    const struct json *data = NULL;
    struct tiktok_tokens t = {.open_id = STR("")};
    enum rc rc = tiktok_unwrap(a, mem, &data, why);
    if (rc != RC_OK)
        return rc;
    str access = tiktok_text_of(data, "access_token"), refresh = tiktok_text_of(data, "refresh_token");
    if (!tiktok_opaque(access, TOKEN_MAX))
        return no_token(a, why, "no usable access_token");
    if (a->kind == APP_ACCOUNTS)
        rc = account_tokens(a, data, &t, why);
    if (rc != RC_OK)
        return rc;
    /* fields of the creator's flavour of the same path are no refresh token of an advertiser (MA 1.3) */
    if (a->kind == APP_ACCOUNTS && refresh.n > 0) {
        if (!tiktok_opaque(refresh, TOKEN_MAX))
            return no_token(a, why, "a bad refresh_token");
        t.refresh = tiktok_secret_of(mem, refresh);
    }
    if ((rc = scopes_of(data, mem, &t.scopes)) == RC_INVALID)
        return no_token(a, why, "a bad scope");
    if (rc == RC_OK && (rc = ids_of(json_get(data, "advertiser_ids"), mem, &t)) == RC_INVALID)
        return no_token(a, why, "a bad advertiser_ids");
    t.access = tiktok_secret_of(mem, access);
    t.token_type = arena_str(mem, tiktok_text_of(data, "token_type"));
    t.open_id = arena_str(mem, t.open_id);
    if (rc == RC_FULL || t.access.n == 0 || t.open_id.p == NULL || t.token_type.p == NULL ||
        (refresh.n > 0 && a->kind == APP_ACCOUNTS && t.refresh.n == 0))
        return fault_set(why, RC_FULL, "base.arena", "no room for the token answer");
    *out = t;
    return RC_OK;
}

/* The Login Kit says invalid_grant for code and refresh token alike: the call tells which it was. */
static enum rc flat_tokens(const struct tiktok_answer *a, struct arena *mem, struct tiktok_tokens *out,
                           struct fault *why)
{
    struct fault inner = {0};
    enum rc rc = tiktok_tokens_parse(a->status, a->body, mem, out, &inner);
    str ref = inner.outer_ref[0] != '\0' ? str_of(inner.outer_ref) : a->log_id;
    if (rc == RC_OK)
        return RC_OK;
    if (rc == RC_REAUTH)
        (void)fault_set(why, rc, a->group == GROUP_REFRESH ? "tiktok.refresh_dead" : "tiktok.code_expired",
                        "%s", inner.detail);
    else
        (void)fault_set(why, rc, inner.code, "%s", inner.detail);
    fault_outer(why, 0, ref);
    return rc;
}

enum rc tiktok_grant_parse(const struct tiktok_answer *a, struct arena *mem, struct tiktok_tokens *out,
                           struct fault *why)
{
    if (tiktok_kind(a->kind)->wrapped)
        return wrapped_tokens(a, mem, out, why);
    return flat_tokens(a, mem, out, why);
}

/* ---- accounts ---- */
enum rc tiktok_token_info_parse(const struct tiktok_answer *a, struct arena *mem,
                                struct tiktok_token_info *out, struct fault *why)
{
    const struct json *data = NULL;
    struct tiktok_token_info info = {0};
    enum rc rc = tiktok_unwrap(a, mem, &data, why);
    if (rc != RC_OK)
        return rc;
    info.open_id = tiktok_text_of(data, "creator_id");
    if (!tiktok_opaque(info.open_id, ID_MAX) || (rc = scopes_of(data, mem, &info.scopes)) == RC_INVALID)
        return no_token(a, why, "token info without creator_id or with a bad scope");
    if (rc != RC_OK)
        return fault_set(why, RC_FULL, "base.arena", "no room for the scopes");
    *out = info;
    return RC_OK;
}

static bool business_bounds(const struct tiktok_business *b)
{
    return b->display_name.n <= TEXT_MAX && b->username.n <= 256 && b->avatar_url.n <= URL_MAX &&
           b->bio.n <= URL_MAX && b->profile_link.n <= 2048;
}

enum rc tiktok_business_parse(const struct tiktok_answer *a, struct arena *mem, struct tiktok_business *out,
                              struct fault *why)
{
    const struct json *d = NULL;
    enum rc rc = tiktok_unwrap(a, mem, &d, why);
    if (rc != RC_OK)
        return rc;
    struct tiktok_business b = {.display_name = tiktok_text_of(d, "display_name"),
                                .username = tiktok_text_of(d, "username"),
                                .avatar_url = tiktok_text_of(d, "profile_image"),
                                .bio = tiktok_text_of(d, "bio_description"),
                                .profile_link = tiktok_text_of(d, "profile_deep_link")};
    b.has_profile = json_bool(d, "is_verified", &b.is_verified);
    b.has_business = json_bool(d, "is_business_account", &b.is_business);
    b.has_stats = json_i64(d, "followers_count", &b.followers);
    bool ignored = json_i64(d, "following_count", &b.following) && json_i64(d, "total_likes", &b.likes) &&
                   json_i64(d, "videos_count", &b.videos);
    (void)ignored;
    struct tiktok_says says = {.log_id = a->log_id, .status = a->status};
    if (!business_bounds(&b))
        return bad(why, &says, "a profile out of bounds");
    *out = b; /* the tree lives in mem, and so do its strings */
    return RC_OK;
}

enum rc tiktok_hook_parse(const struct tiktok_answer *a, struct arena *mem, str *url, struct fault *why)
{
    const struct json *data = NULL;
    enum rc rc = tiktok_unwrap(a, mem, &data, why);
    if (rc != RC_OK)
        return rc;
    str got = tiktok_text_of(data, "callback_url");
    struct tiktok_says says = {.log_id = a->log_id, .status = a->status};
    if (got.n > 0 && !tiktok_opaque(got, 2048))
        return bad(why, &says, "a callback URL out of bounds");
    *url = got.n > 0 ? got : STR_NONE;
    return RC_OK;
}

/* ---- advertisers ---- */
/* An id, as text or as a bare number. RC_INVALID: none; RC_FULL: no room for it. */
static enum rc id_of(const struct json *o, const char *key, struct arena *mem, str *out)
{
    const struct json *v = json_get(o, key);
    str id = STR_NONE;
    if (json_id(o, key, mem, &id) && tiktok_opaque(id, 64)) {
        *out = id;
        return RC_OK;
    }
    return v != NULL && v->type == JSON_INT && id.p == NULL ? RC_FULL : RC_INVALID;
}

enum rc tiktok_advertisers_parse(const struct tiktok_answer *a, struct arena *mem,
                                 struct tiktok_advertisers *out, struct fault *why)
{
    const struct json *data = NULL;
    struct tiktok_advertisers all = {0};
    enum rc rc = tiktok_unwrap(a, mem, &data, why);
    if (rc != RC_OK)
        return rc;
    const struct json *list = json_get(data, "list");
    struct tiktok_says says = {.log_id = a->log_id, .status = a->status};
    if (list != NULL && (list->type != JSON_ARR || list->count > ADVERTISERS_MAX))
        return bad(why, &says, "no list of ad accounts");
    size_t n = list != NULL ? list->count : 0;
    all.list = n > 0 ? arena_array(mem, struct tiktok_advertiser, n) : NULL;
    if (n > 0 && all.list == NULL)
        return fault_set(why, RC_FULL, "base.arena", "no room for the ad accounts");
    for (const struct json *v = n > 0 ? list->child : NULL; v != NULL; v = v->next) {
        struct tiktok_advertiser one = {.name = tiktok_text_of(v, "advertiser_name")};
        rc = id_of(v, "advertiser_id", mem, &one.id);
        if (rc == RC_FULL)
            return fault_set(why, RC_FULL, "base.arena", "no room for the ad accounts");
        if (rc != RC_OK || one.name.n > TEXT_MAX)
            return bad(why, &says, "an ad account without a usable id");
        all.list[all.n++] = one;
    }
    *out = all;
    return RC_OK;
}

enum rc tiktok_ads_user_parse(const struct tiktok_answer *a, struct arena *mem, struct tiktok_ads_user *out,
                              struct fault *why)
{
    const struct json *d = NULL;
    enum rc rc = tiktok_unwrap(a, mem, &d, why);
    if (rc != RC_OK)
        return rc;
    struct tiktok_ads_user u = {.display_name = tiktok_text_of(d, "display_name"),
                                .avatar_url = tiktok_text_of(d, "avatar_url")};
    struct tiktok_says says = {.log_id = a->log_id, .status = a->status};
    rc = id_of(d, "core_user_id", mem, &u.core_user_id);
    if (rc == RC_FULL)
        return fault_set(why, RC_FULL, "base.arena", "no room for the user");
    if (rc != RC_OK || u.display_name.n > TEXT_MAX || u.avatar_url.n > URL_MAX)
        return bad(why, &says, "a user without a usable core_user_id, or out of bounds");
    *out = u;
    return RC_OK;
}
