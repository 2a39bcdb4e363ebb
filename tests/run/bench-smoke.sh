#!/usr/bin/env bash
# The intake bench in its quick form: ends in time, and its last line holds every figure.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

./dev bench intake --prepare >&2
begun=$SECONDS
line=$(./dev bench intake --quick | tail -n 1) || true
took=$((SECONDS - begun))
for key in ratio pg_ratio nginx_ratio p50_ms p99_ms rss_mib cpu_us; do
    case " $line " in
    *" $key="[0-9]*) ok "bench-smoke.$key" ;;
    *) not_ok "bench-smoke.$key: not in the last line: $line" ;;
    esac
done
if [ $took -le 90 ]; then
    ok "bench-smoke.time ($took s)"
else
    not_ok "bench-smoke.time: $took s, aim 45, allowed under load 90"
fi
finish
