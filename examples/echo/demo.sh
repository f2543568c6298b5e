#!/usr/bin/env bash
# demo.sh BUILD_DIR: runs the echo service and a client from a build of this
# project.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
programs=$(cd "${1:?usage: demo.sh BUILD_DIR}" && pwd)/examples/echo
# shellcheck source=examples/server.sh
. "$here/../server.sh"

printf 'examples/echo: one method per encoding, through shared memory\n\n'
printf '$ echo-server &\n'
start_server 10 "$programs/echo-server"
printf '%s\n$ echo-client\n' "$server_said"
"$programs/echo-client"
printf '\n$ shmrpc call echo_serv add 40 2\n'
"$programs/../../tools/shmrpc/shmrpc" call echo_serv add 40 2
stop_server
