/* accounts: app rows, connected TikTok accounts, sealed tokens. The only giver of tokens.
 *
 * Tables: accounts (one row per workspace, app and open_id), account_grants (one per authorization; history
 * stays), account_health (the timeline). The key of an account is (client_key, open_id); union_id is a hint.
 * Tokens are sealed for (workspace, table, row, column); beside each stands a keyed 128-bit fingerprint:
 * compare and set on rotation without opening anything. A grant's state moves only in grant_move(), from a
 * table; at most one grant of an account is live. Times are absolute, computed from TikTok's answer: refresh
 * is due at 50 % of the life +-10 %. Refresh: lease row with a fence -> call -> one transaction,
 * compare-and-set on the old fingerprint. A lost answer is tried once more with the old token, never in a
 * loop; who loses the race waits and reads again. Thread: one that looks; refresh and revoke are jobs.
 * What can go wrong: an `authorization.removed` that is older than the live grant must not end it; one
 * within 2 s of the grant's birth is settled by asking TikTok whether the token lives (job accounts.verify).
 */
#ifndef MZ_ACCOUNTS_H
#define MZ_ACCOUNTS_H
#include "base/base.h"
#include "http/http.h"
#include "jobs/jobs.h"
#include "store/store.h"
#include "keys/keys.h"
#include "audit/audit.h"
#include "budget/budget.h"
#include "consent/consent.h"
#include "tiktok/tiktok.h"
#include "accounts/apps.h" /* the app rows: second part of this manual */

struct accounts;
struct accounts_options {
    const struct config *config;
    struct store *store;
    struct keys *keys;
    struct audit *audit;
    struct consent *consent;
    struct budget *budget;
    struct tiktok *tiktok;
    struct log *log;
};
/* RC_INVALID "accounts.app": a row that TikTok would refuse or that could be mixed up with another (apps.c).
 * An app without a client key is absent. */
MUSTCHECK enum rc accounts_open(const struct accounts_options *o, struct accounts **out, struct fault *why);
/* The thread of this room, after jobs_start: looks every second for what is due and what was cut off. */
MUSTCHECK enum rc accounts_start(struct accounts *a, struct fault *why);
void accounts_stop(struct accounts *a); /* before jobs_stop; running refreshes are the jobs' */
void accounts_close(struct accounts **a);

/* ---- a grant arrives: sign-in or connection, inside the caller's transaction ---- */
struct account_arrival {
    str workspace;
    const struct account_app *app; /* its kind gives the role: login, business, advertiser */
    /* An advertiser has no open_id at TikTok: the caller puts the core_user_id of tiktok_ads_whoami there. */
    const struct tiktok_tokens *tokens;
    const struct tiktok_user *user; /* login: NULL when the profile was not read; earlier values stay */
    str role;                       /* empty, or what the app's kind says: another one is RC_BUG */
    str name, username, avatar_url; /* business and advertiser; empty: earlier values stay */
    const struct tiktok_advertiser *advertisers; /* advertiser: the ad accounts granted */
    size_t n_advertisers;                        /* 0: ids of tokens->advertisers, without names */
    str beside; /* another account of the same person or shop, shown together; empty: found by username */
};
struct account_arrived {
    str account, grant, missing_scopes; /* held by the app, not granted by the person; comma list */
    bool known;                         /* the account existed before */
};
/* Finds or makes the account, ends its live grant as `replaced`, seals the new tokens. Lock ("account",
 * client_key/open_id). RC_INVALID "accounts.open_id" when user and token name different people; RC_CONFLICT
 * "accounts.business_taken" when another workspace holds this business account. */
MUSTCHECK enum rc accounts_arrive(struct accounts *a, struct tx *tx, const struct account_arrival *in,
                                  struct arena *mem, struct account_arrived *out, struct fault *why);

