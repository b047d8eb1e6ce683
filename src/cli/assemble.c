/*
 * Entries are handed to the builder while they are read, as long as each key is above the one
 * before: then memory does not grow with their number. A key out of order needs the sorter, which
 * has to see all entries, and goes to temporary files where they are many. Regular files are read
 * again for it. What came through a pipe is gone by
 * then; so its entries go to the sorter from the start, unless --sorted says that it is not needed.
 */
#define _POSIX_C_SOURCE 200809L

#include "assemble.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "interrupt.h"
#include "message.h"
#include "progress.h"
#include "source.h"
#include "verb.h"

/* How many entries go by between two looks at clock and signals. */
#define TELL_EVERY 8192

/* One reads while the other sorts or builds, or merges while the other builds. */
#define THREADS_DEFAULT 2

/* The last entry, held back while the next ones may have the same key. */
struct held {
    bool any;
    uint8_t *key;
    size_t key_nbytes;
    size_t key_capacity;
    uint64_t value;
};

struct work {
    struct cli_assembly *assembly;
    const struct cli_options *options;
    uint64_t total_nbytes; /* of the inputs; 0: not known */
    bool rereadable;
    struct cli_source source;
    struct held held;
    act_builder *builder;
    act_sorter *sorter;
    struct cli_progress progress;
};

/* How reading went. */
enum outcome {
    READ_ALL,
    OUT_OF_ORDER, /* and nothing is lost: the inputs can be read again */
    FAILED        /* after a message, or a signal */
};

/* A message that begins with the place of the record read last. */
static void refuse(const struct work *work, const char *what, const struct cli_entry *entry,
                   const char *hint)
{
    char quoted[CLI_QUOTED_NBYTES];
    cli_say("%s:%llu: %s %s%s", work->source.input.name,
            (unsigned long long)work->source.input.line, what,
            cli_quote(quoted, entry->key, entry->key_nbytes), hint);
}

#define DUPLICATES_HINT "; --duplicates=first|last|sum|min|max would take it"

/* Gives the entry that was held back to the builder. */
static act_status add_held(struct work *work, act_error *error)
{
    struct held *held = &work->held;
    if (!held->any)
        return ACT_OK;
    return act_builder_add(work->builder, held->key, held->key_nbytes, held->value, error);
}

/* Makes one value of two, by the policy; false if that is more than a u64. */
static bool combine(unsigned policy, uint64_t *value, uint64_t other)
{
    switch (policy) {
    case ACT_DUPLICATES_LAST:
        *value = other;
        return true;
    case ACT_DUPLICATES_SUM:
        if (other > UINT64_MAX - *value)
            return false;
        *value += other;
        return true;
    case ACT_DUPLICATES_MIN:
        *value = other < *value ? other : *value;
        return true;
    case ACT_DUPLICATES_MAX:
        *value = other > *value ? other : *value;
        return true;
    default:
        return true;
    }
}

/* Takes an entry in place of the one held back, which goes to the builder. */
static act_status hold(struct work *work, const struct cli_entry *entry, act_error *error)
{
    struct held *held = &work->held;
    int order = held->any
                    ? cli_key_compare(entry->key, entry->key_nbytes, held->key, held->key_nbytes)
                    : 1;
    if (order < 0)
        return ACT_ERR_ORDER;
    if (order == 0)
        return combine(work->options->duplicates, &held->value, entry->value) ? ACT_OK
                                                                              : ACT_ERR_OVERFLOW;
    act_status status = add_held(work, error);
    if (status != ACT_OK)
        return status;
    if (entry->key_nbytes > held->key_capacity) {
        uint8_t *larger = realloc(held->key, 2 * entry->key_nbytes);
        if (!larger) {
            error->status = ACT_ERR_NOMEM;
            error->offset = ACT_NO_OFFSET;
            strcpy(error->text, "out of memory");
            return ACT_ERR_NOMEM;
        }
        held->key = larger;
        held->key_capacity = 2 * entry->key_nbytes;
    }
    if (entry->key_nbytes)
        memcpy(held->key, entry->key, entry->key_nbytes);
    held->key_nbytes = entry->key_nbytes;
    held->value = entry->value;
    held->any = true;
    return ACT_OK;
}

/* Says why an entry could not be taken in order, unless another way is left. */
static enum outcome fail_in_order(struct work *work, act_status status, const act_error *error,
                                  const struct cli_entry *entry)
{
    switch (status) {
    case ACT_ERR_ORDER:
        if (!work->options->sorted)
            return OUT_OF_ORDER;
        refuse(work, "key out of order:", entry, "; without --sorted any order will do");
        break;
    case ACT_ERR_DUPLICATE:
        refuse(work, "duplicate key", entry, DUPLICATES_HINT);
        break;
    case ACT_ERR_OVERFLOW:
        refuse(work, "the sum of values is above 18446744073709551615 for key", entry, "");
        break;
    default:
        cli_fail(work->options->output, error);
        break;
    }
    return FAILED;
}

