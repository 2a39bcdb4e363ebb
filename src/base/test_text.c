/* Strings, UTF-8, encodings, form pairs. The encodings are checked against vectors of their RFCs and against
 * themselves both ways over random bytes; a failure is forced at each allocation of the parsers. */
#include "unit.h"
#include "base/base_priv.h"

static struct arena *mem;

static int open_mem(void **state)
{
    (void)state;
    mem = arena_open(1 << 20);
    return 0;
}

static int close_mem(void **state)
{
    (void)state;
    arena_close(&mem);
    return 0;
}

static void comparing_and_cutting(void **state)
{
    (void)state;
    assert_true(str_eq(STR_NONE, STR("")));
    assert_false(str_eq(STR("a"), STR("b")));
    assert_true(str_eq_nocase(STR("Content-TYPE"), STR("content-type")));
    assert_false(str_eq_nocase(STR("\xC3\x84"), STR("\xC3\xA4")));
    assert_true(str_starts(STR("abc"), STR("ab")));
    assert_false(str_starts(STR("a"), STR("ab")));
    assert_true(str_ends(STR("abc"), STR("bc")));
    assert_false(str_ends(STR("c"), STR("bc")));
    assert_true(str_eq(str_trim(STR(" \t a b\t ")), STR("a b")));
    assert_true(str_eq(str_trim(STR("  ")), STR("")));
    assert_true(str_eq(str_sub(STR("hello"), 3, 10), STR("lo")));
    assert_true(str_eq(str_sub(STR("hello"), 9, 1), STR("")));
    size_t at = 99;
    assert_true(str_find(STR("hello"), STR("llo"), &at));
    assert_int_equal(at, 2);
    assert_false(str_find(STR("lo"), STR("llo"), &at));
    assert_int_equal(at, 2);
}

static void cutting_at_separators(void **state)
{
    (void)state;
    str rest = STR("a,,b,"), head;
    const char *want[] = {"a", "", "b", ""};
    for (size_t i = 0; i < COUNT_OF(want); i++) {
        assert_true(str_cut(&rest, ',', &head));
        assert_true(str_eq(head, str_of(want[i])));
    }
    assert_false(str_cut(&rest, ',', &head));
    rest = STR("");
    assert_true(str_cut(&rest, ',', &head));
    assert_false(str_cut(&rest, ',', &head));
}

static void numbers_at_their_borders(void **state)
{
    (void)state;
    int64_t i = 7;
    uint64_t u = 7;
    assert_true(str_to_i64(STR("9223372036854775807"), &i));
    assert_true(i == INT64_MAX);
    assert_true(str_to_i64(STR("-9223372036854775808"), &i));
    assert_true(i == INT64_MIN);
    assert_true(str_to_u64(STR("18446744073709551615"), &u));
    assert_true(u == UINT64_MAX);
    const char *bad[] = {
        "", "-", "+1", " 1", "1 ", "1a", "0x1", "--1", "9223372036854775808", "-9223372036854775809"};
    for (size_t k = 0; k < COUNT_OF(bad); k++) {
        i = 7;
        assert_false(str_to_i64(str_of(bad[k]), &i));
        assert_int_equal(i, 7);
    }
    assert_false(str_to_u64(STR("18446744073709551616"), &u));
    assert_false(str_to_u64(STR("-1"), &u));
    assert_true(u == UINT64_MAX);
}

