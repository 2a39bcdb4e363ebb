/* rows: the routes of this room with their parameters, its settings, metrics and log events. */
#include "login/login_priv.h"

#define ARG(n, place, k, req, most, words)                                                                   \
    {                                                                                                        \
        .name = n, .in = place, .kind = k, .required = req, .max = most, .doc = words                        \
    }
#define Q IN_QUERY
#define B IN_BODY

static const struct param start_params[] = {
    ARG("attempt", Q, P_TEXT, false, 64, "An attempt made through the API."),
    ARG("workspace", Q, P_TEXT, false, 64, "Public key of a workspace, for a plain link."),
    ARG("client_state", Q, P_TEXT, false, 2048, "With workspace: 16 to 512 characters, returned untouched."),
    ARG("return_url", Q, P_TEXT, false, 64, "With workspace: id of a return URL; the first one when absent."),
    ARG("console", Q, P_TEXT, false, 1, "1: sign in to the console."),
    {.name = "lang", .in = Q, .kind = P_ENUM, .choices = "en|th", .doc = "Language of the page."},
};
static const struct param click_params[] = {
    ARG("attempt", B, P_TEXT, false, 64, "As on the start page."),
    ARG("workspace", B, P_TEXT, false, 64, "As on the start page."),
    ARG("client_state", B, P_TEXT, false, 2048, "As on the start page."),
    ARG("return_url", B, P_TEXT, false, 64, "As on the start page."),
    ARG("console", B, P_TEXT, false, 1, "As on the start page."),
    {.name = "lang", .in = B, .kind = P_ENUM, .choices = "en|th", .doc = "Language of the page."},
};
static const struct param one_attempt[] = {ARG("attempt", B, P_TEXT, true, 64, "The attempt.")};
static const struct param partly_params[] = {ARG("attempt", Q, P_TEXT, true, 64, "The attempt.")};
static const struct param button_params[] = {
    ARG("workspace", Q, P_TEXT, false, 64, "Public key: the script is absent where the flag is off."),
};
static const struct param mobile_start_params[] = {
    ARG("attempt", B, P_TEXT, false, 64, "An attempt made through the API, or:"),
    ARG("workspace", B, P_TEXT, false, 64, "public key of the workspace, with client_state."),
    ARG("client_state", B, P_TEXT, false, 2048, "16 to 512 characters, returned untouched."),
    ARG("return_url", B, P_TEXT, false, 64, "Mode browser: id of the app link to return to."),
    ARG("redirect_uri", B, P_TEXT, false, 512,
        "The app's link registered at TikTok; the first one when absent."),
    ARG("app_challenge", B, P_TEXT, false, 64, "Hex SHA-256 of a verifier that the exchange must carry."),
    {.name = "mode",
     .in = B,
     .kind = P_ENUM,
     .choices = "sdk|browser",
     .doc = "browser: no TikTok SDK in the app."},
    {.name = "platform", .in = B, .kind = P_ENUM, .choices = "android|ios", .doc = "For the log."},
    {.name = "lang", .in = B, .kind = P_ENUM, .choices = "en|th", .doc = "Language of the consent text."},
};
static const struct param mobile_params[] = {
    ARG("code", B, P_TEXT, false, 2048, "What the SDK gave; it is not decoded again."),
    ARG("code_verifier", B, P_TEXT, false, 256, "32 to 128 characters."),
    ARG("redirect_uri", B, P_TEXT, false, 512, "The one of the start."),
    ARG("state", B, P_TEXT, false, 512, "The one of the start; SDKs drop it on errors."),
    ARG("attempt_id", B, P_TEXT, false, 64, "Which attempt an error ends."),
    ARG("error", B, P_TEXT, false, 128, "The SDK's error word."),
    ARG("error_type", B, P_TEXT, false, 128, "Its machine reason."),
    ARG("error_description", B, P_TEXT, false, 1024, "Its text; kept out of pages."),
    {.name = "error_code",
     .in = B,
     .kind = P_INT,
     .min = -1000000,
     .max = 1000000,
     .doc = "Numbers differ between Android and iOS; not used."},
    {.name = "platform", .in = B, .kind = P_ENUM, .choices = "android|ios", .doc = "For the log."},
};
static const struct param attempt_params[] = {
    {.name = "purpose",
     .in = B,
     .kind = P_ENUM,
     .required = true,
     .choices = "sign_in|link",
     .doc = "What for."},
    ARG("mozflow_user_id", B, P_TEXT, false, 128, "Purpose link: the Mozflow user to link to."),
    {.name = "return_url_id",
     .in = B,
     .kind = P_ID,
     .required = true,
     .choices = "ret",
     .doc = "Where to return to."},
    {.name = "language", .in = B, .kind = P_ENUM, .choices = "en|th", .doc = "Language of the pages."},
    ARG("client_state", B, P_TEXT, false, 2048, "Optional, 16 to 512 characters, returned untouched."),
    ARG("app_challenge", B, P_TEXT, false, 64, "Hex SHA-256 of a verifier that the exchange must carry."),
};
static const struct param exchange_params[] = {
    ARG("code", B, P_TEXT, true, 128, "The one-time code of the return URL."),
    ARG("attempt_id", B, P_TEXT, true, 64, "The attempt that Mozflow keeps in the session of the browser."),
    ARG("mozflow_user_id", B, P_TEXT, false, 128,
        "Purpose link: the user of the session that received the code."),
    ARG("client_state", B, P_TEXT, false, 2048, "When given, it must equal the attempt's."),
    ARG("app_verifier", B, P_TEXT, false, 256, "When the attempt had an app_challenge."),
};
static const struct param link_params[] = {
    {.name = "identity_id",
     .in = B,
     .kind = P_ID,
     .required = true,
     .choices = "acc",
     .doc = "The TikTok account."},
    {.name = "mozflow_user_id",
     .in = B,
     .kind = P_TEXT,
     .required = true,
     .min = 1,
     .max = 128,
     .doc = "The user."},
};
static const struct param unlink_params[] = {
    {.name = "id",
     .in = IN_PATH,
     .kind = P_ID,
     .required = true,
     .choices = "acc",
     .doc = "The TikTok account."},
};
static const struct param url_params[] = {ARG("url", B, P_TEXT, true, 512, "https, or http on loopback.")};
static const struct param url_id[] = {
    {.name = "id", .in = IN_PATH, .kind = P_ID, .required = true, .choices = "ret", .doc = "The return URL."},
};

