/* tiktok_rows: what TikTok is, as rows: app kinds, endpoints, answer classes, settings.
 * The tables are read by the calls, by gen-docs and by tests; adding an endpoint or an answer means adding a
 * row.
 */
#include "tiktok/tiktok_priv.h"

static const struct tiktok_kind kinds[APP_KINDS] = {
    [APP_LOGIN_KIT] =
        {.name = "login_kit",
         .id_name = "client_key",
         .api_url_key = "tiktok.api_url",
         .page_key = "tiktok.authorize_url",
         .page_path = "/v2/auth/authorize/",
         .webhook_body_max = 1u << 20,
         .doc = "TikTok for Developers: Login Kit, user info, revocation. Form bodies, flat OAuth answers."},
    [APP_ACCOUNTS] =
        {.name = "accounts",
         .id_name = "client_id",
         .api_url_key = "tiktok.business_api_url",
         .page_key = "tiktok.authorize_url", /* the same page; the client_key tells the families apart */
         .page_path = "/v2/auth/authorize/",
         .json_body = true,
         .wrapped = true,
         .webhook_body_max = 1u << 20,
         .doc = "TikTok API for Business, accounts: messages, comments, profile. JSON bodies, answers "
                "wrapped in {code, message, request_id, data}, HTTP 200 even for errors."},
    [APP_ADS] =
        {.name = "ads",
         .id_name = "app_id",
         .api_url_key = "tiktok.business_api_url",
         .page_key = "tiktok.ads_authorize_url",
         .page_path = "/portal/auth",
         .json_body = true,
         .wrapped = true,
         .webhook_body_max = 8u << 20,
         .doc =
             "TikTok API for Business, advertisers. As accounts, with long-lived tokens and large webhooks."},
};

const struct tiktok_kind *tiktok_kind(enum app_kind kind)
{
    must((unsigned)kind < APP_KINDS);
    return &kinds[kind];
}

bool tiktok_kind_find(str name, enum app_kind *out)
{
    for (unsigned i = 0; i < APP_KINDS; i++)
        if (str_eq(name, str_of(kinds[i].name))) {
            *out = (enum app_kind)i;
            return true;
        }
    return false;
}

/* Every path ends with a slash: without it the Login Kit answers wrongly and the API for Business with a
 * plain-text 404 (login-kit 2, business-messaging 1.1). Two operations of one endpoint name one row. */
