# The peers: each installed library becomes a suite. Peers are compiled together
# with the code that the libraries' generators make, and without our warnings.
add_library(shmrpc-bench-peers OBJECT peers/peer.c)
target_compile_definitions(shmrpc-bench-peers PRIVATE _GNU_SOURCE)
target_include_directories(shmrpc-bench-peers PRIVATE
    ${CMAKE_CURRENT_SOURCE_DIR} ${CMAKE_CURRENT_BINARY_DIR}/peers)
target_link_libraries(shmrpc-bench PRIVATE shmrpc-bench-peers)
set(peers_dir ${CMAKE_CURRENT_SOURCE_DIR}/peers)
set(peers_made ${CMAKE_CURRENT_BINARY_DIR}/peers)
file(MAKE_DIRECTORY ${peers_made})

# bench_peer(SUITE FILE [generated sources]): registers the suite that FILE
# defines.
macro(bench_peer suite file)
    target_sources(shmrpc-bench-peers PRIVATE peers/${file} ${ARGN})
    string(APPEND declarations "extern const bench_suite ${suite};\n")
    string(APPEND entries "    &${suite},\n")
endmacro()

# bench_peer_needs(WHO MODULES PACKAGES [PROGRAM...]): sets ${WHO}_FOUND if
# pkg-config knows the modules and the programs exist, and links the modules.
macro(bench_peer_needs who modules packages)
    pkg_check_modules(${who} QUIET IMPORTED_TARGET ${modules})
    foreach(program ${ARGN})
        string(MAKE_C_IDENTIFIER "peer_${program}" variable)
        find_program(${variable} ${program})
        mark_as_advanced(${variable})
        if(NOT ${variable})
            set(${who}_FOUND FALSE)
        endif()
    endforeach()
    if(${who}_FOUND)
        target_link_libraries(shmrpc-bench-peers PRIVATE PkgConfig::${who})
        target_link_libraries(shmrpc-bench PRIVATE PkgConfig::${who})
    else()
        message(STATUS "No ${packages}: calls are not compared with it")
    endif()
endmacro()

# bench_peer_makes(FILES SOURCE COMMAND...): runs the command in peers_made,
# where it generates FILES from SOURCE.
macro(bench_peer_makes files source)
    set(made "")
    foreach(file ${files})
        list(APPEND made ${peers_made}/${file})
    endforeach()
    add_custom_command(OUTPUT ${made} COMMAND ${ARGN}
        DEPENDS ${peers_dir}/${source} WORKING_DIRECTORY ${peers_made} VERBATIM)
    set_source_files_properties(${made} PROPERTIES COMPILE_OPTIONS -w)
endmacro()

bench_peer_needs(peer_zmq libzmq libzmq3-dev)
if(peer_zmq_FOUND)
    bench_peer(zeromq zeromq.c)
    bench_peer(zeromq_one_way zeromq_one_way.c)
else()
    bench_missing_one_way(zeromq libzmq3-dev)
    bench_missing_stream(zeromq libzmq3-dev)
endif()

bench_peer_needs(peer_sd_bus libsystemd libsystemd-dev)
if(peer_sd_bus_FOUND)
    bench_peer(d_bus sd_bus.c)
endif()

bench_peer(posix_mq posix_mq.c)

bench_peer_needs(peer_tirpc libtirpc "libtirpc-dev or rpcsvc-proto" rpcgen)
if(peer_tirpc_FOUND)
    # Copied here, because the commands below run at the same time.
    configure_file(${peers_dir}/echo.x ${peers_made}/onc_echo.x COPYONLY)
    foreach(kind "h;onc_echo.h" "c;onc_echo_xdr.c" "m;onc_echo_svc.c")
        list(GET kind 0 flag)
        list(GET kind 1 file)
        # rpcgen refuses to overwrite a file, and names its header after its
        # input.
        bench_peer_makes(${file} echo.x sh -c
            "rm -f $1 && ${peer_rpcgen} -$0 -o $1 onc_echo.x"
            ${flag} ${file})
    endforeach()
    bench_peer(onc_rpc onc_rpc.c ${peers_made}/onc_echo.h
        ${peers_made}/onc_echo_xdr.c ${peers_made}/onc_echo_svc.c)
