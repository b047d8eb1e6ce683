# 64-bit Windows by MinGW-w64, run by Wine.
set(CMAKE_SYSTEM_NAME Windows)
set(CMAKE_SYSTEM_PROCESSOR x86_64)
set(CMAKE_C_COMPILER x86_64-w64-mingw32-gcc)
set(CMAKE_RC_COMPILER x86_64-w64-mingw32-windres)
set(CMAKE_CROSSCOMPILING_EMULATOR ${CMAKE_CURRENT_LIST_DIR}/../../scripts/wine.sh)
set(architecture mingw)
set(triplet none)
include(${CMAKE_CURRENT_LIST_DIR}/sysroot.cmake)
unset(ENV{PKG_CONFIG_SYSROOT_DIR}) # cmocka knows where it lies
list(APPEND CMAKE_FIND_ROOT_PATH /usr/x86_64-w64-mingw32)
# Programs that need no DLL but the system's run wherever they are.
set(CMAKE_EXE_LINKER_FLAGS_INIT "-static -L${CMAKE_CURRENT_LIST_DIR}/../../build-mingw/sysroot/usr/lib/none")
set(CMAKE_SHARED_LINKER_FLAGS_INIT -static-libgcc)
