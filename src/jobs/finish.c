/* Running a handler and ending its job.
 *
 * A job ends in one transaction: the handler's function, what happens to the job's row, what comes next in
 * its lane, and the fence check that makes all of it void when the lease was lost. The fence comes after the
 * function because a put of the same lane may already hold rows that the function wants (see the manual).
 * When the lane has another job that is due, the same transaction begins it, so a hot lane costs one
 * transaction a job.
 */
#include "jobs/jobs_priv.h"

static const char *const names[JOBS_CLASSES] = {
    [JOBS_INTAKE] = "intake",   [JOBS_SEND] = "send", [JOBS_TOKEN] = "token",
    [JOBS_DELIVER] = "deliver", [JOBS_SYNC] = "sync", [JOBS_BULK] = "bulk"};
static const enum store_class stores[JOBS_CLASSES] = {
    [JOBS_INTAKE] = STORE_INTERACTIVE, [JOBS_SEND] = STORE_INTERACTIVE, [JOBS_TOKEN] = STORE_INTAKE,
    [JOBS_DELIVER] = STORE_BULK,       [JOBS_SYNC] = STORE_BULK,        [JOBS_BULK] = STORE_BULK};

const char *crew_name(enum job_class c)
{
    return names[c];
}

enum store_class crew_store_class(enum job_class c)
{
    return stores[c];
}

static struct lane_ref lane_of(const struct job *j)
{
    return (struct lane_ref){j->row.workspace, j->row.lane, j->row.cls, j->fence};
}

/* What the lane does after this job's row has been settled. */
static enum rc lane_next(struct tx *tx, struct finish *f, struct fault *why)
{
    struct job *j = f->job;
    struct lane_move m = {lane_of(j), 0};
    bool found = false;
    if (f->end == END_DONE && str_eq(j->row.lane, j->row.id)) /* JOB_FREE: the lane held this one alone */
        return jobs_db_lane_drop(tx, &m.lane, why);
    enum rc rc = jobs_db_plan_fresh(tx, why);
    if (rc == RC_OK)
        rc = jobs_db_head(tx, &m.lane, f->mem, &f->row, &found, why);
    if (rc != RC_OK)
        return rc;
    if (!found)
        return jobs_db_lane_drop(tx, &m.lane, why);
    m.ready_ms = f->row.due_ms;
    bool same = str_eq(f->row.id, j->row.id);
    bool go_on = !same && f->row.due_ms <= tx_now_ms(tx) && f->row.crashes == 0 && j->runs + 1 < JOBS_SLICE &&
                 clock_mono_ms() - j->slice_mono_ms < JOBS_SLICE_MS && !j->jobs->stopping;
    if (!go_on)
        return jobs_db_lane_release(tx, &m, why);
    m.ready_ms = tx_now_ms(tx) + j->crew->lease_ms;
    if ((rc = jobs_db_lane_hold(tx, &m, why)) != RC_OK)
        return rc;
    rc = jobs_db_begin_one(tx, &f->row, why);
    f->follow = rc == RC_OK;
    return rc;
}

static enum rc settle_row(struct tx *tx, struct finish *f, struct fault *why)
{
    struct job_row r = f->job->row;
    if (f->end == END_DONE)
        return jobs_db_job_delete(tx, &r, why);
    if (f->end == END_DEAD) {
        enum rc rc = jobs_db_job_kill(tx, &r, f->why, why);
        /* An alert that cannot be raised must not raise another one. */
        bool alert = !jobs_listens(r.kind, "alert.raised");
        return rc == RC_OK && alert ? jobs_alert(tx, r.workspace, "jobs.dead", r.kind, 1, why) : rc;
    }
    int64_t now = tx_now_ms(tx);
    r.due_ms = f->due_ms > now ? f->due_ms : now;
    /* No row: the kind left this build; its order is unknown and a wait must not lose its place. */
    bool strict = !f->job->found.kind || f->job->found.kind->order == JOB_STRICT;
    r.sort_ms = strict ? r.sort_ms : r.due_ms;
    if (f->end == END_LATER)
        r.attempts--;
    return jobs_db_job_delay(tx, &r, f->end == END_RETRY ? f->why : NULL, why);
}

