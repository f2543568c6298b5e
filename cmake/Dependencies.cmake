# Finds third-party libraries and tools, and prints what each is for. (re2c and
# lemon are found in Grammar.cmake.)
find_package(PkgConfig REQUIRED)

function(shmrpc_announce name version debian_package reason)
    if(NOT version)
        message(FATAL_ERROR "shmrpc needs ${name}: ${reason}\n"
                "Debian and Ubuntu call it ${debian_package}.")
    endif()
    message(STATUS "Uses ${name} ${version}: ${reason}")
endfunction()

# shmrpc_needs(NAME MODULE PACKAGE REASON): finds a library with pkg-config, and
# makes it the target PkgConfig::NAME.
macro(shmrpc_needs name module debian_package reason)
    pkg_search_module(${name} QUIET IMPORTED_TARGET ${module})
    if(${name}_FOUND)
        set(found ${${name}_MODULE_NAME})
    else()
        set(found "${module}")
    endif()
    shmrpc_announce("${found}" "${${name}_VERSION}" ${debian_package}
                    "${reason}")
endmacro()

shmrpc_needs(OPENSSL "libcrypto>=3" libssl-dev "hashes of contracts")
shmrpc_needs(TLS "libssl>=3" libssl-dev "TLS 1.3 between machines")
# Debian 13 and Ubuntu 24.04 call this library msgpack-c.
shmrpc_needs(MSGPACK "msgpack;msgpack-c" libmsgpack-dev "packs the msgpack encoding")
shmrpc_needs(SNAPPY snappy libsnappy-dev "compression over TCP")
shmrpc_needs(ZLIB zlib zlib1g-dev "compression over TCP; documents of the search example")
shmrpc_needs(MICROHTTPD libmicrohttpd libmicrohttpd-dev "HTTP of shmrpc-web")
shmrpc_needs(SQLITE sqlite3 libsqlite3-dev "the manager's statistics over time")
# Optional: without libnats, nats:// fails, and the message says what is missing.
pkg_search_module(NATS QUIET IMPORTED_TARGET libnats)
if(NATS_FOUND)
    message(STATUS "Uses libnats ${NATS_VERSION}: nats:// and shmrpc-nats")
else()
    message(STATUS "No libnats (Debian and Ubuntu call it libnats-dev): "
            "built without shmrpc-nats, and nats:// will not connect")
endif()
if(BUILD_TESTING OR NOT DEFINED BUILD_TESTING)
    shmrpc_needs(CMOCKA cmocka libcmocka-dev "unit tests")
endif()
