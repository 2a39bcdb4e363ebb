/* See index.h. FNV-1a over the text; texts here are random tokens or short ids. */
#include "index.h"

static uint32_t slot_of(str text)
{
    uint32_t h = 2166136261U;
    for (size_t i = 0; i < text.n; i++)
        h = (h ^ (unsigned char)text.p[i]) * 16777619U;
    return (h ^ h >> 16) % INDEX_HEADS;
}

void index_open(struct index *x, size_t rows)
{
    x->heads = mem_new(INDEX_HEADS * sizeof *x->heads);
    x->next = mem_new(rows * sizeof *x->next);
}

void index_close(struct index *x)
{
    mem_free(x->heads);
    mem_free(x->next);
    *x = (struct index){.heads = NULL};
}

void index_clear(struct index *x, size_t rows)
{
    memset(x->heads, 0, INDEX_HEADS * sizeof *x->heads);
    memset(x->next, 0, rows * sizeof *x->next);
}

void index_put(struct index *x, str text, size_t row)
{
    uint32_t *head = &x->heads[slot_of(text)];
    x->next[row] = *head;
    *head = (uint32_t)row + 1;
}

void index_drop(struct index *x, str text, size_t row)
{
    uint32_t *at = &x->heads[slot_of(text)];
    while (*at != 0 && *at != (uint32_t)row + 1)
        at = &x->next[*at - 1];
    if (*at != 0)
        *at = x->next[row];
    x->next[row] = 0;
}

size_t index_first(const struct index *x, str text)
{
    uint32_t head = x->heads[slot_of(text)];
    return head == 0 ? SIZE_MAX : head - 1;
}

size_t index_after(const struct index *x, size_t row)
{
    return x->next[row] == 0 ? SIZE_MAX : x->next[row] - 1;
}
