/* browser: the routes of a sign-in in a browser: start page, the click, TikTok's callback, partly granted.
 * Flow: GET /auth/tiktok -> POST /auth/tiktok/continue (state, cookie) -> TikTok -> GET
 * /auth/tiktok/callback. What can go wrong: see ends.c; every refusal is a page, and nothing is stored but
 * the attempt's end.
 */
#include "login/login_priv.h"
#include "crypto/crypto.h"

enum { SECRET_MEM = 512 * 1024 };

/* Only for rows that declare `lang`: what the form says wins over the browser's wish. */
str login_lang(struct request *rq)
{
    str given = rq_arg(rq, "lang");
    return given.n > 0 ? given : rq_lang(rq);
}

bool login_flag(struct login *l, str workspace)
{
    return flag_on(l->o.flags, workspace, LOGIN_FLAG);
}

static str arg(struct request *rq, const char *name)
{
    str s = rq_arg(rq, name);
    return s.p == NULL ? STR("") : s;
}

/* ---- what the start is about: an attempt, a workspace's public key, or the console ---- */
struct opening {
    struct login *l;
    struct request *rq;
    struct attempt attempt; /* id empty: not made yet */
    str name, public_key, return_url;
    enum login_via via;
    struct login_clicked clicked;
    str redirect_uri; /* mobile; else the app's */
    str app_challenge;
    bool needs_return, app_redirect;
};

static enum rc switched_off(struct fault *why)
{
    return fault_set(why, RC_OFF, "login.switched_off", "flag login.tiktok is off here");
}

static enum rc look_attempt(struct opening *o, struct tx *tx, struct fault *why)
{
    struct workspace ws = {0};
    enum rc rc = db_attempt_by_id(tx, arg(o->rq, "attempt"), rq_mem(o->rq), &o->attempt, why);
    if (rc != RC_OK)
        return rc;
    if (o->attempt.state > ATTEMPT_STARTED || o->attempt.expires_ms <= tx_now_ms(tx))
        return fault_set(why, RC_CONFLICT, "login.attempt_over", "ended or older than ten minutes");
    if (str_eq(o->attempt.workspace, STR("-"))) {
        o->name = STR("Mozflow");
        return RC_OK;
    }
    rc = access_workspace(tx, o->attempt.workspace, rq_mem(o->rq), &ws, why);
    o->name = ws.name;
    return rc;
}

static enum rc pick_return(struct opening *o, struct tx *tx, str workspace, struct fault *why)
{
    struct return_url *list = NULL;
    size_t n = 0;
    str given = arg(o->rq, "return_url");
    enum rc rc = db_return_list(tx, workspace, rq_mem(o->rq), &list, &n, why);
    for (size_t i = 0; rc == RC_OK && i < n; i++)
        if (given.n == 0 || str_eq(given, list[i].id)) {
            o->return_url = list[i].id;
            return RC_OK;
        }
    if (rc == RC_OK && given.n == 0 && !o->needs_return)
        return RC_OK;
    return rc == RC_OK ? fault_set(why, RC_INVALID, "login.return_url_unknown", "no such return URL") : rc;
}

static enum rc look_workspace(struct opening *o, struct tx *tx, struct fault *why)
{
    struct workspace ws = {0};
    enum rc rc = access_workspace_by_public_key(tx, arg(o->rq, "workspace"), rq_mem(o->rq), &ws, why);
    if (rc == RC_MISSING)
        return fault_set(why, RC_MISSING, "login.attempt_unknown", "no such public key");
    if (rc != RC_OK)
        return rc;
    o->attempt = (struct attempt){.workspace = ws.id,
                                  .client_state = arg(o->rq, "client_state"),
                                  .purpose = LOGIN_SIGN_IN,
                                  .lang = login_lang(o->rq)};
    o->name = ws.name;
    o->public_key = ws.public_key;
    if (o->attempt.client_state.n < 16 || o->attempt.client_state.n > 512)
        return fault_set(why, RC_INVALID, "login.client_state", "client_state of %zu bytes",
                         o->attempt.client_state.n);
    return pick_return(o, tx, ws.id, why);
}

