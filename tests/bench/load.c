/* load: signed webhook load for tests/bench/intake. One thread, epoll, keep-alive connections, one request
 * under way on each. Every body is unique (about 630 bytes, the shape of a direct message) and signed when it
 * is sent, as TikTok signs. Counts answers by status, keeps a latency histogram, and prints one line of JSON.
 * Only loopback targets.
 *
 * load --port P --path /webhooks/tiktok/x --secret-file F [--client-key K] [--connections 64] [--requests N]
 *      [--seconds S] [--seed TEXT] Ends at N requests or after S seconds, whichever is first. An answer other
 * than 200 is counted apart; a closed connection is opened again and its request counted as lost.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/core_names.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MAX_CONNECTIONS = 4096, OUT_BYTES = 2048, IN_BYTES = 8192, SUB = 64, CELLS = 40 * SUB };

struct conn {
    int fd;
    bool busy;
    int64_t sent_us;
    size_t out_n, out_at, in_n;
    char out[OUT_BYTES], in[IN_BYTES];
};

static struct {
    const char *path, *client_key, *seed;
    char secret[256];
    size_t secret_n;
    uint16_t port;
    int connections;
    int64_t requests;
    double seconds;
} opt = {.path = "/webhooks/tiktok/accounts",
         .client_key = "7600000000000000001",
         .seed = "bench",
         .connections = 64,
         .requests = INT64_MAX,
         .seconds = 3600};

static struct conn conns[MAX_CONNECTIONS];
static int64_t sent, ok, other, lost, reopened, histogram[CELLS], first_other_status;
static EVP_MAC_CTX *keyed;
static int epfd;

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "load: %s: %s\n", what, errno ? strerrorname_np(errno) : "wrong");
    exit(1);
}

static int64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* Histogram cell: 64 equal parts per power of two, so a value is known to about 1.6 %. */
static size_t cell_of(int64_t us)
{
    uint64_t v = us < 1 ? 1 : (uint64_t)us;
    unsigned top = 63u - (unsigned)__builtin_clzll(v);
    uint64_t part = top >= 6 ? (v >> (top - 6)) & 63 : (v << (6 - top)) & 63;
    size_t cell = top * SUB + (size_t)part;
    return cell < CELLS ? cell : CELLS - 1;
}

static double cell_value_ms(size_t cell)
{
    double low = (double)(1ull << (cell / SUB));
    return low * (1.0 + ((double)(cell % SUB) + 0.5) / SUB) / 1000.0;
}

static double quantile_ms(double q)
{
    int64_t total = 0, seen = 0;
    for (size_t i = 0; i < CELLS; i++)
        total += histogram[i];
    for (size_t i = 0; i < CELLS; i++) {
        seen += histogram[i];
        if (seen > 0 && (double)seen >= q * (double)total)
            return cell_value_ms(i);
    }
    return 0;
}

/* HMAC-SHA-256 of the ten digits of t, a dot and the body, as 64 hex digits without a NUL. */
static void sign(const char *t, const char *body, size_t n, char hex[64])
{
    unsigned char head[11], mac[32];
    size_t mac_n = 0;
    memcpy(head, t, 10);
    head[10] = '.';
    /* Init with no key starts over with the one set before: half the price of setting it again. */
    if (!EVP_MAC_init(keyed, NULL, 0, NULL) || !EVP_MAC_update(keyed, head, sizeof head) ||
        !EVP_MAC_update(keyed, (const unsigned char *)body, n) ||
        !EVP_MAC_final(keyed, mac, &mac_n, sizeof mac))
        fail("signing");
    static const char hex_digits[] = "0123456789abcdef";
    for (size_t i = 0; i < 32; i++) {
        hex[2 * i] = hex_digits[mac[i] >> 4];
        hex[2 * i + 1] = hex_digits[mac[i] & 15];
    }
}

/* Where the parts of a request stand that change; all have a fixed width, so a request is patched, not
 * printed. */
static struct {
    char text[OUT_BYTES];
    size_t n, body, header_t, header_s, create_time, stamp, person[3], serial;
} form;

static size_t place_of(const char *mark, size_t from)
{
    const char *at = strstr(form.text + from, mark);
    if (!at)
        fail(mark);
    return (size_t)(at - form.text);
}

/* Digits of v, right-aligned in width characters. */
static void digits(char *out, size_t width, uint64_t v)
{
    for (size_t i = width; i-- > 0; v /= 10)
        out[i] = (char)('0' + v % 10);
}

