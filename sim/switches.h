/* The switches: everything that no source could settle, or that a test wants otherwise. One table
 * (switches.c). */
#ifndef SIM_SWITCHES_H
#define SIM_SWITCHES_H
#include "base/base.h"

enum sw {
    SW_PROFILE,
    SW_REFRESH_SAME,
    SW_REFRESH_CLOCK,
    SW_REFRESH_KILLS_ACCESS,
    SW_ROTATION,
    SW_REUSE_ENDS_CHAIN,
    SW_NEW_GRANT_ENDS_OLD,
    SW_REFRESH_DELAY_MS,
    SW_BUSINESS_ACCESS_S,
    SW_BUSINESS_REFRESH_S,
    SW_BUSINESS_TOKEN_FIELDS,
    SW_BUSINESS_REMOVED_EVENT,
    SW_BUSINESS_REVOKE,
    SW_SCOPE_BLANKS,
    SW_EXPIRED_CODE,
    SW_METHOD_ERROR,
    SW_REGION_ERROR,
    SW_RATE_LIMITS,
    SW_RATE_LEVEL,
    SW_RATE_ACCOUNT_CODE,
    SW_WEBHOOK_UNSET,
    SW_ADS_CALLBACK,
    SW_ADS_CANCEL,
    SW_ADS_REVOKE,
    SW_SNAPSHOT_EVERY_S,
    SW_CODE_TTL_S,
    SW_WEB_PKCE,
    SW_CHALLENGE_CHECK,
    SW_OAUTH_ERROR_STATUS,
    SW_SCOPE_ERROR,
    SW_SCOPE_MISLABEL,
    SW_LENIENT_USER_INFO,
    SW_UNION_ID,
    SW_RATE_PER_MINUTE,
    SW_AVATAR_TTL_S,
    SW_ERROR_CLIENT_KEY,
    SW_ERROR_REDIRECT_URI,
    SW_ERROR_CODE_CHALLENGE,
    SW_ERROR_SCOPE,
    SW_ERROR_RESPONSE_TYPE,
    SW_ERROR_SANDBOX,
    SW_AUTO_CONSENT,
    SW_AUTO_USER,
    SW_AUTO_SKIP,
    SW_SKIP_WITHOUT_CODE,
    SW_QR_ANSWER,
    SW_QR_TICKET,
    SW_QR_TTL_S,
    SW_T_RESIGN,
    SW_SIGNATURE_HEADER,
    SW_WEBHOOK_SECRET,
    SW_ESCAPE,
    SW_WEBHOOK_DUPLICATE,
    SW_WEBHOOK_LOST,
    SW_WEBHOOK_REORDER,
    SW_WEBHOOK_DELAY_MS,
    SW_WEBHOOK_SKEW_S,
    SW_RETRY_BASE_S,
    SW_WEBHOOK_TIMEOUT_MS,
    SW_DATE_SKEW_S,
    SW_WINDOW,
    SW_DAILY_CONVERSATIONS,
    SW_ECHO,
    SW_ECHO_DELAY_MS,
    SW_EVENT_FIELDS,
    SW_UNKNOWN_CONVERSATION,
    SW_CAPABILITY_ERROR,
    SW_IMAGE_SEND,
    SW_LINKS,
    SW_CONTENT_ORDER,
    SW_READ_MARKS,
    SW_MEDIA_CDN,
    SW_AUTO_REVIEW,
    SW_AUTO_REVIEW_MS,
    SW_DIRECT_REPLY_COUNTRY,
    SW_COMMENT_TEXT_MAX,
    SW_COMMENT_REPLY_PATH,
    SW_COMMENT_PAGES,
    SW_COMMENT_EVENT_TEXT,
    SW_COMMENT_DELAY_MS,
    SW_COUNT
};
struct switch_row {
    const char *name;
    const char *choices;   /* "a|b": the first is the default; NULL: a number or text */
    int64_t min, max, def; /* numbers; all 0: free text */
    const char *doc;
};
extern const struct switch_row switch_rows[SW_COUNT];
struct switches {
    char text[SW_COUNT][72]; /* the value in force */
};
void switches_init(struct switches *s);
/* RC_INVALID: unknown name or a value that is not allowed; detail says what is. */
MUSTCHECK enum rc switch_set(struct switches *s, str name, str value, struct fault *why);
bool switch_is(const struct switches *s, enum sw which, const char *choice);
bool switch_on(const struct switches *s, enum sw which); /* "on" */
int64_t switch_int(const struct switches *s, enum sw which);
str switch_text(const struct switches *s, enum sw which);
#endif
