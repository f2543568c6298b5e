# shmrpc_embed(TARGET NAME FOLDER file...): adds the bytes of files under FOLDER
# to TARGET's sources, as gen_NAME[] and gen_NAME_count (generator/embedded.h).
# CMake itself does this, so that cross builds need no tool for the build machine.
if(NOT CMAKE_SCRIPT_MODE_FILE)
    set(SHMRPC_EMBED_SCRIPT ${CMAKE_CURRENT_LIST_FILE})
    function(shmrpc_embed target name folder)
        set(output ${CMAKE_CURRENT_BINARY_DIR}/${name}.c)
        set(inputs ${ARGN})
        list(TRANSFORM inputs PREPEND ${folder}/)
        add_custom_command(OUTPUT ${output}
            COMMAND ${CMAKE_COMMAND} "-DARRAY=gen_${name}" "-DFOLDER=${folder}" "-DNAMES=${ARGN}"
                    "-DOUTPUT=${output}" -P ${SHMRPC_EMBED_SCRIPT}
            DEPENDS ${inputs} ${SHMRPC_EMBED_SCRIPT}
            COMMENT "Embedding ${name}" VERBATIM)
        target_sources(${target} PRIVATE ${output})
    endfunction()
    return()
endif()

set(text "#include \"generator/embedded.h\"\n")
set(rows "")
set(count 0)
foreach(name IN LISTS NAMES)
    file(READ ${FOLDER}/${name} bytes HEX)
    string(REGEX REPLACE "(................................)" "\\1\n    "
           bytes "${bytes}")
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
    # The zero ends the text for code that reads it as a string; the size does
    # not count it.
    string(APPEND text "\nstatic const unsigned char file_${count}[] = {\n"
           "    ${bytes}0x00};\n")
    string(APPEND rows
           "    {\"${name}\", file_${count}, sizeof file_${count} - 1},\n")
    math(EXPR count "${count} + 1")
endforeach()
file(WRITE ${OUTPUT} "${text}\nconst gen_embedded_file ${ARRAY}[] = {\n"
     "${rows}};\n\nconst size_t ${ARRAY}_count = ${count};\n")
