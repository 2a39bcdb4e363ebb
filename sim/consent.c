/* The pages between app and code: who am I (people), what does the app get (consent). The consent form
 * carries the whole authorize query, which is checked again on return, so that the simulator keeps no
 * half-done session. The person is a cookie without any secret: this is a toy of a browser session on
 * purpose, anybody on this machine may choose.
 */
#include "authorize.h"

str cookie_get(const struct ask *q, const char *name)
{
    str rest = q->cookie, part = STR_NONE, want = str_of(name);
    while (str_cut(&rest, ';', &part)) {
        part = str_trim(part);
        if (str_starts(part, want) && part.n > want.n && part.p[want.n] == '=')
            return str_sub(part, want.n + 1, part.n);
    }
    return STR_NONE;
}

struct user *person_of(struct sim *s, const struct ask *q)
{
    struct user *u = user_find(s->w, cookie_get(q, "sim_person"));
    if (u == NULL)
        u = user_find(s->w, switch_text(&s->sw, SW_AUTO_USER));
    return u != NULL && u->state == PERSON_ACTIVE ? u : NULL;
}

/* ---- people ---- */

static void put_person(struct sheet *p, const struct user *u, str next)
{
    bool able = u->state == PERSON_ACTIVE;
    put_raw(p, "<form method=\"post\" action=\"/sim/people\">");
    put_hidden(p, "user", str_of(u->id));
    put_hidden(p, "next", next);
    put_raw(p, able ? "<button class=\"person\" data-sim=\"person-"
                    : "<button class=\"person\" disabled data-sim=\"person-");
    put_text(p, str_of(u->id));
    put_raw(p, "\">");
    put_face(p, u, 48);
    put_raw(p, "<span class=\"who\"><strong>");
    put_text(p, str_of(u->display_name));
    put_raw(p, "</strong><span class=\"small\">@");
    put_text(p, str_of(u->username));
    put_raw(p, "</span>");
    if (!able) {
        put_raw(p, "<span class=\"small warn\">");
        put_word(p, W_CANNOT);
        put_raw(p, "</span>");
    }
    put_raw(p, "</span></button></form>");
}

void people_get(struct sim *s, const struct ask *q, struct reply *a)
{
    struct form *f = arena_new(q->mem, struct form);
    struct sheet p;
    str next = STR("/");
    if (f != NULL && form_read(q->query, q->mem, f) && str_starts(form_get(f, "next"), STR("/")))
        next = form_get(f, "next");
    sheet_begin(&p, s, q, a);
    sheet_open(&p, W_WHO, true, NULL);
    put_raw(&p, "<h1>");
    put_word(&p, W_WHO);
    put_raw(&p, "</h1><p>");
    put_word(&p, s->w->n_users == 0 ? W_NOBODY : W_WHO_TEXT);
    put_raw(&p, "</p><div class=\"people\">");
    for (size_t i = 0; i < s->w->n_users; i++)
        put_person(&p, &s->w->users[i], next);
    put_raw(&p, "</div>");
    sheet_end(&p);
}

void people_post(struct sim *s, const struct ask *q, struct reply *a)
{
    struct form *f = arena_new(q->mem, struct form);
    if (f == NULL || !form_read(q->body, q->mem, f)) {
        reply_error(s, a, 400, "form", "The form is malformed.");
        return;
    }
    const struct user *u = user_find(s->w, form_get(f, "user"));
    str next = form_get(f, "next");
    if (u == NULL || u->state != PERSON_ACTIVE) {
        reply_error(s, a, 400, "user", "There is no such person, or the account cannot sign in.");
        return;
    }
    bool inside = str_starts(next, STR("/")) && !str_starts(next, STR("//"));
    reply_header(a, "Set-Cookie", arena_fmt(q->mem, "sim_person=%s; Path=/; HttpOnly; SameSite=Lax", u->id));
    reply_redirect(a, 303, inside ? next : STR("/sim/people"));
}

/* ---- consent ---- */

static void put_scope(struct sheet *p, const struct scope *scope)
{
    put_raw(p, "<li><label><input type=\"checkbox\" name=\"scope\" value=\"");
    put_raw(p, scope->name);
    put_raw(p, scope->fixed ? "\" checked disabled>" : "\" checked>");
    put_raw(p, "<span>");
    put_text(p, str_of(p->thai ? scope->th : scope->en));
    put_raw(p, " <code>");
    put_raw(p, scope->name);
    put_raw(p, "</code>");
    if (scope->fixed) {
        put_raw(p, " <em>");
        put_word(p, W_REQUIRED);
        put_raw(p, "</em>");
    }
    put_raw(p, "</span></label></li>");
}

