/* accounts: app rows, connected TikTok accounts, sealed tokens. The only giver of tokens.
 *
 * Tables: accounts (one row per workspace, app and open_id), account_grants (one row per authorization; history stays),
 * account_health (the timeline). Key of an account is (client_key, open_id); union_id is a hint and never a key.
 * Tokens are sealed under the workspace's key with (workspace, row, column, key id) as associated data; beside each
 * stands a keyed 128-bit fingerprint, which gives compare-and-set on rotation without opening anything.
 *
 * A grant's state moves only in grant_move(), from a table. At most one grant of an account is live. Times are
 * absolute, computed from TikTok's answer, never from constants: refresh is due at 50 % of the life +-10 %.
 * Refresh: intent row (refreshing_since, fence) -> call -> one transaction compare-and-set on the old fingerprint.
 * A lost answer is tried once more with the old token, then the grant needs the person again; it is never deleted on
 * timeouts. Who loses the race waits and reads again.
 * What can go wrong: a stale `authorization.removed` (older than the live grant) must not end a newer grant.
 */
#ifndef MZ_ACCOUNTS_H
#define MZ_ACCOUNTS_H
#include "base/base.h"
#include "http/http.h"
#include "jobs/jobs.h"
#include "store/store.h"
#include "keys/keys.h"
#include "tiktok/tiktok.h"

struct accounts;
struct accounts_options {
    const struct config *config;
    struct store *store;
    struct keys *keys;
    struct tiktok *tiktok;
    struct log *log;
};
/* RC_INVALID "accounts.app": an app with a client key and an empty client or webhook secret, or scopes without
 * user.info.basic. An app without a client key is absent: its functions answer RC_OFF. */
MUSTCHECK enum rc accounts_open(const struct accounts_options *o, struct accounts **out, struct fault *why);
void accounts_close(struct accounts **a);

/* ---- app rows: of the installation, from settings; ids "login" and "business" stand in webhook paths ---- */
enum redirect_kind { REDIRECT_WEB, REDIRECT_LOOPBACK, REDIRECT_MOBILE };
struct account_app {
    str id, workspace; /* workspace "-": the installation's */
    enum app_kind kind;
    struct tiktok_client client;
    struct secret webhook_secret, webhook_secret_previous; /* the latter may be empty */
    str scopes; /* held: approved by TikTok; nothing else is ever requested */
    str redirect_uri; /* of browser sign-in */
    enum redirect_kind redirect_kind;
    const str *mobile_redirects;
    size_t n_mobile_redirects, webhook_body_max;
};
size_t accounts_apps(const struct accounts *a, const struct account_app **out); /* lives as long as the room */
const struct account_app *accounts_app(const struct accounts *a, enum app_kind kind); /* NULL: not configured */
enum redirect_kind redirect_kind_of(str uri); /* http(s) on localhost or 127.0.0.1 is loopback; https is web */

/* ---- sign-in and connection: inside the caller's transaction ---- */
struct account_arrival {
    str workspace;
    const struct account_app *app;
    const struct tiktok_tokens *tokens;
    const struct tiktok_user *user; /* NULL: profile not read; earlier values stay */
};
struct account_arrived {
    str account, grant;
    bool known; /* the account existed before */
    str missing_scopes; /* held by the app, not granted by the person */
};
/* Finds or makes the account, ends its live grant as `replaced`, seals the new tokens, schedules the refresh. Takes
 * the lock ("account", client_key/open_id). RC_INVALID "accounts.open_id" when user and token name different people. */
MUSTCHECK enum rc accounts_arrive(struct accounts *a, struct tx *tx, const struct account_arrival *in,
                                  struct arena *mem, struct account_arrived *out, struct fault *why);

enum grant_state { GRANT_ACTIVE, GRANT_NEEDS_REAUTH, GRANT_REVOKING, GRANT_REVOKED, GRANT_REMOVED, GRANT_REPLACED,
                   GRANT_STATES };
