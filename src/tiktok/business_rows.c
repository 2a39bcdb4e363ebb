/* business_rows: what the codes of TikTok API for Business mean, for each family and group of calls.
 * The same number means different things: 40101 is a wrong app at the token endpoints and "too frequent" in
 * advertiser calls (marketing 2.6); 40105 in a refresh is about the refresh token. BM: business-messaging,
 * MA: marketing-api. The first row that matches wins; the last row of a family has no condition.
 */
#include "tiktok/tiktok_priv.h"

#define ANY GROUP_ANY
#define ALL_CODES INT64_MIN, INT64_MAX
static const struct tiktok_code_class classes[] = {
    /* ---- accounts: BM 5.2, 1.4 ---- */
    {APP_ACCOUNTS, GROUP_EXCHANGE, 40110, 40110, NULL, RC_REAUTH, "tiktok.code_expired",
     "The code was cancelled, used or is older than 10 minutes: the consent starts again (BM 5.2, 1.3)."},
    {APP_ACCOUNTS, GROUP_EXCHANGE, 40115, 40115, NULL, RC_REFUSED, "tiktok.oauth_error",
     "A code of another family's consent page: callbacks were mixed up (BM 5.2)."},
    {APP_ACCOUNTS, GROUP_EXCHANGE, 40000, 40002, "redirect", RC_REFUSED, "tiktok.redirect_mismatch",
     "The redirect URI is not the registered one, byte for byte (BM 1.2; code inferred)."},
    {APP_ACCOUNTS, GROUP_EXCHANGE, 40001, 40001, NULL, RC_REFUSED, "tiktok.client",
     "No permission before a token exists is about the app (inferred)."},
    {APP_ACCOUNTS, GROUP_REFRESH, 40103, 40103, NULL, RC_REAUTH, "tiktok.refresh_dead",
     "The refresh token's year is over (BM 1.4)."},
    {APP_ACCOUNTS, GROUP_REFRESH, 40107, 40107, NULL, RC_REAUTH, "tiktok.refresh_dead",
     "The refresh token is unknown, used or revoked (BM 1.4)."},
    {APP_ACCOUNTS, GROUP_REFRESH, 40105, 40105, NULL, RC_REAUTH, "tiktok.refresh_dead",
     "Invalid token: the only token of a refresh is the refresh token (BM 5.2; inferred)."},
    {APP_ACCOUNTS, GROUP_REFRESH, 40001, 40001, NULL, RC_REFUSED, "tiktok.client",
     "No permission at the token endpoint is about the app, not about the grant (inferred)."},
    {APP_ACCOUNTS, ANY, 40102, 40102, NULL, RC_REAUTH, "tiktok.token_expired",
     "The access token is over: refresh once (BM 5.2)."},
    {APP_ACCOUNTS, ANY, 40105, 40105, NULL, RC_REAUTH, "tiktok.token_invalid",
     "Invalid access token, or one that was sent with a Bearer prefix: refresh once, then connect again (BM "
     "5.2)."},
    {APP_ACCOUNTS, ANY, 40103, 40103, NULL, RC_REAUTH, "tiktok.refresh_dead", "As in a refresh (BM 5.2)."},
    {APP_ACCOUNTS, ANY, 40107, 40107, NULL, RC_REAUTH, "tiktok.refresh_dead", "As in a refresh (BM 5.2)."},
    {APP_ACCOUNTS, ANY, 40110, 40110, NULL, RC_REAUTH, "tiktok.code_expired", "As in an exchange (BM 5.2)."},
    {APP_ACCOUNTS, ANY, 40001, 40001, NULL, RC_SCOPE, "tiktok.scope_missing",
     "No permission: a scope is missing, or the app or account is not let in; availability is asked (BM "
     "5.2)."},
    {APP_ACCOUNTS, ANY, 40118, 40118, NULL, RC_OFF, "tiktok.not_allowed",
     "App or account not on TikTok's list, or the country is not supported (BM 5.2)."},
    {APP_ACCOUNTS, ANY, 40124, 40125, NULL, RC_OFF, "tiktok.not_allowed",
     "The developer is not approved for this (BM 5.2)."},
    {APP_ACCOUNTS, ANY, 40100, 40100, NULL, RC_LIMITED, "tiktok.limited",
     "The app's rate: per second next second, per minute five minutes, per day 00:00 UTC (BM 5.3)."},
    {APP_ACCOUNTS, ANY, 40016, 40016, NULL, RC_LIMITED, "tiktok.limited", "The endpoint's rate (BM 5.2)."},
    {APP_ACCOUNTS, ANY, 40133, 40133, NULL, RC_LIMITED, "tiktok.limited", "The account's rate (BM 5.2)."},
    {APP_ACCOUNTS, ANY, 40101, 40101, NULL, RC_REFUSED, "tiktok.client",
     "App id, secret or code do not belong together, or the app is blocked (BM 5.2)."},
    {APP_ACCOUNTS, ANY, 40113, 40113, NULL, RC_REFUSED, "tiktok.client",
     "The app is not the one of the token (BM 1.6, 5.2)."},
    {APP_ACCOUNTS, ANY, 41000, 41000, NULL, RC_REFUSED, "tiktok.client",
     "Our address lies in a country that TikTok bans (BM 5.2)."},
    {APP_ACCOUNTS, ANY, 40050, 40050, NULL, RC_UNSURE, "tiktok.unsure",
     "A duplicated request was rejected: the first may have had its effect (BM 5.2)."},
    {APP_ACCOUNTS, ANY, 40064, 40064, NULL, RC_REFUSED, "tiktok.dm_rules",
     "Blocked by the rules of direct messages, until the customer writes again (BM 5.2)."},
    {APP_ACCOUNTS, ANY, 40104, 40104, NULL, RC_BUG, "tiktok.invalid_params", "No token was sent (BM 5.2)."},
    {APP_ACCOUNTS, ANY, 40108, 40108, NULL, RC_BUG, "tiktok.invalid_params", "Bad grant_type (BM 5.2)."},
    {APP_ACCOUNTS, ANY, 40117, 40117, NULL, RC_BUG, "tiktok.invalid_params", "Method not allowed (BM 5.2)."},
    {APP_ACCOUNTS, ANY, 40006, 40006, NULL, RC_BUG, "tiktok.invalid_params", "Wrong version (BM 5.2)."},
    {APP_ACCOUNTS, ANY, 40010, 40011, NULL, RC_BUG, "tiktok.invalid_params",
     "Wrong version, or too many ids (BM 5.2)."},
    {APP_ACCOUNTS, ANY, 40051, 40051, NULL, RC_BUG, "tiktok.invalid_params", "Wrong domain (BM 5.2)."},
    {APP_ACCOUNTS, ANY, 40000, 40000, NULL, RC_REFUSED, "tiktok.param", "Parameters invalid (BM 5.2)."},
    {APP_ACCOUNTS, ANY, 40002, 40002, NULL, RC_REFUSED, "tiktok.param",
     "A parameter is invalid; the text names it (BM 5.2)."},
    {APP_ACCOUNTS, ANY, 40202, 40202, NULL, RC_RETRY, "tiktok.down", "Write conflict (BM 5.2)."},
    {APP_ACCOUNTS, ANY, 40900, 40915, NULL, RC_REFUSED, "tiktok.file", "The file is refused (BM 5.2)."},
    {APP_ACCOUNTS, ANY, 50000, 69999, NULL, RC_RETRY, "tiktok.down",
     "TikTok failed, or is under maintenance (BM 5.2)."},
    {APP_ACCOUNTS, ANY, ALL_CODES, NULL, RC_REFUSED, "tiktok.api_error",
     "Any other code, also 20001: partly done is not done."},

    /* ---- advertisers: MA 1.8, 2.6, 2.7 ---- */
    {APP_ADS, GROUP_EXCHANGE, 40110, 40110, NULL, RC_REAUTH, "tiktok.code_expired",
     "The code is expired, used or garbage: the consent starts again (MA 1.8)."},
    {APP_ADS, GROUP_EXCHANGE, 40115, 40115, NULL, RC_REFUSED, "tiktok.oauth_error",
     "A code of another family's consent page (BM 5.2)."},
    {APP_ADS, GROUP_EXCHANGE, 40000, 40002, "auth_code", RC_REAUTH, "tiktok.code_expired",
     "A parameter error that names the code (MA 1.8: sources disagree on the number)."},
    {APP_ADS, GROUP_EXCHANGE, 40000, 40002, NULL, RC_REFUSED, "tiktok.client",
     "Wrong app id and secret: sources name 40101 and 40001, 40002 (MA 1.8)."},
    {APP_ADS, ANY, 40105, 40105, NULL, RC_REAUTH, "tiktok.token_invalid",
     "Missing, wrong or revoked token, or a Bearer prefix: only connecting again helps (MA 1.8)."},
    {APP_ADS, ANY, 40104, 40104, NULL, RC_REAUTH, "tiktok.token_invalid",
     "Token missing or empty; one source says expired (MA 2.6)."},
    {APP_ADS, ANY, 40110, 40110, NULL, RC_REAUTH, "tiktok.token_invalid",
     "In calls: connect again (MA 2.7)."},
    {APP_ADS, ANY, 40103, 40103, NULL, RC_REAUTH, "tiktok.refresh_dead", "Not expected here (BM 5.2)."},
    {APP_ADS, ANY, 40107, 40107, NULL, RC_REAUTH, "tiktok.refresh_dead",
     "A refresh token was used in the advertiser flow, which has none (MA 1.3)."},
    {APP_ADS, ANY, 40001, 40001, NULL, RC_SCOPE, "tiktok.scope_missing",
     "Permission not granted, or the ad account is not the grant's (MA 2.6)."},
    {APP_ADS, ANY, 40118, 40118, NULL, RC_OFF, "tiktok.not_allowed", "Not on TikTok's list (BM 5.2)."},
    {APP_ADS, ANY, 40124, 40125, NULL, RC_OFF, "tiktok.not_allowed", "Developer not approved (BM 5.2)."},
    {APP_ADS, ANY, 40100, 40100, NULL, RC_LIMITED, "tiktok.limited",
     "The app's rate; five minutes after a breach of the minute (MA 2.5)."},
    {APP_ADS, ANY, 40016, 40016, NULL, RC_LIMITED, "tiktok.limited", "The endpoint's rate (MA 2.6)."},
    {APP_ADS, ANY, 40133, 40133, NULL, RC_LIMITED, "tiktok.limited", "Throttled (MA 2.6)."},
    {APP_ADS, ANY, 40102, 40102, NULL, RC_LIMITED, "tiktok.limited",
     "Too frequent for one object (MA 2.6; another source says authentication)."},
    {APP_ADS, ANY, 51021, 51021, NULL, RC_LIMITED, "tiktok.limited", "Too many downstream (MA 2.6)."},
    {APP_ADS, GROUP_CALL, 40101, 40101, NULL, RC_LIMITED, "tiktok.limited",
     "Outside of OAuth: too frequent (MA 2.6)."},
    {APP_ADS, ANY, 40101, 40101, NULL, RC_REFUSED, "tiktok.client", "In OAuth: wrong app (MA 2.6)."},
    {APP_ADS, ANY, 40113, 40113, NULL, RC_REFUSED, "tiktok.client", "As for accounts (not found in MA)."},
    {APP_ADS, ANY, 41000, 41000, NULL, RC_REFUSED, "tiktok.client", "As for accounts (BM 5.2)."},
    {APP_ADS, ANY, 40000, 40000, "app", RC_REFUSED, "tiktok.client",
     "The app does not own this token; the text names the mismatch (MA 1.8)."},
    {APP_ADS, ANY, 40050, 40050, NULL, RC_UNSURE, "tiktok.unsure", "As for accounts (BM 5.2)."},
    {APP_ADS, ANY, 40117, 40117, NULL, RC_BUG, "tiktok.invalid_params", "Method not allowed (BM 5.2)."},
    {APP_ADS, ANY, 40000, 40000, NULL, RC_REFUSED, "tiktok.param", "Bad request (MA 2.6)."},
    {APP_ADS, ANY, 40002, 40002, NULL, RC_REFUSED, "tiktok.param",
     "A parameter is missing or invalid; the text names it (MA 2.6)."},
    {APP_ADS, ANY, 40200, 40202, NULL, RC_RETRY, "tiktok.down",
     "Task failed, task not ready, write conflict (MA 2.6)."},
    {APP_ADS, ANY, 40700, 40700, NULL, RC_RETRY, "tiktok.down", "Internal validation failed (MA 2.6)."},
    {APP_ADS, ANY, 40900, 40915, NULL, RC_REFUSED, "tiktok.file", "The file is refused (BM 5.2)."},
    {APP_ADS, ANY, 50000, 69999, NULL, RC_RETRY, "tiktok.down",
     "TikTok failed, or is under maintenance (MA 2.6)."},
    {APP_ADS, ANY, ALL_CODES, NULL, RC_REFUSED, "tiktok.api_error", "Any other code (MA 2.6)."},
};

const struct tiktok_code_class *tiktok_code_class(size_t i)
{
    return i < COUNT_OF(classes) ? &classes[i] : NULL;
}

static bool row_matches(const struct tiktok_code_class *c, const struct tiktok_answer *a,
                        const struct tiktok_says *says)
{
    return c->kind == a->kind && (c->group == GROUP_ANY || c->group == a->group) && says->number >= c->from &&
           says->number <= c->to && (c->says == NULL || tiktok_contains(says->text, c->says));
}

enum rc tiktok_classify_code(const struct tiktok_answer *a, const struct tiktok_says *says, struct fault *why)
{
    for (size_t i = 0; i < COUNT_OF(classes); i++)
        if (row_matches(&classes[i], a, says))
            return tiktok_said(why, classes[i].rc, classes[i].code, says);
    must_failed("a class row without conditions ends each family", __FILE__, __LINE__);
}
