/* connect_routes: the link, the click, TikTok's callbacks and the page after them. Flow: POST /v1/connections
 * -> GET /auth/tiktok/{business|ads} -> POST .../continue -> TikTok -> GET .../callback -> 303 to
 * /auth/tiktok/connected. What can go wrong: see connect_ends.c; every refusal is a page, and nothing is
 * stored but the attempt's end.
 */
#include "login/connect_priv.h"
#include "crypto/crypto.h"

enum { SECRET_MEM = 1024 * 1024, COOKIE_CHARS = 43 };

static str arg(struct request *rq, const char *name)
{
    str s = rq_arg(rq, name);
    return s.p == NULL ? STR("") : s;
}

/* The value that this browser has, when it has the form that we give. */
static str own_cookie(struct request *rq)
{
    str c = rq_cookie(rq, CONNECT_COOKIE);
    for (size_t i = 0; i < c.n; i++) {
        char x = c.p[i];
        bool good = (x >= 'a' && x <= 'z') || (x >= 'A' && x <= 'Z') || (x >= '0' && x <= '9') || x == '-' ||
                    x == '_';
        if (!good)
            return STR("");
    }
    return c.n == COOKIE_CHARS ? c : STR("");
}

/* ---- POST /v1/connections ---- */
struct making {
    struct login *l;
    struct request *rq;
    struct connect_start start;
    struct login_start login;
    bool is_login;
    str attempt, body;
};

static enum rc first_return(struct making *m, struct tx *tx, struct fault *why)
{
    struct return_url *list = NULL;
    size_t n = 0;
    if (m->login.return_url.n > 0)
        return RC_OK;
    enum rc rc = db_return_list(tx, m->login.workspace, tx_mem(tx), &list, &n, why);
    if (rc == RC_OK && n == 0)
        return fault_set(why, RC_INVALID, "connect.return", "the workspace has no return URL");
    if (rc == RC_OK)
        m->login.return_url = list[0].id;
    return rc;
}

/* A person's Login Kit grant is renewed by signing in again: that is login's attempt. */
static enum rc make_login(struct making *m, struct tx *tx, struct fault *why)
{
    if (!login_flag(m->l, m->login.workspace))
        return fault_set(why, RC_OFF, "login.switched_off", "flag login.tiktok is off");
    if (accounts_app_for(m->l->o.accounts, m->login.workspace, APP_LOGIN_KIT) == NULL)
        return fault_set(why, RC_OFF, "login.not_configured", "no Login Kit app");
    enum rc rc = first_return(m, tx, why);
    return rc == RC_OK ? login_attempt_make(tx, &m->login, rq_mem(m->rq), &m->attempt, why) : rc;
}

static enum rc make_tx(struct tx *tx, void *arg_, struct fault *why)
{
    struct making *m = arg_;
    struct buf b;
    struct jw w;
    enum rc rc = m->is_login ? make_login(m, tx, why)
                             : connect_attempt_make(m->l, tx, &m->start, rq_mem(m->rq), &m->attempt, why);
    if (rc != RC_OK)
        return rc;
    const char *place = m->is_login ? "" : m->start.kind == APP_ADS ? "/ads" : "/business";
    buf_init(&b, rq_mem(m->rq), 4096);
    jw_init(&w, &b);
    jw_obj(&w, NULL);
    jw_str(&w, "attempt_id", m->attempt);
    jw_str(&w, "url",
           arena_fmt(rq_mem(m->rq), STR_FMT "/auth/tiktok%s?attempt=" STR_FMT,
                     STR_ARG(http_base_url(rq_http(m->rq))), place, STR_ARG(m->attempt)));
    jw_time(&w, "expires_at", tx_now_ms(tx) + (m->is_login ? LOGIN_STATE_MS : CONNECT_LINK_MS));
    jw_end(&w);
    m->body = buf_str(&b);
    rc = access_once_save(tx, rq_once(m->rq), 201, m->body, why);
    struct audit_entry e = audit_of(m->rq, "accounts.connection_begun", m->attempt, STR_NONE);
    return rc == RC_OK ? audit_put(m->l->o.audit, tx, &e, why) : rc;
}

