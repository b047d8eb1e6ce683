/* Salvaging a damaged file into a new one. */
#include <string.h>

#include "base/error.h"
#include "format/file.h"
#include "os/identity.h"
#include "os/map.h"
#include "os/paging.h"
#include "read/guard.h"
#include "repair/damaged.h"
#include "repair/salvage.h"

struct repair {
    const char *path;
    const act_repair_options *options;
    struct act_os_bytes bytes;
    struct act_damaged file;
    act_repair_report *report;
    act_error *error;
};

static act_status check_paths(const char *path, const char *out_path, act_error *error)
{
    struct act_os_identity in;
    struct act_os_identity out;
    char quoted[ACT_QUOTED_NBYTES];
    if (!path || !out_path)
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET, "no file name");
    if (act_os_identity_at(path, &in, NULL, NULL) == ACT_OK &&
        act_os_identity_at(out_path, &out, NULL, NULL) == ACT_OK && in.device == out.device &&
        (in.number == out.number && in.number))
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET,
                        "%s is the file that is to be repaired",
                        act_quote(quoted, out_path, strlen(out_path)));
    /* Where files have no numbers. */
    if (strcmp(path, out_path) == 0)
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET,
                        "a file cannot be repaired into itself");
    return ACT_OK;
}

/* What act_map_open and act_map_verify say of the file. ACT_OK, be it damaged or not. */
static act_status verify(struct repair *repair)
{
    act_repair_report *report = repair->report;
    act_verify_report verified;
    act_map *map;
    uint64_t root;
    /* By itself first, for texts with the name of the file. */
    act_status status = act_file_check(repair->bytes.bytes, repair->bytes.nbytes, repair->path,
                                       &root, &report->damage);
    if (status == ACT_OK)
        status = act_map_open_memory(repair->bytes.bytes, (size_t)repair->bytes.nbytes, NULL, &map,
                                     &report->damage);
    if (status == ACT_OK) {
        status = act_map_verify(map, repair->options->progress, repair->options->progress_context,
                                &verified, &report->damage);
        if (status == ACT_ERR_CORRUPT)
            report->broken_rule = verified.broken_rule;
        act_map_close(map);
    }
    report->damaged = status == ACT_ERR_CORRUPT || status == ACT_ERR_FORMAT ||
                      status == ACT_ERR_TRUNCATED;
    if (status == ACT_OK || report->damaged)
        return ACT_OK;
    if (repair->error)
        *repair->error = report->damage;
    return status;
}

/* Compares all that has a checksum, and tells of what does not match. */
static act_status find_bad_blocks(struct repair *repair)
{
    struct act_checks *checks = repair->file.checks;
    size_t units = checks ? act_checks_units(checks) : 0;
    for (size_t at = 0; at < units; at++) {
        uint64_t end;
        act_bad_block block;
        if (act_checks_unit_is_good(checks, at))
            continue;
        act_checks_unit(checks, at, &block.offset, &end);
        block.nbytes = end - block.offset;
        repair->report->bad_blocks++;
        repair->report->bad_nbytes += block.nbytes;
        if (repair->options->on_bad_block &&
            repair->options->on_bad_block(repair->options->context, &block))
            return ACT_STOPPED;
    }
    return ACT_OK;
}

/* That no tree can be found, in the words of what is wrong. */
static act_status no_root(const struct repair *repair)
{
    char quoted[ACT_QUOTED_NBYTES];
    const act_repair_report *report = repair->report;
    act_status status = report->damaged ? report->damage.status : ACT_ERR_CORRUPT;
    act_quote(quoted, repair->path, strlen(repair->path));
    return act_fail(repair->error, status, report->damaged ? report->damage.offset : ACT_ROOT_OFF,
                    "nothing can be salvaged from %s: neither its header%s nor the end of a merge "
                    "leads to a root that can be read",
                    quoted, repair->file.indexed ? ", its index" : "");
}

