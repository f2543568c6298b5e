#!/bin/sh
# Compiles what shmrpcgen makes of golden/*.svc as C11 and as C++17 with every
# compiler there is; each warning is an error.
#   compile_test.sh SHMRPCGEN INCLUDE_DIR
set -eu
generator=$(realpath "$1") include=$2
here=$(cd "$(dirname "$0")" && pwd)/golden
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

for svc in "$here"/*.svc "$here"/acme/*.svc; do
    "$generator" --out-dir "$work" "$svc"
done

# compile COMPILER LANGUAGE STANDARD: each file for itself.
compile() {
    if ! command -v "$1" >/dev/null; then
        echo "compile_test: no $1 here"
        return
    fi
    for file in "$work"/*.[ch]; do
        "$1" -x "$2" -std="$3" -O2 -c -o /dev/null -I"$include" -I"$work" \
            -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow \
            -Wcast-qual -Wcast-align -Wundef -Werror "$file" || failed=1
    done
}
compile gcc c c11
compile clang c c11
compile g++ c++ c++17
compile clang++ c++ c++17
exit $failed
