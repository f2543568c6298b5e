# Shell completions. shmrpc prints its own scripts, which call shmrpc for
# candidates. The scripts of the other programs are made from their --help.
set(place_bash ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
set(place_zsh ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
set(place_fish ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
foreach(target shmrpc-tool shmrpcgen shmrpcd shmrpc-web shmrpc-tcp
        shmrpc-nats)
    string(REPLACE -tool "" program ${target})
    if(NOT TARGET ${target})
        continue()
    endif()
    foreach(shell bash zsh fish)
        set(file ${PROJECT_BINARY_DIR}/completions/${program}.${shell})
        set(command "\"$0\" --help | awk -v program=$1 -v shell=$2 -f \"$3\"")
        if(program STREQUAL shmrpc)
            set(command "\"$0\" completion $2")
        endif()
        add_custom_command(OUTPUT ${file}
            COMMAND sh -c "${command} >\"$4\"" $<TARGET_FILE:${target}>
                ${program} ${shell}
                ${PROJECT_SOURCE_DIR}/cmake/completions.awk ${file}
            DEPENDS ${target} ${PROJECT_SOURCE_DIR}/cmake/completions.awk
            COMMENT "Generating the ${shell} completion of ${program}" VERBATIM)
        list(APPEND completions ${file})
        set(name_bash ${program})
        set(name_zsh _${program})
        set(name_fish ${program}.fish)
        install(FILES ${file} DESTINATION ${place_${shell}}
                RENAME ${name_${shell}})
    endforeach()
endforeach()
file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/completions)
add_custom_target(completions ALL DEPENDS ${completions})
