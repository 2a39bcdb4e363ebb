#!/usr/bin/env bash
# Each planted defect must make its test fail; the same test passes without it.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

dev_node
node tests/plants/run.mjs || group_failed
finish
