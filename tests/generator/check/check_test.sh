#!/bin/sh
# Tests every rule of `shmrpcgen check`: breaks/RULE has two versions and the
# expected findings; passes/RULE has two similar versions that must pass.
#   check_test.sh SHMRPCGEN            compare
#   check_test.sh SHMRPCGEN --update   accept the current findings
set -eu
generator=$(realpath "$1")
update=${2:-}
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0

fail() {
    echo "check_test: $*" >&2
    failures=$((failures + 1))
}

# run STATUS ARGUMENT...: runs the program, which must exit with STATUS.
run() {
    wanted=$1
    shift
    status=0
    "$generator" check "$@" >"$work/out" 2>"$work/err" || status=$?
    if [ "$status" -ne "$wanted" ]; then
        cat "$work/err" >&2
        fail "exit status $status, expected $wanted: check $*"
    fi
}

says() {
    grep -qF -- "$1" "$work/err" || {
        cat "$work/err" >&2
        fail "doesn't say: $1"
    }
}

# Prints the findings without the source lines and marks below them.
findings() {
    sed -nE 's/^(new|old)\.svc:([0-9:]+: )(error|warning|note)/\1.svc:\2\3/p' \
        "$work/err"
}

cd "$here/breaks"
for rule in *; do
    (
        cd "$rule"
        run 1 --against old.svc new.svc
        code=${rule%%_*}
        says "error[$code]"
        findings >"$work/findings"
        if [ "$update" = --update ]; then
            cp "$work/findings" expected
        fi
        diff -u expected "$work/findings" || fail "$rule differs"
        exit "$failures"
    ) || failures=$((failures + 1))
done
cd "$here/passes"
for rule in *; do
    (
        cd "$rule"
        run 0 --against old.svc new.svc
        [ ! -s "$work/err" ] || fail "$rule: $(cat "$work/err")"
        exit "$failures"
    ) || failures=$((failures + 1))
done
# Every rule has a folder in breaks/ and one in passes/; some have several.
sed -nE 's/^ +X\([A-Z_]+, +([0-9]+),.*/S\1/p' \
    "$here/../../../generator/check/check.h" >"$work/rules"
for kind in breaks passes; do
    ls "$here/$kind" | sed 's/_.*//' | uniq | diff "$work/rules" - ||
        fail "a rule has no folder in breaks/ or passes/, or a folder has no rule"
done

# ---- finding the old version ----

cd "$work"
mkdir -p now/acme was/acme
cat >was/acme/common.svc <<'END'
package acme.common;
struct Point { 1: u32 x; }
END
cat >was/echo.svc <<'END'
package demo;
import "acme/common.svc";
service Echo { port 5600; json echo(common.Point p) -> u32; }
END
cp -r was/. now
sed -i 's/u32 x/u64 x/' now/acme/common.svc
run 1 --against was/echo.svc now/echo.svc
says 'now/acme/common.svc:2:19: error[S1108]: wire: `acme.common.Point.x` is'
says 'was/acme/common.svc:2:19: note: it was u32'
says 'breaks: wire 1, source 0, layout 0, reserve 0'
(cd now && run 1 --against ../was echo.svc && exit "$failures") ||
    failures=$((failures + 1))
run 1 --against was now/echo.svc
run 0 --against was was/echo.svc
run 3 --against was/acme now/echo.svc
says 'there is no `echo.svc` in the folder `was/acme`'
sed -i 's/u64 x/u65 x/' now/acme/common.svc
run 1 --against was now/echo.svc
says 'S0301'
cp was/acme/common.svc now/acme
sed -i 's/u32;/u65;/' was/echo.svc
run 1 --against was now/echo.svc
says 'the old version of now/echo.svc has errors'
sed -i 's/u65;/u32;/' was/echo.svc

# ---- git ----

