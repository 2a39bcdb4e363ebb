#!/usr/bin/env bash
# Keys: wrong key, swapped rows, columns, workspaces and flipped bits are refused; rotation under load without a failed read.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

[ "$MZ_LONG" = 1 ] && export MZ_KEYS_ROWS=100000
run_units keys keys.rotate
if has_journeys keys; then run_journeys keys; fi
finish
