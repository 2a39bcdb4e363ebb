#!/usr/bin/env bash
# Every route, role and workspace: the permission matrix generated from the route table.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

run_journeys matrix
if [ "$MZ_LONG" = 1 ]; then
    run_journeys_sanitized matrix asan
    run_journeys_sanitized matrix tsan
fi
finish
