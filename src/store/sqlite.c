/* SQLite's writer: one thread, the only connection that writes and checkpoints.
 *
 * It takes waiting calls from three queues in order, runs each in a savepoint and commits them together; a
 * group ends at 256 calls, after 5 ms or when nobody waits. When an error ends the whole transaction, or
 * COMMIT reports a full disk or a constraint, every call of the group runs again alone, so that only the
 * guilty one fails. An I/O error at COMMIT leaves it open whether the group is durable: RC_UNSURE for all,
 * and the database is opened anew. */
#include <libgen.h>
#include <sys/statvfs.h>
#include "store/sqlite_priv.h"

enum {
    INTAKE_US = 3000,        /* of a group's 5 ms, so that other classes get their turn under load */
    CHECKPOINT_PAGES = 4096, /* 16 MiB */
    RESTART_PAGES = 32768    /* 128 MiB: readers kept the log from starting over; now wait for them */
};

struct writer {
    struct store *s;
    pthread_t thread;
    pthread_mutex_t mu;
    pthread_cond_t wake;
    struct call *head[CLASSES], **tail[CLASSES];
    bool stopping;
    struct sl_conn *conn; /* NULL while the database cannot be opened */
    struct call *group[GROUP_CALLS_MAX];
    size_t n;
    struct batch *batch; /* intake rows; [batch->at, rows_end) belong to this group */
    size_t rows_end;
    int tidy_pages; /* the log's length at the last checkpoint */
    struct readers readers;
};

/* ---- queues ---- */

static bool calls_wait(const struct writer *w)
{
    for (int i = 0; i < CLASSES; i++)
        if (w->head[i] != NULL)
            return true;
    return false;
}

static void put_call(struct writer *w, struct call *c)
{
    pthread_mutex_lock(&w->mu);
    bool wake = !calls_wait(w);
    c->next = NULL;
    *w->tail[c->cls] = c;
    w->tail[c->cls] = &c->next;
    if (wake)
        pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->mu);
}

/* The next call: the first queue that is not empty; when time is over only a class that had no turn in this
 * group. */
static struct call *next_call(struct writer *w, bool late, bool served[CLASSES])
{
    struct call *c = NULL;
    pthread_mutex_lock(&w->mu);
    for (int i = 0; i < CLASSES && c == NULL; i++) {
        if (w->head[i] == NULL || (late && served[i]))
            continue;
        c = w->head[i];
        w->head[i] = c->next;
        if (c->next == NULL)
            w->tail[i] = &w->head[i];
        served[i] = true;
    }
    pthread_mutex_unlock(&w->mu);
    return c;
}

static void answer(struct call *c)
{
    if (c->rc == RC_OK)
        call_hooks(c);
    (void)sem_post(&c->done); /* the caller may be gone after this */
}

static void answer_group(struct writer *w)
{
    if (w->rows_end > w->batch->at) {
        append_tell(w->batch, w->batch->at, w->rows_end);
        w->batch->at = w->rows_end;
    }
    for (size_t i = 0; i < w->n; i++)
        answer(w->group[i]);
    w->n = 0;
}

static void fail_group(struct writer *w, const struct fault *why)
{
    for (size_t i = w->batch->at; i < w->rows_end; i++)
        w->batch->rows[i].rc = why->rc;
    for (size_t i = 0; i < w->n; i++) {
        w->group[i]->rc = why->rc;
        w->group[i]->why = *why;
    }
}

/* ---- commit ---- */

enum committed { COMMITTED, COMMIT_AGAIN, COMMIT_UNKNOWN };

static enum committed commit(struct writer *w, size_t calls, struct fault *why)
{
    int64_t start = clock_mono_us();
    int code = sl_control(w->conn, AT_COMMIT, &db_commit);
    metric_observe_us(store_metric(SM_COMMIT), clock_mono_us() - start, "sqlite", NULL);
    if (code == SQLITE_OK) {
        metric_add(store_metric(SM_GROUP), (int64_t)calls, "sqlite", NULL);
        atomic_store(&w->s->commit_fine, true);
        return COMMITTED;
    }
    enum rc rc = sl_fault(w->conn, code, "commit", why);
    int low = code & 0xff;
    /* These are reported before the commit frame is in the log: certainly not durable. */
    bool certain = low == SQLITE_CONSTRAINT || low == SQLITE_FULL || low == SQLITE_BUSY;
    if (sl_in_transaction(w->conn) && sl_control(w->conn, AT_BEGIN, &db_rollback) != SQLITE_OK)
        w->conn->suspect = true;
    if (certain) {
        if (rc == RC_FULL)
            atomic_store(&w->s->commit_fine, false);
        return COMMIT_AGAIN;
    }
    w->conn->suspect = true;
    atomic_store(&w->s->commit_fine, false);
    log_event(w->s->log, LOG_ERROR, "store.commit_unknown", F_STR("what", str_of(why->detail)),
              F_INT("calls", calls));
    (void)fault_set(why, RC_UNSURE, "store.commit_unknown", "sqlite error %d", code);
    return COMMIT_UNKNOWN;
}

