/* Intake rows on PostgreSQL: two lanes, each with its own connection. A lane takes all rows that wait and
 * sends them in one statement, which is its own transaction: while one lane waits for the disk, the other's
 * rows are parsed. The statement is a COPY, which costs half of an INSERT ... ON CONFLICT (a third more rows
 * a second, decision 0011). A key that is there already makes it fail whole, without a row: then, and for
 * the next 64 statements of the lane, INSERT ... SELECT FROM unnest(...) ON CONFLICT DO NOTHING with binary
 * arrays is sent; RETURNING tells which keys are new; the rest are duplicates.
 *
 * A row that breaks a rule makes that statement fail too: the rows are halved until the guilty one stands
 * alone and is answered RC_BUG or RC_INVALID, never as a duplicate. A connection lost meanwhile is RC_UNSURE
 * for all. */
#include "store/postgres_priv.h"

enum {
    OID_BYTEA = 17,
    OID_INT8 = 20,
    OID_TEXT = 25,
    OID_BYTEA_ARRAY = 1001,
    OID_TEXT_ARRAY = 1009,
    OID_INT8_ARRAY = 1016,
    CAREFUL = 64 /* statements after a key that came twice: repeats come in crowds */
};

struct lane {
    struct lanes *of;
    pthread_t thread;
    struct pg_conn *conn;
    struct batch *batch;
    int careful;
    struct buf cols[APPEND_COLUMNS_MAX];
};
struct lanes {
    struct store *s;
    pthread_mutex_t mu;
    pthread_cond_t wake;
    bool stopping;
    struct lane at[LANES];
};

/* ---- arrays in PostgreSQL's binary form ---- */

static Oid put_array(struct buf *b, const struct batch *batch, size_t col, size_t from, size_t to)
{
    static const Oid element[] = {[VT_TEXT] = OID_TEXT, [VT_INT] = OID_INT8, [VT_BYTES] = OID_BYTEA};
    static const Oid array[] = {
        [VT_TEXT] = OID_TEXT_ARRAY, [VT_INT] = OID_INT8_ARRAY, [VT_BYTES] = OID_BYTEA_ARRAY};
    enum val_type type = batch->rows[from].q->types[col];
    must(type != VT_NULL);
    buf_clear(b);
    put_u32(b, 1); /* dimensions */
    put_u32(b, 1); /* may hold NULL */
    put_u32(b, element[type]);
    put_u32(b, (uint32_t)(to - from));
    put_u32(b, 1); /* lower bound */
    for (size_t i = from; i < to; i++)
        put_cell(b, &batch->vals[batch->rows[i].first_val + col]);
    must(buf_ok(b));
    return array[type];
}

/* ---- which rows were new ---- */

static str key_of(const struct batch *b, size_t row)
{
    return b->vals[b->rows[row].first_val + b->rows[row].q->key_col].s;
}

/* RETURNING gives the new keys, as a rule in our order; each marks the first row of that key not marked yet.
 * */
static void mark(struct batch *b, size_t from, size_t to, const PGresult *r)
{
    for (size_t i = from; i < to; i++)
        b->rows[i].rc = RC_CONFLICT;
    size_t at = from;
    for (int k = 0; k < PQntuples(r); k++) {
        str key = {PQgetvalue(r, k, 0), (size_t)PQgetlength(r, k, 0)};
        size_t i = at;
        while (i < to && !(b->rows[i].rc == RC_CONFLICT && str_eq(key_of(b, i), key)))
            i++;
        if (i == to) /* another order than ours: look from the start */
            for (i = from; i < to && !(b->rows[i].rc == RC_CONFLICT && str_eq(key_of(b, i), key));)
                i++;
        must(i < to); /* pg_unnest returns something that is not key_col */
        b->rows[i].rc = RC_OK;
        at = i + 1;
    }
}

/* ---- one statement ---- */

/* The COPY of rows [from, to). */
static str put_copy(struct lane *l, size_t from, size_t to)
{
    const struct batch *batch = l->batch;
    const struct append_sql *q = batch->rows[from].q;
    struct buf *b = &l->cols[0];
    buf_clear(b);
    copy_begin(b);
    for (size_t i = from; i < to; i++)
        copy_row(b, &batch->vals[batch->rows[i].first_val], q->n, q->pg_flags);
    copy_end(b);
    must(buf_ok(b));
    return buf_str(b);
}

