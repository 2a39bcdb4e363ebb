/* Shared by crypto's own files only. */
#ifndef MZ_CRYPTO_PRIV_H
#define MZ_CRYPTO_PRIV_H
#include <openssl/evp.h>
#include "crypto/crypto.h"

/* Fetched once by crypto_start; asking OpenSSL by name on each use costs more than the work itself. */
const EVP_CIPHER *crypto_aes_256_gcm(void);

#endif
