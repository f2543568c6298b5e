# One list of warnings for all our C: the library, the tools, the tests and the
# generated code. The release preset does not turn them into errors, because newer
# compilers may warn about correct code.
option(SHMRPC_WERROR "Treat warnings as errors" ON)
add_library(shmrpc_warnings INTERFACE)
target_compile_options(shmrpc_warnings INTERFACE
    -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow
    -Wcast-qual -Wcast-align -Wundef $<$<BOOL:${SHMRPC_WERROR}>:-Werror>)
if(CMAKE_C_COMPILER_ID STREQUAL "GNU" AND CMAKE_C_FLAGS MATCHES "-fsanitize=thread")
    # -Wtsan warns that this sanitizer ignores fences. Our checks with relacy and
    # spin cover fences.
    target_compile_options(shmrpc_warnings INTERFACE -Wno-tsan)
endif()
