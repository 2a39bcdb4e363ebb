/* Ids: 48 bits of milliseconds, then 80 random bits, as 26 characters whose byte order is the time order.
 * They are names, not secrets: what grants access is made by crypto's token_new. */
#include <errno.h>
#include <sys/random.h>
#include "base/base.h"

#define ID_CHARS 26U
#define PREFIX_MAX 16U
static const char crockford[] = "0123456789abcdefghjkmnpqrstvwxyz";

void random_bytes(void *out, size_t n)
{
    unsigned char *p = out;
    while (n > 0) {
        ssize_t got = getrandom(p, n < 256 ? n : 256, 0);
        if (got < 0) {
            must(errno == EINTR);
            continue;
        }
        p += got;
        n -= (size_t)got;
    }
}

/* 128 bits, big-endian, as 26 characters of 5 bits; the first one holds 3. */
static void put_base32(const unsigned char bits[16], char out[ID_CHARS])
{
    unsigned acc = 0, have = 2; /* two leading zero bits make 130 */
    size_t at = 0;
    for (size_t i = 0; i < 16; i++) {
        acc = (acc << 8 | bits[i]) & 0xFFFFU;
        have += 8;
        while (have >= 5) {
            have -= 5;
            out[at++] = crockford[acc >> have & 31U];
        }
    }
}

str id_new(struct arena *mem, const char *prefix)
{
    size_t lead = prefix == NULL || *prefix == '\0' ? 0 : strlen(prefix) + 1;
    must(lead <= PREFIX_MAX + 1);
    unsigned char bits[16];
    uint64_t ms = (uint64_t)clock_now_ms();
    for (unsigned i = 0; i < 6; i++)
        bits[i] = (unsigned char)(ms >> (40 - 8 * i));
    random_bytes(bits + 6, 10);
    char *p = arena_take(mem, lead + ID_CHARS + 1);
    if (p == NULL)
        return STR_NONE;
    if (lead > 0) {
        memcpy(p, prefix, lead - 1);
        p[lead - 1] = '_';
    }
    put_base32(bits, p + lead);
    return (str){p, lead + ID_CHARS};
}

bool id_valid(str id, const char *prefix)
{
    str lead = str_of(prefix);
    if (lead.n > 0) {
        if (!str_starts(id, lead) || id.n == lead.n || id.p[lead.n] != '_')
            return false;
        id = str_sub(id, lead.n + 1, id.n);
    }
    if (id.n != ID_CHARS || id.p[0] > '7')
        return false;
    for (size_t i = 0; i < id.n; i++) {
        if (id.p[i] == '\0' || strchr(crockford, id.p[i]) == NULL)
            return false;
    }
    return true;
}
