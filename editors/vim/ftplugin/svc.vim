" The shmrpc service description language.
if exists("b:did_ftplugin")
  finish
endif
let b:did_ftplugin = 1

setlocal comments=:///,:// commentstring=//\ %s
setlocal expandtab shiftwidth=2 softtabstop=2
setlocal formatoptions-=t formatoptions+=croql
if executable("shmrpcgen")
  setlocal formatprg=shmrpcgen\ fmt\ -
endif

let b:undo_ftplugin = "setlocal comments< commentstring< expandtab< shiftwidth<"
      \ . " softtabstop< formatoptions< formatprg<"
