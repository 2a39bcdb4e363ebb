/* budget: rate budgets towards TikTok, shared by all nodes through the database. Gives permits, without which
 * no tiktok function can be called.
 *
 * Limits are rows (budget_limits in limits.c, each with its source): per app a second, a minute and a day of
 * the API for Business at the level set, 40 a minute per account and Accounts endpoint, 600 a minute per
 * endpoint of open.tiktokapis.com. Calls are spaced: one transaction moves the next free time of every bucket
 * that a call touches (app, account) and of its workspace's share, under the app's lock. Below 100 calls a
 * second each call reserves its own slot; above, a slice of at most 50 ms. A slot that lies further ahead
 * than the caller can wait is not taken but promised: come back then. Every time compares store_clock.
 * Tables: budget_buckets, budget_shares. No thread. Thread-safe. What can go wrong: the database is away
 * (RC_RETRY); another program uses the same TikTok app, then TikTok's refusals shut the bucket.
 * Decision 0010.
 */
#ifndef MZ_BUDGET_H
#define MZ_BUDGET_H
#include "base/base.h"
#include "config/config.h"
#include "observe/observe.h"
#include "store/store.h"

struct budget;
struct budget_options {
    const struct config *config;
    struct store *store; /* with budget_migrations applied */
    struct log *log;
};
MUSTCHECK enum rc budget_open(const struct budget_options *o, struct budget **out, struct fault *why);
void budget_close(struct budget **b);

struct budget_call {
    str client_key;
    str workspace;        /* whose share it is; empty: the installation's */
    str account;          /* acc_...; empty for calls of the app itself */
    const char *family;   /* tiktok_kind(kind)->name: "login_kit", "accounts", "ads" */
    const char *endpoint; /* tiktok_endpoint's name */
    int64_t patience_ms;  /* how long budget_take may sleep for a slot, <= 5,000; 0: up to 750 */
};
/* Outside any transaction. RC_OK: the slot has come, call now. RC_LIMITED "budget.limited": nothing was
 * taken, out->slot_ms says when to come back (store_clock): a job then gives its lease back with
 * job_later(j, out->slot_ms, why), which uses no attempt. Other faults are the store's, never RC_UNSURE. */
MUSTCHECK enum rc budget_take(struct budget *b, const struct budget_call *c, struct permit *out,
                              struct fault *why);
/* After a call, whatever came of it: when TikTok said "too many" (RC_LIMITED and not budget.limited), shuts
 * the bucket for the documented penalty on all nodes. Never fails; what the database refuses is logged. */
void budget_answered(struct budget *b, const struct budget_call *c, const struct fault *why);

/* ---- what stands where: for the console ---- */
struct budget_state {
    str family, client_key, account, endpoint; /* account, endpoint: empty where they do not matter */
    str limit;                                 /* "qps", "qpm", "qpd", ... */
    int64_t allowed, window_ms, used;          /* used: in the window up to now */
    int64_t shut_until_ms;                     /* 0: open */
};
/* Buckets of the installation's apps and of this workspace's accounts that were used within a day; <= 500. */
MUSTCHECK enum rc budget_states(struct budget *b, str workspace, struct arena *mem, struct budget_state **out,
                                size_t *n, struct fault *why);

extern const struct migration_table budget_migrations;
extern const struct setting budget_settings[];
extern const size_t budget_settings_n;
extern const struct metric budget_metrics[];
extern const size_t budget_metrics_n;
extern const struct event_doc budget_event_docs[];
extern const size_t budget_event_docs_n;
#endif
