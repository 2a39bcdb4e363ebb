/* Sliding minute per bucket in 60 one-second cells. Buckets are found by a hash of (app, endpoint); at most
 * 256, far above apps x endpoints; beyond that the last bucket is shared, which only makes the limit
 * stricter.
 */
#include <pthread.h>
#include "budget/budget.h"

enum { BUCKETS = 256, CELLS = 60 };

struct bucket {
    uint64_t name;
    int64_t shut_until_ms;
    int64_t second[CELLS];
    uint32_t count[CELLS];
};
struct budget {
    pthread_mutex_t lock;
    int64_t per_minute;
    size_t n;
    struct bucket at[BUCKETS];
};

const struct setting budget_settings[] = {
    {.key = "budget.per_minute",
     .kind = SET_INT,
     .min = 1,
     .max = 1000000,
     .unit = "calls",
     .def = "600",
     .doc =
         "Calls a minute to one TikTok endpoint for one app. TikTok publishes 600 for open.tiktokapis.com."},
};
const size_t budget_settings_n = COUNT_OF(budget_settings);

enum rc budget_open(const struct budget_options *o, struct budget **out, struct fault *why)
{
    (void)why;
    struct budget *b = mem_new(sizeof *b);
    must(pthread_mutex_init(&b->lock, NULL) == 0);
    b->per_minute = config_int(o->config, "budget.per_minute");
    *out = b;
    return RC_OK;
}

void budget_close(struct budget **b)
{
    if (*b == NULL)
        return;
    pthread_mutex_destroy(&(*b)->lock);
    mem_free(*b);
    *b = NULL;
}

static uint64_t name_of(str client_key, const char *endpoint)
{
    uint64_t h = 1469598103934665603u;
    for (size_t i = 0; i < client_key.n; i++)
        h = (h ^ (unsigned char)client_key.p[i]) * 1099511628211u;
    for (h = (h ^ 0x1f) * 1099511628211u; *endpoint != '\0'; endpoint++)
        h = (h ^ (unsigned char)*endpoint) * 1099511628211u;
    return h;
}

static struct bucket *bucket_find(struct budget *b, uint64_t name)
{
    for (size_t i = 0; i < b->n; i++)
        if (b->at[i].name == name)
            return &b->at[i];
    if (b->n == BUCKETS)
        return &b->at[BUCKETS - 1];
    b->at[b->n].name = name;
    return &b->at[b->n++];
}

static int64_t used_in_minute(const struct bucket *k, int64_t now_s, int64_t *oldest_s)
{
    int64_t used = 0;
    *oldest_s = now_s;
    for (int i = 0; i < CELLS; i++) {
        if (k->second[i] <= now_s - CELLS || k->count[i] == 0)
            continue;
        used += k->count[i];
        if (k->second[i] < *oldest_s)
            *oldest_s = k->second[i];
    }
    return used;
}

enum rc budget_take(struct budget *b, const struct budget_call *c, struct permit *out, struct fault *why)
{
    int64_t now_ms = clock_now_ms(), now_s = now_ms / 1000, oldest_s, wait_until = 0;
    uint64_t name = name_of(c->client_key, c->endpoint);
    pthread_mutex_lock(&b->lock);
    struct bucket *k = bucket_find(b, name);
    if (k->shut_until_ms > now_ms)
        wait_until = k->shut_until_ms;
    else if (used_in_minute(k, now_s, &oldest_s) >= b->per_minute)
        wait_until = (oldest_s + CELLS) * 1000;
    else {
        size_t cell = (size_t)(now_s % CELLS);
        k->count[cell] = k->second[cell] == now_s ? k->count[cell] + 1 : 1;
        k->second[cell] = now_s;
    }
    pthread_mutex_unlock(&b->lock);
    *out = (struct permit){.slot_ms = wait_until != 0 ? wait_until : now_ms,
                           .bucket = (uint32_t)(name & 0xffffffffu)};
    if (wait_until != 0)
        return fault_set(why, RC_LIMITED, "budget.limited", "%s is limited for another %lld ms", c->endpoint,
                         (long long)(wait_until - now_ms));
    return RC_OK;
}

void budget_answered(struct budget *b, const struct budget_call *c, const struct fault *why)
{
    if (why->rc != RC_LIMITED || str_eq(str_of(why->code), STR("budget.limited")))
        return;
    pthread_mutex_lock(&b->lock);
    struct bucket *k = bucket_find(b, name_of(c->client_key, c->endpoint));
    k->shut_until_ms = clock_now_ms() + CELLS * 1000;
    pthread_mutex_unlock(&b->lock);
}

enum rc budget_states(struct budget *b, str workspace, struct arena *mem, struct budget_state **out,
                      size_t *n, struct fault *why)
{
    (void)b;
    (void)workspace;
    (void)mem;
    (void)why;
    *out = NULL;
    *n = 0;
    return RC_OK;
}

const struct migration_table budget_migrations = {.room = "budget", .rows = NULL, .n = 0};
const struct metric budget_metrics[] = {
    {"mz_budget_limited_total", METRIC_COUNTER, "family", "Calls that had to wait for their slot."},
};
const size_t budget_metrics_n = COUNT_OF(budget_metrics);
const struct event_doc budget_event_docs[] = {
    {"budget.shut", "TikTok refused for too many calls: a bucket is shut until the penalty is over."},
};
const size_t budget_event_docs_n = COUNT_OF(budget_event_docs);
