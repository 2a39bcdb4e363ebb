/* Pure parts of tiktok: what becomes a token and what never does, classes of answers, callback queries, QR
 * answers. */
#include "unit.h"
#include "tiktok/tiktok_priv.h"
#include "crypto/crypto.h"

static struct arena *mem;

static int begin(void **state)
{
    (void)state;
    crypto_start();
    mem = arena_open(4 << 20);
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_close(&mem);
    return 0;
}

#define GOOD                                                                                                 \
    "\"access_token\":\"act.a*b!6290.va\",\"expires_in\":7200,\"refresh_token\":\"rft.x\","                  \
    "\"refresh_expires_in\":15552000,\"open_id\":\"-000abc\",\"scope\":\"user.info.basic\",\"token_type\":"  \
    "\"Bearer\""

static void takes_a_good_answer(void **state)
{
    (void)state;
    struct tiktok_tokens t;
    struct fault why;
    assert_int_equal(tiktok_tokens_parse(200, STR("{" GOOD "}"), mem, &t, &why), RC_OK);
    assert_int_equal(t.expires_in_s, 7200);
    assert_int_equal(t.refresh_expires_in_s, 15552000);
    assert_true(str_eq(t.open_id, STR("-000abc")));
    assert_int_equal(t.access.n, 15);
    assert_memory_equal(t.access.p, "act.a*b!6290.va", 15);
}

static void refuses_what_is_no_token(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *body;
        enum rc rc;
        const char *code;
    } rows[] = {
        {200,
         "{\"error\":\"invalid_grant\",\"error_description\":\"Authorization code is "
         "expired.\",\"log_id\":\"1\"}",
         RC_REAUTH, "tiktok.grant_invalid"},
        {200,
         "{\"error\":\"invalid_request\",\"error_description\":\"Redirect_uri is not matched with the uri "
         "when "
         "requesting code.\"}",
         RC_REFUSED, "tiktok.redirect_mismatch"},
        {400, "{\"error\":\"invalid_grant\",\"error_description\":\"redirect_uri differs\"}", RC_REFUSED,
         "tiktok.redirect_mismatch"},
        {200,
         "{\"error\":\"invalid_request\",\"error_description\":\"Code verifier or code challenge is "
         "invalid.\"}",
         RC_REFUSED, "tiktok.verifier"},
        {401, "{\"error\":\"invalid_client\"}", RC_REFUSED, "tiktok.client"},
        {200, "{\"error\":\"invalid_scope\"}", RC_SCOPE, "tiktok.scope_unapproved"},
        {200, "{\"error\":\"server_error\"}", RC_RETRY, "tiktok.down"},
        {200, "{\"error\":\"something_new\"}", RC_REFUSED, "tiktok.oauth_error"},
        {200, "{\"error\":null," GOOD "}", RC_REFUSED, "tiktok.oauth_error"},
        {200, "{\"error\":{\"code\":\"ok\"}," GOOD "}", RC_REFUSED, "tiktok.oauth_error"},
        {200, "<!doctype html><title>TikTok</title>", RC_RETRY, "tiktok.not_json"},
        {502, "<html>bad gateway</html>", RC_RETRY, "tiktok.down"},
        {429, "slow down", RC_LIMITED, "tiktok.limited"},
        {200, "{" GOOD, RC_RETRY, "tiktok.not_json"},
        {200, "", RC_RETRY, "tiktok.not_json"},
        {200, "[1]", RC_RETRY, "tiktok.not_json"},
        {200, "{}", RC_REFUSED, "tiktok.oauth_error"},
        {500, "{" GOOD "}", RC_RETRY, "tiktok.down"},
        {302, "{" GOOD "}", RC_REFUSED, "tiktok.oauth_error"},
        {200, "{\"access_token\":\"\",\"expires_in\":7200,\"open_id\":\"a\"}", RC_REFUSED,
         "tiktok.oauth_error"},
        {200, "{\"access_token\":\"a\",\"expires_in\":\"7200\",\"open_id\":\"a\"}", RC_REFUSED,
         "tiktok.oauth_error"},
        {200, "{\"access_token\":\"a\",\"expires_in\":7200.5,\"open_id\":\"a\"}", RC_REFUSED,
         "tiktok.oauth_error"},
        {200, "{\"access_token\":\"a\",\"expires_in\":0,\"open_id\":\"a\"}", RC_REFUSED,
         "tiktok.oauth_error"},
        {200, "{\"access_token\":\"a\",\"expires_in\":-5,\"open_id\":\"a\"}", RC_REFUSED,
         "tiktok.oauth_error"},
        {200, "{\"access_token\":\"a\",\"expires_in\":7200}", RC_REFUSED, "tiktok.oauth_error"},
        {200, "{\"access_token\":\"a b\",\"expires_in\":7200,\"open_id\":\"a\"}", RC_REFUSED,
         "tiktok.oauth_error"},
        {200, "{\"access_token\":\"a\\r\\nX: y\",\"expires_in\":7200,\"open_id\":\"a\"}", RC_REFUSED,
         "tiktok.oauth_error"},
        {200, "{\"data\":{" GOOD "}}", RC_REFUSED, "tiktok.oauth_error"},
        {200, "{\"access_token\":\"a\",\"access_token\":\"b\",\"expires_in\":7200,\"open_id\":\"a\"}",
         RC_RETRY, "tiktok.not_json"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct tiktok_tokens t = {.expires_in_s = 77};
        struct fault why = {0};
        enum rc rc = tiktok_tokens_parse(rows[i].status, str_of(rows[i].body), mem, &t, &why);
        if (rc != rows[i].rc || strcmp(why.code, rows[i].code) != 0)
            fail_msg("row %zu: %s %s, want %s %s", i, rc_name(rc), why.code, rc_name(rows[i].rc),
                     rows[i].code);
        assert_int_equal(t.expires_in_s, 77); /* outputs stay as they were */
        assert_int_equal(t.access.n, 0);
    }
}

