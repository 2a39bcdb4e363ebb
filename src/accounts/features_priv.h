/* Private to accounts: rows of features. */
#ifndef MZ_ACCOUNTS_FEATURES_PRIV_H
#define MZ_ACCOUNTS_FEATURES_PRIV_H
#include "accounts/accounts.h"

struct feature_row {
    str feature;
    int64_t worked_ms, refused_ms;
};
MUSTCHECK enum rc db_features(struct tx *tx, str workspace, str account, struct arena *mem,
                              struct feature_row **out, size_t *n, struct fault *why);
#endif
