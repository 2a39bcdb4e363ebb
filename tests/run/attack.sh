#!/usr/bin/env bash
# A scripted attacker for every case of the threat list, and raced callbacks.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

run_journeys attack
if [ "$MZ_LONG" = 1 ]; then
    run_journeys_sanitized attack asan
    run_journeys_sanitized attack tsan
fi
finish
