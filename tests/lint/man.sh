#!/bin/sh
# mandoc finds no fault with the manual pages that were built into the folder given.
command -v mandoc >/dev/null 2>&1 || {
    echo "skipped: there is no mandoc here"
    exit 77
}
set -- "$1"/*.[1-9]
[ -e "$1" ] || {
    echo "skipped: no page was built, there is no scdoc here"
    exit 77
}
# scdoc begins a paragraph after each heading and before each list, which roff ignores and lint notes.
found=$(for page in "$@"; do
    mandoc -T lint -W warning "$page"
done | grep -v ': skipping paragraph macro: PP ')
[ -z "$found" ] || {
    printf '%s\n' "$found"
    exit 1
}
