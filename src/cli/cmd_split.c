/*
 * A file as a set: its keys are cut where act_map_split says, and each part is built from a scan of
 * its range, on a thread of its own. Parts get names that were not there before, and the manifest
 * comes last, so that an older set stays whole until the new one is.
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "allocate.h"
#include "assemble.h"
#include "commands.h"
#include "copying.h"
#include "interrupt.h"
#include "message.h"
#include "open.h"
#include "parts.h"
#include "progress.h"
#include "report.h"
#include "units.h"

/* How many entries go by between two looks at clock and signals. */
#define TELL_EVERY  4096
#define THREADS_MAX 64
/* What building on a thread takes, at the most; all of them may take half of what there is. */
#define THREAD_MEMORY_NBYTES ((uint64_t)8 << 20)
#define PARTS_MAX            100000

static const struct poptOption options[] = {
    CLI_OPTION_OUTPUT,   CLI_OPTION_PARTS,        CLI_OPTION_PART_SIZE, CLI_OPTION_LAYOUT,
    CLI_OPTION_THREADS,  CLI_OPTION_SHARE_MEMORY, CLI_OPTION_NO_CHECK,  CLI_OPTION_NO_SYNC,
    CLI_OPTION_MAX_KEY,  CLI_OPTION_MAX_STEPS,    CLI_OPTION_VERBOSE,   CLI_OPTION_JSON,
    CLI_OPTION_PROGRESS, CLI_OPTIONS_OPENING,     CLI_OPTIONS_END};

struct splitting {
    const struct cli_call *call;
    const char *path; /* of the manifest */
    struct cli_map map;
    struct cli_progress progress;
    struct cli_inventory input;
    act_digest digest; /* of the input, unless nothing is to be checked */
    struct cli_parts parts;
    size_t at;     /* without threads: the part that is being built */
    uint64_t done; /* entries of the parts that are complete */
    bool no_memory;
    uint64_t file_nbytes; /* of all parts */
};

/* Tells an error of reading, unless the work was stopped by a signal. Returns an exit status. */
static int fail_reading(const struct splitting *splitting, act_status status,
                        const act_error *error)
{
    if (status == ACT_STOPPED)
        return CLI_TROUBLE;
    return status == ACT_OK ? CLI_DONE : cli_fail(splitting->map.name, error);
}

/* ------------------------------------------------------------------------------- what is there */

/* Looks at the whole input before anything is written. */
static int inspect(struct splitting *splitting)
{
    const struct cli_options *wanted = &splitting->call->options;
    struct cli_progress *progress = &splitting->progress;
    act_error error;
    act_status status = cli_inspect(&splitting->map, wanted, progress, &splitting->input, &error);
    if (status == ACT_OK && !wanted->no_check) {
        cli_progress_next(progress, wanted->progress, "reading", "entries");
        status = act_map_digest(splitting->map.map, cli_progress_tell, progress, &splitting->digest,
                                &error);
    }
    return fail_reading(splitting, status, &error);
}

static int add_cut(void *context, const uint8_t *key, size_t key_nbytes)
{
    struct splitting *splitting = context;
    splitting->no_memory = !cli_parts_add(&splitting->parts, key, key_nbytes);
    return splitting->no_memory;
}

/* How many parts were asked for. */
static size_t wanted_parts(const struct splitting *splitting)
{
    const struct cli_options *wanted = &splitting->call->options;
    uint64_t nbytes = cli_map_file_nbytes(&splitting->map);
    uint64_t count = wanted->parts ? wanted->parts : (nbytes - 1) / wanted->part_nbytes + 1;
    return count < PARTS_MAX ? (size_t)count : PARTS_MAX;
}

/* Decides where to cut, and how the parts are called. */
static int plan(struct splitting *splitting)
{
    act_error error;
    splitting->no_memory = !cli_parts_add(&splitting->parts, NULL, 0);
    act_status status = ACT_STOPPED;
    if (!splitting->no_memory)
        status = act_map_split(splitting->map.map, NULL, wanted_parts(splitting), add_cut,
                               splitting, &error);
    if (splitting->no_memory)
        return cli_fail_nomem();
    if (status != ACT_OK)
        return cli_fail(splitting->map.name, &error);
    return cli_parts_name(&splitting->parts, splitting->path);
}

