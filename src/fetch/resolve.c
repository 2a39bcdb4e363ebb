/* Name look-up with a deadline, and the check of every answer.
 *
 * getaddrinfo has no time limit, so it runs on a thread of its own whose little record both sides hold; who
 * lets go last frees it. All answers are judged, not only the one that would be connected to: a name that
 * mixes public and private answers is a trick. What passed is handed to curl as a fixed answer, and the
 * socket is checked once more.
 */
#include "fetch/fetch_priv.h"
#include <arpa/inet.h>
#include <netdb.h>
#include <errno.h>

#define IN_FLIGHT_MAX 64

struct lookup {
    struct arena *mem;
    pthread_mutex_t lock;
    pthread_cond_t done_cond;
    int holders;
    bool done;
    int error;
    char host[256];
    size_t n;
    unsigned char addrs[FETCH_ANSWERS_MAX][16];
};
static _Atomic int in_flight;

static void let_go(struct lookup *l)
{
    pthread_mutex_lock(&l->lock);
    int left = --l->holders;
    pthread_mutex_unlock(&l->lock);
    if (left > 0)
        return;
    pthread_mutex_destroy(&l->lock);
    pthread_cond_destroy(&l->done_cond);
    struct arena *mem = l->mem;
    arena_close(&mem);
    in_flight--;
}

static size_t take_answers(const struct addrinfo *list, unsigned char out[FETCH_ANSWERS_MAX][16])
{
    size_t n = 0;
    for (const struct addrinfo *a = list; a && n < FETCH_ANSWERS_MAX; a = a->ai_next) {
        const void *p = a->ai_addr;
        if (a->ai_family == AF_INET)
            address_mapped((const unsigned char *)&((const struct sockaddr_in *)p)->sin_addr, 4, out[n++]);
        else if (a->ai_family == AF_INET6)
            address_mapped((const unsigned char *)&((const struct sockaddr_in6 *)p)->sin6_addr, 16, out[n++]);
    }
    return n;
}

static void *look_up(void *arg)
{
    struct lookup *l = arg;
    const struct addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
    struct addrinfo *list = NULL;
    unsigned char found[FETCH_ANSWERS_MAX][16];
    int error = getaddrinfo(l->host, NULL, &hints, &list);
    size_t n = error == 0 ? take_answers(list, found) : 0;
    if (list)
        freeaddrinfo(list);
    pthread_mutex_lock(&l->lock);
    memcpy(l->addrs, found, n * 16);
    l->n = n;
    l->error = error;
    l->done = true;
    pthread_cond_signal(&l->done_cond);
    pthread_mutex_unlock(&l->lock);
    let_go(l);
    return NULL;
}

static struct lookup *lookup_begin(str host)
{
    struct arena *mem = arena_open(8192);
    struct lookup *l = arena_new(mem, struct lookup);
    pthread_condattr_t mono;
    pthread_attr_t detached;
    pthread_t t;
    must(l && host.n < sizeof l->host);
    l->mem = mem;
    l->holders = 2;
    memcpy(l->host, host.p, host.n);
    must(pthread_mutex_init(&l->lock, NULL) == 0);
    must(pthread_condattr_init(&mono) == 0 && pthread_condattr_setclock(&mono, CLOCK_MONOTONIC) == 0);
    must(pthread_cond_init(&l->done_cond, &mono) == 0);
    pthread_condattr_destroy(&mono);
    must(pthread_attr_init(&detached) == 0);
    must(pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED) == 0);
    must(pthread_create(&t, &detached, look_up, l) == 0);
    pthread_attr_destroy(&detached);
    return l;
}

enum rc fetch_resolve(str host, int64_t deadline_mono_ms, unsigned char (*out)[16], size_t *n,
                      struct fault *why)
{
    if (host_is_address(host, out[0])) {
        *n = 1;
        return RC_OK;
    }
    if (++in_flight > IN_FLIGHT_MAX) {
        in_flight--;
        return fault_set(why, RC_FULL, "fetch.resolve_full", "%d name look-ups are under way", IN_FLIGHT_MAX);
    }
    struct lookup *l = lookup_begin(host);
    struct timespec at = {deadline_mono_ms / 1000, (long)(deadline_mono_ms % 1000) * 1000000};
    enum rc rc = RC_OK;
    pthread_mutex_lock(&l->lock);
    int e = 0;
    while (!l->done && e == 0)
        e = pthread_cond_timedwait(&l->done_cond, &l->lock, &at);
    if (!l->done)
        rc = fault_set(why, RC_RETRY, "fetch.timeout", "the name look-up took too long");
    else if (l->error != 0 || l->n == 0)
        rc = fault_set(why, RC_RETRY, "fetch.connect", "the name was not found: %s",
                       l->error ? gai_strerror(l->error) : "no address");
    if (rc == RC_OK) {
        memcpy(out, l->addrs, l->n * 16);
        *n = l->n;
    }
    pthread_mutex_unlock(&l->lock);
    let_go(l);
    return rc;
}
