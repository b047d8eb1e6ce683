#!/bin/sh
# The demonstration: puts the name of every file on this machine into one map,
# with the file's size as its value, and uses it. Every figure that it prints is
# measured while it runs. It leaves nothing behind.
#
#   scripts/demo.sh [BUILD]      the folder that was built into; `make demo` does that
set -eu
export LC_ALL=C

top=$(cd "$(dirname "$0")/.." && pwd)
build=$(cd "${1:-$top/build}" && pwd)
actree=$build/actree
[ -x "$actree" ] || {
    echo "demo: there is no $actree; 'make demo' builds it" >&2
    exit 2
}
paths_max=2000000
queries=100000

scratch=$(mktemp -d "${TMPDIR:-/tmp}/actree-demo-XXXXXX")
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' HUP INT TERM
cd "$scratch"

bold='' faint='' plain=''
if [ -t 1 ] && [ "${TERM:-dumb}" != dumb ] && [ -z "${NO_COLOR:-}" ]; then
    bold=$(printf '\033[1m')
    faint=$(printf '\033[2m')
    plain=$(printf '\033[0m')
fi

heading() {
    printf '\n%s%s%s\n' "$bold" "$1" "$plain"
}

# A command, as one would type it.
typed() {
    printf '\n  %s$%s %s\n' "$faint" "$plain" "$1"
}

say() {
    printf '    %s\n' "$1"
}

# A row of a table: a name and a figure, which ends in a fixed column, and words.
row() {
    printf '    %-22s %12s   %s%s%s\n' "$1" "$2" "$faint" "$3" "$plain"
}

# 1234567 as 1,234,567.
group() {
    echo "$1" | sed -e :a -e 's/^\([0-9]*[0-9]\)\([0-9]\{3\}\)/\1,\2/' -e ta
}

# Bytes as "12.3 MB".
size() {
    awk -v n="$1" 'BEGIN {
        if (n < 1e4) printf "%d bytes", n
        else if (n < 1e6) printf "%.0f kB", n / 1e3
        else if (n < 1e9) printf "%.1f MB", n / 1e6
        else printf "%.2f GB", n / 1e9
    }'
}

# Nanoseconds as "12.3 us".
duration() {
    awk -v n="$1" 'BEGIN {
        if (n < 2e3) printf "%d ns", n
        else if (n < 1e6) printf "%.1f us", n / 1e3
        else if (n < 1e9) printf "%.1f ms", n / 1e6
        else printf "%.2f s", n / 1e9
    }'
}

# How many a second, when there were $1 in $2 nanoseconds: "1.23 M".
rate() {
    awk -v n="$1" -v ns="$2" 'BEGIN {
        r = n * 1e9 / (ns > 0 ? ns : 1)
        if (r < 1e4) printf "%d", r
        else if (r < 1e6) printf "%.0f k", r / 1e3
        else printf "%.1f M", r / 1e6
    }'
}

# Nanoseconds since some moment; whole seconds where date knows no better.
now() {
    case $(date +%N) in
    *[!0-9]* | '') echo "$(date +%s)000000000" ;;
    *) date +%s%N ;;
    esac
}

# The number of this name in the JSON on standard input, the first one if there are several.
number() {
    tr ',{}' '[\n*]' | sed -n 's/^ *"'"$1"'": *\([0-9.]*\).*/\1/p' | sed -n 1p
}

nbytes() {
    wc -c <"$1" | tr -d ' '
}

nlines() {
    wc -l <"$1" | tr -d ' '
}

# ------------------------------------------------------------------ the input

printf '%sEvery file on this machine in one map: path -> size in bytes%s\n' "$bold" "$plain"

newline='
'
start=$(now)
if find . -maxdepth 0 -printf '' 2>/dev/null; then
    typed "find / -xdev -printf '%p\\t%s\\n' >files.tsv"
    # A name with a newline in it would be two lines: it is counted instead.
    find / -xdev \( -path "*$newline*" -fprintf odd 'x\n' \) -o -printf '%p\t%s\n' \
        2>/dev/null | head -n "$paths_max" >files.tsv || :
else
    # This find cannot tell sizes: the value is the number of the line.
    typed "find / -xdev | awk '{ print \$0 \"\\t\" NR }' >files.tsv"
    find / -xdev 2>/dev/null | head -n "$paths_max" |
        awk '{ if (!seen[$0]++) print $0 "\t" NR }' >files.tsv || :
    : >odd