/* True: the rows are stored, or their fault stands in *why. False: a row is there already or breaks a rule,
 * nothing was stored, and the careful statement has to tell which. */
static bool copied(struct lane *l, size_t from, size_t to, bool *again, struct fault *why)
{
    const struct append_sql *q = l->batch->rows[from].q;
    const struct sql copy = {q->insert.name, q->pg_copy};
    int64_t start = clock_mono_us();
    PGresult *r = pg_copy(l->conn, &copy, AT_COMMIT, put_copy(l, from, to));
    metric_observe_us(store_metric(SM_COMMIT), clock_mono_us() - start, "postgres", NULL);
    *again = false;
    why->rc = RC_OK;
    if (r == NULL)
        (void)fault_set(why, RC_UNSURE, "store.commit_unknown", "connection lost while rows were stored");
    else if (PQresultStatus(r) != PGRES_COMMAND_OK)
        (void)pg_fault(l->conn, r, q->insert.name, again, why);
    PQclear(r);
    for (size_t i = from; why->rc == RC_OK && i < to; i++)
        l->batch->rows[i].rc = RC_OK;
    if (why->rc != RC_CONFLICT && why->rc != RC_INVALID)
        return true;
    l->careful = CAREFUL;
    return false;
}

static PGresult *send_rows(struct lane *l, size_t from, size_t to, bool *again, struct fault *why)
{
    struct batch *b = l->batch;
    const struct append_sql *q = b->rows[from].q;
    const char *values[APPEND_COLUMNS_MAX];
    int lengths[APPEND_COLUMNS_MAX], formats[APPEND_COLUMNS_MAX];
    Oid types[APPEND_COLUMNS_MAX];
    char name[16];
    for (size_t i = 0; i < q->n; i++) {
        types[i] = put_array(&l->cols[i], b, i, from, to);
        values[i] = l->cols[i].p;
        lengths[i] = (int)l->cols[i].n;
        formats[i] = 1;
    }
    const struct sql unnest = {q->insert.name, q->pg_unnest};
    if (pg_prepare(l->conn, &unnest, types, (int)q->n, UINT64_MAX, name, again, why) != RC_OK)
        return NULL;
    int64_t start = clock_mono_us();
    PGresult *r = pg_go(l->conn, &(struct pg_send){.text = name,
                                                   .prepared = true,
                                                   .binary_rows = true,
                                                   .name = q->insert.name,
                                                   .at = AT_COMMIT,
                                                   .n = (int)q->n,
                                                   .values = values,
                                                   .lengths = lengths,
                                                   .formats = formats});
    metric_observe_us(store_metric(SM_COMMIT), clock_mono_us() - start, "postgres", NULL);
    if (r == NULL) {
        *again = false;
        (void)fault_set(why, RC_UNSURE, "store.commit_unknown", "connection lost while rows were stored");
    } else if (PQresultStatus(r) != PGRES_TUPLES_OK) {
        (void)pg_fault(l->conn, r, q->insert.name, again, why);
        PQclear(r);
        r = NULL;
    }
    return r;
}

static bool connected(struct lane *l, struct fault *why)
{
    if (l->conn != NULL && (l->conn->worn || !pg_alive(l->conn)))
        pg_close(&l->conn);
    return l->conn != NULL || pg_open(l->of->s, &l->conn, why) == RC_OK;
}

static enum rc inserted(struct lane *l, size_t from, size_t to, bool *again, struct fault *why)
{
    PGresult *r = send_rows(l, from, to, again, why);
    if (r == NULL)
        return why->rc;
    mark(l->batch, from, to, r);
    PQclear(r);
    return RC_OK;
}

/* Rows [from, to) of one append_sql in one statement; RC_OK when each has its outcome. */
static enum rc store_rows(struct lane *l, size_t from, size_t to, struct fault *why)
{
    for (int attempt = 0; attempt <= RERUNS_MAX; attempt++) {
        bool again = false;
        if (!connected(l, why))
            return why->rc;
        bool done = l->careful == 0 && copied(l, from, to, &again, why);
        l->careful -= l->careful > 0;
        enum rc rc = done ? why->rc : inserted(l, from, to, &again, why);
        if (rc == RC_OK) {
            atomic_store(&l->of->s->commit_fine, true);
            metric_add(store_metric(SM_GROUP), (int64_t)(to - from), "postgres", NULL);
            return RC_OK;
        }
        if (!again)
            break;
        metric_add(store_metric(SM_RERUNS), 1, "contention", NULL);
        backoff(attempt);
    }
    return why->rc;
}

