/* Shared by budget's own files only. */
#ifndef MZ_BUDGET_PRIV_H
#define MZ_BUDGET_PRIV_H
#include <pthread.h>
#include "budget/budget.h"

enum {
    CALL_BUCKETS = 6, /* at most this many limits meet one call */
    DEFAULT_PATIENCE_MS = 250,
    WITHIN_PATIENCE_MS = 750, /* of a workspace within its part */
    LATE_TRIES = 4,
    MAX_PATIENCE_MS = 5000,
    SLICE_US = 50000,    /* at 100 calls a second and above a node takes this much at once */
    SPACED_US = 10000,   /* below 100 calls a second: one by one */
    PROMISE_MS = 120000, /* come-back times are spread over at most this */
    DEMAND_MS = 5000,    /* demand of a workspace is counted in cells of this length */
    LEVEL_MS = 1000,     /* how long a computed share holds */
    FAMILY = 16,
    DAY_MS = 86400000
};

/* ---- limits.c: what TikTok allows, as rows (pure but for reading settings once) ---- */
enum limit_scope { PER_APP, PER_ENDPOINT, PER_ACCOUNT_ENDPOINT };
struct limit {
    const char *name; /* "qps" */
    const char *pool; /* "business": families that share limits */
    enum limit_scope scope;
    int64_t window_ms;
    int64_t per_second;  /* of the level's calls a second, how many windows' worth: 1, 60, 86400; 0: fixed */
    const char *setting; /* where a fixed figure stands; NULL: `fixed` */
    int64_t fixed;       /* 0 with no setting: no rate of our own, only shut by TikTok */
    int burst_percent;   /* of the figure that may come at once; the rest is spaced */
    int spare_percent;   /* kept back, because calls do not arrive as evenly as they leave */
    bool shared;         /* workspaces share it */
    const char *group;   /* endpoints of one prefix count together under this name; NULL: each its own */
    const char *only;    /* prefixes of endpoints, blank separated; NULL: all */
    const char *never;   /* prefixes it does not meet */
    const char *doc;     /* with the source */
};
const struct limit *budget_limit(size_t i);  /* NULL past the end */
const char *budget_pool(const char *family); /* a family without a row is a broken invariant */

struct limit_settings {
    const struct config *config;
    int64_t qps; /* 0: by level */
};
struct rate {
    int64_t allowed; /* TikTok's figure */
    int64_t kept;    /* ours: less the spare part */
    int64_t step_us; /* between two calls */
    int64_t slack_us;
};
struct rate budget_rate(const struct limit *l, const struct limit_settings *s, str client_key);
void budget_limits_open(struct limit_settings *s, const struct config *c);

/* ---- space.c: the arithmetic of spacing; pure ---- */
struct bucket {
    const struct limit *limit;
    struct rate rate;
    str workspace, account, endpoint; /* the key; "-" and empty where they do not matter */
    bool stored;
    int64_t tat_us;                   /* when the next call would be due if calls came evenly */
    int64_t cell_ms, now_n, before_n; /* calls in this window and in the one before */
    int64_t promised_ms;              /* the last come-back time given for this bucket */
    int64_t shut_ms, shut_until_ms;
};
struct share {
    int64_t tat_us, promised_ms;
    int64_t cell_ms, asked, asked_before;
};
int64_t bucket_earliest_us(const struct bucket *b, int64_t now_us);
void bucket_take(struct bucket *b, int64_t at_us, int64_t n);
int64_t bucket_used(const struct bucket *b, int64_t now_ms); /* in the sliding window that ends now */
void share_ask(struct share *s, int64_t now_ms, int64_t n);
int64_t share_demand_milli(const struct share *s, int64_t now_ms); /* calls per 1,000 s */
/* Max-min fair: nobody who wants less than an equal part is cut; returns the part of the others, in calls per
 * 1,000 s; the whole rate when all wishes fit. Sorts `demand`. */
int64_t fair_level_milli(int64_t rate_milli, int64_t *demand, size_t n);
/* Which bucket a refusal of TikTok is about and until when it is shut. */
struct penalty {
    size_t bucket; /* index */
    int64_t until_ms;
};
bool budget_penalty(const struct bucket *list, size_t n, const struct fault *why, int64_t now_ms,
                    struct penalty *out);

/* ---- budget_db.c ---- */
struct budget_key {
    str workspace, client_key, account, endpoint; /* of the call */
    const char *pool;
};
struct budget_ask { /* who shares a limit: the workspaces that call this endpoint (empty: the app at all) */
    struct budget_key key;
    str endpoint;
    int64_t now_ms;
};
MUSTCHECK enum rc budget_db_load(struct tx *tx, const struct budget_key *k, struct bucket *list, size_t n,
                                 struct fault *why);
MUSTCHECK enum rc budget_db_save(struct tx *tx, const struct budget_key *k, const struct bucket *b,
                                 struct fault *why);
MUSTCHECK enum rc budget_db_share(struct tx *tx, const struct budget_key *k, str endpoint, struct share *out,
                                  struct fault *why);
MUSTCHECK enum rc budget_db_share_save(struct tx *tx, const struct budget_key *k, str endpoint,
                                       const struct share *s, struct fault *why);
/* What the workspaces that asked lately want, each as share_demand_milli; out has room for DEMANDS_MAX. */
enum { DEMANDS_MAX = 500 };
MUSTCHECK enum rc budget_db_demands(struct tx *tx, const struct budget_ask *a, int64_t *out, size_t *n,
                                    struct fault *why);
MUSTCHECK enum rc budget_db_tidy(struct tx *tx, int64_t before_ms, struct fault *why);
MUSTCHECK enum rc budget_db_states(struct tx *tx, str workspace, int64_t after_ms, struct arena *mem,
                                   struct rows **out, struct fault *why);

/* ---- the room ---- */
struct slice { /* slots this node holds: above 100 calls a second */
    uint64_t name;
    int64_t first_us, step_us, n, used, want;
    bool filling;
};
struct level {
    uint64_t name;
    int64_t at_ms, milli;
};
enum { SLICES = 256, LEVELS = 64 };
struct budget {
    struct store *store;
    struct log *log;
    struct limit_settings limits;
    pthread_mutex_t gate;
    pthread_cond_t filled;
    struct slice slices[SLICES];
    struct level levels[LEVELS];
    int64_t tidied_ms;
    char node[16]; /* planted defect: this process counts alone */
};

/* ---- reserve.c: one transaction's work, without waiting ---- */
struct reservation {
    int64_t slot_us, step_us, n; /* n == 0: nothing was taken, come back at slot_us */
    const char *by;              /* the limit that made it wait */
};
/* The smallest step between two calls of this kind that its limits allow, shares not looked at. */
int64_t budget_step_us(const struct budget *b, const struct budget_call *c);
size_t budget_limits_met(const struct budget *b, const struct budget_call *c); /* their number */
MUSTCHECK enum rc budget_reserve(struct budget *b, const struct budget_call *c, int64_t want,
                                 struct reservation *out, struct fault *why);

enum { BM_PERMITS, BM_LIMITED, BM_SHUT, BM_WAIT, BM_USED };
#endif
