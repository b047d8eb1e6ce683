#include "commands.h"
#include "message.h"

static const struct poptOption options[] = {CLI_OPTIONS_END};

static int run(struct cli_call *call)
{
    if (call->argument_count == 0)
        return cli_help();
    const struct cli_verb *verb = cli_verb_find(call->arguments[0]);
    if (!verb)
        return cli_usage_error("", "there is no verb \"%s\"", call->arguments[0]);
    return cli_help_verb(verb);
}

const struct cli_verb cmd_help = {
    .name = "help",
    .arguments = "[VERB]",
    .summary = "Print the help of the tool, or of a verb",
    .options = options,
    .argument_count_max = 1,
    .run = run,
};
