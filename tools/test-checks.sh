#!/usr/bin/env bash
# test-checks.sh: each check of tools/ passes on a small clean tree and fails, with the right words, once a violation
# is planted in it. A check that cannot fail proves nothing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
CHECKS=$PWD/tools
TMP=$(mktemp -d)
trap 'rm -rf "$TMP"' EXIT
FAILED=0

# A tree that every check accepts.
clean_tree() {
    local d=$1
    rm -rf "$d"
    mkdir -p "$d/src/base" "$d/src/json" "$d/src/contacts" "$d/src/store" "$d/sim" "$d/tools" "$d/tests"
    cp tools/arrows.txt "$d/tools/"
    printf '# none\n' >"$d/tools/size-exceptions.txt"
    printf 'int base_one(void);\n' >"$d/src/base/base.h"
    printf '#include "base/base.h"\nint base_one(void)\n{\n    return 1;\n}\n' >"$d/src/base/base.c"
    printf '#include "base/base.h"\n' >"$d/src/json/json.h"
    printf '#include "store/store.h"\n#include "base/base.h"\n' >"$d/src/contacts/contacts.h"
    printf '#include "base/base.h"\n' >"$d/src/store/store.h"
    printf '#include "json/json.h"\n' >"$d/sim/main.c"
    cat >"$d/src/contacts/contacts_db.c" <<'C'
#include "contacts/contacts.h"
const struct migration contacts_migrations[] = {
    {1, "people",
     "CREATE TABLE people (\n"
     "  workspace_id @TEXT NOT NULL,\n"
     "  id @TEXT NOT NULL,\n"
     "  name @TEXT, -- personal\n"
     "  PRIMARY KEY (workspace_id, id)\n"
     ") @TABLE;\n",
     1},
};
static const struct sql save_person = {"contacts.save",
    "INSERT INTO people (workspace_id, id, name) VALUES ($1, $2, $3)"
    " ON CONFLICT (workspace_id, id) DO UPDATE SET name = EXCLUDED.name"};
static const struct sql find_person = {"contacts.find",
    "SELECT name FROM people WHERE workspace_id = $1 AND id = $2"};
int person_save(void)
{
    return run(&save_person);
}
int person_find(void)
{
    return run(&find_person);
}
C
}

# expect CHECK NAME WORDS: the check must fail on $TMP/t and say WORDS.
expect() {
    local check=$1 name=$2 words=$3 out rc=0
    out=$("$CHECKS/check-$check" "$TMP/t" 2>&1) || rc=$?
    if [ $rc != 0 ] && grep -qF -- "$words" <<<"$out"; then
        printf 'ok check-%s.%s\n' "$check" "$name"
    else
        FAILED=1
        printf 'not ok check-%s.%s: ended with %s and said: %s\n' "$check" "$name" $rc "$(tr '\n' ' ' <<<"$out" | cut -c1-300)"
    fi
    clean_tree "$TMP/t"
}

# expect_clean CHECK: the clean tree passes.
expect_clean() {
    local out
    if out=$("$CHECKS/check-$1" "$TMP/t" 2>&1); then
        printf 'ok check-%s.clean\n' "$1"
    else
        FAILED=1
        printf 'not ok check-%s.clean: %s\n' "$1" "$(tr '\n' ' ' <<<"$out" | cut -c1-300)"
    fi
}

# plant FILE TEXT: appends a violation.
plant() { printf '%b' "$2" >>"$TMP/t/$1"; }

test_arrows() {
    expect_clean arrows
    plant src/json/json.h '#include "store/store.h"\n'
    expect arrows upward "no arrow from json to store"
    plant src/contacts/contacts.h '#include "store/store_priv.h"\n'
    expect arrows private "only store/store.h may be named"
    plant sim/main.c '#include "store/store.h"\n'
    expect arrows sim "no arrow from sim to store"
    mkdir -p "$TMP/t/src/helper" && plant src/helper/helper.h 'int x;\n'
    expect arrows unknown-room "src/helper is no room"
    plant src/contacts/contacts.h '#include "../base/base.h"\n'
    expect arrows relative "climbs out"
}

test_size() {
    expect_clean size
    plant src/base/base.c "int long_one(void)\n{\n$(yes '    base_one();\n' | head -n 70 | tr -d '\n')    return 0;\n}\n"
    expect size function "long_one: 74 lines"
    plant src/base/base.h "$(yes '\n' | head -n 160 | tr -d '\n')"
    expect size header "base.h: 161 lines"
    plant src/base/base.c "// $(printf 'x%.0s' $(seq 120))\n"
    expect size line "123 columns"
    plant tools/size-exceptions.txt 'function src/base/base.c:base_one 90 once it was long\n'
    expect size exception-not-needed "no longer needs it"
}

