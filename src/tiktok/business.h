/* What room tiktok knows of TikTok API for Business: accounts (tt_user, business) and advertisers. Part of
 * tiktok's manual.
 *
 * tiktok_exchange, tiktok_refresh, tiktok_revoke and tiktok_authorize_url serve all three families by
 * `client->kind`. Here stand the calls that only these two have. The facts: every path ends with a slash
 * (without it: plain-text 404); the header is a bare `Access-Token`; answers are {code, message, request_id,
 * data} with HTTP 200 even for errors; subscription and advertiser calls carry the app's secret in body or
 * query, so that no URL and no body of these calls is ever logged.
 *
 * Every failure of a call carries TikTok's code and log id (fault.outer_code, fault.outer_ref; request_id,
 * else X-TT-LOGID; the Login Kit has words instead of codes: 0). Fault codes of these families, one table
 * (tiktok_code_class), for each family and group of calls:
 *   tiktok.token_expired  RC_REAUTH  accounts 40102: refresh once
 *   tiktok.token_invalid  RC_REAUTH  40105 (ads: 40104 too): accounts refresh once, ads reconnect
 *   tiktok.refresh_dead   RC_REAUTH  40103, 40107; in a refresh 40105 too; Login Kit: invalid_grant
 *   tiktok.code_expired   RC_REAUTH  40110: restart consent
 *   tiktok.scope_missing  RC_SCOPE   40001
 *   tiktok.not_allowed    RC_OFF     40118, 40124, 40125: the app or this account may not (yet)
 *   tiktok.limited        RC_LIMITED 40016, 40100, 40133, HTTP 429; ads: 40101, 40102, 51021 in calls too
 *   tiktok.client         RC_REFUSED configuration: 40101, 40113, 41000
 *   tiktok.dm_rules, tiktok.file, tiktok.param, tiktok.api_error, tiktok.no_endpoint RC_REFUSED, permanent
 *   tiktok.down, tiktok.slow, tiktok.not_json RC_RETRY
 *   tiktok.unsure         RC_UNSURE  a refresh that was sent and not answered; 40050
 *   tiktok.invalid_params RC_BUG     our request is wrong: 40104, 40108, 40117, ...
 */
#ifndef MZ_TIKTOK_BUSINESS_H
#define MZ_TIKTOK_BUSINESS_H
#include "tiktok/tiktok.h"

/* ---- what can be asked of a family: the endpoint's name is the budget's and the log's ---- */
enum tiktok_op {
    OP_EXCHANGE,
    OP_REFRESH,
    OP_REVOKE,
    OP_PROFILE, /* Login Kit: user info; accounts: business get; ads: user info */
    OP_QR_START,
    OP_QR_CHECK,
    OP_TOKEN_INFO,
    OP_CONVERSATIONS,
    OP_HOOK_SET,
    OP_HOOK_GET,
    OP_HOOK_DELETE,
    OP_ADVERTISERS,
    TIKTOK_OPS
};
const struct tiktok_endpoint *tiktok_endpoint_of(enum app_kind kind, enum tiktok_op op); /* NULL: has none */

/* ---- authorization ---- */
str tiktok_authorize_origin_of(const struct tiktok *t, enum app_kind kind);
/* As tiktok_callback_parse. Ads: `auth_code`, else `code`. Accounts: `error_code` counts as `error`. */
MUSTCHECK enum rc tiktok_callback_parse_of(enum app_kind kind, str query, struct arena *mem,
                                           struct tiktok_callback *out, struct fault *why);

/* ---- accounts: calls with the account's token ---- */
struct tiktok_call {
    struct secret access;
    str business_id;  /* the open_id */
    str scopes;       /* granted */
    int64_t total_ms; /* 0: the setting */
};
struct tiktok_token_info {
    str open_id, scopes; /* of the token; scopes: comma list without blanks */
};
MUSTCHECK enum rc tiktok_token_info(struct tiktok *t, const struct permit *permit,
                                    const struct tiktok_client *client, struct secret access,
                                    struct arena *mem, struct tiktok_token_info *out, struct fault *why);
struct tiktok_business {
    str display_name, username, avatar_url, bio, profile_link;
    bool has_profile, is_verified; /* has_profile: TikTok answered is_verified */
    bool has_business, is_business;
    bool has_stats;
    int64_t followers, following, likes, videos;
};
str tiktok_business_fields(str granted_scopes, struct arena *mem); /* JSON array; STR_NONE: nothing to ask */
/* Asks only for fields of granted scopes. RC_SCOPE when there is none. No country field exists. */
MUSTCHECK enum rc tiktok_business_get(struct tiktok *t, const struct permit *permit,
                                      const struct tiktok_call *call, struct arena *mem,
                                      struct tiktok_business *out, struct fault *why);
