/* Inside messaging's set-up: statements, the probe, subscriptions, handlers.
 *   availability.c        pure: verdict, words, links
 *   availability_probe.c  the questions to TikTok, and what is kept of the answers
 *   availability_plan.c   when a probe is due; tasks that wait for TikTok
 *   availability_http.c   REST and the admin socket
 *   subscriptions.c       register, verify, repair; the loopback check
 *   subscriptions_http.c  REST and the admin socket
 *   setup_db.c            all statements of the four tables
 *   setup_tables.c        const rows
 */
#ifndef MZ_MESSAGING_SETUP_PRIV_H
#define MZ_MESSAGING_SETUP_PRIV_H
#include "messaging/messaging.h"
#include "messaging/setup.h"

enum { SETUP_DAY_MS = 86400000, ASK_MEM = 4 << 20 };

/* of room accounts; here until its header has it */
MUSTCHECK enum rc accounts_businesses(struct tx *tx, const struct account_owner *after_or_null, int64_t limit,
                                      struct arena *mem, struct account_owner **out, size_t *n,
                                      struct fault *why);

/* ---- what is stored ---- */
struct availability { /* of one account; verdict unknown and checked_ms 0 before the first probe */
    str account, code;
    enum verdict verdict;
    struct facts facts;
    int64_t checked_ms, next_ms;
};
struct waiting {            /* a task "waiting for TikTok" */
    str id, account, owner; /* owner STR_NONE: the workspace's owner */
    int64_t opened_ms, recheck_ms, reminded_ms;
};
struct hook_row {
    str app, url, code;
    enum webhook_category category;
    const char *state; /* hook_state_names */
    int64_t checked_ms;
};
enum hook_state { HOOK_UNKNOWN, HOOK_RIGHT, HOOK_MISSING, HOOK_FOREIGN, HOOK_STATES };
extern const char *const hook_state_names[HOOK_STATES];

MUSTCHECK enum rc setup_db_load(struct tx *tx, str workspace, str account, struct arena *mem,
                                struct availability *out, struct fault *why); /* RC_MISSING */
MUSTCHECK enum rc setup_db_save(struct tx *tx, str workspace, const struct availability *a,
                                struct fault *why);
MUSTCHECK enum rc setup_db_plan(struct tx *tx, str workspace, str account, struct fault *why);
MUSTCHECK enum rc setup_db_sleep(struct tx *tx, str workspace, str account, struct fault *why);
MUSTCHECK enum rc setup_db_due(struct tx *tx, int64_t limit, struct arena *mem, struct account_owner **out,
                               size_t *n, struct fault *why);
MUSTCHECK enum rc setup_db_put_off(struct tx *tx, str workspace, str account, int64_t next_ms,
                                   struct fault *why);
MUSTCHECK enum rc setup_db_cursor(struct tx *tx, struct arena *mem, struct account_owner *out,
                                  struct fault *why);
MUSTCHECK enum rc setup_db_cursor_save(struct tx *tx, const struct account_owner *at, struct fault *why);
MUSTCHECK enum rc setup_db_task(struct tx *tx, str workspace, str account, struct arena *mem,
                                struct waiting *out, struct fault *why); /* the open one; RC_MISSING */
MUSTCHECK enum rc setup_db_task_make(struct tx *tx, str workspace, const struct waiting *t,
                                     struct fault *why);
MUSTCHECK enum rc setup_db_task_save(struct tx *tx, str workspace, const struct waiting *t,
                                     struct fault *why);
MUSTCHECK enum rc setup_db_task_close(struct tx *tx, str workspace, str id, struct fault *why);
MUSTCHECK enum rc setup_db_hooks(struct tx *tx, str workspace, str app, struct arena *mem,
                                 struct hook_row out[HOOK_CATEGORIES], struct fault *why);
MUSTCHECK enum rc setup_db_hook_save(struct tx *tx, str workspace, const struct hook_row *h,
                                     struct fault *why);