/* The request of every connection: a direct message of about 620 bytes, with marks where digits go. */
static void make_form(void)
{
    char body[1024];
    int n = snprintf(
        body, sizeof body,
        "{\"client_key\":\"%s\",\"event\":\"im_receive_msg\",\"create_time\":TTTTTTTTTT,"
        "\"user_openid\":\"-000MzBizOpenIdBench_aB3dE5fG7hJ9kL1m\",\"content\":\"{\\\"timestamp\\\":"
        "MMMMMMMMMMMMM,\\\"unique_identifier\\\":\\\"+MzCust/Bench0123456789abcdefghijklPPPPPP\\\","
        "\\\"from_user\\\":{\\\"id\\\":\\\"+MzCust/BenchPPPPPP\\\",\\\"role\\\":\\\"personal_account\\\"},"
        "\\\"to_user\\\":{\\\"id\\\":\\\"-000MzBizOpenIdBench\\\",\\\"role\\\":\\\"business_account\\\"},"
        "\\\"conversation_id\\\":\\\"u5MzBenchConv+PPPPPP/Ab==\\\","
        "\\\"message_id\\\":\\\"u5%.32s-NNNNNNNNNNNN==\\\",\\\"type\\\":\\\"text\\\",\\\"text\\\":{"
        "\\\"body\\\":"
        "\\\"Good morning, is the blue one still here, and what is it altogether with delivery?\\\"}}\"}",
        opt.client_key, opt.seed);
    int k = snprintf(form.text, OUT_BYTES,
                     "POST %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nContent-Type: application/json\r\n"
                     "TikTok-Signature: t=TTTTTTTTTT,s=%064d\r\nContent-Length: %d\r\n\r\n%s",
                     opt.path, (unsigned)opt.port, 0, n, body);
    if (n < 0 || (size_t)n >= sizeof body || k < 0 || k >= OUT_BYTES)
        fail("request too long");
    form.n = (size_t)k;
    form.body = form.n - (size_t)n;
    form.header_t = place_of("t=TTTTTTTTTT", 0) + 2;
    form.header_s = place_of(",s=0", 0) + 3;
    form.create_time = place_of("TTTTTTTTTT", form.body);
    form.stamp = place_of("MMMMMMMMMMMMM", form.body);
    form.serial = place_of("NNNNNNNNNNNN", form.body);
    for (size_t i = 0, from = form.body; i < 3; i++, from = form.person[i - 1] + 6)
        form.person[i] = place_of("PPPPPP", from);
}

/* The next request into c->out: no other request of this or another seed equals it. */
static void prepare(struct conn *c)
{
    struct timespec wall;
    clock_gettime(CLOCK_REALTIME, &wall);
    int64_t t = wall.tv_sec;
    if (c->out_n == 0) {
        memcpy(c->out, form.text, form.n);
        c->out_n = form.n;
    }
    digits(c->out + form.header_t, 10, (uint64_t)t);
    digits(c->out + form.create_time, 10, (uint64_t)t);
    digits(c->out + form.stamp, 13, (uint64_t)(t * 1000 + wall.tv_nsec / 1000000));
    digits(c->out + form.serial, 12, (uint64_t)sent);
    for (size_t i = 0; i < 3; i++)
        digits(c->out + form.person[i], 6, (uint64_t)sent % 5000);
    sign(c->out + form.header_t, c->out + form.body, form.n - form.body, c->out + form.header_s);
    c->out_at = c->in_n = 0;
}

static void connect_one(struct conn *c)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(opt.port)};
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&a, sizeof a) != 0)
        fail("connect");
    int one = 1;
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    fcntl(c->fd, F_SETFL, fcntl(c->fd, F_GETFL) | O_NONBLOCK);
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = c};
    if (epoll_ctl(epfd, EPOLL_CTL_ADD, c->fd, &ev) != 0)
        fail("epoll");
}

static void reopen(struct conn *c)
{
    close(c->fd);
    if (c->busy)
        lost++;
    c->busy = false;
    if (++reopened > 100000)
        fail("the server keeps closing connections");
    connect_one(c);
}

static bool more_wanted(int64_t end_us)
{
    return sent < opt.requests && now_us() < end_us;
}

/* Sends what is left of c->out. Requests are smaller than a socket buffer, so a short write is rare: it
 * waits. */
static void push(struct conn *c)
{
    while (c->out_at < c->out_n) {
        ssize_t n = write(c->fd, c->out + c->out_at, c->out_n - c->out_at);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            continue;
        if (n < 0) {
            reopen(c);
            return;
        }
        c->out_at += (size_t)n;
    }
}

static void next(struct conn *c, int64_t end_us)
{
    if (!more_wanted(end_us))
        return;
    prepare(c);
    sent++;
    c->busy = true;
    c->sent_us = now_us();
    push(c);
}

/* The length of a whole answer in c->in, 0 when more must come. Most answers equal the one before in all but
 * a few digits of their head, so one of the same length that ends in the same way is known at once. */
static size_t answer_length(const struct conn *c, bool *closes)
{
    static size_t usual, usual_head;
    *closes = false;
    if (usual != 0 && c->in_n == usual && memcmp(c->in, "HTTP/1.1 200", 12) == 0 &&
        memcmp(c->in + usual_head - 4, "\r\n\r\n", 4) == 0)
        return usual;
    const char *end = memmem(c->in, c->in_n, "\r\n\r\n", 4);
    if (!end)
        return 0;
    size_t head = (size_t)(end - c->in) + 4, body = 0;
    *closes = false;
    for (const char *line = memmem(c->in, head, "\r\n", 2); line && line < end;) {
        line += 2;
        if (strncasecmp(line, "content-length:", 15) == 0)
            body = (size_t)strtoul(line + 15, NULL, 10);
        else if (strncasecmp(line, "connection: close", 17) == 0)
            *closes = true;
        line = memmem(line, head - (size_t)(line - c->in), "\r\n", 2);
    }
    if (!*closes && memcmp(c->in, "HTTP/1.1 200", 12) == 0) {
        usual_head = head;
        usual = head + body;
    }
    return c->in_n >= head + body ? head + body : 0;
}

