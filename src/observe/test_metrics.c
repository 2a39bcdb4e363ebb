/* Metrics: sums over threads that live and that ended, bounded label values, the text form. When promtool
 * is installed it judges the text too. */
#include "unit.h"
#include <pthread.h>
#include <sys/wait.h>
#include "observe/observe_priv.h"

static const struct metric rows[] = {
    {.name = "mz_test_total",
     .kind = METRIC_COUNTER,
     .labels = "app,outcome",
     .doc = "Things\\ that\nhappened."},
    {.name = "mz_plain_total", .kind = METRIC_COUNTER, .doc = "No labels."},
    {.name = "mz_depth", .kind = METRIC_GAUGE, .labels = "queue", .doc = "How many wait."},
    {.name = "mz_took_seconds", .kind = METRIC_HISTOGRAM, .labels = "route", .doc = "Time."},
    {.name = "mz_many_total", .kind = METRIC_COUNTER, .labels = "who", .doc = "Unbounded on purpose."},
};
static const struct metric unknown = {
    .name = "mz_unknown_total", .kind = METRIC_COUNTER, .doc = "Never registered."};

static int start(void **state)
{
    (void)state;
    metrics_register(rows, COUNT_OF(rows));
    metrics_register(rows, COUNT_OF(rows)); /* again: harmless */
    return 0;
}

static void holds(const char *want)
{
    struct buf b;
    size_t at;
    buf_init(&b, NULL, 1 << 20);
    metrics_write(&b);
    assert_true(buf_ok(&b));
    if (!str_find(buf_str(&b), str_of(want), &at))
        print_error("no \"%s\" in:\n%.*s\n", want, STR_ARG(buf_str(&b)));
    assert_true(str_find(buf_str(&b), str_of(want), &at));
    buf_release(&b);
}

static void *count(void *arg)
{
    for (int i = 0; i < 10000; i++) {
        metric_add(&rows[0], 1, "login", i % 2 == 0 ? "ok" : "denied");
        metric_add(&rows[2], 1, "in", NULL);
        metric_observe_us(&rows[3], i, "GET /x", NULL);
    }
    return arg;
}

static void threads_add_up(void **state)
{
    (void)state;
    pthread_t t[4];
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < COUNT_OF(t); i++)
            assert_int_equal(pthread_create(&t[i], NULL, count, NULL), 0);
        struct buf b; /* exposition while they count */
        buf_init(&b, NULL, 1 << 20);
        metrics_write(&b);
        assert_true(buf_ok(&b));
        buf_release(&b);
        for (size_t i = 0; i < COUNT_OF(t); i++)
            assert_int_equal(pthread_join(t[i], NULL), 0);
    }
    (void)count(NULL); /* this thread lives on */
    assert_int_equal(metric_value(&rows[0], "login", "ok"), 45000);
    assert_int_equal(metric_value(&rows[0], "login", "denied"), 45000);
    assert_int_equal(metric_value(&rows[2], "in", NULL), 90000);
    assert_int_equal(metric_value(&rows[3], "GET /x", NULL), 90000);
    holds("mz_test_total{app=\"login\",outcome=\"ok\"} 45000\n");
    holds(
        "mz_took_seconds_bucket{route=\"GET /x\",le=\"0.0001\"} 909\n"); /* 0..100 us, nine threads' worth */
    holds("mz_took_seconds_bucket{route=\"GET /x\",le=\"0.01\"} 90000\n");
    holds("mz_took_seconds_bucket{route=\"GET /x\",le=\"+Inf\"} 90000\n");
    holds("mz_took_seconds_sum{route=\"GET /x\"} 449.955000\n");
    holds("mz_took_seconds_count{route=\"GET /x\"} 90000\n");
}

static void text_form(void **state)
{
    (void)state;
    holds("# HELP mz_test_total Things\\\\ that\\nhappened.\n# TYPE mz_test_total counter\n");
    holds("# TYPE mz_plain_total counter\nmz_plain_total 0\n");
    metric_add(&rows[1], 5, NULL, NULL);
    holds("mz_plain_total 5\n");
    metric_set(&rows[2], 7, "out", NULL);
    metric_set(&rows[2], -3, "out", NULL);
    holds("mz_depth{queue=\"out\"} -3\n");
    metric_add(&rows[0], 1, "q\"\\\n", "\xFFx");
    holds("mz_test_total{app=\"q\\\"\\\\\\n\",outcome=\"?x\"} 1\n");
    const struct metric **all;
    assert_true(metrics_rows(&all) >= COUNT_OF(rows));
}

static void label_values_are_bounded(void **state)
{
    (void)state;
    char who[16];
    for (int i = 0; i < 1000; i++) {
        (void)snprintf(who, sizeof(who), "u%d", i);
        metric_add(&rows[4], 1, who, NULL);
    }
    assert_int_equal(metric_value(&rows[4], "u0", NULL), 1);
    assert_int_equal(metric_value(&rows[4], "u199", NULL), 1);
    assert_int_equal(metric_value(&rows[4], "u200", NULL), 0);
    assert_int_equal(metric_value(&rows[4], "other", NULL), 800);
    metric_add(&rows[4], 1, "u5", NULL); /* known ones still count for themselves */
    assert_int_equal(metric_value(&rows[4], "u5", NULL), 2);
}

static void rows_nobody_registered_are_ignored(void **state)
{
    (void)state;
    metric_add(&unknown, 1, NULL, NULL);
    assert_int_equal(metric_value(&unknown, NULL, NULL), 0);
}

static void promtool_accepts_the_text(void **state)
{
    (void)state;
    if (access("/usr/bin/promtool", X_OK) != 0) {
        print_message("SKIPPED: promtool is not installed\n");
        skip();
    }
    char path[] = "/tmp/mz-metrics-XXXXXX";
    int fd = mkstemp(path);
    struct buf b;
    assert_true(fd >= 0);
    buf_init(&b, NULL, 1 << 20);
    metrics_write(&b);
    assert_int_equal(write(fd, b.p, b.n), b.n);
    (void)lseek(fd, 0, SEEK_SET);
    buf_release(&b);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)dup2(fd, STDIN_FILENO);
        (void)execl("/usr/bin/promtool", "promtool", "check", "metrics", (char *)NULL);
        _exit(127);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    (void)close(fd);
    (void)unlink(path);
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_add_up),
        cmocka_unit_test(text_form),
        cmocka_unit_test(label_values_are_bounded),
        cmocka_unit_test(rows_nobody_registered_are_ignored),
        cmocka_unit_test(promtool_accepts_the_text),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
