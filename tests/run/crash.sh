#!/usr/bin/env bash
# kill -9 under signed load: no acknowledged webhook missing, none doubled.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

run_journeys crash
finish
