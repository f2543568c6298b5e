#!/bin/sh
# Checks the interfaces that people read, in examples/ and bench/: shmrpcgen fmt
# has formatted them, and lint finds nothing.
#   tree_test.sh SHMRPCGEN            check
#   tree_test.sh SHMRPCGEN --format   format them
set -eu
generator=$(realpath "$1")
action=${2:-}
cd "$(dirname "$0")/../.."
set -- examples/*/*.svc bench/*.svc bench/*/*.svc
if [ "$action" = --format ]; then
    exec "$generator" fmt "$@"
fi
"$generator" fmt --check "$@" || {
    echo "tree_test: not laid out; run ./dev format" >&2
    exit 1
}
"$generator" lint "$@"
