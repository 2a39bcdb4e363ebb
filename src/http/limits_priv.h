/* limits and addresses of room http: who is at the other end and how much of it there may be. */
#ifndef MZ_HTTP_LIMITS_PRIV_H
#define MZ_HTTP_LIMITS_PRIV_H
#include "base/base.h"
#include "config/config.h"

#define ADDRESS_TEXT 64

/* ---- limits.c: connections and token buckets per address; keys are 16 bytes (IPv4 mapped, IPv6 cut to /64)
 * ---- */
enum rate_class { RATE_READ, RATE_WRITE, RATE_EXCHANGE, RATE_INTAKE, RATE_COUNT };
struct address {
    unsigned char ip[16]; /* network order; IPv4 as ::ffff:a.b.c.d; all zero: Unix socket */
};
struct peer; /* one address's counters; alive while referenced or still in debt */
struct peers;
struct rate { /* what RateLimit and RateLimit-Policy say; limit 0: nothing */
    const char *policy;
    int64_t limit, window_s, remaining, reset_s, retry_s;
};
struct peers *peers_open(struct arena *mem, const int64_t per_second[RATE_COUNT]);
void peers_close(struct peers *ps);
struct peer *peer_get(struct peers *ps, const struct address *a);
void peer_put(struct peers *ps, struct peer *p);
bool peer_connect(struct peer *p, unsigned max); /* counts a connection; false: too many */
void peer_disconnect(struct peer *p);
bool peer_take(struct peers *ps, struct peer *p, enum rate_class c, struct rate *out);
/* Trusted proxies: "10.0.0.0/8, ::1". */
struct nets;
MUSTCHECK enum rc nets_open(const struct config *c, const char *key, struct arena *mem, struct nets **out,
                            struct fault *why);
bool nets_hold(const struct nets *n, const struct address *a);
MUSTCHECK bool address_parse(str text, struct address *out);
size_t address_text(const struct address *a, char out[ADDRESS_TEXT]); /* canonical; length */
/* The right-most address of X-Forwarded-For that is no trusted proxy; `direct` when there is none. */
struct address address_behind(const struct nets *n, str forwarded, const struct address *direct);
#endif
