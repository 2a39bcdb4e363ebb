/* One transaction: under the app's lock, read the buckets that a call meets and its workspace's share, find
 * the first time that suits them all, and either move all of them past it or promise a time to come back.
 * Nothing is taken far ahead: a slot in the far future would let one workspace own the app's next minutes.
 * What can go wrong: the clock of a node is behind; then it waits longer, never shorter, because what stands
 * in the rows only grows. */
#include "budget/budget_priv.h"

struct reserving {
    struct budget *b; /* NULL: only looking at what the tables say */
    const struct limit_settings *limits;
    const struct budget_call *call;
    int64_t want;
    struct budget_ask ask;
    struct bucket list[CALL_BUCKETS];
    size_t n, shared;
    struct share share;
    int64_t level_milli; /* 0: to be found */
    bool found_level;
    const struct fault *refused; /* budget_answered: TikTok's */
    struct penalty penalty;
    struct reservation out;
};

static uint64_t mix(uint64_t h, str s)
{
    for (size_t i = 0; i < s.n; i++)
        h = (h ^ (unsigned char)s.p[i]) * 1099511628211U;
    return (h ^ 0x1fU) * 1099511628211U;
}

static uint64_t share_name(const struct budget_ask *a)
{
    uint64_t h = mix(14695981039346656037U, a->key.client_key);
    return mix(mix(h, str_of(a->key.pool)), a->endpoint);
}

/* ---- which buckets a call meets ---- */
static bool in_prefixes(const char *list, str endpoint)
{
    str rest = str_of(list), one;
    while (str_cut(&rest, ' ', &one))
        if (str_starts(endpoint, one))
            return true;
    return false;
}

static bool meets(const struct limit *l, const struct budget_key *k)
{
    if (strcmp(l->pool, k->pool) != 0 || (l->only != NULL && !in_prefixes(l->only, k->endpoint)))
        return false;
    if (l->never != NULL && in_prefixes(l->never, k->endpoint))
        return false;
    bool rated = l->fixed > 0 || l->setting != NULL || l->per_second > 0;
    return l->scope != PER_ACCOUNT_ENDPOINT || k->account.n > 0 || !rated;
}

static void add_bucket(struct reserving *r, const struct limit *l)
{
    const struct budget_key *k = &r->ask.key;
    struct bucket *b = &r->list[r->n];
    must(r->n < CALL_BUCKETS);
    *b = (struct bucket){.limit = l,
                         .rate = budget_rate(l, r->limits, r->call->client_key),
                         .workspace = STR("-"),
                         .account = STR(""),
                         .endpoint = STR("")};
    if (l->scope != PER_APP)
        b->endpoint = l->group != NULL ? str_of(l->group) : k->endpoint;
    if (l->scope == PER_ACCOUNT_ENDPOINT && k->account.n > 0) {
        b->workspace = k->workspace;
        b->account = k->account;
    }
    if (l->shared) {
        r->shared = r->n;
        r->ask.endpoint = b->endpoint;
    }
    r->n++;
}

static void list_buckets(struct reserving *r)
{
    r->n = 0;
    for (size_t i = 0; budget_limit(i) != NULL; i++)
        if (meets(budget_limit(i), &r->ask.key))
            add_bucket(r, budget_limit(i));
    must(r->n > 0 && r->list[r->shared].limit->shared);
}

static void look(struct reserving *r, const struct budget *b, const struct budget_call *c)
{
    *r = (struct reserving){.limits = &b->limits, .call = c};
    r->ask.key = (struct budget_key){.workspace = c->workspace.n > 0 ? c->workspace : STR("-"),
                                     .client_key = c->client_key,
                                     .account = c->account.n > 0 ? c->account : STR(""),
                                     .endpoint = str_of(c->endpoint),
                                     .pool = budget_pool(c->family)};
    list_buckets(r);
}

static void begin(struct reserving *r, struct budget *b, const struct budget_call *c)
{
    look(r, b, c);
    r->b = b;
}