enum rc connect_route_make(struct request *rq, void *ctx, struct fault *why)
{
    const struct principal *who = rq_who(rq);
    str kind = arg(rq, "kind"), back = arg(rq, "return");
    struct making m = {.l = ctx,
                       .rq = rq,
                       .is_login = str_eq(kind, STR("login")),
                       .start = {.workspace = who->workspace,
                                 .kind = str_eq(kind, STR("advertiser")) ? APP_ADS : APP_ACCOUNTS,
                                 .account = arg(rq, "account"),
                                 .feature = arg(rq, "feature"),
                                 .market = arg(rq, "market"),
                                 .beside = arg(rq, "beside"),
                                 .return_to = back,
                                 .lang = rq_lang(rq),
                                 .maker = who->id},
                       .login = {.workspace = who->workspace,
                                 .purpose = LOGIN_SIGN_IN,
                                 .lang = rq_lang(rq),
                                 .return_url = str_starts(back, STR("ret_")) ? back : STR("")}};
    if (!m.is_login && !connect_flag(m.l, who->workspace))
        return fault_set(why, RC_OFF, "connect.switched_off", "flag connect.tiktok is off");
    enum rc rc = store_write(m.l->o.store, STORE_INTERACTIVE, make_tx, &m, why);
    if (rc == RC_OK)
        answer_json(rq, 201, m.body);
    return rc;
}

/* ---- the page before TikTok ---- */
struct showing {
    struct login *l;
    struct request *rq;
    enum app_kind kind;
    struct connect_attempt attempt;
    struct connect_ask ask;
    struct workspace ws;
    str cookie, account_name;
};

static enum rc look_link(struct tx *tx, void *arg_, struct fault *why)
{
    struct showing *s = arg_;
    struct arena *mem = rq_mem(s->rq);
    enum rc rc = db_connect_by_id(tx, arg(s->rq, "attempt"), mem, &s->attempt, why);
    if (rc != RC_OK)
        return rc;
    if (s->attempt.kind != s->kind)
        return fault_set(why, RC_MISSING, "connect.link_unknown", "a link of another kind");
    if (!connect_flag(s->l, s->attempt.workspace))
        return fault_set(why, RC_OFF, "connect.switched_off", "flag connect.tiktok is off here");
    if (s->attempt.state > 1 || s->attempt.expires_ms <= tx_now_ms(tx))
        return fault_set(why, RC_CONFLICT, "connect.link_over", "used, ended or older than 72 hours");
    if (s->attempt.browser_hash.n > 0 &&
        (s->cookie.n == 0 || !str_eq(s->attempt.browser_hash, sha256_hex(s->cookie, tx_mem(tx)))))
        return fault_set(why, RC_CONFLICT, "connect.other_browser", "another browser started this link");
    struct connect_start start = connect_start_of(&s->attempt);
    rc = connect_ask(s->l, tx, &start, mem, &s->ask, why);
    return rc == RC_OK ? access_workspace(tx, s->attempt.workspace, mem, &s->ws, why) : rc;
}

/* Flag off: like an unknown path. Everything else that is wrong with a link has its own page. */
static enum rc refuse(struct request *rq, const struct fault *inner, const struct connect_attempt *a,
                      struct fault *why)
{
    if (strcmp(inner->code, "connect.switched_off") == 0)
        return fault_set(why, RC_MISSING, "not_found", "switched off");
    return connect_page_end(rq, inner, a);
}

static enum rc show_link(struct request *rq, struct login *l, enum app_kind kind, struct fault *why)
{
    struct showing s = {.l = l, .rq = rq, .kind = kind, .cookie = own_cookie(rq)};
    struct fault inner;
    enum rc rc = store_read(l->o.store, look_link, &s, &inner);
    if (rc != RC_OK)
        return refuse(rq, &inner, NULL, why);
    s.attempt.lang = login_lang(rq); /* the owner's browser, not whoever made the link */
    answer_cookie(rq, CONNECT_COOKIE, s.cookie.n > 0 ? s.cookie : token_new(rq_mem(rq)),
                  CONNECT_LINK_MS / 1000);
    struct connect_page page = {
        .attempt = &s.attempt, .workspace_name = s.ws.name, .scopes = s.ask.scopes, .fresh = s.ask.fresh};
    return connect_page_start(l, rq, &page);
}

enum rc connect_route_business(struct request *rq, void *ctx, struct fault *why)
{
    return show_link(rq, ctx, APP_ACCOUNTS, why);
}

