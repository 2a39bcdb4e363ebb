/* Fuzz: JSON. What is read can be written, the written text can be read, and both trees write the same
 * text. Any bytes, quoted, are a JSON string. */
#include "json/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static str rewritten(str text, struct arena *mem)
{
    const struct json *tree = NULL;
    struct buf b;
    struct jw w;
    if (json_parse(text, NULL, mem, &tree, NULL) != RC_OK)
        return STR_NONE;
    buf_init(&b, mem, (size_t)8 << 20);
    jw_init(&w, &b);
    jw_tree(&w, NULL, tree);
    must(buf_ok(&b));
    return buf_str(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    str text = {(const char *)data, size};
    struct arena *mem = arena_open((size_t)64 << 20);
    str one = rewritten(text, mem);
    if (one.p != NULL) {
        must(utf8_valid(one));
        must(str_eq(one, rewritten(one, mem)));
    }
    struct buf b;
    buf_init(&b, mem, (size_t)8 << 20);
    json_put_quoted(&b, text);
    const struct json *s = NULL;
    must(json_parse(buf_str(&b), NULL, mem, &s, NULL) == RC_OK && s->type == JSON_STR);
    must(!utf8_valid(text) || str_eq(s->s, text));
    arena_close(&mem);
    return 0;
}
