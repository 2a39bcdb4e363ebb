/* Rotation by command: who asks, the two jobs, and what `keys status` prints. Flow: POST /admin/keys/rotate
 * -> job keys.rotate (new keys, 20 workspaces a transaction) -> a job keys.reseal for each workspace (page
 * after page; waits a minute; scans again; the old keys retire). A killed node loses one page of work.
 */
#include "keys/rotate_priv.h"

static enum rc put_reseal(struct tx *tx, str workspace, struct fault *why)
{
    const struct job_new j = {
        .kind = "keys.reseal", .workspace = workspace, .key = STR("keys.reseal"), .unique = workspace};
    return jobs_put(tx, &j, why);
}

static enum rc note_rotated(struct keys *k, struct tx *tx, str workspace, str actor, struct fault *why)
{
    const struct audit_entry e = {.workspace = workspace.n > 0 ? workspace : STR("-"),
                                  .actor = actor,
                                  .action = STR("keys.rotated"),
                                  .object = workspace.n > 0 ? workspace : STR("all")};
    return audit_put(k->audit, tx, &e, why);
}

enum rc keys_rotation_put(struct keys *k, struct tx *tx, str workspace, str actor, struct fault *why)
{
    struct key_row r;
    enum rc rc;
    must(k->n_tables > 0 && k->audit != NULL);
    if (workspace.n == 0) {
        const struct job_new j = {.kind = "keys.rotate",
                                  .workspace = STR("-"),
                                  .key = STR("keys.rotate"),
                                  .args =
                                      arena_fmt(tx_mem(tx), "{\"before\":%lld}", (long long)tx_now_ms(tx)),
                                  .unique = STR("all")};
        rc = jobs_put(tx, &j, why);
        return rc == RC_OK ? note_rotated(k, tx, workspace, actor, why) : rc;
    }
    rc = keys_db_active(tx, workspace, tx_mem(tx), &r, why);
    if (rc == RC_MISSING)
        return fault_set(why, RC_MISSING, "keys.no_key", "nothing was sealed for this workspace yet");
    if (rc == RC_OK)
        rc = keys_rotate_start(k, tx, workspace, why);
    if (rc == RC_OK)
        rc = put_reseal(tx, workspace, why);
    return rc == RC_OK ? note_rotated(k, tx, workspace, actor, why) : rc;
}

/* ---- jobs ---- */
struct walk {
    struct keys *k;
    int64_t before_ms;
    size_t n;
};

static enum rc walk_page(struct tx *tx, void *arg, struct fault *why)
{
    struct walk *w = arg;
    struct rows *r;
    enum rc rc = keys_db_workspaces(tx, w->before_ms, tx_mem(tx), &r, why);
    w->n = rc == RC_OK ? rows_count(r) : 0;
    while (rc == RC_OK && rows_next(r)) {
        str workspace = row_text(r, 0);
        rc = keys_rotate_start(w->k, tx, workspace, why);
        if (rc == RC_OK)
            rc = put_reseal(tx, workspace, why);
    }
    return rc;
}

static bool in_time(struct job *j)
{
    return clock_mono_ms() < job_deadline_mono_ms(j) - 3000;
}

/* Workspaces with a new key are not found again, so it always begins at the start. */
static enum rc rotate_job(struct job *j, void *ctx, struct fault *why)
{
    struct walk w = {.k = ctx, .n = 1};
    enum rc rc = RC_OK;
    if (!json_i64(job_args(j), "before", &w.before_ms))
        return fault_set(why, RC_BUG, "keys.args", "the job names no time");
    while (rc == RC_OK && w.n > 0 && in_time(j))
        rc = job_note(j, walk_page, &w, why);
    if (rc != RC_OK)
        return rc;
    return w.n == 0 ? job_done(j, why) : job_later(j, 0, why);
}

enum { SLICE_MS = 5000 }; /* one workspace does not keep a worker from the others */

static enum rc reseal_job(struct job *j, void *ctx, struct fault *why)
{
    struct reseal r = {.k = ctx, .workspace = job_workspace(j)};
    int64_t began = clock_mono_ms();
    enum rc rc = RC_OK;
    do {
        rc = job_note(j, keys_reseal_page, &r, why);
        if (rc == RC_OK)
            metric_add(&keys_metrics[KEYS_M_RESEALED], r.page_resealed, NULL, NULL);
    } while (rc == RC_OK && r.next == RESEAL_MORE && in_time(j) && clock_mono_ms() - began < SLICE_MS);
    if (rc != RC_OK)
        return rc;
    if (r.next != RESEAL_DONE)
        return job_later(j, r.next == RESEAL_WAIT ? r.wait_ms : 0, why);
    keys_forget_old(ctx, r.workspace);
    log_event(r.k->log, LOG_INFO, "keys.resealed", F_ID("workspace", r.workspace),
              F_INT("values", r.at.resealed));
    return job_done(j, why);
}

const struct job_kind keys_jobs[] = {
    {.name = "keys.rotate",
     .order = JOB_ONE,
     .cls = JOBS_BULK,
     .retry = &retry_patient,
     .lease_ms = 60000,
     .run = rotate_job,
     .doc = "Makes a new data key for every workspace and puts the work of sealing its values anew."},
    {.name = "keys.reseal",
     .order = JOB_ONE,
     .cls = JOBS_BULK,
     .retry = &retry_patient,
     .lease_ms = 60000,
     .run = reseal_job,
     .doc = "Seals a workspace's values anew under its active key; the old keys retire when two scans found "
            "nothing under them."},
};
const size_t keys_jobs_n = COUNT_OF(keys_jobs);

/* ---- status ---- */
struct printing {
    struct keys *k;
    struct arena *mem;
    struct buf *to;
};

static void print_rotation(const struct rows *r, struct buf *to)
{
    char at[TIME_TEXT];
    bool done = row_int(r, 8) > 0;
    buf_fmt(to, STR_FMT "  begun %s  %lld values sealed anew", STR_ARG(row_text(r, 0)),
            time_iso(row_int(r, 1), at), (long long)row_int(r, 5));
    if (row_int(r, 6) > 0)
        buf_fmt(to, ", %lld cannot be opened", (long long)row_int(r, 6));
    if (done)
        buf_fmt(to, ", old keys retired %s\n", time_iso(row_int(r, 8), at));
    else
        buf_fmt(to, ", %s\n", row_int(r, 7) > 0 ? "first scan clean, second to come" : "under way");
}

static enum rc print_rotations(struct tx *tx, void *arg, struct fault *why)
{
    struct printing *p = arg;
    struct rows *r;
    enum rc rc = keys_db_rotations(tx, p->mem, &r, why);
    while (rc == RC_OK && rows_next(r))
        print_rotation(r, p->to);
    return rc;
}

enum rc keys_print(struct keys *k, struct arena *mem, struct buf *out, struct fault *why)
{
    struct keys_status s;
    struct printing p = {k, mem, out};
    enum rc rc = keys_status(k, &s, why);
    if (rc != RC_OK)
        return rc;
    buf_fmt(out, "key encryption key %s; %lld keys still under another one\n", s.kek_id,
            (long long)s.under_other_kek);
    buf_fmt(out, "data keys %lld (older ones in use %lld, retired %lld); person keys %lld; day keys %lld\n",
            (long long)s.data_keys, (long long)s.old_data_keys, (long long)s.retired_data_keys,
            (long long)s.person_keys, (long long)s.day_keys);
    buf_fmt(out, "workspaces in rotation %lld; values that cannot be opened %lld\n", (long long)s.rotating,
            (long long)s.unreadable);
    return store_read(k->store, print_rotations, &p, why);
}
