#!/bin/sh
# Where libnats is missing, everything but nats:// and shmrpc-nats is built, and
# CMake says what is left out.
set -u
cd "$(dirname "$0")/../.." || exit
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
    echo "FAILED: $*"
    exit 1
}

# A pkg-config that has never heard of it.
real=$(command -v pkg-config) || fail "no pkg-config"
cat >"$work/pkg-config" <<END
#!/bin/sh
for word; do
    case \$word in libnats*) exit 1 ;; esac
done
exec "$real" "\$@"
END
chmod +x "$work/pkg-config"

cmake -S . -B "$work/build" -G Ninja \
    -DSHMRPC_BENCH=OFF -DPKG_CONFIG_EXECUTABLE="$work/pkg-config" \
    >"$work/log" 2>&1 || fail "cmake: $(cat "$work/log")"
grep -q 'No libnats .*: built without shmrpc-nats, and nats://' "$work/log" ||
    fail "cmake does not say what is left out: $(grep -i nats "$work/log")"
# What would link it, include it, or need the program.
for what in -lnats libnats nats_carrier 'shmrpc-nats:' nats_test; do
    ! grep -q -e "$what" "$work/build/build.ninja" ||
        fail "$what is to be built: $(grep -m 1 -e "$what" "$work/build/build.ninja")"
done
# The transport itself is there: it says which library is missing.
grep -q 'transport/nats/load\.c' "$work/build/build.ninja" ||
    fail "the transport is not built"
