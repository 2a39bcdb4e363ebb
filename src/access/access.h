/* access: workspaces (tenants), members and roles, sessions, API keys, one-time links, idempotency keys.
 *
 * The workspace of a request comes only from its credential: cookie `__Host-mz_session` (256-bit token) or
 * `Authorization: Bearer mzt_live_<id>_<43 base64url><6 hex of a checksum>`; both are stored as SHA-256.
 * Sessions end after 30 min idle or 12 h; every sign-in makes a new token and ends the one the browser had.
 * Passwords are Argon2id; wrong ones are counted in the database per address and per e-mail. Ids of another
 * workspace and ids that do not exist answer the same bytes (404 "access.not_found"). Console members are
 * not Mozflow's end users; nobody is joined to anybody by e-mail. Invitation link:
 * <base>/console/invitation#<token>; sign-in link: <base>/console/enter?token=..., a page with one button
 * that POSTs, so that opening a link signs nobody in. Tables: workspaces, members,
 * member_identities, invitations, sessions, api_keys, console_tokens, idempotency_keys, sign_in_counts.
 * Job access.tidy (hourly) deletes what has expired. No thread of its own; thread-safe.
 */
#ifndef MZ_ACCESS_H
#define MZ_ACCESS_H
#include "base/base.h"
#include "config/config.h"
#include "observe/observe.h"
#include "store/store.h"
#include "http/http.h"
#include "jobs/jobs.h"
#include "audit/audit.h"

struct access;
struct access_options {
    struct store *store;
    struct audit *audit;
    struct log *log;
    const struct config *config;
    struct mac_keys mac;
    /* Adds to GET /v1/session what access may not know (flags: flags_session with its struct flags *); or
     * NULL. */
    void (*session_extra)(void *arg, str workspace, struct jw *w);
    void *extra_arg;
};
MUSTCHECK enum rc access_open(const struct access_options *o, struct access **out, struct fault *why);
void access_close(struct access **a);

/* ---- http hooks (arg: struct access *) ---- */
/* RC_OK with WHO_NOBODY without a credential; RC_DENIED "access.session_ended", "access.key_invalid". */
MUSTCHECK enum rc access_who(void *access, struct request *rq, struct principal *out, struct fault *why);
MUSTCHECK enum rc access_once_find(void *access, const struct once *o, struct arena *mem, int *status,
                                   str *body, struct fault *why);
/* Last writing statement but stamps of a POST handler: keeps the answer for 24 h. o NULL: nothing to do.
 * RC_CONFLICT "idempotency.in_flight" when the same key committed meanwhile (the whole transaction goes back
 * and the client's repeat finds the stored answer), "idempotency.other_body" (422) when it belonged to
 * another request. body must not hold a secret that is shown once: leave that member null in what is saved.
 */
MUSTCHECK enum rc access_once_save(struct tx *tx, const struct once *o, int status, str body,
                                   struct fault *why);
/* Is this principal still who it was? Asked every 5 s for open streams. RC_DENIED when ended, revoked or
 * demoted. */
MUSTCHECK enum rc access_still(struct access *a, const struct principal *who, struct fault *why);

/* ---- roles ---- */
struct access_role {
    const char *name; /* "owner" */
    uint64_t may;     /* bit (1 << enum permission) */
    const char *doc;
};
extern const struct access_role access_roles[];
extern const size_t access_roles_n;
const struct access_role *access_role_find(str name); /* NULL when unknown */
bool principal_may(const struct principal *who, enum permission p);

/* ---- workspaces ---- */
struct workspace {
    str id, name, public_key, language; /* public_key: "wpk_..." for start pages, no secret */
};
MUSTCHECK enum rc access_workspace(struct tx *tx, str id, struct arena *mem, struct workspace *out,
                                   struct fault *why);
MUSTCHECK enum rc access_workspace_by_public_key(struct tx *tx, str public_key, struct arena *mem,
                                                 struct workspace *out,
                                                 struct fault *why); /* RC_MISSING "access.not_found" */
/* Ids of all workspaces, newest first, <= 10,000: for the operator's commands. */
MUSTCHECK enum rc access_workspaces(struct access *a, struct arena *mem, str **out, size_t *n,
                                    struct fault *why);

/* ---- console sign-in through TikTok (room login, purposes `console` and `console_link`) ---- */
struct access_identity {
    str workspace; /* may be empty for sign-in: then the member who signed in last */
    str client_key, open_id;
    str ends; /* session cookie the browser already had, or empty: it is ended */
};
/* A session for the member who linked this identity. *token is the cookie's value. RC_MISSING
 * "access.identity_unlinked": show the page that says how to link it. Audited. */
MUSTCHECK enum rc access_session_for_identity(struct access *a, struct tx *tx,
                                              const struct access_identity *i, struct arena *mem, str *token,
                                              struct fault *why);
/* Links it to the signed-in member. RC_CONFLICT "access.identity_taken" when another member of the workspace
 * has it. */
MUSTCHECK enum rc access_identity_link(struct access *a, struct tx *tx, const struct principal *who,
                                       const struct access_identity *i, struct fault *why);
void access_set_cookie(struct request *rq, str token); /* for a token got above */
#define ACCESS_COOKIE "mz_session"                     /* http puts __Host- before it where it speaks https */

/* ---- keys and links for the CLI, ./dev run and Mozflow ---- */
struct access_boot_in {
    str workspace_name, owner_email, owner_name, language;
    str owner_password; /* empty: the owner enters by link only */
    str key_name;       /* empty: no API key */
    uint64_t key_may;   /* 0: every permission a key can have */
};
struct access_boot {
    str workspace, public_key, owner, key_id;
    struct secret key, enter_token; /* shown once; enter_token lives 15 min: /console/enter?token=<it> */
};
/* One transaction, audited as "cli". RC_INVALID "access.*" when a value is no good. */
MUSTCHECK enum rc access_bootstrap(struct access *a, const struct access_boot_in *in,
                                   struct arena *secret_mem, struct access_boot *out, struct fault *why);
/* A sign-in link's token for a member, for the CLI ("mozflow-tiktok console-link"); life_ms <= 15 min. */
MUSTCHECK enum rc access_console_token(struct access *a, str workspace, str member, int64_t life_ms,
                                       struct arena *secret_mem, struct secret *token, struct fault *why);
/* First owner of a workspace by id, for the same. */
MUSTCHECK enum rc access_owner(struct access *a, str workspace, struct arena *mem, str *member,
                               struct fault *why);
/* After a restore: every session, link and idempotency key ends; API keys stay. */
MUSTCHECK enum rc access_new_epoch(struct tx *tx, struct fault *why);

extern const struct migration_table access_migrations;
extern const struct route access_routes[]; /* ctx: struct access * */
extern const size_t access_routes_n;
extern const struct job_kind access_jobs[]; /* ctx: struct access * */
extern const size_t access_jobs_n;
extern const struct job_schedule access_schedules[];
extern const size_t access_schedules_n;
extern const struct setting access_settings[];
extern const size_t access_settings_n;
extern const struct problem_row access_problems[];
extern const size_t access_problems_n;
extern const struct metric access_metrics[];
extern const size_t access_metrics_n;
extern const struct alert_row access_alerts[];
extern const size_t access_alerts_n;
extern const struct event_doc access_event_docs[];
extern const size_t access_event_docs_n;
#endif
