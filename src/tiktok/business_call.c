/* business_call: the calls that only TikTok API for Business has. Each builds fields or a query, makes one
 * call and hands the answer to its pure parser. The app's secret stands in the query of webhook/list and
 * advertiser/get (BM 2.9, MA 1.4): neither URL nor body is logged. Query and body live in the caller's arena,
 * which should be a secret one.
 */
#include "tiktok/tiktok_priv.h"

enum { QUERY_MAX = 8 * 1024, LIST_MAX = 2 * 1024 * 1024, OWN_MEM = 512 * 1024 };

static struct tiktok_answer answer_of(enum app_kind kind, const struct fetch_answer *a)
{
    return (struct tiktok_answer){
        .kind = kind, .group = GROUP_CALL, .status = a->status, .body = a->body, .log_id = a->log_id};
}

struct call {
    enum app_kind kind;
    enum tiktok_op op;
    const struct tiktok_field *fields; /* in the query of a GET, in the body of a POST */
    size_t n;
    struct secret access;
    int64_t total_ms;
    size_t max_bytes;
};

static enum rc call_tiktok(struct tiktok *t, const struct call *c, struct arena *mem,
                           struct tiktok_answer *out, struct fault *why)
{
    struct tiktok_ask ask = {.endpoint = tiktok_endpoint_of(c->kind, c->op),
                             .bearer = c->access,
                             .total_ms = c->total_ms,
                             .max_bytes = c->max_bytes};
    must(ask.endpoint != NULL);
    bool get = str_eq(str_of(ask.endpoint->method), STR("GET"));
    struct fetch_answer got = {0};
    /* a query is a form without the body's place */
    enum rc rc = tiktok_body(!get, c->fields, c->n, mem, get ? &ask.query : &ask.body, why);
    if (rc == RC_OK)
        rc = tiktok_ask(t, &ask, mem, &got, why);
    if (rc == RC_OK)
        *out = answer_of(c->kind, &got);
    return rc;
}

enum rc tiktok_token_info(struct tiktok *t, const struct permit *permit, const struct tiktok_client *client,
                          struct secret access, struct arena *mem, struct tiktok_token_info *out,
                          struct fault *why)
{
    must(permit != NULL && client->kind == APP_ACCOUNTS);
    const struct tiktok_field f[] = {{"app_id", client->client_key},
                                     {"access_token", tiktok_secret_text(access)}};
    struct call c = {.kind = APP_ACCOUNTS, .op = OP_TOKEN_INFO, .fields = f, .n = COUNT_OF(f)};
    struct tiktok_answer a;
    enum rc rc = call_tiktok(t, &c, mem, &a, why);
    return rc == RC_OK ? tiktok_token_info_parse(&a, mem, out, why) : rc;
}

/* One field without its scope would fail the call or be left out; neither is documented (BM 7.1). */
str tiktok_business_fields(str granted, struct arena *mem)
{
    static const struct {
        const char *scope, *fields;
    } rows[] = {
        {"user.info.basic", "\"display_name\",\"profile_image\""},
        {"user.info.username", "\"username\""},
        {"user.info.profile", "\"profile_deep_link\",\"bio_description\",\"is_verified\""},
        {"user.info.stats", "\"followers_count\",\"following_count\",\"total_likes\",\"videos_count\""},
        {"user.account.type", "\"is_business_account\""}};
    struct buf b;
    buf_init(&b, mem, 512);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (!tiktok_scope_in(granted, str_of(rows[i].scope)))
            continue;
        buf_put_c(&b, b.n > 0 ? ',' : '[');
        buf_put(&b, str_of(rows[i].fields));
    }
    if (b.n == 0)
        return STR_NONE;
    buf_put_c(&b, ']');
    return buf_str(&b);
}

enum rc tiktok_business_get(struct tiktok *t, const struct permit *permit, const struct tiktok_call *call,
                            struct arena *mem, struct tiktok_business *out, struct fault *why)
{
    must(permit != NULL);
    const struct tiktok_field f[] = {{"business_id", call->business_id},
                                     {"fields", tiktok_business_fields(call->scopes, mem)}};
    if (f[1].value.n == 0)
        return fault_set(why, RC_SCOPE, "tiktok.scope_missing", "no granted scope gives a field");
    struct call c = {.kind = APP_ACCOUNTS,
                     .op = OP_PROFILE,
                     .fields = f,
                     .n = COUNT_OF(f),
                     .access = call->access,
                     .total_ms = call->total_ms};
    struct tiktok_answer a;
    enum rc rc = call_tiktok(t, &c, mem, &a, why);
    return rc == RC_OK ? tiktok_business_parse(&a, mem, out, why) : rc;
}