enum {
    CALL_TOKEN,
    CALL_REVOKE,
    CALL_USER,
    CALL_QR_START,
    CALL_QR_CHECK,
    CALL_B_TOKEN,
    CALL_B_REFRESH,
    CALL_B_REVOKE,
    CALL_B_INFO,
    CALL_B_GET,
    CALL_B_CONV,
    CALL_B_HOOK_SET,
    CALL_B_HOOK_GET,
    CALL_B_HOOK_DEL,
    CALL_A_TOKEN,
    CALL_A_REVOKE,
    CALL_A_LIST,
    CALL_A_USER,
    CALLS
};
static const struct tiktok_endpoint endpoints[CALLS] = {
    [CALL_TOKEN] = {.name = "tiktok.token",
                    .kind = APP_LOGIN_KIT,
                    .method = "POST",
                    .path = "/v2/oauth/token/",
                    .doc = "Code exchange and refresh; errors come with HTTP 200 (login-kit 2.1, 2.6)."},
    [CALL_REVOKE] = {.name = "tiktok.revoke",
                     .kind = APP_LOGIN_KIT,
                     .method = "POST",
                     .path = "/v2/oauth/revoke/",
                     .doc = "Ends a grant; takes a live access token (login-kit 2.2)."},
    [CALL_USER] = {.name = "tiktok.user_info",
                   .kind = APP_LOGIN_KIT,
                   .method = "GET",
                   .path = "/v2/user/info/",
                   .doc = "Profile; every field's scope must be granted (login-kit 4). 600 a minute per "
                          "endpoint."},
    [CALL_QR_START] = {.name = "tiktok.qr_start",
                       .kind = APP_LOGIN_KIT,
                       .method = "POST",
                       .path = "/v2/oauth/get_qrcode/",
                       .doc = "A link to draw as QR code, with a place for our ticket (login-kit 1.6)."},
    [CALL_QR_CHECK] = {.name = "tiktok.qr_check",
                       .kind = APP_LOGIN_KIT,
                       .method = "POST",
                       .path = "/v2/oauth/check_qrcode/",
                       .doc = "Polls a QR sign-in; no interval is documented (login-kit 1.6)."},
    [CALL_B_TOKEN] = {.name = "accounts.token",
                      .kind = APP_ACCOUNTS,
                      .method = "POST",
                      .path = "/tt_user/oauth2/token/",
                      .doc = "Exchange of an account's code: 10 minutes, once (business-messaging 1.3)."},
    [CALL_B_REFRESH] = {.name = "accounts.refresh",
                        .kind = APP_ACCOUNTS,
                        .method = "POST",
                        .path = "/tt_user/oauth2/refresh_token/",
                        .doc = "Refresh; does not renew the year of the refresh token (business-messaging "
                               "1.4)."},
    [CALL_B_REVOKE] = {.name = "accounts.revoke",
                       .kind = APP_ACCOUNTS,
                       .method = "POST",
                       .path = "/tt_user/oauth2/revoke/",
                       .doc = "Ends an account's grant; takes an access token (business-messaging 1.5)."},
    [CALL_B_INFO] = {.name = "accounts.token_info",
                     .kind = APP_ACCOUNTS,
                     .method = "POST",
                     .path = "/tt_user/token_info/get/",
                     .doc = "Owner and scopes of a token; a POST in spite of its name (business-messaging "
                            "1.6)."},
    [CALL_B_GET] = {.name = "accounts.business_get",
                    .kind = APP_ACCOUNTS,
                    .method = "GET",
                    .path = "/business/get/",
                    .per_account = true,
                    .doc = "Profile of the account; fields follow the scopes (business-messaging 7.1)."},
    [CALL_B_CONV] = {.name = "accounts.conversation_list",
                     .kind = APP_ACCOUNTS,
                     .method = "GET",
                     .path = "/business/message/conversation/list/",
                     .per_account = true,
                     .doc = "Conversations of 90 days, without names or texts (business-messaging 2.3)."},
    [CALL_B_HOOK_SET] = {.name = "accounts.webhook_update",
                         .kind = APP_ACCOUNTS,
                         .method = "POST",
                         .path = "/business/webhook/update/",
                         .doc = "Registers the app's callback for one category (business-messaging 2.9)."},
    [CALL_B_HOOK_GET] = {.name = "accounts.webhook_list",
                         .kind = APP_ACCOUNTS,
                         .method = "GET",
                         .path = "/business/webhook/list/",
                         .doc = "The registered callback; the app's secret stands in the query "
                                "(business-messaging 2.9)."},
    [CALL_B_HOOK_DEL] = {.name = "accounts.webhook_delete",
                         .kind = APP_ACCOUNTS,
                         .method = "POST",
                         .path = "/business/webhook/delete/",
                         .doc = "Removes the callback of one category (business-messaging 2.9)."},
    [CALL_A_TOKEN] = {.name = "ads.token",
                      .kind = APP_ADS,
                      .method = "POST",
                      .path = "/oauth2/access_token/",
                      .doc = "Exchange of an advertiser's code; the token does not expire (marketing 1.3)."},
    [CALL_A_REVOKE] = {.name = "ads.revoke",
                       .kind = APP_ADS,
                       .method = "POST",
                       .path = "/oauth2/revoke_token/",
                       .doc = "Ends an advertiser's grant, and its lead subscriptions (marketing 1.5)."},
    [CALL_A_LIST] = {.name = "ads.advertiser_get",
                     .kind = APP_ADS,
                     .method = "GET",
                     .path = "/oauth2/advertiser/get/",
                     .doc = "Ad accounts of the grant; the app's secret stands in the query (marketing "
                            "1.4)."},
    [CALL_A_USER] = {.name = "ads.user_info",
                     .kind = APP_ADS,
                     .method = "GET",
                     .path = "/user/info/",
                     .doc = "Who approved; the probe of a token that does not expire (marketing 1.6)."},
};

#define E(call) (&endpoints[call])
static const struct tiktok_endpoint *const by_op[APP_KINDS][TIKTOK_OPS] = {
    [APP_LOGIN_KIT] = {[OP_EXCHANGE] = E(CALL_TOKEN),
                       [OP_REFRESH] = E(CALL_TOKEN),
                       [OP_REVOKE] = E(CALL_REVOKE),
                       [OP_PROFILE] = E(CALL_USER),
                       [OP_QR_START] = E(CALL_QR_START),
                       [OP_QR_CHECK] = E(CALL_QR_CHECK)},
    [APP_ACCOUNTS] = {[OP_EXCHANGE] = E(CALL_B_TOKEN),
                      [OP_REFRESH] = E(CALL_B_REFRESH),
                      [OP_REVOKE] = E(CALL_B_REVOKE),
                      [OP_PROFILE] = E(CALL_B_GET),
                      [OP_TOKEN_INFO] = E(CALL_B_INFO),
                      [OP_CONVERSATIONS] = E(CALL_B_CONV),
                      [OP_HOOK_SET] = E(CALL_B_HOOK_SET),
                      [OP_HOOK_GET] = E(CALL_B_HOOK_GET),
                      [OP_HOOK_DELETE] = E(CALL_B_HOOK_DEL)},
    [APP_ADS] = {[OP_EXCHANGE] = E(CALL_A_TOKEN),
                 [OP_REVOKE] = E(CALL_A_REVOKE),
                 [OP_PROFILE] = E(CALL_A_USER),
                 [OP_ADVERTISERS] = E(CALL_A_LIST)},
};

