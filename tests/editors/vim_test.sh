#!/bin/sh
# Colours that Vim gives to sample.svc.
#   vim_test.sh EDITORS SAMPLE
set -eu
command -v vim >/dev/null || { echo "SKIPPED: no vim"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$2" "$work/sample.svc"
cat >"$work/check.vim" <<'VIM'
let s:bad = []
function! Expect(line, text, group)
  let l:column = stridx(getline(a:line), a:text) + 1
  let l:got = l:column == 0 ? "no such text"
        \ : synIDattr(synID(a:line, l:column, 1), "name")
  if l:got !=# a:group
    call add(s:bad, a:line . ": " . a:text . ": expected '" . a:group
          \ . "', got '" . l:got . "'")
  endif
endfunction
if &filetype !=# "svc" || &shiftwidth != 2
  call add(s:bad, "type " . &filetype . ", shiftwidth " . &shiftwidth)
endif
call Expect(1, "package", "svcKeyword")
call Expect(3, "/// Doc", "svcDoc")
call Expect(4, "@since", "svcAnnotation")
call Expect(5, "struct", "svcKeyword")
call Expect(6, "string", "svcType")
call Expect(6, "name", "")
call Expect(6, "\\n", "svcEscape")
call Expect(6, "\"a", "svcString")
call Expect(7, "optional", "svcKeyword")
call Expect(7, "port", "")
call Expect(7, "0x1f", "svcNumber")
call Expect(8, "raw", "")
call Expect(10, "//// A", "svcComment")
call Expect(12, "port", "svcKeyword")
call Expect(13, "1500ms", "svcNumber")
call Expect(14, "json", "svcEncoding")
call Expect(14, "throws =", "")
call Expect(14, "throws F", "svcKeyword")
call Expect(14, "true", "svcBoolean")
call Expect(15, "oneway", "svcKeyword")
call Expect(15, "native", "svcEncoding")
call writefile(empty(s:bad) ? ["good"] : s:bad, "result")
VIM
cd "$work"
timeout -s KILL 30 vim -e -s -N -u NONE -i NONE -n \
    --cmd "set runtimepath^=$1/vim" -c "filetype plugin on" -c "syntax on" \
    -c "edit sample.svc" -c "source check.vim" -c "qa!" </dev/null || true
[ -f result ] || { echo "vim did not come to an end"; exit 1; }
cat result
[ "$(cat result)" = good ]
