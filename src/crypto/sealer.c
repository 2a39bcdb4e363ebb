/* A sealer seals many values under one derived key: a random 128-bit salt per sealer gives a key that no
 * other sealer has, so its nonces may simply count. One context keeps the key schedule; a value costs the
 * AES work and little more. What can go wrong: nothing but a full arena; after 2^31 values it takes a new
 * salt. */
#include <openssl/evp.h>
#include "crypto/crypto_priv.h"

#define VALUES_PER_SALT (UINT64_C(1) << 31)

struct sealer {
    struct seal_key key;
    EVP_CIPHER_CTX *ctx;
    char head[HEAD_BYTES + sizeof(((struct seal_key *)0)->id)];
    size_t head_n;
    unsigned char salt[SALT_BYTES];
    uint64_t count;
};

static void salt_new(struct sealer *s)
{
    unsigned char key[KEY_BYTES];
    random_bytes(s->salt, SALT_BYTES);
    hkdf((struct secret){s->key.key, KEY_BYTES}, (str){(const char *)s->salt, SALT_BYTES},
         (str){s->head, s->head_n}, key, KEY_BYTES);
    must(EVP_EncryptInit_ex2(s->ctx, crypto_aes_256_gcm(), key, NULL, NULL) == 1);
    wipe(key, sizeof(key));
    s->count = 0;
}

enum rc sealer_open(const struct seal_key *k, struct sealer **out, struct fault *why)
{
    size_t id_n = strnlen(k->id, sizeof(k->id));
    if (id_n == 0)
        return fault_set(why, RC_INVALID, "crypto.key_id", "a key without an id");
    struct sealer *s = mem_new(sizeof(*s));
    s->key = *k;
    const char head[HEAD_BYTES] = {'M', 'Z', '1', ALG_AES_256_GCM, (char)id_n};
    memcpy(s->head, head, HEAD_BYTES);
    memcpy(s->head + HEAD_BYTES, k->id, id_n);
    s->head_n = HEAD_BYTES + id_n;
    s->ctx = EVP_CIPHER_CTX_new();
    must(s->ctx != NULL);
    salt_new(s);
    *out = s;
    return RC_OK;
}

void sealer_close(struct sealer **s)
{
    if (*s == NULL)
        return;
    EVP_CIPHER_CTX_free((*s)->ctx); /* cleanses the key schedule */
    wipe(*s, sizeof(**s));
    mem_free(*s);
    *s = NULL;
}

enum rc sealer_seal(struct sealer *s, const str *ad, size_t n_ad, str plain, struct arena *mem, str *out,
                    struct fault *why)
{
    if (plain.n > PLAIN_MAX)
        return fault_set(why, RC_FULL, "crypto.full", "%zu bytes are too many to seal", plain.n);
    size_t total = s->head_n + SALT_BYTES + NONCE_BYTES + plain.n + TAG_BYTES;
    char *p = arena_take(mem, total);
    if (p == NULL)
        return fault_set(why, RC_FULL, "crypto.full", "no room for a sealed value");
    if (s->count == VALUES_PER_SALT)
        salt_new(s);
    memcpy(p, s->head, s->head_n);
    memcpy(p + s->head_n, s->salt, SALT_BYTES);
    unsigned char *nonce = (unsigned char *)p + s->head_n + SALT_BYTES;
    memset(nonce, 0, NONCE_BYTES);
    for (unsigned b = 0; b < 8; b++)
        nonce[NONCE_BYTES - 1 - b] = (unsigned char)(s->count >> (8 * b));
    s->count++;
    unsigned char *text = nonce + NONCE_BYTES;
    int n = 0;
    must(EVP_EncryptInit_ex2(s->ctx, NULL, NULL, nonce, NULL) == 1);
    must(seal_feed_ad(s->ctx, (str){p, s->head_n}, ad, n_ad));
    if (plain.n > 0)
        must(EVP_EncryptUpdate(s->ctx, text, &n, (const unsigned char *)plain.p, (int)plain.n) == 1 &&
             (size_t)n == plain.n);
    must(EVP_EncryptFinal_ex(s->ctx, text + plain.n, &n) == 1 && n == 0);
    must(EVP_CIPHER_CTX_ctrl(s->ctx, EVP_CTRL_AEAD_GET_TAG, TAG_BYTES, text + plain.n) == 1);
    *out = (str){p, total};
    return RC_OK;
}
