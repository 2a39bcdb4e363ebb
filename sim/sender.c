/* The thread that posts webhooks. Takes the delivery that is due first, copies what it needs, posts without
 * the lock, writes down the attempt. Only 200 counts. Goes to loopback addresses only: the socket is refused
 * otherwise, whatever the name resolved to. Certificates are not checked, because the peer is this machine.
 */
#include "sender.h"
#include "hooks.h"
#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

struct sender {
    struct sim *sim;
    pthread_t thread;
    CURL *curl;
};
struct post { /* what one attempt needs, copied under the lock */
    uint64_t id;
    char url[URI_SIZE], signature_header[160], log_header[80], error[64];
    bool business;
    struct buf body;
    int64_t timeout_ms, t, at_ms;
    char signature[72];
    long status;
};

static bool loopback(const struct sockaddr *a)
{
    if (a->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, a, sizeof in);
        return (ntohl(in.sin_addr.s_addr) >> 24) == 127;
    }
    if (a->sa_family == AF_INET6) {
        struct sockaddr_in6 in;
        memcpy(&in, a, sizeof in);
        return IN6_IS_ADDR_LOOPBACK(&in.sin6_addr);
    }
    return false;
}

static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *a)
{
    (void)arg;
    (void)purpose;
    if (!loopback(&a->addr))
        return CURL_SOCKET_BAD;
    return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
}

static size_t ignore_body(char *p, size_t size, size_t n, void *arg)
{
    (void)p;
    (void)arg;
    return size * n;
}

/* ---- preparing, under the lock ---- */

static void sign(struct sim *s, struct delivery *d, struct post *p)
{
    const struct app *a = &s->w->apps[d->app];
    bool first = d->n_attempts == 0 || switch_on(&s->sw, SW_T_RESIGN);
    const struct attempt *before = &d->attempts[(d->n_attempts + MAX_ATTEMPTS - 1) % MAX_ATTEMPTS];
    int64_t skew = d->plan.t_offset_s + switch_int(&s->sw, SW_WEBHOOK_SKEW_S);
    p->t = first ? p->at_ms / 1000 + skew : before->t;
    str choice = d->plan.secret[0] != '\0' ? str_of(d->plan.secret) : switch_text(&s->sw, SW_WEBHOOK_SECRET);
    str secret = str_of(a->secret);
    if (str_eq(choice, STR("previous")) && a->old_secret[0] != '\0')
        secret = str_of(a->old_secret);
    if (d->plan.signature == SIGN_WRONG)
        secret = STR("not_the_secret_of_this_app");
    webhook_sign(secret, p->t, buf_str(&d->body), p->signature);
    if (!first)
        must(TEXT_SET(p->signature, str_of(before->signature)));
    const char *name = d->plan.header[0] != '\0' ? d->plan.header : s->sw.text[SW_SIGNATURE_HEADER];
    const char *bad = d->plan.signature == SIGN_BAD_T ? "x" : "";
    snprintf(p->signature_header, sizeof p->signature_header, "%s: t=%s%lld,s=%s", name, bad, (long long)p->t,
             p->signature);
    if (d->plan.signature == SIGN_MISSING)
        p->signature_header[0] = '\0';
}

static void prepare(struct sim *s, struct delivery *d, struct post *p)
{
    const struct app *a = &s->w->apps[d->app];
    p->id = d->id;
    p->at_ms = sim_now(s);
    p->business = a->portal == PORTAL_BUSINESS;
    p->timeout_ms = switch_int(&s->sw, SW_WEBHOOK_TIMEOUT_MS);
    must(TEXT_SET(p->url, str_of(hook_url(s, a, d->event))));
    snprintf(p->log_header, sizeof p->log_header, "x-tt-logid: %s", d->log_id);
    buf_clear(&p->body);
    buf_put(&p->body, buf_str(&d->body));
    sign(s, d, p);
    if (d->n_attempts == 0)
        d->first_ms = p->at_ms;
    d->state = DELIVERY_SENDING;
}

static bool pending(const struct delivery *d)
{
    return d->state == DELIVERY_WAITING || d->state == DELIVERY_RETRYING;
}

/* The pending delivery that is due first; NULL: none at all. */
static struct delivery *first_due(struct sim *s)
{
    struct delivery *best = NULL;
    for (size_t i = 0; i < MAX_DELIVERIES; i++) {
        struct delivery *d = &s->deliveries[i];
        if (pending(d) &&
            (best == NULL || d->due_ms < best->due_ms || (d->due_ms == best->due_ms && d->id < best->id)))
            best = d;
    }
    return best;
}

