/* The worker threads: one crew per class, a list of claimed jobs, one claimer at a time.
 *
 * A worker takes a claimed job or, when there is none and it is time, claims for the whole crew. How much is
 * claimed follows from how long handlers took lately: about a quarter of a second of work, so that claimed
 * jobs do not grow old in the list. A job that waited half its lease is given back. Stopping claims nothing
 * more, gives back what was not begun, and waits for running handlers; what does not end in time is claimed
 * again after its lease.
 */
#include "jobs/jobs_priv.h"
#include <errno.h>

static const char *const thread_keys[JOBS_CLASSES] = {
    [JOBS_INTAKE] = "jobs.threads_intake", [JOBS_SEND] = "jobs.threads_send",
    [JOBS_TOKEN] = "jobs.threads_token",   [JOBS_DELIVER] = "jobs.threads_deliver",
    [JOBS_SYNC] = "jobs.threads_sync",     [JOBS_BULK] = "jobs.threads_bulk"};

static void running_add(struct jobs *j, int by)
{
    pthread_mutex_lock(&j->lock);
    j->running = by > 0 ? j->running + 1 : j->running - 1;
    if (j->running == 0)
        pthread_cond_broadcast(&j->idle);
    pthread_mutex_unlock(&j->lock);
}

/* The job and, while the lane stays in this hand, its followers. Returns the mean time of one in us. */
static int64_t lane_run(struct job *j)
{
    int64_t start = clock_mono_us(), n = 0;
    struct jobs *all = j->jobs;
    running_add(all, 1);
    while (j) {
        struct job *follower = job_run(j);
        job_free(&j);
        j = follower;
        n++;
    }
    running_add(all, -1);
    return (clock_mono_us() - start) / n;
}

static bool grown_old(const struct job *j)
{
    return clock_mono_ms() > j->claimed_mono_ms + (j->deadline_mono_ms - j->claimed_mono_ms) / 2;
}

static void wait_until(struct crew *c, int64_t mono_ms)
{
    struct timespec at = {mono_ms / 1000, (long)(mono_ms % 1000) * 1000000};
    int e = pthread_cond_timedwait(&c->wake, &c->lock, &at);
    must(e == 0 || e == ETIMEDOUT);
}

static size_t want_of(const struct crew *c)
{
    int64_t mean = c->mean_us > 50 ? c->mean_us : 50;
    int64_t want = (int64_t)c->n_threads * (250000 / mean);
    if (want < (int64_t)c->n_threads)
        want = (int64_t)c->n_threads;
    return (size_t)(want < JOBS_BATCH ? want : JOBS_BATCH);
}

/* Called and left with the lock held. */
static void claim_for_crew(struct crew *c)
{
    struct job *list = NULL;
    int64_t wait_ms = 0;
    size_t want = want_of(c);
    c->claiming = true;
    c->again = false;
    pthread_mutex_unlock(&c->lock);
    size_t n = crew_claim(c, want, &list, &wait_ms);
    pthread_mutex_lock(&c->lock);
    c->claiming = false;
    c->next_try_ms = c->again ? 0 : clock_mono_ms() + wait_ms;
    if (n == 0)
        return;
    *c->ready_tail = list;
    while (*c->ready_tail)
        c->ready_tail = &(*c->ready_tail)->next;
    c->n_ready += n;
    pthread_cond_broadcast(&c->wake);
}

static struct job *pop(struct crew *c)
{
    struct job *j = c->ready;
    c->ready = j->next;
    j->next = NULL;
    c->n_ready--;
    if (!c->ready)
        c->ready_tail = &c->ready;
    return j;
}

static void *work(void *arg)
{
    struct crew *c = arg;
    pthread_mutex_lock(&c->lock);
    while (!c->jobs->stopping) {
        if (c->ready) {
            struct job *j = pop(c);
            int64_t mean = c->mean_us;
            pthread_mutex_unlock(&c->lock);
            if (grown_old(j)) {
                job_give_back(j);
                job_free(&j);
            } else {
                mean = lane_run(j);
            }
            pthread_mutex_lock(&c->lock);
            c->mean_us += (mean - c->mean_us) / 8;
        } else if (!c->claiming && clock_mono_ms() >= c->next_try_ms) {
            claim_for_crew(c);
        } else {
            wait_until(c, c->claiming ? clock_mono_ms() + JOBS_POLL_MS : c->next_try_ms);
        }
    }
    pthread_mutex_unlock(&c->lock);
    return NULL;
}

