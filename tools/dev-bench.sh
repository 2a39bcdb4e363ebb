# shellcheck shell=bash
# ./dev bench NAME [--quick]: runs tests/bench/NAME.mjs on release builds. The last line is "NAME key=value ...".

dev_bench() {
    local name=${1:-}
    if [ -z "$name" ] || ! [ -f "tests/bench/$name.mjs" ]; then
        dev_die "bench needs a name: $(find tests/bench -maxdepth 1 -name '*.mjs' -printf '%f ' | sed 's/\.mjs//g')"
    fi
    shift
    dev_packages all
    dev_node
    dev_ninja release || exit 1
    exec node "tests/bench/$name.mjs" "$@"
}