size_t budget_limits_met(const struct budget *b, const struct budget_call *c)
{
    struct reserving r;
    look(&r, b, c);
    return r.n;
}

int64_t budget_step_us(const struct budget *b, const struct budget_call *c)
{
    struct reserving r;
    int64_t step = 0;
    look(&r, b, c);
    for (size_t i = 0; i < r.n; i++)
        if (r.list[i].rate.step_us > step)
            step = r.list[i].rate.step_us;
    return step;
}

/* ---- the fair part ---- */
static int64_t shared_milli(const struct reserving *r)
{
    return 1000000000 / r->list[r->shared].rate.step_us;
}

static void recall_level(struct reserving *r, int64_t now_ms)
{
    const struct level *l = &r->b->levels[share_name(&r->ask) % LEVELS];
    pthread_mutex_lock(&r->b->gate);
    if (l->name == share_name(&r->ask) && now_ms - l->at_ms < LEVEL_MS && now_ms >= l->at_ms)
        r->level_milli = l->milli;
    pthread_mutex_unlock(&r->b->gate);
}

static void remember_level(struct reserving *r)
{
    struct level *l = &r->b->levels[share_name(&r->ask) % LEVELS];
    if (!r->found_level)
        return;
    pthread_mutex_lock(&r->b->gate);
    *l = (struct level){share_name(&r->ask), r->ask.now_ms, r->level_milli};
    pthread_mutex_unlock(&r->b->gate);
}

/* A fortieth is kept free while workspaces compete, so that a newcomer's first calls find a place. */
static enum rc find_level(struct tx *tx, struct reserving *r, struct fault *why)
{
    int64_t *wants = arena_array(tx_mem(tx), int64_t, DEMANDS_MAX), whole = shared_milli(r);
    size_t n = 0;
    if (wants == NULL)
        return fault_set(why, RC_FULL, "base.arena", "no room for the shares");
    enum rc rc = budget_db_demands(tx, &r->ask, wants, &n, why);
    if (rc != RC_OK)
        return rc;
    int64_t level = fair_level_milli(whole - whole / 40, wants, n);
    r->level_milli = n < 2 || level >= whole - whole / 40 ? whole : level;
    r->found_level = true;
    return RC_OK;
}

/* ---- taking and promising ---- */
static int64_t share_step_us(const struct reserving *r)
{
    return 1000000000 / (r->level_milli > 0 ? r->level_milli : 1);
}

static bool contended(const struct reserving *r)
{
    return r->level_milli < shared_milli(r);
}

/* How far ahead of an even pace a workspace may be: a second, or two calls. */
static int64_t share_slack_us(const struct reserving *r)
{
    int64_t two = 2 * share_step_us(r);
    return two > 1000000 ? two : 1000000;
}

static int64_t earliest_us(struct reserving *r, int64_t now_us, size_t *by)
{
    int64_t at = now_us;
    *by = r->shared;
    for (size_t i = 0; i < r->n; i++) {
        int64_t e = bucket_earliest_us(&r->list[i], now_us);
        if (e > at) {
            at = e;
            *by = i;
        }
    }
    int64_t e = r->share.tat_us - share_slack_us(r);
    if (contended(r) && e > at) {
        at = e;
        *by = r->shared;
    }
    return at;
}

static int64_t step_of(const struct reserving *r)
{
    int64_t step = contended(r) ? share_step_us(r) : 0;
    for (size_t i = 0; i < r->n; i++)
        if (r->list[i].rate.step_us > step)
            step = r->list[i].rate.step_us;
    return step;
}

/* Come-back times of one workspace (or of one account, when its own limit is the matter) follow each other by
 * a step, so that those who wait do not come as one. */
static void promise(struct reserving *r, int64_t earliest, size_t by)
{
    bool own = r->list[by].account.n > 0;
    int64_t *last = own ? &r->list[by].promised_ms : &r->share.promised_ms;
    int64_t step_us = contended(r) ? share_step_us(r) : r->list[r->shared].rate.step_us;
    int64_t step_ms = (own ? r->list[by].rate.step_us : step_us) / 1000;
    int64_t first = (earliest + 999) / 1000, at = *last + (step_ms > 0 ? step_ms : 1);
    if (at < first || *last <= r->ask.now_ms) /* nobody else waits */
        at = first;
    if (at > first + PROMISE_MS)
        at = first + at % PROMISE_MS; /* a very long line: spread, and asked again */
    else
        *last = at;
    r->out = (struct reservation){.slot_us = at * 1000, .by = r->list[by].limit->name};
}

