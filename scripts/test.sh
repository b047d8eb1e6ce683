#!/bin/sh
# Every test, in every kind of build, or those of the kinds named.
#
#   scripts/test.sh [coverage|tsan|asan|clang|portable|i386|s390x|mingw|debug|release]...
#
# The release build comes last, so that the output ends with the summary of the
# whole suite; if a step before it failed, the very last lines name it. Exit
# status 1 if any did.
#
# JOBS: how many things at a time (default 2).
# COVERAGE_MIN: the share of lines, in percent, below which coverage fails (default 95).
set -u
cd "$(dirname "$0")/.." || exit
JOBS=${JOBS:-2}
COVERAGE_MIN=${COVERAGE_MIN:-95}
export JOBS

# The sanitizers of gcc 12 and clang 14 place their shadow where a kernel with more random bits than
# these may have put the program: they then stop at the start of it.
fixed_addresses=
bits=$(cat /proc/sys/vm/mmap_rnd_bits 2>/dev/null || echo 28)
if [ "$bits" -gt 28 ] && setarch -R true 2>/dev/null; then
    fixed_addresses='setarch -R'
fi

build() {
    # Warnings are errors in the release build too: some are seen by the optimiser only.
    cmake --preset "$1" -DACT_WERROR=ON >/dev/null && cmake --build --preset "$1" -j "$JOBS"
}

run() {
    build "$1" && $fixed_addresses ctest --preset "$1" -j "$JOBS"
}

# Whether programs with that sanitizer run here, and say nothing of their own: they need /proc, and
# may not run with any addresses.
sanitizer_works() {
    probe=$(mktemp) || return
    printf 'int main(void) { return 0; }\n' | ${CC:-cc} "-fsanitize=$1" -x c - -o "$probe" || return
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        said=$($fixed_addresses "$probe" 2>&1) || said="$said (status $?)"
        [ -z "$said" ] || break
    done
    rm -f "$probe"
    [ -z "$said" ]
}

run_sanitized() {
    if sanitizer_works "$2"; then
        run "$1"
    else
        echo "LEFT OUT: a program with -fsanitize=$2 that does nothing says here:"
        echo "$said"
    fi
}

# Counts of an earlier run, perhaps of other sources, would be added to those of the next.
forget_counts() {
    [ ! -d build-coverage ] || find build-coverage -name '*.gcda' -delete
}

coverage() {
    forget_counts
    # Building runs the tool, for its completions.
    build coverage && forget_counts || return
    ctest --preset coverage -j "$JOBS" &&
        python3 scripts/coverage.py --lines --fail-under "$COVERAGE_MIN" build-coverage
}

# What clang's compiler says; its code is tested under its sanitizers, by `make fuzz`.
clang_compiles() {
    if command -v clang >/dev/null 2>&1; then
        build clang
    else
        echo "left out: there is no clang here"
    fi
}

# Programs for another machine or system, with libraries of its own.
run_foreign() {
    scripts/sysroot.sh "$1" "build-$1/sysroot" && run "$1"
}

[ $# -gt 0 ] || set -- coverage tsan asan clang release
failed=
for step in "$@"; do
    printf '\n== %s\n' "$step"
    case $step in
    coverage) coverage ;;
    clang) clang_compiles ;;
    tsan) run_sanitized tsan thread ;;
    asan) run_sanitized asan address,undefined ;;
    i386 | s390x | mingw) run_foreign "$step" ;;
    debug | portable | release) run "$step" ;;
    *)
        echo "$0: no step '$step'" >&2
        exit 2
        ;;
    esac || failed="$failed $step"
done
[ -z "$failed" ] || {
    printf '\nFAILED:%s\n' "$failed"
    exit 1
}