static enum rc look(struct opening *o, struct tx *tx, struct fault *why)
{
    enum rc rc = RC_OK;
    if (arg(o->rq, "attempt").n > 0)
        rc = look_attempt(o, tx, why);
    else if (arg(o->rq, "workspace").n > 0)
        rc = look_workspace(o, tx, why);
    else if (o->via != VIA_MOBILE && arg(o->rq, "console").n > 0) {
        o->attempt =
            (struct attempt){.workspace = STR("-"), .purpose = LOGIN_CONSOLE, .lang = login_lang(o->rq)};
        o->name = STR("Mozflow");
    } else
        return fault_set(why, RC_MISSING, "login.attempt_unknown", "neither attempt nor workspace");
    if (rc != RC_OK)
        return rc;
    if (accounts_app_for(o->l->o.accounts, o->attempt.workspace, APP_LOGIN_KIT) == NULL)
        return fault_set(why, RC_OFF, "login.not_configured", "no Login Kit app");
    if (rq_arg(o->rq, "lang").n > 0 || o->attempt.lang.n == 0)
        o->attempt.lang = login_lang(o->rq);
    return login_flag(o->l, o->attempt.workspace) ? RC_OK : switched_off(why);
}

static enum rc look_read(struct tx *tx, void *arg_, struct fault *why)
{
    return look(arg_, tx, why);
}

/* Flag off: like an unknown path. Everything else that is wrong with a start has its own page. */
static enum rc refuse_start(struct login *l, struct request *rq, const struct fault *why, struct fault *out)
{
    str code = str_of(why->code);
    if (str_eq(code, STR("login.switched_off")))
        return fault_set(out, RC_MISSING, "not_found", "switched off");
    if (str_starts(code, STR("login.")) && !str_eq(code, STR("login.client_state")) &&
        !str_starts(code, STR("login.return_url")))
        return login_page_end(l, rq, why, NULL);
    return fault_set(out, why->rc, why->code, "%s", why->detail);
}

static enum rc show_start(struct request *rq, struct login *l, str action, struct fault *why)
{
    struct opening o = {.l = l, .rq = rq, .needs_return = true};
    struct fault inner;
    enum rc rc = store_read(l->o.store, look_read, &o, &inner);
    if (rc != RC_OK)
        return refuse_start(l, rq, &inner, why);
    struct login_page_start page = {.attempt = &o.attempt,
                                    .workspace_name = o.name,
                                    .action = action,
                                    .public_key = o.public_key,
                                    .return_url_id = o.return_url};
    return login_page_start(l, rq, &page);
}

enum rc login_route_start(struct request *rq, void *ctx, struct fault *why)
{
    return show_start(rq, ctx, STR("/auth/tiktok/continue"), why);
}

enum rc login_route_qr_page(struct request *rq, void *ctx, struct fault *why)
{
    return show_start(rq, ctx, STR("/auth/tiktok/qr"), why);
}

/* ---- the click: attempt made when the start named none, state put, in one transaction ---- */
static bool app_link(const struct account_app *app, str given, str *out)
{
    for (size_t i = 0; i < app->n_mobile_redirects; i++)
        if (given.n == 0 || str_eq(given, app->mobile_redirects[i])) {
            *out = app->mobile_redirects[i];
            return true;
        }
    return false;
}

static enum rc begin_tx(struct tx *tx, void *arg_, struct fault *why)
{
    struct opening *o = arg_;
    enum rc rc = look(o, tx, why);
    if (rc != RC_OK)
        return rc;
    const struct account_app *app = accounts_app_for(o->l->o.accounts, o->attempt.workspace, APP_LOGIN_KIT);
    if (o->app_redirect && !app_link(app, o->redirect_uri, &o->redirect_uri))
        return fault_set(why, RC_INVALID, "login.redirect_unknown",
                         "not in tiktok.login.mobile_redirect_uris");
    if (o->attempt.id.n == 0) {
        struct login_start start = {.workspace = o->attempt.workspace,
                                    .purpose = o->attempt.purpose,
                                    .return_url = o->return_url,
                                    .lang = o->attempt.lang,
                                    .client_state = o->attempt.client_state,
                                    .app_challenge = o->app_challenge};
        rc = login_attempt_make(tx, &start, rq_mem(o->rq), &o->attempt.id, why);
    }
    if (rc != RC_OK)
        return rc;
    bool challenge = o->via == VIA_BROWSER && (app->redirect_kind == REDIRECT_LOOPBACK ||
                                               config_flag(o->l->o.config, "login.web_pkce"));
    struct login_click click = {.workspace = o->attempt.workspace,
                                .attempt = o->attempt.id,
                                .redirect_uri = o->redirect_uri.n > 0 ? o->redirect_uri : app->redirect_uri,
                                .scopes = app->scopes,
                                .lang = o->attempt.lang,
                                .via = o->via,
                                .challenge = challenge};
    return login_state_put(o->l, tx, &click, rq_mem(o->rq), &o->clicked, why);
}

