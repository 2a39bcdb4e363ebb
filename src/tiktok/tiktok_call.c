/* tiktok_call: the calls themselves. Request text from an endpoint row, one fetch, the pure parser, one log
 * event. Secrets stand only in the caller's arena and in the request; no body and no header value is logged.
 * What can go wrong: a refresh whose answer is lost after sending may have rotated the token: RC_UNSURE.
 */
#include "tiktok/tiktok_priv.h"
#include "crypto/crypto.h"

enum { BODY_MAX = 16 * 1024, ANSWER_MAX = 64 * 1024, LIST_MAX = 2 * 1024 * 1024 };

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

/* What each consent page is told: login-kit 1.1, business-messaging 1.2 (always the page: a silent redirect
 * may come back without a code), marketing 1.2 (neither scope nor response_type exists there). */
static void put_authorize(const struct tiktok_authorize *a, struct buf *q)
{
    if (a->kind == APP_ADS) {
        buf_put_form(q, "app_id", a->client_key);
        buf_put_form(q, "redirect_uri", a->redirect_uri);
        buf_put_form(q, "state", a->state);
        return;
    }
    buf_put_form(q, "client_key", a->client_key);
    buf_put_form(q, "response_type", STR("code"));
    buf_put_form(q, "scope", a->scopes);
    buf_put_form(q, "redirect_uri", a->redirect_uri);
    buf_put_form(q, "state", a->state);
    if (a->kind == APP_LOGIN_KIT && a->challenge.n > 0) {
        buf_put_form(q, "code_challenge", a->challenge);
        buf_put_form(q, "code_challenge_method", STR("S256"));
    }
    if (a->always_ask || a->kind == APP_ACCOUNTS)
        buf_put_form(q, "disable_auto_auth", STR("1"));
    if (a->kind == APP_LOGIN_KIT && a->lang.n > 0)
        buf_put_form(q, "lang", a->lang);
}

enum rc tiktok_authorize_url(const struct tiktok *t, const struct tiktok_authorize *a, struct arena *mem,
                             str *out, struct fault *why)
{
    struct buf b, q;
    const struct tiktok_kind *kind = tiktok_kind(a->kind);
    buf_init(&q, mem, BODY_MAX);
    put_authorize(a, &q);
    buf_init(&b, mem, BODY_MAX);
    str page = config_text(t->config, kind->page_key);
    buf_put(&b, page);
    if (str_eq(page, tiktok_authorize_origin_of(t, a->kind)))
        buf_put(&b, str_of(kind->page_path)); /* the setting names a simulator by its origin alone */
    buf_put_c(&b, '?');
    buf_put(&b, buf_str(&q));
    if (!buf_ok(&q) || !buf_ok(&b))
        return fault_set(why, RC_FULL, "base.arena", "authorize URL too long");
    *out = buf_str(&b);
    return RC_OK;
}

str tiktok_authorize_origin_of(const struct tiktok *t, enum app_kind kind)
{
    str url = config_text(t->config, tiktok_kind(kind)->page_key);
    size_t scheme = 0, slash = 0;
    if (!str_find(url, STR("://"), &scheme))
        return url;
    str rest = str_sub(url, scheme + 3, url.n);
    return str_find(rest, STR("/"), &slash) ? str_sub(url, 0, scheme + 3 + slash) : url;
}

str tiktok_authorize_origin(const struct tiktok *t)
{
    return tiktok_authorize_origin_of(t, APP_LOGIN_KIT);
}

/* ---- one call ---- */
str tiktok_secret_text(struct secret s)
{
    return (str){(const char *)s.p, s.n};
}

enum rc tiktok_body(bool json, const struct tiktok_field *fields, size_t n, struct arena *mem, str *out,
                    struct fault *why)
{
    struct buf b;
    struct jw w;
    buf_init(&b, mem, BODY_MAX);
    jw_init(&w, &b);
    if (json)
        jw_obj(&w, NULL);
    for (size_t i = 0; i < n; i++) {
        if (json)
            jw_str(&w, fields[i].name, fields[i].value);
        else
            buf_put_form(&b, fields[i].name, fields[i].value);
    }
    if (json)
        jw_end(&w);
    if (!buf_ok(&b))
        return fault_set(why, RC_FULL, "base.arena", "request too long");
    *out = buf_str(&b);
    return RC_OK;
}

