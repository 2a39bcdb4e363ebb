/* connect: making an attempt, the click that makes a state, the taking of the state. Flow: attempt_make ->
 * page -> state_put (browser bound, state in clear leaves once) -> state_take. What can go wrong: a link in
 * two browsers, an answer at the wrong callback, an app that was taken out of the settings.
 */
#include "login/connect_priv.h"
#include "crypto/crypto.h"

const char *connect_word(enum app_kind kind)
{
    return kind == APP_ADS ? "advertiser" : "business";
}

const char *connect_place(enum app_kind kind)
{
    return kind == APP_ADS ? "ads" : "business";
}

bool connect_flag(struct login *l, str workspace)
{
    return flag_on(l->o.flags, workspace, CONNECT_FLAG);
}

/* ---- what is asked ---- */
static enum rc facts_of_account(struct login *l, struct tx *tx, const struct connect_start *in,
                                struct arena *mem, struct connect_ask *out, struct fault *why)
{
    struct account acc = {0};
    enum rc rc = accounts_load(tx, in->workspace, in->account, mem, &acc, why);
    if (rc != RC_OK)
        return rc;
    if (!str_eq(acc.role, str_of(connect_word(in->kind))))
        return fault_set(why, RC_INVALID, "connect.account_kind", "the account is of another kind");
    out->app = accounts_app_of(l->o.accounts, acc.client_key, in->kind);
    out->open_id = acc.open_id;
    bool live = str_eq(str_of(acc.state), STR("connected")) || str_eq(str_of(acc.state), STR("unsure"));
    out->facts = (struct feature_facts){
        .granted = acc.scopes.p != NULL ? acc.scopes : STR(""), .since_ms = acc.connected_ms, .live = live};
    return RC_OK;
}

/* Of `scopes`, those that were not granted yet. */
static str fresh_of(str scopes, str granted, struct arena *mem)
{
    struct buf b;
    str head;
    buf_init(&b, mem, 4096);
    while (str_cut(&scopes, ',', &head)) {
        if (head.n == 0 || tiktok_scope_in(granted, head))
            continue;
        if (b.n > 0)
            buf_put_c(&b, ',');
        buf_put(&b, head);
    }
    return b.n > 0 ? buf_str(&b) : STR("");
}

enum rc connect_ask(struct login *l, struct tx *tx, const struct connect_start *in, struct arena *mem,
                    struct connect_ask *out, struct fault *why)
{
    struct connect_ask ask = {.app = accounts_app_for(l->o.accounts, in->workspace, in->kind),
                              .open_id = STR("")};
    const struct feature *f = NULL;
    enum rc rc = RC_OK;
    ask.facts.granted = STR("");
    if (in->account.n > 0)
        rc = facts_of_account(l, tx, in, mem, &ask, why);
    if (rc != RC_OK)
        return rc;
    if (ask.app == NULL)
        return fault_set(why, RC_OFF, "connect.not_configured", "no app of this kind");
    if (in->feature.n > 0 && (f = feature_find(in->kind, in->feature)) == NULL)
        return fault_set(why, RC_INVALID, "connect.feature_unknown", "no such feature of this kind");
    ask.facts.held = ask.app->scopes;
    rc = feature_ask(f, &ask.facts, in->kind, mem, &ask.scopes, why);
    if (rc != RC_OK)
        return rc;
    if (in->kind != APP_ADS && ask.scopes.n == 0)
        return fault_set(why, RC_OFF, "connect.not_configured", "the app holds no scope");
    ask.fresh = fresh_of(ask.scopes, ask.facts.granted, mem);
    *out = ask;
    return RC_OK;
}

struct connect_start connect_start_of(const struct connect_attempt *a)
{
    return (struct connect_start){.workspace = a->workspace,
                                  .kind = a->kind,
                                  .account = a->account,
                                  .feature = a->feature,
                                  .market = a->market,
                                  .lang = a->lang};
}

