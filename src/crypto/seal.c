/* Sealing values: AES-256-GCM under a key derived for this one value, so that the 2^32 limit of random nonces
 * is never near. What is authenticated beside the text: the header with the key id, the salt, and each
 * associated part with its length. The same answer (RC_DENIED) meets every difference; the detail tells
 * operators which check said no.
 */
#include <limits.h>
#include <openssl/evp.h>
#include "crypto/crypto_priv.h"

static str id_of(const struct seal_key *k)
{
    return (str){k->id, strnlen(k->id, sizeof(k->id))};
}

struct seal_layout seal_layout_of(const char *p, size_t id_n, size_t text_n)
{
    struct seal_layout l = {.head = {p, HEAD_BYTES + id_n}, .id = {p + HEAD_BYTES, id_n}, .text_n = text_n};
    l.salt = (const unsigned char *)p + HEAD_BYTES + id_n;
    l.nonce = l.salt + SALT_BYTES;
    l.text = l.nonce + NONCE_BYTES;
    l.tag = l.text + text_n;
    return l;
}

void seal_derive(const struct seal_key *k, const struct seal_layout *l, unsigned char out[KEY_BYTES])
{
    struct secret key = {k->key, KEY_BYTES};
    hkdf(key, (str){(const char *)l->salt, SALT_BYTES}, l->head, out, KEY_BYTES);
}

/* Lengths are bound too: ("a","bc") and ("ab","c") differ. */
bool seal_feed_ad(EVP_CIPHER_CTX *ctx, str head, const str *ad, size_t n_ad)
{
    int n;
    if (EVP_CipherUpdate(ctx, NULL, &n, (const unsigned char *)head.p, (int)head.n) != 1)
        return false;
    if (planted("crypto.place_not_bound"))
        return true;
    for (size_t i = 0; i < n_ad; i++) {
        must(ad[i].n <= INT_MAX);
        unsigned char len[8];
        for (unsigned b = 0; b < 8; b++)
            len[b] = (unsigned char)((uint64_t)ad[i].n >> (56 - 8 * b));
        if (EVP_CipherUpdate(ctx, NULL, &n, len, sizeof(len)) != 1)
            return false;
        if (ad[i].n > 0 && EVP_CipherUpdate(ctx, NULL, &n, (const unsigned char *)ad[i].p, (int)ad[i].n) != 1)
            return false;
    }
    return true;
}

static EVP_CIPHER_CTX *begin(const struct seal_key *k, const struct seal_layout *l, int encrypt)
{
    unsigned char key[KEY_BYTES];
    seal_derive(k, l, key);
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    must(ctx != NULL && EVP_CipherInit_ex2(ctx, crypto_aes_256_gcm(), key, l->nonce, encrypt, NULL) == 1);
    wipe(key, sizeof(key));
    return ctx;
}

enum rc seal(const struct seal_key *k, const str *ad, size_t n_ad, struct secret plain, struct arena *mem,
             str *out, struct fault *why)
{
    str id = id_of(k);
    must(id.n > 0);
    if (plain.n > PLAIN_MAX)
        return fault_set(why, RC_FULL, "crypto.full", "%zu bytes are too many to seal", plain.n);
    size_t total = HEAD_BYTES + id.n + SALT_BYTES + NONCE_BYTES + plain.n + TAG_BYTES;
    char *p = arena_take(mem, total);
    if (p == NULL)
        return fault_set(why, RC_FULL, "crypto.full", "no room for a sealed value");
    const char head[HEAD_BYTES] = {'M', 'Z', '1', ALG_AES_256_GCM, (char)id.n};
    memcpy(p, head, HEAD_BYTES);
    memcpy(p + HEAD_BYTES, id.p, id.n);
    random_bytes(p + HEAD_BYTES + id.n, SALT_BYTES + NONCE_BYTES);
    struct seal_layout l = seal_layout_of(p, id.n, plain.n);
    unsigned char *text = (unsigned char *)p + (total - TAG_BYTES - plain.n);
    EVP_CIPHER_CTX *ctx = begin(k, &l, 1);
    int n = 0;
    must(seal_feed_ad(ctx, l.head, ad, n_ad));
    if (plain.n > 0)
        must(EVP_CipherUpdate(ctx, text, &n, plain.p, (int)plain.n) == 1 && (size_t)n == plain.n);
    must(EVP_CipherFinal_ex(ctx, text + plain.n, &n) == 1 && n == 0);
    must(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TAG_BYTES, text + plain.n) == 1);
    EVP_CIPHER_CTX_free(ctx);
    *out = (str){p, total};
    return RC_OK;
}

static bool parse_layout(str sealed, struct seal_layout *out)
{
    if (sealed.n < HEAD_BYTES || memcmp(sealed.p, "MZ1", 3) != 0 || sealed.p[3] != ALG_AES_256_GCM)
        return false;
    size_t id_n = (unsigned char)sealed.p[4];
    size_t around = HEAD_BYTES + id_n + SALT_BYTES + NONCE_BYTES + TAG_BYTES;
    if (id_n == 0 || id_n > sizeof(((struct seal_key *)0)->id) || sealed.n < around ||
        sealed.n - around > PLAIN_MAX)
        return false;
    *out = seal_layout_of(sealed.p, id_n, sealed.n - around);
    return true;
}

bool sealed_key_id(str sealed, str *id)
{
    struct seal_layout l;
    if (!parse_layout(sealed, &l))
        return false;
    *id = l.id;
    return true;
}

static bool decrypt(EVP_CIPHER_CTX *ctx, const struct seal_layout *l, unsigned char *to)
{
    unsigned char tag[TAG_BYTES];
    memcpy(tag, l->tag, TAG_BYTES);
    int n = 0;
    if (l->text_n > 0 && EVP_CipherUpdate(ctx, to, &n, l->text, (int)l->text_n) != 1)
        return false;
    return EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG_BYTES, tag) == 1 &&
           EVP_CipherFinal_ex(ctx, to + l->text_n, &n) == 1;
}

enum rc open_sealed(const struct seal_key *k, const str *ad, size_t n_ad, str sealed,
                    struct arena *secret_mem, struct secret *out, struct fault *why)
{
    struct seal_layout l;
    if (!parse_layout(sealed, &l))
        return fault_set(why, RC_DENIED, "crypto.open", "not a sealed value");
    if (!str_eq(l.id, id_of(k)))
        return fault_set(why, RC_DENIED, "crypto.open", "sealed under another key");
    unsigned char *to = arena_take(secret_mem, l.text_n + 1);
    if (to == NULL)
        return fault_set(why, RC_FULL, "crypto.full", "no room for %zu opened bytes", l.text_n);
    EVP_CIPHER_CTX *ctx = begin(k, &l, 0);
    bool same = seal_feed_ad(ctx, l.head, ad, n_ad) && decrypt(ctx, &l, to);
    EVP_CIPHER_CTX_free(ctx);
    if (!same) {
        wipe(to, l.text_n); /* GCM decrypts before it knows */
        return fault_set(why, RC_DENIED, "crypto.open", "the value or its place was changed");
    }
    to[l.text_n] = 0;
    *out = (struct secret){to, l.text_n};
    return RC_OK;
}
