/* What needs no database: an act for every fault, words for every line of a timeline, a verdict for every
 * state, a retention row for every reason. */
#include "unit.h"
#include "accounts/accounts_priv.h"

static void every_fault_has_an_answer(void **state)
{
    (void)state;
    for (int kind = 0; kind < APP_KINDS; kind++)
        for (int in = 0; in < 2; in++)
            for (int rc = RC_MISSING; rc <= RC_BUG; rc++) {
                struct fault f = {.rc = (enum rc)rc, .code = "some.code"};
                const struct grant_answer *a = grant_answer_of(kind, in == 1, &f);
                assert_non_null(a->doc);
                if (rc == RC_RETRY) /* network, 5xx, HTML: nothing is ever given up for these */
                    assert_int_equal(a->act, GRANT_KEEP_TRYING);
            }
}

/* ---- words ---- */
static void everything_has_words(void **state)
{
    (void)state;
    static const char *const whats[] = {"granted",       "replaced",    "refreshed", "scope_changed",
                                        "probed",        "failed",      "unsure",    "notice",
                                        "needs_reauth",  "revoking",    "revoked",   "revoke_told",
                                        "stale_removal", "availability"};
    for (size_t i = 0; i < COUNT_OF(whats); i++) {
        bool any = false;
        for (size_t r = 0; r < timeline_rows_n; r++)
            any |= strcmp(timeline_rows[r].what, whats[i]) == 0 && timeline_rows[r].code == NULL;
        assert_true(any); /* a row for every code */
    }
    for (size_t r = 0; r < timeline_rows_n; r++)
        assert_true(timeline_rows[r].en[0] != '\0' && timeline_rows[r].th[0] != '\0');
    for (int64_t reason = -1; reason <= 5; reason++)
        assert_int_equal(ending_of(reason)->reason, reason);
    struct account acc = {.state = "connected", .role = STR("business")};
    assert_string_equal(account_health(&acc, STR(""), 1000)->code, "not_connected");
    acc.next_ms = 3000;
    acc.access_expires_ms = 5000;
    assert_string_equal(account_health(&acc, STR(""), 1000)->code, "well");
    assert_string_equal(account_health(&acc, STR("comment.list"), 1000)->code, "scope_missing");
    assert_string_equal(account_health(&acc, STR(""), 6000)->code, "expired");
    acc.failures = 2;
    assert_string_equal(account_health(&acc, STR(""), 1000)->code, "refresh_failing");
    acc.failures = 0;
    acc.refresh_expires_ms = 1000 + 20 * DAY_MS;
    assert_string_equal(account_health(&acc, STR(""), 1000)->code, "ends_soon");
    acc.state = "unsure";
    assert_string_equal(account_health(&acc, STR(""), 1000)->code, "unsure");
    acc.state = "needs_reauth";
    assert_string_equal(account_health(&acc, STR(""), 1000)->code, "needs_consent");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_fault_has_an_answer),
        cmocka_unit_test(everything_has_words),
    };
    return cmocka_run_group_tests_name("words", tests, NULL, NULL);
}
