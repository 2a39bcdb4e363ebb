/* Jobs and budgets together, on both databases: a job whose slot lies ahead gives its lease back, comes back
 * at the slot, and none of that uses an attempt. */
#include "test_kit.h"

static const int64_t waits[] = {1000};
static const struct retry_row two = {"two", waits, 1, 2, 0}; /* a third attempt would be its death */

struct caller {
    struct budget *budget;
    int ran, done, worst_attempt;
};

static enum rc call_job(struct job *j, void *ctx, struct fault *why)
{
    struct caller *c = ctx;
    const struct budget_call call = {.client_key = STR("awtest"),
                                     .workspace = job_workspace(j),
                                     .account = STR(""),
                                     .family = "login_kit",
                                     .endpoint = "tiktok.user_info"};
    struct permit permit;
    enum rc rc = budget_take(c->budget, &call, &permit, why);
    c->ran++;
    if (rc == RC_LIMITED)
        return job_later(j, permit.slot_ms, why);
    if (rc != RC_OK)
        return rc;
    c->done++;
    if (job_attempt(j) > c->worst_attempt)
        c->worst_attempt = job_attempt(j);
    return job_done(j, why);
}

static const struct job_kind call_kinds[] = {{.name = "test.call",
                                              .order = JOB_FREE,
                                              .cls = JOBS_SYNC,
                                              .retry = &two,
                                              .run = call_job,
                                              .doc = "Asks for a permit."}};

static enum rc put_call(struct tx *tx, void *arg, struct fault *why)
{
    int n = *(const int *)arg;
    enum rc rc = RC_OK;
    for (int i = 0; rc == RC_OK && i < n; i++)
        rc = jobs_put(tx, &(struct job_new){.kind = "test.call", .workspace = STR("ws_a")}, why);
    return rc;
}

static void put_calls(struct kit *k, int n)
{
    struct fault why = {0};
    assert_rc(store_write(k->db.store, STORE_INTERACTIVE, put_call, &n, &why), RC_OK, &why);
}

static void tiktok_says_too_many(struct kit *k)
{
    const struct budget_call call = {.client_key = STR("awtest"),
                                     .workspace = STR("ws_a"),
                                     .family = "login_kit",
                                     .endpoint = "tiktok.user_info"};
    struct fault why;
    (void)fault_set(&why, RC_LIMITED, "tiktok.limited", "HTTP 429");
    budget_answered(k->budget, &call, &why);
}

static void a_slot_ahead_uses_no_attempt(bool postgres)
{
    struct kit k;
    struct fault why = {0};
    struct caller c = {0};
    kit_open(&k, postgres, NULL);
    jobs_close(&k.jobs);
    c.budget = k.budget;
    const struct job_table table = {call_kinds, 1, &c};
    const struct jobs_options o = {
        .store = k.db.store, .config = k.config, .tables = &table, .n_tables = 1, .node = "later"};
    assert_rc(jobs_open(&o, &k.jobs, &why), RC_OK, &why);
    put_calls(&k, 1);
    for (int i = 1; i <= 5; i++) { /* far more often than it has attempts */
        tiktok_says_too_many(&k);
        jobs_drain(k.jobs);
        assert_int_equal(c.ran, i);
        assert_int_equal(c.done, 0);
        jobs_drain(k.jobs); /* not due before its slot */
        assert_int_equal(c.ran, i);
        clock_shift_ms(62000);
    }
    jobs_drain(k.jobs);
    assert_int_equal(c.done, 1);
    assert_int_equal(c.worst_attempt, 1);
    put_calls(&k, 150); /* more than may go at once */
    for (int i = 0; i < 200 && c.done < 151; i++) {
        jobs_drain(k.jobs);
        clock_shift_ms(500);
    }
    assert_int_equal(c.done, 151);
    assert_int_equal(c.worst_attempt, 1);
    print_message("151 calls by %d runs of the handler, none beyond its first attempt\n", c.ran);
    kit_close(&k);
}
TESTDB_CASES(a_slot_ahead_uses_no_attempt)

int main(void)
{
    const struct CMUnitTest tests[] = {TESTDB_BOTH(a_slot_ahead_uses_no_attempt)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
