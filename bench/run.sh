#!/bin/sh
# Measures actree and every peer that this machine has, in one run: `make bench`.
#
#   bench/run.sh [--quick | --smoke] [--parts A,B] [--sets A,B] [--engines A,B]
#                [--rounds N] [--out DIR] [--keep]
#
#   --quick   words and logic only, warm, three rounds; results in build-bench/results
#   --smoke   logic only, all parts, one round, no network, few queries: a test that
#             everything runs and all engines agree; status 77 if there is no peer
#   --parts   of warm, cold, scarce, tool, large
#   --sets    of paths, words, logic
#   --engines of those in README.md
#   --out     where the results go (default: bench/results)
#   --keep    parts that are not run stay as they are in the results
#
# BENCH_WORK names a folder for the files that are built; by default a new one
# on tmpfs, if that has room. BENCH_DISK names one on a disk, for what is measured
# there; by default one in build-bench. README.md in this folder says what is
# measured.
set -eu
cd "$(dirname "$0")/.."
mode=full sets=paths,words,logic rounds=0 engines='' out=''
parts=warm,cold,scarce,tool,large keep=''
while [ $# -gt 0 ]; do
    case $1 in
    --quick) mode=quick sets=words,logic rounds=3 parts=warm ;;
    --smoke) mode=smoke sets=logic rounds=1 ;;
    --parts) parts=$2 && shift ;;
    --sets) sets=$2 && shift ;;
    --engines) engines=$2 && shift ;;
    --rounds) rounds=$2 && shift ;;
    --out) out=$2 && shift ;;
    --keep) keep=--keep ;;
    *)
        sed -n '2,17s/^# \{0,1\}//p' "$0" >&2
        exit 2
        ;;
    esac
    shift
done
build="build-bench"
rust=bench/peers/rust/target/release
data=bench/data
case $mode in
full) out=${out:-bench/results} ;;
*) out=${out:-$build/results} ;;
esac

say() {
    echo "bench: $*" >&2
}

# Runs a command and shows what it said only if it failed.
quietly() {
    log=$build/last.log
    "$@" >"$log" 2>&1 || {
        cat "$log" >&2
        return 1
    }
}

mkdir -p $build "$out"
say "building"
quietly cmake -S . -B $build -DCMAKE_BUILD_TYPE=RelWithDebInfo -DACT_BENCH=ON \
    -DACT_BUILD_TESTS=OFF -DACT_BUILD_TOOL=ON
quietly cmake --build $build -j "${JOBS:-2}"

# The Rust peers: built in their own folder, since cargo heeds its settings there only.
why=
if [ $mode = smoke ]; then
    [ -x $rust/peer_reference ] || why="not built yet, and this run builds nothing from the network"
elif ! command -v cargo >/dev/null 2>&1; then
    why="there is no cargo on this machine"
elif ! (cd bench/peers/rust && cargo build --release --quiet) >$build/cargo.log 2>&1; then
    tail -n 5 $build/cargo.log >&2
    why="cargo could not build it"
fi
set --
if [ -n "$why" ]; then
    say "without the reference and fst: $why"
    for engine in reference reference-dump reference-shared fst; do
        set -- "$@" --left-out "$engine=$why"
    done
    if [ $mode = smoke ] && [ -z "$(find $build/bench -name 'peer_[lm]*' -type f)" ]; then
        say "skipped: there is no peer here"
        exit 77
    fi
fi

for name in $(echo "$sets" | tr , ' '); do
    bench/data.sh $data "$name"
    [ -s $data/"$name".txt ] || continue
    case $name in
    paths) options='' nqueries=1000000 ;;
    words) options='' nqueries=300000 ;;
    *) options=--hex nqueries=100000 ;;
    esac
    [ -z "$(find $data/"$name".keys -newer $data/"$name".txt -newer bench/pack.c 2>/dev/null)" ] ||
        continue
    say "packing $name"
    # shellcheck disable=SC2086 # no option or one
    $build/bench/pack $options $data/"$name".txt $nqueries $data/"$name"
done

# All files of the largest set together take some 1.5 GB; the large part takes its own decision.
room_kib=$(df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 { print $4 }')
if [ -n "${BENCH_WORK:-}" ]; then
    work=$(mktemp -d "$BENCH_WORK/actree-bench.XXXXXX")
elif [ "${room_kib:-0}" -gt 4000000 ] && [ -w /dev/shm ]; then
    work=$(mktemp -d /dev/shm/actree-bench.XXXXXX)
else
    work=$(mktemp -d $build/work.XXXXXX)
fi
disk=$(mktemp -d "${BENCH_DISK:-$build}/disk.XXXXXX")
trap 'rm -rf "$work" "$disk"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

[ -z "$keep" ] || set -- "$@" $keep
[ $mode != smoke ] || set -- "$@" --gentle
python3 bench/drive.py --bin $build/bench --rust $rust --tool $build/actree --data $data \
    --work "$work" --disk "$disk" --json "$out/bench.json" --parts "$parts" --sets "$sets" \
    --rounds "$rounds" --engines "$engines" "$@"
python3 bench/report.py "$out/bench.json" >"$out/bench.txt"
cat "$out/bench.txt"
if command -v gnuplot >/dev/null 2>&1; then
    python3 bench/plot.py "$out/bench.json" "$out"
else
    say "no pictures: there is no gnuplot on this machine"
fi
say "results are in $out"
