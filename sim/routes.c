/* Every address of the simulator as one table, in the order of look-up. Later parts add rows here. A path of TikTok that
 * has no row, also one without its final slash, is answered 404 as its hosts do.
 */
#include "sim.h"

#define BUSINESS "/open_api/v1.3/"
const struct sim_route sim_routes[] = {
    {"GET", "/v2/auth/authorize/", .form = FORM_PAGE, .handle = authorize_get, .doc = "authorization page"},
    {"GET", "/v2/auth/authorize", .form = FORM_PAGE, .handle = authorize_get, .doc = "the same, as SDKs call it"},
    {"POST", "/v2/oauth/token/", .form = FORM_OAUTH, .handle = oauth_token, .doc = "code, refresh, client token"},
    {"POST", "/v2/oauth/revoke/", .form = FORM_OAUTH, .handle = oauth_revoke, .doc = "ends a grant"},
    {"POST", "/v2/oauth/get_qrcode/", .form = FORM_OAUTH, .handle = qr_get, .doc = "starts a QR sign-in"},
    {"POST", "/v2/oauth/check_qrcode/", .form = FORM_OAUTH, .handle = qr_check, .doc = "polls a QR sign-in"},
    {"GET", "/v2/user/info/", .form = FORM_V2, .handle = user_info, .doc = "profile fields by scope"},
    {"POST", "/v2/video/list/", .form = FORM_V2, .handle = video_list, .doc = "videos by page"},
    {"POST", "/v2/video/query/", .form = FORM_V2, .handle = video_query, .doc = "videos by id"},
    {"GET", "/sim-cdn/", .prefix = true, .form = FORM_PAGE, .handle = cdn_get, .doc = "avatars and covers"},
    {"POST", BUSINESS "tt_user/oauth2/token/", .form = FORM_BUSINESS, .handle = business_token, .doc = "code"},
    {"POST", BUSINESS "tt_user/oauth2/refresh_token/", .form = FORM_BUSINESS, .handle = business_refresh,
     .doc = "refresh"},
    {"POST", BUSINESS "tt_user/oauth2/revoke/", .form = FORM_BUSINESS, .handle = business_revoke, .doc = "revoke"},
    {"POST", BUSINESS "tt_user/token_info/get/", .form = FORM_BUSINESS, .handle = business_token_info,
     .doc = "scopes of a token"},
    {"*", BUSINESS, .prefix = true, .form = FORM_BUSINESS, .handle = business_other, .doc = "no such endpoint yet"},
    {"GET", "/", .quiet = true, .form = FORM_PAGE, .handle = home_page, .doc = "start page"},
    {"GET", "/sim/people", .quiet = true, .form = FORM_PAGE, .handle = people_get, .doc = "who am I"},
    {"POST", "/sim/people", .quiet = true, .form = FORM_PAGE, .handle = people_post, .doc = "I am"},
    {"POST", "/sim/consent", .form = FORM_PAGE, .handle = consent_post, .doc = "the consent form"},
    {"GET", "/sim/qr", .quiet = true, .form = FORM_PAGE, .handle = qr_page, .doc = "scanner"},
    {"POST", "/sim/qr", .quiet = true, .form = FORM_PAGE, .handle = qr_post, .doc = "scan, confirm, cancel"},
    {"GET", "/sim/", .prefix = true, .quiet = true, .form = FORM_PAGE, .handle = asset_get, .doc = "style, script"},
    {"GET", "/phone", .quiet = true, .form = FORM_PAGE, .handle = phone_page, .doc = "the customer's phone"},
    {"POST", "/phone/send", .quiet = true, .form = FORM_PAGE, .handle = phone_send, .doc = "a direct message"},
    {"GET", "/phone/messages", .quiet = true, .form = FORM_CONTROL, .handle = phone_messages, .doc = "what was sent"},
    {"POST", "/control/messages", .quiet = true, .form = FORM_CONTROL, .handle = control_message, .doc = "the same"},
    {"GET", "/control/qr", .quiet = true, .form = FORM_CONTROL, .handle = control_qr_list, .doc = "QR tickets"},
    {"POST", "/control/qr", .quiet = true, .form = FORM_CONTROL, .handle = control_qr_step, .doc = "QR steps"},
    {"*", "/control/", .prefix = true, .quiet = true, .form = FORM_CONTROL, .handle = control_any, .doc = "control"},
};
const size_t sim_routes_n = COUNT_OF(sim_routes);
