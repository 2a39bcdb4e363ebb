/* Memory outside arenas. The operating system's refusal is not handled but ends the process: the
 * supervisor starts it again and nothing that was acknowledged is lost. Limits that people set are kept by
 * arenas and buffers. */
#include "base/base.h"

static void *given(void *p)
{
    if (p == NULL)
        must_failed("memory given by the operating system", __FILE__, __LINE__);
    return p;
}

void *mem_new(size_t n)
{
    return given(calloc(1, n == 0 ? 1 : n));
}

void *mem_grow(void *p, size_t n)
{
    return given(realloc(p, n == 0 ? 1 : n));
}

void mem_free(void *p)
{
    free(p);
}
