#!/usr/bin/env bash
# readme.sh README PROGRAMS_FOLDER: runs the commands in a README and compares
# their output with the output shown there.
#
# In its ```console blocks, "$ command" is run in the README's folder, and the
# lines below, up to the next command, are expected; "..." in them stands for
# anything.  A command that ends in "&" is a server, expected to print a line
# saying "serving at"; the servers are stopped in the end.
set -euo pipefail
readme=$(realpath "$1")
PATH=$(realpath "$2"):$PATH
export LC_ALL=C.UTF-8 PATH
# shellcheck source=examples/server.sh
. "$(dirname "$0")/../../examples/server.sh"
cd "$(dirname "$readme")"

# matches TEXT EXPECTED: whether the text matches the expected output.
matches() {
    local pattern
    pattern=$(printf '%s' "$2" | sed 's/[][\\*?()|!+@]/\\&/g; s/\.\.\./*/g')
    # shellcheck disable=SC2053
    [[ $1 == $pattern ]]
}

commands=0
command=
expected=
failed=no

# Runs the command that has been read, compares its output, and starts over.
finish_command() {
    local actual
    [ -n "$command" ] || return 0
    commands=$((commands + 1))
    case $command in
    *' &')
        # shellcheck disable=SC2086
        start_server 60 ${command% &}
        actual=${server_said%$'\n'}
        ;;
    *) actual=$(bash -c "$command" 2>&1 9<&-) || true ;;
    esac
    expected=${expected%$'\n'}
    if ! matches "$actual" "$expected"; then
        failed=yes
        printf '%s: $ %s\n--- expected\n%s\n--- got\n%s\n' \
            "$readme" "$command" "$expected" "$actual"
        printf -- '--- to run it alone: %s %s %s\n' "$0" "$readme" "${PATH%%:*}"
    fi
    command=
    expected=
}

in_block=no
while IFS= read -r line <&8; do
    case $in_block,$line in
    no,'```console') in_block=yes ;;
    no,*) ;;
    yes,'```')
        finish_command
        in_block=no
        ;;
    yes,'$ '*)
        finish_command
        command=${line#'$ '}
        ;;
    yes,*) expected+=$line$'\n' ;;
    esac
done 8<"$readme"

stop_server || {
    echo "the server ended with status $?"
    failed=yes
}
if [ "$commands" = 0 ]; then
    echo "$readme shows no command"
    failed=yes
fi
echo "$commands commands"
[ "$failed" = no ]
