/* finish: the end of a sign-in. TikTok's code becomes tokens and a profile (8 s in all, no transaction held),
 * then ONE transaction keeps everything or nothing: account, grant, attempt, code, events, consent, feed,
 * audit. What can go wrong: TikTok fails (a page, nothing kept but the attempt's end); the profile cannot be
 * read (the sign-in goes on with the token's open_id; the profile sync fetches the rest).
 */
#include "login/login_priv.h"
#include "crypto/crypto.h"

enum { TOTAL_MS = 8000, PROFILE_MIN_MS = 300, BUDGET_MS = 3000 };

const struct metric login_metrics[] = {
    {"mz_login_total", METRIC_COUNTER, "outcome,purpose",
     "Sign-in attempts that ended, by outcome and purpose."},
};
const size_t login_metrics_n = COUNT_OF(login_metrics);
const struct metric *login_metric_ends = &login_metrics[0];

static enum rc ask_tokens(const struct login_finish *f, struct arena *mem, struct login_answer *out,
                          struct fault *why)
{
    const struct login_options *o = &f->l->o;
    const struct account_app *app = accounts_app_for(o->accounts, f->taken->workspace, APP_LOGIN_KIT);
    struct permit permit;
    int64_t until = clock_mono_ms() + TOTAL_MS;
    struct tiktok_code code = {.code = f->code,
                               .redirect_uri = f->taken->redirect_uri,
                               .verifier = f->verifier,
                               .total_ms = TOTAL_MS};
    if (f->taken->verifier.n > 0)
        code.verifier = (str){(const char *)f->taken->verifier.p, f->taken->verifier.n};
    struct budget_call call = {.client_key = app->client.client_key,
                               .workspace = f->taken->workspace,
                               .family = tiktok_kind(app->kind)->name,
                               .endpoint = "tiktok.token",
                               .patience_ms = BUDGET_MS};
    enum rc rc = budget_take(o->budget, &call, &permit, why);
    if (rc == RC_OK)
        rc = tiktok_exchange(o->tiktok, &permit, &app->client, &code, mem, &out->tokens, why);
    if (rc != RC_OK)
        budget_answered(o->budget, &call, why);
    int64_t left = until - clock_mono_ms();
    if (rc != RC_OK || left < PROFILE_MIN_MS)
        return rc;
    struct fault profile;
    struct tiktok_grant grant = {
        .access = out->tokens.access, .scopes = out->tokens.scopes, .total_ms = left};
    call.endpoint = "tiktok.user_info";
    call.patience_ms = 0; /* the profile sync fetches it when it cannot be asked for now */
    enum rc got = budget_take(o->budget, &call, &permit, &profile);
    if (got == RC_OK)
        got = tiktok_user_info(o->tiktok, &permit, &grant, mem, &out->user, &profile);
    if (got != RC_OK)
        budget_answered(o->budget, &call, &profile);
    out->has_user = got == RC_OK;
    if (got != RC_OK)
        log_event(o->log, LOG_WARN, "login.profile_missing", F_ID("attempt", f->taken->attempt), F_RC(got),
                  F_FAULT(&profile));
    return RC_OK;
}

enum rc login_code_mint(struct tx *tx, str workspace, str attempt, struct arena *mem, str *code,
                        struct fault *why)
{
    str made = token_new(mem);
    enum rc rc = db_code_insert(tx, workspace, sha256_hex(made, tx_mem(tx)), attempt, why);
    if (rc == RC_OK)
        *code = made;
    return rc;
}

/* ---- the one transaction ---- */
struct finishing {
    const struct login_finish *f;
    const struct login_answer *answer;
    const struct account_app *app;
    struct arena *mem;
    struct login_result result;
};

static str join_ids(struct tx *tx, const struct attempt *a, str account)
{
    return arena_fmt(tx_mem(tx),
                     "{\"identity\":\"" STR_FMT "\",\"account\":\"" STR_FMT "\",\"attempt\":\"" STR_FMT "\"}",
                     STR_ARG(account), STR_ARG(account), STR_ARG(a->id));
}

static enum rc emit_completed(struct tx *tx, const struct attempt *a, str account, struct fault *why)
{
    struct mozflow_new e = {.type = "login.completed",
                            .workspace = a->workspace,
                            .subject = a->id,
                            .ids = join_ids(tx, a, account)};
    enum rc rc = mozflow_emit(tx, &e, NULL, why);
    return rc == RC_OK ? jobs_emit(tx, "login.completed", a->workspace, account, e.ids, why) : rc;
}

