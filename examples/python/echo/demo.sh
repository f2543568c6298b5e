#!/usr/bin/env bash
# demo.sh BUILD_DIR: runs a service in Python, and calls it from Python and from
# the shell, with a build of this project.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "${1:?usage: demo.sh BUILD_DIR}" && pwd)
# shellcheck source=examples/server.sh
. "$here/../../server.sh"

printf 'examples/python/echo: a service in Python, and who calls it\n\n'
python=/usr/bin/python3
[ -x "$python" ] || python=$(command -v python3 || true)
export PYTHONPATH=$build/bindings/python
if [ -z "$python" ] || ! "$python" -c 'import shmrpc' 2>/dev/null; then
    echo "SKIPPED: the Python package is not built: no Python 3.11 or later" \
        "with its headers (python3-dev)" >&2
    exit 0
fi
printf '$ python3 greeter.py &\n'
start_server 30 "$python" "$here/greeter.py" --workers=1
printf "%s\n\$ python3 -c 'import shmrpc; print(shmrpc.connect(\"greeter\").greet(\"Ada\"))'\n" \
    "$server_said"
"$python" -W ignore -c 'import shmrpc; print(shmrpc.connect("greeter").greet("Ada"))'
printf '\n$ shmrpc call greeter greet Ada\n'
"$build/tools/shmrpc/shmrpc" call greeter greet Ada
stop_server
