/*
 * From one layout to another: entries go from a scan of the one file to the builder of the other,
 * and nothing is kept of them. What is compared afterwards is the checksum of all entries.
 */
#include "convert.h"

#include <string.h>

#include "assemble.h"
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
    uint64_t keys; /* of the input, as the next */
    uint64_t dangling_paths;
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

/* Calls `work` for the map, or for that of each part of the set, in order. */
static act_status for_each_map(struct conversion *conversion,
                               act_status (*work)(struct conversion *conversion, act_map *map,
                                                  act_error *error),
                               act_error *error)
{
    const act_set *set = conversion->map.set;
    if (!set)
        return work(conversion, conversion->map.map, error);
    act_status status = ACT_OK;
    for (size_t part = 0; part < act_set_part_count(set) && status == ACT_OK; part++) {
        act_map *map;
        status = act_set_part_open(set, part, &map, error);
        if (status == ACT_OK) {
            status = work(conversion, map, error);
            act_set_part_release(set, part);
        }
    }
    return status;
}

static act_status verify(struct conversion *conversion, act_error *error)
{
    struct cli_progress *progress = &conversion->progress;
    const struct cli_map *map = &conversion->map;
    return map->set ? act_set_verify(map->set, cli_progress_tell, progress, NULL, error)
                    : act_map_verify(map->map, cli_progress_tell, progress, NULL, error);
}

static act_status count_map(struct conversion *conversion, act_map *map, act_error *error)
{
    act_map_info info;
    act_status status = act_map_get_info(map, cli_progress_tell, &conversion->progress, &info,
                                         error);
    if (status != ACT_OK)
        return status;
    /* Of which there may be more than a u64 holds: they stay at the most. */
    uint64_t *keys = &conversion->keys;
    uint64_t *paths = &conversion->dangling_paths;
    *keys = info.keys > UINT64_MAX - *keys ? UINT64_MAX : *keys + info.keys;
    *paths = info.dangling_paths > UINT64_MAX - *paths ? UINT64_MAX : *paths + info.dangling_paths;
    return ACT_OK;
}

/* Looks at the whole input before anything is written. */
static int inspect(struct conversion *conversion)
{
    act_error error;
    act_status status = ACT_OK;
    if (!conversion->call->options.no_check) {
        cli_progress_next(&conversion->progress, conversion->call->options.progress, "verifying",
                          "B");
        status = verify(conversion, &error);
    }
    if (status == ACT_OK) {
        cli_progress_next(&conversion->progress, conversion->call->options.progress, "counting",
                          "B");
        status = for_each_map(conversion, count_map, &error);
    }
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
           cli_progress_tell(&conversion->progress, conversion->done, conversion->keys);
}

static int add_entry(void *context, const uint8_t *key, size_t key_nbytes, uint64_t value)
{
    struct conversion *conversion = context;
    return after_adding(conversion, act_builder_add(conversion->builder, key, key_nbytes, value,
                                                    &conversion->build_error));
}

/* Adds what the cursor stands on, if it is an entry, or a path that ends without a value. */
static int add_place(struct conversion *conversion, const act_cursor *cursor)
{
    size_t nbytes;
    uint64_t value;
    const uint8_t *path = act_cursor_path(cursor, &nbytes);
    if (act_cursor_value(cursor, &value) == ACT_OK)
        return add_entry(conversion, path, nbytes, value);
    if (act_cursor_child_count(cursor) > 0)
        return 0;
    return after_adding(conversion, act_builder_add_path(conversion->builder, path, nbytes,
                                                         &conversion->build_error));
}

/* Copies paths without a value too, which scans pass by. It takes longer. */
static act_status copy_with_paths(struct conversion *conversion, act_map *map, act_error *error)
{
    act_cursor *cursor;
    act_status status = act_cursor_open(map, NULL, 0, &cursor, error);
    if (status != ACT_OK)
        return status;
    do {
        if (add_place(conversion, cursor))
            status = ACT_STOPPED;
        else
            status = act_cursor_to_next_step(cursor, error);
    } while (status == ACT_OK);
    act_cursor_close(cursor);
    return status == ACT_NOT_FOUND ? ACT_OK : status;
}

static act_status copy_map(struct conversion *conversion, act_map *map, act_error *error)
{
    return conversion->dangling_paths > 0 ? copy_with_paths(conversion, map, error)
                                          : act_map_scan(map, NULL, add_entry, conversion, error);
}

static int copy(struct conversion *conversion)
{
    act_error error;
    cli_progress_next(&conversion->progress, conversion->call->options.progress, "converting",
                      "entries");
    act_status status = for_each_map(conversion, copy_map, &error);
    cli_progress_tell(&conversion->progress, conversion->done, conversion->keys);
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
        info.dangling_paths == conversion->dangling_paths)
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
    cli_report_u64(report, "dangling_paths", conversion->dangling_paths);
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
