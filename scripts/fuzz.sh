#!/bin/sh
# Runs each libFuzzer program of build-fuzz for SECONDS (default 60) on the
# corpus of its target. Inputs that are new and reach further stay in
# build-fuzz/corpus/TARGET; a finding stops the run and is left beside them.
#
#   scripts/fuzz.sh [TARGET...]
set -eu
cd "$(dirname "$0")/.."
seconds=${SECONDS_EACH:-60}
[ $# -gt 0 ] || set -- fuzz/*/
for target in "$@"; do
    target=$(basename "$target")
    found=build-fuzz/corpus/$target
    mkdir -p "$found"
    echo "== $target: $seconds s"
    build-fuzz/fuzz/fuzz_"$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 \
        -max_len=65536 -print_final_stats=1 -artifact_prefix="$found-" \
        "$found" "fuzz/$target/corpus"
done
