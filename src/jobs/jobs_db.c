/* SQL of room jobs: one text for both databases.
 *
 * A lane row's ready_ms says when it can be claimed next: the due time of its first job while idle, the end
 * of the lease while someone holds it. fence 0 means idle. The one branch between the databases is the claim:
 * PostgreSQL's nodes would queue up behind each other's row locks without SKIP LOCKED, SQLite has a single
 * writer and no such word; both texts come from one macro.
 */
#include "jobs/jobs_priv.h"

static const struct migration rows[] = {
    {1000, "jobs and their lanes",
     "CREATE TABLE jobs (\n"
     "  workspace_id @TEXT NOT NULL, id @TEXT NOT NULL, kind @TEXT NOT NULL, cls @INT64 NOT NULL,\n"
     "  lane @TEXT NOT NULL, state @INT64 NOT NULL, sort_ms @INT64 NOT NULL, seq @INT64 NOT NULL,\n"
     "  due_ms @INT64 NOT NULL, attempts @INT64 NOT NULL, crashes @INT64 NOT NULL, args @TEXT NOT NULL,\n"
     "  unique_key @TEXT, code @TEXT, detail @TEXT, put_ms @INT64 NOT NULL, died_ms @INT64,\n"
     "  PRIMARY KEY (workspace_id, id)\n"
     ") @TABLE;\n"
     "CREATE INDEX jobs_lane ON jobs (workspace_id, cls, lane, sort_ms, seq) WHERE state = 0;\n"
     "CREATE UNIQUE INDEX jobs_unique ON jobs (workspace_id, kind, unique_key) WHERE unique_key IS NOT "
     "NULL;\n"
     "CREATE INDEX jobs_dead ON jobs (workspace_id, id) WHERE state = 1;\n"
     "CREATE TABLE job_lanes (\n"
     "  workspace_id @TEXT NOT NULL, cls @INT64 NOT NULL, lane @TEXT NOT NULL, ready_ms @INT64 NOT NULL,\n"
     "  fence @INT64 NOT NULL, seq @INT64 NOT NULL,\n"
     "  PRIMARY KEY (workspace_id, cls, lane)\n"
     ") @TABLE;\n"
     "CREATE INDEX job_lanes_ready ON job_lanes (cls, ready_ms);\n"
     "CREATE INDEX job_lanes_turn ON job_lanes (cls, workspace_id, ready_ms);\n"
     "CREATE INDEX job_lanes_held ON job_lanes (fence) WHERE fence <> 0;\n"
     "CREATE TABLE job_schedules ( -- exempt: schedules belong to the installation\n"
     "  name @TEXT NOT NULL PRIMARY KEY, slot @INT64 NOT NULL\n"
     ") @TABLE",
     0},
};
const struct migration_table jobs_migrations = {"jobs", rows, COUNT_OF(rows)};

/* ---- put ---- */
static const struct sql lane_put = {
    "jobs.lane_put",
    "INSERT INTO job_lanes (workspace_id, cls, lane, ready_ms, fence, seq) VALUES ($1, $2, $3, $4, 0, 1)"
    " ON CONFLICT (workspace_id, cls, lane) DO UPDATE SET seq = job_lanes.seq + 1, ready_ms ="
    " CASE WHEN job_lanes.fence = 0 AND excluded.ready_ms < job_lanes.ready_ms THEN excluded.ready_ms"
    " ELSE job_lanes.ready_ms END RETURNING seq"};
static const struct sql job_put = {
    "jobs.put", "INSERT INTO jobs (workspace_id, id, kind, cls, lane, state, sort_ms, seq, due_ms, attempts, "
                "crashes, args,"
                " unique_key, put_ms) VALUES ($1, $2, $3, $4, $5, 0, $6, $7, $8, 0, 0, $9, $10, $11)"
                " ON CONFLICT (workspace_id, kind, unique_key) WHERE unique_key IS NOT NULL DO NOTHING"};
static const struct sql job_waits = {
    "jobs.waits", "SELECT 1 FROM jobs WHERE workspace_id = $1 AND kind = $2 AND unique_key = $3"};

enum rc jobs_db_lane_put(struct tx *tx, const struct lane_move *m, int64_t *seq, struct fault *why)
{
    struct rows *r;
    enum rc rc =
        tx_one(tx, &lane_put,
               ARGS(V_TEXT(m->lane.workspace), V_INT(m->lane.cls), V_TEXT(m->lane.lane), V_INT(m->ready_ms)),
               tx_mem(tx), &r, why);
    if (rc == RC_OK)
        *seq = row_int(r, 0);
    return rc;
}

