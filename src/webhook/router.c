/* The router: one thread per process drains what waits, app by app, in arrival order. A batch is read and
 * parsed outside any transaction; then one transaction marks each row that is still waiting and puts its job.
 * Another node that read the same rows finds them marked and puts nothing. What can go wrong: the database is
 * away (the rows wait); a poisoned body (marked unparsable, never retried).
 */
#include <errno.h>
#include "webhook/webhook_priv.h"

enum {
    POLL_MS = 250,
    ALARM_MS = 60000,
    ALARMS = 3,
    /* Intake goes first: TikTok waits for its answer and repeats what it did not get. While many rows wait
     * for each commit (the machine is at its limit), the router rests this many times as long as a batch
     * took; once the oldest row has waited for BURST_MS it rests no more, so that a flood cannot starve it.
     * */
    BURST_ROWS = 8, /* per commit */
    REST_TIMES = 15,
    REST_MAX_MS = 250,
    BURST_MS = 10000
};

struct routed { /* what was decided about one row, before the transaction */
    struct inbox_key key;
    enum inbox_state state;
    const struct webhook_row *row;
    struct webhook_event ev;
    str order_key;
    str workspace, account;
    enum inbox_state ended; /* what the transaction made of it; state stays, because it may run twice */
};
struct batch {
    struct webhook *w;
    size_t app, n;
    struct inbox_row *rows;
    struct routed *decided;
    struct arena *mem;
};

void router_kick(struct webhook *w)
{
    if (atomic_exchange(&w->kicked, true))
        return; /* told already: one wake-up for a whole commit */
    pthread_mutex_lock(&w->lock);
    pthread_cond_signal(&w->kick);
    pthread_mutex_unlock(&w->lock);
}

static enum rc read_waiting(struct tx *tx, void *arg, struct fault *why)
{
    struct batch *b = arg;
    return webhook_db_inbox_waiting(tx, b->w->apps[b->app].id, b->mem, &b->rows, &b->n, why);
}

static const struct webhook_row *row_find(const struct webhook *w, str event)
{
    for (size_t t = 0; t < w->o.n_tables; t++)
        for (size_t i = 0; i < w->o.tables[t].n; i++)
            if (str_eq(event, str_of(w->o.tables[t].rows[i].event)))
                return &w->o.tables[t].rows[i];
    return NULL;
}

static enum rc decide(struct batch *b, const struct inbox_row *in, struct routed *out, struct fault *why)
{
    const struct webhook_app *app = &b->w->apps[b->app];
    str body;
    *out = (struct routed){.key = in->key, .state = INBOX_UNPARSABLE};
    enum rc rc = body_open(b->w, &in->key, in->sealed, b->mem, &body, why);
    if (rc == RC_OK)
        rc = webhook_parse(body, b->mem, &out->ev, why);
    if (rc == RC_FULL || rc == RC_RETRY)
        return rc;
    if (rc != RC_OK)
        return RC_OK; /* kept, counted, never tried again */
    out->row = row_find(b->w, out->ev.name);
    if (!str_eq(out->ev.client_key, app->client_key))
        out->state = INBOX_FOREIGN;
    else if (str_eq(out->ev.name, STR("tiktok.ping")))
        out->state = INBOX_TEST;
    else if (out->row == NULL || out->row->job_kind == NULL)
        out->state = INBOX_KEPT;
    else {
        out->state = INBOX_ROUTED;
        if (out->row->order_key != NULL)
            out->order_key = out->row->order_key(&out->ev, b->mem);
        if (out->row->order_key != NULL && out->order_key.n == 0)
            out->order_key = ref_text(&in->key, b->mem); /* no order to keep: the job says what is wrong */
    }
    return RC_OK;
}

static enum rc put_job(const struct batch *b, struct tx *tx, const struct routed *d, str workspace,
                       str account, struct fault *why)
{
    struct buf args;
    struct jw w;
    buf_init(&args, tx_mem(tx), 2048);
    jw_init(&w, &args);
    jw_obj(&w, NULL);
    jw_str(&w, "ref", ref_text(&d->key, b->mem));
    if (account.n > 0)
        jw_str(&w, "account", account);
    jw_end(&w);
    const struct job_new job = {
        .kind = d->row->job_kind, .workspace = workspace, .key = d->order_key, .args = buf_str(&args)};
    return jobs_put(tx, &job, why);
}

/* Events of the installation (authorization.removed) need no owner: their handler looks at every workspace.
 * */