static enum rc end_fn(struct tx *tx, void *arg, struct fault *why)
{
    struct finish *f = arg;
    struct job *j = f->job;
    arena_reset(f->mem);
    f->follow = false;
    enum rc rc = f->fn ? f->fn(tx, f->arg, why) : RC_OK;
    if (rc != RC_OK)
        return rc;
    if (f->note) {
        struct lane_move m = {lane_of(j), tx_now_ms(tx) + j->crew->lease_ms};
        return jobs_db_lane_hold(tx, &m, why);
    }
    if ((rc = settle_row(tx, f, why)) != RC_OK)
        return rc;
    return lane_next(tx, f, why);
}

enum rc job_end_with(struct job *j, struct finish *f, struct fault *why)
{
    must(j->ended == END_NONE);
    f->job = j;
    f->mem = arena_open((size_t)64 << 10);
    enum rc rc = store_write(j->jobs->o.store, stores[j->crew->cls], end_fn, f, why);
    if (rc == RC_OK && !f->note)
        j->ended = f->end;
    if (rc == RC_OK && f->note)
        j->deadline_mono_ms = clock_mono_ms() + j->crew->lease_ms - 1000;
    if (rc == RC_OK && f->follow) {
        j->follower = job_make(j->crew, &f->row, j->fence);
        j->follower->runs = j->runs + 1;
        j->follower->slice_mono_ms = j->slice_mono_ms;
    }
    arena_close(&f->mem);
    return rc;
}

enum rc job_commit(struct job *j, store_fn fn, void *arg, struct fault *why)
{
    struct finish f = {.end = END_DONE, .fn = fn, .arg = arg};
    return job_end_with(j, &f, why);
}

enum rc job_done(struct job *j, struct fault *why)
{
    return job_commit(j, NULL, NULL, why);
}

enum rc job_note(struct job *j, store_fn fn, void *arg, struct fault *why)
{
    struct finish f = {.note = true, .fn = fn, .arg = arg};
    return job_end_with(j, &f, why);
}

enum rc job_later(struct job *j, int64_t due_ms, struct fault *why)
{
    struct finish f = {.end = END_LATER, .due_ms = due_ms};
    return job_end_with(j, &f, why);
}

void job_retry_after(struct job *j, int64_t wait_ms)
{
    j->not_before_ms = wait_ms;
}

void job_give_back(struct job *j)
{
    struct fault why = {0};
    enum rc rc = job_later(j, 0, &why);
    if (rc != RC_OK)
        log_event(j->jobs->o.log, LOG_WARN, "jobs.give_back", F_ID("job", j->row.id), F_RC(rc),
                  F_FAULT(&why));
}

/* The wait before the next attempt, spread by the row's jitter so that failures of one moment do not come
 * back as one. */
static int64_t wait_of(const struct job *j)
{
    const struct retry_row *r = j->found.kind->retry;
    size_t i = (size_t)(j->row.attempts > 0 ? j->row.attempts - 1 : 0);
    int64_t wait = r->waits_ms[i < r->n ? i : r->n - 1], span = wait * r->jitter_percent / 100;
    uint64_t dice;
    random_bytes(&dice, sizeof dice);
    if (span > 0)
        wait += (int64_t)(dice % (uint64_t)(2 * span + 1)) - span;
    return wait > j->not_before_ms ? wait : j->not_before_ms;
}

/* The machinery's own endings are tried again while the lease lasts: a full pool must not cost a lease. */
static enum rc end_surely(struct job *j, struct finish *f, struct fault *why)
{
    enum rc rc = RC_RETRY;
    for (int64_t nap_ms = 50; nap_ms <= 800; nap_ms *= 2) {
        rc = job_end_with(j, f, why);
        if ((rc != RC_RETRY && rc != RC_FULL) || clock_mono_ms() > j->deadline_mono_ms)
            break;
        const struct timespec nap = {nap_ms / 1000, (long)(nap_ms % 1000) * 1000000};
        nanosleep(&nap, NULL);
    }
    return rc;
}

