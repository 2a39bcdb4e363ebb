/* Conversations of the simulator without sockets: the multipart reader, both window modes against a count by
 * hand, rings of messages and media that forget their oldest rows.
 */
#include "unit.h"
#include "files.h"
#include "multipart.h"
#include "talk.h"
#include "crypto/crypto.h"

static const char scenario[] =
    "{\"apps\":[{\"client_key\":\"76\",\"client_secret\":\"s\",\"name\":\"T\",\"portal\":\"business\","
    "\"organization\":\"o\",\"scopes\":\"message.list.send\",\"webhook_url\":\"http://127.0.0.1:1/h\","
    "\"redirect_uris\":{\"web\":[\"https://a.example/cb\"]}}],"
    "\"users\":[{\"id\":\"u1\",\"display_name\":\"U\",\"username\":\"u\"}],"
    "\"shops\":[{\"id\":\"s1\",\"client_key\":\"76\",\"user\":\"u1\",\"username\":\"u\"}],"
    "\"customers\":[{\"id\":\"c1\",\"username\":\"c1\"},{\"id\":\"c2\",\"username\":\"c2\"}]}";

static struct thread *world(struct sim *s, const char *customer)
{
    struct fault why = {.rc = RC_OK};
    sim_init(s);
    assert_int_equal(scenario_apply(s, STR(scenario), ".", &why), RC_OK);
    return thread_make(s, shop_find(s->w, STR("s1")), customer_find(s->w, str_of(customer)));
}

static struct message *put(struct sim *s, struct thread *t, bool from_shop)
{
    struct message like = {.from_shop = from_shop, .at_ms = talk_now(s)};
    return message_add(s, t, &like, STR("x"));
}

static void test_multipart(void **state)
{
    (void)state;
    struct arena *mem = arena_open(1U << 20);
    struct upload up;
    static const char type[] = "multipart/form-data; boundary=\"b1\"";
    static const char body[] = "--b1\r\nContent-Disposition: form-data; name=\"business_id\"\r\n\r\n-000x\r\n"
                               "--b1\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.png\"\r\n"
                               "Content-Type: image/png\r\n\r\n\x89PNG\r\n--b\r\n\r\n"
                               "--b1--\r\n";
    assert_true(multipart_read(STR(type), STR(body), mem, &up));
    assert_true(str_eq(form_get(&up.fields, "business_id"), STR("-000x")));
    assert_true(str_eq(up.file_field, STR("file")) && str_eq(up.file_name, STR("a.png")));
    assert_true(str_eq(up.file, STR("\x89PNG\r\n--b\r\n")) && str_eq(up.file_type, STR("image/png")));
    for (size_t n = 0; n < sizeof body - 1 - 4; n++) /* no part of it is a whole */
        assert_false(multipart_read(STR(type), (str){body, n}, mem, &up));
    assert_false(multipart_read(STR("multipart/form-data"), STR(body), mem, &up));
    assert_false(multipart_read(STR("application/json; boundary=b1"), STR(body), mem, &up));
    assert_false(multipart_read(STR("multipart/form-data; boundary=b2"), STR(body), mem, &up));
    arena_close(&mem);
}

static void test_window(void **state)
{
    (void)state;
    static const struct {
        const char *mode;
        int64_t first, active, silent;
    } modes[] = {{"documented", 10, -1, 3}, {"strict", 10, 10, 0}, {"off", -1, -1, -1}};
    for (size_t i = 0; i < COUNT_OF(modes); i++) {
        struct sim s;
        struct fault why;
        struct thread *t = world(&s, "c1");
        assert_int_equal(switch_set(&s.sw, STR("window"), str_of(modes[i].mode), &why), RC_OK);
        if (modes[i].first >= 0)
            assert_non_null(window_refusal(&s, t)); /* cold */
        put(&s, t, false);
        put(&s, t, false);
        assert_int_equal(window_at(&s, t).left, modes[i].first);
        put(&s, t, true);
        assert_int_equal(window_at(&s, t).left, modes[i].first < 0 ? -1 : modes[i].first - 1);
        put(&s, t, false);
        assert_int_equal(window_at(&s, t).left, modes[i].active);
        put(&s, t, true);
        s.w->offset_ms += 48LL * 3600 * 1000 - 1000;
        assert_int_equal(window_at(&s, t).left, modes[i].active < 0 ? -1 : modes[i].active - 1);
        s.w->offset_ms += 2000;
        assert_int_equal(window_at(&s, t).left, modes[i].silent);
        for (int64_t k = 0; k < modes[i].silent; k++) {
            assert_null(window_refusal(&s, t));
            put(&s, t, true);
        }
        if (modes[i].silent >= 0)
            assert_non_null(window_refusal(&s, t));
        put(&s, t, false);
        assert_int_equal(window_at(&s, t).left, modes[i].active);
        sim_release(&s);
    }
}

