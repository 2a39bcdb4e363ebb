#!/usr/bin/env bash
# Grants: the storm of refreshes under kills on two nodes, virtual time in both lifetime profiles, the refresh bench's shape.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

run_journeys grants
finish
