#!/usr/bin/env bash
# pipeline_test.sh PROGRAMS_FOLDER SHMRPC: the programs of the pipeline may be
# started in any order; any of them may be killed and started again while the
# others continue.
set -euo pipefail
PATH=$(realpath "$1"):$PATH
shmrpc=$(realpath "$2")
SHMRPC_DIR=$(mktemp -d)
export PATH SHMRPC_DIR LC_ALL=C.UTF-8
folder=$SHMRPC_DIR
declare -A pids=()
# shellcheck disable=SC2317
clean_up() {
    [ ${#pids[@]} = 0 ] || kill "${pids[@]}" 2>/dev/null || true
    wait
    rm -rf "$folder"
}
trap clean_up EXIT

fail() {
    echo "pipeline_test: $*"
    cat "$folder"/*.out
    exit 1
}

# start SIDE PACKETS: starts a side in the background, with its output in
# SIDE.out.
start() {
    case $1 in
    server) exec serverside mempool 1000000 pipe1 4 "$2" ;;
    middle) exec middleside mempool pipe1 pipe2 4 ;;
    client) exec clientside mempool pipe2 ;;
    esac >"$folder/$1.out" 2>&1 &
    pids[$1]=$!
}
end_well() {
    local side
    for side in "$@"; do
        wait "${pids[$side]}" || fail "$side ended with status $?"
        unset "pids[$side]"
    done
}
# strike SIDE: kills a side at a random moment.
strike() {
    kill -KILL "${pids[$1]}"
    wait "${pids[$1]}" 2>/dev/null || true
    unset "pids[$1]"
}
popped() {
    "$shmrpc" queue stat --json mempool.pipe2 2>/dev/null |
        sed -n 's/.*"popped_count":\([0-9]*\).*/\1/p' || true
}
# await_more COUNT: waits until this many more packets have come out of the last
# queue.
await_more() {
    local until now
    until=$(popped)
    until=$((${until:-0} + $1))
    for _ in $(seq 6000); do
        now=$(popped)
        [ "${now:-0}" -lt "$until" ] || return 0
        sleep 0.01
    done
    fail "no packet comes any more"
}

for order in "server middle client" "server client middle" "middle server client" \
    "middle client server" "client server middle" "client middle server"; do
    for side in $order; do
        start "$side" 20
    done
    end_well server middle client
    grep -qx 'clientside: 20 packets, 20 of them in order' "$folder/client.out" ||
        fail "$order: not all packets came"
done

# Any program may die. The contents of a queue stay as long as any process has
# it open.
start server 1000000000
start middle
start client
await_more 100
strike middle
start middle
await_more 100
strike client
start client # continues where the killed one stopped
await_more 100
strike server
start server 500
end_well server middle client
# Packets that the dead program was handling are gone; the new server counts
# from the beginning.
read -r count in_order < <(sed -n \
    's/clientside: \([0-9]*\) packets, \([0-9]*\) of them in order/\1 \2/p' \
    "$folder/client.out") || fail "the client has not printed its counts"
if [ "$count" -lt 600 ] || [ $((count - in_order)) -gt 2 ]; then
    fail "$in_order of $count in order"
fi

# A new run finds no packets of a killed run.
start server 1000000000
start middle
start client
await_more 100
for side in server client middle; do
    strike "$side"
done
for side in middle server client; do
    start "$side" 20
done
end_well server middle client
grep -qx 'clientside: 20 packets, 20 of them in order' "$folder/client.out" ||
    fail "packets of the dead came"
[ "$("$shmrpc" ls --json)" = "[]" ] || fail "$("$shmrpc" ls)"
