#!/usr/bin/env bash
# Sign in, linking, hand-over, error pages, mobile, QR: real binaries against the simulator.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

run_journeys login
if [ "$MZ_LONG" = 1 ]; then
    run_journeys_sanitized login asan
    run_journeys_sanitized login tsan
fi
finish
