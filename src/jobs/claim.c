/* Claiming: which lanes a class takes next, and the jobs at their heads.
 *
 * First a cheap read: is anything due? If not, nothing is written. If what is due fits in one claim it is
 * taken, oldest first. If there is more, workspaces are walked round-robin and each gives an equal share, so
 * that one with 100,000 jobs cannot keep the others waiting. Claim and the counting of the attempt are one
 * transaction. Jobs whose last three claims brought no result are dead-lettered as `jobs.crashed` by whoever
 * takes them up (finish.c).
 */
#include "jobs/jobs_priv.h"

struct turn {
    str workspace;
    int64_t ready_ms;
};
struct look { /* read side: a hint */
    struct crew *crew;
    struct arena *mem;
    size_t want;
    int64_t now_ms, first_ms; /* first_ms: when the earliest lane is ready; -1: no lane at all */
    struct turn *turns;       /* NULL: take the oldest */
    size_t n_turns;
};

static enum rc look_turns(struct tx *tx, struct look *l, struct fault *why)
{
    str after = {l->crew->turn, l->crew->turn_n};
    l->turns = arena_array(l->mem, struct turn, 256);
    if (!l->turns)
        return fault_set(why, RC_FULL, "jobs.memory", "no room to look for workspaces");
    for (int lap = 0; lap < 2 && l->n_turns < l->want;
         lap++) { /* behind the last one served, then from the start */
        struct rows *r;
        enum rc rc = jobs_db_turns(tx, (int64_t)l->crew->cls, lap ? STR("") : after, l->mem, &r, why);
        if (rc != RC_OK)
            return rc;
        while (rows_next(r) && l->n_turns < 256) {
            struct turn t = {row_text(r, 0), row_int(r, 1)};
            bool known = lap && l->n_turns > 0 && str_eq(t.workspace, l->turns[0].workspace);
            if (known)
                break;
            if (t.ready_ms <= l->now_ms)
                l->turns[l->n_turns++] = t;
        }
        if (after.n == 0)
            break;
    }
    return RC_OK;
}

static enum rc look_fn(struct tx *tx, void *arg, struct fault *why)
{
    struct look *l = arg;
    struct rows *r;
    l->now_ms = tx_now_ms(tx);
    l->first_ms = -1;
    l->turns = NULL;
    l->n_turns = 0;
    enum rc rc = jobs_db_ready(tx, (int64_t)l->crew->cls, (int64_t)l->want + 1, l->mem, &r, why);
    if (rc != RC_OK)
        return rc;
    size_t due = 0;
    while (rows_next(r)) {
        if (l->first_ms < 0)
            l->first_ms = row_int(r, 0);
        due += row_int(r, 0) <= l->now_ms;
    }
    if (due > l->want)
        return look_turns(tx, l, why);
    return RC_OK;
}

struct claim { /* write side */
    const struct look *look;
    struct arena *mem; /* emptied by every run of the function */
    int64_t fence;
    struct job_row *rows;
    size_t n;
    bool more;
};

static enum rc claim_lanes(struct tx *tx, struct claim *c, int64_t *got, struct fault *why)
{
    const struct look *l = c->look;
    struct claim_want w = {.cls = (int64_t)l->crew->cls,
                           .fence = c->fence,
                           .until_ms = tx_now_ms(tx) + l->crew->lease_ms,
                           .limit = (int64_t)l->want,
                           .workspace = STR_NONE};
    if (l->n_turns == 0)
        return jobs_db_claim(tx, &w, got, why);
    int64_t left = (int64_t)l->want, share = (left + (int64_t)l->n_turns - 1) / (int64_t)l->n_turns;
    for (size_t i = 0; i < l->n_turns && left > 0; i++) {
        int64_t n = 0;
        w.workspace = l->turns[i].workspace;
        w.limit = share < left ? share : left;
        enum rc rc = jobs_db_claim(tx, &w, &n, why);
        if (rc != RC_OK)
            return rc;
        left -= n;
        *got += n;
    }
    return RC_OK;
}

static bool among(const struct claim *c, str workspace, str lane)
{
    for (size_t i = 0; i < c->n; i++)
        if (str_eq(c->rows[i].workspace, workspace) && str_eq(c->rows[i].lane, lane))
            return true;
    return false;
}

/* Lanes without a job that is due (an empty lane, a strict one whose head waits) go back. */
static enum rc release_rest(struct tx *tx, struct claim *c, struct fault *why)
{
    struct rows *lanes;
    enum rc rc = jobs_db_lanes_of(tx, c->fence, tx_mem(tx), &lanes, why);
    while (rc == RC_OK && rows_next(lanes)) {
        struct lane_move m = {{row_text(lanes, 0), row_text(lanes, 1), row_int(lanes, 2), c->fence}, 0};
        struct job_row head;
        bool found = false;
        if (among(c, m.lane.workspace, m.lane.lane))
            continue;
        if ((rc = jobs_db_head(tx, &m.lane, tx_mem(tx), &head, &found, why)) != RC_OK)
            break;
        m.ready_ms = head.due_ms;
        rc = found ? jobs_db_lane_release(tx, &m, why) : jobs_db_lane_drop(tx, &m.lane, why);
    }
    return rc;
}

