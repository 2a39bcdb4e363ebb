/* tiktok_call: the calls themselves. Request text from an endpoint row, one fetch, the pure parser, one log
 * event. Secrets stand only in the caller's arena and in the request; no body and no header value is logged.
 * What can go wrong: a refresh whose answer is lost after sending may have rotated the token: RC_UNSURE.
 */
#include "tiktok/tiktok_priv.h"
#include "crypto/crypto.h"

enum { BODY_MAX = 16 * 1024, ANSWER_MAX = 64 * 1024 };

enum rc tiktok_open(const struct config *c, struct fetch *f, struct log *log, struct tiktok **out,
                    struct fault *why)
{
    struct arena *mem = arena_open(4096);
    struct tiktok *t = arena_new(mem, struct tiktok);
    if (t == NULL) {
        arena_close(&mem);
        return fault_set(why, RC_FULL, "base.arena", "no room for the handle");
    }
    *t = (struct tiktok){.config = c, .fetch = f, .log = log, .mem = mem};
    *out = t;
    return RC_OK;
}

void tiktok_close(struct tiktok **t)
{
    if (*t == NULL)
        return;
    struct arena *mem = (*t)->mem;
    arena_close(&mem);
    *t = NULL;
}

bool tiktok_verifier_ok(str v)
{
    if (v.n < 32 || v.n > 128)
        return false;
    for (size_t i = 0; i < v.n; i++) {
        char c = v.p[i];
        if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
              c == '.' || c == '_' || c == '~'))
            return false;
    }
    return true;
}

str tiktok_challenge(str verifier, struct arena *mem)
{
    return sha256_hex(verifier, mem);
}

bool tiktok_scope_in(str scopes, str scope)
{
    str head;
    while (str_cut(&scopes, ',', &head)) {
        str word, rest = str_trim(head);
        while (str_cut(&rest, ' ', &word))
            if (str_eq(str_trim(word), scope) && scope.n > 0)
                return true;
    }
    return false;
}

/* profile_web_link stands in the scope's text but not in the User Object: never asked (login-kit 3.1). */
str tiktok_user_fields(str granted, struct arena *mem)
{
    static const struct {
        const char *scope, *fields;
    } rows[] = {{"user.info.basic", "open_id,union_id,avatar_url,display_name"},
                {"user.info.profile", "bio_description,profile_deep_link,is_verified,username"},
                {"user.info.stats", "follower_count,following_count,likes_count,video_count"}};
    struct buf b;
    buf_init(&b, mem, 512);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (!tiktok_scope_in(granted, str_of(rows[i].scope)))
            continue;
        if (b.n > 0)
            buf_put_c(&b, ',');
        buf_put(&b, str_of(rows[i].fields));
    }
    return b.n > 0 ? buf_str(&b) : STR_NONE;
}

enum rc tiktok_authorize_url(const struct tiktok *t, const struct tiktok_authorize *a, struct arena *mem,
                             str *out, struct fault *why)
{
    struct buf b, q;
    buf_init(&q, mem, BODY_MAX);
    buf_put_form(&q, "client_key", a->client_key);
    buf_put_form(&q, "response_type", STR("code"));
    buf_put_form(&q, "scope", a->scopes);
    buf_put_form(&q, "redirect_uri", a->redirect_uri);
    buf_put_form(&q, "state", a->state);
    if (a->challenge.n > 0) {
        buf_put_form(&q, "code_challenge", a->challenge);
        buf_put_form(&q, "code_challenge_method", STR("S256"));
    }
    if (a->always_ask)
        buf_put_form(&q, "disable_auto_auth", STR("1"));
    if (a->lang.n > 0)
        buf_put_form(&q, "lang", a->lang);
    buf_init(&b, mem, BODY_MAX);
    str page = config_text(t->config, "tiktok.authorize_url");
    buf_put(&b, page);
    if (str_eq(page, tiktok_authorize_origin(t)))
        buf_put(&b, STR("/v2/auth/authorize/")); /* the setting names a simulator by its origin alone */
    buf_put_c(&b, '?');
    buf_put(&b, buf_str(&q));
    if (!buf_ok(&q) || !buf_ok(&b))
        return fault_set(why, RC_FULL, "base.arena", "authorize URL too long");
    *out = buf_str(&b);
    return RC_OK;
}

str tiktok_authorize_origin(const struct tiktok *t)
{
    str url = config_text(t->config, "tiktok.authorize_url");
    size_t scheme = 0, slash = 0;
    if (!str_find(url, STR("://"), &scheme))
        return url;
    str rest = str_sub(url, scheme + 3, url.n);
    return str_find(rest, STR("/"), &slash) ? str_sub(url, 0, scheme + 3 + slash) : url;
}

/* ---- one call ---- */
struct ask {
    enum tiktok_call call;
    str query, body;
    struct secret bearer;
    int64_t total_ms;
};

