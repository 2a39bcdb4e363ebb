/* /v2/oauth/token/ and /v2/oauth/revoke/: the checks of login-kit section 10 in their order. Errors are flat
 * bodies with HTTP 200 unless switched (2.5, 2.6). A code dies by any exchange that names it, a refresh token
 * by its use (2.4).
 */
#include "oauth.h"
#include "ads.h"
#include "authorize.h"
#include "crypto/crypto.h"

static const char *const malformed = "The request parameters are malformed.";

int64_t access_life_s(const struct sim *s, enum portal portal)
{
    if (portal == PORTAL_BUSINESS)
        return switch_int(&s->sw, SW_BUSINESS_ACCESS_S);
    return switch_is(&s->sw, SW_PROFILE, "legacy") ? 86400 : 7200;
}

int64_t refresh_life_s(const struct sim *s, enum portal portal)
{
    if (portal == PORTAL_BUSINESS)
        return switch_int(&s->sw, SW_BUSINESS_REFRESH_S);
    return switch_is(&s->sw, SW_PROFILE, "legacy") ? 31536000 : 15552000;
}

struct code *code_make(struct sim *s, const struct app *a, const struct user *u, uint32_t scopes)
{
    static const enum secret_kind kinds[] = {
        [PORTAL_LOGIN] = MADE_CODE, [PORTAL_BUSINESS] = MADE_BUSINESS_CODE, [PORTAL_ADS] = MADE_ADS_CODE};
    const int64_t lives[] = {
        [PORTAL_LOGIN] = switch_int(&s->sw, SW_CODE_TTL_S), [PORTAL_BUSINESS] = 600, [PORTAL_ADS] = 3600};
    struct code *c = code_next(s->w);
    secret_new(kinds[a->portal], c->text);
    c->app = app_index(s->w, a);
    c->user = user_index(s->w, u);
    c->scopes = scopes;
    c->expires_ms = sim_now(s) + lives[a->portal] * 1000;
    return c;
}

static void kill_all(struct sim *s, unsigned grant)
{
    for (size_t i = 0; i < MAX_TOKENS; i++)
        if (!s->w->tokens[i].client_only && s->w->tokens[i].grant == grant)
            s->w->tokens[i].access_dead = s->w->tokens[i].refresh_dead = true;
}

struct token *token_make(struct sim *s, const struct app *a, const struct user *u, uint32_t scopes)
{
    struct grant *g = grant_make(s->w, a, u);
    if (g == NULL)
        return NULL;
    int64_t now = sim_now(s);
    if (!g->active) {
        g->active = true;
        g->granted_ms = now;
    } else if (switch_on(&s->sw, SW_NEW_GRANT_ENDS_OLD)) {
        kill_all(s, (unsigned)(g - s->w->grants));
    }
    g->scopes = scopes;
    struct token *t = token_next(s->w);
    t->app = g->app;
    t->user = g->user;
    t->grant = (unsigned)(g - s->w->grants);
    t->scopes = scopes;
    t->generation = g->generation;
    t->chain = ++s->w->chains;
    t->serial = 1;
    t->chain_ms = now;
    secret_new(MADE_ACCESS, t->access);
    if (a->portal == PORTAL_ADS) { /* never expires, is never refreshed (marketing 1.3) */
        t->access_ms = INT64_MAX;
        t->refresh_dead = true;
    } else {
        secret_new(MADE_REFRESH, t->refresh);
        t->access_ms = now + access_life_s(s, a->portal) * 1000;
        t->refresh_ms = now + refresh_life_s(s, a->portal) * 1000;
    }
    token_named(s->w, t);
    s->dirty = true;
    return t;
}

int64_t seconds_left(int64_t end_ms, int64_t now_ms)
{
    return (end_ms - now_ms + 500) / 1000;
}

