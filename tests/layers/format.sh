#!/bin/sh
# format.sh [-i]: checks that all our C is formatted as by clang-format 14, or
# with -i formats it. Other versions differ in details and are not used.
set -eu
cd "$(dirname "$0")/../.."
format=$(command -v clang-format-14 || command -v clang-format)
case $("$format" --version) in
*"version 14."*) ;;
*)
    echo "SKIPPED: no clang-format 14"
    exit 77
    ;;
esac
if [ $# = 0 ]; then
    set -- --dry-run -Werror
fi
# golden/ is excluded: the generator formats its own output.
find . \( -path './build*' -o -path ./.git -o -path '*/golden/*' \) -prune -o \
    \( -name '*.[ch]' -o -name '*.cc' \) -print0 |
    xargs -0 "$format" "$@" 2>&1 ||
    { echo "run ./dev format"; exit 1; }