void put_consent_head(struct sheet *p, const struct wish *w, const struct user *u)
{
    put_raw(p, "<div class=\"me\">");
    put_face(p, u, 56);
    put_raw(p, "<span class=\"who\"><span class=\"small\">");
    put_word(p, W_YOU_ARE);
    put_raw(p, "</span><strong>");
    put_text(p, str_of(u->display_name));
    put_raw(p, "</strong><span class=\"small\">@");
    put_text(p, str_of(u->username));
    put_raw(p, "</span></span></div><h1><b>");
    put_text(p, str_of(w->app->name));
    put_raw(p, "</b> ");
    put_word(p, W_WANTS);
    put_raw(p, "</h1>");
    if (w->app->state == APP_SANDBOX) {
        put_raw(p, "<p class=\"chip\">");
        put_word(p, W_SANDBOX);
        put_raw(p, "</p>");
    }
}

void consent_page(struct sim *s, const struct ask *q, struct reply *a, const struct wish *w,
                  const struct user *u)
{
    struct sheet p;
    sheet_begin(&p, s, q, a);
    /* Browsers apply form-action to every redirect after the form: the client's callback, and where that
     * leads on to, which nobody here can know. */
    a->form_action = STR("*");
    sheet_open(&p, W_WANTS, true, NULL);
    put_consent_head(&p, w, u);
    put_raw(&p, "<form method=\"post\" action=\"/sim/consent\">");
    put_hidden(&p, "q", w->query);
    put_raw(&p, "<p>");
    put_word(&p, W_WILL);
    put_raw(&p, "</p><ul class=\"scopes\">");
    for (size_t i = 0; i < sim_scopes_n; i++)
        if ((w->scopes & 1U << i) != 0)
            put_scope(&p, &sim_scopes[i]);
    put_raw(&p, "</ul><div class=\"row\"><button name=\"decision\" value=\"deny\" data-sim=\"deny\" "
                "class=\"plain\">");
    put_word(&p, W_DENY);
    put_raw(&p, "</button><button name=\"decision\" value=\"allow\" data-sim=\"allow\">");
    put_word(&p, W_ALLOW);
    put_raw(
        &p,
        "</button></div></form><p class=\"small\"><a data-sim=\"switch-person\" href=\"/sim/people?next=");
    put_escaped(p.b, STR("/v2/auth/authorize/?"));
    put_escaped(p.b, w->query);
    put_raw(&p, "\">");
    put_word(&p, W_NOT_YOU);
    put_raw(&p, "</a></p>");
    sheet_end(&p);
}

static uint32_t ticked(const struct form *f)
{
    uint32_t all = 0, bits;
    for (size_t i = 0; i < f->n; i++)
        if (str_eq(f->at[i].name, STR("scope")) && scopes_parse(f->at[i].value, &bits))
            all |= bits;
    return all;
}

void consent_post(struct sim *s, const struct ask *q, struct reply *a)
{
    struct form *f = arena_new(q->mem, struct form);
    struct wish w;
    if (f == NULL || !form_read(q->body, q->mem, f)) {
        reply_error(s, a, 400, "form", "The form is malformed.");
        return;
    }
    enum refused why = wish_read(s, form_get(f, "q"), q->mem, &w);
    struct user *u = person_of(s, q);
    a->client_key = w.app != NULL ? str_of(w.app->client_key) : STR_NONE;
    if (why == REFUSED_NONE && u == NULL) {
        reply_error(s, a, 400, "user", "Nobody is signed in here. Choose a person first.");
        return;
    }
    if (why == REFUSED_NONE && !sandbox_target(w.app, u))
        why = REFUSED_SANDBOX;
    if (why == REFUSED_NONE && !str_eq(form_get(f, "decision"), STR("allow")))
        why = REFUSED_CANCEL;
    if (why != REFUSED_NONE) {
        wish_refuse(s, q, a, &w, why);
        return;
    }
    uint32_t fixed = 0;
    for (size_t i = 0; i < sim_scopes_n; i++)
        fixed |= sim_scopes[i].fixed ? 1U << i : 0;
    w.scopes &= ticked(f) | fixed;
    wish_grant(s, q, a, &w, u);
}
