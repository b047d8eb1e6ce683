# 32-bit x86, with the 64-bit kernel of the machine that builds: nothing is emulated, and CMake need
# not know that the programs are of another kind.
set(CMAKE_C_COMPILER i686-linux-gnu-gcc)
set(architecture i386)
set(triplet i386-linux-gnu)
include(${CMAKE_CURRENT_LIST_DIR}/sysroot.cmake)