/* ------------------------------------------------------------------------------------ on threads
 */

static int add_in_part(void *context, size_t index, const uint8_t *key, size_t key_nbytes,
                       uint64_t value)
{
    struct splitting *splitting = context;
    struct cli_part *part = &splitting->parts.items[index];
    if (!part->builder && !cli_part_open(&splitting->parts, part))
        return 1;
    if (!cli_part_added(part, act_builder_add(part->builder, key, key_nbytes, value, &part->error)))
        return 1;
    return part->done % TELL_EVERY == 0 && cli_interrupted();
}

/* On the caller's thread, one part after the other. */
static int end_part(void *context, size_t index)
{
    struct splitting *splitting = context;
    struct cli_part *part = &splitting->parts.items[index];
    /* Where no key was found nobody has begun. */
    if (!part->builder && !cli_part_open(&splitting->parts, part))
        return 1;
    if (!cli_part_finish(part))
        return 1;
    splitting->done += part->done;
    return cli_progress_tell(&splitting->progress, splitting->done, splitting->input.keys);
}

static act_status build_on_threads(struct splitting *splitting, unsigned threads, act_error *error)
{
    act_parallel_options parallel = {
        .threads = threads, .parts = wanted_parts(splitting), .part_end = end_part};
    splitting->parts.builder_options.threads = 1;
    return act_map_scan_parallel(splitting->map.map, NULL, &parallel, add_in_part, splitting,
                                 error);
}

/* --------------------------------------------------------------------------------- one by one */

/* Makes the part at hand the one that a path belongs to; NULL after an error. */
static struct cli_part *go_to(struct splitting *splitting, const uint8_t *path, size_t nbytes)
{
    struct cli_parts *parts = &splitting->parts;
    for (;;) {
        struct cli_part *part = &parts->items[splitting->at];
        if (!part->builder && !cli_part_open(parts, part))
            return NULL;
        if (splitting->at + 1 == parts->count ||
            cli_key_compare(path, nbytes, part[1].from, part[1].from_nbytes) < 0)
            return part;
        if (!cli_part_finish(part))
            return NULL;
        splitting->done += part->done;
        splitting->at++;
    }
}

static int tell(struct splitting *splitting, const struct cli_part *part)
{
    return part->done % TELL_EVERY == 0 &&
           cli_progress_tell(&splitting->progress, splitting->done + part->done,
                             splitting->input.keys);
}

static int add_place(void *context, const uint8_t *path, size_t path_nbytes, const uint64_t *value)
{
    struct splitting *splitting = context;
    struct cli_part *part = go_to(splitting, path, path_nbytes);
    if (!part)
        return 1;
    act_status status = value
                            ? act_builder_add(part->builder, path, path_nbytes, *value,
                                              &part->error)
                            : act_builder_add_path(part->builder, path, path_nbytes, &part->error);
    if (!cli_part_added(part, status))
        return 1;
    return tell(splitting, part);
}

static act_status build_alone(struct splitting *splitting, act_error *error)
{
    struct cli_parts *parts = &splitting->parts;
    act_status status = cli_visit_places(splitting->map.map, splitting->input.dangling_paths > 0,
                                         add_place, splitting, error);
    for (; status == ACT_OK && splitting->at < parts->count; splitting->at++) {
        struct cli_part *part = &parts->items[splitting->at];
        if ((!part->builder && !cli_part_open(parts, part)) || !cli_part_finish(part))
            status = ACT_STOPPED;
    }
    return status;
}

/* ---------------------------------------------------------------------------------------- whole */

