/* GET /portal/auth: an advertiser authorises an app (marketing 1.2). Neither scope nor response_type: the
 * page shows what the app asks for, and the person leaves out permissions and ad accounts. The way back
 * carries auth_code, code, or both, as switched, and the state.
 */
#include "ads.h"
#include "authorize.h"

/* As wish_read does for the other portals; the names differ. */
static enum refused read_wish(struct sim *s, str query, struct arena *mem, struct wish *w)
{
    struct form *f = arena_new(mem, struct form);
    *w = (struct wish){.query = query};
    if (f == NULL || !form_read(query, mem, f))
        return REFUSED_CLIENT_KEY;
    w->state = form_get(f, "state");
    w->redirect_uri = form_get(f, "redirect_uri");
    w->app = app_find(s->w, form_get(f, "app_id"));
    if (w->app == NULL || w->app->portal != PORTAL_ADS || form_twice(f, "app_id") ||
        w->app->state == APP_DRAFT || w->app->state == APP_IN_REVIEW)
        return REFUSED_CLIENT_KEY;
    w->scopes = w->app->scopes;
    if (form_twice(f, "redirect_uri") || !uri_registered(w->app, w->redirect_uri, &w->kind))
        return REFUSED_REDIRECT_URI;
    return REFUSED_NONE;
}

static void put_tick(struct sheet *p, const char *name, const char *value, const char *text)
{
    buf_fmt(p->b, "<li><label><input type=\"checkbox\" name=\"%s\" value=\"", name);
    put_text(p, str_of(value));
    put_raw(p, "\" checked><span>");
    put_text(p, str_of(text));
    put_raw(p, " <code>");
    put_text(p, str_of(value));
    put_raw(p, "</code></span></label></li>");
}

static void put_accounts(struct sheet *p, const struct user *u)
{
    bool some = false;
    put_raw(p, "<p>");
    put_word(p, W_AD_ACCOUNTS);
    put_raw(p, "</p><ul class=\"scopes\">");
    for (size_t i = 0; i < p->s->w->n_advertisers; i++) {
        const struct advertiser *x = &p->s->w->advertisers[i];
        if (!ads_owns(u, x))
            continue;
        put_tick(p, "advertiser", x->id, x->name);
        some = true;
    }
    put_raw(p, "</ul>");
    if (some)
        return;
    put_raw(p, "<p class=\"small warn\" data-sim=\"no-ad-accounts\">");
    put_word(p, W_NO_AD_ACCOUNTS);
    put_raw(p, "</p>");
}

static void page(struct sim *s, const struct ask *q, struct reply *a, const struct wish *w,
                 const struct user *u)
{
    struct sheet p;
    sheet_begin(&p, s, q, a);
    a->form_action = STR("*"); /* as on the consent page */
    sheet_open(&p, W_WANTS, true, NULL);
    put_consent_head(&p, w, u);
    put_raw(&p, "<form method=\"post\" action=\"/sim/ads-consent\">");
    put_hidden(&p, "q", w->query);
    put_raw(&p, "<p>");
    put_word(&p, W_WILL);
    put_raw(&p, "</p><ul class=\"scopes\">");
    for (size_t i = 0; i < sim_permissions_n; i++) {
        char id[24];
        if ((w->scopes & 1U << i) == 0)
            continue;
        snprintf(id, sizeof id, "%lld", (long long)sim_permissions[i].id);
        put_tick(&p, "permission", id, p.thai ? sim_permissions[i].th : sim_permissions[i].en);
    }
    put_raw(&p, "</ul>");
    put_accounts(&p, u);
    put_raw(&p,
            "<div class=\"row\"><button name=\"decision\" value=\"deny\" data-sim=\"deny\" class=\"plain\">");
    put_word(&p, W_DENY);
    put_raw(&p, "</button><button name=\"decision\" value=\"allow\" data-sim=\"allow\">");
    put_word(&p, W_ALLOW);
    put_raw(&p, "</button></div></form><p class=\"small\"><a data-sim=\"switch-person\" "
                "href=\"/sim/people?next=");
    put_escaped(p.b, STR("/portal/auth?"));
    put_escaped(p.b, w->query);
    put_raw(&p, "\">");
    put_word(&p, W_NOT_YOU);
    put_raw(&p, "</a></p>");
    sheet_end(&p);
}

