/* Want of memory in the pure parsers and writers of the rooms above base, json and config. A refusal for want
 * of memory must never look like anything else: a webhook would be called unparsable, a grant dead, a key
 * wrong. */
#include "full.h"
#include "access/access_priv.h"
#include "login/login_priv.h"
#include "messaging/setup.h"
#include "mozflow/mozflow_priv.h"
#include "tiktok/business.h"
#include "tiktok/tiktok.h"
#include "tiktok/tiktok_priv.h"
#include "webhook/webhook.h"

/* ---- webhook ---- */

static enum rc envelope(struct arena *mem, void *out, struct fault *why)
{
    return webhook_parse(STR("{\"client_key\":\"ck\",\"event\":\"im_receive_msg\",\"create_time\":1790000000,"
                             "\"user_openid\":\"o\","
                             "\"content\":\"{\\\"conversation_id\\\":\\\"c\\\",\\\"text\\\":{\\\"body\\\":"
                             "\\\"hi\\\"},\\\"ids\\\":[1,2]}\"}"),
                         mem, out, why);
}

/* ---- tiktok ---- */

#define LOGIN_TOKENS                                                                                         \
    "{\"access_token\":\"act.x\",\"expires_in\":86400,\"open_id\":\"o\",\"refresh_expires_in\":31536000,"    \
    "\"refresh_token\":\"rft.y\",\"scope\":\"user.info.basic\",\"token_type\":\"Bearer\"}"
#define WRAPPED(data) "{\"code\":0,\"message\":\"OK\",\"request_id\":\"r1\",\"data\":" data "}"

static enum rc tokens(struct arena *mem, void *out, struct fault *why)
{
    return tiktok_tokens_parse(200, STR(LOGIN_TOKENS), mem, out, why);
}

static enum rc user(struct arena *mem, void *out, struct fault *why)
{
    return tiktok_user_parse(
        200,
        STR("{\"data\":{\"user\":{\"open_id\":\"o\",\"union_id\":\"u\",\"display_name\":\"n\","
            "\"avatar_url\":\"https://p16.tiktokcdn.com/a\"}},\"error\":{\"code\":\"ok\","
            "\"message\":\"\",\"log_id\":\"l\"}}"),
        mem, out, why);
}

static enum rc callback(struct arena *mem, void *out, struct fault *why)
{
    return tiktok_callback_parse(STR("code=abc%2A1&scopes=user.info.basic%2Cvideo.list&state=s%20t"), mem,
                                 out, why);
}

static enum rc grant(struct arena *mem, void *out, struct fault *why)
{
    const struct tiktok_answer a = {
        .kind = APP_ACCOUNTS,
        .group = GROUP_REFRESH,
        .status = 200,
        .body = STR(
            WRAPPED("{\"access_token\":\"act.x\",\"expires_in\":86400,\"open_id\":\"o\",\"refresh_token\":"
                    "\"rft.y\",\"refresh_token_expires_in\":31536000,\"scope\":\"a,b\","
                    "\"token_type\":\"Bearer\"}"))};
    return tiktok_grant_parse(&a, mem, out, why);
}

static enum rc business(struct arena *mem, void *out, struct fault *why)
{
    const struct tiktok_answer a = {
        .kind = APP_ACCOUNTS,
        .status = 200,
        .body = STR(WRAPPED(
            "{\"display_name\":\"Shop\",\"username\":\"shop\",\"profile_image\":"
            "\"https://p16.tiktokcdn.com/a\",\"is_business_account\":true,\"bio_description\":\"b\"}"))};
    return tiktok_business_parse(&a, mem, out, why);
}

static enum rc advertisers(struct arena *mem, void *out, struct fault *why)
{
    const struct tiktok_answer a = {
        .kind = APP_ADS,
        .status = 200,
        .body = STR(WRAPPED("{\"list\":[{\"advertiser_id\":\"7001\",\"advertiser_name\":\"One\"},"
                            "{\"advertiser_id\":7002,\"advertiser_name\":\"Two\"}]}"))};
    return tiktok_advertisers_parse(&a, mem, out, why);
}

static enum rc token_info(struct arena *mem, void *out, struct fault *why)
{
    const struct tiktok_answer a = {.kind = APP_ACCOUNTS,
                                    .status = 200,
                                    .body = STR(WRAPPED("{\"creator_id\":\"o\",\"scope\":\"a,b\"}"))};
    return tiktok_token_info_parse(&a, mem, out, why);
}

static enum rc hook(struct arena *mem, void *out, struct fault *why)
{
    const struct tiktok_answer a = {.kind = APP_ACCOUNTS,
                                    .status = 200,
                                    .body = STR(WRAPPED("{\"callback_url\":\"https://t.example/w\"}"))};
    return tiktok_hook_parse(&a, mem, out, why);
}

static enum rc ads_user(struct arena *mem, void *out, struct fault *why)
{
    const struct tiktok_answer a = {
        .kind = APP_ADS,
        .status = 200,
        .body = STR(WRAPPED("{\"core_user_id\":7600000000000009007,\"display_name\":\"Ann\"}"))};
    return tiktok_ads_user_parse(&a, mem, out, why);
}

static enum rc ads_tokens(struct arena *mem, void *out, struct fault *why)
{
    const struct tiktok_answer a = {
        .kind = APP_ADS,
        .group = GROUP_EXCHANGE,
        .status = 200,
        .body =
            STR(WRAPPED("{\"access_token\":\"at\",\"scope\":[4,15],\"advertiser_ids\":[\"7001\",7002]}"))};
    return tiktok_grant_parse(&a, mem, out, why);
}

