/* QR sign-in: get_qrcode, check_qrcode and the scanner page that plays the phone (login-kit 1.6, 10).
 *
 * new -> scanned -> confirmed -> utilised (the check that hands the code out), or expired. The scanned text
 * carries the app's client_ticket, which the check must give back; a switch gives back another one.
 */
#include "oauth.h"
#include "authorize.h"
#include "sender.h"

static const char *const state_names[] = {
    [QR_NEW] = "new",           [QR_SCANNED] = "scanned", [QR_CONFIRMED] = "confirmed",
    [QR_UTILISED] = "utilised", [QR_EXPIRED] = "expired", [QR_DENIED] = "expired",
};

/* Reading it moves it: time expires what was not confirmed. */
static enum qr_state state_of(const struct sim *s, struct qr *x)
{
    if ((x->state == QR_NEW || x->state == QR_SCANNED || x->state == QR_CONFIRMED) &&
        sim_now(s) >= x->expires_ms)
        x->state = QR_EXPIRED;
    return x->state;
}

void qr_get(struct sim *s, const struct ask *q, struct reply *a)
{
    struct form *f;
    uint32_t scopes;
    if (!oauth_begin(s, q, a, &f))
        return;
    struct app *app = oauth_client(s, a, f, false);
    if (app == NULL)
        return;
    if (!scopes_parse(form_get(f, "scope"), &scopes) || scopes == 0 || (scopes & ~app->scopes) != 0) {
        reply_error(s, a, 200, "invalid_scope", "A requested scope is not approved for this app.");
        return;
    }
    str wanted = form_get(f, "state");
    struct qr *x = qr_next(s->w);
    if (!TEXT_SET(x->mz_state, wanted)) {
        reply_error(s, a, 200, "invalid_request", "The request parameters are malformed.");
        return;
    }
    secret_new(MADE_QR, x->token);
    x->app = app_index(s->w, app);
    x->scopes = scopes;
    x->expires_ms = sim_now(s) + switch_int(&s->sw, SW_QR_TTL_S) * 1000;
    struct buf url;
    buf_init(&url, q->mem, 4096);
    buf_put(&url, STR("aweme://authorize?"));
    put_param(&url, true, "client_key", str_of(app->client_key));
    put_param(&url, false, "scope", form_get(f, "scope"));
    buf_put(&url, STR("&client_ticket=tobefilled"));
    put_param(&url, false, "state", wanted);
    put_param(&url, false, "token", str_of(x->token));
    buf_put(&url, STR("&authType=1"));
    struct out o;
    out_init(&o, &a->body, false);
    out_open(&o, NULL, '{');
    out_str(&o, "scan_qrcode_url", buf_str(&url));
    out_cstr(&o, "token", x->token);
    out_close(&o, '}');
    reply_json(a, 200);
}

/* A '*' port cannot be guessed, so such a row is shown with port 80. */
static str first_uri(const struct app *app, struct arena *mem)
{
    for (int k = 0; k < URI_KINDS; k++) {
        if (app->n_uris[k] == 0)
            continue;
        str uri = str_of(app->uris[k][0]);
        size_t star;
        if (k != URI_DESKTOP || !str_find(uri, STR("*"), &star))
            return uri;
        return arena_fmt(mem, STR_FMT "80" STR_FMT, STR_ARG(str_sub(uri, 0, star)),
                         STR_ARG(str_sub(uri, star + 1, uri.n)));
    }
    return STR("https://app.example/");
}

static void put_confirmed(struct sim *s, struct out *o, const struct qr *x, struct arena *mem)
{
    const struct app *app = &s->w->apps[x->app];
    struct buf url, scopes;
    if (!switch_is(&s->sw, SW_QR_ANSWER, "redirect_uri")) {
        out_cstr(o, "code", x->code);
        out_cstr(o, "state", x->mz_state);
    }
    if (switch_is(&s->sw, SW_QR_ANSWER, "code"))
        return;
    buf_init(&url, mem, 4096);
    buf_init(&scopes, mem, 1024);
    scopes_put(&scopes, x->scopes);
    buf_put(&url, first_uri(app, mem));
    buf_put_c(&url, '?');
    put_param(&url, true, "code", str_of(x->code));
    put_param(&url, false, "scopes", buf_str(&scopes));
    if (x->mz_state[0] != '\0')
        put_param(&url, false, "state", str_of(x->mz_state));
    out_str(o, "redirect_uri", buf_str(&url));
}

void qr_check(struct sim *s, const struct ask *q, struct reply *a)
{
    struct form *f;
    if (!oauth_begin(s, q, a, &f))
        return;
    struct app *app = oauth_client(s, a, f, true);
    if (app == NULL)
        return;
    struct qr *x = qr_find(s->w, form_get(f, "token"));
    if (x == NULL || &s->w->apps[x->app] != app) {
        reply_error(s, a, 200, "invalid_request", "The request parameters are malformed.");
        return;
    }
    enum qr_state state = state_of(s, x);
    struct out o;
    out_init(&o, &a->body, false);
    out_open(&o, NULL, '{');
    out_cstr(&o, "client_ticket",
             switch_is(&s->sw, SW_QR_TICKET, "wrong") ? "another_ticket_than_yours" : x->ticket);
    out_cstr(&o, "status", state_names[state]);
    if (state == QR_CONFIRMED) {
        put_confirmed(s, &o, x, q->mem);
        x->state = QR_UTILISED;
        a->user = str_of(s->w->users[x->user].id);
    }
    out_close(&o, '}');
    reply_json(a, 200);
}

