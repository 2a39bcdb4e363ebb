/* other_ways: sign-in by QR code on a desktop screen and from mobile apps. QR: POST /auth/tiktok/qr draws;
 * the page's script posts to /auth/tiktok/qr/poll until TikTok says confirmed; the state is then taken and
 * the end is a callback's. Mobile: the state stands in for the cookie; what TikTok's SDK gave the app comes
 * by POST, and our one-time code goes back, never TikTok's tokens. What can go wrong: SDKs drop the state on
 * errors; a verifier of 32 characters is Android's, and fine.
 */
#include "login/login_priv.h"
#include "crypto/crypto.h"

enum { SECRET_MEM = 512 * 1024 };

static str arg(struct request *rq, const char *name)
{
    str s = rq_arg(rq, name);
    return s.p == NULL ? STR("") : s;
}

/* ---- QR ---- */
struct drawing {
    struct login *l;
    struct request *rq;
    struct arena *mem;
    struct attempt attempt;
    struct state_row state;
    struct tiktok_qr qr;
};

static enum rc look_qr(struct tx *tx, void *arg_, struct fault *why)
{
    struct drawing *d = arg_;
    str cookie = rq_cookie(d->rq, OAUTH_COOKIE);
    enum rc rc = db_attempt_by_id(tx, d->attempt.id, d->mem, &d->attempt, why);
    if (rc == RC_OK)
        rc = db_state_of_attempt(tx, d->attempt.workspace, d->attempt.id, d->mem, &d->state, why);
    if (rc == RC_MISSING || (rc == RC_OK && (d->state.via != VIA_QR || cookie.n == 0 ||
                                             !str_eq(sha256_hex(cookie, tx_mem(tx)), d->state.cookie_hash))))
        return fault_set(why, RC_CONFLICT, "login.state_unknown", "another browser's QR code");
    if (rc != RC_OK || d->state.qr_sealed.n == 0)
        return rc;
    struct keys_place at = {d->state.workspace, "login_states", d->state.hash, "qr_sealed"};
    return keys_unseal(d->l->o.keys, tx, &at, d->state.qr_sealed, d->mem, &d->qr.token, why);
}

static enum rc keep_qr(struct tx *tx, void *arg_, struct fault *why)
{
    struct drawing *d = arg_;
    str sealed = STR_NONE;
    enum rc rc = db_state_of_attempt(tx, d->attempt.workspace, d->attempt.id, tx_mem(tx), &d->state, why);
    struct keys_place at = {d->attempt.workspace, "login_states", d->state.hash, "qr_sealed"};
    if (rc == RC_OK)
        rc = keys_seal(d->l->o.keys, tx, &at, d->qr.token, tx_mem(tx), &sealed, why);
    return rc == RC_OK ? db_state_qr(tx, d->state.hash, sealed, why) : rc;
}

static enum rc find_ticket(struct tx *tx, void *arg_, struct fault *why)
{
    struct drawing *d = arg_;
    return db_state_of_attempt(tx, d->attempt.workspace, d->attempt.id, d->mem, &d->state, why);
}

/* A person waits in front of a screen: better a second's wait than a refusal. */
static struct budget_call call_of(const struct drawing *d, const struct account_app *app,
                                  const char *endpoint)
{
    return (struct budget_call){.client_key = app->client.client_key,
                                .workspace = d->attempt.workspace,
                                .family = tiktok_kind(app->kind)->name,
                                .endpoint = endpoint,
                                .patience_ms = 1000};
}