enum rc connect_route_ads(struct request *rq, void *ctx, struct fault *why)
{
    return show_link(rq, ctx, APP_ADS, why);
}

/* ---- the click ---- */
struct clicking {
    struct login *l;
    struct connect_click in;
    struct arena *mem;
    struct connect_clicked out;
};

static enum rc click_tx(struct tx *tx, void *arg_, struct fault *why)
{
    struct clicking *c = arg_;
    return connect_state_put(c->l, tx, &c->in, c->mem, &c->out, why);
}

static enum rc click(struct request *rq, struct login *l, enum app_kind kind, struct fault *why)
{
    struct clicking c = {.l = l,
                         .mem = rq_mem(rq),
                         .in = {.attempt = arg(rq, "attempt"),
                                .cookie = own_cookie(rq),
                                .market = arg(rq, "market"),
                                .lang = login_lang(rq),
                                .kind = kind}};
    struct connect_attempt again = {.id = c.in.attempt, .kind = kind, .lang = c.in.lang};
    struct fault inner;
    str url = STR_NONE;
    enum rc rc = store_write(l->o.store, STORE_INTERACTIVE, click_tx, &c, &inner);
    if (rc != RC_OK)
        return refuse(rq, &inner, &again, why);
    struct tiktok_authorize ask = {.kind = kind,
                                   .client_key = c.out.app->client.client_key,
                                   .redirect_uri = c.out.app->redirect_uri,
                                   .state = c.out.state,
                                   .scopes = c.out.scopes,
                                   .always_ask = true}; /* a silent redirect may come without a code */
    rc = tiktok_authorize_url(l->o.tiktok, &ask, rq_mem(rq), &url, why);
    if (rc != RC_OK)
        return rc;
    log_event(l->o.log, LOG_INFO, "connect.started", F_ID("workspace", c.out.attempt.workspace),
              F_ID("attempt", c.out.attempt.id), F_STR("kind", str_of(connect_word(kind))));
    answer_redirect(rq, url);
    return RC_OK;
}

enum rc connect_route_business_go(struct request *rq, void *ctx, struct fault *why)
{
    return click(rq, ctx, APP_ACCOUNTS, why);
}

enum rc connect_route_ads_go(struct request *rq, void *ctx, struct fault *why)
{
    return click(rq, ctx, APP_ADS, why);
}

/* ---- TikTok's callback ---- */
struct taking {
    struct connect_proof proof;
    struct arena *mem;
    struct connect_taken taken;
};

static enum rc take_tx(struct tx *tx, void *arg_, struct fault *why)
{
    struct taking *t = arg_;
    return connect_state_take(tx, &t->proof, t->mem, &t->taken, why);
}

/* TikTok came back with a state alone: the page was skipped. */
static bool skipped(str query, struct arena *mem, str *state)
{
    static const char *const answers[] = {"code", "auth_code", "error", "error_code"};
    struct pairs pairs = {0};
    struct fault inner;
    bool twice = false;
    if (pairs_parse(query, 32, mem, &pairs, &inner) != RC_OK)
        return false;
    for (size_t i = 0; i < COUNT_OF(answers); i++)
        if (pairs_find(&pairs, str_of(answers[i]), NULL).n > 0)
            return false;
    *state = pairs_find(&pairs, STR("state"), &twice);
    return state->n > 0 && !twice;
}

static enum rc judge(struct login *l, struct request *rq, const struct tiktok_callback *cb,
                     const struct taking *t, struct fault *why)
{
    struct connect_finish f = {.l = l, .rq = rq, .taken = &t->taken, .code = cb->code};
    if (t->taken.mixed_up)
        return fault_set(why, RC_CONFLICT, "connect.mixed_up", "the state is of another kind's callback");
    if (!connect_flag(l, t->taken.attempt.workspace))
        return fault_set(why, RC_OFF, "connect.switched_off", "flag connect.tiktok is off here");
    if (cb->error.n > 0)
        return tiktok_callback_fault(cb, why);
    if (cb->code.n == 0)
        return fault_set(why, RC_CONFLICT, "connect.skipped", "neither a code nor an error");
    return connect_finish(&f, t->mem, why);
}

