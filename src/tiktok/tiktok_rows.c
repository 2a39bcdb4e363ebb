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
         .webhook_body_max = 1u << 20,
         .doc = "TikTok for Developers: Login Kit, user info, revocation. Form bodies, flat OAuth answers."},
    [APP_ACCOUNTS] =
        {.name = "accounts",
         .id_name = "client_id",
         .api_url_key = "tiktok.business_api_url",
         .json_body = true,
         .wrapped = true,
         .webhook_body_max = 1u << 20,
         .doc = "TikTok API for Business, accounts: messages, comments, profile. JSON bodies, answers "
                "wrapped in {code, message, request_id, data}, HTTP 200 even for errors."},
    [APP_ADS] =
        {.name = "ads",
         .id_name = "app_id",
         .api_url_key = "tiktok.business_api_url",
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

/* Every path ends with a slash: requests without it were answered wrongly (login-kit 2). */
const struct tiktok_endpoint tiktok_login_endpoints[CALLS] = {
    [CALL_TOKEN] = {"tiktok.token", APP_LOGIN_KIT, "POST", "/v2/oauth/token/",
                    "Code exchange and refresh; errors come with HTTP 200 (login-kit 2.1, 2.6)."},
    [CALL_REVOKE] = {"tiktok.revoke", APP_LOGIN_KIT, "POST", "/v2/oauth/revoke/",
                     "Ends a grant; takes a live access token (login-kit 2.2)."},
    [CALL_USER] = {"tiktok.user_info", APP_LOGIN_KIT, "GET", "/v2/user/info/",
                   "Profile; every field's scope must be granted (login-kit 4). 600 a minute per endpoint."},
    [CALL_QR_START] = {"tiktok.qr_start", APP_LOGIN_KIT, "POST", "/v2/oauth/get_qrcode/",
                       "A link to draw as QR code, with a place for our ticket (login-kit 1.6)."},
    [CALL_QR_CHECK] = {"tiktok.qr_check", APP_LOGIN_KIT, "POST", "/v2/oauth/check_qrcode/",
                       "Polls a QR sign-in; no interval is documented (login-kit 1.6)."},
};

const struct tiktok_endpoint *tiktok_endpoint(size_t i)
{
    return i < COUNT_OF(tiktok_login_endpoints) ? &tiktok_login_endpoints[i] : NULL;
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

static bool contains_nocase(str hay, const char *part)
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
    return c->says == NULL || contains_nocase(says->text, c->says);
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

enum rc tiktok_classify(enum tiktok_source source, const struct tiktok_says *says, struct fault *why)
{
    char word[40], text[110], log_id[50];
    plain_text(says->word, word, sizeof(word));
    plain_text(says->text, text, sizeof(text));
    plain_text(says->log_id, log_id, sizeof(log_id));
    for (size_t i = 0; i < COUNT_OF(classes); i++)
        if (class_matches(&classes[i], source, says))
            return fault_set(why, classes[i].rc, classes[i].code, "HTTP %d %s: %s (log_id %s)", says->status,
                             word, text, log_id);
    must_failed("a class row without conditions ends each source", __FILE__, __LINE__);
}

const struct setting tiktok_settings[] = {
    {.key = "tiktok.authorize_url",
     .kind = SET_URL,
     .def = "https://www.tiktok.com/v2/auth/authorize/",
     .doc = "TikTok's consent page. Another value is for the simulator."},
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