/* On how many threads parts are built. Where memory allows but one, it builds the same files. */
static unsigned count_threads(act_builder_options *builder_options)
{
    unsigned threads = builder_options->threads < THREADS_MAX ? builder_options->threads
                                                              : THREADS_MAX;
    uint64_t allowed = act_memory_available() / 2 / THREAD_MEMORY_NBYTES;
    if (threads <= 1 || threads <= allowed)
        return threads;
    builder_options->threads = 1;
    return allowed ? (unsigned)allowed : 1;
}

static int build(struct splitting *splitting)
{
    struct cli_parts *parts = &splitting->parts;
    act_error error;
    parts->builder_options = cli_builder_options(&splitting->call->options);
    unsigned threads = count_threads(&parts->builder_options);
    cli_progress_next(&splitting->progress, splitting->call->options.progress, "splitting",
                      "entries");
    act_status status = threads > 1 && parts->count > 1 && splitting->input.dangling_paths == 0
                            ? build_on_threads(splitting, threads, &error)
                            : build_alone(splitting, &error);
    cli_progress_end(&splitting->progress);
    cli_give_back();
    for (size_t i = 0; i < parts->count; i++) {
        if (parts->items[i].status != ACT_OK)
            return cli_fail(parts->items[i].path, &parts->items[i].error);
        splitting->file_nbytes += parts->items[i].file_nbytes;
    }
    if (status == ACT_OK && cli_interrupted())
        status = ACT_STOPPED;
    return fail_reading(splitting, status, &error);
}

/* Whether the manifest that is at its place names these parts. */
static bool is_in_place(const struct splitting *splitting)
{
    act_set *set;
    act_set_part part;
    if (act_set_open(splitting->path, NULL, &set, NULL) != ACT_OK)
        return false;
    bool is = act_set_get_part(set, 0, &part, NULL) == ACT_OK &&
              strcmp(part.name, splitting->parts.items[0].name) == 0;
    act_set_close(set);
    return is;
}

static int write_manifest(struct splitting *splitting)
{
    const struct cli_parts *parts = &splitting->parts;
    bool check = !splitting->call->options.no_check;
    act_set_create_options create = {.no_sync = splitting->call->options.no_sync,
                                     .progress = cli_progress_tell,
                                     .context = &splitting->progress,
                                     .expected = check ? &splitting->digest : NULL};
    act_error error;
    act_set_member *members = calloc(parts->count, sizeof(*members));
    if (!members)
        return cli_fail_nomem();
    for (size_t i = 0; i < parts->count; i++)
        members[i] = (act_set_member){parts->items[i].name, parts->items[i].from,
                                      parts->items[i].from_nbytes};
    cli_progress_next(&splitting->progress, splitting->call->options.progress, "comparing",
                      "entries");
    act_status status = act_set_create(splitting->path, members, parts->count, &create, &error);
    cli_progress_end(&splitting->progress);
    free(members);
    if (status == ACT_STOPPED)
        return CLI_TROUBLE;
    return status == ACT_OK ? CLI_DONE : cli_fail(splitting->path, &error);
}

/* Removes the parts of the set that was there before, if they were made for it. */
static void remove_old(const struct splitting *splitting, const act_set *old)
{
    for (size_t i = 0; old && i < act_set_part_count(old); i++) {
        char *path = cli_set_part_path(old, splitting->path, i, true);
        if (path && unlink(path) != 0 && errno != ENOENT)
            cli_fail_os(path, "a part of the set before could not be removed", errno);
        free(path);
    }
}

/* What is at the path of the manifest now: nothing, or a set, whose parts are told. */
static int look_at_target(const struct splitting *splitting, act_set **old_ret)
{
    act_error error;
    act_status status = act_set_open(splitting->path, NULL, old_ret, &error);
    if (status == ACT_ERR_FORMAT || status == ACT_ERR_NOT_REGULAR) {
        cli_say("%s: is there, and is not the manifest of a set: not replaced", splitting->path);
        return CLI_TROUBLE;
    }
    /* It would be removed with the others. */
    if (*old_ret &&
        cli_set_has_file(*old_ret, splitting->path, splitting->call->arguments[0], true)) {
        cli_say("%s: is a part of %s, which is not replaced therefore", splitting->map.name,
                splitting->path);
        return CLI_TROUBLE;
    }
    if (status == ACT_OK || status == ACT_ERR_CORRUPT || status == ACT_ERR_TRUNCATED ||
        (status == ACT_ERR_IO && error.os_code == ENOENT))
        return CLI_DONE;
    return cli_fail(splitting->path, &error);
}

