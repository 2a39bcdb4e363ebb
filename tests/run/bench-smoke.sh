#!/usr/bin/env bash
# The benches of intake and refresh in their quick forms: they end in time, and their last lines hold every figure.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

./dev bench intake --prepare >&2

# smoke NAME KEY...
smoke() {
    local name=$1 line begun=$SECONDS took key
    shift
    line=$(./dev bench "$name" --quick | tail -n 1) || true
    took=$((SECONDS - begun))
    for key in "$@"; do
        case " $line " in
        *" $key="[0-9]*) ok "bench-smoke.$name.$key" ;;
        *) not_ok "bench-smoke.$name.$key: not in the last line: $line" ;;
        esac
    done
    if [ $took -le 90 ]; then
        ok "bench-smoke.$name.time ($took s)"
    else
        not_ok "bench-smoke.$name.time: $took s, aim 45, allowed under load 90"
    fi
}

smoke intake ratio pg_ratio nginx_ratio p50_ms p99_ms rss_mib cpu_us
# Fewer grants than by hand: the shape of the last line, not a figure.
MZ_GRANTS=100 smoke refresh per_s p99_ms rss_mib ratio
finish
