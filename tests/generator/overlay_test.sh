#!/bin/sh
# overlay_test.sh SHMRPCGEN README: a template folder of the user replaces single
# partials in every language. The example template in templates/README.md prints
# what is said there.
set -eu
generator=$(realpath "$1")
readme=$(realpath "$2")
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
mkdir own

# make_both LANG: generates with the built-in templates into plain/, and with
# own/ into new/.
make_both() {
    svc=$here/doc/odd.svc
    [ "$1" != c ] || svc=$here/golden/echo.svc
    "$generator" --lang "$1" --out-dir plain "$svc"
    "$generator" --lang "$1" --templates own --depfile own.d --out-dir new \
        "$svc"
}

# Replaces one partial of each language: the rest of the output stays the same.
echo '/* OWN */' >own/doc.mustache
echo '<style>/* OWN */</style>' >own/style.mustache
echo '.\" OWN' >own/paragraphs.mustache
make_both c
grep -q OWN new/echo_server.h
diff plain/echo.c new/echo.c
grep -q 'own/doc.mustache' own.d
make_both html
grep -q '<style>/\* OWN \*/</style>' new/odd.html
[ "$(diff plain/odd.html new/odd.html | grep -c '^> .*OWN')" -ge 1 ]
grep -q '<section id="odd.docs.Docs.get">' new/odd.html
make_both man
grep -q '^\.SH NAME' new/odd.7

# The example of the README, and its output.
rm own/*
awk '/^`own\/page.html.mustache`:/ { found = 1; next }
     found && /^```/ { if (inside) exit; inside = 1; next }
     inside { print }' "$readme" >own/page.html.mustache
[ -s own/page.html.mustache ]
"$generator" --lang html --templates own --out-dir new "$here/golden/echo.svc"
grep -q '^Echo (port ' new/echo.html
grep -q '^- add(i64 a, i64 b) -> i64' new/echo.html

# A name that the model lacks is reported with its place.
echo '{{#doc}}{{nmae}}{{/doc}}' >own/page.html.mustache
if "$generator" --lang html --templates own --out-dir new \
    "$here/golden/echo.svc" 2>err; then
    exit 1
fi
grep -q 'page.html.mustache:1:9: error: the model has no `nmae` here' err