enum rc tiktok_conversations_probe(struct tiktok *t, const struct permit *permit,
                                   const struct tiktok_call *call, struct fault *why)
{
    must(permit != NULL);
    const struct tiktok_field f[] = {
        {"business_id", call->business_id}, {"conversation_type", STR("STRANGER")}, {"limit", STR("1")}};
    struct call c = {.kind = APP_ACCOUNTS,
                     .op = OP_CONVERSATIONS,
                     .fields = f,
                     .n = COUNT_OF(f),
                     .access = call->access,
                     .total_ms = call->total_ms};
    struct arena *mem = arena_open_secret(OWN_MEM);
    struct tiktok_answer a;
    enum rc rc = call_tiktok(t, &c, mem, &a, why);
    if (rc == RC_OK)
        rc = tiktok_done_parse(&a, mem, why);
    arena_close(&mem);
    return rc;
}

/* ---- webhook configuration: no token, the app's secret instead (BM 2.9) ---- */
enum { HOOK_FIELDS = 4 };

static size_t hook_fields(const struct tiktok_client *client, str event_type, struct tiktok_field *f)
{
    must(client->kind == APP_ACCOUNTS);
    f[0] = (struct tiktok_field){"app_id", client->client_key};
    f[1] = (struct tiktok_field){"secret", tiktok_secret_text(client->client_secret)};
    f[2] = (struct tiktok_field){"event_type", event_type};
    return 3;
}

static enum rc change_hook(struct tiktok *t, const struct call *c, struct fault *why)
{
    struct arena *mem = arena_open_secret(OWN_MEM);
    struct tiktok_answer a;
    enum rc rc = call_tiktok(t, c, mem, &a, why);
    if (rc == RC_OK)
        rc = tiktok_done_parse(&a, mem, why);
    arena_close(&mem);
    return rc;
}

enum rc tiktok_subscription_set(struct tiktok *t, const struct permit *permit,
                                const struct tiktok_client *client, const struct tiktok_subscription *s,
                                struct fault *why)
{
    must(permit != NULL);
    struct tiktok_field f[HOOK_FIELDS];
    size_t n = hook_fields(client, s->event_type, f);
    f[n++] = (struct tiktok_field){"callback_url", s->callback_url};
    struct call c = {.kind = APP_ACCOUNTS, .op = OP_HOOK_SET, .fields = f, .n = n};
    return change_hook(t, &c, why);
}

enum rc tiktok_subscription_delete(struct tiktok *t, const struct permit *permit,
                                   const struct tiktok_client *client, str event_type, struct fault *why)
{
    must(permit != NULL);
    struct tiktok_field f[HOOK_FIELDS];
    size_t n = hook_fields(client, event_type, f);
    struct call c = {.kind = APP_ACCOUNTS, .op = OP_HOOK_DELETE, .fields = f, .n = n};
    return change_hook(t, &c, why);
}

enum rc tiktok_subscription_get(struct tiktok *t, const struct permit *permit,
                                const struct tiktok_client *client, str event_type, struct arena *mem,
                                str *url, struct fault *why)
{
    must(permit != NULL);
    struct tiktok_field f[HOOK_FIELDS];
    size_t n = hook_fields(client, event_type, f);
    struct call c = {.kind = APP_ACCOUNTS, .op = OP_HOOK_GET, .fields = f, .n = n};
    struct tiktok_answer a;
    enum rc rc = call_tiktok(t, &c, mem, &a, why);
    return rc == RC_OK ? tiktok_hook_parse(&a, mem, url, why) : rc;
}

/* ---- advertisers ---- */
enum rc tiktok_advertisers(struct tiktok *t, const struct permit *permit, const struct tiktok_client *client,
                           struct secret access, struct arena *mem, struct tiktok_advertisers *out,
                           struct fault *why)
{
    must(permit != NULL && client->kind == APP_ADS);
    const struct tiktok_field f[] = {{"app_id", client->client_key},
                                     {"secret", tiktok_secret_text(client->client_secret)}};
    struct call c = {.kind = APP_ADS,
                     .op = OP_ADVERTISERS,
                     .fields = f,
                     .n = COUNT_OF(f),
                     .access = access,
                     .max_bytes = LIST_MAX};
    struct tiktok_answer a;
    enum rc rc = call_tiktok(t, &c, mem, &a, why);
    return rc == RC_OK ? tiktok_advertisers_parse(&a, mem, out, why) : rc;
}

enum rc tiktok_ads_whoami(struct tiktok *t, const struct permit *permit, struct secret access,
                          struct arena *mem, struct tiktok_ads_user *out, struct fault *why)
{
    must(permit != NULL);
    struct call c = {.kind = APP_ADS, .op = OP_PROFILE, .access = access};
    struct tiktok_answer a;
    enum rc rc = call_tiktok(t, &c, mem, &a, why);
    return rc == RC_OK ? tiktok_ads_user_parse(&a, mem, out, why) : rc;
}
