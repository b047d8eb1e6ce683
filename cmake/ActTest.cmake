# act_add_test(NAME FILE... [PUBLIC_ONLY] [LABELS L...] [TIMEOUT SECONDS]
#              [LIBRARIES L...] [ARGUMENTS A...])
#
# Builds a cmocka program from the FILEs, linked with the static library and
# tests/support, and registers it as the test NAME.
#
# PUBLIC_ONLY  the FILEs see include/ and tests/ but not src/
# LABELS       for ctest -L; the name of the folder is always one of them
# TIMEOUT      60 seconds unless told; sanitized, coverage and emulated builds
#              get six times that
# ARGUMENTS    given to the program
#
# The program is run in its build directory. It sees the macro
# ACT_TEST_SOURCE_DIR, the top of the source tree, and, where the tool is built,
# the environment variable ACTREE, the path of the tool. ACT_TEST_SANITIZE in the
# environment names the sanitizers of the build, ACT_TEST_EMULATOR the command, if
# any, that runs its programs, and ACT_TEST_PLATFORM what src/os is.
function(act_add_test name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "PUBLIC_ONLY" "TIMEOUT" "LABELS;LIBRARIES;ARGUMENTS")
    if(NOT arg_UNPARSED_ARGUMENTS)
        message(FATAL_ERROR "act_add_test(${name}): no source file")
    endif()

    add_executable(${name} ${arg_UNPARSED_ARGUMENTS})
    target_link_libraries(${name} PRIVATE act_test_support actree_static PkgConfig::CMOCKA
                                          ${arg_LIBRARIES})
    if(NOT arg_PUBLIC_ONLY)
        target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/src)
    endif()
    target_compile_definitions(${name} PRIVATE ACT_TEST_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
    act_set_warnings(${name})

    add_test(NAME ${name} COMMAND ${name} ${arg_ARGUMENTS})
    get_filename_component(folder ${CMAKE_CURRENT_SOURCE_DIR} NAME)
    act_test_properties(${name} TIMEOUT ${arg_TIMEOUT} LABELS ${folder} ${arg_LABELS})
endfunction()

# act_add_script_test(NAME COMMAND WORD... [LABELS L...] [TIMEOUT SECONDS])
#
# Registers a command, run in the top of the source tree. A status of 77 is a
# test that was skipped; it says why.
function(act_add_script_test name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "TIMEOUT" "LABELS;COMMAND")
    add_test(NAME ${name} COMMAND ${arg_COMMAND} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
    get_filename_component(folder ${CMAKE_CURRENT_SOURCE_DIR} NAME)
    act_test_properties(${name} TIMEOUT ${arg_TIMEOUT} LABELS ${folder} ${arg_LABELS})
endfunction()

# act_test_command(TARGET VARIABLE)
#
# Sets VARIABLE to a path that runs the program on this machine: its own, or,
# where the programs are run by an emulator, that of a script that does it.
function(act_test_command target variable)
    if(NOT CMAKE_CROSSCOMPILING_EMULATOR)
        set(${variable} $<TARGET_FILE:${target}> PARENT_SCOPE)
        return()
    endif()
    set(script ${PROJECT_BINARY_DIR}/emulated/${target})
    if(NOT TARGET emulated_${target})
        add_custom_target(emulated_${target}) # generated once
        list(JOIN CMAKE_CROSSCOMPILING_EMULATOR " " emulator)
        file(
            GENERATE
            OUTPUT ${script}
            CONTENT "#!/bin/sh\nexec ${emulator} '$<TARGET_FILE:${target}>' \"$@\"\n"
            FILE_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE
                             WORLD_READ WORLD_EXECUTE)
    endif()
    set(${variable} ${script} PARENT_SCOPE)
endfunction()

# act_test_properties(NAME [TIMEOUT SECONDS] [LABELS L...])
#
# Gives a test that was registered with add_test() what every test here has:
# a time limit, labels, sanitizers that fail, and 77 as the status for "skipped".
function(act_test_properties name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "TIMEOUT" "LABELS")
    if(NOT arg_TIMEOUT)
        set(arg_TIMEOUT 60)
    endif()
    if(ACT_SLOW_BUILD)
        math(EXPR arg_TIMEOUT "${arg_TIMEOUT} * 6")
    endif()
    set(environment "ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=1:abort_on_error=0"
                    "UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1"
                    "TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1"
                    # A program that may not write its counts says so; what a test reads of its
                    # standard error is then not what the program itself said.
                    "GCOV_ERROR_FILE=/dev/null"
                    "ACT_TEST_SANITIZE=${ACT_SANITIZE}")
    if(ACT_MCDC)
        # One file for each program: the counts of its runs are added up there.
        list(APPEND environment "LLVM_PROFILE_FILE=${PROJECT_BINARY_DIR}/counts/%m.profraw")
    endif()
    list(JOIN CMAKE_CROSSCOMPILING_EMULATOR " " emulator)
    list(APPEND environment "ACT_TEST_EMULATOR=${emulator}" "ACT_TEST_PLATFORM=${ACT_PLATFORM}")
    if(TARGET actree)
        act_test_command(actree tool)
        list(APPEND environment "ACTREE=${tool}")
    endif()
    set_tests_properties(
        ${name}
        PROPERTIES TIMEOUT ${arg_TIMEOUT}
                   LABELS "${arg_LABELS}"
                   SKIP_RETURN_CODE 77
                   ENVIRONMENT "${environment}")
endfunction()
