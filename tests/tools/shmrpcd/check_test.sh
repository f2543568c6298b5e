#!/usr/bin/env bash
# check_test.sh SHMRPCD: the command check, on files on disk.
# shellcheck disable=SC2016 # messages have backquotes
set -euo pipefail
program=$(realpath "$1")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
mkdir more

# expect STATUS OUT ERR ARGUMENT...: the program must exit with this status, and
# print exactly these texts.
expect() {
    local status=$1 out=$2 err=$3 got=0
    shift 3
    LIBS=/opt "$program" "$@" >out 2>err || got=$?
    if [ "$got" != "$status" ] || [ "$(cat out)" != "$out" ] ||
        [ "$(cat err)" != "$err" ]; then
        printf 'check_test: shmrpcd %s ended in %s with\n' "$*" "$got"
        cat out err
        printf 'expected %s with\n%s\n%s\n' "$status" "$out" "$err"
        exit 1
    fi
}

printf '[defaults]\nlog_dir = logs\n' >more/common.ini
cat >service.ini <<'INI'
include = more/common.ini

[Search, News]
import_from = ${LIBS}/search.so
after = Echo

[Echo]
exec = ./echo-server -w 2
tcp_bind = 127.0.0.1
max_proc_num = 3
threads = 2

[web monitor]
host = ::1
read_only = yes
INI
expect 0 'Echo: ./echo-server -w 2
  workers: 1 to 3, threads: 2
  tcp: 127.0.0.1
  logs: more/logs
Search: import_from /opt/search.so
  workers: 1 to one for each CPU, threads: 1
  after: Echo
  logs: more/logs
News: import_from /opt/search.so
  workers: 1 to one for each CPU, threads: 1
  after: Echo
  logs: more/logs
shmrpc-web: shmrpc-web --listen=[::1]:5155 --read-only' '' check service.ini

printf '[A]\nexec = a\n[web monitor]\nport = 0\n' >pageless.ini
expect 0 'A: a
  workers: 1 to one for each CPU, threads: 1' '' check pageless.ini

printf '[defaults]\nnats=a,b\nnats_bind=yes\nnats_creds=c\n[A]\nexec=a\n[B]\nexec=b\nstop_term_secs=9\nmax_message_bytes=1M\n[web monitor]\nnats_creds=d\n' >nats.ini
expect 0 'A: a
  workers: 1 to one for each CPU, threads: 1
  nats: announced
B: b
  workers: 1 to one for each CPU, threads: 1
  nats: announced
shmrpc-nats: shmrpc-nats --servers=nats://a?creds=c,nats://b?creds=c --stop-after=14 --max-message=1048576 --
shmrpc-web: shmrpc-web --listen=127.0.0.1:5155 --nats=nats://a?creds=d,nats://b?creds=d' '' check nats.ini

printf '[Echo]\nexec=a\nprot=5\nthreads=x\n' >wrong.ini
expect 1 '' 'wrong.ini:3:1: error: unknown key `prot`
    3 | prot=5
      | ^~~~
wrong.ini:4:9: error: `x` for `threads` (expected a whole number of 1 to 64)
    4 | threads=x
      |         ^' check wrong.ini
expect 1 '' "error: none.ini: can't be read" check none.ini
head -c 1048577 /dev/zero >large.ini
expect 1 '' 'error: large.ini: larger than a MiB' check large.ini
expect 1 '' "error: more: can't be read" check more
expect 2 '' 'shmrpcd: check takes one FILE (`shmrpcd check --help`)' check
expect 2 '' 'shmrpcd: unknown option `--hlep`; did you mean `--help`?' check --hlep
expect 2 '' 'shmrpcd: there is no command `chekc`; did you mean `check`?' chekc
expect 2 '' 'shmrpcd: a FILE is missing (see --help)'
"$program" --help | grep -q '^  check '
"$program" --version | grep -q '^shmrpcd [0-9]'
"$program" check --help | grep -q '^usage: shmrpcd check'