static enum rc come_back(struct request *rq, struct login *l, enum app_kind kind)
{
    struct arena *mem = arena_open_secret(SECRET_MEM);
    struct tiktok_callback cb = {0};
    struct fault inner;
    enum rc rc = tiktok_callback_parse_of(kind, rq_query(rq), mem, &cb, &inner);
    if (rc == RC_INVALID && skipped(rq_query(rq), mem, &cb.state))
        rc = RC_OK;
    struct taking t = {.mem = mem, .proof = {kind, cb.state, own_cookie(rq)}};
    if (rc == RC_OK && cb.error.n > 0 && cb.state.n == 0)
        rc = tiktok_callback_fault(&cb, &inner); /* TikTok's words, though they end no attempt of ours */
    else if (rc == RC_OK)
        rc = store_write(l->o.store, STORE_INTERACTIVE, take_tx, &t, &inner);
    const struct connect_attempt *a = rc == RC_OK ? &t.taken.attempt : NULL;
    if (rc == RC_OK)
        rc = judge(l, rq, &cb, &t, &inner);
    if (rc != RC_OK) {
        connect_note_end(l, a, kind, &inner);
        rc = connect_page_end(rq, &inner, a);
    } else
        answer_redirect(rq, arena_fmt(rq_mem(rq), "/auth/tiktok/connected?attempt=" STR_FMT, STR_ARG(a->id)));
    arena_close(&mem);
    return rc;
}

bool connect_mixed_up(struct login *l, struct request *rq, str state)
{
    struct arena *mem = arena_open(SECRET_MEM);
    struct taking t = {.mem = mem, .proof = {APP_LOGIN_KIT, state, own_cookie(rq)}};
    struct fault why;
    enum rc rc = store_write(l->o.store, STORE_INTERACTIVE, take_tx, &t, &why);
    bool found = rc == RC_OK && t.taken.mixed_up;
    if (found) {
        (void)fault_set(&why, RC_CONFLICT, "connect.mixed_up",
                        "a connection's answer at the sign-in's callback");
        connect_note_end(l, &t.taken.attempt, t.taken.attempt.kind, &why);
        must(connect_page_end(rq, &why, NULL) == RC_OK);
    }
    arena_close(&mem);
    return found;
}

enum rc connect_route_business_back(struct request *rq, void *ctx, struct fault *why)
{
    (void)why;
    return come_back(rq, ctx, APP_ACCOUNTS);
}

enum rc connect_route_ads_back(struct request *rq, void *ctx, struct fault *why)
{
    (void)why;
    return come_back(rq, ctx, APP_ADS);
}

/* ---- the page after it: only in the browser that connected ---- */
static enum rc look_done(struct tx *tx, void *arg_, struct fault *why)
{
    struct showing *s = arg_;
    struct arena *mem = rq_mem(s->rq);
    struct account acc = {0};
    enum rc rc = db_connect_by_id(tx, arg(s->rq, "attempt"), mem, &s->attempt, why);
    if (rc != RC_OK)
        return rc;
    if (s->cookie.n == 0 || s->attempt.state != 3 ||
        !str_eq(s->attempt.browser_hash, sha256_hex(s->cookie, tx_mem(tx))))
        return fault_set(why, RC_CONFLICT, "connect.state_unknown", "another browser's connection");
    rc = accounts_load(tx, s->attempt.workspace, s->attempt.connected, mem, &acc, why);
    if (rc == RC_OK)
        rc = access_workspace(tx, s->attempt.workspace, mem, &s->ws, why);
    s->account_name = acc.display_name.n > 0 ? acc.display_name : acc.username;
    return rc;
}

enum rc connect_route_done(struct request *rq, void *ctx, struct fault *why)
{
    struct login *l = ctx;
    struct showing s = {.l = l, .rq = rq, .cookie = own_cookie(rq)};
    struct fault inner;
    (void)why;
    enum rc rc = store_read(l->o.store, look_done, &s, &inner);
    if (rc != RC_OK)
        return connect_page_end(rq, &inner, NULL);
    if (s.attempt.return_url.n > 0) {
        size_t at = 0;
        answer_redirect(rq,
                        arena_fmt(rq_mem(rq), STR_FMT "%cconnected=" STR_FMT, STR_ARG(s.attempt.return_url),
                                  str_find(s.attempt.return_url, STR("?"), &at) ? '&' : '?',
                                  STR_ARG(s.attempt.connected)));
        return RC_OK;
    }
    struct connect_page_done page = {&s.attempt, s.ws.name, s.account_name};
    return connect_page_done(rq, &page);
}
