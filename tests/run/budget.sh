#!/usr/bin/env bash
# Rate budgets shared by two nodes: never above TikTok's limits, most of them used, fair shares.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

run_units budget account_later
if has_journeys budget; then run_journeys budget; fi
finish
