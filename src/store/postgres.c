/* PostgreSQL's driver: a capped pool, one connection checked out per call (<= 100 ms), READ COMMITTED
 * transactions.
 *
 * Deadlock, lock timeout, serialization failure and a connection lost before COMMIT run fn again (<= 5
 * times): nothing had happened. A connection lost in COMMIT leaves it open whether it happened: RC_UNSURE. A
 * lost connection makes all idle ones of its age suspect; they are closed instead of given out. */
#include "store/postgres_priv.h"

enum { CLOCK_EVERY_MS = 30000 };

struct pool {
    pthread_mutex_t mu;
    pthread_cond_t back;
    struct pg_conn *idle;
    int cap, open, out;
    unsigned generation;
    atomic_int_fast64_t clock_due_ms;
    struct lanes *lanes;
};

/* ---- the pool ---- */

static void close_old(struct pool *p)
{
    struct pg_conn **at = &p->idle;
    while (*at != NULL) {
        struct pg_conn *c = *at;
        if (c->generation == p->generation) {
            at = &c->next;
            continue;
        }
        *at = c->next;
        p->open--;
        pg_close(&c);
    }
}

/* Bulk work leaves a quarter of the pool to people and tokens. */
static bool place_free(const struct pool *p, enum store_class cls)
{
    int cap = cls == STORE_BULK && p->cap > 3 ? p->cap - p->cap / 4 : p->cap;
    return p->out < cap && (p->idle != NULL || p->open < p->cap);
}

static bool take_place(struct pool *p, enum store_class cls, struct pg_conn **idle, unsigned *generation)
{
    int64_t deadline = clock_mono_ms() + CHECKOUT_MS;
    bool got = true;
    pthread_mutex_lock(&p->mu);
    while (got && !place_free(p, cls))
        got = cond_wait_ms(&p->back, &p->mu, deadline);
    if (got) {
        *idle = p->idle;
        if (p->idle != NULL)
            p->idle = p->idle->next;
        else
            p->open++;
        p->out++;
        *generation = p->generation;
        metric_set(store_metric(SM_POOL), p->out, NULL, NULL);
    }
    pthread_mutex_unlock(&p->mu);
    return got;
}

static void give_back(struct pool *p, struct pg_conn *c)
{
    bool drop = c == NULL || c->lost || c->worn;
    pthread_mutex_lock(&p->mu);
    p->out--;
    if (c != NULL && c->lost && c->generation == p->generation) {
        p->generation++;
        close_old(p);
    }
    if (drop || c->generation != p->generation) {
        drop = true;
        p->open--;
    } else {
        c->next = p->idle;
        p->idle = c;
    }
    metric_set(store_metric(SM_POOL), p->out, NULL, NULL);
    pthread_cond_signal(&p->back);
    pthread_mutex_unlock(&p->mu);
    if (drop)
        pg_close(&c);
}

static enum rc check_out(struct store *s, enum store_class cls, struct pg_conn **out, struct fault *why)
{
    struct pool *p = s->state;
    struct pg_conn *c = NULL;
    unsigned generation = 0;
    if (!take_place(p, cls, &c, &generation))
        return fault_set(why, RC_FULL, "store.full", "all %d connections were busy for %d ms", p->cap,
                         CHECKOUT_MS);
    if (c != NULL && !pg_alive(c))
        pg_close(&c); /* its place is kept for the new one */
    if (c == NULL) {
        enum rc rc = pg_open(s, &c, why);
        if (rc != RC_OK) {
            give_back(p, NULL);
            return rc;
        }
        c->generation = generation;
    }
    int64_t now = clock_mono_ms(), due = atomic_load(&p->clock_due_ms);
    if (now >= due && atomic_compare_exchange_strong(&p->clock_due_ms, &due, now + CLOCK_EVERY_MS))
        pg_clock_measure(s, c);
    *out = c;
    return RC_OK;
}

/* ---- one run of fn ---- */

static enum rc commit(struct store *s, struct pg_conn *pc, struct call *c, bool *again)
{
    int64_t start = clock_mono_us();
    PGresult *r =
        pg_go(pc, &(struct pg_send){.text = db_commit.text, .name = db_commit.name, .at = AT_COMMIT});
    metric_observe_us(store_metric(SM_COMMIT), clock_mono_us() - start, "postgres", NULL);
    if (r == NULL) {
        atomic_store(&s->commit_fine, false);
        log_event(s->log, LOG_ERROR, "store.commit_unknown", F_INT("calls", 1));
        c->rc = fault_set(&c->why, RC_UNSURE, "store.commit_unknown", "connection lost in COMMIT");
        return c->rc;
    }
    if (PQresultStatus(r) == PGRES_COMMAND_OK && strcmp(PQcmdStatus(r), "COMMIT") == 0) {
        metric_add(store_metric(SM_GROUP), 1, "postgres", NULL);
        atomic_store(&s->commit_fine, true);
        c->rc = RC_OK;
    } else if (PQresultStatus(r) == PGRES_COMMAND_OK) {
        c->rc = fault_set(&c->why, RC_BUG, "store.sql", "the transaction had failed before COMMIT");
    } else {
        c->rc = pg_fault(pc, r, "commit", again, &c->why);
        struct fault ignored;
        if (pg_control(pc, AT_BEGIN, &db_rollback, &ignored) != RC_OK)
            pc->lost = true;
    }
    PQclear(r);
    return c->rc;
}

static void end_without(struct pg_conn *pc)
{
    struct fault ignored;
    if (!pc->lost && pg_control(pc, AT_BEGIN, &db_rollback, &ignored) != RC_OK)
        pc->lost = true;
}