endif()

# nng and iceoryx have no .pc files, but CMake packages.
find_package(nng CONFIG QUIET)
if(TARGET nng::nng)
    bench_peer(nng nng.c)
    target_link_libraries(shmrpc-bench-peers PRIVATE nng::nng)
    target_link_libraries(shmrpc-bench PRIVATE nng::nng)
else()
    message(STATUS "No libnng-dev: calls are not compared with it")
endif()

find_package(iceoryx_binding_c CONFIG QUIET)
find_program(peer_iox_roudi iox-roudi)
mark_as_advanced(peer_iox_roudi)
if(TARGET iceoryx_binding_c::iceoryx_binding_c AND peer_iox_roudi)
    bench_peer(iceoryx iceoryx.c)
    target_link_libraries(shmrpc-bench-peers PRIVATE
        iceoryx_binding_c::iceoryx_binding_c)
    target_link_libraries(shmrpc-bench PRIVATE
        iceoryx_binding_c::iceoryx_binding_c)
else()
    message(STATUS "No libiceoryx-binding-c-dev: calls are not compared with it")
    bench_missing_one_way(iceoryx "libiceoryx-binding-c-dev and iceoryx")
    bench_missing_stream(iceoryx "libiceoryx-binding-c-dev and iceoryx")
endif()

include(CheckLanguage)
check_language(CXX)
if(NOT CMAKE_CXX_COMPILER)
    message(STATUS "No g++: calls are not compared with libraries in C++")
    bench_missing_one_way(boost-mq g++)
    bench_missing_stream(grpc g++)
    bench_missing_stream(capnp g++)
    bench_missing_maps(unordered_map unordered_map g++)
    return()
endif()
enable_language(CXX)
target_compile_features(shmrpc-bench-peers PRIVATE cxx_std_17)

bench_peer_needs(peer_grpc "grpc++;protobuf"
    "libgrpc++-dev or protobuf-compiler-grpc" protoc grpc_cpp_plugin)
if(peer_grpc_FOUND)
    bench_peer_makes("echo.pb.cc;echo.pb.h;echo.grpc.pb.cc;echo.grpc.pb.h"
        echo.proto ${peer_protoc} -I ${peers_dir} --cpp_out=. --grpc_out=.
        --plugin=protoc-gen-grpc=${peer_grpc_cpp_plugin}
        ${peers_dir}/echo.proto)
    bench_peer(grpc_cc grpc.cc ${made})
else()
    bench_missing_stream(grpc "libgrpc++-dev and protobuf-compiler-grpc")
endif()

bench_peer_needs(peer_capnp capnp-rpc "libcapnp-dev or capnproto" capnp)
if(peer_capnp_FOUND)
    # The program is called by its name, capnp, since the variable peer_capnp
    # holds the result of pkg-config.
    bench_peer_makes("echo.capnp.c++;echo.capnp.h" echo.capnp
        capnp compile -oc++:. --src-prefix=${peers_dir}
        ${peers_dir}/echo.capnp)
    bench_peer(capnp_rpc capnp.cc ${made})
else()
    bench_missing_stream(capnp "libcapnp-dev and capnproto")
endif()

bench_peer_needs(peer_thrift thrift "libthrift-dev or thrift-compiler" thrift)
if(peer_thrift_FOUND)
    bench_peer_makes("Echo.cpp;Echo.h;echo_types.h" echo.thrift
        thrift --gen cpp:no_skeleton -out . ${peers_dir}/echo.thrift)
    bench_peer(thrift_cc thrift.cc ${made})
endif()

find_path(peer_boost boost/interprocess/ipc/message_queue.hpp)
mark_as_advanced(peer_boost)
if(peer_boost)
    bench_peer(boost_mq boost_mq.cc)
    bench_peer(boost_one_way boost_one_way.cc)
else()
    message(STATUS "No libboost-dev: calls are not compared with it")
    bench_missing_one_way(boost-mq libboost-dev)
endif()
