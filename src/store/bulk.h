/* bulk: second part of store's manual. Many rows into one table in one transaction: COPY on PostgreSQL, a
 * prepared INSERT per row on SQLite. Meant for staging tables and derived tables without rules that a row may
 * break: one that does fails the whole call, and with it the transaction, on both databases.
 *
 *     static const struct bulk_table stage = {
 *         .insert = {"reports.stage", "INSERT INTO report_stage (run, day, spend) VALUES ($1, $2, $3)"},
 *         .pg_copy = "COPY report_stage (run, day, spend) FROM STDIN (FORMAT binary)",
 *         .types = (const enum val_type[]){VT_TEXT, VT_INT, VT_INT}, .n = 3};
 */
#ifndef MZ_STORE_BULK_H
#define MZ_STORE_BULK_H
#include "store/store.h"

enum {
    BULK_ROWS_MAX = 5000,             /* a call; SQLite's writer serves nobody else meanwhile (20 ms or so) */
    BULK_BYTES_MAX = 16 * 1024 * 1024 /* of values in a call */
};
struct bulk_table {
    struct sql insert;   /* SQLite: INSERT ... VALUES ($1..$k) */
    const char *pg_copy; /* PostgreSQL: COPY table (columns) FROM STDIN (FORMAT binary) */
    uint32_t pg_flags;   /* bit i: column i is @FLAG, two bytes wide there */
    const enum val_type *types;
    size_t n; /* columns, <= 32 */
};
/* Fills row[0..n) and returns RC_OK; RC_MISSING ends the rows; any other outcome ends the call with it. The
 * values must live until it is asked again. */
typedef enum rc (*bulk_next)(void *arg, struct val *row, struct fault *why);
/* RC_FULL "store.bulk" beyond the bounds: give the next rows to a store_write of their own. */
MUSTCHECK enum rc store_bulk(struct tx *tx, const struct bulk_table *t, bulk_next next, void *arg,
                             int64_t *rows_or_null, struct fault *why);
#endif
