# What `make install` puts where. Everything that is installed can be moved as a
# whole afterwards: no installed file names the prefix.
include(CMakePackageConfigHelpers)

install(
    TARGETS actree_shared actree_static
    EXPORT actree-targets
    RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR}
    LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY include/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/actree)
install(EXPORT actree-targets NAMESPACE actree:: FILE actree-config.cmake DESTINATION ${package_dir})
# Before 1.0 any minor version may change the interface.
write_basic_package_version_file(actree-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/actree-config-version.cmake DESTINATION ${package_dir})

set(pkgconfig_dir ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig)
file(RELATIVE_PATH ACT_PC_PREFIX ${pkgconfig_dir} ${CMAKE_INSTALL_PREFIX})
file(RELATIVE_PATH ACT_PC_LIBDIR ${pkgconfig_dir} ${CMAKE_INSTALL_FULL_LIBDIR})
file(RELATIVE_PATH ACT_PC_INCLUDEDIR ${pkgconfig_dir} ${CMAKE_INSTALL_FULL_INCLUDEDIR})
foreach(path ACT_PC_PREFIX ACT_PC_LIBDIR)
    string(REGEX REPLACE "/$" "" ${path} "${${path}}")
endforeach()
configure_file(cmake/actree.pc.in actree.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/actree.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

if(TARGET actree)
    install(TARGETS actree RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
