#!/bin/sh
# The checks must report exactly the mistakes in the tree bad/.
set -eu
cd "$(dirname "$0")"

# wrong EXPECTED COMMAND...
wrong() {
    expected=$1
    shift
    if got=$("$@" bad); then
        echo "$1 accepted tests/layers/bad"
        exit 1
    fi
    printf '%s\n' "$got" | diff -u "$expected" - ||
        { echo "(- expected, + got; alone: tests/layers/selftest.sh)"; exit 1; }
}

wrong bad.expected ./layers.sh
wrong bad_readmes.expected python3 -B readmes.py
wrong bad_comments.expected python3 -B comments.py