static enum rc draw_qr(struct drawing *d, const struct login_clicked *c, struct fault *why)
{
    const struct login_options *o = &d->l->o;
    const struct account_app *app = accounts_app_for(o->accounts, d->attempt.workspace, APP_LOGIN_KIT);
    struct tiktok_authorize ask = {
        .client_key = app->client.client_key, .scopes = app->scopes, .state = c->state};
    struct permit permit;
    enum rc rc = store_read(o->store, find_ticket, d, why);
    const struct budget_call call = call_of(d, app, "tiktok.qr_start");
    if (rc == RC_OK)
        rc = budget_take(o->budget, &call, &permit, why);
    if (rc == RC_OK)
        rc = tiktok_qr_start(o->tiktok, &permit, &ask, d->state.ticket, d->mem, &d->qr, why);
    if (rc != RC_OK)
        budget_answered(o->budget, &call, why);
    return rc == RC_OK ? store_write(o->store, STORE_INTERACTIVE, keep_qr, d, why) : rc;
}

enum rc login_route_qr_start(struct request *rq, void *ctx, struct fault *why)
{
    struct login *l = ctx;
    struct login_clicked c = {0};
    struct login_opening in = {.via = VIA_QR};
    struct drawing d = {.l = l, .rq = rq, .mem = arena_open_secret(SECRET_MEM)};
    struct fault inner;
    enum rc rc = login_begin(l, rq, &in, &c, &d.attempt, &inner);
    if (rc == RC_OK && (rc = draw_qr(&d, &c, &inner)) != RC_OK)
        login_note_end(l, d.attempt.workspace, d.attempt.id, &inner);
    if (rc == RC_OK) {
        answer_cookie(rq, OAUTH_COOKIE, c.cookie, LOGIN_STATE_MS / 1000);
        rc = login_page_qr(l, rq, &d.attempt, d.qr.url);
    } else if (str_eq(str_of(inner.code), STR("login.switched_off")))
        rc = fault_set(why, RC_MISSING, "not_found", "switched off");
    else if (str_starts(str_of(inner.code), STR("login.client")) ||
             str_starts(str_of(inner.code), STR("login.return")))
        rc = fault_set(why, rc, inner.code, "%s", inner.detail);
    else
        rc = login_page_end(l, rq, &inner, d.attempt.id.n > 0 ? &d.attempt : NULL);
    arena_close(&d.mem);
    return rc;
}

static void answer_status(struct request *rq, const char *status, str location)
{
    struct buf b;
    struct jw w;
    buf_init(&b, rq_mem(rq), 16 * 1024);
    jw_init(&w, &b);
    jw_obj(&w, NULL);
    jw_cstr(&w, "status", status);
    jw_str(&w, "location", location);
    jw_end(&w);
    answer_json(rq, 200, buf_str(&b));
}

/* Confirmed: take the state once, then as a callback. */
static enum rc finish_qr(struct drawing *d, const struct tiktok_callback *cb, struct fault *why)
{
    struct login_proof proof = {VIA_QR, cb->state, rq_cookie(d->rq, OAUTH_COOKIE)};
    struct login_taken taken = {0};
    struct login_result result = {0};
    struct attempt attempt = {0};
    enum rc rc = login_take(d->l, &proof, d->mem, &taken, &attempt, why);
    struct login_finish f = {.l = d->l, .rq = d->rq, .taken = &taken, .code = cb->code, .flow = "login.qr"};
    if (rc == RC_OK && !login_flag(d->l, attempt.workspace))
        rc = fault_set(why, RC_OFF, "login.switched_off", "switched off meanwhile");
    if (rc == RC_OK)
        rc = login_finish(&f, d->mem, &result, why);
    if (rc != RC_OK)
        return rc;
    if (result.session.n > 0)
        access_set_cookie(d->rq, arena_str(rq_mem(d->rq), result.session));
    answer_status(d->rq, "confirmed", login_where_next(&result, rq_mem(d->rq)));
    return RC_OK;
}

