#!/bin/sh
# Tests the command line of shmrpcgen: statuses, messages, files.
#   cli_test.sh SHMRPCGEN
set -eu
generator=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
cp "$here/golden/echo.svc" .
failed=0

fail() {
    echo "cli_test: FAILED: $*" >&2
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
    [ -z "$text" ] || cat out err | grep -qF -e "$text" || fail "$*: expected \`$text\`"
}

expect 0 "usage: shmrpcgen" --help
expect 0 "--out-dir" -h
expect 0 "shmrpcgen 0." --version
expect 2 "no .svc file given"
expect 2 "did you mean \`--out-dir\`?" --out-dri x echo.svc
expect 2 "did you mean \`check\`?" chekc echo.svc
expect 2 "there is no command \`frobnicate\`" frobnicate
expect 2 "unknown option \`-x\`" -x echo.svc
expect 2 "\`--out-dir\` needs an argument" --out-dir
expect 2 "unknown stage \`ats\`" --dump=ats echo.svc
expect 2 "did you mean \`schema\`?" --dump=schemas echo.svc
expect 2 "(expected tokens, ast, schema or model)" --dump=x echo.svc
expect 2 "did you mean \`client\`?" --kinds server,clinet echo.svc
expect 2 "unknown language \`go\` (expected c, html, man, openapi or python)" --lang go echo.svc
expect 2 "bad prefix \`Demo\`" --prefix Demo echo.svc
expect 2 "bad prefix \`a__b\`" --prefix a__b echo.svc
expect 3 "absent.svc: No such file" absent.svc
mkdir empty
expect 3 "empty: no .svc file in this folder" empty
expect 2 "--dump is for one .svc file" --dump=ast echo.svc "$here/golden/types.svc"
expect 3 "mine: no such folder" --templates mine echo.svc
mkdir closed && : >closed/file
expect 3 "Not a directory" --out-dir closed/file/x echo.svc

# Kinds and folders.
expect 0 "" --out-dir new/folder --kinds client echo.svc
[ -f new/folder/echo_client.h ] || fail "--kinds client wrote no client"
[ ! -e new/folder/echo_server.h ] || fail "--kinds client wrote a server"
expect 0 "" --out-dir o --prefix my_echo echo.svc
grep -q "int my_echo_echo_add(my_echo_echo \*client" o/echo_client.h ||
    fail "--prefix isn't in echo_client.h"
grep -q "#define MY_ECHO_ERR_OVERFLOW 100" o/echo.h || fail "macro prefix"

# Asynchronous calls are generated only with an option.
expect 0 "" --out-dir sync echo.svc
grep -qE "async|_start|_fd\(" sync/echo_client.[ch] && fail "async without --async"
expect 0 "" --out-dir async --async echo.svc
grep -q "^int demo_echo_add_async(" async/echo_client.h || fail "--async"

# A service may have its own prefix, which --prefix replaces too.
sed 's/^service/@c_prefix("calls")\nservice/' echo.svc >changed.svc
mkdir own && mv changed.svc own/echo.svc
expect 0 "" --out-dir own own/echo.svc
grep -q "^int calls_add(calls \*client" own/echo_client.h || fail "@c_prefix of a service"
grep -q "#define DEMO_ERR_OVERFLOW 100" own/echo.h || fail "the package's prefix"
expect 0 "" --out-dir own --prefix two own/echo.svc
grep -q "^int two_echo_add(two_echo \*client" own/echo_client.h || fail "--prefix"

# Only parameters whose name would clash are renamed in C.
cat >names.svc <<'SVC'
package names;
service S { port 5605; native f(u8 p, u8 own, u8 impl, u8 result, u8 out, u8 ctx); }
SVC
expect 0 "" --out-dir n names.svc
tr -s ' \n' ' ' <n/names_client.h |
    grep -q "uint8_t p, uint8_t own, uint8_t impl, uint8_t result, uint8_t out_, uint8_t ctx_," ||
    fail "names of parameters"

# Dumps go to standard output, and nothing is written.
expect 0 "Echo" --out-dir none --dump=tokens echo.svc
expect 0 "Echo" --out-dir none --dump=ast echo.svc
expect 0 "Echo" --out-dir none --dump=schema echo.svc
expect 0 '"package": "demo"' --out-dir none --dump=model echo.svc
[ ! -e none ] || fail "--dump wrote files"

