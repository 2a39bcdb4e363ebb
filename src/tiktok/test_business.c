/* Accounts and advertisers, pure: every class row, tokens, profiles, callbacks, and the odd answers of which
 * the reference tells. The expectations are written out here, not read from the table under test. */
#include "unit.h"
#include "tiktok/tiktok_priv.h"
#include "crypto/crypto.h"

static struct arena *mem;

static int begin(void **state)
{
    (void)state;
    crypto_start();
    mem = arena_open(64u << 20);
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_close(&mem);
    return 0;
}

static struct tiktok_answer answer(enum app_kind kind, enum tiktok_group group, int status, str body)
{
    return (struct tiktok_answer){
        .kind = kind, .group = group, .status = status, .body = body, .log_id = STR("header-log")};
}

static struct tiktok_answer coded(enum app_kind kind, enum tiktok_group group, int64_t code, const char *says)
{
    str body = arena_fmt(mem, "{\"code\":%lld,\"message\":\"%s\",\"request_id\":\"20261122LOG\",\"data\":{}}",
                         (long long)code, says);
    return answer(kind, group, 200, body);
}

/* ---- classes ---- */
#define X GROUP_EXCHANGE
#define R GROUP_REFRESH
#define V GROUP_REVOKE
#define C GROUP_CALL
static const struct expected {
    enum app_kind kind;
    enum tiktok_group group;
    int64_t code;
    const char *says;
    enum rc rc;
    const char *fault;
} expected[] = {
    {APP_ACCOUNTS, X, 40110, "", RC_REAUTH, "tiktok.code_expired"},
    {APP_ACCOUNTS, X, 40115, "", RC_REFUSED, "tiktok.oauth_error"},
    {APP_ACCOUNTS, X, 40002, "Redirect_uri differs", RC_REFUSED, "tiktok.redirect_mismatch"},
    {APP_ACCOUNTS, X, 40002, "other", RC_REFUSED, "tiktok.param"},
    {APP_ACCOUNTS, X, 40001, "", RC_REFUSED, "tiktok.client"},
    {APP_ACCOUNTS, X, 40101, "", RC_REFUSED, "tiktok.client"},
    {APP_ACCOUNTS, X, 40113, "", RC_REFUSED, "tiktok.client"},
    {APP_ACCOUNTS, X, 40100, "", RC_LIMITED, "tiktok.limited"},
    {APP_ACCOUNTS, X, 40108, "", RC_BUG, "tiktok.invalid_params"},
    {APP_ACCOUNTS, X, 50000, "", RC_RETRY, "tiktok.down"},
    {APP_ACCOUNTS, R, 40103, "", RC_REAUTH, "tiktok.refresh_dead"},
    {APP_ACCOUNTS, R, 40107, "", RC_REAUTH, "tiktok.refresh_dead"},
    {APP_ACCOUNTS, R, 40105, "", RC_REAUTH, "tiktok.refresh_dead"},
    {APP_ACCOUNTS, R, 40001, "", RC_REFUSED, "tiktok.client"},
    {APP_ACCOUNTS, R, 40101, "", RC_REFUSED, "tiktok.client"},
    {APP_ACCOUNTS, R, 40113, "", RC_REFUSED, "tiktok.client"},
    {APP_ACCOUNTS, R, 40100, "", RC_LIMITED, "tiktok.limited"},
    {APP_ACCOUNTS, R, 51305, "", RC_RETRY, "tiktok.down"},
    {APP_ACCOUNTS, R, 60001, "", RC_RETRY, "tiktok.down"},
    {APP_ACCOUNTS, R, 40050, "", RC_UNSURE, "tiktok.unsure"},
    {APP_ACCOUNTS, V, 40105, "", RC_REAUTH, "tiktok.token_invalid"},
    {APP_ACCOUNTS, V, 40102, "", RC_REAUTH, "tiktok.token_expired"},
    {APP_ACCOUNTS, C, 40102, "", RC_REAUTH, "tiktok.token_expired"},
    {APP_ACCOUNTS, C, 40103, "", RC_REAUTH, "tiktok.refresh_dead"},
    {APP_ACCOUNTS, C, 40105, "", RC_REAUTH, "tiktok.token_invalid"},
    {APP_ACCOUNTS, C, 40107, "", RC_REAUTH, "tiktok.refresh_dead"},
    {APP_ACCOUNTS, C, 40110, "", RC_REAUTH, "tiktok.code_expired"},
    {APP_ACCOUNTS, C, 40001, "", RC_SCOPE, "tiktok.scope_missing"},
    {APP_ACCOUNTS, C, 40118, "", RC_OFF, "tiktok.not_allowed"},
    {APP_ACCOUNTS, C, 40124, "", RC_OFF, "tiktok.not_allowed"},
    {APP_ACCOUNTS, C, 40125, "", RC_OFF, "tiktok.not_allowed"},
    {APP_ACCOUNTS, C, 40016, "", RC_LIMITED, "tiktok.limited"},
    {APP_ACCOUNTS, C, 40100, "", RC_LIMITED, "tiktok.limited"},
    {APP_ACCOUNTS, C, 40133, "", RC_LIMITED, "tiktok.limited"},
    {APP_ACCOUNTS, C, 40101, "", RC_REFUSED, "tiktok.client"},
    {APP_ACCOUNTS, C, 41000, "", RC_REFUSED, "tiktok.client"},
    {APP_ACCOUNTS, C, 40064, "", RC_REFUSED, "tiktok.dm_rules"},
    {APP_ACCOUNTS, C, 40104, "", RC_BUG, "tiktok.invalid_params"},
    {APP_ACCOUNTS, C, 40117, "", RC_BUG, "tiktok.invalid_params"},
    {APP_ACCOUNTS, C, 40006, "", RC_BUG, "tiktok.invalid_params"},
    {APP_ACCOUNTS, C, 40010, "", RC_BUG, "tiktok.invalid_params"},
    {APP_ACCOUNTS, C, 40011, "", RC_BUG, "tiktok.invalid_params"},
    {APP_ACCOUNTS, C, 40051, "", RC_BUG, "tiktok.invalid_params"},
    {APP_ACCOUNTS, C, 40000, "", RC_REFUSED, "tiktok.param"},
    {APP_ACCOUNTS, C, 40007, "", RC_REFUSED, "tiktok.api_error"},
    {APP_ACCOUNTS, C, 40008, "", RC_REFUSED, "tiktok.api_error"},
    {APP_ACCOUNTS, C, 40202, "", RC_RETRY, "tiktok.down"},
    {APP_ACCOUNTS, C, 40900, "", RC_REFUSED, "tiktok.file"},
    {APP_ACCOUNTS, C, 40915, "", RC_REFUSED, "tiktok.file"},
    {APP_ACCOUNTS, C, 51065, "", RC_RETRY, "tiktok.down"},
    {APP_ACCOUNTS, C, 20001, "", RC_REFUSED, "tiktok.api_error"},
    {APP_ACCOUNTS, C, -1, "", RC_REFUSED, "tiktok.api_error"},
    {APP_ADS, X, 40110, "Auth_code is used", RC_REAUTH, "tiktok.code_expired"},
    {APP_ADS, X, 40002, "auth_code: invalid", RC_REAUTH, "tiktok.code_expired"},
    {APP_ADS, X, 40115, "", RC_REFUSED, "tiktok.oauth_error"},
    {APP_ADS, X, 40101, "Invalid App ID or secret", RC_REFUSED, "tiktok.client"},
    {APP_ADS, X, 40001, "", RC_REFUSED, "tiktok.client"},
    {APP_ADS, X, 40002, "", RC_REFUSED, "tiktok.client"},
    {APP_ADS, X, 40100, "", RC_LIMITED, "tiktok.limited"},
    {APP_ADS, X, 50002, "", RC_RETRY, "tiktok.down"},
    {APP_ADS, V, 40105, "", RC_REAUTH, "tiktok.token_invalid"},
    {APP_ADS, V, 40101, "", RC_REFUSED, "tiktok.client"},
    {APP_ADS, C, 40105, "", RC_REAUTH, "tiktok.token_invalid"},
    {APP_ADS, C, 40104, "", RC_REAUTH, "tiktok.token_invalid"},
    {APP_ADS, C, 40110, "", RC_REAUTH, "tiktok.token_invalid"},
    {APP_ADS, C, 40103, "", RC_REAUTH, "tiktok.refresh_dead"},
    {APP_ADS, C, 40107, "", RC_REAUTH, "tiktok.refresh_dead"},
    {APP_ADS, C, 40001, "", RC_SCOPE, "tiktok.scope_missing"},
    {APP_ADS, C, 40118, "", RC_OFF, "tiktok.not_allowed"},
    {APP_ADS, C, 40125, "", RC_OFF, "tiktok.not_allowed"},
    {APP_ADS, C, 40016, "", RC_LIMITED, "tiktok.limited"},
    {APP_ADS, C, 40100, "", RC_LIMITED, "tiktok.limited"},
    {APP_ADS, C, 40101, "", RC_LIMITED, "tiktok.limited"},
    {APP_ADS, C, 40102, "", RC_LIMITED, "tiktok.limited"},
    {APP_ADS, C, 40133, "", RC_LIMITED, "tiktok.limited"},
    {APP_ADS, C, 51021, "", RC_LIMITED, "tiktok.limited"},
    {APP_ADS, C, 40113, "", RC_REFUSED, "tiktok.client"},
    {APP_ADS, C, 41000, "", RC_REFUSED, "tiktok.client"},
    {APP_ADS, C, 40000, "App is not the owner", RC_REFUSED, "tiktok.client"},
    {APP_ADS, C, 40000, "bad", RC_REFUSED, "tiktok.param"},
    {APP_ADS, C, 40002, "", RC_REFUSED, "tiktok.param"},
    {APP_ADS, C, 40050, "", RC_UNSURE, "tiktok.unsure"},
    {APP_ADS, C, 40117, "", RC_BUG, "tiktok.invalid_params"},
    {APP_ADS, C, 40200, "", RC_RETRY, "tiktok.down"},
    {APP_ADS, C, 40201, "", RC_RETRY, "tiktok.down"},
    {APP_ADS, C, 40202, "", RC_RETRY, "tiktok.down"},
    {APP_ADS, C, 40700, "", RC_RETRY, "tiktok.down"},
    {APP_ADS, C, 40908, "", RC_REFUSED, "tiktok.file"},
    {APP_ADS, C, 51039, "", RC_RETRY, "tiktok.down"},
    {APP_ADS, C, 40007, "", RC_REFUSED, "tiktok.api_error"},
};