#define PARAMS(p) .params = (p), .n_params = COUNT_OF(p)
#define PAGE .browser = true, .no_once = true, .flag = LOGIN_FLAG

const struct route login_routes[] = {
    {"GET", "/auth/tiktok", "startLogin", HTTP_READ, PAGE, .slash = true, PARAMS(start_params),
     .handle = login_route_start, .doc = "The page before the redirect: what Mozflow will read and why."},
    {"POST", "/auth/tiktok/continue", "continueLogin", HTTP_WRITE, PAGE, .form = true, PARAMS(click_params),
     .handle = login_route_continue, .doc = "The click: makes the state and redirects to TikTok."},
    /* No flag: a running attempt ends politely with its own page. */
    {"GET", "/auth/tiktok/callback", "loginCallback", HTTP_EXCHANGE, .browser = true, .slash = true,
     .no_once = true, .handle = login_route_callback, .doc = "Where TikTok sends the person back to."},
    {"GET", "/auth/tiktok/partly", "loginPartly", HTTP_READ, .browser = true, .no_once = true,
     PARAMS(partly_params), .handle = login_route_partly,
     .doc = "Tells which permissions are missing and how to add them."},
    {"POST", "/auth/tiktok/proceed", "loginProceed", HTTP_WRITE, .browser = true, .no_once = true,
     .form = true, PARAMS(one_attempt), .handle = login_route_proceed,
     .doc = "Goes on without the missing permissions."},
    {"GET", "/auth/tiktok/qr", "loginQrPage", HTTP_READ, PAGE, PARAMS(start_params),
     .handle = login_route_qr_page, .doc = "The start page for a sign-in by QR code."},
    {"POST", "/auth/tiktok/qr", "loginQr", HTTP_EXCHANGE, PAGE, .form = true, PARAMS(click_params),
     .handle = login_route_qr_start, .doc = "Draws the QR code."},
    {"POST", "/auth/tiktok/qr/poll", "loginQrPoll", HTTP_EXCHANGE, .no_once = true, .form = true,
     PARAMS(one_attempt), .handle = login_route_qr_poll, .doc = "Asks whether the QR code was confirmed.",
     .gives = &shape_qr_state},
    {"POST", "/auth/tiktok/mobile/start", "mobileStart", HTTP_WRITE, .no_once = true, .flag = LOGIN_FLAG,
     PARAMS(mobile_start_params), .handle = login_route_mobile_start, .doc = "Issues the state for an app.",
     .gives = &shape_mobile_start},
    {"POST", "/auth/tiktok/mobile", "mobileFinish", HTTP_EXCHANGE, .no_once = true, PARAMS(mobile_params),
     .handle = login_route_mobile, .doc = "Takes what TikTok's SDK gave an app; answers our one-time code.",
     .gives = &shape_mobile_end},
    {"GET", "/.well-known/assetlinks.json", "assetLinks", HTTP_READ, .handle = login_route_assetlinks,
     .doc = "Android app links, from settings.", .gives = &shape_json, .answer = "Digital Asset Links."},
    {"GET", "/.well-known/apple-app-site-association", "appleAssociation", HTTP_READ,
     .handle = login_route_apple, .doc = "iOS universal links, from settings.", .gives = &shape_json,
     .answer = "applinks."},
    {"GET", "/embed/login-button.js", "loginButton", HTTP_READ, .flag = LOGIN_FLAG, PARAMS(button_params),
     .handle = login_route_button, .doc = "The web component <mozflow-tiktok-login>.",
     .gives = &shape_script},
    {"GET", "/embed/login-qr.js", "loginQrScript", HTTP_READ, .handle = login_route_qr_script,
     .doc = "The script of the QR page.", .gives = &shape_script},
    {"POST", "/v1/login/attempts", "makeAttempt", HTTP_WRITE, PERM_LOGIN_START, LOGIN_FLAG,
     PARAMS(attempt_params), .handle = login_route_attempt,
     .doc = "Makes a sign-in or link attempt and its start link.", .gives = &shape_attempt},
    {"POST", "/v1/login/exchange", "exchangeCode", HTTP_WRITE, PERM_LOGIN_EXCHANGE, PARAMS(exchange_params),
     .handle = login_route_exchange,
     .doc = "Trades the one-time code for identity, profile, scopes and consent.", .gives = &shape_exchange},
    {"POST", "/v1/login/links", "linkUser", HTTP_WRITE, PERM_LOGIN_LINK, PARAMS(link_params),
     .handle = login_route_link, .doc = "Links a TikTok account to a Mozflow user.", .gives = &shape_link},
    {"DELETE", "/v1/login/links/{id}", "unlinkUser", HTTP_WRITE, PERM_LOGIN_LINK, PARAMS(unlink_params),
     .handle = login_route_unlink, .doc = "Removes the link."},
    {"GET", "/v1/login/config", "loginConfig", HTTP_READ, PERM_ACCOUNTS_READ, .handle = login_route_config,
     .doc = "What a page needs to show the login button.", .gives = &shape_login_config},
    {"GET", "/v1/login/return-urls", "listReturnUrls", HTTP_READ, PERM_ACCOUNTS_READ,
     .handle = login_route_return_list, .doc = "The allow-listed return URLs.", .gives = &shape_return_url,
     .many = true},
    {"POST", "/v1/login/return-urls", "addReturnUrl", HTTP_WRITE, PERM_ACCOUNTS_MANAGE, PARAMS(url_params),
     .handle = login_route_return_add, .doc = "Allows a return URL.", .gives = &shape_return_url},
    {"DELETE", "/v1/login/return-urls/{id}", "removeReturnUrl", HTTP_WRITE, PERM_ACCOUNTS_MANAGE,
     PARAMS(url_id), .handle = login_route_return_delete, .doc = "Removes a return URL."},
    {"POST", "/v1/login/console-link", "linkConsole", HTTP_WRITE, PERM_SESSION_SELF, LOGIN_FLAG,
     .handle = login_route_console_link, .doc = "Starts linking TikTok to the signed-in console member.",
     .gives = &shape_attempt},
};
const size_t login_routes_n = COUNT_OF(login_routes);

