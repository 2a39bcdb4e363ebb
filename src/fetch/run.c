/* One call over this thread's curl handle.
 *
 * The order is: URL by shape, host by list, every address by block list, curl with exactly these addresses,
 * and the socket's address once more. What may go wrong on the way is told apart by whether request bytes may
 * have left: after that a call that changes something at the other side is unsure. curl would quietly repeat
 * a request on a kept connection that proves dead; for calls that must not be doubled its wish to read the
 * body again is refused.
 */
#include "fetch/fetch_priv.h"
#include <arpa/inet.h>
#include <netinet/in.h>

struct call {
    const struct fetch_request *rq;
    struct handle *h;
    struct arena *mem;
    struct fetch_url url;
    size_t body_at;
    struct buf body;
    size_t header_bytes;
    bool too_large, headers_done;
    struct fetch_answer answer;
};

void handle_end(void *handle)
{
    struct handle *h = handle;
    struct fetch *f = h->fetch;
    pthread_mutex_lock(&f->list_lock);
    *h->prev = h->next;
    if (h->next)
        h->next->prev = h->prev;
    pthread_mutex_unlock(&f->list_lock);
    curl_easy_cleanup(h->easy);
    struct arena *mem = h->mem;
    arena_close(&mem);
}

static struct handle *handle_of_thread(struct fetch *f)
{
    struct handle *h = pthread_getspecific(f->handle);
    if (h)
        return h;
    struct arena *mem = arena_open(4096);
    h = arena_new(mem, struct handle);
    must(h && (h->easy = curl_easy_init()) != NULL);
    h->mem = mem;
    h->fetch = f;
    pthread_mutex_lock(&f->list_lock);
    h->next = f->handles;
    h->prev = &f->handles;
    if (h->next)
        h->next->prev = &h->next;
    f->handles = h;
    pthread_mutex_unlock(&f->list_lock);
    must(pthread_setspecific(f->handle, h) == 0);
    return h;
}

/* ---- curl's questions ---- */
static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *a)
{
    struct handle *h = arg;
    unsigned char addr[16];
    struct fault why;
    const void *p = &a->addr;
    if (purpose != CURLSOCKTYPE_IPCXN || (a->family != AF_INET && a->family != AF_INET6))
        return CURL_SOCKET_BAD;
    if (a->family == AF_INET)
        address_mapped((const unsigned char *)&((const struct sockaddr_in *)p)->sin_addr, 4, addr);
    else
        address_mapped((const unsigned char *)&((const struct sockaddr_in6 *)p)->sin6_addr, 16, addr);
    if (fetch_address_ok(h->fetch, h->tls, addr, &why) != RC_OK && !planted("fetch.no_socket_check")) {
        h->refused = true;
        return CURL_SOCKET_BAD;
    }
    return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
}

static size_t on_body(char *p, size_t size, size_t n, void *arg)
{
    struct call *c = arg;
    buf_put(&c->body, (str){p, size * n});
    c->too_large = !buf_ok(&c->body);
    return c->too_large ? 0 : size * n;
}

static void keep(struct call *c, str line, const char *name, str *out)
{
    str wanted = str_of(name);
    if (line.n > wanted.n && line.p[wanted.n] == ':' && str_eq_nocase(str_sub(line, 0, wanted.n), wanted)) {
        str v = str_trim(str_sub(line, wanted.n + 1, line.n));
        *out = arena_str(c->mem, str_sub(v, 0, 256));
    }
}

static size_t on_header(char *p, size_t size, size_t n, void *arg)
{
    struct call *c = arg;
    str line = {p, size * n};
    c->header_bytes += line.n;
    if (c->header_bytes > FETCH_HEADER_BYTES_MAX) {
        c->too_large = true;
        return 0;
    }
    while (line.n > 0 && (line.p[line.n - 1] == '\n' || line.p[line.n - 1] == '\r'))
        line.n--;
    keep(c, line, "content-type", &c->answer.content_type);
    keep(c, line, "x-tt-logid", &c->answer.log_id);
    keep(c, line, "date", &c->answer.date);
    keep(c, line, "retry-after", &c->answer.retry_after);
    return size * n;
}

