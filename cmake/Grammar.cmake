# shmrpc_lexer(TARGET file.re) and shmrpc_grammar(TARGET file.y): generate C from
# a re2c lexer or a lemon grammar, in the build folder, and add it to TARGET's
# sources.
find_program(RE2C re2c REQUIRED)
find_program(LEMON lemon REQUIRED)

function(shmrpc_lexer target source)
    get_filename_component(stem ${source} NAME_WE)
    set(output ${CMAKE_CURRENT_BINARY_DIR}/${stem}.c)
    add_custom_command(OUTPUT ${output}
        COMMAND ${RE2C} -W -Werror --no-debug-info --no-generation-date
                -o ${output} ${CMAKE_CURRENT_SOURCE_DIR}/${source}
        DEPENDS ${source} COMMENT "re2c ${source}" VERBATIM)
    target_sources(${target} PRIVATE ${output})
endfunction()

function(shmrpc_grammar target source)
    get_filename_component(stem ${source} NAME_WE)
    set(output ${CMAKE_CURRENT_BINARY_DIR}/${stem}.c)
    add_custom_command(OUTPUT ${output} ${CMAKE_CURRENT_BINARY_DIR}/${stem}.h
        COMMAND ${LEMON} -q -l -d${CMAKE_CURRENT_BINARY_DIR}
                ${CMAKE_CURRENT_SOURCE_DIR}/${source}
        DEPENDS ${source} COMMENT "lemon ${source}" VERBATIM)
    target_sources(${target} PRIVATE
        ${output} ${CMAKE_CURRENT_BINARY_DIR}/${stem}.h)
    target_include_directories(${target} PRIVATE ${CMAKE_CURRENT_BINARY_DIR})
    # Code from lemon's own template causes some of our warnings.
    set_source_files_properties(${output} PROPERTIES COMPILE_OPTIONS
        "-Wno-conversion;-Wno-sign-conversion;-Wno-cast-qual;-Wno-unused-parameter;-Wno-unused-variable;-Wno-undef;-Wno-shadow;-Wno-pedantic")
endfunction()
