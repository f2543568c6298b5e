# shmrpc_generate(TARGET target SVC file.svc...
#     [KINDS client server]      which stubs; default both. python: a Python
#                                module, STEM_svc.py in OUT_DIR; with only
#                                python no C is generated
#     [IMPORT_DIRS dir...]       folders for imported files, searched before
#                                the current source folder
#     [ASYNC]                    generates asynchronous calls, too
#     [PREFIX prefix]            prefix of C names; default from the package
#     [TEMPLATES dir]            files that replace built-in templates
#     [OPTIONS option...]        additional options of shmrpcgen
#     [OUT_DIR dir]              where to write; default: a folder for the target
#     [OUT_VAR variable]         is set to all generated files
#     [HEADERS_VAR variable]     is set to the generated headers
#     [DEPENDS file...]          additional files that trigger regeneration
#     [LOCK file])               the lock file; SVC must then name one file. The
#                                build fails if that file has a change that is
#                                not in the lock file yet
#
# Generates C from service descriptions at build time, adds it to the target
# with its folder as an include directory, and links shmrpc::runtime.
#
# The generated files are laid out as `import` sees them: acme/common.svc becomes
# acme/common.h. The path is relative to the first of IMPORT_DIRS that contains
# the file, else to the current source folder; if neither contains it, the file
# becomes common.h.
#
# To create a lock file, or to approve a change:
#     shmrpcgen check --update-lock=file.svc.lock file.svc
# Keep the lock file under version control (docs/evolution.md).
#
# The generator is the target shmrpc::generator of this build or of an installed
# package. Set SHMRPCGEN_EXECUTABLE to use another one, as cross builds must.
include_guard(GLOBAL)

# Returns the files generated from one .svc: sets the variables named by
# sources_var and headers_var.
function(_shmrpc_outputs out_dir stem kinds sources_var headers_var)
    set(names ${stem})
    foreach(kind IN LISTS kinds)
        list(APPEND names ${stem}_${kind})
    endforeach()
    list(TRANSFORM names PREPEND ${out_dir}/)
    list(TRANSFORM names APPEND .c OUTPUT_VARIABLE sources)
    list(TRANSFORM names APPEND .h OUTPUT_VARIABLE headers)
    set(${sources_var} ${sources} PARENT_SCOPE)
    set(${headers_var} ${headers} PARENT_SCOPE)
endfunction()

# Returns the import path of a .svc, without `.svc`, as shmrpcgen determines it.
function(_shmrpc_import_stem svc dirs stem_var)
    get_filename_component(stem "${svc}" NAME)
    foreach(dir IN LISTS dirs)
        cmake_path(IS_PREFIX dir "${svc}" NORMALIZE is_below)
        if(is_below)
            file(RELATIVE_PATH stem "${dir}" "${svc}")
            break()
        endif()
    endforeach()
    string(REGEX REPLACE "[.]svc$" "" stem "${stem}")
    set(${stem_var} "${stem}" PARENT_SCOPE)
endfunction()

function(_shmrpc_check_arguments)
    if(arg_UNPARSED_ARGUMENTS)
        message(FATAL_ERROR
            "shmrpc_generate: unknown arguments: ${arg_UNPARSED_ARGUMENTS}")
    endif()
    if(arg_KEYWORDS_MISSING_VALUES)
        message(FATAL_ERROR "shmrpc_generate: no value after "
                            "${arg_KEYWORDS_MISSING_VALUES}")
    endif()
    if(NOT TARGET "${arg_TARGET}")
        message(FATAL_ERROR "shmrpc_generate: TARGET must name a target, "
                            "not `${arg_TARGET}`")
    endif()
    if(NOT arg_SVC)
        message(FATAL_ERROR "shmrpc_generate: SVC needs at least one file")
    endif()
    list(LENGTH arg_SVC svc_count)
    if(arg_LOCK AND svc_count GREATER 1)
        message(FATAL_ERROR "shmrpc_generate: LOCK needs exactly one SVC")
    endif()
    # Without a C compiler, CMake treats the generated files as headers: it
    # neither compiles nor mentions them, and the link fails.
    get_property(languages GLOBAL PROPERTY ENABLED_LANGUAGES)
    if(NOT C IN_LIST languages AND NOT arg_KINDS STREQUAL "python")
        string(JOIN " " languages C ${languages})
        string(REPLACE "C NONE" "C" languages "${languages}")
        message(FATAL_ERROR
            "shmrpc_generate: the generated files are C, which this project "
            "does not enable: write "
            "project(${PROJECT_NAME} LANGUAGES ${languages})")
    endif()
    foreach(kind IN LISTS arg_KINDS)
        if(NOT kind MATCHES "^(client|server|python)$")
            message(FATAL_ERROR "shmrpc_generate: unknown kind `${kind}` "
                                "(expected client, server or python)")
        endif()
    endforeach()
endfunction()

