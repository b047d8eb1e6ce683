#define _POSIX_C_SOURCE 200809L

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "assemble.h"
#include "commands.h"
#include "interrupt.h"
#include "message.h"
#include "progress.h"
#include "report.h"
#include "source.h"
#include "units.h"

static const struct poptOption options[] = {
    CLI_OPTION_DELETE_FROM, CLI_OPTION_INPUT,   CLI_OPTION_KEYS,    CLI_OPTION_NUL,
    CLI_OPTION_DUPLICATES,  CLI_OPTION_VERIFY,  CLI_OPTION_SYNC,    CLI_OPTION_MEMORY,
    CLI_OPTION_TEMP,        CLI_OPTION_THREADS, CLI_OPTION_VERBOSE, CLI_OPTION_JSON,
    CLI_OPTION_PROGRESS,    CLI_OPTIONS_END};

/* How many entries go by between two looks at clock and signals. */
#define TELL_EVERY 8192

/* Sorted entries, of which the next one is at hand. */
struct stream {
    act_sorter *sorter;
    uint64_t count;
    bool any;
    const uint8_t *key;
    size_t key_nbytes;
    uint64_t value;
};

struct work {
    struct cli_call *call;
    const char *name;
    struct stream sets;
    struct stream removals;
    act_merge *merge;
    act_merge_report report;
    struct cli_progress progress;
};

/* Reads all of these inputs into a sorter; false after a message or a signal. */
static bool read_in(struct work *work, const struct cli_options *form, const char *const *names,
                    struct stream *stream)
{
    struct cli_source source;
    struct cli_entry entry;
    act_error error;
    uint64_t total_nbytes = 0;
    cli_input_regular(names, &total_nbytes);
    stream->sorter = cli_sorter_open(form, work->name);
    if (!stream->sorter || !cli_source_open(&source, form, names))
        return false;
    cli_progress_next(&work->progress, work->call->options.progress, "reading", "B");
    act_status status = ACT_OK;
    while (status == ACT_OK && cli_source_next(&source, &entry)) {
        status = act_sorter_add(stream->sorter, entry.key, entry.key_nbytes, entry.value, &error);
        if (source.input.records % TELL_EVERY == 0 && status == ACT_OK &&
            cli_progress_tell(&work->progress, source.input.read_nbytes, total_nbytes))
            status = ACT_STOPPED;
    }
    stream->count = source.input.records;
    bool done = status == ACT_OK && !source.status && !cli_interrupted();
    cli_source_close(&source);
    if (done) {
        cli_progress_next(&work->progress, work->call->options.progress, "sorting", "entries");
        status = act_sorter_sort(stream->sorter, cli_progress_tell, &work->progress, &error);
    }
    if (status != ACT_OK && status != ACT_STOPPED)
        cli_fail(NULL, &error);
    return done && status == ACT_OK;
}

/* The next entry of a stream, if there is one; false after a message. */
static bool advance(struct stream *stream)
{
    act_error error;
    stream->any = false;
    if (!stream->sorter)
        return true;
    act_status status = act_sorter_next(stream->sorter, &stream->key, &stream->key_nbytes,
                                        &stream->value, &error);
    stream->any = status == ACT_OK;
    if (status == ACT_OK || status == ACT_END)
        return true;
    if (status == ACT_ERR_DUPLICATE)
        cli_say("input: %s; --duplicates=first|last|sum|min|max would take it", error.text);
    else
        cli_fail(NULL, &error);
    return false;
}

static int compare(const struct stream *a, const struct stream *b)
{
    if (!a->any || !b->any)
        return a->any ? -1 : 1;
    return cli_key_compare(a->key, a->key_nbytes, b->key, b->key_nbytes);
}

/* Puts both streams into the merge, in order; a key that is in both is set. */
static bool apply(struct work *work)
{
    struct stream *sets = &work->sets;
    struct stream *removals = &work->removals;
    act_error error;
    cli_progress_next(&work->progress, work->call->options.progress, "merging", "entries");
    if (!advance(sets) || !advance(removals))
        return false;
    for (uint64_t done = 0; sets->any || removals->any; done++) {
        int order = compare(sets, removals);
        act_status status =
            order <= 0
                ? act_merge_set(work->merge, sets->key, sets->key_nbytes, sets->value, &error)
                : act_merge_remove(work->merge, removals->key, removals->key_nbytes, &error);
        if (status != ACT_OK) {
            cli_fail(work->name, &error);
            return false;
        }
        if ((order <= 0 && !advance(sets)) || (order >= 0 && !advance(removals)))
            return false;
        if (done % TELL_EVERY == 0 &&
            cli_progress_tell(&work->progress, done, sets->count + removals->count))
            return false;
    }
    return !cli_interrupted();
}

/* For one of two sorters, which are there at the same time. */
static void halve_memory(struct cli_options *form)
{
    uint64_t nbytes = form->memory_nbytes ? form->memory_nbytes : CLI_SORTER_NBYTES_DEFAULT;
    form->memory_nbytes = nbytes / 2 < ACT_SORTER_MEMORY_NBYTES_MIN ? ACT_SORTER_MEMORY_NBYTES_MIN
                                                                    : nbytes / 2;
}

