#!/bin/sh
# Unpacks the libraries that the tool and the tests need, as Debian built them for another
# architecture, into a folder of the build: nothing is installed, and the system's own
# architectures and package lists stay as they are.
#
#   scripts/sysroot.sh ARCHITECTURE FOLDER      Debian's name of it: i386, s390x, ...
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
mkdir -p "$scratch/lists/partial" "$scratch/cache/archives/partial" "$scratch/packages"

apt() {
    apt-get -qq -o "Dir::State::Lists=$scratch/lists" -o "Dir::Cache=$scratch/cache" \
        -o "APT::Architecture=$architecture" -o "APT::Architectures=$architecture" \
        -o Acquire::Languages=none -o APT::Sandbox::User=root "$@" </dev/null >"$scratch/log" 2>&1
}

# Of the lists, those of packages only. Some suites have none for every architecture, which apt-get
# calls a failure.
echo "sysroot: unpacking $architecture packages: $packages" >&2
apt -o Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled=false \
    -o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false update || :
cd "$scratch/packages"
# shellcheck disable=SC2086 # names of packages, one word each
apt download $packages || {
    cat "$scratch/log" >&2
    exit 1
}
for package in ./*.deb; do
    dpkg-deb -x "$package" "$folder"
done
: >"$folder/complete"