/* ---- messaging ---- */

static enum rc facts(struct arena *mem, void *out, struct fault *why)
{
    static char text[8192];
    struct buf b = {.p = text, .cap = sizeof text, .max = sizeof text};
    struct jw w;
    const struct facts f = {.by[FACT_TYPE] = {.result = FACT_GOOD, .at_ms = 1790000000000, .log_id = "l1"}};
    jw_init(&w, &b);
    facts_write(&f, &w);
    return facts_parse(buf_str(&b), mem, out, why);
}

static enum rc qr(struct arena *mem, void *out, struct fault *why)
{
    return tiktok_qr_start_parse(
        200,
        STR("{\"scan_qrcode_url\":\"aweme://authorize?client_ticket=tobefilled&x=1\","
            "\"token\":\"t\"}"),
        STR("T1"), mem, out, why);
}

/* ---- mozflow ---- */

static enum rc body(struct arena *mem, void *out, struct fault *why)
{
    const struct envelope e = {.base_url = STR("https://t.example"),
                               .workspace = STR("ws_1"),
                               .id = STR("evt_1"),
                               .type = STR("message.received"),
                               .subject = STR("msg_1"),
                               .data = STR("{\"a\":1}"),
                               .created_ms = 1790000000000};
    (void)why;
    return full_str(mozflow_body(&e, mem), out);
}

static enum rc secret(struct arena *mem, void *out, struct fault *why)
{
    struct secret key;
    (void)why;
    if (!mozflow_secret_parse(STR("whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="), mem, &key))
        return RC_FULL;
    *(struct secret *)out = key;
    return RC_OK;
}

static enum rc signature(struct arena *mem, void *out, struct fault *why)
{
    static const unsigned char bytes[32] = {1};
    const struct secret keys[2] = {{bytes, 32}, {bytes, 32}};
    const str parts[3] = {STR("evt_1"), STR("1790000000"), STR("{}")};
    (void)why;
    return full_str(mozflow_signature(keys, 2, parts, mem), out);
}

/* ---- login ---- */

static const struct attempt an_attempt = {.id = {"lat_1", 5},
                                          .return_url = {"https://mozflow.example/back?a=1", 32},
                                          .client_state = {"a state of the client", 21}};

static enum rc return_to(struct arena *mem, void *out, struct fault *why)
{
    (void)why;
    return full_str(login_return_to(&an_attempt, STR("a code"), NULL, mem), out);
}

static enum rc consent_text(struct arena *mem, void *out, struct fault *why)
{
    (void)why;
    return full_str(login_consent_text(STR("th"), STR("user.info.basic,video.list,other"), mem), out);
}

/* ---- access ---- */

static enum rc key_text(struct arena *mem, void *out, struct fault *why)
{
    str id;
    struct secret text;
    enum rc rc = key_text_new(mem, &id, &text, why);
    if (rc == RC_OK)
        *(str *)out = id;
    return rc;
}

static enum rc fold(struct arena *mem, void *out, struct fault *why)
{
    (void)why;
    return full_str(email_fold(STR("Somchai@Example.TH"), mem), out);
}

static enum rc scopes(struct arena *mem, void *out, struct fault *why)
{
    (void)why;
    return full_str(scopes_text(KEY_MAY, mem), out);
}

static const struct full_case cases[] = {
    {"webhook_parse", envelope, sizeof(struct webhook_event), 10},
    {"tiktok_tokens_parse", tokens, sizeof(struct tiktok_tokens), 8},
    {"tiktok_user_parse", user, sizeof(struct tiktok_user), 8},
    {"tiktok_callback_parse", callback, sizeof(struct tiktok_callback), 3},
    {"tiktok_grant_parse", grant, sizeof(struct tiktok_tokens), 8},
    {"tiktok_business_parse", business, sizeof(struct tiktok_business), 5},
    {"tiktok_advertisers_parse", advertisers, sizeof(struct tiktok_advertisers), 5},
    {"tiktok_token_info_parse", token_info, sizeof(struct tiktok_token_info), 4},
    {"tiktok_hook_parse", hook, sizeof(str), 3},
    {"tiktok_ads_user_parse", ads_user, sizeof(struct tiktok_ads_user), 4},
    {"tiktok_grant_parse of ads", ads_tokens, sizeof(struct tiktok_tokens), 8},
    {"facts_parse", facts, sizeof(struct facts), 3},
    {"tiktok_qr_start_parse", qr, sizeof(struct tiktok_qr), 3},
    {"mozflow_body", body, sizeof(str), 1},
    {"mozflow_secret_parse", secret, sizeof(struct secret), 1},
    {"mozflow_signature", signature, sizeof(str), 1},
    {"login_return_to", return_to, sizeof(str), 2},
    {"login_consent_text", consent_text, sizeof(str), 1},
    {"key_text_new", key_text, sizeof(str), 2},
    {"email_fold", fold, sizeof(str), 1},
    {"scopes_text", scopes, sizeof(str), 1},
};

static void refuses(void **state)
{
    full_run(*state);
}

int main(void)
{
    static struct full_case own[COUNT_OF(cases)]; /* cmocka wants them writable */
    struct CMUnitTest tests[COUNT_OF(cases)];
    crypto_start();
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        own[i] = cases[i];
        tests[i] = (struct CMUnitTest){.name = cases[i].name, .test_func = refuses, .initial_state = &own[i]};
    }
    return cmocka_run_group_tests_name("full", tests, NULL, NULL);
}