void token_answer(struct sim *s, const struct token *t, struct buf *b)
{
    if (s->w->apps[t->app].portal == PORTAL_ADS) {
        ads_token_data(s, t, true, b);
        return;
    }
    struct out o;
    struct buf scopes;
    char open_id[ID_SIZE];
    int64_t now = sim_now(s);
    open_id_of(&s->w->apps[t->app], &s->w->users[t->user], open_id);
    buf_init(&scopes, b->mem, 1024);
    scopes_put(&scopes, t->scopes);
    out_init(&o, b, false);
    out_open(&o, NULL, '{');
    out_cstr(&o, "access_token", t->access);
    out_int(&o, "expires_in", seconds_left(t->access_ms, now));
    out_cstr(&o, "open_id", open_id);
    out_int(&o, "refresh_expires_in", seconds_left(t->refresh_ms, now));
    out_cstr(&o, "refresh_token", t->refresh);
    out_str(&o, "scope", buf_str(&scopes));
    out_cstr(&o, "token_type", "Bearer");
    out_close(&o, '}');
}

/* ---- the common beginning of every OAuth call ---- */

bool oauth_begin(struct sim *s, const struct ask *q, struct reply *a, struct form **out)
{
    struct form *f = arena_new(q->mem, struct form);
    if (!str_eq_nocase(q->content_type, STR("application/x-www-form-urlencoded"))) {
        reply_error(s, a, 200, "invalid_request",
                    "Only `application/x-www-form-urlencoded` is accepted as Content-Type.");
        return false;
    }
    if (f == NULL || !form_read(q->body, q->mem, f)) {
        reply_error(s, a, 200, "invalid_request", malformed);
        return false;
    }
    for (size_t i = 0; i < f->n; i++) {
        for (size_t k = 0; k < i; k++) {
            if (str_eq(f->at[i].name, f->at[k].name)) {
                reply_error(s, a, 200, "invalid_request", malformed);
                return false;
            }
        }
    }
    a->client_key = form_get(f, "client_key");
    *out = f;
    return true;
}

static bool present(struct sim *s, struct reply *a, const struct form *f, const char *name)
{
    if (form_get(f, name).n > 0)
        return true;
    reply_error(s, a, 200, "invalid_request",
                strcmp(name, "client_secret") == 0 ? "Client secret is missed in request." : malformed);
    return false;
}

static bool same_secret(const char *have, str given)
{
    return have[0] != '\0' && strlen(have) == given.n && equal_ct(have, given.p, given.n);
}

/* with_secret: get_qrcode asks for the key alone. */
struct app *oauth_client(struct sim *s, struct reply *a, const struct form *f, bool with_secret)
{
    if (!present(s, a, f, "client_key") || (with_secret && !present(s, a, f, "client_secret")))
        return NULL;
    struct app *app = app_find(s->w, form_get(f, "client_key"));
    bool good = app != NULL && app->portal == PORTAL_LOGIN;
    if (good && with_secret)
        good = same_secret(app->secret, form_get(f, "client_secret"));
    if (!good)
        reply_error(s, a, 200, "invalid_client", "Client key or secret is incorrect.");
    return good ? app : NULL;
}

/* ---- authorization_code ---- */

/* Looks the code up and burns it, whatever comes of this exchange. *c is a copy of what it was. */
static bool code_burn(struct sim *s, str text, struct code *c)
{
    struct code *row = text.n == 0 ? NULL : code_find(s->w, text);
    if (row == NULL)
        return false;
    *c = *row;
    row->used = !planted("sim.code_twice");
    return true;
}

static bool verifier_good(const struct code *c, str verifier)
{
    if (c->challenge[0] == '\0')
        return true;
    unsigned char hash[SHA256_BYTES];
    char hex[65];
    if (verifier.n == 0)
        return false;
    sha256(verifier, hash);
    for (size_t i = 0; i < sizeof hash; i++)
        snprintf(hex + 2 * i, 3, "%02x", hash[i]);
    return strcmp(hex, c->challenge) == 0;
}

static bool uri_good(struct sim *s, const struct code *c, str uri)
{
    enum uri_kind kind;
    if (c->any_uri)
        return uri_registered(&s->w->apps[c->app], uri, &kind);
    return str_eq(str_of(c->redirect_uri), uri);
}