/* One conversation/list of one stranger: RC_OK means that Business Messaging works for this account. */
MUSTCHECK enum rc tiktok_conversations_probe(struct tiktok *t, const struct permit *permit,
                                             const struct tiktok_call *call, struct fault *why);

/* ---- accounts: webhook configuration, one callback per app and category (not per account) ---- */
struct tiktok_subscription {
    str event_type; /* the category: DIRECT_MESSAGE, COMMENT, VIDEO, BRAND_MENTION; never an event's name */
    str callback_url;
};
/* item_list is never sent: once set, "all posts" cannot be had again. */
MUSTCHECK enum rc tiktok_subscription_set(struct tiktok *t, const struct permit *permit,
                                          const struct tiktok_client *client,
                                          const struct tiktok_subscription *s, struct fault *why);
/* *url: STR_NONE when none is registered. */
MUSTCHECK enum rc tiktok_subscription_get(struct tiktok *t, const struct permit *permit,
                                          const struct tiktok_client *client, str event_type,
                                          struct arena *mem, str *url, struct fault *why);
MUSTCHECK enum rc tiktok_subscription_delete(struct tiktok *t, const struct permit *permit,
                                             const struct tiktok_client *client, str event_type,
                                             struct fault *why);

/* ---- ads: tokens do not expire; these two probe whether they live ---- */
struct tiktok_advertiser {
    str id, name;
};
struct tiktok_advertisers {
    struct tiktok_advertiser *list;
    size_t n;
};
MUSTCHECK enum rc tiktok_advertisers(struct tiktok *t, const struct permit *permit,
                                     const struct tiktok_client *client, struct secret access,
                                     struct arena *mem, struct tiktok_advertisers *out, struct fault *why);
struct tiktok_ads_user {
    str core_user_id, display_name, avatar_url; /* the e-mail address in the answer is not kept */
};
MUSTCHECK enum rc tiktok_ads_whoami(struct tiktok *t, const struct permit *permit, struct secret access,
                                    struct arena *mem, struct tiktok_ads_user *out, struct fault *why);

/* ---- the answer classes as rows, for tests, docs and proofs ---- */
enum tiktok_group { GROUP_ANY, GROUP_EXCHANGE, GROUP_REFRESH, GROUP_REVOKE, GROUP_CALL, GROUPS };
struct tiktok_code_class { /* the first row that matches wins */
    enum app_kind kind;
    enum tiktok_group group; /* GROUP_ANY: every group */
    int64_t from, to;        /* TikTok's code, inclusive */
    const char *says;        /* part of the message, ASCII case ignored; NULL: any */
    enum rc rc;
    const char *code; /* fault code */
    const char *doc;  /* with the source */
};
const struct tiktok_code_class *tiktok_code_class(size_t i); /* NULL past the end */

/* ---- pure parsers, for tests and fuzzing (a parse never looks at `group` but to class an error) ---- */
struct tiktok_answer {
    enum app_kind kind;
    enum tiktok_group group;
    int status;
    str body, log_id; /* log_id: of the header */
};
MUSTCHECK enum rc tiktok_grant_parse(const struct tiktok_answer *a, struct arena *mem,
                                     struct tiktok_tokens *out, struct fault *why);
MUSTCHECK enum rc tiktok_done_parse(const struct tiktok_answer *a, struct arena *mem, struct fault *why);
MUSTCHECK enum rc tiktok_token_info_parse(const struct tiktok_answer *a, struct arena *mem,
                                          struct tiktok_token_info *out, struct fault *why);
MUSTCHECK enum rc tiktok_business_parse(const struct tiktok_answer *a, struct arena *mem,
                                        struct tiktok_business *out, struct fault *why);
MUSTCHECK enum rc tiktok_hook_parse(const struct tiktok_answer *a, struct arena *mem, str *url,
                                    struct fault *why);
MUSTCHECK enum rc tiktok_advertisers_parse(const struct tiktok_answer *a, struct arena *mem,
                                           struct tiktok_advertisers *out, struct fault *why);
MUSTCHECK enum rc tiktok_ads_user_parse(const struct tiktok_answer *a, struct arena *mem,
                                        struct tiktok_ads_user *out, struct fault *why);
#endif
