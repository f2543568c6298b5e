# shellcheck shell=bash
# To be sourced: starts servers in the background, waits until clients can
# connect, and stops them by their process ids. A private SHMRPC_DIR keeps them
# apart from other servers with the same names.

server_folder=$(mktemp -d)
export SHMRPC_DIR=$server_folder
server_pid=
server_said=
earlier_pids=()

# start_server SECONDS COMMAND...: starts a server, and returns when it has
# printed a line with the words "serving at"; its output so far is in
# $server_said.
start_server() {
    local seconds=$1 line
    shift
    server_said=
    if [ -n "$server_pid" ]; then
        earlier_pids+=("$server_pid")
        # The pipe of the earlier server stays open, so that its later output,
        # which nobody reads, does not end it.
        # shellcheck disable=SC2034
        exec {earlier_out}<&9
    fi
    exec 9< <(exec "$@" 2>&1 9<&-)
    server_pid=$!
    while read -r -t "$seconds" -u 9 line; do
        server_said+=$line$'\n'
        case $line in
        *": serving at "*) return 0 ;;
        esac
    done
    printf 'The server did not get ready: %s\n%s' "$*" "$server_said" >&2
    return 1
}

# stop_server: stops all servers, the last started first. Returns the exit
# status of one that failed, or 0.
stop_server() {
    local status=0
    [ -n "$server_pid" ] || return 0
    kill -TERM "$server_pid" 2>/dev/null || true
    wait "$server_pid" || status=$?
    server_pid=
    exec 9<&-
    while [ "${#earlier_pids[@]}" -gt 0 ]; do
        kill -TERM "${earlier_pids[-1]}" 2>/dev/null || true
        wait "${earlier_pids[-1]}" || status=$?
        unset 'earlier_pids[-1]'
    done
    return "$status"
}

server_cleanup() {
    stop_server || true
    rm -rf "$server_folder"
}
trap server_cleanup EXIT
