/* What of a set is in memory: a line for each part, and all of them together. */
#include <string.h>

#include "message.h"
#include "report.h"
#include "resident.h"
#include "units.h"

/* What the system knows of all parts that were looked at. */
struct sum {
    uint64_t file_nbytes;
    uint64_t cached_nbytes;
    bool known; /* of all of them */
};

static int look_at_part(const struct cli_map *map, size_t part, act_residency_totals *totals)
{
    act_map *part_map;
    act_residency *residency;
    act_error error;
    act_status status = act_set_part_open(map->set, part, &part_map, &error);
    if (status == ACT_OK) {
        status = act_map_residency(part_map, &residency, &error);
        if (status == ACT_OK) {
            act_residency_get_totals(residency, totals);
            act_residency_close(residency);
        }
        act_set_part_release(map->set, part);
    }
    return status == ACT_OK ? CLI_DONE : cli_fail(map->name, &error);
}

static void add(struct sum *sum, const act_residency_totals *totals)
{
    /* Of whole pages no more counts than there are bytes. */
    uint64_t cached = totals->cached.nbytes < totals->file_nbytes ? totals->cached.nbytes
                                                                  : totals->file_nbytes;
    sum->file_nbytes += totals->file_nbytes;
    sum->cached_nbytes += cached;
    sum->known = sum->known && totals->cached.known;
}

static void print_row(struct cli_out *out, const struct sum *row, const char *name)
{
    char nbytes[CLI_UNIT_NBYTES];
    char cached[CLI_UNIT_NBYTES] = "unknown";
    char share[16] = "";
    if (row->known) {
        cli_bytes_text(cached, row->cached_nbytes);
        snprintf(share, sizeof(share), "%.1f%%", cli_percent(row->cached_nbytes, row->file_nbytes));
    }
    cli_out_format(out, "  %12s %12s %6s  ", cli_bytes_text(nbytes, row->file_nbytes), cached,
                   share);
    cli_out_key(out, CLI_KEYS_ESCAPED, (const uint8_t *)name, strlen(name));
    cli_out_text(out, "\n");
}

static void report_row(json_t *report, const struct sum *row)
{
    cli_report_u64(report, "file_bytes", row->file_nbytes);
    if (row->known)
        cli_report_u64(report, "cached_bytes", row->cached_nbytes);
    else
        cli_report_null(report, "cached_bytes");
}

int cli_resident_set(struct cli_call *call, const struct cli_map *map)
{
    struct cli_out *out = &call->out;
    bool as_json = call->options.json;
    json_t *report = as_json ? json_object() : NULL;
    json_t *parts = as_json ? cli_report_array(report, "parts") : NULL;
    struct sum all = {.known = true};
    int status = CLI_DONE;
    if (as_json)
        cli_report_text(report, "file", map->name);
    else
        cli_out_text(out, "          size    in memory\n");
    for (size_t i = 0; status == CLI_DONE && i < act_set_part_count(map->set); i++) {
        act_residency_totals totals;
        act_set_part part;
        struct sum row = {.known = true};
        status = look_at_part(map, i, &totals);
        if (status != CLI_DONE || act_set_get_part(map->set, i, &part, NULL) != ACT_OK)
            break;
        add(&row, &totals);
        add(&all, &totals);
        if (as_json) {
            json_t *item = cli_report_item(parts);
            cli_report_text(item, "file", part.name);
            report_row(item, &row);
        } else {
            print_row(out, &row, part.name);
        }
    }
    if (as_json) {
        report_row(report, &all);
        if (status == CLI_DONE)
            return cli_report_print(out, report);
        json_decref(report);
    } else if (status == CLI_DONE) {
        print_row(out, &all, "all parts");
    }
    return status;
}
