#!/bin/sh
# Every test, in every kind of build. The release build comes last, so that the
# output ends with the summary of the whole suite; if a step before it failed,
# the very last lines name it and the exit status is 1.
#
# JOBS: how many things at a time (default 2).
# COVERAGE_MIN: the share of lines, in percent, below which coverage fails.
set -u
cd "$(dirname "$0")/.." || exit
JOBS=${JOBS:-2}
COVERAGE_MIN=${COVERAGE_MIN:-0}
export JOBS
failed=

step() {
    name=$1
    shift
    printf '\n== %s\n' "$name"
    began=$(date +%s)
    "$@" || failed="$failed, $name"
    printf '== %s: %s s\n' "$name" $(($(date +%s) - began))
}

build() {
    cmake --preset "$1" >/dev/null && cmake --build --preset "$1" -j "$JOBS"
}

build_and_test() {
    build "$1" && ctest --preset "$1" -j "$JOBS"
}

step coverage scripts/coverage.sh --lines --fail-under "$COVERAGE_MIN"
step tsan build_and_test tsan
step asan build_and_test asan
if command -v clang >/dev/null 2>&1; then
    step clang build clang
else
    printf '\n== clang: left out, there is no clang here\n'
fi

printf '\n== release\n'
build release && ctest --preset release -j "$JOBS" || failed="$failed, release"

[ -z "$failed" ] || {
    printf '\nmake test: failed: %s\n' "${failed#, }"
    exit 1
}
