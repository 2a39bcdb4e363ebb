/* Finding a row by its text: chains by hash over row numbers. The owner of the rows compares the texts, so
 * that this knows no struct of the model. The newest entry of equal texts is found first.
 */
#ifndef SIM_INDEX_H
#define SIM_INDEX_H
#include "base/base.h"

enum { INDEX_HEADS = 65536 };
struct index {
    uint32_t *heads, *next; /* row + 1; 0: none */
};
void index_open(struct index *x, size_t rows);
void index_close(struct index *x);
void index_clear(struct index *x, size_t rows);
void index_put(struct index *x, str text, size_t row); /* the row is in no chain */
void index_drop(struct index *x, str text, size_t row);
/* for (r = index_first(x, text); r != SIZE_MAX; r = index_after(x, r)) compare row r */
size_t index_first(const struct index *x, str text);
size_t index_after(const struct index *x, size_t row);
#endif
