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
# The server that all programs share would start with the first one and end with the last, which at
# times cuts off another that has just come. So it is started here, and waits a minute for more.
for server in wineserver64 /usr/lib/wine/wineserver64 wineserver; do
    if command -v "$server" >/dev/null 2>&1; then
        "$server" --persistent=60 >/dev/null 2>&1 || : # it is there already
        break
    fi
done
for wine in wine64 /usr/lib/wine/wine64 wine; do
    if command -v "$wine" >/dev/null 2>&1; then
        exec "$wine" "$@"
    fi
done
echo "$0: there is no wine64 here" >&2
exit 127
