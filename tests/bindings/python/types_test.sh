#!/bin/sh
# types_test.sh MYPY: the package passes mypy --strict, and users' mistakes are
# found: each line of wrong.py that says `# wrong`, and no other.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$here/../../..
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$root/bindings/python"
"$1" --strict --cache-dir "$work" shmrpc
expected=$(grep -n '# wrong' "$here/wrong.py" | cut -d: -f1)
found=$(MYPYPATH=$root/bindings/python "$1" --strict --cache-dir "$work" \
    "$here/wrong.py" 2>&1 |
    sed -n 's/^[^:]*wrong\.py:\([0-9]*\): error.*/\1/p' | sort -nu)
[ "$expected" = "$found" ] || {
    echo "expected errors in lines:" "$expected"
    echo "got them in:" "$found"
    exit 1
}
