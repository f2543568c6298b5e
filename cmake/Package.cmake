# Makes the installed library from the objects of runtime/, and installs
# everything that other projects need: headers, CMake package, pkg-config file,
# generator.
include(CMakePackageConfigHelpers)

configure_file(cmake/version.h.in include/shmrpc/version.h @ONLY)
foreach(target shmrpc_objects shmrpc_internal)
    target_include_directories(${target} PUBLIC
        $<BUILD_INTERFACE:${PROJECT_BINARY_DIR}/include>)
endforeach()

# The soname names the versions that are compatible with each other. Below 1.0
# it includes the minor version, because each minor version may be incompatible.
set(SHMRPC_SOVERSION ${PROJECT_VERSION_MAJOR})
if(PROJECT_VERSION_MAJOR EQUAL 0)
    set(SHMRPC_SOVERSION 0.${PROJECT_VERSION_MINOR})
endif()

# shmrpc_library(NAME KIND): makes libshmrpc, exported as the target shmrpc::NAME.
function(shmrpc_library name kind)
    set(target shmrpc_${name})
    add_library(${target} ${kind} $<TARGET_OBJECTS:shmrpc_objects>)
    add_library(shmrpc::${name} ALIAS ${target})
    set_target_properties(${target} PROPERTIES
        OUTPUT_NAME shmrpc EXPORT_NAME ${name} LINKER_LANGUAGE C
        VERSION ${PROJECT_VERSION} SOVERSION ${SHMRPC_SOVERSION})
    get_property(libraries GLOBAL PROPERTY SHMRPC_LIBRARIES)
    target_link_libraries(${target} PRIVATE ${libraries})
    target_link_options(${target} PRIVATE ${SHMRPC_LINK_TIME_OPTIMISATION})
    target_include_directories(${target} INTERFACE
        $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/runtime/include>
        $<BUILD_INTERFACE:${PROJECT_BINARY_DIR}/include>
        $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
    install(TARGETS ${target} EXPORT shmrpcTargets)
endfunction()

# shmrpc_svc_library(NAME KIND RUNTIME): makes libshmrpc-svc, which uses the
# libshmrpc RUNTIME. The shared library contains the internal functions that it
# needs, but exports none of them.
function(shmrpc_svc_library name kind runtime)
    set(target shmrpc_${name})
    add_library(${target} ${kind} $<TARGET_OBJECTS:shmrpc_svc_internal>
        $<TARGET_OBJECTS:shmrpc_idl>)
    add_library(shmrpc::${name} ALIAS ${target})
    set_target_properties(${target} PROPERTIES
        OUTPUT_NAME shmrpc-svc EXPORT_NAME ${name} LINKER_LANGUAGE C
        VERSION ${PROJECT_VERSION} SOVERSION ${SHMRPC_SOVERSION})
    target_link_libraries(${target} PUBLIC shmrpc_${runtime})
    if(kind STREQUAL "SHARED")
        set(exports ${PROJECT_SOURCE_DIR}/svc/exports.map)
        target_link_libraries(${target} PRIVATE
            $<BUILD_INTERFACE:shmrpc_internal> PkgConfig::OPENSSL m)
        target_link_options(${target} PRIVATE LINKER:--as-needed
            LINKER:--gc-sections LINKER:--version-script=${exports}
            ${SHMRPC_LINK_TIME_OPTIMISATION})
        set_target_properties(${target} PROPERTIES LINK_DEPENDS ${exports})
    else()
        target_link_libraries(${target} PRIVATE PkgConfig::OPENSSL m)
    endif()
    install(TARGETS ${target} EXPORT shmrpcTargets)
endfunction()

if(NOT DEFINED BUILD_SHARED_LIBS)
    shmrpc_library(runtime SHARED)
    shmrpc_library(runtime_static STATIC)
    shmrpc_svc_library(svc SHARED runtime)
    shmrpc_svc_library(svc_static STATIC runtime_static)
elseif(BUILD_SHARED_LIBS)
    shmrpc_library(runtime SHARED)
    shmrpc_svc_library(svc SHARED runtime)
else()
    shmrpc_library(runtime STATIC)
    shmrpc_svc_library(svc STATIC runtime)
endif()

add_executable(shmrpc::generator ALIAS shmrpcgen)
set_target_properties(shmrpcgen PROPERTIES EXPORT_NAME generator)
install(TARGETS shmrpcgen EXPORT shmrpcTargets)

install(DIRECTORY runtime/include/shmrpc
        DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
install(FILES ${PROJECT_BINARY_DIR}/include/shmrpc/version.h
        DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/shmrpc)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/shmrpc)
configure_package_config_file(cmake/shmrpcConfig.cmake.in shmrpcConfig.cmake
    INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(shmrpcConfigVersion.cmake
    COMPATIBILITY SameMinorVersion)
install(EXPORT shmrpcTargets NAMESPACE shmrpc:: DESTINATION ${package_dir})
install(FILES
    ${PROJECT_BINARY_DIR}/shmrpcConfig.cmake
    ${PROJECT_BINARY_DIR}/shmrpcConfigVersion.cmake
    ${PROJECT_SOURCE_DIR}/cmake/ShmrpcGenerate.cmake
    DESTINATION ${package_dir})

file(RELATIVE_PATH PC_TO_PREFIX
     /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)
string(REGEX REPLACE "/$" "" PC_TO_PREFIX ${PC_TO_PREFIX})
# Includes what the archives of these libraries need, according to their own .pc
# files. snappy needs the C++ library, but its .pc file does not say so.
get_property(PC_LIBRARIES GLOBAL PROPERTY SHMRPC_LIBRARIES)
list(APPEND PC_LIBRARIES ${TLS_STATIC_LIBRARIES} ${ZLIB_STATIC_LIBRARIES}
     ${SNAPPY_STATIC_LIBRARIES} stdc++ m)
list(REVERSE PC_LIBRARIES) # of each name the last stays, behind its users
list(REMOVE_DUPLICATES PC_LIBRARIES)
list(REVERSE PC_LIBRARIES)
list(TRANSFORM PC_LIBRARIES PREPEND -l)
list(APPEND PC_LIBRARIES -pthread)
list(JOIN PC_LIBRARIES " " PC_LIBRARIES)
configure_file(cmake/shmrpc.pc.in shmrpc.pc @ONLY)
configure_file(cmake/shmrpc-svc.pc.in shmrpc-svc.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/shmrpc.pc
              ${PROJECT_BINARY_DIR}/shmrpc-svc.pc
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

file(GLOB man_pages CONFIGURE_DEPENDS docs/man/*.[1-8])
foreach(page ${man_pages})
    get_filename_component(section ${page} LAST_EXT)
    string(SUBSTRING ${section} 1 -1 section)
    install(FILES ${page} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
endforeach()
