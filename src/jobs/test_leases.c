/* Leases, fences and crashes on both databases: who lost a lane writes nothing, what died is done by another.
 * */
#include "test_world.h"

/* ---- leases, fences, crashes ---- */
static void test_a_late_commit_is_refused(void **state)
{
    struct world *w = *state;
    struct fault why = {0};
    put(w, "t.one", "in:1", "a");
    struct job *lost = claim(w->jobs, JOBS_SYNC, 1);
    assert_non_null(lost);
    struct jobs *other = node_open(w);
    jobs_drain(other);
    assert_tags(w, "ws_a", ""); /* leased */
    clock_shift_ms(JOB_LEASE_MS + 1);
    struct job *taken = claim(other, JOBS_SYNC, 1);
    assert_non_null(taken);
    struct effect e = {.job = lost, .tag = STR("late")};
    assert_int_equal(job_commit(lost, effect_fn, &e, &why), RC_DENIED);
    assert_string_equal(why.code, "jobs.fenced");
    assert_tags(w, "ws_a", "");
    e = (struct effect){.job = taken, .tag = STR("a")};
    assert_int_equal(job_commit(taken, effect_fn, &e, &why), RC_OK);
    e = (struct effect){.job = lost, .tag = STR("later")};
    assert_int_equal(job_commit(lost, effect_fn, &e, &why), RC_DENIED); /* the lane is gone altogether */
    assert_tags(w, "ws_a", "a");
    drop(lost);
    drop(taken);
    jobs_close(&other);
}

static void test_three_vanished_claims_end_a_job(void **state)
{
    struct world *w = *state;
    put(w, "t.free", NULL, "bad");
    for (int i = 0; i < 3; i++) {
        struct job *j = claim(w->jobs, JOBS_SYNC, 1);
        assert_non_null(j);
        struct fault why = {0};
        if (i > 0) /* what job_run does before the handler; then the process dies */
            assert_int_equal(job_begin_suspect(j, &why), RC_OK);
        drop(j);
        clock_shift_ms(JOB_LEASE_MS + 1);
    }
    put(w, "t.free", NULL, "good");
    jobs_drain(w->jobs);
    assert_tags(w, "ws_a", "good");
    struct dead d = dead_now(w);
    assert_int_equal(d.n, 1);
    assert_string_equal(arena_cstr(w->mem, d.at[0].code), "jobs.crashed");
}

static void test_a_batch_that_dies_blames_nobody(void **state)
{
    struct world *w = *state;
    for (int i = 0; i < 10; i++)
        put(w, "t.free", NULL, "x");
    for (int i = 0; i < 6; i++) { /* claimed in a batch and never begun, six times */
        struct job *j = claim(w->jobs, JOBS_SYNC, 20);
        assert_non_null(j);
        drop(j);
        clock_shift_ms(JOB_LEASE_MS + 1);
    }
    jobs_drain(w->jobs);
    assert_tags(w, "ws_a", "xxxxxxxxxx");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(test_a_late_commit_is_refused),
        ON_BOTH(test_three_vanished_claims_end_a_job),
        ON_BOTH(test_a_batch_that_dies_blames_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
