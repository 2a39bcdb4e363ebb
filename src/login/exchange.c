/* exchange: Mozflow's server trades the one-time code for who signed in, and links or unlinks by its own act.
 * The code is burnt before anything is compared, and the burning is committed with the refusal: a wrong guess
 * leaves nothing to try again. What can go wrong: a planted code, a link attempt that reached another
 * person's session.
 */
#include "login/login_priv.h"
#include "crypto/crypto.h"

struct exchanging {
    struct login *l;
    struct request *rq;
    str code, attempt_id, user, client_state, app_verifier;
    struct fault refusal; /* committed outcome; rc RC_OK: none */
    str body;
};

static str arg_or_empty(struct request *rq, const char *name)
{
    str s = rq_arg(rq, name);
    return s.p == NULL ? STR("") : s;
}

static void refuse(struct exchanging *x, enum rc rc, const char *code, const char *what)
{
    enum rc kept = fault_set(&x->refusal, rc, code, "%s", what);
    (void)kept;
}

static bool proof_fits(const struct exchanging *x, const struct attempt *a, struct arena *mem)
{
    if (!str_eq(a->id, x->attempt_id) || !str_eq(a->mozflow_user_id, x->user))
        return false;
    if (!str_eq(a->client_state, x->client_state)) /* an attempt that has one must be proven with it */
        return false;
    return a->app_challenge.n == 0 || str_eq_nocase(a->app_challenge, sha256_hex(x->app_verifier, mem));
}

/* The link of purpose `link`; *user is who owns the account afterwards, empty when nobody does. */
static enum rc make_link(struct tx *tx, str workspace, str account, str wanted, str *user, struct fault *why)
{
    int64_t changed = 0;
    enum rc rc = wanted.n > 0 ? db_link_insert(tx, workspace, account, wanted, &changed, why) : RC_OK;
    if (rc != RC_OK)
        return rc;
    rc = db_link_find(tx, workspace, account, tx_mem(tx), user, why);
    if (rc == RC_MISSING) {
        *user = STR("");
        return RC_OK;
    }
    if (rc == RC_OK && changed > 0) {
        str ids = arena_fmt(tx_mem(tx), "{\"account\":\"" STR_FMT "\"}", STR_ARG(account));
        struct mozflow_new e = {
            .type = "login.linked", .workspace = workspace, .subject = account, .ids = ids};
        return mozflow_emit(tx, &e, NULL, why);
    }
    return rc;
}

static void put_scopes(struct jw *w, const char *key, str list)
{
    str head;
    jw_arr(w, key);
    while (str_cut(&list, ',', &head))
        if (str_trim(head).n > 0)
            jw_str(w, NULL, str_trim(head));
    jw_end(w);
}

/* What each missing scope switches off and how to add it: part of the answer, so that Mozflow can tell the
 * person. */
static void put_missing(struct jw *w, const struct attempt *a)
{
    put_scopes(w, "granted", a->granted);
    put_scopes(w, "missing", a->missing);
    if (a->missing.n > 0)
        jw_cstr(w, "how_to_add", "Start a new attempt; TikTok's page then shows the switches again.");
}

