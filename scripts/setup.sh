#!/bin/sh
# Installs what building, testing, the demo or the benchmarks need and what is
# not there yet.
#
#   scripts/setup.sh GROUP...        the groups are named below
#
# Where everything is there it does nothing and asks nobody. Otherwise it
# installs packages by name through apt-get, as root or through sudo. On a
# system without apt-get, or without a network, it says what is missing. Exit
# status 1 if something is still missing that the group cannot do without.
set -u
all_groups='build demo test bench fuzz afl i386 s390x mingw darwin reliability mcdc mutate'
export LC_ALL=C

# Is the tool, the library or the compiler feature there?
has() {
    command -v "$1" >/dev/null 2>&1
}

# One that only root may have on its path.
has_for_root() {
    (PATH=$PATH:/usr/sbin:/sbin && has "$1")
}

has_header() {
    printf '#include <%s>\n' "$1" | ${CC:-cc} -E - >/dev/null 2>&1
}

has_module() {
    pkg-config --exists "$1" 2>/dev/null
}

has_cmake() {
    version=$(cmake --version 2>/dev/null | sed -n 's/^cmake version \([0-9]*\.[0-9]*\).*/\1/p')
    major=${version%%.*}
    minor=${version#*.}
    [ -n "$version" ] && { [ "$major" -gt 3 ] || { [ "$major" -eq 3 ] && [ "$minor" -ge 25 ]; }; }
}

has_fuzzer() {
    [ -e "$(clang -print-file-name="libclang_rt.fuzzer-$(uname -m).a" 2>/dev/null)" ]
}

has_profiles() {
    [ -e "$(clang-19 -print-file-name="libclang_rt.profile-$(uname -m).a" 2>/dev/null)" ]
}

# The loader of 32-bit programs.
has_i386() {
    [ -e /lib/ld-linux.so.2 ]
}

# Debian's wine64 puts itself where only its package wine looks.
has_wine() {
    has wine64 || has /usr/lib/wine/wine64
}

has_python_module() {
    python3 -c "import $1" >/dev/null 2>&1
}

# GROUPS  need|want  PACKAGES  CHECK
# "want": without it, something is left out, and says so. PACKAGES are Debian's
# names, joined by commas.
requirements() {
    cat <<'END'
build,demo,test,bench,fuzz,reliability need make           has make
build,demo,test,bench,fuzz,reliability need gcc,libc6-dev  has_header stdlib.h
build,demo,test,bench,fuzz,reliability need cmake          has_cmake
build,demo,test,bench,fuzz,reliability need pkg-config     has pkg-config
build,demo,test,bench,fuzz,reliability need libxxhash-dev  has_header xxhash.h
build,demo,test,bench,fuzz,reliability need libpopt-dev    has_module popt
build,demo,test,bench,fuzz,reliability need libjansson-dev has_module jansson
test,fuzz,reliability need libcmocka-dev   has_module cmocka
test,bench,fuzz,reliability need python3   has_python_module json
test,reliability want strace               has strace
test,reliability want mount                has_for_root losetup
test,reliability want e2fsprogs            has_for_root mkfs.ext4
test,reliability want xfsprogs             has_for_root mkfs.xfs
reliability want clang                     has clang
reliability want libclang-rt-dev           has_fuzzer
reliability want liblmdb-dev               has_module lmdb
reliability want libmtbl-dev               has_module libmtbl
test,bench want g++            has g++
test want clang                has clang
test want clang-format         has clang-format
test want clang-tidy           has clang-tidy
build,test want scdoc          has scdoc
test want mandoc               has mandoc
test want shellcheck           has shellcheck
bench want liblmdb-dev         has_module lmdb
bench want libmtbl-dev         has_module libmtbl
bench want libmarisa-dev       has_module marisa
bench want gnuplot-nox         has gnuplot
bench want util-linux-extra    has fincore
fuzz need libclang-rt-dev      has_fuzzer
fuzz need clang                has clang
afl need afl++                 has afl-clang-fast
test want gcc-i686-linux-gnu,libc6-dev-i386-cross    has i686-linux-gnu-gcc
test want libc6-i386           has_i386
test want gcc-s390x-linux-gnu,libc6-dev-s390x-cross  has s390x-linux-gnu-gcc
test want qemu-user            has qemu-s390x
test want gcc-mingw-w64-x86-64-win32                 has x86_64-w64-mingw32-gcc
test want wine64               has_wine
i386 need gcc-i686-linux-gnu,libc6-dev-i386-cross    has i686-linux-gnu-gcc
i386 need libc6-i386           has_i386
s390x need gcc-s390x-linux-gnu,libc6-dev-s390x-cross has s390x-linux-gnu-gcc
s390x need qemu-user           has qemu-s390x
mingw need gcc-mingw-w64-x86-64-win32                has x86_64-w64-mingw32-gcc
mingw need wine64              has_wine
mingw need xz-utils            has xz
test want xz-utils             has xz
darwin need python3-pip        has_python_module pip
mcdc want clang-19,libclang-rt-19-dev  has_profiles
mcdc want llvm-19              has llvm-cov-19
mutate need ninja-build        has ninja
END
}

# Prints "need|want PACKAGE..." for each row of the wanted groups that is not there.
missing() {
    requirements | while read -r groups level packages check; do
        for group in $wanted; do
            case ",$groups," in
            *,"$group",*)
                $check || echo "$level $(echo "$packages" | tr , ' ')"
                break
                ;;
            esac
        done
    done
}

