#!/usr/bin/env bash
# tts_test.sh PROGRAMS_FOLDER SHMRPC: the queue of a service survives when
# another server takes over: its items stay, and waiting programs keep waiting.
# The queue ends with the last server.
set -euo pipefail
PATH=$(realpath "$1"):$PATH
shmrpc=$(realpath "$2")
SHMRPC_DIR=$(mktemp -d)
export PATH SHMRPC_DIR LC_ALL=C.UTF-8
folder=$SHMRPC_DIR
pids=()
# shellcheck disable=SC2317
clean_up() {
    [ ${#pids[@]} = 0 ] || kill "${pids[@]}" 2>/dev/null || true
    wait
    rm -rf "$folder"
}
trap clean_up EXIT

# await PATTERN FILE: waits for the pattern for at most 20 s.
await() {
    local i
    for ((i = 0; i < 2000; i++)); do
        if grep -q "$1" "$2" 2>/dev/null; then return; fi
        sleep 0.01
    done
    echo "\"$1\" did not come: $(cat "$2")"
    exit 1
}

tts-server --workers=1 >"$folder/first" 2>&1 &
first=$!
pids+=("$first")
await "serving at" "$folder/first"
tts-client say alto one bass two >/dev/null
tts-speaker 3 >"$folder/speaker" 2>&1 & # waits for the third
speaker=$!
pids+=("$speaker")
await two "$folder/speaker"

tts-server --workers=1 --take-over >"$folder/second" 2>&1 &
second=$!
pids+=("$second")
await "serving at" "$folder/second"
wait "$first" || { echo "the first server ended with status $?"; exit 1; }
tts-client say kid three alto four >/dev/null
wait "$speaker" || { cat "$folder/speaker"; exit 1; }
await three "$folder/speaker"

# The fourth job stays until no server is left.
tts-speaker 1 >"$folder/last"
await four "$folder/last"

# told OUTPUT WORD...: `shmrpc WORD...` must print OUTPUT.
told() {
    local wanted=$1 got
    shift
    got=$("$shmrpc" "$@" 2>&1) || true
    if [ "$got" != "$wanted" ]; then
        printf 'shmrpc %s\n  expected: %s\n  got: %s\n' "$*" "$wanted" "$got"
        exit 1
    fi
}
told '' queue push tts/jobs '{"id":50,"voice":"bass","text":"five"}'
told '{"id":50,"voice":"bass","text":"five"}' queue peek tts/jobs
told sound queue check tts/jobs
tts-speaker 1 >"$folder/five"
await five "$folder/five"
"$shmrpc" topic tail tts/progress --count=10 | grep -q '{"id":50,"done":1}' ||
    { echo "nobody tells of job 50"; exit 1; }
told 'shmrpc: NOT_FOUND: the service'"'"'s "progress" is not a queue' \
    queue stat tts/progress
told 'shmrpc: NOT_FOUND: service tts has no object "no"' queue stat tts/no
# shellcheck disable=SC2016 # messages have backquotes
told 'shmrpc: NOT_FOUND: there is no queue "no/jobs" (`shmrpc ls` lists what there is)' \
    queue stat no/jobs
tts-speaker 1 >"$folder/waits" 2>&1 &
speaker=$!
pids+=("$speaker")
await shmrpc-object "/proc/$speaker/maps" # it has opened the queue
kill "$second"
wait "$second" || true
if wait "$speaker"; then
    echo "a speaker without a service ended well"
    exit 1
fi
grep -qE "DESTROYED|UNAVAILABLE|SERVER_LOST" "$folder/waits" || {
    cat "$folder/waits"
    exit 1
}
