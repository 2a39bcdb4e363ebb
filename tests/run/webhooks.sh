#!/usr/bin/env bash
# All webhook vectors, routing, first message, events out: real binaries.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

run_journeys webhooks
if [ "$MZ_LONG" = 1 ]; then
    run_journeys_sanitized webhooks asan
    run_journeys_sanitized webhooks tsan
fi
finish