const struct setting login_settings[] = {
    {.key = "login.web_pkce",
     .kind = SET_FLAG,
     .def = "false",
     .doc = "Send TikTok's hex PKCE challenge also with an https redirect. Documented for mobile and "
            "loopback only."},
    {.key = "login.android_package",
     .kind = SET_TEXT,
     .min = 0,
     .max = 256,
     .def = "",
     .doc = "Android package whose app links this host serves in /.well-known/assetlinks.json."},
    {.key = "login.android_sha256",
     .kind = SET_LIST,
     .max = 1024,
     .def = "",
     .doc = "SHA-256 fingerprints of its signing certificates (AA:BB:...)."},
    {.key = "login.ios_app_ids",
     .kind = SET_LIST,
     .max = 1024,
     .def = "",
     .doc = "iOS app ids (TEAMID.bundle) whose universal links this host serves."},
    {.key = "login.ios_path",
     .kind = SET_TEXT,
     .min = 1,
     .max = 256,
     .def = "/auth/tiktok/app/*",
     .doc = "Path pattern of those links."},
};
const size_t login_settings_n = COUNT_OF(login_settings);

const struct event_doc login_event_docs[] = {
    {"login.started", "A person clicked Continue with TikTok; a state was made."},
    {"login.completed", "A sign-in ended well."},
    {"login.partly_granted", "A sign-in ended well, with scopes missing."},
    {"login.profile_missing", "The profile could not be read at sign-in; it went on without."},
    {"login.exchange_refused", "A one-time code was refused: replay, expiry, mismatch or another workspace."},
    {"login.authorization_removed", "TikTok's notice was judged; `ended` tells whether a grant ended."},
    {"login.denied", "An attempt ended so; each login.* code of login_ends has its event and metric label."},
};
const size_t login_event_docs_n = COUNT_OF(login_event_docs);
