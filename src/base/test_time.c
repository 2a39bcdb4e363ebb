/* Clocks, ids, faults, broken invariants. */
#include "unit.h"
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/base.h"

struct known {
    int64_t ms;
    const char *text;
};

static void dates(void **state)
{
    (void)state;
    const struct known v[] = {
        {0, "1970-01-01T00:00:00.000Z"},
        {-1, "1969-12-31T23:59:59.999Z"},
        {1763833904123, "2025-11-22T17:51:44.123Z"},
        {951782400000, "2000-02-29T00:00:00.000Z"},
        {951868800000, "2000-03-01T00:00:00.000Z"},
        {4107542399999, "2100-02-28T23:59:59.999Z"},
        {4107542400000, "2100-03-01T00:00:00.000Z"},
        {253402300799999, "9999-12-31T23:59:59.999Z"},
        {INT64_MAX, "9999-12-31T23:59:59.999Z"},
        {INT64_MIN, "0000-01-01T00:00:00.000Z"},
    };
    for (size_t i = 0; i < COUNT_OF(v); i++) {
        char text[TIME_TEXT];
        assert_string_equal(time_iso(v[i].ms, text), v[i].text);
    }
}

/* Against libc over 400 years, one odd step after another. */
static void dates_agree_with_libc(void **state)
{
    (void)state;
    for (int64_t s = -2208988800; s < 10413792000; s += 86400 * 3 + 4567) {
        struct tm tm;
        char want[TIME_TEXT + 40], text[TIME_TEXT];
        time_t t = (time_t)s;
        assert_non_null(gmtime_r(&t, &tm));
        (void)strftime(want, sizeof(want), "%Y-%m-%dT%H:%M:%S.000Z", &tm);
        assert_string_equal(time_iso(s * 1000, text), want);
    }
}

static void virtual_time_moves_the_wall_clock_only(void **state)
{
    (void)state;
    int64_t wall = clock_now_ms(), mono = clock_mono_ms();
    clock_shift_ms(1000000000);
    assert_true(clock_now_ms() - wall >= 1000000000);
    assert_true(clock_mono_ms() - mono < 1000000);
    clock_shift_ms(-1000000000);
    assert_true(clock_now_ms() - wall < 1000000);
    assert_true(clock_mono_us() / 1000 >= mono);
}

/* Two more processes map the same file: what one shifts, all see; the file holds 8 little-endian bytes. */
static void a_clock_file_moves_every_process(void **state)
{
    (void)state;
    char path[] = "/tmp/mz-clock.XXXXXX";
    unsigned char bytes[16] = {0};
    int fd = mkstemp(path), ends[2];
    assert_true(fd >= 0);
    assert_false(clock_shared());
    for (int child = 0; child < 2; child++) {
        assert_int_equal(pipe(ends), 0);
        pid_t pid = fork();
        if (pid == 0) {
            (void)setenv("MZ_CLOCK", path, 1);
            (void)dup2(ends[1], STDOUT_FILENO);
            (void)execl("/proc/self/exe", "test_base_time", child == 0 ? "shift" : "read", (char *)NULL);
            _exit(127);
        }
        (void)close(ends[1]);
        char said[32] = "";
        int status = -1;
        assert_true(read(ends[0], said, sizeof(said) - 1) > 0);
        (void)close(ends[0]);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
        assert_string_equal(said, child == 0 ? "31536000123" : "31536000124");
        assert_int_equal(pread(fd, bytes, sizeof(bytes), 0), 8);
        assert_int_equal(bytes[0], child == 0 ? 0x7b : 0x7c);
    }
    (void)close(fd);
    (void)unlink(path);
}

/* The children of the test above. */
static int child_of_clock_file(const char *what)
{
    char text[32];
    int64_t before = clock_now_ms();
    clock_shift_ms(strcmp(what, "shift") == 0 ? INT64_C(31536000123) : 1);
    bool moved = strcmp(what, "shift") != 0 || clock_now_ms() - before >= INT64_C(31536000123);
    int n = snprintf(text, sizeof(text), "%lld", (long long)clock_offset_ms());
    bool said = write(STDOUT_FILENO, text, (size_t)n) == n;
    return moved && said && clock_shared() ? 0 : 1;
}

static void ids_are_shaped_ordered_and_different(void **state)
{
    (void)state;
    struct arena *mem = arena_open(1 << 20);
    str a = id_new(mem, "msg");
    clock_shift_ms(10);
    str b = id_new(mem, "msg");
    clock_shift_ms(-10);
    assert_int_equal(a.n, 30);
    assert_true(id_valid(a, "msg"));
    assert_false(id_valid(a, "cnv"));
    assert_false(id_valid(a, NULL));
    assert_true(memcmp(a.p, b.p, a.n) < 0);
    str bare = id_new(mem, NULL);
    assert_int_equal(bare.n, 26);
    assert_true(id_valid(bare, NULL));
    assert_false(id_valid(STR("msg_01234567890123456789abcdeu"), "msg"));
    assert_false(id_valid(STR("msg_81234567890123456789abcdef"), "msg"));
    assert_false(id_valid(STR("msg_0123456789012345678\0abcdef"), "msg"));
    assert_false(id_valid(STR("msg_"), "msg"));
    assert_false(id_valid(STR_NONE, "msg"));
    arena_close(&mem);
}

