#!/bin/sh
# Compares what shmrpcgen generates from golden/*.svc with golden/expected/.
#   golden_test.sh SHMRPCGEN            compare
#   golden_test.sh SHMRPCGEN --update   accept what it makes now
set -eu
generator=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)/golden
expected=$here/expected
got=$(mktemp -d)
trap 'rm -rf "$got"' EXIT

"$generator" --async --out-dir "$got" "$here"
"$generator" --dump=model "$here/echo.svc" >"$got/echo.model.json"
if [ "${2:-}" = --update ]; then
    rm -rf "$expected"
    mkdir "$expected"
    cp -r "$got"/* "$expected"
    exit 0
fi
diff -ru "$expected" "$got" || {
    echo "golden_test: output differs; if that is wanted:" >&2
    echo "  tests/generator/golden_test.sh SHMRPCGEN --update" >&2
    exit 1
}

# The same input gives the same bytes, from any folder and by any path.
again=$got/again
cd "$here/acme"
"$generator" --async --out-dir "$again" ./../types.svc
"$generator" --async --out-dir "$again" -I ../../golden ./common.svc
diff "$got/types.c" "$again/types.c"
diff "$got/types_client.h" "$again/types_client.h"
diff "$got/acme" "$again/acme"
if grep -nE "$(date +%Y)|$here|/tmp" "$got"/*.[ch] "$got"/acme/*.[ch]; then
    echo "golden_test: a date or a path in the output" >&2
    exit 1
fi
if grep -n ' $' "$got"/*.[ch]; then
    echo "golden_test: a blank at the end of a line" >&2
    exit 1
fi