/* ---- the attempt ---- */
/* A page of our console, never an address elsewhere. */
static bool console_path(str s)
{
    size_t at = 0;
    if (!str_starts(s, STR("/console/")) || s.n > 200 || str_find(s, STR(".."), &at))
        return false;
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c <= 0x20 || c >= 0x7f || c == '\\' || (c == '/' && i > 0 && s.p[i - 1] == '/'))
            return false;
    }
    return true;
}

enum rc connect_attempt_make(struct login *l, struct tx *tx, const struct connect_start *in,
                             struct arena *mem, str *attempt, struct fault *why)
{
    struct connect_ask ask = {0};
    str url = STR_NONE;
    must(in->kind == APP_ACCOUNTS || in->kind == APP_ADS);
    if (in->market.n > 0 && market_find(in->market) == NULL)
        return fault_set(why, RC_INVALID, "connect.market", "no such market");
    enum rc rc = connect_ask(l, tx, in, mem, &ask, why);
    if (rc == RC_OK && in->return_to.n > 0 && !console_path(in->return_to)) {
        rc = db_return_load(tx, in->workspace, in->return_to, tx_mem(tx), &url, why);
        if (rc == RC_MISSING)
            return fault_set(why, RC_INVALID, "connect.return", "not in the workspace's list");
    }
    struct account beside = {0};
    if (rc == RC_OK && in->beside.n > 0)
        rc = accounts_load(tx, in->workspace, in->beside, tx_mem(tx), &beside, why);
    struct connect_insert row = {.start = in, .id = id_new(mem, "cna")};
    if (rc != RC_OK)
        return rc;
    must(ask.app != NULL); /* connect_ask gives one or fails */
    row.client_key = ask.app->client.client_key;
    rc = db_connect_insert(tx, &row, why);
    if (rc == RC_OK)
        *attempt = row.id;
    return rc;
}

/* ---- the click ---- */
static enum rc check_open(struct login *l, struct tx *tx, const struct connect_click *in,
                          const struct connect_attempt *a, struct fault *why)
{
    if (a->kind != in->kind)
        return fault_set(why, RC_MISSING, "connect.link_unknown", "a link of another kind");
    if (!connect_flag(l, a->workspace))
        return fault_set(why, RC_OFF, "connect.switched_off", "flag connect.tiktok is off here");
    if (a->state > 1 || a->expires_ms <= tx_now_ms(tx))
        return fault_set(why, RC_CONFLICT, "connect.link_over", "used, ended or older than 72 hours");
    if (in->cookie.n == 0)
        return fault_set(why, RC_CONFLICT, "connect.no_cookie", "the page's cookie is missing");
    if (a->browser_hash.n > 0 && !str_eq(a->browser_hash, sha256_hex(in->cookie, tx_mem(tx))))
        return fault_set(why, RC_CONFLICT, "connect.other_browser", "another browser started this link");
    return RC_OK;
}

static enum rc put_state(struct tx *tx, const struct connect_clicked *c, struct fault *why)
{
    struct state_row row = {.workspace = c->attempt.workspace,
                            .attempt = c->attempt.id,
                            .redirect_uri = c->app->redirect_uri,
                            .hash = sha256_hex(c->state, tx_mem(tx)),
                            .cookie_hash = c->attempt.browser_hash,
                            .provider = str_of(tiktok_kind(c->attempt.kind)->name),
                            .via = VIA_BROWSER};
    return db_state_insert(tx, &row, why);
}

