#!/bin/sh
# Tests the Mustache renderer with the cases of the public specification.
#   tests/generator/mustache_spec.sh PROGRAM SPEC_FOLDER
# PROGRAM is the built mustache_spec; SPEC_FOLDER a checkout of mustache/spec.
# Files whose names begin with ~ are optional modules, which we do not have.
set -eu
program=${1:?usage: mustache_spec.sh PROGRAM SPEC_FOLDER}
folder=${2:-}
if [ ! -d "$folder/specs" ]; then
    echo "mustache_spec: NOT RUN: no specification at '$folder/specs'" >&2
    echo "  git clone https://github.com/mustache/spec, then give its path" >&2
    exit 1
fi
exec "$program" "$folder"/specs/[!~]*.json
