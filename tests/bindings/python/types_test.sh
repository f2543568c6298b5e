#!/bin/sh
# types_test.sh MYPY SHMRPCGEN PYTHON: the package and generated modules pass
# mypy --strict; the C part matches its stubs; and mypy finds users' mistakes:
# exactly the lines of wrong.py and wrong_generated.py that are marked `#
# wrong`.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/types_made.sh"
cd "$root/bindings/python"
"$1" --strict --cache-dir "$work/cache" shmrpc
cd "$work"
MYPYPATH=$root/bindings/python "$3" -m mypy.stubtest --concise \
    --allowlist "$here/stubs_allowed.txt" shmrpc._core
MYPYPATH=$root/bindings/python "$1" --strict --cache-dir "$work/cache" made
for file in wrong.py wrong_generated.py; do
    expected=$(grep -n '# wrong' "$file" | cut -d: -f1)
    found=$(MYPYPATH=$root/bindings/python "$1" --strict \
        --cache-dir "$work/cache" "$file" 2>&1 |
        sed -n "s/^$file:\([0-9]*\): error.*/\1/p" | sort -nu)
    [ "$expected" = "$found" ] || {
        echo "$file: expected errors in lines:" "$expected"
        echo "got them in:" "$found"
        exit 1
    }
done
