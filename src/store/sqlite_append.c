/* Intake rows on SQLite: the row's own INSERT, prepared once, run for each row inside the group's
 * transaction. A row that breaks a rule other than its unique key is our mistake: it is answered RC_BUG
 * (never as a duplicate, which intake would acknowledge) and the others go on. */
#include "store/sqlite_priv.h"

enum { CLOCK_EVERY = 32 }; /* rows between two looks at the clock */

static bool one_row(struct sl_conn *c, struct sl_stmt *st, struct batch *b, struct append_row *row)
{
    int code = sl_bind(st, &b->vals[row->first_val], row->q->n);
    if (code == SQLITE_OK)
        code = sl_step(c, st->st, AT_STATEMENT, row->q->insert.name);
    int changes = code == SQLITE_DONE ? sqlite3_changes(c->db) : 0;
    struct fault why;
    if (code == SQLITE_DONE) {
        row->rc = changes > 0 ? RC_OK : RC_CONFLICT;
    } else {
        row->rc = sl_fault(c, code, row->q->insert.name, &why);
        if (row->rc == RC_CONFLICT)
            row->rc = RC_BUG;
    }
    (void)sqlite3_reset(st->st);
    return sl_in_transaction(c);
}

bool sl_append_rows(struct sl_conn *c, struct batch *b, int64_t until_us, size_t *end)
{
    const struct append_sql *last = NULL;
    struct sl_stmt *st = NULL;
    size_t i = b->at;
    for (; i < b->n; i++) {
        struct append_row *row = &b->rows[i];
        if (row->q != last) {
            int code = SQLITE_OK;
            struct fault why;
            last = row->q;
            st = sl_stmt_get(c, &row->q->insert, &code);
            if (st == NULL)
                row->rc = sl_fault(c, code, row->q->insert.name, &why);
        }
        *end = i + 1;
        if (st == NULL) {
            last = NULL;
            continue;
        }
        if (!one_row(c, st, b, row))
            return false;
        if ((i + 1) % CLOCK_EVERY == 0 && clock_mono_us() >= until_us)
            break;
    }
    return true;
}
