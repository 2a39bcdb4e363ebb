/* UTF-8 as Unicode defines it: no overlong form, no surrogate, nothing above U+10FFFF. */
#include "base/base_priv.h"

static bool tail(unsigned char c)
{
    return (c & 0xC0) == 0x80;
}

size_t utf8_len_at(const unsigned char *p, size_t n)
{
    unsigned char c = p[0];
    if (c < 0x80)
        return 1;
    if (c < 0xC2)
        return 0;
    if (c < 0xE0)
        return n >= 2 && tail(p[1]) ? 2 : 0;
    if (c < 0xF0) {
        if (n < 3 || !tail(p[1]) || !tail(p[2]))
            return 0;
        if ((c == 0xE0 && p[1] < 0xA0) || (c == 0xED && p[1] >= 0xA0))
            return 0;
        return 3;
    }
    if (c > 0xF4 || n < 4 || !tail(p[1]) || !tail(p[2]) || !tail(p[3]))
        return 0;
    if ((c == 0xF0 && p[1] < 0x90) || (c == 0xF4 && p[1] >= 0x90))
        return 0;
    return 4;
}

size_t utf8_len(str s)
{
    return s.n == 0 ? 0 : utf8_len_at((const unsigned char *)s.p, s.n);
}

bool utf8_valid(str s)
{
    const unsigned char *p = (const unsigned char *)s.p;
    size_t i = 0;
    while (i < s.n) {
        uint64_t word;
        if (s.n - i >= sizeof(word)) { /* eight ASCII bytes at once: most text is that */
            memcpy(&word, p + i, sizeof(word));
            if ((word & 0x8080808080808080U) == 0) {
                i += sizeof(word);
                continue;
            }
        }
        size_t len = utf8_len_at(p + i, s.n - i);
        if (len == 0)
            return false;
        i += len;
    }
    return true;
}

size_t utf8_count(str s)
{
    size_t count = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (!tail((unsigned char)s.p[i]))
            count++;
    }
    return count;
}
