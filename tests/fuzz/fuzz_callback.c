/* Fuzz: the query of the redirect URI. Properties: with RC_OK there is a usable code or an error that has
 * a class; the class's words are printable, whatever TikTok or an attacker wrote. */
#include "tiktok/tiktok.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct arena *mem;
    struct tiktok_callback cb = {0};
    struct fault why;
    if (mem == NULL)
        mem = arena_open(16u << 20);
    arena_reset(mem);
    str query = {(const char *)data, size};
    struct tiktok_callback ads = {0};
    if (tiktok_callback_parse_of(APP_ADS, query, mem, &ads, &why) == RC_OK)
        must(ads.error.n > 0 || (ads.code.n > 0 && ads.code.n <= 2048));
    if (tiktok_callback_parse_of(APP_ACCOUNTS, query, mem, &ads, &why) == RC_OK)
        must(ads.error.n > 0 || (ads.code.n > 0 && ads.code.n <= 2048));
    if (tiktok_callback_parse(query, mem, &cb, &why) != RC_OK)
        return 0;
    must(cb.error.n > 0 || (cb.code.n > 0 && cb.code.n <= 2048));
    must(cb.state.n <= 512);
    if (cb.error.n == 0)
        return 0;
    must(tiktok_callback_fault(&cb, &why) != RC_OK);
    for (const char *p = why.detail; *p != '\0'; p++)
        must(*p >= 0x20 && *p < 0x7f);
    return 0;
}