/* ---- one call ---- */

/* In a savepoint of the group's transaction; false: the transaction has ended, the group is lost. */
static bool run_in_group(struct writer *w, struct call *c)
{
    struct sl_conn *conn = w->conn;
    if (sl_control(conn, AT_BEGIN, &db_savepoint) != SQLITE_OK)
        return false;
    struct tx tx;
    tx_init(&tx, w->s, conn, conn->mem);
    enum rc rc = tx_run_call(&tx, c);
    if (!sl_in_transaction(conn))
        return false;
    if (rc != RC_OK && sl_control(conn, AT_BEGIN, &db_rollback_to) != SQLITE_OK)
        return false;
    return sl_control(conn, AT_BEGIN, &db_release) == SQLITE_OK;
}

static bool begin(struct writer *w, struct fault *why)
{
    int code = sl_control(w->conn, AT_BEGIN, &db_begin_immediate);
    if (code == SQLITE_OK)
        return true;
    (void)sl_fault(w->conn, code, "begin", why);
    why->rc = why->rc == RC_BUG ? RC_RETRY : why->rc;
    return false;
}

static void rollback(struct writer *w)
{
    if (sl_in_transaction(w->conn) && sl_control(w->conn, AT_BEGIN, &db_rollback) != SQLITE_OK)
        w->conn->suspect = true;
}

/* In a transaction of its own. */
static void run_alone(struct writer *w, struct call *c)
{
    if (!begin(w, &c->why)) {
        c->rc = c->why.rc;
        return;
    }
    struct tx tx;
    tx_init(&tx, w->s, w->conn, w->conn->mem);
    enum rc rc = tx_run_call(&tx, c);
    if (rc != RC_OK) {
        rollback(w);
        return;
    }
    struct fault why = {.rc = RC_OK};
    if (!sl_in_transaction(w->conn)) { /* fn hid the error that ended it */
        c->rc = fault_set(&c->why, RC_RETRY, "store.unavailable", "the transaction ended inside");
    } else if (commit(w, 1, &why) != COMMITTED) {
        c->rc = why.rc;
        c->why = why;
    }
}

static void rows_alone(struct writer *w)
{
    struct fault why = {.rc = RC_RETRY};
    size_t from = w->batch->at, end = from;
    bool ok = begin(w, &why);
    if (ok) {
        /* No time limit: exactly the rows of the lost group, whatever they cost. */
        struct batch *b = w->batch;
        size_t all = b->n;
        b->n = w->rows_end;
        ok = sl_append_rows(w->conn, b, INT64_MAX, &end);
        b->n = all;
        if (ok)
            ok = commit(w, w->rows_end - from, &why) == COMMITTED;
        else if (end > from)
            why.rc = b->rows[end - 1].rc;
        rollback(w);
    }
    if (!ok)
        for (size_t i = from; i < w->rows_end; i++)
            w->batch->rows[i].rc = why.rc;
}

static bool reopen(struct writer *w);

static void run_each_alone(struct writer *w)
{
    rollback(w);
    metric_add(store_metric(SM_RERUNS), (int64_t)w->n, "lost_group", NULL);
    struct fault why = {0};
    (void)fault_set(&why, RC_RETRY, "store.unavailable", "the database could not be opened again");
    if (w->rows_end > w->batch->at) {
        if (!w->conn->suspect || reopen(w))
            rows_alone(w);
        else
            fail_group(w, &why);
    }
    for (size_t i = 0; i < w->n; i++) {
        struct call *c = w->group[i];
        if (w->conn != NULL && (!w->conn->suspect || reopen(w))) {
            run_alone(w, c);
        } else {
            c->rc = why.rc;
            c->why = why;
        }
    }
}

