#!/bin/sh
# together.sh BUILD_DIR: checks that all public headers compile in one file, in
# alphabetical and in reverse order, as C11 and as C++17. That shows that no two
# of them define one name differently.
set -u
build=$(cd "$1" && pwd)
cd "$(dirname "$0")/../../runtime/include" || exit
bad=0

for order in "" -r; do
    # shellcheck disable=SC2086 # no argument, or one
    all=$(find shmrpc "$build/include/shmrpc" -name '*.h' | sed 's,.*/,,' |
        sort -u $order | sed 's,.*,#include <shmrpc/&>,')
    for language in "${CC:-cc} -std=c11 -x c" "${CXX:-c++} -std=c++17 -x c++"; do
        # shellcheck disable=SC2086 # a compiler and its options
        printf '%s\nextern int one;\n' "$all" |
            $language -Wall -Wextra -Wpedantic -Werror -fsyntax-only \
                -I. -I"$build/include" - && continue
        echo "the public headers do not compile together: $language"
        bad=1
    done
done
exit "$bad"