const struct tiktok_endpoint *tiktok_endpoint(size_t i)
{
    return i < COUNT_OF(endpoints) ? &endpoints[i] : NULL;
}

const struct tiktok_endpoint *tiktok_endpoint_of(enum app_kind kind, enum tiktok_op op)
{
    must((unsigned)kind < APP_KINDS && (unsigned)op < TIKTOK_OPS);
    return by_op[kind][op];
}

/* First match wins: the narrow rows of a word stand before its general one. */
static const struct tiktok_class classes[] = {
    {FROM_REDIRECT, "access_denied", "non_sandbox_target", NULL, RC_REFUSED, "tiktok.non_sandbox_target",
     "The TikTok account is no target user of this sandbox. Saying 'you cancelled' would be wrong (login-kit "
     "1.5)."},
    {FROM_REDIRECT, NULL, "non_sandbox_target", NULL, RC_REFUSED, "tiktok.non_sandbox_target", "As above."},
    {FROM_REDIRECT, "access_denied", NULL, NULL, RC_DENIED, "tiktok.denied", "The person pressed cancel."},
    {FROM_REDIRECT, NULL, "scope", NULL, RC_SCOPE, "tiktok.scope_unapproved",
     "A requested scope is not approved for the app; TikTok refuses the whole login."},
    {FROM_REDIRECT, "invalid_scope", NULL, NULL, RC_SCOPE, "tiktok.scope_unapproved", "As above."},
    {FROM_REDIRECT, NULL, "redirect_uri", NULL, RC_REFUSED, "tiktok.redirect_mismatch",
     "The redirect URI is not registered for the app."},
    {FROM_REDIRECT, NULL, "code_challenge", NULL, RC_REFUSED, "tiktok.verifier",
     "The PKCE challenge is refused."},
    {FROM_REDIRECT, NULL, "client_key", NULL, RC_REFUSED, "tiktok.client",
     "App in review, sandbox and production keys mixed, or Login Kit not added; sometimes a scope that the "
     "app does not "
     "own is mislabelled like this (login-kit 1.5)."},
    {FROM_REDIRECT, "unauthorized_client", NULL, NULL, RC_REFUSED, "tiktok.client", "As above."},
    {FROM_REDIRECT, "invalid_client", NULL, NULL, RC_REFUSED, "tiktok.client",
     "Android: signing certificate or package differs from the portal."},
    {FROM_REDIRECT, "server_error", NULL, NULL, RC_RETRY, "tiktok.down", "TikTok failed."},
    {FROM_REDIRECT, "temporarily_unavailable", NULL, NULL, RC_RETRY, "tiktok.down", "TikTok failed."},
    {FROM_REDIRECT, NULL, NULL, NULL, RC_REFUSED, "tiktok.oauth_error",
     "Any other error of the authorize page."},
    {FROM_OAUTH, "invalid_request", NULL, "redirect_uri", RC_REFUSED, "tiktok.redirect_mismatch",
     "The redirect URI differs from the one of the authorize request (login-kit 2.5)."},
    {FROM_OAUTH, "invalid_grant", NULL, "redirect", RC_REFUSED, "tiktok.redirect_mismatch",
     "The same, under the category that the documentation's table names."},
    {FROM_OAUTH, NULL, NULL, "code verifier", RC_REFUSED, "tiktok.verifier",
     "PKCE verifier and challenge differ."},
    {FROM_OAUTH, "invalid_grant", NULL, NULL, RC_REAUTH, "tiktok.grant_invalid",
     "Code or refresh token invalid, expired, used, revoked or of another app."},
    {FROM_OAUTH, "invalid_client", NULL, NULL, RC_REFUSED, "tiktok.client",
     "Unknown client key or wrong secret."},
    {FROM_OAUTH, "unauthorized_client", NULL, NULL, RC_REFUSED, "tiktok.client", "The app may not do this."},
    {FROM_OAUTH, "invalid_scope", NULL, NULL, RC_SCOPE, "tiktok.scope_unapproved",
     "A scope is not approved."},
    {FROM_OAUTH, "access_denied", NULL, NULL, RC_DENIED, "tiktok.denied", "Denied at the token call."},
    {FROM_OAUTH, "server_error", NULL, NULL, RC_RETRY, "tiktok.down", "TikTok failed."},
    {FROM_OAUTH, "temporarily_unavailable", NULL, NULL, RC_RETRY, "tiktok.down", "TikTok failed."},
    {FROM_OAUTH, NULL, NULL, NULL, RC_REFUSED, "tiktok.oauth_error",
     "Any other error of an OAuth endpoint, also with HTTP 200."},
    {FROM_API, "access_token_invalid", NULL, NULL, RC_REAUTH, "tiktok.token_invalid",
     "Refresh once, repeat once, then the person must connect again (login-kit 4.1)."},
    {FROM_API, "scope_not_authorized", NULL, NULL, RC_SCOPE, "tiktok.scope_missing",
     "HTTP 401 too, but refreshing does not help: the person must grant the scope."},
    {FROM_API, "scope_permission_missed", NULL, NULL, RC_SCOPE, "tiktok.scope_missing",
     "The HTTP 400 form of it."},
    {FROM_API, "rate_limit_exceeded", NULL, NULL, RC_LIMITED, "tiktok.limited",
     "More than 600 in a sliding minute."},
    {FROM_API, "internal_error", NULL, NULL, RC_RETRY, "tiktok.down", "TikTok failed."},
    {FROM_API, "invalid_params", NULL, NULL, RC_BUG, "tiktok.invalid_params", "Our request is wrong."},
    {FROM_API, NULL, NULL, NULL, RC_REFUSED, "tiktok.api_error", "Any other code of the API."},
};

