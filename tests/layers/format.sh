#!/bin/sh
# format.sh [-i]: checks that all our C is laid out by clang-format 14, or lays
# it out so.  Other versions differ in small things and are not asked.
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
# What the generator is expected to write is laid out by the generator.
find . \( -path './build*' -o -path ./.git -o -path '*/golden/*' \) -prune -o \
    \( -name '*.[ch]' -o -name '*.cc' \) -print0 |
    xargs -0 "$format" "$@" 2>&1 ||
    { echo "run ./dev format"; exit 1; }
