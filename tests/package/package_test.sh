#!/bin/sh
# package_test.sh BUILD_DIR cmake|pkgconfig|static: installs the build into a
# folder, and builds and runs a client and a server that use only this
# installation.
set -eu
build=$1 way=$2
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; rm -rf "$work"' EXIT
cc=${CC:-cc}
prefix=$work/usr

cmake --install "$build" --prefix "$prefix" >/dev/null
cp -r "$here/outside" "$work/outside"
cd "$work/outside"

PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name shmrpc.pc)")
export PKG_CONFIG_PATH

# Each of our programs has shell completions, where the shells look for them.
for program in shmrpc shmrpcgen shmrpcd shmrpc-web shmrpc-tcp shmrpc-nats; do
    [ -x "$prefix/bin/$program" ] || [ -x "$prefix/sbin/$program" ] || continue
    for file in "bash-completion/completions/$program" \
        "zsh/site-functions/_$program" "fish/vendor_completions.d/$program.fish"; do
        [ -s "$prefix/share/$file" ] || {
            echo "expected a completion of $program in share/$file"
            exit 1
        }
    done
done

# by_hand [-static]: generates and compiles without CMake.
by_hand() {
    "$(pkg-config --variable=generator shmrpc)" library.svc
    for program in server client; do
        # shellcheck disable=SC2046 # flags, split on purpose
        "$cc" -std=c11 -Wall -Wextra -Werror "$@" -o "$program" "$program.c" \
            $(find . -name 'library*.c' ! -name '*_server.c' ! -name '*_client.c') \
            "library_$program.c" \
            $(pkg-config ${1:+-$1} --cflags --libs shmrpc)
    done
    # shellcheck disable=SC2046
    "$cc" -std=c11 -Wall -Wextra -Werror "$@" -o ask ask.c \
        $(pkg-config ${1:+-$1} --cflags --libs shmrpc-svc)
}

# Programs load the version that they were built with: below 1.0 the same minor
# version, later the same major version.
version=$(pkg-config --modversion shmrpc)
case $version in
0.*) promise=${version%.*} ;;
*) promise=${version%%.*} ;;
esac
library=$(find "$prefix" -name libshmrpc.so)
[ -z "$library" ] || readelf -d "$library" |
    grep -qF "[libshmrpc.so.$promise]" || {
    echo "expected the soname libshmrpc.so.$promise, got:"
    readelf -d "$library" | grep SONAME
    exit 1
}

case $way in
cmake)
    cmake -S . -B . -G Ninja -DCMAKE_C_COMPILER="$cc" \
        -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_C_FLAGS="-Wall -Wextra -Werror"
    cmake --build .
    ;;
pkgconfig)
    by_hand
    LD_LIBRARY_PATH=$(pkg-config --variable=libdir shmrpc)
    export LD_LIBRARY_PATH
    ;;
static)
    by_hand -static
    ;;
esac

SHMRPC_DIR=$work/run
export SHMRPC_DIR
mkdir -m 700 "$SHMRPC_DIR"
mkfifo ready
./server >ready &
server=$!
read -r line <ready
[ "$line" = ready ] || { echo "the server said '$line'"; exit 1; }
./client
./ask
kill "$server"
wait "$server"
server=
# The lock stays, by design: removing it would race with the next server.
left=$(find "$SHMRPC_DIR" -mindepth 1 ! -name '*.lock')
[ -z "$left" ] || { echo "left behind: $left"; exit 1; }