/* ---- the phone that scans ---- */

enum qr_step { STEP_SCAN, STEP_CONFIRM, STEP_CANCEL, STEP_EXPIRE, STEP_BAD };
static enum qr_step step_of(str name)
{
    static const char *const names[] = {"scan", "confirm", "cancel", "expire"};
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (str_eq(str_of(names[i]), name))
            return (enum qr_step)i;
    return STEP_BAD;
}

/* Fills token and ticket from the scanned text; a given token stays. */
static void read_scanned(str url, struct arena *mem, str *token, str *ticket)
{
    struct form *f = arena_new(mem, struct form);
    size_t at;
    if (f == NULL || !str_find(url, STR("?"), &at) || !form_read(str_sub(url, at + 1, url.n), mem, f))
        return;
    if (form_get(f, "token").n > 0)
        *token = form_get(f, "token");
    str given = form_get(f, "client_ticket");
    if (given.n > 0 && !str_eq(given, STR("tobefilled")))
        *ticket = given;
}

static bool qr_step_run(struct sim *s, struct qr *x, enum qr_step step, str ticket, const struct user *u)
{
    enum qr_state state = state_of(s, x);
    const struct app *app = &s->w->apps[x->app];
    if (step == STEP_EXPIRE) {
        x->state = QR_EXPIRED;
        return true;
    }
    if (ticket.n > 0 && !TEXT_SET(x->ticket, ticket))
        return false;
    if (step == STEP_SCAN && state == QR_NEW) {
        x->state = QR_SCANNED;
        return true;
    }
    if (state != QR_NEW && state != QR_SCANNED)
        return false;
    if (step == STEP_CANCEL) {
        x->state = QR_DENIED;
        return true;
    }
    if (step != STEP_CONFIRM || u == NULL || !sandbox_target(app, u))
        return false;
    struct code *c = code_make(s, app, u, x->scopes);
    c->any_uri = true;
    must(TEXT_SET(x->code, str_of(c->text)));
    x->user = user_index(s->w, u);
    x->state = QR_CONFIRMED;
    return true;
}

static void put_buttons(struct sheet *p, str url, const struct qr *x)
{
    bool scanned = x->state == QR_SCANNED;
    put_raw(p, "<form method=\"post\" action=\"/sim/qr\" class=\"row\">");
    put_hidden(p, "url", url);
    put_hidden(p, "token", str_of(x->token));
    put_raw(p, "<button name=\"step\" value=\"cancel\" class=\"plain\" data-sim=\"cancel\">");
    put_word(p, W_CANCEL);
    put_raw(p, scanned ? "</button><button name=\"step\" value=\"confirm\" data-sim=\"confirm\">"
                       : "</button><button name=\"step\" value=\"scan\" data-sim=\"scan\">");
    put_word(p, scanned ? W_CONFIRM : W_SCAN);
    put_raw(p, "</button></form>");
}

static void put_waiting(struct sheet *p, struct sim *s)
{
    size_t used = s->w->n_qrs < MAX_QR ? s->w->n_qrs : MAX_QR;
    put_raw(p, "<h2>");
    put_word(p, W_TICKETS);
    put_raw(p, "</h2><div class=\"tickets\">");
    for (size_t back = 1; back <= used && back <= 20; back++) {
        struct qr *x = &s->w->qrs[(s->w->n_qrs - back) % MAX_QR];
        enum qr_state state = state_of(s, x);
        if (x->token[0] == '\0' || (state != QR_NEW && state != QR_SCANNED))
            continue;
        put_raw(p, "<section class=\"ticket\" data-sim=\"ticket\"><strong>");
        put_text(p, str_of(s->w->apps[x->app].name));
        put_raw(p, "</strong><code class=\"small\">");
        put_text(p, str_sub(str_of(x->token), 0, 12));
        put_raw(p, "…</code>");
        put_buttons(p, STR(""), x);
        put_raw(p, "</section>");
    }
    put_raw(p, "</div>");
}

