#!/usr/bin/env bash
# skeleton_test.sh SHMRPCGEN SVC SERVER CLIENT EXPECTED: runs the programs that
# were built from the skeleton of SVC, and generates the skeleton twice.
set -euo pipefail
generator=$1 svc=$2 server=$3 client=$4 expected=$5
# shellcheck source=examples/server.sh
. "$(dirname "$0")/../../../examples/server.sh"
scratch=$server_folder/scratch
mkdir "$scratch"

start_server 20 "$server"
"$client" >"$scratch/got"
stop_server
diff -u "$expected" "$scratch/got"

# Existing skeletons are never replaced: if one of the files exists, shmrpcgen
# fails, and writes none of them.
stem=$(basename "$svc" .svc)
"$generator" --skeleton --out-dir "$scratch/out" "$svc"
echo mine >"$scratch/out/${stem}_client_main.c"
rm "$scratch/out/${stem}_server_main.c"
if "$generator" --skeleton --out-dir "$scratch/out" "$svc" 2>"$scratch/err"; then
    echo "an existing file is not reported as an error"
    exit 1
fi
grep -q "already exists" "$scratch/err"
[ "$(cat "$scratch/out/${stem}_client_main.c")" = mine ]
[ ! -e "$scratch/out/${stem}_server_main.c" ]
"$generator" --skeleton --kinds server --out-dir "$scratch/out" "$svc"
