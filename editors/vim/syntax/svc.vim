" The shmrpc service description language.
if exists("b:current_syntax")
  finish
endif

" tests/editors/words_test compares these lists with the lexer's.
let s:keywords = "package import const type enum struct union error service reserved optional port name version oneway stream throws queue topic pipe dict value"
let s:encodings = "raw json msgpack native"
let s:types = "bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 string bytes any list map"
let s:constants = "true false"

" Most words of the language may be names, too; then `;`, `,`, `=`, `)`, `(` or
" `:` follows.
function! s:words(group, words, unless)
  execute "syn match " . a:group . ' "\<\%('
        \ . substitute(a:words, " ", '\\|', "g") . '\)\>' . a:unless . '"'
endfunction
call s:words("svcKeyword", s:keywords, '\%(\s*[;,=)(:]\)\@!')
call s:words("svcEncoding", s:encodings, '\%(\s*[;,=)(:]\)\@!')
call s:words("svcType", s:types, '\%(\s*[=:]\)\@!')
call s:words("svcBoolean", s:constants, "")

syn match svcNumber "\<\d\+\%(ns\|us\|ms\|s\|m\|h\|[KMG]\)\?\>"
syn match svcNumber "\<0x\x\+\>"
syn match svcFloat "\<\d\+\.\d\+\%([eE][+-]\?\d\+\)\?\>"
syn match svcFloat "\<\d\+[eE][+-]\?\d\+\>"
syn match svcEscape contained "\\\%([ntr0\"\\]\|x\x\x\|u{\x\+}\)"
syn region svcString start=+"+ skip=+\\.+ end=+"+ oneline contains=svcEscape
syn match svcAnnotation "@\s*\h\w*"
syn match svcComment "//.*" contains=@Spell
syn match svcDoc "///\%(/\)\@!.*" contains=@Spell

hi def link svcKeyword Keyword
hi def link svcEncoding StorageClass
hi def link svcType Type
hi def link svcBoolean Boolean
hi def link svcNumber Number
hi def link svcFloat Float
hi def link svcEscape SpecialChar
hi def link svcString String
hi def link svcAnnotation PreProc
hi def link svcComment Comment
hi def link svcDoc SpecialComment

let b:current_syntax = "svc"
