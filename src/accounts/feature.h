/* Features and their scopes: what a connected account can do, what is missing and who must act. Part of
 * accounts' manual.
 *
 * One const table says which scopes each feature needs for its kind of app. A feature works when the person
 * granted all of them; else either the app holds the rest and a step-up asks for the smallest addition, or
 * TikTok has not approved the app for them and the operator must apply. Advertisers grant integers that no
 * public table explains (marketing-api 1.7), so their features are judged by TikTok's answers: untried until
 * a call worked or was refused with 40001.
 * Tables: account_features (worked, refused), account_markets (what the owner said when connecting).
 */
#ifndef MZ_ACCOUNTS_FEATURE_H
#define MZ_ACCOUNTS_FEATURE_H
#include "base/base.h"
#include "http/http.h"
#include "store/store.h"
#include "tiktok/tiktok.h"

struct feature {
    const char *name; /* "chat.read"; unique within a kind */
    enum app_kind kind;
    const char *scopes; /* comma list; ads: our word for the permission of the portal's tree */
    const char *en, *th;
    const char *apply_en, *apply_th; /* what to apply for when the app does not hold it */
    const char *doc;                 /* which calls need it, with the source */
};
const struct feature *feature_at(size_t i); /* NULL past the end */
const struct feature *feature_find(enum app_kind kind, str name);

enum feature_state { FEATURE_WORKS, FEATURE_UNTRIED, FEATURE_MISSING_SCOPE, FEATURE_APP_LACKS_SCOPE };
const char *feature_state_name(enum feature_state s);
struct feature_facts {
    str held;                      /* scopes of the app row; ads: empty when not declared */
    str granted;                   /* of the live grant; empty: not connected */
    int64_t since_ms;              /* when it was granted */
    int64_t worked_ms, refused_ms; /* what TikTok answered last; 0: never */
    bool live;                     /* a grant is there and not ended */
};
struct feature_verdict {
    enum feature_state state;
    str missing; /* comma list: not granted */
    str lacking; /* of those, not held by the app */
};
/* Pure. */
void feature_judge(const struct feature *f, const struct feature_facts *facts, struct arena *mem,
                   struct feature_verdict *out);
/* The scopes of an authorize URL, pure: never one that the app does not hold. Without a feature: what was
 * granted, or everything held for a first connection. With one: what was granted and the missing scopes of
 * that feature. RC_REFUSED "accounts.app_lacks_scope" when the app does not hold one of them. ads: empty. */
MUSTCHECK enum rc feature_ask(const struct feature *f_or_null, const struct feature_facts *facts,
                              enum app_kind kind, struct arena *mem, str *out, struct fault *why);

/* A call that needs this feature worked, or TikTok refused it with 40001. */
struct feature_note {
    str workspace, account, feature;
    bool worked;
};
MUSTCHECK enum rc accounts_feature_noted(struct tx *tx, const struct feature_note *n, struct fault *why);

/* Where the account was registered, as its owner said: no call of TikTok tells (business-messaging 4.3). */
MUSTCHECK enum rc accounts_market_set(struct tx *tx, str workspace, str account, str market,
                                      struct fault *why);
/* "th", "eea", "us" or "rest"; empty: nobody said. */
MUSTCHECK enum rc accounts_market(struct tx *tx, str workspace, str account, struct arena *mem, str *market,
                                  struct fault *why);

extern const struct migration_table features_migrations; /* 3110+ */
extern const struct route features_routes[];             /* ctx: struct accounts * */
extern const size_t features_routes_n;
extern const struct problem_row features_problems[];
extern const size_t features_problems_n;
#endif
