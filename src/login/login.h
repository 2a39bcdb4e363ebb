/* login: sign in with TikTok (browser, mobile, QR), link to a Mozflow user, sign in to the console.
 *
 * Tables: login_attempts (one row per try, also the record of its end), login_states (one-time, hashed; found
 * before the workspace is known: exempt), login_codes (hand-over codes, hashed), login_links (TikTok account
 * to Mozflow user), login_return_urls, login_sites (a workspace's public key), login_members (account to
 * console member).
 *
 * Flow (browser): start page (what is read and why, consent text) -> one click, POST /auth/tiktok/continue ->
 * state and `__Host-mz_oauth` cookie -> TikTok -> GET /auth/tiktok/callback: the state is taken by one UPDATE
 * ... RETURNING bound to cookie, provider and life (10 minutes) -> tiktok_exchange, tiktok_user_info (8 s in
 * all) -> ONE transaction {account, grant sealed, consent, audit, event login.completed, jobs_emit
 * login.completed, one-time code} -> 303 to an allow-listed return URL -> Mozflow's server: POST
 * /v1/login/exchange within 60 s. Mobile: /auth/tiktok/mobile/start, then /auth/tiktok/mobile with what
 * TikTok's SDK gave the app; the answer is our one-time code. An app without the SDK opens the start link in
 * the system browser and gets the code by its app link. QR: /auth/tiktok/qr draws the code; the page polls; a
 * confirmed scan ends like a callback.
 *
 * Attacks and why they fail (each is a test in tests/journeys/s_attack.mjs): - A link attempt of the attacker
 * sent to a victim: the callback never links. The exchange must carry the mozflow_user_id of the session that
 * received the code; the victim's differs from the attempt's: 409, burnt. - The attacker's code planted in a
 * victim's browser: the exchange carries the attempt id that Mozflow keeps in its own session of that browser
 * (never the one in the URL); the planted code is another attempt's: 409, burnt. A start by ?workspace= has
 * no such session value, so it must bring client_state, which Mozflow compares. - State missing, reused,
 * expired, of another browser, workspace or provider: nothing is taken; a page says so. - Open redirects:
 * return URLs are chosen by id from the workspace's list. Session fixation: a console session is always new;
 * the oauth cookie is set at the click and deleted at the callback. - A console link start sent to a
 * colleague: the callback's own session must be the member who began. E-mail is never used; TikTok gives
 * none. This room never makes a Mozflow user.
 *
 * Threads: none of its own; the callback runs in http's exchange workers. What can go wrong at TikTok: see
 * login_ends[]: every end of an attempt is a row with its page, event and metric label. Switched off (flag
 * login.tiktok): the routes answer 404, the button script too; a running attempt ends with the page
 * login.switched_off.
 */
#ifndef MZ_LOGIN_H
#define MZ_LOGIN_H
#include "base/base.h"
#include "accounts/accounts.h"
#include "access/access.h"
#include "audit/audit.h"
#include "consent/consent.h"
#include "flags/flags.h"
#include "http/http.h"
#include "jobs/jobs.h"
#include "mozflow/mozflow.h"
#include "store/store.h"
#include "tiktok/tiktok.h"
#include "webhook/webhook.h"

#define LOGIN_FLAG "login.tiktok"
#define LOGIN_STATE_MS (10 * 60 * 1000)
#define LOGIN_CODE_MS (60 * 1000)

struct login;
struct login_options {
    const struct config *config;
    struct store *store;
    struct keys *keys;
    struct audit *audit;
    struct consent *consent;
    struct budget *budget;
    struct accounts *accounts;
    struct tiktok *tiktok;
    struct access *access;
    struct flags *flags;
    struct webhook *webhook; /* for the job of authorization.removed; may be NULL in tests */
    struct log *log;
};
MUSTCHECK enum rc login_open(const struct login_options *o, struct login **out, struct fault *why);
void login_close(struct login **l);

/* How an attempt can end: one row each. The code is also the key of its problem row (page in English and
 * Thai), the metric's label and the log event's suffix. */
struct login_end {
    const char *code; /* "login.denied" */
    int status;       /* of the page */
    bool try_again;   /* the page offers another try */
    const char *doc;
};
const struct login_end *login_end(size_t i); /* NULL past the end */

/* ---- use cases, inside a transaction: for the CLI, the demo's seed, the handlers and tests ---- */
/* RC_INVALID "login.return_url": https (http on loopback), no fragment, <= 512 bytes; an app link is https
 * too. The same URL twice gives the same id ("ret_..."). */
MUSTCHECK enum rc login_return_url_add(struct tx *tx, str workspace, str url, struct arena *mem, str *id,
                                       struct fault *why);

enum login_purpose { LOGIN_SIGN_IN, LOGIN_LINK, LOGIN_CONSOLE, LOGIN_CONSOLE_LINK, LOGIN_PURPOSES };
struct login_start {
    str workspace; /* "-" for LOGIN_CONSOLE: the member's identity tells it */
    enum login_purpose purpose;
    str mozflow_user_id, return_url, lang, client_state; /* return_url: an id of the workspace's list */
    str app_challenge; /* hex SHA-256 of an app's own verifier, which the exchange must carry; empty: none */
    str member;        /* LOGIN_CONSOLE_LINK: who began */
};
/* RC_INVALID "login.return_url_unknown", "login.client_state" (16 to 512 characters). *attempt: "lat_...". */
MUSTCHECK enum rc login_attempt_make(struct tx *tx, const struct login_start *in, struct arena *mem,
                                     str *attempt, struct fault *why);

/* The click: a fresh state and cookie value for an attempt that has not ended. */
enum login_via { VIA_BROWSER, VIA_MOBILE, VIA_QR, VIA_COUNT };
struct login_click {
    str workspace, attempt, redirect_uri, scopes, lang; /* lang shown; empty: the attempt's */
    enum login_via via;
    bool challenge; /* make and seal a PKCE verifier */
};
struct login_clicked {
    str state, cookie, verifier; /* shown once; hashed or sealed at rest */
    str redirect_uri;            /* mobile: the app link that was chosen */
};
MUSTCHECK enum rc login_state_put(struct login *l, struct tx *tx, const struct login_click *in,
                                  struct arena *mem, struct login_clicked *out, struct fault *why);

/* The one-time taking of a state, the heart of the callback. Of any number of equal callers exactly one gets
 * RC_OK. RC_CONFLICT "login.state_unknown" (missing, of another browser or way), "login.state_expired",
 * "login.double_callback". */
struct login_proof {
    enum login_via via;
    str state, cookie; /* cookie: empty for mobile, where the app holds the state */
};
struct login_taken {
    str workspace, attempt, redirect_uri;
    struct secret verifier; /* n == 0: no challenge was sent */
};
MUSTCHECK enum rc login_state_take(struct login *l, struct tx *tx, const struct login_proof *proof,
                                   struct arena *mem, struct login_taken *out, struct fault *why);
#include "login/connect.h" /* connecting accounts: third part of this manual */
#include "login/rows.h"
#endif