command -v git >/dev/null || echo "SKIPPED: no git"
if command -v git >/dev/null; then
    export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null
    export GIT_CEILING_DIRECTORIES="$work"
    run 3 --against HEAD now/echo.svc
    says 'not in a git repository'
    git init -q now
    git -C now add .
    git -C now -c user.name=t -c user.email=t@t.invalid commit -q -m one
    sed -i 's/u32 x/u64 x/' now/acme/common.svc
    run 1 --against HEAD now/echo.svc
    says 'now/acme/common.svc:2:19: error[S1108]'
    says 'HEAD:now/acme/common.svc:2:19: note: it was u32'
    (cd now/acme && run 1 --against HEAD ../echo.svc && exit "$failures") ||
        failures=$((failures + 1))
    run 1 --against HEAD "$work/now/echo.svc"
    git -C now mv echo.svc other.svc
    run 3 --against HEAD now/other.svc
    says '`now/other.svc` is not in revision `HEAD`'
    git -C now mv other.svc echo.svc
    run 3 --against no-such-thing now/echo.svc
    says '`no-such-thing` is neither a file, a folder nor a git revision'
    run 2 --against --output=x now/echo.svc
    run 3 --against 'HEAD;touch pwned' now/echo.svc
    [ ! -e pwned ] || fail "a shell has run"
    cp was/acme/common.svc now/acme
    run 0 --against HEAD now/echo.svc
else
    echo "check_test: no git, revisions are not tested" >&2
fi

# ---- folders and removed files ----

mkdir -p old/acme new/acme old/lib new/lib
cp was/acme/common.svc old/acme
cp was/echo.svc old
cp -r old/. new
run 0 --against old new
[ ! -s "$work/err" ] || fail "reported a difference between equal versions"
# An import in an old file means the old version of the imported file, whatever
# the folders are called.
cat >old/user.svc <<'END'
package user;
import "shared.svc";
service User { port 5607; json get(shared.Id id) -> u32; }
END
cp old/user.svc new
echo 'package shared; struct Id { 1: u32 number; }' >old/lib/shared.svc
echo 'package shared; struct Id { 1: u64 number; }' >new/lib/shared.svc
for dir in new/lib "$work/new/lib"; do
    run 1 --against old -I "$dir" new/user.svc
    says 'old/lib/shared.svc:1:32: note: it was u32'
    run 1 --against old/user.svc -I "$dir" new/user.svc
    says 'old/lib/shared.svc:1:32: note: it was u32'
    run 1 --against old -I "$dir" new
    says 'breaks: wire 1, source 1,'
done
(cd new && run 1 --against ../old -I lib user.svc && exit "$failures") ||
    failures=$((failures + 1))
(cd new && run 1 --against "$work/old" -I lib . && exit "$failures") ||
    failures=$((failures + 1))
cp old/lib/shared.svc new/lib
run 0 --against old -I new/lib new
# A new file breaks nothing; removing a file breaks everything that used it.
echo 'package fresh; struct Fresh { 1: u8 a; }' >new/fresh.svc
run 0 --against old -I new/lib new
rm new/user.svc
run 1 --against old -I new/lib new
says 'new/user.svc:1:1: error[S1101]: wire: service `user.User` is gone'
says 'old/user.svc:3:9: note:'
run 1 --against old -I new/lib new/user.svc
says 'S1101'
run 0 --against old -I new/lib --allow S1101,source new
run 3 --against old new/never.svc
says 'there is no `never.svc` in the folder `old`'
if command -v git >/dev/null; then
    cp old/user.svc new
    git init -q new
    git -C new add .
    git -C new -c user.name=t -c user.email=t@t.invalid commit -q -m one
    run 0 --against HEAD -I new/lib new
    rm new/user.svc new/acme/common.svc new/echo.svc
    run 1 --against HEAD -I new/lib new
    says 'new/user.svc:1:1: error[S1101]: wire: service `user.User` is gone'
    says 'new/acme/common.svc:1:1: error[S1201]: source: struct'
    run 1 --against HEAD -I new/lib new/user.svc
    (cd new && run 1 --against HEAD -I lib . && exit "$failures") ||
        failures=$((failures + 1))
    says 'HEAD:user.svc:3:9: note:'
    # Imports from outside of the repository are read as they are now.
    git -C new checkout -q .
    mkdir outside
    mv new/lib/shared.svc outside
    git -C new -c user.name=t -c user.email=t@t.invalid commit -q -a -m two
    run 0 --against HEAD -I outside new/user.svc
    run 0 --against HEAD~1 -I new/lib -I outside new/user.svc
    sed -i 's/u32/u64/' outside/shared.svc
    run 1 --against HEAD~1 -I new/lib -I outside new/user.svc
    says 'HEAD~1:new/lib/shared.svc:1:32: note: it was u32'
    run 3 --against no-such-thing new
    says '`no-such-thing` is neither a file, a folder nor a git revision'
fi

# ---- what is allowed ----

rules=$here/breaks
run 1 --against "$rules/S1109_bounds/old.svc" --allow new-client \
    "$rules/S1109_bounds/new.svc"
