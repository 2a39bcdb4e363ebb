/* The picture of all states in memory, the thread that follows the table, and the one function that changes
 * a state.
 *
 * A load takes the version and all rows in one read, so the picture is one moment's. What can go wrong: the
 * database is away; then the last picture holds, the metric counts, and a change made elsewhere is seen
 * late.
 */
#include <errno.h>
#include "flags/flags_priv.h"

int flags_row(const struct flags *f, str name)
{
    for (size_t i = 0; i < f->n_rows; i++)
        if (str_eq(name, str_of(f->rows[i]->name)))
            return (int)i;
    return -1;
}

/* ---- asking ---- */

static int compare(const struct state *s, str workspace, int flag)
{
    str w = str_of(s->workspace);
    size_t n = w.n < workspace.n ? w.n : workspace.n;
    int c = n == 0 ? 0 : memcmp(w.p, workspace.p, n);
    if (c == 0 && w.n != workspace.n)
        c = w.n < workspace.n ? -1 : 1;
    return c != 0 ? c : (int)s->flag - flag;
}

static const struct state *find(const struct flags *f, str workspace, int flag)
{
    size_t lo = 0, hi = f->n_states;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int c = compare(&f->states[mid], workspace, flag);
        if (c == 0)
            return &f->states[mid];
        if (c < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return NULL;
}

static bool holds(const struct flag_row *row, enum flag_state here, enum flag_state installation)
{
    if (installation == FLAG_OFF)
        return false;
    if (here != FLAG_UNSET)
        return here == FLAG_ON;
    return installation == FLAG_ON || row->on;
}

static enum flag_state state_of(const struct state *s)
{
    return s == NULL ? FLAG_UNSET : s->on ? FLAG_ON : FLAG_OFF;
}

bool flag_on(struct flags *f, str workspace, const char *name)
{
    int flag = flags_row(f, str_of(name));
    must(flag >= 0); /* a flag that no row declares would always be off, silently */
    pthread_rwlock_rdlock(&f->lock);
    enum flag_state installation = state_of(find(f, STR("-"), flag)), here = FLAG_UNSET;
    if (workspace.n > 0 && !str_eq(workspace, STR("-")))
        here = state_of(find(f, workspace, flag));
    pthread_rwlock_unlock(&f->lock);
    return holds(f->rows[flag], here, installation);
}

bool flags_hook(void *flags, str workspace, const char *flag)
{
    return flag_on(flags, workspace, flag);
}

void flags_session(void *flags, str workspace, struct jw *w)
{
    struct flags *f = flags;
    jw_obj(w, "flags");
    for (size_t i = 0; i < f->n_rows; i++)
        jw_bool(w, f->rows[i]->name, flag_on(f, workspace, f->rows[i]->name));
    jw_end(w);
}

/* ---- loading ---- */

struct load_job {
    struct flags *f;
    struct state *states;
    size_t n;
    int64_t version;
    bool same;
};

static int by_key(const void *a, const void *b)
{
    const struct state *y = b;
    return compare(a, str_of(y->workspace), y->flag);
}

static enum rc add(struct load_job *j, const struct state_row *r, struct fault *why)
{
    int flag = flags_row(j->f, r->name);
    if (flag < 0 || r->workspace.n >= sizeof(j->states->workspace))
        return RC_OK; /* a flag of another version of this program */
    if (j->n == STATES_MAX)
        return fault_set(why, RC_FULL, "flags.full", "more than %d states", STATES_MAX);
    if ((j->n & (j->n - 1)) == 0) /* full at each power of two */
        j->states = mem_grow(j->states, (j->n == 0 ? 1 : j->n * 2) * sizeof(struct state));
    struct state *s = &j->states[j->n++];
    memset(s, 0, sizeof(*s));
    memcpy(s->workspace, r->workspace.p, r->workspace.n);
    s->flag = (uint16_t)flag;
    s->on = r->on;
    return RC_OK;
}

static enum rc load(struct tx *tx, void *arg, struct fault *why)
{
    struct load_job *j = arg;
    struct state_row *r;
    size_t n = 0;
    str after_ws = STR(""), after_name = STR("");
    enum rc rc = flags_db_version(tx, &j->version, why);
    j->n = 0;
    j->same = j->version == j->f->version;
    if (rc != RC_OK || j->same)
        return rc;
    do {
        rc = flags_db_page(tx, after_ws, after_name, tx_mem(tx), &r, &n, why);
        for (size_t i = 0; rc == RC_OK && i < n; i++)
            rc = add(j, &r[i], why);
        if (rc == RC_OK && n > 0) {
            after_ws = r[n - 1].workspace;
            after_name = r[n - 1].name;
        }
    } while (rc == RC_OK && n == PAGE);
    return rc;
}

enum rc flags_refresh(struct flags *f, struct fault *why)
{
    struct load_job j = {.f = f};
    pthread_mutex_lock(&f->refresh);
    enum rc rc = store_read(f->store, load, &j, why);
    if (rc == RC_OK && !j.same) {
        if (j.n > 0)
            qsort(j.states, j.n, sizeof(*j.states), by_key);
        pthread_rwlock_wrlock(&f->lock);
        struct state *old = f->states;
        f->states = j.states;
        f->n_states = j.n;
        f->version = j.version;
        pthread_rwlock_unlock(&f->lock);
        j.states = old;
    }
    pthread_mutex_unlock(&f->refresh);
    mem_free(j.states);
    return rc;
}

static void *run(void *arg)
{
    struct flags *f = arg;
    bool failing = false;
    pthread_mutex_lock(&f->gate);
    while (!f->stop) {
        int64_t until = clock_mono_ms() + POLL_MS;
        struct timespec ts = {.tv_sec = (time_t)(until / 1000), .tv_nsec = (long)(until % 1000) * 1000000L};
        if (pthread_cond_timedwait(&f->bell, &f->gate, &ts) != ETIMEDOUT || f->stop)
            continue;
        pthread_mutex_unlock(&f->gate);
        struct fault why = {0};
        enum rc rc = flags_refresh(f, &why);
        if (rc != RC_OK)
            metric_add(&flags_metrics[FLAGS_M_STALE], 1, NULL, NULL);
        if (rc != RC_OK && !failing) /* once per outage, not twice a second */
            log_event(f->log, LOG_WARN, "flags.stale", F_RC(rc), F_FAULT(&why));
        failing = rc != RC_OK;
        pthread_mutex_lock(&f->gate);
    }
    pthread_mutex_unlock(&f->gate);
    return NULL;
}

/* ---- changing ---- */

static enum rc change_check(struct flags *f, const struct flag_change *c, struct fault *why)
{
    if (flags_row(f, c->name) < 0)
        return fault_set(why, RC_MISSING, "flags.unknown", "no such flag");
    if (c->reason.n < 3 || c->reason.n > 300 || !utf8_valid(c->reason))
        return fault_set(why, RC_INVALID, "flags.reason", "a reason has 3 to 300 bytes");
    return RC_OK;
}

enum rc flags_set(struct flags *f, struct tx *tx, const struct flag_change *c, struct fault *why)
{
    static const char *const words[] = {[FLAG_UNSET] = "unset", [FLAG_OFF] = "off", [FLAG_ON] = "on"};
    struct state_row r = {.workspace = c->workspace,
                          .name = c->name,
                          .reason = c->reason,
                          .by = c->by.actor,
                          .on = c->state == FLAG_ON};
    enum rc rc = change_check(f, c, why);
    if (rc == RC_OK)
        rc = c->state == FLAG_UNSET ? flags_db_delete(tx, c->workspace, c->name, why)
                                    : flags_db_save(tx, &r, why);
    if (rc == RC_OK)
        rc = flags_db_bump(tx, why);
    if (rc != RC_OK)
        return rc;
    struct audit_entry e = c->by;
    e.workspace = c->workspace;
    e.action = STR("flags.changed");
    e.object = c->name;
    e.detail = arena_fmt(tx_mem(tx), "{\"state\":\"%s\"}", words[c->state]); /* the reason may name people */
    metric_add(&flags_metrics[FLAGS_M_CHANGES], 1, f->rows[flags_row(f, c->name)]->name, NULL);
    return audit_put(f->audit, tx, &e, why);
}

static void view_fill(struct flag_view *v, const struct state_row *here, const struct state_row *installation)
{
    v->here = here == NULL ? FLAG_UNSET : here->on ? FLAG_ON : FLAG_OFF;
    v->installation = installation == NULL ? FLAG_UNSET : installation->on ? FLAG_ON : FLAG_OFF;
    v->on = holds(v->row, v->here, v->installation);
    v->reason = here == NULL ? STR("") : here->reason;
    v->by = here == NULL ? STR("") : here->by;
    v->at_ms = here == NULL ? 0 : here->at_ms;
}

static const struct state_row *row_named(const struct state_row *r, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq(r[i].name, str_of(name)))
            return &r[i];
    return NULL;
}

