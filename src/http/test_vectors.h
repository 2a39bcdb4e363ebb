/* Reading tests/vectors/http: lines with tabs, bytes written with \r \n \t \\ \xNN and \{N:text} (text N
 * times). */
#ifndef MZ_HTTP_TEST_VECTORS_H
#define MZ_HTTP_TEST_VECTORS_H
#include "unit.h"
#include "base/base.h"

#define VECTOR_BYTES 65536U

static size_t vector_escape(str s, size_t at, struct buf *out);

static inline void vector_bytes(str s, struct buf *out)
{
    for (size_t i = 0; i < s.n;) {
        if (s.p[i] == '\\') {
            i = vector_escape(s, i + 1, out);
        } else {
            buf_put_c(out, s.p[i++]);
        }
    }
}

/* at stands behind the backslash; returns where to go on. */
static size_t vector_escape(str s, size_t at, struct buf *out)
{
    unsigned char byte = 0;
    assert_true(at < s.n);
    if (s.p[at] == '{') {
        str rest = str_sub(s, at + 1, s.n), count;
        size_t end = at + 1;
        uint64_t n = 0;
        assert_true(str_cut(&rest, ':', &count) && str_to_u64(count, &n));
        while (s.p[end] != '}') {
            end++;
            assert_true(end < s.n);
        }
        size_t from = at + 1 + count.n + 1;
        for (uint64_t i = 0; i < n; i++) {
            vector_bytes(str_sub(s, from, end - from), out);
        }
        return end + 1;
    }
    if (s.p[at] == 'x') {
        assert_true(hex_parse(str_sub(s, at + 1, 2), &byte, 1));
        buf_put_c(out, (char)byte);
        return at + 3;
    }
    static const char from[] = "rnt\\", to[] = "\r\n\t\\";
    const char *hit = memchr(from, s.p[at], 4);
    assert_non_null(hit);
    buf_put_c(out, to[hit - from]);
    return at + 1;
}

/* Calls each(columns, n) for every line of the file that is no comment. Returns how many. */
typedef void (*vector_fn)(const str *columns, size_t n);
static inline size_t vectors_each(const char *path, vector_fn each)
{
    static char text[1U << 20];
    size_t lines = 0;
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    size_t n = fread(text, 1, sizeof(text), f);
    assert_true(n > 0 && n < sizeof(text));
    assert_int_equal(fclose(f), 0);
    str rest = {text, n}, line, columns[4];
    while (rest.n > 0 && str_cut(&rest, '\n', &line)) {
        size_t k = 0;
        if (line.n == 0 || line.p[0] == '#') {
            continue;
        }
        while (k < 4 && line.p != NULL && str_cut(&line, '\t', &columns[k])) {
            k++;
        }
        each(columns, k);
        lines++;
    }
    return lines;
}
#endif
