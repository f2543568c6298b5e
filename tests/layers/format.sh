#!/bin/sh
# All our C is laid out by clang-format 14 (.clang-format); other versions
# differ in small things, so that only this one is asked.
set -eu
cd "$(dirname "$0")/../.."
format=$(command -v clang-format-14 || command -v clang-format)
case $("$format" --version) in
*"version 14."*) ;;
*)
    echo "no clang-format 14 here: not checked"
    exit 77
    ;;
esac
git ls-files -co --exclude-standard '*.c' '*.h' |
    xargs "$format" --dry-run -Werror 2>&1 ||
    { echo "run ./dev format"; exit 1; }
