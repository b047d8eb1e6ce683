#!/bin/sh
# Runs a Windows program by Wine, in a Wine folder of its own in build-mingw: CMake's emulator.
#
#   scripts/wine.sh PROGRAM ARGUMENT...
set -eu
WINEPREFIX=$(cd "$(dirname "$0")/.." && pwd)/build-mingw/wine
WINEDEBUG=${WINEDEBUG:--all}
# Neither .NET nor a browser is wanted; Wine would offer to fetch them.
WINEDLLOVERRIDES=mscoree,mshtml=
export WINEPREFIX WINEDEBUG WINEDLLOVERRIDES
mkdir -p "$WINEPREFIX"
for wine in wine64 /usr/lib/wine/wine64 wine; do
    if command -v "$wine" >/dev/null 2>&1; then
        exec "$wine" "$@"
    fi
done
echo "$0: there is no wine64 here" >&2
exit 127