enum rc connect_state_put(struct login *l, struct tx *tx, const struct connect_click *in, struct arena *mem,
                          struct connect_clicked *out, struct fault *why)
{
    struct connect_clicked c = {.state = token_new(mem)};
    struct connect_ask ask = {0};
    int64_t changed = 0;
    enum rc rc = db_connect_by_id(tx, in->attempt, mem, &c.attempt, why);
    if (rc == RC_OK)
        rc = check_open(l, tx, in, &c.attempt, why);
    if (rc != RC_OK)
        return rc;
    if (in->market.n > 0)
        c.attempt.market = in->market;
    if (in->kind == APP_ACCOUNTS && market_find(c.attempt.market) == NULL)
        return fault_set(why, RC_INVALID, "connect.market", "no market was chosen");
    struct connect_start start = connect_start_of(&c.attempt);
    rc = connect_ask(l, tx, &start, mem, &ask, why);
    if (rc != RC_OK)
        return rc;
    must(ask.app != NULL);
    if (!str_eq(ask.app->client.client_key, c.attempt.client_key))
        return fault_set(why, RC_CONFLICT, "connect.link_over", "the app was changed since");
    c.app = ask.app;
    c.scopes = c.attempt.asked = ask.scopes;
    c.attempt.browser_hash = sha256_hex(in->cookie, mem);
    if (in->lang.n > 0)
        c.attempt.lang = in->lang;
    rc = db_connect_started(tx, &c.attempt, &changed, why);
    if (rc == RC_OK && changed == 0)
        return fault_set(why, RC_CONFLICT, "connect.other_browser", "another browser was faster");
    if (rc == RC_OK)
        rc = put_state(tx, &c, why);
    if (rc == RC_OK)
        *out = c;
    return rc;
}

/* ---- the taking ---- */
/* Why nothing was taken. A wrong cookie and an unknown state look alike from outside. An answer at another
 * kind's callback in the right browser is burnt and told: RC_OK with mixed_up, so that the burning stays. */
static enum rc explain_refusal(struct tx *tx, const struct state_row *want, struct arena *mem,
                               struct connect_taken *out, struct fault *why)
{
    struct state_row seen = {0};
    enum rc rc = db_state_find(tx, want->hash, mem, &seen, why);
    if (rc != RC_OK && rc != RC_MISSING)
        return rc;
    if (rc == RC_MISSING || seen.via != VIA_BROWSER || !str_eq(seen.cookie_hash, want->cookie_hash))
        return fault_set(why, RC_CONFLICT, "connect.state_unknown", "no such state for this browser");
    if (seen.used_ms != 0)
        return fault_set(why, RC_CONFLICT, "connect.double_callback", "the state was taken before");
    if (str_eq(seen.provider, want->provider))
        return fault_set(why, RC_CONFLICT, "connect.state_expired", "the state is past its life");
    struct connect_taken t = {.redirect_uri = seen.redirect_uri, .mixed_up = true};
    rc = db_connect(tx, seen.workspace, seen.attempt, mem, &t.attempt, why);
    if (rc == RC_MISSING)
        return fault_set(why, RC_CONFLICT, "connect.state_unknown", "a sign-in's state");
    if (rc == RC_OK)
        rc = db_state_burn(tx, want->hash, why);
    if (rc == RC_OK)
        *out = t;
    return rc;
}

enum rc connect_state_take(struct tx *tx, const struct connect_proof *proof, struct arena *mem,
                           struct connect_taken *out, struct fault *why)
{
    if (proof->state.n == 0 || proof->cookie.n == 0)
        return fault_set(why, RC_CONFLICT, "connect.state_unknown", "state or cookie is missing");
    struct state_row got = {0}, want = {.hash = sha256_hex(proof->state, tx_mem(tx)),
                                        .cookie_hash = sha256_hex(proof->cookie, tx_mem(tx)),
                                        .provider = str_of(tiktok_kind(proof->kind)->name),
                                        .via = VIA_BROWSER};
    if (planted("login.any_callback")) { /* an answer counts wherever it arrives */
        enum rc found = db_state_find(tx, want.hash, mem, &got, why);
        if (found == RC_OK)
            want.provider = got.provider;
    }
    enum rc rc = db_state_take(tx, &want, mem, &got, why);
    if (rc == RC_MISSING)
        return explain_refusal(tx, &want, mem, out, why);
    struct connect_taken t = {.redirect_uri = got.redirect_uri};
    if (rc == RC_OK)
        rc = db_connect(tx, got.workspace, got.attempt, mem, &t.attempt, why);
    if (rc == RC_OK)
        *out = t;
    return rc;
}
