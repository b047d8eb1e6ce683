#define _POSIX_C_SOURCE 200809L

#include <string.h>
#include <unistd.h>

#include "allocate.h"
#include "commands.h"
#include "message.h"
#include "out_file.h"
#include "page.h"
#include "page_set.h"
#include "progress.h"

static const struct poptOption options[] = {
    CLI_OPTION_OUTPUT, CLI_OPTION_CHECK, CLI_OPTION_NO_COLD,  CLI_OPTION_FIRST_QUERIES,
    CLI_OPTION_KEYS,   CLI_OPTION_NUL,   CLI_OPTION_PROGRESS, CLI_OPTION_MAPPED,
    CLI_OPTION_GUARD,  CLI_OPTION_AT,    CLI_OPTIONS_END};

enum {
    CELLS = 1536 /* spots of the picture of what is in memory */
};

static int get_info(struct cli_call *call, const struct cli_map *map, struct cli_page *page)
{
    struct cli_progress progress;
    act_error error;
    act_map_get_stat(map->map, &page->stat);
    cli_progress_start(&progress, call->options.progress, "counting", "B");
    act_status status = act_map_get_info(map->map, cli_progress_tell, &progress, &page->info,
                                         &error);
    cli_progress_end(&progress);
    cli_give_back();
    return status == ACT_OK ? CLI_DONE : cli_fail(map->name, &error);
}

static void add_sections(struct cli_page *page, const struct cli_resident *file)
{
    for (size_t i = 0; i < file->regions_count; i++) {
        const act_section_residency *region = &file->regions[i].residency;
        page->section_nbytes[region->region] += region->nbytes;
    }
}

/* What is in memory comes first: all else changes it. */
static int look(struct cli_call *call, struct cli_page *page, struct cli_resident *resident)
{
    struct cli_map map;
    int status = cli_map_or_set_open(call, &map, NULL);
    page->name = map.name;
    page->resident = resident;
    if (status == CLI_DONE)
        status = cli_resident_look(resident, call, &map, CELLS);
    if (status == CLI_DONE) {
        if (!map.set)
            add_sections(page, resident);
        for (size_t i = 0; i < resident->parts_count; i++)
            add_sections(page, &resident->parts[i]);
        status = map.set ? cli_page_look_at_set(call, &map, page) : get_info(call, &map, page);
    }
    cli_map_close(&map);
    return status;
}

/* Everything is known by now: nothing but the writing can fail. */
static void print_page(struct cli_out *out, const void *page)
{
    cli_page_print(out, page);
}

static void note_idle(const struct cli_options *given)
{
    static const char queries[] = "QUERIES";
    if (given->check)
        cli_note_idle("--check", queries);
    if (given->no_cold)
        cli_note_idle("--no-cold", queries);
    if (given->limit_given)
        cli_note_idle("--limit", queries);
    if (given->nul_records)
        cli_note_idle("--null", queries);
}

static int run(struct cli_call *call)
{
    static struct cli_profile profile;
    static struct cli_resident resident;
    struct cli_page page = {.name = NULL};
    bool has_log = call->argument_count > 1;
    if (strcmp(call->arguments[0], "-") == 0)
        return cli_usage_error("report", "FILE must have a name: what of it is in memory is shown");
    if (!has_log)
        note_idle(&call->options);
    int status = has_log ? cli_profile_check_options(call) : CLI_DONE;
    if (status == CLI_DONE)
        status = cli_refuse_copies(call);
    if (status == CLI_DONE)
        status = look(call, &page, &resident);
    if (status == CLI_DONE && has_log) {
        page.profile = &profile;
        page.log_name = cli_input_name(call->arguments[1]);
        status = cli_profile_make(call, &profile);
        if (status == CLI_DONE && call->options.check)
            status = cli_profile_check(call, &profile);
    }
    if (status == CLI_DONE)
        status = cli_out_file(call, print_page, &page);
    cli_resident_free(&resident);
    cli_page_free_set(&page);
    cli_profile_free(&profile);
    return status;
}

const struct cli_verb cmd_report = {
    .name = "report",
    .arguments = "FILE [QUERIES]",
    .summary = "Write a page about a file, and about the lookups of a log: HTML",
    .notes =
        "The page stands for itself: it needs no network and no other file. With QUERIES, keys "
        "one\n"
        "a line, it holds what profile tells; then the file's pages are thrown out of memory to\n"
        "measure, unless --no-cold says not to.\n",
    .options = options,
    .argument_count_min = 1,
    .argument_count_max = 2,
    .run = run,
};
