#include <string.h>

#include "commands.h"

/* A verb is one line here, one in commands.h, and its file. */
/* clang-format off */
const struct cli_verb *const cli_verbs[] = {
    &cmd_build,
    &cmd_convert,
    &cmd_split,
    &cmd_join,
    &cmd_merge,
    &cmd_compact,
    &cmd_dump,
    &cmd_get,
    &cmd_prefix,
    &cmd_range,
    &cmd_info,
    &cmd_resident,
    &cmd_verify,
    &cmd_history,
    &cmd_diff,
    &cmd_walk,
    &cmd_warm,
    &cmd_bench,
    &cmd_profile,
    &cmd_report,
    &cmd_help,
    &cmd_completions,
    NULL,
};
/* clang-format on */

const struct cli_verb *cli_verb_find(const char *name)
{
    for (const struct cli_verb *const *verb = cli_verbs; *verb; verb++)
        if (strcmp((*verb)->name, name) == 0)
            return *verb;
    return NULL;
}