/* The index of the row that an answer meets: the table's own rule, first match. */
static size_t row_met(const struct expected *e)
{
    const struct tiktok_code_class *c;
    for (size_t i = 0; (c = tiktok_code_class(i)) != NULL; i++)
        if (c->kind == e->kind && (c->group == GROUP_ANY || c->group == e->group) && e->code >= c->from &&
            e->code <= c->to && (c->says == NULL || tiktok_contains(str_of(e->says), c->says)))
            return i;
    fail_msg("no row for %lld", (long long)e->code);
    return 0;
}

static void every_code_has_its_class(void **state)
{
    (void)state;
    bool met[512] = {false};
    size_t rows = 0;
    for (size_t i = 0; i < COUNT_OF(expected); i++) {
        const struct expected *e = &expected[i];
        struct tiktok_answer a = coded(e->kind, e->group, e->code, e->says);
        struct fault why = {0};
        enum rc rc = tiktok_done_parse(&a, mem, &why);
        if (rc != e->rc || strcmp(why.code, e->fault) != 0)
            fail_msg("row %zu, %lld: %s %s, want %s %s", i, (long long)e->code, rc_name(rc), why.code,
                     rc_name(e->rc), e->fault);
        assert_int_equal(why.outer_code, e->code);
        assert_string_equal(why.outer_ref, "20261122LOG");
        assert_int_equal(why.rc, rc);
        met[row_met(e)] = true;
    }
    while (tiktok_code_class(rows) != NULL)
        rows++;
    assert_true(rows < COUNT_OF(met));
    for (size_t i = 0; i < rows; i++)
        if (!met[i])
            fail_msg("class row %zu (%s) is met by no expectation", i, tiktok_code_class(i)->doc);
}

