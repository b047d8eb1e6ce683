#!/bin/sh
# Unpacks the libraries that the tool and the tests need, as Debian built them for another
# architecture, into a folder of the build: nothing is installed, and the system's own
# architectures and package lists stay as they are.
#
#   scripts/sysroot.sh ARCHITECTURE FOLDER      Debian's name of it: i386, s390x, ...
#   scripts/sysroot.sh mingw FOLDER
#
# Debian has them for no Windows: there xxHash's header is taken, and cmocka's source, of Debian's
# source package, is built here.
#
# Does nothing where FOLDER is complete. Exit status 1 if packages cannot be had.
set -eu
export LC_ALL=C
[ $# -eq 2 ] || {
    echo "usage: $0 ARCHITECTURE FOLDER" >&2
    exit 2
}
architecture=$1
mkdir -p "$2"
folder=$(cd "$2" && pwd)
packages='libxxhash-dev libcmocka-dev libcmocka0 libpopt-dev libpopt0 libjansson-dev libjansson4'
[ ! -e "$folder/complete" ] || exit 0
command -v apt-get >/dev/null 2>&1 || {
    echo "sysroot: without apt-get the packages for $architecture cannot be had: $packages" >&2
    exit 1
}

scratch=$(mktemp -d "${TMPDIR:-/tmp}/actree-sysroot-XXXXXX")
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' HUP INT TERM
mkdir -p "$scratch/lists/partial" "$scratch/cache/archives/partial" "$scratch/packages" \
    "$scratch/sources"

apt() {
    apt-get -qq -o "Dir::State::Lists=$scratch/lists" -o "Dir::Cache=$scratch/cache" \
        -o Acquire::Languages=none -o APT::Sandbox::User=root "$@" </dev/null >>"$scratch/log" 2>&1
}

# Of the lists, those of packages only. Some suites have none for every architecture, which apt-get
# calls a failure.
apt_update() {
    apt -o Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled=false \
        -o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false "$@" update || :
}

give_up() {
    cat "$scratch/log" >&2
    exit 1
}

unpack() {
    for package in ./*.deb; do
        dpkg-deb -x "$package" "$folder"
    done
}

binaries() {
    echo "sysroot: unpacking $architecture packages: $packages" >&2
    foreign="-o APT::Architecture=$architecture -o APT::Architectures=$architecture"
    # shellcheck disable=SC2086 # options and names of packages, one word each
    {
        apt_update $foreign
        apt $foreign download $packages || give_up
    }
    unpack
}

# The system's own sources of packages, taken for their source packages.
source_lists() {
    for list in /etc/apt/sources.list.d/*.sources; do
        [ ! -e "$list" ] || sed 's/^Types:.*/Types: deb-src/' "$list" \
            >"$scratch/sources/$(basename "$list")"
    done
    for list in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
        [ ! -e "$list" ] || sed -n 's/^deb /deb-src /p' "$list" \
            >"$scratch/sources/$(basename "$list").list"
    done
}

mingw() {
    echo "sysroot: unpacking libxxhash-dev, building the source package cmocka" >&2
    apt_update
    apt download libxxhash-dev || give_up
    unpack
    source_lists
    sources="-o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts=$scratch/sources"
    # shellcheck disable=SC2086 # options
    {
        apt_update $sources
        apt $sources source --download-only cmocka || give_up
    }
    mkdir cmocka
    # No command of a list before || stops at an error by itself.
    {
        tar -xf cmocka_*.orig.tar.?z -C cmocka --strip-components=1 &&
            cmake -S cmocka -B cmocka/build -DCMAKE_SYSTEM_NAME=Windows \
                -DCMAKE_BUILD_TYPE=Release -DCMAKE_C_COMPILER=x86_64-w64-mingw32-gcc \
                -DWITH_STATIC_LIB=ON -DUNIT_TESTING=OFF -DWITH_EXAMPLES=OFF \
                -DCMAKE_INSTALL_PREFIX="$folder/usr" -DCMAKE_INSTALL_LIBDIR=lib/none &&
            cmake --build cmocka/build --target install &&
            # Programs that hold it need no DLL of it.
            rm "$folder/usr/lib/none/libcmocka.dll.a" &&
            find cmocka/build -name 'libcmocka*.a' ! -name '*.dll.a' \
                -exec cp {} "$folder/usr/lib/none/libcmocka.a" \; &&
            test -s "$folder/usr/lib/none/libcmocka.a"
    } >>"$scratch/log" 2>&1 || give_up
}

cd "$scratch/packages"
case $architecture in
mingw) mingw ;;
*) binaries ;;
esac
: >"$folder/complete"
