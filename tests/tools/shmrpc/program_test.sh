#!/usr/bin/env bash
# program_test.sh SHMRPC SERVER...: every command of the program against real
# servers, and the message for each kind of bad input.
# shellcheck disable=SC2016 # messages have backquotes
set -euo pipefail
program=$(realpath "$1")
shift
folder=$(mktemp -d)
export SHMRPC_DIR=$folder/run
unset XDG_RUNTIME_DIR
mkdir -m 700 "$SHMRPC_DIR"
pids=()
failures=0

cleanup() {
    local pid
    for pid in "${pids[@]}"; do
        kill -KILL "$pid" 2>/dev/null || true
    done
    rm -rf "$folder"
}
trap cleanup EXIT

# start SERVER [OPTION...]: starts a server and returns when it reports that it
# serves. $place is its address.
place=
start() {
    local line log
    log=$folder/log.${#pids[@]}
    mkfifo "$log"
    "$@" >"$log" 2>&1 &
    pids+=($!)
    exec 8<"$log"
    while read -r -t 30 -u 8 line; do
        case $line in
        *": serving at "*)
            place=${line##*serving at }
            return 0
            ;;
        esac
    done
    echo "did not start: $*"
    exit 1
}

fail() {
    printf 'program_test: shmrpc %s\n  %s\n' "$what" "$1"
    sed 's/^/  out: /' "$folder/out"
    sed 's/^/  err: /' "$folder/err"
    failures=$((failures + 1))
}

# run STATUS ARGUMENT...: the program must exit with this status. Its output
# goes to $folder/out and err.
run() {
    local wanted=$1 got=0
    shift
    what=$*
    timeout -s KILL 60 "$program" "$@" >"$folder/out" 2>"$folder/err" \
        </dev/null || got=$?
    [ "$got" = "$wanted" ] || fail "ended in $got, not $wanted"
}

# prints TEXT ARGUMENT...: the program must succeed, and print exactly this text
# on standard output.
prints() {
    local wanted=$1
    shift
    run 0 "$@"
    [ "$(cat "$folder/out")" = "$wanted" ] || fail "expected: $wanted"
}

# says PATTERN: standard error of the last run must match this extended regular
# expression. shows PATTERN: the same for standard output.
says() {
    grep -qE -- "$1" "$folder/err" || fail "expected on standard error: $1"
}
shows() {
    grep -qE -- "$1" "$folder/out" || fail "expected on standard output: $1"
}

# refused STATUS PATTERN ARGUMENT...: run, then says.
refused() {
    local status=$1 pattern=$2
    shift 2
    run "$status" "$@"
    says "$pattern"
}

# Use threads, so that killing a server also ends its calls in progress.
for server in "$@"; do
    start "$server" --workers=0 --threads=2
done
start "$1" --workers=0 --threads=1 --listen=shm://@two

# ---- the program itself ----
run 0 --help && shows '^  call '
run 0 --version && shows '^shmrpc [0-9]'
for command in list describe call bench completion; do
    run 0 "$command" --help && shows "^usage: shmrpc $command"
    run 0 help "$command" && shows "^usage: shmrpc $command"
    run 0 "$command" --version && shows '^shmrpc [0-9]'
    refused 2 'unknown option `--jsn`' "$command" --jsn
done
refused 2 'a command is missing'
refused 2 'no command `cal`; did you mean `call`' cal
refused 2 'no command `frobnicate` \(expected list, ' frobnicate
refused 2 'unknown option `--jsom`; did you mean `--json`' list --jsom
refused 2 'unknown option `--frob`' --frob

# ---- list ----
run 0 list
shows '^echo_serv +5555 +alive +[0-9.]+ (us|ms|s) +4 methods +demo.Echo$'
shows '^echo_serv@two +5555 +alive '
shows '^shop +5831 +alive +[0-9.]+ (us|ms|s) +4 methods +test.shop.Shop$'
run 0 list --json
python3 - "$folder/out" <<'PY' || fail "not the JSON that was expected"
import json, sys
rows = {(r["name"], r.get("instance")): r for r in json.load(open(sys.argv[1]))}
assert rows["echo_serv", "two"]["state"] == "alive"
assert rows["kinds", None]["version"] == 3 and rows["kinds", None]["port"] == 5801
assert 0 < rows["kinds", None]["answer_ns"] < 5e9
PY
refused 2 'takes no operand' list x

# ---- describe ----
run 0 describe echo_serv
shows '^/// The smallest service'
shows '^  native add\(1: i64 a, 2: i64 b\) -> i64 throws'
run 0 describe shop@none --at=shm://shop && shows '^  1: string\(1\.\.20\) title;'
run 0 describe shop && shows '^/// How good it is\.$'
run 0 describe --json kinds
python3 - "$folder/out" <<'PY' || fail "not the JSON that was expected"
import json, sys
service = json.load(open(sys.argv[1]))
assert service["id"] == "test.kinds.Kinds" and len(service["methods"]) == 11
assert service["methods"][0]["params"] == ["value", "by"]
PY
refused 2 'a SERVICE is missing' describe
refused 2 'one SERVICE' describe a b
refused 3 'no service `ehco_serv`; did you mean `echo_serv`' describe ehco_serv
refused 3 'no service `echo_serv@tow`; did you mean `echo_serv' describe echo_serv@tow
refused 3 'no service `zzzzzzzz` \(`shmrpc list`' describe zzzzzzzz

# ---- call: arguments ----
prints 3 call echo_serv add 1 2
prints -3 call echo_serv add -5 2
prints 3 call echo_serv add a=1 b=2
prints 3 call echo_serv add b=2 1
prints 3 call echo_serv add '{"a":1,"b":2}'
prints 3 call echo_serv add '[1,2]'
prints 3 call echo_serv@two add 1 2
prints 3 call echo_serv:5555 add 1 2
prints 3 call shm://echo_serv@two add 1 2
prints 3 call echo_serv add 1 2 --at=shm://@two
prints 3 call 'inproc://nobody,shm://echo_serv' add 1 2
prints '"hi"' call echo_serv echo_json hi
prints 42 call echo_serv echo_json 42
prints '{"a":[1,null]}' call echo_serv echo_json data:='{"a":[1,null]}'
prints '"aGVsbG8="' call echo_serv echo_raw hello
prints hello call --raw echo_serv echo_raw data=hello
printf 'from a file' >"$folder/file"
prints 'from a file' call --raw echo_serv echo_raw data=@"$folder/file"
prints '"--x"' call shop text -- --x
prints '"a=b"' call shop text 'text=a=b'
prints '"tea"' call shop buy item.title=tea
prints '"tea"' call shop buy item.title=tea item.grade=FINE item.tags:='{"a":1}'
prints '"tea"' call shop buy item:='{"title":"tea","tags":{}}' count=3
prints '' call shop forget hello
prints '' call kinds nothing
prints '"NaN"' call kinds json_sum 1 NaN
prints '3.5' call kinds native_sum 1 2.5
what="call echo_serv add - <<< ..."
[ "$(echo '[20,3]' | "$program" call echo_serv add -)" = 23 ] || fail "standard input"

# Over TCP, at a port that the server has chosen.
start "$4" --workers=0 --threads=1 --listen=tcp://127.0.0.1:0
prints '"hi"' call "$place" text hi
prints '"hi"' call shop text hi "--at=$place"
prints '"hi"' call "shop:${place##*:}" text hi --at=tcp://127.0.0.1
refused 2 'shop has no method `txet`; did you mean `text`' call "$place" txet

# A round trip of every type, in each encoding. The field maybe is not sent, and
# comes back as 0.
all='{"flag":true,"small":-8,"less":-300,"int":-70000,"large":40,"tiny":200,
"little":65535,"bounded":9,"huge":18446744073709551615,"single":1.5,
"precise":0.1,"name":"x","data":"AAE=","colour":"BLUE","level":"LOW",
"point":{"x":1,"y":2},"perhaps":"p","somewhere":{"x":3,"y":4},"numbers":[1,2],
"words":["a","b"],"path":[],"counts":{"k":1},"places":{"7":{"x":5,"y":6}},
"address":[1,2,3,4],"corners":[{"x":0,"y":0},{"x":1,"y":1}],
"shape":{"text":"t"},"rows":[[1],[]],"palette":["RED"]}'
for encoding in json msgpack native; do
    run 0 call kinds "${encoding}_all" "value:=$all" by=2
    python3 - "$folder/out" "$all" <<'PY' || fail "not what was sent"
