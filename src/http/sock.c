/* sock: listening, accepting, and bytes over plain sockets or TLS. A listening socket may be handed over
 * (LISTEN_FDS), so that the backlog survives a restart. TLS runs on the same events as plain sockets: OpenSSL
 * never blocks here, renegotiation is off, 1.2 is the oldest version.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <openssl/err.h>
#include "http/conn_priv.h"

#define BACKLOG 4096

/* ---- bytes ---- */

static long tls_result(struct conn *c, int r)
{
    int e = SSL_get_error(c->ssl, r);
    ERR_clear_error();
    if (e == SSL_ERROR_WANT_WRITE) {
        conn_want_write(c);
    }
    return e == SSL_ERROR_WANT_READ || e == SSL_ERROR_WANT_WRITE ? IO_LATER : IO_END;
}

long sock_read(struct conn *c, char *p, size_t n)
{
    if (c->ssl != NULL) {
        int r = SSL_read(c->ssl, p, (int)n);
        return r > 0 ? r : tls_result(c, r);
    }
    ssize_t r;
    do {
        r = recv(c->fd, p, n, 0);
    } while (r < 0 && errno == EINTR);
    if (r > 0) {
        return r;
    }
    return r < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) ? IO_LATER : IO_END;
}

long sock_write(struct conn *c, str s)
{
    if (c->ssl != NULL) {
        int r = SSL_write(c->ssl, s.p, s.n > (1U << 20) ? (1 << 20) : (int)s.n);
        return r > 0 ? r : tls_result(c, r);
    }
    ssize_t r;
    do {
        r = send(c->fd, s.p, s.n, MSG_NOSIGNAL);
    } while (r < 0 && errno == EINTR);
    if (r >= 0) {
        return r;
    }
    return errno == EAGAIN || errno == EWOULDBLOCK ? IO_LATER : IO_END;
}

bool sock_shake(struct conn *c, bool *ready)
{
    ERR_clear_error();
    int r = SSL_do_handshake(c->ssl);
    *ready = r == 1;
    return r == 1 || tls_result(c, r) == IO_LATER;
}

/* ---- accept ---- */

static void address_of(const struct sockaddr_storage *sa, struct address *out)
{
    static const unsigned char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    memset(out, 0, sizeof(*out));
    if (sa->ss_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, sa, sizeof(in));
        memcpy(out->ip, mapped, sizeof(mapped));
        memcpy(out->ip + 12, &in.sin_addr, 4);
    } else if (sa->ss_family == AF_INET6) {
        struct sockaddr_in6 in;
        memcpy(&in, sa, sizeof(in));
        memcpy(out->ip, &in.sin6_addr, 16);
    }
}

int sock_accept(struct http *h, struct address *from)
{
    struct sockaddr_storage sa = {0};
    socklen_t n = sizeof(sa);
    int fd = accept4(h->listen_fd, (struct sockaddr *)&sa, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
        return errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM ? -2 : -1;
    }
    address_of(&sa, from);
    if (sa.ss_family != AF_UNIX) {
        int one = 1;
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    }
    return fd;
}

/* ---- listening ---- */

/* LISTEN_FDS of the service manager: by name (LISTEN_FDNAMES = setting), else in the order public, private.
 * */
static int handed_over(const struct http *h)
{
    const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS"), *names = getenv("LISTEN_FDNAMES");
    int64_t want_pid, n;
    if (pid == NULL || fds == NULL || !str_to_i64(str_of(pid), &want_pid) || want_pid != getpid() ||
        !str_to_i64(str_of(fds), &n) || n < 1 || n > 64) {
        return -1;
    }
    str rest = str_of(names), name;
    for (int i = 0; i < (int)n && rest.n > 0 && str_cut(&rest, ':', &name); i++) {
        if (str_eq(name, str_of(h->o.listen_key))) {
            return 3 + i;
        }
    }
    static const char *const order[] = {"http.listen", "http.private_listen"};
    for (int i = 0; names == NULL && i < (int)COUNT_OF(order) && i < (int)n; i++) {
        if (strcmp(order[i], h->o.listen_key) == 0) {
            return 3 + i;
        }
    }
    return -1;
}

static enum rc bad_listen(struct fault *why, const struct http *h, str text)
{
    return fault_set(why, RC_INVALID, "http.listen", "%s: " STR_FMT ": %s", h->o.listen_key, STR_ARG(text),
                     strerrorname_np(errno));
}

