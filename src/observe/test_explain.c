/* A story's bounds: steps, references and sentences that are too many or too long are cut, never refused. */
#include "unit.h"
#include "observe/observe.h"

static void a_story_is_cut_not_refused(void **state)
{
    struct explain e = {.mem = arena_open((size_t)1 << 20)};
    (void)state;
    for (int i = 0; i < 100; i++)
        explain_add(&e, i, EXPLAIN(&e, "step %d", "ขั้นที่ %d"), i);
    assert_int_equal(e.n, COUNT_OF(e.steps));
    assert_true(str_eq(e.steps[63].text, STR("step 63")));
    explain_follow(&e, STR(""));
    for (int i = 0; i < 100; i++)
        explain_follow(&e, STR("msg_1"));
    assert_int_equal(e.n_follow, COUNT_OF(e.follow));
    arena_close(&e.mem);
}

static void a_long_sentence_ends_at_a_character(void **state)
{
    struct explain e = {.mem = arena_open((size_t)1 << 20), .th = true};
    char thai[3 * 500 + 1] = "";
    (void)state;
    for (int i = 0; i < 500; i++)
        memcpy(thai + (ptrdiff_t)3 * i, "ก", 4);
    explain_add(&e, 1, EXPLAIN(&e, "a%s", "กa%s"), thai);
    assert_int_equal(e.n, 1);
    assert_true(utf8_valid(e.steps[0].text));
    assert_in_range(e.steps[0].text.n, 1018, 1023);
    arena_close(&e.mem);
    struct arena *small = arena_open(64);
    struct explain full = {.mem = small};
    explain_add(&full, 1, "%s", thai); /* no room: no step */
    assert_int_equal(full.n, 0);
    arena_close(&small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_story_is_cut_not_refused),
        cmocka_unit_test(a_long_sentence_ends_at_a_character),
    };
    return cmocka_run_group_tests_name("observe explain", tests, NULL, NULL);
}
