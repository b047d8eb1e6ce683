#include "commands.h"
#include "convert.h"
#include "interrupt.h"
#include "message.h"
#include "open.h"
#include "progress.h"

static const struct poptOption options[] = {
    CLI_OPTION_SHARE_MEMORY, CLI_OPTION_THREADS,   CLI_OPTION_NO_CHECK, CLI_OPTION_NO_SYNC,
    CLI_OPTION_MAX_KEY,      CLI_OPTION_MAX_STEPS, CLI_OPTION_VERBOSE,  CLI_OPTION_JSON,
    CLI_OPTION_PROGRESS,     CLI_OPTIONS_PAGES,    CLI_OPTIONS_END};

/* Which layout the file has; an exit status. */
static int find_layout(struct cli_call *call, unsigned *layout_ret)
{
    struct cli_map map;
    act_map_stat stat;
    act_map_info info;
    act_error error;
    struct cli_progress progress;
    /* What is to be in memory for the work, and the words on it, are for the second opening. */
    struct cli_call first = *call;
    first.options.populate = ACT_POPULATE_NONE;
    first.options.prefix_to_populate = NULL;
    first.options.lock = ACT_LOCK_NONE;
    first.options.huge = ACT_HUGE_OFF;
    int status = cli_map_open(&first, &map, NULL);
    if (status == CLI_DONE) {
        act_map_get_stat(map.map, &stat);
        *layout_ret = stat.layout;
    }
    if (status == CLI_DONE && stat.layout != ACT_LAYOUT_INDEXED) {
        cli_progress_start(&progress, call->options.progress, "counting", "B");
        act_status counted = act_map_get_info(map.map, cli_progress_tell, &progress, &info, &error);
        cli_progress_end(&progress);
        if (counted == ACT_STOPPED)
            status = CLI_TROUBLE;
        else if (counted != ACT_OK)
            status = cli_fail(map.name, &error);
        else
            *layout_ret = cli_layout_of(stat.layout, info.shared);
    }
    cli_map_close(&map);
    return status;
}

static int run(struct cli_call *call)
{
    const char *file = call->arguments[0];
    act_merge *writer;
    act_error error;
    cli_interrupt_catch();
    /* Nobody is to merge into a file that is about to be replaced. What is left of a merge that did
     * not end goes at once: it would be damage to who verifies. */
    act_status opened = act_merge_open(file, NULL, &writer, &error);
    if (opened == ACT_OK)
        opened = act_merge_finish(writer, NULL, &error);
    int status = opened == ACT_OK ? find_layout(call, &call->options.layout)
                                  : cli_fail(file, &error);
    if (status == CLI_DONE)
        status = cli_convert(call, file);
    act_merge_close(writer);
    if (cli_interrupted())
        cli_die_of(cli_interrupted());
    return status;
}

const struct cli_verb cmd_compact = {
    .name = "compact",
    .arguments = "FILE",
    .summary = "Make a file anew, in its layout, without its history",
    .notes =
        "As convert FILE FILE does, in the layout that FILE has, while no other may merge into\n"
        "it. Whoever has FILE open goes on with the old one.\n",
    .options = options,
    .argument_count_min = 1,
    .argument_count_max = 1,
    .run = run,
};
