/* The door of room store: opens the right driver, checks every statement before it reaches one, keeps a
 * poisoned transaction poisoned, forbids nesting. The drivers do the rest (sqlite.c, postgres.c); see store.h
 * for the rules. */
#include "store/store_priv.h"
#include "store/append_priv.h"

const struct setting store_settings[] = {
    {.key = "store.url",
     .kind = SET_TEXT,
     .min = 8,
     .max = 1024,
     .unit = "",
     .def = "sqlite:mozflow-tiktok.db",
     .doc =
         "The database: sqlite:PATH for one node, postgresql://... for one or more. A password belongs in a "
         "PostgreSQL passfile (passfile=... in the URL), not here."},
    {.key = "store.pool",
     .kind = SET_INT,
     .min = 2,
     .max = 200,
     .unit = "",
     .def = "16",
     .doc = "Most PostgreSQL connections of this process for reading and writing; webhook intake has two "
            "more of its "
            "own. Unused with SQLite."},
    {.key = "store.disk_reserve_mib",
     .kind = SET_INT,
     .min = 16,
     .max = 1048576,
     .unit = "MiB",
     .def = "256",
     .doc = "SQLite: with less free space than this the service says that it is not ready, so that traffic "
            "moves "
            "away before the disk is full."},
};
const size_t store_settings_n = COUNT_OF(store_settings);

const struct metric store_metrics[SM_COUNT] = {
    [SM_COMMIT] = {"mz_store_commit_seconds", METRIC_HISTOGRAM, "database",
                   "Time of a COMMIT until it is durable."},
    [SM_GROUP] =
        {"mz_store_group_calls_total", METRIC_COUNTER, "database",
         "Calls and intake rows that were committed; divide by the count of commits for the group size."},
    [SM_WRITES] = {"mz_store_writes_total", METRIC_COUNTER, "class,outcome",
                   "store_write by class and outcome."},
    [SM_RERUNS] = {"mz_store_reruns_total", METRIC_COUNTER, "reason",
                   "Functions that were run again (deadlock, lock timeout, serialization, lost group)."},
    [SM_APPENDED] = {"mz_store_append_rows_total", METRIC_COUNTER, "outcome",
                     "Intake rows by outcome: ok is inserted, conflict is a duplicate."},
    [SM_POOL] = {"mz_store_pool_in_use", METRIC_GAUGE, NULL, "PostgreSQL connections checked out."},
};
const size_t store_metrics_n = SM_COUNT;

const struct event_doc store_event_docs[] = {
    {"store.migrated", "A migration was applied."},
    {"store.migration_edited",
     "The text of a migration that was applied earlier differs from this binary's."},
    {"store.commit_unknown", "A COMMIT whose end is unknown: its calls were answered RC_UNSURE."},
    {"store.reopened", "SQLite was closed and opened again after an I/O error; ok says whether it worked."},
    {"store.checkpoint_failed", "SQLite's log could not be moved into the database; it is tried again."},
    {"store.append_failed", "Intake rows could not be stored; their senders were told."},
};
const size_t store_event_docs_n = COUNT_OF(store_event_docs);

const struct metric *store_metric(enum store_metric m)
{
    return &store_metrics[m];
}

/* ---- nesting: one flag per thread ---- */

static _Thread_local const struct store *in_store; /* whose fn this thread runs */
static _Thread_local bool store_thread;

bool store_in_tx(void)
{
    return in_store != NULL;
}

void store_thread_mark(bool own)
{
    store_thread = own;
}

/* ---- transactions ---- */

void tx_init(struct tx *tx, struct store *s, void *conn, struct arena *mem)
{
    arena_reset(mem);
    *tx = (struct tx){.s = s, .conn = conn, .mem = mem, .now_ms = store_clock(s)};
}

enum rc tx_run_call(struct tx *tx, struct call *c)
{
    tx->patient = c->patient;
    c->why = (struct fault){.rc = RC_OK};
    const struct store *outer = in_store;
    in_store = tx->s;
    enum rc rc = c->fn(tx, c->arg, &c->why);
    in_store = outer;
    if (rc == RC_OK && tx->poisoned) {
        rc = tx->poison.rc;
        c->why = tx->poison;
    } else if (rc != RC_OK && c->why.rc == RC_OK) {
        c->why.rc = rc; /* fn gave an outcome without words */
    }
    memcpy(c->hooks, tx->hooks, sizeof(c->hooks));
    c->n_hooks = tx->n_hooks;
    c->rc = rc;
    return rc;
}