static void exchange_code(struct sim *s, const struct form *f, struct reply *a)
{
    struct code c;
    bool known = code_burn(s, form_get(f, "code"), &c);
    struct app *app = oauth_client(s, a, f, true);
    if (app == NULL || !present(s, a, f, "code") || !present(s, a, f, "redirect_uri"))
        return;
    if (!known || c.used || sim_now(s) >= c.expires_ms || &s->w->apps[c.app] != app ||
        s->w->users[c.user].state != PERSON_ACTIVE) {
        reply_error(s, a, 200, "invalid_grant", "Authorization code is expired.");
        return;
    }
    a->user = str_of(s->w->users[c.user].id);
    if (!uri_good(s, &c, form_get(f, "redirect_uri"))) {
        reply_error(s, a, 200, "invalid_request",
                    "Redirect_uri is not matched with the uri when requesting code.");
        return;
    }
    if (!verifier_good(&c, form_get(f, "code_verifier"))) {
        reply_error(s, a, 200, "invalid_request", "Code verifier or code challenge is invalid.");
        return;
    }
    const struct token *t = token_make(s, app, &s->w->users[c.user], c.scopes);
    if (t == NULL) {
        reply_error(s, a, 200, "server_error", "The simulator's table of grants is full.");
        return;
    }
    token_answer(s, t, &a->body);
    reply_json(a, 200);
}

/* ---- refresh_token ---- */

/* The neighbours in the chain; NULL: there is none, or its row has been given away. A row may have come back
 * to its own chain, so the serials decide, and no walk can turn in a circle. */
static struct token *linked(struct sim *s, const struct token *t, uint32_t link)
{
    struct token *n = link == 0 ? NULL : &s->w->tokens[link - 1];
    return n != NULL && n->chain == t->chain && !n->client_only ? n : NULL;
}

static struct token *before_it(struct sim *s, const struct token *t)
{
    struct token *n = linked(s, t, t->prev);
    return n != NULL && n->serial < t->serial ? n : NULL;
}

static struct token *after_it(struct sim *s, const struct token *t)
{
    struct token *n = linked(s, t, t->next);
    return n != NULL && n->serial > t->serial ? n : NULL;
}

void token_used(struct sim *s, const struct token *t)
{
    struct token *before = before_it(s, t);
    if (before == NULL || !before->grace)
        return;
    before->grace = false;
    before->refresh_dead = true;
}

void token_reused(struct sim *s, const struct token *t)
{
    if (!switch_on(&s->sw, SW_REUSE_ENDS_CHAIN))
        return;
    for (struct token *n = after_it(s, t); n != NULL; n = after_it(s, n))
        n->access_dead = n->refresh_dead = true;
}

static bool rotates_same(const struct sim *s, enum portal portal)
{
    if (switch_is(&s->sw, SW_ROTATION, "profile"))
        return portal == PORTAL_LOGIN && switch_is(&s->sw, SW_PROFILE, "legacy") &&
               switch_on(&s->sw, SW_REFRESH_SAME);
    return switch_is(&s->sw, SW_ROTATION, "same");
}

/* The predecessor dies, or is honoured until its successor is used; an unused successor of before dies. */
static void retire(struct sim *s, struct token *old)
{
    struct token *unused = old->grace ? after_it(s, old) : NULL;
    if (unused != NULL)
        unused->access_dead = unused->refresh_dead = true;
    old->grace = switch_is(&s->sw, SW_ROTATION, "rotate_with_grace");
    old->refresh_dead = !old->grace && !planted("sim.refresh_twice");
    if (!switch_on(&s->sw, SW_REFRESH_KILLS_ACCESS))
        return;
    for (struct token *t = old; t != NULL; t = before_it(s, t))
        t->access_dead = true;
}