/* Tells the progress of reading now and then; false if a signal was caught. */
static bool go_on(struct work *work)
{
    const struct cli_input *input = &work->source.input;
    return input->records % TELL_EVERY != 0 ||
           cli_progress_tell(&work->progress, input->read_nbytes, work->total_nbytes) == 0;
}

/* Takes note of what was read, at the end. */
static enum outcome end_reading(struct work *work)
{
    const struct cli_input *input = &work->source.input;
    work->assembly->entries = input->records;
    work->assembly->input_nbytes = input->read_nbytes;
    cli_progress_tell(&work->progress, input->read_nbytes, work->total_nbytes);
    return work->source.status || cli_interrupted() ? FAILED : READ_ALL;
}

/* Reads entries into the builder. */
static enum outcome read_in_order(struct work *work)
{
    /* The builder itself finds duplicates; only where they are to be joined is a look back. */
    bool holding = work->options->duplicates != ACT_DUPLICATES_ERROR;
    struct cli_entry entry;
    act_error error;
    while (cli_source_next(&work->source, &entry)) {
        act_status status = holding ? hold(work, &entry, &error)
                                    : act_builder_add(work->builder, entry.key, entry.key_nbytes,
                                                      entry.value, &error);
        if (status != ACT_OK)
            return fail_in_order(work, status, &error, &entry);
        if (!go_on(work))
            return FAILED;
    }
    enum outcome outcome = end_reading(work);
    if (outcome == READ_ALL && add_held(work, &error) != ACT_OK) {
        cli_fail(work->options->output, &error);
        return FAILED;
    }
    return outcome;
}

/* Reads entries into the sorter. */
static enum outcome read_to_sort(struct work *work)
{
    struct cli_entry entry;
    act_error error;
    while (cli_source_next(&work->source, &entry)) {
        if (act_sorter_add(work->sorter, entry.key, entry.key_nbytes, entry.value, &error) !=
            ACT_OK) {
            cli_fail(NULL, &error);
            return FAILED;
        }
        if (!go_on(work))
            return FAILED;
    }
    return end_reading(work);
}

/* Where a key stands first and second in the inputs. */
struct places {
    const char *names[2];
    uint64_t lines[2];
    int count;
};

/* The sorter does not know lines. They are found by reading again, if that is possible. */
static void find_duplicate(struct work *work, const uint8_t *key, size_t key_nbytes,
                           struct places *places)
{
    struct cli_source *source = &work->source;
    struct cli_entry entry;
    cli_source_rewind(source);
    while (places->count < 2 && cli_source_next(source, &entry) && !cli_interrupted()) {
        if (cli_key_compare(entry.key, entry.key_nbytes, key, key_nbytes) != 0)
            continue;
        places->names[places->count] = source->input.name;
        places->lines[places->count++] = source->input.line;
    }
}

/* Says why the sorter has no next entry; `key` is what it is about, if it is a duplicate. */
static void fail_sorted(struct work *work, const act_error *error, const uint8_t *key,
                        size_t key_nbytes)
{
    struct places places = {.count = 0};
    if (error->status != ACT_ERR_DUPLICATE && error->status != ACT_ERR_OVERFLOW) {
        cli_fail(NULL, error);
        return;
    }
    if (error->status == ACT_ERR_DUPLICATE && work->rereadable)
        find_duplicate(work, key, key_nbytes, &places);
    if (places.count == 2) {
        char quoted[CLI_QUOTED_NBYTES];
        cli_say("%s:%llu: duplicate key %s, first at %s:%llu%s", places.names[1],
                (unsigned long long)places.lines[1], cli_quote(quoted, key, key_nbytes),
                places.names[0], (unsigned long long)places.lines[0], DUPLICATES_HINT);
    } else if (!cli_interrupted()) {
        cli_say("%s: %s%s",
                work->assembly->inputs[1] ? "input" : cli_input_name(work->assembly->inputs[0]),
                error->text, error->status == ACT_ERR_DUPLICATE ? DUPLICATES_HINT : "");
    }
}

/* Gives the sorted entries to the builder; false after a message or a signal. */
static bool write_sorted(struct work *work)
{
    act_error error;
    uint64_t total = work->assembly->entries;
    act_sorter_get_report(work->sorter, &work->assembly->sort);
    cli_progress_next(&work->progress, work->options->progress,
                      work->assembly->sort.runs ? "merging" : "writing", "entries");
    for (uint64_t done = 0;; done++) {
        const uint8_t *key = NULL;
        size_t key_nbytes = 0;
        uint64_t value;
        act_status status = act_sorter_next(work->sorter, &key, &key_nbytes, &value, &error);
        if (status == ACT_END)
            return true;
        if (status != ACT_OK) {
            fail_sorted(work, &error, key, key_nbytes);
            return false;
        }
        if (act_builder_add(work->builder, key, key_nbytes, value, &error) != ACT_OK) {
            cli_fail(work->options->output, &error);
            return false;
        }
        if (done % TELL_EVERY == 0 && cli_progress_tell(&work->progress, done, total))
            return false;
    }
}

