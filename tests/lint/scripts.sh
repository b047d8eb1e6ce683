#!/bin/sh
# The shell scripts parse, and shellcheck, where there is one, finds nothing.
cd "$(dirname "$0")/../.." || exit
list=$(find . \( -name 'build*' -o -name .git -o -name target -o -name out \) -prune -o \
    -type f \( -name '*.sh' -o -path './.ci/run' \) -print)
[ -n "$list" ] || exit 1
failed=0
for script in $list; do
    case $(head -n 1 "$script") in
    '#!/bin/sh') sh -n "$script" || failed=1 ;;
    '#!/usr/bin/env bash' | '#!/bin/bash') bash -n "$script" || failed=1 ;;
    *)
        echo "$script: begins with neither #!/bin/sh nor #!/usr/bin/env bash"
        failed=1
        ;;
    esac
    [ -x "$script" ] || {
        echo "$script: is not executable"
        failed=1
    }
done
if command -v shellcheck >/dev/null 2>&1; then
    # shellcheck disable=SC2086 # paths of this tree have no blanks
    shellcheck $list || failed=1
else
    echo "there is no shellcheck here: parsed only"
fi
exit $failed
