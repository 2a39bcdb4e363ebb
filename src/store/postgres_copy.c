/* COPY ... FROM STDIN (FORMAT binary): the bytes of rows, and a bulk's rows as one COPY inside its
 * transaction. The form: a signature with flags and the size of an extension, then per row the count of
 * columns and each value as its size (-1: NULL) and bytes, then -1. */
#include "store/bulk.h"
#include "store/postgres_priv.h"

void put_u32(struct buf *b, uint32_t v)
{
    char four[4];
    put_be32(four, v);
    buf_put(b, (str){four, 4});
}

void put_cell(struct buf *b, const struct val *v)
{
    char twelve[12];
    if (v->type == VT_INT) {
        put_be32(twelve, 8);
        put_be64(twelve + 4, (uint64_t)v->i);
        buf_put(b, (str){twelve, 12});
    } else if (v->type == VT_NULL || v->s.p == NULL) {
        put_u32(b, UINT32_MAX); /* length -1 */
    } else {
        put_u32(b, (uint32_t)v->s.n);
        buf_put(b, v->s);
    }
}

static void put_flag(struct buf *b, const struct val *v)
{
    const char six[6] = {0, 0, 0, 2, 0, v->i != 0};
    buf_put(b, (str){six, sizeof six});
}

void copy_begin(struct buf *b)
{
    static const char head[] = "PGCOPY\n\377\r\n\0" /* signature */
                               "\0\0\0\0"           /* flags */
                               "\0\0\0\0";          /* no extension */
    buf_put(b, (str){head, sizeof head - 1});
}

void copy_row(struct buf *b, const struct val *v, size_t n, uint32_t flags)
{
    const char count[2] = {0, (char)n};
    buf_put(b, (str){count, 2});
    for (size_t col = 0; col < n; col++) {
        bool flag = (flags >> col & 1) != 0 && v[col].type == VT_INT;
        if (flag)
            put_flag(b, &v[col]);
        else
            put_cell(b, &v[col]);
    }
}

void copy_end(struct buf *b)
{
    buf_put(b, (str){"\377\377", 2});
}

/* ---- a bulk ---- */

struct copying {
    const struct bulk_table *table;
    struct buf bytes;
};

static enum rc put_row(void *arg, const struct val *v, struct fault *why)
{
    struct copying *c = arg;
    copy_row(&c->bytes, v, c->table->n, c->table->pg_flags);
    if (!buf_ok(&c->bytes))
        return fault_set(why, RC_FULL, "store.bulk", "%s: too many bytes", c->table->insert.name);
    return RC_OK;
}

static enum rc send_rows(struct tx *tx, const struct copying *c, struct fault *why)
{
    const struct sql copy = {c->table->insert.name, c->table->pg_copy};
    PGresult *r = pg_copy(tx->conn, &copy, AT_STATEMENT, buf_str(&c->bytes));
    enum rc rc = RC_OK;
    if (r == NULL || PQresultStatus(r) != PGRES_COMMAND_OK)
        rc = pg_fault(tx->conn, r, copy.name, &tx->again, why);
    PQclear(r);
    return rc;
}

enum rc pg_bulk(struct bulk *b, struct fault *why)
{
    struct copying c = {.table = b->table};
    buf_init(&c.bytes, NULL, (size_t)2 * BULK_BYTES_MAX);
    copy_begin(&c.bytes);
    enum rc rc = bulk_each(b, put_row, &c, why);
    copy_end(&c.bytes);
    if (rc == RC_OK)
        rc = send_rows(b->tx, &c, why);
    buf_release(&c.bytes);
    return rc;
}