/* Neither URL nor body nor a header's value is logged: they hold secrets (marketing 1.4). */
enum rc tiktok_ask(struct tiktok *t, const struct tiktok_ask *a, struct arena *mem, struct fetch_answer *out,
                   struct fault *why)
{
    const struct tiktok_endpoint *e = a->endpoint;
    const struct tiktok_kind *kind = tiktok_kind(e->kind);
    str base = config_text(t->config, kind->api_url_key);
    str url = arena_fmt(mem, STR_FMT "%s%s" STR_FMT, STR_ARG(base), e->path, a->query.n > 0 ? "?" : "",
                        STR_ARG(a->query));
    str type = kind->json_body ? STR("application/json") : STR("application/x-www-form-urlencoded");
    struct fetch_header headers[3];
    size_t n = 0;
    headers[n++] = (struct fetch_header){.name = "Cache-Control", .value = STR("no-cache")};
    if (a->body.n > 0) /* exactly one, and without a charset: TikTok refuses both variants (login-kit 2.7) */
        headers[n++] = (struct fetch_header){.name = "Content-Type", .value = type};
    if (a->bearer.n > 0)
        headers[n++] = (struct fetch_header){.name = kind->wrapped ? "Access-Token" : "Authorization",
                                             .secret = a->bearer};
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
                               .max_bytes = a->max_bytes > 0 ? a->max_bytes : ANSWER_MAX};
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

/* What each family calls the parts of a token call: login-kit 2, business-messaging 1.3-1.5, marketing 1.3,
 * 1.5. */
static const struct names {
    const char *id, *secret, *code, *refresh, *access;
    bool grant_type, redirect, verifier;
} names[APP_KINDS] = {
    [APP_LOGIN_KIT] = {"client_key", "client_secret", "code", "refresh_token", "token", true, true, true},
    [APP_ACCOUNTS] = {"client_id", "client_secret", "auth_code", "refresh_token", "access_token", true, true,
                      false},
    [APP_ADS] = {"app_id", "secret", "auth_code", NULL, "access_token", false, false, false},
};

static size_t put_client(const struct tiktok_client *c, struct tiktok_field *f)
{
    f[0] = (struct tiktok_field){names[c->kind].id, c->client_key};
    f[1] = (struct tiktok_field){names[c->kind].secret, tiktok_secret_text(c->client_secret)};
    return 2;
}

static enum rc call_fields(struct tiktok *t, const struct tiktok_ask *ask, const struct tiktok_field *fields,
                           size_t n, struct arena *mem, struct fetch_answer *out, struct fault *why)
{
    struct tiktok_ask full = *ask;
    enum rc rc = tiktok_body(tiktok_kind(ask->endpoint->kind)->json_body, fields, n, mem, &full.body, why);
    return rc == RC_OK ? tiktok_ask(t, &full, mem, out, why) : rc;
}

static struct tiktok_answer answer_of(enum app_kind kind, enum tiktok_group group,
                                      const struct fetch_answer *a)
{
    return (struct tiktok_answer){
        .kind = kind, .group = group, .status = a->status, .body = a->body, .log_id = a->log_id};
}

enum rc tiktok_exchange(struct tiktok *t, const struct permit *permit, const struct tiktok_client *client,
                        const struct tiktok_code *code, struct arena *mem, struct tiktok_tokens *out,
                        struct fault *why)
{
    must(permit != NULL);
    const struct names *name = &names[client->kind];
    struct fetch_answer got = {0};
    struct tiktok_field f[6];
    size_t n = put_client(client, f);
    if (name->grant_type)
        f[n++] = (struct tiktok_field){"grant_type", STR("authorization_code")};
    f[n++] = (struct tiktok_field){name->code, code->code};
    if (name->redirect)
        f[n++] = (struct tiktok_field){"redirect_uri", code->redirect_uri};
    if (name->verifier && code->verifier.n > 0)
        f[n++] = (struct tiktok_field){"code_verifier", code->verifier};
    /* an agency's answer lists thousands of ad accounts */
    struct tiktok_ask ask = {.endpoint = tiktok_endpoint_of(client->kind, OP_EXCHANGE),
                             .total_ms = code->total_ms,
                             .max_bytes = client->kind == APP_ADS ? LIST_MAX : 0};
    enum rc rc = call_fields(t, &ask, f, n, mem, &got, why);
    if (rc != RC_OK)
        return rc;
    struct tiktok_answer a = answer_of(client->kind, GROUP_EXCHANGE, &got);
    return tiktok_grant_parse(&a, mem, out, why);
}

/* The answer may have followed a rotation that we cannot see. */
static enum rc unsure(struct fault *why, const char *what)
{
    struct fault inner = *why;
    (void)fault_set(why, RC_UNSURE, "tiktok.unsure", "%s: %s", what, inner.detail);
    fault_outer(why, inner.outer_code, str_of(inner.outer_ref));
    return RC_UNSURE;
}