/* A code that is new tomorrow must never be a success, whatever the group. */
static void no_code_but_zero_is_success(void **state)
{
    (void)state;
    static const enum app_kind kinds[] = {APP_ACCOUNTS, APP_ADS};
    for (size_t k = 0; k < COUNT_OF(kinds); k++)
        for (unsigned g = GROUP_EXCHANGE; g < GROUPS; g++)
            for (int64_t code = 39990; code < 41100; code++) {
                struct tiktok_answer a = coded(kinds[k], (enum tiktok_group)g, code, "m");
                struct fault why = {0};
                assert_int_not_equal(tiktok_done_parse(&a, mem, &why), RC_OK);
                arena_reset(mem);
            }
}

/* ---- tokens ---- */
#define ACCOUNT                                                                                              \
    "\"access_token\":\"act.biz!1\",\"expires_in\":86400,\"refresh_token\":\"rft.biz\",\"open_id\":"         \
    "\"-000biz_\""
#define WRAP(data) "{\"code\":0,\"message\":\"OK\",\"request_id\":\"R1\",\"data\":{" data "}}"

static enum rc grant(enum app_kind kind, const char *body, struct tiktok_tokens *t, struct fault *why)
{
    struct tiktok_answer a = answer(kind, GROUP_EXCHANGE, 200, str_of(body));
    return tiktok_grant_parse(&a, mem, t, why);
}

