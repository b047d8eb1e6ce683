#!/bin/sh
# Runs the examples that were built into the folder given, and compares what they print.
#
#   test.sh FOLDER [SUFFIX]     of the names of programs
# shellcheck disable=SC2086,SC2317 # $run is words; functions are called through expect
set -eu
bin=$1
suffix=${2-}
run=${ACT_TEST_EMULATOR-}
scratch=$(mktemp -d "${TMPDIR:-/tmp}/actree-examples-XXXXXX")
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' HUP INT TERM
map=$scratch/words.act
failed=0

# expect STATUS COMMAND...: its output must be what standard input says.
expect() {
    wanted=$1
    shift
    cat >"$scratch/wanted"
    status=0
    "$@" >"$scratch/raw" 2>"$scratch/error" || status=$?
    tr -d '\r' <"$scratch/raw" >"$scratch/got"
    if [ "$status" -ne "$wanted" ] || ! diff "$scratch/wanted" "$scratch/got"; then
        echo "status $status, not $wanted, or printed something else: $*"
        cat "$scratch/error"
        failed=1
    fi
}

printf 'She sells sea shells; the shells she sells are sea shells, for sure.\n' >"$scratch/text"

build() {
    $run "$bin/words$suffix" "$map" <"$scratch/text"
}
expect 0 build <<END
8 words in 585 bytes
END
expect 2 $run "$bin/words$suffix" "$scratch/no-folder/words.act" </dev/null

expect 0 $run "$bin/lookup$suffix" "$map" she <<END
she: success
she	2
shells	3
END
expect 0 $run "$bin/lookup$suffix" "$map" se <<END
se: not found
sea	2
sells	2
END
expect 0 $run "$bin/lookup$suffix" "$map" shoals <<END
shoals: not found
END
expect 2 $run "$bin/lookup$suffix" "$scratch/text" she </dev/null

expect 0 $run "$bin/branches$suffix" "$map" <<END
are = 1
for = 1
s
 e
  a = 2
  lls = 2
 he = 2
   lls = 3
 ure = 1
the = 1
END
expect 0 $run "$bin/branches$suffix" "$map" she <<END
 = 2
lls = 3
END
expect 0 $run "$bin/branches$suffix" "$map" shoals </dev/null
expect 2 $run "$bin/branches$suffix" "$scratch/text" </dev/null

if [ -e "$bin/faults$suffix" ]; then
    # Times and faults differ; the form does not.
    form() {
        $run "$bin/faults$suffix" "$map" "$1" | sed 's/[0-9][0-9]*/N/g'
    }
    expect 0 form shells <<END
open	N	N	N
first	N	N	N
second	N	N	N
END
    expect 1 $run "$bin/faults$suffix" "$map" shoals </dev/null
fi

exit $failed