static void fail_rows(struct lane *l, size_t from, size_t to, const struct fault *why)
{
    atomic_store(&l->of->s->commit_fine, why->rc == RC_BUG || why->rc == RC_INVALID);
    log_event(l->of->s->log, LOG_ERROR, why->rc == RC_UNSURE ? "store.commit_unknown" : "store.append_failed",
              F_FAULT(why), F_INT("rows", to - from));
    for (size_t i = from; i < to; i++)
        l->batch->rows[i].rc = why->rc;
}

/* The halves still to do stand on a small stack: 2,048 rows are halved 11 times at most. */
static void store_run(struct lane *l, size_t from, size_t to)
{
    struct {
        size_t from, to;
    } todo[16] = {{from, to}};
    for (size_t n = 1; n > 0;) {
        n--;
        size_t lo = todo[n].from, hi = todo[n].to, mid = lo + (hi - lo) / 2;
        struct fault why = {0};
        enum rc rc = store_rows(l, lo, hi, &why);
        if (rc == RC_OK)
            continue;
        bool some_row = rc == RC_CONFLICT || rc == RC_INVALID;
        if (some_row && hi - lo > 1) {
            todo[n].from = mid;
            todo[n].to = hi;
            todo[n + 1].from = lo;
            todo[n + 1].to = mid;
            n += 2;
            must(n < COUNT_OF(todo));
            continue;
        }
        if (why.rc == RC_CONFLICT)
            why.rc = RC_BUG;
        fail_rows(l, lo, hi, &why);
    }
}

static void store_batch(struct lane *l)
{
    struct batch *b = l->batch;
    for (size_t from = 0, to; from < b->n; from = to) {
        for (to = from + 1; to < b->n && b->rows[to].q == b->rows[from].q;)
            to++;
        store_run(l, from, to);
        append_tell(b, from, to);
    }
    b->at = b->n;
}

/* ---- threads ---- */

static void *lane_main(void *arg)
{
    struct lane *l = arg;
    struct lanes *all = l->of;
    store_thread_mark(true);
    for (;;) {
        pthread_mutex_lock(&all->mu);
        while (!append_waits(all->s) && !all->stopping)
            pthread_cond_wait(&all->wake, &all->mu);
        bool stop = all->stopping && !append_waits(all->s);
        pthread_mutex_unlock(&all->mu);
        if (stop)
            break;
        if (append_take(all->s, &l->batch))
            store_batch(l);
    }
    return NULL;
}

struct lanes *lanes_open(struct store *s)
{
    struct lanes *all = mem_new(sizeof(struct lanes));
    all->s = s;
    must(pthread_mutex_init(&all->mu, NULL) == 0);
    must(pthread_cond_init(&all->wake, NULL) == 0);
    for (int i = 0; i < LANES; i++) {
        struct lane *l = &all->at[i];
        l->of = all;
        l->batch = batch_new();
        for (size_t j = 0; j < APPEND_COLUMNS_MAX; j++)
            buf_init(&l->cols[j], NULL, (size_t)2 * APPEND_BYTES_MAX);
        thread_start(&l->thread, lane_main, l);
    }
    return all;
}

void lanes_wake(struct lanes *l)
{
    pthread_mutex_lock(&l->mu);
    pthread_cond_signal(&l->wake);
    pthread_mutex_unlock(&l->mu);
}

void lanes_close(struct lanes **lanes)
{
    struct lanes *all = *lanes;
    pthread_mutex_lock(&all->mu);
    all->stopping = true;
    pthread_cond_broadcast(&all->wake);
    pthread_mutex_unlock(&all->mu);
    for (int i = 0; i < LANES; i++) {
        struct lane *l = &all->at[i];
        must(pthread_join(l->thread, NULL) == 0);
        pg_close(&l->conn);
        batch_free(&l->batch);
        for (size_t j = 0; j < APPEND_COLUMNS_MAX; j++)
            buf_release(&l->cols[j]);
    }
    must(pthread_mutex_destroy(&all->mu) == 0);
    must(pthread_cond_destroy(&all->wake) == 0);
    mem_free(all);
    *lanes = NULL;
}
