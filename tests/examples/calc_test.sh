#!/usr/bin/env bash
# calc_test.sh: checks that the one-minute example of the project's README is
# identical to the files of examples/calc, which another test runs, and that
# neither side has more than 15 lines.
set -euo pipefail
cd "$(dirname "$0")/../.."

# shown FILE: prints the block below the line "`FILE`:".
shown() {
    awk -v start="\`$1\`:" '
        $0 == start { found = 1; next }
        found && /^```/ { if (in_block) exit; in_block = 1; next }
        in_block { print }' README.md
}

for file in calc.svc server.c client.c CMakeLists.txt; do
    diff -u --label "README.md, $file" --label "examples/calc/$file" \
        <(shown "$file") "examples/calc/$file"
done

for file in server.c client.c; do
    lines=$(grep -c . "examples/calc/$file")
    [ "$lines" -le 15 ] || {
        echo "examples/calc/$file has $lines lines, expected 15 at most"
        exit 1
    }
done
