#!/bin/sh
# types_test.sh MYPY SHMRPCGEN: the package and generated modules pass mypy
# --strict, and users' mistakes are found: each line of wrong.py and of
# wrong_generated.py that says `# wrong`, and no other.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$here/../../..
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/made"
touch "$work/made/__init__.py"
for svc in examples/echo/echo tests/integration/kinds \
    tests/integration/flow \
    tests/integration/errors tests/integration/errors_common; do
    "$2" --lang python --out-dir "$work/made" -I "$root/$(dirname $svc)" \
        "$root/$svc.svc"
done
cp "$here/wrong.py" "$here/wrong_generated.py" "$work"
cd "$root/bindings/python"
"$1" --strict --cache-dir "$work/cache" shmrpc
cd "$work"
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
