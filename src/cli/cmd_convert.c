#include "commands.h"
#include "convert.h"

static const struct poptOption options[] = {CLI_OPTIONS_CONVERT, CLI_OPTIONS_END};

static int run(struct cli_call *call)
{
    return cli_convert(call, call->arguments[1]);
}

const struct cli_verb cmd_convert = {
    .name = "convert",
    .arguments = "IN OUT",
    .summary = "Write the entries of a file as another one, in any layout",
    .notes =
        "IN is verified first; then OUT is built, and appears whole or not at all; then both are\n"
        "read again, and a checksum of all keys and values is compared. OUT may be IN.\n",
    .options = options,
    .argument_count_min = 2,
    .argument_count_max = 2,
    .run = run,
};