/* The whole 128 bits arrive: an id of known time reads back as that time. */
static void id_holds_its_time(void **state)
{
    (void)state;
    static const char digits[] = "0123456789abcdefghjkmnpqrstvwxyz";
    struct arena *mem = arena_open(4096);
    int64_t before = clock_now_ms();
    str id = id_new(mem, NULL);
    int64_t after = clock_now_ms(), ms = 0;
    for (size_t i = 0; i < 10; i++) /* 2 leading zero bits and 48 of time are 10 characters */
        ms = ms << 5 | (int64_t)(strchr(digits, id.p[i]) - digits);
    assert_true(ms >= before && ms <= after);
    arena_close(&mem);
}

static void id_without_room(void **state)
{
    (void)state;
    struct arena *mem = arena_open(16);
    assert_null(id_new(mem, "msg").p);
    arena_close(&mem);
}

static void faults(void **state)
{
    (void)state;
    struct fault why;
    assert_int_equal(fault_set(&why, RC_LIMITED, "a.b", "%s %d", "text", 5), RC_LIMITED);
    assert_int_equal(why.rc, RC_LIMITED);
    assert_string_equal(why.code, "a.b");
    assert_string_equal(why.detail, "text 5");
    assert_int_equal(fault_set(NULL, RC_BUG, "a.b", "x"), RC_BUG);
    /* the neighbour's words: printable, cut, gone with the next fault */
    fault_outer(&why, 40105, STR("2026\nABC"));
    assert_int_equal(why.outer_code, 40105);
    assert_string_equal(why.outer_ref, "2026?ABC");
    char ids[200];
    memset(ids, 'x', sizeof(ids));
    fault_outer(&why, 1, (str){ids, sizeof(ids)});
    assert_int_equal(strlen(why.outer_ref), sizeof(why.outer_ref) - 1);
    fault_outer(NULL, 1, STR("x"));
    (void)fault_set(&why, why.rc, "a.b", "text 5");
    assert_int_equal(why.outer_code, 0);
    assert_string_equal(why.outer_ref, "");
    /* a fault may wrap itself */
    (void)fault_set(&why, why.rc, "c.d", "again: %s", why.detail);
    assert_string_equal(why.detail, "again: text 5");
    /* cut between characters, never inside one */
    char thai[600] = "";
    for (size_t i = 0; i + 3 < sizeof(thai); i += 3)
        memcpy(thai + i, "ส", 4);
    (void)fault_set(&why, RC_BUG, "x", "%s", thai);
    assert_true(utf8_valid(str_of(why.detail)));
    assert_int_equal(strlen(why.detail), 255);
    (void)fault_set(&why, RC_BUG, "x", "a%s", thai);
    assert_true(utf8_valid(str_of(why.detail)));
    assert_int_equal(strlen(why.detail), 253);
    char text[128];
    assert_non_null(strstr(os_error(ENOENT, text), "No such file"));
}

static void every_outcome_has_a_name(void **state)
{
    (void)state;
    for (int rc = 0; rc < RC_COUNT; rc++) {
        assert_string_not_equal(rc_name((enum rc)rc), "unknown");
        for (int other = 0; other < rc; other++)
            assert_string_not_equal(rc_name((enum rc)rc), rc_name((enum rc)other));
    }
    assert_string_equal(rc_name((enum rc)99), "unknown");
}

static void broken_invariants_end_the_process(void **state)
{
    (void)state;
    int out[2];
    assert_int_equal(pipe(out), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)dup2(out[1], STDERR_FILENO);
        (void)signal(SIGABRT, SIG_DFL);
        must(1 + 1 == 3);
        _exit(0);
    }
    (void)close(out[1]);
    char text[600] = "";
    ssize_t n = read(out[0], text, sizeof(text) - 1);
    assert_true(n > 0);
    assert_non_null(strstr(text, "broken invariant: 1 + 1 == 3 at "));
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    (void)close(out[0]);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        return child_of_clock_file(argv[1]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dates),
        cmocka_unit_test(dates_agree_with_libc),
        cmocka_unit_test(virtual_time_moves_the_wall_clock_only),
        cmocka_unit_test(a_clock_file_moves_every_process),
        cmocka_unit_test(ids_are_shaped_ordered_and_different),
        cmocka_unit_test(id_holds_its_time),
        cmocka_unit_test(id_without_room),
        cmocka_unit_test(faults),
        cmocka_unit_test(every_outcome_has_a_name),
        cmocka_unit_test(broken_invariants_end_the_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
