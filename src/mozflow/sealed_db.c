/* The sealed column of this room, for the rotation of data keys. */
#include "mozflow/mozflow_priv.h"

static const struct sql secret_scan = {
    "mozflow.secret_scan", "SELECT id, sealed FROM mozflow_secrets WHERE workspace_id = $1 AND id > $2 "
                           "ORDER BY id LIMIT $3"};
static const struct sql secret_swap = {
    "mozflow.secret_swap",
    "UPDATE mozflow_secrets SET sealed = $1 WHERE workspace_id = $2 AND id = $3 AND sealed = $4"};

const struct keys_column mozflow_sealed[] = {
    {"mozflow_secrets", "sealed", &secret_scan, &secret_swap, "Signing secrets of outgoing events."},
};
const size_t mozflow_sealed_n = COUNT_OF(mozflow_sealed);
