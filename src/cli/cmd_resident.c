#define _POSIX_C_SOURCE 200809L

#include <string.h>
#include <time.h>
#include <unistd.h>

#include "commands.h"
#include "interrupt.h"
#include "message.h"
#include "out_file.h"
#include "report.h"
#include "resident.h"
#include "units.h"

static const struct poptOption options[] = {
    CLI_OPTION_TOP,    CLI_OPTION_DEPTH, CLI_OPTION_PREFIX, CLI_OPTION_KEYS, CLI_OPTION_JSON,
    CLI_OPTION_WATCH,  CLI_OPTION_SAVE,  CLI_OPTION_SVG,    CLI_OPTION_HTML, CLI_OPTION_OUTPUT,
    CLI_OPTION_MAPPED, CLI_OPTION_GUARD, CLI_OPTION_AT,     CLI_OPTIONS_END};

/* Spots of the map: on a terminal, of a picture. */
#define TEXT_CELLS    1024
#define PICTURE_CELLS 8192

static void draw_svg(struct cli_out *out, const void *resident)
{
    cli_resident_svg(out, resident);
}

static void draw_html(struct cli_out *out, const void *resident)
{
    cli_resident_html(out, resident);
}

static int show(struct cli_call *call, const struct cli_resident *resident)
{
    if (call->options.svg || call->options.html)
        return cli_out_file(call, call->options.svg ? draw_svg : draw_html, resident);
    if (call->options.json)
        return cli_resident_json(&call->out, resident);
    cli_resident_text(&call->out, resident);
    return CLI_DONE;
}

static int report_saved(struct cli_call *call, const struct cli_map *map,
                        const act_warm_set_info *info)
{
    char nbytes[CLI_UNIT_NBYTES];
    char runs[CLI_UNIT_NBYTES];
    if (!call->options.json) {
        cli_out_format(&call->out, "saved %s in %s runs of pages\n",
                       cli_bytes_text(nbytes, info->nbytes), cli_count_text(runs, info->runs));
        return CLI_DONE;
    }
    json_t *report = json_object();
    cli_report_text(report, "file", map->name);
    cli_report_text(report, "set", call->options.save);
    cli_report_u64(report, "saved_bytes", info->nbytes);
    cli_report_u64(report, "pages", info->pages);
    cli_report_u64(report, "runs", info->runs);
    return cli_report_print(&call->out, report);
}

/* Which pages of a file are in memory. What this process alone has would say nothing. */
static int save_map(struct cli_call *call, const struct cli_map *map, act_warm_set_info *info)
{
    act_residency *residency = NULL;
    act_warm_set *set = NULL;
    act_residency_totals totals;
    act_error error;
    int status = CLI_DONE;
    if (act_map_residency(map->map, &residency, &error) != ACT_OK)
        return cli_fail(map->name, &error);
    act_residency_get_totals(residency, &totals);
    if (!totals.cached.known || totals.source == ACT_RESIDENCY_PAGEMAP) {
        cli_say("%s: %s", map->name,
                totals.mapped ? "the system does not tell which of its pages are in memory"
                              : "it is small, or standard input, and is read as a whole: "
                                "there are no pages to save");
        status = CLI_TROUBLE;
    } else if (act_warm_set_take(map->map, residency, &set, &error) != ACT_OK) {
        status = cli_fail(map->name, &error);
    } else if (act_warm_set_save(set, call->options.save, &error) != ACT_OK) {
        status = cli_fail(NULL, &error);
    } else {
        act_warm_set_get_info(set, info);
    }
    act_warm_set_close(set);
    act_residency_close(residency);
    return status;
}

static int save(struct cli_call *call)
{
    struct cli_map map;
    act_warm_set_info info;
    act_error error;
    int status = cli_map_or_set_open(call, &map, NULL);
    if (status == CLI_DONE && map.set)
        status = act_set_warm_save(map.set, call->options.save, &info, &error) == ACT_OK
                     ? CLI_DONE
                     : cli_fail(map.name, &error);
    else if (status == CLI_DONE)
        status = save_map(call, &map, &info);
    if (status == CLI_DONE)
        status = report_saved(call, &map, &info);
    cli_map_close(&map);
    return status;
}

/* Each look opens the file anew: a map that stays open would keep pages in memory. */
static int look_once(struct cli_call *call)
{
    struct cli_map map;
    struct cli_resident resident = {.name = NULL};
    bool picture = call->options.svg || call->options.html;
    size_t cells = call->options.json ? 0 : picture ? PICTURE_CELLS : TEXT_CELLS;
    int status = cli_map_or_set_open(call, &map, NULL);
    if (status == CLI_DONE)
        status = cli_resident_look(&resident, call, &map, cells);
    if (status == CLI_DONE)
        status = show(call, &resident);
    cli_resident_free(&resident);
    cli_map_close(&map);
    return status;
}

/* Sleeps, unless a signal comes. */
static void pause_for(double seconds)
{
    struct timespec wanted;
    wanted.tv_sec = (time_t)seconds;
    wanted.tv_nsec = (long)((seconds - (double)wanted.tv_sec) * 1e9);
    nanosleep(&wanted, NULL);
}

static int watch(struct cli_call *call)
{
    bool on_terminal = isatty(STDOUT_FILENO) == 1 && !call->options.json;
    int status = CLI_DONE;
    cli_interrupt_catch();
    for (bool first = true; status == CLI_DONE && !cli_interrupted(); first = false) {
        /* Over what was there, and then away with what is left below: without a flicker. */
        if (on_terminal)
            cli_out_text(&call->out, first ? "\033[2J\033[H" : "\033[H");
        else if (!first && !call->options.json)
            cli_out_text(&call->out, "\n");
        status = look_once(call);
        if (on_terminal)
            cli_out_text(&call->out, "\033[J");
        if (!cli_out_flush(&call->out))
            break;
        if (status == CLI_DONE && !cli_interrupted())
            pause_for(call->options.watch_seconds);
    }
    return status;
}

static int run(struct cli_call *call)
{
    const struct cli_options *given = &call->options;
    if (given->svg + given->html + given->json > 1)
        return cli_usage_error("resident", "one of --json, --svg and --html, please");
    if (given->watch && (given->svg || given->html))
        return cli_usage_error("resident", "a picture does not change: --watch is not for it");
    if (given->output && !given->svg && !given->html)
        return cli_usage_error("resident", "--output is for --svg and --html");
    if (given->watch && strcmp(call->arguments[0], "-") == 0)
        return cli_usage_error("resident", "standard input cannot be watched");
    if (given->save && (given->watch || given->svg || given->html))
        return cli_usage_error("resident", "--save prints what it saved, and nothing else");
    int status = cli_refuse_copies(call);
    if (status != CLI_DONE)
        return status;
    if (given->save && (given->prefix || given->top_given || given->depth))
        cli_note_idle("--prefix, --top or --depth", "what is shown; --save saves all pages");
    else if (given->depth && given->top_given && !given->top)
        cli_note_idle("--depth", "prefixes, of which --top=0 shows none");
    if (given->save)
        return save(call);
    return given->watch ? watch(call) : look_once(call);
}

const struct cli_verb cmd_resident = {
    .name = "resident",
    .arguments = "FILE",
    .summary = "Show which parts of a file are in memory",
    .notes =
        "Nothing is brought into memory by looking: the tree is walked over where its pages are.\n"
        "\"missing\" are nodes that are not in memory, while their parents are. Prefixes are\n"
        "printed escaped, or with --keys=hex in hex.\n",
    .options = options,
    .argument_count_min = 1,
    .argument_count_max = 1,
    .run = run,
};
