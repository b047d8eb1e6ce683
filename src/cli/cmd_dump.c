#include "commands.h"
#include "entries.h"

static const struct poptOption options[] = {CLI_OPTIONS_ENTRIES, CLI_OPTION_REVERSE,
                                            CLI_OPTIONS_END};

static int run(struct cli_call *call)
{
    act_range everything = {.limit = 0};
    uint64_t count;
    return cli_print_entries(call, &everything, &count);
}

const struct cli_verb cmd_dump = {
    .name = "dump",
    .arguments = "FILE",
    .summary = "Print every entry as KEY<TAB>VALUE, in byte order",
    .options = options,
    .argument_count_min = 1,
    .argument_count_max = 1,
    .run = run,
};
