/* The room: open, take a permit (one reservation, or a slot of a slice that this node holds), sleep until the
 * slot, show what stands where. What can go wrong: a thread is held up between its slot and its call; the
 * spare part of every limit is for that. */
#include <errno.h>
#include <time.h>
#include "budget/budget_priv.h"

const struct metric budget_metrics[] = {
    [BM_PERMITS] = {"mz_budget_permits_total", METRIC_COUNTER, "family",
                    "Permits given for calls to TikTok."},
    [BM_LIMITED] = {"mz_budget_limited_total", METRIC_COUNTER, "family,limit",
                    "Calls that were sent away until later, by the limit."},
    [BM_SHUT] = {"mz_budget_shut_total", METRIC_COUNTER, "family,limit",
                 "Times that TikTok refused for too many calls and a bucket was shut."},
    [BM_WAIT] = {"mz_budget_wait_seconds", METRIC_HISTOGRAM, "family", "How long a permit was slept for."},
    [BM_USED] = {"mz_budget_used_percent", METRIC_GAUGE, "family,limit",
                 "Used part of an app's limit in its window, at the last permit of this node."},
};
const size_t budget_metrics_n = COUNT_OF(budget_metrics);

const struct event_doc budget_event_docs[] = {
    {"budget.shut", "TikTok refused for too many calls: a bucket is shut until the penalty is over."},
    {"budget.tidy", "Old buckets could not be deleted; tried again in ten minutes."},
};
const size_t budget_event_docs_n = COUNT_OF(budget_event_docs);

enum rc budget_open(const struct budget_options *o, struct budget **out, struct fault *why)
{
    static const char hex[] = "0123456789abcdef";
    pthread_condattr_t mono;
    unsigned char dice[sizeof((*out)->node) - 1];
    if (o->store == NULL || o->config == NULL)
        return fault_set(why, RC_BUG, "budget.options", "no store or no configuration");
    struct budget *b = mem_new(sizeof *b);
    b->store = o->store;
    b->log = o->log;
    b->tidied_ms = store_clock(o->store);
    budget_limits_open(&b->limits, o->config);
    random_bytes(dice, sizeof dice);
    for (size_t i = 0; i < sizeof dice; i++)
        b->node[i] = hex[dice[i] & 15];
    must(pthread_mutex_init(&b->gate, NULL) == 0);
    must(pthread_condattr_init(&mono) == 0 && pthread_condattr_setclock(&mono, CLOCK_MONOTONIC) == 0);
    must(pthread_cond_init(&b->filled, &mono) == 0);
    pthread_condattr_destroy(&mono);
    *out = b;
    return RC_OK;
}

void budget_close(struct budget **b)
{
    if (*b == NULL)
        return;
    pthread_mutex_destroy(&(*b)->gate);
    pthread_cond_destroy(&(*b)->filled);
    mem_free(*b);
    *b = NULL;
}

/* ---- slices: only for calls whose every limit allows 100 a second and more ---- */
/* Calls that meet the same limits share slots: an account counts only where a limit counts by account. (A
 * refusal about one endpoint of one account is then seen with the next slice, 50 ms later.) */
static uint64_t slice_name(const struct budget *b, const struct budget_call *c)
{
    struct budget_call app = *c;
    app.account = STR("");
    bool by_account = c->account.n > 0 && budget_limits_met(b, c) != budget_limits_met(b, &app);
    const str parts[] = {c->client_key, c->workspace, by_account ? c->account : STR(""), str_of(c->family),
                         str_of(c->endpoint)};
    uint64_t h = 14695981039346656037U;
    for (size_t p = 0; p < COUNT_OF(parts); p++) {
        for (size_t i = 0; i < parts[p].n; i++)
            h = (h ^ (unsigned char)parts[p].p[i]) * 1099511628211U;
        h = (h ^ 0x1fU) * 1099511628211U;
    }
    return h;
}

static struct slice *slice_of(struct budget *b, uint64_t name)
{
    struct slice *old = NULL;
    for (size_t i = 0; i < SLICES; i++) {
        struct slice *s = &b->slices[i];
        if (s->name == name)
            return s;
        if (!s->filling && (old == NULL || s->first_us < old->first_us))
            old = s;
    }
    if (old != NULL)
        *old = (struct slice){.name = name, .want = 1};
    return old;
}

/* A slot may be used a little after its time, for a commit takes longer than a short slice lasts. */
static bool slice_slot(struct slice *s, int64_t now_us, int64_t *slot_us)
{
    if (s->used >= s->n || now_us > s->first_us + s->n * s->step_us + SLICE_US)
        return false;
    *slot_us = s->first_us + s->used++ * s->step_us;
    return true;
}

static void wait_filled(struct budget *b)
{
    int64_t until = clock_mono_ms() + 100;
    struct timespec ts = {.tv_sec = (time_t)(until / 1000), .tv_nsec = (long)(until % 1000) * 1000000L};
    (void)pthread_cond_timedwait(&b->filled, &b->gate, &ts);
}

/* A node takes twice what it used of its last slice, so that one that calls little holds little. */
static void slice_keep(struct slice *s, const struct reservation *r)
{
    s->want = s->used >= s->n ? s->want * 2 : s->used;
    if (s->want > SLICE_US)
        s->want = SLICE_US;
    s->first_us = r->slot_us;
    s->step_us = r->step_us;
    s->n = r->n;
    s->used = 1; /* the caller's own */
}