static void takes_account_tokens(void **state)
{
    (void)state;
    struct tiktok_tokens t;
    struct fault why;
    const char *full = WRAP(ACCOUNT ",\"token_type\":\"Bearer\",\"refresh_token_expires_in\":28484364,"
                                    "\"scope\":\"user.info.basic, message.list.read,message.list.send\"");
    assert_int_equal(grant(APP_ACCOUNTS, full, &t, &why), RC_OK);
    assert_memory_equal(t.access.p, "act.biz!1", 9);
    assert_int_equal(t.access.n, 9);
    assert_true(str_eq((str){(const char *)t.refresh.p, t.refresh.n}, STR("rft.biz")));
    assert_true(str_eq(t.open_id, STR("-000biz_")));
    assert_int_equal(t.expires_in_s, 86400);
    assert_int_equal(t.refresh_expires_in_s, 28484364);
    assert_true(str_eq(t.scopes, STR("user.info.basic,message.list.read,message.list.send")));
    assert_int_equal(t.n_advertisers, 0);
    /* token_type, scope and refresh_token_expires_in are optional, and may be null */
    assert_int_equal(grant(APP_ACCOUNTS, WRAP(ACCOUNT), &t, &why), RC_OK);
    assert_int_equal(t.refresh_expires_in_s, 0);
    assert_int_equal(t.scopes.n, 0);
    assert_int_equal(
        grant(APP_ACCOUNTS, WRAP(ACCOUNT ",\"scope\":null,\"refresh_token_expires_in\":null"), &t, &why),
        RC_OK);
    const char *no_refresh = WRAP("\"access_token\":\"a\",\"expires_in\":1,\"open_id\":\"b\"");
    assert_int_equal(grant(APP_ACCOUNTS, no_refresh, &t, &why), RC_OK);
    assert_int_equal(t.refresh.n, 0);
}

static void takes_advertiser_tokens(void **state)
{
    (void)state;
    struct tiktok_tokens t;
    struct fault why;
    const char *body = WRAP("\"access_token\":\"adv-token\",\"advertiser_ids\":[\"7000000000000000001\","
                            "9007199254740993],\"scope\":[4,15]");
    assert_int_equal(grant(APP_ADS, body, &t, &why), RC_OK);
    assert_int_equal(t.expires_in_s, 0);
    assert_int_equal(t.refresh.n, 0);
    assert_int_equal(t.open_id.n, 0);
    assert_true(str_eq(t.scopes, STR("4,15")));
    assert_int_equal(t.n_advertisers, 2);
    assert_true(str_eq(t.advertisers[0], STR("7000000000000000001")));
    assert_true(str_eq(t.advertisers[1], STR("9007199254740993"))); /* exact beyond 2^53 */
    /* fields of the creator's flavour of the same path make no refresh token */
    body =
        WRAP("\"access_token\":\"adv\",\"refresh_token\":\"r\",\"expires_in\":86400,\"advertiser_ids\":[]");
    assert_int_equal(grant(APP_ADS, body, &t, &why), RC_OK);
    assert_int_equal(t.refresh.n, 0);
    assert_int_equal(t.expires_in_s, 0);
}

