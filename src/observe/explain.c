/* explain: steps and references are added up to a bound; a story that is too long is cut, never refused. */
#include <stdarg.h>
#include "observe/observe.h"

void explain_add(struct explain *e, int64_t at_ms, const char *fmt, ...)
{
    char text[1024];
    va_list args;
    if (e->n == COUNT_OF(e->steps))
        return;
    va_start(args, fmt);
    int n = vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    if (n <= 0)
        return;
    size_t len = (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1;
    while (len > 0 && !utf8_valid((str){text, len})) /* cut inside a character */
        len--;
    str kept = arena_str(e->mem, (str){text, len});
    if (kept.n > 0)
        e->steps[e->n++] = (struct explain_step){at_ms, kept};
}

void explain_follow(struct explain *e, str id)
{
    if (id.n > 0 && e->n_follow < COUNT_OF(e->follow))
        e->follow[e->n_follow++] = id;
}