static enum rc ask_tiktok(struct tiktok *t, const struct ask *a, struct arena *mem, struct fetch_answer *out,
                          struct fault *why)
{
    const struct tiktok_endpoint *e = &tiktok_login_endpoints[a->call];
    str base = config_text(t->config, tiktok_kind(e->kind)->api_url_key);
    str url = arena_fmt(mem, STR_FMT "%s%s" STR_FMT, STR_ARG(base), e->path, a->query.n > 0 ? "?" : "",
                        STR_ARG(a->query));
    struct fetch_header headers[3];
    size_t n = 0;
    headers[n++] = (struct fetch_header){.name = "Cache-Control", .value = STR("no-cache")};
    if (a->body.n > 0) /* exactly one, and without a charset: TikTok refuses both variants (login-kit 2.7) */
        headers[n++] =
            (struct fetch_header){.name = "Content-Type", .value = STR("application/x-www-form-urlencoded")};
    if (a->bearer.n > 0)
        headers[n++] = (struct fetch_header){.name = "Authorization", .secret = a->bearer};
    if (url.n == 0)
        return fault_set(why, RC_FULL, "base.arena", "no room for the URL");
    struct fetch_request rq = {.cls = FETCH_TIKTOK,
                               .what = e->name,
                               .method = e->method,
                               .url = url,
                               .headers = headers,
                               .n_headers = n,
                               .body = a->body,
                               .total_ms =
                                   a->total_ms > 0 ? a->total_ms : config_int(t->config, "tiktok.timeout_ms"),
                               .max_bytes = ANSWER_MAX};
    struct fault inner = {0};
    enum rc rc = fetch_run(t->fetch, &rq, mem, out, &inner);
    log_event(t->log, rc == RC_OK ? LOG_INFO : LOG_WARN, "tiktok.call", F_STR("what", str_of(e->name)),
              F_INT("status", out->status), F_MS("took", out->took_ms), F_ID("log_id", out->log_id),
              F_RC(rc));
    if (rc == RC_OK)
        return RC_OK;
    if (str_eq(str_of(inner.code), STR("fetch.timeout")))
        return fault_set(why, RC_RETRY, "tiktok.slow", "%s: %s", e->name, inner.detail);
    if (rc == RC_RETRY || rc == RC_FULL)
        return fault_set(why, RC_RETRY, "tiktok.down", "%s: %s", e->name, inner.detail);
    return fault_set(why, rc, inner.code, "%s: %s", e->name, inner.detail);
}

static void put_client(struct buf *b, const struct tiktok_client *c)
{
    must(c->kind == APP_LOGIN_KIT); /* the wrapped families come with their parts */
    buf_put_form(b, "client_key", c->client_key);
    buf_put_form(b, "client_secret", (str){(const char *)c->client_secret.p, c->client_secret.n});
}

static str secret_text(struct secret s)
{
    return (str){(const char *)s.p, s.n};
}

enum rc tiktok_exchange(struct tiktok *t, const struct permit *permit, const struct tiktok_client *client,
                        const struct tiktok_code *code, struct arena *mem, struct tiktok_tokens *out,
                        struct fault *why)
{
    must(permit != NULL);
    struct buf b;
    struct fetch_answer answer = {0};
    buf_init(&b, mem, BODY_MAX);
    put_client(&b, client);
    buf_put_form(&b, "grant_type", STR("authorization_code"));
    buf_put_form(&b, "code", code->code);
    buf_put_form(&b, "redirect_uri", code->redirect_uri);
    if (code->verifier.n > 0)
        buf_put_form(&b, "code_verifier", code->verifier);
    if (!buf_ok(&b))
        return fault_set(why, RC_FULL, "base.arena", "request too long");
    struct ask ask = {.call = CALL_TOKEN, .body = buf_str(&b), .total_ms = code->total_ms};
    enum rc rc = ask_tiktok(t, &ask, mem, &answer, why);
    if (rc != RC_OK)
        return rc;
    rc = tiktok_tokens_parse(answer.status, answer.body, mem, out, why);
    return rc == RC_REAUTH
               ? fault_set(why, rc, "tiktok.code_expired", "the code is expired, used or another app's")
               : rc;
}