enum rc jobs_db_job_put(struct tx *tx, const struct job_row *r, str unique, int64_t seq, bool *put,
                        struct fault *why)
{
    int64_t n = 0;
    enum rc rc = tx_exec(tx, &job_put,
                         ARGS(V_TEXT(r->workspace), V_TEXT(r->id), V_TEXT(r->kind), V_INT(r->cls),
                              V_TEXT(r->lane), V_INT(r->sort_ms), V_INT(seq), V_INT(r->due_ms),
                              V_TEXT(r->args), V_TEXT(unique), V_INT(tx_now_ms(tx))),
                         &n, why);
    if (rc == RC_OK)
        *put = n == 1;
    return rc;
}

enum rc jobs_db_job_waits(struct tx *tx, const struct job_row *r, str unique, bool *waits, struct fault *why)
{
    struct rows *found;
    enum rc rc = tx_query(tx, &job_waits, ARGS(V_TEXT(r->workspace), V_TEXT(r->kind), V_TEXT(unique)),
                          tx_mem(tx), &found, why);
    if (rc == RC_OK)
        *waits = rows_next(found);
    return rc;
}

/* ---- looking ---- */
static const struct sql ready = {"jobs.ready",
                                 "/* exempt: claims serve all workspaces */ SELECT ready_ms, workspace_id "
                                 "FROM job_lanes WHERE cls = $1 ORDER BY ready_ms LIMIT $2"};
/* Walks from workspace to workspace by one index probe each, never over their lanes. */
static const struct sql turns = {
    "jobs.turns",
    "/* exempt: claims serve all workspaces */ WITH RECURSIVE turn(w) AS ("
    " SELECT MIN(a.workspace_id) FROM job_lanes a WHERE a.cls = $1 AND a.workspace_id > $2"
    " UNION ALL SELECT (SELECT MIN(b.workspace_id) FROM job_lanes b WHERE b.cls = $1 AND b.workspace_id > "
    "turn.w)"
    " FROM turn WHERE turn.w IS NOT NULL)"
    " SELECT turn.w, (SELECT MIN(c.ready_ms) FROM job_lanes c WHERE c.cls = $1 AND c.workspace_id = turn.w)"
    " FROM turn WHERE turn.w IS NOT NULL LIMIT 128"};

enum rc jobs_db_ready(struct tx *tx, int64_t cls, int64_t limit, struct arena *mem, struct rows **out,
                      struct fault *why)
{
    return tx_query(tx, &ready, ARGS(V_INT(cls), V_INT(limit)), mem, out, why);
}

enum rc jobs_db_turns(struct tx *tx, int64_t cls, str after, struct arena *mem, struct rows **out,
                      struct fault *why)
{
    return tx_query(tx, &turns, ARGS(V_INT(cls), V_TEXT(after)), mem, out, why);
}

/* PostgreSQL keeps a prepared statement's general plan. One that was made while the queue was empty reads the
 * whole table, and goes on doing so when 100,000 jobs wait (measured: 48 ms a claim instead of 0.7), until
 * autovacuum looks again. So the transactions that look for a lane's first job have their statements planned
 * for the table as it is. */
static const struct sql plan_fresh[2] = {
    [ON_SQLITE] = {"jobs.plan_fresh", ""},
    [ON_POSTGRES] = {"jobs.plan_fresh", "SELECT set_config('plan_cache_mode', 'force_custom_plan', true)"},
};

enum rc jobs_db_plan_fresh(struct tx *tx, struct fault *why)
{
    struct rows *r;
    return tx_query(tx, tx_own(tx, plan_fresh), NO_ARGS, tx_mem(tx), &r, why);
}

/* ---- claim ---- */
#define PICK                                                                                                 \
    "/* exempt: claims serve all workspaces */ WITH pick AS MATERIALIZED (SELECT workspace_id, cls, lane "   \
    "FROM job_lanes WHERE cls = $1 AND ready_ms <= $2"
#define OF_ONE " AND workspace_id = $6"
#define OLDEST " ORDER BY ready_ms LIMIT $3"
#define UNLOCKED " FOR UPDATE SKIP LOCKED"
#define CLAIM                                                                                                \
    ") UPDATE job_lanes SET fence = $4, ready_ms = $5 FROM pick"                                             \
    " WHERE job_lanes.workspace_id = pick.workspace_id AND job_lanes.cls = pick.cls AND job_lanes.lane = "   \
    "pick.lane"
