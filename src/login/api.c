/* api: what Mozflow's server and the console ask by REST: attempts, return URLs, the configuration of the
 * button, linking TikTok to a console member. Exchange and links stand in exchange.c.
 */
#include "login/login_priv.h"

struct calling {
    struct login *l;
    struct request *rq;
    struct login_start start;
    str attempt, id, url, body;
    struct workspace ws;
    struct return_url *list;
    size_t n;
};

static str arg(struct request *rq, const char *name)
{
    str s = rq_arg(rq, name);
    return s.p == NULL ? STR("") : s;
}

static str start_url(struct request *rq, str attempt)
{
    return arena_fmt(rq_mem(rq), STR_FMT "/auth/tiktok?attempt=" STR_FMT, STR_ARG(http_base_url(rq_http(rq))),
                     STR_ARG(attempt));
}

/* ---- attempts ---- */
static enum rc attempt_tx(struct tx *tx, void *arg_, struct fault *why)
{
    struct calling *c = arg_;
    struct buf b;
    struct jw w;
    enum rc rc = login_attempt_make(tx, &c->start, rq_mem(c->rq), &c->attempt, why);
    if (rc != RC_OK)
        return rc;
    buf_init(&b, rq_mem(c->rq), 4096);
    jw_init(&w, &b);
    jw_obj(&w, NULL);
    jw_str(&w, "attempt_id", c->attempt);
    jw_str(&w, "start_url", start_url(c->rq, c->attempt));
    jw_time(&w, "expires_at", tx_now_ms(tx) + LOGIN_STATE_MS);
    jw_end(&w);
    c->body = buf_str(&b);
    return access_once_save(tx, rq_once(c->rq), 201, c->body, why);
}

static enum rc make_attempt(struct calling *c, struct fault *why)
{
    if (!login_flag(c->l, c->start.workspace))
        return fault_set(why, RC_MISSING, "not_found", "flag login.tiktok is off");
    if (accounts_app_for(c->l->o.accounts, c->start.workspace, APP_LOGIN_KIT) == NULL)
        return fault_set(why, RC_OFF, "login.not_configured", "no Login Kit app");
    enum rc rc = store_write(c->l->o.store, STORE_INTERACTIVE, attempt_tx, c, why);
    if (rc == RC_OK)
        answer_json(c->rq, 201, c->body);
    return rc;
}

enum rc login_route_attempt(struct request *rq, void *ctx, struct fault *why)
{
    bool link = str_eq(arg(rq, "purpose"), STR("link"));
    struct calling c = {.l = ctx,
                        .rq = rq,
                        .start = {.workspace = rq_who(rq)->workspace,
                                  .purpose = link ? LOGIN_LINK : LOGIN_SIGN_IN,
                                  .mozflow_user_id = arg(rq, "mozflow_user_id"),
                                  .return_url = arg(rq, "return_url_id"),
                                  .lang = arg(rq, "language"),
                                  .client_state = arg(rq, "client_state"),
                                  .app_challenge = arg(rq, "app_challenge")}};
    if (!link && c.start.mozflow_user_id.n > 0)
        return fault_set(why, RC_INVALID, "login.user_required", "mozflow_user_id belongs to purpose link");
    return make_attempt(&c, why);
}

enum rc login_route_console_link(struct request *rq, void *ctx, struct fault *why)
{
    const struct principal *who = rq_who(rq);
    struct calling c = {.l = ctx,
                        .rq = rq,
                        .start = {.workspace = who->workspace,
                                  .purpose = LOGIN_CONSOLE_LINK,
                                  .member = who->id,
                                  .lang = rq_lang(rq)}};
    if (who->kind != WHO_MEMBER)
        return fault_set(why, RC_DENIED, "login.wrong_session", "only a signed-in member can link");
    return make_attempt(&c, why);
}

/* ---- return URLs ---- */
static enum rc list_read(struct tx *tx, void *arg_, struct fault *why)
{
    struct calling *c = arg_;
    enum rc rc = db_return_list(tx, rq_who(c->rq)->workspace, rq_mem(c->rq), &c->list, &c->n, why);
    return rc == RC_OK ? access_workspace(tx, rq_who(c->rq)->workspace, rq_mem(c->rq), &c->ws, why) : rc;
}

static void put_urls(struct jw *w, const char *key, const struct calling *c)
{
    jw_arr(w, key);
    for (size_t i = 0; i < c->n; i++) {
        jw_obj(w, NULL);
        jw_str(w, "id", c->list[i].id);
        jw_str(w, "url", c->list[i].url);
        jw_end(w);
    }
    jw_end(w);
}

