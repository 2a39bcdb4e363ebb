/* Append-only bytes with a maximum. The first append that does not fit sets `failed`; every later one is
 * ignored, so that the caller looks once, at the end. In an arena the buffer grows in place as long as it
 * is the newest piece. */
#include "base/base_priv.h"

#define FIRST_CAP 256U

void buf_init(struct buf *b, struct arena *mem_or_null, size_t max_bytes)
{
    *b = (struct buf){.max = max_bytes, .mem = mem_or_null};
}

void buf_release(struct buf *b)
{
    if (b->mem == NULL)
        mem_free(b->p);
    *b = (struct buf){.max = b->max, .mem = b->mem};
}

void buf_clear(struct buf *b)
{
    b->n = 0;
    b->failed = false;
}

static bool grow_to(struct buf *b, size_t cap)
{
    if (b->mem == NULL) {
        b->p = mem_grow(b->p, cap);
    } else if (!arena_extend(b->mem, b->p, b->cap, cap)) {
        char *p = arena_take(b->mem, cap);
        if (p == NULL)
            return false;
        if (b->n > 0)
            memcpy(p, b->p, b->n);
        b->p = p;
    }
    b->cap = cap;
    return true;
}

bool buf_reserve(struct buf *b, size_t n)
{
    if (b->failed)
        return false;
    if (n <= b->cap - b->n)
        return true;
    if (n > b->max - b->n) {
        b->failed = true;
        return false;
    }
    size_t need = b->n + n;
    size_t cap = b->cap < FIRST_CAP ? FIRST_CAP : b->cap;
    while (cap < need && cap <= b->max / 2)
        cap *= 2;
    if (cap < need || cap > b->max)
        cap = b->max;
    if (b->mem != NULL && cap > arena_room(b->mem))
        cap = need; /* an arena nearly full may still hold what is needed now */
    if (!grow_to(b, cap))
        b->failed = true;
    return !b->failed;
}

void buf_put(struct buf *b, str s)
{
    if (s.n == 0 || !buf_reserve(b, s.n))
        return;
    memcpy(b->p + b->n, s.p, s.n);
    b->n += s.n;
}

void buf_put_c(struct buf *b, char c)
{
    if (buf_reserve(b, 1))
        b->p[b->n++] = c;
}

void buf_put_i64(struct buf *b, int64_t v)
{
    char text[24];
    size_t at = sizeof(text);
    uint64_t left = v < 0 ? 0U - (uint64_t)v : (uint64_t)v;
    do {
        text[--at] = (char)('0' + left % 10);
        left /= 10;
    } while (left != 0);
    if (v < 0)
        text[--at] = '-';
    buf_put(b, (str){text + at, sizeof(text) - at});
}

void buf_fmt(struct buf *b, const char *fmt, ...)
{
    char small[512];
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int n = vsnprintf(small, sizeof(small), fmt, args);
    va_end(args);
    if (n < 0) {
        b->failed = true;
    } else if ((size_t)n < sizeof(small)) {
        buf_put(b, (str){small, (size_t)n});
    } else if (buf_reserve(b, (size_t)n + 1)) { /* one more: vsnprintf ends with a NUL */
        (void)vsnprintf(b->p + b->n, (size_t)n + 1, fmt, again);
        b->n += (size_t)n;
    }
    va_end(again);
}

bool buf_ok(const struct buf *b)
{
    return !b->failed;
}

str buf_str(const struct buf *b)
{
    if (b->failed)
        return STR_NONE;
    return b->n == 0 ? STR("") : (str){b->p, b->n};
}
