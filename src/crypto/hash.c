/* Start, hashes, HMAC, HKDF, constant-time compare, wiping. OpenSSL calls here fail only for want of
 * memory or when a primitive is missing, and both end the process: there is no safe way to go on without
 * them. */
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <pthread.h>
#include <sodium.h>
#include "crypto/crypto_priv.h"

static EVP_MD *md_sha256;
static EVP_MAC *mac_hmac;
static EVP_KDF *kdf_hkdf;
static EVP_CIPHER *cipher_gcm;

static void start(void)
{
    md_sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    mac_hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    kdf_hkdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    cipher_gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    must(md_sha256 != NULL && mac_hmac != NULL && kdf_hkdf != NULL && cipher_gcm != NULL);
    must(sodium_init() >= 0);
}

void crypto_start(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    must(pthread_once(&once, start) == 0);
}

const EVP_CIPHER *crypto_aes_256_gcm(void)
{
    must(cipher_gcm != NULL); /* crypto_start was not called */
    return cipher_gcm;
}

void sha256(str data, unsigned char out[SHA256_BYTES])
{
    must(md_sha256 != NULL);
    must(EVP_Digest(data.n == 0 ? "" : data.p, data.n, out, NULL, md_sha256, NULL) == 1);
}

str sha256_hex(str data, struct arena *mem)
{
    unsigned char sum[SHA256_BYTES];
    sha256(data, sum);
    return hex_text(mem, sum, sizeof(sum));
}

struct hmac {
    EVP_MAC_CTX *ctx;
};

static EVP_MAC_CTX *keyed(struct secret key)
{
    must(mac_hmac != NULL);
    char name[] = "SHA256";
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
        OSSL_PARAM_construct_end(),
    };
    EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(mac_hmac);
    must(ctx != NULL && EVP_MAC_init(ctx, key.p, key.n, params) == 1);
    return ctx;
}

static void sign_parts(EVP_MAC_CTX *ctx, const str *parts, size_t n, unsigned char out[SHA256_BYTES])
{
    for (size_t i = 0; i < n; i++) {
        if (parts[i].n > 0)
            must(EVP_MAC_update(ctx, (const unsigned char *)parts[i].p, parts[i].n) == 1);
    }
    size_t len = 0;
    must(EVP_MAC_final(ctx, out, &len, SHA256_BYTES) == 1 && len == SHA256_BYTES);
}

enum rc hmac_open(struct secret key, struct hmac **out, struct fault *why)
{
    if (key.n == 0)
        return fault_set(why, RC_INVALID, "crypto.empty_key", "a signing key must not be empty");
    struct hmac *h = mem_new(sizeof(*h));
    h->ctx = keyed(key);
    *out = h;
    return RC_OK;
}

void hmac_close(struct hmac **h)
{
    if (h == NULL || *h == NULL)
        return;
    EVP_MAC_CTX_free((*h)->ctx); /* OpenSSL wipes the key */
    mem_free(*h);
    *h = NULL;
}

void hmac_sign(struct hmac *h, const str *parts, size_t n, unsigned char out[SHA256_BYTES])
{
    must(EVP_MAC_init(h->ctx, NULL, 0, NULL) == 1); /* begins again with the same key */
    sign_parts(h->ctx, parts, n, out);
}

void hmac_once(struct secret key, const str *parts, size_t n, unsigned char out[SHA256_BYTES])
{
    must(key.n > 0);
    EVP_MAC_CTX *ctx = keyed(key);
    sign_parts(ctx, parts, n, out);
    EVP_MAC_CTX_free(ctx);
}

bool equal_ct(const void *a, const void *b, size_t n)
{
    return n == 0 || CRYPTO_memcmp(a, b, n) == 0;
}

void wipe(void *p, size_t n)
{
    if (n > 0)
        OPENSSL_cleanse(p, n);
}

void wipe_secret(struct secret *s)
{
    union { /* the caller vouches that the memory is writable */
        const unsigned char *in;
        unsigned char *out;
    } p = {.in = s->p};
    wipe(p.out, s->n);
    *s = (struct secret){NULL, 0};
}

/* OpenSSL takes inputs as non-const pointers and does not write to them. */
static OSSL_PARAM octets(const char *name, const void *p, size_t n)
{
    union {
        const void *in;
        void *out;
    } u = {.in = n == 0 ? "" : p};
    return OSSL_PARAM_construct_octet_string(name, u.out, n);
}

void hkdf(struct secret key, str salt, str info, unsigned char *out, size_t n)
{
    must(kdf_hkdf != NULL && key.n > 0 && n > 0 && n <= (size_t)255 * SHA256_BYTES);
    char name[] = "SHA256";
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, name, 0),
        octets(OSSL_KDF_PARAM_KEY, key.p, key.n),
        octets(OSSL_KDF_PARAM_SALT, salt.p, salt.n),
        octets(OSSL_KDF_PARAM_INFO, info.p, info.n),
        OSSL_PARAM_construct_end(),
    };
    EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf_hkdf);
    must(ctx != NULL && EVP_KDF_derive(ctx, out, n, params) == 1);
    EVP_KDF_CTX_free(ctx);
}

str token_new(struct arena *mem)
{
    unsigned char bits[32];
    random_bytes(bits, sizeof(bits));
    struct buf b;
    buf_init(&b, mem, 43);
    buf_put_base64url(&b, bits, sizeof(bits));
    wipe(bits, sizeof(bits));
    return buf_str(&b);
}
