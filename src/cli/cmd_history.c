#include "commands.h"
#include "message.h"
#include "open.h"
#include "report.h"

static const struct poptOption options[] = {CLI_OPTION_JSON, CLI_OPTIONS_OPENING, CLI_OPTIONS_END};

struct history {
    struct cli_out *out;
    json_t *roots; /* NULL: text is wanted */
};

static int print_root(void *context, uint64_t root, uint64_t file_nbytes)
{
    const struct history *history = context;
    if (!history->roots) {
        cli_out_u64(history->out, root, '\n');
        return 0;
    }
    json_t *entry = json_object();
    cli_report_u64(entry, "root", root);
    cli_report_u64(entry, "file_bytes", file_nbytes);
    return json_array_append_new(history->roots, entry);
}

static int print_history(struct cli_call *call, const struct cli_map *map)
{
    json_t *report = call->options.json ? json_object() : NULL;
    struct history history = {.out = &call->out, .roots = report ? json_array() : NULL};
    act_error error;
    int status = CLI_DONE;
    act_status found = act_map_history(map->map, print_root, &history, &error);
    if (found == ACT_STOPPED)
        status = cli_fail_nomem();
    else if (found != ACT_OK)
        status = cli_fail(map->name, &error);
    if (report) {
        cli_report_text(report, "file", map->name);
        json_object_set_new(report, "roots", history.roots);
        int printed = cli_report_print(&call->out, report);
        status = status == CLI_DONE ? printed : status;
    }
    return status;
}

static int run(struct cli_call *call)
{
    struct cli_map map;
    int status = cli_map_open(call, &map, NULL);
    if (status == CLI_DONE)
        status = print_history(call, &map);
    cli_map_close(&map);
    return status;
}

const struct cli_verb cmd_history = {
    .name = "history",
    .arguments = "FILE",
    .summary = "Print the offsets of a file's roots, newest first",
    .notes = "With --at=ROOT other verbs read the file as it was with that root.\n",
    .options = options,
    .argument_count_min = 1,
    .argument_count_max = 1,
    .run = run,
};
