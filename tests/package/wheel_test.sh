#!/bin/sh
# wheel_test.sh BUILD_DIR PYTHON SERVER: installs the build into a folder, makes
# a wheel of the package from the installation, as `pip install
# --no-build-isolation .` does, installs the wheel into a virtual environment,
# and removes everything else. In this environment the package is imported,
# calls a service and serves one.
set -eu
build=$1 python=$2 program=$3
here=$(cd "$(dirname "$0")" && pwd)
"$python" -c 'import setuptools, pip, venv, wheel' 2>/dev/null || {
    echo "SKIPPED: $python lacks pip, setuptools or wheel (python3-pip," \
        "python3-setuptools, python3-wheel)"
    exit 77
}
work=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; rm -rf "$work"' EXIT
SHMRPC_DIR=$work/run
HOME=$work
PIP_NO_INDEX=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
PIP_ROOT_USER_ACTION=ignore PYTHONDONTWRITEBYTECODE=1
export SHMRPC_DIR HOME PIP_NO_INDEX PIP_DISABLE_PIP_VERSION_CHECK
export PIP_NO_CACHE_DIR PIP_ROOT_USER_ACTION PYTHONDONTWRITEBYTECODE
unset PYTHONPATH
mkdir -m 700 "$SHMRPC_DIR"

fail() {
    echo "$*"
    exit 1
}

# If no installed library is found, the build says what to do.
cp -r "$here/../../bindings/python" "$work/source"
cd "$work/source"
if PKG_CONFIG_PATH='' PKG_CONFIG_LIBDIR=$work "$python" setup.py --version \
    >"$work/out" 2>&1; then
    fail "setup.py succeeded although there is no libshmrpc"
fi
grep -q 'install shmrpc first' "$work/out" || fail "$(cat "$work/out")"

cmake --install "$build" --prefix "$work/prefix" >/dev/null
PKG_CONFIG_PATH=$(dirname "$(find "$work/prefix" -name shmrpc.pc)")
export PKG_CONFIG_PATH
"$python" -m pip wheel -q --no-build-isolation --no-deps -w "$work/dist" . \
    >"$work/out" 2>&1 || fail "$(cat "$work/out")"
wheel=$(find "$work/dist" -name '*.whl')
case $wheel in
*/shmrpc-[0-9]*-cp311-abi3-linux_*.whl) ;;
*) fail "expected a wheel cp311-abi3-linux, got: $wheel" ;;
esac

"$python" -m venv --system-site-packages --without-pip "$work/venv"
there=$work/venv/bin/python
"$python" -m pip --python "$there" install -q --no-deps "$wheel" \
    >"$work/out" 2>&1 || fail "$(cat "$work/out")"
rm -rf "$work/prefix" "$work/source" "$work/dist"
unset PKG_CONFIG_PATH
cd "$work"

core=$(find "$work/venv" -name '_core*.so')
needed=$(readelf -d "$core" | grep NEEDED)
case $needed in
*libshmrpc*) fail "the extension needs libshmrpc.so, which should be linked statically: $needed" ;;
esac
readelf -Ws --dyn-syms "$core" | grep -q ' FUNC .* GLOBAL .* shmrpc_' &&
    fail "the extension exports symbols of the library that it links statically"
[ -f "$(dirname "$core")/py.typed" ] || fail "no py.typed in the wheel"

# await_line FILE TEXT: waits until a server has printed the text.
await_line() {
    until grep -q "$2" "$1"; do
        kill -0 "$server" 2>/dev/null || fail "$(cat "$1")"
        sleep 0.05
    done
}

"$program" --workers=1 >"$work/said" 2>&1 &
server=$!
await_line "$work/said" "serving at"
"$there" -W error - <<'END'
import shmrpc, sys
assert shmrpc.__file__.startswith(sys.prefix), shmrpc.__file__
with shmrpc.connect("echo_serv") as echo:
    assert echo.add(1, b=2) == 3
    assert echo.echo_json({"a": [1, None]}) == {"a": [1, None]}
END
kill "$server"
wait "$server"

cp "$here/../../examples/python/echo/greeter.py" \
    "$here/../../examples/python/echo/echo.svc" "$work"
: >"$work/said"
"$there" -W error greeter.py --workers=1 >"$work/said" 2>&1 &
server=$!
await_line "$work/said" "serving at"
"$there" -W error - <<'END'
import shmrpc
with shmrpc.connect("greeter") as greeter:
    assert greeter.add(20, 3) == 23
END
kill "$server"
wait "$server"
server=
echo "1 passed"
