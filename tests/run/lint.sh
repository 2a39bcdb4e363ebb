#!/usr/bin/env bash
# Style, arrows, sizes, SQL, documentation, words, static analysis, hardening; then the checks check themselves.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

dev_packages all
bash tools/lint.sh || group_failed
bash tools/test-checks.sh || group_failed
finish