static size_t give_body(char *p, size_t size, size_t n, void *arg)
{
    struct call *c = arg;
    size_t left = c->rq->body.n - c->body_at, take = size * n < left ? size * n : left;
    memcpy(p, c->rq->body.p + c->body_at, take);
    c->body_at += take;
    return take;
}

static int rewind_body(void *arg, curl_off_t offset, int origin)
{
    struct call *c = arg;
    if (origin != SEEK_SET || offset < 0 || (size_t)offset > c->rq->body.n)
        return CURL_SEEKFUNC_FAIL;
    if (c->body_at > 0 && !c->rq->repeatable)
        return CURL_SEEKFUNC_FAIL;
    c->body_at = (size_t)offset;
    return CURL_SEEKFUNC_OK;
}

/* ---- setting up ---- */
static bool header_text(str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
            return false;
    return true;
}

static bool carries_token(const char *name)
{
    static const char *const names[] = {"authorization", "access-token", "cookie", "proxy-authorization"};
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (str_eq_nocase(str_of(name), str_of(names[i])))
            return true;
    return false;
}

static void headers_free(struct curl_slist *list)
{
    for (struct curl_slist *l = list; l; l = l->next)
        explicit_bzero(l->data, strlen(l->data));
    curl_slist_free_all(list);
}

static enum rc one_header(const struct fetch_request *rq, const struct fetch_header *h,
                          struct arena *secret_mem, struct curl_slist **list, struct fault *why)
{
    str value = h->secret.n ? (str){(const char *)h->secret.p, h->secret.n} : h->value;
    if (!h->name || !*h->name || !header_text(str_of(h->name)) || strpbrk(h->name, ": ") ||
        !header_text(value))
        return fault_set(why, RC_INVALID, "fetch.header", "header %s holds a control character",
                         h->name && header_text(str_of(h->name)) ? h->name : "?");
    if (rq->cls != FETCH_TIKTOK && carries_token(h->name))
        return fault_set(why, RC_DENIED, "fetch.host", "%s goes only to hosts of fetch.tiktok_hosts",
                         h->name);
    str line = arena_fmt(secret_mem, value.n ? "%s: " STR_FMT : "%s;" STR_FMT, h->name, STR_ARG(value));
    const char *text = line.p ? arena_cstr(secret_mem, line) : NULL;
    struct curl_slist *more = text ? curl_slist_append(*list, text) : NULL;
    if (!more)
        return fault_set(why, RC_FULL, "fetch.header", "the headers are too long");
    *list = more;
    return RC_OK;
}

static enum rc headers_make(const struct fetch_request *rq, struct curl_slist **out, struct fault *why)
{
    struct arena *secret_mem = arena_open_secret((size_t)64 << 10);
    struct curl_slist *list = curl_slist_append(NULL, "Expect:");
    enum rc rc = rq->n_headers <= FETCH_HEADERS_MAX
                     ? RC_OK
                     : fault_set(why, RC_INVALID, "fetch.header", "over %d headers", FETCH_HEADERS_MAX);
    for (size_t i = 0; i < rq->n_headers && rc == RC_OK; i++)
        rc = one_header(rq, &rq->headers[i], secret_mem, &list, why);
    arena_close(&secret_mem);
    if (rc != RC_OK)
        headers_free(list);
    else
        *out = list;
    return rc;
}

