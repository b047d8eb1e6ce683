#include <stdlib.h>

#include "commands.h"
#include "entries.h"

static const struct poptOption options[] = {CLI_OPTIONS_ENTRIES, CLI_OPTION_REVERSE,
                                            CLI_OPTIONS_END};

static int run(struct cli_call *call)
{
    uint8_t *prefix;
    act_range range = {.limit = 0};
    int status = cli_key_argument(call, call->arguments[1], &prefix, &range.prefix_nbytes);
    if (status != CLI_DONE)
        return status;
    uint64_t count;
    range.prefix = prefix;
    status = cli_print_entries(call, &range, &count);
    free(prefix);
    return status == CLI_DONE && count == 0 ? CLI_NO : status;
}

const struct cli_verb cmd_prefix = {
    .name = "prefix",
    .arguments = "FILE PREFIX",
    .summary = "Print the entries whose keys start with PREFIX",
    .notes = "Exit status 1 if it printed none.\n",
    .options = options,
    .argument_count_min = 2,
    .argument_count_max = 2,
    .run = run,
};
