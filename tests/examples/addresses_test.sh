#!/usr/bin/env bash
# addresses_test.sh ECHO_FOLDER SEARCH_FOLDER SHMRPC_TCP PRIMES_FOLDER
# CALC_FOLDER [OCR_FOLDER]: the programs of the examples behave the same over
# tcp://, unix:// and the gateway as over shm://, if only the address changes.
set -euo pipefail
echo_programs=$(realpath "$1")
search_programs=$(realpath "$2")
gateway=$(realpath "$3")
primes_programs=$(realpath "$4")
calc_programs=$(realpath "$5")
export LC_ALL=C.UTF-8
# shellcheck source=examples/server.sh
. "$(dirname "$0")/../../examples/server.sh"

# start_gateway SERVICE: starts a gateway to the running server; $tcp is then
# the address where it listens.
start_gateway() {
    # The gateway's sandbox hides /proc from the leak checker.
    exec 8< <(ASAN_OPTIONS=detect_leaks=0 exec "$gateway" --force-insecure-serialisation "$1=tcp://:0" 8<&-)
    gateway_pid=$!
    trap 'kill "$gateway_pid"; server_cleanup' EXIT
    read -r -t 20 -u 8 tcp
    tcp=${tcp##* }
}

stop_gateway() {
    kill -TERM "$gateway_pid"
    wait "$gateway_pid"
    exec 8<&-
    trap server_cleanup EXIT
}

# same WHERE EXPECTED ACTUAL: fails unless both are equal.
same() {
    [ "$2" = "$3" ] && return
    printf 'FAILED: over %s\nexpected: %s\ngot: %s\n' "$1" "$2" "$3"
    exit 1
}

# Prints the address that the last started server reports.
where_it_serves() {
    sed -n 's/.*: serving at \([^ ,]*\).*/\1/p' <<<"$server_said"
}

# The client's output about its calls, without times.
echo_calls() {
    "$echo_programs/echo-client" "$1" | grep '^echo_\|^add '
}

start_server 10 "$echo_programs/echo-server"
expected=$(echo_calls shm://)
start_gateway echo_serv
same "the gateway" "$expected" "$(echo_calls "$tcp")"
stop_gateway
stop_server
[[ $expected == *'40 + 2 = 42'* ]] || same shm:// 'a sum' "$expected"

start_server 10 "$echo_programs/echo-server" --listen tcp://:0 \
    --force-insecure-serialisation
tcp=$(where_it_serves)
same "$tcp" "$expected" "$(echo_calls "$tcp")"
# The next address of a list is used if no server is at the first.
same "shm://,$tcp" "$expected" "$(echo_calls "shm://,$tcp")"
stop_server

start_server 10 "$echo_programs/echo-server" --listen "unix://$server_folder/e"
same unix "$expected" "$(echo_calls "unix://$server_folder/e")"
stop_server

# The service has a native method, which is served over TCP only with an
# explicit option.
if said=$("$echo_programs/echo-server" --listen tcp://:0 2>&1); then
    same tcp 'a refusal' "$said"
fi
[[ $said == *'method add is native'*force_insecure_serialisation* ]] ||
    same tcp 'method add is native' "$said"

mkdir "$server_folder/docs"
printf 'A plain text about lighthouses.\n' >"$server_folder/docs/plain.txt"
search() {
    "$search_programs/search-client" --at "$1" find lighthouses | sed 's/ in .*//'
    "$search_programs/search-client" --at "$1" stats | sed 's/, [0-9]* searches//; q'
}
start_server 30 "$search_programs/search-server" "$server_folder/docs"
expected=$(search shm://)
start_gateway search
same "the gateway" "$expected" "$(search "$tcp")"
stop_gateway
stop_server
[[ $expected == *'[lighthouses]'* ]] || same shm:// '[lighthouses]' "$expected"
start_server 30 "$search_programs/search-server" \
    --listen "unix://$server_folder/s" "$server_folder/docs"
same unix "$expected" "$(search "unix://$server_folder/s")"
stop_server

# 64 calls at a time, in the program's own loop.
primes() {
    "$primes_programs/primes-client" "$1" | grep primes
    # The same calls in libuv's loop, if libuv is installed.
    [ ! -x "$primes_programs/primes-client-uv" ] ||
        "$primes_programs/primes-client-uv" "$1" | sed 's/.* ticks, //'
}
start_server 10 "$primes_programs/primes-server" --workers=1
expected=$(primes shm://)
start_gateway primes
same "the gateway" "$expected" "$(primes "$tcp")"
stop_gateway
stop_server
[[ $expected == *'9592 primes'* ]] || same shm:// '9592 primes' "$expected"
start_server 10 "$primes_programs/primes-server" --listen tcp://:0 \
    --force-insecure-serialisation
tcp=$(where_it_serves)
same "$tcp" "$expected" "$(primes "$tcp")"
stop_server

# Without further options, as in the project's README.
calc() {
    "$calc_programs/calc-client" "$1"
}
start_server 10 "$calc_programs/calc-server"
same shm:// 42 "$(calc shm://)"
start_gateway calc
same "the gateway" 42 "$(calc "$tcp")"
stop_gateway
stop_server
start_server 10 "$calc_programs/calc-server" --listen tcp://:0 \
    --force-insecure-serialisation
tcp=$(where_it_serves)
same "$tcp" 42 "$(calc "$tcp")"
stop_server

[ $# -gt 5 ] || exit 0
ocr_programs=$(realpath "$6")
page=$(dirname "$0")/../../examples/ocr/page.png
ocr() {
    "$ocr_programs/ocr-client" --at "$1" "$page"
}
start_server 60 "$ocr_programs/ocr-server" --workers=1
expected=$(ocr shm://)
start_gateway ocr
same "the gateway" "$expected" "$(ocr "$tcp")"
stop_gateway
stop_server