void jobs_wake(struct jobs *j)
{
    for (int i = 0; i < JOBS_CLASSES; i++) {
        struct crew *c = &j->crews[i];
        pthread_mutex_lock(&c->lock);
        c->next_try_ms = 0;
        c->again = true;
        pthread_cond_signal(&c->wake);
        pthread_mutex_unlock(&c->lock);
    }
}

static void *schedule(void *arg)
{
    struct jobs *j = arg;
    pthread_mutex_lock(&j->lock);
    while (!j->stopping) {
        pthread_mutex_unlock(&j->lock);
        jobs_schedules_tick(j);
        pthread_mutex_lock(&j->lock);
        int64_t until = clock_mono_ms() + JOBS_POLL_MS;
        struct timespec at = {until / 1000, (long)(until % 1000) * 1000000};
        if (!j->stopping)
            pthread_cond_timedwait(&j->idle, &j->lock, &at);
    }
    pthread_mutex_unlock(&j->lock);
    return NULL;
}

static void mono_cond(pthread_cond_t *c)
{
    pthread_condattr_t a;
    must(pthread_condattr_init(&a) == 0 && pthread_condattr_setclock(&a, CLOCK_MONOTONIC) == 0);
    must(pthread_cond_init(c, &a) == 0);
    pthread_condattr_destroy(&a);
}

static enum rc check_rows(const struct jobs *j, struct fault *why)
{
    struct job_found k;
    for (size_t i = 0; i < j->o.n_schedules; i++)
        if (!jobs_kind(j, str_of(j->o.schedules[i].kind), &k))
            return fault_set(why, RC_BUG, "jobs.unknown_kind", "schedule %s names %s", j->o.schedules[i].name,
                             j->o.schedules[i].kind);
    for (size_t i = 0; i < j->o.n_emits; i++)
        if (!jobs_kind(j, str_of(j->o.emits[i].kind), &k))
            return fault_set(why, RC_BUG, "jobs.unknown_kind", "event %s names %s", j->o.emits[i].event,
                             j->o.emits[i].kind);
    return j->o.n_schedules <= COUNT_OF(j->slots)
               ? RC_OK
               : fault_set(why, RC_BUG, "jobs.too_many_schedules", "%zu schedules", j->o.n_schedules);
}

static int64_t longest_lease(const struct jobs *j, enum job_class cls)
{
    int64_t longest = 0;
    for (size_t t = 0; t < j->o.n_tables; t++)
        for (size_t i = 0; i < j->o.tables[t].n; i++) {
            const struct job_kind *k = &j->o.tables[t].rows[i];
            int64_t lease = k->lease_ms ? k->lease_ms : JOB_LEASE_MS;
            must(k->retry && k->retry->n > 0 && k->run);
            if (k->cls == cls && lease > longest)
                longest = lease;
        }
    return longest ? longest : JOB_LEASE_MS;
}

/* The caller's tables may be on its stack. */
static void copy_rows(struct jobs *j)
{
    struct jobs_options *o = &j->o;
    struct job_table *t = arena_array(j->mem, struct job_table, o->n_tables + 1);
    struct job_schedule *s = arena_array(j->mem, struct job_schedule, o->n_schedules + 1);
    struct job_emit_row *e = arena_array(j->mem, struct job_emit_row, o->n_emits + 1);
    must(t && s && e);
    for (size_t i = 0; i < o->n_tables; i++)
        t[i] = o->tables[i];
    for (size_t i = 0; i < o->n_schedules; i++)
        s[i] = o->schedules[i];
    for (size_t i = 0; i < o->n_emits; i++)
        e[i] = o->emits[i];
    o->tables = t;
    o->schedules = s;
    o->emits = e;
}

