# shellcheck shell=bash
# ./dev build: packages, console, daemon and simulator (build/dev: gcc, test hooks and planted defects compiled in).

dev_build() {
    [ $# -eq 0 ] || dev_die "build takes no arguments"
    dev_packages
    local made=() program console=0
    dev_console || console=1
    dev_ninja dev || exit 1
    for program in build/dev/src/app/mozflow-tiktok build/dev/sim/tiktok-sim; do
        [ -x "$program" ] && made+=("$program")
    done
    dev_say "built: ${made[*]:-no program yet}"
    [ $console = 0 ] || dev_die "the programs are built without the console"
}
