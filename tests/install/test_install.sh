#!/bin/sh
# Installs a build into an empty folder, moves that folder, and builds programs
# against it the ways a program outside this tree would: by pkg-config, in C and
# C++, against the static library, and by CMake's find_package.
#
#   test_install.sh CMAKE BUILD COMPILER...
set -eu
cmake=$1
build=$2
shift 2
here=$(cd "$(dirname "$0")" && pwd)
scratch=$(mktemp -d "${TMPDIR:-/tmp}/actree-install-XXXXXX")
trap 'rm -rf "$scratch"' EXIT INT TERM

"$cmake" --install "$build" --prefix "$scratch/first" >"$scratch/log" || {
    cat "$scratch/log"
    exit 1
}
# Nothing in it may depend on where it was put.
prefix=$scratch/second
mv "$scratch/first" "$prefix"

expect() {
    [ -e "$prefix/$1" ] || {
        echo "not installed: $1"
        (cd "$prefix" && find . -type f -o -type l | sort)
        exit 1
    }
}
pc=$(find "$prefix" -name actree.pc)
[ -n "$pc" ] || expect lib/pkgconfig/actree.pc
lib=$(dirname "$(dirname "$pc")")
expect include/actree.h
expect "${lib#"$prefix/"}/libactree.a"
expect "${lib#"$prefix/"}/libactree.so"
expect "${lib#"$prefix/"}/libactree.so.0"

PKG_CONFIG_PATH=$lib/pkgconfig
LD_LIBRARY_PATH=$lib
export PKG_CONFIG_PATH LD_LIBRARY_PATH
cflags=$(pkg-config --cflags actree)
libs=$(pkg-config --libs actree)
version=$(pkg-config --modversion actree)

run() {
    echo "$1"
    # shellcheck disable=SC2086 # the words of a command
    ${ACT_TEST_EMULATOR-} "$2" "$scratch/$1.act" "$version"
}

for compiler in "$@"; do
    name=$(basename "$compiler")
    case $name in
    *++*) language=c++ ;;
    *) language=c ;;
    esac
    # shellcheck disable=SC2086 # lists of options
    "$compiler" -x $language $cflags -o "$scratch/$name" "$here/consumer/consumer.c" -x none $libs
    run "$name" "$scratch/$name"
done

# shellcheck disable=SC2086
"$1" $cflags -o "$scratch/static" "$here/consumer/consumer.c" "$lib/libactree.a"
LD_LIBRARY_PATH='' run static "$scratch/static"

{
    "$cmake" -S "$here/consumer" -B "$scratch/consumer" -DCMAKE_PREFIX_PATH="$prefix" \
        -DCMAKE_C_COMPILER="$1" -DACT_VERSION="$version"
    "$cmake" --build "$scratch/consumer"
} >"$scratch/log" 2>&1 || {
    cat "$scratch/log"
    exit 1
}
LD_LIBRARY_PATH='' run find_package-shared "$scratch/consumer/consumer"
LD_LIBRARY_PATH='' run find_package-static "$scratch/consumer/consumer_static"

if [ -e "$build/actree" ]; then
    expect bin/actree
    # shellcheck disable=SC2086
    ${ACT_TEST_EMULATOR-} "$prefix/bin/actree" --version | grep -F "$version"
    # What the programs above wrote, the installed tool reads.
    # shellcheck disable=SC2086
    [ "$(${ACT_TEST_EMULATOR-} "$prefix/bin/actree" get "$scratch/static.act" key)" = 7 ]
    if [ -e "$build/man/actree.1" ]; then
        for page in man1/actree.1 man3/actree.3 man5/actree-format.5; do
            expect "share/man/$page"
        done
    fi
    expect share/bash-completion/completions/actree
    expect share/zsh/site-functions/_actree
    expect share/fish/vendor_completions.d/actree.fish
fi
