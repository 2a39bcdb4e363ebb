/* The table of switches and their values. A value is text that was checked against its row; numbers are kept
 * as text too, so that the snapshot and the control API show exactly what was set. Pure.
 */
#include "switches.h"

#define ON_OFF "on|off"
#define OFF_ON "off|on"
const struct switch_row switch_rows[SW_COUNT] = {
    [SW_PROFILE] = {"profile", "nov2026|legacy", 0, 0, 0, "token lives and rotation"},
    [SW_REFRESH_SAME] = {"refresh_same", OFF_ON, 0, 0, 0, "legacy: a refresh returns the same refresh token"},
    [SW_REFRESH_CLOCK] = {"refresh_clock", "restart|countdown", 0, 0, 0, "the refresh life after a rotation"},
    [SW_REFRESH_KILLS_ACCESS] = {"refresh_kills_access", OFF_ON, 0, 0, 0,
                                 "a refresh ends earlier access tokens"},
    [SW_ROTATION] =
        {"rotation", "profile|same|rotate|rotate_with_grace", 0, 0, 0,
         "refresh tokens: as the profile says, or the same, strictly new, or the old one honoured until "
         "the new pair is used"},
    [SW_REUSE_ENDS_CHAIN] = {"reuse_ends_chain", OFF_ON, 0, 0, 0,
                             "a dead refresh token, presented again, ends its successors"},
    [SW_NEW_GRANT_ENDS_OLD] = {"new_grant_ends_old", OFF_ON, 0, 0, 0,
                               "a new consent ends the tokens of the earlier one"},
    [SW_REFRESH_DELAY_MS] = {"refresh_delay_ms", NULL, 0, 60000, 0,
                             "real time that a refresh is on its way: the work is done first"},
    [SW_BUSINESS_ACCESS_S] = {"business_access_s", NULL, 1, 31536000, 86400,
                              "life of a business access token"},
    [SW_BUSINESS_REFRESH_S] = {"business_refresh_s", NULL, 1, 315360000, 31536000,
                               "life of a business grant's refresh tokens, from the consent"},
    [SW_BUSINESS_TOKEN_FIELDS] = {"business_token_fields", "all|few", 0, 0, 0,
                                  "few: no token_type, scope and refresh_token_expires_in"},
    [SW_BUSINESS_REMOVED_EVENT] = {"business_removed_event", ON_OFF, 0, 0, 0,
                                   "authorization.removed is sent to business apps"},
    [SW_BUSINESS_REVOKE] = {"business_revoke", "grant|access", 0, 0, 0,
                            "revoking ends the grant, or only the access token that was named"},
    [SW_SCOPE_BLANKS] = {"scope_blanks", OFF_ON, 0, 0, 0, "the scope list of business tokens has blanks"},
    [SW_EXPIRED_CODE] = {"expired_code", "40102|40105", 0, 0, 0, "the code of an expired access token"},
    [SW_METHOD_ERROR] = {"method_error", "40117|405", 0, 0, 0, "a wrong method: code 40117, or HTTP 405"},
    [SW_REGION_ERROR] = {"region_error", "40118|40001|40125", 0, 0, 0,
                         "messaging for a region that has none"},
    [SW_RATE_LIMITS] = {"rate_limits", ON_OFF, 0, 0, 0, "limits of the API for Business per app and account"},
    [SW_RATE_LEVEL] = {"rate_level", "basic|advanced|premium|ultimate", 0, 0, 0, "level of the app's limits"},
    [SW_RATE_ACCOUNT_CODE] = {"rate_account_code", "40100|40133|40016", 0, 0, 0,
                              "code of more than 40 calls a minute for one account and endpoint"},
    [SW_WEBHOOK_UNSET] = {"webhook_unset", "portal|silent", 0, 0, 0,
                          "a category without a callback: the app's webhook_url, or nothing"},
    [SW_ADS_CALLBACK] = {"ads_callback", "both|auth_code|code", 0, 0, 0, "the code's name in the way back"},
    [SW_ADS_CANCEL] = {"ads_cancel", "redirect|page", 0, 0, 0, "what Cancel does on the ads portal's page"},
    [SW_ADS_REVOKE] = {"ads_revoke", "grant|token", 0, 0, 0,
                       "revoking ends all tokens of the grant, or this one"},
    [SW_SNAPSHOT_EVERY_S] = {"snapshot_every_s", NULL, 1, 86400, 1,
                             "real time between two snapshots at least"},
    [SW_CODE_TTL_S] = {"code_ttl_s", NULL, 1, 3600, 300, "life of an authorization code"},
    [SW_WEB_PKCE] = {"web_pkce", "off|hex", 0, 0, 0,
                     "web redirects: ignore the challenge, or compare it as hex"},
    [SW_CHALLENGE_CHECK] = {"challenge_check", "authorize|token", 0, 0, 0,
                            "where a desktop challenge that is not 64 hex characters is refused"},
    [SW_OAUTH_ERROR_STATUS] = {"oauth_error_status", "200|400", 0, 0, 0, "HTTP status of OAuth errors"},
    [SW_SCOPE_ERROR] = {"scope_error", "401|400", 0, 0, 0, "answer to an ungranted field"},
    [SW_SCOPE_MISLABEL] = {"scope_mislabel", OFF_ON, 0, 0, 0,
                           "an unapproved scope is called unauthorized_client/client_key"},
    [SW_LENIENT_USER_INFO] = {"lenient_user_info", OFF_ON, 0, 0, 0, "leave out unknown and ungranted fields"},
    [SW_UNION_ID] = {"union_id", ON_OFF, 0, 0, 0, "user info carries union_id"},
    [SW_RATE_PER_MINUTE] = {"rate_per_minute", NULL, 1, 100000, 600,
                            "per app and v2 endpoint, sliding minute"},
    [SW_AVATAR_TTL_S] = {"avatar_ttl_s", NULL, 1, 31536000, 172800, "life of an avatar link"},
    [SW_ERROR_CLIENT_KEY] = {"error_delivery.client_key", "page|redirect", 0, 0, 0, "who tells the person"},
    [SW_ERROR_REDIRECT_URI] = {"error_delivery.redirect_uri", "page|redirect", 0, 0, 0,
                               "who tells the person"},
    [SW_ERROR_CODE_CHALLENGE] = {"error_delivery.code_challenge", "page|redirect", 0, 0, 0,
                                 "who tells the person"},
    [SW_ERROR_SCOPE] = {"error_delivery.scope", "page|redirect", 0, 0, 0, "who tells the person"},
    [SW_ERROR_RESPONSE_TYPE] = {"error_delivery.response_type", "redirect|page", 0, 0, 0,
                                "who tells the person"},
    [SW_ERROR_SANDBOX] = {"error_delivery.sandbox", "redirect|page", 0, 0, 0, "who tells the person"},
    [SW_AUTO_CONSENT] = {"auto_consent", "off|allow|deny", 0, 0, 0, "answers the consent page by itself"},
    [SW_AUTO_USER] = {"auto_user", NULL, 0, 0, 0, "the person when no cookie says otherwise"},
    [SW_AUTO_SKIP] = {"auto_skip", ON_OFF, 0, 0, 0, "skips the page after an earlier consent"},
    [SW_SKIP_WITHOUT_CODE] = {"skip_without_code", OFF_ON, 0, 0, 0,
                              "business: the skipped page gives no code"},
    [SW_QR_ANSWER] = {"qr_answer", "both|code|redirect_uri", 0, 0, 0, "what a confirmed QR check carries"},
    [SW_QR_TICKET] = {"qr_ticket", "echo|wrong", 0, 0, 0, "the client_ticket that comes back"},
    [SW_QR_TTL_S] = {"qr_ttl_s", NULL, 1, 3600, 300, "life of a QR code"},
    [SW_T_RESIGN] = {"t_resign", ON_OFF, 0, 0, 0, "retries carry a new t and signature"},
    [SW_SIGNATURE_HEADER] = {"signature_header",
                             "TikTok-Signature|Tiktok-Signature|tiktok-signature|TIKTOK-SIGNATURE", 0, 0, 0,
                             "spelling of the header"},
    [SW_WEBHOOK_SECRET] = {"webhook_secret", "current|previous", 0, 0, 0, "the key that signs"},
    [SW_ESCAPE] = {"escape", OFF_ON, 0, 0, 0, "bodies with \\uXXXX and \\/"},
    [SW_WEBHOOK_DUPLICATE] = {"webhook_duplicate_percent", NULL, 0, 100, 0, "deliveries sent twice"},
    [SW_WEBHOOK_LOST] = {"webhook_lost_percent", NULL, 0, 100, 0, "deliveries never sent"},
    [SW_WEBHOOK_REORDER] = {"webhook_reorder_percent", NULL, 0, 100, 0,
                            "deliveries overtaken by the next one"},
    [SW_WEBHOOK_DELAY_MS] = {"webhook_delay_ms", NULL, 0, 864000000, 0, "before the first attempt, virtual"},
    [SW_WEBHOOK_SKEW_S] = {"webhook_skew_s", NULL, -864000, 864000, 0, "added to t and create_time"},
    [SW_RETRY_BASE_S] = {"retry_base_s", NULL, 1, 86400, 10, "first pause between attempts, virtual"},
    [SW_WEBHOOK_TIMEOUT_MS] = {"webhook_timeout_ms", NULL, 50, 60000, 5000, "real time for one attempt"},
    [SW_DATE_SKEW_S] = {"date_skew_s", NULL, -864000, 864000, 0, "added to log ids and x-expires"},
    [SW_WINDOW] = {"window", "documented|strict|off", 0, 0, 0,
                   "messages a shop may send: 10 after the first message, unlimited after each reply, 3 in "
                   "silence; or 10 per 48 hours after each message; or without limit"},
    [SW_DAILY_CONVERSATIONS] = {"daily_conversations", NULL, 0, 1000000, 0,
                                "conversations that an account may answer in a UTC day; 0: any"},
    [SW_ECHO] = {"echo", "spread|before|after|held|off", 0, 0, 0,
                 "im_send_msg of an API send: 50 ms before to 2 s after the answer; always before it; "
                 "echo_delay_ms after; held until released; never"},
    [SW_ECHO_DELAY_MS] = {"echo_delay_ms", NULL, 0, 864000000, 200, "echo=after: virtual time"},
    [SW_EVENT_FIELDS] = {"event_fields", "all|few", 0, 0, 0,
                         "few: im events without scene_type, is_follower and message_tag"},
    [SW_UNKNOWN_CONVERSATION] = {"unknown_conversation", "40007|40002", 0, 0, 0,
                                 "a send to a conversation that is not there"},
    [SW_CAPABILITY_ERROR] = {"capability_error", "40064|40002", 0, 0, 0,
                             "an image where the capability is false"},
    [SW_IMAGE_SEND] = {"image_send", "on|single|off", 0, 0, 0,
                       "the capability IMAGE_SEND: yes, not for strangers, no"},
    [SW_LINKS] = {"links", "allow|refuse", 0, 0, 0, "texts with http:// or https://: 40064 when refused"},
    [SW_CONTENT_ORDER] = {"content_order", "newest|oldest", 0, 0, 0, "order of content/list"},
    [SW_READ_MARKS] = {"read_marks", ON_OFF, 0, 0, 0, "an open phone page sends im_mark_read_msg"},
    [SW_MEDIA_CDN] = {"media_cdn", "good|wrong_type|redirect|redirect_away|big", 0, 0, 0,
                      "what the CDN of media does"},
    [SW_AUTO_REVIEW] = {"auto_review", "approve|reject|hold", 0, 0, 0, "the review of automatic messages"},
    [SW_AUTO_REVIEW_MS] = {"auto_review_ms", NULL, 0, 864000000, 5000, "its length, virtual"},
    [SW_DIRECT_REPLY_COUNTRY] = {"direct_reply_country", "40064|40118", 0, 0, 0,
                                 "a direct reply of an account outside VN, ID and TH"},
    [SW_COMMENT_TEXT_MAX] = {"comment_text_max", NULL, 1, 10000, 1200, "characters of a comment or reply"},
    [SW_COMMENT_REPLY_PATH] = {"comment_reply_path", "create|both", 0, 0, 0,
                               "both: /business/comment/reply/ works beside reply/create/"},
    [SW_COMMENT_PAGES] = {"comment_pages", "full|short", 0, 0, 0, "short: pages with one row less"},
    [SW_COMMENT_EVENT_TEXT] = {"comment_event_text", ON_OFF, 0, 0, 0, "comment.update carries text"},
    [SW_COMMENT_DELAY_MS] = {"comment_delay_ms", NULL, 0, 300000, 0, "comment.update comes later, virtual"},
};

