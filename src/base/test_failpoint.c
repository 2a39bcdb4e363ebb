/* Failpoints: which pass acts, what the log says, that a kill comes after its line. Each case is this program
 * again as a child, because the plan is read once per process. */
#include "unit.h"
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include "base/base.h"

static const struct failpoint points[] = {{"t.one", "the first"}, {"t.two", "the second"}};
extern char **environ;

#ifdef MZ_PLANT
/* Passes five times through both points; the exit code tells which of the first one's were refused. */
static int child(void)
{
    struct fault why;
    int code = 0;
    for (int i = 0; i < 5; i++) {
        enum rc rc = failpoint(&points[0], STR("obj"), &why);
        code |= rc == RC_OK ? 0 : 1 << i;
        if (rc != RC_OK && strcmp(why.code, "base.failpoint") != 0)
            return 99;
        if (failpoint(&points[1], STR("other"), &why) != RC_OK)
            return 98;
    }
    return code;
}

static int run(const char *plan, char text[4096])
{
    char file[] = "/tmp/mz-failpoint-XXXXXX";
    int fd = mkstemp(file), status = 0;
    assert_true(fd >= 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)setenv("MZ_FAIL", plan, 1);
        (void)setenv("MZ_FAIL_LOG", file, 1);
        (void)execl("/proc/self/exe", "child", "child", (char *)NULL);
        _exit(97);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    ssize_t n = read(fd, text, 4095);
    text[n > 0 ? n : 0] = '\0';
    (void)close(fd);
    (void)unlink(file);
    return WIFSIGNALED(status) ? 1000 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void plans_act(void **state)
{
    char text[4096];
    (void)state;
    assert_int_equal(run("", text), 0);
    assert_non_null(strstr(text, "t.one pass obj "));
    assert_int_equal(run("t.one=error:2", text), 1 << 1);
    assert_non_null(strstr(text, "t.one error obj "));
    assert_int_equal(run("t.one=unsure:1:2", text), 1 << 0 | 1 << 2 | 1 << 4);
    assert_int_equal(run("t.other=kill:1;t.one=error:5", text), 1 << 4);
    assert_int_equal(run("t.two=kill:3", text), 1000 + SIGKILL);
    assert_non_null(strstr(text, "t.two kill other "));
    assert_int_equal(run("t.one=nothing:1", text), 1000 + SIGABRT);
    assert_int_equal(run("t.one=kill", text), 1000 + SIGABRT);
}
#else
static void plans_act(void **state)
{
    struct fault why;
    (void)state;
    assert_int_equal(failpoint(&points[0], STR("obj"), &why), RC_OK);
}
#endif

int main(int argc, char **argv)
{
    (void)argv;
#ifdef MZ_PLANT
    if (argc > 1)
        return child();
#else
    (void)argc;
#endif
    const struct CMUnitTest tests[] = {cmocka_unit_test(plans_act)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
