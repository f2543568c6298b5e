# shmrpc_test(STEM [LIBS lib...] [SOURCES file...]): makes a cmocka test program
# from STEM.c (and SOURCES), which ctest knows by its folder and stem. ./dev sets
# the timeout, because it depends on whether the tests run with long counts.
function(shmrpc_test stem)
    cmake_parse_arguments(arg "" "" "LIBS;SOURCES" ${ARGN})
    file(RELATIVE_PATH folder ${PROJECT_SOURCE_DIR}/tests
         ${CMAKE_CURRENT_SOURCE_DIR})
    string(REPLACE "/" "_" id "test_${folder}_${stem}")
    add_executable(${id} ${stem}.c ${arg_SOURCES})
    target_link_libraries(${id} PRIVATE ${arg_LIBS} shmrpc_internal
        shmrpc_warnings cmocka)
    add_test(NAME ${folder}/${stem} COMMAND ${id})
endfunction()
