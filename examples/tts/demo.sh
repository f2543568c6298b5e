#!/usr/bin/env bash
# demo.sh BUILD_DIR: shows programs that share a dict and a queue, with a build
# of this project.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
programs=$(cd "${1:?usage: demo.sh BUILD_DIR}" && pwd)/examples/tts
shmrpc=$programs/../../tools/shmrpc/shmrpc
# shellcheck source=examples/server.sh
. "$here/../server.sh"

show() {
    printf '$ %s' "$(basename "$1")"
    printf ' %q' "${@:2}"
    printf '\n'
    "$@"
}

printf 'examples/tts: a dict and a queue, shared by programs that make no call\n\n'
printf '$ tts-server &\n'
start_server 10 "$programs/tts-server"
printf '%s' "$server_said"
show "$programs/tts-client" voice alto bass
show "$programs/tts-client" say alto 'Good morning' bass 'Mind the gap'
show "$programs/tts-speaker" 1
printf '$ tts-speaker --die\n'
# Runs in another shell, which prints "Killed" to its own standard error.
bash -c '"$0" --die; exit 0' "$programs/tts-speaker" 2>/dev/null
show "$programs/tts-speaker" 1
show "$shmrpc" ls
stop_server
