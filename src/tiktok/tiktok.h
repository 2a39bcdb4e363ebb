/* tiktok: TikTok's HTTP and nothing else. App kinds, endpoint rows, parsers, answer classes. Takes a client,
 * a token and a permit, gives structs. No database, no thread, no state but the settings and the fetch
 * handle.
 *
 * Flow of a call: endpoint row -> request text -> fetch_run -> *_parse.c (pure) -> class row -> enum rc +
 * fault. What can go wrong: an OAuth error arrives with HTTP 200; a page of HTML stands where JSON should
 * be; an answer is lost after sending. The first two never become tokens; the last is RC_UNSURE for a
 * refresh. Sources: QUIRKS.md.
 */
#ifndef MZ_TIKTOK_H
#define MZ_TIKTOK_H
#include "base/base.h"
#include "config/config.h"
#include "fetch/fetch.h"
/* ---- the three families of apps differ in rows, not in code paths ---- */
enum app_kind { APP_LOGIN_KIT, APP_ACCOUNTS, APP_ADS, APP_KINDS };
struct tiktok_kind {
    const char *name;        /* "login_kit" */
    const char *id_name;     /* what the token endpoint calls the app: client_key, client_id, app_id */
    const char *api_url_key; /* setting that holds the API's base URL */
    const char *page_key, *page_path; /* setting of the consent page; path behind a bare origin there */
    bool json_body;                   /* token endpoints take JSON instead of a form */
    bool wrapped;            /* answers are {code, message, request_id, data} instead of flat OAuth */
    size_t webhook_body_max; /* lead batches are large */
    const char *doc;
};
const struct tiktok_kind *tiktok_kind(enum app_kind kind);
MUSTCHECK bool tiktok_kind_find(str name, enum app_kind *out);

struct tiktok_endpoint {
    const char *name; /* "tiktok.token": for logs, metrics and budgets */
    enum app_kind kind;
    const char *method, *path;
    bool per_account; /* TikTok counts it for each account too: 40 a minute */
    const char *doc;  /* with the source */
};
const struct tiktok_endpoint *tiktok_endpoint(size_t i); /* NULL past the end */

struct tiktok;
MUSTCHECK enum rc tiktok_open(const struct config *c, struct fetch *f, struct log *log, struct tiktok **out,
                              struct fault *why);
void tiktok_close(struct tiktok **t);

struct tiktok_client { /* an app row's identity towards TikTok */
    enum app_kind kind;
    str client_key;
    struct secret client_secret;
};

/* ---- the authorize URL ---- */
struct tiktok_authorize {
    enum app_kind kind;
    str client_key, redirect_uri, state;
    str scopes;      /* comma list, no blanks; only scopes that the app holds. Ads: not sent */
    str challenge;   /* hex SHA-256 of the verifier; STR_NONE: none is sent. Login Kit only, as lang */
    bool always_ask; /* disable_auto_auth=1: the page is shown even with an earlier consent */
    str lang;
};
MUSTCHECK enum rc tiktok_authorize_url(const struct tiktok *t, const struct tiktok_authorize *a,
                                       struct arena *mem, str *out, struct fault *why);
str tiktok_authorize_origin(const struct tiktok *t); /* "https://www.tiktok.com": CSP form-action */
/* Hex SHA-256, not base64url: TikTok refuses the RFC 7636 form at the token call. STR_NONE when full. */
str tiktok_challenge(str verifier, struct arena *mem);
bool tiktok_verifier_ok(str verifier); /* [A-Za-z0-9-._~], 32 (Android SDK) to 128 characters */

/* What stands in the query of our redirect URI; pure. RC_OK also when TikTok reports an error: then `error`
 * is set and tiktok_callback_fault classes it. RC_INVALID "tiktok.callback" when neither code nor error is
 * there, a name comes twice, or a value is over its bound (code 2,048; state 512). The code is decoded
 * exactly once. */
struct tiktok_callback {
    str code, scopes, state, error, error_type, error_description, log_id;
};
MUSTCHECK enum rc tiktok_callback_parse(str query, struct arena *mem, struct tiktok_callback *out,
                                        struct fault *why);
enum rc tiktok_callback_fault(const struct tiktok_callback *cb, struct fault *why);