static enum rc save_promise(struct tx *tx, struct reserving *r, size_t by, struct fault *why)
{
    const struct budget_key *k = &r->ask.key;
    share_ask(&r->share, r->ask.now_ms, 1);
    enum rc rc = budget_db_share_save(tx, k, r->ask.endpoint, &r->share, why);
    return rc == RC_OK && r->list[by].account.n > 0 ? budget_db_save(tx, k, &r->list[by], why) : rc;
}

static enum rc take(struct tx *tx, struct reserving *r, int64_t at, struct fault *why)
{
    int64_t step = step_of(r), n = step >= SPACED_US ? 1 : SLICE_US / (step > 0 ? step : 1);
    enum rc rc = RC_OK;
    n = n < r->want ? n : r->want;
    n = n > 0 ? n : 1;
    for (size_t i = 0; rc == RC_OK && i < r->n; i++) {
        if (r->list[i].rate.allowed == 0)
            continue;
        bucket_take(&r->list[i], at, n);
        rc = budget_db_save(tx, &r->ask.key, &r->list[i], why);
    }
    r->share.tat_us = (r->share.tat_us > at ? r->share.tat_us : at) + n * share_step_us(r);
    share_ask(&r->share, r->ask.now_ms, n);
    r->out = (struct reservation){.slot_us = at, .step_us = step, .n = n};
    return rc == RC_OK ? budget_db_share_save(tx, &r->ask.key, r->ask.endpoint, &r->share, why) : rc;
}

/* The rows under the app's lock; time is read after it, because waiting for the lock takes some. */
static enum rc load(struct tx *tx, struct reserving *r, struct fault *why)
{
    struct budget_key *k = &r->ask.key;
    if (planted("budget.per_node"))
        k->client_key = arena_fmt(tx_mem(tx), STR_FMT "#%s", STR_ARG(r->call->client_key), r->b->node);
    str id = arena_fmt(tx_mem(tx), "%s/" STR_FMT, k->pool, STR_ARG(k->client_key));
    list_buckets(r);
    enum rc rc = store_lock(tx, STR("-"), "budget", id, why);
    r->ask.now_ms = store_clock(r->b->store);
    if (rc == RC_OK)
        rc = budget_db_load(tx, k, r->list, r->n, why);
    return rc == RC_OK ? budget_db_share(tx, k, r->ask.endpoint, &r->share, why) : rc;
}

/* A workspace within its part waits longer than one beyond it: so the line that the hot ones make before a
 * slot is always shorter than what the others are ready to stand in. */
static int64_t patience_ms(const struct reserving *r)
{
    int64_t ms = r->call->patience_ms > 0 ? r->call->patience_ms : DEFAULT_PATIENCE_MS;
    if (ms > MAX_PATIENCE_MS)
        ms = MAX_PATIENCE_MS;
    bool within = !contended(r) || r->share.tat_us <= r->ask.now_ms * 1000 + share_slack_us(r) / 2;
    if (within)
        return ms > WITHIN_PATIENCE_MS ? ms : WITHIN_PATIENCE_MS;
    return ms < DEFAULT_PATIENCE_MS ? ms : DEFAULT_PATIENCE_MS;
}

static enum rc reserve_fn(struct tx *tx, void *arg, struct fault *why)
{
    struct reserving *r = arg;
    size_t by = 0;
    enum rc rc = load(tx, r, why);
    if (rc == RC_OK && r->level_milli == 0)
        rc = find_level(tx, r, why);
    if (rc != RC_OK)
        return rc;
    int64_t now_us = r->ask.now_ms * 1000, at = earliest_us(r, now_us, &by);
    if (at - now_us <= patience_ms(r) * 1000)
        return take(tx, r, at, why);
    promise(r, at, by);
    return save_promise(tx, r, by, why);
}