/* ---- the probe ---- */
struct probe {
    struct messaging *m;
    str workspace, account;
    bool patient;      /* a person waits: sleep for a slot rather than come back */
    struct arena *mem; /* secret; the probe's own strings */
    struct account acc;
    const struct account_app *app;
    struct account_token token;
    str scopes;
    struct facts facts;
    struct hook_row hooks[HOOK_CATEGORIES];
    bool asked[HOOK_CATEGORIES];
    char code[64];            /* of the answer that decided; empty: none */
    int64_t now_ms, later_ms; /* later_ms: our own limit; come back then */
    int64_t until_mono_ms;
};
/* Not inside a transaction. RC_OK: the facts are what TikTok said, some perhaps unknown. RC_LIMITED:
 * later_ms. RC_RETRY: nothing could be asked. RC_MISSING, RC_CONFLICT "messaging.not_a_business". */
MUSTCHECK enum rc probe_run(struct probe *p, struct fault *why);
/* Keeps the facts, moves the task, tells Mozflow, alerts. Inside a transaction; feed and audit come after. */
struct probe_kept {
    enum verdict before, verdict;
    bool changed;
};
MUSTCHECK enum rc probe_keep(const struct probe *p, struct tx *tx, struct probe_kept *out, struct fault *why);
enum rc probe_job(struct job *j, void *ctx, struct fault *why);
enum rc probe_due_job(struct job *j, void *ctx, struct fault *why);

/* ---- subscriptions ---- */
/* The app rows that this workspace may see: its own and the installation's. */
const struct account_app *hook_app(const struct messaging *m, str workspace, str id);
struct hook_asking {
    struct messaging *m;
    str workspace; /* whose budget share; "-": the installation's */
    const struct account_app *app;
    bool patient;
    int64_t later_ms; /* set when our own limit said no */
};
/* What TikTok has registered for a category: fills *out (state, url, code), strings in mem. */
MUSTCHECK enum rc hook_ask(struct hook_asking *a, enum webhook_category c, struct arena *mem,
                           struct hook_row *out, struct fault *why);
MUSTCHECK enum rc hook_register(struct hook_asking *a, enum webhook_category c, struct fault *why);
MUSTCHECK enum rc hook_remove(struct hook_asking *a, enum webhook_category c, struct fault *why);
MUSTCHECK bool category_find(str name, enum webhook_category *out);
struct hook_test {
    str url;
    bool sent, recorded;
    int status; /* 0: no answer */
    int64_t sent_ms, took_ms;
    const char *code; /* fault code when it was not sent */
};
MUSTCHECK enum rc hook_loopback(struct messaging *m, const struct account_app *app, struct arena *mem,
                                struct hook_test *out, struct fault *why);
enum rc hooks_check_job(struct job *j, void *ctx, struct fault *why);

/* ---- handlers ---- */
enum rc get_availability(struct request *rq, void *ctx, struct fault *why);
enum rc post_availability(struct request *rq, void *ctx, struct fault *why);
enum rc put_task(struct request *rq, void *ctx, struct fault *why);
enum rc admin_probe(struct request *rq, void *ctx, struct fault *why);
enum rc list_hooks(struct request *rq, void *ctx, struct fault *why);
enum rc put_hook(struct request *rq, void *ctx, struct fault *why);
enum rc delete_hook(struct request *rq, void *ctx, struct fault *why);
enum rc check_hooks(struct request *rq, void *ctx, struct fault *why);
enum rc test_hook(struct request *rq, void *ctx, struct fault *why);
enum rc admin_hooks(struct request *rq, void *ctx, struct fault *why);
enum rc admin_hook_set(struct request *rq, void *ctx, struct fault *why);
enum rc admin_hook_delete(struct request *rq, void *ctx, struct fault *why);
enum rc admin_hook_test(struct request *rq, void *ctx, struct fault *why);
enum rc render_availability(const struct mozflow_render *r, struct jw *data, struct fault *why);
extern const struct shape shape_availability, shape_hook_item, shape_hook_test;
#endif
