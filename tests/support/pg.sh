#!/bin/sh
# A private PostgreSQL for tests: own folder and socket, a free port on 127.0.0.1.
#   pg.sh start DIR   makes DIR (or uses an empty one), starts a server in it, prints its URL
#   pg.sh stop DIR    stops it and removes what start made
#   pg.sh cut DIR     ends the server at once and keeps its data; again DIR: starts it on the same port
# MZ_PG_FSYNC=off switches the syncs off (for tests that prove nothing about disks).
set -eu

die() {
    echo "pg.sh: $*" >&2
    exit 1
}

find_bin() {
    for d in /usr/lib/postgresql/15/bin /usr/lib/postgresql/*/bin; do
        if [ -x "$d/initdb" ]; then
            echo "$d"
            return
        fi
    done
    p=$(command -v initdb) || die "no PostgreSQL server found (Debian package postgresql)"
    dirname "$p"
}

# PostgreSQL refuses to run as root: another account takes its place then.
as_server() {
    if [ "$(id -u)" = 0 ]; then
        if id postgres >/dev/null 2>&1; then u=postgres; else u=nobody; fi
        setpriv --reuid="$u" --regid="$(id -g "$u")" --clear-groups env HOME="$home" "$@"
    else
        "$@"
    fi
}

# Below the range the kernel gives to clients. When it is taken the server says so and another one is tried.
free_port() {
    echo $((20000 + $(od -An -N2 -tu2 /dev/urandom) % 12000))
}

start() {
    bin=$(find_bin)
    mkdir -p "$dir"
    [ ! -e "$dir/where" ] || die "$dir is in use"
    # The data stand beside, because the server's account may not be able to reach a private DIR.
    home=$(mktemp -d "${TMPDIR:-/tmp}/mzpg.XXXXXX")
    echo "$home" >"$dir/where"
    if [ "$(id -u)" = 0 ]; then
        if id postgres >/dev/null 2>&1; then chown postgres "$home"; else chown nobody "$home"; fi
    fi
    cd "$home"
    as_server "$bin/initdb" -D "$home/db" -U postgres --auth=trust --encoding=UTF8 --locale=C --no-sync \
        >"$dir/initdb.log" 2>&1 || { cat "$dir/initdb.log" >&2; die "initdb failed"; }
    fsync=${MZ_PG_FSYNC:-on}
    cat >>"$home/db/postgresql.conf" <<CONF
listen_addresses = '127.0.0.1'
unix_socket_directories = '$home'
fsync = $fsync
max_connections = 200
shared_buffers = 128MB
max_wal_size = 2GB
log_min_messages = warning
deadlock_timeout = 200ms
CONF
    [ "$fsync" = on ] || echo "full_page_writes = off" >>"$home/db/postgresql.conf"
    n=0
    while :; do
        port=$(free_port)
        if as_server "$bin/pg_ctl" -D "$home/db" -o "-p $port" -l "$home/server.log" -w -t 60 start \
            >"$dir/start.log" 2>&1; then
            break
        fi
        n=$((n + 1))
        [ "$n" -lt 10 ] || { cat "$dir/start.log" "$home/server.log" >&2; stop; die "the server does not start"; }
    done
    echo "$port" >"$dir/port"
    # By TCP: the socket's folder is private to the server's account.
    echo "postgresql://postgres@127.0.0.1:$port/postgres"
}

stop() {
    [ -f "$dir/where" ] || return 0
    bin=$(find_bin)
    home=$(cat "$dir/where")
    cd "$home"
    as_server "$bin/pg_ctl" -D "$home/db" -m immediate -w -t 30 stop >/dev/null 2>&1 || true
    cd /
    case $home in */mzpg.??????) rm -rf "$home" ;; esac
    rm -f "$dir/where" "$dir/port" "$dir/initdb.log" "$dir/start.log"
    rmdir "$dir" 2>/dev/null || true
}

cut_off() {
    home=$(cat "$dir/where")
    cd "$home"
    as_server "$(find_bin)/pg_ctl" -D "$home/db" -m immediate -w -t 30 stop >/dev/null 2>&1
}

again() {
    home=$(cat "$dir/where")
    cd "$home"
    as_server "$(find_bin)/pg_ctl" -D "$home/db" -o "-p $(cat "$dir/port")" -l "$home/server.log" -w -t 60 start \
        >"$dir/start.log" 2>&1 || { cat "$dir/start.log" "$home/server.log" >&2; die "the server does not start again"; }
}

[ $# -eq 2 ] || die "usage: pg.sh start|stop|cut|again DIR"
mkdir -p "$2"
dir=$(cd "$2" && pwd)
case $1 in
start) start ;;
stop) stop ;;
cut) cut_off ;;
again) again ;;
*) die "usage: pg.sh start|stop|cut|again DIR" ;;
esac
