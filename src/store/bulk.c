/* bulk: rows are checked one by one and either inserted one by one (SQLite) or written into one COPY
 * (PostgreSQL). What can go wrong: a value of another type than its column (RC_BUG), text that is not UTF-8,
 * a bound, a rule of the table. Each leaves the transaction poisoned, so that no half of the rows can be
 * committed. */
#include "store/bulk.h"
#include "store/store_priv.h"

static enum rc check_row(const struct bulk_table *t, const struct val *v, struct fault *why)
{
    for (size_t i = 0; i < t->n; i++)
        if (v[i].type != VT_NULL && v[i].type != t->types[i])
            return fault_set(why, RC_BUG, "store.bulk", "%s: column %zu has another type", t->insert.name,
                             i + 1);
    return check_text(&t->insert, v, t->n, why);
}

static size_t bytes_of(const struct bulk_table *t, const struct val *v)
{
    size_t sum = 0;
    for (size_t i = 0; i < t->n; i++)
        sum += v[i].type == VT_INT ? 8 : v[i].s.n;
    return sum;
}

/* The next row into v: RC_OK, RC_MISSING when there is none. */
static enum rc take_row(struct bulk *b, struct val *v, struct fault *why)
{
    for (size_t i = 0; i < b->table->n; i++)
        v[i] = V_NULL;
    enum rc rc = b->next(b->arg, v, why);
    if (rc == RC_OK)
        rc = check_row(b->table, v, why);
    if (rc != RC_OK)
        return rc;
    b->rows++;
    b->bytes += bytes_of(b->table, v);
    if (b->rows > BULK_ROWS_MAX || b->bytes > BULK_BYTES_MAX)
        return fault_set(why, RC_FULL, "store.bulk", "%s: over %d rows or %d bytes", b->table->insert.name,
                         BULK_ROWS_MAX, BULK_BYTES_MAX);
    return RC_OK;
}

enum rc bulk_each(struct bulk *b, enum rc (*each)(void *arg, const struct val *v, struct fault *why),
                  void *arg, struct fault *why)
{
    struct val v[PARAMS_MAX];
    enum rc rc;
    while ((rc = take_row(b, v, why)) == RC_OK)
        if ((rc = each(arg, v, why)) != RC_OK)
            return rc;
    return rc == RC_MISSING ? RC_OK : rc;
}

static enum rc insert_row(void *arg, const struct val *v, struct fault *why)
{
    const struct bulk *b = arg;
    struct answer got = {0};
    const struct ask a = {&b->table->insert, v, b->table->n, NULL};
    return b->tx->s->drv->run(b->tx, &a, &got, why);
}

enum rc bulk_by_insert(struct bulk *b, struct fault *why)
{
    return bulk_each(b, insert_row, b, why);
}

enum rc store_bulk(struct tx *tx, const struct bulk_table *t, bulk_next next, void *arg,
                   int64_t *rows_or_null, struct fault *why)
{
    struct bulk b = {.tx = tx, .table = t, .next = next, .arg = arg};
    must(t->n > 0 && t->n <= PARAMS_MAX);
    if (tx->poisoned) {
        *why = tx->poison;
        return tx->poison.rc;
    }
    enum rc rc = tx->s->drv->bulk(&b, why);
    if (rc != RC_OK)
        return planted("store.bulk_unpoisoned") ? rc : tx_poison(tx, rc, why);
    if (rows_or_null != NULL)
        *rows_or_null = (int64_t)b.rows;
    return RC_OK;
}
