#!/usr/bin/env bash
# The console's dictionaries and formats; then a real browser through the console and the simulator's pages.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

dev_node
dev_npm_ci ui
if (cd ui && npm run --silent check && npm test --silent) >build/console-unit.log 2>&1; then
    ok console.dictionaries
else
    tail -n 30 build/console-unit.log
    not_ok "console.dictionaries: see build/console-unit.log"
fi
run_journeys console
finish
