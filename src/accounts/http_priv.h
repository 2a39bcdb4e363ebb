/* Private to accounts: what its routes share. */
#ifndef MZ_ACCOUNTS_HTTP_PRIV_H
#define MZ_ACCOUNTS_HTTP_PRIV_H
#include "accounts/accounts_priv.h"
#include "access/access.h"

enum { PAGE = 50, NAMED_MAX = 100, PREVIEW_MAX = 500 };
struct account_shown {
    struct account acc;
    struct tiktok_advertisers ads;
};
MUSTCHECK enum rc account_show(struct tx *tx, str workspace, str id, struct arena *mem,
                               struct account_shown *out, struct fault *why);
void account_put(struct accounts *a, const struct account_shown *s, struct arena *mem, struct jw *w);
str account_json(struct accounts *a, const struct account_shown *s, struct arena *mem);

enum rc accounts_list_route(struct request *rq, void *ctx, struct fault *why);
enum rc accounts_one_route(struct request *rq, void *ctx, struct fault *why);
enum rc accounts_timeline_route(struct request *rq, void *ctx, struct fault *why);
enum rc accounts_refresh_route(struct request *rq, void *ctx, struct fault *why);
enum rc accounts_revoke_route(struct request *rq, void *ctx, struct fault *why);
enum rc accounts_preview_route(struct request *rq, void *ctx, struct fault *why);
enum rc accounts_revocations_route(struct request *rq, void *ctx, struct fault *why);

/* ---- many accounts at once ---- */
struct many { /* `accounts`, or all of a kind and an app; empty: of any */
    str workspace;
    str *ids;
    size_t n_ids;
    bool all;
    str kind, app;
    struct request *rq; /* whose body is read: mistakes are answered with their place; NULL: a job's */
};
struct many_row {
    struct account acc;
    bool refused; /* unknown, ended already, or without a grant: there is nothing to end */
};
/* The features that work today and stop with this account's grant; at most max. */
size_t account_stops(struct accounts *a, const struct account *acc, struct arena *mem,
                     const struct feature **out, size_t max);
bool account_bare(const struct account *acc); /* only its webhooks are known: it has no grant */
/* Reads body or job arguments; RC_INVALID "accounts.which" when neither or both are named. `all` names its
 * kind ("any": every kind) and has no other member than kind and app: a slip of the pen selects nothing. */
MUSTCHECK enum rc many_read(const struct json *from, struct arena *mem, struct many *out, struct fault *why);
/* The app that `all` names, if any, must be one that this workspace uses. */
bool many_app_known(struct accounts *a, str workspace, str app);
/* The rows after `after`, at most limit; named ids in their order. */
MUSTCHECK enum rc many_rows(struct tx *tx, const struct many *m, str after, int64_t limit, struct arena *mem,
                            struct many_row **out, size_t *n, struct fault *why);
#endif