static enum rc pin(struct call *c, int64_t deadline_mono_ms, struct curl_slist **out, struct fault *why)
{
    unsigned char addrs[FETCH_ANSWERS_MAX][16];
    size_t n = 0;
    struct buf b;
    enum rc rc = fetch_resolve(c->url.host, deadline_mono_ms, addrs, &n, why);
    for (size_t i = 0; i < n && rc == RC_OK; i++)
        rc = fetch_address_ok(c->h->fetch, c->url.tls, addrs[i], why);
    if (rc != RC_OK)
        return rc;
    buf_init(&b, c->mem, 4096);
    buf_fmt(&b, c->url.bracketed ? "[" STR_FMT "]:%u:" : STR_FMT ":%u:", STR_ARG(c->url.host), c->url.port);
    for (size_t i = 0; i < n; i++) {
        char text[INET6_ADDRSTRLEN];
        bool four = IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)(const void *)addrs[i]);
        must(inet_ntop(four ? AF_INET : AF_INET6, four ? addrs[i] + 12 : addrs[i], text, sizeof text));
        buf_fmt(&b, four ? "%s%s" : "%s[%s]", i ? "," : "", text);
    }
    buf_put_c(&b, 0);
    if (!buf_ok(&b) || !(*out = curl_slist_append(NULL, b.p)))
        return fault_set(why, RC_FULL, "fetch.memory", "no room for the addresses");
    return RC_OK;
}

void fetch_set_fixed(CURL *e, struct fetch *f)
{
    curl_easy_setopt(e, CURLOPT_SHARE, f->share);
    curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(e, CURLOPT_PROXY, "");
    curl_easy_setopt(e, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(e, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(e, CURLOPT_HTTP09_ALLOWED, 0L);
    curl_easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 2L);
    if (f->ca_file)
        curl_easy_setopt(e, CURLOPT_CAINFO, f->ca_file);
    curl_easy_setopt(e, CURLOPT_USERAGENT, "mozflow-tiktok");
    curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)FETCH_CONNECT_MS);
    curl_easy_setopt(e, CURLOPT_MAXCONNECTS, 8L);
    curl_easy_setopt(e, CURLOPT_MAXAGE_CONN, 15L); /* old idle connections are the ones that prove dead */
    curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(e, CURLOPT_READFUNCTION, give_body);
    curl_easy_setopt(e, CURLOPT_SEEKFUNCTION, rewind_body);
}

static void set_call(struct call *c, const char *url, struct curl_slist *headers,
                     struct curl_slist *addresses)
{
    CURL *e = c->h->easy;
    curl_easy_reset(e);
    fetch_set_fixed(e, c->h->fetch);
    curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, c->url.tls ? "https" : "http");
    curl_easy_setopt(e, CURLOPT_URL, url);
    curl_easy_setopt(e, CURLOPT_RESOLVE, addresses);
    curl_easy_setopt(e, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, c->h);
    curl_easy_setopt(e, CURLOPT_WRITEDATA, c);
    curl_easy_setopt(e, CURLOPT_HEADERDATA, c);
    curl_easy_setopt(e, CURLOPT_READDATA, c);
    curl_easy_setopt(e, CURLOPT_SEEKDATA, c);
    bool get = strcmp(c->rq->method, "GET") == 0, head = strcmp(c->rq->method, "HEAD") == 0;
    if (head)
        curl_easy_setopt(e, CURLOPT_NOBODY, 1L);
    else if (get)
        curl_easy_setopt(e, CURLOPT_HTTPGET, 1L);
    else {
        curl_easy_setopt(e, CURLOPT_POST, 1L);
        curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)c->rq->body.n);
        /* Without a body to ask for again there is nothing to refuse: such a call gets its own connection. */
        curl_easy_setopt(e, CURLOPT_FRESH_CONNECT, c->rq->body.n == 0 && !c->rq->repeatable ? 1L : 0L);
        if (strcmp(c->rq->method, "POST") != 0)
            curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, c->rq->method);
    }
}

