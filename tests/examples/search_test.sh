#!/usr/bin/env bash
# search_test.sh PROGRAMS_FOLDER: wrong user input and malformed files cause
# errors, not crashes.
set -euo pipefail
programs=$(realpath "$1")
export LC_ALL=C.UTF-8
# shellcheck source=examples/server.sh
. "$(dirname "$0")/../../examples/server.sh"
work=$server_folder/work
mkdir -p "$work/docs/deep" "$work/secret"

# expect TEXT COMMAND...: the command's output must contain the text.
expect() {
    local text=$1 actual
    shift
    actual=$("$@" 2>&1) || true
    if [[ $actual != *"$text"* ]]; then
        printf 'FAILED: %s\nexpected to find: %s\ngot: %s\n' "$*" "$text" "$actual"
        return 1
    fi
}
client() {
    "$programs/search-client" "$@"
}

# ---- files with misleading contents ----

cd "$work/docs"
printf 'A plain text about lighthouses.\n' >plain.txt
printf 'Of lamps and lenses: caf\xe9, \xff\xfe, \x1b[31mred.\n' >latin.md
printf '<title>Fog &amp; horns</title><script>evil()</script><p>Fog&shy;horn&#33; <b>loud' >page.html
printf '<!-- never closed' >comment.html
printf 'lamp \0 oil' >binary.txt
: >empty.txt
head -c 6000000 /dev/zero | tr '\0' a >large.txt
head -c 6000000 /dev/zero | tr '\0' a | gzip >bomb.txt.gz
printf 'A packed text about keepers.\n' | gzip >packed.txt.gz
printf 'not really gzip' >broken.txt.gz
printf 'lamps below\n' >deep/below.rst
printf 'lamp' >image.png
ln -s "$work/secret/key.txt" link.txt
ln -s .. deep/loop
ln -s "$work/secret" deep/out
mkfifo pipe.txt
printf 'the secret lamp\n' >"$work/secret/key.txt"

start_server 30 "$programs/search-server" "$work/docs"
[[ $server_said == *'search: 6 documents indexed'* ]] || {
    echo "FAILED: expected 6 documents, got: $server_said"
    exit 1
}
expect '1 of 1 documents' client find lighthouses
expect '[keepers]' client find keepers
expect 'caf?, ??, ?[31mred' client find lenses
expect 'Fog & horns' client find 'title: fog'
expect '0 of 0 documents' client find evil
expect '0 of 0 documents' client find oil
expect '0 of 0 documents' client find secret
expect 'document 999999' client fetch 999999
expect 'lamps below' client fetch "$(client find --path below lamps |
    sed -n 's/.*(document \([0-9]*\)).*/\1/p')"

# ---- questions that cannot be answered ----

expect 'BadQuery: fts5: syntax error near' client find 'lamp AND'
expect 'BadQuery: unterminated string' client find '"lamp'
expect 'BadQuery: no such column: colour' client find 'colour: red'
expect 'INVALID: query.limit' client find --limit 0 lamp
expect 'INVALID: query.limit' client find --limit 101 lamp
expect 'INVALID: query.text' client find "$(printf 'x%.0s' {1..1100})"
expect 'INVALID: query.text' client find ''
expect 'NotAllowed' client index "$work/secret"
expect 'NotAllowed' client index "$work/docs/deep/out"
expect 'NotAllowed' client index "$work/docs/../secret"

# ---- documents that change ----

rm plain.txt
printf 'Now about lightships.\n' >new.txt
expect '6 documents' client index
expect '0 of 0' client find lighthouses
expect '1 of 1' client find lightships
printf 'lamps still below\n' >deep/below.rst
expect '1 documents' client index "$work/docs/deep"
expect '[lamps] still' client find --path below lamps
expect '1 of 1' client find lightships

# ---- concurrent clients ----

for _ in 1 2 3; do
    client index >/dev/null &
    client find lamps >/dev/null &
    client find --order path lightships >/dev/null &
    client stats >/dev/null &
done
for job in $(jobs -p); do
    [ "$job" = "$server_pid" ] || wait "$job" || {
        echo "FAILED: a client that ran beside others"
        exit 1
    }
done
expect '[lamps] still' client find --path below lamps

stop_server
expect 'UNAVAILABLE' client stats
echo "all answered"