static void utf8_is_strict(void **state)
{
    (void)state;
    const char *good[] = {"",
                          "plain ascii text",
                          "สวัสดีครับ",
                          "\xF0\x9F\x98\x80",
                          "\xEF\xBF\xBF",
                          "\xED\x9F\xBF",
                          "\xF4\x8F\xBF\xBF"};
    const char *bad[] = {
        "\x80",         "\xC0\x80",         "\xC1\xBF",     "\xE0\x80\x80",     "\xED\xA0\x80",
        "\xED\xBF\xBF", "\xF0\x80\x80\x80", "\xF4\x90\x80", "\xF5\x80\x80\x80", "\xFF",
        "\xE0\xB8",     "12345678\xC3",     "\xF0\x9F\x98"};
    for (size_t i = 0; i < COUNT_OF(good); i++)
        assert_true(utf8_valid(str_of(good[i])));
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_false(utf8_valid(str_of(bad[i])));
    assert_int_equal(utf8_count(STR("สวัสดี")), 6);
    assert_int_equal(utf8_len(STR("ส")), 3);
    assert_int_equal(utf8_len(STR("\xE0\xB8")), 0);
    assert_int_equal(utf8_len(STR("")), 0);
}

struct pair_of {
    const char *plain, *text;
};

static void base64_vectors(void **state)
{
    (void)state;
    /* RFC 4648, section 10 */
    const struct pair_of v[] = {{"", ""},
                                {"f", "Zg=="},
                                {"fo", "Zm8="},
                                {"foo", "Zm9v"},
                                {"foob", "Zm9vYg=="},
                                {"fooba", "Zm9vYmE="},
                                {"foobar", "Zm9vYmFy"}};
    for (size_t i = 0; i < COUNT_OF(v); i++) {
        struct buf b;
        str back;
        buf_init(&b, mem, 100);
        buf_put_base64(&b, v[i].plain, strlen(v[i].plain));
        assert_true(str_eq(buf_str(&b), str_of(v[i].text)));
        assert_true(base64_parse(str_of(v[i].text), mem, &back));
        assert_true(str_eq(back, str_of(v[i].plain)));
    }
    const char *bad[] = {"Zg", "Zg=", "Zg===", "Z===", "Zh==", "Zm9=", "Zm 9", "Zm-_", "====", "Zg==Zg=="};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        str out = STR("untouched");
        assert_false(base64_parse(str_of(bad[i]), mem, &out));
        assert_true(str_eq(out, STR("untouched")));
    }
    str out;
    assert_false(base64url_parse(STR("Zg=="), mem, &out));
    assert_false(base64url_parse(STR("+/"), mem, &out));
    assert_false(base64url_parse(STR("Zh"), mem, &out));
    assert_true(base64url_parse(STR("-_8"), mem, &out));
    assert_memory_equal(out.p, "\xFB\xFF", 2);
}

static void encodings_come_back(void **state)
{
    (void)state;
    for (size_t n = 0; n < 200; n++) {
        unsigned char bytes[200], back[200];
        random_bytes(bytes, n);
        arena_reset(mem);
        struct buf b;
        str out;
        buf_init(&b, mem, 1000);
        buf_put_base64url(&b, bytes, n);
        assert_true(base64url_parse(buf_str(&b), mem, &out));
        assert_int_equal(out.n, n);
        assert_memory_equal(out.p, bytes, n);
        str hex = hex_text(mem, bytes, n);
        assert_true(hex_parse(hex, back, n));
        assert_memory_equal(back, bytes, n);
        for (size_t i = 0; i < n; i++)
            bytes[i] = bytes[i] == 0 ? 1 : bytes[i];
        buf_clear(&b);
        buf_put_percent(&b, (str){(const char *)bytes, n});
        assert_true(percent_parse(buf_str(&b), false, mem, &out));
        assert_true(str_eq(out, (str){(const char *)bytes, n}));
    }
}

static void hex_is_exact(void **state)
{
    (void)state;
    unsigned char out[2] = {9, 9};
    assert_true(hex_parse(STR("aBCd"), out, 2));
    assert_int_equal(out[0], 0xAB);
    assert_int_equal(out[1], 0xCD);
    assert_false(hex_parse(STR("00zz"), out, 2));
    assert_false(hex_parse(STR("000"), out, 2));
    assert_false(hex_parse(STR("000000"), out, 2));
    assert_int_equal(out[0], 0xAB);
}

