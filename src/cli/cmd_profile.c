#include <string.h>

#include "commands.h"
#include "message.h"
#include "open.h"
#include "profile.h"

static const struct poptOption options[] = {
    CLI_OPTION_CHECK, CLI_OPTION_NO_COLD, CLI_OPTION_FIRST_QUERIES, CLI_OPTION_JSON,
    CLI_OPTION_KEYS,  CLI_OPTION_NUL,     CLI_OPTION_PROGRESS,      CLI_OPTION_MAPPED,
    CLI_OPTION_GUARD, CLI_OPTION_AT,      CLI_OPTIONS_END};

static int run(struct cli_call *call)
{
    static struct cli_profile profile;
    if (strcmp(call->arguments[0], "-") == 0)
        return cli_usage_error("profile", "FILE must have a name: its pages are measured");
    int status = cli_profile_check_options(call);
    if (status == CLI_DONE)
        status = cli_refuse_copies(call);
    if (status == CLI_DONE)
        status = cli_profile_make(call, &profile);
    if (status == CLI_DONE && call->options.check)
        status = cli_profile_check(call, &profile);
    if (status == CLI_DONE && call->options.json)
        status = cli_profile_print_json(&call->out, &profile);
    else if (status == CLI_DONE)
        cli_profile_print(&call->out, &profile);
    cli_profile_free(&profile);
    return status;
}

const struct cli_verb cmd_profile = {
    .name = "profile",
    .arguments = "FILE QUERIES",
    .summary = "Tell which memory the lookups of a log need, and what they take",
    .notes =
        "Throws the file's pages out of memory to measure, again and again; --no-cold does not.\n"
        "--check runs the log with little memory, in a control group, and compares: it takes\n"
        "minutes. Takes memory for the log, 4 bytes for each page that a query touches (some 10),\n"
        "and 60 for each page that any touches.\n",
    .options = options,
    .argument_count_min = 2,
    .argument_count_max = 2,
    .run = run,
};
