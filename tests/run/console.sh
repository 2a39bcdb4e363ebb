#!/usr/bin/env bash
# A real browser through the console and the simulator's pages.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

run_journeys console
finish