/* ---- the group ---- */

#ifdef MZ_TEST
int64_t sqlite_group_us = GROUP_US;
#endif

static int64_t group_us(void)
{
#ifdef MZ_TEST
    return sqlite_group_us;
#else
    return GROUP_US;
#endif
}

/* Rows of a batch that was not finished come first; false: the transaction has ended. */
static bool group_rows(struct writer *w, int64_t start)
{
    if (w->batch->at == w->batch->n && !append_take(w->s, &w->batch)) {
        w->rows_end = w->batch->at;
        return true;
    }
    return sl_append_rows(w->conn, w->batch, start + INTAKE_US, &w->rows_end);
}

/* Everything that waits is answered with why; nothing was run. */
static void refuse_all(struct writer *w, const struct fault *why)
{
    bool served[CLASSES] = {false};
    if (w->batch->at == w->batch->n)
        (void)append_take(w->s, &w->batch);
    w->rows_end = w->batch->n;
    while (w->n < GROUP_CALLS_MAX) {
        struct call *c = next_call(w, false, served);
        if (c == NULL)
            break;
        w->group[w->n++] = c;
    }
    fail_group(w, why);
    answer_group(w);
}

static void run_group(struct writer *w)
{
    struct fault why = {0};
    w->rows_end = w->batch->at;
    if ((w->conn == NULL || w->conn->suspect) && !reopen(w)) {
        (void)fault_set(&why, RC_RETRY, "store.unavailable", "the database cannot be opened");
        refuse_all(w, &why);
        return;
    }
    if (!begin(w, &why)) {
        refuse_all(w, &why);
        return;
    }
    int64_t start = clock_mono_us();
    bool served[CLASSES] = {false};
    bool whole = group_rows(w, start);
    while (whole && w->n < GROUP_CALLS_MAX) {
        struct call *c = next_call(w, clock_mono_us() - start >= group_us(), served);
        if (c == NULL)
            break;
        w->group[w->n++] = c;
        whole = run_in_group(w, c);
    }
    enum committed how = COMMIT_AGAIN;
    if (whole)
        how = commit(w, w->n + (w->rows_end - w->batch->at), &why);
    if (how == COMMIT_AGAIN)
        run_each_alone(w);
    else if (how == COMMIT_UNKNOWN)
        fail_group(w, &why);
    if (w->conn != NULL)
        arena_reset(w->conn->mem);
    answer_group(w);
}

/* ---- the thread ---- */

/* All connections are closed, so that opening again recovers from the log; then the log is emptied into the
 * database with a fresh sync, because a failed sync may have left pages that the kernel takes for written. */
static bool reopen(struct writer *w)
{
    struct fault why = {0};
    readers_hold(&w->readers);
    sl_close(&w->conn);
    bool ok = sl_open(w->s->url, false, &w->conn, &why) == RC_OK;
    if (ok) {
        int code = sl_checkpoint(w->conn, SQLITE_CHECKPOINT_TRUNCATE);
        ok = code == SQLITE_OK || code == SQLITE_BUSY;
    }
    readers_free(&w->readers);
    if (!ok) {
        atomic_store(&w->s->commit_fine, false);
        if (w->conn != NULL)
            w->conn->suspect = true;
    }
    log_event(w->s->log, ok ? LOG_WARN : LOG_ERROR, "store.reopened", F_FLAG("ok", ok),
              F_STR("what", str_of(why.detail)));
    return ok;
}

static void tidy(struct writer *w)
{
    struct sl_conn *c = w->conn;
    if (c == NULL || c->suspect)
        return;
    if (c->wal_pages < w->tidy_pages)
        w->tidy_pages = 0; /* the log has begun again */
    if (c->wal_pages - w->tidy_pages < CHECKPOINT_PAGES)
        return;
    w->tidy_pages = c->wal_pages;
    int mode = c->wal_pages >= RESTART_PAGES ? SQLITE_CHECKPOINT_RESTART : SQLITE_CHECKPOINT_PASSIVE;
    int code = sl_checkpoint(c, mode);
    if (code != SQLITE_OK && code != SQLITE_BUSY)
        log_event(w->s->log, LOG_ERROR, "store.checkpoint_failed", F_INT("code", code));
}