struct account {
    str id, app, client_key, open_id, union_id, role; /* role: "login", "business" or "advertiser" */
    str display_name, username, avatar_url, scopes, end_reason;
    str person, person_name; /* same for the accounts of one person or shop: an account's id */
    const char *state;       /* "connected", "unsure", "needs_reauth", "revoking", "revoked" */
    /* 0: none or unknown. access_expires_ms 0 with a live advertiser grant: does not expire */
    int64_t access_expires_ms, refresh_expires_ms, next_ms; /* next_ms: refresh or probe */
    int64_t failures;                                       /* refreshes that failed in a row */
    int64_t connected_ms, good_ms, profile_ms;              /* last good call; profile read */
    int64_t webhook_ms;                                     /* last verified webhook; 0: none yet */
};
/* RC_MISSING "accounts.missing" for absent and foreign ids alike. */
MUSTCHECK enum rc accounts_load(struct tx *tx, str workspace, str id, struct arena *mem, struct account *out,
                                struct fault *why);
struct account_profile {
    str client_key, open_id, union_id, display_name, username, avatar_url;
    int64_t fetched_ms;
};
MUSTCHECK enum rc accounts_profile(struct tx *tx, str workspace, str id, struct arena *mem,
                                   struct account_profile *out, struct fault *why);

/* ---- tokens: not inside a transaction. Refreshes on demand when less than 60 s are left ---- */
struct account_token {
    struct secret access;
    str scopes, open_id;
    int64_t generation; /* a revoked or newer grant has another one */
    int64_t rotation;   /* which pair of the grant this is: for accounts_reported */
};
/* Never cached: a grant that is being revoked opens for nobody but its revoke job. RC_REAUTH
 * "accounts.needs_reauth" | "accounts.revoked", RC_MISSING, RC_RETRY "accounts.unsure",
 * "accounts.refresh_busy". mem: a secret arena. */
MUSTCHECK enum rc accounts_token(struct accounts *a, str workspace, str id, struct arena *mem,
                                 struct account_token *out, struct fault *why);

/* ---- ends of a grant ---- */
/* The live grant becomes `revoking`: no node gives its token any more; the job tells TikTok, then the
 * ciphertext is deleted. Harmless when repeated. The caller audits. */
MUSTCHECK enum rc accounts_revoke(struct accounts *a, struct tx *tx, str workspace, str id,
                                  struct fault *why);
struct account_owner {
    str workspace, account;
};
/* Every workspace that knows this person of an app. */
MUSTCHECK enum rc accounts_owners(struct tx *tx, str client_key, str open_id, struct arena *mem,
                                  struct account_owner **out, size_t *n, struct fault *why);
/* `authorization.removed` for one owner. reason 0 unknown, 1 user, 2 account deleted, 3 age changed, 4
 * banned, 5 developer. Records the withdrawal, emits account.disconnected and audits when *ended. */
struct account_removal {
    struct account_owner owner;
    int64_t reason, create_time_s;
};
MUSTCHECK enum rc accounts_removed(struct accounts *a, struct tx *tx, const struct account_removal *r,
                                   bool *ended, struct fault *why);

/* ---- business accounts route webhooks to a workspace ---- */
/* RC_MISSING "accounts.business_unknown": also after its grant ended. Of webhook's type find_owner. */
MUSTCHECK enum rc accounts_find_owner(struct tx *tx, str client_key, str user_openid, struct arena *mem,
                                      str *workspace, str *account, struct fault *why);
/* A verified webhook for this account arrived; of webhook's type saw_owner. */
MUSTCHECK enum rc accounts_saw_webhook(struct tx *tx, str workspace, str account, int64_t at_ms,
                                       struct fault *why);
/* Business accounts that are not ended (claimed ones without a grant too), of all workspaces, ascending,
 * after one (NULL: from the first). */
MUSTCHECK enum rc accounts_businesses(struct tx *tx, const struct account_owner *after_or_null, int64_t limit,
                                      struct arena *mem, struct account_owner **out, size_t *n,
                                      struct fault *why);
struct business_claim {
    str workspace, client_key, open_id, name, username;
};
/* Without a grant (demo, tests). RC_CONFLICT "accounts.business_taken" when another workspace has it. */
MUSTCHECK enum rc accounts_claim_business(struct tx *tx, const struct business_claim *c, struct arena *mem,
                                          str *account, struct fault *why);
#include "accounts/grants.h"
#include "accounts/feature.h" /* features and scopes: third part */
#include "accounts/rows.h"
#endif
