/* Schedules: every node puts the due job; the slot's row lets exactly one of them.
 *
 * A slot is the count of whole intervals since 1970 on the database's clock. After a pause only the newest
 * slot is put: a schedule says "now and then", not "as often as was missed".
 */
#include "jobs/jobs_priv.h"

struct slot {
    struct jobs *jobs;
    const struct job_schedule *row;
    int64_t n;
};

static enum rc slot_fn(struct tx *tx, void *arg, struct fault *why)
{
    const struct slot *s = arg;
    struct job_found k;
    bool taken = false;
    enum rc rc = jobs_db_slot_take(tx, s->row->name, s->n, &taken, why);
    if (rc != RC_OK || !taken)
        return rc;
    must(jobs_kind(s->jobs, str_of(s->row->kind), &k));
    const struct job_new n = {.kind = s->row->kind,
                              .workspace = STR("-"),
                              .key = k.kind->order == JOB_FREE ? STR_NONE : str_of(s->row->name),
                              .unique = str_of(s->row->name)};
    return jobs_put(tx, &n, why);
}

void jobs_schedules_tick(struct jobs *j)
{
    int64_t now = store_clock(j->o.store);
    for (size_t i = 0; i < j->o.n_schedules; i++) {
        struct fault why = {0};
        struct slot s = {j, &j->o.schedules[i], now / j->o.schedules[i].every_ms};
        if (s.n <= j->slots[i])
            continue;
        enum rc rc = store_write(j->o.store, STORE_BULK, slot_fn, &s, &why);
        if (rc == RC_OK)
            j->slots[i] = s.n;
        else
            log_event(j->o.log, LOG_WARN, "jobs.schedule", F_STR("schedule", str_of(s.row->name)), F_RC(rc),
                      F_FAULT(&why));
    }
}
