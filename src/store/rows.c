/* Results and bound values. A result is whole and lives in the caller's arena; a cell keeps the type that the
 * database gave. PostgreSQL's sums are numeric, so row_int also reads a whole number out of text. */
#include "store/store_priv.h"

struct val store_text(str s)
{
    return (struct val){VT_TEXT, s, 0};
}

struct val store_bytes(str s)
{
    return (struct val){VT_BYTES, s, 0};
}

struct rows *rows_new(struct arena *mem, size_t cols, size_t cap)
{
    struct rows *r = arena_new(mem, struct rows);
    if (r == NULL)
        return NULL;
    *r = (struct rows){.mem = mem, .cols = cols, .cap = cap};
    if (cols > 0 && cap > 0) {
        r->cells = arena_array(mem, struct val, cols * cap);
        if (r->cells == NULL)
            return NULL;
    }
    return r;
}

struct val *rows_add(struct rows *r)
{
    if (r->n == r->cap) {
        size_t cap = r->cap < 4 ? 4 : r->cap * 2;
        struct val *more = arena_array(r->mem, struct val, r->cols * cap);
        if (more == NULL)
            return NULL;
        if (r->n > 0)
            memcpy(more, r->cells, r->n * r->cols * sizeof(struct val));
        r->cells = more;
        r->cap = cap;
    }
    return r->cells + r->n++ * r->cols;
}

bool rows_next(struct rows *r)
{
    if (r->at >= r->n)
        return false;
    r->at++;
    return true;
}

size_t rows_count(const struct rows *r)
{
    return r->n;
}

static const struct val *cell(const struct rows *r, int col)
{
    must(r->at > 0 && col >= 0 && (size_t)col < r->cols);
    return &r->cells[(r->at - 1) * r->cols + (size_t)col];
}

str row_text(const struct rows *r, int col)
{
    const struct val *v = cell(r, col);
    if (v->type == VT_INT)
        return arena_fmt(r->mem, "%lld", (long long)v->i);
    return v->type == VT_NULL ? STR_NONE : v->s;
}

int64_t row_int(const struct rows *r, int col)
{
    const struct val *v = cell(r, col);
    int64_t out = 0;
    if (v->type == VT_INT)
        return v->i;
    if (v->type == VT_TEXT && str_to_i64(v->s, &out))
        return out;
    return 0;
}

bool row_null(const struct rows *r, int col)
{
    return cell(r, col)->type == VT_NULL;
}
