#!/bin/sh
# The layer check must name exactly what is wrong in the tree bad/.
set -eu
cd "$(dirname "$0")"
if got=$(./layers.sh bad); then
    echo "layers.sh accepted tests/layers/bad"
    exit 1
fi
printf '%s\n' "$got" | diff -u bad.expected - ||
    { echo "(- expected, + got; alone: tests/layers/selftest.sh)"; exit 1; }
