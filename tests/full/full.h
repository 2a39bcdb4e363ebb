/* Want of memory, step by step: a pure function runs with an arena whose n-th allocation fails, for n = 1,
 * 2, ... until a run meets no failure. Every run before must refuse with RC_FULL and leave its output alone;
 * the last must succeed. */
#ifndef MZ_TESTS_FULL_H
#define MZ_TESTS_FULL_H
#include "unit.h"
#include "base/base.h"

struct full_case {
    const char *name;
    enum rc (*run)(struct arena *mem, void *out, struct fault *why);
    size_t out_size;
    unsigned least; /* allocations that a good run makes at least: the loop is no empty one */
};

static inline void full_fail(const struct full_case *c, unsigned n, const char *what)
{
    fail_msg("%s, allocation %u: %s", c->name, n, what);
}

static inline void full_run(const struct full_case *c)
{
    enum { OUT_MAX = 4096, STEPS_MAX = 5000 };
    static _Alignas(16) unsigned char out[OUT_MAX], before[OUT_MAX];
    must(c->out_size <= OUT_MAX);
    for (unsigned n = 1; n < STEPS_MAX; n++) {
        struct arena *mem = arena_open((size_t)8 << 20);
        struct fault why = {.rc = RC_OK};
        memset(out, 0, c->out_size);
        memcpy(before, out, c->out_size);
        arena_fail_at(mem, n);
        enum rc rc = c->run(mem, out, &why);
        bool hit = arena_fail_at(mem, 0) == 0;
        if (!hit && rc != RC_OK)
            full_fail(c, n, why.detail);
        if (hit && rc == RC_OK)
            full_fail(c, n, "it went on without the memory");
        if (hit && rc != RC_FULL)
            full_fail(c, n, rc_name(rc));
        if (hit && memcmp(out, before, c->out_size) != 0)
            full_fail(c, n, "the output was touched");
        arena_close(&mem);
        if (hit)
            continue;
        if (n <= c->least)
            full_fail(c, n, "fewer allocations than expected");
        return;
    }
    full_fail(c, STEPS_MAX, "no run without a failure");
}

/* Functions that give a str, and STR_NONE when the arena is full. */
static inline enum rc full_str(str got, str *out)
{
    if (got.p == NULL)
        return RC_FULL;
    *out = got;
    return RC_OK;
}
#endif