/* The folder of a file, to be freed; NULL when there is no memory. */
static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    size_t nbytes = slash == path ? 1 : slash ? (size_t)(slash - path) : 0;
    char *folder = malloc(nbytes + 2);
    if (!folder)
        return NULL;
    memcpy(folder, nbytes ? path : ".", nbytes ? nbytes : 1);
    folder[nbytes ? nbytes : 1] = '\0';
    return folder;
}

static unsigned threads_of(const struct cli_options *options)
{
    uint64_t threads = options->threads ? options->threads : THREADS_DEFAULT;
    return threads > UINT_MAX ? UINT_MAX : (unsigned)threads;
}

act_builder_options cli_builder_options(const struct cli_options *options)
{
    return (act_builder_options){.layout = (act_layout)options->layout,
                                 .no_sync = options->no_sync,
                                 .share_nbytes = options->share_nbytes,
                                 .threads = threads_of(options)};
}

void cli_note_idle_building(const struct cli_options *options)
{
    if (options->share_nbytes && options->layout != ACT_LAYOUT_COMPACT)
        cli_note_idle("--share-memory", "--layout=compact");
}

/* False after a message. */
static bool open_builder(struct work *work)
{
    act_builder_options options = cli_builder_options(work->options);
    act_error error;
    if (act_builder_open(work->assembly->out_path, &options, &work->builder, &error) == ACT_OK)
        return true;
    cli_fail(NULL, &error);
    return false;
}

act_sorter *cli_sorter_open(const struct cli_options *options, const char *out_path)
{
    act_error error;
    act_sorter *sorter;
    char *folder = folder_of(out_path);
    if (!folder) {
        cli_fail_nomem();
        return NULL;
    }
    act_sorter_options wanted = {
        .duplicates = (act_duplicates)options->duplicates,
        .memory_nbytes = options->memory_nbytes ? options->memory_nbytes
                                                : CLI_SORTER_NBYTES_DEFAULT,
        .temp_dir = options->temp ? options->temp : folder,
        .threads = threads_of(options),
    };
    act_status status = act_sorter_open(&wanted, &sorter, &error);
    free(folder);
    if (status != ACT_OK)
        cli_fail(NULL, &error);
    return sorter;
}

/* The whole way through the sorter; false after a message or a signal. */
static bool sort(struct work *work)
{
    act_error error;
    work->assembly->sorted = true;
    work->sorter = cli_sorter_open(work->options, work->assembly->out_path);
    if (!work->sorter)
        return false;
    cli_progress_next(&work->progress, work->options->progress, "reading", "B");
    if (read_to_sort(work) != READ_ALL)
        return false;
    cli_progress_next(&work->progress, work->options->progress, "sorting", "entries");
    act_status status = act_sorter_sort(work->sorter, cli_progress_tell, &work->progress, &error);
    if (status == ACT_OK)
        return write_sorted(work);
    if (status != ACT_STOPPED)
        cli_fail(NULL, &error);
    return false;
}

/* Everything but completing the file; false after a message or a signal. */
static bool fill_builder(struct work *work)
{
    if (!work->rereadable && !work->options->sorted)
        return sort(work);
    cli_progress_next(&work->progress, work->options->progress, "building", "B");
    enum outcome outcome = read_in_order(work);
    if (outcome != OUT_OF_ORDER)
        return outcome == READ_ALL;
    cli_source_rewind(&work->source);
    act_builder_close(work->builder);
    work->builder = NULL;
    return open_builder(work) && sort(work);
}

int cli_assemble(struct cli_assembly *assembly)
{
    struct work work;
    memset(&work, 0, sizeof(work));
    work.assembly = assembly;
    work.options = assembly->options;
    if (!cli_source_open(&work.source, work.options, assembly->inputs))
        return CLI_TROUBLE;
    work.rereadable = cli_input_regular(assembly->inputs, &work.total_nbytes);
    act_error error;
    int status = CLI_TROUBLE;
    if (open_builder(&work) && fill_builder(&work)) {
        cli_progress_end(&work.progress);
        if (act_builder_finish(work.builder, &assembly->report, &error) == ACT_OK)
            status = CLI_DONE;
        else
            cli_fail(work.options->output, &error);
    }
    cli_progress_end(&work.progress);
    act_sorter_close(work.sorter);
    act_builder_close(work.builder);
    cli_source_close(&work.source);
    free(work.held.key);
    return status;
}