enum rc login_begin(struct login *l, struct request *rq, const struct login_opening *in,
                    struct login_clicked *out, struct attempt *attempt, struct fault *why)
{
    struct opening o = {.l = l,
                        .rq = rq,
                        .via = in->via,
                        .redirect_uri = in->redirect_uri,
                        .app_challenge = in->app_challenge,
                        .app_redirect = in->app_redirect,
                        .needs_return = in->via != VIA_MOBILE};
    enum rc rc = store_write(l->o.store, STORE_INTERACTIVE, begin_tx, &o, why);
    if (rc != RC_OK)
        return rc;
    *out = o.clicked;
    out->redirect_uri = o.redirect_uri;
    *attempt = o.attempt;
    log_event(l->o.log, LOG_INFO, "login.started", F_ID("workspace", o.attempt.workspace),
              F_ID("attempt", o.attempt.id), F_STR("purpose", str_of(login_purpose_name(o.attempt.purpose))));
    return RC_OK;
}

enum rc login_route_continue(struct request *rq, void *ctx, struct fault *why)
{
    struct login *l = ctx;
    struct login_clicked c = {0};
    struct attempt a = {0};
    struct fault inner;
    str url = STR_NONE;
    struct login_opening in = {.via = VIA_BROWSER};
    enum rc rc = login_begin(l, rq, &in, &c, &a, &inner);
    if (rc != RC_OK)
        return refuse_start(l, rq, &inner, why);
    const struct account_app *app = accounts_app_for(l->o.accounts, a.workspace, APP_LOGIN_KIT);
    struct tiktok_authorize ask = {.client_key = app->client.client_key,
                                   .redirect_uri = app->redirect_uri,
                                   .state = c.state,
                                   .scopes = app->scopes,
                                   .always_ask = true};
    if (c.verifier.n > 0)
        ask.challenge = tiktok_challenge(c.verifier, rq_mem(rq));
    rc = tiktok_authorize_url(l->o.tiktok, &ask, rq_mem(rq), &url, why);
    if (rc != RC_OK)
        return rc;
    answer_cookie(rq, OAUTH_COOKIE, c.cookie, LOGIN_STATE_MS / 1000);
    answer_redirect(rq, url);
    return RC_OK;
}

/* ---- the callback ---- */
struct taking {
    struct login *l;
    struct login_proof proof;
    struct arena *mem;
    struct login_taken taken;
    struct attempt attempt;
};

static enum rc take_tx(struct tx *tx, void *arg_, struct fault *why)
{
    struct taking *t = arg_;
    enum rc rc = login_state_take(t->l, tx, &t->proof, t->mem, &t->taken, why);
    return rc == RC_OK ? db_attempt(tx, t->taken.workspace, t->taken.attempt, t->mem, &t->attempt, why) : rc;
}

enum rc login_take(struct login *l, const struct login_proof *proof, struct arena *mem,
                   struct login_taken *taken, struct attempt *attempt, struct fault *why)
{
    struct taking t = {.l = l, .proof = *proof, .mem = mem};
    enum rc rc = store_write(l->o.store, STORE_INTERACTIVE, take_tx, &t, why);
    if (rc != RC_OK)
        return rc;
    *taken = t.taken;
    *attempt = t.attempt;
    return RC_OK;
}

static bool console_purpose(const struct attempt *a)
{
    return a->purpose == LOGIN_CONSOLE || a->purpose == LOGIN_CONSOLE_LINK;
}

str login_where_next(const struct login_result *r, struct arena *mem)
{
    if (console_purpose(&r->attempt))
        return STR("/console/");
    if (r->code.n == 0)
        return arena_fmt(mem, "/auth/tiktok/partly?attempt=" STR_FMT, STR_ARG(r->attempt.id));
    return login_return_to(&r->attempt, r->code, NULL, mem);
}

/* A state was taken: exchange, one transaction, and where the browser goes. mem is secret. */
static enum rc finish_callback(struct login *l, struct request *rq, const struct tiktok_callback *cb,
                               const struct taking *t, struct arena *mem)
{
    struct login_result result = {0};
    struct fault inner;
    struct login_finish f = {.l = l, .rq = rq, .taken = &t->taken, .code = cb->code, .flow = "login.web"};
    enum rc rc = RC_OK;
    if (!login_flag(l, t->attempt.workspace))
        rc = switched_off(&inner);
    else if (cb->error.n > 0)
        rc = tiktok_callback_fault(cb, &inner);
    else
        rc = login_finish(&f, mem, &result, &inner);
    if (rc != RC_OK) {
        login_note_end(l, t->attempt.workspace, t->attempt.id, &inner);
        return login_page_end(l, rq, &inner, &t->attempt);
    }
    if (result.session.n > 0)
        access_set_cookie(rq, arena_str(rq_mem(rq), result.session));
    if (result.code.n > 0 || console_purpose(&result.attempt))
        answer_cookie(rq, OAUTH_COOKIE, STR(""), 0); /* stays for the partly page, which is bound to it */
    answer_redirect(rq, login_where_next(&result, rq_mem(rq)));
    return RC_OK;
}

