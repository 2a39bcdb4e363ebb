/* The sealed columns of this room, for the rotation of data keys. States live ten minutes; they are sealed
 * anew like everything else, so that a sign-in under way does not notice. */
#include "login/rows.h"

static const struct sql verifier_scan = {
    "login.verifier_scan",
    "SELECT state_hash, verifier_sealed FROM login_states WHERE workspace_id = $1 "
    "AND state_hash > $2 AND verifier_sealed IS NOT NULL ORDER BY state_hash LIMIT $3"};
static const struct sql verifier_swap = {
    "login.verifier_swap", "UPDATE login_states SET verifier_sealed = $1 WHERE workspace_id = $2 "
                           "AND state_hash = $3 AND verifier_sealed = $4"};
static const struct sql qr_scan = {
    "login.qr_scan", "SELECT state_hash, qr_sealed FROM login_states WHERE workspace_id = $1 "
                     "AND state_hash > $2 AND qr_sealed IS NOT NULL ORDER BY state_hash LIMIT $3"};
static const struct sql qr_swap = {
    "login.qr_swap", "UPDATE login_states SET qr_sealed = $1 WHERE workspace_id = $2 AND state_hash = $3 "
                     "AND qr_sealed = $4"};

const struct keys_column login_sealed[] = {
    {"login_states", "verifier_sealed", &verifier_scan, &verifier_swap, "PKCE verifiers of open sign-ins."},
    {"login_states", "qr_sealed", &qr_scan, &qr_swap, "Tokens to poll a QR sign-in with."},
};
const size_t login_sealed_n = COUNT_OF(login_sealed);
