/* Which addresses a connection may never reach (reliability-security 5.4). Pure.
 *
 * The table is the union of what three published guards block, because each of them alone lacks some. IPv6
 * forms that carry an IPv4 address (mapped, compatible, NAT64, 6to4, Teredo) are blocked whole, but the
 * mapped form, which a dual-stack socket reports for plain IPv4, is judged as the IPv4 address it holds.
 */
#include "fetch/fetch_priv.h"
#include <arpa/inet.h>
#include <netinet/in.h>

struct block {
    unsigned char addr[16];
    unsigned char bits;
    const char *what;
};
static const struct block v4[] = {
    {{0}, 8, "this network"},
    {{10}, 8, "private"},
    {{100, 64}, 10, "shared by carriers"},
    {{127}, 8, "loopback"},
    {{169, 254}, 16, "link-local, cloud metadata"},
    {{172, 16}, 12, "private"},
    {{192, 0, 0}, 24, "protocol assignments"},
    {{192, 0, 2}, 24, "documentation"},
    {{192, 88, 99}, 24, "6to4 relay"},
    {{192, 168}, 16, "private"},
    {{198, 18}, 15, "benchmarks"},
    {{198, 51, 100}, 24, "documentation"},
    {{203, 0, 113}, 24, "documentation"},
    {{224}, 4, "multicast"},
    {{240}, 4, "reserved, broadcast"},
};
static const struct block v6[] = {
    {{0}, 96, "unspecified, loopback, IPv4-compatible"},
    {{0x00, 0x64, 0xff, 0x9b}, 96, "NAT64"},
    {{0x00, 0x64, 0xff, 0x9b, 0x00, 0x01}, 48, "local NAT64"},
    {{0x01, 0x00}, 64, "discard"},
    {{0x20, 0x01, 0x00, 0x00}, 32, "Teredo"},
    {{0x20, 0x01, 0x0d, 0xb8}, 32, "documentation"},
    {{0x20, 0x02}, 16, "6to4"},
    {{0x3f, 0xff}, 20, "documentation"},
    {{0x5f, 0x00}, 16, "segment routing"},
    {{0xfc}, 7, "unique local"},
    {{0xfe, 0x80}, 10, "link-local"},
    {{0xfe, 0xc0}, 10, "site-local"},
    {{0xff}, 8, "multicast"},
};
static const unsigned char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static bool same_bits(const unsigned char *a, const unsigned char *b, unsigned bits)
{
    unsigned whole = bits / 8, rest = bits % 8;
    if (memcmp(a, b, whole) != 0)
        return false;
    unsigned char mask = (unsigned char)(0xff00U >> rest);
    return rest == 0 || (a[whole] & mask) == (b[whole] & mask);
}

bool fetch_address_blocked(const unsigned char *addr, size_t n)
{
    must(n == 4 || n == 16);
    if (n == 16 && memcmp(addr, mapped, sizeof mapped) == 0) {
        addr += sizeof mapped;
        n = 4;
    }
    const struct block *rows = n == 4 ? v4 : v6;
    size_t count = n == 4 ? COUNT_OF(v4) : COUNT_OF(v6);
    for (size_t i = 0; i < count; i++)
        if (same_bits(addr, rows[i].addr, rows[i].bits))
            return true;
    return false;
}

void address_mapped(const unsigned char *addr, size_t n, unsigned char out16[16])
{
    must(n == 4 || n == 16);
    if (n == 16) {
        memcpy(out16, addr, 16);
        return;
    }
    memcpy(out16, mapped, sizeof mapped);
    memcpy(out16 + sizeof mapped, addr, 4);
}

static bool text_of(str s, char *out, size_t cap)
{
    if (s.n == 0 || s.n >= cap || memchr(s.p, 0, s.n))
        return false;
    memcpy(out, s.p, s.n);
    out[s.n] = 0;
    return true;
}

bool network_parse(str text, struct network *out)
{
    char host[64];
    unsigned char addr[16];
    struct network n = {{0}, 0};
    str rest = text, head;
    uint64_t bits = 0;
    if (!str_cut(&rest, '/', &head) || !text_of(head, host, sizeof host))
        return false;
    bool four = inet_pton(AF_INET, host, addr) == 1;
    if (!four && inet_pton(AF_INET6, host, addr) != 1)
        return false;
    unsigned whole = four ? 32 : 128;
    if (!rest.p)
        bits = whole;
    else if (!str_to_u64(rest, &bits) || bits > whole)
        return false;
    address_mapped(addr, four ? 4 : 16, n.addr);
    n.bits = (unsigned)bits + (four ? 96 : 0);
    for (unsigned i = n.bits; i < 128; i++)
        if (n.addr[i / 8] & (0x80U >> (i % 8)))
            return false; /* "10.1.2.3/8" is a slip of the pen, and which part was meant cannot be guessed */
    *out = n;
    return true;
}

bool network_has(const struct network *n, const unsigned char addr16[16])
{
    return same_bits(n->addr, addr16, n->bits);
}

bool host_is_address(str host, unsigned char out16[16])
{
    char text[64];
    struct in_addr four;
    struct in6_addr six;
    if (!text_of(host, text, sizeof text))
        return false;
    if (inet_aton(text, &four)) {
        address_mapped((const unsigned char *)&four, 4, out16);
        return true;
    }
    if (inet_pton(AF_INET6, text, &six) == 1) {
        address_mapped((const unsigned char *)&six, 16, out16);
        return true;
    }
    return false;
}
