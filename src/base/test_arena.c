/* Arena and buffer: bounds, alignment, zeroing, reuse, growth in place, and a failure at each allocation
 * in turn. */
#include "unit.h"
#include "base/base_priv.h"

#if defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN 1
#endif
#endif

static void takes_are_zeroed_aligned_and_apart(void **state)
{
    (void)state;
    struct arena *a = arena_open(1 << 20);
    unsigned char *seen[200];
    for (size_t i = 0; i < COUNT_OF(seen); i++) {
        seen[i] = arena_take(a, i * 7 % 300);
        assert_non_null(seen[i]);
        assert_int_equal((uintptr_t)seen[i] % 16, 0);
        for (size_t j = 0; j < i * 7 % 300; j++)
            assert_int_equal(seen[i][j], 0);
        memset(seen[i], (int)(i & 0xFF), i * 7 % 300);
    }
    for (size_t i = 0; i < COUNT_OF(seen); i++) {
        for (size_t j = 0; j < i * 7 % 300; j++)
            assert_int_equal(seen[i][j], i & 0xFF);
    }
    arena_close(&a);
    assert_null(a);
    arena_close(&a);
}

static void maximum_is_kept_and_survived(void **state)
{
    (void)state;
    struct arena *a = arena_open(4096);
    assert_null(arena_take(a, 4097));
    assert_non_null(arena_take(a, 4000));
    assert_int_equal(arena_used(a), 4000);
    assert_null(arena_take(a, 97));
    assert_non_null(arena_take(a, 96));
    assert_null(arena_take(a, 1));
    assert_null(arena_take(a, SIZE_MAX));
    assert_null(arena_take(a, SIZE_MAX - 8));
    assert_null(arena_take_array(a, SIZE_MAX / 2, 3));
    arena_reset(a);
    assert_int_equal(arena_used(a), 0);
    assert_non_null(arena_take(a, 4096));
    arena_close(&a);
}

static void reset_gives_zeroed_memory_again(void **state)
{
    (void)state;
    struct arena *a = arena_open(1 << 20);
    for (int round = 0; round < 3; round++) {
        unsigned char *p = arena_take(a, 1000), *big = arena_take(a, 100000);
        for (size_t i = 0; i < 1000; i++)
            assert_int_equal(p[i], 0);
        memset(p, 0xAA, 1000);
        memset(big, 0xAA, 100000);
        arena_reset(a);
    }
    arena_close(&a);
}

/* The first block stays when a secret arena is reset: its bytes must be gone. */
static void secret_arena_is_wiped(void **state)
{
    (void)state;
    struct arena *a = arena_open_secret(1 << 16);
    unsigned char *p = arena_take(a, 64);
    memset(p, 0x5A, 64);
    arena_reset(a);
    unsigned char *again = arena_take(a, 16);
    assert_ptr_equal(again, p);
    /* take zeroes only what it gives; the bytes behind show whether reset wiped */
    unsigned char *rest = arena_take(a, 0);
    assert_non_null(rest);
#ifndef WITH_ASAN /* what nobody took may not be read there */
    for (size_t i = 32; i < 64; i++)
        assert_int_equal(p[i], 0);
#endif
    arena_close(&a);
}

static void extend_in_place(void **state)
{
    (void)state;
    struct arena *a = arena_open(1 << 16);
    char *first = arena_take(a, 100);
    char *last = arena_take(a, 100);
    memset(last, 'x', 100);
    assert_false(arena_extend(a, first, 100, 200));
    assert_true(arena_extend(a, last, 100, 300));
    assert_int_equal(last[99], 'x');
    for (size_t i = 100; i < 300; i++)
        assert_int_equal(last[i], 0);
    char *next = arena_take(a, 10);
    assert_true(next >= last + 300);
    assert_false(arena_extend(a, next, 10, 1 << 20));
    arena_close(&a);
}

