#!/usr/bin/env bash
# Grants: the storm of refreshes under kills on two nodes, virtual time in both lifetime profiles, accounts, availability.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

run_journeys grants
if [ "$MZ_LONG" = 1 ]; then
    for variant in asan tsan; do
        if ! dev_ninja "$variant" src/app/mozflow-tiktok sim/tiktok-sim; then
            not_ok "$variant/build: does not build; see build/$variant.log"
            continue
        fi
        # The flights of two nodes; a killed process says nothing about its memory.
        MZ_ONLY=single_flight sanitized "$variant" tests/journeys/x_grants.mjs
    done
fi
finish
