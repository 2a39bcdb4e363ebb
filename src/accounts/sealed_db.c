/* The sealed columns of this room, for the rotation of data keys: how they are scanned and swapped. A refresh
 * compares fingerprints, not sealed bytes, so sealing a token anew does not disturb it. */
#include "accounts/rows.h"

static const struct sql access_scan = {"accounts.access_scan",
                                       "SELECT id, access_sealed FROM account_grants WHERE workspace_id = $1 "
                                       "AND id > $2 AND access_sealed IS NOT NULL ORDER BY id LIMIT $3"};
static const struct sql access_swap = {"accounts.access_swap",
                                       "UPDATE account_grants SET access_sealed = $1 WHERE workspace_id = $2 "
                                       "AND id = $3 AND access_sealed = $4"};
static const struct sql refresh_scan = {
    "accounts.refresh_scan", "SELECT id, refresh_sealed FROM account_grants WHERE workspace_id = $1 "
                             "AND id > $2 AND refresh_sealed IS NOT NULL ORDER BY id LIMIT $3"};
static const struct sql refresh_swap = {
    "accounts.refresh_swap", "UPDATE account_grants SET refresh_sealed = $1 WHERE workspace_id = $2 "
                             "AND id = $3 AND refresh_sealed = $4"};

const struct keys_column accounts_sealed[] = {
    {"account_grants", "access_sealed", &access_scan, &access_swap, "Access tokens."},
    {"account_grants", "refresh_sealed", &refresh_scan, &refresh_swap, "Refresh tokens."},
};
const size_t accounts_sealed_n = COUNT_OF(accounts_sealed);
