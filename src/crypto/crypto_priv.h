/* Shared by crypto's own files only. */
#ifndef MZ_CRYPTO_PRIV_H
#define MZ_CRYPTO_PRIV_H
#include <openssl/evp.h>
#include "crypto/crypto.h"

/* Fetched once by crypto_start; asking OpenSSL by name on each use costs more than the work itself. */
const EVP_CIPHER *crypto_aes_256_gcm(void);

/* ---- the form of a sealed value (seal.c) ---- */
#define ALG_AES_256_GCM 1
#define SALT_BYTES 16U
#define NONCE_BYTES 12U
#define TAG_BYTES 16U
#define HEAD_BYTES 5U /* "MZ1", algorithm, length of the key id */
#define PLAIN_MAX ((size_t)64 * 1024 * 1024)

struct seal_layout {
    str head; /* with the key id */
    str id;
    const unsigned char *salt, *nonce, *text, *tag;
    size_t text_n;
};
/* p holds a header with a key id of id_n bytes; text_n bytes of ciphertext. */
struct seal_layout seal_layout_of(const char *p, size_t id_n, size_t text_n);
/* The key of this one value: HKDF-SHA-256 over its salt, with the header as info. Only head and salt are
 * read. */
void seal_derive(const struct seal_key *k, const struct seal_layout *l, unsigned char out[KEY_BYTES]);
/* Authenticates header and parts, each part after its length as 8 bytes. False: out of memory. */
bool seal_feed_ad(EVP_CIPHER_CTX *ctx, str head, const str *ad, size_t n_ad);

#endif
