/* connect: a business account or an advertiser is connected to a workspace. Third part of login's manual.
 *
 * A member makes an attempt (POST /v1/connections) and gets a link that may be sent to the shop's owner, who
 * need not be a member. GET /auth/tiktok/business?attempt=... or /auth/tiktok/ads?attempt=... tells who asks,
 * what is read and why, and what to check first; it sets the cookie `__Host-mz_connect`. The click binds the
 * attempt to that browser, makes a one-time state (row of login_states, provider = the app's kind) and goes
 * to TikTok with disable_auto_auth=1. Each kind has its own callback, which takes the state once: bound to
 * cookie, provider and ten minutes. Then exchange and profile, and ONE transaction {account, grant, market,
 * consent, audit, event account.connected}; the page /auth/tiktok/connected. The schedules of accounts and
 * messaging find a new account themselves (refresh, profile, availability).
 *
 * Table: connect_attempts. Life: the link 72 h, a state 10 minutes. Why attacks fail: - an answer at another
 * kind's callback: the state's provider differs; it is burnt and the attempt ends (connect.mixed_up). -
 * another browser, a planted answer: no cookie, nothing is taken. - a link that another browser started: only
 * that browser may go on. - another workspace: the workspace comes from the state's row alone; the step-up's
 * account must be the attempt's workspace's, and TikTok's answer must name the same account. - a cross-site
 * post of the click: the cookie is SameSite=Lax and was set by the page. A business account that belongs to
 * another workspace is refused (409); the tokens are forgotten and not revoked, because a revocation would
 * end the other workspace's grant too. Switched off (flag connect.tiktok): the pages answer 404.
 */
#ifndef MZ_LOGIN_CONNECT_H
#define MZ_LOGIN_CONNECT_H
#include "login/login.h"

#define CONNECT_FLAG "connect.tiktok"
#define CONNECT_LINK_MS ((int64_t)72 * 3600 * 1000)

/* Ends as login_end(): the code is the key of its page, metric label and log event. */
const struct login_end *connect_end(size_t i); /* NULL past the end */

struct connect_start {
    str workspace;
    enum app_kind kind;   /* APP_ACCOUNTS or APP_ADS */
    str account, feature; /* step-up: which account, for which feature; empty: a new connection */
    str market;           /* "th", "eea", "us", "rest"; empty: the page asks */
    str return_to;        /* "ret_..." of the workspace's list, a path under /console/, or empty */
    str beside;           /* an account of the same person or shop, shown together with it; empty: none */
    str lang, maker;      /* maker: the principal */
};
/* RC_INVALID "connect.feature_unknown" | "connect.account_kind" | "connect.return", RC_MISSING
 * "accounts.missing", RC_REFUSED "accounts.app_lacks_scope", RC_OFF "connect.not_configured". *attempt:
 * "cna_...". */
MUSTCHECK enum rc connect_attempt_make(struct login *l, struct tx *tx, const struct connect_start *in,
                                       struct arena *mem, str *attempt, struct fault *why);

struct connect_attempt {
    str workspace, id, account, feature, market, return_to, return_url, lang, client_key;
    str asked, granted, missing, connected, browser_hash, end_code, beside;
    enum app_kind kind;
    int64_t state; /* 0 made, 1 started, 3 done, 4 ended */
    int64_t created_ms, shown_ms, expires_ms, ended_ms;
};
struct connect_click {
    str attempt, cookie, market, lang;
    enum app_kind kind;
};
struct connect_clicked {
    struct connect_attempt attempt;
    const struct account_app *app;
    str state, scopes; /* for the authorize URL */
};
/* RC_MISSING "connect.link_unknown", RC_CONFLICT "connect.link_over" | "connect.other_browser" |
 * "connect.no_cookie", RC_INVALID "connect.market", RC_OFF "connect.switched_off". */
MUSTCHECK enum rc connect_state_put(struct login *l, struct tx *tx, const struct connect_click *in,
                                    struct arena *mem, struct connect_clicked *out, struct fault *why);

struct connect_proof {
    enum app_kind kind; /* of the callback that was called */
    str state, cookie;
};
struct connect_taken {
    struct connect_attempt attempt;
    str redirect_uri;
    bool mixed_up; /* burnt: it belongs to another kind's callback */
};
/* Of any number of equal callers exactly one gets RC_OK. RC_CONFLICT "connect.state_unknown" |
 * "connect.state_expired" | "connect.double_callback". */
MUSTCHECK enum rc connect_state_take(struct tx *tx, const struct connect_proof *proof, struct arena *mem,
                                     struct connect_taken *out, struct fault *why);

extern const struct migration_table connect_migrations; /* 3210+ */
extern const struct route connect_routes[];             /* ctx: struct login */
extern const size_t connect_routes_n;
extern const struct problem_row connect_problems[];
extern const size_t connect_problems_n;
extern const struct metric connect_metrics[];
extern const size_t connect_metrics_n;
extern const struct event_doc connect_event_docs[];
extern const size_t connect_event_docs_n;
extern const struct mozflow_event connect_events[]; /* account.connected */
extern const size_t connect_events_n;
extern const struct flag_row connect_flags[];
extern const size_t connect_flags_n;
extern const struct explain_row connect_explain[];
extern const size_t connect_explain_n;
#endif
