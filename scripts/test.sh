#!/bin/sh
# Every test, in every kind of build, or those of the kinds named.
#
#   scripts/test.sh [STEP]...
#
# Steps: coverage races asan clang platforms release, which are all of them unless told; and tsan,
# portable, i386, s390x, mingw, debug, mcdc.
#
# The release build comes last, so that the output ends with the summary of the
# whole suite; if a step before it failed, or something was left out for want of
# what it needs here, the very last lines name it. Exit status 1 if any failed.
#
# JOBS: how many things at a time (default 2).
# COVERAGE_MIN: the share of lines, in percent, below which coverage fails (default 95).
# MCDC_MIN: the shares of conditions that are shown to decide by themselves, ROOM=PERCENT each, but
# for tests/coverage/mcdc.txt.
# BRANCHES_MIN: the shares of branches, ROOM=PERCENT each, but for tests/coverage/exclusions.txt.
set -u
cd "$(dirname "$0")/.." || exit
JOBS=${JOBS:-2}
COVERAGE_MIN=${COVERAGE_MIN:-95}
MCDC_MIN=${MCDC_MIN:-format=100 read=99.5 verify=99 merge=99 build=99}
BRANCHES_MIN=${BRANCHES_MIN:-format=100 read=99.5 verify=99.7 merge=99.5 build=99.5}
export JOBS

# The sanitizers of gcc 12 and clang 14 place their shadow where a kernel with more random bits than
# these may have put the program: they then stop at the start of it.
fixed_addresses=
bits=$(cat /proc/sys/vm/mmap_rnd_bits 2>/dev/null || echo 28)
if [ "$bits" -gt 28 ] && setarch -R true 2>/dev/null; then
    fixed_addresses='setarch -R'
fi

# What was left out, and what failed, by name.
omitted=
failed=

leave_out() {
    echo "LEFT OUT: $2"
    omitted="$omitted $1"
}

build() {
    # Warnings are errors in the release build too: some are seen by the optimiser only.
    cmake --preset "$1" -DACT_WERROR=ON >/dev/null && cmake --build --preset "$1" -j "$JOBS"
}

# The tests of a kind of build; more words are options of ctest.
run() {
    preset=$1
    shift
    build "$preset" && $fixed_addresses ctest --preset "$preset" -j "$JOBS" "$@"
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

# The same with a sanitizer, whose name comes first.
run_sanitized() {
    sanitizer=$1
    shift
    if sanitizer_works "$sanitizer"; then
        run "$@"
    else
        leave_out "$1" "a program with -fsanitize=$sanitizer that does nothing says here:"
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
    ctest --preset coverage -j "$JOBS" || return
    set -- --lines --missed --fail-under "$COVERAGE_MIN" --exclusions tests/coverage/exclusions.txt
    for share in $BRANCHES_MIN; do
        set -- "$@" --branches "$share"
    done
    python3 scripts/coverage.py "$@" build-coverage
}

# The same by clang, which tells too which condition of several has decided.
mcdc() {
    if ! command -v clang-19 >/dev/null || ! command -v llvm-cov-19 >/dev/null; then
        leave_out mcdc "there is no clang-19 with llvm-19 here"
        return
    fi
    rm -rf build-mcdc/counts
    build mcdc && rm -rf build-mcdc/counts || return
    ctest --preset mcdc -j "$JOBS" -LE 'docs|bench' || return
    set -- --missed --exclusions tests/coverage/mcdc.txt
    for share in $MCDC_MIN; do
        set -- "$@" --fail-under "$share"
    done
    python3 scripts/mcdc.py "$@" build-mcdc format read verify merge build
}

# What clang's compiler says; its code is tested under its sanitizers, by `make fuzz`.
clang_compiles() {
    if command -v clang >/dev/null 2>&1; then
        build clang
    else
        leave_out clang "there is no clang here"
    fi
}

# Programs for another machine or system, with libraries of its own.
run_foreign() {
    scripts/sysroot.sh "$1" "build-$1/sysroot" && run "$1"
}

# Whether there is what makes and runs programs for that platform.
can_run() {
    case $1 in
    portable) : ;;
    i386) command -v i686-linux-gnu-gcc && [ -e /lib/ld-linux.so.2 ] ;;
    s390x) command -v s390x-linux-gnu-gcc && command -v qemu-s390x ;;
    mingw) command -v x86_64-w64-mingw32-gcc && scripts/wine.sh --version ;;
    esac >/dev/null 2>&1
}

# A platform that can run is to have its libraries too: without them this fails.
run_part() {
    [ "$1" = portable ] || scripts/sysroot.sh "$1" "build-$1/sysroot" || return
    cmake --preset "$1" >/dev/null &&
        cmake --build --preset "$1" -j "$JOBS" --target test_platform test_golden test_get \
            test_build_indexed &&
        ctest --preset "$1" -j "$JOBS" -R '^test_(platform|golden|get|build_indexed)$'
}

# Of each other platform, a few tests that would show most: its own contracts, files written byte for
# byte as elsewhere, and answers. `make PLATFORM` runs all of them.
run_parts() {
    status=0
    for platform in portable i386 s390x mingw; do
        printf '\n-- %s\n' "$platform"
        if ! can_run "$platform"; then
            leave_out "$platform" "there is no compiler or emulator for it here"
            continue
        fi
        run_part "$platform" || {
            echo "FAILED: $platform"
            status=1
            failed="$failed $platform"
        }
    done
    return $status
}

[ $# -gt 0 ] || set -- coverage races asan clang platforms release
for step in "$@"; do
    printf '\n== %s\n' "$step"
    case $step in
    coverage) coverage ;;
    mcdc) mcdc ;;
    clang) clang_compiles ;;
    # What has no threads, or has them elsewhere too, is left to `make tsan`: it takes minutes.
    races) run_sanitized thread tsan -LE 'bench|docs|examples|fault|fuzz|hostile|interop|model' ;;
    tsan) run_sanitized thread tsan ;;
    asan) run_sanitized address,undefined asan ;;
    i386 | s390x | mingw) run_foreign "$step" ;;
    platforms) run_parts ;;
    debug | portable | release) run "$step" ;;
    *)
        echo "$0: no step '$step'" >&2
        exit 2
        ;;
    esac || failed="$failed $step"
done
[ -z "$omitted" ] || printf '\nLEFT OUT:%s\n' "$omitted"
[ -z "$failed" ] || {
    printf '\nFAILED:%s\n' "$failed"
    exit 1
}
