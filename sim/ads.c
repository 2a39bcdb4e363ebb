/* oauth2/access_token/, oauth2/advertiser/get/, oauth2/revoke_token/, user/info/ (marketing 1.3 to 1.6, 1.8).
 * A token here never expires and has no refresh token: it dies when the person cancels or the app revokes.
 */
#include "ads.h"
#include "v13.h"

bool ads_owns(const struct user *u, const struct advertiser *x)
{
    return strcmp(x->user, u->id) == 0;
}

bool ads_ticked(const struct grant *g, size_t advertiser)
{
    return (g->advertisers[advertiser / 64] >> (advertiser % 64) & 1) != 0;
}

void ads_tick_all(struct sim *s, struct grant *g)
{
    memset(g->advertisers, 0, sizeof g->advertisers);
    for (size_t i = 0; i < s->w->n_advertisers; i++)
        if (ads_owns(&s->w->users[g->user], &s->w->advertisers[i]))
            g->advertisers[i / 64] |= UINT64_C(1) << (i % 64);
}

void ads_put_granted(struct sim *s, const struct grant *g, const char *key, struct out *o)
{
    out_open(o, key, '[');
    for (size_t i = 0; i < s->w->n_advertisers; i++)
        if (ads_ticked(g, i))
            out_cstr(o, NULL, s->w->advertisers[i].id);
    out_close(o, ']');
}

static void put_token(struct sim *s, const struct token *t, bool with_advertisers, struct out *o)
{
    struct buf scopes;
    buf_init(&scopes, o->b->mem, 256);
    buf_put_c(&scopes, '[');
    permissions_put(&scopes, t->scopes);
    buf_put_c(&scopes, ']');
    out_cstr(o, "access_token", t->access);
    if (with_advertisers)
        ads_put_granted(s, &s->w->grants[t->grant], "advertiser_ids", o);
    out_raw(o, "scope", buf_str(&scopes));
}

void ads_token_data(struct sim *s, const struct token *t, bool with_advertisers, struct buf *b)
{
    struct out o;
    out_init(&o, b, false);
    out_open(&o, NULL, '{');
    put_token(s, t, with_advertisers, &o);
    out_close(&o, '}');
}

void ads_token(struct v13 *c)
{
    struct sim *s = c->s;
    bool with = true;
    const struct json *asked = json_get(c->body, "return_advertiser_ids");
    if (!v13_needs(c, "app_id|secret|auth_code"))
        return;
    if (asked != NULL && !json_bool(c->body, "return_advertiser_ids", &with)) {
        v13_refuse(c, "40002", "return_advertiser_ids: must be a boolean.");
        return;
    }
    const struct app *app = v13_app(c, PORTAL_ADS, "app_id", "secret", "40101");
    if (app == NULL)
        return;
    struct code *code = code_find(s->w, v13_text(c, "auth_code"));
    bool foreign = code != NULL && s->w->apps[code->app].portal != PORTAL_ADS;
    bool good = code != NULL && !foreign && !code->used && sim_now(s) < code->expires_ms &&
                &s->w->apps[code->app] == app && s->w->users[code->user].state == PERSON_ACTIVE;
    if (code != NULL && !foreign)
        code->used = true;
    if (!good) {
        v13_refuse(c, foreign ? "40115" : "40110",
                   foreign ? "The auth_code belongs to another authentication endpoint."
                           : "Auth_code is used.");
        return;
    }
    const struct token *t = token_make(s, app, &s->w->users[code->user], code->scopes);
    if (t == NULL) {
        v13_refuse(c, "50000", "System error.");
        return;
    }
    c->a->user = str_of(s->w->users[t->user].id);
    put_token(s, t, with, v13_open(c));
    v13_close(c);
}

/* The token's app must be the named one: a text names the mismatch (marketing 1.8). */
static bool own_token(struct v13 *c, const struct app *app, const struct token *t)
{
    if (app == NULL || t == NULL)
        return false;
    if (&c->s->w->apps[t->app] == app)
        return true;
    v13_refuse(c, "40000", "The access token does not belong to this app_id.");
    return false;
}

static bool others_alive(struct sim *s, const struct token *t)
{
    for (size_t i = 0; i < MAX_TOKENS; i++)
        if (s->w->tokens[i].chain != 0 && s->w->tokens[i].grant == t->grant &&
            token_alive(s->w, &s->w->tokens[i], sim_now(s)))
            return true;
    return false;
}

void ads_revoke(struct v13 *c)
{
    if (!v13_needs(c, "app_id|secret|access_token"))
        return;
    const struct app *app = v13_app(c, PORTAL_ADS, "app_id", "secret", "40101");
    struct token *t = app == NULL ? NULL : v13_token_of(c, v13_text(c, "access_token"), PORTAL_ADS);
    if (!own_token(c, app, t))
        return;
    struct grant *g = &c->s->w->grants[t->grant];
    struct out *o = v13_open(c);
    out_cstr(o, "app_id", app->client_key);
    ads_put_granted(c->s, g, "advertiser_ids", o);
    v13_close(c);
    t->access_dead = true;
    c->s->dirty = true;
    if (switch_is(&c->s->sw, SW_ADS_REVOKE, "grant") || !others_alive(c->s, t))
        grant_end(c->s, g, 5, false);
}

void ads_advertisers(struct v13 *c)
{
    if (!v13_needs(c, "app_id|secret"))
        return;
    const struct app *app = v13_app(c, PORTAL_ADS, "app_id", "secret", "40101");
    if (!own_token(c, app, c->t))
        return;
    if (app->state == APP_SANDBOX) {
        v13_refuse(c, "40008", "The endpoint is not available in the sandbox.");
        return;
    }
    const struct grant *g = &c->s->w->grants[c->t->grant];
    struct out *o = v13_open(c);
    out_open(o, "list", '[');
    for (size_t i = 0; i < c->s->w->n_advertisers; i++) {
        if (!ads_ticked(g, i))
            continue;
        out_open(o, NULL, '{');
        out_cstr(o, "advertiser_id", c->s->w->advertisers[i].id);
        out_cstr(o, "advertiser_name", c->s->w->advertisers[i].name);
        out_close(o, '}');
    }
    out_close(o, ']');
    v13_close(c);
}

void ads_user_info(struct v13 *c)
{
    const struct user *u = &c->s->w->users[c->t->user];
    char id[ID_SIZE];
    struct buf url;
    core_user_id_of(u, id);
    buf_init(&url, c->q->mem, 2048);
    avatar_url(c->s, u, 168, &url);
    struct out *o = v13_open(c);
    out_cstr(o, "core_user_id", id);
    out_cstr(o, "display_name", u->display_name);
    out_str(o, "email", arena_fmt(c->q->mem, "%.1s***@example.com", u->id));
    out_int(o, "create_time", 1735689600);
    out_str(o, "avatar_url", buf_str(&url));
    v13_close(c);
}
