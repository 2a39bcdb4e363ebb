/* The simulated world: apps of TikTok's portals, people, shops, customers, and what they granted.
 *
 * Everything lives in fixed tables with a maximum; a full table refuses (apps, users) or forgets its oldest
 * row (codes, tokens). Rows of apps, users, shops and customers are never removed, so an index stays valid.
 * One mutex (sim.h) guards all of it; nothing here locks. Times are epoch milliseconds of the virtual clock.
 */
#ifndef SIM_MODEL_H
#define SIM_MODEL_H
#include "base/base.h"
#include "json/json.h"
#include "bounds.h"
#include "index.h"
#include "chat.h"

enum portal { PORTAL_LOGIN, PORTAL_BUSINESS, PORTAL_ADS };
enum app_state { APP_DRAFT, APP_IN_REVIEW, APP_LIVE, APP_SANDBOX };
enum uri_kind { URI_WEB, URI_DESKTOP, URI_MOBILE, URI_KINDS };
enum person_state { PERSON_ACTIVE, PERSON_DELETED, PERSON_UNDER_AGE, PERSON_BANNED };

enum hook_kind { HOOK_DIRECT_MESSAGE, HOOK_COMMENT, HOOK_VIDEO, HOOK_BRAND_MENTION, HOOK_KINDS };
struct hook { /* /business/webhook/update/: one callback per category and app */
    char url[URI_SIZE], items[100][24];
    unsigned n_items; /* COMMENT only, cumulative */
};
struct app {
    char client_key[ID_SIZE], secret[128], old_secret[128];
    char name[96], organization[ID_SIZE], webhook_url[URI_SIZE];
    enum portal portal;
    enum app_state state;
    uint32_t scopes;         /* bits of sim_scopes; of an ads app: of sim_permissions */
    char messaging[ID_SIZE]; /* "approved" (also ""), "pending": the review of Business Messaging */
    bool us_approved;        /* may serve accounts of the United States */
    struct hook hooks[HOOK_KINDS];
    char uris[URI_KINDS][MAX_URIS][URI_SIZE];
    unsigned n_uris[URI_KINDS];
    char targets[MAX_URIS][ID_SIZE]; /* users of a sandbox */
    unsigned n_targets;
};
struct own_id { /* an id fixed by the scenario instead of derived */
    char client_key[ID_SIZE], open_id[ID_SIZE];
};
struct user {
    char id[ID_SIZE], display_name[128], username[ID_SIZE], bio[256], union_id[ID_SIZE];
    bool verified;
    int64_t followers, following, likes, videos;
    /* "TH"; "business", "personal", "": as there is a shop; "everyone" (also ""), "requests", "nobody" */
    char region[8], account_type[16], message_permission[16];
    enum person_state state;
    struct own_id own[8];
    unsigned n_own;
};
struct shop { /* a business account of TikTok that authorised a business app */
    char id[ID_SIZE], client_key[ID_SIZE], user[ID_SIZE], business_id[ID_SIZE], username[ID_SIZE];
    char display_name[128];
};
struct customer {
    char id[ID_SIZE], username[ID_SIZE], display_name[128], unique_identifier[96];
    bool follower, eu, blocks, no_images; /* blocks the shops; its country takes no images */
};
struct advertiser { /* an ad account and the person who may authorise apps for it */
    char id[ID_SIZE], name[128], user[ID_SIZE];
};
struct grant {
    unsigned app, user;
    uint32_t scopes;
    uint32_t generation; /* tokens of an earlier generation are dead */
    bool active;
    int64_t granted_ms;
    int reason;                                 /* of authorization.removed, while not active */
    uint64_t advertisers[MAX_ADVERTISERS / 64]; /* bits: which ad accounts the person ticked */
    unsigned in_flight, in_flight_max;          /* refreshes on their way, now and ever */
    int64_t refreshed, refused;                 /* refreshes that rotated the pair, and the others */
};
struct code {
    char text[TOKEN_SIZE], redirect_uri[URI_SIZE], challenge[132];
    unsigned app, user;
    uint32_t scopes;
    bool used, any_uri; /* any_uri: made by the QR flow, every registered URI fits */
    int64_t expires_ms;
};
struct token {
    char access[TOKEN_SIZE], refresh[TOKEN_SIZE];
    unsigned app, user, grant;
    uint32_t scopes, generation, chain, serial; /* serial: 1, 2 ... along the chain */
    uint32_t prev, next;                        /* neighbours in the chain: row + 1; 0: none */
    bool client_only, access_dead, refresh_dead;
    bool grace;                              /* rotated, but honoured until its successor is used */
    int64_t access_ms, refresh_ms, chain_ms; /* expiries; chain_ms: when the chain began */
    int64_t access_life_s, refresh_life_s;   /* of the chain; 0: as the switches say */
};
enum qr_state { QR_NEW, QR_SCANNED, QR_CONFIRMED, QR_UTILISED, QR_EXPIRED, QR_DENIED };
struct qr {
    char token[TOKEN_SIZE], ticket[URI_SIZE], mz_state[URI_SIZE], code[TOKEN_SIZE];
    unsigned app, user;
    uint32_t scopes;
    enum qr_state state;
    int64_t expires_ms;
};
struct world {
    struct app apps[MAX_APPS];
    struct user users[MAX_USERS];
    struct shop shops[MAX_SHOPS];
    struct customer customers[MAX_CUSTOMERS];
    struct advertiser advertisers[MAX_ADVERTISERS];
    struct grant grants[MAX_GRANTS];
    struct code codes[MAX_CODES];
    struct token tokens[MAX_TOKENS];
    struct qr qrs[MAX_QR];
    struct message messages[MAX_MESSAGES];
    struct thread threads[MAX_THREADS];
    struct media media[MAX_MEDIA];
    struct shop_state shop_states[MAX_SHOPS]; /* by the shop's row */
    struct comment comments[MAX_COMMENTS];
    size_t n_apps, n_users, n_shops, n_customers, n_advertisers, n_grants; /* rows in use */
    size_t n_threads, n_comments;
    size_t n_codes, n_tokens, n_qrs, n_messages, n_media; /* ever made: the row is n % MAX */
    size_t media_bytes;
    uint32_t chains;
    struct index by_user, by_access, by_refresh, by_message, by_thread;
    int64_t offset_ms; /* virtual minus real clock */
};

