#!/bin/bash
# Without libnats, everything except nats:// and shmrpc-nats is built, and CMake
# says what is left out. without_nats_test.sh BUILD: BUILD is a build with
# libnats, to compare with.
set -u
with=$(cd "${1:?usage: without_nats_test.sh BUILD}" && pwd)
cd "$(dirname "$0")/../.." || exit
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
    echo "FAILED: $*"
    exit 1
}

# A pkg-config that does not know libnats.
real=$(command -v pkg-config) || fail "no pkg-config"
cat >"$work/pkg-config" <<END
#!/bin/sh
for word; do
    case \$word in libnats*) exit 1 ;; esac
done
exec "$real" "\$@"
END
chmod +x "$work/pkg-config"

# With the options of BUILD, except those that take long to configure.
sed -nE 's/^((CMAKE_BUILD_TYPE|CMAKE_C_FLAGS|SHMRPC_[A-Z_]+):.*)/-D\1/p' \
    "$with/CMakeCache.txt" >"$work/options"
mapfile -t options <"$work/options"
cmake -S . -B "$work/build" -G Ninja "${options[@]}" \
    -DSHMRPC_BENCH=OFF -DPKG_CONFIG_EXECUTABLE="$work/pkg-config" \
    >"$work/log" 2>&1 || fail "cmake: $(cat "$work/log")"
grep -q 'No libnats .*: built without shmrpc-nats, and nats://' "$work/log" ||
    fail "cmake does not say what is left out: $(grep -i nats "$work/log")"
# Nothing may link libnats, include it, or need the program.
for what in -lnats libnats nats_carrier 'shmrpc-nats:' nats_test; do
    ! grep -q -e "$what" "$work/build/build.ninja" ||
        fail "$what is to be built: $(grep -m 1 -e "$what" "$work/build/build.ninja")"
done
# The transport itself is built, so that it can report which library is missing.
grep -q 'transport/nats/load\.c' "$work/build/build.ninja" ||
    fail "the transport is not built"

# The runtime is built from the same sources with the same flags, so calls
# execute the same instructions with and without libnats.
grep -q nats_carrier "$with/build.ninja" || {
    echo "libnats is missing here: nothing to compare with"
    exit 0
}
runtime_of() { # BUILD
    sed -n '\#^build runtime/CMakeFiles/shmrpc_objects.dir/#,/^$/p' \
        "$1/build.ninja" | sed "s#$1#BUILD#g; s# -fdiagnostics-color=always##" |
        grep -E '^build |^  (DEFINES|FLAGS|INCLUDES) ' | sort -u
}
runtime_of "$with" >"$work/with"
runtime_of "$work/build" >"$work/without"
[ -s "$work/with" ] || fail "$with has no runtime"
difference=$(diff "$work/with" "$work/without") ||
    fail "libnats changes how the runtime is built: $difference"