static void reads_user_info(void **state)
{
    (void)state;
    struct tiktok_user u;
    struct fault why;
    str body =
        STR("{\"data\":{\"user\":{\"open_id\":\"-0a\",\"display_name\":\"\xe0\xb8\xaa\xf0\x9f\x98\x80\","
            "\"follower_count\":9007199254740993}},\"error\":{\"code\":\"ok\",\"message\":\"\"}}");
    assert_int_equal(tiktok_user_parse(200, body, mem, &u, &why), RC_OK);
    assert_int_equal(u.followers, 9007199254740993);
    assert_int_equal(u.union_id.n, 0);
    str scope = STR("{\"error\":{\"code\":\"scope_not_authorized\",\"message\":\"m\"}}");
    assert_int_equal(tiktok_user_parse(401, scope, mem, &u, &why), RC_SCOPE);
    str token = STR("{\"error\":{\"code\":\"access_token_invalid\",\"message\":\"m\"}}");
    assert_int_equal(tiktok_user_parse(401, token, mem, &u, &why), RC_REAUTH);
    assert_int_equal(tiktok_user_parse(200, STR("{\"error\":{\"code\":\"ok\"},\"data\":{}}"), mem, &u, &why),
                     RC_REFUSED);
    assert_int_equal(
        tiktok_user_parse(429, STR("{\"error\":{\"code\":\"rate_limit_exceeded\"}}"), mem, &u, &why),
        RC_LIMITED);
    assert_int_equal(tiktok_user_parse(500, STR("{\"x\":1}"), mem, &u, &why), RC_RETRY);
}

static void fields_follow_scopes(void **state)
{
    (void)state;
    assert_true(str_eq(tiktok_user_fields(STR("user.info.basic"), mem),
                       STR("open_id,union_id,avatar_url,display_name")));
    assert_int_equal(tiktok_user_fields(STR("video.list"), mem).n, 0);
    str both = tiktok_user_fields(STR("user.info.basic, user.info.stats"), mem);
    assert_true(str_ends(both, STR("video_count")));
    assert_false(tiktok_scope_in(STR("user.info.basics"), STR("user.info.basic")));
    assert_true(tiktok_scope_in(STR("video.list user.info.basic"), STR("user.info.basic")));
}

static void reads_callbacks(void **state)
{
    (void)state;
    struct tiktok_callback c;
    struct fault why;
    assert_int_equal(
        tiktok_callback_parse(STR("code=ab%2A1%214608.va&scopes=user.info.basic%2Cvideo.list&state=s1&x=y"),
                              mem, &c, &why),
        RC_OK);
    assert_true(str_eq(c.code, STR("ab*1!4608.va")));
    assert_true(str_eq(c.scopes, STR("user.info.basic,video.list")));
    assert_int_equal(tiktok_callback_parse(STR("code=a%252Ab&state=s"), mem, &c, &why), RC_OK);
    assert_true(str_eq(c.code, STR("a%2Ab"))); /* decoded once only */
    static const char *const bad[] = {"",
                                      "state=s",
                                      "code=&state=s",
                                      "code=a&code=b&state=s",
                                      "code=a%00b",
                                      "code=a%20b&state=s",
                                      "code=%zz",
                                      "code=a&state=s&state=t"};
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_int_equal(tiktok_callback_parse(str_of(bad[i]), mem, &c, &why), RC_INVALID);
}

