/* GET /v2/auth/authorize: the checks of login-kit section 10, row 1, in its order, then the person, then the
 * consent page or the way back. Each error is shown as TikTok's own page or carried back to the app, as its
 * switch says (both were reported: login-kit 1.5).
 */
#include "authorize.h"

static const struct refusal refusals[REFUSED_COUNT] = {
    [REFUSED_CLIENT_KEY] = {"unauthorized_client", "client_key", SW_ERROR_CLIENT_KEY,
                            "The client_key is unknown or the app is not approved."},
    [REFUSED_RESPONSE_TYPE] = {"unsupported_response_type", "response_type", SW_ERROR_RESPONSE_TYPE,
                               "The response_type must be code."},
    [REFUSED_REDIRECT_URI] = {"unauthorized_client", "redirect_uri", SW_ERROR_REDIRECT_URI,
                              "The redirect_uri is not registered for this app."},
    [REFUSED_SCOPE] = {"invalid_scope", "scope", SW_ERROR_SCOPE,
                       "A requested scope is not approved for this app."},
    [REFUSED_CODE_CHALLENGE] = {"invalid_request", "code_challenge", SW_ERROR_CODE_CHALLENGE,
                                "The code_challenge is missing or malformed."},
    [REFUSED_SANDBOX] = {"access_denied", "non_sandbox_target", SW_ERROR_SANDBOX,
                         "The account is not a target user of this sandbox."},
    [REFUSED_CANCEL] = {"access_denied", NULL, SW_COUNT, "The user denied the request."},
};

static bool host_port(str text, str *host, str *port)
{
    size_t at = 0;
    while (at < text.n && text.p[at] != ':')
        at++;
    *host = (str){text.p, at};
    *port = at < text.n ? str_sub(text, at + 1, text.n) : STR_NONE;
    return host->n > 0;
}

/* Splits scheme://authority/rest; false when the text is not an absolute http(s) URL. */
static bool url_parts(str url, str *scheme, str *authority, str *rest)
{
    size_t at;
    if (!str_find(url, STR("://"), &at))
        return false;
    *scheme = str_sub(url, 0, at);
    str tail = str_sub(url, at + 3, url.n);
    size_t n = 0;
    while (n < tail.n && tail.p[n] != '/' && tail.p[n] != '?' && tail.p[n] != '#')
        n++;
    *authority = str_sub(tail, 0, n);
    *rest = str_sub(tail, n, tail.n);
    return (str_eq(*scheme, STR("https")) || str_eq(*scheme, STR("http"))) && n > 0;
}

static bool port_number(str port)
{
    uint64_t n;
    return str_to_u64(port, &n) && n > 0 && n < 65536;
}

/* Registered text against the asked one: byte-equal, or a desktop row whose port is '*'. */
static bool uri_equal(enum uri_kind kind, str registered, str asked)
{
    str s1, a1, r1, s2, a2, r2, h1, p1, h2, p2;
    if (str_eq(registered, asked))
        return true;
    if (kind != URI_DESKTOP || !url_parts(registered, &s1, &a1, &r1) || !url_parts(asked, &s2, &a2, &r2))
        return false;
    if (!host_port(a1, &h1, &p1) || !host_port(a2, &h2, &p2) || !str_eq(p1, STR("*")) || !port_number(p2))
        return false;
    return str_eq(s1, s2) && str_eq(h1, h2) && str_eq(r1, r2);
}

bool uri_registered(const struct app *a, str uri, enum uri_kind *kind)
{
    for (int k = 0; k < URI_KINDS; k++) {
        for (unsigned i = 0; i < a->n_uris[k]; i++) {
            if (uri_equal((enum uri_kind)k, str_of(a->uris[k][i]), uri)) {
                *kind = (enum uri_kind)k;
                return true;
            }
        }
    }
    return false;
}

/* What the portal lets a developer register (login-kit 1.3). */
bool uri_allowed(enum uri_kind kind, str uri)
{
    str scheme, authority, rest, host, port;
    if (uri.n >= URI_SIZE || !url_parts(uri, &scheme, &authority, &rest))
        return false;
    for (size_t i = 0; i < uri.n; i++)
        if (uri.p[i] == '?' || uri.p[i] == '#' || (unsigned char)uri.p[i] <= ' ')
            return false;
    if (kind != URI_DESKTOP)
        return str_eq(scheme, STR("https"));
    if (!host_port(authority, &host, &port) || !(str_eq(port, STR("*")) || port_number(port)))
        return false;
    return str_eq(host, STR("localhost")) || str_eq(host, STR("127.0.0.1"));
}

