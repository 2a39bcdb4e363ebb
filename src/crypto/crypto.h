/* crypto: the few primitives this service needs, over OpenSSL 3 and libsodium. Constant-time compare, wiping,
 * algorithms fetched once at crypto_start. Thread-safe; HMAC contexts are per caller.
 */
#ifndef MZ_CRYPTO_H
#define MZ_CRYPTO_H
#include "base/base.h"

void crypto_start(void); /* before threads; more calls are harmless; aborts when a primitive is missing */

#define SHA256_BYTES 32
void sha256(str data, unsigned char out[SHA256_BYTES]);
/* SHA-256 of a high-entropy secret of ours as 64 hex chars (session tokens, API keys, login codes,
 * states). */
str sha256_hex(str data, struct arena *mem);

/* A keyed context: set up once per thread and key, used many times (0.5 us a message against 1.4
 * one-shot). */
struct hmac;
/* empty key: RC_INVALID */
MUSTCHECK enum rc hmac_open(struct secret key, struct hmac **out, struct fault *why);
void hmac_close(struct hmac **h); /* wipes */
void hmac_sign(struct hmac *h, const str *parts, size_t n, unsigned char out[SHA256_BYTES]);
/* key not empty */
void hmac_once(struct secret key, const str *parts, size_t n, unsigned char out[SHA256_BYTES]);

bool equal_ct(const void *a, const void *b, size_t n); /* constant time */
void wipe(void *p, size_t n);
void wipe_secret(struct secret *s); /* for secrets in writable memory; nulls it */

/* AES-256-GCM with a 96-bit random nonce under a key derived per sealing (HKDF-SHA-256 over a 128-bit
 * salt), so that no key ever sees 2^32 nonces. Layout: "MZ1" | alg(1) | key id length(1) | key id |
 * salt(16) | nonce(12) | ciphertext | tag(16). The associated data binds a value to its place; moving it
 * makes open fail. */
#define KEY_BYTES 32
struct seal_key {
    char id[32]; /* printable, in the header and in the associated data */
    unsigned char key[KEY_BYTES];
};
/* ad parts are length-prefixed before hashing in, so ("a","bc") differs from ("ab","c"). */
MUSTCHECK enum rc seal(const struct seal_key *k, const str *ad, size_t n_ad, struct secret plain,
                       struct arena *mem, str *out, struct fault *why);
/* RC_DENIED "crypto.open" when anything differs; an unknown header is an error, never returned as it is. */
MUSTCHECK enum rc open_sealed(const struct seal_key *k, const str *ad, size_t n_ad, str sealed,
                              struct arena *secret_mem, struct secret *out, struct fault *why);
/* The key id a sealed value names, without opening it. */
MUSTCHECK bool sealed_key_id(str sealed, str *id);
/* Many values under one key on one thread, at a third of the cost: the derivation is paid once per 2^31
 * values and the nonces count. What it writes is opened by open_sealed with the same key. Not thread-safe. */
struct sealer;
MUSTCHECK enum rc sealer_open(const struct seal_key *k, struct sealer **out, struct fault *why);
void sealer_close(struct sealer **s); /* wipes */
MUSTCHECK enum rc sealer_seal(struct sealer *s, const str *ad, size_t n_ad, str plain, struct arena *mem,
                              str *out, struct fault *why);
void hkdf(struct secret key, str salt, str info, unsigned char *out, size_t n);

/* Argon2id (libsodium, interactive limits) for console passwords. */
MUSTCHECK enum rc password_hash(str password, struct arena *mem, str *out, struct fault *why);
bool password_ok(str hash, str password);

/* 256 random bits as 43 base64url characters. */
str token_new(struct arena *mem);
#endif