enum rc flags_list(struct flags *f, struct tx *tx, str workspace, struct arena *mem, struct flag_view **out,
                   size_t *n, struct fault *why)
{
    struct state_row *here = NULL, *all = NULL;
    size_t n_here = 0, n_all = 0;
    enum rc rc = flags_db_of(tx, STR("-"), mem, &all, &n_all, why);
    if (rc == RC_OK && !str_eq(workspace, STR("-")))
        rc = flags_db_of(tx, workspace, mem, &here, &n_here, why);
    if (rc != RC_OK)
        return rc;
    struct flag_view *v = arena_array(mem, struct flag_view, f->n_rows + 1);
    if (v == NULL)
        return fault_set(why, RC_FULL, "flags.full", "no room for flags");
    for (size_t i = 0; i < f->n_rows; i++) {
        v[i].row = f->rows[i];
        view_fill(&v[i], row_named(here, n_here, f->rows[i]->name), row_named(all, n_all, f->rows[i]->name));
    }
    *out = v;
    *n = f->n_rows;
    return RC_OK;
}

/* ---- open, close ---- */

static enum rc gather(struct flags *f, const struct flags_options *o, struct fault *why)
{
    for (size_t t = 0; t < o->n_tables; t++) {
        for (size_t i = 0; i < o->tables[t].n; i++) {
            const struct flag_row *row = &o->tables[t].rows[i];
            if (flags_row(f, str_of(row->name)) >= 0)
                return fault_set(why, RC_BUG, "flags.twice", "%s has two rows", row->name);
            if (f->n_rows == FLAGS_MAX)
                return fault_set(why, RC_BUG, "flags.full", "more than %d flags", FLAGS_MAX);
            f->rows[f->n_rows++] = row;
        }
    }
    return RC_OK;
}