says 'breaks: wire 1,'
says 'warning[S1109]'
run 0 --against "$rules/S1109_bounds/old.svc" --allow S1109 \
    "$rules/S1109_bounds/new.svc"
run 0 --against "$rules/S1209_c_name/old.svc" --allow wire,source \
    "$rules/S1209_c_name/new.svc"
run 1 --against "$rules/S1209_c_name/old.svc" --allow wire,layout,reserve \
    "$rules/S1209_c_name/new.svc"

# ---- wrong use ----

run 2 now/echo.svc
says 'nothing to compare with'
run 2 --against was
says 'no .svc file given'
run 2 --against was --allow sauce now/echo.svc
says 'can'"'"'t allow `sauce`; did you mean `source`?'
run 2 --against was --allow S0301 now/echo.svc
run 2 --against was/echo.svc now/echo.svc now/echo.svc
run 2 --against was --force now/echo.svc
run 2 --agianst was now/echo.svc
says 'did you mean `--against`?'
run 3 --against was now/nothing.svc
run 0 --help
grep -q '^usage: shmrpcgen check' "$work/out" || fail "no usage in --help"

# ---- the lock ----

cat >lock.svc <<'END'
package demo;
/// One thing.
struct Thing { 1: u32 id; 2: string(..9) name; reserved 7, "old"; }
service Things { port 5600; json get(u32 id) -> Thing; }
service More { port 5601; msgpack put(Thing thing); }
END
run 3 --lock lock.svc
says '`--update-lock` makes a lock'
run 0 --update-lock lock.svc
run 0 --lock lock.svc
grep -q '^service Things {' lock.svc.lock || fail "the lock can't be read"
cp lock.svc.lock first.lock
# Documentation and layout don't count.
sed -i 's/One thing/Some thing/; s/1: u32/1:   u32/' lock.svc
run 0 --lock lock.svc
# Compatible changes must be approved.
sed -i 's/name; reserved/name; 3: optional u32 size; reserved/' lock.svc
run 1 --lock lock.svc
says "the lock isn't up to date"
says "lock.svc.lock:$(($(grep -n '2: string(..9) name;' lock.svc.lock |
    head -1 | cut -d: -f1) + 1)): error"
# The message names the changed field, not only a changed hash.
says '  in:     struct Thing'
says '  locked: (nothing)'
says '  now:    3: optional u32 size;'
run 0 --update-lock lock.svc
run 0 --lock lock.svc
cmp -s lock.svc.lock first.lock && fail "the lock is the old one"
# A differing line is shown as it is in both versions.
sed -i 's/port 5601;/port 5601; version 2;/' lock.svc
run 1 --lock lock.svc
says '  in:     service More'
says '  locked: version 1;'
says '  now:    version 2;'
run 0 --update-lock lock.svc
# Breaks are refused, with their place in the lock.
sed -i 's/u32 id; 2/u64 id; 2/' lock.svc
run 1 --lock lock.svc
says 'lock.svc:3:21: error[S1108]: wire: `demo.Thing.id` is now u64'
says 'breaks: wire 1, source 1, layout 0, reserve 0'
place=$(grep -n '1: u32 id;' lock.svc.lock | head -1 | cut -d: -f1)
says "lock.svc.lock:$place:6: note: it was u32"
run 1 --update-lock lock.svc
run 0 --update-lock --force lock.svc
run 0 --lock lock.svc
# A lock at another path, a damaged lock, and a file with nothing to lock.
run 0 --update-lock=else.lock lock.svc
cmp lock.svc.lock else.lock || fail "not the same bytes"
run 0 --lock=else.lock lock.svc
echo 'struct {' | cat lock.svc.lock - >else.lock
run 1 --lock=else.lock lock.svc
says 'else.lock is not a lock'
run 0 --update-lock=else.lock --force lock.svc
run 1 --update-lock was/acme/common.svc
says 'was/acme/common.svc has no service and no shared object to lock'
# Objects outside of services have sections too.
printf 'package demo;\nqueue u32 jobs { capacity 9; }\ndict<u8, u8> known;\n' >shared.svc
run 0 --update-lock shared.svc
run 0 --lock shared.svc
sed -i 's/queue u32/queue u64/' shared.svc
run 1 --lock shared.svc
says 'shared.svc:2:11: error[S1117]: wire: `jobs` is now queue u64'
sed -i 's/queue u64/queue u32/; /known/d' shared.svc
run 1 --lock shared.svc
says 'error[S1117]: wire: dict `known` is gone'

[ "$failures" -eq 0 ]
