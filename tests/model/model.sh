#!/bin/sh
# Checks the Promela models of this folder with spin.
#
#   model.sh [NAME...]       check these, or all of checks.txt; --long: in full
#   model.sh --list          the names
#   model.sh --trail NAME    check, then print the steps that led to the error
#
# SHMRPC_TEST_LONG=1 means --long, except that each of the 34 unbounded searches
# stops after 30 seconds instead of 6 minutes. Exit status: 0 if all results are
# as expected, 1 if not, 2 for wrong usage, 77 if spin or gcc is not installed.
here=$(cd "$(dirname "$0")" && pwd)
long=${SHMRPC_TEST_LONG:-0}
trail=0
seconds_short=240
seconds_long=900
seconds_endless=30 # time limit of the unbounded searches
table=30  # log2 of a bit table's bits; a smaller table is 1.5 times as fast

row() { # row NAME: its line of checks.txt
    awk -v n="$1" '!/^#/ && $1 == n' "$here/checks.txt"
}

names() {
    awk '!/^#/ && NF { print $1 }' "$here/checks.txt"
}

# compile NAME EXPECT MODEL HOW MACRO...: builds ./pan for the check and sets
# $options to its options
compile() {
    expect=$2 model=$3 how=$4
    shift 4
    defines=
    for macro in "$@"; do defines="$defines -D$macro"; done
    flags="-DVECTORSZ=1024" options="-m20000 -E" cc=-O1
    case $model in
    fair) flags="$flags -DNFAIR=4" options="-m2000000 -a -f" ;;
    *) flags="$flags -DSAFETY" ;;
    esac
    if [ "$expect $long" = "holds 1" ]; then
        cc=-O2
        case $how in
        exact*) flags="$flags -DCOLLAPSE -DMEMLIM=2000" ;;
        whole*) flags="$flags -DBITSTATE" options="$options -w32" ;;
        bits*) flags="$flags -DBITSTATE" options="$options -w$table" ;;
        esac
    elif [ "$expect" = holds ]; then
        # Optimised compiling would take longer than it saves.
        flags="$flags -DBITSTATE" options="$options -w19" cc=-O0
    else
        flags="$flags -DBITSTATE" options="$options -w25" cc=-O0
        case $how in
        rev*) flags="$flags -DREVERSE" ;;
        few*) flags="$flags -DBCS" options="$options -L3" ;;
        esac
        case $how in
        *-far) cc=-O1 ;;
        esac
    fi
    # shellcheck disable=SC2086 # lists of options
    spin $defines -a "$here/$model.pml" >spin.out 2>&1 || return 1
    # shellcheck disable=SC2086
    $compiler $cc -w $flags -o pan pan.c >>spin.out 2>&1
}

# verdict: prints the result of ./pan as one word
verdict() {
    if grep -q '^pan:1: \(assertion\|acceptance\|invalid end\)' pan.out; then
        echo fails
    elif ! grep -q 'errors: 0' pan.out; then
        echo cut-short
    elif grep -q 'max search depth too small' pan.out; then
        echo too-deep
    else
        echo holds
    fi
}

# check NAME: prints one line with the result; returns 0 if it is as expected
check() {
    line=$(row "$1")
    if [ -z "$line" ]; then
        echo "model.sh: no check is called '$1' (model.sh --list)" >&2
        return 2
    fi
    # shellcheck disable=SC2086
    set -- $line
    if ! compile "$@"; then
        cat spin.out >&2
        echo "$1: the model does not compile" >&2
        return 1
    fi
    seconds=$seconds_short
    signal=KILL
    case "$2 $4 $long" in
    "holds bits"*1) seconds=$seconds_endless signal=INT ;; # pan then reports its result
    *1) seconds=$seconds_long ;;
    esac
    began=$(date +%s)
    # shellcheck disable=SC2086
    timeout -s $signal $seconds ./pan $options >pan.out 2>&1
    took=$(($(date +%s) - began))
    got=$(verdict)
    states=$(awk '/states, stored/ { print $1; exit }' pan.out)
    depth=$(sed -n 's/.*depth reached \([0-9]*\).*/\1/p' pan.out | head -1)
    part=
    [ "$got" = holds ] && grep -q 'Search not completed' pan.out &&
        part=' (stopped at the time limit, before all states were reached)'
    printf '%-18s expected %s, got %s; %s states%s, depth %s, %s s\n' \
        "$1" "$2" "$got" "${states:-?}" "$part" "${depth:-?}" "$took"
    if [ $trail = 1 ] && [ -f "$3.pml.trail" ]; then
        # shellcheck disable=SC2086
        spin $defines -k "$3.pml.trail" -t -p -g -l "$here/$3.pml"
    fi
    [ "$got" = "$2" ] && return 0
    echo "$1: run it alone: $here/model.sh --trail $1" >&2
    return 1
}

case ${1:-} in
--list) names; exit 0 ;;
--long) long=1 seconds_endless=360 table=32; shift ;;
--trail) trail=1; shift ;;
-*) sed -n '2,10s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
# Without optimisation clang compiles in half of gcc's time, and its code runs
# in two thirds of the time.
compiler=gcc
[ "$long" = 1 ] || ! command -v clang >/dev/null || compiler=clang
for tool in spin "$compiler"; do
    if ! command -v $tool >/dev/null 2>&1; then
        echo "SKIPPED: $tool is not installed (Debian packages: spin, gcc);" \
            "the protocol model was not checked" >&2
        exit 77
    fi
done
# shellcheck disable=SC2046 # a list of names
[ $# -gt 0 ] || set -- $(names)
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
trap 'exit 2' HUP INT TERM
cd "$work" || exit 2
bad=0
for name in "$@"; do
    check "$name" || bad=$((bad + 1))
done
[ $bad = 0 ] && exit 0
echo "$bad of $# not as expected" >&2
exit 1