enum rc flags_open(const struct flags_options *o, struct flags **out, struct fault *why)
{
    struct flags *f = mem_new(sizeof(*f));
    pthread_condattr_t mono;
    f->store = o->store;
    f->audit = o->audit;
    f->log = o->log;
    f->version = -1;
    must(pthread_rwlock_init(&f->lock, NULL) == 0 && pthread_mutex_init(&f->gate, NULL) == 0 &&
         pthread_mutex_init(&f->refresh, NULL) == 0);
    must(pthread_condattr_init(&mono) == 0 && pthread_condattr_setclock(&mono, CLOCK_MONOTONIC) == 0);
    must(pthread_cond_init(&f->bell, &mono) == 0);
    pthread_condattr_destroy(&mono);
    enum rc rc = gather(f, o, why);
    if (rc == RC_OK)
        rc = flags_refresh(f, why);
    if (rc != RC_OK) {
        flags_close(&f);
        return rc;
    }
    if (!o->no_thread) {
        must(pthread_create(&f->thread, NULL, run, f) == 0);
        f->has_thread = true;
    }
    *out = f;
    return RC_OK;
}

void flags_close(struct flags **out)
{
    struct flags *f = *out;
    if (f == NULL)
        return;
    if (f->has_thread) {
        pthread_mutex_lock(&f->gate);
        f->stop = true;
        pthread_cond_signal(&f->bell);
        pthread_mutex_unlock(&f->gate);
        pthread_join(f->thread, NULL);
    }
    mem_free(f->states);
    pthread_rwlock_destroy(&f->lock);
    pthread_mutex_destroy(&f->gate);
    pthread_mutex_destroy(&f->refresh);
    pthread_cond_destroy(&f->bell);
    mem_free(f);
    *out = NULL;
}