static enum rc suspect_fn(struct tx *tx, void *arg, struct fault *why)
{
    struct job *j = arg;
    struct job_row r = j->row;
    r.crashes = 1 - r.crashes;
    return jobs_db_job_mark(tx, &r, why);
}

enum rc job_begin_suspect(struct job *j, struct fault *why)
{
    struct finish f = {.note = true, .fn = suspect_fn, .arg = j};
    return job_end_with(j, &f, why);
}

/* Before the handler: jobs that must not run, and jobs whose earlier claims vanished. */
static enum rc may_run(struct job *j, struct fault *because)
{
    if (!j->found.kind)
        return fault_set(because, RC_BUG, "jobs.unknown_kind", "no row for job kind " STR_FMT,
                         STR_ARG(j->row.kind));
    if (!j->args)
        return fault_set(because, RC_BUG, "jobs.bad_args", "the arguments cannot be read");
    if (-j->row.crashes >= JOBS_CRASHES)
        return fault_set(because, RC_BUG, "jobs.crashed", "%d claims brought no result", JOBS_CRASHES);
    return j->row.crashes >= 0 ? RC_OK : job_begin_suspect(j, because);
}

static void settle(struct job *j, enum rc rc, const struct fault *because)
{
    struct fault why = {0};
    if (rc == RC_OK) /* the handler forgot to end its job: running it again would double its effect */
        rc = fault_set(&why, RC_BUG, "jobs.unfinished", "the handler returned without ending its job");
    else
        why = *because;
    bool again = rc == RC_RETRY || rc == RC_LIMITED || rc == RC_FULL;
    struct fault fault = why;
    struct finish f = {.end = END_DEAD, .why = &fault};
    if (again && !job_last(j)) {
        f.end = END_RETRY;
        f.due_ms = store_clock(j->jobs->o.store) + wait_of(j);
    }
    enum rc ended = end_surely(j, &f, &why);
    log_event(j->jobs->o.log, f.end == END_DEAD ? LOG_ERROR : LOG_INFO,
              f.end == END_DEAD ? "job.dead" : "job.retry", F_ID("job", j->row.id), F_ID("kind", j->row.kind),
              F_ID("workspace", j->row.workspace), F_INT("attempt", j->row.attempts), F_RC(ended),
              F_FAULT(&fault));
}

struct job *job_run(struct job *j)
{
    struct fault why = {0};
    int64_t start = clock_mono_us();
    log_context("job", j->row.id);
    enum rc first = may_run(j, &why);
    enum rc rc = first;
    if (first == RC_OK)
        rc = j->found.kind->run(j, j->found.ctx, &why);
    int64_t took = clock_mono_us() - start;
    bool fenced = rc == RC_DENIED && str_eq(str_of(why.code), STR("jobs.fenced"));
    if (j->ended == END_NONE && !fenced && rc != RC_UNSURE && (first == RC_OK || first == RC_BUG))
        settle(j, rc, &why);
    const char *kind = j->found.kind ? j->found.kind->name : "unknown";
    metric_add(&jobs_metrics[METRIC_TOTAL], 1, kind, fenced ? "fenced" : rc_name(rc));
    metric_observe_us(&jobs_metrics[METRIC_RUN], took, kind, NULL);
    log_event(j->jobs->o.log, LOG_DEBUG, "job.run", F_ID("job", j->row.id), F_ID("kind", j->row.kind),
              F_INT("attempt", j->row.attempts), F_MS("took", took / 1000), F_RC(rc));
    log_context("job", STR_NONE);
    return j->follower;
}

struct arena *job_mem(struct job *j)
{
    return j->mem;
}

str job_id(const struct job *j)
{
    return j->row.id;
}

str job_workspace(const struct job *j)
{
    return j->row.workspace;
}

const struct json *job_args(const struct job *j)
{
    return j->args;
}

int job_attempt(const struct job *j)
{
    return (int)j->row.attempts;
}

bool job_last(const struct job *j)
{
    return j->row.attempts >= j->found.kind->retry->attempts;
}

int64_t job_deadline_mono_ms(const struct job *j)
{
    return j->deadline_mono_ms;
}
