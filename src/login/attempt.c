/* attempt: making attempts, the click that makes a state, the taking of a state, return URLs. Flow:
 * login_attempt_make -> login_state_put (state and cookie in clear leave once, hashes stay) ->
 * login_state_take. What can go wrong: the same callback twice, another browser's cookie, a state past its
 * ten minutes.
 */
#include "login/login_priv.h"
#include "crypto/crypto.h"

static const char *const purposes[LOGIN_PURPOSES] = {
    [LOGIN_SIGN_IN] = "sign_in",
    [LOGIN_LINK] = "link",
    [LOGIN_CONSOLE] = "console",
    [LOGIN_CONSOLE_LINK] = "console_link",
};

const char *login_purpose_name(enum login_purpose p)
{
    must((unsigned)p < LOGIN_PURPOSES);
    return purposes[p];
}

static bool has_control(str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] <= 0x20 || s.p[i] == 0x7f)
            return true;
    return false;
}

static bool return_url_ok(str url)
{
    size_t at = 0;
    bool https = str_starts(url, STR("https://")) && url.n > 8;
    bool loopback = str_starts(url, STR("http://")) && redirect_kind_of(url) == REDIRECT_LOOPBACK;
    if (url.n > 512 || (!https && !loopback) || has_control(url) || str_find(url, STR("#"), &at))
        return false;
    str host = str_sub(url, https ? 8 : 7, url.n), head = STR_NONE;
    bool cut = str_cut(&host, '/', &head);
    return cut && head.n > 0 && !str_find(head, STR("@"), &at) && !str_find(head, STR("\\"), &at);
}

enum rc login_return_url_add(struct tx *tx, str workspace, str url, struct arena *mem, str *id,
                             struct fault *why)
{
    if (!return_url_ok(url))
        return fault_set(why, RC_INVALID, "login.return_url", "not an allowed return URL");
    str made = id_new(mem, "ret");
    enum rc rc = db_return_insert(tx, workspace, made, url, why);
    return rc == RC_OK ? db_return_find(tx, workspace, url, mem, id, why) : rc;
}

static bool client_state_ok(str s)
{
    return s.n == 0 || (s.n >= 16 && s.n <= 512 && !has_control(s) && utf8_valid(s));
}

enum rc login_attempt_make(struct tx *tx, const struct login_start *in, struct arena *mem, str *attempt,
                           struct fault *why)
{
    str url = STR_NONE;
    unsigned char digest[32];
    if (!client_state_ok(in->client_state))
        return fault_set(why, RC_INVALID, "login.client_state", "client_state of %zu bytes",
                         in->client_state.n);
    if (in->purpose == LOGIN_LINK && in->mozflow_user_id.n == 0)
        return fault_set(why, RC_INVALID, "login.user_required", "purpose link without a Mozflow user");
    if (in->app_challenge.n > 0 && !hex_parse(in->app_challenge, digest, sizeof(digest)))
        return fault_set(why, RC_INVALID, "login.verifier", "app_challenge is not the hex of a SHA-256");
    enum rc rc = RC_OK;
    if (in->return_url.n > 0)
        rc = db_return_load(tx, in->workspace, in->return_url, tx_mem(tx), &url, why);
    if (rc == RC_MISSING)
        return fault_set(why, RC_INVALID, "login.return_url_unknown", "not in the workspace's list");
    str id = id_new(mem, "lat");
    if (rc == RC_OK)
        rc = db_attempt_insert(tx, in, id, why);
    if (rc == RC_OK)
        *attempt = id;
    return rc;
}

/* ---- the click ---- */
enum rc login_state_put(struct login *l, struct tx *tx, const struct login_click *in, struct arena *mem,
                        struct login_clicked *out, struct fault *why)
{
    struct login_clicked c = {.state = token_new(mem)};
    struct state_row row = {.workspace = in->workspace,
                            .attempt = in->attempt,
                            .redirect_uri = in->redirect_uri,
                            .hash = sha256_hex(c.state, tx_mem(tx)),
                            .cookie_hash = STR(""),
                            .provider = str_of(tiktok_kind(APP_LOGIN_KIT)->name),
                            .via = in->via};
    enum rc rc = RC_OK;
    if (in->via != VIA_MOBILE) {
        c.cookie = token_new(mem);
        row.cookie_hash = sha256_hex(c.cookie, tx_mem(tx));
    }
    if (in->via == VIA_QR)
        row.ticket = str_sub(sha256_hex(token_new(tx_mem(tx)), mem), 0, 32);
    if (in->challenge) {
        c.verifier = token_new(mem);
        struct keys_place at = {in->workspace, "login_states", row.hash, "verifier_sealed"};
        struct secret plain = {(const unsigned char *)c.verifier.p, c.verifier.n};
        rc = keys_seal(l->o.keys, tx, &at, plain, tx_mem(tx), &row.verifier_sealed, why);
    }
    struct attempt_started started = {in->workspace, in->attempt, row.cookie_hash,
                                      in->scopes,    in->lang,    in->via};
    if (rc == RC_OK)
        rc = db_attempt_started(tx, &started, why);
    if (rc == RC_OK)
        rc = db_state_insert(tx, &row, why);
    if (rc == RC_OK)
        *out = c;
    return rc;
}

/* ---- the taking ---- */
/* Why nothing was taken. A wrong cookie and an unknown state look alike from outside. */
static enum rc explain_refusal(struct tx *tx, const struct state_row *want, struct fault *why)
{
    struct state_row seen = {0};
    enum rc rc = db_state_find(tx, want->hash, tx_mem(tx), &seen, why);
    bool ours = rc == RC_OK && seen.via == want->via && str_eq(seen.cookie_hash, want->cookie_hash) &&
                str_eq(seen.provider, want->provider);
    if (rc != RC_OK && rc != RC_MISSING)
        return rc;
    if (!ours)
        return fault_set(why, RC_CONFLICT, "login.state_unknown", "no such state for this browser");
    if (seen.used_ms != 0)
        return fault_set(why, RC_CONFLICT, "login.double_callback", "the state was taken before");
    return fault_set(why, RC_CONFLICT, "login.state_expired", "the state is past its life");
}

enum rc login_state_take(struct login *l, struct tx *tx, const struct login_proof *proof, struct arena *mem,
                         struct login_taken *out, struct fault *why)
{
    struct state_row want = {.hash = sha256_hex(proof->state, tx_mem(tx)),
                             .cookie_hash = STR(""),
                             .provider = str_of(tiktok_kind(APP_LOGIN_KIT)->name),
                             .via = proof->via};
    struct state_row got = {0};
    if (proof->state.n == 0 || (proof->via != VIA_MOBILE && proof->cookie.n == 0))
        return fault_set(why, RC_CONFLICT, "login.state_unknown", "state or cookie is missing");
    if (proof->via != VIA_MOBILE)
        want.cookie_hash = sha256_hex(proof->cookie, tx_mem(tx));
    enum rc rc = db_state_take(tx, &want, mem, &got, why);
    if (rc == RC_MISSING)
        return explain_refusal(tx, &want, why);
    struct login_taken t = {
        .workspace = got.workspace, .attempt = got.attempt, .redirect_uri = got.redirect_uri};
    if (rc == RC_OK && got.verifier_sealed.n > 0) {
        struct keys_place at = {got.workspace, "login_states", got.hash, "verifier_sealed"};
        rc = keys_unseal(l->o.keys, tx, &at, got.verifier_sealed, mem, &t.verifier, why);
    }
    if (rc == RC_OK)
        *out = t;
    return rc;
}