static bool choice_at(const char *choices, size_t index, str *out)
{
    str rest = str_of(choices), head = STR_NONE;
    for (size_t i = 0; str_cut(&rest, '|', &head); i++) {
        if (i == index) {
            *out = head;
            return true;
        }
    }
    return false;
}

static void value_put(struct switches *s, size_t which, str value)
{
    must(value.n < sizeof s->text[0]);
    memcpy(s->text[which], value.p, value.n);
    s->text[which][value.n] = '\0';
}

void switches_init(struct switches *s)
{
    for (size_t i = 0; i < SW_COUNT; i++) {
        const struct switch_row *row = &switch_rows[i];
        str first = STR("");
        char number[24];
        if (row->choices != NULL)
            must(choice_at(row->choices, 0, &first));
        else if (row->min != 0 || row->max != 0)
            first = (str){number, (size_t)snprintf(number, sizeof number, "%lld", (long long)row->def)};
        value_put(s, i, first);
    }
}

static bool value_fits(const struct switch_row *row, str value)
{
    str choice;
    int64_t n;
    if (row->choices != NULL) {
        for (size_t i = 0; choice_at(row->choices, i, &choice); i++)
            if (str_eq(choice, value))
                return true;
        return false;
    }
    if (row->min == 0 && row->max == 0)
        return value.n < 72 && memchr(value.p == NULL ? "" : value.p, '\0', value.n) == NULL;
    return str_to_i64(value, &n) && n >= row->min && n <= row->max && value.n < 72;
}

