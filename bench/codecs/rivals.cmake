# The codecs and their rivals: each library that is installed is a suite.
bench_suite(codecs/shmrpc)
target_sources(shmrpc-bench PRIVATE codecs/contest.c codecs/records.c)
shmrpc_generate(TARGET shmrpc-bench SVC codecs/records.svc)
# Linked after the library that the calls use: only symbols that it does not
# export come from here.
target_link_libraries(shmrpc-bench PRIVATE shmrpc_internal)

# bench_rival(SUITE MODULE PACKAGES): a suite that needs a library known to
# pkg-config; `<SUITE>_FOUND` afterwards.
macro(bench_rival suite module packages)
    pkg_search_module(${suite} QUIET IMPORTED_TARGET ${module})
    if(${suite}_FOUND)
        bench_suite(codecs/${suite})
        target_link_libraries(shmrpc-bench PRIVATE PkgConfig::${suite})
    else()
        message(STATUS "No ${packages}: the codecs are not compared with it")
    endif()
endmacro()

bench_rival(jansson jansson libjansson-dev)
bench_rival(yajl yajl libyajl-dev)
bench_rival(msgpack_c "msgpack;msgpack-c" libmsgpack-dev)

set(proto ${CMAKE_CURRENT_SOURCE_DIR}/codecs/records.proto)
set(proto_options ${CMAKE_CURRENT_SOURCE_DIR}/codecs/records.options)
find_program(PROTOC_C protoc-c)
mark_as_advanced(PROTOC_C)
if(PROTOC_C)
    bench_rival(protobuf_c libprotobuf-c libprotobuf-c-dev)
endif()
if(protobuf_c_FOUND AND PROTOC_C)
    add_custom_command(OUTPUT records.pb-c.c records.pb-c.h
        COMMAND ${PROTOC_C} --c_out=${CMAKE_CURRENT_BINARY_DIR}
                -I ${CMAKE_CURRENT_SOURCE_DIR}/codecs ${proto}
        DEPENDS ${proto} VERBATIM)
    set(generated records.pb-c.c records.pb-c.h)
endif()

find_package(nanopb CONFIG QUIET)
find_program(NANOPB_GENERATOR nanopb_generator.py)
mark_as_advanced(NANOPB_GENERATOR)
if(nanopb_FOUND AND NANOPB_GENERATOR)
    add_custom_command(OUTPUT records.pb.c records.pb.h
        COMMAND ${NANOPB_GENERATOR} -q -D ${CMAKE_CURRENT_BINARY_DIR}
                -I ${CMAKE_CURRENT_SOURCE_DIR}/codecs
                -f ${proto_options} records.proto
        DEPENDS ${proto} ${proto_options}
        WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR}/codecs VERBATIM)
    list(APPEND generated records.pb.c records.pb.h)
    bench_suite(codecs/nanopb)
    target_link_libraries(shmrpc-bench PRIVATE nanopb::protobuf-nanopb-static)
else()
    message(STATUS "No nanopb: the codecs are not compared with it")
endif()
# Other people's generators make code with other people's warnings.
if(generated)
    target_sources(shmrpc-bench PRIVATE ${generated})
    set_source_files_properties(${generated} PROPERTIES COMPILE_OPTIONS -w)
    target_include_directories(shmrpc-bench PRIVATE ${CMAKE_CURRENT_BINARY_DIR})
endif()