import json, sys
sent = json.loads(sys.argv[2])
got = json.load(open(sys.argv[1]))
sent.update(large=42, numbers=[3, 4], maybe=0)
assert got == sent, (got, sent)
PY
done

# ---- call: wrong names and values ----
refused 2 'a SERVICE is missing' call
refused 2 'a METHOD is missing' call echo_serv
refused 3 'did you mean `echo_serv`' call echo_srv add 1 2
refused 2 'echo_serv has no method `ad`; did you mean `add`' call echo_serv ad 1 2
refused 2 'no method `frobnicate` \(`shmrpc describe' call echo_serv frobnicate
refused 2 'add: there is no parameter `c` \(expected a, b\)' call echo_serv add 1 c=2
refused 2 'buy: item: there is no field `titel`; did you mean `title`' call shop buy item.titel=x
refused 2 'buy: item: there is no field `titel`; did you mean `title`' call shop buy '{"item":{"titel":"x"}}'
refused 2 'buy: there is no parameter `cuont`; did you mean `count`' call shop buy '{"cuont":1}'
refused 2 'item.grade: test.shop.Grade has no `FIEN`; did you mean `FINE`' call shop buy item.title=x item.grade=FIEN
refused 2 'item.title: length 21' call shop buy item.title=123456789012345678901
refused 2 'item.title: is a string and has no fields' call shop buy item.title.x=1
refused 2 'count: is given twice' call shop buy item.title=x count=1 count=2
refused 2 'item: is given twice' call shop buy item:='{}' item.title=x
refused 2 'b: missing' call echo_serv add 1
refused 2 '`3` is one value too many: there are 2 parameters' call echo_serv add 1 2 3
refused 2 '3 values for 2 parameters' call echo_serv add '[1,2,3]'
refused 2 'b: `x` is not of type i64' call echo_serv add 1 x
refused 2 'b: .*expected i64' call echo_serv add 1 b:='"x"'
refused 2 'add: .*at byte' call echo_serv add '[1,'
refused 6 'echo_raw: /nonexistent: can.t be read' call echo_serv echo_raw data=@/nonexistent
refused 2 '`1,"b":2` is not of type i64' call echo_serv add 'a=1,"b":2'
refused 2 '^  native add\(1: i64 a' call echo_serv add 1
refused 2 '`soon` for --deadline \(expected a time like 250ms' call --deadline=soon echo_serv add 1 2
refused 2 '`0` for --repeat' call --repeat=0 echo_serv add 1 2
refused 2 'is not a service \(expected NAME' call :5 add
refused 2 'is not a service \(expected NAME' call echo_serv:x add
refused 2 'no transport is called' call frob://x add
refused 3 'tcp' call tcp://127.0.0.1:1 add 1 2

