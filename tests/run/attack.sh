#!/usr/bin/env bash
# A scripted attacker for every case of the threat list, and raced callbacks.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

run_journeys attack
finish
