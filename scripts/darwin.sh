#!/bin/sh
# Compiles the library for macOS, x86-64 and arm64, against the headers that come with the package
# `ziglang`, and links it for arm64. Nothing is run: this shows that what the code asks of macOS is
# declared and exported there, and no more.
#
#   scripts/darwin.sh
#
# The package is unpacked into build-darwin; exit status 77 where it cannot be had.
set -eu
cd "$(dirname "$0")/.."
version=0.13.0.post1
zig=build-darwin/zig
mkdir -p build-darwin
if [ ! -e "$zig/complete" ]; then
    python3 -m pip install -q --no-deps --disable-pip-version-check --target "$zig" \
        "ziglang==$version" 2>build-darwin/log || {
        cat build-darwin/log >&2
        echo "darwin: left out, the package ziglang cannot be had" >&2
        exit 77
    }
    : >"$zig/complete"
fi
ZIG_GLOBAL_CACHE_DIR=$PWD/build-darwin/cache
export ZIG_GLOBAL_CACHE_DIR

# Only xxHash's header of this system's: the others are not for macOS.
mkdir -p build-darwin/include
header=$(printf '#include <xxhash.h>\n' | ${CC:-cc} -E -x c - | sed -n 's/^# 1 "\(.*\/xxhash\.h\)".*/\1/p' | head -n 1)
cp "$header" build-darwin/include/
[ ! -e "$(dirname "$header")/xxh3.h" ] || cp "$(dirname "$header")/xxh3.h" build-darwin/include/

for processor in x86_64 aarch64; do
    folder=build-darwin/$processor
    mkdir -p "$folder"
    printf '#!/bin/sh\nexec "%s" cc -target %s-macos "$@"\n' "$PWD/$zig/ziglang/zig" "$processor" \
        >"$folder/cc"
    printf '#!/bin/sh\nexec "%s" ar "$@"\n' "$PWD/$zig/ziglang/zig" >"$folder/ar"
    printf '#!/bin/sh\nexec "%s" ranlib "$@"\n' "$PWD/$zig/ziglang/zig" >"$folder/ranlib"
    chmod +x "$folder/cc" "$folder/ar" "$folder/ranlib"
    cmake -S . -B "$folder/build" -DCMAKE_SYSTEM_NAME=Darwin -DCMAKE_SYSTEM_PROCESSOR=$processor \
        -DCMAKE_C_COMPILER="$PWD/$folder/cc" -DCMAKE_AR="$PWD/$folder/ar" \
        -DCMAKE_RANLIB="$PWD/$folder/ranlib" -DCMAKE_BUILD_TYPE=RelWithDebInfo \
        -DCMAKE_C_COMPILER_WORKS=ON -DACT_XXHASH_INCLUDE_DIR="$PWD/build-darwin/include" \
        -DACT_WERROR=ON -DACT_BUILD_TOOL=OFF -DACT_BUILD_TESTS=OFF >"$folder/log"
    # The package's run-time library lacks what tells x86 processors apart, so that nothing links.
    target=actree_static
    [ $processor = x86_64 ] || target=actree_shared
    cmake --build "$folder/build" -j "${JOBS:-2}" --target $target >"$folder/log" 2>&1 || {
        cat "$folder/log"
        exit 1
    }
    echo "macOS, $processor: compiled ($target), not run"
done
