/* Events on their way to a receiver of the test's own, on both databases: signatures, retries, dead ends,
 * holding, rotation, withdrawal. */
#include "test_world.h"

/* ---- pure ---- */
static void test_the_published_example(void **state)
{
    (void)state;
    struct arena *mem = arena_open(65536);
    struct secret key, none;
    crypto_start();
    assert_true(mozflow_secret_parse(STR(SECRET), mem, &key));
    const str parts[3] = {STR("msg_p5jXN8AQM9LWM0D4loKWxJek"), STR("1614265330"),
                          STR("{\"test\": 2432232314}")};
    assert_string_equal(mozflow_signature(&key, 1, parts, mem).p,
                        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    assert_false(mozflow_secret_parse(STR("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), mem, &none));
    assert_false(mozflow_secret_parse(STR("whsec_short"), mem, &none));
    assert_false(mozflow_secret_parse(STR("whsec_AAAA"), mem, &none));
    arena_close(&mem);
}

static void test_retry_after(void **state)
{
    (void)state;
    assert_int_equal(mozflow_retry_after(STR_NONE, 0), 0);
    assert_int_equal(mozflow_retry_after(STR("120"), 0), 120000);
    assert_int_equal(mozflow_retry_after(STR("-5"), 0), 0);
    assert_int_equal(mozflow_retry_after(STR("soon"), 0), 0);
    assert_int_equal(mozflow_retry_after(STR("99999999999"), 0), 86400000);
    assert_int_equal(mozflow_retry_after(STR("Thu, 01 Jan 1970 00:02:00 GMT"), 60000), 60000);
    assert_int_equal(mozflow_retry_after(STR("Thu, 01 Jan 1970 00:02:00 GMT trailing"), 60000), 0);
}

/* ---- on both databases ---- */
static void delivers_once_and_signed(bool postgres)
{
    struct world w;
    struct fault why;
    const struct json *doc;
    str v;
    world_open(&w, postgres, "127.0.0.0/8");
    assert_int_equal(endpoint(&w, true, SECRET).n, 0);
    str id = emit(&w);
    struct act failed = {.w = &w, .end = RC_CONFLICT};
    assert_int_equal(store_write(w.db.store, STORE_INTERACTIVE, emit_fn, &failed, &why), RC_CONFLICT);
    jobs_drain(w.jobs);
    jobs_drain(w.jobs);
    assert_int_equal(w.to.n, 1); /* the rolled-back one never was */
    assert_state(&w, id, "delivered", 1, "");
    const struct got *g = &w.to.got[0];
    assert_true(verifies(&w, g, STR(SECRET)));
    assert_false(verifies(&w, g, STR("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")));
    assert_true(str_eq(header(&w, g, "webhook-id"), id));
    assert_rc(json_parse(str_of(g->body), NULL, w.mem, &doc, &why), RC_OK, &why);
    assert_true(json_str(doc, "specversion", &v) && str_eq(v, STR("1.0")));
    assert_true(json_str(doc, "id", &v) && str_eq(v, id));
    assert_true(json_str(doc, "type", &v) && str_eq(v, STR("mozflow.tiktok.message.received")));
    assert_true(json_str(doc, "source", &v) && str_eq(v, STR("https://tiktok.mozflow.test/workspaces/ws_a")));
    assert_true(json_str(doc, "subject", &v) && str_eq(v, STR("msg_1")));
    assert_true(json_str(json_get(doc, "data"), "text", &v) && str_eq(v, STR("สวัสดี \"quoted\"")));
    world_close(&w);
}
TESTDB_CASES(delivers_once_and_signed)

static void retries_die_and_are_replayed(bool postgres)
{
    struct world w;
    struct fault why;
    world_open(&w, postgres, "127.0.0.0/8");
    for (size_t i = 0; i < 16; i++)
        w.to.answers[i] = i == 1 ? "302 Found\r\nLocation: /x" : "503 Busy\r\nRetry-After: 3600";
    endpoint(&w, true, SECRET);
    str id = emit(&w);
    jobs_drain(w.jobs);
    assert_state(&w, id, "waiting", 1, "mozflow.refused");
    clock_shift_ms(60000);
    jobs_drain(w.jobs);
    assert_int_equal(w.to.n, 1); /* 5 s in the schedule, but an hour was asked for */
    clock_shift_ms(3600000);
    jobs_drain(w.jobs);
    assert_int_equal(w.to.n, 2);
    assert_state(&w, id, "waiting", 2, "mozflow.redirect");
    for (int i = 0; i < 30 && w.to.n < 11; i++) {
        clock_shift_ms(27 * 3600000LL);
        jobs_drain(w.jobs);
    }
    assert_state(&w, id, "dead", 11, "mozflow.refused");
    clock_shift_ms(48 * 3600000LL);
    jobs_drain(w.jobs);
    assert_int_equal(w.to.n, 11);
    for (int i = 0; i < 11; i++) {
        assert_true(str_eq(header(&w, &w.to.got[i], "webhook-id"), id));
        assert_true(verifies(&w, &w.to.got[i], STR(SECRET)));
    }
    memset(w.to.answers, 0, sizeof w.to.answers);
    struct act a = look(&w, id);
    a.row.state = STR("waiting");
    a.row.attempts = 0;
    assert_rc(store_write(w.db.store, STORE_INTERACTIVE, test_replay, &a, &why), RC_OK, &why);
    jobs_drain(w.jobs);
    assert_state(&w, id, "delivered", 1, "");
    assert_true(str_eq(header(&w, &w.to.got[11], "webhook-id"), id));
    world_close(&w);
}
TESTDB_CASES(retries_die_and_are_replayed)

static void holds_and_releases(bool postgres)
{
    struct world w;
    world_open(&w, postgres, "127.0.0.0/8");
    str early = emit(&w);
    jobs_drain(w.jobs);
    assert_state(&w, early, "held", 0, "");
    str shown = endpoint(&w, true, NULL); /* a secret is made and shown */
    assert_true(str_starts(shown, STR("whsec_")));
    jobs_drain(w.jobs);
    assert_state(&w, early, "delivered", 1, "");
    assert_true(verifies(&w, &w.to.got[0], shown));
    w.to.answers[1] = "410 Gone";
    str gone = emit(&w);
    jobs_drain(w.jobs);
    struct act a = look(&w, gone);
    assert_false(a.endpoint.enabled);
    assert_true(str_eq(a.endpoint.off_code, STR("gone")));
    assert_state(&w, gone, "held", 1, "mozflow.gone");
    str later = emit(&w);
    jobs_drain(w.jobs);
    assert_state(&w, later, "held", 0, "");
    assert_int_equal(w.to.n, 2);
    assert_int_equal(endpoint(&w, true, NULL).n, 0); /* the secret stays */
    jobs_drain(w.jobs);
    assert_state(&w, gone, "delivered", 2, "");
    assert_state(&w, later, "delivered", 1, "");
    assert_int_equal(w.to.n, 4);
    world_close(&w);
}
TESTDB_CASES(holds_and_releases)

static void rotation_signs_with_both(bool postgres)
{
    struct world w;
    struct fault why;
    world_open(&w, postgres, "127.0.0.0/8");
    str first = endpoint(&w, true, NULL);
    struct act a = {.w = &w};
    assert_rc(store_write(w.db.store, STORE_INTERACTIVE, rotate_fn, &a, &why), RC_OK, &why);
    assert_false(str_eq(first, a.shown));
    (void)emit(&w);
    jobs_drain(w.jobs);
    assert_true(verifies(&w, &w.to.got[0], first));
    assert_true(verifies(&w, &w.to.got[0], a.shown));
    clock_shift_ms(25 * 3600000LL);
    (void)emit(&w);
    jobs_drain(w.jobs);
    assert_false(verifies(&w, &w.to.got[1], first));
    assert_true(verifies(&w, &w.to.got[1], a.shown));
    assert_rc(store_write(w.db.store, STORE_INTERACTIVE, rotate_fn, &a, &why), RC_OK, &why);
    assert_rc(store_write(w.db.store, STORE_INTERACTIVE, rotate_fn, &a, &why), RC_OK, &why);
    assert_rc(store_write(w.db.store, STORE_INTERACTIVE, rotate_fn, &a, &why), RC_CONFLICT, &why);
    assert_string_equal(why.code, "mozflow.too_many_secrets");
    world_close(&w);
}
TESTDB_CASES(rotation_signs_with_both)

static void erased_is_withdrawn(bool postgres)
{
    struct world w;
    world_open(&w, postgres, "127.0.0.0/8");
    endpoint(&w, true, SECRET);
    w.render_rc = RC_MISSING;
    str id = emit(&w);
    jobs_drain(w.jobs);
    assert_state(&w, id, "withdrawn", 1, "");
    w.render_rc = RC_BUG;
    id = emit(&w);
    jobs_drain(w.jobs);
    assert_state(&w, id, "dead", 1, "test.render");
    assert_int_equal(w.to.n, 0);
    world_close(&w);
}
TESTDB_CASES(erased_is_withdrawn)

static void private_networks_are_closed(bool postgres)
{
    struct world w;
    struct fault why;
    world_open(&w, postgres, "");
    assert_rc(mozflow_url_ok(w.m, str_of(w.url), &why), RC_INVALID, &why);
    assert_rc(mozflow_url_ok(w.m, STR("http://mozflow.example/x"), &why), RC_INVALID, &why);
    assert_rc(mozflow_url_ok(w.m, STR("https://10.0.0.1/x"), &why), RC_INVALID, &why);
    assert_rc(mozflow_url_ok(w.m, STR("https://user@mozflow.example/x"), &why), RC_INVALID, &why);
    assert_rc(mozflow_url_ok(w.m, STR("https://mozflow.example/x"), &why), RC_OK, &why);
    endpoint(&w, true, SECRET); /* saved anyhow, as by an older setting */
    str id = emit(&w);
    jobs_drain(w.jobs);
    assert_state(&w, id, "waiting", 1, "fetch.address");
    assert_int_equal(w.to.n, 0);
    world_close(&w);
}
TESTDB_CASES(private_networks_are_closed)

static enum rc bad_emit(struct tx *tx, void *arg, struct fault *why)
{
    return mozflow_emit(tx, arg, NULL, why);
}

static void refuses_what_it_does_not_know(bool postgres)
{
    struct world w;
    struct fault why;
    world_open(&w, postgres, "127.0.0.0/8");
    struct mozflow_new e = {.type = "message.vanished", .workspace = STR("ws_a")};
    assert_rc(store_write(w.db.store, STORE_INTERACTIVE, bad_emit, &e, &why), RC_BUG, &why);
    assert_string_equal(why.code, "mozflow.unknown_type");
    e = (struct mozflow_new){.type = "message.received", .workspace = STR("ws_a"), .ids = STR("[1]")};
    assert_rc(store_write(w.db.store, STORE_INTERACTIVE, bad_emit, &e, &why), RC_BUG, &why);
    struct mozflow_options o = w.m->o;
    static const struct mozflow_event again[] = {
        {"message.received", "Another row.", "{\"type\":\"object\"}", render_message}};
    const struct mozflow_event_table two[] = {{test_types, 1, NULL}, {again, 1, NULL}};
    struct mozflow *m = NULL;
    o.tables = two;
    o.n_tables = 2;
    assert_rc(mozflow_open(&o, &m, &why), RC_BUG, &why);
    world_close(&w);
}
TESTDB_CASES(refuses_what_it_does_not_know)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_published_example),
        cmocka_unit_test(test_retry_after),
        TESTDB_BOTH(delivers_once_and_signed),
        TESTDB_BOTH(retries_die_and_are_replayed),
        TESTDB_BOTH(holds_and_releases),
        TESTDB_BOTH(rotation_signs_with_both),
        TESTDB_BOTH(erased_is_withdrawn),
        TESTDB_BOTH(private_networks_are_closed),
        TESTDB_BOTH(refuses_what_it_does_not_know),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
