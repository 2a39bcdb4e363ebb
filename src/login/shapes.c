/* What this room's routes answer with. */
#include "login/login_priv.h"

const struct shape shape_qr_state = {
    .name = "QrState",
    .doc = "How far a QR code is.",
    .fields = {{"status", A_TEXT, .doc = "new, scanned, waiting, confirmed, expired or used."},
               {"location", A_TEXT, MAY_BE_NULL, .doc = "Where the page goes on; null: ask again."}}};
const struct shape shape_mobile_start = {
    .name = "MobileStart",
    .doc = "What an app needs to begin: for TikTok's SDK, or a link for the system's browser.",
    .fields = {{"attempt_id", A_TEXT, .doc = "lat_..."},
               {"start_url", A_URL, MAY_BE_ABSENT, .doc = "For the system's browser."},
               {"state", A_TEXT, MAY_BE_ABSENT, .doc = "To hand to the SDK, once."},
               {"client_key", A_TEXT, MAY_BE_ABSENT, .doc = "TikTok's key of the app."},
               {"scopes", A_TEXT, MAY_BE_ABSENT, .doc = "To ask for, separated by commas."},
               {"redirect_uri", A_TEXT, MAY_BE_ABSENT, .doc = "To hand to the SDK."},
               {"expires_in", A_INT, .doc = "Seconds until the attempt ends."},
               {"consent_version", A_TEXT, .doc = "Version of the text below."},
               {"consent_text", A_TEXT, .doc = "To be shown before TikTok's page."}}};
const struct shape shape_mobile_end = {
    .name = "MobileEnd",
    .doc = "The sign-in of an app is done.",
    .fields = {{"code", A_TEXT, .doc = "Our one-time code for Mozflow's server."},
               {"attempt_id", A_TEXT, .doc = "lat_..."},
               {"expires_in", A_INT, .doc = "Seconds until the code ends."},
               {"client_state", A_TEXT, MAY_BE_ABSENT, .doc = "As the app gave it."},
               {"missing_scopes", A_TEXT, .doc = "Not granted, separated by commas."}}};
const struct shape shape_attempt = {
    .name = "LoginAttempt",
    .doc = "An attempt and the link that starts it.",
    .fields = {{"attempt_id", A_TEXT, .doc = "lat_..."},
               {"start_url", A_URL, .doc = "For the person's browser."},
               {"expires_at", A_TIME, .doc = "Until when it can be started."}}};

static const struct shape shape_tiktok_identity = {
    .name = "TiktokIdentity",
    .doc = "Who signed in, by TikTok's ids. The key is client_key with open_id; union_id is a hint.",
    .fields = {{"id", A_TEXT, .doc = "acc_..., our id of it."},
               {"client_key", A_TEXT, .doc = "TikTok's key of the app."},
               {"open_id", A_TEXT, .doc = "TikTok's id of the person for this app."},
               {"union_id", A_TEXT, MAY_BE_NULL, .doc = "TikTok's id over the apps of one developer."}}};
static const struct shape shape_profile = {
    .name = "TiktokProfile",
    .doc = "What TikTok told of the person.",
    .fields = {{"display_name", A_TEXT, MAY_BE_NULL, .doc = "Display name."},
               {"username", A_TEXT, MAY_BE_NULL, .doc = "Username; needs a scope of its own."},
               {"avatar_url", A_URL, MAY_BE_NULL, .doc = "Picture; TikTok's link ends after hours."}}};
static const struct shape shape_scopes = {
    .name = "GrantedScopes",
    .doc = "What was granted and what was not.",
    .fields = {{"granted", A_TEXTS, .doc = "Granted."},
               {"missing", A_TEXTS, .doc = "Asked for and not granted."},
               {"how_to_add", A_TEXT, MAY_BE_ABSENT, .doc = "When some are missing."}}};
static const struct shape shape_consent = {
    .name = "Consent",
    .doc = "What the person agreed to.",
    .fields = {{"given", A_FLAG, .doc = "Consent is on record and not withdrawn."},
               {"text_version", A_TEXT, MAY_BE_NULL, .doc = "Which text was shown."},
               {"language", A_TEXT, MAY_BE_NULL, .doc = "In which language."},
               {"scopes", A_TEXT, MAY_BE_NULL, .doc = "For what, separated by commas."},
               {"at", A_TIME, MAY_BE_NULL, .doc = "When."}}};
const struct shape shape_exchange = {
    .name = "SignedIn",
    .doc = "Who signed in with TikTok.",
    .fields = {{"attempt_id", A_TEXT, .doc = "lat_..."},
               {"purpose", A_ENUM, .choices = "sign_in|link|console|console_link", .doc = "What it was for."},
               {"result", A_ENUM, .choices = "known|new", .doc = "Whether a Mozflow user is linked."},
               {"mozflow_user_id", A_TEXT, MAY_BE_NULL, .doc = "The linked user; null: none."},
               {"identity", A_ONE, .of = &shape_tiktok_identity, .doc = "Who."},
               {"profile", A_ONE, .of = &shape_profile, .doc = "What to show."},
               {"scopes", A_ONE, .of = &shape_scopes, .doc = "What may be read."},
               {"consent", A_ONE, .of = &shape_consent, .doc = "What was agreed to."}}};
const struct shape shape_link = {
    .name = "UserLink",
    .doc = "A TikTok identity and its Mozflow user.",
    .fields = {{"identity_id", A_TEXT, .doc = "acc_..."}, {"mozflow_user_id", A_TEXT, .doc = "The user."}}};
const struct shape shape_return_url = {
    .name = "ReturnUrl",
    .doc = "An address that sign-ins may return to.",
    .fields = {{"id", A_TEXT, .doc = "ret_..."}, {"url", A_URL, .doc = "The address."}}};
const struct shape shape_login_config = {
    .name = "LoginConfig",
    .doc = "What a page needs to show the login button.",
    .fields = {{"enabled", A_FLAG, .doc = "Whether to show it."},
               {"configured", A_FLAG, .doc = "Whether an app of Login Kit is set up."},
               {"public_key", A_TEXT, .doc = "The workspace's public key."},
               {"start_url", A_URL, .doc = "A plain link."},
               {"button_script", A_URL, .doc = "The web component."},
               {"scopes", A_TEXTS, .doc = "What is asked for."},
               {"redirect_uri", A_URL, MAY_BE_NULL, .doc = "As registered in TikTok's portal."},
               {"consent_version", A_TEXT, .doc = "Version of the text on the page before TikTok's."},
               {"return_urls", A_MANY, .of = &shape_return_url, .doc = "Where sign-ins may return to."}}};