# Only changed files are written.
expect 0 "" --out-dir o echo.svc
touch -d '2001-01-01' o/*
expect 0 "" --out-dir o echo.svc
[ -z "$(find o -newermt 2002-01-01 -type f)" ] || fail "unchanged file written"
sed 's/native  add/native  plus/' echo.svc >changed && mv changed echo.svc
expect 0 "" --out-dir o echo.svc
[ -n "$(find o/echo.h -newermt 2002-01-01)" ] || fail "changed file not written"
cp "$here/golden/echo.svc" .

# The depfile, and the stamp.
mkdir in
cp -r "$here/golden/acme" in
cp "$here/golden/types.svc" .
expect 0 "" -I in --out-dir o --depfile o/types.d types.svc
printf '%s \\\n' "o/types.h" "  o/types.c" "  o/types_client.h" \
    "  o/types_client.c" "  o/types_server.h" "  o/types_server.c:" \
    "  types.svc" >expected
printf '  in/acme/common.svc\nin/acme/common.svc:\n' >>expected
cmp -s expected o/types.d || fail "depfile: $(cat o/types.d)"
expect 0 "" -I in --out-dir o --depfile o/t.d --stamp o/t.stamp types.svc
head -1 o/t.d | grep -q '^o/t.stamp: ' || fail "depfile with stamp"
[ -f o/t.stamp ] || fail "no stamp"
expect 1 "acme/common.svc" --out-dir o types.svc

# User templates: one replaces a built-in template, one has an error.
mkdir mine
printf '/* mine: {{#services}}{{name}}{{/services}} */\n' \
    >mine/client.c.mustache
expect 0 "" --out-dir t --templates mine --depfile t.d echo.svc
[ "$(cat t/echo_client.c)" = "/* mine: Echo */" ] || fail "own template"
grep -q "int demo_echo_connect" t/echo_client.h || fail "built-in template"
grep -q "mine/client.c.mustache" t.d || fail "template not in depfile"
printf 'a\n {{nmae}}\n' >mine/client.c.mustache
rm -r t
expect 1 "client.c.mustache:2:2: error: the model has no \`nmae\` here" \
    --out-dir t --templates mine echo.svc
[ ! -e t ] || fail "files written in spite of an error"

# Constructs that can't be generated yet are refused, all in one run.
cat >later.svc <<'SVC'
package later;
struct Item { 1: u64 id; }
service Later {
  port 5603;
  name "later";
  msgpack pull(u32 n) -> stream u8[4];
  msgpack push(stream Item[2] pair) -> u32;
  queue Item items { capacity 8; }
}
SVC
expect 1 "2 errors" --out-dir l later.svc
[ "$(grep -c 'not generated yet' err)" = 2 ] || fail "refusals: $(cat err)"
grep -q "^later.svc:6:33: error\[S0901\]" err || fail "place of a refusal"
[ ! -e l ] || fail "files written in spite of refusals"

# --werror turns warnings into errors.
printf 'package warns;\nimport "acme/common.svc";\nstruct A { 1: u8 a; }\n' \
    >warns.svc
expect 0 "1 warning" -I in --out-dir w warns.svc
[ -f w/warns.h ] || fail "a warning kept shmrpcgen from writing"
expect 1 "1 warning" -I in --out-dir werror --werror warns.svc
[ ! -e werror ] || fail "files written in spite of --werror"

# Several files and folders in one run. Files in folders are named by their
# import paths, as the generated includes are.
mkdir -p many/deep/er many/.hidden
printf 'package a;\nstruct A { 1: u8 a; }\n' >many/deep/er/a.svc
printf 'package b;\nimport "deep/er/a.svc";\nstruct B { 1: a.A a; }\n' >many/b.svc
cp many/b.svc many/.hidden
: >many/notes.txt
expect 0 "" --out-dir several --depfile several.d echo.svc many
(cd several && find . -name '*[a-z].h' ! -name '*_*' | sort) >got
printf './b.h\n./deep/er/a.h\n./echo.h\n' | cmp -s - got || fail "files: $(cat got)"
grep -q '^#include "deep/er/a.h"' several/b.h || fail "include by import path"
for path in "several/echo.h" "  several/deep/er/a.c" "  many/b.svc" "  echo.svc"; do
    grep -qxF -e "$path \\" -e "$path" several.d || fail "no $path: $(cat several.d)"