/* ---- what came of it ---- */
static enum rc outcome(struct call *c, CURLcode code, struct fault *why)
{
    curl_off_t ready_us = 0;
    curl_easy_getinfo(c->h->easy, CURLINFO_PRETRANSFER_TIME_T, &ready_us);
    c->answer.sent = ready_us > 0 || code == CURLE_SEND_FAIL_REWIND;
    if (code == CURLE_OK) {
        long status = 0;
        curl_easy_getinfo(c->h->easy, CURLINFO_RESPONSE_CODE, &status);
        c->answer.status = (int)status;
        c->answer.body = c->body.n ? buf_str(&c->body) : STR("");
        return RC_OK;
    }
    if (c->h->refused)
        return fault_set(why, RC_DENIED, "fetch.address", "the address that was connected to is not allowed");
    if (c->too_large)
        return fault_set(why, RC_FULL, "fetch.too_large", "the answer is over its bound");
    const char *name = code == CURLE_OPERATION_TIMEDOUT ? "fetch.timeout"
                       : c->answer.sent                 ? "fetch.cut"
                                                        : "fetch.connect";
    if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CONNECT_ERROR ||
        code == CURLE_SSL_CACERT_BADFILE)
        name = "fetch.tls";
    return fault_set(why, RC_RETRY, name, "%s", curl_easy_strerror(code));
}

static enum rc perform(struct call *c, int64_t total_ms, struct fault *why)
{
    struct curl_slist *headers = NULL, *addresses = NULL;
    int64_t start = clock_mono_ms();
    const char *url = arena_cstr(c->mem, c->rq->url);
    if (!url)
        return fault_set(why, RC_FULL, "fetch.memory", "no room for the URL");
    enum rc rc = headers_make(c->rq, &headers, why);
    if (rc == RC_OK)
        rc = pin(c, start + (total_ms < FETCH_CONNECT_MS ? total_ms : FETCH_CONNECT_MS), &addresses, why);
    if (rc == RC_OK) {
        int64_t left = total_ms - (clock_mono_ms() - start);
        set_call(c, url, headers, addresses);
        curl_easy_setopt(c->h->easy, CURLOPT_TIMEOUT_MS, (long)(left > 1 ? left : 1));
        rc = outcome(c, curl_easy_perform(c->h->easy), why);
        curl_easy_setopt(c->h->easy, CURLOPT_HTTPHEADER, NULL);
        curl_easy_setopt(c->h->easy, CURLOPT_RESOLVE, NULL);
    }
    headers_free(headers);
    curl_slist_free_all(addresses);
    return rc;
}

enum rc fetch_run(struct fetch *f, const struct fetch_request *rq, struct arena *mem,
                  struct fetch_answer *out, struct fault *why)
{
    struct fault here = {0};
    struct call c = {.rq = rq, .mem = mem};
    int64_t start = clock_mono_us();
    buf_init(&c.body, mem, rq->max_bytes ? rq->max_bytes : FETCH_BODY_MAX);
    enum rc rc = fetch_url_ok(f, rq->cls, rq->url, &here);
    if (rc == RC_OK)
        rc = fetch_url_parse(rq->url, &c.url, &here);
    if (rc == RC_OK) {
        c.h = handle_of_thread(f);
        c.h->tls = c.url.tls;
        c.h->refused = false;
        rc = perform(&c, rq->total_ms ? rq->total_ms : FETCH_TOTAL_MS, &here);
    }
    int64_t took = clock_mono_us() - start;
    c.answer.took_ms = took / 1000;
    if (rc == RC_OK)
        *out = c.answer;
    else {
        *out = (struct fetch_answer){.sent = c.answer.sent, .took_ms = c.answer.took_ms};
        if (why)
            *why = here;
    }
    metric_add(&fetch_metrics[METRIC_TOTAL], 1, rq->what, rc == RC_OK ? "answer" : here.code);
    metric_observe_us(&fetch_metrics[METRIC_TIME], took, rq->what, NULL);
    log_event(f->log, rc == RC_OK ? LOG_DEBUG : LOG_WARN, "fetch.call", F_STR("what", str_of(rq->what)),
              F_STR("host", c.url.host), F_INT("status", c.answer.status), F_ID("log_id", c.answer.log_id),
              F_FLAG("sent", c.answer.sent), F_MS("took", took / 1000), F_RC(rc), F_FAULT(&here));
    return rc;
}