test_sql() {
    local db=src/contacts/contacts_db.c
    expect_clean sql
    plant $db 'static const struct sql all = {"contacts.all", "SELECT name FROM people"};\n'
    expect sql no-workspace "without a workspace_id predicate"
    plant $db 'static const struct sql gone = {"contacts.gone", "DELETE FROM people WHERE id = $1"};\n'
    expect sql delete-over-all "without a workspace_id predicate"
    printf 'contacts.find no longer needed\n' >"$TMP/t/tools/sql-exempt.txt"
    expect sql exemption-not-needed "no longer needs it"
    plant $db 'static const struct sql built = {"contacts.built", text_of(1)};\n'
    expect sql not-constant 'write {"name", "constant SQL"}'
    printf 'static const struct sql a = {"a", "SELECT 1"};\n' >"$TMP/t/src/contacts/find.c"
    expect sql outside-db "struct sql outside"
    printf 'int f(void) { return run("SELECT name FROM people"); }\n' >"$TMP/t/src/contacts/find.c"
    expect sql text-outside-db "SQL outside"
    plant $db 'static const char t[] = "CREATE TABLE loose (\\n  id @TEXT PRIMARY KEY\\n) @TABLE;\\n";\n'
    expect sql loose-table "does not begin with workspace_id"
    mkdir -p "$TMP/t/src/login"
    printf 'static const struct sql x = {"login.x", "UPDATE people SET id = $2 WHERE workspace_id = $1"};\n' >"$TMP/t/src/login/login_db.c"
    expect sql foreign-table "belongs to room contacts"
    plant $db 'int person_rename(void)\n{\n    return run(&save_person);\n}\n'
    expect sql personal "person_rename writes personal data"
}

test_words() {
    expect_clean words
    plant src/base/base.c "// see /wor""k/main\n"
    expect words machine-path "a machine path"
    plant src/base/base.c "// https://regis""try.example.org/x\n"
    expect words registry "a registry host"
    plant src/base/base.c "// TO""DO later\n"
    expect words unfinished "an unfinished place"
}

# A stand-in for the binary prints pages; the check must see a stale page and a row without words.
test_docs() {
    local pages=(routes settings flags metrics events alerts) p
    mkdir -p "$TMP/t/docs/generated"
    cat >"$TMP/fake" <<'SH'
#!/bin/sh
for p in routes settings flags metrics events alerts; do printf '| a | %s |\n' "${WORDS-words}" >"$3/$p.md"; done
SH
    chmod +x "$TMP/fake"
    export MZ_BINARY=$TMP/fake
    for p in "${pages[@]}"; do printf '| a | words |\n' >"$TMP/t/docs/generated/$p.md"; done
    expect_clean docs
    printf '| b | more |\n' >>"$TMP/t/docs/generated/flags.md"
    expect docs stale "out of date"
    mkdir -p "$TMP/t/docs/generated"
    for p in "${pages[@]}"; do printf '| a |  |\n' >"$TMP/t/docs/generated/$p.md"; done
    export WORDS=
    expect docs no-words "have no description"
    unset MZ_BINARY WORDS
}

# A program built without hardening must be refused, a hardened one taken.
test_release() {
    local out
    printf '#include <string.h>\n#include <stdio.h>\nint main(int c, char **v)\n{\n    char b[64];\n    strncpy(b, v[0], 63 + (size_t)c);\n    return puts(b);\n}\n' >"$TMP/r.c"
    gcc -O2 -fPIE -pie -fstack-protector-all -D_FORTIFY_SOURCE=2 -Wl,-z,relro,-z,now,-z,noexecstack -w -o "$TMP/good" "$TMP/r.c"
    gcc -O0 -no-pie -fno-stack-protector -U_FORTIFY_SOURCE -Wl,-z,norelro,-z,lazy,-z,execstack -w -o "$TMP/weak" "$TMP/r.c" 2>/dev/null
    if out=$(tools/check-release "$TMP/good"); then printf 'ok check-release.clean\n'; else
        FAILED=1
        printf 'not ok check-release.clean: %s\n' "$out"
    fi
    out=$(tools/check-release "$TMP/weak") || true
    for words in "position independent" "RELRO" "BIND_NOW" "executable stack" "stack protector" "fortified"; do
        if grep -qF "$words" <<<"$out"; then printf 'ok check-release.%s\n' "${words// /-}"; else
            FAILED=1
            printf 'not ok check-release.%s: not noticed\n' "${words// /-}"
        fi
    done
}

clean_tree "$TMP/t"
test_arrows
test_size
test_sql
test_words
test_docs
test_release
exit $FAILED
