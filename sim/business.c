/* API for Business, accounts: tt_user/oauth2 (messaging 1.3 to 1.6, 8). JSON in, envelope out, HTTP 200 for
 * all application errors. Codes of section 5.2; texts other than the quoted ones are ours. Every other path
 * answers 40008 until later parts add their rows to routes.c.
 */
#include "oauth.h"
#include "crypto/crypto.h"

static bool same(const char *have, str given)
{
    return have[0] != '\0' && strlen(have) == given.n && equal_ct(have, given.p, given.n);
}

/* The body as an object; NULL: answered. A body that is not JSON never reaches the API: HTTP 400 with text.
 * */
static const struct json *body_of(const struct ask *q, struct reply *a)
{
    const struct json *j = NULL;
    if (json_parse(q->body, NULL, q->mem, &j, NULL) == RC_OK && j->type == JSON_OBJ)
        return j;
    a->status = 400;
    a->type = "text/plain; charset=utf-8";
    buf_put(&a->body, STR("invalid request body"));
    return NULL;
}

static bool needs(struct sim *s, const struct ask *q, struct reply *a, const struct json *j,
                  const char *const *names)
{
    for (size_t i = 0; names[i] != NULL; i++) {
        str v;
        if (json_str(j, names[i], &v) && v.n > 0)
            continue;
        str text = arena_fmt(q->mem, "Missing data for required field: %s.", names[i]);
        reply_error(s, a, 200, "40002", text.p);
        return false;
    }
    return true;
}

static struct app *client(struct sim *s, struct reply *a, const struct json *j)
{
    str id = STR_NONE, secret = STR_NONE;
    json_str(j, "client_id", &id);
    json_str(j, "client_secret", &secret);
    a->client_key = id;
    struct app *app = app_find(s->w, id);
    if (app != NULL && app->portal == PORTAL_BUSINESS && same(app->secret, secret))
        return app;
    reply_error(s, a, 200, "40101", "The app id or secret is incorrect.");
    return NULL;
}

static void put_data(struct sim *s, struct reply *a, const struct token *t)
{
    struct out o;
    struct buf scopes;
    char open_id[ID_SIZE];
    int64_t now = sim_now(s);
    open_id_of(&s->w->apps[t->app], &s->w->users[t->user], open_id);
    buf_init(&scopes, a->body.mem, 1024);
    scopes_put(&scopes, t->scopes);
    out_init(&o, &a->body, false);
    out_open(&o, NULL, '{');
    out_int(&o, "code", 0);
    out_cstr(&o, "message", "OK");
    out_cstr(&o, "request_id", a->log_id);
    out_open(&o, "data", '{');
    out_cstr(&o, "access_token", t->access);
    out_cstr(&o, "token_type", "Bearer");
    out_str(&o, "scope", buf_str(&scopes));
    out_int(&o, "expires_in", (t->access_ms - now) / 1000);
    out_cstr(&o, "refresh_token", t->refresh);
    out_int(&o, "refresh_token_expires_in", (t->refresh_ms - now) / 1000);
    out_cstr(&o, "open_id", open_id);
    out_close(&o, '}');
    out_close(&o, '}');
    reply_json(a, 200);
}

static bool grant_type_is(struct sim *s, struct reply *a, const struct json *j, const char *want)
{
    str type = STR_NONE;
    if (json_str(j, "grant_type", &type) && str_eq(type, str_of(want)))
        return true;
    reply_error(s, a, 200, "40108", "The grant_type is not supported.");
    return false;
}

void business_token(struct sim *s, const struct ask *q, struct reply *a)
{
    static const char *const names[] = {"client_id", "client_secret", "grant_type",
                                        "auth_code", "redirect_uri",  NULL};
    str text = STR_NONE, uri = STR_NONE;
    const struct json *j = body_of(q, a);
    if (j == NULL || !needs(s, q, a, j, names))
        return;
    struct app *app = client(s, a, j);
    if (app == NULL || !grant_type_is(s, a, j, "authorization_code"))
        return;
    must(json_str(j, "auth_code", &text) && json_str(j, "redirect_uri", &uri));
    struct code *c = code_find(s->w, text);
    bool good = c != NULL && !c->used && sim_now(s) < c->expires_ms && &s->w->apps[c->app] == app &&
                s->w->users[c->user].state == PERSON_ACTIVE;
    if (c != NULL)
        c->used = true;
    if (!good) {
        reply_error(s, a, 200, "40110", "The auth_code is cancelled, used or expired.");
        return;
    }
    if (!str_eq(str_of(c->redirect_uri), uri)) {
        reply_error(s, a, 200, "40002", "The redirect_uri does not match.");
        return;
    }
    const struct token *t = token_make(s, app, &s->w->users[c->user], c->scopes);
    if (t == NULL) {
        reply_error(s, a, 200, "50000", "The simulator's table of grants is full.");
        return;
    }
    a->user = str_of(s->w->users[t->user].id);
    put_data(s, a, t);
}

/* The year counts from the first grant (messaging 1.4); the refresh token stays the same or rotates by
 * switch. */
