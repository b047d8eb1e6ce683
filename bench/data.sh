#!/bin/sh
# Makes the real key sets that the benchmark runs on.
#
#   bench/data.sh OUTDIR [SET...]      sets: paths words logic (default: all)
#
#   paths   every path of every file in Debian's packages, from apt's Contents
#           lists: some 7.3 million keys, 470 MB
#   words   the lines of the largest English word list of Debian: 663,473 keys
#   logic   91,692 binary expressions, from data-src/ beside this script
#
# Each becomes OUTDIR/SET.txt (logic: in hex), sorted by byte value, without
# duplicates. What is there is left as it is. For the first two, packages and
# lists are fetched once through apt, as root or with sudo; a set that cannot be
# made is left out, with a word on standard error.
set -u
export LC_ALL=C
here=$(cd "$(dirname "$0")" && pwd)
out=${1:?usage: data.sh OUTDIR [SET...]}
shift
mkdir -p "$out" || exit 2

say() {
    echo "data: $*" >&2
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    else
        sudo "$@"
    fi
}

contents_lists() {
    find /var/lib/apt/lists -name '*_main_Contents-all.*' -o -name '*_main_Contents-amd64.*' 2>/dev/null | sort
}

make_paths() {
    [ -n "$(contents_lists)" ] || {
        # The package apt-file teaches apt to fetch these lists.
        say "fetching the lists of files of all packages"
        as_root apt-get -qq install -y apt-file lz4 >/dev/null && as_root apt-get -qq update
    } >&2
    lists=$(contents_lists)
    [ -n "$lists" ] || return 1
    for list in $lists; do
        /usr/lib/apt/apt-helper cat-file "$list" || return 1
    done |
        # A line is: path, blanks, the packages that hold it.
        sed 's/[[:blank:]][[:blank:]]*[^[:blank:]]*$//' | sort -u
}

make_words() {
    dictionary=/usr/share/dict/american-english-insane
    [ -r $dictionary ] || {
        say "installing the word list"
        as_root apt-get -qq install -y wamerican-insane >/dev/null
    } >&2
    [ -r $dictionary ] || return 1
    sort -u $dictionary
}

make_logic() {
    python3 - "$here/data-src/big_logic.metta.paths" <<'END'
import sys
import zlib

data = zlib.decompress(open(sys.argv[1], "rb").read())
keys, at = set(), 0
while at < len(data):
    end = at + 4 + int.from_bytes(data[at:at + 4], "little")
    keys.add(data[at + 4:end])
    at = end
# The order of the hex digits is the order of the bytes.
print("\n".join(key.hex() for key in sorted(keys)))
END
}

[ $# -gt 0 ] || set -- paths words logic
for name in "$@"; do
    [ -s "$out/$name.txt" ] && continue
    case $name in
    paths | words | logic) ;;
    *)
        say "no set '$name'; there are paths, words, logic"
        exit 2
        ;;
    esac
    say "making $name.txt"
    if "make_$name" >"$out/$name.part" && [ -s "$out/$name.part" ]; then
        mv "$out/$name.part" "$out/$name.txt"
    else
        rm -f "$out/$name.part"
        say "$name cannot be made here: left out"
    fi
done
