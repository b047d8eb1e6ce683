#!/bin/sh
# The public header compiles alone, as C17 and as C++17, with each compiler that is here.
#
#   header.sh HEADER CC CXX...
set -u
header=$1
shift
strict='-fsyntax-only -pedantic -Wall -Wextra -Wundef -Wconversion -Wshadow -Werror'
ran=0
failed=0
for compiler in "$@"; do
    command -v "$compiler" >/dev/null 2>&1 || continue
    case $compiler in
    *++*) language='-x c++ -std=c++17' ;;
    *) language='-x c -std=c17 -Wstrict-prototypes' ;;
    esac
    echo "$compiler $language"
    # shellcheck disable=SC2086 # lists of options
    "$compiler" $language $strict "$header" || failed=1
    ran=$((ran + 1))
done
[ $ran -gt 0 ] || {
    echo "no compiler"
    exit 1
}
exit $failed