done
# To generate a single file, -I says where import paths begin.
expect 0 "" --out-dir alone -I many many/deep/er/a.svc
cmp several/deep/er/a.h alone/deep/er/a.h || fail "with -I another file was generated"
expect 0 "" --out-dir bare many/deep/er/a.svc
[ -f bare/a.h ] || fail "no bare name without -I"
cp many/deep/er/a.svc many/a.svc
expect 1 "many/deep/er/a.svc and many/a.svc would both become a" \
    --out-dir clash many/deep/er/a.svc many/a.svc
[ ! -e clash ] || fail "files written in spite of one name"
rm many/a.svc
mkdir twice
cp echo.svc twice
printf 'package other;\nstruct A { 1: u8 a; }\n' >twice/echo_client.svc
expect 1 "twice/echo.svc and twice/echo_client.svc would both become echo_client.h" \
    --out-dir clash twice
[ ! -e clash ] || fail "files written in spite of one header"
expect 0 "" --kinds server --out-dir both twice
# If one file fails, the others are still written, but not the stamp.
cp later.svc many/deep
expect 1 "S0901" --out-dir some --stamp some.stamp many
[ -f some/b.h ] || fail "b.h is not written"
[ ! -e some/deep/later.h ] || fail "later.h is written"
[ ! -e some.stamp ] || fail "stamp in spite of errors"

# A file that imports a file that can't be generated is refused too: it would
# include a missing header.
printf 'package c;\nimport "deep/later.svc";\nstruct C { 1: later.Item i; }\n' \
    >many/c.svc
expect 1 "later.svc:6:33: error[S0901]" --out-dir importer many/c.svc
grep -q '^many/c.svc:2:8: note: so this import of "deep/later.svc" is refused' err ||
    fail "no note at the import"
[ ! -e importer ] || fail "files written in spite of a refused import"

# Files that shmrpcgen did not write are not replaced.
expect 0 "" --out-dir mine-too echo.svc
echo 'int mine;' >mine-too/echo_client.c
printf 'any\nthing' >mine-too/deps
sed 's/native  add/native  plus/' echo.svc >changed.svc
mkdir changed && mv changed.svc changed/echo.svc
expect 3 "mine-too/echo_client.c already exists and was not written by shmrpcgen" \
    --out-dir mine-too changed/echo.svc
[ "$(cat mine-too/echo_client.c)" = 'int mine;' ] || fail "replaced a file"
grep -q plus mine-too/echo.h && fail "wrote other files although one can't be replaced"
expect 0 "" --out-dir mine-too --force changed/echo.svc
grep -q "made by shmrpcgen" mine-too/echo_client.c || fail "--force"
: >mine-too/echo_client.c
expect 0 "" --out-dir mine-too echo.svc
for option in --depfile --stamp; do
    expect 3 "deps already exists" --out-dir mine-too "$option" mine-too/deps echo.svc
    [ "$(head -1 mine-too/deps)" = any ] || fail "$option replaced a file"
done
expect 0 "" --out-dir mine-too --force --depfile mine-too/deps echo.svc
expect 0 "" --out-dir mine-too --depfile mine-too/deps changed/echo.svc
ln -s /dev/null mine-too/deps2
expect 3 "deps2 already exists" --out-dir mine-too --depfile mine-too/deps2 echo.svc
# Files written by shmrpcgen are recognised in every language, also with a long
# name.
long=long_name_that_breaks_the_line_with_which_a_comment_begins_here
cp echo.svc "$long.svc"
cp changed/echo.svc "changed/$long.svc"
for lang in c html man openapi python; do
    expect 0 "" --lang $lang --out-dir again "$long.svc"
    expect 0 "" --lang $lang --out-dir again "changed/$long.svc"
done