static enum rc listen_unix(struct http *h, str text, struct fault *why)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    str path = str_sub(text, 5, text.n - 5);
    if (path.n == 0 || path.n >= sizeof(sa.sun_path)) {
        errno = ENAMETOOLONG;
        return bad_listen(why, h, text);
    }
    memcpy(sa.sun_path, path.p, path.n);
    h->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    (void)unlink(sa.sun_path);
    mode_t old = umask(0177);
    bool ok = h->listen_fd >= 0 && bind(h->listen_fd, (struct sockaddr *)&sa, sizeof(sa)) == 0 &&
              listen(h->listen_fd, BACKLOG) == 0;
    (void)umask(old);
    if (!ok) {
        return bad_listen(why, h, text);
    }
    h->unix_path = arena_str(h->mem, path);
    return RC_OK;
}

static enum rc listen_tcp(struct http *h, str text, struct fault *why)
{
    char host[128], port[16];
    size_t colon = text.n;
    while (colon > 0 && text.p[colon - 1] != ':') {
        colon--;
    }
    str name = colon > 0 ? str_sub(text, 0, colon - 1) : STR_NONE,
        number = str_sub(text, colon, text.n - colon);
    if (name.n > 2 && name.p[0] == '[' && name.p[name.n - 1] == ']') {
        name = str_sub(name, 1, name.n - 2);
    }
    struct addrinfo hint = {.ai_flags = AI_PASSIVE | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM}, *ai = NULL;
    errno = EINVAL;
    if (name.n == 0 || name.n >= sizeof(host) || number.n == 0 || number.n >= sizeof(port)) {
        return bad_listen(why, h, text);
    }
    (void)snprintf(host, sizeof(host), STR_FMT, STR_ARG(name));
    (void)snprintf(port, sizeof(port), STR_FMT, STR_ARG(number));
    if (getaddrinfo(host, port, &hint, &ai) != 0 || ai == NULL) {
        return bad_listen(why, h, text);
    }
    int one = 1;
    h->listen_fd = socket(ai->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    bool ok = h->listen_fd >= 0 &&
              setsockopt(h->listen_fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) == 0 &&
              bind(h->listen_fd, ai->ai_addr, ai->ai_addrlen) == 0 && listen(h->listen_fd, BACKLOG) == 0;
    freeaddrinfo(ai);
    return ok ? RC_OK : bad_listen(why, h, text);
}

static int port_of(int fd)
{
    struct sockaddr_storage sa = {0};
    socklen_t n = sizeof(sa);
    struct sockaddr_in in;
    if (getsockname(fd, (struct sockaddr *)&sa, &n) != 0 ||
        (sa.ss_family != AF_INET && sa.ss_family != AF_INET6)) {
        return 0;
    }
    memcpy(&in, &sa, sizeof(in)); /* the port stands at the same place in both families */
    return ntohs(in.sin_port);
}

enum rc sock_listen(struct http *h, str text, struct fault *why)
{
    h->listen_fd = handed_over(h);
    if (h->listen_fd >= 0) {
        (void)evutil_make_socket_nonblocking(h->listen_fd);
        (void)evutil_make_socket_closeonexec(h->listen_fd);
    } else {
        h->own_socket = true;
        enum rc rc = str_starts(text, STR("unix:")) ? listen_unix(h, text, why) : listen_tcp(h, text, why);
        if (rc != RC_OK) {
            return rc;
        }
    }
    h->port = port_of(h->listen_fd);
    return RC_OK;
}

/* ---- TLS ---- */

static enum rc bad_tls(struct fault *why, SSL_CTX *ctx, const char *what)
{
    char text[160];
    ERR_error_string_n(ERR_get_error(), text, sizeof(text));
    ERR_clear_error();
    SSL_CTX_free(ctx);
    return fault_set(why, RC_INVALID, "config.invalid", "%s: %s", what, text);
}

enum rc sock_tls(struct http *h, struct fault *why)
{
    const char *cert = arena_cstr(h->mem, config_text(h->o.config, "http.tls_cert"));
    const char *key = arena_cstr(h->mem, config_text(h->o.config, "http.tls_key"));
    if (h->is_private || cert == NULL || cert[0] == '\0') {
        return RC_OK;
    }
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    must(ctx != NULL);
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                              SSL_MODE_RELEASE_BUFFERS);
    (void)SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    (void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    if (SSL_CTX_set_cipher_list(ctx, "ECDHE+AESGCM:ECDHE+CHACHA20") != 1) {
        return bad_tls(why, ctx, "TLS ciphers");
    }
    if (SSL_CTX_use_certificate_chain_file(ctx, cert) != 1) {
        return bad_tls(why, ctx, "http.tls_cert");
    }
    if (key == NULL || SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(ctx) != 1) {
        return bad_tls(why, ctx, "http.tls_key");
    }
    h->tls = ctx;
    return RC_OK;
}