static bool hex64(str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!((s.p[i] >= '0' && s.p[i] <= '9') || (s.p[i] >= 'a' && s.p[i] <= 'f') ||
              (s.p[i] >= 'A' && s.p[i] <= 'F')))
            return false;
    return s.n == 64;
}

static bool challenge_good(struct sim *s, const struct wish *w)
{
    if (w->kind == URI_WEB)
        return true;
    if (w->challenge.n == 0 || w->challenge.n > 128)
        return false;
    if (w->method.n > 0 && !str_eq(w->method, STR("S256")))
        return false;
    return switch_is(&s->sw, SW_CHALLENGE_CHECK, "token") || hex64(w->challenge);
}

static bool scope_belongs(const struct app *a, uint32_t bits)
{
    return bits != 0 && (bits & ~a->scopes) == 0;
}

bool sandbox_target(const struct app *a, const struct user *u)
{
    for (unsigned i = 0; i < a->n_targets; i++)
        if (strcmp(a->targets[i], u->id) == 0)
            return true;
    return a->state != APP_SANDBOX;
}

/* Everything before the person. REFUSED_NONE: all is well and *w is full. */
enum refused wish_read(struct sim *s, str query, struct arena *mem, struct wish *w)
{
    struct form *f = arena_new(mem, struct form);
    *w = (struct wish){.query = query};
    if (f == NULL || !form_read(query, mem, f))
        return REFUSED_CLIENT_KEY;
    w->state = form_get(f, "state");
    w->redirect_uri = form_get(f, "redirect_uri");
    w->challenge = form_get(f, "code_challenge");
    w->method = form_get(f, "code_challenge_method");
    w->always_ask = str_eq(form_get(f, "disable_auto_auth"), STR("1"));
    w->app = app_find(s->w, form_get(f, "client_key"));
    if (w->app == NULL || form_twice(f, "client_key") || w->app->state == APP_DRAFT ||
        w->app->state == APP_IN_REVIEW)
        return REFUSED_CLIENT_KEY;
    if (!str_eq(form_get(f, "response_type"), STR("code")))
        return REFUSED_RESPONSE_TYPE;
    if (form_twice(f, "redirect_uri") || !uri_registered(w->app, w->redirect_uri, &w->kind))
        return REFUSED_REDIRECT_URI;
    if (!scopes_parse(form_get(f, "scope"), &w->scopes) || !scope_belongs(w->app, w->scopes))
        return REFUSED_SCOPE;
    if (w->app->portal == PORTAL_LOGIN && !challenge_good(s, w))
        return REFUSED_CODE_CHALLENGE;
    return REFUSED_NONE;
}

/* ---- answers ---- */

void back_to_app(struct reply *a, const struct wish *w, struct buf *params)
{
    struct buf url;
    buf_init(&url, params->mem, 8192);
    buf_put(&url, w->redirect_uri);
    buf_put_c(&url, '?');
    buf_put(&url, buf_str(params));
    if (!buf_ok(&url) || !buf_ok(params)) {
        a->status = 500;
        return;
    }
    reply_redirect(a, 302, buf_str(&url));
}

static void error_back(struct reply *a, const struct wish *w, const struct refusal *r, struct arena *mem)
{
    struct buf b;
    buf_init(&b, mem, 8192);
    put_param(&b, true, "error", str_of(r->error));
    put_param(&b, false, "error_description", str_of(r->text));
    if (r->type != NULL)
        put_param(&b, false, "error_type", str_of(r->type));
    if (w->state.n > 0)
        put_param(&b, false, "state", w->state);
    put_param(&b, false, "log_id", str_of(a->log_id));
    back_to_app(a, w, &b);
}

static void error_page(struct sim *s, const struct ask *q, struct reply *a, const struct refusal *r)
{
    struct sheet p;
    sheet_begin(&p, s, q, a);
    sheet_open(&p, W_WRONG, true, NULL);
    buf_fmt(p.b, "<div data-sim=\"error\" data-error=\"%s\" data-error-type=\"%s\"><h1>", r->error,
            r->type == NULL ? "" : r->type);
    put_word(&p, W_WRONG);
    put_raw(&p, "</h1><p>");
    put_word(&p, W_WRONG_TEXT);
    put_raw(&p, "</p><ul><li><code>");
    put_text(&p, str_of(r->type == NULL ? r->error : r->type));
    put_raw(&p, "</code></li></ul><p class=\"small\">");
    put_word(&p, W_LOG_ID);
    put_raw(&p, ": <code>");
    put_text(&p, str_of(a->log_id));
    put_raw(&p, "</code></p></div>");
    sheet_end(&p);
}

