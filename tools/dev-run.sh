# shellcheck shell=bash
# ./dev run: builds what is needed, then hands over to tools/stack.mjs, which starts simulator, daemon and mozflow-demo.

dev_run() {
    dev_packages
    dev_node
    dev_console || dev_say "going on without the console"
    dev_ninja dev || exit 1
    exec node tools/stack.mjs run "$@"
}
