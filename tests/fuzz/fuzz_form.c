/* Fuzz: forms and encodings. What is parsed and encoded again parses to the same; base64 and hex have one
 * spelling, so they come back byte for byte. */
#include "base/base.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void form(str text, struct arena *mem)
{
    struct pairs one, two;
    struct buf b;
    if (pairs_parse(text, 100, mem, &one, NULL) != RC_OK)
        return;
    buf_init(&b, mem, (size_t)4 << 20);
    for (size_t i = 0; i < one.n; i++)
        buf_put_form(&b, one.at[i].name.p, one.at[i].value);
    must(buf_ok(&b));
    must(pairs_parse(buf_str(&b), 100, mem, &two, NULL) == RC_OK && two.n == one.n);
    for (size_t i = 0; i < one.n; i++)
        must(str_eq(one.at[i].name, two.at[i].name) && str_eq(one.at[i].value, two.at[i].value));
}

static void spelling(str text, struct arena *mem)
{
    str out;
    struct buf b;
    buf_init(&b, mem, (size_t)4 << 20);
    if (base64_parse(text, mem, &out)) {
        buf_put_base64(&b, out.p, out.n);
        must(str_eq(buf_str(&b), text));
    }
    buf_clear(&b);
    if (base64url_parse(text, mem, &out)) {
        buf_put_base64url(&b, out.p, out.n);
        must(str_eq(buf_str(&b), text));
    }
    buf_clear(&b);
    char *raw = arena_take(mem, text.n / 2);
    if (hex_parse(text, raw, text.n / 2)) {
        buf_put_hex(&b, raw, text.n / 2);
        must(str_eq_nocase(buf_str(&b), text));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    str text = {(const char *)data, size};
    struct arena *mem = arena_open((size_t)32 << 20);
    str out;
    form(text, mem);
    spelling(text, mem);
    (void)(percent_parse(text, true, mem, &out) && utf8_valid(out));
    arena_close(&mem);
    return 0;
}