/* ---- tokens: mem should be a secret arena ---- */
struct tiktok_tokens {
    struct secret access, refresh;   /* refresh may be empty; ads: always */
    int64_t expires_in_s;            /* ads: 0, the token does not expire */
    int64_t refresh_expires_in_s;    /* accounts: 0 with a refresh token: not stated */
    str open_id, scopes, token_type; /* ads: no open_id; scopes are integers as text */
    str *advertisers;                /* ads: ids */
    size_t n_advertisers;
};
struct tiktok_code {
    str code, redirect_uri, verifier; /* verifier STR_NONE: not sent */
    int64_t total_ms;                 /* 0: the setting's 8 s */
};
/* Success = 2xx and no `error` (or code 0) and a usable access_token, open_id and an integer expires_in > 0;
 * else never a token. RC_REAUTH "tiktok.code_expired", RC_REFUSED "tiktok.redirect_mismatch" |
 * "tiktok.verifier" | "tiktok.client" | "tiktok.oauth_error", RC_RETRY "tiktok.down|slow|not_json". */
MUSTCHECK enum rc tiktok_exchange(struct tiktok *t, const struct permit *permit,
                                  const struct tiktok_client *client, const struct tiktok_code *code,
                                  struct arena *mem, struct tiktok_tokens *out, struct fault *why);
/* RC_UNSURE "tiktok.unsure": sent but no answer was read; TikTok may have rotated the refresh token.
 * RC_REAUTH "tiktok.refresh_dead". Ads: RC_BUG "tiktok.no_refresh", such tokens are probed. */
MUSTCHECK enum rc tiktok_refresh(struct tiktok *t, const struct permit *permit,
                                 const struct tiktok_client *client, struct secret refresh, struct arena *mem,
                                 struct tiktok_tokens *out, struct fault *why);
/* Takes the access token, live: an expired one is refused and the grant survives. RC_REAUTH: already gone. */
MUSTCHECK enum rc tiktok_revoke(struct tiktok *t, const struct permit *permit,
                                const struct tiktok_client *client, struct secret access, struct fault *why);
/* Pure, for tests and fuzzing. */
MUSTCHECK enum rc tiktok_tokens_parse(int status, str body, struct arena *mem, struct tiktok_tokens *out,
                                      struct fault *why);
MUSTCHECK enum rc tiktok_empty_parse(int status, str body, struct arena *mem, struct fault *why); /* {} */

/* ---- user info: one ungranted field fails the whole call, so fields follow the granted scopes ---- */
struct tiktok_user {
    str open_id, union_id, display_name, avatar_url, username, bio, profile_link;
    bool has_profile, is_verified, has_stats;
    int64_t followers, following, likes, videos;
};
bool tiktok_scope_in(str scopes, str scope);                   /* comma or blank separated list */
str tiktok_user_fields(str granted_scopes, struct arena *mem); /* STR_NONE: no scope gives any field */
/* RC_REAUTH "tiktok.token_invalid", RC_SCOPE "tiktok.scope_missing", RC_LIMITED, RC_RETRY. */
struct tiktok_grant {
    struct secret access;
    str scopes;       /* granted */
    int64_t total_ms; /* 0: the setting */
};
MUSTCHECK enum rc tiktok_user_info(struct tiktok *t, const struct permit *permit,
                                   const struct tiktok_grant *grant, struct arena *mem,
                                   struct tiktok_user *out, struct fault *why);
MUSTCHECK enum rc tiktok_user_parse(int status, str body, struct arena *mem, struct tiktok_user *out,
                                    struct fault *why);

/* ---- QR sign-in ---- */
enum tiktok_qr_status { QR_NEW, QR_SCANNED, QR_CONFIRMED, QR_EXPIRED, QR_USED };
struct tiktok_qr {
    str url;             /* to draw; already holds our ticket */
    struct secret token; /* to poll with */
};
struct tiktok_qr_answer {
    enum tiktok_qr_status status;
    struct tiktok_callback callback; /* on QR_CONFIRMED: code, state */
};
MUSTCHECK enum rc tiktok_qr_start(struct tiktok *t, const struct permit *permit,
                                  const struct tiktok_authorize *a, str ticket, struct arena *mem,
                                  struct tiktok_qr *out, struct fault *why);
/* RC_DENIED "tiktok.qr_ticket" when the answer bears another ticket than ours. */
MUSTCHECK enum rc tiktok_qr_check(struct tiktok *t, const struct permit *permit,
                                  const struct tiktok_client *client, const struct tiktok_qr *qr, str ticket,
                                  struct arena *mem, struct tiktok_qr_answer *out, struct fault *why);

extern const struct setting tiktok_settings[];
extern const size_t tiktok_settings_n;
#include "tiktok/business.h"
#endif