enum grant_event { GRANT_REFRESHED, GRANT_REFUSED, GRANT_REVOKE_ASKED, GRANT_REVOKE_DONE, GRANT_REMOVED_AT_TIKTOK,
                   GRANT_NEW_ONE, GRANT_EVENTS };
const char *grant_state_name(enum grant_state s); /* "active", "needs_reauth", ... as stored and shown */
/* The table: RC_BUG "accounts.grant_move" for a pair that is not listed. */
MUSTCHECK enum rc grant_move(enum grant_state from, enum grant_event by, enum grant_state *to, struct fault *why);

struct account {
    str id, app, client_key, open_id, union_id, role; /* role: "login" or "business" */
    str display_name, username, avatar_url, scopes, state, end_reason;
    int64_t granted_ms, access_expires_ms, refresh_expires_ms, changed_ms;
};
/* RC_MISSING "accounts.missing" for absent and foreign ids alike. */
MUSTCHECK enum rc accounts_load(struct tx *tx, str workspace, str id, struct arena *mem, struct account *out,
                                struct fault *why);
MUSTCHECK enum rc accounts_find(struct tx *tx, str workspace, str client_key, struct arena *mem, str open_id,
                                str *account, struct fault *why);
bool account_has_scope(const struct account *a, const char *scope);

/* ---- tokens: not inside a transaction. Refreshes on demand when less than 60 s are left ---- */
struct account_token {
    struct secret access;
    str scopes, open_id;
    int64_t generation; /* to be compared at use: a revoked grant has another one */
};
/* RC_REAUTH "accounts.needs_reauth", RC_MISSING, RC_RETRY. mem: a secret arena. */
MUSTCHECK enum rc accounts_token(struct accounts *a, str workspace, str account, struct arena *mem,
                                 struct account_token *out, struct fault *why);

/* ---- ends of a grant ---- */
/* Marks the live grant `revoking`, makes its tokens unusable for every node at once and puts the job that tells
 * TikTok (refresh first when expired; then the ciphertext is deleted). Repeating it is harmless. */
MUSTCHECK enum rc accounts_revoke(struct tx *tx, str workspace, str account, const char *reason, struct fault *why);
/* `authorization.removed` for one person of an app, in every workspace. reason 0 unknown, 1 user, 2 account deleted,
 * 3 age changed, 4 banned, 5 developer. Older than the live grant: nothing changes. *ended counts grants ended. */
struct account_removal {
    str client_key, open_id;
    int64_t reason, create_time_s;
};
MUSTCHECK enum rc accounts_removed(struct tx *tx, const struct account_removal *r, int64_t *ended, struct fault *why);

/* ---- business accounts route webhooks to a workspace ---- */
/* RC_MISSING "accounts.business_unknown". Same type as webhook's find_owner. */
MUSTCHECK enum rc accounts_find_business(struct tx *tx, str client_key, str user_openid, struct arena *mem,
                                         str *workspace, str *account, struct fault *why);
/* Seeds one (part 3 connects it by OAuth). RC_CONFLICT "accounts.business_taken" when another workspace has it. */
MUSTCHECK enum rc accounts_claim_business(struct accounts *a, struct tx *tx, const struct account *who, str workspace,
                                          struct arena *mem, str *account, struct fault *why);

extern const struct migration_table accounts_migrations; /* 3100+ */
extern const struct route accounts_routes[]; /* ctx: struct accounts */
extern const size_t accounts_routes_n;
extern const struct job_kind accounts_jobs[]; /* accounts.refresh, accounts.revoke, accounts.refresh_due */
extern const size_t accounts_jobs_n;
extern const struct job_schedule accounts_schedules[];
extern const size_t accounts_schedules_n;
extern const struct setting accounts_settings[];
extern const size_t accounts_settings_n;
extern const struct problem_row accounts_problems[];
extern const size_t accounts_problems_n;
extern const struct metric accounts_metrics[];
extern const size_t accounts_metrics_n;
extern const struct event_doc accounts_event_docs[];
extern const size_t accounts_event_docs_n;
extern const struct alert_row accounts_alerts[];
extern const size_t accounts_alerts_n;
#endif
