#!/usr/bin/env bash
# Five unmodified npm clients and the recorded requests against the simulator; the simulator itself, row by row.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

dev_node
dev_npm_ci tests/clients
node tests/clients/run.mjs || group_failed
run_journeys clients
finish