static enum rc write_body(struct exchanging *x, struct tx *tx, const struct attempt *a, str user,
                          struct fault *why)
{
    struct account acc;
    struct consent_state consent = {0};
    struct buf b;
    struct jw w;
    enum rc rc = accounts_load(tx, a->workspace, a->account, tx_mem(tx), &acc, why);
    struct consent_subject who = {acc.client_key, acc.open_id};
    if (rc == RC_OK)
        rc = consent_of(x->l->o.consent, tx, a->workspace, &who, tx_mem(tx), &consent, why);
    if (rc != RC_OK)
        return rc;
    buf_init(&b, rq_mem(x->rq), 32 * 1024);
    jw_init(&w, &b);
    jw_obj(&w, NULL);
    jw_str(&w, "attempt_id", a->id);
    jw_cstr(&w, "purpose", login_purpose_name(a->purpose));
    jw_cstr(&w, "result", user.n > 0 ? "known" : "new");
    jw_str(&w, "mozflow_user_id", user.n > 0 ? user : STR_NONE);
    jw_obj(&w, "identity");
    jw_str(&w, "id", acc.id);
    jw_str(&w, "client_key", acc.client_key);
    jw_str(&w, "open_id", acc.open_id);
    jw_str(&w, "union_id", acc.union_id.n > 0 ? acc.union_id : STR_NONE);
    jw_end(&w);
    jw_obj(&w, "profile");
    jw_str(&w, "display_name", acc.display_name.n > 0 ? acc.display_name : STR_NONE);
    jw_str(&w, "username", acc.username.n > 0 ? acc.username : STR_NONE);
    jw_str(&w, "avatar_url", acc.avatar_url.n > 0 ? acc.avatar_url : STR_NONE);
    jw_end(&w);
    jw_obj(&w, "scopes");
    put_missing(&w, a);
    jw_end(&w);
    jw_obj(&w, "consent");
    jw_bool(&w, "given", consent.given);
    jw_str(&w, "text_version", consent.text_version);
    jw_str(&w, "language", consent.language);
    jw_str(&w, "scopes", consent.scopes);
    jw_time(&w, "at", consent.since_ms);
    jw_end(&w);
    jw_end(&w);
    x->body = buf_str(&b);
    return buf_ok(&b) ? RC_OK : fault_set(why, RC_FULL, "base.arena", "the answer is too long");
}

/* Burns the code, then judges it. RC_OK with x->refusal set: refused, and that is what is committed. */
static enum rc judge_code(struct exchanging *x, struct tx *tx, struct attempt *a, struct fault *why)
{
    str workspace = rq_who(x->rq)->workspace;
    struct code_row code = {0};
    struct fault inner;
    bool used = false;
    enum rc rc = db_code_take(tx, workspace, sha256_hex(x->code, tx_mem(tx)), &code, &used, why);
    if (rc == RC_MISSING) {
        refuse(x, used ? RC_CONFLICT : RC_MISSING, used ? "login.code_used" : "login.code_unknown",
               "not usable");
        return RC_OK;
    }
    if (rc != RC_OK)
        return rc;
    rc = db_attempt(tx, workspace, code.attempt, tx_mem(tx), a, &inner);
    if (rc != RC_OK)
        return fault_set(why, rc, inner.code, "%s", inner.detail);
    if (code.expires_ms <= tx_now_ms(tx))
        refuse(x, RC_CONFLICT, "login.code_expired", "older than 60 s");
    else if (!planted("login_exchange_unbound") && !proof_fits(x, a, tx_mem(tx)))
        refuse(x, RC_CONFLICT, "login.code_mismatch", "attempt, user, client_state or app_verifier differ");
    return RC_OK;
}

static enum rc exchange_tx(struct tx *tx, void *arg, struct fault *why)
{
    struct exchanging *x = arg;
    struct attempt a = {0};
    str user = STR("");
    x->refusal = (struct fault){.rc = RC_OK};
    enum rc rc = judge_code(x, tx, &a, why);
    if (rc != RC_OK)
        return rc;
    if (x->refusal.rc == RC_OK)
        rc = make_link(tx, a.workspace, a.account, a.mozflow_user_id, &user, why);
    if (rc == RC_OK && x->refusal.rc == RC_OK && a.purpose == LOGIN_LINK && !str_eq(user, a.mozflow_user_id))
        refuse(x, RC_CONFLICT, "login.link_taken", "another Mozflow user has this account");
    if (rc == RC_OK && x->refusal.rc == RC_OK)
        rc = write_body(x, tx, &a, user, why);
    if (rc == RC_OK && x->refusal.rc == RC_OK)
        rc = access_once_save(tx, rq_once(x->rq), 200, x->body, why);
    bool ok = x->refusal.rc == RC_OK;
    str detail = arena_fmt(tx_mem(tx), "{\"code\":\"%s\"}", ok ? "login.exchanged" : x->refusal.code);
    struct audit_entry e = audit_of(x->rq, ok ? "login.exchanged" : "login.exchange_refused",
                                    a.id.n > 0 ? a.id : STR("-"), detail);
    return rc == RC_OK ? audit_put(x->l->o.audit, tx, &e, why) : rc;
}

