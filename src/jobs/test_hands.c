/* Many hands on both databases: each job has its effect once, also when a process is killed in the middle. */
#include "test_world.h"
#include <signal.h>
#include <sys/wait.h>

/* ---- many hands ---- */
enum { PRODUCERS = 20, EACH = 200 };

static void *produce(void *arg)
{
    struct world *w = arg;
    struct fault why;
    for (int i = 0; i < EACH; i++) {
        char key[32];
        (void)snprintf(key, sizeof key, "k%d", i % 40);
        struct job_new n = {.kind = i % 3 == 0   ? "t.free"
                                    : i % 3 == 1 ? "t.one"
                                                 : "t.strict",
                            .workspace = i % 2 ? STR("ws_a") : STR("ws_b"),
                            .key = str_of(key),
                            .args = STR("{\"tag\":\"p\"}")};
        while (store_write(w->store, STORE_INTERACTIVE, put_fn, &n, &why) != RC_OK)
            ;
    }
    return NULL;
}

static void test_four_thousand_effects(void **state)
{
    struct world *w = *state;
    struct fault why = {0};
    pthread_t t[PRODUCERS];
    assert_int_equal(jobs_start(w->jobs, &why), RC_OK); /* 20 consumers */
    int64_t from = clock_mono_ms(), until = from + 120000, times = 0, n = 0;
    for (int i = 0; i < PRODUCERS; i++)
        assert_int_equal(pthread_create(&t[i], NULL, produce, w), 0);
    for (int i = 0; i < PRODUCERS; i++)
        pthread_join(t[i], NULL);
    while ((n = count(w, &effect_sum, &times)) < PRODUCERS * EACH && clock_mono_ms() < until)
        usleep(2000);
    printf("4,000 jobs put and done in %lld ms\n", (long long)(clock_mono_ms() - from));
    jobs_stop(w->jobs);
    assert_int_equal(n, PRODUCERS * EACH);
    assert_int_equal(times, PRODUCERS * EACH);
    assert_int_equal(count(w, &lanes_left, NULL), 0);
}

/* A process is killed in the middle of its 20th job; another one finishes. */
static void test_a_killed_process_loses_nothing(void **state)
{
    struct world *w = *state;
    for (int i = 0; i < 50; i++)
        put_due(w, (struct job_new){.kind = i % 2 ? "t.strict" : "t.free", .key = STR("k")}, "z");
    world_pause(w);
    pid_t child = fork();
    if (child == 0) {
        world_resume(w);
        w->kill_at = 20;
        jobs_drain(w->jobs);
        _exit(1);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    world_resume(w);
    int64_t done = count(w, &effect_sum, NULL);
    assert_true(done >= 19 && done < 50);
    clock_shift_ms(JOB_LEASE_MS + 1);
    jobs_drain(w->jobs);
    int64_t times = 0;
    assert_int_equal(count(w, &effect_sum, &times), 50);
    assert_int_equal(times, 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(test_four_thousand_effects),
        ON_BOTH(test_a_killed_process_loses_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