static void show_used(const struct reserving *r)
{
    for (size_t i = 0; i < r->n; i++)
        if (r->list[i].account.n == 0 && r->list[i].rate.allowed > 0)
            metric_set(&budget_metrics[BM_USED],
                       bucket_used(&r->list[i], r->ask.now_ms) * 100 / r->list[i].rate.allowed,
                       r->list[i].limit->pool, r->list[i].limit->name);
}

/* A slow commit hands a slot over when it is past; two such calls would come closer than they may. What the
 * narrowest limit keeps back covers a little of that; beyond it the slot is given up for a new one. */
static int64_t late_us(const struct reserving *r)
{
    int64_t least = INT64_MAX;
    for (size_t i = 0; i < r->n; i++) {
        const struct limit *l = r->list[i].limit;
        if (r->list[i].rate.allowed > 0 && l->window_ms * l->spare_percent * 5 < least)
            least = l->window_ms * l->spare_percent * 5; /* half of it, in us */
    }
    return least;
}

static enum rc reserve_in_time(struct reserving *r, struct fault *why)
{
    enum rc rc = RC_RETRY;
    for (int tries = 0; tries < LATE_TRIES; tries++) {
        rc = store_write(r->b->store, STORE_INTAKE, reserve_fn, r, why);
        if (rc != RC_OK || store_clock(r->b->store) * 1000 - r->out.slot_us < late_us(r))
            break;
    }
    return rc;
}

enum rc budget_reserve(struct budget *b, const struct budget_call *c, int64_t want, struct reservation *out,
                       struct fault *why)
{
    struct reserving r;
    begin(&r, b, c);
    r.want = want;
    recall_level(&r, store_clock(b->store));
    enum rc rc = reserve_in_time(&r, why);
    if (rc == RC_UNSURE) /* a slot may be lost: that is stricter, never looser */
        return fault_set(why, RC_RETRY, "budget.unsure", "whether a slot was taken is unknown");
    if (rc != RC_OK)
        return rc;
    remember_level(&r);
    show_used(&r);
    *out = r.out;
    return RC_OK;
}

/* ---- TikTok refused ---- */
static enum rc shut_fn(struct tx *tx, void *arg, struct fault *why)
{
    struct reserving *r = arg;
    enum rc rc = load(tx, r, why);
    if (rc != RC_OK)
        return rc;
    if (!budget_penalty(r->list, r->n, r->refused, r->ask.now_ms, &r->penalty))
        return fault_set(why, RC_MISSING, "budget.no_bucket", "no bucket for this refusal");
    struct bucket *k = &r->list[r->penalty.bucket];
    k->shut_ms = r->ask.now_ms;
    if (r->penalty.until_ms > k->shut_until_ms)
        k->shut_until_ms = r->penalty.until_ms;
    return budget_db_save(tx, &r->ask.key, k, why);
}

void budget_answered(struct budget *b, const struct budget_call *c, const struct fault *why)
{
    if (why->rc != RC_LIMITED || str_starts(str_of(why->code), STR("budget.")))
        return;
    struct reserving r;
    struct fault own = {0};
    begin(&r, b, c);
    r.refused = why;
    enum rc rc = store_write(b->store, STORE_INTAKE, shut_fn, &r, &own);
    const char *limit = rc == RC_OK ? r.list[r.penalty.bucket].limit->name : "none";
    metric_add(&budget_metrics[BM_SHUT], 1, r.ask.key.pool, limit);
    log_event(b->log, LOG_WARN, "budget.shut", F_ID("app", c->client_key), F_ID("account", c->account),
              F_STR("endpoint", str_of(c->endpoint)), F_STR("limit", str_of(limit)),
              F_INT("code", why->outer_code), F_MS("for", r.penalty.until_ms - r.ask.now_ms), F_RC(rc),
              F_FAULT(rc == RC_OK ? NULL : &own));
}
