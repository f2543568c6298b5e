# One list of warnings for all our C: the library, the tools, the tests and the
# generated code.  The release preset lets them be warnings, because compilers
# younger than ours find new ones in good code.
option(SHMRPC_WERROR "Treat warnings as errors" ON)
add_library(shmrpc_warnings INTERFACE)
target_compile_options(shmrpc_warnings INTERFACE
    -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow
    -Wcast-qual -Wcast-align -Wundef $<$<BOOL:${SHMRPC_WERROR}>:-Werror>)
if(CMAKE_C_COMPILER_ID STREQUAL "GNU" AND CMAKE_C_FLAGS MATCHES "-fsanitize=thread")
    # It warns that this sanitizer does not see fences. Relacy and the models do.
    target_compile_options(shmrpc_warnings INTERFACE -Wno-tsan)
endif()
