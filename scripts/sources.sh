#!/bin/sh
# Lists the C sources and headers of the project, one a line.
cd "$(dirname "$0")/.." || exit
find include src tests fuzz bench examples \( -name '*.c' -o -name '*.h' \) -print 2>/dev/null |
    grep -v '/target/' | LC_ALL=C sort