enum rc tiktok_refresh(struct tiktok *t, const struct permit *permit, const struct tiktok_client *client,
                       struct secret refresh, struct arena *mem, struct tiktok_tokens *out, struct fault *why)
{
    must(permit != NULL);
    struct buf b;
    struct fetch_answer answer = {0};
    buf_init(&b, mem, BODY_MAX);
    put_client(&b, client);
    buf_put_form(&b, "grant_type", STR("refresh_token"));
    buf_put_form(&b, "refresh_token", secret_text(refresh));
    if (!buf_ok(&b))
        return fault_set(why, RC_FULL, "base.arena", "request too long");
    struct ask ask = {.call = CALL_TOKEN, .body = buf_str(&b)};
    enum rc rc = ask_tiktok(t, &ask, mem, &answer, why);
    if (rc != RC_OK)
        return rc == RC_RETRY && answer.sent
                   ? fault_set(why, RC_UNSURE, "tiktok.unsure", "sent, but no answer was read")
                   : rc;
    rc = tiktok_tokens_parse(answer.status, answer.body, mem, out, why);
    /* A page of HTML or half a body: the rotation behind it may have happened. */
    if (rc == RC_RETRY && str_eq(str_of(why->code), STR("tiktok.not_json")))
        return fault_set(why, RC_UNSURE, "tiktok.unsure", "sent, but the answer cannot be read");
    return rc;
}

enum rc tiktok_revoke(struct tiktok *t, const struct permit *permit, const struct tiktok_client *client,
                      struct secret access, struct fault *why)
{
    must(permit != NULL);
    struct arena *mem = arena_open_secret(256 * 1024);
    struct buf b;
    struct fetch_answer answer = {0};
    buf_init(&b, mem, BODY_MAX);
    put_client(&b, client);
    buf_put_form(&b, "token", secret_text(access));
    enum rc rc = RC_OK;
    if (!buf_ok(&b))
        rc = fault_set(why, RC_FULL, "base.arena", "request too long");
    struct ask ask = {.call = CALL_REVOKE, .body = buf_str(&b)};
    if (rc == RC_OK)
        rc = ask_tiktok(t, &ask, mem, &answer, why);
    if (rc == RC_OK)
        rc = tiktok_empty_parse(answer.status, answer.body, mem, why);
    arena_close(&mem);
    return rc;
}

enum rc tiktok_user_info(struct tiktok *t, const struct permit *permit, const struct tiktok_grant *grant,
                         struct arena *mem, struct tiktok_user *out, struct fault *why)
{
    must(permit != NULL);
    str fields = tiktok_user_fields(grant->scopes, mem);
    if (fields.n == 0)
        return fault_set(why, RC_SCOPE, "tiktok.scope_missing", "no granted scope gives a field");
    str bearer = arena_fmt(mem, "Bearer " STR_FMT, STR_ARG(secret_text(grant->access)));
    str query = arena_fmt(mem, "fields=" STR_FMT, STR_ARG(fields));
    if (bearer.n == 0 || query.n == 0)
        return fault_set(why, RC_FULL, "base.arena", "request too long");
    struct ask ask = {.call = CALL_USER,
                      .query = query,
                      .bearer = {(const unsigned char *)bearer.p, bearer.n},
                      .total_ms = grant->total_ms};
    struct fetch_answer answer = {0};
    enum rc rc = ask_tiktok(t, &ask, mem, &answer, why);
    return rc == RC_OK ? tiktok_user_parse(answer.status, answer.body, mem, out, why) : rc;
}

enum rc tiktok_qr_start(struct tiktok *t, const struct permit *permit, const struct tiktok_authorize *a,
                        str ticket, struct arena *mem, struct tiktok_qr *out, struct fault *why)
{
    must(permit != NULL);
    struct buf b;
    struct fetch_answer answer = {0};
    buf_init(&b, mem, BODY_MAX);
    buf_put_form(&b, "client_key", a->client_key);
    buf_put_form(&b, "scope", a->scopes);
    buf_put_form(&b, "state", a->state);
    if (!buf_ok(&b))
        return fault_set(why, RC_FULL, "base.arena", "request too long");
    struct ask ask = {.call = CALL_QR_START, .body = buf_str(&b)};
    enum rc rc = ask_tiktok(t, &ask, mem, &answer, why);
    return rc == RC_OK ? tiktok_qr_start_parse(answer.status, answer.body, ticket, mem, out, why) : rc;
}

enum rc tiktok_qr_check(struct tiktok *t, const struct permit *permit, const struct tiktok_client *client,
                        const struct tiktok_qr *qr, str ticket, struct arena *mem,
                        struct tiktok_qr_answer *out, struct fault *why)
{
    must(permit != NULL);
    struct buf b;
    struct fetch_answer answer = {0};
    buf_init(&b, mem, BODY_MAX);
    put_client(&b, client);
    buf_put_form(&b, "token", secret_text(qr->token));
    if (!buf_ok(&b))
        return fault_set(why, RC_FULL, "base.arena", "request too long");
    struct ask ask = {.call = CALL_QR_CHECK, .body = buf_str(&b)};
    enum rc rc = ask_tiktok(t, &ask, mem, &answer, why);
    return rc == RC_OK ? tiktok_qr_check_parse(answer.status, answer.body, ticket, mem, out, why) : rc;
}