/* *again: nothing has happened and another run may succeed. */
static void run_once(struct store *s, struct pg_conn *pc, struct call *c, bool *again)
{
    c->rc = pg_control(pc, AT_BEGIN, &db_begin, &c->why);
    if (c->rc != RC_OK) {
        *again = pc->lost;
        pc->lost = true; /* whatever it says, its state is unknown */
        return;
    }
    struct tx tx;
    tx_init(&tx, s, pc, pc->mem);
    enum rc rc = tx_run_call(&tx, c);
    if (rc == RC_OK) {
        (void)commit(s, pc, c, again);
    } else {
        *again = tx.again;
        end_without(pc);
    }
    arena_reset(pc->mem);
}

static void read_once(struct store *s, struct pg_conn *pc, struct call *c, bool *again)
{
    pc->deadline_ms = clock_mono_ms() + READ_MS;
    c->rc = pg_control(pc, AT_BEGIN, &db_begin_snapshot, &c->why);
    if (c->rc != RC_OK) {
        *again = pc->lost;
        pc->lost = true;
        return;
    }
    struct tx tx;
    tx_init(&tx, s, pc, pc->mem);
    (void)tx_run_call(&tx, c);
    *again = c->rc != RC_OK && tx.again;
    pc->deadline_ms = 0;
    end_without(pc);
    arena_reset(pc->mem);
}

static enum rc run_call(struct store *s, struct call *c,
                        void (*once)(struct store *, struct pg_conn *, struct call *, bool *))
{
    for (int attempt = 0;; attempt++) {
        struct pg_conn *pc = NULL;
        bool again = false;
        c->rc = check_out(s, c->cls, &pc, &c->why);
        if (c->rc != RC_OK)
            return c->rc;
        once(s, pc, c, &again);
        bool lost = pc->lost;
        give_back(s->state, pc);
        if (!again || c->rc == RC_OK || c->rc == RC_UNSURE || attempt == RERUNS_MAX)
            return c->rc;
        metric_add(store_metric(SM_RERUNS), 1, lost ? "connection" : "contention", NULL);
        backoff(attempt);
    }
}

/* ---- the driver's functions ---- */

static enum rc postgres_write(struct store *s, struct call *c)
{
    if (run_call(s, c, run_once) == RC_OK)
        call_hooks(c);
    return c->rc;
}

static enum rc postgres_read(struct store *s, struct call *c)
{
    return run_call(s, c, read_once);
}

static bool postgres_ready(struct store *s, struct fault *why)
{
    (void)s; /* the last commit tells; the server watches its own disk */
    (void)why;
    return true;
}

static void postgres_append_wake(struct store *s)
{
    struct pool *p = s->state;
    lanes_wake(p->lanes);
}

static void postgres_close(struct store *s)
{
    struct pool *p = s->state;
    if (p == NULL)
        return;
    lanes_close(&p->lanes);
    must(p->out == 0);
    p->generation++;
    close_old(p);
    must(pthread_mutex_destroy(&p->mu) == 0);
    must(pthread_cond_destroy(&p->back) == 0);
    mem_free(p);
    s->state = NULL;
}

/* A secret is never given plainly: not even inside a URL. */
static enum rc check_url(const char *url, struct fault *why)
{
    PQconninfoOption *all = PQconninfoParse(url, NULL);
    if (all == NULL)
        return fault_set(why, RC_INVALID, "store.url", "libpq does not understand the URL");
    bool password = false;
    for (const PQconninfoOption *o = all; o->keyword != NULL; o++)
        password = password || (strcmp(o->keyword, "password") == 0 && o->val != NULL && o->val[0] != 0);
    PQconninfoFree(all);
    if (password)
        return fault_set(
            why, RC_INVALID, "store.url",
            "a password in the URL is refused: put it into a passfile (?passfile=/path, mode 0600)");
    return RC_OK;
}

static enum rc plant_serial(struct tx *tx, void *arg, struct fault *why)
{
    (void)arg;
    return tx_script(tx, db_serial_create, why);
}

static enum rc postgres_open(struct store *s, struct fault *why)
{
    if (!PQisthreadsafe())
        return fault_set(why, RC_BUG, "store.url", "this libpq is not thread-safe");
    enum rc rc = check_url(s->url, why);
    if (rc != RC_OK)
        return rc;
    struct pool *p = mem_new(sizeof(struct pool));
    p->cap = s->pool;
    p->clock_due_ms = clock_mono_ms() + CLOCK_EVERY_MS;
    must(pthread_mutex_init(&p->mu, NULL) == 0);
    cond_open(&p->back);
    s->state = p;
    p->lanes = lanes_open(s);
    struct pg_conn *c = NULL;
    rc = check_out(s, STORE_INTERACTIVE, &c, why); /* a wrong URL shows now */
    if (rc == RC_OK)
        give_back(p, c);
    if (rc == RC_OK && planted("store.serial_cursor"))
        rc = store_write_patient(s, plant_serial, NULL, why);
    return rc;
}

const struct driver postgres_driver = {
    .name = "postgres",
    .open = postgres_open,
    .close = postgres_close,
    .write = postgres_write,
    .read = postgres_read,
    .run = pg_run,
    .script = pg_script,
    .bulk = pg_bulk,
    .append_wake = postgres_append_wake,
    .ready = postgres_ready,
    .mark = "@POSTGRES ",
    /* Bytewise order as in SQLite: pages by key and time-ordered ids sort the same on both. */
    .text = "TEXT COLLATE \"C\"",
    .int64 = "BIGINT",
    .flag = "SMALLINT",
    .bytes = "BYTEA",
    .table = "",
};
