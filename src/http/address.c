/* address: who is at the other end. IPv4 and IPv6 in one binary form, trusted proxies, X-Forwarded-For. Pure
 * but for nets_open. What can go wrong: a forged X-Forwarded-For; it is read only when the connection comes
 * from a trusted proxy, from the right, up to the first address that is no trusted proxy.
 */
#include <arpa/inet.h>
#include "http/http_priv.h"

static const unsigned char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

struct net {
    struct address a;
    unsigned bits; /* of 128 */
};
struct nets {
    struct net *at;
    size_t n;
};

static bool is_v4(const struct address *a)
{
    return memcmp(a->ip, mapped, sizeof(mapped)) == 0;
}

bool address_parse(str text, struct address *out)
{
    char room[64];
    struct address a = {{0}};
    if (text.n > 2 && text.p[0] == '[' && text.p[text.n - 1] == ']') {
        text = str_sub(text, 1, text.n - 2);
    }
    if (text.n == 0 || text.n >= sizeof(room)) {
        return false;
    }
    memcpy(room, text.p, text.n);
    room[text.n] = '\0';
    if (inet_pton(AF_INET6, room, a.ip) != 1) {
        memcpy(a.ip, mapped, sizeof(mapped));
        if (inet_pton(AF_INET, room, a.ip + 12) != 1) {
            return false;
        }
    }
    *out = a;
    return true;
}

size_t address_text(const struct address *a, char out[64])
{
    static const struct address nobody = {{0}};
    if (memcmp(a, &nobody, sizeof(nobody)) == 0) {
        memcpy(out, "local", 6);
        return 5;
    }
    const char *ok = is_v4(a) ? inet_ntop(AF_INET, a->ip + 12, out, 64) : inet_ntop(AF_INET6, a->ip, out, 64);
    must(ok != NULL);
    return strlen(out);
}

static bool net_parse(str text, struct net *out)
{
    str ip;
    int64_t bits = 128;
    if (!str_cut(&text, '/', &ip) || !address_parse(ip, &out->a)) {
        return false;
    }
    int64_t most = is_v4(&out->a) ? 32 : 128;
    if (text.p != NULL && (!str_to_i64(text, &bits) || bits < 0 || bits > most)) {
        return false;
    }
    out->bits = (unsigned)(text.p == NULL ? 128 : bits + 128 - most);
    return true;
}

enum rc nets_open(const struct config *c, const char *key, struct arena *mem, struct nets **out,
                  struct fault *why)
{
    str *parts = NULL;
    size_t n = config_list(c, key, mem, &parts);
    struct nets *ns = arena_new(mem, struct nets);
    struct net *at = arena_array(mem, struct net, n + 1);
    must(ns != NULL && at != NULL);
    for (size_t i = 0; i < n; i++) {
        if (!net_parse(str_trim(parts[i]), &at[i])) {
            return fault_set(why, RC_INVALID, "config.invalid", "%s: not an address or network: " STR_FMT,
                             key, STR_ARG(parts[i]));
        }
    }
    *ns = (struct nets){at, n};
    *out = ns;
    return RC_OK;
}

static bool net_holds(const struct net *n, const struct address *a)
{
    unsigned whole = n->bits / 8, rest = n->bits % 8;
    if (memcmp(n->a.ip, a->ip, whole) != 0) {
        return false;
    }
    return rest == 0 || ((n->a.ip[whole] ^ a->ip[whole]) >> (8 - rest)) == 0;
}

bool nets_hold(const struct nets *n, const struct address *a)
{
    for (size_t i = 0; i < n->n; i++) {
        if (net_holds(&n->at[i], a)) {
            return true;
        }
    }
    return false;
}

struct address address_behind(const struct nets *n, str forwarded, const struct address *direct)
{
    struct address last = *direct;
    while (forwarded.n > 0 && nets_hold(n, &last)) {
        size_t from = forwarded.n;
        while (from > 0 && forwarded.p[from - 1] != ',') {
            from--;
        }
        struct address a;
        if (!address_parse(str_trim(str_sub(forwarded, from, forwarded.n - from)), &a)) {
            break; /* garbage: the proxy that wrote it is the last address we know */
        }
        last = a;
        forwarded.n = from > 0 ? from - 1 : 0;
    }
    return last;
}
