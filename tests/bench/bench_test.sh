#!/usr/bin/env bash
# bench_test.sh SHMRPC_BENCH: it runs, reports, and refuses invalid requests.
# The measured figures don't matter here.
set -euo pipefail
bench=$1
work=$(mktemp -d)
export SHMRPC_DIR=$work
trap 'rm -rf "$work"' EXIT

fail() {
    printf 'FAILED: %s\n' "$*"
    exit 1
}
# expect STATUS TEXT COMMAND...
expect() {
    local want=$1 text=$2 got=0 output
    shift 2
    output=$("$@" 2>&1) || got=$?
    [ "$got" = "$want" ] || fail "$*: status $got, expected $want: $output"
    [[ $output == *"$text"* ]] || fail "$*: expected '$text' in: $output"
}

expect 0 'floor.line ' "$bench" --list
expect 0 'usage: shmrpc-bench' "$bench" --help
expect 0 'shmrpc-bench ' "$bench" --version
expect 2 'usage: ' "$bench" --nonsense
expect 2 "unexpected argument 'more'" "$bench" more
expect 2 "'(': " "$bench" --only '('
expect 2 'no case matches' "$bench" --only nothing
expect 1 'cannot write' "$bench" --quick --only 'memcpy' --json "$work"
expect 1 'nothing to draw' "$bench" --quick --only 'memcpy' --svg "$work/none.svg"

only='floor.(memcpy|pipe/together|connect/free)|shmrpc.(null|json|connect)/'
expect 0 'x floor' "$bench" --quick --only "$only" --json "$work/figures.json"

number='[0-9]+(\.[0-9]+)?'
line="^\{\"case\": \"[a-z]+\.[a-z]+/(apart|together|free|alone)\", \"payload\": [0-9]+"
line+=", \"p50_ns\": $number, \"p99_ns\": $number, \"p999_ns\": $number, \"ops_per_s\": [0-9]+"
line+=", \"floor_ratio\": $number, \"tail_ratio\": $number, \"place\": \"[a-z]+\", \"rounds_used\": [1-3]"
line+=", \"rounds\": 3\}$"
count=$(grep -cE "$line" "$work/figures.json") || true
[ "$count" = "$(wc -l <"$work/figures.json")" ] ||
    fail "not the promised objects: $(grep -vE "$line" "$work/figures.json")"
[ "$count" -ge 6 ] || fail "$count objects"
expect 0 'times as long take' "$bench" --quick --only 'shmrpc.raw/together' \
    --svg "$work/calls.svg"
grep -q '^<text class="title" y="14">echo 64 B, together</text>$' "$work/calls.svg" ||
    fail "no panel in $(cat "$work/calls.svg")"
[ "$(tail -n 1 "$work/calls.svg")" = "</svg>" ] || fail "the SVG is incomplete"
# Shared maps and queues are ranked together with those of other libraries.
expect 0 'map get, 64 B    shmrpc' "$bench" --quick --only 'shared.(dict|cmap).get/'
echo "$count objects"
