/* A plain HTTP/1.1 client for the tests of room http: it believes Content-Length and nothing else. */
#ifndef MZ_HTTP_TEST_CLIENT_H
#define MZ_HTTP_TEST_CLIENT_H
#include "unit.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include "base/base.h"

#define KIT_WAIT_S 10

static inline int dial(int port)
{
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct timeval wait = {KIT_WAIT_S, 0};
    sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)), 0);
    return fd;
}

static inline void say(int fd, str s)
{
    while (s.n > 0) {
        ssize_t r = send(fd, s.p, s.n, MSG_NOSIGNAL);
        if (r <= 0) {
            return; /* the server may have refused already: what it said tells */
        }
        s = str_sub(s, (size_t)r, s.n);
    }
}

struct reply {
    char bytes[1U << 17];
    size_t n, head_n; /* head with its empty line */
    int status;
    str body;
};

static inline str reply_header(const struct reply *r, const char *name)
{
    str rest = {r->bytes, r->head_n}, line, key;
    while (rest.n > 0 && str_cut(&rest, '\n', &line)) {
        if (str_cut(&line, ':', &key) && line.p != NULL && str_eq_nocase(key, str_of(name))) {
            str value = str_trim(line);
            return str_ends(value, STR("\r")) ? str_sub(value, 0, value.n - 1) : value;
        }
    }
    return STR_NONE;
}

/* Reads exactly one answer (by Content-Length; none: until the head's end). False: the connection ended
 * first. */
static inline bool hear_to(int fd, struct reply *r, bool head_only)
{
    uint64_t length = 0;
    memset(r, 0, offsetof(struct reply, bytes) + 1);
    r->n = r->head_n = 0;
    r->status = 0;
    for (;;) {
        size_t at;
        if (r->head_n == 0 && str_find((str){r->bytes, r->n}, STR("\r\n\r\n"), &at)) {
            r->head_n = at + 4;
            r->status = (r->bytes[9] - '0') * 100 + (r->bytes[10] - '0') * 10 + r->bytes[11] - '0';
            str said = reply_header(r, "content-length");
            if (said.n > 0 && !head_only) {
                assert_true(str_to_u64(said, &length));
            }
        }
        if (r->head_n > 0 && r->n >= r->head_n + length) {
            r->body = (str){r->bytes + r->head_n, (size_t)length};
            return true;
        }
        assert_true(r->n < sizeof(r->bytes));
        /* One byte at a time up to the body, so that nothing of the next answer is taken. */
        size_t want = r->head_n == 0 ? 1 : r->head_n + (size_t)length - r->n;
        ssize_t got = recv(fd, r->bytes + r->n, want, 0);
        if (got <= 0) {
            return false;
        }
        r->n += (size_t)got;
    }
}

static inline bool hear(int fd, struct reply *r)
{
    return hear_to(fd, r, false);
}

/* True when the peer has closed and nothing more comes. */
static inline bool closed(int fd)
{
    char c;
    ssize_t r = recv(fd, &c, 1, 0);
    return r == 0 || (r < 0 && errno == ECONNRESET);
}

/* One request on its own connection. */
static inline void ask(int port, str request, struct reply *r)
{
    int fd = dial(port);
    say(fd, request);
    assert_true(hear_to(fd, r, str_starts(request, STR("HEAD "))));
    (void)close(fd);
}

static inline bool body_has(const struct reply *r, const char *what)
{
    size_t at;
    return str_find(r->body, str_of(what), &at);
}
#endif