enum rc tiktok_refresh(struct tiktok *t, const struct permit *permit, const struct tiktok_client *client,
                       struct secret refresh, struct arena *mem, struct tiktok_tokens *out, struct fault *why)
{
    must(permit != NULL);
    struct tiktok_ask ask = {.endpoint = tiktok_endpoint_of(client->kind, OP_REFRESH)};
    if (ask.endpoint == NULL) /* marketing 1.3: no such endpoint; the token lives until it is taken away */
        return fault_set(why, RC_BUG, "tiktok.no_refresh", "tokens of this family are probed, not refreshed");
    struct fetch_answer got = {0};
    struct tiktok_field f[4];
    size_t n = put_client(client, f);
    f[n++] = (struct tiktok_field){"grant_type", STR("refresh_token")};
    f[n++] = (struct tiktok_field){names[client->kind].refresh, tiktok_secret_text(refresh)};
    enum rc rc = call_fields(t, &ask, f, n, mem, &got, why);
    if (rc != RC_OK)
        return rc == RC_RETRY && got.sent ? unsure(why, "sent, but no answer was read") : rc;
    struct tiktok_answer a = answer_of(client->kind, GROUP_REFRESH, &got);
    rc = tiktok_grant_parse(&a, mem, out, why);
    /* Half a body, no room for it: the rotation behind it may have happened. A page of HTML comes from a
     * gateway that did not let the call through: later again, as with 5xx. */
    str start = str_trim(got.body);
    bool page = start.n > 0 && start.p[0] == '<';
    if (rc == RC_FULL || (rc == RC_RETRY && !page && str_eq(str_of(why->code), STR("tiktok.not_json"))))
        return unsure(why, "sent, but the answer cannot be read");
    return rc;
}

enum rc tiktok_revoke(struct tiktok *t, const struct permit *permit, const struct tiktok_client *client,
                      struct secret access, struct fault *why)
{
    must(permit != NULL);
    struct arena *mem = arena_open_secret(256 * 1024);
    struct tiktok_ask ask = {.endpoint = tiktok_endpoint_of(client->kind, OP_REVOKE)};
    struct fetch_answer got = {0};
    struct tiktok_field f[3];
    size_t n = put_client(client, f);
    f[n++] = (struct tiktok_field){names[client->kind].access, tiktok_secret_text(access)};
    enum rc rc = call_fields(t, &ask, f, n, mem, &got, why);
    struct tiktok_answer a = answer_of(client->kind, GROUP_REVOKE, &got);
    if (rc == RC_OK)
        rc = tiktok_done_parse(&a, mem, why);
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
    str bearer = arena_fmt(mem, "Bearer " STR_FMT, STR_ARG(tiktok_secret_text(grant->access)));
    str query = arena_fmt(mem, "fields=" STR_FMT, STR_ARG(fields));
    if (bearer.n == 0 || query.n == 0)
        return fault_set(why, RC_FULL, "base.arena", "request too long");
    struct tiktok_ask ask = {.endpoint = tiktok_endpoint_of(APP_LOGIN_KIT, OP_PROFILE),
                             .query = query,
                             .bearer = {(const unsigned char *)bearer.p, bearer.n},
                             .total_ms = grant->total_ms};
    struct fetch_answer answer = {0};
    enum rc rc = tiktok_ask(t, &ask, mem, &answer, why);
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
    struct tiktok_ask ask = {.endpoint = tiktok_endpoint_of(APP_LOGIN_KIT, OP_QR_START), .body = buf_str(&b)};
    enum rc rc = tiktok_ask(t, &ask, mem, &answer, why);
    return rc == RC_OK ? tiktok_qr_start_parse(answer.status, answer.body, ticket, mem, out, why) : rc;
}

enum rc tiktok_qr_check(struct tiktok *t, const struct permit *permit, const struct tiktok_client *client,
                        const struct tiktok_qr *qr, str ticket, struct arena *mem,
                        struct tiktok_qr_answer *out, struct fault *why)
{
    must(permit != NULL);
    struct tiktok_ask ask = {.endpoint = tiktok_endpoint_of(client->kind, OP_QR_CHECK)};
    must(ask.endpoint != NULL);
    struct fetch_answer answer = {0};
    struct tiktok_field f[3];
    size_t n = put_client(client, f);
    f[n++] = (struct tiktok_field){"token", tiktok_secret_text(qr->token)};
    enum rc rc = call_fields(t, &ask, f, n, mem, &answer, why);
    return rc == RC_OK ? tiktok_qr_check_parse(answer.status, answer.body, ticket, mem, out, why) : rc;
}
