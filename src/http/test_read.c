/* The reader alone: every malformed request of the table is refused with the right status, every good one
 * accepted, and both whatever way the bytes are cut into pieces. */
#include "test_vectors.h"
#include "http/read_priv.h"

#define CAP 65536U

struct verdict {
    enum read_state state;
    int status;
    size_t eaten;
    size_t body_n;
    char body[4096];
};

/* The reader as a connection uses it. */
struct reading {
    struct head head;
    struct chunks chunks;
    struct buf body;
    bool in_body;
    size_t raw; /* of the chunked body eaten */
    struct verdict v;
};

static void reading_begin(struct reading *r)
{
    buf_release(&r->body);
    memset(r, 0, sizeof(*r));
    head_reset(&r->head);
    chunks_reset(&r->chunks);
    buf_init(&r->body, NULL, CAP);
}

static enum read_state bad(struct reading *r, int status)
{
    r->v.status = status;
    return READ_BAD;
}

static enum read_state body_step(struct reading *r, const char *p, size_t n)
{
    size_t used = 0, at = r->head.bytes + r->raw;
    if (!r->head.chunked) {
        if (r->head.length > CAP) {
            return bad(r, 413);
        }
        if (n - r->head.bytes < r->head.length) {
            return READ_MORE;
        }
        buf_put(&r->body, (str){p + r->head.bytes, (size_t)r->head.length});
        r->v.eaten = r->head.bytes + (size_t)r->head.length;
        return READ_DONE;
    }
    enum read_state s = chunks_read(&r->chunks, (str){p + at, n - at}, CAP, &r->body, &used);
    r->raw += used;
    r->v.eaten = r->head.bytes + r->raw;
    return s == READ_BAD ? bad(r, r->chunks.status) : s;
}

static enum read_state step(struct reading *r, const char *p, size_t n)
{
    static char path[TARGET_BYTES];
    size_t path_n;
    if (!r->in_body) {
        enum read_state s = head_read(&r->head, p, n);
        if (s != READ_DONE) {
            return s == READ_BAD ? bad(r, r->head.status) : s;
        }
        if (!path_decode(head_str(p, r->head.path), path, &path_n)) {
            return bad(r, 400);
        }
        r->in_body = true;
    }
    return body_step(r, p, n);
}

static struct verdict read_cut(str bytes, const size_t *cuts, size_t n_cuts)
{
    static struct reading r;
    enum read_state s = READ_MORE;
    reading_begin(&r);
    for (size_t i = 0; i <= n_cuts && s == READ_MORE; i++) {
        s = step(&r, bytes.p, cuts != NULL && i < n_cuts ? cuts[i] : bytes.n);
    }
    r.v.state = s;
    r.v.body_n = r.body.n;
    assert_true(r.body.n < sizeof(r.v.body) || s == READ_BAD);
    if (s == READ_DONE && r.body.n > 0) {
        memcpy(r.v.body, r.body.p, r.body.n);
    }
    return r.v;
}

static void same(const struct verdict *a, const struct verdict *b, str name, size_t cut)
{
    bool ok = a->state == b->state && a->status == b->status;
    if (a->state == READ_DONE) {
        ok = ok && a->eaten == b->eaten && a->body_n == b->body_n && memcmp(a->body, b->body, a->body_n) == 0;
    }
    if (!ok) {
        fail_msg(STR_FMT ": cut at %zu changes the verdict (%d %d, %d %d)", STR_ARG(name), cut, a->state,
                 a->status, b->state, b->status);
    }
}

/* One cut at every place, every byte alone, and cuts at random places. */
static struct verdict read_all_ways(str bytes, str name)
{
    static size_t every[VECTOR_BYTES];
    struct verdict whole = read_cut(bytes, NULL, 0);
    size_t step_by = bytes.n > 2000 ? 97 : 1;
    for (size_t cut = 1; cut < bytes.n; cut += step_by) {
        struct verdict v = read_cut(bytes, &cut, 1);
        same(&whole, &v, name, cut);
    }
    for (size_t i = 0; i < bytes.n; i++) {
        every[i] = i + 1;
    }
    struct verdict v = read_cut(bytes, every, bytes.n);
    same(&whole, &v, name, 0);
    for (int round = 0; round < 20; round++) {
        unsigned char dice[8];
        size_t n = 0, at = 0;
        random_bytes(dice, sizeof(dice));
        for (size_t i = 0; i < sizeof(dice); i++) {
            at += 1 + dice[i] % (bytes.n / 4 + 1);
            if (at < bytes.n) {
                every[n++] = at;
            }
        }
        v = read_cut(bytes, every, n);
        same(&whole, &v, name, at);
    }
    return whole;
}

static void one_malformed(const str *c, size_t n)
{
    struct buf b;
    int64_t status;
    buf_init(&b, NULL, VECTOR_BYTES);
    assert_int_equal(n, 3);
    assert_true(str_to_i64(c[0], &status));
    vector_bytes(c[2], &b);
    struct verdict v = read_all_ways(buf_str(&b), c[1]);
    if (v.state != READ_BAD || v.status != status) {
        fail_msg(STR_FMT ": wanted %d, got state %d status %d", STR_ARG(c[1]), (int)status, v.state,
                 v.status);
    }
    buf_release(&b);
}

