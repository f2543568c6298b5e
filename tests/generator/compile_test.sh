#!/bin/sh
# Compiles what shmrpcgen generates from golden/ and names/ with one compiler and
# one standard; each warning is an error.
#   compile_test.sh SHMRPCGEN INCLUDE_DIR COMPILER LANGUAGE STANDARD
# Exit status 77: the compiler is not installed.
set -eu
generator=$(realpath "$1") include=$2 compiler=$3 language=$4 standard=$5
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

if ! command -v "$compiler" >/dev/null; then
    echo "SKIPPED: no $compiler"
    exit 77
fi
"$generator" --async --out-dir "$work" "$here/golden" "$here/names" "$here/paths"

"$generator" --out-dir "$work/plain" "$here/golden"

# Writes code that uses every macro of defaults.
{
    for header in words types own; do
        echo "#include \"$header.h\""
    done
    sed -n 's/^ *\/\* Initialises a \([a-z0-9_]*\):.*/\1/p' "$work"/words.h \
        "$work"/types.h "$work"/own.h | while read -r type; do
        macro=$(echo "${type}_DEFAULTS" | tr '[:lower:]' '[:upper:]')
        echo "extern const $type use_$type;"
        echo "const $type use_$type = $macro;"
    done
} >"$work/use.c"
[ "$(grep -c DEFAULTS "$work/use.c")" -ge 5 ] || failed=1

# Headers that users include before the generated ones must not break them.
cat >"$work/first.h" <<'C'
#include <assert.h>
#include <complex.h>
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <netdb.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>
C
if [ "$language" = c++ ]; then
    sed -i '/complex/d' "$work/first.h"
fi

# compile FILE OPTION...: compiles one file, with the flags of a strict user.
# Each generated .c file includes its own header first, so headers are also
# tested without any others before them.
compile() {
    "$compiler" -x "$language" -std="$standard" -c -o /dev/null \
        -I"$include" -I"$work" \
        -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow \
        -Wcast-qual -Wcast-align -Wundef -Werror "$@" || failed=1
}
# Some warnings appear only with optimisation: one run with it is enough.
effort=-fsyntax-only
[ "$compiler $standard" != "gcc c11" ] || effort=-O2
find "$work" -name '*.c' | sort >"$work/files"
while read -r file; do
    compile $effort "$file"
done <"$work/files"
for file in "$work"/words_client.c "$work"/words_server.h "$work"/words.c; do
    compile -fsyntax-only -include "$work/first.h" "$file"
done
# A method may have the name of a function-like macro from another header.
compile -fsyntax-only '-Decho_json(...)=no_such_thing' "$work/echo_server.c"
exit $failed
