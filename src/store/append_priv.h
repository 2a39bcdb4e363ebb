/* store_append's queue: callers copy rows into the front batch; a consumer swaps its empty batch for the full
 * one. So a row costs two copies' worth of nothing: one memcpy in, none out, no allocation once the buffers
 * have grown. */
#ifndef MZ_STORE_APPEND_PRIV_H
#define MZ_STORE_APPEND_PRIV_H
#include "store/store_priv.h"

struct append_row {
    const struct append_sql *q;
    append_done done;
    void *arg;
    size_t first_val;
    enum rc rc;
};
struct batch {
    struct append_row rows[APPEND_ROWS_MAX];
    struct val vals[APPEND_ROWS_MAX * APPEND_COLUMNS_MAX];
    struct buf bytes; /* heap; values point into it once the batch is taken */
    size_t n, n_vals;
    size_t at; /* rows before it have been answered */
    int64_t first_ms;
};
void append_open(struct store *s);
void append_close(struct store *s);
bool append_waits(struct store *s);
struct batch *batch_new(void);
void batch_free(struct batch **b);
/* Swaps *mine (empty) for what waits; false when nothing does. */
bool append_take(struct store *s, struct batch **mine);
/* Tells rows [from, to) and counts them. */
void append_tell(struct batch *b, size_t from, size_t to);
void append_fail(struct batch *b, size_t from, size_t to, enum rc rc);
#endif
