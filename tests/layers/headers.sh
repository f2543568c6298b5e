#!/bin/sh
# headers.sh BUILD_DIR: every header compiles alone, and twice, as C11; the
# public ones as C++17 too.
set -u
build=$(cd "$1" && pwd)
cd "$(dirname "$0")/../.." || exit
warnings="-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wundef -Werror"
bad=0

# compile HEADER COMPILER ARGUMENT...
compile() {
    header=$1
    shift
    # shellcheck disable=SC2086 # a list of flags, split on purpose
    printf '#include "%s"\n#include "%s"\nextern int one;\n' "$header" "$header" |
        "$@" $warnings -fsyntax-only -Iruntime -Iruntime/include -I. \
            -I"$build/include" - && return
    echo "$header does not compile alone with: $*"
    bad=1
}

for header in $(find runtime idl svc generator tools -name '*.h' 2>/dev/null | sort); do
    compile "$header" "${CC:-cc}" -std=c11 -D_GNU_SOURCE -x c
    case $header in
    runtime/include/*) compile "$header" "${CXX:-c++}" -std=c++17 -x c++ ;;
    esac
done
exit "$bad"
