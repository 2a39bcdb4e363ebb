/* Fuzz: answers of the OAuth and user info endpoints. Properties: a token only from a 2xx object without
 * `error`; what comes out is printable and bounded; a refusal leaves the output alone. */
#include "tiktok/tiktok.h"
#include "json/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int statuses[] = {200, 201, 302, 400, 401, 429, 500, 502};
    static struct arena *mem;
    struct fault why;
    if (size == 0)
        return 0;
    if (mem == NULL)
        mem = arena_open(16u << 20);
    arena_reset(mem);
    int status = statuses[data[0] % COUNT_OF(statuses)];
    str body = {(const char *)data + 1, size - 1};
    struct tiktok_tokens t = {.expires_in_s = -1};
    if (tiktok_tokens_parse(status, body, mem, &t, &why) == RC_OK) {
        const struct json *o = NULL;
        must(json_parse(body, NULL, mem, &o, &why) == RC_OK);
        must(status >= 200 && status < 300 && json_get(o, "error") == NULL);
        must(t.access.n > 0 && t.open_id.n > 0 && t.expires_in_s > 0);
        for (size_t i = 0; i < t.access.n; i++)
            must(t.access.p[i] > 0x20 && t.access.p[i] < 0x7f);
    } else
        must(t.expires_in_s == -1 && t.access.n == 0);
    struct tiktok_user u = {0};
    if (tiktok_user_parse(status, body, mem, &u, &why) == RC_OK)
        must(status == 200 && u.open_id.n > 0 && u.open_id.n <= 128);
    return tiktok_empty_parse(status, body, mem, &why) == RC_OK && status >= 300 ? -1 : 0;
}
