#!/bin/sh
# pyright_test.sh MODULES SHMRPCGEN: npm's pyright (which ./dev test-web
# installs) accepts generated modules, and finds users' mistakes: exactly the
# lines of wrong.py and wrong_generated.py that are marked `# wrong`.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
program=$1/pyright/index.js
if ! [ -f "$program" ] || ! command -v node >/dev/null; then
    echo "SKIPPED: no pyright (./dev test-web installs it)"
    exit 77
fi
. "$here/types_made.sh"
cat >"$work/pyrightconfig.json" <<END
{"typeCheckingMode": "standard", "pythonVersion": "3.11",
 "extraPaths": ["$root/bindings/python"]}
END
cd "$work"
node "$program" -p . >out || true
bad=0
for file in $made wrong wrong_generated; do
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
