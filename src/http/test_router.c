/* The router alone: which row a path means, and which tables are refused. */
#include "unit.h"
#include "http/http_priv.h"

static enum rc nothing(struct request *rq, void *ctx, struct fault *why)
{
    (void)rq;
    (void)ctx;
    (void)why;
    return RC_OK;
}

#define ROW(m, p, n)                                                                                         \
    {                                                                                                        \
        .method = (m), .path = (p), .name = (n), .cls = HTTP_READ, .handle = nothing                         \
    }
static const struct route rows[] = {
    ROW("GET", "/", "root"),
    ROW("GET", "/v1/a", "a"),
    ROW("POST", "/v1/a", "postA"),
    ROW("GET", "/v1/{id}", "byId"),
    ROW("GET", "/v1/{id}/b", "b"),
    ROW("DELETE", "/v1/{id}/b/{k}", "deep"),
    {.method = "GET", .path = "/s", .name = "s", .cls = HTTP_READ, .slash = true, .handle = nothing},
    ROW("GET", "/only/", "onlySlash"),
    ROW("POST", "/w/{a}/check", "check"),
    ROW("PUT", "/w/{a}/{b}", "wide"),
    ROW("POST", "/w/{a}/test", "test"),
};

static struct router *opened(const struct route *r, size_t n, struct arena *mem, enum rc want)
{
    const struct route_table t = {r, n, NULL};
    struct router *out = NULL;
    struct fault why;
    assert_int_equal(router_open(&t, 1, mem, &out, &why), want);
    return out;
}

static void paths_find_their_rows(void **state)
{
    static const struct {
        const char *path;
        enum method m;
        const char *name; /* NULL: none; "405" */
    } cases[] = {
        {"/", M_GET, "root"},
        {"/v1/a", M_GET, "a"},
        {"/v1/a", M_HEAD, "a"},
        {"/v1/a", M_POST, "postA"},
        {"/v1/a", M_PUT, "405"},
        {"/v1/b", M_GET, "byId"},
        {"/v1/b", M_POST, "405"},
        {"/v1/x/b", M_GET, "b"},
        {"/v1/x/c", M_GET, NULL},
        {"/v1/x/b/y", M_DELETE, "deep"},
        {"/v1/x/b/y", M_GET, "405"},
        {"/v1", M_GET, NULL},
        {"/v1/", M_GET, NULL},
        {"/v1/a/", M_GET, NULL},
        {"/s", M_GET, "s"},
        {"/s/", M_GET, "s"},
        {"/only", M_GET, NULL},
        {"/only/", M_GET, "onlySlash"},
        {"/V1/a", M_GET, NULL},
        {"/v1/a", M_OTHER, "405"},
        {"/a/b/c/d/e/f/g/h/i/j/k/l/m", M_GET, NULL},
        {"/v1/x/b/y/z", M_GET, NULL},
        {"/w/x/check", M_POST, "check"}, /* the fixed segment wins, in any order of the rows */
        {"/w/x/test", M_POST, "test"},
        {"/w/x/y", M_PUT, "wide"},
        {"/w/x/check", M_PUT, "405"},
    };
    struct arena *mem = arena_open((size_t)(1U << 20));
    const struct router *r = opened(rows, COUNT_OF(rows), mem, RC_OK);
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct match m;
        router_match(r, str_of(cases[i].path), cases[i].m, &m);
        const char *got = m.row == NULL ? NULL : m.wrong_method ? "405" : m.row->route->name;
        bool ok =
            got == NULL ? cases[i].name == NULL : cases[i].name != NULL && strcmp(got, cases[i].name) == 0;
        if (!ok) {
            fail_msg("%s: got %s", cases[i].path, got == NULL ? "nothing" : got);
        }
    }
    arena_close(&mem);
}

static void segments_and_methods_are_told(void **state)
{
    struct arena *mem = arena_open((size_t)(1U << 20));
    const struct router *r = opened(rows, COUNT_OF(rows), mem, RC_OK);
    struct match m;
    (void)state;
    str path = STR("/v1/xyz/b/k1");
    router_match(r, path, M_DELETE, &m);
    assert_int_equal(m.n_parts, 4);
    assert_true(str_eq(str_sub(path, m.part[1].at, m.part[1].n), STR("xyz")));
    assert_true(str_eq(str_sub(path, m.part[3].at, m.part[3].n), STR("k1")));
    router_match(r, STR("/v1/a"), M_PUT, &m);
    assert_int_equal(m.allow, 1U << M_GET | 1U << M_HEAD | 1U << M_POST);
    arena_close(&mem);
}