static enum rc poll_qr(struct drawing *d, struct fault *why)
{
    static const char *const shown[] = {[QR_NEW] = "new",
                                        [QR_SCANNED] = "scanned",
                                        [QR_CONFIRMED] = "confirmed",
                                        [QR_EXPIRED] = "expired",
                                        [QR_USED] = "used"};
    const struct login_options *o = &d->l->o;
    struct tiktok_qr_answer answer = {0};
    struct permit permit;
    enum rc rc = store_read(o->store, look_qr, d, why);
    if (rc == RC_OK && d->state.expires_ms <= store_clock(o->store))
        return fault_set(why, RC_CONFLICT, "login.qr_expired", "ten minutes are over");
    if (rc != RC_OK)
        return rc;
    const struct account_app *app = accounts_app_for(o->accounts, d->attempt.workspace, APP_LOGIN_KIT);
    if (app == NULL)
        return fault_set(why, RC_OFF, "login.not_configured", "no Login Kit app");
    const struct budget_call call = call_of(d, app, "tiktok.qr_check");
    rc = budget_take(o->budget, &call, &permit, why);
    if (rc == RC_OK)
        rc = tiktok_qr_check(o->tiktok, &permit, &app->client, &d->qr, d->state.ticket, d->mem, &answer, why);
    if (rc != RC_OK)
        budget_answered(o->budget, &call, why);
    if (rc != RC_OK)
        return rc;
    if (answer.status == QR_EXPIRED)
        return fault_set(why, RC_CONFLICT, "login.qr_expired", "TikTok says expired");
    if (answer.status == QR_CONFIRMED)
        return finish_qr(d, &answer.callback, why);
    answer_status(d->rq, shown[answer.status], STR_NONE);
    return RC_OK;
}

enum rc login_route_qr_poll(struct request *rq, void *ctx, struct fault *why)
{
    struct login *l = ctx;
    struct drawing d = {
        .l = l, .rq = rq, .mem = arena_open_secret(SECRET_MEM), .attempt = {.id = arg(rq, "attempt")}};
    struct fault inner = {0};
    enum rc rc = poll_qr(&d, &inner);
    bool later = rc == RC_LIMITED || rc == RC_RETRY; /* a poll may fail: the next one asks again */
    if (rc != RC_OK && later) {
        answer_status(rq, "waiting", STR_NONE);
        rc = RC_OK;
    } else if (rc != RC_OK) {
        const struct login_end *end = login_end_of(&inner);
        login_note_end(l, d.attempt.workspace.n > 0 ? d.attempt.workspace : STR("-"), d.attempt.id, &inner);
        rc = fault_set(why, rc, end->code, "%s", inner.detail);
    }
    arena_close(&d.mem);
    return rc;
}

/* ---- mobile ---- */
static enum rc not_found_when_off(enum rc rc, const struct fault *inner, struct fault *why)
{
    if (str_eq(str_of(inner->code), STR("login.switched_off")))
        return fault_set(why, RC_MISSING, "not_found", "switched off");
    return fault_set(why, rc, inner->code, "%s", inner->detail);
}

enum rc login_route_mobile_start(struct request *rq, void *ctx, struct fault *why)
{
    struct login *l = ctx;
    bool browser = str_eq(arg(rq, "mode"), STR("browser"));
    struct login_opening in = {.via = VIA_MOBILE,
                               .app_challenge = arg(rq, "app_challenge"),
                               .redirect_uri = browser ? STR("") : arg(rq, "redirect_uri"),
                               .app_redirect = !browser};
    struct login_clicked c = {0};
    struct attempt a = {0};
    struct fault inner;
    enum rc rc = login_begin(l, rq, &in, &c, &a, &inner);
    if (rc != RC_OK)
        return not_found_when_off(rc, &inner, why);
    const struct account_app *app = accounts_app_for(l->o.accounts, a.workspace, APP_LOGIN_KIT);
    struct buf b;
    struct jw w;
    buf_init(&b, rq_mem(rq), 8192);
    jw_init(&w, &b);
    jw_obj(&w, NULL);
    jw_str(&w, "attempt_id", a.id);
    if (browser) {
        jw_str(&w, "start_url",
               arena_fmt(rq_mem(rq), STR_FMT "/auth/tiktok?attempt=" STR_FMT,
                         STR_ARG(http_base_url(rq_http(rq))), STR_ARG(a.id)));
    } else {
        jw_str(&w, "state", c.state);
        jw_str(&w, "client_key", app->client.client_key);
        jw_str(&w, "scopes", app->scopes);
        jw_str(&w, "redirect_uri", c.redirect_uri);
    }
    jw_i64(&w, "expires_in", LOGIN_STATE_MS / 1000);
    jw_cstr(&w, "consent_version", CONSENT_VERSION);
    jw_str(&w, "consent_text", login_consent_text(login_lang(rq), app->scopes, rq_mem(rq)));
    jw_end(&w);
    answer_json(rq, 200, buf_str(&b));
    return RC_OK;
}

