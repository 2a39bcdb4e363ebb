/* Private to accounts: the grant's machine, its flight (one refresh), rows as read from the tables. */
#ifndef MZ_ACCOUNTS_GRANTS_PRIV_H
#define MZ_ACCOUNTS_GRANTS_PRIV_H
#include <pthread.h>
#include "accounts/accounts.h"

#define LEASE_MS 30000 /* above two tries of a call (8 s each) and the wait for a slot */
#define CALL_MS 18000  /* a call is begun only when the lease has this much left */
#define FRESH_MS 60000 /* a token with less life than this is refreshed before it is given */
#define DAY_MS 86400000LL
#define REVOKE_MS DAY_MS /* how long TikTok is asked to revoke before the ciphertext goes anyway */

enum grant_state {
    GRANT_ACTIVE,
    GRANT_UNSURE,
    GRANT_NEEDS_REAUTH,
    GRANT_REVOKING,
    GRANT_REVOKED,
    GRANT_REMOVED,
    GRANT_REPLACED,
    GRANT_STATES
};
enum grant_event {
    GRANT_REFRESHED,
    GRANT_LOST_ANSWER,
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
bool grant_over(enum grant_state s); /* revoked, removed, replaced: no ciphertext is left */

/* One grant row. Sealed values are bytes of the database, never logged. */
struct grant {
    str id, account, client_key, open_id, role, scopes, access_sealed, refresh_sealed, access_fp, refresh_fp;
    enum grant_state state;
    int64_t access_expires_ms, refresh_expires_ms, generation, rotation, fence, lease_until_ms, intent_ms;
    int64_t granted_ms, good_ms, due_ms, failures, noticed_days, revoke_asked_ms, doubted;
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
MUSTCHECK enum rc grant_lock(struct tx *tx, str workspace, str client_key, str open_id, struct fault *why);
MUSTCHECK enum rc grant_lock_live(struct tx *tx, str workspace, str id, struct grant *g, struct fault *why);
/* The grant is gone at TikTok: end, event, consent withdrawn, feed, audit (its last act). */
MUSTCHECK enum rc grant_removed(struct accounts *a, struct tx *tx, const struct account_owner *who,
                                const struct grant *g, int64_t reason, struct fault *why);
enum app_kind role_kind(str role); /* "login", "business", "advertiser" */
const char *role_of(enum app_kind kind);
str accounts_missing_scopes(str held, str granted, struct arena *mem);

/* ---- sealing a pair (grants.c) ---- */
struct sealed_pair {
    str access_sealed, access_fp, refresh_sealed, refresh_fp, scopes;
    int64_t access_expires_ms, refresh_expires_ms, refresh_due_ms;
};
MUSTCHECK enum rc grant_seal(struct accounts *a, struct tx *tx, const struct grant_new *in, str grant,
                             struct sealed_pair *out, struct fault *why);

/* ---- one flight: a grant opened, its lease, its call ---- */
struct opened {
    struct accounts *a;
    str workspace, account;
    struct arena *mem; /* secret; of the caller */
    bool for_revoke;   /* the revoke job alone may open a grant that is being revoked */
    struct grant grant;
    struct secret access, refresh;
    int64_t now_ms;
    bool taken; /* the lease was taken by another transaction (a lot's claim): grant.fence is ours */
    /* in between */
    int64_t changed;
    const struct tiktok_tokens *tokens;
    struct fault said; /* what TikTok answered, or why it could not be asked */
    enum grant_act act;
    int64_t due_ms;
    bool rescoped;
};
const struct account_app *grant_app(const struct opened *o); /* NULL: it is no longer configured */
/* Reads and unseals. RC_REAUTH "accounts.needs_reauth" | "accounts.revoked" when nobody may have it. */
MUSTCHECK enum rc grant_open(struct opened *o, struct fault *why);
/* The lease with fence and intent; o->changed is 0 while another holds it. */
MUSTCHECK enum rc grant_lease(struct opened *o, struct fault *why);
/* The call under a lease, and what follows from its answer. RC_OK: stored, or somebody else's pair stands. */
MUSTCHECK enum rc grant_flight(struct opened *o, struct fault *why);
MUSTCHECK enum rc grant_permit(const struct opened *o, enum tiktok_op op, struct permit *out,
                               struct fault *why);
void grant_told(const struct opened *o, enum tiktok_op op, const struct fault *why); /* to the budget */
/* Lease, call and answer, whoever leads. *mine: it was this caller's. */
MUSTCHECK enum rc grant_refresh(struct opened *o, bool *mine, struct fault *why);
/* Gives the lease back without a word: due at due_ms (0: as it was). */
void grant_release(struct opened *o, int64_t due_ms);
/* TikTok says the grant is dead: needs_reauth, alert, audit; *o->changed 0 when a newer pair stands. */
MUSTCHECK enum rc grant_dead(struct opened *o, const char *reason, struct fault *why);
/* Every answer but a good one, under the lease: recorded, and the lease goes back. */
MUSTCHECK enum rc grant_settle(struct opened *o, struct fault *why);
/* Probe of a token that cannot be refreshed, and of one whose life is in doubt. */
MUSTCHECK enum rc grant_probe(struct opened *o, struct fault *why);
MUSTCHECK enum rc grant_live_call(struct opened *o, struct fault *why); /* does the access token live? */
MUSTCHECK enum rc accounts_refresh(struct accounts *a, str workspace, str account, struct fault *why);

/* Refreshes or probes whatever the schedule says, or waits for who does it; <= 15 s. */
MUSTCHECK enum rc accounts_refresh_now(struct accounts *a, str workspace, str id, struct fault *why);

/* ---- callers of one process join the flight of their own process here (flight.c) ---- */
struct flights;
struct flights *flights_open(void);
void flights_close(struct flights **f);
bool flight_lead(struct flights *f, str account, int64_t wait_ms); /* false: waited for another's */
void flight_end(struct flights *f, str account);

/* ---- changes that people see ---- */
MUSTCHECK enum rc grant_changed(struct tx *tx, str workspace, str account, struct fault *why); /* feed */
MUSTCHECK enum rc grant_emit(struct tx *tx, const char *type, str workspace, str account, const char *reason,
                             struct fault *why);

/* ---- points.c ---- */
enum grant_point {
    P_LEASE_TAKEN,
    P_CALLED,
    P_ANSWERED,
    P_COMMIT,
    P_STORED,
    P_REFUSED,
    P_UNSURE_FOUND,
    P_UNSURE_PROBED,
    P_REVOKE_TOLD,
    P_REVOKE_WIPED,
    POINTS
};
extern const struct failpoint accounts_points[POINTS];

/* ---- metrics (jobs.c) ---- */
enum { M_REFRESH, M_END, M_KEEPING, M_UNSURE, M_SECONDS, M_WINDOW };

#include "accounts/grants_db_priv.h"
#endif