static const struct sql claim_any[2] = {
    [ON_SQLITE] = {"jobs.claim", PICK OLDEST CLAIM},
    [ON_POSTGRES] = {"jobs.claim", PICK OLDEST UNLOCKED CLAIM},
};
static const struct sql claim_one[2] = {
    [ON_SQLITE] = {"jobs.claim_turn", PICK OF_ONE OLDEST CLAIM},
    [ON_POSTGRES] = {"jobs.claim_turn", PICK OF_ONE OLDEST UNLOCKED CLAIM},
};
/* crashes: 0 after every result; 1 by the first claim since then; a claim that finds it above 0 makes it
 * negative: so many claims have vanished already. Such a job is counted again when it is begun (finish.c),
 * not here: whole batches die with a process, and a neighbour of the guilty job must not be taken for it. */
#define BEGUN                                                                                                \
    "attempts = attempts + 1, unique_key = NULL,"                                                            \
    " crashes = CASE WHEN crashes = 0 THEN 1 WHEN crashes > 0 THEN -crashes ELSE crashes END"
#define JOB_COLUMNS                                                                                          \
    " jobs.workspace_id, jobs.id, jobs.kind, jobs.lane, jobs.args, jobs.cls, jobs.due_ms, jobs.sort_ms,"     \
    " jobs.attempts, jobs.crashes"
static const struct sql begin = {
    "jobs.begin",
    "UPDATE jobs SET " BEGUN
    " FROM (SELECT l.workspace_id AS w, (SELECT x.id FROM jobs x WHERE x.workspace_id ="
    " l.workspace_id AND x.cls = l.cls AND x.lane = l.lane AND x.state = 0 ORDER BY x.sort_ms, x.seq LIMIT "
    "1) AS id"
    " FROM job_lanes l WHERE l.fence = $1) AS head"
    " WHERE jobs.workspace_id = head.w AND jobs.id = head.id AND jobs.due_ms <= $2 RETURNING" JOB_COLUMNS};
static const struct sql lanes_of = {"jobs.lanes_of",
                                    "/* exempt: one claim's lanes, of any workspace */ SELECT workspace_id, "
                                    "lane, cls FROM job_lanes WHERE fence = $1"};

enum rc jobs_db_claim(struct tx *tx, const struct claim_want *w, int64_t *claimed, struct fault *why)
{
    bool one = w->workspace.p != NULL;
    const struct val v[] = {V_INT(w->cls),   V_INT(tx_now_ms(tx)), V_INT(w->limit),
                            V_INT(w->fence), V_INT(w->until_ms),   V_TEXT(w->workspace)};
    return tx_exec(tx, tx_own(tx, one ? claim_one : claim_any), v, one ? 6 : 5, claimed, why);
}

enum rc jobs_db_begin(struct tx *tx, int64_t fence, struct arena *mem, struct rows **out, struct fault *why)
{
    return tx_query(tx, &begin, ARGS(V_INT(fence), V_INT(tx_now_ms(tx))), mem, out, why);
}

void jobs_db_row(const struct rows *r, struct job_row *out)
{
    *out = (struct job_row){.workspace = row_text(r, 0),
                            .id = row_text(r, 1),
                            .kind = row_text(r, 2),
                            .lane = row_text(r, 3),
                            .args = row_text(r, 4),
                            .cls = row_int(r, 5),
                            .due_ms = row_int(r, 6),
                            .sort_ms = row_int(r, 7),
                            .attempts = row_int(r, 8),
                            .crashes = row_int(r, 9)};
}

enum rc jobs_db_lanes_of(struct tx *tx, int64_t fence, struct arena *mem, struct rows **out,
                         struct fault *why)
{
    return tx_query(tx, &lanes_of, ARGS(V_INT(fence)), mem, out, why);
}

/* ---- a lane's first job ---- */
static const struct sql head = {"jobs.head",
                                "SELECT" JOB_COLUMNS
                                " FROM jobs WHERE workspace_id = $1 AND cls = $2 AND lane = $3 AND state = 0"
                                " ORDER BY sort_ms, seq LIMIT 1"};
static const struct sql begin_one = {"jobs.begin_one",
                                     "UPDATE jobs SET " BEGUN
                                     " WHERE workspace_id = $1 AND id = $2 RETURNING attempts, crashes"};