/* Stamps in their order: consent, feed, audit. */
static enum rc stamp_all(struct finishing *z, struct tx *tx, const struct attempt *a, str account,
                         struct fault *why)
{
    const struct login_options *o = &z->f->l->o;
    struct consent_entry consent = {.workspace = a->workspace,
                                    .who = {z->app->client.client_key, z->answer->tokens.open_id},
                                    .act = CONSENT_GIVEN,
                                    .flow = str_of(z->f->flow),
                                    .text_version = STR(CONSENT_VERSION),
                                    .text = login_consent_text(a->lang, z->app->scopes, tx_mem(tx)),
                                    .language = a->lang,
                                    .scopes = z->answer->tokens.scopes,
                                    .attempt = a->id,
                                    .shown_ms = a->shown_ms};
    struct audit_entry audit = {.workspace = a->workspace,
                                .actor = STR("visitor"),
                                .action = STR("login.completed"),
                                .object = account};
    if (z->f->rq != NULL) {
        audit = audit_of(z->f->rq, "login.completed", account, STR_NONE);
        audit.workspace = a->workspace;
        audit.actor = STR("visitor");
    }
    audit.detail = arena_fmt(tx_mem(tx), "{\"attempt\":\"" STR_FMT "\",\"purpose\":\"%s\"}", STR_ARG(a->id),
                             login_purpose_name(a->purpose));
    enum rc rc = consent_record(o->consent, tx, &consent, NULL, why);
    if (rc == RC_OK)
        rc = feed_put(tx, a->workspace, "account", account, why);
    return rc == RC_OK ? audit_put(o->audit, tx, &audit, why) : rc;
}

static enum rc finish_person(struct finishing *z, struct tx *tx, struct fault *why)
{
    struct attempt *a = &z->result.attempt;
    struct account_arrival in = {.workspace = a->workspace,
                                 .app = z->app,
                                 .tokens = &z->answer->tokens,
                                 .user = z->answer->has_user ? &z->answer->user : NULL};
    struct account_arrived got = {0};
    str linked = STR_NONE;
    enum rc rc = accounts_arrive(z->f->l->o.accounts, tx, &in, z->mem, &got, why);
    if (rc != RC_OK)
        return rc;
    rc = db_link_find(tx, a->workspace, got.account, tx_mem(tx), &linked, why);
    if (rc != RC_OK && rc != RC_MISSING)
        return rc;
    bool page = got.missing_scopes.n > 0 && !z->f->code_now;
    struct attempt_finished fin = {.workspace = a->workspace,
                                   .id = a->id,
                                   .account = got.account,
                                   .granted = z->answer->tokens.scopes,
                                   .missing = got.missing_scopes,
                                   .known = rc == RC_OK,
                                   .state = page ? ATTEMPT_PARTLY : ATTEMPT_DONE};
    rc = db_attempt_finished(tx, &fin, why);
    if (rc == RC_OK && !page)
        rc = login_code_mint(tx, a->workspace, a->id, z->mem, &z->result.code, why);
    if (rc == RC_OK)
        rc = emit_completed(tx, a, got.account, why);
    a->account = got.account;
    z->result.missing = got.missing_scopes;
    return rc == RC_OK ? stamp_all(z, tx, a, got.account, why) : rc;
}

/* Console: no account is kept, the tokens are forgotten; access audits as its last act. */
static enum rc finish_console(struct finishing *z, struct tx *tx, struct fault *why)
{
    const struct attempt *a = &z->result.attempt;
    struct access *access = z->f->l->o.access;
    struct access_identity who = {.workspace = a->purpose == LOGIN_CONSOLE ? STR("") : a->workspace,
                                  .client_key = z->app->client.client_key,
                                  .open_id = z->answer->tokens.open_id};
    struct attempt_finished fin = {
        .workspace = a->workspace, .id = a->id, .granted = z->answer->tokens.scopes, .state = ATTEMPT_DONE};
    enum rc rc = db_attempt_finished(tx, &fin, why);
    if (rc != RC_OK)
        return rc;
    if (a->purpose == LOGIN_CONSOLE) {
        who.ends = z->f->rq != NULL ? rq_cookie(z->f->rq, ACCESS_COOKIE) : STR("");
        if (who.ends.p == NULL)
            who.ends = STR("");
        return access_session_for_identity(access, tx, &who, z->mem, &z->result.session, why);
    }
    const struct principal *now = z->f->rq != NULL ? rq_who(z->f->rq) : NULL;
    if (now == NULL || now->kind != WHO_MEMBER || !str_eq(now->id, a->member) ||
        !str_eq(now->workspace, a->workspace))
        return fault_set(why, RC_DENIED, "login.wrong_session", "the session is not the member who began");
    return access_identity_link(access, tx, now, &who, why);
}

