/* Business accounts: tt_user/oauth2 and token_info (messaging 1.3 to 1.6). Codes of section 5.2. The refresh
 * year counts from the consent; rotation is a switch. The common rules are v13.c's.
 */
#include "v13.h"

/* The official sample has a blank after each comma; captured answers have none. */
static str scope_text(struct v13 *c, uint32_t bits)
{
    struct buf plain, wide;
    buf_init(&plain, c->q->mem, 1024);
    scopes_put(&plain, bits);
    if (!switch_on(&c->s->sw, SW_SCOPE_BLANKS))
        return buf_str(&plain);
    buf_init(&wide, c->q->mem, 1024);
    for (size_t i = 0; i < plain.n; i++) {
        buf_put_c(&wide, plain.p[i]);
        if (plain.p[i] == ',')
            buf_put_c(&wide, ' ');
    }
    return buf_str(&wide);
}

static void put_pair(struct v13 *c, const struct token *t)
{
    char open_id[ID_SIZE];
    int64_t now = sim_now(c->s);
    bool few = switch_is(&c->s->sw, SW_BUSINESS_TOKEN_FIELDS, "few");
    open_id_of(&c->s->w->apps[t->app], &c->s->w->users[t->user], open_id);
    struct out *o = v13_open(c);
    out_cstr(o, "access_token", t->access);
    if (!few)
        out_cstr(o, "token_type", "Bearer");
    if (!few)
        out_str(o, "scope", scope_text(c, t->scopes));
    out_int(o, "expires_in", seconds_left(t->access_ms, now));
    out_cstr(o, "refresh_token", t->refresh);
    if (!few)
        out_int(o, "refresh_token_expires_in", seconds_left(t->refresh_ms, now));
    out_cstr(o, "open_id", open_id);
    v13_close(c);
}

static bool grant_type_is(struct v13 *c, const char *want)
{
    if (str_eq(v13_text(c, "grant_type"), str_of(want)))
        return true;
    v13_refuse(c, "40108", "The grant_type is not supported.");
    return false;
}

void business_token(struct v13 *c)
{
    struct sim *s = c->s;
    if (!v13_needs(c, "client_id|client_secret|grant_type|auth_code|redirect_uri"))
        return;
    const struct app *app = v13_app(c, PORTAL_BUSINESS, "client_id", "client_secret", "40101");
    if (app == NULL || !grant_type_is(c, "authorization_code"))
        return;
    struct code *code = code_find(s->w, v13_text(c, "auth_code"));
    bool good = code != NULL && !code->used && sim_now(s) < code->expires_ms &&
                &s->w->apps[code->app] == app && s->w->users[code->user].state == PERSON_ACTIVE;
    bool foreign = code != NULL && s->w->apps[code->app].portal != PORTAL_BUSINESS;
    if (code != NULL && !foreign)
        code->used = true;
    if (foreign) {
        v13_refuse(c, "40115", "The auth_code belongs to another authentication endpoint.");
    } else if (!good) {
        v13_refuse(c, "40110", "The auth_code is cancelled, used or expired.");
    } else if (!str_eq(str_of(code->redirect_uri), v13_text(c, "redirect_uri"))) {
        v13_refuse(c, "40002", "The redirect_uri does not match.");
    } else {
        const struct token *t = token_make(s, app, &s->w->users[code->user], code->scopes);
        if (t == NULL) {
            v13_refuse(c, "50000", "The simulator's table of grants is full.");
            return;
        }
        c->a->user = str_of(s->w->users[t->user].id);
        put_pair(c, t);
    }
}

void business_refresh(struct v13 *c)
{
    struct sim *s = c->s;
    if (!v13_needs(c, "client_id|client_secret|grant_type|refresh_token"))
        return;
    const struct app *app = v13_app(c, PORTAL_BUSINESS, "client_id", "client_secret", "40101");
    if (app == NULL || !grant_type_is(c, "refresh_token"))
        return;
    struct token *t = token_by_refresh(s->w, v13_text(c, "refresh_token"));
    int64_t now = sim_now(s);
    bool ours = t != NULL && &s->w->apps[t->app] == app;
    if (ours)
        c->a->user = str_of(s->w->users[t->user].id);
    if (ours && refresh_alive(s->w, t, now)) {
        put_pair(c, token_rotate(s, t));
        return;
    }
    if (ours && !t->refresh_dead && now >= t->refresh_ms) {
        v13_refuse(c, "40103", "The refresh token is expired.");
        return;
    }
    if (ours)
        token_reused(s, t);
    v13_refuse(c, "40107", "The refresh token is invalid.");
}

void business_revoke(struct v13 *c)
{
    if (!v13_needs(c, "client_id|client_secret|access_token"))
        return;
    const struct app *app = v13_app(c, PORTAL_BUSINESS, "client_id", "client_secret", "40101");
    struct token *t = app == NULL ? NULL : v13_token_of(c, v13_text(c, "access_token"), PORTAL_BUSINESS);
    if (t == NULL)
        return;
    if (&c->s->w->apps[t->app] != app) {
        v13_refuse(c, "40113", "The app id does not match the token's app.");
        return;
    }
    t->access_dead = true;
    c->s->dirty = true;
    if (switch_is(&c->s->sw, SW_BUSINESS_REVOKE, "grant"))
        grant_end(c->s, &c->s->w->grants[t->grant], 5, true);
    (void)v13_open(c);
    v13_close(c);
}

void business_token_info(struct v13 *c)
{
    char open_id[ID_SIZE];
    if (!v13_needs(c, "app_id|access_token"))
        return;
    c->a->client_key = v13_text(c, "app_id");
    const struct token *t = v13_token_of(c, v13_text(c, "access_token"), PORTAL_BUSINESS);
    if (t == NULL)
        return;
    const struct app *app = &c->s->w->apps[t->app];
    if (!str_eq(str_of(app->client_key), v13_text(c, "app_id"))) {
        v13_refuse(c, "40113", "The app id does not match the token's app.");
        return;
    }
    open_id_of(app, &c->s->w->users[t->user], open_id);
    struct out *o = v13_open(c);
    out_cstr(o, "app_id", app->client_key);
    out_cstr(o, "creator_id", open_id);
    out_str(o, "scope", scope_text(c, t->scopes));
    v13_close(c);
}
