#!/bin/sh
# run.sh shm|unix|tcp FILE SERVER... -- CLIENT...: starts the server over that
# transport, then runs the client with the server's address and the file. The
# client must pass.
set -eu
transport=$1 file=$2
shift 2
work=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; rm -rf "$work"' EXIT
SHMRPC_DIR=$work/run
export SHMRPC_DIR
mkdir -m 700 "$SHMRPC_DIR"
case $transport in
shm) where="shm://conform@$$ --workers=1" ;;
unix) where="unix://$work/socket --workers=0 --threads=1" ;;
tcp) where="tcp://127.0.0.1:0 --workers=0 --threads=1" ;;
esac

# The server's command is the words before `--`.
program=$1
shift
words=
while [ "$1" != -- ]; do
    words="$words $1"
    shift
done
shift
mkfifo "$work/out"
# shellcheck disable=SC2086 # words, split on purpose
"$program" $words --listen=$where --force-insecure-serialisation \
    >"$work/out" 2>&1 &
server=$!
exec 3<"$work/out"
address=
while [ -z "$address" ]; do
    read -r line <&3 || { echo "the server has ended"; exit 1; }
    case $line in
    *"serving at"*)
        address=$(echo "$line" | sed -n 's/.*serving at \([a-z]*:[^ ;,]*\).*/\1/p')
        [ -n "$address" ] || address="shm://conform@$$"
        ;;
    *) echo "server: $line" ;;
    esac
done
cat <&3 >"$work/log" & # drains the log of faults, so that the pipe never fills
"$@" "$address" "$file" "$transport" >"$work/results" 2>&1 || {
    grep -v '^ok ' "$work/results" || true
    echo "--- the server:"
    head -n 100 "$work/log"
    exit 1
}
tail -n 1 "$work/results"
kill "$server"
wait "$server"
server=
