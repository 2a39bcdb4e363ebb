# shellcheck shell=bash
# Shared by the group scripts: where things are, journeys by group, meson results as test lines. Sourced from the
# repository's root with `set -euo pipefail`; ./dev test gives MZ_LONG (0 or 1).
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
cd "$ROOT" || exit 1
export DEV_ROOT=$ROOT
# shellcheck source=tools/dev-lib.sh
. tools/dev-lib.sh
export MZ_LONG=${MZ_LONG:-0}
FAILED=0

ok() { printf 'ok %s\n' "$*"; }
not_ok() {
    printf 'not ok %s\n' "$*"
    FAILED=1
}
group_failed() { FAILED=1; }
skipped() { printf 'SKIPPED: %s\n' "$*"; }
finish() { exit "$FAILED"; }

# The group of a journey file, by the letter or word that its name begins with.
journey_group() {
    case $(basename "$1") in
    a_* | b_* | login*) echo login ;;
    c_* | webhooks*) echo webhooks ;;
    d_* | chat*) echo chat ;;
    g_keys*) echo keys ;;
    g_budget*) echo budget ;;
    g_* | x_grants*) echo grants ;;
    s_matrix* | matrix*) echo matrix ;;
    s_* | attack*) echo attack ;;
    x_* | crash*) echo crash ;;
    k_* | console*) echo console ;;
    sim*) echo clients ;;
    *) echo none ;;
    esac
}

# run_one_journey FILE [PREFIX]: a file prints its own lines; one that ends badly without a failed line gets one.
run_one_journey() {
    local file=$1 prefix=${2:-} out rc=0
    out=$(mktemp)
    # shellcheck disable=SC2086 # a command and its arguments, or nothing
    ${NODE_UNDER:-} node "$file" 2>&1 | sed -u -E "s|^(ok\|not ok) |\\1 $prefix|" | tee "$out" || rc=1
    if [ $rc != 0 ]; then
        FAILED=1
        grep -q '^not ok ' "$out" || not_ok "$prefix$(basename "$file" .mjs): ended badly without naming a test"
    fi
    rm -f "$out"
}

# Runs each journey of a group on the plain binaries.
run_journeys() {
    local group=$1 file found=no
    dev_node
    for file in tests/journeys/*.mjs; do
        if ! [ -e "$file" ] || [ "$(journey_group "$file")" != "$group" ]; then continue; fi
        found=yes
        run_one_journey "$file"
    done
    [ $found = yes ] || not_ok "$group: there is no journey of this group in tests/journeys"
}

# Unit tests of build/dev by name, for a group that is one subject from the function to the running daemon.
run_units() {
    dev_ninja dev || {
        not_ok "dev/build: does not build; see build/dev.log"
        return 0
    }
    local rc=0
    rm -f build/dev/meson-logs/testlog.json
    meson test -C build/dev --no-rebuild --num-processes 2 -t 6 "$@" >build/dev-test.log 2>&1 || rc=$?
    if ! [ -s build/dev/meson-logs/testlog.json ]; then
        tail -n 5 build/dev-test.log
        not_ok "units: meson ran no test of: $*"
        return 0
    fi
    VARIANT=dev meson_lines dev
    [ "$rc" = 0 ] || FAILED=1
}

# True when tests/journeys holds a journey of this group.
has_journeys() {
    local file
    for file in tests/journeys/*.mjs; do
        [ "$(journey_group "$file")" != "$1" ] || return 0
    done
    return 1
}

# The same on a sanitizer build; a report of the sanitizer fails the journey that caused it (tools/stack.mjs).
run_journeys_sanitized() {
    local group=$1 variant=$2 file
    dev_ninja "$variant" || {
        not_ok "$variant/build: does not build; see build/$variant.log"
        return 0
    }
    for file in tests/journeys/*.mjs; do
        if ! [ -e "$file" ] || [ "$(journey_group "$file")" != "$group" ]; then continue; fi
        sanitized "$variant" "$file"
    done
}

# One journey on one sanitizer build. The programs inherit the fixed address layout from Node.js: wide randomisation
# leaves the thread sanitizer no room for its shadow memory.
sanitized() {
    local variant=$1 file=$2
    local under=''
    [ "$variant" = tsan ] && under="setarch $(uname -m) -R"
    NODE_UNDER=$under MZ_BUILD=$ROOT/build/$variant MZ_SLOW=1 \
        ASAN_OPTIONS=detect_leaks=1:abort_on_error=0:detect_stack_use_after_return=1 UBSAN_OPTIONS=print_stacktrace=1 \
        TSAN_OPTIONS="second_deadlock_stack=1:suppressions=$ROOT/tests/run/tsan.supp" \
        run_one_journey "$file" "$variant/"
}

# Prints meson's testlog of build/$1 as test lines; "SKIP" is exit code 77 (the reason stands in the log).
meson_lines() {
    perl -MJSON::PP -ne '
        my $t = decode_json($_); my $name = "$ENV{VARIANT}/$t->{name}"; my $log = ($t->{stdout} // "") . ($t->{stderr} // "");
        if ($t->{result} eq "OK" || $t->{result} eq "EXPECTEDFAIL") { printf "ok %s (%.1f s)\n", $name, $t->{duration}; next }
        if ($t->{result} eq "SKIP") { my ($why) = $log =~ /SKIPPED: (.*)/; printf "SKIPPED: %s %s\n", $why // "no reason given", $name; next }
        my ($line) = grep { /ERROR:|\[  FAILED  \]|runtime error|Sanitizer|broken invariant|Assertion|error:/ } split /\n/, $log;
        $line //= "no line in the log says why"; $line =~ s/[^ -~]+/ /g;
        print "not ok $name: $t->{result}: " . substr($line, 0, 300) . "\n";
        print "  | $_\n" for grep { length } (split /\n/, $log)[-40 .. -1];
    ' "build/$1/meson-logs/testlog.json"
}

# Builds one variant and runs its unit tests.
run_meson() {
    local variant=$1 wrapper=() rc=0
    dev_ninja "$variant" || {
        not_ok "$variant/build: does not build; see build/$variant.log"
        return 0
    }
    # Wide address randomisation leaves the thread sanitizer no room for its shadow memory.
    [ "$variant" = tsan ] && wrapper=(setarch "$(uname -m)" -R)
    rm -f "build/$variant/meson-logs/testlog.json"
    ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1 \
    UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1 \
    TSAN_OPTIONS="halt_on_error=1:second_deadlock_stack=1:suppressions=$ROOT/tests/run/tsan.supp" \
        "${wrapper[@]}" meson test -C "build/$variant" --no-rebuild --num-processes 2 -t 6 \
        >"build/$variant-test.log" 2>&1 || rc=$?
    if ! [ -s "build/$variant/meson-logs/testlog.json" ]; then
        tail -n 5 "build/$variant-test.log"
        not_ok "$variant: meson ran no test ($rc)"
        return 0
    fi
    VARIANT=$variant meson_lines "$variant"
    [ "$rc" = 0 ] || FAILED=1
}