static void refuses_what_is_no_token(void **state)
{
    (void)state;
    static const struct {
        enum app_kind kind;
        int status;
        const char *body;
        enum rc rc;
        const char *code;
    } rows[] = {
        {APP_ACCOUNTS, 200, "{\"code\":40110,\"message\":\"used\",\"data\":{" ACCOUNT "}}", RC_REAUTH,
         "tiktok.code_expired"}, /* an error with a token inside */
        {APP_ACCOUNTS, 200, "{" ACCOUNT "}", RC_REFUSED, "tiktok.api_error"},
        {APP_ACCOUNTS, 200, "{\"code\":\"0\",\"data\":{" ACCOUNT "}}", RC_REFUSED, "tiktok.api_error"},
        {APP_ACCOUNTS, 200, "{\"code\":0.0,\"data\":{" ACCOUNT "}}", RC_REFUSED, "tiktok.api_error"},
        {APP_ACCOUNTS, 200, "{\"code\":null,\"data\":{" ACCOUNT "}}", RC_REFUSED, "tiktok.api_error"},
        {APP_ACCOUNTS, 404, "404 page not found", RC_REFUSED, "tiktok.no_endpoint"},
        {APP_ACCOUNTS, 200, "404 page not found", RC_RETRY, "tiktok.not_json"},
        {APP_ACCOUNTS, 200, "<!doctype html><title>TikTok</title>", RC_RETRY, "tiktok.not_json"},
        {APP_ACCOUNTS, 502, "<html>bad gateway</html>", RC_RETRY, "tiktok.down"},
        {APP_ACCOUNTS, 504, "", RC_RETRY, "tiktok.down"},
        {APP_ACCOUNTS, 429, "slow down", RC_LIMITED, "tiktok.limited"},
        {APP_ACCOUNTS, 429, "{\"code\":0,\"data\":{" ACCOUNT "}}", RC_LIMITED, "tiktok.limited"},
        {APP_ACCOUNTS, 500, "{\"code\":0,\"data\":{" ACCOUNT "}}", RC_RETRY, "tiktok.down"},
        {APP_ACCOUNTS, 503, "{\"message\":\"x\"}", RC_RETRY, "tiktok.down"},
        {APP_ACCOUNTS, 302, "{\"code\":0,\"data\":{" ACCOUNT "}}", RC_REFUSED, "tiktok.api_error"},
        {APP_ACCOUNTS, 200, "{\"code\":0,\"message\":\"OK\",\"data\":{\"access_token\":\"act.biz", RC_RETRY,
         "tiktok.not_json"}, /* half a body */
        {APP_ACCOUNTS, 200, "", RC_RETRY, "tiktok.not_json"},
        {APP_ACCOUNTS, 200, "[]", RC_RETRY, "tiktok.not_json"},
        {APP_ACCOUNTS, 200, "{\"code\":0}", RC_REFUSED, "tiktok.oauth_error"},
        {APP_ACCOUNTS, 200, "{\"code\":0,\"data\":[]}", RC_REFUSED, "tiktok.oauth_error"},
        {APP_ACCOUNTS, 200, WRAP("\"access_token\":\"\",\"expires_in\":1,\"open_id\":\"b\""), RC_REFUSED,
         "tiktok.oauth_error"},
        {APP_ACCOUNTS, 200, WRAP("\"access_token\":\"a\",\"expires_in\":\"1\",\"open_id\":\"b\""), RC_REFUSED,
         "tiktok.oauth_error"},
        {APP_ACCOUNTS, 200, WRAP("\"access_token\":\"a\",\"expires_in\":86400.5,\"open_id\":\"b\""),
         RC_REFUSED, "tiktok.oauth_error"},
        {APP_ACCOUNTS, 200, WRAP("\"access_token\":\"a\",\"expires_in\":0,\"open_id\":\"b\""), RC_REFUSED,
         "tiktok.oauth_error"},
        {APP_ACCOUNTS, 200, WRAP("\"access_token\":\"a\",\"expires_in\":1"), RC_REFUSED,
         "tiktok.oauth_error"},
        {APP_ACCOUNTS, 200, WRAP("\"access_token\":\"a b\",\"expires_in\":1,\"open_id\":\"b\""), RC_REFUSED,
         "tiktok.oauth_error"},
        {APP_ACCOUNTS, 200, WRAP(ACCOUNT ",\"refresh_token_expires_in\":\"1\""), RC_REFUSED,
         "tiktok.oauth_error"},
        {APP_ACCOUNTS, 200, WRAP(ACCOUNT ",\"scope\":{}"), RC_REFUSED, "tiktok.oauth_error"},
        {APP_ACCOUNTS, 200, WRAP(ACCOUNT ",\"scope\":\"a\\nb\""), RC_REFUSED, "tiktok.oauth_error"},
        {APP_ACCOUNTS, 200, WRAP(ACCOUNT ",\"access_token\":\"b\""), RC_RETRY, "tiktok.not_json"},
        {APP_ADS, 200, WRAP("\"advertiser_ids\":[\"1\"]"), RC_REFUSED, "tiktok.oauth_error"},
        {APP_ADS, 200, WRAP("\"access_token\":\"a\",\"advertiser_ids\":[1.5]"), RC_REFUSED,
         "tiktok.oauth_error"},
        {APP_ADS, 200, WRAP("\"access_token\":\"a\",\"advertiser_ids\":\"1\""), RC_REFUSED,
         "tiktok.oauth_error"},
        {APP_ADS, 200, WRAP("\"access_token\":\"a\",\"scope\":[true]"), RC_REFUSED, "tiktok.oauth_error"},
        {APP_ADS, 200, "{\"access_token\":\"a\",\"scope\":[4]}", RC_REFUSED, "tiktok.api_error"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct tiktok_tokens t = {.expires_in_s = 77};
        struct fault why = {0};
        struct tiktok_answer a = answer(rows[i].kind, GROUP_EXCHANGE, rows[i].status, str_of(rows[i].body));
        enum rc rc = tiktok_grant_parse(&a, mem, &t, &why);
        if (rc != rows[i].rc || strcmp(why.code, rows[i].code) != 0)
            fail_msg("row %zu: %s %s, want %s %s", i, rc_name(rc), why.code, rc_name(rows[i].rc),
                     rows[i].code);
        assert_int_equal(t.expires_in_s, 77); /* outputs stay as they were */
        assert_int_equal(t.access.n, 0);
    }
}

/* Without a request_id the header's log id is kept; the Login Kit has words, and its log id too. */
static void keeps_the_log_id(void **state)
{
    (void)state;
    struct tiktok_tokens t;
    struct fault why;
    struct tiktok_answer a = answer(APP_ACCOUNTS, GROUP_REFRESH, 200, STR("{\"code\":40107}"));
    assert_int_equal(tiktok_grant_parse(&a, mem, &t, &why), RC_REAUTH);
    assert_int_equal(why.outer_code, 40107);
    assert_string_equal(why.outer_ref, "header-log");
    a = answer(APP_ACCOUNTS, GROUP_REFRESH, 502, STR("<html>"));
    assert_int_equal(tiktok_grant_parse(&a, mem, &t, &why), RC_RETRY);
    assert_string_equal(why.outer_ref, "header-log");
    a = answer(APP_LOGIN_KIT, GROUP_REFRESH, 200, STR("{\"error\":\"invalid_grant\",\"log_id\":\"L9\"}"));
    assert_int_equal(tiktok_grant_parse(&a, mem, &t, &why), RC_REAUTH);
    assert_string_equal(why.code, "tiktok.refresh_dead");
    assert_string_equal(why.outer_ref, "L9");
    a.group = GROUP_EXCHANGE;
    assert_int_equal(tiktok_grant_parse(&a, mem, &t, &why), RC_REAUTH);
    assert_string_equal(why.code, "tiktok.code_expired");
    a = answer(APP_LOGIN_KIT, GROUP_REFRESH, 200, STR("{\"error\":\"invalid_client\"}"));
    assert_int_equal(tiktok_grant_parse(&a, mem, &t, &why), RC_REFUSED);
    assert_string_equal(why.code, "tiktok.client");
    assert_string_equal(why.outer_ref, "header-log");
    struct tiktok_answer forged = coded(APP_ACCOUNTS, GROUP_CALL, 40002, "a\\nforged \\u001b[31mline");
    assert_int_equal(tiktok_done_parse(&forged, mem, &why), RC_REFUSED);
    for (const char *p = why.detail; *p != '\0'; p++)
        assert_true(*p >= 0x20 && *p < 0x7f);
}

/* ---- the other answers ---- */
static void reads_account_answers(void **state)
{
    (void)state;
    struct fault why;
    struct tiktok_token_info info;
    struct tiktok_answer a = answer(APP_ACCOUNTS, GROUP_CALL, 200,
                                    STR(WRAP("\"app_id\":\"1\",\"creator_id\":\"-o1\",\"scope\":\"a,b\"")));
    assert_int_equal(tiktok_token_info_parse(&a, mem, &info, &why), RC_OK);
    assert_true(str_eq(info.open_id, STR("-o1")) && str_eq(info.scopes, STR("a,b")));
    a.body = STR(WRAP("\"scope\":\"a,b\""));
    assert_int_equal(tiktok_token_info_parse(&a, mem, &info, &why), RC_REFUSED);

    struct tiktok_business b;
    a.body = STR(WRAP("\"display_name\":\"\xe0\xb8\xa3\xe0\xb9\x89\xe0\xb8\xb2\xe0\xb8\x99\",\"username\":"
                      "\"shop\",\"is_business_account\":false,\"followers_count\":9007199254740993"));
    assert_int_equal(tiktok_business_parse(&a, mem, &b, &why), RC_OK);
    assert_true(b.has_business && !b.is_business && !b.has_profile);
    assert_int_equal(b.followers, 9007199254740993);
    assert_true(str_eq(b.username, STR("shop")) && b.avatar_url.n == 0);
    a.body = STR("{\"code\":0,\"message\":\"OK\"}"); /* data may be absent */
    assert_int_equal(tiktok_business_parse(&a, mem, &b, &why), RC_OK);
    assert_false(b.has_business);

    str url = STR("before");
    a.body = STR(WRAP("\"app_id\":\"1\",\"event_type\":\"COMMENT\""));
    assert_int_equal(tiktok_hook_parse(&a, mem, &url, &why), RC_OK);
    assert_int_equal(url.n, 0);
    a.body = STR(WRAP("\"callback_url\":\"https://a.example/w\""));
    assert_int_equal(tiktok_hook_parse(&a, mem, &url, &why), RC_OK);
    assert_true(str_eq(url, STR("https://a.example/w")));
    a.body = STR(WRAP("\"callback_url\":\"https://a.example/\\r\\nX: y\""));
    assert_int_equal(tiktok_hook_parse(&a, mem, &url, &why), RC_REFUSED);
    assert_true(str_eq(url, STR("https://a.example/w")));
}

static void reads_advertiser_answers(void **state)
{
    (void)state;
    struct fault why;
    struct tiktok_advertisers all;
    struct tiktok_answer a =
        answer(APP_ADS, GROUP_CALL, 200,
               STR(WRAP("\"list\":[{\"advertiser_id\":\"70\",\"advertiser_name\":\"A\"},{\"advertiser_id\":"
                        "7600000000000009001}]")));
    assert_int_equal(tiktok_advertisers_parse(&a, mem, &all, &why), RC_OK);
    assert_int_equal(all.n, 2);
    assert_true(str_eq(all.list[1].id, STR("7600000000000009001")) && all.list[1].name.n == 0);
    a.body = STR(WRAP(""));
    assert_int_equal(tiktok_advertisers_parse(&a, mem, &all, &why), RC_OK);
    assert_int_equal(all.n, 0);
    a.body = STR(WRAP("\"list\":[{\"advertiser_name\":\"A\"}]"));
    assert_int_equal(tiktok_advertisers_parse(&a, mem, &all, &why), RC_REFUSED);
    a.body = STR(WRAP("\"list\":{}"));
    assert_int_equal(tiktok_advertisers_parse(&a, mem, &all, &why), RC_REFUSED);

    struct tiktok_ads_user u;
    a.body = STR(WRAP("\"core_user_id\":7600000000000009007,\"display_name\":\"Ann\",\"email\":\"a@b.c\","
                      "\"create_time\":1700000000"));
    assert_int_equal(tiktok_ads_user_parse(&a, mem, &u, &why), RC_OK);
    assert_true(str_eq(u.core_user_id, STR("7600000000000009007")));
    a.body = STR(WRAP("\"display_name\":\"Ann\""));
    assert_int_equal(tiktok_ads_user_parse(&a, mem, &u, &why), RC_REFUSED);
}

static void reads_callbacks_by_kind(void **state)
{
    (void)state;
    struct tiktok_callback c;
    struct fault why;
    static const struct {
        enum app_kind kind;
        const char *query;
        enum rc rc;
        const char *code, *error;
    } rows[] = {
        {APP_ADS, "auth_code=A%2A1&code=B&state=s", RC_OK, "A*1", ""},
        {APP_ADS, "code=B&state=s", RC_OK, "B", ""},
        {APP_ADS, "auth_code=&code=B&state=s", RC_OK, "B", ""},
        {APP_ADS, "auth_code=A&auth_code=B&state=s", RC_INVALID, NULL, NULL},
        {APP_ADS, "auth_code=A%20B&state=s", RC_INVALID, NULL, NULL},
        {APP_ADS, "state=s", RC_INVALID, NULL, NULL},
        {APP_ACCOUNTS, "auth_code=A&state=s", RC_INVALID, NULL, NULL},
        {APP_ACCOUNTS, "code=A%2A3%214964&scopes=a%2Cb&state=s", RC_OK, "A*3!4964", ""},
        {APP_ACCOUNTS, "error_code=access_denied&state=s", RC_OK, "", "access_denied"},
        {APP_ACCOUNTS, "error=access_denied&error_code=1&state=s", RC_OK, "", "access_denied"},
        {APP_LOGIN_KIT, "auth_code=A&state=s", RC_INVALID, NULL, NULL},
        {APP_LOGIN_KIT, "error_code=x&state=s", RC_INVALID, NULL, NULL},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        enum rc rc = tiktok_callback_parse_of(rows[i].kind, str_of(rows[i].query), mem, &c, &why);
        if (rc != rows[i].rc)
            fail_msg("row %zu: %s", i, rc_name(rc));
        if (rc == RC_OK)
            assert_true(str_eq(c.code, str_of(rows[i].code)) && str_eq(c.error, str_of(rows[i].error)));
    }
    assert_int_equal(tiktok_callback_parse_of(APP_ACCOUNTS, STR("error_code=access_denied"), mem, &c, &why),
                     RC_OK);
    assert_int_equal(tiktok_callback_fault(&c, &why), RC_DENIED);
}

static void full_arenas_refuse(void **state)
{
    (void)state;
    struct fault why;
    const char *body = WRAP(ACCOUNT ",\"scope\":\"a,b\",\"advertiser_ids\":[\"1\",2]");
    for (unsigned at = 1; at < 200; at++) {
        struct arena *small = arena_open(64 * 1024);
        struct tiktok_tokens t = {0};
        struct tiktok_answer a = answer(APP_ACCOUNTS, GROUP_REFRESH, 200, str_of(body));
        arena_fail_at(small, at);
        enum rc rc = tiktok_grant_parse(&a, small, &t, &why);
        bool done = rc == RC_OK && at > 1;
        if (rc != RC_OK)
            assert_true(t.access.n == 0 && rc != RC_REAUTH); /* our want of room is no dead grant */
        arena_close(&small);
        if (done)
            return;
    }
    fail_msg("no pass without a failure");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_has_its_class), cmocka_unit_test(no_code_but_zero_is_success),
        cmocka_unit_test(takes_account_tokens),     cmocka_unit_test(takes_advertiser_tokens),
        cmocka_unit_test(refuses_what_is_no_token), cmocka_unit_test(keeps_the_log_id),
        cmocka_unit_test(reads_account_answers),    cmocka_unit_test(reads_advertiser_answers),
        cmocka_unit_test(reads_callbacks_by_kind),  cmocka_unit_test(full_arenas_refuse),
    };
    return cmocka_run_group_tests_name("tiktok business", tests, begin, end);
}