enum rc login_route_return_list(struct request *rq, void *ctx, struct fault *why)
{
    struct calling c = {.l = ctx, .rq = rq};
    struct buf b;
    struct jw w;
    enum rc rc = store_read(c.l->o.store, list_read, &c, why);
    if (rc != RC_OK)
        return rc;
    buf_init(&b, rq_mem(rq), 128 * 1024);
    jw_init(&w, &b);
    jw_obj(&w, NULL);
    put_urls(&w, "items", &c);
    jw_null(&w, "next_cursor");
    jw_end(&w);
    answer_json(rq, 200, buf_str(&b));
    return RC_OK;
}

static enum rc add_tx(struct tx *tx, void *arg_, struct fault *why)
{
    struct calling *c = arg_;
    enum rc rc = login_return_url_add(tx, rq_who(c->rq)->workspace, c->url, rq_mem(c->rq), &c->id, why);
    if (rc != RC_OK)
        return rc;
    struct buf b;
    struct jw w;
    buf_init(&b, rq_mem(c->rq), 4096);
    jw_init(&w, &b);
    jw_obj(&w, NULL);
    jw_str(&w, "id", c->id);
    jw_str(&w, "url", c->url);
    jw_end(&w);
    c->body = buf_str(&b);
    rc = access_once_save(tx, rq_once(c->rq), 201, c->body, why);
    struct audit_entry e = audit_of(c->rq, "login.return_url_added", c->id, STR_NONE);
    return rc == RC_OK ? audit_put(c->l->o.audit, tx, &e, why) : rc;
}

enum rc login_route_return_add(struct request *rq, void *ctx, struct fault *why)
{
    struct calling c = {.l = ctx, .rq = rq, .url = arg(rq, "url")};
    enum rc rc = store_write(c.l->o.store, STORE_INTERACTIVE, add_tx, &c, why);
    if (rc == RC_OK)
        answer_json(rq, 201, c.body);
    return rc;
}

static enum rc delete_tx(struct tx *tx, void *arg_, struct fault *why)
{
    struct calling *c = arg_;
    int64_t changed = 0;
    enum rc rc = db_return_delete(tx, rq_who(c->rq)->workspace, c->id, &changed, why);
    if (rc == RC_OK && changed == 0)
        return fault_set(why, RC_MISSING, "login.return_url_missing", "no such return URL");
    struct audit_entry e = audit_of(c->rq, "login.return_url_removed", c->id, STR_NONE);
    return rc == RC_OK ? audit_put(c->l->o.audit, tx, &e, why) : rc;
}

enum rc login_route_return_delete(struct request *rq, void *ctx, struct fault *why)
{
    struct calling c = {.l = ctx, .rq = rq, .id = arg(rq, "id")};
    enum rc rc = store_write(c.l->o.store, STORE_INTERACTIVE, delete_tx, &c, why);
    if (rc == RC_OK)
        answer_body(rq, 204, "application/json", STR(""));
    return rc;
}

/* ---- what a page needs to show the button ---- */
static void put_scopes(struct jw *w, const char *key, str list)
{
    str head;
    jw_arr(w, key);
    while (str_cut(&list, ',', &head))
        if (str_trim(head).n > 0)
            jw_str(w, NULL, str_trim(head));
    jw_end(w);
}

enum rc login_route_config(struct request *rq, void *ctx, struct fault *why)
{
    struct calling c = {.l = ctx, .rq = rq};
    const struct account_app *app = accounts_app_for(c.l->o.accounts, rq_who(rq)->workspace, APP_LOGIN_KIT);
    str base = http_base_url(rq_http(rq));
    struct buf b;
    struct jw w;
    enum rc rc = store_read(c.l->o.store, list_read, &c, why);
    if (rc != RC_OK)
        return rc;
    bool on = login_flag(c.l, rq_who(rq)->workspace);
    buf_init(&b, rq_mem(rq), 128 * 1024);
    jw_init(&w, &b);
    jw_obj(&w, NULL);
    jw_bool(&w, "enabled", on && app != NULL);
    jw_bool(&w, "configured", app != NULL);
    jw_str(&w, "public_key", c.ws.public_key);
    jw_str(&w, "start_url",
           arena_fmt(rq_mem(rq), STR_FMT "/auth/tiktok?workspace=" STR_FMT, STR_ARG(base),
                     STR_ARG(c.ws.public_key)));
    jw_str(&w, "button_script",
           arena_fmt(rq_mem(rq), STR_FMT "/embed/login-button.js?workspace=" STR_FMT, STR_ARG(base),
                     STR_ARG(c.ws.public_key)));
    put_scopes(&w, "scopes", app != NULL ? app->scopes : STR(""));
    jw_str(&w, "redirect_uri", app != NULL ? app->redirect_uri : STR_NONE);
    jw_cstr(&w, "consent_version", CONSENT_VERSION);
    put_urls(&w, "return_urls", &c);
    jw_end(&w);
    answer_json(rq, 200, buf_str(&b));
    return RC_OK;
}