/* Reads all entries; without a builder only to see that they can be read within the limits. */
static act_status salvage(struct repair *repair, act_builder *builder, uint64_t *steps_ref)
{
    const act_repair_options *options = repair->options;
    act_repair_report *report = repair->report;
    uint64_t steps_max = options->steps_max;
    if (!steps_max)
        steps_max = ACT_REPAIR_STEPS_DEFAULT + 64 * repair->bytes.nbytes;
    struct act_salvage s = {.file = &repair->file,
                            .builder = builder,
                            .key_nbytes_max = options->key_nbytes_max ? options->key_nbytes_max
                                                                      : ACT_KEY_NBYTES_MAX_DEFAULT,
                            .steps_left = steps_max,
                            .on_lost_keys = options->on_lost_keys,
                            .context = options->context,
                            .error = repair->error};
    act_status status = ACT_STOPPED;
    if (act_pace_start(&s.pace, options->progress, options->progress_context, *steps_ref))
        status = act_salvage_run(&s, report->root);
    act_salvage_free(&s);
    *steps_ref = s.steps;
    report->keys = s.keys;
    report->dangling_paths = s.dangling_paths;
    report->lost_ranges = s.lost_ranges;
    return status;
}

static act_status build(struct repair *repair, const char *out_path, uint64_t steps)
{
    act_builder *builder;
    act_status status = act_builder_open(out_path, &repair->options->build, &builder,
                                         repair->error);
    if (status != ACT_OK)
        return status;
    status = salvage(repair, builder, &steps);
    /* Before it is put in place: that all of it came from the file as it was. */
    status = act_guard_opened(&repair->bytes, repair->path, status, repair->error);
    if (status == ACT_OK)
        status = act_builder_finish(builder, &repair->report->built, repair->error);
    act_builder_close(builder);
    return status;
}

static act_status run(struct repair *repair, const char *out_path)
{
    act_repair_report *report = repair->report;
    uint64_t steps = 0;
    uint64_t end;
    if (repair->bytes.mapped)
        act_os_paging_set(repair->bytes.bytes, repair->bytes.nbytes, ACT_OS_PAGING_AHEAD);
    act_status status = verify(repair);
    if (status != ACT_OK)
        return status;
    status = act_damaged_open(&repair->file, repair->bytes.bytes, repair->bytes.nbytes,
                              repair->bytes.padding_nbytes, !report->damaged,
                              repair->options->unchecked, repair->error);
    if (status != ACT_OK)
        return status;
    report->checksummed = repair->file.checks && !repair->options->unchecked;
    status = find_bad_blocks(repair);
    if (status != ACT_OK)
        return status;
    if (!act_damaged_find_root(&repair->file, &report->root, &report->root_is_former, &end))
        return no_root(repair);
    if (report->root_is_former)
        report->lost_nbytes = repair->bytes.nbytes - end;
    status = salvage(repair, NULL, &steps);
    return status == ACT_OK ? build(repair, out_path, steps) : status;
}

act_status act_repair(const char *path, const char *out_path, const act_repair_options *options,
                      act_repair_report *report_ret, act_error *error)
{
    static const act_repair_options defaults = {.unchecked = false};
    act_repair_report own;
    struct repair repair = {.path = path,
                            .options = options ? options : &defaults,
                            .report = report_ret ? report_ret : &own,
                            .error = error};
    memset(repair.report, 0, sizeof(*repair.report));
    act_status status = check_paths(path, out_path, error);
    if (status == ACT_OK)
        status = act_os_bytes_open(path, ACT_ACCESS_AUTO, repair.options->guard, 0, &repair.bytes,
                                   error);
    if (status != ACT_OK)
        return status;
    if (repair.bytes.nbytes < ACT_FILE_NBYTES_MIN)
        status = verify(&repair) == ACT_OK ? no_root(&repair) : ACT_ERR_NOMEM;
    else
        status = run(&repair, out_path);
    status = act_guard_opened(&repair.bytes, path, status, error);
    act_damaged_close(&repair.file);
    act_os_bytes_close(&repair.bytes);
    return status;
}
