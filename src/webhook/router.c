/* The router: one thread per process drains what waits, app by app, in arrival order. A batch is read and
 * parsed outside any transaction; then one transaction marks each row that is still waiting and puts its job.
 * Another node that read the same rows finds them marked and puts nothing. What can go wrong: the database is
 * away (the rows wait); a poisoned body (marked unparsable, never retried).
 */
#include <errno.h>
#include "webhook/webhook_priv.h"

enum { POLL_MS = 250, ALARM_MS = 60000, ALARM_REFUSED = 20 };

struct routed { /* what was decided about one row, before the transaction */
    struct inbox_key key;
    enum inbox_state state;
    const struct webhook_row *row;
    struct webhook_event ev;
    str order_key;
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
    pthread_mutex_lock(&w->lock);
    if (!w->kicked) {
        w->kicked = true;
        pthread_cond_signal(&w->kick);
    }
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
    log_event(b->w->o.log, LOG_INFO, "webhook.routed", F_ID("app", b->w->apps[b->app].id),
              F_INT("rows", b->n), F_INT("routed", by[INBOX_ROUTED]), F_INT("kept", by[INBOX_KEPT]),
              F_INT("unparsable", by[INBOX_UNPARSABLE]), F_INT("unrouted", by[INBOX_UNROUTED]),
              F_INT("foreign", by[INBOX_FOREIGN]), F_INT("test", by[INBOX_TEST]));
}

enum rc router_drain_app(struct webhook *w, size_t app, size_t *routed, struct fault *why)
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
    *routed = rc == RC_OK ? b.n : 0;
    arena_close(&mem);
    return rc;
}

/* A burst of refused signatures is a wrong or rotated secret, or an attack: one durable alert a minute says
 * so. */
static enum rc put_alert(struct tx *tx, void *arg, struct fault *why)
{
    return jobs_emit(tx, "alert.raised", STR("-"), STR_NONE, *(const str *)arg, why);
}

static void alarm_refused(struct webhook *w, int64_t *seen)
{
    for (size_t i = 0; i < w->o.n_apps; i++) {
        int64_t now = atomic_load(&w->counts[i].bad_signature), since = now - seen[i];
        char text[200];
        struct fault why = {0};
        seen[i] = now;
        if (since < ALARM_REFUSED)
            continue;
        int n = snprintf(text, sizeof text,
                         "{\"alert\":\"webhook.bad_signature\",\"object\":\"" STR_FMT "\",\"count\":%lld}",
                         STR_ARG(w->apps[i].id), (long long)since);
        str args = {text, (size_t)n};
        if (store_write(w->o.store, STORE_INTERACTIVE, put_alert, &args, &why) != RC_OK)
            log_event(w->o.log, LOG_ERROR, "webhook.alert_lost", F_FAULT(&why));
    }
}

static bool wait_kick(struct webhook *w)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += POLL_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    pthread_mutex_lock(&w->lock);
    while (!w->kicked && !w->stopping)
        if (pthread_cond_timedwait(&w->kick, &w->lock, &until) == ETIMEDOUT)
            break;
    w->kicked = false;
    bool go_on = !w->stopping;
    pthread_mutex_unlock(&w->lock);
    return go_on;
}

static bool ending(struct webhook *w)
{
    pthread_mutex_lock(&w->lock);
    bool yes = w->stopping;
    pthread_mutex_unlock(&w->lock);
    return yes;
}

void *router_main(void *arg)
{
    struct webhook *w = arg;
    int64_t seen[APPS_MAX] = {0}, next_alarm = clock_mono_ms() + ALARM_MS;
    while (wait_kick(w)) {
        for (size_t i = 0; i < w->o.n_apps; i++) {
            size_t routed = 0;
            struct fault why = {0};
            do {
                if (router_drain_app(w, i, &routed, &why) != RC_OK)
                    log_event(w->o.log, LOG_ERROR, "webhook.router_failed", F_ID("app", w->apps[i].id),
                              F_FAULT(&why));
            } while (routed == BATCH && !ending(w));
        }
        if (clock_mono_ms() >= next_alarm) {
            alarm_refused(w, seen);
            next_alarm = clock_mono_ms() + ALARM_MS;
        }
    }
    return NULL;
}
