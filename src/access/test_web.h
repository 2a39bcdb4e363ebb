/* A listener with access's and audit's routes, and a client that sends one request per connection. */
#ifndef MZ_ACCESS_TEST_WEB_H
#define MZ_ACCESS_TEST_WEB_H
#include "test_kit.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

struct web {
    struct kit k;
    struct http *http;
    struct route_table tables[2];
    struct problem_table problems[2];
};

static inline void web_open(struct web *w, bool postgres)
{
    struct fault why;
    kit_open(&w->k, postgres);
    w->tables[0] = (struct route_table){access_routes, access_routes_n, w->k.access};
    w->tables[1] = (struct route_table){audit_routes, audit_routes_n, w->k.audit};
    w->problems[0] = (struct problem_table){access_problems, access_problems_n};
    w->problems[1] = (struct problem_table){audit_problems, audit_problems_n};
    struct http_options o = {.config = w->k.config,
                             .listen_key = "http.listen",
                             .tables = w->tables,
                             .n_tables = 2,
                             .problems = w->problems,
                             .n_problems = 2,
                             .hooks = {.who = access_who, .once_find = access_once_find, .arg = w->k.access}};
    assert_rc(http_open(&o, &w->http, &why), RC_OK, &why);
}

static inline void web_close(struct web *w)
{
    http_close(&w->http);
    kit_close(&w->k);
}

struct ask {
    const char *method, *path;
    str cookie, key;  /* credentials; empty: none */
    const char *once; /* Idempotency-Key; NULL: a fresh one for POST, "-": none */
    const char *body; /* JSON; NULL: none */
    bool form;        /* the body is a form instead */
    const char *site; /* Sec-Fetch-Site; NULL: none is sent */
};
struct told {
    int status;
    str head, body, cookie; /* cookie: the session's value when one was set */
};

static inline str web_text(struct web *w, const struct ask *a)
{
    static _Atomic int fresh;
    struct buf b;
    buf_init(&b, w->k.mem, 16384);
    buf_fmt(&b, "%s %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\nOrigin: http://127.0.0.1:1\r\n", a->method,
            a->path);
    if (a->cookie.n > 0)
        buf_fmt(&b, "Cookie: __Host-mz_session=" STR_FMT "\r\n", STR_ARG(a->cookie));
    if (a->key.n > 0)
        buf_fmt(&b, "Authorization: Bearer " STR_FMT "\r\n", STR_ARG(a->key));
    if (a->once != NULL && strcmp(a->once, "-") != 0)
        buf_fmt(&b, "Idempotency-Key: %s\r\n", a->once);
    if (a->once == NULL && strcmp(a->method, "POST") == 0)
        buf_fmt(&b, "Idempotency-Key: fresh-%d\r\n", ++fresh);
    if (a->site != NULL)
        buf_fmt(&b, "Sec-Fetch-Site: %s\r\n", a->site);
    if (a->body != NULL)
        buf_fmt(&b, "Content-Type: application/%s\r\nContent-Length: %zu\r\n",
                a->form ? "x-www-form-urlencoded" : "json", strlen(a->body));
    buf_fmt(&b, "\r\n%s", a->body == NULL ? "" : a->body);
    assert_true(buf_ok(&b));
    return buf_str(&b);
}

static inline struct told web_ask(struct web *w, struct ask a)
{
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons((uint16_t)http_port(w->http))};
    struct timeval wait = {20, 0};
    struct told t = {0};
    struct buf b;
    char chunk[4096];
    sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0 && connect(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)), 0);
    str text = web_text(w, &a);
    assert_int_equal(send(fd, text.p, text.n, MSG_NOSIGNAL), (ssize_t)text.n);
    buf_init(&b, w->k.mem, 262144);
    for (ssize_t n; (n = recv(fd, chunk, sizeof(chunk), 0)) > 0;)
        buf_put(&b, (str){chunk, (size_t)n});
    (void)close(fd);
    assert_true(buf_ok(&b) && b.n > 12);
    size_t at, end;
    str all = buf_str(&b);
    assert_true(str_find(all, STR("\r\n\r\n"), &at));
    t.head = str_sub(all, 0, at + 2);
    t.body = str_sub(all, at + 4, all.n);
    t.status = (all.p[9] - '0') * 100 + (all.p[10] - '0') * 10 + all.p[11] - '0';
    static const char set[] = "__Host-mz_session=";
    if (str_find(t.head, STR(set), &at)) {
        str rest = str_sub(t.head, at + sizeof(set) - 1, t.head.n);
        assert_true(str_find(rest, STR(";"), &end));
        t.cookie = str_sub(rest, 0, end);
    }
    return t;
}

static inline bool told_has(struct told t, const char *what)
{
    size_t at;
    return str_find(t.body, str_of(what), &at);
}

/* Value of a member of the answer's outermost object. */
static inline str told_str(struct web *w, struct told t, const char *name)
{
    const struct json *j;
    struct fault why;
    str out;
    assert_rc(json_parse(t.body, NULL, w->k.mem, &j, &why), RC_OK, &why);
    assert_true(json_str(j, name, &out));
    return out;
}

static inline str web_key(const struct access_boot *b)
{
    return (str){(const char *)b->key.p, b->key.n};
}

/* The button of a link's page. */
static inline struct told web_press(struct web *w, str token)
{
    str body = arena_fmt(w->k.mem, "token=" STR_FMT, STR_ARG(token));
    return web_ask(
        w, (struct ask){
               .method = "POST", .path = "/console/enter", .form = true, .body = arena_cstr(w->k.mem, body)});
}

/* A session of the workspace's owner by the link that bootstrap gave. */
static inline str web_enter(struct web *w, const struct access_boot *b)
{
    struct told t = web_press(w, (str){(const char *)b->enter_token.p, b->enter_token.n});
    assert_int_equal(t.status, 303);
    assert_int_equal(t.cookie.n, 43);
    return t.cookie;
}
#endif
