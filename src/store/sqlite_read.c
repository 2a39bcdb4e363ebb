/* Read-only connections, kept and given out for one read each (<= 5 s). They never checkpoint: only the
 * writer does. While the writer re-opens after an I/O error none is given out, so that recovery sees no other
 * connection. */
#include "store/sqlite_priv.h"

enum { READERS_MAX = 8 };

void readers_open(struct readers *r, const char *path)
{
    must(pthread_mutex_init(&r->mu, NULL) == 0);
    cond_open(&r->back);
    r->path = path;
}

static void close_idle(struct readers *r)
{
    while (r->idle != NULL) {
        struct sl_conn *c = r->idle;
        r->idle = c->next;
        r->open--;
        sl_close(&c);
    }
}

void readers_close(struct readers *r)
{
    must(r->out == 0);
    close_idle(r);
    must(pthread_mutex_destroy(&r->mu) == 0);
    must(pthread_cond_destroy(&r->back) == 0);
}

void readers_hold(struct readers *r)
{
    int64_t deadline = clock_mono_ms() + READ_MS + 500;
    pthread_mutex_lock(&r->mu);
    r->held = true;
    r->generation++;
    close_idle(r);
    while (r->out > 0 && cond_wait_ms(&r->back, &r->mu, deadline))
        continue;
    pthread_mutex_unlock(&r->mu);
}

void readers_free(struct readers *r)
{
    pthread_mutex_lock(&r->mu);
    r->held = false;
    pthread_cond_broadcast(&r->back);
    pthread_mutex_unlock(&r->mu);
}

/* A place among the readers, with an idle connection when there is one. */
static bool take_place(struct readers *r, struct sl_conn **idle, unsigned *generation)
{
    int64_t deadline = clock_mono_ms() + CHECKOUT_MS;
    bool got = true;
    pthread_mutex_lock(&r->mu);
    while (got && (r->held || (r->idle == NULL && r->open >= READERS_MAX)))
        got = cond_wait_ms(&r->back, &r->mu, deadline);
    if (got) {
        *idle = r->idle;
        if (r->idle != NULL)
            r->idle = r->idle->next;
        else
            r->open++;
        r->out++;
        *generation = r->generation;
    }
    pthread_mutex_unlock(&r->mu);
    return got;
}

static void give_back(struct readers *r, struct sl_conn *c)
{
    bool drop = c == NULL || c->suspect;
    pthread_mutex_lock(&r->mu);
    r->out--;
    if (drop || c->generation != r->generation) {
        drop = true;
        r->open--;
    } else {
        c->next = r->idle;
        r->idle = c;
    }
    if (drop)
        sl_close(&c); /* under the lock: readers_hold must not end before it is closed */
    pthread_cond_broadcast(&r->back);
    pthread_mutex_unlock(&r->mu);
}

static enum rc read_once(struct store *s, struct sl_conn *conn, struct call *c)
{
    conn->deadline_ms = clock_mono_ms() + READ_MS;
    int code = sl_control(conn, AT_BEGIN, &db_begin_deferred);
    if (code != SQLITE_OK)
        return c->rc = sl_fault(conn, code, "begin", &c->why);
    struct tx tx;
    tx_init(&tx, s, conn, conn->mem);
    (void)tx_run_call(&tx, c);
    if (sl_in_transaction(conn)) {
        conn->deadline_ms = 0;
        code = sl_control(conn, AT_BEGIN, &db_rollback);
        if (code != SQLITE_OK)
            conn->suspect = true;
    }
    arena_reset(conn->mem);
    return c->rc;
}

enum rc readers_run(struct store *s, struct readers *r, struct call *c)
{
    struct sl_conn *conn = NULL;
    unsigned generation = 0;
    if (!take_place(r, &conn, &generation))
        return c->rc = fault_set(&c->why, RC_FULL, "store.full", "all %d readers are busy", READERS_MAX);
    enum rc rc = RC_OK;
    if (conn == NULL) {
        rc = sl_open(r->path, true, &conn, &c->why);
        if (rc == RC_OK)
            conn->generation = generation;
    }
    c->rc = rc;
    if (rc == RC_OK)
        rc = read_once(s, conn, c);
    give_back(r, conn);
    return rc;
}
