/* Putting jobs: validation, the lane's row, the job's row, and waking workers after the commit.
 *
 * A put carries a transaction but no handle, because capabilities know no machinery; so the open queues of
 * this process (one, in tests several) stand in a small registry, and a kind's row is found there. A put of a
 * name without a row is our own mistake and fails the transaction.
 */
#include "jobs/jobs_priv.h"

#define OPEN_MAX 64
static pthread_mutex_t registry_lock = PTHREAD_MUTEX_INITIALIZER;
static struct jobs *registry[OPEN_MAX];

void jobs_registry_add(struct jobs *j)
{
    pthread_mutex_lock(&registry_lock);
    size_t i = 0;
    while (i < OPEN_MAX && registry[i])
        i++;
    must(i < OPEN_MAX);
    registry[i] = j;
    pthread_mutex_unlock(&registry_lock);
}

void jobs_registry_remove(struct jobs *j)
{
    pthread_mutex_lock(&registry_lock);
    for (size_t i = 0; i < OPEN_MAX; i++)
        if (registry[i] == j)
            registry[i] = NULL;
    pthread_mutex_unlock(&registry_lock);
}

static void wake_all(void *unused)
{
    (void)unused;
    pthread_mutex_lock(&registry_lock);
    for (size_t i = 0; i < OPEN_MAX; i++)
        if (registry[i])
            jobs_wake(registry[i]);
    pthread_mutex_unlock(&registry_lock);
}

void jobs_woken(struct tx *tx)
{
    tx_after(tx, wake_all, NULL);
}

bool jobs_kind(const struct jobs *j, str name, struct job_found *out)
{
    for (size_t t = 0; t < j->o.n_tables; t++)
        for (size_t i = 0; i < j->o.tables[t].n; i++)
            if (str_eq(str_of(j->o.tables[t].rows[i].name), name)) {
                *out = (struct job_found){&j->o.tables[t].rows[i], j->o.tables[t].ctx};
                return true;
            }
    return false;
}

bool jobs_registry_kind(str name, struct job_found *out)
{
    bool found = false;
    pthread_mutex_lock(&registry_lock);
    for (size_t i = 0; i < OPEN_MAX && !found; i++)
        found = registry[i] && jobs_kind(registry[i], name, out);
    pthread_mutex_unlock(&registry_lock);
    return found;
}

static enum rc check(const struct job_new *n, struct job_found *kind, struct tx *tx, struct fault *why)
{
    const struct json *args;
    if (!jobs_registry_kind(str_of(n->kind), kind))
        return fault_set(why, RC_BUG, "jobs.unknown_kind", "no row for job kind %s", n->kind);
    if (n->workspace.n == 0 || n->workspace.n > 100 || n->key.n > JOB_KEY_MAX || n->unique.n > JOB_KEY_MAX)
        return fault_set(why, RC_BUG, "jobs.bad_put", "workspace or key of %s is empty or too long", n->kind);
    if (kind->kind->order != JOB_FREE && n->key.n == 0)
        return fault_set(why, RC_BUG, "jobs.bad_put", "%s is ordered and needs a key", n->kind);
    if (n->args.n > JOB_ARGS_MAX)
        return fault_set(why, RC_BUG, "jobs.bad_put", "args of %s are over %d bytes", n->kind, JOB_ARGS_MAX);
    if (json_parse(n->args, NULL, tx_mem(tx), &args, why) != RC_OK || args->type != JSON_OBJ)
        return fault_set(why, RC_BUG, "jobs.bad_put", "args of %s are not a JSON object", n->kind);
    return RC_OK;
}

enum rc jobs_put(struct tx *tx, const struct job_new *n, struct fault *why)
{
    struct job_found found;
    struct job_new in = *n;
    if (in.args.n == 0)
        in.args = STR("{}");
    enum rc rc = check(&in, &found, tx, why);
    if (rc != RC_OK)
        return rc;
    int64_t now = tx_now_ms(tx);
    struct job_row r = {.workspace = in.workspace,
                        .id = id_new(tx_mem(tx), "job"),
                        .kind = str_of(in.kind),
                        .args = in.args,
                        .cls = found.kind->cls,
                        .due_ms = in.due_ms > now ? in.due_ms : now};
    if (!r.id.p)
        return fault_set(why, RC_FULL, "jobs.memory", "no room for a job id");
    r.lane = found.kind->order == JOB_FREE ? r.id : in.key;
    r.sort_ms = found.kind->order == JOB_STRICT ? 0 : r.due_ms;
    str unique = in.unique.n ? in.unique : STR_NONE;
    bool waits = false, put = false;
    if (unique.p && ((rc = jobs_db_job_waits(tx, &r, unique, &waits, why)) != RC_OK || waits))
        return rc;
    int64_t seq = 0;
    const struct lane_move lane = {{r.workspace, r.lane, r.cls, 0}, r.due_ms};
    if ((rc = jobs_db_lane_put(tx, &lane, &seq, why)) != RC_OK)
        return rc;
    /* Not put: another node was first under the unique key. An empty lane may stay; whoever claims it drops
     * it. */
    if ((rc = jobs_db_job_put(tx, &r, unique, seq, &put, why)) != RC_OK)
        return rc;
    if (r.due_ms <= now)
        jobs_woken(tx);
    return RC_OK;
}

static bool emit_rows(const char *event, const struct job_emit_row **out, size_t *n)
{
    bool found = false;
    pthread_mutex_lock(&registry_lock);
    for (size_t i = 0; i < OPEN_MAX && !found; i++) {
        if (!registry[i])
            continue;
        *out = registry[i]->o.emits;
        *n = registry[i]->o.n_emits;
        for (size_t k = 0; k < *n && !found; k++)
            found = str_eq(str_of((*out)[k].event), str_of(event));
    }
    pthread_mutex_unlock(&registry_lock);
    return found;
}

enum rc jobs_emit(struct tx *tx, const char *event, str workspace, str key, str args, struct fault *why)
{
    const struct job_emit_row *e = NULL;
    size_t n = 0;
    if (!emit_rows(event, &e, &n))
        return fault_set(why, RC_BUG, "jobs.unknown_event", "no job kind listens to %s", event);
    for (size_t i = 0; i < n; i++) {
        if (!str_eq(str_of(e[i].event), str_of(event)))
            continue;
        const struct job_new put = {.kind = e[i].kind, .workspace = workspace, .key = key, .args = args};
        enum rc rc = jobs_put(tx, &put, why);
        if (rc != RC_OK)
            return rc;
    }
    return RC_OK;
}

bool jobs_listens(str kind, const char *event)
{
    const struct job_emit_row *e = NULL;
    size_t n = 0;
    bool found = false;
    if (!emit_rows(event, &e, &n))
        return false;
    for (size_t i = 0; i < n && !found; i++)
        found = str_eq(str_of(e[i].event), str_of(event)) && str_eq(str_of(e[i].kind), kind);
    return found;
}

enum rc jobs_alert(struct tx *tx, str workspace, const char *alert, str object, int64_t count,
                   struct fault *why)
{
    const struct job_emit_row *e;
    size_t n;
    struct buf b;
    struct jw w;
    if (!emit_rows("alert.raised", &e, &n))
        return RC_OK;
    buf_init(&b, tx_mem(tx), 2048);
    jw_init(&w, &b);
    jw_obj(&w, NULL);
    jw_cstr(&w, "alert", alert);
    jw_str(&w, "object", object);
    jw_i64(&w, "count", count);
    jw_end(&w);
    return jobs_emit(tx, "alert.raised", workspace, STR_NONE, buf_str(&b), why);
}