static enum rc route_one(const struct batch *b, struct tx *tx, struct routed *d, struct fault *why)
{
    str workspace = STR_NONE, account = STR_NONE;
    enum inbox_state state = d->state;
    bool mine = false;
    if (state == INBOX_ROUTED && d->row->scope == WEBHOOK_INSTALLATION)
        workspace = STR("-");
    else if (state == INBOX_ROUTED || state == INBOX_KEPT) {
        enum rc rc = b->w->o.find_owner(tx, d->ev.client_key, d->ev.user_openid, tx_mem(tx), &workspace,
                                        &account, why);
        if (rc != RC_OK && rc != RC_MISSING)
            return rc;
        if (rc == RC_MISSING && state == INBOX_ROUTED)
            state = INBOX_UNROUTED;
    }
    const char *event = d->row != NULL ? d->row->event : NULL;
    enum rc rc = webhook_db_inbox_mark(tx, &d->key, state, workspace, event, &mine, why);
    if (rc == RC_OK && mine && state == INBOX_ROUTED)
        rc = put_job(b, tx, d, workspace, account, why);
    d->ended = mine ? state : INBOX_WAITING;
    d->workspace = workspace;
    d->account = account;
    return rc;
}

/* One row of a batch: rows of one account mostly stand together, so its last one speaks for them. */
static enum rc tell_owner(const struct batch *b, struct tx *tx, size_t i, struct fault *why)
{
    const struct routed *d = &b->decided[i];
    bool more =
        i + 1 < b->n && str_eq(d->account, b->decided[i + 1].account) && b->decided[i + 1].account.n > 0;
    if (d->account.n == 0 || more || b->w->o.saw_owner == NULL)
        return RC_OK;
    return b->w->o.saw_owner(tx, d->workspace, d->account, b->rows[i].arrived_ms, why);
}

/* For each event's name that a row knows: when it last came, once a batch. */
static enum rc keep_names(const struct batch *b, struct tx *tx, struct fault *why)
{
    enum rc rc = RC_OK;
    for (size_t i = 0; rc == RC_OK && i < b->n; i++) {
        const struct routed *d = &b->decided[i];
        bool last = d->row != NULL && (d->ended == INBOX_ROUTED || d->ended == INBOX_KEPT);
        for (size_t k = i + 1; last && k < b->n; k++)
            last = b->decided[k].row != d->row;
        if (last)
            rc = webhook_db_event_seen_save(tx, b->w->apps[b->app].id, d->row->event, b->rows[i].arrived_ms,
                                            why);
    }
    return rc;
}

static enum rc route_batch(struct tx *tx, void *arg, struct fault *why)
{
    struct batch *b = arg;
    int64_t test_ms = 0, seen_ms = 0;
    str app = b->w->apps[b->app].id;
    enum rc rc = store_lock(tx, STR("-"), "webhook.router", app, why);
    for (size_t i = 0; rc == RC_OK && i < b->n; i++) {
        rc = route_one(b, tx, &b->decided[i], why);
        if (b->rows[i].arrived_ms > seen_ms)
            seen_ms = b->rows[i].arrived_ms;
        if (b->decided[i].ended == INBOX_TEST)
            test_ms = b->rows[i].arrived_ms;
    }
    for (size_t i = 0; rc == RC_OK && i < b->n; i++)
        rc = tell_owner(b, tx, i, why);
    if (rc == RC_OK)
        rc = keep_names(b, tx, why);
    return rc == RC_OK ? webhook_db_seen_save(tx, app, seen_ms, test_ms, why) : rc;
}

static void report(const struct batch *b)
{
    char app[40];
    int64_t by[INBOX_STATES] = {0};
    snprintf(app, sizeof app, STR_FMT, STR_ARG(b->w->apps[b->app].id));
    for (size_t i = 0; i < b->n; i++)
        by[b->decided[i].ended]++;
    for (size_t s = INBOX_ROUTED; s < INBOX_STATES; s++)
        if (by[s] > 0)
            metric_add(metric_routed, by[s], app, inbox_state_names[s]);
    atomic_fetch_add(&b->w->counts[b->app].unrouted, by[INBOX_UNROUTED]);
    log_event(b->w->o.log, LOG_INFO, "webhook.routed", F_ID("app", b->w->apps[b->app].id),
              F_INT("rows", b->n), F_INT("routed", by[INBOX_ROUTED]), F_INT("kept", by[INBOX_KEPT]),
              F_INT("unparsable", by[INBOX_UNPARSABLE]), F_INT("unrouted", by[INBOX_UNROUTED]),
              F_INT("foreign", by[INBOX_FOREIGN]), F_INT("test", by[INBOX_TEST]));
}

enum rc router_drain_app(struct webhook *w, size_t app, struct drained *out, struct fault *why)
{
    struct arena *mem = arena_open(256u << 20);
    struct batch b = {.w = w, .app = app, .mem = mem};
    enum rc rc = store_read(w->o.store, read_waiting, &b, why);
    if (rc == RC_OK && b.n > 0) {
        b.decided = arena_array(mem, struct routed, b.n);
        must(b.decided != NULL);
        for (size_t i = 0; rc == RC_OK && i < b.n; i++)
            rc = decide(&b, &b.rows[i], &b.decided[i], why);
        if (rc == RC_OK)
            rc = store_write(w->o.store, STORE_INTERACTIVE, route_batch, &b, why);
        if (rc == RC_OK)
            report(&b);
    }
    *out = (struct drained){0};
    if (rc == RC_OK && b.n > 0)
        *out = (struct drained){.rows = b.n, .oldest_ms = b.rows[0].arrived_ms};
    arena_close(&mem);
    return rc;
}