void call_hooks(struct call *c)
{
    for (size_t i = 0; i < c->n_hooks; i++)
        c->hooks[i].fn(c->hooks[i].arg);
    c->n_hooks = 0;
}

void tx_after(struct tx *tx, void (*fn)(void *arg), void *arg)
{
    for (size_t i = 0; i < tx->n_hooks; i++)
        if (tx->hooks[i].fn == fn && tx->hooks[i].arg == arg)
            return;
    must(tx->n_hooks < HOOKS_MAX);
    tx->hooks[tx->n_hooks++] = (struct hook){fn, arg};
}

struct arena *tx_mem(struct tx *tx)
{
    return tx->mem;
}

int64_t tx_now_ms(struct tx *tx)
{
    return tx->now_ms;
}

bool tx_is_postgres(const struct tx *tx)
{
    return tx->s->drv == &postgres_driver;
}

const struct sql *tx_own(const struct tx *tx, const struct sql of[2])
{
    return &of[tx_is_postgres(tx) ? ON_POSTGRES : ON_SQLITE];
}

enum rc tx_poison(struct tx *tx, enum rc rc, const struct fault *why)
{
    if (!tx->poisoned) {
        tx->poisoned = true;
        tx->poison = *why;
        tx->poison.rc = rc;
    }
    return rc;
}

enum rc check_text(const struct sql *q, const struct val *v, size_t n, struct fault *why)
{
    if (n > PARAMS_MAX)
        return fault_set(why, RC_BUG, "store.sql", "%s: %zu parameters", q->name, n);
    for (size_t i = 0; i < n; i++) {
        if (v[i].type != VT_TEXT || v[i].s.n == 0)
            continue;
        if (memchr(v[i].s.p, 0, v[i].s.n) != NULL)
            return fault_set(why, RC_INVALID, "store.text", "%s: parameter %zu holds a NUL", q->name, i + 1);
        if (!utf8_valid(v[i].s))
            return fault_set(why, RC_INVALID, "store.text", "%s: parameter %zu is not UTF-8", q->name, i + 1);
    }
    return RC_OK;
}

static enum rc run_nothing(const struct ask *a, struct answer *out, struct fault *why)
{
    out->rows = a->mem == NULL ? NULL : rows_new(a->mem, 0, 0);
    if (a->mem != NULL && out->rows == NULL)
        return fault_set(why, RC_FULL, "store.memory", "%s", a->q->name);
    return RC_OK;
}

static enum rc tx_run(struct tx *tx, const struct ask *a, struct answer *out, struct fault *why)
{
    if (tx->poisoned) {
        *why = tx->poison;
        return tx->poison.rc;
    }
    enum rc rc = check_text(a->q, a->v, a->n, why);
    if (rc == RC_OK)
        rc = a->q->text[0] == '\0' ? run_nothing(a, out, why) : tx->s->drv->run(tx, a, out, why);
    return rc == RC_OK ? RC_OK : tx_poison(tx, rc, why);
}

enum rc tx_script(struct tx *tx, const char *text, struct fault *why)
{
    if (tx->poisoned) {
        *why = tx->poison;
        return tx->poison.rc;
    }
    enum rc rc = tx->s->drv->script(tx, text, why);
    return rc == RC_OK ? RC_OK : tx_poison(tx, rc, why);
}

enum rc tx_exec(struct tx *tx, const struct sql *q, const struct val *v, size_t n, int64_t *changed_or_null,
                struct fault *why)
{
    struct fault own;
    struct answer got = {0};
    enum rc rc = tx_run(tx, &(struct ask){q, v, n, NULL}, &got, why != NULL ? why : &own);
    if (rc == RC_OK && changed_or_null != NULL)
        *changed_or_null = got.changed;
    return rc;
}

enum rc tx_query(struct tx *tx, const struct sql *q, const struct val *v, size_t n, struct arena *mem,
                 struct rows **out, struct fault *why)
{
    struct fault own;
    struct answer got = {0};
    must(mem != NULL);
    enum rc rc = tx_run(tx, &(struct ask){q, v, n, mem}, &got, why != NULL ? why : &own);
    if (rc == RC_OK)
        *out = got.rows;
    return rc;
}

