/* The pure parts of the intake: signature header forms n01..n16, time classes, the bounded scan. */
#include "unit.h"
#include "webhook/webhook.h"

#define S64 "f1dda1d4fd334a608cf4d3832de6643311f7f56df7e7eb1a5a332fe7e9227154"

static void header_forms(void **state)
{
    static const struct {
        const char *header;
        bool good;
    } rows[] = {
        {"t=1789000001,s=" S64, true},
        {"s=" S64 ",t=1789000001", true},
        {"t=1789000001, s=" S64, true},
        {"t=1789000001 ,\ts=" S64, true},
        {"t=1789000001,s=" S64 ",v=2", true},
        {"t=1789000001,s=F1DDA1D4FD334A608CF4D3832DE6643311F7F56DF7E7EB1A5A332FE7E9227154", true},
        {"t=1789000001", false},
        {"s=" S64, false},
        {"t=1789000001,t=1789000010,s=" S64, false},
        {"t=1789000001,s=" S64 ",s=" S64, false},
        {"t=17e8,s=" S64, false},
        {"t=-1,s=" S64, false},
        {"t=+1,s=" S64, false},
        {"t=,s=" S64, false},
        {"t=99999999999999999999,s=" S64, false},
        {"t=1789000001,s=" S64 "00", false},
        {"t=1789000001,s=xyz", false},
        {"t=1789000001;s=" S64, false},
        {"", false},
        {",", false},
        {"t", false},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct signature sig;
        if (signature_parse(str_of(rows[i].header), &sig) != rows[i].good)
            fail_msg("header %zu: %s", i, rows[i].header);
    }
}

static void classes(void **state)
{
    static const struct {
        int64_t age_s;
        enum time_class want;
    } rows[] = {
        {0, TIME_FRESH},
        {300, TIME_FRESH},
        {301, TIME_STALE},
        {73 * 3600, TIME_STALE},
        {73 * 3600 + 1, TIME_QUARANTINE},
        {-120, TIME_FRESH},
        {-300, TIME_FRESH},
        {-301, TIME_QUARANTINE},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_int_equal(time_classify(1789000001, (1789000001 + rows[i].age_s) * 1000), rows[i].want);
}

static void scan(void **state)
{
    static const struct {
        const char *body;
        int64_t want;
    } rows[] = {
        {"{\"client_key\":\"1\",\"event\":\"x\",\"create_time\":1789000000,\"content\":\"{}\"}", 1789000000},
        {"{ \"create_time\" :\n 1789000000 }", 1789000000},
        {"{\"content\":\"{\\\"create_time\\\":5}\",\"create_time\":7}", 7},
        {"{\"a\":{\"create_time\":5},\"create_time\":7}", 7},
        {"{\"a\":\"create_time\",\"b\":3}", 0},
        {"{\"create_time\":\"1789000000\"}", 0},
        {"{\"create_time\":999999999999999999}", 0},
        {"{\"create_time", 0},
        {"", 0},
        {"\"\\", 0},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_int_equal(envelope_create_time(str_of(rows[i].body)), rows[i].want);
}

static void fine_time(void **state)
{
    static const struct {
        const char *body;
        int64_t want;
    } rows[] = {
        {"{\"create_time\":1789000000,\"content\":\"{\\\"timestamp\\\":1789000000123}\"}", 1789000000123},
        {"{\"create_time\":1789000000,\"content\":\"{\\\"timestamp\\\":1788999997999}\"}", 1788999997999},
        {"{\"create_time\":1789000000,\"content\":\"{\\\"timestamp\\\":1789000005001}\"}", 1789000000000},
        {"{\"create_time\":1789000000,\"content\":\"{\\\"timestamp\\\":1789000000}\"}", 1789000000000},
        {"{\"create_time\":1789000000,\"content\":\"{\\\"timestamp\\\":", 1789000000000},
        {"{\"content\":\"{\\\"timestamp\\\":1789000000123}\"}", 0},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_int_equal(envelope_event_ms(str_of(rows[i].body)), rows[i].want);
}

static void envelope(void **state)
{
    struct arena *mem = arena_open(1 << 20);
    struct webhook_event ev = {0};
    struct fault why = {0};
    (void)state;
    assert_int_equal(
        webhook_parse(STR("{\"client_key\":\"76\",\"event\":\"im_receive_msg\",\"create_time\":1789000000,"
                          "\"user_openid\":\"-000\",\"content\":\"{\\\"message_id\\\":\\\"m\\\"}\"}"),
                      mem, &ev, &why),
        RC_OK);
    str id;
    assert_true(json_str(ev.content, "message_id", &id) && str_eq(id, STR("m")));
    assert_int_equal(
        webhook_parse(STR("{\"client_key\":\"76\",\"event\":\"x\",\"content\":\"{\"}"), mem, &ev, &why),
        RC_OK);
    assert_null(ev.content);
    assert_int_equal(webhook_parse(STR("[]"), mem, &ev, &why), RC_INVALID);
    assert_int_equal(webhook_parse(STR("{\"event\":\"x\"}"), mem, &ev, &why), RC_INVALID);
    arena_close(&mem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(header_forms), cmocka_unit_test(classes),  cmocka_unit_test(scan),
        cmocka_unit_test(fine_time),    cmocka_unit_test(envelope),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