enum rc login_route_callback(struct request *rq, void *ctx, struct fault *why)
{
    struct login *l = ctx;
    struct tiktok_callback cb = {0};
    struct fault inner;
    struct arena *mem = arena_open_secret(SECRET_MEM);
    (void)why;
    enum rc rc = tiktok_callback_parse(rq_query(rq), mem, &cb, &inner);
    struct taking t = {.l = l, .mem = mem, .proof = {VIA_BROWSER, cb.state, rq_cookie(rq, OAUTH_COOKIE)}};
    if (rc == RC_OK && cb.error.n > 0 && cb.state.n == 0)
        rc = tiktok_callback_fault(&cb, &inner); /* TikTok's own words, though they end no attempt of ours */
    else if (rc == RC_OK)
        rc = login_take(l, &t.proof, mem, &t.taken, &t.attempt, &inner);
    if (rc != RC_OK && strcmp(inner.code, "login.state_unknown") == 0 && connect_mixed_up(l, rq, cb.state))
        rc = RC_OK;
    else if (rc != RC_OK) {
        login_note_end(l, STR("-"), STR(""), &inner);
        rc = login_page_end(l, rq, &inner, NULL);
    } else
        rc = finish_callback(l, rq, &cb, &t, mem);
    arena_close(&mem);
    return rc;
}

/* ---- partly granted: the browser that signed in may go on; its code is made at the click ---- */
struct going_on {
    struct request *rq;
    struct attempt attempt;
    str code;
};

static enum rc look_partly(struct tx *tx, void *arg_, struct fault *why)
{
    struct going_on *g = arg_;
    enum rc rc = db_attempt_by_id(tx, arg(g->rq, "attempt"), rq_mem(g->rq), &g->attempt, why);
    str cookie = rq_cookie(g->rq, OAUTH_COOKIE);
    if (rc != RC_OK)
        return rc;
    if (cookie.n == 0 || !str_eq(sha256_hex(cookie, tx_mem(tx)), g->attempt.cookie_hash))
        return fault_set(why, RC_CONFLICT, "login.state_unknown", "another browser's attempt");
    if (g->attempt.state != ATTEMPT_PARTLY || g->attempt.expires_ms + LOGIN_STATE_MS <= tx_now_ms(tx))
        return fault_set(why, RC_CONFLICT, "login.attempt_over", "nothing to go on with");
    return RC_OK;
}

enum rc login_route_partly(struct request *rq, void *ctx, struct fault *why)
{
    struct login *l = ctx;
    struct going_on g = {.rq = rq};
    struct fault inner;
    (void)why;
    enum rc rc = store_read(l->o.store, look_partly, &g, &inner);
    return rc == RC_OK ? login_page_partly(l, rq, &g.attempt) : login_page_end(l, rq, &inner, NULL);
}

static enum rc proceed_tx(struct tx *tx, void *arg_, struct fault *why)
{
    struct going_on *g = arg_;
    enum rc rc = store_lock(tx, STR("-"), "login_attempt", arg(g->rq, "attempt"), why);
    if (rc == RC_OK)
        rc = look_partly(tx, g, why);
    if (rc == RC_OK)
        rc = db_attempt_state(tx, g->attempt.workspace, g->attempt.id, ATTEMPT_DONE, why);
    return rc == RC_OK
               ? login_code_mint(tx, g->attempt.workspace, g->attempt.id, rq_mem(g->rq), &g->code, why)
               : rc;
}

enum rc login_route_proceed(struct request *rq, void *ctx, struct fault *why)
{
    struct login *l = ctx;
    struct going_on g = {.rq = rq};
    struct fault inner;
    (void)why;
    enum rc rc = store_write(l->o.store, STORE_INTERACTIVE, proceed_tx, &g, &inner);
    if (rc != RC_OK)
        return login_page_end(l, rq, &inner, NULL);
    answer_cookie(rq, OAUTH_COOKIE, STR(""), 0);
    answer_redirect(rq, login_return_to(&g.attempt, g.code, NULL, rq_mem(rq)));
    return RC_OK;
}
