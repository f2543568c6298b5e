#!/usr/bin/env bash
# objects_test.sh SHMRPC: the commands on what processes share under a name.
# shellcheck disable=SC2016 # messages have backquotes
set -euo pipefail
program=$(realpath "$1")
folder=$(mktemp -d)
export SHMRPC_DIR=$folder
failures=0
trap 'rm -rf "$folder"' EXIT

# expect STATUS TEXT ARGUMENT...: ends so, and prints exactly that, errors too.
expect() {
    local status=$1 text=$2 got=0 out
    shift 2
    out=$(timeout -s KILL 60 "$program" "$@" 2>&1 </dev/null) || got=$?
    if [ "$got" != "$status" ] || [ "$out" != "$text" ]; then
        printf 'objects_test: shmrpc %s\n  expected %s: %s\n  got %s: %s\n' \
            "$*" "$status" "$text" "$got" "$out"
        failures=$((failures + 1))
    fi
}

expect 0 'There are no shared objects.' ls
expect 0 '[]' ls --json
expect 0 '0 removed' gc
expect 3 'shmrpc: NOT_FOUND: there is no object "x"' rm x
expect 3 'shmrpc: NOT_FOUND: queue "x": not found' rm --kind=queue x
expect 2 'shmrpc: a NAME is missing (`shmrpc rm --help`)' rm
expect 2 'shmrpc: ls takes no operand like `x`' ls x
expect 2 'shmrpc: gc takes no operand like `x`' gc x
expect 2 'shmrpc: `x` for --idle (expected a time, as in 10m)' gc --idle=x
expect 2 'shmrpc: INVALID: there is no kind of object "quark"' rm --kind=quark x

# ---- queues ----
expect 3 'shmrpc: NOT_FOUND: there is no queue "jobs" (`shmrpc ls` lists what there is, --create makes it)' \
    queue push jobs 1
expect 0 '' queue push --create jobs 1 hello '{"a":[1,null]}' -5
expect 0 1 queue peek jobs
expect 0 1 queue pop jobs
expect 0 $'"hello"\n{"a":[1,null]}' queue pop jobs --count=2
expect 0 '{"removed":0}' gc --json
expect 0 -5 queue drain jobs
expect 0 '' queue drain jobs
expect 1 'shmrpc: BUSY: queue "jobs": the queue is empty' queue pop jobs
expect 4 'shmrpc: DEADLINE: queue "jobs": nothing came in time' \
    queue pop jobs --deadline=1ms
expect 2 'shmrpc: what to do is missing (`shmrpc queue --help`)' queue
expect 2 'shmrpc: expected shmrpc queue push NAME VALUE...' queue push jobs
expect 2 'shmrpc: `x` for --count (expected a number from 1 on)' \
    queue pop jobs --count=x
expect 2 'shmrpc: `pup` is nothing that can be done to a queue; did you mean `pop`?' \
    queue pup jobs
expect 0 'jobs' complete queue pop ''
expect 0 $'push\npop\npeek' complete queue p
expect 0 'jobs' complete rm j
"$program" queue stat jobs --json >"$folder/stat"
python3 - "$folder/stat" <<'END' || failures=$((failures + 1))
import json, sys
stat = json.load(open(sys.argv[1]))
assert stat["pushed_count"] == stat["popped_count"] == 4, stat
assert stat["item_count"] == stat["open_count"] == 0, stat
END

# ---- names that a terminal must not take for orders ----
evil=$'a/\e[31m"x'
expect 0 '' queue push --create "$evil" 1
"$program" ls >"$folder/ls"
grep -q 'queue  *idle .*a/?\[31m"x  queue<any>' "$folder/ls" || {
    echo "objects_test: ls shows control characters, or no such name"
    failures=$((failures + 1))
}
"$program" ls --json | python3 -c '
import json, sys
names = [o["name"] for o in json.load(sys.stdin)]
assert sorted(names) == sorted(["jobs", sys.argv[1]]), names
' "$evil" || failures=$((failures + 1))
expect 0 '' rm jobs "$evil"
expect 0 'There are no shared objects.' ls

# ---- damage ----
expect 0 '' queue push --create bad 1
printf x >"$folder/objects/bad.queue"
expect 1 'shmrpc: bad: DATA_LOSS: the region is damaged: it is shorter than a head' \
    queue pop bad
"$program" ls | grep -q 'damaged .* bad' || failures=$((failures + 1))
expect 0 '' rm bad

exit $((failures > 0))