static void percent_and_html(void **state)
{
    (void)state;
    struct buf b;
    str out;
    buf_init(&b, mem, 1000);
    buf_put_percent(&b, STR("a b+c~/ส"));
    assert_true(str_eq(buf_str(&b), STR("a%20b%2Bc~%2F%E0%B8%AA")));
    assert_true(percent_parse(STR("a+b%2B"), true, mem, &out));
    assert_true(str_eq(out, STR("a b+")));
    assert_true(percent_parse(STR("a+b%2b"), false, mem, &out));
    assert_true(str_eq(out, STR("a+b+")));
    assert_true(percent_parse(STR("%2541"), false, mem, &out));
    assert_true(str_eq(out, STR("%41")));
    const char *bad[] = {"%", "%4", "%zz", "a%00b", "%-1"};
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_false(percent_parse(str_of(bad[i]), true, mem, &out));
    buf_clear(&b);
    buf_put_html(&b, STR("<a href=\"x\">'&'</a>"));
    assert_true(str_eq(buf_str(&b), STR("&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39;&lt;/a&gt;")));
    buf_clear(&b);
    buf_put(&b, STR("https://x/y?"));
    buf_put_form(&b, "a", STR("1 2"));
    buf_put_form(&b, "b", STR("&="));
    assert_true(str_eq(buf_str(&b), STR("https://x/y?a=1%202&b=%26%3D")));
}

static void forms(void **state)
{
    (void)state;
    struct pairs ps;
    struct fault why;
    bool twice;
    assert_int_equal(pairs_parse(STR("&a=1&b=%26+x&&a=2&c&=e&"), 10, mem, &ps, &why), RC_OK);
    assert_int_equal(ps.n, 5);
    assert_true(str_eq(pairs_find(&ps, STR("a"), &twice), STR("1")));
    assert_true(twice);
    assert_true(str_eq(pairs_find(&ps, STR("b"), &twice), STR("& x")));
    assert_false(twice);
    assert_non_null(pairs_find(&ps, STR("c"), NULL).p);
    assert_null(pairs_find(&ps, STR("d"), NULL).p);
    assert_int_equal(pairs_parse(STR("a=1&b=2"), 1, mem, &ps, &why), RC_INVALID);
    assert_string_equal(why.code, "input.form");
    assert_int_equal(pairs_parse(STR("a=%zz"), 1, mem, &ps, &why), RC_INVALID);
    assert_int_equal(ps.n, 5); /* outputs stay on failure */
    assert_int_equal(pairs_parse(STR(""), 1, mem, &ps, NULL), RC_OK);
    assert_int_equal(ps.n, 0);
}

static void forms_survive_each_failed_allocation(void **state)
{
    (void)state;
    unsigned n = 1;
    for (;; n++) {
        struct pairs ps = {NULL, 0};
        struct fault why;
        arena_reset(mem);
        arena_fail_at(mem, n);
        enum rc rc = pairs_parse(STR("a=1&b=2&c=3"), 10, mem, &ps, &why);
        arena_fail_at(mem, 0);
        if (rc == RC_OK)
            break;
        assert_int_equal(rc, RC_FULL);
        assert_string_equal(why.code, "input.full");
        assert_null(ps.at);
    }
    assert_int_equal(n, 8); /* the array and two strings a pair were all reached */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comparing_and_cutting),
        cmocka_unit_test(cutting_at_separators),
        cmocka_unit_test(numbers_at_their_borders),
        cmocka_unit_test(utf8_is_strict),
        cmocka_unit_test_setup_teardown(base64_vectors, open_mem, close_mem),
        cmocka_unit_test_setup_teardown(encodings_come_back, open_mem, close_mem),
        cmocka_unit_test(hex_is_exact),
        cmocka_unit_test_setup_teardown(percent_and_html, open_mem, close_mem),
        cmocka_unit_test_setup_teardown(forms, open_mem, close_mem),
        cmocka_unit_test_setup_teardown(forms_survive_each_failed_allocation, open_mem, close_mem),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
