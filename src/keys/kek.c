/* The key encryption keys: read from a setting, checked, used to wrap data keys. A KEK's id is a check value
 * of its bytes, so two files with the same key are the same KEK and a wrong file shows at once. */
#include "keys/keys_priv.h"

static void kek_name(struct seal_key *k)
{
    unsigned char check[SHA256_BYTES];
    str label = STR("mozflow-tiktok kek id");
    hmac_once((struct secret){k->key, KEY_BYTES}, &label, 1, check);
    struct buf b;
    buf_init(&b, NULL, 64);
    buf_put(&b, STR("kek-"));
    buf_put_hex(&b, check, 6);
    must(buf_ok(&b) && b.n < sizeof(k->id));
    memset(k->id, 0, sizeof(k->id));
    memcpy(k->id, b.p, b.n);
    buf_release(&b);
}

/* 64 hex digits, 44 characters of base64, or the 32 bytes themselves. */
static bool kek_parse(struct secret given, unsigned char out[KEY_BYTES])
{
    str text = str_trim((str){(const char *)given.p, given.n});
    while (text.n > 0 && (text.p[text.n - 1] == '\n' || text.p[text.n - 1] == '\r'))
        text.n--;
    if (text.n == 64 && hex_parse(text, out, KEY_BYTES))
        return true;
    if (text.n == 44) {
        struct arena *mem = arena_open_secret(4096);
        str raw;
        bool good = base64_parse(text, mem, &raw) && raw.n == KEY_BYTES;
        if (good)
            memcpy(out, raw.p, KEY_BYTES);
        arena_close(&mem);
        return good;
    }
    if (given.n != KEY_BYTES)
        return false;
    memcpy(out, given.p, KEY_BYTES);
    return true;
}

static bool all_same(const unsigned char *p, size_t n)
{
    for (size_t i = 1; i < n; i++)
        if (p[i] != p[0])
            return false;
    return true;
}

static enum rc kek_read(const struct config *c, const char *setting, struct seal_key *out, struct fault *why)
{
    struct secret given = config_secret(c, setting);
    if (!kek_parse(given, out->key))
        return fault_set(why, RC_INVALID, "keys.bad_kek",
                         "%s must hold 32 bytes, as 64 hex digits, as base64 or raw", setting);
    if (all_same(out->key, KEY_BYTES))
        return fault_set(why, RC_INVALID, "keys.bad_kek", "%s holds one byte repeated: not a random key",
                         setting);
    kek_name(out);
    return RC_OK;
}

enum rc kek_load(const struct config *c, struct kek *out, struct fault *why)
{
    if (config_secret(c, "keys.kek").n == 0)
        return fault_set(why, RC_INVALID, "keys.no_kek",
                         "no key encryption key: set keys.kek_file to a file with 32 random bytes in hex");
    enum rc rc = kek_read(c, "keys.kek", &out->primary, why);
    if (rc == RC_OK && config_secret(c, "keys.kek_previous").n > 0)
        rc = kek_read(c, "keys.kek_previous", &out->other, why);
    return rc;
}

str key_id(const struct seal_key *k)
{
    return (str){k->id, strnlen(k->id, sizeof(k->id))};
}

void key_new(const char *prefix, struct seal_key *out)
{
    struct arena *mem = arena_open(4096);
    str id = id_new(mem, prefix);
    must(id.n > 0 && id.n < sizeof(out->id));
    memset(out->id, 0, sizeof(out->id));
    memcpy(out->id, id.p, id.n);
    arena_close(&mem);
    random_bytes(out->key, KEY_BYTES);
}

enum rc kek_wrap(const struct kek *k, struct wrapped *w, const struct seal_key *plain, struct arena *mem,
                 struct fault *why)
{
    const str ad[] = {str_of(w->kind), w->owner, w->id};
    return seal(&k->primary, ad, COUNT_OF(ad), (struct secret){plain->key, KEY_BYTES}, mem, &w->bytes, why);
}

enum rc kek_unwrap(const struct kek *k, const struct wrapped *w, struct seal_key *out, struct fault *why)
{
    str id;
    if (!sealed_key_id(w->bytes, &id) || w->id.n == 0 || w->id.n >= sizeof(out->id))
        return fault_set(why, RC_DENIED, "keys.wrong_kek", "data key " STR_FMT " is not a wrapped key",
                         STR_ARG(w->id));
    bool primary = str_eq(id, key_id(&k->primary));
    if (!primary && !str_eq(id, key_id(&k->other)))
        return fault_set(why, RC_DENIED, "keys.wrong_kek",
                         "data key " STR_FMT " was wrapped under " STR_FMT ", which is not given here",
                         STR_ARG(w->id), STR_ARG(id));
    struct arena *mem = arena_open_secret(4096);
    const str ad[] = {str_of(w->kind), w->owner, w->id};
    struct secret plain;
    enum rc rc = open_sealed(primary ? &k->primary : &k->other, ad, COUNT_OF(ad), w->bytes, mem, &plain, why);
    if (rc == RC_OK && plain.n != KEY_BYTES)
        rc = fault_set(why, RC_DENIED, "crypto.open", "data key of %zu bytes", plain.n);
    if (rc == RC_OK) {
        memset(out->id, 0, sizeof(out->id));
        memcpy(out->id, w->id.p, w->id.n);
        memcpy(out->key, plain.p, KEY_BYTES);
    }
    arena_close(&mem);
    return rc;
}

enum rc kek_rewrap(const struct kek *k, struct wrapped *w, struct arena *mem, struct fault *why)
{
    struct seal_key plain;
    enum rc rc = kek_unwrap(k, w, &plain, why);
    if (rc == RC_OK)
        rc = kek_wrap(k, w, &plain, mem, why);
    wipe(&plain, sizeof(plain));
    return rc;
}