apt() {
    $as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get -qq -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "$@" </dev/null >/dev/null
}

# "need" or "want", and packages. For what is only wanted, nothing that is installed is removed.
install() {
    keep=
    [ "$1" = need ] || keep=--no-remove
    shift
    [ $# -gt 0 ] || return 0
    # The lists that are there may do, and fetching them may take longer than the packages. If not,
    # the second attempt says why.
    apt install -y --no-install-recommends $keep "$@" 2>/dev/null && return 0
    apt update
    apt install -y --no-install-recommends $keep "$@" && return 0
    # One name that this release does not know must not keep the others away.
    for package in "$@"; do
        apt install -y --no-install-recommends $keep "$package"
    done
}

# The packages of the rows of a level.
packages_of() {
    echo "$rows" | sed -n "s/^$1 //p" | tr '\n' ' '
}

[ $# -gt 0 ] || {
    echo "usage: $0 GROUP...    groups: $all_groups" >&2
    exit 2
}
wanted=$*
for group in $wanted; do
    case " $all_groups " in
    *" $group "*) ;;
    *)
        echo "$0: no group '$group'; there are $all_groups" >&2
        exit 2
        ;;
    esac
done

rows=$(missing)
[ -n "$rows" ] || exit 0

as_root=
[ "$(id -u)" -eq 0 ] || as_root=sudo
packages=$(echo "$rows" | cut -d ' ' -f 2- | tr '\n' ' ')
if has apt-get && { [ -z "$as_root" ] || has sudo; }; then
    echo "setup: installing $packages" >&2
    # shellcheck disable=SC2046 # names of packages, one word each
    {
        install need $(packages_of need)
        install want $(packages_of want)
    }
    rows=$(missing)
    [ -n "$rows" ] || exit 0
fi

needed=$(packages_of need)
lacking=$(packages_of want)
{
    [ -z "$lacking" ] || echo "setup: going on without (Debian's names): $lacking"
    [ -z "$needed" ] || {
        echo "setup: missing (Debian's names): $needed"
        echo "setup: on Debian, as root: apt-get install $needed"
        case " $needed" in
        *" cmake "*) echo "setup: cmake must be 3.25 or newer; here: $(cmake --version 2>/dev/null | head -n 1)" ;;
        esac
    }
} >&2
[ -z "$needed" ]
