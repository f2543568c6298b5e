#!/usr/bin/env bash
# objects_test.sh SHMRPC: tests the commands on shared objects.
# shellcheck disable=SC2016 # messages have backquotes
set -euo pipefail
program=$(realpath "$1")
folder=$(mktemp -d)
export SHMRPC_DIR=$folder
failures=0
trap 'rm -rf "$folder"' EXIT

# expect STATUS TEXT ARGUMENT...: the program must exit with this status, and
# print exactly this text, errors included.
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
expect 3 'shmrpc: NOT_FOUND: there is no object named "x"' rm x
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
expect 2 'shmrpc: a verb is missing (`shmrpc queue --help`)' queue
expect 2 'shmrpc: expected shmrpc queue push NAME VALUE...' queue push jobs
expect 2 'shmrpc: `x` for --count (expected a number from 1 on)' \
    queue pop jobs --count=x
expect 2 'shmrpc: there is no verb `pup` for a queue; did you mean `pop`?' \
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

expect 0 sound queue check jobs

# ---- dicts and values ----
expect 3 'shmrpc: NOT_FOUND: there is no dict "d" (`shmrpc ls` lists what there is, --create makes it)' \
    dict set d a 1
expect 0 '' dict set --create d a 1
expect 0 '' dict set -c short n -1
expect 0 -1 dict get -j short n
expect 0 -1 dict -j get short n
expect 0 '' rm short
expect 0 '' dict set d b '{"x":[1,2,"three"]}'
expect 0 '' dict set d b x 1 two
expect 0 '"two"' dict get d b x 1
expect 0 '"three"' dict get d b x -1
expect 0 "{'x': [1, 'two', 'three']}" dict get --python d b
expect 0 '' dict set --python d '(1, "t")' "{2, b'\\x00'}"
expect 0 "{2, b'\\x00'}" dict get -p d "(1.0, 't')"
expect 2 'shmrpc: INVALID: expected a comma or a closing bracket (at byte 3)' \
    dict set -p d t '(1 2)'
expect 0 '' dict del -p d "(1, 't')"
expect 1 'shmrpc: OUT_OF_RANGE: dict "d": step 2 of the path: the list is shorter' \
    dict set d b x 9 1
expect 3 'shmrpc: NOT_FOUND: dict "d": there is no such key' dict get d c
expect 3 'shmrpc: NOT_FOUND: dict "d": step 1 of the path: nothing is there' \
    dict get d b y
expect 1 'shmrpc: PRECONDITION: dict "d": step 1 of the path: it leads into a value that is neither a map nor a list' \
    dict get d a y
expect 2 'shmrpc: INVALID: value: expected `,` or `}`, found the end (at byte 6)' \
    dict set d a '{"a":1'
expect 2 'shmrpc: INVALID: value[1]: expected a value, found the end (at byte 3)' \
    dict set d a '[1,'
expect 0 '' dict set d text 'no } JSON'
expect 0 '"no } JSON"' dict get d text
expect 0 '' dict del d text
dump=$'{"key":"a","value":1}\n{"key":"b","value":{"x":[1,"two","three"]}}'
expect 0 $'"a"\n"b"' dict keys d
expect 0 "$dump" dict dump d
printf '%s\n{"key":3,"value":null}\n' "$dump" |
    "$program" dict load --create copy || failures=$((failures + 1))
expect 0 "$dump"$'\n{"key":3,"value":null}' dict dump copy
expect 0 $'{"event":"resync"}\n{"event":"put","key":"a","value":1}' \
    dict watch copy --count=2
expect 0 '' dict del copy a
expect 3 'shmrpc: NOT_FOUND: dict "copy": there is no such key' dict del copy a
echo '{"key":1}' | "$program" dict load copy 2>"$folder/err" &&
    failures=$((failures + 1))
grep -q 'entry 1 has no "value"' "$folder/err" || failures=$((failures + 1))
expect 0 sound dict check copy
expect 0 '' value set --create v '{"a":[]}'
expect 0 '' value set v b 0.5
expect 0 0.5 value get v b
expect 0 '{"a":[],"b":0.5}' value get v
expect 0 '{"a":[],"b":0.5}' value watch v --count=1
expect 0 sound value check v
expect 0 $'get\nset\ndump\nload\nsnapshot\nwatch\nstat\ncheck' complete value ''

