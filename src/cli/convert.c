/*
 * From one layout to another: entries go from a scan of the one file to the builder of the other,
 * and nothing is kept of them. What is compared afterwards is the checksum of all entries.
 */
#include "convert.h"

#include <string.h>

#include "allocate.h"
#include "assemble.h"
#include "copying.h"
#include "interrupt.h"
#include "message.h"
#include "open.h"
#include "parts.h"
#include "progress.h"
#include "report.h"
#include "temporary.h"
#include "units.h"

/* How many entries go by between two looks at clock and signals. */
#define TELL_EVERY 4096

struct conversion {
    const struct cli_call *call;
    struct cli_map map;
    const char *out_name; /* for messages */
    const char *out_path;
    struct cli_progress progress;
    struct cli_inventory input;
    act_digest digest; /* of both, when they were compared */
    act_builder *builder;
    uint64_t done; /* entries handed to the builder */
    act_error build_error;
    act_status build_status;
    act_build_report report;
};

/* Tells an error of reading, unless the work was stopped by a signal. Returns an exit status. */
static int fail_reading(const char *name, act_status status, const act_error *error)
{
    if (status == ACT_STOPPED)
        return CLI_TROUBLE;
    return status == ACT_OK ? CLI_DONE : cli_fail(name, error);
}

/* Looks at the whole input before anything is written. */
static int inspect(struct conversion *conversion)
{
    act_error error;
    act_status status = cli_inspect(&conversion->map, &conversion->call->options,
                                    &conversion->progress, &conversion->input, &error);
    return fail_reading(conversion->map.name, status, &error);
}

/* Takes note of what the builder answered; anything but 0 stops. */
static int after_adding(struct conversion *conversion, act_status status)
{
    conversion->build_status = status;
    if (status != ACT_OK)
        return 1;
    conversion->done++;
    return conversion->done % TELL_EVERY == 0 &&
           cli_progress_tell(&conversion->progress, conversion->done, conversion->input.keys);
}

static int add_place(void *context, const uint8_t *path, size_t path_nbytes, const uint64_t *value)
{
    struct conversion *conversion = context;
    act_builder *builder = conversion->builder;
    act_error *error = &conversion->build_error;
    return after_adding(conversion, value
                                        ? act_builder_add(builder, path, path_nbytes, *value, error)
                                        : act_builder_add_path(builder, path, path_nbytes, error));
}

static act_status copy_map(void *context, const act_map *map, act_error *error)
{
    const struct conversion *conversion = context;
    return cli_visit_places(map, conversion->input.dangling_paths > 0, add_place, context, error);
}

static int copy(struct conversion *conversion)
{
    act_error error;
    cli_progress_next(&conversion->progress, conversion->call->options.progress, "converting",
                      "entries");
    act_status status = cli_for_each_map(&conversion->map, copy_map, conversion, &error);
    cli_progress_tell(&conversion->progress, conversion->done, conversion->input.keys);
    if (conversion->build_status != ACT_OK)
        return cli_fail(conversion->out_name, &conversion->build_error);
    return fail_reading(conversion->map.name, status, &error);
}

static int write_out(struct conversion *conversion)
{
    const act_builder_options build_options = cli_builder_options(&conversion->call->options);
    act_error error;
    if (act_builder_open(conversion->out_path, &build_options, &conversion->builder, &error) !=
        ACT_OK)
        return cli_fail(NULL, &error);
    int status = copy(conversion);
    cli_progress_end(&conversion->progress);
    if (status == CLI_DONE && cli_interrupted())
        status = CLI_TROUBLE;
    if (status == CLI_DONE &&
        act_builder_finish(conversion->builder, &conversion->report, &error) != ACT_OK)
        status = cli_fail(conversion->out_name, &error);
    act_builder_close(conversion->builder);
    cli_give_back();
    return status;
}

/* The checksum of a map's entries, or of a set's. */
static int digest(struct conversion *conversion, const act_map *map, const act_set *set,
                  const char *name, act_digest *digest_ret)
{
    act_error error;
    cli_progress_next(&conversion->progress, conversion->call->options.progress, "comparing",
                      "entries");
    act_status status =
        set ? act_set_digest(set, cli_progress_tell, &conversion->progress, digest_ret, &error)
            : act_map_digest(map, cli_progress_tell, &conversion->progress, digest_ret, &error);
    cli_progress_end(&conversion->progress);
    return fail_reading(name, status, &error);
}

