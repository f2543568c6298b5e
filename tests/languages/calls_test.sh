#!/bin/sh
# calls_test.sh PYTHON SHMRPCGEN: checks that calls.jsonl is the output of
# make_calls.py.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
made=$(mktemp)
trap 'rm -f "$made"' EXIT
"$1" -B "$here/make_calls.py" "$2" >"$made"
cmp "$made" "$here/calls.jsonl" || {
    echo "calls.jsonl is out of date: run make_calls.py as its first lines say"
    exit 1
}