static void classes_callback_errors(void **state)
{
    (void)state;
    static const struct {
        const char *query, *code;
    } rows[] = {
        {"error=access_denied&state=s", "tiktok.denied"},
        {"error=access_denied&error_type=non_sandbox_target", "tiktok.non_sandbox_target"},
        {"error=invalid_scope&error_type=scope", "tiktok.scope_unapproved"},
        {"error=unauthorized_client&error_type=scope", "tiktok.scope_unapproved"},
        {"error=unauthorized_client&error_type=client_key", "tiktok.client"},
        {"error=invalid_request&error_type=redirect_uri", "tiktok.redirect_mismatch"},
        {"error=invalid_request&error_type=code_challenge", "tiktok.verifier"},
        {"error=server_error", "tiktok.down"},
        {"error=whatever&error_description=%0A%1b[31mforged", "tiktok.oauth_error"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct tiktok_callback c;
        struct fault why;
        assert_int_equal(tiktok_callback_parse(str_of(rows[i].query), mem, &c, &why), RC_OK);
        assert_int_not_equal(tiktok_callback_fault(&c, &why), RC_OK);
        assert_string_equal(why.code, rows[i].code);
        for (const char *p = why.detail; *p != '\0'; p++)
            assert_true(*p >= 0x20 && *p < 0x7f);
    }
}

static void knows_pkce(void **state)
{
    (void)state;
    assert_true(str_eq(tiktok_challenge(STR("abc"), mem),
                       STR("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")));
    assert_true(tiktok_verifier_ok(STR("abcdefghijklmnopqrstuvwxyz012345"))); /* Android's 32 */
    assert_false(tiktok_verifier_ok(STR("abcdefghijklmnopqrstuvwxyz01234")));
    assert_false(tiktok_verifier_ok(STR("abcdefghijklmnopqrstuvwxyz01234 ")));
}

static void reads_qr(void **state)
{
    (void)state;
    struct tiktok_qr qr;
    struct tiktok_qr_answer a;
    struct fault why;
    str start =
        STR("{\"scan_qrcode_url\":\"aweme://authorize?a=1&client_ticket=tobefilled&z=2\",\"token\":\"tk\"}");
    assert_int_equal(tiktok_qr_start_parse(200, start, STR("T1"), mem, &qr, &why), RC_OK);
    assert_true(str_eq(qr.url, STR("aweme://authorize?a=1&client_ticket=T1&z=2")));
    assert_int_equal(tiktok_qr_start_parse(200, STR("{\"scan_qrcode_url\":\"x\",\"token\":\"t\"}"), STR("T1"),
                                           mem, &qr, &why),
                     RC_REFUSED);
    str both = STR("{\"status\":\"confirmed\",\"client_ticket\":\"T1\",\"redirect_uri\":\"https://x/"
                   "y?code=c%2A1&state=s\"}");
    assert_int_equal(tiktok_qr_check_parse(200, both, STR("T1"), mem, &a, &why), RC_OK);
    assert_true(str_eq(a.callback.code, STR("c*1")));
    str code = STR("{\"status\":\"confirmed\",\"client_ticket\":\"T1\",\"code\":\"c2\",\"state\":\"s\"}");
    assert_int_equal(tiktok_qr_check_parse(200, code, STR("T1"), mem, &a, &why), RC_OK);
    assert_int_equal(tiktok_qr_check_parse(200, code, STR("T2"), mem, &a, &why), RC_DENIED);
    assert_int_equal(tiktok_qr_check_parse(200, STR("{\"status\":\"new\"}"), STR("T1"), mem, &a, &why),
                     RC_OK);
    assert_int_equal(tiktok_qr_check_parse(200, STR("{\"status\":\"confirmed\",\"client_ticket\":\"T1\"}"),
                                           STR("T1"), mem, &a, &why),
                     RC_INVALID);
}

static void full_arenas_refuse(void **state)
{
    (void)state;
    struct fault why;
    for (unsigned at = 1; at < 200; at++) {
        struct arena *small = arena_open(64 * 1024);
        struct tiktok_tokens t = {0};
        arena_fail_at(small, at);
        enum rc rc = tiktok_tokens_parse(200, STR("{" GOOD "}"), small, &t, &why);
        bool done = rc == RC_OK;
        if (!done)
            assert_true(t.access.n == 0);
        arena_close(&small);
        if (done)
            return;
    }
    fail_msg("no pass without a failure");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_a_good_answer), cmocka_unit_test(refuses_what_is_no_token),
        cmocka_unit_test(reads_user_info),     cmocka_unit_test(fields_follow_scopes),
        cmocka_unit_test(reads_callbacks),     cmocka_unit_test(classes_callback_errors),
        cmocka_unit_test(knows_pkce),          cmocka_unit_test(reads_qr),
        cmocka_unit_test(full_arenas_refuse),
    };
    return cmocka_run_group_tests_name("tiktok", tests, begin, end);
}
