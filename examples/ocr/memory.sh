#!/usr/bin/env bash
# memory.sh PROGRAMS_FOLDER [COUNT]: compares the memory of COUNT (8) programs
# that load Tesseract themselves with that of a server with COUNT workers and
# COUNT clients. Each process has read page.png once. Memory is PSS, in which
# memory shared by n processes counts 1/n for each.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
programs=$(cd "${1:?usage: memory.sh PROGRAMS_FOLDER [COUNT]}" && pwd)
count=${2:-8}
# shellcheck source=examples/server.sh
. "$here/../server.sh"

# with_descendants PID: prints PID and the pids of its descendants.
with_descendants() {
    local child
    echo "$1"
    # shellcheck disable=SC2013
    for child in $(cat "/proc/$1"/task/*/children); do
        with_descendants "$child"
    done
}

# pss PID...: prints the sum of their PSS in KB.
pss() {
    local pid
    for pid in "$@"; do
        cat "/proc/$pid/smaps_rollup"
    done | awk '/^Pss:/ { sum += $2 } END { print sum }'
}

# start_readers PROGRAM: starts COUNT processes, and returns when all have read
# page.png; they run until stop_readers.
start_readers() {
    local i line empty=0 in
    pids=()
    inputs=()
    mkfifo "$server_folder/said"
    exec {said}<>"$server_folder/said"
    for ((i = 0; i < count; i++)); do
        mkfifo "$server_folder/asked.$i"
        "$1" <"$server_folder/asked.$i" >&"$said" 9<&- &
        pids+=($!)
        exec {in}>"$server_folder/asked.$i"
        inputs+=("$in")
    done
    for in in "${inputs[@]}"; do
        echo "$here/page.png" >&"$in"
    done
    # Each reader prints an empty line after its text.
    while [ "$empty" -lt "$count" ]; do
        read -r -t 120 line <&"$said"
        [ -n "$line" ] || empty=$((empty + 1))
    done
}

stop_readers() {
    local in
    for in in "${inputs[@]}"; do
        exec {in}>&-
    done
    wait "${pids[@]}"
    exec {said}<&-
    rm "$server_folder"/said "$server_folder"/asked.*
}

# row MEMORY_KB WHAT: prints a line of the result.
row() {
    printf '%6.1f MB  %s\n' "$(awk "BEGIN { print $1 / 1000 }")" "$2"
}

start_readers "$programs/ocr-alone"
alone=$(pss "${pids[@]}")
stop_readers

start_server 60 "$programs/ocr-server" --workers="$count"
start_readers "$programs/ocr-client"
# shellcheck disable=SC2046
server=$(pss $(with_descendants "$server_pid"))
clients=$(pss "${pids[@]}")
stop_readers
stop_server

row "$alone" "$count programs with Tesseract in each of them"
row "$server" "a server with $count workers"
row "$clients" "its $count clients"
awk "BEGIN { printf \"%.0f %% saved\n\", 100 - 100 * ($server + $clients) / $alone }"
