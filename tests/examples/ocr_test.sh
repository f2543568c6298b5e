#!/usr/bin/env bash
# ocr_test.sh PROGRAMS_FOLDER: cases that examples/ocr does not show. Files that
# are not images, or have false sizes, end in errors, and the server continues;
# workers share their data.
set -euo pipefail
examples=$(cd "$(dirname "$0")/../../examples" && pwd)
programs=$(realpath "$1")
# shellcheck source=examples/server.sh
. "$examples/server.sh"
page=$examples/ocr/page.png
bad=$server_folder/bad

# expect WORDS: the client's output for the file $bad must contain WORDS.
expect() {
    local said
    said=$("$programs/ocr-client" "$bad" 2>&1) && said="success: $said"
    case $said in
    *"$1"*) ;;
    *)
        printf 'expected: %s\ngot: %s\n' "$1" "$said"
        exit 1
        ;;
    esac
}

start_server 60 "$programs/ocr-server" --workers=1
printf 'P5\n60000 60000\n255\nabc' >"$bad"
expect ocr.TooLarge
head -c 500 "$page" >"$bad"
expect ocr.NotAnImage
{
    head -c 500 "$page"
    head -c 3000 /dev/zero
} >"$bad"
expect ocr.NotAnImage
: >"$bad"
expect 'INVALID: '
cp "$page" "$bad"
"$programs/ocr-client" "$bad" | grep -q . || {
    echo "the server does not read any more"
    exit 1
}
stop_server

# More workers save more memory. The README has the figures for 8.
said=$("$examples/ocr/memory.sh" "$programs" 3)
saved=$(sed -n 's/^\([0-9]*\) % saved$/\1/p' <<<"$said")
[ "${saved:-0}" -ge 20 ] || {
    printf 'expected: 20 %% saved or more\ngot:\n%s\n' "$said"
    exit 1
}
