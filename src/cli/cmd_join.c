#include "commands.h"
#include "convert.h"
#include "message.h"

static const struct poptOption options[] = {CLI_OPTION_OUTPUT, CLI_OPTIONS_CONVERT,
                                            CLI_OPTIONS_END};

static int run(struct cli_call *call)
{
    if (!call->options.output)
        return cli_usage_error("join", "which file to write? --output=FILE tells");
    return cli_convert(call, call->options.output);
}

const struct cli_verb cmd_join = {
    .name = "join",
    .arguments = "SET",
    .summary = "Write the entries of a set as one file, in any layout",
    .notes = "As convert does: SET is verified first, and at the end a checksum of all keys and\n"
             "values is compared.\n",
    .options = options,
    .argument_count_min = 1,
    .argument_count_max = 1,
    .run = run,
};