/* ---- alarms ----
 * A burst of refused signatures is a wrong or rotated secret, or an attack; one event with an impossible time
 * is a wrong clock; one event without an owner is a business account nobody connected here. The first is
 * reported at once, repetitions once a minute with their number. */
static const struct alarm {
    const char *alert;
    size_t offset; /* of its count in struct app_counts */
    int64_t at_least;
} alarms[ALARMS] = {
    {"webhook.bad_signature", offsetof(struct app_counts, bad_signature), 20},
    {"webhook.quarantined", offsetof(struct app_counts, quarantined), 1},
    {"webhook.unrouted", offsetof(struct app_counts, unrouted), 1},
};
struct alarm_state {
    int64_t seen, window_mono_ms; /* the count reported or aged out so far; when this minute began */
    bool raised;                  /* in this minute */
};

static enum rc put_alert(struct tx *tx, void *arg, struct fault *why)
{
    return jobs_emit(tx, "alert.raised", STR("-"), STR_NONE, *(const str *)arg, why);
}

static void alarm_raise(struct webhook *w, size_t app, const struct alarm *a, int64_t n)
{
    char text[200];
    struct fault why = {0};
    int size = snprintf(text, sizeof text, "{\"alert\":\"%s\",\"object\":\"" STR_FMT "\",\"count\":%lld}",
                        a->alert, STR_ARG(w->apps[app].id), (long long)n);
    must(size > 0 && (size_t)size < sizeof text);
    str args = {text, (size_t)size};
    if (store_write(w->o.store, STORE_INTERACTIVE, put_alert, &args, &why) != RC_OK)
        log_event(w->o.log, LOG_ERROR, "webhook.alert_lost", F_FAULT(&why));
}

static void alarm_look(struct webhook *w, size_t app, const struct alarm *a, struct alarm_state *s)
{
    const char *counts = (const char *)&w->counts[app];
    int64_t n = atomic_load((const _Atomic int64_t *)(const void *)(counts + a->offset));
    int64_t now = clock_mono_ms();
    bool over = now - s->window_mono_ms >= ALARM_MS, enough = n - s->seen >= a->at_least;
    if (enough && (over || !s->raised)) {
        alarm_raise(w, app, a, n - s->seen);
        *s = (struct alarm_state){.seen = n, .window_mono_ms = now, .raised = true};
    } else if (over) {
        *s = (struct alarm_state){.seen = n, .window_mono_ms = now};
    }
}

/* Waits for a kick (or, resting, only for the end); false: the room closes. */
static bool wait_ms(struct webhook *w, int64_t ms, bool resting)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += ms * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    pthread_mutex_lock(&w->lock);
    while ((resting || !atomic_load(&w->kicked)) && !w->stopping)
        if (pthread_cond_timedwait(&w->kick, &w->lock, &until) == ETIMEDOUT)
            break;
    if (!resting)
        atomic_store(&w->kicked, false);
    bool go_on = !w->stopping;
    pthread_mutex_unlock(&w->lock);
    return go_on;
}

/* One app until nothing of it waits; at the end of the daemon only the batch at work. */
static void drain(struct webhook *w, size_t app)
{
    for (bool go_on = true; go_on;) {
        struct drained d = {0};
        struct fault why = {0};
        int64_t begun_us = clock_mono_us(), before = atomic_load(&w->stored);
        int64_t commits = inbox_commits();
        if (router_drain_app(w, app, &d, &why) != RC_OK)
            log_event(w->o.log, LOG_ERROR, "webhook.router_failed", F_ID("app", w->apps[app].id),
                      F_FAULT(&why));
        commits = inbox_commits() - commits;
        bool burst = atomic_load(&w->stored) - before > commits * BURST_ROWS;
        int64_t rest = 0;
        if (burst && clock_now_ms() - d.oldest_ms < BURST_MS)
            rest = (clock_mono_us() - begun_us) * REST_TIMES / 1000;
        go_on = d.rows == BATCH && wait_ms(w, rest < REST_MAX_MS ? rest : REST_MAX_MS, true);
    }
}

void *router_main(void *arg)
{
    struct webhook *w = arg;
    struct alarm_state state[APPS_MAX][ALARMS] = {0};
    while (wait_ms(w, POLL_MS, false)) {
        for (size_t i = 0; i < w->o.n_apps; i++)
            drain(w, i);
        counts_flush(w);
        for (size_t i = 0; i < w->o.n_apps; i++)
            for (size_t k = 0; k < ALARMS; k++)
                alarm_look(w, i, &alarms[k], &state[i][k]);
    }
    counts_flush(w);
    return NULL;
}
