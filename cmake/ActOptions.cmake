# What a build can be told, and how it is passed on to the compiler.

option(ACT_BUILD_TOOL "Build the command-line tool (needs popt and jansson)" ON)
option(ACT_BUILD_TESTS "Build the tests (needs cmocka)" ${PROJECT_IS_TOP_LEVEL})
option(ACT_LINT "Test the form of the sources and the benchmark too" ON)
option(ACT_BENCH "Build the benchmark programs of the engines that are found" OFF)
option(ACT_WERROR "Treat compiler warnings as errors" OFF)
option(ACT_COVERAGE "Instrument for gcov" OFF)
option(ACT_MCDC "Instrument for clang's coverage, with MC/DC (needs clang 18)" OFF)
set(ACT_PLATFORM "" CACHE STRING "Folder of src/os: linux, darwin, posix, win32, portable; empty: by system")
set(ACT_FUZZ replay CACHE STRING "What the fuzz targets are programs for: libfuzzer, afl, replay")
set(ACT_SANITIZE "" CACHE STRING "Argument of -fsanitize=, e.g. address,undefined or thread")

if(NOT ACT_PLATFORM)
    if(CMAKE_SYSTEM_NAME STREQUAL "Linux")
        set(ACT_PLATFORM linux)
    elseif(APPLE)
        set(ACT_PLATFORM darwin)
    elseif(UNIX)
        set(ACT_PLATFORM posix)
    elseif(WIN32)
        set(ACT_PLATFORM win32)
    else()
        set(ACT_PLATFORM portable)
    endif()
endif()

# Where every step takes several times as long, tests by number do fewer rounds.
if(ACT_SANITIZE OR ACT_COVERAGE OR ACT_MCDC OR CMAKE_CROSSCOMPILING_EMULATOR)
    set(ACT_SLOW_BUILD ON)
else()
    set(ACT_SLOW_BUILD OFF)
endif()

set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
    set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "" FORCE)
endif()

# For the whole build, tests and tool included: a sanitizer which sees only a
# part of the program misses what crosses the border.
if(ACT_SANITIZE)
    add_compile_options(-fsanitize=${ACT_SANITIZE} -fno-sanitize-recover=all
                        -fno-omit-frame-pointer)
    add_link_options(-fsanitize=${ACT_SANITIZE})
endif()
# Edges are counted, comparisons not traced: the mutator knows the format, and twice as many runs
# are worth more.
if(ACT_FUZZ STREQUAL "libfuzzer")
    set(ACT_FUZZ_COVERAGE inline-8bit-counters,pc-table)
    add_compile_options(-fsanitize-coverage=${ACT_FUZZ_COVERAGE})
endif()
# Megabytes that are asked for and given back with each input would be most of what a sanitizer does.
if(NOT ACT_FUZZ STREQUAL "replay")
    add_compile_definitions(ACT_SMALL_BUFFERS=1)
endif()
if(ACT_COVERAGE)
    add_compile_options(--coverage -fprofile-update=atomic)
    add_compile_definitions(ACT_COVERAGE=1)
    add_link_options(--coverage)
endif()
if(ACT_MCDC)
    add_compile_options(-fprofile-instr-generate -fcoverage-mapping -fcoverage-mcdc
                        -fprofile-update=atomic)
    add_link_options(-fprofile-instr-generate)
endif()

# Tests count in 64 bits what always fits into 32: where `act_loose_conversions` is set, in their
# folder, the compiler need not be told so at every place.
function(act_set_warnings target)
    if(act_loose_conversions)
        set(conversion -Wno-conversion)
    else()
        set(conversion -Wconversion)
    endif()
    target_compile_options(
        ${target} PRIVATE -Wall -Wextra -Wundef ${conversion} -Wshadow
                          $<$<BOOL:${ACT_WERROR}>:-Werror>)
endfunction()
