#!/bin/sh
# leaks_test.sh INCLUDE LIBRARY_DIR PYTHON FILE...: builds the extension for an
# interpreter that counts references (python3-dbg), and repeats each test of
# FILEs until a run leaves no references behind (leaks.py). It takes long, so it
# runs only with SHMRPC_TEST_LONG=1.
set -eu
include=$1 libraries=$2 python=$3
shift 3
[ -n "${SHMRPC_TEST_LONG:-}" ] || { echo "SKIPPED: a long test"; exit 77; }
"$python" -c 'import sys; sys.gettotalrefcount()' 2>/dev/null || {
    echo "SKIPPED: $python counts no references (python3-dbg)"
    exit 77
}
here=$(cd "$(dirname "$0")" && pwd)
package=$here/../../../bindings/python
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/shmrpc"
ln -s "$package"/shmrpc/* "$work/shmrpc"
headers=$("$python" -c 'import sysconfig; print(sysconfig.get_path("include"))')
# shellcheck disable=SC2046 # flags, split on purpose
"${CC:-cc}" -std=c11 -O1 -g -fPIC -shared -DPy_LIMITED_API=0x030b0000 \
    -I"$headers" -I"$package/../../runtime/include" -I"$include" \
    -o "$work/shmrpc/_core.abi3.so" "$package"/src/*.c \
    -L"$libraries" -lshmrpc-svc -lshmrpc -Wl,-rpath,"$libraries"
PYTHONPATH=$work:$here
export PYTHONPATH
unset SHMRPC_TEST_LONG # otherwise the tests themselves would repeat more often
bad=0
for file in "$@"; do
    "$python" -B -m pytest -q -p no:cacheprovider -p leaks \
        -p no:unraisableexception "$here/$file" || bad=1
done
exit "$bad"