const struct tiktok_class *tiktok_class(size_t i)
{
    return i < COUNT_OF(classes) ? &classes[i] : NULL;
}

bool tiktok_contains(str hay, const char *part)
{
    str needle = str_of(part);
    for (size_t i = 0; i + needle.n <= hay.n; i++)
        if (str_eq_nocase(str_sub(hay, i, needle.n), needle))
            return true;
    return false;
}

static bool class_matches(const struct tiktok_class *c, enum tiktok_source source,
                          const struct tiktok_says *says)
{
    if (c->source != source)
        return false;
    if (c->word != NULL && !str_eq(says->word, str_of(c->word)))
        return false;
    if (c->type != NULL && !str_eq(says->type, str_of(c->type)))
        return false;
    return c->says == NULL || tiktok_contains(says->text, c->says);
}

/* TikTok's text goes to operators only: cut, and printable ASCII alone, so that it cannot forge a log line.
 * */
static void plain_text(str s, char *out, size_t cap)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n && n + 1 < cap; i++)
        out[n++] = s.p[i] >= 0x20 && s.p[i] < 0x7f ? s.p[i] : '?';
    out[n] = '\0';
}

enum rc tiktok_said(struct fault *why, enum rc rc, const char *code, const struct tiktok_says *says)
{
    char word[40], text[110], log_id[50];
    plain_text(says->word, word, sizeof(word));
    plain_text(says->text, text, sizeof(text));
    plain_text(says->log_id, log_id, sizeof(log_id));
    (void)fault_set(why, rc, code, "HTTP %d %s: %s (log_id %s)", says->status, word, text, log_id);
    fault_outer(why, says->number, says->log_id);
    return rc;
}

enum rc tiktok_classify(enum tiktok_source source, const struct tiktok_says *says, struct fault *why)
{
    for (size_t i = 0; i < COUNT_OF(classes); i++)
        if (class_matches(&classes[i], source, says))
            return tiktok_said(why, classes[i].rc, classes[i].code, says);
    must_failed("a class row without conditions ends each source", __FILE__, __LINE__);
}

const struct setting tiktok_settings[] = {
    {.key = "tiktok.authorize_url",
     .kind = SET_URL,
     .def = "https://www.tiktok.com/v2/auth/authorize/",
     .doc = "TikTok's consent page for people and business accounts. Another value is for the simulator."},
    {.key = "tiktok.ads_authorize_url",
     .kind = SET_URL,
     .def = "https://business-api.tiktok.com/portal/auth",
     .doc =
         "Consent page for advertisers. TikTok's portal hands out the URL of each app: copy it from there, "
         "without its query. Another value is for the simulator."},
    {.key = "tiktok.api_url",
     .kind = SET_URL,
     .def = "https://open.tiktokapis.com",
     .doc = "Base of the Login Kit API, without a final slash."},
    {.key = "tiktok.business_api_url",
     .kind = SET_URL,
     .def = "https://business-api.tiktok.com/open_api/v1.3",
     .doc = "Base of the API for Business, without a final slash."},
    {.key = "tiktok.timeout_ms",
     .kind = SET_INT,
     .min = 500,
     .max = 8000,
     .unit = "ms",
     .def = "8000",
     .doc = "How long one call to TikTok may take in all."},
};
const size_t tiktok_settings_n = COUNT_OF(tiktok_settings);
