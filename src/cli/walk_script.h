/* The language of `actree walk`: cursor commands, one a line, each answered by one line. */
#ifndef ACT_CLI_WALK_SCRIPT_H
#define ACT_CLI_WALK_SCRIPT_H

#include "actree.h"
#include "output.h"

struct walk {
    const act_map *map;
    act_cursor *cursor;
};

/*
 * Runs one command. `line` ends in a NUL, holds no newline, and is changed. Writes the answer,
 * `RESULT<TAB>HEXPATH`, to `out`; nothing for a blank line or one that starts with #.
 *
 * ACT_OK. ACT_ERR_INVALID: not a command; the text of `error` says why. Other errors are those of
 * the map. `error` must not be NULL.
 */
act_status walk_run(struct walk *walk, char *line, struct cli_out *out, act_error *error);

#endif