void wish_refuse(struct sim *s, const struct ask *q, struct reply *a, const struct wish *w, enum refused why)
{
    struct refusal r = refusals[why];
    str scheme, authority, rest;
    if (why == REFUSED_SCOPE && switch_on(&s->sw, SW_SCOPE_MISLABEL)) {
        r.error = "unauthorized_client";
        r.type = "client_key";
    }
    bool page = r.delivery != SW_COUNT && switch_is(&s->sw, r.delivery, "page");
    if (page || !url_parts(w->redirect_uri, &scheme, &authority, &rest))
        error_page(s, q, a, &r);
    else
        error_back(a, w, &r, q->mem);
}

void wish_grant(struct sim *s, const struct ask *q, struct reply *a, const struct wish *w, struct user *u)
{
    struct buf b, scopes;
    struct code *c = code_make(s, w->app, u, w->scopes);
    must(TEXT_SET(c->redirect_uri, w->redirect_uri));
    bool keep = w->kind != URI_WEB || switch_is(&s->sw, SW_WEB_PKCE, "hex");
    must(TEXT_SET(c->challenge, keep ? str_sub(w->challenge, 0, 130) : STR("")));
    struct grant *g = grant_make(s->w, w->app, u);
    if (g != NULL && !g->active) { /* the consent counts from now; the tokens come with the exchange */
        g->active = true;
        g->granted_ms = sim_now(s);
        g->scopes = 0;
    }
    if (g != NULL)
        g->scopes = w->scopes;
    s->dirty = true;
    a->user = str_of(u->id);
    buf_init(&scopes, q->mem, 1024);
    scopes_put(&scopes, w->scopes);
    buf_init(&b, q->mem, 8192);
    put_param(&b, true, "code", str_of(c->text));
    put_param(&b, false, "scopes", buf_str(&scopes));
    if (w->state.n > 0)
        put_param(&b, false, "state", w->state);
    back_to_app(a, w, &b);
}

static void skip_without_code(struct reply *a, const struct wish *w, struct arena *mem)
{
    struct buf b;
    buf_init(&b, mem, 8192);
    put_param(&b, true, "state", w->state);
    back_to_app(a, w, &b);
}

/* An earlier consent to all of these scopes lets the page be skipped. */
static bool may_skip(struct sim *s, const struct wish *w, const struct user *u)
{
    const struct grant *g = grant_find(s->w, w->app, u);
    return g != NULL && g->active && (w->scopes & ~g->scopes) == 0 && !w->always_ask &&
           switch_on(&s->sw, SW_AUTO_SKIP);
}

void choose_person(const struct ask *q, struct reply *a)
{
    struct buf next, url;
    buf_init(&next, q->mem, 16384);
    buf_put(&next, q->path);
    buf_put_c(&next, '?');
    buf_put(&next, q->query);
    buf_init(&url, q->mem, 65536);
    buf_put(&url, STR("/sim/people?"));
    put_param(&url, true, "next", buf_str(&next));
    reply_redirect(a, 302, buf_str(&url));
}

void authorize_get(struct sim *s, const struct ask *q, struct reply *a)
{
    struct wish w;
    enum refused why = wish_read(s, q->query, q->mem, &w);
    a->client_key = w.app != NULL ? str_of(w.app->client_key) : STR_NONE;
    if (why != REFUSED_NONE) {
        wish_refuse(s, q, a, &w, why);
        return;
    }
    struct user *u = person_of(s, q);
    if (u == NULL) {
        choose_person(q, a);
        return;
    }
    a->user = str_of(u->id);
    if (!sandbox_target(w.app, u))
        wish_refuse(s, q, a, &w, REFUSED_SANDBOX);
    else if (switch_is(&s->sw, SW_AUTO_CONSENT, "deny"))
        wish_refuse(s, q, a, &w, REFUSED_CANCEL);
    else if (!switch_is(&s->sw, SW_AUTO_CONSENT, "allow") && !may_skip(s, &w, u))
        consent_page(s, q, a, &w, u);
    else if (!switch_is(&s->sw, SW_AUTO_CONSENT, "allow") && w.app->portal == PORTAL_BUSINESS &&
             switch_on(&s->sw, SW_SKIP_WITHOUT_CODE))
        skip_without_code(a, &w, q->mem);
    else
        wish_grant(s, q, a, &w, u);
}
