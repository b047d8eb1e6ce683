#include "commands.h"
#include "message.h"
#include "open.h"
#include "progress.h"
#include "repair.h"
#include "report.h"
#include "units.h"

static const struct poptOption options[] = {
    CLI_OPTION_JSON,         CLI_OPTION_PROGRESS, CLI_OPTION_REPAIR, CLI_OPTION_REPAIR_UNCHECKED,
    CLI_OPTION_LAYOUT,       CLI_OPTION_NO_SYNC,  CLI_OPTION_LOSSES, CLI_OPTION_MAX_KEY,
    CLI_OPTION_REPAIR_STEPS, CLI_OPTIONS_OPENING, CLI_OPTIONS_END};

/* What came of it. */
struct finding {
    const char *name;
    act_status status; /* of opening or of verifying */
    bool opened;       /* and what is damaged breaks a rule */
    act_error error;
    act_verify_report report;
    size_t parts;     /* of a set; 0: a file */
    const char *part; /* the damaged one, or NULL */
};

static int print_json(struct cli_out *out, const struct finding *finding)
{
    const act_verify_report *report = &finding->report;
    bool sound = finding->status == ACT_OK;
    uint64_t offset = finding->opened && !sound ? report->broken_offset : finding->error.offset;
    json_t *object = json_object();
    cli_report_text(object, "file", finding->name);
    if (finding->parts) {
        cli_report_u64(object, "parts", finding->parts);
        if (finding->part)
            cli_report_text(object, "part", finding->part);
        else
            cli_report_null(object, "part");
    }
    cli_report_bool(object, "sound", sound);
    cli_report_bool(object, "checksummed", sound && report->soundness == ACT_SOUND_CHECKSUMMED);
    if (!sound && finding->opened)
        cli_report_text(object, "rule", act_rule_name(report->broken_rule));
    else
        cli_report_null(object, "rule");
    if (!sound && offset != ACT_NO_OFFSET)
        cli_report_u64(object, "offset", offset);
    else
        cli_report_null(object, "offset");
    if (sound)
        cli_report_null(object, "error");
    else
        cli_report_text(object, "error", finding->error.text);
    cli_report_u64(object, "nodes", report->nodes);
    cli_report_u64(object, "references", report->references);
    cli_report_u64(object, "values", report->values);
    cli_report_u64(object, "line_nodes", report->line_nodes);
    return cli_report_print(out, object);
}

static void print_text(struct cli_out *out, const struct finding *finding)
{
    const act_verify_report *report = &finding->report;
    char nodes[CLI_UNIT_NBYTES];
    char parts[CLI_UNIT_NBYTES];
    if (finding->status == ACT_OK)
        cli_out_format(out, "%s (%s%s%snodes checked: %s)\n",
                       report->soundness == ACT_SOUND_CHECKSUMMED
                           ? "sound and checksummed"
                           : "sound, without a checksum to compare",
                       finding->parts ? "parts: " : "",
                       finding->parts ? cli_count_text(parts, finding->parts) : "",
                       finding->parts ? ", " : "", cli_count_text(nodes, report->nodes));
    else if (finding->parts)
        cli_out_format(out, "damaged: %s\n", finding->error.text);
    else if (!finding->opened)
        cli_out_format(out, "damaged: %s\n", act_strerror(finding->status));
    else if (report->broken_offset == ACT_NO_OFFSET)
        cli_out_format(out, "damaged: rule %d, %s\n", (int)report->broken_rule,
                       act_rule_name(report->broken_rule));
    else
        cli_out_format(out, "damaged: rule %d, %s, at offset %llu\n", (int)report->broken_rule,
                       act_rule_name(report->broken_rule),
                       (unsigned long long)report->broken_offset);
}

static void verify_set(const act_set *set, struct cli_progress *progress, struct finding *finding)
{
    act_set_verify_report report;
    act_set_part part;
    finding->parts = act_set_part_count(set);
    finding->status = act_set_verify(set, cli_progress_tell, progress, &report, &finding->error);
    finding->report = report.map;
    if (finding->status == ACT_OK || finding->status == ACT_STOPPED)
        return;
    finding->opened = report.map.broken_rule != ACT_RULE_NONE;
    if (act_set_get_part(set, report.part, &part, NULL) == ACT_OK)
        finding->part = part.name;
}

static void note_idle(const struct cli_options *given)
{
    static const char repair[] = "--repair";
    if (given->limit_given)
        cli_note_idle("--limit", repair);
    if (given->steps_max)
        cli_note_idle("--max-steps", repair);
    if (given->key_nbytes_max)
        cli_note_idle("--max-key", repair);
    if (given->layout)
        cli_note_idle("--layout", repair);
    if (given->no_sync)
        cli_note_idle("--no-sync", repair);
}

static int run(struct cli_call *call)
{
    struct finding finding = {.status = ACT_OK};
    struct cli_map map;
    struct cli_progress progress;
    if (call->options.repair)
        return cli_repair(call);
    if (call->options.repair_unchecked)
        return cli_usage_error(call->verb->name, "--repair-unchecked goes with --repair");
    note_idle(&call->options);
    int status = cli_map_or_set_open(call, &map, &finding.error);
    finding.name = map.name;
    finding.opened = status == CLI_DONE;
    if (finding.opened) {
        cli_progress_start(&progress, call->options.progress, "verifying", "B");
        if (map.set)
            verify_set(map.set, &progress, &finding);
        else
            finding.status = act_map_verify(map.map, cli_progress_tell, &progress, &finding.report,
                                            &finding.error);
        cli_progress_end(&progress);
        if (finding.status != ACT_OK)
            status = cli_fail(map.name, &finding.error);
    } else {
        finding.status = finding.error.status;
    }
    /* A file that could not be looked at is neither sound nor damaged. */
    if (status == CLI_DONE || status == CLI_DAMAGED) {
        int printed = CLI_DONE;
        if (call->options.json)
            printed = print_json(&call->out, &finding);
        else
            print_text(&call->out, &finding);
        if (printed != CLI_DONE)
            status = printed;
    }
    cli_map_close(&map);
    return status;
}

const struct cli_verb cmd_verify = {
    .name = "verify",
    .arguments = "FILE",
    .summary = "Check every rule of the format: 0 sound, 3 damaged",
    .notes =
        "With --repair, the new file is written whole or not at all, what it lacks is listed,\n"
        "and the status is 3 if FILE is damaged, whatever could be salvaged.\n",
    .options = options,
    .argument_count_min = 1,
    .argument_count_max = 1,
    .run = run,
};