function(shmrpc_generate)
    cmake_parse_arguments(PARSE_ARGV 0 arg "ASYNC"
        "TARGET;PREFIX;TEMPLATES;OUT_DIR;OUT_VAR;HEADERS_VAR;LOCK"
        "SVC;KINDS;IMPORT_DIRS;OPTIONS;DEPENDS")
    _shmrpc_check_arguments()
    if(NOT arg_KINDS)
        set(arg_KINDS client server)
    endif()
    list(REMOVE_DUPLICATES arg_KINDS)
    set(wants_python NO)
    if("python" IN_LIST arg_KINDS)
        set(wants_python YES)
        list(REMOVE_ITEM arg_KINDS python)
    endif()
    if(NOT arg_OUT_DIR)
        set(arg_OUT_DIR shmrpc/${arg_TARGET})
    endif()
    get_filename_component(out_dir "${arg_OUT_DIR}" ABSOLUTE
                           BASE_DIR ${CMAKE_CURRENT_BINARY_DIR})

    set(generator shmrpc::generator)
    if(SHMRPCGEN_EXECUTABLE)
        set(generator ${SHMRPCGEN_EXECUTABLE})
    endif()
    string(REPLACE ";" "," kinds "${arg_KINDS}")
    set(options --out-dir ${out_dir} --kinds ${kinds} ${arg_OPTIONS})
    set(import_dirs "")
    set(import_options "")
    foreach(dir IN LISTS arg_IMPORT_DIRS ITEMS ${CMAKE_CURRENT_SOURCE_DIR})
        get_filename_component(dir "${dir}" ABSOLUTE)
        list(APPEND import_dirs ${dir})
        list(APPEND import_options -I ${dir})
    endforeach()
    list(APPEND options ${import_options})
    if(arg_ASYNC)
        list(APPEND options --async)
    endif()
    if(arg_PREFIX)
        list(APPEND options --prefix ${arg_PREFIX})
    endif()
    set(templates "")
    if(arg_TEMPLATES)
        get_filename_component(dir "${arg_TEMPLATES}" ABSOLUTE)
        list(APPEND options --templates ${dir})
        # A template that is added later replaces a built-in one. A depfile
        # can't list it, because the file does not exist yet.
        file(GLOB templates CONFIGURE_DEPENDS ${dir}/*.mustache)
    endif()

    # The check runs before anything is generated. The lock file is not a
    # dependency if it is missing: then the check still runs, and says how to
    # create it.
    set(check_lock "")
    set(lock "")
    if(arg_LOCK)
        get_filename_component(lock "${arg_LOCK}" ABSOLUTE)
        get_filename_component(svc "${arg_SVC}" ABSOLUTE)
        set(check_lock COMMAND ${generator} check --lock=${lock}
            ${import_options} ${svc})
        if(NOT EXISTS ${lock})
            set(lock "")
        endif()
    endif()

    set(all_sources "")
    set(all_headers "")
    foreach(svc IN LISTS arg_SVC)
        get_filename_component(svc "${svc}" ABSOLUTE)
        _shmrpc_import_stem("${svc}" "${import_dirs}" stem)
        if(wants_python)
            set(stamp ${out_dir}/${stem}_svc.py.stamp)
            add_custom_command(
                OUTPUT ${stamp}
                BYPRODUCTS ${out_dir}/${stem}_svc.py
                COMMAND ${generator} --lang python --out-dir ${out_dir}
                        ${import_options} --depfile ${stamp}.d --stamp ${stamp}
                        ${svc}
                DEPENDS ${generator} ${svc}
                DEPFILE ${stamp}.d
                COMMENT "Generating Python from ${stem}.svc"
                VERBATIM)
            target_sources(${arg_TARGET} PRIVATE ${stamp})
            list(APPEND all_sources ${out_dir}/${stem}_svc.py)
        endif()
        if(NOT arg_KINDS)
            continue()
        endif()
        _shmrpc_outputs(${out_dir} ${stem} "${arg_KINDS}" sources headers)
        # Unchanged files keep their modification time; the stamp marks them as up
        # to date.
        set(stamp ${out_dir}/${stem}.stamp)
        add_custom_command(
            OUTPUT ${stamp}
            BYPRODUCTS ${sources} ${headers}
            ${check_lock}
            COMMAND ${generator} ${options} --depfile ${stamp}.d
                    --stamp ${stamp} ${svc}
            DEPENDS ${generator} ${svc} ${templates} ${lock}
                    ${arg_DEPENDS}
            DEPFILE ${stamp}.d
            COMMENT "Generating C from ${stem}.svc"
            VERBATIM)
        target_sources(${arg_TARGET} PRIVATE ${stamp} ${sources} ${headers})
        list(APPEND all_sources ${sources})
        list(APPEND all_headers ${headers})
    endforeach()

    if(NOT arg_KINDS)
        if(arg_OUT_VAR)
            set(${arg_OUT_VAR} ${all_sources} PARENT_SCOPE)
        endif()
        return()
    endif()
    # Sets properties directly. target_link_libraries has two signatures, with
    # and without keywords, of which a target allows only one. The owner of the
    # target chooses it.
    set_property(TARGET ${arg_TARGET} APPEND PROPERTY
                 INCLUDE_DIRECTORIES ${out_dir})
    set_property(TARGET ${arg_TARGET} APPEND PROPERTY
                 INTERFACE_INCLUDE_DIRECTORIES $<BUILD_INTERFACE:${out_dir}>)
    set_property(TARGET ${arg_TARGET} APPEND PROPERTY
                 LINK_LIBRARIES shmrpc::runtime)
    set_property(TARGET ${arg_TARGET} APPEND PROPERTY
                 INTERFACE_LINK_LIBRARIES shmrpc::runtime)
    if(arg_OUT_VAR)
        set(${arg_OUT_VAR} ${all_sources} ${all_headers} PARENT_SCOPE)
    endif()
    if(arg_HEADERS_VAR)
        set(${arg_HEADERS_VAR} ${all_headers} PARENT_SCOPE)
    endif()
endfunction()