void business_refresh(struct sim *s, const struct ask *q, struct reply *a)
{
    static const char *const names[] = {"client_id", "client_secret", "grant_type", "refresh_token", NULL};
    str text = STR_NONE;
    const struct json *j = body_of(q, a);
    if (j == NULL || !needs(s, q, a, j, names))
        return;
    struct app *app = client(s, a, j);
    if (app == NULL || !grant_type_is(s, a, j, "refresh_token"))
        return;
    must(json_str(j, "refresh_token", &text));
    struct token *t = token_by_refresh(s->w, text);
    int64_t now = sim_now(s);
    if (t != NULL && &s->w->apps[t->app] == app && !t->refresh_dead && now >= t->refresh_ms) {
        reply_error(s, a, 200, "40103", "The refresh token is expired.");
        return;
    }
    if (t == NULL || &s->w->apps[t->app] != app || !refresh_alive(s->w, t, now)) {
        reply_error(s, a, 200, "40107", "The refresh token is invalid.");
        return;
    }
    int64_t refresh_ms = t->refresh_ms;
    struct token *next = token_rotate(s, t);
    next->access_ms = now + 86400000;
    next->refresh_ms = refresh_ms;
    a->user = str_of(s->w->users[next->user].id);
    put_data(s, a, next);
}

static void put_empty(struct reply *a)
{
    struct out o;
    out_init(&o, &a->body, false);
    out_open(&o, NULL, '{');
    out_int(&o, "code", 0);
    out_cstr(&o, "message", "OK");
    out_cstr(&o, "request_id", a->log_id);
    out_open(&o, "data", '{');
    out_close(&o, '}');
    out_close(&o, '}');
    reply_json(a, 200);
}

void business_revoke(struct sim *s, const struct ask *q, struct reply *a)
{
    static const char *const names[] = {"client_id", "client_secret", "access_token", NULL};
    str text = STR_NONE;
    const struct json *j = body_of(q, a);
    if (j == NULL || !needs(s, q, a, j, names))
        return;
    struct app *app = client(s, a, j);
    if (app == NULL)
        return;
    must(json_str(j, "access_token", &text));
    struct token *t = token_by_access(s->w, text);
    if (t == NULL || t->client_only || &s->w->apps[t->app] != app || !token_alive(s->w, t, sim_now(s))) {
        reply_error(s, a, 200, "40105", "The access token is invalid.");
        return;
    }
    a->user = str_of(s->w->users[t->user].id);
    grant_end(s, &s->w->grants[t->grant], 5, true);
    put_empty(a);
}

void business_token_info(struct sim *s, const struct ask *q, struct reply *a)
{
    static const char *const names[] = {"app_id", "access_token", NULL};
    str app_id = STR_NONE, text = STR_NONE;
    const struct json *j = body_of(q, a);
    if (j == NULL || !needs(s, q, a, j, names))
        return;
    must(json_str(j, "app_id", &app_id) && json_str(j, "access_token", &text));
    a->client_key = app_id;
    struct token *t = token_by_access(s->w, text);
    if (t == NULL || t->client_only || !token_alive(s->w, t, sim_now(s))) {
        reply_error(s, a, 200, t != NULL && !t->access_dead && sim_now(s) >= t->access_ms ? "40102" : "40105",
                    "The access token is invalid or expired.");
        return;
    }
    const struct app *app = &s->w->apps[t->app];
    if (!str_eq(str_of(app->client_key), app_id)) {
        reply_error(s, a, 200, "40113", "The app id does not match the token's app.");
        return;
    }
    struct out o;
    struct buf scopes;
    char open_id[ID_SIZE];
    open_id_of(app, &s->w->users[t->user], open_id);
    buf_init(&scopes, q->mem, 1024);
    scopes_put(&scopes, t->scopes);
    out_init(&o, &a->body, false);
    out_open(&o, NULL, '{');
    out_int(&o, "code", 0);
    out_cstr(&o, "message", "OK");
    out_cstr(&o, "request_id", a->log_id);
    out_open(&o, "data", '{');
    out_cstr(&o, "app_id", app->client_key);
    out_cstr(&o, "creator_id", open_id);
    out_str(&o, "scope", buf_str(&scopes));
    out_close(&o, '}');
    out_close(&o, '}');
    reply_json(a, 200);
}

/* A known folder without the row: the final slash decides what TikTok says (messaging 1.1, 8). */
void business_other(struct sim *s, const struct ask *q, struct reply *a)
{
    if (!str_ends(q->path, STR("/"))) {
        a->status = 404;
        buf_put(&a->body, STR("404 page not found"));
        return;
    }
    if (str_starts(q->path, STR("/open_api/v1.3/tt_user/"))) {
        reply_error(s, a, 200, "40117", "The method is not allowed.");
        return;
    }
    if (q->access_token.n == 0) {
        reply_error(s, a, 200, "40104",
                    "Access token is null, you should set it in http header with key Access-Token.");
        return;
    }
    reply_error(s, a, 200, "40008", "The simulator does not have this endpoint yet.");
}