enum rc jobs_open(const struct jobs_options *o, struct jobs **out, struct fault *why)
{
    struct arena *mem = arena_open(sizeof(struct jobs) + ((size_t)1 << 20));
    struct jobs *j = arena_new(mem, struct jobs);
    must(j);
    j->o = *o;
    j->mem = mem;
    copy_rows(j);
    enum rc rc = check_rows(j, why);
    if (rc != RC_OK) {
        arena_close(&mem);
        return rc;
    }
    pthread_mutex_init(&j->lock, NULL);
    mono_cond(&j->idle);
    for (int i = 0; i < JOBS_CLASSES; i++) {
        struct crew *c = &j->crews[i];
        c->jobs = j;
        c->cls = (enum job_class)i;
        c->ready_tail = &c->ready;
        c->mean_us = 10000;
        c->lease_ms = longest_lease(j, c->cls);
        c->n_threads = (size_t)config_int(o->config, thread_keys[i]);
        pthread_mutex_init(&c->lock, NULL);
        mono_cond(&c->wake);
    }
    jobs_registry_add(j);
    *out = j;
    return RC_OK;
}

static enum rc alone_fn(struct tx *tx, void *arg, struct fault *why)
{
    (void)arg;
    return jobs_db_leases_drop(tx, why);
}

enum rc jobs_start(struct jobs *j, struct fault *why)
{
    enum rc rc = store_write(j->o.store, STORE_INTERACTIVE, alone_fn, NULL, why);
    if (rc != RC_OK)
        return rc;
    for (int i = 0; i < JOBS_CLASSES; i++)
        for (size_t t = 0; t < j->crews[i].n_threads; t++)
            must(pthread_create(&j->crews[i].threads[t], NULL, work, &j->crews[i]) == 0);
    must(pthread_create(&j->scheduler, NULL, schedule, j) == 0);
    j->started = true;
    return RC_OK;
}

static void give_back_ready(struct crew *c)
{
    pthread_mutex_lock(&c->lock);
    struct job *list = c->ready;
    c->ready = NULL;
    c->ready_tail = &c->ready;
    c->n_ready = 0;
    pthread_mutex_unlock(&c->lock);
    while (list) {
        struct job *j = list;
        list = j->next;
        job_give_back(j);
        job_free(&j);
    }
}

void jobs_stop(struct jobs *j)
{
    pthread_mutex_lock(&j->lock);
    j->stopping = true;
    pthread_cond_broadcast(&j->idle);
    pthread_mutex_unlock(&j->lock);
    jobs_wake(j);
    for (int i = 0; i < JOBS_CLASSES; i++) {
        pthread_mutex_lock(&j->crews[i].lock);
        pthread_cond_broadcast(&j->crews[i].wake);
        pthread_mutex_unlock(&j->crews[i].lock);
        give_back_ready(&j->crews[i]);
    }
    int64_t until = clock_mono_ms() + 8000;
    struct timespec at = {until / 1000, (long)(until % 1000) * 1000000};
    pthread_mutex_lock(&j->lock);
    int e = 0;
    while (j->running > 0 && e == 0)
        e = pthread_cond_timedwait(&j->idle, &j->lock, &at);
    if (j->running > 0)
        log_event(j->o.log, LOG_WARN, "jobs.stop_late", F_INT("running", j->running));
    pthread_mutex_unlock(&j->lock);
}

void jobs_close(struct jobs **jp)
{
    struct jobs *j = *jp;
    if (!j)
        return;
    if (!j->stopping)
        jobs_stop(j);
    jobs_registry_remove(j);
    for (int i = 0; i < JOBS_CLASSES; i++)
        for (size_t t = 0; j->started && t < j->crews[i].n_threads; t++)
            pthread_join(j->crews[i].threads[t], NULL);
    if (j->started)
        pthread_join(j->scheduler, NULL);
    for (int i = 0; i < JOBS_CLASSES; i++) {
        give_back_ready(&j->crews[i]); /* a claim that was under way when stopping began */
        pthread_mutex_destroy(&j->crews[i].lock);
        pthread_cond_destroy(&j->crews[i].wake);
    }
    pthread_mutex_destroy(&j->lock);
    pthread_cond_destroy(&j->idle);
    struct arena *mem = j->mem;
    *jp = NULL;
    arena_close(&mem);
}

void jobs_drain(struct jobs *j)
{
    bool any = true;
    jobs_schedules_tick(j);
    while (any) {
        any = false;
        for (int i = 0; i < JOBS_CLASSES; i++) {
            struct job *list = NULL;
            int64_t wait_ms;
            any = crew_claim(&j->crews[i], JOBS_BATCH, &list, &wait_ms) > 0 || any;
            while (list) {
                struct job *one = list;
                list = one->next;
                one->next = NULL;
                (void)lane_run(one);
            }
        }
    }
}
