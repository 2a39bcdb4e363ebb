/* schedule: when a grant is looked at again, and what is done after an answer. Pure: numbers and rows, no
 * clock, no database. Lives are never constants: two pages of TikTok disagree about them (login-kit 2.4), so
 * everything comes from expires_in and refresh_expires_in of the last answer.
 */
#include "accounts/accounts_priv.h"

enum { FLOOR_MS = 600000, SOON_MS = 1000, FIRST_WAIT_MS = 15000, LAST_WAIT_MS = 300000 };

/* dice spreads v by +-percent. */
static int64_t spread(int64_t v, int percent, uint32_t dice)
{
    int64_t most = v / 100 * percent + v % 100 * percent / 100;
    return most == 0 ? v : v - most + (int64_t)(dice % (uint64_t)(2 * most + 1));
}

static int64_t after_failures(const struct grant_life *g)
{
    int64_t wait = FIRST_WAIT_MS;
    for (int i = 1; i < g->failures && wait < LAST_WAIT_MS; i++)
        wait *= 2;
    return spread(wait < LAST_WAIT_MS ? wait : LAST_WAIT_MS, 25, g->dice);
}

int64_t grant_next_ms(const struct grant_life *g)
{
    if (g->failures > 0)
        return g->now_ms + after_failures(g);
    if (g->access_expires_ms == 0)
        return g->now_ms + spread(DAY_MS, 10, g->dice);
    int64_t due = g->now_ms + spread(g->access_ms / 2, 20, g->dice); /* 40 % .. 60 % of the life */
    int64_t latest = g->access_expires_ms - FLOOR_MS;
    /* A hard end is the same instant for all that were granted together: spread over an hour before it. */
    int64_t hard = g->refresh_expires_ms - FLOOR_MS - (int64_t)(g->dice / 7 % 3600000u);
    if (g->refresh_expires_ms > 0 && hard < latest)
        latest = hard;
    /* A life below 20 minutes has no room for the floor: half of it is all that can be had. */
    if (due > latest && latest > g->now_ms + g->access_ms / 4)
        due = latest;
    return due > g->now_ms + SOON_MS ? due : g->now_ms + SOON_MS;
}

int grant_notice_days(int64_t left_ms)
{
    static const int steps[] = {1, 7, 30};
    for (size_t i = 0; i < COUNT_OF(steps); i++)
        if (left_ms <= steps[i] * DAY_MS)
            return steps[i];
    return 0;
}

/* The first row that matches wins. */
const struct grant_answer grant_answers[] = {
    {-1, true, "budget.limited", RC_LIMITED, GRANT_WAIT, "Our own budget: the slot lies ahead."},
    {-1, true, NULL, RC_LIMITED, GRANT_WAIT,
     "40100, 40016, 40133, HTTP 429: TikTok's limit; the bucket is shut."},
    {-1, true, NULL, RC_UNSURE, GRANT_ASK_AGAIN,
     "Sent, and no answer was read: TikTok may have rotated. Once more with the old token."},
    {APP_LOGIN_KIT, true, "tiktok.client", RC_REFUSED, GRANT_OUR_SETUP,
     "invalid_client: our key or secret is wrong for every grant of the app."},
    {APP_LOGIN_KIT, true, NULL, RC_REAUTH, GRANT_CONSENT, "invalid_grant: expired, revoked or used."},
    {APP_ACCOUNTS, true, "tiktok.client", RC_REFUSED, GRANT_OUR_SETUP, "40101, 40113: app id or secret."},
    {APP_ACCOUNTS, true, NULL, RC_REAUTH, GRANT_CONSENT,
     "40103, 40107: the refresh token ended; 40110: consent starts anew."},
    {APP_ACCOUNTS, true, NULL, RC_OFF, GRANT_OUR_SETUP,
     "40118, 40124, 40125: the app or account may not (yet)."},
    {APP_ADS, true, "tiktok.client", RC_REFUSED, GRANT_OUR_SETUP, "The app's id and secret were refused."},
    {APP_ADS, true, NULL, RC_REAUTH, GRANT_CONSENT, "40105: the advertiser took the authorization back."},
    {-1, true, NULL, RC_RETRY, GRANT_KEEP_TRYING,
     "Network, 5xx, a page of HTML, an error body with HTTP 200: nothing is stored, nothing is deleted."},
    {-1, true, NULL, -1, GRANT_KEEP_TRYING,
     "An answer without a row: later again, with an alert when it lasts."},
    {APP_LOGIN_KIT, false, NULL, RC_REAUTH, GRANT_REFRESH_ONCE, "The access token was refused."},
    {APP_ACCOUNTS, false, "tiktok.token_expired", RC_REAUTH, GRANT_REFRESH_ONCE, "40102: it expired."},
    {APP_ACCOUNTS, false, "tiktok.token_invalid", RC_REAUTH, GRANT_REFRESH_ONCE,
     "40105: once, then consent."},
    {APP_ACCOUNTS, false, NULL, RC_REAUTH, GRANT_CONSENT, "40103, 40107, 40110."},
    {APP_ADS, false, NULL, RC_REAUTH, GRANT_REFRESH_ONCE,
     "40105: a token that does not expire is asked once more, then it is dead."},
    {-1, false, NULL, RC_SCOPE, GRANT_REFRESH_ONCE, "40001: the granted scopes are read again."},
    {-1, false, NULL, -1, GRANT_KEEP_TRYING, "Not about the token."},
};
const size_t grant_answers_n = COUNT_OF(grant_answers);

const struct grant_answer *grant_answer_of(int kind, bool in_refresh, const struct fault *why)
{
    for (size_t i = 0; i < grant_answers_n; i++) {
        const struct grant_answer *g = &grant_answers[i];
        if ((g->kind == -1 || g->kind == kind) && g->in_refresh == in_refresh &&
            (g->code == NULL || str_eq(str_of(g->code), str_of(why->code))) &&
            (g->rc == -1 || g->rc == (int)why->rc))
            return g;
    }
    must(false);
    return NULL;
}