static void contradictions_are_refused(void **state)
{
    static const struct route twice[] = {ROW("GET", "/a", "x"), ROW("GET", "/a", "y")};
    static const struct route method[] = {ROW("FETCH", "/a", "x")};
    static const struct route relative[] = {ROW("GET", "a", "x")};
    static const struct route no_handler[] = {{.method = "GET", .path = "/a", .name = "x", .cls = HTTP_READ}};
    static const struct route secret_inline[] = {{.method = "GET",
                                                  .path = "/a",
                                                  .name = "x",
                                                  .cls = HTTP_INLINE,
                                                  .need = PERM_EXPLAIN,
                                                  .handle = nothing}};
    struct arena *mem = arena_open((size_t)(1U << 20));
    (void)state;
    (void)opened(twice, 2, mem, RC_INVALID);
    (void)opened(method, 1, mem, RC_INVALID);
    (void)opened(relative, 1, mem, RC_INVALID);
    (void)opened(no_handler, 1, mem, RC_INVALID);
    (void)opened(secret_inline, 1, mem, RC_INVALID);
    arena_close(&mem);
}

static void the_rest_row_takes_what_is_left(void **state)
{
    static const struct route two[] = {ROW("GET", "/a", "a"), ROW("*", "/{rest*}", "rest")};
    struct arena *mem = arena_open((size_t)(1U << 20));
    const struct router *r = opened(two, 2, mem, RC_OK);
    struct match m;
    (void)state;
    router_match(r, STR("/a"), M_GET, &m);
    assert_string_equal(m.row->route->name, "a");
    router_match(r, STR("/a"), M_POST, &m);
    assert_string_equal(m.row->route->name, "rest");
    assert_false(m.wrong_method);
    router_match(r, STR("/x/y/z"), M_OTHER, &m);
    assert_string_equal(m.row->route->name, "rest");
    arena_close(&mem);
}

/* ---- addresses and buckets ---- */

static struct address addr(const char *text)
{
    struct address a;
    assert_true(address_parse(str_of(text), &a));
    return a;
}

static void addresses_are_canonical(void **state)
{
    char out[64];
    (void)state;
    struct address a = addr("::ffff:10.0.0.1"), b = addr("10.0.0.1"), c = addr("[2001:DB8:0:0::1]");
    assert_memory_equal(&a, &b, sizeof(a));
    assert_true(str_eq((str){out, address_text(&a, out)}, STR("10.0.0.1")));
    assert_true(str_eq((str){out, address_text(&c, out)}, STR("2001:db8::1")));
    assert_false(address_parse(STR("10.0.0"), &a));
    assert_false(address_parse(STR("10.0.0.1:80"), &a));
    assert_false(address_parse(STR("unknown"), &a));
}

static void buckets_limit_each_address(void **state)
{
    static const int64_t per_second[RATE_COUNT] = {5, 0, 1, 1000};
    struct arena *mem = arena_open((size_t)(16U << 20));
    struct peers *ps = peers_open(mem, per_second);
    struct address one = addr("192.0.2.1"), same64 = addr("2001:db8::1"), same64b = addr("2001:db8::ffff");
    struct peer *p = peer_get(ps, &one), *q = peer_get(ps, &same64), *q2 = peer_get(ps, &same64b);
    struct rate r;
    int taken = 0;
    (void)state;
    assert_ptr_equal(q, q2);
    assert_ptr_not_equal(p, q);
    for (int i = 0; i < 100; i++) {
        taken += peer_take(ps, p, RATE_READ, &r);
    }
    assert_in_range(taken, 10, 11); /* two seconds' worth, and one more if this took long */
    assert_int_equal(r.remaining, 0);
    assert_true(r.retry_s >= 1);
    assert_true(peer_take(ps, p, RATE_WRITE, &r) && r.limit == 0);
    assert_true(peer_take(ps, q, RATE_READ, &r));
    assert_true(peer_connect(p, 2) && peer_connect(p, 2) && !peer_connect(p, 2));
    peer_disconnect(p);
    assert_true(peer_connect(p, 2));
    peer_put(ps, p);
    peer_put(ps, q);
    peer_put(ps, q2);
    peers_close(ps);
    arena_close(&mem);
}

/* More addresses than there is room for: never a failure, and the last ones share one bucket. */
static void a_flood_of_addresses_is_limited_as_one(void **state)
{
    static const int64_t per_second[RATE_COUNT] = {1, 1, 1, 1};
    struct arena *mem = arena_open((size_t)(16U << 20));
    struct peers *ps = peers_open(mem, per_second);
    struct rate r;
    unsigned refused = 0;
    (void)state;
    for (unsigned i = 0; i < 60000; i++) {
        struct address a = addr("203.0.113.0");
        a.ip[13] = (unsigned char)(i >> 16);
        a.ip[14] = (unsigned char)(i >> 8);
        a.ip[15] = (unsigned char)i;
        struct peer *p = peer_get(ps, &a);
        refused += !peer_take(ps, p, RATE_READ, &r);
        peer_put(ps, p);
    }
    assert_true(refused > 10000);
    peers_close(ps);
    arena_close(&mem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_find_their_rows),
        cmocka_unit_test(segments_and_methods_are_told),
        cmocka_unit_test(contradictions_are_refused),
        cmocka_unit_test(the_rest_row_takes_what_is_left),
        cmocka_unit_test(addresses_are_canonical),
        cmocka_unit_test(buckets_limit_each_address),
        cmocka_unit_test(a_flood_of_addresses_is_limited_as_one),
    };
    return cmocka_run_group_tests_name("http router", tests, NULL, NULL);
}