/* More messages than rows: chains end at forgotten rows, ids of forgotten messages are not found. */
static void test_rings(void **state)
{
    (void)state;
    struct sim s;
    struct thread *a = world(&s, "c1");
    struct thread *b = thread_make(&s, shop_find(s.w, STR("s1")), customer_find(s.w, STR("c2")));
    char oldest[ID_SIZE], kept[ID_SIZE];
    assert_true(text_set(oldest, sizeof oldest, str_of(put(&s, a, false)->id)));
    assert_non_null(message_find(&s, a, str_of(oldest)));
    assert_null(message_find(&s, b, str_of(oldest)));
    for (size_t i = 0; i < MAX_MESSAGES; i++)
        assert_true(text_set(kept, sizeof kept, str_of(put(&s, i % 2 == 0 ? a : b, i % 3 == 0)->id)));
    assert_null(message_find(&s, a, str_of(oldest)));
    assert_non_null(message_find(&s, b, str_of(kept)));
    size_t n = 0;
    for (const struct message *m = message_newest(&s, a); m != NULL; m = message_before(&s, m))
        n++;
    for (const struct message *m = message_newest(&s, b); m != NULL; m = message_before(&s, m))
        n++;
    assert_int_equal(n, MAX_MESSAGES);
    talk_clear(&s);
    assert_int_equal(s.w->media_bytes, 0);
    sim_release(&s);
}

static void test_media_room(void **state)
{
    (void)state;
    struct sim s;
    (void)world(&s, "c1");
    char *bytes = mem_new(2000000), first[ID_SIZE] = "", last[ID_SIZE] = "";
    for (int i = 0; i < 150; i++) {
        const struct media *m = media_add(&s, &(struct media){.type = "image/png"}, (str){bytes, 2000000});
        assert_true(text_set(i == 0 ? first : last, ID_SIZE, str_of(m->id)));
    }
    assert_null(media_find(&s, str_of(first)));
    assert_non_null(media_find(&s, str_of(last)));
    assert_true(s.w->media_bytes <= (200U << 20));
    mem_free(bytes);
    sim_release(&s);
}

/* A held event outlives as many settled ones as there are rows. */
static void test_held(void **state)
{
    (void)state;
    struct sim s;
    (void)world(&s, "c1");
    struct event e = {.app = app_find(s.w, STR("76")), .name = STR("im_x"), .content = STR("{}")};
    uint64_t held[8], other[8];
    assert_int_equal(webhook_emit(&s, &e, &(struct plan){.hold = true}, held), 1);
    for (int i = 0; i < 2 * MAX_DELIVERIES; i++)
        assert_int_equal(webhook_emit(&s, &e, &(struct plan){.lost = true}, other), 1);
    const struct delivery *d = delivery_find(&s, held[0]);
    assert_true(d != NULL && d->state == DELIVERY_HELD);
    d = delivery_find(&s, other[0]);
    assert_true(d != NULL && d->state == DELIVERY_LOST);
    sim_release(&s);
}

int main(void)
{
    crypto_start();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_multipart),  cmocka_unit_test(test_window), cmocka_unit_test(test_rings),
        cmocka_unit_test(test_media_room), cmocka_unit_test(test_held),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
