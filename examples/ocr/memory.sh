#!/usr/bin/env bash
# memory.sh PROGRAMS_FOLDER [COUNT]: the memory of COUNT (8) programs that load
# Tesseract for themselves, beside that of a server with as many workers, and of
# as many clients.  Each has read page.png once; memory is PSS, in which what n
# processes share counts 1/n.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
programs=$(cd "${1:?usage: memory.sh PROGRAMS_FOLDER [COUNT]}" && pwd)
count=${2:-8}
# shellcheck source=examples/server.sh
. "$here/../server.sh"

# with_descendants PID
with_descendants() {
    local child
    echo "$1"
    # shellcheck disable=SC2013
    for child in $(cat "/proc/$1"/task/*/children); do
        with_descendants "$child"
    done
}

# pss PID...: in KB, of all together.
pss() {
    local pid
    for pid in "$@"; do
        cat "/proc/$pid/smaps_rollup"
    done | awk '/^Pss:/ { sum += $2 } END { print sum }'
}

# start_readers PROGRAM: COUNT of them, which then all have read page.png; they
# go on until stop_readers.
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
    # An empty line comes after the text of each.
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

# row MEMORY WHAT
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
