/* JSON: what is read exactly, what is refused and why, what the writer makes of hostile strings, and both
 * against each other over generated trees. A failure is forced at each allocation of the reader. */
#include "unit.h"
#include <signal.h>
#include <sys/wait.h>
#include "json/json.h"

static struct arena *mem;

static int open_mem(void **state)
{
    (void)state;
    mem = arena_open((size_t)64 << 20);
    return 0;
}

static int close_mem(void **state)
{
    (void)state;
    arena_close(&mem);
    return 0;
}

static const struct json *parsed(str text)
{
    const struct json *root = NULL;
    struct fault why = {.detail = ""};
    enum rc rc = json_parse(text, NULL, mem, &root, &why);
    if (rc != RC_OK)
        print_error("refused %.80s: %s %s\n", text.p, why.code, why.detail);
    assert_int_equal(rc, RC_OK);
    return root;
}

static void refused(str text, enum rc want, const char *code)
{
    const struct json *root = NULL;
    struct fault why = {.code = ""};
    enum rc rc = json_parse(text, NULL, mem, &root, &why);
    if (rc != want)
        print_error("rc %s for: %.80s\n", rc_name(rc), text.p);
    assert_int_equal(rc, want);
    assert_string_equal(why.code, code);
    assert_null(root);
}

static void reads_every_type(void **state)
{
    (void)state;
    const struct json *o =
        parsed(STR(" {\"a\":1,\"b\":true,\"c\":null,\"d\":\"x\\n\\u0e2a\",\"e\":[1,2,{}],\"f\":-1.5e3} "));
    int64_t i;
    bool b;
    str s;
    assert_int_equal(o->type, JSON_OBJ);
    assert_int_equal(o->count, 6);
    assert_true(json_i64(o, "a", &i) && i == 1);
    assert_true(json_bool(o, "b", &b) && b);
    assert_int_equal(json_get(o, "c")->type, JSON_NULL);
    assert_true(json_str(o, "d", &s));
    assert_true(str_eq(s, STR("x\nส")));
    assert_int_equal(json_get(o, "e")->count, 3);
    assert_int_equal(json_get(o, "e")->child->next->i, 2);
    assert_true(json_get(o, "f")->d <= -1500 && json_get(o, "f")->d >= -1500);
    /* a missing parent gives a missing child; another type is absent */
    assert_null(json_get(json_get(o, "zz"), "y"));
    assert_null(json_get(json_get(o, "e"), "y"));
    assert_false(json_i64(o, "d", &i));
    assert_false(json_str(o, "a", &s));
    assert_false(json_bool(o, "a", &b));
    assert_false(json_str(NULL, "a", &s));
}

static void integers_are_exact(void **state)
{
    (void)state;
    const struct json *o = parsed(STR("{\"id\":7600000000000000001,\"max\":9223372036854775807,"
                                      "\"min\":-9223372036854775808,\"odd\":9007199254740993,\"z\":-0}"));
    int64_t i;
    str s;
    assert_true(json_i64(o, "id", &i) && i == 7600000000000000001);
    assert_true(json_id(o, "id", mem, &s));
    assert_true(str_eq(s, STR("7600000000000000001")));
    assert_true(json_i64(o, "max", &i) && i == INT64_MAX);
    assert_true(json_i64(o, "min", &i) && i == INT64_MIN);
    assert_true(json_i64(o, "odd", &i) && i == 9007199254740993); /* not a double: 2^53 + 1 */
    assert_true(json_i64(o, "z", &i) && i == 0);
    assert_true(json_id(parsed(STR("{\"id\":\"0042\"}")), "id", mem, &s));
    assert_true(str_eq(s, STR("0042")));
    assert_false(json_id(parsed(STR("{\"id\":1.0}")), "id", mem, &s));
    assert_false(json_id(parsed(STR("{}")), "id", mem, &s));
    refused(STR("9223372036854775808"), RC_INVALID, "json.malformed");
    refused(STR("[18446744073709551615]"), RC_INVALID, "json.malformed");
    refused(STR("[18446744073709551616]"), RC_INVALID, "json.malformed");
    refused(STR("[-9223372036854775809]"), RC_INVALID, "json.malformed");
    refused(STR("[1e999]"), RC_INVALID, "json.malformed");
}

