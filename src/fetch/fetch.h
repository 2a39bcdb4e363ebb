/* fetch: outbound HTTP over libcurl. Who may receive a token, where a connection may go, how much may come
 * back.
 *
 * Two classes of target. FETCH_TIKTOK: the host must stand in the allow-list fetch.tiktok_hosts (only these
 * may get an Authorization or Access-Token header). FETCH_PUBLIC: any https host. For both the connected
 * address is checked on the socket (CURLOPT_OPENSOCKETFUNCTION, immune to rebinding): every answer of the
 * resolver must be public or lie in a network of fetch.allow_private, and plain http is for addresses of
 * these networks only (the simulator, a neighbour in the same cluster).
 * No redirect is followed, no proxy environment, no cookies, HTTP/1.1; connect 3 s, total and body caps per
 * call. One easy handle per thread, kept, with its connections; TLS sessions are shared, with locks. Names
 * are looked up by short-lived threads of this room, so that a deadline holds. Owns no table.
 */
#ifndef MZ_FETCH_H
#define MZ_FETCH_H
#include "base/base.h"
#include "config/config.h"
#include "observe/observe.h"

struct fetch;
enum fetch_class { FETCH_TIKTOK, FETCH_PUBLIC };
struct fetch_header {
    const char *name;
    str value;
    struct secret secret; /* when n > 0: the value, never logged; only FETCH_TIKTOK and mozflow's signature */
};
struct fetch_request {
    enum fetch_class cls;
    const char *what; /* "tiktok.token": for log, metric and trace */
    const char *method;
    str url;
    const struct fetch_header *headers;
    size_t n_headers;
    str body;         /* n == 0: none. May hold secrets: never logged */
    int64_t total_ms; /* 0: 8,000 */
    size_t max_bytes; /* 0: 4 MiB */
    bool repeatable; /* a repeat does no harm (GET and HEAD always): a kept connection that proves dead may be
                        replaced silently; without it the call fails with out->sent */
};
struct fetch_answer {
    int status;
    str body;                                    /* in mem */
    str content_type, log_id, date, retry_after; /* x-tt-logid; STR_NONE when absent */
    int64_t took_ms;
    bool sent; /* request bytes may have reached the other side: a failure after this is unsure for
                  non-idempotent calls */
};
MUSTCHECK enum rc fetch_open(const struct config *c, struct log *log, struct fetch **out, struct fault *why);
void fetch_close(struct fetch **f);
/* RC_OK for any complete HTTP answer, whatever its status. RC_DENIED "fetch.host", "fetch.address"; RC_RETRY
 * "fetch.connect", "fetch.timeout" (out->sent tells); RC_FULL "fetch.too_large"; RC_INVALID "fetch.url". */
MUSTCHECK enum rc fetch_run(struct fetch *f, const struct fetch_request *rq, struct arena *mem,
                            struct fetch_answer *out, struct fault *why);
/* Shape only, no look-up: the scheme, host form and (FETCH_TIKTOK) allow-list of a URL that will be fetched
 * later. RC_INVALID "fetch.url", RC_DENIED "fetch.host" or "fetch.address" (a blocked address written as the
 * host). */
MUSTCHECK enum rc fetch_url_ok(const struct fetch *f, enum fetch_class cls, str url, struct fault *why);
/* Pure: is this address (4 or 16 bytes) on the block list of reliability-security 5.4? */
bool fetch_address_blocked(const unsigned char *addr, size_t n);
extern const struct setting fetch_settings[];
extern const size_t fetch_settings_n;
extern const struct metric fetch_metrics[];
extern const size_t fetch_metrics_n;
extern const struct event_doc fetch_event_docs[];
extern const size_t fetch_event_docs_n;
#endif