static void put_scanner(struct sim *s, const struct ask *q, struct reply *a, str url, enum word note)
{
    struct sheet p;
    struct qr *x = NULL;
    str token = STR_NONE, ticket = STR_NONE;
    read_scanned(url, q->mem, &token, &ticket);
    x = qr_find(s->w, token);
    sheet_begin(&p, s, q, a);
    sheet_open(&p, W_SCAN_TITLE, true, NULL);
    put_raw(&p, "<h1>");
    put_word(&p, W_SCAN_TITLE);
    put_raw(&p, "</h1><p data-sim=\"note\">");
    put_word(&p, note);
    put_raw(&p, "</p>");
    if (x != NULL && (state_of(s, x) == QR_NEW || x->state == QR_SCANNED)) {
        put_raw(&p, "<p><strong>");
        put_text(&p, str_of(s->w->apps[x->app].name));
        put_raw(&p, "</strong></p>");
        put_buttons(&p, url, x);
    } else if (note == W_SCAN_TEXT) {
        put_raw(&p, "<form method=\"get\" action=\"/sim/qr\"><label>");
        put_word(&p, W_SCAN_URL);
        put_raw(&p, "<textarea name=\"url\" rows=\"4\" required>");
        put_text(&p, url);
        put_raw(&p, "</textarea></label><div class=\"row\"><button>");
        put_word(&p, W_OPEN);
        put_raw(&p, "</button></div></form>");
        put_waiting(&p, s);
    }
    sheet_end(&p);
}

void qr_page(struct sim *s, const struct ask *q, struct reply *a)
{
    struct form *f = arena_new(q->mem, struct form);
    str url = STR_NONE;
    if (f != NULL && form_read(q->query, q->mem, f))
        url = form_get(f, "url");
    put_scanner(s, q, a, url, W_SCAN_TEXT);
}

void qr_post(struct sim *s, const struct ask *q, struct reply *a)
{
    struct form *f = arena_new(q->mem, struct form);
    if (f == NULL || !form_read(q->body, q->mem, f)) {
        reply_error(s, a, 400, "form", "The form is malformed.");
        return;
    }
    str url = form_get(f, "url"), token = form_get(f, "token"), ticket = STR_NONE;
    read_scanned(url, q->mem, &token, &ticket);
    struct qr *x = qr_find(s->w, token);
    enum qr_step step = step_of(form_get(f, "step"));
    struct user *u = person_of(s, q);
    if (step == STEP_CONFIRM && u == NULL) {
        struct buf next, to;
        buf_init(&next, q->mem, 16384);
        buf_init(&to, q->mem, 65536);
        buf_put(&next, STR("/sim/qr?"));
        put_param(&next, true, "url", url);
        buf_put(&to, STR("/sim/people?"));
        put_param(&to, true, "next", buf_str(&next));
        reply_redirect(a, 303, buf_str(&to));
        return;
    }
    bool good = x != NULL && qr_step_run(s, x, step, ticket, u);
    if (good && step == STEP_SCAN && url.n == 0) {
        reply_redirect(a, 303, STR("/sim/qr"));
        return;
    }
    put_scanner(s, q, a, good && step == STEP_SCAN ? url : STR_NONE,
                !good               ? W_SCAN_BAD
                : step == STEP_SCAN ? W_SCAN_TEXT
                                    : W_SCAN_DONE);
}

/* ---- control ---- */

void control_qr_list(struct sim *s, const struct ask *q, struct reply *a)
{
    size_t used = s->w->n_qrs < MAX_QR ? s->w->n_qrs : MAX_QR;
    struct out o;
    (void)q;
    out_init(&o, &a->body, false);
    out_open(&o, NULL, '{');
    out_open(&o, "tickets", '[');
    for (size_t back = used; back > 0; back--) {
        struct qr *x = &s->w->qrs[(s->w->n_qrs - back) % MAX_QR];
        if (x->token[0] == '\0')
            continue;
        out_open(&o, NULL, '{');
        out_cstr(&o, "token", x->token);
        out_cstr(&o, "client_key", s->w->apps[x->app].client_key);
        out_cstr(&o, "client_ticket", x->ticket);
        out_cstr(&o, "status", state_names[state_of(s, x)]);
        out_close(&o, '}');
    }
    out_close(&o, ']');
    out_close(&o, '}');
    reply_json(a, 200);
}

void control_qr_step(struct sim *s, const struct ask *q, struct reply *a)
{
    const struct json *j = NULL;
    str url = STR_NONE, token = STR_NONE, ticket = STR_NONE, step = STR_NONE, id = STR_NONE;
    if (json_parse(q->body, NULL, q->mem, &j, NULL) != RC_OK) {
        reply_error(s, a, 400, "body", "The body is not JSON.");
        return;
    }
    json_str(j, "token", &token);
    json_str(j, "client_ticket", &ticket);
    json_str(j, "step", &step);
    if (json_str(j, "url", &url))
        read_scanned(url, q->mem, &token, &ticket);
    struct qr *x = qr_find(s->w, token);
    const struct user *u = json_str(j, "user", &id) ? user_find(s->w, id) : person_of(s, q);
    if (x == NULL || step_of(step) == STEP_BAD || !qr_step_run(s, x, step_of(step), ticket, u)) {
        reply_error(s, a, 400, "qr",
                    "The ticket is unknown or its state forbids the step, or no user is given.");
        return;
    }
    struct out o;
    out_init(&o, &a->body, false);
    out_open(&o, NULL, '{');
    out_cstr(&o, "token", x->token);
    out_cstr(&o, "status", state_names[x->state]);
    out_close(&o, '}');
    reply_json(a, 200);
}
