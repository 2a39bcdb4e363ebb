/* Console passwords: Argon2id of libsodium at its interactive limits (64 MiB a call), so callers bound how
 * many run at once. The hash text carries its own salt and parameters. */
#include <sodium.h>
#include "crypto/crypto.h"

#define PASSWORD_MAX 1024U

enum rc password_hash(str password, struct arena *mem, str *out, struct fault *why)
{
    if (password.n == 0 || password.n > PASSWORD_MAX)
        return fault_set(why, RC_INVALID, "crypto.password_length", "a password has 1 to %u bytes",
                         PASSWORD_MAX);
    char text[crypto_pwhash_STRBYTES];
    if (crypto_pwhash_str(text, password.p, password.n, crypto_pwhash_OPSLIMIT_INTERACTIVE,
                          crypto_pwhash_MEMLIMIT_INTERACTIVE) != 0)
        return fault_set(why, RC_FULL, "crypto.full", "no memory to hash a password");
    str kept = arena_str(mem, str_of(text));
    if (kept.p == NULL)
        return fault_set(why, RC_FULL, "crypto.full", "no room for a password hash");
    *out = kept;
    return RC_OK;
}

bool password_ok(str hash, str password)
{
    char text[crypto_pwhash_STRBYTES] = {0};
    if (hash.n == 0 || hash.n >= sizeof(text) || password.n == 0 || password.n > PASSWORD_MAX)
        return false;
    memcpy(text, hash.p, hash.n);
    return crypto_pwhash_str_verify(text, password.p, password.n) == 0;
}
