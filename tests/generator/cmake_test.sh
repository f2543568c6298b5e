#!/bin/sh
# Tests shmrpc_generate(): errors, builds and rebuilds, with Ninja and with Make.
# Nothing is linked: a stand-in replaces the library.
#   cmake_test.sh SHMRPCGEN SOURCE_DIR BINARY_DIR
set -eu
generator=$(realpath "$1") source=$2 binary=$3
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
failed=0

fail() {
    echo "cmake_test: FAILED: $*" >&2
    sed 's/^/    /' log >&2
    failed=1
}

mkdir -p project/acme
cp "$here/golden/echo.svc" "$here/golden/types.svc" project
cp "$here/golden/acme/common.svc" project/acme

# project TEXT...: writes a CMakeLists.txt that ends with these calls.
project() {
    cat >project/CMakeLists.txt <<CMAKE
cmake_minimum_required(VERSION 3.20)
project(outside C)
add_executable(shmrpc::generator IMPORTED)
set_target_properties(shmrpc::generator PROPERTIES
    IMPORTED_LOCATION $generator)
add_library(shmrpc::runtime INTERFACE IMPORTED)
set_target_properties(shmrpc::runtime PROPERTIES
    INTERFACE_INCLUDE_DIRECTORIES "$source/runtime/include;$binary/include")
include($source/cmake/ShmrpcGenerate.cmake)
add_library(stubs OBJECT)
CMAKE
    printf '%s\n' "$@" >>project/CMakeLists.txt
}

# refuses TEXT CALL: configuring must fail with TEXT.
refuses() {
    project "$2"
    rm -rf refused
    if cmake -S project -B refused >log 2>&1; then
        fail "$2 was accepted"
    fi
    tr -s ' \n' ' ' <log | grep -qF "$1" || fail "$2: expected $1"
}
refuses "unknown arguments: BOGUS" \
    "shmrpc_generate(TARGET stubs BOGUS SVC echo.svc)"
refuses "LOCK needs exactly one SVC" \
    "shmrpc_generate(TARGET stubs SVC echo.svc types.svc LOCK echo.svc.lock)"
refuses "SVC needs at least one file" "shmrpc_generate(TARGET stubs)"
refuses "TARGET must name a target, not \`none\`" \
    "shmrpc_generate(TARGET none SVC echo.svc)"
refuses "unknown kind \`docs\`" \
    "shmrpc_generate(TARGET stubs SVC echo.svc KINDS docs)"

# Without C, generated files would silently be left out of the project.
project "shmrpc_generate(TARGET stubs SVC echo.svc)"
sed -i 's/^project(outside C)/project(outside CXX)/' project/CMakeLists.txt
rm -rf refused
if cmake -S project -B refused >log 2>&1; then
    fail "a project without C was accepted"
fi
tr -s ' \n' ' ' <log | grep -qF "write project(outside LANGUAGES C CXX)" ||
    fail "a project without C: expected what to write"

# build DIR TEXT: builds; the log must contain TEXT.
# build DIR !TEXT: builds; the log must not contain TEXT.
build() {
    cmake --build "$1" >log 2>&1 || fail "build in $1"
    case $2 in
    !*) if grep -qF "${2#!}" log; then fail "$1: ${2#!} again"; fi ;;
    *) grep -qF "$2" log || fail "$1: expected $2" ;;
    esac
}

for tool in Ninja "Unix Makefiles"; do
    dir="build $tool"
    project "shmrpc_generate(TARGET stubs SVC echo.svc acme/common.svc types.svc" \
        "    KINDS client server PREFIX p OUT_VAR files HEADERS_VAR headers)" \
        "list(LENGTH files file_count)" "list(LENGTH headers header_count)" \
        "message(STATUS \"counts \${file_count} \${header_count}\")"
    sed -i 's/ PREFIX p / /' project/CMakeLists.txt
    cmake -S project -B "$dir" -G "$tool" >log 2>&1 || fail "configure"
    grep -q "counts 18 9" log || fail "OUT_VAR and HEADERS_VAR"
    build "$dir" "Generating C from types.svc"
    build "$dir" "!Generating C"
    # After changing a comment, generation runs once and nothing is compiled.
    sleep_until_newer() { # the clock of the file system may be coarse
        [ -e "$1" ] || fail "$1 was not made"
        while [ -e "$1" ]; do
            touch probe
            [ -z "$(find probe -newer "$1")" ] || break
        done
    }
    stamp="$dir/shmrpc/stubs/types.stamp"
    sleep_until_newer "$stamp"
    echo "// a comment" >>project/types.svc
    build "$dir" "Generating C from types.svc"
    if grep -q "Building C object.*types" log; then fail "compiled again"; fi
    build "$dir" "!Generating C"
    # The depfile makes the build notice changes of imports.
    sleep_until_newer "$stamp"
    touch project/acme/common.svc
    build "$dir" "Generating C from types.svc"
    build "$dir" "!Generating C"
done

# An executable given as a path replaces the target.
project "shmrpc_generate(TARGET stubs SVC echo.svc PREFIX mine)"
sed -i 's/^add_executable(shmrpc::generator.*//; /^set_target_properties(shmrpc::generator/,/)$/d' \
    project/CMakeLists.txt
cmake -S project -B by-hand "-DSHMRPCGEN_EXECUTABLE=$generator" >log 2>&1 ||
    fail "configure with SHMRPCGEN_EXECUTABLE"
build by-hand "Generating C from echo.svc"
grep -q mine_echo_connect by-hand/shmrpc/stubs/echo_client.h || fail "PREFIX"

# With a lock, a change is built only after it was approved.
# broken DIR TEXT: the build must fail with TEXT.
broken() {
    if cmake --build "$1" >log 2>&1; then
        fail "$1 was built"
    fi
    grep -qF "$2" log || fail "$1: expected $2"
}
for tool in Ninja "Unix Makefiles"; do
    dir="lock $tool"
    cp "$here/golden/echo.svc" project
    rm -f project/echo.svc.lock
    project "shmrpc_generate(TARGET stubs SVC echo.svc LOCK echo.svc.lock" \
        "    IMPORT_DIRS acme)"
    cmake -S project -B "$dir" -G "$tool" >log 2>&1 || fail "configure"
    broken "$dir" "\`--update-lock\` makes a lock"
    "$generator" check --update-lock project/echo.svc
    build "$dir" "Generating C from echo.svc"
    build "$dir" "!Generating C"
    stamp="$dir/shmrpc/stubs/echo.stamp"
    cmake -S project -B "$dir" >log 2>&1 || fail "configure with a lock"
    # A new method, which the lock does not have.
    sleep_until_newer "$stamp"
    sed -i 's/^service.*{/&\n  native extra();/' project/echo.svc
    broken "$dir" "project/echo.svc.lock:"
    broken "$dir" "error[S1302]"
    "$generator" check --update-lock --force project/echo.svc
    build "$dir" "Generating C from echo.svc"
    # A lock that differs from the .svc, as after a merge.
    sleep_until_newer "$stamp"
    sed -i 's/native extra/json extra/' project/echo.svc.lock
    broken "$dir" "error[S1104]"
done

exit $failed