enum rc switch_set(struct switches *s, str name, str value, struct fault *why)
{
    for (size_t i = 0; i < SW_COUNT; i++) {
        const struct switch_row *row = &switch_rows[i];
        if (!str_eq(str_of(row->name), name))
            continue;
        if (!value_fits(row, value)) {
            if (row->choices != NULL)
                return fault_set(why, RC_INVALID, "sim.switch", "%s: allowed %s", row->name, row->choices);
            return fault_set(why, RC_INVALID, "sim.switch", "%s: allowed %lld to %lld", row->name,
                             (long long)row->min, (long long)row->max);
        }
        value_put(s, i, value);
        return RC_OK;
    }
    return fault_set(why, RC_INVALID, "sim.switch", "no switch named " STR_FMT,
                     STR_ARG(str_sub(name, 0, 60)));
}

bool switch_is(const struct switches *s, enum sw which, const char *choice)
{
    return strcmp(s->text[which], choice) == 0;
}

bool switch_on(const struct switches *s, enum sw which)
{
    return switch_is(s, which, "on");
}

int64_t switch_int(const struct switches *s, enum sw which)
{
    int64_t n = 0;
    must(str_to_i64(str_of(s->text[which]), &n));
    return n;
}

str switch_text(const struct switches *s, enum sw which)
{
    return str_of(s->text[which]);
}