static void settle(struct sim *s, const struct post *p)
{
    struct delivery *d = delivery_find(s, p->id);
    if (d == NULL || d->state != DELIVERY_SENDING)
        return;
    struct attempt *t = &d->attempts[d->n_attempts++ % MAX_ATTEMPTS];
    *t = (struct attempt){.at_ms = p->at_ms, .t = p->t, .status = p->status};
    must(TEXT_SET(t->signature, str_of(p->signature)));
    must(TEXT_SET(t->error, str_of(p->error)));
    if (p->status == 200) {
        d->state = DELIVERY_DELIVERED;
        return;
    }
    int64_t now = sim_now(s);
    int64_t pause = retry_pause_ms(switch_int(&s->sw, SW_RETRY_BASE_S), d->n_attempts, now - d->first_ms);
    d->state = pause < 0 ? DELIVERY_DROPPED : DELIVERY_RETRYING;
    d->due_ms = now + (pause < 0 ? 0 : pause);
}

/* ---- posting, without the lock ---- */

static void post(CURL *c, struct post *p)
{
    struct curl_slist *list = curl_slist_append(NULL, "Content-Type: application/json");
    list = curl_slist_append(list, "User-Agent: tiktok-sim");
    list = curl_slist_append(list, "Accept: */*");
    list = curl_slist_append(list, "Expect:");
    if (p->signature_header[0] != '\0')
        list = curl_slist_append(list, p->signature_header);
    if (p->business) {
        list = curl_slist_append(list, "webhook-schema-version: 1.0");
        list = curl_slist_append(list, p->log_header);
    }
    curl_easy_setopt(c, CURLOPT_URL, p->url);
    curl_easy_setopt(c, CURLOPT_HTTPHEADER, list);
    curl_easy_setopt(c, CURLOPT_POSTFIELDS, p->body.p);
    curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE, (long)p->body.n);
    curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)p->timeout_ms);
    CURLcode rc = curl_easy_perform(c);
    p->status = 0;
    p->error[0] = '\0';
    if (rc == CURLE_OK)
        curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &p->status);
    else
        must(TEXT_SET(p->error, str_sub(str_of(curl_easy_strerror(rc)), 0, sizeof p->error - 1)));
    curl_slist_free_all(list);
}

static void wait_for_work(struct sim *s, const struct delivery *next)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    int64_t ms = next == NULL ? 200 : next->due_ms - sim_now(s);
    ms = ms < 1 ? 1 : ms > 200 ? 200 : ms;
    until.tv_nsec += ms * 1000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_cond_timedwait(&s->wake, &s->lock, &until);
}

static void *run(void *arg)
{
    struct sender *x = arg;
    struct sim *s = x->sim;
    struct post p = {.id = 0};
    buf_init(&p.body, NULL, WEBHOOK_MAX);
    pthread_mutex_lock(&s->lock);
    while (!s->stopping) {
        timers_run(s);
        struct delivery *d = first_due(s);
        if (d == NULL || d->due_ms > sim_now(s)) {
            wait_for_work(s, d);
            continue;
        }
        prepare(s, d, &p);
        pthread_mutex_unlock(&s->lock);
        post(x->curl, &p);
        pthread_mutex_lock(&s->lock);
        settle(s, &p);
    }
    pthread_mutex_unlock(&s->lock);
    buf_release(&p.body);
    return NULL;
}

enum rc sender_open(struct sim *s, struct sender **out, struct fault *why)
{
    struct sender *x = mem_new(sizeof *x);
    x->sim = s;
    curl_global_init(CURL_GLOBAL_DEFAULT);
    x->curl = curl_easy_init();
    if (x->curl == NULL) {
        mem_free(x);
        return fault_set(why, RC_BUG, "sim.curl", "libcurl does not start");
    }
    curl_easy_setopt(x->curl, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(x->curl, CURLOPT_WRITEFUNCTION, ignore_body);
    curl_easy_setopt(x->curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(x->curl, CURLOPT_PROXY, "");
    curl_easy_setopt(x->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(x->curl, CURLOPT_SSL_VERIFYPEER, 0L);
    curl_easy_setopt(x->curl, CURLOPT_SSL_VERIFYHOST, 0L);
    curl_easy_setopt(x->curl, CURLOPT_CONNECTTIMEOUT_MS, 3000L);
    if (pthread_create(&x->thread, NULL, run, x) != 0) {
        curl_easy_cleanup(x->curl);
        mem_free(x);
        return fault_set(why, RC_FULL, "sim.thread", "no thread for webhooks");
    }
    *out = x;
    return RC_OK;
}

void sender_close(struct sender **x)
{
    if (*x == NULL)
        return;
    struct sim *s = (*x)->sim;
    pthread_mutex_lock(&s->lock);
    s->stopping = true;
    pthread_cond_broadcast(&s->wake);
    pthread_mutex_unlock(&s->lock);
    pthread_join((*x)->thread, NULL);
    curl_easy_cleanup((*x)->curl);
    mem_free(*x);
    *x = NULL;
}
