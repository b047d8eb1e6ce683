#!/bin/sh
# Runs the tests in a build that counts lines, and prints the share of the lines
# of each room of src/ that they reach.
#
#   scripts/coverage.sh [--fail-under PERCENT]
set -eu
cd "$(dirname "$0")/.."
build="build-coverage"
jobs=${JOBS:-2}
cmake --preset coverage >/dev/null
cmake --build --preset coverage -j "$jobs"
# Counts of an earlier run, perhaps of other sources, would be added to this one's.
find $build -name '*.gcda' -delete
ctest --preset coverage -j "$jobs"
python3 scripts/coverage.py "$@" $build