static void *writer_main(void *arg)
{
    struct writer *w = arg;
    store_thread_mark(true);
    for (;;) {
        pthread_mutex_lock(&w->mu);
        bool rows = w->batch->at < w->batch->n;
        while (!rows && !calls_wait(w) && !append_waits(w->s) && !w->stopping)
            pthread_cond_wait(&w->wake, &w->mu);
        bool stop = w->stopping && !rows && !calls_wait(w) && !append_waits(w->s);
        pthread_mutex_unlock(&w->mu);
        if (stop)
            break;
        run_group(w);
        tidy(w);
    }
    return NULL;
}

#ifdef MZ_TEST
/* Calls in the queues: lets a test know that its callers will form one group. */
int sqlite_waiting(struct store *s)
{
    struct writer *w = s->state;
    int n = 0;
    pthread_mutex_lock(&w->mu);
    for (int i = 0; i < CLASSES; i++)
        for (const struct call *c = w->head[i]; c != NULL; c = c->next)
            n++;
    pthread_mutex_unlock(&w->mu);
    return n;
}
#endif

/* ---- the driver's functions ---- */

static enum rc sqlite_write(struct store *s, struct call *c)
{
    must(sem_init(&c->done, 0, 0) == 0);
    put_call(s->state, c);
    while (sem_wait(&c->done) != 0)
        continue; /* a signal */
    (void)sem_destroy(&c->done);
    return c->rc;
}

static enum rc sqlite_read(struct store *s, struct call *c)
{
    struct writer *w = s->state;
    return readers_run(s, &w->readers, c);
}

static void sqlite_append_wake(struct store *s)
{
    struct writer *w = s->state;
    pthread_mutex_lock(&w->mu);
    pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->mu);
}

static bool sqlite_ready(struct store *s, struct fault *why)
{
    char path[4096];
    struct statvfs fs;
    if (snprintf(path, sizeof(path), "%s", s->url) >= (int)sizeof(path) || statvfs(dirname(path), &fs) != 0) {
        (void)fault_set(why, RC_RETRY, "store.unavailable", "the database's folder cannot be read");
        return false;
    }
    uint64_t left = (uint64_t)fs.f_bavail * fs.f_frsize;
    if (left >= (uint64_t)s->disk_reserve_bytes)
        return true;
    (void)fault_set(why, RC_FULL, "store.full", "%llu MiB free, reserve %llu MiB",
                    (unsigned long long)(left >> 20), (unsigned long long)s->disk_reserve_bytes >> 20);
    return false;
}

static void sqlite_close(struct store *s)
{
    struct writer *w = s->state;
    if (w == NULL)
        return;
    pthread_mutex_lock(&w->mu);
    w->stopping = true;
    pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->mu);
    must(pthread_join(w->thread, NULL) == 0);
    readers_close(&w->readers); /* before the writer: the last to close checkpoints */
    if (w->conn != NULL && !w->conn->suspect)
        (void)sl_checkpoint(w->conn, SQLITE_CHECKPOINT_TRUNCATE);
    sl_close(&w->conn);
    batch_free(&w->batch);
    must(pthread_mutex_destroy(&w->mu) == 0);
    must(pthread_cond_destroy(&w->wake) == 0);
    mem_free(w);
    s->state = NULL;
}

static enum rc sqlite_open(struct store *s, struct fault *why)
{
    struct sl_conn *conn = NULL;
    enum rc rc = sl_open(s->url, false, &conn, why);
    if (rc != RC_OK)
        return rc;
    struct writer *w = mem_new(sizeof(struct writer));
    w->s = s;
    w->conn = conn;
    w->batch = batch_new();
    for (int i = 0; i < CLASSES; i++)
        w->tail[i] = &w->head[i];
    must(pthread_mutex_init(&w->mu, NULL) == 0);
    must(pthread_cond_init(&w->wake, NULL) == 0);
    readers_open(&w->readers, s->url);
    s->state = w;
    thread_start(&w->thread, writer_main, w);
    return RC_OK;
}

const struct driver sqlite_driver = {
    .name = "sqlite",
    .open = sqlite_open,
    .close = sqlite_close,
    .write = sqlite_write,
    .read = sqlite_read,
    .run = sl_run,
    .script = sl_script,
    .bulk = bulk_by_insert,
    .append_wake = sqlite_append_wake,
    .ready = sqlite_ready,
    .mark = "@SQLITE ",
    .text = "TEXT",
    .int64 = "INTEGER",
    .flag = "INTEGER",
    .bytes = "BLOB",
    .table = "STRICT",
};