# ---- call: results and errors ----
run 0 call --json echo_serv add 1 2 && shows '^\{"result":3\}$'
run 0 call --json --time echo_serv add 1 2 && shows '^\{"result":3,"time_ns":[0-9]+\}$'
run 0 call --json shop forget x && shows '^\{"result":null\}$'
run 0 call --meta=tenant=blue --meta=locale=de shop text x && says '^for: blue$'
refused 2 '`tenant` for --meta \(expected KEY=VALUE' call --meta=tenant shop text x
refused 1 'INVALID: metadata "Tenant": ' call --meta=Tenant=blue shop text x
run 0 call --repeat=3 --time echo_serv add 1 2
[ "$(grep -c '^3$' "$folder/out")" = 3 ] || fail "not three results"
says 'on average over 3 calls, min '
refused 1 'echo_serv.add: demo.Overflow: the sum does not fit' \
    call echo_serv add 9223372036854775807 1
run 1 call --json echo_serv add 9223372036854775807 1
shows '^\{"error":\{"code":100,"name":"demo.Overflow","message":"the sum .*","may_have_run":true,"pid":[0-9]+\}\}$'
refused 1 '\{"title":"tea","missing":6\}' call shop buy item.title=tea count=9
run 1 call --json shop buy item.title=tea count=9
shows '"name":"test.shop.SoldOut".*"details":\{"title":"tea","missing":6\}'
refused 1 'UNIMPLEMENTED' call kinds nobody_wrote_this
refused 6 'no form in JSON: INVALID: result[^ ]*: .*bytes' call shop odd
run 1 call --json kinds nobody_wrote_this
shows '"name":"UNIMPLEMENTED",.*"may_have_run":false'
refused 4 'fault.nap: DEADLINE: ' call --deadline=50ms fault nap 20000

