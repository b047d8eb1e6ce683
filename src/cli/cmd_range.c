#include <stdlib.h>

#include "commands.h"
#include "entries.h"

static const struct poptOption options[] = {CLI_OPTION_FROM, CLI_OPTION_TO, CLI_OPTION_REVERSE,
                                            CLI_OPTIONS_ENTRIES, CLI_OPTIONS_END};

static int run(struct cli_call *call)
{
    uint8_t *from = NULL;
    uint8_t *to = NULL;
    act_range range = {.limit = 0};
    uint64_t count = 0;
    int status = CLI_DONE;
    if (call->options.from)
        status = cli_key_argument(call, call->options.from, &from, &range.from_nbytes);
    if (status == CLI_DONE && call->options.to)
        status = cli_key_argument(call, call->options.to, &to, &range.to_nbytes);
    range.from = from;
    range.to = to;
    if (status == CLI_DONE)
        status = cli_print_entries(call, &range, &count);
    free(from);
    free(to);
    return status == CLI_DONE && count == 0 ? CLI_NO : status;
}

const struct cli_verb cmd_range = {
    .name = "range",
    .arguments = "FILE",
    .summary = "Print the entries with FROM <= key < TO, in either direction",
    .notes = "Exit status 1 if it printed none.\n",
    .options = options,
    .argument_count_min = 1,
    .argument_count_max = 1,
    .run = run,
};
