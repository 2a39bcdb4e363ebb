#!/usr/bin/env bash
# The journeys of webhooks and login on SQLite, with daemon and simulator under address+undefined and under the thread
# sanitizer. A report in any program's log, or an exit code other than 0, fails the test (tools/stack.mjs).
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

dev_node
for variant in asan tsan; do
    if ! dev_ninja "$variant" src/app/mozflow-tiktok sim/tiktok-sim; then
        not_ok "$variant/build: does not build; see build/$variant.log"
        continue
    fi
    for journey in c_webhooks b_login; do
        # Names with ".postgres" are for the long run of the groups webhooks and login.
        MZ_SKIP=postgres sanitized "$variant" "tests/journeys/$journey.mjs"
    done
done
finish
