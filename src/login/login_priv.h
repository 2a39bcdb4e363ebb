/* Private to login: the handle, the attempt as its rows say it, and what the files of this room share. */
#ifndef MZ_LOGIN_PRIV_H
#define MZ_LOGIN_PRIV_H
#include "login/login.h"
#include "keys/keys.h"
#include "feed/feed.h"

#define OAUTH_COOKIE "mz_oauth" /* http puts __Host- before it */
#define CONSENT_VERSION "tiktok-login/1"

struct login {
    struct login_options o;
    struct arena *mem;
};

enum attempt_state {
    ATTEMPT_MADE,
    ATTEMPT_STARTED,
    ATTEMPT_PARTLY,
    ATTEMPT_DONE,
    ATTEMPT_ENDED,
    ATTEMPT_STATES
};
struct attempt {
    str workspace, id, return_url, return_url_id, mozflow_user_id, member, lang, client_state, app_challenge;
    str account, granted, missing, cookie_hash, end_code, consent_version;
    enum login_purpose purpose;
    enum attempt_state state;
    bool known;
    int64_t created_ms, shown_ms, ended_ms, expires_ms;
};
const char *login_purpose_name(enum login_purpose p);
bool login_is_lang_th(str lang);

#include "login/db_priv.h"

/* ---- the end of a sign-in (finish.c) ---- */
struct login_answer { /* what TikTok gave, before the one transaction */
    struct tiktok_tokens tokens;
    struct tiktok_user user;
    bool has_user;
};
struct login_result {
    struct attempt attempt;
    str code; /* for the return URL; empty in the console and when a page stands between (partly granted) */
    str session; /* console: cookie value */
    str missing;
};
/* code and callback text in, one transaction, a result out. A fault's code is a login_end. */
struct login_finish {
    struct login *l;
    struct request *rq; /* for address and request id of the audit entry; may be NULL in tests */
    const struct login_taken *taken;
    str code, verifier;
    const char *flow; /* "login.web", "login.mobile", "login.qr" */
    bool code_now;    /* mint the code even when partly granted: an app shows it itself */
};
MUSTCHECK enum rc login_finish(const struct login_finish *f, struct arena *mem, struct login_result *out,
                               struct fault *why);
MUSTCHECK enum rc login_code_mint(struct tx *tx, str workspace, str attempt, struct arena *mem, str *code,
                                  struct fault *why);
/* Marks the end of an attempt in its own transaction, counts and logs it. Never fails loudly. */
void login_note_end(struct login *l, str workspace, str attempt, const struct fault *why);
/* The same by the attempt's id alone, as an app reports it; only for attempts that are still open. */
void login_note_mobile_end(struct login *l, str attempt, const struct fault *why);
/* The end a fault stands for: tiktok.* codes become login.* ones. Never NULL. */
const struct login_end *login_end_of(const struct fault *why);
str login_return_to(const struct attempt *a, str code, const char *error, struct arena *mem);

/* ---- pages (pages.c) ---- */
struct login_words {
    const char *en, *th;
};
const char *login_say(bool th, const struct login_words *w);
str login_lang(struct request *rq); /* "en" or "th" */
/* The page of an end; attempt may be NULL. Ends the handler: returns RC_OK. */
enum rc login_page_end(struct login *l, struct request *rq, const struct fault *why,
                       const struct attempt *a_or_null);
struct login_page_start {
    const struct attempt *attempt;
    str workspace_name, action, public_key, return_url_id; /* action: where the form goes */
};
enum rc login_page_start(struct login *l, struct request *rq, const struct login_page_start *p);
enum rc login_page_partly(struct login *l, struct request *rq, const struct attempt *a);
enum rc login_page_qr(struct login *l, struct request *rq, const struct attempt *a, str url);
/* What was shown, in one text: its hash goes to the consent ledger. */
str login_consent_text(str lang, str scopes, struct arena *mem);

/* ---- shared by routes ---- */
bool login_flag(struct login *l, str workspace);
struct login_opening {
    enum login_via via;
    str redirect_uri, app_challenge; /* mobile; else empty */
    bool app_redirect;               /* mobile with TikTok's SDK: redirect_uri is one of the app's links */
};
MUSTCHECK enum rc login_begin(struct login *l, struct request *rq, const struct login_opening *in,
                              struct login_clicked *out, struct attempt *attempt, struct fault *why);
MUSTCHECK enum rc login_take(struct login *l, const struct login_proof *proof, struct arena *mem,
                             struct login_taken *taken, struct attempt *attempt, struct fault *why);
/* A connection's answer came to the sign-in's callback, in its own browser: burnt, and the page is sent. */
bool connect_mixed_up(struct login *l, struct request *rq, str state);
str login_where_next(const struct login_result *r, struct arena *mem);
extern const struct metric *login_metric_ends;

/* What the routes answer with (shapes.c). */
extern const struct shape shape_qr_state, shape_mobile_start, shape_mobile_end, shape_attempt, shape_exchange,
    shape_link, shape_return_url, shape_login_config;

/* Handlers, one file per way in. */
enum rc login_route_start(struct request *rq, void *ctx, struct fault *why);
enum rc login_route_continue(struct request *rq, void *ctx, struct fault *why);
enum rc login_route_callback(struct request *rq, void *ctx, struct fault *why);
enum rc login_route_partly(struct request *rq, void *ctx, struct fault *why);
enum rc login_route_proceed(struct request *rq, void *ctx, struct fault *why);
enum rc login_route_qr_page(struct request *rq, void *ctx, struct fault *why);
enum rc login_route_qr_start(struct request *rq, void *ctx, struct fault *why);
enum rc login_route_qr_poll(struct request *rq, void *ctx, struct fault *why);
enum rc login_route_mobile_start(struct request *rq, void *ctx, struct fault *why);
enum rc login_route_mobile(struct request *rq, void *ctx, struct fault *why);
enum rc login_route_assetlinks(struct request *rq, void *ctx, struct fault *why);
enum rc login_route_apple(struct request *rq, void *ctx, struct fault *why);
enum rc login_route_button(struct request *rq, void *ctx, struct fault *why);
enum rc login_route_qr_script(struct request *rq, void *ctx, struct fault *why);
enum rc login_route_attempt(struct request *rq, void *ctx, struct fault *why);
enum rc login_route_exchange(struct request *rq, void *ctx, struct fault *why);
enum rc login_route_link(struct request *rq, void *ctx, struct fault *why);
enum rc login_route_unlink(struct request *rq, void *ctx, struct fault *why);
enum rc login_route_config(struct request *rq, void *ctx, struct fault *why);
enum rc login_route_return_list(struct request *rq, void *ctx, struct fault *why);
enum rc login_route_return_add(struct request *rq, void *ctx, struct fault *why);
enum rc login_route_return_delete(struct request *rq, void *ctx, struct fault *why);
enum rc login_route_console_link(struct request *rq, void *ctx, struct fault *why);
#endif