static enum rc finish_tx(struct tx *tx, void *arg, struct fault *why)
{
    struct finishing *z = arg;
    const struct login_taken *t = z->f->taken;
    z->result = (struct login_result){0};
    enum rc rc = db_attempt(tx, t->workspace, t->attempt, z->mem, &z->result.attempt, why);
    if (rc != RC_OK)
        return rc;
    bool console =
        z->result.attempt.purpose == LOGIN_CONSOLE || z->result.attempt.purpose == LOGIN_CONSOLE_LINK;
    return console ? finish_console(z, tx, why) : finish_person(z, tx, why);
}

enum rc login_finish(const struct login_finish *f, struct arena *mem, struct login_result *out,
                     struct fault *why)
{
    const struct account_app *app = accounts_app_for(f->l->o.accounts, f->taken->workspace, APP_LOGIN_KIT);
    struct login_answer answer = {0};
    if (app == NULL)
        return fault_set(why, RC_OFF, "login.not_configured", "no Login Kit app");
    int64_t began = clock_mono_ms();
    enum rc rc = ask_tokens(f, mem, &answer, why);
    if (rc != RC_OK)
        return rc;
    struct finishing z = {.f = f, .answer = &answer, .app = app, .mem = mem};
    rc = store_write(f->l->o.store, STORE_INTERACTIVE, finish_tx, &z, why);
    if (rc != RC_OK)
        return rc;
    const char *purpose = login_purpose_name(z.result.attempt.purpose);
    metric_add(login_metric_ends, 1, z.result.missing.n > 0 ? "login.partly_granted" : "login.completed",
               purpose);
    log_event(f->l->o.log, LOG_INFO, z.result.missing.n > 0 ? "login.partly_granted" : "login.completed",
              F_ID("workspace", z.result.attempt.workspace), F_ID("attempt", z.result.attempt.id),
              F_ID("account", z.result.attempt.account), F_STR("purpose", str_of(purpose)),
              F_MS("took", clock_mono_ms() - began));
    if (planted("login.log_token"))
        log_event(f->l->o.log, LOG_INFO, "login.completed",
                  F_STR("token", ((str){(const char *)answer.tokens.access.p, answer.tokens.access.n})));
    *out = z.result;
    return RC_OK;
}

/* ---- an attempt that did not succeed ---- */
struct ended {
    str workspace, attempt;
    const struct login_end *end;
};

static enum rc end_tx(struct tx *tx, void *arg, struct fault *why)
{
    struct ended *e = arg;
    return db_attempt_end(tx, e->workspace, e->attempt, e->end, why);
}

void login_note_end(struct login *l, str workspace, str attempt, const struct fault *why)
{
    struct ended e = {workspace, attempt, login_end_of(why)};
    struct fault inner;
    enum rc rc = RC_OK;
    if (attempt.n > 0)
        rc = store_write(l->o.store, STORE_INTERACTIVE, end_tx, &e, &inner);
    metric_add(login_metric_ends, 1, e.end->code, "");
    log_event(l->o.log, LOG_WARN, e.end->code, F_ID("workspace", workspace), F_ID("attempt", attempt),
              F_FAULT(why), F_RC(rc));
}

static enum rc find_attempt(struct tx *tx, void *arg, struct fault *why)
{
    struct finishing *z = arg;
    return db_attempt_by_id(tx, z->result.attempt.id, z->mem, &z->result.attempt, why);
}

void login_note_mobile_end(struct login *l, str attempt, const struct fault *why)
{
    struct arena *mem = arena_open(16 * 1024);
    struct finishing z = {.mem = mem, .result = {.attempt = {.id = attempt}}};
    struct fault inner;
    enum rc rc = store_read(l->o.store, find_attempt, &z, &inner);
    login_note_end(l, rc == RC_OK ? z.result.attempt.workspace : STR("-"), rc == RC_OK ? attempt : STR(""),
                   why);
    arena_close(&mem);
}

str login_return_to(const struct attempt *a, str code, const char *error, struct arena *mem)
{
    struct buf b, q;
    size_t at = 0;
    buf_init(&q, mem, 4096);
    if (code.n > 0)
        buf_put_form(&q, "code", code);
    if (error != NULL)
        buf_put_form(&q, "error", str_of(error));
    buf_put_form(&q, "attempt", a->id);
    if (a->client_state.n > 0)
        buf_put_form(&q, "client_state", a->client_state);
    buf_init(&b, mem, 8192);
    buf_put(&b, a->return_url);
    buf_put_c(&b, str_find(a->return_url, STR("?"), &at) ? '&' : '?');
    buf_put(&b, buf_str(&q));
    return buf_ok(&q) ? buf_str(&b) : STR_NONE; /* half a query would lose the code */
}