/* A business refresh never renews the year, which counts from the consent (messaging 1.4). */
struct token *token_rotate(struct sim *s, struct token *old)
{
    int64_t now = sim_now(s);
    enum portal portal = s->w->apps[old->app].portal;
    bool same = rotates_same(s, portal);
    token_used(s, old);
    retire(s, old);
    struct token before = *old;
    struct token *t = token_next(s->w);
    *t = before;
    t->access_dead = t->refresh_dead = t->grace = false;
    t->serial = before.serial + 1;
    t->prev = (uint32_t)(old - s->w->tokens) + 1;
    t->next = 0;
    old->next = (uint32_t)(t - s->w->tokens) + 1;
    secret_new(MADE_ACCESS, t->access);
    if (!same)
        secret_new(MADE_REFRESH, t->refresh);
    int64_t access = t->access_life_s > 0 ? t->access_life_s : access_life_s(s, portal);
    int64_t refresh = t->refresh_life_s > 0 ? t->refresh_life_s : refresh_life_s(s, portal);
    t->access_ms = now + access * 1000;
    if (!same && portal == PORTAL_LOGIN && switch_is(&s->sw, SW_REFRESH_CLOCK, "restart"))
        t->refresh_ms = now + refresh * 1000;
    token_named(s->w, t);
    s->dirty = true;
    return t;
}

static void exchange_refresh(struct sim *s, const struct form *f, struct reply *a)
{
    struct app *app = oauth_client(s, a, f, true);
    if (app == NULL || !present(s, a, f, "refresh_token"))
        return;
    struct token *t = token_by_refresh(s->w, form_get(f, "refresh_token"));
    if (t == NULL || &s->w->apps[t->app] != app || !refresh_alive(s->w, t, sim_now(s))) {
        if (t != NULL)
            token_reused(s, t);
        reply_error(s, a, 200, "invalid_grant", "Refresh token is invalid or expired.");
        return;
    }
    a->user = str_of(s->w->users[t->user].id);
    token_answer(s, token_rotate(s, t), &a->body);
    reply_json(a, 200);
}

/* ---- client_credentials ---- */

static void exchange_client(struct sim *s, const struct form *f, struct reply *a)
{
    struct app *app = oauth_client(s, a, f, true);
    if (app == NULL)
        return;
    struct token *t = token_next(s->w);
    struct out o;
    t->client_only = true;
    t->app = app_index(s->w, app);
    t->access_ms = sim_now(s) + 7200000;
    secret_new(MADE_CLIENT, t->access);
    token_named(s->w, t);
    out_init(&o, &a->body, false);
    out_open(&o, NULL, '{');
    out_cstr(&o, "access_token", t->access);
    out_int(&o, "expires_in", 7200);
    out_cstr(&o, "token_type", "Bearer");
    out_close(&o, '}');
    reply_json(a, 200);
}

static const struct {
    const char *grant_type;
    void (*run)(struct sim *s, const struct form *f, struct reply *a);
} grants[] = {
    {"authorization_code", exchange_code},
    {"refresh_token", exchange_refresh},
    {"client_credentials", exchange_client},
};

void oauth_token(struct sim *s, const struct ask *q, struct reply *a)
{
    struct form *f;
    reply_header(a, "Cache-Control", STR("no-store"));
    if (!oauth_begin(s, q, a, &f) || !present(s, a, f, "grant_type"))
        return;
    for (size_t i = 0; i < COUNT_OF(grants); i++) {
        if (str_eq(str_of(grants[i].grant_type), form_get(f, "grant_type"))) {
            grants[i].run(s, f, a);
            return;
        }
    }
    reply_error(s, a, 200, "unsupported_grant_type", "The grant type is not supported.");
}

void oauth_revoke(struct sim *s, const struct ask *q, struct reply *a)
{
    struct form *f;
    if (!oauth_begin(s, q, a, &f))
        return;
    struct app *app = oauth_client(s, a, f, true);
    if (app == NULL || !present(s, a, f, "token"))
        return;
    struct token *t = token_by_access(s->w, form_get(f, "token"));
    if (t == NULL || t->client_only || &s->w->apps[t->app] != app || !token_alive(s->w, t, sim_now(s))) {
        reply_error(s, a, 200, "invalid_grant", "The access token is invalid or expired.");
        return;
    }
    a->user = str_of(s->w->users[t->user].id);
    grant_end(s, &s->w->grants[t->grant], 5, true);
    buf_put(&a->body, STR("{}"));
    reply_json(a, 200);
}