static int split(struct splitting *splitting)
{
    act_set *old = NULL;
    int status = look_at_target(splitting, &old);
    if (status == CLI_DONE)
        status = inspect(splitting);
    if (status == CLI_DONE)
        status = plan(splitting);
    if (status == CLI_DONE) {
        status = build(splitting);
        if (status == CLI_DONE)
            status = write_manifest(splitting);
        if (status == CLI_DONE)
            remove_old(splitting, old);
        else if (!is_in_place(splitting))
            cli_parts_remove(&splitting->parts);
    }
    act_set_close(old);
    cli_progress_end(&splitting->progress);
    return status;
}

static int report_json(struct cli_out *out, const struct splitting *splitting)
{
    char content[CLI_DIGEST_TEXT_NBYTES];
    json_t *report = json_object();
    cli_report_text(report, "file", splitting->map.name);
    cli_report_text(report, "output", splitting->path);
    cli_report_text(report, "layout", cli_layout_name(splitting->call->options.layout));
    cli_report_u64(report, "parts", splitting->parts.count);
    cli_report_u64(report, "keys", splitting->input.keys);
    cli_report_u64(report, "dangling_paths", splitting->input.dangling_paths);
    cli_report_u64(report, "input_bytes", cli_map_file_nbytes(&splitting->map));
    cli_report_u64(report, "file_bytes", splitting->file_nbytes);
    if (splitting->call->options.no_check)
        cli_report_null(report, "content");
    else
        cli_report_text(report, "content", cli_digest_text(content, &splitting->digest));
    return cli_report_print(out, report);
}

static int run(struct cli_call *call)
{
    const struct cli_options *wanted = &call->options;
    struct splitting splitting = {.call = call, .path = wanted->output};
    char text[3][CLI_UNIT_NBYTES];
    if (!wanted->output || strcmp(wanted->output, "-") == 0)
        return cli_usage_error("split", "which set to write? --output=FILE tells");
    if (!wanted->parts == !wanted->part_nbytes)
        return cli_usage_error("split", "how many parts? --parts or --part-size tells");
    if (wanted->parts > PARTS_MAX)
        return cli_usage_error("split", "at most %d parts", PARTS_MAX);
    cli_note_idle_building(wanted);
    cli_interrupt_catch();
    int status = cli_map_open(call, &splitting.map, NULL);
    if (status == CLI_DONE)
        status = split(&splitting);
    if (status == CLI_DONE && wanted->json)
        status = report_json(&call->out, &splitting);
    if (status == CLI_DONE && wanted->verbose)
        cli_say("%s: %s parts, %s keys, %s", splitting.path,
                cli_count_text(text[0], splitting.parts.count),
                cli_count_text(text[1], splitting.input.keys),
                cli_bytes_text(text[2], splitting.file_nbytes));
    cli_parts_free(&splitting.parts);
    cli_map_close(&splitting.map);
    if (cli_interrupted())
        cli_die_of(cli_interrupted());
    return status;
}

const struct cli_verb cmd_split = {
    .name = "split",
    .arguments = "FILE",
    .summary = "Write the entries of a file as a set of files, each with a range of keys",
    .notes =
        "The output is a small text file, which names the parts: files beside it. Verbs that read\n"
        "take it in place of FILE. It appears whole or not at all; a set that was there before is\n"
        "replaced, and its parts are removed. There are fewer parts where FILE is small.\n",
    .options = options,
    .argument_count_min = 1,
    .argument_count_max = 1,
    .run = run,
};
