#!/usr/bin/env bash
# Chat: every event of a conversation, shuffled and repeated, against an independent model and by hand. MZ_EVENTS: how many.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

if [ "$MZ_LONG" = 1 ]; then
    export MZ_EVENTS=20000
fi
run_journeys chat
finish
