#!/usr/bin/env bash
# Unit tests of every room, SQL on both databases: gcc, then address and undefined, then thread sanitizer.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

run_meson dev
run_meson asan
run_meson tsan
finish