fi
end=$(now)
paths=$(nlines files.tsv)
text_nbytes=$(nbytes files.tsv)
[ "$paths" -gt 0 ] || {
    echo "demo: found no file" >&2
    exit 2
}
say "$(group "$paths") paths in $(size "$text_nbytes") of text, in the order of the disk; $(duration $((end - start)))"
[ ! -s odd ] || say "left out: $(nlines odd) with a newline in the path"
[ "$paths" -lt "$paths_max" ] || say "there are more; the first $(group "$paths") will do"

# ------------------------------------------------------------------ the map

typed 'actree build files.tsv -o files.act'
start=$(now)
"$actree" build --progress=never files.tsv -o files.act
end=$(now)
file_nbytes=$(nbytes files.act)
say "$(size "$file_nbytes"), $((100 * file_nbytes / text_nbytes)) % of the text; sorted, built and on the disk in $(duration $((end - start)))"
say "or $(rate "$paths" $((end - start))) keys a second"

# A key from the middle of the list, for the lookups by hand.
sample=$(sed -n "$((paths / 2 + 1))p" files.tsv | sed 's/	[0-9]*$//')
typed "actree get files.act $sample"
"$actree" get files.act "$sample" | sed 's/^/    /'

# The folder with the most files directly in it, so that there is something to list.
folder=$(sed -n 's|^\(/.*/\)[^/]*	[0-9]*$|\1|p' files.tsv | sort | uniq -c | sort -rn |
    sed -n 's|^ *[0-9]* ||p' | sed -n 1p)
typed "actree prefix files.act $folder --limit 5"
"$actree" prefix files.act "$folder" --limit 5 | sed 's/^/    /'

# ------------------------------------------------------------------ measuring

heading 'The first touch, once the system has forgotten the file'
${CC:-cc} -O2 -I "$top/include" -o faults "$top/examples/faults.c" "$build/libactree.a"
./faults files.act "$sample" >touched
while read -r what ns minor major; do
    case $((minor + major)) in
    0) faults='no page fault' ;;
    1) faults="1 page fault, $major waiting for the disk" ;;
    *) faults="$((minor + major)) page faults, $major of them waiting for the disk" ;;
    esac
    case $what in
    open) row 'open' "$(duration "$ns")" "$faults" ;;
    first) row 'first lookup' "$(duration "$ns")" "$faults" ;;
    second) row 'the same once more' "$(duration "$ns")" "$faults" ;;
    esac
done <touched

awk -v keep="$queries" -v n="$paths" 'BEGIN { srand(1) }
    rand() < 1.1 * keep / n { print rand() "\t" $0 }' files.tsv |
    sort -n | cut -f 2- | sed 's/	[0-9]*$//' | head -n "$queries" >drawn
heading "Warm, $(group "$(nlines drawn)") keys drawn at random"
"$actree" bench files.act drawn --json >bench.json
single_ns=$(number single_ns <bench.json)
scan_rate=$(number scan_entries_per_s <bench.json)
open_ns=$(number open_us <bench.json | awk '{ printf "%d", $1 * 1000 }')
scan_ns=$(awk -v n="$paths" -v r="$scan_rate" 'BEGIN { printf "%d", n * 1e9 / r }')
row 'open and close' "$(duration "$open_ns")" "$(rate 1 "$open_ns") a second"
row 'a lookup' "$(group "$single_ns") ns" \
    "$(rate 1 "$single_ns") a second; found $(group "$(number hits <bench.json)")"
row 'a scan of everything' "$(duration "$scan_ns")" \
    "$(rate "$scan_rate" 1000000000) entries a second"

heading 'What the file is made of'
typed "actree info files.act"
"$actree" info files.act | sed -n '/^Bytes by kind/,/^$/{/./p;}' | sed 's/^/    /'

heading 'Is it sound?'
typed 'actree verify files.act'
start=$(now)
"$actree" verify files.act | sed 's/^/    /'
end=$(now)
say "$(duration $((end - start))), the start of the program included"

printf '\n%sAll of it was measured just now; the files are gone again. To keep one, say where:%s\n' \
    "$faint" "$plain"
printf '  find / -xdev -printf %s | build/actree build - -o files.act\n' "'%p\t%s\n'"
