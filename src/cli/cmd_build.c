#define _POSIX_C_SOURCE 200809L

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "assemble.h"
#include "commands.h"
#include "interrupt.h"
#include "message.h"
#include "progress.h"
#include "report.h"
#include "temporary.h"
#include "units.h"

static const struct poptOption options[] = {
    CLI_OPTION_OUTPUT,       CLI_OPTION_INPUT,  CLI_OPTION_KEYS,     CLI_OPTION_NUL,
    CLI_OPTION_DUPLICATES,   CLI_OPTION_SORTED, CLI_OPTION_LAYOUT,   CLI_OPTION_MEMORY,
    CLI_OPTION_SHARE_MEMORY, CLI_OPTION_TEMP,   CLI_OPTION_THREADS,  CLI_OPTION_NO_SYNC,
    CLI_OPTION_VERBOSE,      CLI_OPTION_JSON,   CLI_OPTION_PROGRESS, CLI_OPTIONS_END};

static int assemble(void *assembly)
{
    return cli_assemble(assembly);
}

static int report_json(struct cli_out *out, const struct cli_assembly *assembly, double seconds)
{
    const act_build_report *built = &assembly->report;
    json_t *report = json_object();
    cli_report_text(report, "file", assembly->options->output);
    cli_report_text(report, "layout", cli_layout_name(assembly->options->layout));
    cli_report_u64(report, "entries", assembly->entries);
    cli_report_u64(report, "keys", built->keys);
    cli_report_u64(report, "input_bytes", assembly->input_nbytes);
    cli_report_u64(report, "file_bytes", built->file_nbytes);
    cli_report_u64(report, "nodes", built->nodes);
    cli_report_u64(report, "lines", built->lines);
    cli_report_u64(report, "lines_shared", built->lines_shared);
    cli_report_u64(report, "runs_shared", built->runs_shared);
    cli_report_bool(report, "sorted", assembly->sorted);
    cli_report_u64(report, "sort_runs", assembly->sort.runs);
    cli_report_u64(report, "sort_passes", assembly->sort.passes);
    cli_report_u64(report, "temp_bytes", assembly->sort.temp_nbytes);
    cli_report_real(report, "seconds", seconds);
    return cli_report_print(out, report);
}

static void say_summary(const struct cli_assembly *assembly, double seconds)
{
    char keys[CLI_UNIT_NBYTES];
    char nbytes[CLI_UNIT_NBYTES];
    char rate[CLI_UNIT_NBYTES];
    double keys_per_s = seconds > 0 ? (double)assembly->report.keys / seconds : 0;
    cli_say("%s: %s keys, %s, in %.2f s (%s keys/s)",
            strcmp(assembly->options->output, "-") == 0 ? "standard output"
                                                        : assembly->options->output,
            cli_count_text(keys, assembly->report.keys),
            cli_bytes_text(nbytes, assembly->report.file_nbytes), seconds,
            cli_count_text(rate, (uint64_t)keys_per_s));
}

/* What the options ask for together; an exit status after a message. */
static int check_options(const struct cli_options *wanted)
{
    if (!wanted->output)
        return cli_usage_error("build", "-o OUT is missing: the file to write");
    if (wanted->json && strcmp(wanted->output, "-") == 0)
        return cli_usage_error("build", "standard output cannot take both the file and --json");
    return CLI_DONE;
}

/* Standard input is gone once it was read. */
static int check_inputs(const char *const *inputs)
{
    size_t count = 0;
    for (; *inputs; inputs++)
        count += strcmp(*inputs, "-") == 0;
    if (count > 1)
        return cli_usage_error("build", "standard input can be read once only");
    return CLI_DONE;
}

static void note_idle(const struct cli_options *given)
{
    static const char sorting[] = "input that is to be sorted";
    cli_note_idle_building(given);
    if (given->sorted && given->memory_nbytes)
        cli_note_idle("--memory", sorting);
    if (given->sorted && given->temp)
        cli_note_idle("--temp", sorting);
}

static int run(struct cli_call *call)
{
    struct cli_assembly assembly = {.options = &call->options, .inputs = call->arguments};
    int status = check_options(&call->options);
    if (status == CLI_DONE)
        status = check_inputs(call->arguments);
    if (status != CLI_DONE)
        return status;
    note_idle(&call->options);
    cli_interrupt_catch();
    uint64_t started_ns = cli_now_ns();
    if (strcmp(call->options.output, "-") == 0) {
        status = cli_temporary_output(call, &assembly.out_path, assemble, &assembly);
    } else {
        assembly.out_path = call->options.output;
        status = cli_assemble(&assembly);
    }
    if (cli_interrupted())
        cli_die_of(cli_interrupted());
    if (status != CLI_DONE)
        return status;
    double seconds = (double)(cli_now_ns() - started_ns) / 1e9;
    if (call->options.json)
        status = report_json(&call->out, &assembly, seconds);
    if (call->options.verbose ||
        (isatty(STDERR_FILENO) == 1 && call->options.progress != CLI_NEVER))
        say_summary(&assembly, seconds);
    return status;
}

const struct cli_verb cmd_build = {
    .name = "build",
    .arguments = "-o OUT IN...",
    .summary = "Build a file from text, in any order",
    .notes =
        "Each line of IN is KEY<TAB>VALUE, split at the last tab, the value a decimal number;\n"
        "or with --input=lines a key, whose value is the number of its line, from 0 over all\n"
        "inputs. IN - is standard input. OUT appears whole or not at all.\n",
    .options = options,
    .argument_count_min = 1,
    .argument_count_max = CLI_ANY_COUNT,
    .run = run,
};
