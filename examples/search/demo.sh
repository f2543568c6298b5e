#!/usr/bin/env bash
# demo.sh BUILD_DIR [FOLDER]: runs full-text searches in Git's documentation
# (Debian's package git-doc), or in FOLDER.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "${1:?usage: demo.sh BUILD_DIR [FOLDER]}" && pwd)
programs=$build/examples/search
# shellcheck source=examples/server.sh
. "$here/../server.sh"

# Prints the folder of the documentation. Small container images install
# packages without their documentation: then the package is unpacked below the
# build folder.
find_documents() {
    local folder=/usr/share/doc/git-doc unpacked=$build/git-doc
    if [ ! -e "$folder/git.html" ]; then
        folder=$unpacked$folder
    fi
    if [ ! -e "$folder/git.html" ] && command -v apt-get >/dev/null; then
        mkdir -p "$unpacked"
        (cd "$unpacked" && apt-get -qq -o APT::Sandbox::User=root download git-doc &&
            dpkg-deb -x git-doc_*.deb .) >&2
    fi
    if [ ! -e "$folder/git.html" ]; then
        echo "No git-doc here: searching this project's own texts." >&2
        folder=$here/..
    fi
    printf '%s\n' "$folder"
}

# Shows the command as typed in a shell, and runs it.
run() {
    local argument
    printf '\n$ search-client'
    for argument in "$@"; do
        case $argument in
        *[!a-z0-9-]*) printf " '%s'" "$argument" ;;
        *) printf ' %s' "$argument" ;;
        esac
    done
    printf '\n'
    "$programs/search-client" "$@"
}

documents=${2:-$(find_documents)}
printf 'examples/search: full-text search (SQLite FTS5) in its own process\n\n'
printf '$ search-server %s &\n' "$documents"
start_server 60 "$programs/search-server" "$documents"
printf '%s' "$server_said"
run find --format html --limit 2 undo commit
run find --limit 2 '"shared memory" OR "shared index"'
run stats
stop_server
