#!/bin/sh
# pyright_test.sh MODULES SHMRPCGEN: pyright of npm (./dev test-web installs it)
# passes on generated modules, and finds users' mistakes: each line of wrong.py and
# of wrong_generated.py that says `# wrong`, and no other.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$here/../../..
program=$1/pyright/index.js
if ! [ -f "$program" ] || ! command -v node >/dev/null; then
    echo "SKIPPED: no pyright (./dev test-web installs it)"
    exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/made"
touch "$work/made/__init__.py"
for svc in examples/echo/echo tests/integration/kinds \
    tests/integration/errors tests/integration/errors_common; do
    "$2" --lang python --out-dir "$work/made" -I "$root/$(dirname $svc)" \
        "$root/$svc.svc"
done
cp "$here/wrong.py" "$here/wrong_generated.py" "$work"
cat >"$work/pyrightconfig.json" <<END
{"typeCheckingMode": "standard", "pythonVersion": "3.11",
 "extraPaths": ["$root/bindings/python"]}
END
cd "$work"
node "$program" -p . >out || true
bad=0
for file in made/echo_svc made/kinds_svc made/errors_svc made/errors_common_svc \
    wrong wrong_generated; do
    expected=$(grep -n '# wrong' "$file.py" | cut -d: -f1)
    found=$(sed -n "s|.*/$file.py:\([0-9]*\):[0-9]* - error.*|\1|p" out | sort -nu)
    [ "$expected" = "$found" ] || {
        echo "$file.py: expected errors in lines:" "$expected"
        echo "got them in:" "$found"
        bad=1
    }
done
grep -q ' errors, ' out || bad=1
[ "$bad" = 0 ] || cat out
exit "$bad"
