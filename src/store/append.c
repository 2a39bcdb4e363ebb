/* store_append: the queue between intake's threads and the one that commits (SQLite's writer, PostgreSQL's
 * lanes).
 *
 * A caller copies its row into the front batch under a short lock. A consumer swaps the front for its own
 * empty batch, so rows gather exactly while the previous commit runs, and nobody waits when nothing is busy.
 * The consumer is woken only when the front was empty. Bounds: 2,048 rows, 16 MiB, or a head that has waited
 * for a second. */
#include "store/append_priv.h"

struct append_queue {
    pthread_mutex_t mu;
    struct batch *front;
    atomic_size_t waiting;
};

struct batch *batch_new(void)
{
    struct batch *b = mem_new(sizeof(struct batch));
    buf_init(&b->bytes, NULL, APPEND_BYTES_MAX);
    return b;
}

void batch_free(struct batch **b)
{
    if (*b != NULL)
        buf_release(&(*b)->bytes);
    mem_free(*b);
    *b = NULL;
}

void append_open(struct store *s)
{
    struct append_queue *q = mem_new(sizeof(struct append_queue));
    must(pthread_mutex_init(&q->mu, NULL) == 0);
    q->front = batch_new();
    s->append = q;
}

void append_close(struct store *s)
{
    struct append_queue *q = s->append;
    must(q->front->n == 0); /* the driver has drained it */
    batch_free(&q->front);
    must(pthread_mutex_destroy(&q->mu) == 0);
    mem_free(q);
    s->append = NULL;
}

bool append_waits(struct store *s)
{
    return atomic_load(&s->append->waiting) > 0;
}

/* Offsets until the batch is taken: the buffer may move while it grows. */
static void batch_put(struct batch *b, const struct append_sql *q, const struct val *v)
{
    struct append_row *row = &b->rows[b->n];
    *row = (struct append_row){.q = q, .first_val = b->n_vals, .rc = RC_BUG};
    for (size_t i = 0; i < q->n; i++) {
        struct val *to = &b->vals[b->n_vals++];
        *to = v[i];
        if ((v[i].type != VT_TEXT && v[i].type != VT_BYTES) || v[i].s.p == NULL)
            continue;
        to->i = (int64_t)b->bytes.n;
        buf_put(&b->bytes, v[i].s);
    }
}

static size_t row_bytes(const struct append_sql *q, const struct val *v)
{
    size_t sum = 0;
    for (size_t i = 0; i < q->n; i++)
        sum += v[i].type == VT_TEXT || v[i].type == VT_BYTES ? v[i].s.n : 0;
    return sum;
}

static const char *front_refuses(const struct batch *b, size_t bytes)
{
    if (b->n == APPEND_ROWS_MAX)
        return "2,048 rows wait";
    if (bytes > APPEND_BYTES_MAX - b->bytes.n)
        return "16 MiB wait";
    if (b->n > 0 && clock_mono_ms() - b->first_ms > APPEND_WAIT_MS)
        return "rows have waited for more than a second";
    return NULL;
}

enum rc store_append(struct store *s, const struct append_sql *q, const struct val *v, append_done done,
                     void *arg, struct fault *why)
{
    must(!store_in_tx());
    must(q->n > 0 && q->n <= APPEND_COLUMNS_MAX && q->key_col < q->n);
    for (size_t i = 0; i < q->n; i++)
        must(v[i].type == q->types[i] || v[i].type == VT_NULL);
    enum rc rc = check_text(&q->insert, v, q->n, why);
    if (rc != RC_OK)
        return rc;
    size_t bytes = row_bytes(q, v);
    struct append_queue *a = s->append;
    pthread_mutex_lock(&a->mu);
    const char *refused = front_refuses(a->front, bytes);
    bool first = a->front->n == 0;
    if (refused == NULL) {
        struct batch *b = a->front;
        batch_put(b, q, v);
        b->rows[b->n].done = done;
        b->rows[b->n].arg = arg;
        b->n++;
        if (first)
            b->first_ms = clock_mono_ms();
        atomic_store(&a->waiting, b->n);
    }
    pthread_mutex_unlock(&a->mu);
    if (refused != NULL)
        return fault_set(why, RC_FULL, "store.full", "%s: %s", q->insert.name, refused);
    if (first)
        s->drv->append_wake(s);
    return RC_OK;
}

bool append_take(struct store *s, struct batch **mine)
{
    struct append_queue *a = s->append;
    struct batch *empty = *mine;
    buf_clear(&empty->bytes);
    empty->n = empty->n_vals = empty->at = 0;
    pthread_mutex_lock(&a->mu);
    struct batch *full = a->front;
    bool some = full->n > 0;
    if (some) {
        a->front = empty;
        atomic_store(&a->waiting, 0);
        *mine = full;
    }
    pthread_mutex_unlock(&a->mu);
    if (!some)
        return false;
    for (size_t i = 0; i < full->n_vals; i++) {
        struct val *v = &full->vals[i];
        if ((v->type == VT_TEXT || v->type == VT_BYTES) && v->s.p != NULL)
            v->s.p = v->s.n == 0 ? "" : full->bytes.p + v->i;
    }
    return true;
}

void append_tell(struct batch *b, size_t from, size_t to)
{
    int64_t counts[RC_COUNT] = {0};
    void (*around)(bool begins) = NULL;
    for (size_t i = from; i < to; i++) {
        const struct append_row *row = &b->rows[i];
        if (row->q->around != around) {
            if (around != NULL)
                around(false);
            around = row->q->around;
            if (around != NULL)
                around(true);
        }
        counts[row->rc]++;
        row->done(row->arg, row->rc);
    }
    if (around != NULL)
        around(false);
    for (int rc = 0; rc < RC_COUNT; rc++)
        if (counts[rc] > 0)
            metric_add(store_metric(SM_APPENDED), counts[rc], rc_name((enum rc)rc), NULL);
}

void append_fail(struct batch *b, size_t from, size_t to, enum rc rc)
{
    for (size_t i = from; i < to; i++)
        b->rows[i].rc = rc;
    append_tell(b, from, to);
}
