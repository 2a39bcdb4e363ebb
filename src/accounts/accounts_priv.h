/* Private to accounts: the handle, the grant's machine, rows as read from the tables. */
#ifndef MZ_ACCOUNTS_PRIV_H
#define MZ_ACCOUNTS_PRIV_H
#include "accounts/accounts.h"

#define LEASE_MS 30000 /* above the total time of two tries of a refresh call */
#define FRESH_MS 60000 /* a token with less life than this is refreshed before it is given */

struct accounts {
    struct accounts_options o;
    struct arena *mem;
    struct account_app apps[APPS_MAX];
    struct config *files[APPS_MAX]; /* of apps.dir: their secrets live there */
    size_t n_apps, n_files;
};
/* ---- apps.c ---- */
MUSTCHECK enum rc apps_open(struct accounts *a, struct fault *why);
void apps_close(struct accounts *a);
enum grant_state {
    GRANT_ACTIVE,
    GRANT_NEEDS_REAUTH,
    GRANT_REVOKING,
    GRANT_REVOKED,
    GRANT_REMOVED,
    GRANT_REPLACED,
    GRANT_STATES
};
enum grant_event {
    GRANT_REFRESHED,
    GRANT_REFUSED,
    GRANT_REVOKE_ASKED,
    GRANT_REVOKE_DONE,
    GRANT_GONE_AT_TIKTOK,
    GRANT_NEW_ONE,
    GRANT_EVENTS
};
const char *grant_state_name(enum grant_state s); /* as stored: "active", "needs_reauth", ... */
/* RC_BUG "accounts.grant_move" for a pair that the table does not list. */
MUSTCHECK enum rc grant_move(enum grant_state from, enum grant_event by, enum grant_state *to,
                             struct fault *why);

str accounts_missing_scopes(str held, str granted, struct arena *mem);

/* One grant row. Sealed values are bytes of the database, never logged. */
struct grant {
    str id, account, client_key, open_id, scopes, access_sealed, refresh_sealed, refresh_fp;
    enum grant_state state;
    int64_t access_expires_ms, refresh_expires_ms, generation, fence, lease_until_ms, granted_ms;
};
struct grant_new {
    str workspace, account, client_key;
    const struct tiktok_tokens *tokens;
};
/* Seals and inserts an active grant. */
MUSTCHECK enum rc grant_make(struct accounts *a, struct tx *tx, const struct grant_new *in, struct arena *mem,
                             str *id, struct fault *why);
/* Moves a grant; an ending state deletes the ciphertext and sets end reason and time. */
MUSTCHECK enum rc grant_end(struct tx *tx, str workspace, const struct grant *g, enum grant_event by,
                            const char *reason, struct fault *why);
struct revoke_in {
    str workspace, id;
    const struct once *once; /* kept answer of the route; NULL: none */
    str body;
};
MUSTCHECK enum rc accounts_revoke_then(struct accounts *a, struct tx *tx, const struct revoke_in *in,
                                       struct fault *why);
/* Seals a refreshed pair over the old one; *changed is 0 when somebody else rotated. */
MUSTCHECK enum rc grant_rotated(struct accounts *a, struct tx *tx, const struct grant_new *in,
                                const struct grant *old, int64_t *changed, struct fault *why);
/* The grant is gone at TikTok: end, event, consent withdrawn, audit (its last act). */
MUSTCHECK enum rc grant_removed(struct accounts *a, struct tx *tx, const struct account_owner *who,
                                const struct grant *g, int64_t reason, struct fault *why);
MUSTCHECK enum rc grant_lock_live(struct tx *tx, str workspace, str id, struct grant *g, struct fault *why);
/* One refresh, single flight over all nodes. RC_OK also when another caller did it meanwhile: read again. */
MUSTCHECK enum rc accounts_refresh(struct accounts *a, str workspace, str account, struct fault *why);

/* ---- accounts_db.c ---- */
MUSTCHECK enum rc db_account_find(struct tx *tx, str workspace, str client_key, str open_id,
                                  struct arena *mem, str *id, struct fault *why);
struct account_insert {
    str workspace, id, app, client_key, open_id, role;
};
MUSTCHECK enum rc db_account_insert(struct tx *tx, const struct account_insert *in, struct fault *why);
MUSTCHECK enum rc db_profile_save(struct tx *tx, str workspace, str id, const struct tiktok_user *u,
                                  struct fault *why);
MUSTCHECK enum rc db_names_save(struct tx *tx, const struct business_claim *c, str id, struct fault *why);
MUSTCHECK enum rc db_profile_erase(struct tx *tx, str workspace, str id, struct fault *why);
MUSTCHECK enum rc db_account_list(struct tx *tx, str workspace, str after, int64_t limit, struct arena *mem,
                                  struct account **out, size_t *n, struct fault *why);
/* The live grant of an account; RC_MISSING "accounts.no_grant". */
MUSTCHECK enum rc db_grant_live(struct tx *tx, str workspace, str account, struct arena *mem,
                                struct grant *out, struct fault *why);
struct sealed_pair {
    str access_sealed, access_fp, refresh_sealed, refresh_fp, scopes;
    int64_t access_expires_ms, refresh_expires_ms, refresh_due_ms;
};
MUSTCHECK enum rc db_grant_insert(struct tx *tx, str workspace, const struct grant *g,
                                  const struct sealed_pair *s, struct fault *why);
/* Compare-and-set on fence and old fingerprint: *changed is 0 when somebody else rotated. */
MUSTCHECK enum rc db_grant_rotate(struct tx *tx, str workspace, const struct grant *old,
                                  const struct sealed_pair *s, int64_t *changed, struct fault *why);
MUSTCHECK enum rc db_grant_state(struct tx *tx, str workspace, const struct grant *g, enum grant_state to,
                                 struct fault *why);
MUSTCHECK enum rc db_grant_close(struct tx *tx, str workspace, const struct grant *g, enum grant_state to,
                                 str reason, struct fault *why);
/* Takes the refresh lease: *changed is 0 while another holds it. The fence goes up. */
MUSTCHECK enum rc db_grant_lease(struct tx *tx, str workspace, const struct grant *g, int64_t until_ms,
                                 int64_t *changed, struct fault *why);
MUSTCHECK enum rc db_grant_unlease(struct tx *tx, str workspace, const struct grant *g, struct fault *why);
struct grant_due {
    str workspace, account;
};
MUSTCHECK enum rc db_grants_due(struct tx *tx, int64_t limit, struct arena *mem, struct grant_due **out,
                                size_t *n, struct fault *why);
MUSTCHECK enum rc db_health_insert(struct tx *tx, str workspace, str account, const char *what, str code,
                                   struct fault *why);
MUSTCHECK enum rc db_business_owner(struct tx *tx, str client_key, str open_id, struct arena *mem,
                                    str *workspace, str *account, struct fault *why);
#endif
