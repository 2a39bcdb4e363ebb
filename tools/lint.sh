#!/usr/bin/env bash
# lint.sh [--long]: every check of the sources, each one test line. Run by ./dev lint and by the test group lint.
# Whole output of a failed check: build/lint/NAME.log.
set -euo pipefail
LINT_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
cd "$LINT_ROOT"
export DEV_ROOT=$LINT_ROOT
# shellcheck source=tools/dev-lib.sh
. tools/dev-lib.sh
LINT_LONG=${MZ_LONG:-0}
[ "${1:-}" = --long ] && LINT_LONG=1
LINT_FAILED=0
mkdir -p build/lint

# lint_one NAME COMMAND...: "ok lint.NAME" or "not ok lint.NAME: first line" and up to 60 lines of what was found.
lint_one() {
    local name=$1 log=build/lint/$1.log
    shift
    if "$@" >"$log" 2>&1; then
        printf 'ok lint.%s\n' "$name"
        return 0
    fi
    LINT_FAILED=1
    head -n 60 "$log" | sed 's/^/  | /'
    printf 'not ok lint.%s: %s lines; the first: %s\n' "$name" "$(wc -l <"$log")" "$(head -n 1 "$log" | cut -c1-200)"
}

lint_format() {
    dev_c_files | xargs -r clang-format --dry-run -Werror
    dev_c_files | xargs -r tools/wrap-comments --check
}

lint_shell() {
    git ls-files --cached --others --exclude-standard | while read -r f; do
        if [ -f "$f" ] && head -n 1 "$f" | grep -aqE '^#!.*\b(bash|sh)$'; then printf '%s\n' "$f"; fi
    done | xargs -r shellcheck -x --severity=style
}

# --inline-suppr: a suppression stands beside its line with its reason; the common ones are in cppcheck.txt.
lint_cppcheck() {
    mkdir -p build/lint/cppcheck
    cppcheck --quiet --std=c17 --language=c --enable=warning,performance,portability --inline-suppr \
        --suppressions-list=tools/cppcheck.txt --error-exitcode=1 --library=posix --cppcheck-build-dir=build/lint/cppcheck \
        --template='{file}:{line}: {severity}: {message} [{id}]' -j 2 -I src \
        -D__GNUC__=12 -DMZ_TEST -DMZ_PLANT --file-list=<(dev_c_files | grep -E '^(src|sim)/.*\.c$')
}

lint_tidy() {
    dev_ninja clang
    dev_c_files | grep -E '^(src|sim)/.*\.c$' |
        xargs -r -P 2 -n 4 clang-tidy -p build/clang --quiet --warnings-as-errors='*' \
            --checks='-*,bugprone-*,clang-analyzer-*,-bugprone-easily-swappable-parameters,-bugprone-reserved-identifier,-bugprone-assignment-in-if-condition,-clang-analyzer-security.insecureAPI.DeprecatedOrUnsafeBufferHandling'
}

lint_build() { dev_ninja "$1"; }
lint_release() { dev_ninja release && tools/check-release build/release/src/app/mozflow-tiktok; }

# Each test file in tests/journeys belongs to a group, else nobody would run it.
lint_journeys() (
    # shellcheck source=tests/run/lib.sh
    . tests/run/lib.sh
    local rc=0 file
    for file in tests/journeys/*.mjs; do
        [ -e "$file" ] || continue
        [ "$(journey_group "$file")" != none ] || {
            printf '%s: its name belongs to no group of tests/run/lib.sh\n' "$file"
            rc=1
        }
    done
    exit "$rc"
)

lint_one arrows tools/check-arrows
lint_one size tools/check-size
lint_one sql tools/check-sql
lint_one words tools/check-words
lint_one journeys lint_journeys
lint_one shell lint_shell
lint_one format lint_format
lint_one gcc lint_build dev
lint_one clang lint_build clang
lint_one cppcheck lint_cppcheck
lint_one docs tools/check-docs
lint_one release lint_release
[ "$LINT_LONG" = 1 ] && lint_one tidy lint_tidy
exit "$LINT_FAILED"
