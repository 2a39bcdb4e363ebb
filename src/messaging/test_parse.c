/* Pure parts: what an im_receive_msg must hold, the order key, the state table. */
#include "unit.h"
#include "messaging/messaging.h"

#define HEAD "\"conversation_id\":\"u5Conv==\",\"message_id\":\"u5Msg==\",\"timestamp\":1789000000123,"
#define WHO                                                                                                  \
    "\"unique_identifier\":\"+Cust\",\"from_user\":{\"id\":\"+Cust\",\"role\":\"personal_account\"},"        \
    "\"from\":\"somchai\","

static enum rc parse(const char *content, struct inbound *out, struct arena *mem)
{
    struct webhook_event ev = {.user_openid = STR("-000")};
    struct fault why = {0};
    assert_int_equal(json_parse(str_of(content), NULL, mem, &ev.content, &why), RC_OK);
    return inbound_parse(&ev, out, &why);
}

static void contents(void **state)
{
    static const struct {
        const char *content;
        enum rc rc;
        enum message_form form;
    } rows[] = {
        {"{" HEAD WHO "\"type\":\"text\",\"text\":{\"body\":\"สวัสดีค่ะ\"}}", RC_OK, FORM_SHOWN},
        {"{" HEAD WHO "\"type\":\"image\",\"image\":{\"media_id\":\"1\"}}", RC_OK, FORM_NOT_YET},
        {"{" HEAD WHO "\"type\":\"hologram\"}", RC_OK, FORM_NOT_YET},
        {"{" HEAD WHO "\"type\":\"reaction\",\"reaction\":[]}", RC_OK, FORM_NO_LINE},
        {"{" HEAD "\"from_user\":{\"id\":\"+Cust\"},\"type\":\"text\",\"text\":{\"body\":\"\"}}", RC_OK,
         FORM_SHOWN},
        {"{" HEAD WHO "\"type\":\"text\"}", RC_INVALID, FORM_SHOWN},
        {"{" HEAD WHO "\"type\":\"text\",\"text\":{\"body\":5}}", RC_INVALID, FORM_SHOWN},
        {"{" HEAD "\"type\":\"text\",\"text\":{\"body\":\"x\"}}", RC_INVALID, FORM_SHOWN},
        {"{" WHO "\"type\":\"text\",\"text\":{\"body\":\"x\"}}", RC_INVALID, FORM_SHOWN},
        {"{}", RC_INVALID, FORM_SHOWN},
        {"[]", RC_INVALID, FORM_SHOWN},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct arena *mem = arena_open(1 << 20);
        struct inbound in = {0};
        assert_int_equal(parse(rows[i].content, &in, mem), rows[i].rc);
        if (rows[i].rc == RC_OK) {
            assert_int_equal(in.form, rows[i].form);
            assert_true(str_eq(in.person, STR("+Cust")));
            assert_int_equal(in.at_ms, 1789000000123);
        }
        arena_close(&mem);
    }
}

static void moves(void **state)
{
    enum conversation_status to;
    struct fault why = {0};
    (void)state;
    for (size_t s = 0; s < CONV_STATUSES; s++) {
        assert_int_equal(conversation_move((enum conversation_status)s, CONV_CUSTOMER_WROTE, &to, &why),
                         RC_OK);
        assert_int_equal(to, CONV_WAITING_US);
    }
    assert_int_equal(conversation_move(CONV_STATUSES, CONV_CUSTOMER_WROTE, &to, &why), RC_BUG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(contents), cmocka_unit_test(moves)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