enum rc jobs_db_head(struct tx *tx, const struct lane_ref *l, struct arena *mem, struct job_row *out,
                     bool *found, struct fault *why)
{
    struct rows *r;
    enum rc rc =
        tx_query(tx, &head, ARGS(V_TEXT(l->workspace), V_INT(l->cls), V_TEXT(l->lane)), mem, &r, why);
    if (rc != RC_OK)
        return rc;
    *found = rows_next(r);
    if (*found)
        jobs_db_row(r, out);
    return RC_OK;
}

enum rc jobs_db_begin_one(struct tx *tx, struct job_row *r, struct fault *why)
{
    struct rows *got;
    enum rc rc = tx_one(tx, &begin_one, ARGS(V_TEXT(r->workspace), V_TEXT(r->id)), tx_mem(tx), &got, why);
    if (rc != RC_OK)
        return rc;
    r->attempts = row_int(got, 0);
    r->crashes = row_int(got, 1);
    return RC_OK;
}

/* ---- the fence: a changed row proves that the lane is still ours, and locks it until commit ---- */
#define OURS " WHERE workspace_id = $1 AND cls = $2 AND lane = $3 AND fence = $4"
static const struct sql lane_hold = {"jobs.lane_hold", "UPDATE job_lanes SET ready_ms = $5" OURS};
static const struct sql lane_release = {"jobs.lane_release",
                                        "UPDATE job_lanes SET fence = 0, ready_ms = $5" OURS};
static const struct sql lane_drop = {"jobs.lane_drop", "DELETE FROM job_lanes" OURS};
#define LANE_ARGS(l) V_TEXT((l).workspace), V_INT((l).cls), V_TEXT((l).lane), V_INT((l).fence)

static enum rc fenced(enum rc rc, int64_t changed, struct fault *why)
{
    if (rc != RC_OK || changed == 1 || planted("jobs.no_fence"))
        return rc;
    return fault_set(why, RC_DENIED, "jobs.fenced", "the lease ended and another worker has the lane");
}

enum rc jobs_db_lane_hold(struct tx *tx, const struct lane_move *m, struct fault *why)
{
    int64_t n = 0;
    enum rc rc = tx_exec(tx, &lane_hold, ARGS(LANE_ARGS(m->lane), V_INT(m->ready_ms)), &n, why);
    return fenced(rc, n, why);
}

enum rc jobs_db_lane_release(struct tx *tx, const struct lane_move *m, struct fault *why)
{
    int64_t n = 0;
    enum rc rc = tx_exec(tx, &lane_release, ARGS(LANE_ARGS(m->lane), V_INT(m->ready_ms)), &n, why);
    return fenced(rc, n, why);
}

enum rc jobs_db_lane_drop(struct tx *tx, const struct lane_ref *l, struct fault *why)
{
    int64_t n = 0;
    enum rc rc = tx_exec(tx, &lane_drop, ARGS(LANE_ARGS(*l)), &n, why);
    return fenced(rc, n, why);
}

/* ---- how a job ends ---- */
static const struct sql job_delete = {"jobs.delete", "DELETE FROM jobs WHERE workspace_id = $1 AND id = $2"};
static const struct sql job_mark = {"jobs.mark",
                                    "UPDATE jobs SET crashes = $3 WHERE workspace_id = $1 AND id = $2"};
static const struct sql job_delay = {
    "jobs.delay",
    "UPDATE jobs SET due_ms = $3, sort_ms = $4, attempts = $5, crashes = 0, code = $6, detail = $7"
    " WHERE workspace_id = $1 AND id = $2"};
static const struct sql job_kill = {
    "jobs.kill", "UPDATE jobs SET state = 1, died_ms = $3, code = $4, detail = $5, unique_key = NULL"
                 " WHERE workspace_id = $1 AND id = $2"};

enum rc jobs_db_job_delete(struct tx *tx, const struct job_row *r, struct fault *why)
{
    return tx_exec(tx, &job_delete, ARGS(V_TEXT(r->workspace), V_TEXT(r->id)), NULL, why);
}

enum rc jobs_db_job_mark(struct tx *tx, const struct job_row *r, struct fault *why)
{
    return tx_exec(tx, &job_mark, ARGS(V_TEXT(r->workspace), V_TEXT(r->id), V_INT(r->crashes)), NULL, why);
}

enum rc jobs_db_job_delay(struct tx *tx, const struct job_row *r, const struct fault *because,
                          struct fault *why)
{
    str code = because ? str_of(because->code) : STR_NONE,
        detail = because ? str_of(because->detail) : STR_NONE;
    return tx_exec(tx, &job_delay,
                   ARGS(V_TEXT(r->workspace), V_TEXT(r->id), V_INT(r->due_ms), V_INT(r->sort_ms),
                        V_INT(r->attempts), V_TEXT(code), V_TEXT(detail)),
                   NULL, why);
}