/* The exit status that belongs to an error, after a message. */
static int merge(struct work *work)
{
    const struct cli_options *wanted = &work->call->options;
    struct cli_options keys = *wanted;
    const char *const removal_names[] = {wanted->delete_from, NULL};
    const char *const *names = work->call->arguments + 1;
    act_merge_options merge_options = {.no_sync = wanted->no_sync,
                                       .verify = wanted->check,
                                       .progress = cli_progress_tell,
                                       .context = &work->progress};
    act_error error;
    if (wanted->check)
        cli_progress_next(&work->progress, wanted->progress, "checking", "B");
    /* First of all: what cannot be merged into need not be read for. */
    act_status opened = act_merge_open(work->name, &merge_options, &work->merge, &error);
    if (opened != ACT_OK)
        return opened == ACT_STOPPED ? CLI_TROUBLE : cli_fail(work->name, &error);
    struct cli_options entries = *wanted;
    if (*names && wanted->delete_from)
        halve_memory(&entries);
    keys.memory_nbytes = entries.memory_nbytes;
    keys.input = CLI_INPUT_LINES;
    keys.duplicates = ACT_DUPLICATES_FIRST;
    if (*names && !read_in(work, &entries, names, &work->sets))
        return CLI_TROUBLE;
    if (wanted->delete_from && !read_in(work, &keys, removal_names, &work->removals))
        return CLI_TROUBLE;
    if (!apply(work))
        return CLI_TROUBLE;
    cli_progress_end(&work->progress);
    if (act_merge_finish(work->merge, &work->report, &error) != ACT_OK)
        return cli_fail(work->name, &error);
    return CLI_DONE;
}

static int report_json(struct cli_out *out, const struct work *work)
{
    const act_merge_report *merged = &work->report;
    json_t *report = json_object();
    cli_report_text(report, "file", work->name);
    cli_report_u64(report, "added", merged->added);
    cli_report_u64(report, "replaced", merged->replaced);
    cli_report_u64(report, "unchanged", merged->unchanged);
    cli_report_u64(report, "removed", merged->removed);
    cli_report_u64(report, "missing", merged->missing);
    cli_report_u64(report, "root", merged->root);
    cli_report_u64(report, "previous_root", merged->previous_root);
    cli_report_u64(report, "file_bytes", merged->file_nbytes);
    cli_report_u64(report, "appended_bytes", merged->appended_nbytes);
    cli_report_u64(report, "dropped_bytes", merged->dropped_nbytes);
    return cli_report_print(out, report);
}

static void say_summary(const struct work *work)
{
    const act_merge_report *merged = &work->report;
    char nbytes[CLI_UNIT_NBYTES];
    cli_say("%s: added %llu, replaced %llu, unchanged %llu, removed %llu, not there %llu; %s more",
            work->name, (unsigned long long)merged->added, (unsigned long long)merged->replaced,
            (unsigned long long)merged->unchanged, (unsigned long long)merged->removed,
            (unsigned long long)merged->missing, cli_bytes_text(nbytes, merged->appended_nbytes));
}

/* Standard input is gone once it was read, and cannot be appended to. */
static int check_names(const struct cli_call *call)
{
    size_t count = call->options.delete_from && strcmp(call->options.delete_from, "-") == 0;
    if (strcmp(call->arguments[0], "-") == 0)
        return cli_usage_error("merge", "only a file can be merged into, not standard input");
    for (const char *const *name = call->arguments + 1; *name; name++)
        count += strcmp(*name, "-") == 0;
    if (count > 1)
        return cli_usage_error("merge", "standard input can be read once only");
    return CLI_DONE;
}

static int run(struct cli_call *call)
{
    struct work work = {.call = call, .name = call->arguments[0]};
    int status = check_names(call);
    if (status != CLI_DONE)
        return status;
    cli_interrupt_catch();
    status = merge(&work);
    cli_progress_end(&work.progress);
    act_sorter_close(work.sets.sorter);
    act_sorter_close(work.removals.sorter);
    act_merge_close(work.merge);
    if (status != CLI_DONE && cli_interrupted())
        cli_die_of(cli_interrupted());
    if (status == CLI_DONE && call->options.json)
        status = report_json(&call->out, &work);
    if (status == CLI_DONE && (call->options.verbose || work.report.dropped_nbytes ||
                               (isatty(STDERR_FILENO) == 1 && !call->options.json &&
                                call->options.progress != CLI_NEVER)))
        say_summary(&work);
    return status;
}

const struct cli_verb cmd_merge = {
    .name = "merge",
    .arguments = "FILE [IN...]",
    .summary = "Add entries to a file, or remove some, by appending to it",
    .notes =
        "IN is as for build, in any order; where FILE has a key, the new value wins. Only what\n"
        "changes is appended; what FILE held before stays in it: see history. A crash leaves\n"
        "FILE as it was or as it is afterwards. A key that is in IN and in the file of\n"
        "--delete-from is set; one to remove that is not there is no error. Without any input\n"
        "only what a merge that did not end has left is taken away.\n",
    .options = options,
    .argument_count_min = 1,
    .argument_count_max = CLI_ANY_COUNT,
    .run = run,
};
