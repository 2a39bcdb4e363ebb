# shellcheck shell=bash
# ./dev test: runs the groups below, each a script tests/run/GROUP.sh that prints "ok NAME", "not ok NAME: why" or
# "SKIPPED: why NAME" per test. A group that says nothing, or ends badly without naming a failed test, is a failure
# itself. The last line is "N passed, N failed" (and ", N skipped"). Whole output: build/test-logs/GROUP.log.

# Group and budget in seconds on 2 cores; the sum stays under 25 minutes. A group is ended at three times its budget.
dev_test_budgets() {
    cat <<'TEXT'
lint 75
rooms 290
keys 25
budget 45
sanitized 45
login 50
webhooks 40
chat 50
clients 40
matrix 30
attack 30
grants 140
crash 200
console 160
fuzz 105
plants 125
bench-smoke 50
TEXT
}

DEV_TEST_PASSED=0
DEV_TEST_FAILED=0
DEV_TEST_SKIPPED=0

dev_test_count() { grep -c "$1" "$2" || true; }

# One group: header, run, count, sum line. Counts go into the three variables above.
dev_test_group() {
    local group=$1 budget=$2 long=$3 log=build/test-logs/$1.log begun=$SECONDS rc=0 ok bad skipped limit
    printf '== %s (budget %s s)\n' "$group" "$budget"
    limit=$((long ? 21600 : budget * 3))
    MZ_LONG=$long timeout -k 15 "$limit" bash "tests/run/$group.sh" 2>&1 </dev/null |
        tee "$log" | { grep --line-buffered -E '^(not ok|SKIPPED:)' || true; } || rc=${PIPESTATUS[0]}
    ok=$(dev_test_count '^ok ' "$log")
    bad=$(dev_test_count '^not ok ' "$log")
    skipped=$(dev_test_count '^SKIPPED:' "$log")
    if [ "$rc" != 0 ] && [ "$bad" = 0 ]; then
        tail -n 15 "$log"
        printf 'not ok %s: ended with %s (124: over %s s) and named no failed test\n' "$group" "$rc" "$limit"
        bad=1
    elif [ "$ok" = 0 ] && [ "$bad" = 0 ] && [ "$skipped" = 0 ]; then
        printf 'not ok %s: ran no test\n' "$group"
        bad=1
    fi
    printf '   %s: %s passed, %s failed, %s skipped in %s s of %s\n' "$group" "$ok" "$bad" "$skipped" \
        $((SECONDS - begun)) "$budget"
    DEV_TEST_PASSED=$((DEV_TEST_PASSED + ok))
    DEV_TEST_FAILED=$((DEV_TEST_FAILED + bad))
    DEV_TEST_SKIPPED=$((DEV_TEST_SKIPPED + skipped))
}

dev_test_prepare() {
    mkdir -p build/test-logs
    dev_packages all
    dev_node
    dev_console || {
        printf 'not ok build: the console does not build\n'
        DEV_TEST_FAILED=$((DEV_TEST_FAILED + 1))
    }
    dev_ninja dev || {
        printf 'not ok build: build/dev does not build\n'
        DEV_TEST_FAILED=$((DEV_TEST_FAILED + 1))
    }
}

dev_test_sum() {
    local skipped=''
    [ "$DEV_TEST_SKIPPED" -gt 0 ] && skipped=", $DEV_TEST_SKIPPED skipped"
    printf '%s passed, %s failed%s\n' "$DEV_TEST_PASSED" "$DEV_TEST_FAILED" "$skipped"
    [ "$DEV_TEST_FAILED" = 0 ]
}

dev_test() {
    local only=() long=0 group budget
    while [ $# -gt 0 ]; do
        case $1 in
        --only)
            [ $# -ge 2 ] || dev_die "--only needs a group"
            dev_test_budgets | grep -q "^$2 " || dev_die "no group $2; groups: $(dev_test_budgets | cut -d' ' -f1 | xargs)"
            only+=("$2")
            shift 2
            ;;
        --long) long=1 && shift ;;
        *) dev_die "test: unknown argument $1" ;;
        esac
    done
    dev_test_prepare
    while read -r group budget; do
        [ ${#only[@]} = 0 ] || [[ " ${only[*]} " == *" $group "* ]] || continue
        dev_test_group "$group" "$budget" "$long"
    done < <(dev_test_budgets)
    dev_test_sum
}