static void malformed_texts(void **state)
{
    (void)state;
    static const str bad[] = {
        {"", 0},
        {" ", 1},
        {"{", 1},
        {"}", 1},
        {"[1,]", 4},
        {"[,1]", 4},
        {"{\"a\"}", 5},
        {"{\"a\":}", 6},
        {"{\"a\":1,}", 8},
        {"{a:1}", 5},
        {"{'a':1}", 7},
        {"[1] x", 5},
        {"{} {}", 5},
        {"1 2", 3},
        {"01", 2},
        {"+1", 2},
        {".5", 2},
        {"1.", 2},
        {"1e", 2},
        {"-", 1},
        {"NaN", 3},
        {"Infinity", 8},
        {"tru", 3},
        {"nul", 3},
        {"TRUE", 4},
        {"\"a", 2},
        {"\"\\x\"", 4},
        {"\"\\u12\"", 6},
        {"\"\\u12g4\"", 8},
        {"\"a\nb\"", 5},
        {"\"a\tb\"", 5},
        {"\"a\0b\"", 5},
        {"[1]\0", 4},
        {"// x\n1", 6},
        {"/*x*/1", 6},
        {"\xEF\xBB\xBF{}", 5}, /* byte order mark */
        {"\"\x80\"", 3},
        {"\"\xC0\x80\"", 4},
        {"\"\xED\xA0\x80\"", 5}, /* a surrogate in UTF-8 */
        {"\"\xE0\xB8\"", 4},
        {"\"\\ud800\"", 8}, /* lone high surrogate */
        {"\"\\udc00\"", 8}, /* lone low surrogate */
        {"\"\\ud800\\ud800\"", 14},
        {"\"\\ud800x\"", 9},
        {"{\"\\ud800\":1}", 12},
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        refused(bad[i], RC_INVALID, "json.malformed");
}

static void duplicate_keys(void **state)
{
    (void)state;
    refused(STR("{\"a\":1,\"a\":1}"), RC_INVALID, "json.duplicate_key");
    refused(STR("{\"a\":1,\"\\u0061\":1}"), RC_INVALID,
            "json.duplicate_key"); /* the same key once unescaped */
    refused(STR("[{\"x\":{\"\":1,\"\":2}}]"), RC_INVALID, "json.duplicate_key");
    refused(STR("{\"สวัสดี\":1,\"\\u0e2a\\u0e27\\u0e31\\u0e2a\\u0e14\\u0e35\":2}"), RC_INVALID,
            "json.duplicate_key");
    (void)parsed(STR("{\"a\":{\"a\":1},\"A\":[{\"a\":1},{\"a\":2}],\"a\\u0000\":1}"));
    /* above the size where keys are sorted: both ends, and none */
    for (int dup = 0; dup < 2; dup++) {
        struct buf b;
        buf_init(&b, NULL, 1 << 20);
        buf_put_c(&b, '{');
        for (int i = 0; i < 1000; i++)
            buf_fmt(&b, "\"k%d\":%d,", i * 7919 % 1000, i);
        buf_fmt(&b, "\"%s\":0}", dup ? "k500" : "k1000");
        if (dup)
            refused(buf_str(&b), RC_INVALID, "json.duplicate_key");
        else
            assert_int_equal(parsed(buf_str(&b))->count, 1001);
        buf_release(&b);
    }
}

static str nested(unsigned depth, const char *open, const char *close)
{
    struct buf b;
    buf_init(&b, mem, 1 << 20);
    for (unsigned i = 0; i < depth; i++)
        buf_put(&b, str_of(open));
    buf_put_c(&b, '1');
    for (unsigned i = 0; i < depth; i++)
        buf_put(&b, str_of(close));
    return buf_str(&b);
}

static void depth_is_bounded(void **state)
{
    (void)state;
    (void)parsed(nested(32, "[", "]"));
    (void)parsed(nested(32, "{\"a\":", "}"));
    refused(nested(33, "[", "]"), RC_INVALID, "json.too_deep");
    refused(nested(33, "{\"a\":", "}"), RC_INVALID, "json.too_deep");
    refused(nested(100000, "[", "]"), RC_INVALID, "json.too_deep");
    const struct json_limits four = {.depth = 4};
    const struct json *out = NULL;
    assert_int_equal(json_parse(nested(4, "[", "]"), &four, mem, &out, NULL), RC_OK);
    assert_int_equal(json_parse(nested(5, "[", "]"), &four, mem, &out, NULL), RC_INVALID);
}

static void sizes_are_bounded(void **state)
{
    (void)state;
    const struct json_limits small = {.text_bytes = 10, .nodes = 3};
    const struct json *out = NULL;
    struct fault why;
    assert_int_equal(json_parse(STR("[1,2]"), &small, mem, &out, NULL), RC_OK);
    out = NULL;
    assert_int_equal(json_parse(STR("[1,2,3]"), &small, mem, &out, &why), RC_FULL);
    assert_string_equal(why.code, "json.full");
    assert_int_equal(json_parse(STR("[1,      2]"), &small, mem, &out, &why), RC_FULL);
    assert_null(out);
    char *big = mem_new(((size_t)8 << 20) + 1);
    memset(big, ' ', ((size_t)8 << 20) + 1);
    big[0] = '1';
    assert_int_equal(json_parse((str){big, (size_t)8 << 20}, NULL, mem, &out, &why), RC_OK);
    assert_int_equal(json_parse((str){big, ((size_t)8 << 20) + 1}, NULL, mem, &out, &why), RC_FULL);
    mem_free(big);
}

static void each_failed_allocation_is_full(void **state)
{
    (void)state;
    unsigned n = 1;
    for (;; n++) {
        const struct json *out = NULL;
        struct fault why;
        arena_reset(mem);
        arena_fail_at(mem, n);
        enum rc rc = json_parse(STR("{\"a\":[1,\"x\"],\"b\":null}"), NULL, mem, &out, &why);
        arena_fail_at(mem, 0);
        if (rc == RC_OK)
            break;
        assert_int_equal(rc, RC_FULL);
        assert_string_equal(why.code, "json.full");
        assert_null(out);
    }
    assert_int_equal(n, 7); /* the strings and five values */
}

/* The text needs no padding behind it: a page that ends with it shows a read beyond. */
static void reads_nothing_behind_the_text(void **state)
{
    (void)state;
    for (size_t n = 2; n < 200; n++) {
        char *exact = mem_new(n);
        memset(exact, 'a', n);
        exact[0] = exact[n - 1] = '"';
        const struct json *s = parsed((str){exact, n});
        assert_int_equal(s->s.n, n - 2);
        mem_free(exact);
    }
}

static void written(str want, const struct buf *b)
{
    if (!str_eq(buf_str(b), want))
        print_error("got  %.*s\nwant %.*s\n", STR_ARG(buf_str(b)), STR_ARG(want));
    assert_true(str_eq(buf_str(b), want));
}

static void writes_in_order(void **state)
{
    (void)state;
    struct buf b;
    struct jw w;
    buf_init(&b, mem, 4096);
    jw_init(&w, &b);
    jw_obj(&w, NULL);
    jw_i64(&w, "i", INT64_MIN);
    jw_cstr(&w, "s", "ส\"\\/");
    jw_str(&w, "none", STR_NONE);
    jw_cstr(&w, "empty", "");
    jw_arr(&w, "a");
    jw_bool(&w, NULL, true);
    jw_null(&w, NULL);
    jw_obj(&w, NULL);
    jw_end(&w);
    jw_end(&w);
    jw_time(&w, "t", 1763833904123);
    jw_time(&w, "t0", 0);
    jw_raw(&w, "raw", STR("[1]"));
    jw_tree(&w, "tree", parsed(STR("{\"x\":[1,{\"y\\u0000\":\"z\"},2.5,1e300,0.1,3.0],\"n\":null}")));
    jw_tree(&w, "no_tree", NULL);
    jw_bool(&w, "last", false);
    jw_end(&w);
    written(STR("{\"i\":-9223372036854775808,\"s\":\"ส\\\"\\\\/"
                "\",\"none\":null,\"empty\":\"\",\"a\":[true,null,{}],"
                "\"t\":\"2025-11-22T17:51:44.123Z\",\"t0\":null,\"raw\":[1],"
                "\"tree\":{\"x\":[1,{\"y\\u0000\":\"z\"},2.5,1e+300,0.1,3.0],\"n\":null},\"no_tree\":null,"
                "\"last\":false}"),
            &b);
    (void)parsed(buf_str(&b));
}

static void quotes_what_does_harm(void **state)
{
    (void)state;
    static const str v[][2] = {
        {{"a\n\r\t\b\f", 6}, {"\"a\\n\\r\\t\\b\\f\"", 13}},
        {{"\0\x1F\x7F", 3}, {"\"\\u0000\\u001f\\u007f\"", 20}},
        {{"\xC2\x80\xC2\x9F\xC2\xA0", 6}, {"\"\\u0080\\u009f\xC2\xA0\"", 16}},
        {{"\xE2\x80\xA8\xE2\x80\xA9", 6}, {"\"\\u2028\\u2029\"", 14}},
        {{"\xE2\x80\xAE\xE2\x81\xA6\xD8\x9C", 8}, {"\"\\u202e\\u2066\\u061c\"", 20}},
        {{"\xEF\xBB\xBF", 3}, {"\"\\ufeff\"", 8}},
        {{"a\x80z\xE0\xB8", 5}, {"\"a\xEF\xBF\xBDz\xEF\xBF\xBD\xEF\xBF\xBD\"", 13}},
        {{"\xED\xA0\x80", 3}, {"\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"", 11}},
        {{"\xF0\x9F\x98\x80", 4}, {"\"\xF0\x9F\x98\x80\"", 6}},
    };
    for (size_t i = 0; i < COUNT_OF(v); i++) {
        struct buf b;
        buf_init(&b, mem, 200);
        json_put_quoted(&b, v[i][0]);
        written(v[i][1], &b);
        (void)parsed(buf_str(&b));
    }
}

static void any_bytes_become_valid_json(void **state)
{
    (void)state;
    for (int round = 0; round < 20000; round++) {
        unsigned char bytes[24];
        random_bytes(bytes, sizeof(bytes));
        arena_reset(mem);
        struct buf b;
        buf_init(&b, mem, 1000);
        json_put_quoted(&b, (str){(const char *)bytes, bytes[0] % sizeof(bytes)});
        const struct json *s = parsed(buf_str(&b));
        assert_int_equal(s->type, JSON_STR);
        if (utf8_valid((str){(const char *)bytes, bytes[0] % sizeof(bytes)}))
            assert_true(str_eq(s->s, (str){(const char *)bytes, bytes[0] % sizeof(bytes)}));
    }
}

/* A tree from random bytes, written, read, written again: both texts are equal. */
static void grow(struct jw *w, const unsigned char *seed, size_t *at, unsigned depth, const char *key)
{
    unsigned char c = seed[(*at)++ % 64];
    char name[8];
    if (depth < 6 && c % 4 < 2) {
        if (c % 4 == 0)
            jw_obj(w, key);
        else
            jw_arr(w, key);
        for (unsigned i = 0; i < c / 32U; i++) {
            (void)snprintf(name, sizeof(name), "k%u", i);
            grow(w, seed, at, depth + 1, c % 4 == 0 ? name : NULL);
        }
        jw_end(w);
    } else if (c % 4 == 2) {
        jw_i64(w, key, (int64_t)c << (c % 56) | c);
    } else {
        jw_str(w, key, (str){(const char *)seed + c % 32, c % 16});
    }
}

static void trees_come_back(void **state)
{
    (void)state;
    for (int round = 0; round < 2000; round++) {
        unsigned char seed[64];
        size_t at = 0;
        struct buf one, two;
        struct jw w;
        arena_reset(mem);
        random_bytes(seed, sizeof(seed));
        buf_init(&one, mem, 1 << 20);
        jw_init(&w, &one);
        grow(&w, seed, &at, 0, NULL);
        buf_init(&two, mem, 1 << 20);
        jw_init(&w, &two);
        jw_tree(&w, NULL, parsed(buf_str(&one)));
        written(buf_str(&one), &two);
    }
}

/* Nesting that comes from outside never ends the process; nesting of our own does. */
static void deep_foreign_tree_only_fails_the_buffer(void **state)
{
    (void)state;
    const struct json_limits deep = {.depth = 60};
    const struct json *tree = NULL;
    struct buf b;
    struct jw w;
    assert_int_equal(json_parse(nested(60, "{\"a\":", "}"), &deep, mem, &tree, NULL), RC_OK);
    buf_init(&b, mem, 1 << 16);
    jw_init(&w, &b);
    jw_tree(&w, NULL, tree);
    assert_true(buf_ok(&b));
    buf_clear(&b);
    jw_init(&w, &b);
    for (int i = 0; i < 10; i++)
        jw_arr(&w, NULL);
    jw_tree(&w, NULL, tree);
    for (int i = 0; i < 10; i++)
        jw_end(&w);
    assert_false(buf_ok(&b));
}

static void dies(void (*act)(struct jw *w))
{
    struct buf b;
    struct jw w;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)close(STDERR_FILENO);
        (void)signal(SIGABRT, SIG_DFL);
        buf_init(&b, NULL, 4096);
        jw_init(&w, &b);
        act(&w);
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

static void key_at_the_root(struct jw *w)
{
    jw_i64(w, "a", 1);
}

static void no_key_in_an_object(struct jw *w)
{
    jw_obj(w, NULL);
    jw_i64(w, NULL, 1);
}

static void two_roots(struct jw *w)
{
    jw_i64(w, NULL, 1);
    jw_i64(w, NULL, 1);
}

static void end_of_nothing(struct jw *w)
{
    jw_end(w);
}

static void wrong_nesting_is_our_mistake(void **state)
{
    (void)state;
    dies(key_at_the_root);
    dies(no_key_in_an_object);
    dies(two_roots);
    dies(end_of_nothing);
}

static void full_buffer_is_seen_at_the_end(void **state)
{
    (void)state;
    struct buf b;
    struct jw w;
    buf_init(&b, mem, 10);
    jw_init(&w, &b);
    jw_obj(&w, NULL);
    jw_cstr(&w, "key", "much too long");
    jw_end(&w);
    assert_false(buf_ok(&b));
}

#define WITH_MEM(f) cmocka_unit_test_setup_teardown(f, open_mem, close_mem)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_MEM(reads_every_type),
        WITH_MEM(integers_are_exact),
        WITH_MEM(malformed_texts),
        WITH_MEM(duplicate_keys),
        WITH_MEM(depth_is_bounded),
        WITH_MEM(sizes_are_bounded),
        WITH_MEM(each_failed_allocation_is_full),
        WITH_MEM(reads_nothing_behind_the_text),
        WITH_MEM(writes_in_order),
        WITH_MEM(quotes_what_does_harm),
        WITH_MEM(any_bytes_become_valid_json),
        WITH_MEM(trees_come_back),
        WITH_MEM(deep_foreign_tree_only_fails_the_buffer),
        WITH_MEM(wrong_nesting_is_our_mistake),
        WITH_MEM(full_buffer_is_seen_at_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
