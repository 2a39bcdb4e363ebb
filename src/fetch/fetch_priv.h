/* Inside of room fetch: addresses and URLs as values, and the handle. */
#ifndef MZ_FETCH_PRIV_H
#define MZ_FETCH_PRIV_H
#include "fetch/fetch.h"
#include <curl/curl.h>
#include <pthread.h>

#define FETCH_URL_MAX 2048
#define FETCH_CONNECT_MS 3000
#define FETCH_TOTAL_MS 8000
#define FETCH_BODY_MAX ((size_t)4 << 20)
#define FETCH_HEADERS_MAX 24
#define FETCH_HEADER_BYTES_MAX ((size_t)64 << 10) /* of an answer, all lines together */
#define FETCH_LOCKS 8

/* ---- address.c: pure ---- */
struct network { /* IPv4 is kept in its mapped form, so that one comparison does for both */
    unsigned char addr[16];
    unsigned bits;
};
/* "10.0.0.0/8", "::1", "127.0.0.1/32". False when it is none or has bits set behind its length. */
MUSTCHECK bool network_parse(str text, struct network *out);
bool network_has(const struct network *n, const unsigned char addr16[16]);
void address_mapped(const unsigned char *addr, size_t n, unsigned char out16[16]);
/* A host that spells an address in any form inet_aton or inet_pton take (2130706433, 0x7f.1, [::1]). */
bool host_is_address(str host, unsigned char out16[16]);

/* ---- url.c: pure ---- */
struct fetch_url {
    bool tls;
    str host; /* without brackets, lower case is up to the caller; no final dot */
    bool bracketed;
    unsigned port;
};
MUSTCHECK enum rc fetch_url_parse(str url, struct fetch_url *out, struct fault *why);

/* ---- resolve.c ---- */
#define FETCH_ANSWERS_MAX 16
/* Addresses in mapped form. An address as host is its own answer. */
MUSTCHECK enum rc fetch_resolve(str host, int64_t deadline_mono_ms, unsigned char (*out)[16], size_t *n,
                                struct fault *why);

struct fetch {
    struct arena *mem;
    struct log *log;
    str *hosts;
    size_t n_hosts;
    struct network *allowed, *blocked;
    size_t n_allowed, n_blocked;
    const char *ca_file; /* NULL: the system's */
    CURLSH *share;
    pthread_mutex_t locks[FETCH_LOCKS];
    pthread_key_t handle; /* struct handle * of this thread */
    pthread_mutex_t list_lock;
    struct handle *handles; /* every thread's, closed with the room */
};
/* ---- fetch.c ---- */
bool fetch_host_listed(const struct fetch *f, str host);
/* Public, or of a network of fetch.allow_private; plain http: the latter only. RC_DENIED "fetch.address". */
MUSTCHECK enum rc fetch_address_ok(const struct fetch *f, bool tls, const unsigned char addr16[16],
                                   struct fault *why);
/* ---- run.c ---- */
struct handle { /* one per thread */
    struct arena *mem;
    CURL *easy;
    struct handle *next, **prev;
    struct fetch *fetch;
    bool tls;
    bool refused; /* the socket check said no */
};
void handle_end(void *handle);
void fetch_set_fixed(CURL *e, struct fetch *f); /* what no call changes */
enum { METRIC_TOTAL, METRIC_TIME };             /* rows of fetch_metrics */
#endif