static void answered(struct conn *c, bool closes, int64_t end_us)
{
    int64_t status = strtol(c->in + 9, NULL, 10);
    histogram[cell_of(now_us() - c->sent_us)]++;
    if (status == 200)
        ok++;
    else {
        other++;
        if (!first_other_status)
            first_other_status = status;
    }
    c->busy = false;
    if (closes)
        reopen(c);
    next(c, end_us);
}

static void readable(struct conn *c, int64_t end_us)
{
    ssize_t n = read(c->fd, c->in + c->in_n, IN_BYTES - 1 - c->in_n);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        reopen(c);
        next(c, end_us);
        return;
    }
    c->in_n += (size_t)n;
    c->in[c->in_n] = '\0';
    bool closes = false;
    if (c->in_n >= 12 && answer_length(c, &closes) > 0)
        answered(c, closes, end_us);
    else if (c->in_n == IN_BYTES - 1)
        fail("an answer is too long");
}

static void read_secret(const char *file)
{
    FILE *f = fopen(file, "rb");
    if (!f)
        fail(file);
    opt.secret_n = fread(opt.secret, 1, sizeof opt.secret, f);
    fclose(f);
    while (opt.secret_n > 0 && (opt.secret[opt.secret_n - 1] == '\n' || opt.secret[opt.secret_n - 1] == '\r'))
        opt.secret_n--;
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    char digest[] = "SHA256";
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                           OSSL_PARAM_construct_end()};
    keyed = mac ? EVP_MAC_CTX_new(mac) : NULL;
    if (!keyed || !EVP_MAC_init(keyed, (unsigned char *)opt.secret, opt.secret_n, params))
        fail("HMAC");
}

static void read_options(int argc, char **argv)
{
    for (int i = 1; i + 1 < argc; i += 2) {
        const char *name = argv[i], *v = argv[i + 1];
        if (strcmp(name, "--port") == 0)
            opt.port = (uint16_t)strtoul(v, NULL, 10);
        else if (strcmp(name, "--path") == 0)
            opt.path = v;
        else if (strcmp(name, "--secret-file") == 0)
            read_secret(v);
        else if (strcmp(name, "--client-key") == 0)
            opt.client_key = v;
        else if (strcmp(name, "--seed") == 0)
            opt.seed = v;
        else if (strcmp(name, "--connections") == 0)
            opt.connections = (int)strtol(v, NULL, 10);
        else if (strcmp(name, "--requests") == 0)
            opt.requests = strtoll(v, NULL, 10);
        else if (strcmp(name, "--seconds") == 0)
            opt.seconds = strtod(v, NULL);
        else
            fail(name);
    }
    if (!opt.port || !keyed || opt.connections < 1 || opt.connections > MAX_CONNECTIONS)
        fail("--port, --secret-file and 1 to 4096 --connections are needed");
}

static int busy_count(void)
{
    int n = 0;
    for (int i = 0; i < opt.connections; i++)
        n += conns[i].busy;
    return n;
}

int main(int argc, char **argv)
{
    read_options(argc, argv);
    make_form();
    epfd = epoll_create1(EPOLL_CLOEXEC);
    for (int i = 0; i < opt.connections; i++)
        connect_one(&conns[i]);
    int64_t begun = now_us(), end_us = begun + (int64_t)(opt.seconds * 1e6);
    for (int i = 0; i < opt.connections; i++)
        next(&conns[i], end_us);
    struct epoll_event events[256];
    /* After the end every answer under way is still awaited, at most 30 s. */
    while ((more_wanted(end_us) || busy_count() > 0) && now_us() < end_us + 30000000) {
        int n = epoll_wait(epfd, events, 256, 1000);
        if (n < 0 && errno != EINTR)
            fail("epoll_wait");
        for (int i = 0; i < n; i++)
            readable(events[i].data.ptr, end_us);
    }
    double seconds = (double)(now_us() - begun) / 1e6;
    printf("{\"sent\":%lld,\"ok\":%lld,\"other\":%lld,\"first_other_status\":%lld,\"lost\":%lld,\"reopened\":"
           "%lld,"
           "\"seconds\":%.3f,\"per_second\":%.1f,\"p50_ms\":%.3f,\"p90_ms\":%.3f,\"p99_ms\":%.3f,\"max_ms\":%"
           ".3f}\n",
           (long long)sent, (long long)ok, (long long)other, (long long)first_other_status, (long long)lost,
           (long long)reopened, seconds, (double)ok / seconds, quantile_ms(0.5), quantile_ms(0.9),
           quantile_ms(0.99), quantile_ms(1.0));
    return other || lost ? 3 : 0;
}
