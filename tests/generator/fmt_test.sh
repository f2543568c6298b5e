#!/bin/sh
# Tests the commands fmt, lint and explain: statuses, output, written files.
#   fmt_test.sh SHMRPCGEN
set -eu
generator=$(realpath "$1")
cases=$(cd "$(dirname "$0")/../idl/cases" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
failed=0

fail() {
    echo "fmt_test: FAILED: $*" >&2
    sed 's/^/    /' out err >&2
    failed=1
}

# expect STATUS TEXT ARGUMENT...: runs the program; its output must contain
# TEXT.
expect() {
    status=$1 text=$2
    shift 2
    got=0
    "$generator" "$@" >out 2>err || got=$?
    [ "$got" = "$status" ] || fail "$*: status $got, expected $status"
    [ -z "$text" ] || cat out err | grep -qF -e "$text" ||
        fail "$*: expected \`$text\`"
}

same() { cmp -s "$1" "$2" || fail "$1 is not as it should be"; }

# fmt
expect 0 "usage: shmrpcgen fmt" fmt --help
expect 2 "no .svc file given" fmt
expect 2 "did you mean \`--check\`?" fmt --chekc a.svc
expect 2 "\`-\` stands alone" fmt - a.svc
expect 3 "absent.svc: No such file" fmt absent.svc
cp "$cases/format/everything.svc" a.svc
cp "$cases/format/everything.formatted" good.svc
cp "$cases/bad/six.svc" bad.svc
cp bad.svc bad.old
chmod 640 a.svc
ln -s a.svc link.svc
touch -d 2001-01-01 good.svc bad.svc
expect 1 "a.svc" fmt --check good.svc a.svc
[ "$(cat out)" = a.svc ] || fail "--check named other files"
same a.svc "$cases/format/everything.svc"
expect 1 "S0202" fmt bad.svc link.svc good.svc
same bad.svc bad.old
same a.svc good.svc
[ -L link.svc ] || fail "the link was replaced"
[ "$(stat -c %a a.svc)" = 640 ] || fail "the mode changed"
[ -z "$(find good.svc bad.svc -newermt 2002-01-01)" ] ||
    fail "a file was written that didn't change"
expect 0 "" fmt --check a.svc
[ ! -s out ] || fail "--check speaks"
"$generator" fmt - <"$cases/format/everything.svc" >out || fail "fmt -"
same out good.svc
"$generator" fmt - <bad.svc >out 2>err && fail "fmt - took errors"
grep -q '^<stdin>:2:' err || fail "fmt - with errors: no place"
[ ! -s out ] || fail "fmt - with errors: text"
"$generator" fmt --check - <good.svc >out 2>err || fail "fmt --check -"
[ "$(find . -type f | wc -l)" = 6 ] || fail "files were left behind: $(echo ./*)"

# lint
expect 0 "S1004  request without upper bound" lint --help
expect 2 "no .svc file given" lint
expect 2 "no rule of lint has the code \`S0301\`" lint --disable S0301 a.svc
expect 3 "absent.svc: No such file" lint absent.svc
cat >untidy.svc <<'SVC'
package untidy;
service Untidy { port 5600; json f(string text) -> bool; }
SVC
expect 1 "untidy.svc:2:36: warning[S1004]" lint untidy.svc
[ "$(tail -n 1 err)" = "2 warnings" ] || fail "closing line"
expect 1 "4 warnings" lint --strict untidy.svc
expect 1 "1 warning" lint --disable S1001 untidy.svc
expect 0 "" lint --disable S1001,S1004 untidy.svc
expect 0 "" lint --disable S1001 --disable S1004 untidy.svc
expect 1 "S0202" lint bad.svc
expect 1 "2 warnings" lint untidy.svc "$cases/good/echo.svc"

# explain
expect 0 "usage: shmrpcgen explain" explain --help
expect 0 "S0301  error    unknown name" explain
expect 0 "# S0301: unknown name" explain S0301
expect 0 "# S1004: request without upper bound" explain S0301 S1004
expect 0 "S1109  error    other bounds" explain
expect 0 "# S1109: other bounds" explain S1109
expect 2 "unknown code \`S0000\`" explain S0000
expect 2 "unknown option \`-x\`" explain -x

exit $failed