# Derived names may clash too.
cat >clash.svc <<'SVC'
package clash;
struct Hit { 1: u32 id; }
struct HitList { 1: list<Hit> hits; }
struct Ab { 1: map<string, u32> c_d; }
struct AbC { 1: map<string, Hit> d; }
service Find {
  port 5604;
  name "find";
  json find(u32 id) -> Hit;
  json find_params(u32 id) -> Hit;
}
SVC
expect 1 "the list of \`clash.Hit\`" --out-dir l clash.svc
grep -qF "become \`clash_find_find_params\` in C" err || fail "clash of functions"
grep -qF "become \`clash_ab_c_d_entry\` in C" err || fail "clash of maps"
grep -q "^3 errors" err || fail "count of clashes"
# Files that import a file with a clash are refused too, also indirectly.
printf 'package near;\nimport "clash.svc";\nstruct A { 1: clash.Hit h; }\n' >near.svc
printf 'package far;\nimport "near.svc";\nstruct A { 1: near.A a; }\n' >far.svc
expect 1 "the list of \`clash.Hit\`" --out-dir l near.svc
expect 1 "the list of \`clash.Hit\`" --out-dir l far.svc
[ "$(grep -c "^clash.svc:3:8: error\[S0801\]" err)" = 1 ] || fail "first error of the import"
for place in near.svc:2:8 far.svc:2:8; do
    grep -q "^$place: note: so this import of .* is refused" err || fail "no note at $place"
done
grep -q "^1 error" err || fail "count of the import's errors"
expect 1 '"S0801"' --diagnostics=json --out-dir l far.svc
# Commands that generate nothing report clashes too.
for command in lint "check --update-lock=clash.lock"; do
    # shellcheck disable=SC2086 # a command and its option
    expect 1 "the list of \`clash.Hit\`" $command clash.svc
    grep -q "^3 errors" err || fail "count of clashes by $command"
    # shellcheck disable=SC2086
    expect 1 "far.svc:2:8: note: so this import of" $command far.svc
done
[ ! -e clash.lock ] || fail "locked in spite of clashes"
expect 0 "" --lang html --out-dir page far.svc
[ ! -e l ] || fail "files written in spite of clashes"
printf 'package nothing;\n' >nothing.svc
printf 'package near;\nimport "nothing.svc";\nstruct A { 1: u8 a; }\n' >near.svc
expect 1 "S0009" --werror --out-dir l nothing.svc
sed -i 's/package nothing;/&\nstruct B { 1: u8 b; }/' nothing.svc
sed -i 's/1: u8 a/1: nothing.B b/' near.svc
expect 0 "" --werror --out-dir werror near.svc
printf 'package one;\nstruct Hit { 1: u8 a; }\nstruct HitList { 1: u8 a; }\n' >one.svc
cat >two.svc <<'SVC'
package two;
import "one.svc";
struct A { 1: list<one.Hit> hits; }
SVC
expect 1 "two.svc:3:15: error[S0801]: \`one.HitList\` and the list of" --out-dir l two.svc

# The C names of handles and functions of shared objects are claimed too. The
# type of an item may have the same name as the object.
printf 'package o;\nstruct Job { 1: u8 a; }\nstruct JobQueue { 1: u8 a; }\nqueue Job job;\n' >objects.svc
expect 1 "\`o.job\` with \`_queue\` both become \`o_job_queue\` in C" --out-dir l objects.svc
expect 1 "o_job_queue" lint objects.svc
sed -i '/JobQueue/d' objects.svc
expect 0 "" --out-dir objects objects.svc
[ ! -e l ] || fail "files written in spite of an error"

# Each header needs its own include guard: otherwise C would skip the second
# one.
mkdir guards guards/d
for name in d/e d_e d/f-g d/f_g d/F_g; do
    echo "package d; struct S$(echo "$name" | tr -d _/-) { 1: u8 x; }" >"guards/$name.svc"
done
echo "package d_d; struct E { 1: u8 x; }" >guards/e.svc
expect 0 "" --out-dir guarded guards
[ "$(find guarded -name '*.h' | wc -l)" = 18 ] || fail "headers of six files"
cat $(find guarded -name '*.h') | grep '^#ifndef .*_H$' | sort | uniq -d >same
[ ! -s same ] || fail "equal include guards: $(cat same)"

exit $failed