enum rc login_route_exchange(struct request *rq, void *ctx, struct fault *why)
{
    struct exchanging x = {.l = ctx,
                           .rq = rq,
                           .code = rq_arg(rq, "code"),
                           .attempt_id = rq_arg(rq, "attempt_id"),
                           .user = arg_or_empty(rq, "mozflow_user_id"),
                           .client_state = arg_or_empty(rq, "client_state"),
                           .app_verifier = arg_or_empty(rq, "app_verifier")};
    enum rc rc = store_write(x.l->o.store, STORE_INTERACTIVE, exchange_tx, &x, why);
    if (rc != RC_OK)
        return rc;
    if (x.refusal.rc != RC_OK) {
        metric_add(login_metric_ends, 1, x.refusal.code, "exchange");
        log_event(x.l->o.log, LOG_WARN, "login.exchange_refused", F_ID("workspace", rq_who(rq)->workspace),
                  F_FAULT(&x.refusal));
        return fault_set(why, x.refusal.rc, x.refusal.code, "%s", x.refusal.detail);
    }
    answer_json(rq, 200, x.body);
    return RC_OK;
}

/* ---- links by Mozflow's own act ---- */
static enum rc link_tx(struct tx *tx, void *arg, struct fault *why)
{
    struct exchanging *x = arg;
    str workspace = rq_who(x->rq)->workspace, owner = STR("");
    struct account acc;
    enum rc rc = accounts_load(tx, workspace, x->attempt_id, tx_mem(tx), &acc, why);
    if (rc == RC_OK)
        rc = make_link(tx, workspace, acc.id, x->user, &owner, why);
    if (rc != RC_OK)
        return rc;
    if (!str_eq(owner, x->user))
        return fault_set(why, RC_CONFLICT, "login.link_taken", "another Mozflow user has this account");
    struct buf b;
    struct jw w;
    buf_init(&b, rq_mem(x->rq), 4096);
    jw_init(&w, &b);
    jw_obj(&w, NULL);
    jw_str(&w, "identity_id", acc.id);
    jw_str(&w, "mozflow_user_id", x->user);
    jw_end(&w);
    x->body = buf_str(&b);
    rc = access_once_save(tx, rq_once(x->rq), 201, x->body, why);
    struct audit_entry e = audit_of(x->rq, "login.linked", acc.id, STR_NONE);
    return rc == RC_OK ? audit_put(x->l->o.audit, tx, &e, why) : rc;
}

enum rc login_route_link(struct request *rq, void *ctx, struct fault *why)
{
    struct exchanging x = {
        .l = ctx, .rq = rq, .attempt_id = rq_arg(rq, "identity_id"), .user = rq_arg(rq, "mozflow_user_id")};
    enum rc rc = store_write(x.l->o.store, STORE_INTERACTIVE, link_tx, &x, why);
    if (rc == RC_OK)
        answer_json(rq, 201, x.body);
    return rc;
}

static enum rc unlink_tx(struct tx *tx, void *arg, struct fault *why)
{
    struct exchanging *x = arg;
    str workspace = rq_who(x->rq)->workspace;
    int64_t changed = 0;
    enum rc rc = db_link_delete(tx, workspace, x->attempt_id, &changed, why);
    if (rc == RC_OK && changed == 0)
        return fault_set(why, RC_MISSING, "login.link_missing", "no such link");
    str ids = arena_fmt(tx_mem(tx), "{\"account\":\"" STR_FMT "\"}", STR_ARG(x->attempt_id));
    struct mozflow_new e = {
        .type = "login.unlinked", .workspace = workspace, .subject = x->attempt_id, .ids = ids};
    if (rc == RC_OK)
        rc = mozflow_emit(tx, &e, NULL, why);
    struct audit_entry entry = audit_of(x->rq, "login.unlinked", x->attempt_id, STR_NONE);
    return rc == RC_OK ? audit_put(x->l->o.audit, tx, &entry, why) : rc;
}

enum rc login_route_unlink(struct request *rq, void *ctx, struct fault *why)
{
    struct exchanging x = {.l = ctx, .rq = rq, .attempt_id = rq_arg(rq, "id")};
    enum rc rc = store_write(x.l->o.store, STORE_INTERACTIVE, unlink_tx, &x, why);
    if (rc == RC_OK)
        answer_body(rq, 204, "application/json", STR(""));
    return rc;
}