struct app *app_find(struct world *w, str client_key);
struct user *user_find(struct world *w, str id);
struct shop *shop_find(struct world *w, str id);
struct user *user_make(struct world *w, str id); /* a new row of that id; NULL: full */
struct customer *customer_find(struct world *w, str id);
struct advertiser *advertiser_find(struct world *w, str id);
struct grant *grant_find(struct world *w, const struct app *a, const struct user *u);
struct grant *grant_make(struct world *w, const struct app *a, const struct user *u); /* NULL: full */
struct code *code_find(struct world *w, str text);
struct token *token_by_access(struct world *w, str text);
struct token *token_by_refresh(struct world *w, str text);
struct qr *qr_find(struct world *w, str token); /* all look-ups: NULL when there is none */
bool token_alive(const struct world *w, const struct token *t, int64_t now_ms); /* its access token */
bool refresh_alive(const struct world *w, const struct token *t, int64_t now_ms);
struct code *code_next(struct world *w);            /* a cleared row; the oldest is forgotten */
struct token *token_next(struct world *w);          /* skips rows whose refresh token is alive */
void token_named(struct world *w, struct token *t); /* its texts stand: now it can be found by them */
void tokens_clear(struct world *w);
struct qr *qr_next(struct world *w);
unsigned app_index(const struct world *w, const struct app *a);
unsigned user_index(const struct world *w, const struct user *u);

bool text_set(char *to, size_t size, str s); /* false when too long or with a NUL: *to is unchanged */
#define TEXT_SET(field, s) text_set((field), sizeof(field), (s))
#include "ids.h"
#include "scopes.h"
#endif