static void copies_end_with_nul(void **state)
{
    (void)state;
    struct arena *a = arena_open(4096);
    str s = arena_str(a, STR("hello"));
    assert_string_equal(s.p, "hello");
    assert_int_equal(s.n, 5);
    assert_string_equal(arena_str(a, STR_NONE).p, "");
    assert_string_equal(arena_cstr(a, STR("abc")), "abc");
    assert_null(arena_cstr(a, STR("a\0c")));
    assert_string_equal(arena_fmt(a, "%s-%d", "a", 7).p, "a-7");
    assert_null(arena_fmt(a, "%4096d", 1).p);
    arena_close(&a);
}

static void each_take_can_be_made_to_fail(void **state)
{
    (void)state;
    struct arena *a = arena_open(4096);
    for (unsigned n = 1; n <= 5; n++) {
        arena_reset(a);
        arena_fail_at(a, n);
        for (unsigned i = 1; i <= 5; i++) {
            void *p = arena_take(a, 8);
            if (i == n)
                assert_null(p);
            else
                assert_non_null(p);
        }
    }
    arena_close(&a);
}

static void buf_grows_on_heap_and_in_arena(void **state)
{
    (void)state;
    struct arena *a = arena_open(1 << 20);
    for (int heap = 0; heap < 2; heap++) {
        struct buf b;
        buf_init(&b, heap ? NULL : a, 100000);
        assert_string_equal(buf_str(&b).p, "");
        for (int i = 0; i < 20000; i++)
            buf_fmt(&b, "%d,", i % 10);
        assert_true(buf_ok(&b));
        assert_int_equal(buf_str(&b).n, 40000);
        assert_memory_equal(buf_str(&b).p, "0,1,2,3,", 8);
        if (!heap)
            (void)arena_take(a, 1); /* no longer the newest: must move */
        buf_fmt(&b, "%1000d", 5);
        assert_int_equal(buf_str(&b).n, 41000);
        assert_int_equal(buf_str(&b).p[40999], '5');
        buf_clear(&b);
        buf_put_i64(&b, INT64_MIN);
        buf_put_i64(&b, 0);
        buf_put_i64(&b, INT64_MAX);
        assert_true(str_eq(buf_str(&b), STR("-922337203685477580809223372036854775807")));
        buf_release(&b);
    }
    arena_close(&a);
}

static void buf_overflow_is_sticky(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, NULL, 10);
    buf_put(&b, STR("0123456789"));
    assert_true(buf_ok(&b));
    buf_put_c(&b, 'x');
    assert_false(buf_ok(&b));
    assert_null(buf_str(&b).p);
    buf_put(&b, STR(""));
    assert_false(buf_ok(&b));
    buf_clear(&b);
    buf_put_c(&b, 'y');
    assert_true(str_eq(buf_str(&b), STR("y")));
    buf_release(&b);
}

/* What the maximum of the arena leaves is used to the last byte before a buffer fails. */
static void buf_in_a_full_arena(void **state)
{
    (void)state;
    struct arena *a = arena_open(1024);
    struct buf b;
    buf_init(&b, a, 1 << 20);
    size_t put = 0;
    while (buf_ok(&b)) {
        buf_put_c(&b, 'z');
        put++;
    }
    assert_true(put > 512);
    assert_null(buf_str(&b).p);
    arena_close(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_are_zeroed_aligned_and_apart),
        cmocka_unit_test(maximum_is_kept_and_survived),
        cmocka_unit_test(reset_gives_zeroed_memory_again),
        cmocka_unit_test(secret_arena_is_wiped),
        cmocka_unit_test(extend_in_place),
        cmocka_unit_test(copies_end_with_nul),
        cmocka_unit_test(each_take_can_be_made_to_fail),
        cmocka_unit_test(buf_grows_on_heap_and_in_arena),
        cmocka_unit_test(buf_overflow_is_sticky),
        cmocka_unit_test(buf_in_a_full_arena),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
