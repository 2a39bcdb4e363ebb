/* Fuzz: the envelope. Property: a parsed create_time near the start equals what the bounded scan finds. */
#include "webhook/webhook.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct arena *mem;
    struct webhook_event ev = {0};
    struct fault why;
    str body = {(const char *)data, size};
    if (mem == NULL)
        mem = arena_open(16u << 20);
    arena_reset(mem);
    int64_t scanned = envelope_create_time(body);
    must(scanned >= 0 && scanned <= 99999999999);
    if (webhook_parse(body, mem, &ev, &why) == RC_OK)
        must(ev.name.n > 0);
    return 0;
}