# ---- snapshots ----
expect 0 '' dict snapshot d "$folder/d.s"
expect 0 '' dict set d a 2
expect 0 '' dict set d new 3
expect 0 '' dict load d "$folder/d.s"
expect 0 "$dump"$'\n{"key":"new","value":3}' dict dump d
expect 3 'shmrpc: NOT_FOUND: there is no dict "again" (`shmrpc ls` lists what there is, --create makes it)' \
    dict load again "$folder/d.s"
expect 0 '' dict load --create again "$folder/d.s"
expect 0 "$dump" dict dump again
expect 0 '' dict load --create again "$folder/d.s"
expect 0 '' value snapshot v
expect 0 '' value set v a 1
expect 0 '' value load v "$folder/snapshots/objects/v.value.snapshot"
expect 0 '{"a":[],"b":0.5}' value dump v
expect 1 'shmrpc: CONTRACT: value "v": the snapshot is of dict<any, any> in msgpack, expected value<any> in msgpack' \
    value load v "$folder/d.s"
printf '{"key":1,"value":2}\n' >"$folder/lines"
expect 0 '' dict load again "$folder/lines"
expect 0 2 dict get again 1
expect 3 "shmrpc: NOT_FOUND: the snapshot $folder/none: there is no such file" \
    dict load again "$folder/none"
"$program" dict load again <"$folder/d.s" 2>"$folder/err" &&
    failures=$((failures + 1))
grep -q 'standard input is a snapshot, which can only be loaded from a file: give its name' "$folder/err" ||
    failures=$((failures + 1))
cut=$(($(stat -c %s "$folder/d.s") - 33))
head -c $cut "$folder/d.s" >"$folder/cut.s"
"$program" dict load again "$folder/cut.s" 2>"$folder/err" &&
    failures=$((failures + 1))
grep -q 'DATA_LOSS: dict "again": the snapshot is damaged: block 1, at offset 127, record 0: the file ends here' \
    "$folder/err" || { cat "$folder/err"; failures=$((failures + 1)); }
expect 0 '' rm again
expect 0 "$dump"$'\n{"key":"new","value":3}' dict dump --salvage d
expect 2 'shmrpc: --salvage is only for dump of a dict or value' \
    dict keys --salvage d
# Simulate a reboot by another boot id, and damage the key length of one of
# three records.
expect 0 '' dict snapshot d
python3 - "$folder/objects/d.dict" <<'END' || failures=$((failures + 1))
import struct, sys
table = []
for n in range(256):
    for _ in range(8):
        n = n >> 1 ^ (0x82F63B78 if n & 1 else 0)
    table.append(n)
with open(sys.argv[1], "r+b") as file:
    head = bytearray(file.read(432))
    head[128] ^= 1  # boot id
    crc = 0xFFFFFFFF
    for byte in head[:428]:
        crc = crc >> 8 ^ table[(crc ^ byte) & 255]
    head[428:] = struct.pack("<I", crc ^ 0xFFFFFFFF)
    file.seek(0)
    data = bytearray(file.read())
    data[:432] = head
    at = data.index(b"\xa3new\0\0\0\0\x03")
    data[at - 4:at - 2] = b"\xff\xff"
    file.seek(0)
    file.write(data)
END
expect 1 "shmrpc: d: DATA_LOSS: the region is damaged: the machine has been restarted since; its snapshot is $folder/snapshots/objects/d.dict.snapshot" \
    dict get d a
out=$("$program" dict dump --salvage d 2>"$folder/err") &&
    failures=$((failures + 1))
[ "$out" = "$dump" ] || { echo "salvage: $out"; failures=$((failures + 1)); }
grep -q '2 saved, 1 lost' "$folder/err" || {
    cat "$folder/err"
    failures=$((failures + 1))
}
expect 0 '' rm copy d v

# ---- topics and pipes ----
expect 0 '' topic pub --create news 1 '"two"' three
expect 0 $'1\n"two"\n"three"' topic tail news --count=3
expect 4 $'1\n"two"\n"three"\nshmrpc: DEADLINE: topic "news": no message came in time' \
    topic tail news --deadline=1ms
expect 0 sound topic check news
seq 100000 >"$folder/lines"
"$program" pipe write --create p <"$folder/lines" &
writer=$!
"$program" pipe cat --create p | cmp - "$folder/lines" ||
    failures=$((failures + 1))
wait "$writer" || failures=$((failures + 1))
expect 0 sound pipe check p
expect 0 '' rm news p

# ---- names with control characters ----
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