static void grant(struct sim *s, const struct ask *q, struct reply *a, const struct wish *w,
                  const struct grant *g)
{
    struct buf b;
    struct code *c = code_make(s, w->app, &s->w->users[g->user], w->scopes);
    must(TEXT_SET(c->redirect_uri, w->redirect_uri));
    s->dirty = true;
    buf_init(&b, q->mem, 8192);
    bool first = true;
    if (!switch_is(&s->sw, SW_ADS_CALLBACK, "code")) {
        put_param(&b, first, "auth_code", str_of(c->text));
        first = false;
    }
    if (!switch_is(&s->sw, SW_ADS_CALLBACK, "auth_code"))
        put_param(&b, first, "code", str_of(c->text));
    if (w->state.n > 0)
        put_param(&b, false, "state", w->state);
    back_to_app(a, w, &b);
}

static struct grant *grant_of(struct sim *s, const struct wish *w, const struct user *u)
{
    struct grant *g = grant_make(s->w, w->app, u);
    if (g == NULL)
        return NULL;
    if (!g->active)
        g->granted_ms = sim_now(s);
    g->active = true;
    g->scopes = w->scopes;
    return g;
}

static void cancel(struct sim *s, const struct ask *q, struct reply *a, const struct wish *w)
{
    struct user *u = person_of(s, q);
    if (switch_is(&s->sw, SW_ADS_CANCEL, "redirect") || u == NULL)
        wish_refuse(s, q, a, w, REFUSED_CANCEL);
    else
        page(s, q, a, w, u);
}

void ads_auth_get(struct sim *s, const struct ask *q, struct reply *a)
{
    struct wish w;
    enum refused why = read_wish(s, q->query, q->mem, &w);
    a->client_key = w.app != NULL ? str_of(w.app->client_key) : STR_NONE;
    if (why != REFUSED_NONE) {
        wish_refuse(s, q, a, &w, why);
        return;
    }
    const struct user *u = person_of(s, q);
    if (u == NULL) {
        choose_person(q, a);
        return;
    }
    a->user = str_of(u->id);
    if (!sandbox_target(w.app, u))
        wish_refuse(s, q, a, &w, REFUSED_SANDBOX);
    else if (switch_is(&s->sw, SW_AUTO_CONSENT, "deny"))
        cancel(s, q, a, &w);
    else if (!switch_is(&s->sw, SW_AUTO_CONSENT, "allow"))
        page(s, q, a, &w, u);
    else {
        struct grant *g = grant_of(s, &w, u);
        must(g != NULL);
        ads_tick_all(s, g);
        grant(s, q, a, &w, g);
    }
}

/* The ticked permissions and ad accounts; only what the app asks for and the person owns counts. */
static void take_ticks(struct sim *s, const struct form *f, struct grant *g, uint32_t *permissions)
{
    uint32_t all = 0, bits;
    memset(g->advertisers, 0, sizeof g->advertisers);
    for (size_t i = 0; i < f->n; i++) {
        if (str_eq(f->at[i].name, STR("permission")) && permissions_parse(f->at[i].value, &bits))
            all |= bits;
        const struct advertiser *x =
            str_eq(f->at[i].name, STR("advertiser")) ? advertiser_find(s->w, f->at[i].value) : NULL;
        if (x != NULL && ads_owns(&s->w->users[g->user], x))
            g->advertisers[(x - s->w->advertisers) / 64] |= UINT64_C(1) << ((x - s->w->advertisers) % 64);
    }
    *permissions &= all;
}

void ads_auth_post(struct sim *s, const struct ask *q, struct reply *a)
{
    struct form *f = arena_new(q->mem, struct form);
    struct wish w;
    if (f == NULL || !form_read(q->body, q->mem, f)) {
        reply_error(s, a, 400, "form", "The form is malformed.");
        return;
    }
    enum refused why = read_wish(s, form_get(f, "q"), q->mem, &w);
    const struct user *u = person_of(s, q);
    a->client_key = w.app != NULL ? str_of(w.app->client_key) : STR_NONE;
    if (why == REFUSED_NONE && u == NULL) {
        reply_error(s, a, 400, "user", "Nobody is signed in here. Choose a person first.");
        return;
    }
    if (why == REFUSED_NONE && !sandbox_target(w.app, u))
        why = REFUSED_SANDBOX;
    if (why != REFUSED_NONE) {
        wish_refuse(s, q, a, &w, why);
        return;
    }
    a->user = str_of(u->id);
    struct grant *g = str_eq(form_get(f, "decision"), STR("allow")) ? grant_of(s, &w, u) : NULL;
    if (g == NULL) {
        cancel(s, q, a, &w);
        return;
    }
    take_ticks(s, f, g, &w.scopes);
    g->scopes = w.scopes;
    grant(s, q, a, &w, g);
}
