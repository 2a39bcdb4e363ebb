# shellcheck shell=bash
# ./dev stop --state DIR: ends what `./dev run --background` started in that folder.

dev_stop() {
    dev_node
    exec node tools/stack.mjs stop "$@"
}