/* Reads both files again. */
static int compare(struct conversion *conversion)
{
    act_open_options open_options = cli_open_options(&conversion->call->options);
    open_options.root = 0; /* of what was written there is one only */
    const char *name = conversion->out_name;
    act_digest written;
    act_map_info info;
    act_map *map;
    act_error error;
    const struct cli_map *in = &conversion->map;
    int status = digest(conversion, in->map, in->set, in->name, &conversion->digest);
    if (status != CLI_DONE)
        return status;
    if (act_map_open(conversion->out_path, &open_options, &map, &error) != ACT_OK)
        return cli_fail(name, &error);
    status = digest(conversion, map, NULL, name, &written);
    if (status == CLI_DONE)
        status = fail_reading(name, act_map_get_info(map, NULL, NULL, &info, &error), &error);
    act_map_close(map);
    if (status != CLI_DONE)
        return status;
    if (memcmp(&written, &conversion->digest, sizeof(written)) == 0 &&
        info.dangling_paths == conversion->input.dangling_paths)
        return CLI_DONE;
    cli_say("%s: holds other entries than %s, from which it was made", name, conversion->map.name);
    return CLI_TROUBLE;
}

static int convert(void *context)
{
    struct conversion *conversion = context;
    int status = inspect(conversion);
    if (status == CLI_DONE)
        status = write_out(conversion);
    if (status == CLI_DONE && !conversion->call->options.no_check)
        status = compare(conversion);
    cli_progress_end(&conversion->progress);
    return status;
}

static int report_json(struct cli_out *out, const struct conversion *conversion)
{
    char content[CLI_DIGEST_TEXT_NBYTES];
    json_t *report = json_object();
    cli_report_text(report, "file", conversion->map.name);
    cli_report_text(report, "output", conversion->out_name);
    cli_report_text(report, "layout", cli_layout_name(conversion->call->options.layout));
    cli_report_u64(report, "keys", conversion->report.keys);
    cli_report_u64(report, "dangling_paths", conversion->input.dangling_paths);
    cli_report_u64(report, "input_bytes", cli_map_file_nbytes(&conversion->map));
    cli_report_u64(report, "file_bytes", conversion->report.file_nbytes);
    if (conversion->call->options.no_check)
        cli_report_null(report, "content");
    else
        cli_report_text(report, "content", cli_digest_text(content, &conversion->digest));
    return cli_report_print(out, report);
}

static void say_summary(const struct conversion *conversion)
{
    char keys[CLI_UNIT_NBYTES];
    char nbytes[CLI_UNIT_NBYTES];
    char content[CLI_DIGEST_TEXT_NBYTES];
    bool compared = !conversion->call->options.no_check;
    cli_say("%s: %s keys, %s%s%s", conversion->out_name,
            cli_count_text(keys, conversion->report.keys),
            cli_bytes_text(nbytes, conversion->report.file_nbytes),
            compared ? ", the same content " : "",
            compared ? cli_digest_text(content, &conversion->digest) : "");
}

int cli_convert(struct cli_call *call, const char *out_path)
{
    bool to_output = strcmp(out_path, "-") == 0;
    struct conversion conversion = {.call = call, .out_path = out_path};
    conversion.out_name = to_output ? "standard output" : out_path;
    if (call->options.json && to_output)
        return cli_usage_error(call->verb->name,
                               "standard output cannot take both the file and --json");
    cli_note_idle_building(&call->options);
    cli_interrupt_catch();
    int status = cli_map_or_set_open(call, &conversion.map, NULL);
    if (status == CLI_DONE && conversion.map.set &&
        cli_set_has_file(conversion.map.set, call->arguments[0], out_path, false))
        status = cli_usage_error(call->verb->name, "%s is a part of the set that is read",
                                 out_path);
    if (status == CLI_DONE)
        status = to_output ? cli_temporary_output(call, &conversion.out_path, convert, &conversion)
                           : convert(&conversion);
    if (status == CLI_DONE && call->options.json)
        status = report_json(&call->out, &conversion);
    if (status == CLI_DONE && call->options.verbose)
        say_summary(&conversion);
    cli_map_close(&conversion.map);
    if (cli_interrupted())
        cli_die_of(cli_interrupted());
    return status;
}
