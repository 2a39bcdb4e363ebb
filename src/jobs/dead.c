/* Dead letters: jobs that failed for good stay as rows with their reason until someone replays or forgets
 * them. A replayed job starts anew: no attempts, at the end of its lane.
 */
#include "jobs/jobs_priv.h"

enum rc jobs_dead_list(struct tx *tx, str workspace, str after, int limit, struct arena *mem,
                       struct dead_letter **out, size_t *n, struct fault *why)
{
    struct rows *r;
    enum rc rc = jobs_db_dead_list(tx, workspace, after.p ? after : STR(""), limit, mem, &r, why);
    if (rc != RC_OK)
        return rc;
    struct dead_letter *at = arena_array(mem, struct dead_letter, rows_count(r) + 1);
    if (!at)
        return fault_set(why, RC_FULL, "jobs.memory", "no room for the list");
    size_t count = 0;
    while (rows_next(r))
        at[count++] = (struct dead_letter){.id = row_text(r, 0),
                                           .workspace = row_text(r, 1),
                                           .kind = row_text(r, 2),
                                           .code = row_text(r, 3),
                                           .detail = row_text(r, 4),
                                           .died_ms = row_int(r, 5),
                                           .attempts = (int)row_int(r, 6)};
    *out = at;
    *n = count;
    return RC_OK;
}

enum rc jobs_dead_replay(struct tx *tx, str workspace, str id, struct fault *why)
{
    struct job_row r;
    struct job_found k;
    enum rc rc = jobs_db_dead_take(tx, workspace, id, &r, why);
    if (rc != RC_OK)
        return rc;
    if (!jobs_registry_kind(r.kind, &k))
        return fault_set(why, RC_CONFLICT, "jobs.kind_gone", "this version has no job kind " STR_FMT,
                         STR_ARG(r.kind));
    int64_t seq = 0;
    r.due_ms = tx_now_ms(tx);
    r.sort_ms = k.kind->order == JOB_STRICT ? 0 : r.due_ms;
    const struct lane_move lane = {{r.workspace, r.lane, r.cls, 0}, r.due_ms};
    if ((rc = jobs_db_lane_put(tx, &lane, &seq, why)) != RC_OK)
        return rc;
    if ((rc = jobs_db_dead_revive(tx, &r, seq, why)) != RC_OK)
        return rc;
    jobs_woken(tx);
    return RC_OK;
}
