# shellcheck shell=bash
# ./dev lint [--long]: all checks of tools/lint.sh and the self-tests of the checks.

dev_lint() {
    local rc=0
    dev_packages all
    bash tools/lint.sh "$@" || rc=1
    bash tools/test-checks.sh || rc=1
    return $rc
}
