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
struct many { /* `accounts`, or all of a kind and an app; empty: every one */
    str workspace;
    str *ids;
    size_t n_ids;
    bool all;
    str kind, app;
};
struct many_row {
    struct account acc;
    bool refused; /* unknown, or ended already */
};
/* Reads body or job arguments; RC_INVALID "accounts.which" when neither or both are named. */
MUSTCHECK enum rc many_read(const struct json *from, struct arena *mem, struct many *out, struct fault *why);
/* The rows after `after`, at most limit; named ids in their order. */
MUSTCHECK enum rc many_rows(struct tx *tx, const struct many *m, str after, int64_t limit, struct arena *mem,
                            struct many_row **out, size_t *n, struct fault *why);
#endif