static enum rc take_sliced(struct budget *b, const struct budget_call *c, struct reservation *out,
                           struct fault *why)
{
    uint64_t name = slice_name(b, c);
    enum rc rc = RC_OK;
    pthread_mutex_lock(&b->gate);
    for (bool done = false; !done;) {
        struct slice *s = slice_of(b, name);
        if (s == NULL || s->filling) {
            wait_filled(b);
            continue;
        }
        if (slice_slot(s, store_clock(b->store) * 1000, &out->slot_us)) {
            out->n = 1;
            break;
        }
        s->filling = true;
        pthread_mutex_unlock(&b->gate);
        rc = budget_reserve(b, c, s->want, out, why);
        pthread_mutex_lock(&b->gate);
        s->filling = false; /* one that is being filled is never given to another name */
        if (rc == RC_OK && out->n > 0)
            slice_keep(s, out);
        done = true;
        pthread_cond_broadcast(&b->filled);
    }
    pthread_mutex_unlock(&b->gate);
    return rc;
}

/* ---- taking ---- */
static void sleep_until(const struct budget *b, int64_t slot_us)
{
    int64_t give_up = clock_mono_ms() + MAX_PATIENCE_MS + 1000, left;
    while ((left = slot_us - store_clock(b->store) * 1000) > 0 && clock_mono_ms() < give_up) {
        int64_t us = left < 50000 ? left : 50000; /* short naps: a virtual clock may move meanwhile */
        struct timespec nap = {.tv_nsec = (long)us * 1000L};
        nanosleep(&nap, NULL);
    }
}

static enum rc tidy_fn(struct tx *tx, void *arg, struct fault *why)
{
    return budget_db_tidy(tx, *(const int64_t *)arg - DAY_MS, why);
}

static void tidy(struct budget *b, int64_t now_ms)
{
    struct fault why = {0};
    pthread_mutex_lock(&b->gate);
    bool due = now_ms - b->tidied_ms > 600000 || now_ms < b->tidied_ms;
    if (due)
        b->tidied_ms = now_ms;
    pthread_mutex_unlock(&b->gate);
    if (due && store_write(b->store, STORE_BULK, tidy_fn, &now_ms, &why) != RC_OK)
        log_event(b->log, LOG_WARN, "budget.tidy", F_FAULT(&why));
}

enum rc budget_take(struct budget *b, const struct budget_call *c, struct permit *out, struct fault *why)
{
    struct reservation r = {0};
    int64_t began = clock_mono_us();
    enum rc rc =
        budget_step_us(b, c) < SPACED_US ? take_sliced(b, c, &r, why) : budget_reserve(b, c, 1, &r, why);
    if (rc != RC_OK)
        return rc;
    int64_t slot_ms = (r.slot_us + 999) / 1000;
    *out = (struct permit){.slot_ms = slot_ms, .bucket = (uint32_t)slice_name(b, c)};
    if (r.n == 0) {
        metric_add(&budget_metrics[BM_LIMITED], 1, c->family, r.by);
        return fault_set(why, RC_LIMITED, "budget.limited", "%s: the limit %s frees a slot in %lld ms",
                         c->endpoint, r.by, (long long)(slot_ms - store_clock(b->store)));
    }
    sleep_until(b, r.slot_us);
    metric_add(&budget_metrics[BM_PERMITS], 1, c->family, NULL);
    metric_observe_us(&budget_metrics[BM_WAIT], clock_mono_us() - began, c->family, NULL);
    tidy(b, slot_ms);
    return RC_OK;
}

/* ---- what stands where ---- */
struct showing {
    struct budget *b;
    str workspace;
    struct arena *mem;
    struct budget_state *list;
    size_t n;
};

static const struct limit *limit_of(str pool, str name)
{
    for (size_t i = 0; budget_limit(i) != NULL; i++)
        if (str_eq(pool, str_of(budget_limit(i)->pool)) && str_eq(name, str_of(budget_limit(i)->name)))
            return budget_limit(i);
    return NULL; /* of a newer or older binary */
}

static enum rc show_fn(struct tx *tx, void *arg, struct fault *why)
{
    struct showing *s = arg;
    struct rows *r;
    int64_t now = store_clock(s->b->store);
    enum rc rc = budget_db_states(tx, s->workspace, now - DAY_MS, s->mem, &r, why);
    if (rc != RC_OK)
        return rc;
    s->n = 0;
    s->list = arena_array(s->mem, struct budget_state, rows_count(r) + 1);
    if (s->list == NULL)
        return fault_set(why, RC_FULL, "base.arena", "no room for the budgets");
    while (rows_next(r)) {
        struct bucket k = {.limit = limit_of(row_text(r, 0), row_text(r, 4)),
                           .cell_ms = row_int(r, 5),
                           .now_n = row_int(r, 6),
                           .before_n = row_int(r, 7)};
        if (k.limit == NULL)
            continue;
        int64_t shut = row_int(r, 8);
        s->list[s->n++] =
            (struct budget_state){.family = row_text(r, 0),
                                  .client_key = row_text(r, 1),
                                  .account = row_text(r, 2),
                                  .endpoint = row_text(r, 3),
                                  .limit = row_text(r, 4),
                                  .allowed = budget_rate(k.limit, &s->b->limits, row_text(r, 1)).allowed,
                                  .window_ms = k.limit->window_ms,
                                  .used = bucket_used(&k, now),
                                  .shut_until_ms = shut > now ? shut : 0};
    }
    return RC_OK;
}

enum rc budget_states(struct budget *b, str workspace, struct arena *mem, struct budget_state **out,
                      size_t *n, struct fault *why)
{
    struct showing s = {.b = b, .workspace = workspace, .mem = mem};
    enum rc rc = store_read(b->store, show_fn, &s, why);
    if (rc != RC_OK)
        return rc;
    *out = s.list;
    *n = s.n;
    return RC_OK;
}
