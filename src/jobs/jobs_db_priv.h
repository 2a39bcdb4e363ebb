/* Rows of room jobs and the statements on them. What each statement means for a lane stands in jobs_db.c. */
#ifndef MZ_JOBS_DB_PRIV_H
#define MZ_JOBS_DB_PRIV_H
#include "jobs/jobs.h"

/* ---- what stands in the tables ---- */
struct job_row {
    str workspace, id, kind, lane, args;
    int64_t cls, due_ms, sort_ms, attempts,
        crashes; /* crashes: see jobs_db.c; negative: claims that vanished */
};
struct lane_ref {
    str workspace, lane;
    int64_t cls, fence;
};

/* ---- jobs_db.c ---- */
struct lane_move {
    struct lane_ref lane;
    int64_t ready_ms;
};
MUSTCHECK enum rc jobs_db_lane_put(struct tx *tx, const struct lane_move *m, int64_t *seq, struct fault *why);
MUSTCHECK enum rc jobs_db_job_put(struct tx *tx, const struct job_row *r, str unique, int64_t seq, bool *put,
                                  struct fault *why);
MUSTCHECK enum rc jobs_db_job_waits(struct tx *tx, const struct job_row *r, str unique, bool *waits,
                                    struct fault *why);
MUSTCHECK enum rc jobs_db_ready(struct tx *tx, int64_t cls, int64_t limit, struct arena *mem,
                                struct rows **out, struct fault *why);
MUSTCHECK enum rc jobs_db_turns(struct tx *tx, int64_t cls, str after, struct arena *mem, struct rows **out,
                                struct fault *why);
/* First in a transaction that claims, begins or looks for a head. */
MUSTCHECK enum rc jobs_db_plan_fresh(struct tx *tx, struct fault *why);
struct claim_want {
    int64_t cls, fence, until_ms, limit;
    str workspace; /* STR_NONE: whichever is oldest */
};
MUSTCHECK enum rc jobs_db_claim(struct tx *tx, const struct claim_want *w, int64_t *claimed,
                                struct fault *why);
MUSTCHECK enum rc jobs_db_begin(struct tx *tx, int64_t fence, struct arena *mem, struct rows **out,
                                struct fault *why);
void jobs_db_row(const struct rows *r, struct job_row *out);
MUSTCHECK enum rc jobs_db_lanes_of(struct tx *tx, int64_t fence, struct arena *mem, struct rows **out,
                                   struct fault *why);
/* The lane's first job, whatever its due time. RC_OK with *found false when the lane is empty. */
MUSTCHECK enum rc jobs_db_head(struct tx *tx, const struct lane_ref *l, struct arena *mem,
                               struct job_row *out, bool *found, struct fault *why);
MUSTCHECK enum rc jobs_db_begin_one(struct tx *tx, struct job_row *r, struct fault *why);
/* Fence checks: RC_DENIED "jobs.fenced" when the lease is another's. */
MUSTCHECK enum rc jobs_db_lane_hold(struct tx *tx, const struct lane_move *m, struct fault *why);
MUSTCHECK enum rc jobs_db_lane_release(struct tx *tx, const struct lane_move *m, struct fault *why);
MUSTCHECK enum rc jobs_db_lane_drop(struct tx *tx, const struct lane_ref *l, struct fault *why);
MUSTCHECK enum rc jobs_db_job_delete(struct tx *tx, const struct job_row *r, struct fault *why);
MUSTCHECK enum rc jobs_db_job_mark(struct tx *tx, const struct job_row *r, struct fault *why);
MUSTCHECK enum rc jobs_db_job_delay(struct tx *tx, const struct job_row *r, const struct fault *because,
                                    struct fault *why);
MUSTCHECK enum rc jobs_db_job_kill(struct tx *tx, const struct job_row *r, const struct fault *because,
                                   struct fault *why);
MUSTCHECK enum rc jobs_db_slot_take(struct tx *tx, const char *schedule, int64_t slot, bool *taken,
                                    struct fault *why);
/* Those of a process that is gone; only where no other one can hold any. */
MUSTCHECK enum rc jobs_db_leases_drop(struct tx *tx, struct fault *why);
MUSTCHECK enum rc jobs_db_dead_list(struct tx *tx, str workspace, str after, int limit, struct arena *mem,
                                    struct rows **out, struct fault *why);
/* kind, state, put_ms, due_ms, attempts, died_ms, code, detail, args */
MUSTCHECK enum rc jobs_db_job_load(struct tx *tx, str workspace, str id, struct arena *mem, struct rows **out,
                                   struct fault *why);
MUSTCHECK enum rc jobs_db_dead_take(struct tx *tx, str workspace, str id, struct job_row *out,
                                    struct fault *why);
MUSTCHECK enum rc jobs_db_dead_revive(struct tx *tx, const struct job_row *r, int64_t seq, struct fault *why);
#endif