static enum rc answer_mobile(struct request *rq, const struct login_result *r)
{
    struct buf b;
    struct jw w;
    buf_init(&b, rq_mem(rq), 8192);
    jw_init(&w, &b);
    jw_obj(&w, NULL);
    jw_str(&w, "code", r->code);
    jw_str(&w, "attempt_id", r->attempt.id);
    jw_i64(&w, "expires_in", LOGIN_CODE_MS / 1000);
    if (r->attempt.client_state.n > 0)
        jw_str(&w, "client_state", r->attempt.client_state);
    jw_str(&w, "missing_scopes", r->missing);
    jw_end(&w);
    answer_json(rq, 200, buf_str(&b));
    return RC_OK;
}

/* What the app's SDK reported instead of a code. The state may be missing then; the attempt id tells which
 * ended. */
static enum rc mobile_error(struct login *l, struct request *rq, struct fault *why)
{
    struct tiktok_callback cb = {.error = arg(rq, "error"),
                                 .error_type = arg(rq, "error_type"),
                                 .error_description = arg(rq, "error_description")};
    struct fault inner;
    enum rc rc = tiktok_callback_fault(&cb, &inner);
    login_note_mobile_end(l, arg(rq, "attempt_id"), &inner);
    return fault_set(why, rc, login_end_of(&inner)->code, "%s", inner.detail);
}

enum rc login_route_mobile(struct request *rq, void *ctx, struct fault *why)
{
    struct login *l = ctx;
    struct arena *mem = arena_open_secret(SECRET_MEM);
    struct login_proof proof = {.via = VIA_MOBILE, .state = arg(rq, "state")};
    struct login_taken taken = {0};
    struct login_result result = {0};
    struct attempt attempt = {0};
    struct fault inner = {0};
    struct login_finish f = {.l = l,
                             .rq = rq,
                             .taken = &taken,
                             .code = arg(rq, "code"),
                             .verifier = arg(rq, "code_verifier"),
                             .flow = "login.mobile",
                             .code_now = true};
    enum rc rc = RC_OK;
    if (f.code.n == 0) {
        rc = mobile_error(l, rq, why);
        arena_close(&mem);
        return rc;
    }
    if (!tiktok_verifier_ok(f.verifier))
        rc = fault_set(&inner, RC_INVALID, "login.verifier", "%zu characters", f.verifier.n);
    if (rc == RC_OK)
        rc = login_take(l, &proof, mem, &taken, &attempt, &inner);
    if (rc == RC_OK && !str_eq(taken.redirect_uri, arg(rq, "redirect_uri")))
        rc = fault_set(&inner, RC_INVALID, "login.redirect_unknown", "not the redirect URI of the start");
    if (rc == RC_OK && !login_flag(l, attempt.workspace))
        rc = fault_set(&inner, RC_OFF, "login.switched_off", "switched off meanwhile");
    if (rc == RC_OK)
        rc = login_finish(&f, mem, &result, &inner);
    if (rc == RC_OK)
        rc = answer_mobile(rq, &result);
    else {
        bool named = str_starts(str_of(inner.code), STR("login."));
        login_note_end(l, attempt.workspace.n > 0 ? attempt.workspace : STR("-"), attempt.id, &inner);
        rc = fault_set(why, rc, named ? inner.code : login_end_of(&inner)->code, "%s", inner.detail);
    }
    arena_close(&mem);
    return rc;
}
