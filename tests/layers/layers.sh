#!/bin/sh
# layers.sh [ROOT]: checks every source below ROOT (default: this tree) against
# the layer table.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cd "${1:-$here/../..}"
folders=
for folder in runtime idl svc bindings generator templates tools web examples bench; do
    [ ! -d "$folder" ] || folders="$folders $folder"
done
# shellcheck disable=SC2086 # names of folders, split on purpose
find $folders -type f \( -name '*.[chy]' -o -name '*.re' -o -name '*.mustache' \) |
    LC_ALL=C sort | xargs awk -f "$here/check.awk" "$here/rules"
