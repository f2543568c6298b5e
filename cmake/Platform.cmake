# Refuses platforms that shmrpc does not support, and says why. Shared memory and
# the native encoding hold little-endian words of fixed width; atomics on them
# were analysed and tested on two architectures only.
function(shmrpc_refuse reason)
    message(FATAL_ERROR "shmrpc does not support this platform: ${reason}")
endfunction()

if(NOT CMAKE_SYSTEM_NAME STREQUAL "Linux")
    shmrpc_refuse("${CMAKE_SYSTEM_NAME}; it needs Linux (memfd, futex, pidfd)")
endif()
if(NOT CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|amd64|aarch64|arm64)$")
    shmrpc_refuse("processor ${CMAKE_SYSTEM_PROCESSOR}; x86-64 and aarch64 are known to work")
endif()
if(NOT CMAKE_SIZEOF_VOID_P EQUAL 8)
    shmrpc_refuse("pointers of ${CMAKE_SIZEOF_VOID_P} bytes; it needs LP64")
endif()
if(NOT CMAKE_C_BYTE_ORDER STREQUAL "LITTLE_ENDIAN")
    shmrpc_refuse("byte order ${CMAKE_C_BYTE_ORDER}; it needs little-endian")
endif()