static enum rc claim_fn(struct tx *tx, void *arg, struct fault *why)
{
    struct claim *c = arg;
    struct rows *r;
    int64_t got = 0;
    arena_reset(c->mem);
    c->n = 0;
    /* Only equality matters to a fence, and lanes are dropped when empty: a random one never comes back. */
    random_bytes(&c->fence, sizeof c->fence);
    c->fence = (c->fence & (INT64_MAX >> 1)) | 1;
    enum rc rc = jobs_db_plan_fresh(tx, why);
    if (rc == RC_OK)
        rc = claim_lanes(tx, c, &got, why);
    if (rc != RC_OK || got == 0)
        return rc;
    if ((rc = jobs_db_begin(tx, c->fence, c->mem, &r, why)) != RC_OK)
        return rc;
    c->rows = arena_array(c->mem, struct job_row, rows_count(r) + 1);
    if (!c->rows)
        return fault_set(why, RC_FULL, "jobs.memory", "no room for a claim");
    while (rows_next(r))
        jobs_db_row(r, &c->rows[c->n++]);
    c->more = got == (int64_t)c->look->want;
    return (int64_t)c->n == got ? RC_OK : release_rest(tx, c, why);
}

struct job *job_make(struct crew *c, const struct job_row *row, int64_t fence)
{
    struct fault why;
    struct arena *mem = arena_open(JOB_MEM_MAX);
    struct job *j = arena_new(mem, struct job);
    must(j);
    *j = (struct job){.jobs = c->jobs, .crew = c, .mem = mem, .row = *row, .fence = fence};
    str *texts[] = {&j->row.workspace, &j->row.id, &j->row.kind, &j->row.lane, &j->row.args};
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        *texts[i] = arena_str(mem, *texts[i]);
        must(texts[i]->p);
    }
    j->claimed_mono_ms = j->slice_mono_ms = clock_mono_ms();
    bool known = jobs_kind(c->jobs, j->row.kind, &j->found);
    int64_t lease = known && j->found.kind->lease_ms ? j->found.kind->lease_ms : JOB_LEASE_MS;
    j->deadline_mono_ms = j->claimed_mono_ms + lease - 1000;
    if (json_parse(j->row.args, NULL, mem, &j->args, &why) != RC_OK)
        j->args = NULL;
    return j;
}

void job_free(struct job **j)
{
    if (!*j)
        return;
    struct arena *mem = (*j)->mem;
    *j = NULL;
    arena_close(&mem);
}

static void turn_moved(struct crew *c, const struct look *l, size_t n)
{
    if (l->n_turns == 0)
        return;
    str last = l->turns[n < l->n_turns ? n : l->n_turns - 1].workspace;
    c->turn_n = last.n < sizeof c->turn ? last.n : 0;
    memcpy(c->turn, last.p, c->turn_n);
}

static bool clock_fits(struct jobs *j)
{
    int64_t off = store_clock(j->o.store) - clock_now_ms();
    if (off <= JOBS_CLOCK_OFF_MS && off >= -JOBS_CLOCK_OFF_MS)
        return true;
    log_event(j->o.log, LOG_ERROR, "jobs.clock_off", F_MS("off", off));
    return false;
}

size_t crew_claim(struct crew *c, size_t want, struct job **list, int64_t *wait_ms)
{
    struct fault why = {0};
    struct arena *mem = arena_open((size_t)4 << 20), *batch = arena_open((size_t)4 << 20);
    struct look l = {.crew = c, .mem = mem, .want = want < JOBS_BATCH ? want : JOBS_BATCH};
    struct claim k = {.look = &l, .mem = batch};
    *wait_ms = JOBS_POLL_MS;
    enum rc rc = clock_fits(c->jobs) ? store_read(c->jobs->o.store, look_fn, &l, &why) : RC_OFF;
    if (rc == RC_OK && l.first_ms >= 0 && l.first_ms <= l.now_ms) {
        metric_set(&jobs_metrics[METRIC_LAG], (l.now_ms - l.first_ms) / 1000, crew_name(c->cls), NULL);
        rc = store_write(c->jobs->o.store, crew_store_class(c->cls), claim_fn, &k, &why);
        if (rc == RC_OK)
            turn_moved(c, &l, l.want - 1);
    } else if (rc == RC_OK && l.first_ms >= 0 && l.first_ms - l.now_ms < JOBS_POLL_MS) {
        *wait_ms = l.first_ms - l.now_ms;
    }
    if (rc != RC_OK && rc != RC_OFF)
        log_event(c->jobs->o.log, LOG_WARN, "jobs.claim", F_STR("class", str_of(crew_name(c->cls))), F_RC(rc),
                  F_FAULT(&why));
    size_t n = rc == RC_OK ? k.n : 0;
    for (size_t i = 0; i < n; i++) {
        *list = job_make(c, &k.rows[i], k.fence);
        list = &(*list)->next;
    }
    *list = NULL;
    if (n > 0 && k.more)
        *wait_ms = 0;
    arena_close(&mem);
    arena_close(&batch);
    return n;
}