enum rc tx_one(struct tx *tx, const struct sql *q, const struct val *v, size_t n, struct arena *mem,
               struct rows **out, struct fault *why)
{
    struct rows *r;
    enum rc rc = tx_query(tx, q, v, n, mem, &r, why);
    if (rc != RC_OK)
        return rc;
    if (r->n == 0)
        return fault_set(why, RC_MISSING, "store.no_row", "%s", q->name);
    if (r->n > 1) {
        struct fault many;
        rc = fault_set(&many, RC_BUG, "store.many_rows", "%s: %zu rows where one was wanted", q->name, r->n);
        if (why != NULL)
            *why = many;
        return tx_poison(tx, rc, &many);
    }
    must(rows_next(r));
    *out = r;
    return RC_OK;
}

/* ---- use cases ---- */

static const char *const class_names[CLASSES] = {
    [STORE_INTAKE] = "intake", [STORE_INTERACTIVE] = "interactive", [STORE_BULK] = "bulk"};

static enum rc write_call(struct store *s, struct call *c, struct fault *why)
{
    must(in_store == NULL && !store_thread);
    must((unsigned)c->cls < CLASSES);
    enum rc rc = s->drv->write(s, c);
    if (rc != RC_OK && why != NULL)
        *why = c->why;
    metric_add(&store_metrics[SM_WRITES], 1, class_names[c->cls], rc_name(rc));
    return rc;
}

enum rc store_write(struct store *s, enum store_class cls, store_fn fn, void *arg, struct fault *why)
{
    struct call c = {.fn = fn, .arg = arg, .cls = cls};
    return write_call(s, &c, why);
}

enum rc store_write_patient(struct store *s, store_fn fn, void *arg, struct fault *why)
{
    struct call c = {.fn = fn, .arg = arg, .cls = STORE_INTERACTIVE, .patient = true};
    return write_call(s, &c, why);
}

enum rc store_read(struct store *s, store_fn fn, void *arg, struct fault *why)
{
    must(in_store != s);
    struct call c = {.fn = fn, .arg = arg, .cls = STORE_INTERACTIVE};
    enum rc rc = s->drv->read(s, &c);
    if (rc != RC_OK && why != NULL)
        *why = c.why;
    return rc;
}

int64_t store_clock(struct store *s)
{
    return clock_now_ms() + atomic_load_explicit(&s->clock_offset_ms, memory_order_relaxed);
}

bool store_ready(struct store *s, struct fault *why)
{
    if (!atomic_load(&s->commit_fine)) {
        (void)fault_set(why, RC_RETRY, "store.unavailable", "the last commit failed");
        return false;
    }
    return s->drv->ready(s, why);
}

/* ---- open and close ---- */

static enum rc pick_driver(struct store *s, str url, struct fault *why)
{
    if (str_starts(url, STR("sqlite:")) && url.n > 7) {
        s->drv = &sqlite_driver;
        url = str_sub(url, 7, url.n);
    } else if (str_starts(url, STR("postgresql://")) || str_starts(url, STR("postgres://"))) {
        s->drv = &postgres_driver;
    } else {
        return fault_set(why, RC_INVALID, "store.url", "neither sqlite:PATH nor postgresql://...");
    }
    s->url = arena_cstr(s->mem, url);
    if (s->url == NULL)
        return fault_set(why, RC_INVALID, "store.url", "too long, or holds a NUL");
    return RC_OK;
}

enum rc store_open(const struct store_options *o, struct store **out, struct fault *why)
{
    struct fault own;
    why = why != NULL ? why : &own;
    struct arena *mem = arena_open(64 * 1024);
    struct store *s = arena_new(mem, struct store);
    must(s != NULL);
    s->mem = mem;
    s->log = o->log;
    s->pool = o->pool > 0 ? o->pool : 16;
    s->disk_reserve_bytes = o->disk_reserve_bytes > 0 ? o->disk_reserve_bytes : (int64_t)256 * 1024 * 1024;
    atomic_store(&s->commit_fine, true);
    enum rc rc = pick_driver(s, o->url, why);
    if (rc == RC_OK) {
        append_open(s);
        rc = s->drv->open(s, why);
        if (rc == RC_OK)
            rc = migrate_all(s, o, why);
        if (rc == RC_OK) {
            *out = s;
            return RC_OK;
        }
        s->drv->close(s);
        append_close(s);
    }
    arena_close(&mem);
    return rc;
}

void store_close(struct store **s)
{
    if (s == NULL || *s == NULL)
        return;
    must(in_store == NULL && !store_thread);
    struct arena *mem = (*s)->mem;
    (*s)->drv->close(*s);
    append_close(*s);
    *s = NULL;
    arena_close(&mem);
}