enum rc jobs_db_job_kill(struct tx *tx, const struct job_row *r, const struct fault *because,
                         struct fault *why)
{
    return tx_exec(tx, &job_kill,
                   ARGS(V_TEXT(r->workspace), V_TEXT(r->id), V_INT(tx_now_ms(tx)),
                        V_TEXT(str_of(because->code)), V_TEXT(str_of(because->detail))),
                   NULL, why);
}

/* ---- schedules and start ---- */
static const struct sql slot_take = {
    "jobs.slot_take", "INSERT INTO job_schedules (name, slot) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE"
                      " SET slot = excluded.slot WHERE job_schedules.slot < excluded.slot"};
/* One daemon per SQLite file (it holds the state folder's lock): every lease found at start is a dead
 * process's. On PostgreSQL other nodes are at work and leases run out by themselves. */
static const struct sql leases_drop[2] = {
    [ON_SQLITE] = {"jobs.leases_drop", "/* exempt: the leases of a process that is gone */ UPDATE job_lanes "
                                       "SET fence = 0, ready_ms = $1 WHERE fence <> 0"},
    [ON_POSTGRES] = {"jobs.leases_drop", ""},
};

enum rc jobs_db_slot_take(struct tx *tx, const char *schedule, int64_t slot, bool *taken, struct fault *why)
{
    int64_t n = 0;
    enum rc rc = tx_exec(tx, &slot_take, ARGS(V_TEXT(str_of(schedule)), V_INT(slot)), &n, why);
    if (rc == RC_OK)
        *taken = n == 1;
    return rc;
}

enum rc jobs_db_leases_drop(struct tx *tx, struct fault *why)
{
    return tx_exec(tx, tx_own(tx, leases_drop), ARGS(V_INT(tx_now_ms(tx))), NULL, why);
}

/* ---- dead letters ---- */
static const struct sql dead_list = {
    "jobs.dead_list", "SELECT id, workspace_id, kind, code, detail, died_ms, attempts FROM jobs"
                      " WHERE workspace_id = $1 AND state = 1 AND id > $2 ORDER BY id LIMIT $3"};
static const struct sql dead_take = {
    "jobs.dead_take", "UPDATE jobs SET state = 2 WHERE workspace_id = $1 AND id = $2 AND state = 1"
                      " RETURNING" JOB_COLUMNS};
static const struct sql dead_revive = {
    "jobs.dead_revive",
    "UPDATE jobs SET state = 0, attempts = 0, crashes = 0, due_ms = $3, sort_ms = $4, seq = $5,"
    " died_ms = NULL WHERE workspace_id = $1 AND id = $2"};

enum rc jobs_db_dead_list(struct tx *tx, str workspace, str after, int limit, struct arena *mem,
                          struct rows **out, struct fault *why)
{
    return tx_query(tx, &dead_list, ARGS(V_TEXT(workspace), V_TEXT(after), V_INT(limit)), mem, out, why);
}

static const struct sql job_load = {
    "jobs.load", "SELECT kind, state, put_ms, due_ms, attempts, died_ms, code, detail, args FROM jobs"
                 " WHERE workspace_id = $1 AND id = $2"};

enum rc jobs_db_job_load(struct tx *tx, str workspace, str id, struct arena *mem, struct rows **out,
                         struct fault *why)
{
    return tx_one(tx, &job_load, ARGS(V_TEXT(workspace), V_TEXT(id)), mem, out, why);
}

enum rc jobs_db_dead_take(struct tx *tx, str workspace, str id, struct job_row *out, struct fault *why)
{
    struct rows *r;
    enum rc rc = tx_query(tx, &dead_take, ARGS(V_TEXT(workspace), V_TEXT(id)), tx_mem(tx), &r, why);
    if (rc != RC_OK)
        return rc;
    if (!rows_next(r))
        return fault_set(why, RC_MISSING, "jobs.no_dead_letter", "no dead letter has this id");
    jobs_db_row(r, out);
    return RC_OK;
}

enum rc jobs_db_dead_revive(struct tx *tx, const struct job_row *r, int64_t seq, struct fault *why)
{
    return tx_exec(tx, &dead_revive,
                   ARGS(V_TEXT(r->workspace), V_TEXT(r->id), V_INT(r->due_ms), V_INT(r->sort_ms), V_INT(seq)),
                   NULL, why);
}