static void malformed_requests_are_refused(void **state)
{
    (void)state;
    assert_true(vectors_each("tests/vectors/http/malformed.txt", one_malformed) >= 300);
}

static void one_wellformed(const str *c, size_t n)
{
    struct buf b, body;
    buf_init(&b, NULL, VECTOR_BYTES);
    buf_init(&body, NULL, VECTOR_BYTES);
    assert_int_equal(n, 3);
    vector_bytes(c[1], &b);
    vector_bytes(c[2], &body);
    struct verdict v = read_all_ways(buf_str(&b), c[0]);
    if (v.state != READ_DONE || v.eaten != b.n) {
        fail_msg(STR_FMT ": not accepted: state %d status %d eaten %zu", STR_ARG(c[0]), v.state, v.status,
                 v.eaten);
    }
    assert_int_equal(v.body_n, body.n);
    assert_memory_equal(v.body, body.n > 0 ? body.p : "", body.n);
    buf_release(&b);
    buf_release(&body);
}

static void wellformed_requests_are_accepted(void **state)
{
    (void)state;
    assert_true(vectors_each("tests/vectors/http/wellformed.txt", one_wellformed) >= 20);
}

/* A good request cut off anywhere is never accepted and never refused. */
static void one_truncated(const str *c, size_t n)
{
    struct buf b;
    (void)n;
    buf_init(&b, NULL, VECTOR_BYTES);
    vector_bytes(c[1], &b);
    for (size_t k = 0; k < b.n; k++) {
        struct verdict v = read_cut((str){b.p, k}, NULL, 0);
        assert_int_equal(v.state, READ_MORE);
    }
    buf_release(&b);
}

static void half_a_request_is_waited_for(void **state)
{
    (void)state;
    (void)vectors_each("tests/vectors/http/wellformed.txt", one_truncated);
}

static void fields_are_found(void **state)
{
    static const char text[] =
        "POST /a%20b?c=d HTTP/1.1\r\nhOST: x\r\nCOOKIE: k=v\r\nX-Request-Id: 12345678\r\n"
        "Connection: foo, Close\r\nX:  y \r\n\r\n";
    struct head h;
    (void)state;
    head_reset(&h);
    assert_int_equal(head_read(&h, text, sizeof(text) - 1), READ_DONE);
    assert_int_equal(h.method, M_POST);
    assert_true(h.close);
    assert_true(str_eq(head_known(&h, text, K_HOST), STR("x")));
    assert_true(str_eq(head_known(&h, text, K_COOKIE), STR("k=v")));
    assert_true(str_eq(head_known(&h, text, K_REQUEST_ID), STR("12345678")));
    assert_null(head_known(&h, text, K_ORIGIN).p);
    assert_true(str_eq(head_str(text, h.path), STR("/a%20b")));
    assert_true(str_eq(head_str(text, h.query), STR("c=d")));
    assert_true(str_eq(head_str(text, h.fields[4].value), STR("y")));
    assert_int_equal(h.n_fields, 5);
    assert_int_equal(h.bytes, sizeof(text) - 1);
}

static void paths_are_decoded_once(void **state)
{
    char out[64];
    size_t n;
    (void)state;
    assert_true(path_decode(STR("/a%2520b"), out, &n));
    assert_true(str_eq((str){out, n}, STR("/a%20b")));
    assert_true(path_decode(STR("/%E0%B8%81"), out, &n));
    assert_int_equal(n, 4);
    assert_false(path_decode(STR("a"), out, &n));
    assert_false(path_decode(STR_NONE, out, &n));
}

/* The caps hold exactly at their edges. */
static void caps_hold_at_the_edge(void **state)
{
    struct head h;
    struct buf b;
    (void)state;
    for (int extra = 0; extra <= 1; extra++) {
        buf_init(&b, NULL, VECTOR_BYTES);
        buf_put(&b, STR("GET / HTTP/1.1\r\nHost: a\r\nX: "));
        size_t fill = HEAD_BYTES - b.n - 4 + (size_t)extra;
        for (size_t i = 0; i < fill; i++) {
            buf_put_c(&b, 'x');
        }
        buf_put(&b, STR("\r\n\r\n"));
        head_reset(&h);
        assert_int_equal(head_read(&h, b.p, b.n), extra == 0 ? READ_DONE : READ_BAD);
        assert_int_equal(h.status, extra == 0 ? 0 : 431);
        buf_release(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(malformed_requests_are_refused), cmocka_unit_test(wellformed_requests_are_accepted),
        cmocka_unit_test(half_a_request_is_waited_for),   cmocka_unit_test(fields_are_found),
        cmocka_unit_test(paths_are_decoded_once),         cmocka_unit_test(caps_hold_at_the_edge),
    };
    return cmocka_run_group_tests_name("http read", tests, NULL, NULL);
}
