# One list of warnings for all our C: the library, the tools, the tests and the
# generated code.
add_library(shmrpc_warnings INTERFACE)
target_compile_options(shmrpc_warnings INTERFACE
    -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow
    -Wcast-qual -Wcast-align -Wundef -Werror)