# ---- bench ----
run 0 bench --calls=200 --threads=2 echo_serv add 1 2
shows '^200 calls, [0-9]+ a second$'
shows '^min .* p50 .* p99.9 .* max .* mean '
run 0 bench --seconds=100ms --json echo_serv add 1 2
python3 - "$folder/out" <<'PY' || fail "not the JSON that was expected"
import json, sys
r = json.load(open(sys.argv[1]))
assert r["calls"] > 0 and r["min_ns"] <= r["p50_ns"] <= r["p999_ns"] <= r["max_ns"]
PY
refused 1 'demo.Overflow' bench --calls=5 echo_serv add 9223372036854775807 1
refused 2 '`65` for --threads \(expected 1 to 64\)' bench --threads=65 echo_serv add 1 2
refused 2 'no method `ad`' bench echo_serv ad

# ---- completion ----
prints 'call' complete cal
prints 'shop' complete call sh
prints 'add' complete call echo_serv a
prints 'add' complete call --at=shm://@two echo_serv a
prints $'item.\ncount=' complete call shop buy ''
prints $'item.title=\nitem.tags=' complete call shop buy item.t
prints 'item.grade=FINE' complete bench shop buy item.grade=F
prints 'value.flag=true' complete call kinds json_all value.flag=t
prints '--deadline=' complete call --dea
prints '' complete call nobody x
prints '' complete frobnicate x
run 0 completion bash
cp "$folder/out" "$folder/completion"
refused 2 'which shell' completion tcsh

# Simulates completion in bash; PATH has the program.
completed() { # LINE: what bash would insert
    PATH=$(dirname "$program"):$PATH bash -c '
        source "$1"
        compopt() { :; }
        COMP_LINE=$2 COMP_POINT=${#2}
        _shmrpc
        printf "%s\n" "${COMPREPLY[@]}"' - "$folder/completion" "$1"
}
what="completion in bash"
[ "$(completed 'shmrpc call echo_serv ad')" = add ] || fail "method"
[ "$(completed 'shmrpc call shop buy item.grade=FI')" = FINE ] || fail "value"
[ "$(completed 'shmrpc call shop buy item.ti')" = item.title= ] || fail "field"

# ---- servers that die or are gone ----
"$program" call fault nap 60000 >"$folder/out" 2>"$folder/err" &
call=$!
end=$((SECONDS + 60))
until [ "$("$program" call fault napping)" = 1 ] || [ $SECONDS -ge $end ]; do :; done
kill -KILL "${pids[2]}"
status=0
wait "$call" || status=$?
what="call of a server that is killed"
[ "$status" = 5 ] || fail "ended in $status, not 5"
says 'fault.nap: SERVER_LOST'
refused 3 'no service fault.5802 is running; looked in ' call fault echo 1
run 0 list
if grep -q '^fault ' "$folder/out"; then fail "a dead service is listed"; fi
says 'dead socket'
run 0 list --all && shows '^fault +5802 +dead '
chmod 777 "$SHMRPC_DIR"
refused 3 'DENIED' list
refused 3 "$SHMRPC_DIR" call echo_serv add 1 2
chmod 700 "$SHMRPC_DIR"
SHMRPC_DIR=$folder/none refused 3 'no service `echo_serv`' call echo_serv add 1 2

[ "$failures" = 0 ] || exit 1
