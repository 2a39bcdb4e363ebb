/* Private to accounts: rows of grants, of their timeline and of ad accounts. Part of grants_priv.h. */
#ifndef MZ_ACCOUNTS_GRANTS_DB_PRIV_H
#define MZ_ACCOUNTS_GRANTS_DB_PRIV_H
#include "accounts/accounts.h"

/* ---- grants_db.c ---- */
/* The live grant of an account; RC_MISSING "accounts.no_grant". */
MUSTCHECK enum rc db_grant_live(struct tx *tx, str workspace, str account, struct arena *mem,
                                struct grant *out, struct fault *why);
/* State of the newest grant, ended or not; empty: none. */
MUSTCHECK enum rc db_grant_last(struct tx *tx, str workspace, str account, struct arena *mem, str *state,
                                struct fault *why);
MUSTCHECK enum rc db_grant_insert(struct tx *tx, str workspace, const struct grant *g,
                                  const struct sealed_pair *s, struct fault *why);
/* Compare-and-set on the old fingerprint: *changed is 0 when somebody else rotated. Lease and intent are
 * cleared when the fence is still ours. */
MUSTCHECK enum rc db_grant_rotate(struct tx *tx, str workspace, const struct grant *old,
                                  const struct sealed_pair *s, int64_t *changed, struct fault *why);
MUSTCHECK enum rc db_grant_state(struct tx *tx, str workspace, const struct grant *g, enum grant_state to,
                                 struct fault *why);
MUSTCHECK enum rc db_grant_close(struct tx *tx, str workspace, const struct grant *g, enum grant_state to,
                                 str reason, struct fault *why);
/* Takes the lease: *changed is 0 while another holds it. The fence goes up, the intent is written. */
MUSTCHECK enum rc db_grant_lease(struct tx *tx, str workspace, const struct grant *g, int64_t until_ms,
                                 int64_t *changed, struct fault *why);
struct grant_back { /* lease and intent end */
    str workspace;
    int64_t due_ms;   /* 0: as it was */
    int64_t failures; /* -1: as it was */
};
MUSTCHECK enum rc db_grant_back(struct tx *tx, const struct grant *g, const struct grant_back *b,
                                int64_t *changed, struct fault *why);
MUSTCHECK enum rc db_grant_good(struct tx *tx, str workspace, const struct grant *g, int64_t due_ms,
                                struct fault *why);
MUSTCHECK enum rc db_grant_scopes(struct tx *tx, str workspace, const struct grant *g, str scopes,
                                  struct fault *why);
MUSTCHECK enum rc db_grant_doubt(struct tx *tx, str workspace, const struct grant *g, struct fault *why);
MUSTCHECK enum rc db_grant_noticed(struct tx *tx, str workspace, const struct grant *g, int64_t days,
                                   struct fault *why);
struct grant_due {
    str workspace, account, grant;
    int64_t fence;
};
MUSTCHECK enum rc db_grants_count_due(struct tx *tx, int64_t most, int64_t *n, struct fault *why);
/* Takes the leases of up to limit due grants in one statement. */
MUSTCHECK enum rc db_grants_claim(struct tx *tx, int64_t limit, int64_t until_ms, struct arena *mem,
                                  struct grant_due **out, size_t *n, struct fault *why);
MUSTCHECK enum rc db_grants_lost(struct tx *tx, int64_t limit, struct arena *mem, struct grant_due **out,
                                 size_t *n, struct fault *why);
MUSTCHECK enum rc db_grants_ending(struct tx *tx, int64_t before_ms, str after, struct arena *mem,
                                   struct grant_due **out, size_t *n, struct fault *why);
MUSTCHECK enum rc db_grants_stuck(struct tx *tx, int64_t asked_before_ms, struct arena *mem,
                                  struct grant_due **out, size_t *n, struct fault *why);

/* ---- health_db.c ---- */
struct health_new {
    str workspace, account;
    const char *what, *code, *cls; /* NULL: empty */
    const struct fault *fault;     /* TikTok's code and log id are taken from it; NULL: none */
};
MUSTCHECK enum rc db_health_put(struct tx *tx, const struct health_new *h, struct fault *why);
MUSTCHECK enum rc db_health_list(struct tx *tx, const struct timeline_page *p, struct arena *mem,
                                 struct timeline_entry **out, size_t *n, struct fault *why);
MUSTCHECK enum rc db_health_tidy(struct tx *tx, int64_t before_ms, int64_t *deleted, struct fault *why);
MUSTCHECK enum rc db_advertisers_save(struct tx *tx, str workspace, str account,
                                      const struct tiktok_advertisers *list, struct fault *why);
MUSTCHECK enum rc db_advertisers(struct tx *tx, str workspace, str account, struct arena *mem,
                                 struct tiktok_advertisers *out, struct fault *why);
/* ---- revoke.c ---- */
struct revoke_in {
    str workspace, id;
    const struct once *once; /* kept answer of the route; NULL: none */
    str body;
};
MUSTCHECK enum rc accounts_revoke_then(struct accounts *a, struct tx *tx, const struct revoke_in *in,
                                       struct fault *why);
struct ending_row {          /* what an end means for what TikTok gave us about the person */
    const char *by;          /* timeline code */
    int64_t reason;          /* TikTok's number; -1: ours */
    int64_t keep_profile_ms; /* after this time names and picture go; 0: at once; -1: until they are erased */
    const char *words;       /* end_reason as stored and shown */
    const char *doc;
};
extern const struct ending_row ending_rows[];
extern const size_t ending_rows_n;
const struct ending_row *ending_of(int64_t reason);
/* Names, picture and ad accounts of an account that ended. */
MUSTCHECK enum rc grant_forget(struct tx *tx, str workspace, str account, struct fault *why);
enum rc revoke_job(struct job *j, void *ctx, struct fault *why);
enum rc revoke_many_job(struct job *j, void *ctx, struct fault *why);

/* ---- jobs that are rows of jobs.c, and what every node looks for by itself ---- */
struct ticker;
/* One look: calls that were cut off are found, lots are put for what is due. */
MUSTCHECK enum rc accounts_tick(struct accounts *a, struct fault *why);
enum rc verify_job(struct job *j, void *ctx, struct fault *why);
enum rc check_job(struct job *j, void *ctx, struct fault *why);
enum rc countdown_job(struct job *j, void *ctx, struct fault *why);
enum rc tidy_job(struct job *j, void *ctx, struct fault *why);
str job_arg(struct job *j, const char *name); /* STR_NONE when absent */

#endif
