#!/usr/bin/env bash
# Each libFuzzer target for 10 s (long: 300 s) from its kept corpus; a finding is copied to build/fuzz-found.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

seconds=$([ "$MZ_LONG" = 1 ] && echo 300 || echo 10)
dev_ninja fuzz || {
    not_ok "fuzz/build: does not build; see build/fuzz.log"
    finish
}
mkdir -p build/fuzz-found

# Coverage-guided run of one target; the corpus in the repository is read, new inputs stay in a private folder.
fuzz_one() {
    local target=$1 name dir rc=0 corpus=()
    name=$(basename "$target")
    [ -d "tests/fuzz/corpus/$name" ] && corpus=("tests/fuzz/corpus/$name")
    dir=$(mktemp -d)
    mkdir "$dir/new"
    "$target" -max_total_time="$seconds" -timeout=5 -rss_limit_mb=2048 -max_len=16384 -print_final_stats=1 \
        -artifact_prefix="$ROOT/build/fuzz-found/$name-" "$dir/new" "${corpus[@]}" >"$dir/log" 2>&1 || rc=$?
    if [ $rc = 0 ]; then
        ok "$name ($(sed -n 's/.*number_of_executed_units: *//p' "$dir/log") runs in $seconds s)"
    else
        tail -n 40 "$dir/log"
        not_ok "$name: $(grep -m1 -E 'ERROR|runtime error|SUMMARY' "$dir/log" | cut -c1-200)"
    fi
    rm -rf "$dir"
}

found=no
for target in build/fuzz/tests/fuzz/fuzz_*; do
    if ! [ -f "$target" ] || ! [ -x "$target" ]; then continue; fi
    found=yes
    while [ "$(jobs -rp | wc -l)" -ge 2 ]; do wait -n; done
    fuzz_one "$target" &
done
wait
[ $found = yes ] || not_ok "fuzz: no target was built under tests/fuzz"
finish
