/* Fuzz: answers of TikTok API for Business. The first byte picks family, group and status. Properties: a
 * token only from a 2xx object with code 0; what comes out is printable and bounded; a refusal leaves the
 * output alone, has a class, and its words are printable. */
#include "tiktok/tiktok.h"
#include "json/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void printable(str s, size_t max)
{
    must(s.n <= max);
    for (size_t i = 0; i < s.n; i++)
        must(s.p[i] > 0x20 && s.p[i] < 0x7f);
}

static void a_fault(enum rc rc, const struct fault *why)
{
    must(rc != RC_OK && why->rc == rc && why->code[0] != '\0');
    for (const char *p = why->detail; *p != '\0'; p++)
        must(*p >= 0x20 && *p < 0x7f);
    for (const char *p = why->outer_ref; *p != '\0'; p++)
        must(*p >= 0x20 && *p < 0x7f);
}

static void tokens(const struct tiktok_answer *a, struct arena *mem)
{
    struct tiktok_tokens t = {.expires_in_s = -1};
    struct fault why = {0};
    enum rc rc = tiktok_grant_parse(a, mem, &t, &why);
    if (rc != RC_OK) {
        a_fault(rc, &why);
        must(t.expires_in_s == -1 && t.access.n == 0 && t.n_advertisers == 0);
        return;
    }
    const struct json *o = NULL;
    int64_t code = -1;
    must(json_parse(a->body, NULL, mem, &o, &why) == RC_OK && json_i64(o, "code", &code));
    must(code == 0 && a->status >= 200 && a->status < 300);
    printable((str){(const char *)t.access.p, t.access.n}, 4096);
    printable((str){(const char *)t.refresh.p, t.refresh.n}, 4096);
    printable(t.open_id, 128);
    printable(t.scopes, 4096);
    must(t.access.n > 0 && t.refresh_expires_in_s >= 0);
    must(a->kind == APP_ADS ? t.expires_in_s == 0 && t.refresh.n == 0
                            : t.expires_in_s > 0 && t.open_id.n > 0);
    for (size_t i = 0; i < t.n_advertisers; i++)
        printable(t.advertisers[i], 64);
}

static void others(const struct tiktok_answer *a, struct arena *mem)
{
    struct fault why = {0};
    struct tiktok_token_info info;
    struct tiktok_business b;
    struct tiktok_advertisers all = {0};
    struct tiktok_ads_user u;
    str url = STR("kept");
    if (tiktok_token_info_parse(a, mem, &info, &why) == RC_OK)
        printable(info.open_id, 128);
    if (tiktok_business_parse(a, mem, &b, &why) == RC_OK)
        must(b.display_name.n <= 1024 && b.username.n <= 256 && b.avatar_url.n <= 4096);
    enum rc rc = tiktok_hook_parse(a, mem, &url, &why);
    if (rc == RC_OK)
        printable(url, 2048);
    else
        must(str_eq(url, STR("kept")));
    if (tiktok_advertisers_parse(a, mem, &all, &why) == RC_OK)
        for (size_t i = 0; i < all.n; i++)
            printable(all.list[i].id, 64);
    if (tiktok_ads_user_parse(a, mem, &u, &why) == RC_OK)
        printable(u.core_user_id, 128);
    rc = tiktok_done_parse(a, mem, &why);
    if (rc != RC_OK)
        a_fault(rc, &why);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int statuses[] = {200, 201, 302, 400, 404, 429, 500, 502};
    static struct arena *mem;
    if (size == 0)
        return 0;
    if (mem == NULL)
        mem = arena_open(64u << 20);
    arena_reset(mem);
    unsigned pick = data[0];
    struct tiktok_answer a = {.kind = (pick & 1u) != 0 ? APP_ADS : APP_ACCOUNTS,
                              .group = (enum tiktok_group)(GROUP_EXCHANGE + (pick >> 1 & 3u)),
                              .status = statuses[pick >> 3 & 7u],
                              .body = {(const char *)data + 1, size - 1},
                              .log_id = STR("log")};
    tokens(&a, mem);
    others(&a, mem);
    return 0;
}
