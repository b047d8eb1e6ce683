#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "entries.h"
#include "interrupt.h"
#include "message.h"
#include "open.h"
#include "progress.h"
#include "report.h"
#include "units.h"
#include "warm_trace.h"

static const struct poptOption options[] = {
    CLI_OPTION_ALL,    CLI_OPTION_HOT,           CLI_OPTION_PREFIX, CLI_OPTION_RESTORE,
    CLI_OPTION_TRACE,  CLI_OPTION_FIRST_QUERIES, CLI_OPTION_KEYS,   CLI_OPTION_NUL,
    CLI_OPTION_JSON,   CLI_OPTION_PROGRESS,      CLI_OPTION_MAPPED, CLI_OPTION_ADVICE,
    CLI_OPTION_BUDGET, CLI_OPTION_GUARD,         CLI_OPTION_AT,     CLI_OPTIONS_END};

static int print(struct cli_call *call, const struct cli_map *map, const act_warm_state *state,
                 uint64_t ns)
{
    char done[CLI_UNIT_NBYTES];
    char from_disk[CLI_UNIT_NBYTES];
    char wanted[CLI_UNIT_NBYTES];
    if (!call->options.json) {
        cli_out_format(&call->out, "%s in %.1f ms, %s of it from the disk\n",
                       cli_bytes_text(done, state->done_nbytes), (double)ns / 1e6,
                       cli_bytes_text(from_disk, state->read_nbytes));
        if (state->cut)
            cli_out_format(&call->out, "of %s: more does not fit in memory\n",
                           cli_bytes_text(wanted, state->wanted_nbytes));
        return CLI_DONE;
    }
    json_t *object = json_object();
    cli_report_text(object, "file", map->name);
    cli_report_u64(object, "wanted_bytes", state->wanted_nbytes);
    cli_report_u64(object, "warm_bytes", state->done_nbytes);
    cli_report_u64(object, "read_bytes", state->read_nbytes);
    cli_report_bool(object, "cut", state->cut);
    cli_report_real(object, "ms", (double)ns / 1e6);
    return cli_report_print(&call->out, object);
}

static act_status bring(struct cli_call *call, const struct cli_map *map,
                        const act_warm_options *what, struct cli_progress *progress,
                        act_warm_state *state_ret, act_error *error)
{
    if (!map->set)
        return act_map_warm(map->map, what, cli_progress_tell, progress, state_ret, error);
    if (call->options.restore)
        return act_set_warm_restore(map->set, call->options.restore, 0, cli_progress_tell, progress,
                                    state_ret, error);
    return act_set_warm(map->set, what, cli_progress_tell, progress, state_ret, error);
}

static int warm(struct cli_call *call, const struct cli_map *map, const act_warm_options *what)
{
    struct cli_progress progress;
    act_warm_state state;
    act_error error;
    cli_interrupt_catch();
    cli_progress_start(&progress, call->options.progress, "warming", "B");
    uint64_t started_ns = cli_now_ns();
    act_status status = bring(call, map, what, &progress, &state, &error);
    uint64_t ns = cli_now_ns() - started_ns;
    cli_progress_end(&progress);
    if (status == ACT_STOPPED)
        cli_die_of(cli_interrupted());
    if (status == ACT_OK)
        return print(call, map, &state, ns);
    if (status != ACT_NOT_FOUND)
        return cli_fail(map->name, &error);
    cli_say("%s: no key begins with that prefix", map->name);
    return CLI_NO;
}

/* What the options say is to be warm; `prefix` is to be freed, `set` to be closed. What was saved
 * of a set is read by what restores it. */
static int choose(struct cli_call *call, const struct cli_map *map, act_warm_options *what,
                  uint8_t **prefix, act_warm_set **set)
{
    const struct cli_options *given = &call->options;
    act_error error;
    what->what = given->all ? ACT_WARM_ALL : ACT_WARM_HOT;
    if (given->prefix) {
        what->what = ACT_WARM_PREFIX;
        int status = cli_key_argument(call, given->prefix, prefix, &what->prefix_nbytes);
        what->prefix = *prefix;
        return status;
    }
    if (given->restore && !map->set) {
        what->what = ACT_WARM_SET;
        if (act_warm_set_load(given->restore, set, &error) != ACT_OK)
            return cli_fail(NULL, &error);
        what->set = *set;
    }
    return CLI_DONE;
}

static int run(struct cli_call *call)
{
    struct cli_map map = {.name = NULL};
    act_warm_options what = {.what = ACT_WARM_ALL};
    uint8_t *prefix = NULL;
    act_warm_set *set = NULL;
    const struct cli_options *given = &call->options;
    if (given->all + given->hot + !!given->prefix + !!given->restore + !!given->trace != 1)
        return cli_usage_error("warm",
                               "one of --all, --hot, --prefix, --restore and --trace, please");
    if (given->limit_given && !given->trace)
        return cli_usage_error("warm", "--limit is for --trace");
    if (given->nul_records && !given->trace)
        cli_note_idle("--null", "--trace");
    if (strcmp(call->arguments[0], "-") == 0)
        return cli_usage_error("warm", "FILE must have a name, not be standard input: it is to "
                                       "stay in memory");
    int status = cli_refuse_copies(call);
    if (status != CLI_DONE)
        return status;
    if (given->trace)
        return cli_warm_trace(call);
    status = cli_map_or_set_open(call, &map, NULL);
    if (status == CLI_DONE)
        status = choose(call, &map, &what, &prefix, &set);
    if (status == CLI_DONE)
        status = warm(call, &map, &what);
    cli_map_close(&map);
    act_warm_set_close(set);
    free(prefix);
    return status;
}

const struct cli_verb cmd_warm = {
    .name = "warm",
    .arguments = "FILE",
    .summary = "Bring parts of a file into memory",
    .notes = "Waits until they are there, and reads no more than memory has room for: with --trace "
             "half\n"
             "of it, else seven eighths.\n",
    .options = options,
    .argument_count_min = 1,
    .argument_count_max = 1,
    .run = run,
};
