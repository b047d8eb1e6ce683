#define _POSIX_C_SOURCE 200809L

#include "source.h"

#include <stdlib.h>
#include <string.h>

#include "message.h"
#include "verb.h"

bool cli_source_open(struct cli_source *source, const struct cli_options *options,
                     const char *const *names)
{
    memset(source, 0, sizeof(*source));
    source->options = options;
    bool ok = cli_input_open(&source->input, names, options->nul_records ? '\0' : '\n');
    source->input.must_stay = true;
    source->status = source->input.status;
    return ok;
}

void cli_source_rewind(struct cli_source *source)
{
    cli_input_rewind(&source->input);
    source->status = 0;
}

void cli_source_close(struct cli_source *source)
{
    cli_input_close(&source->input);
    free(source->key);
    source->key = NULL;
}

static bool refuse(struct cli_source *source, const char *what, const char *quoted)
{
    cli_say("%s:%llu: %s%s", source->input.name, (unsigned long long)source->input.line, what,
            quoted);
    source->status = CLI_TROUBLE;
    return false;
}

/* The last tab of a record, or NULL. From the end: a value is short. */
static const uint8_t *last_tab(const uint8_t *record, size_t nbytes)
{
    while (nbytes > 0)
        if (record[--nbytes] == '\t')
            return record + nbytes;
    return NULL;
}

static bool split(struct cli_source *source, const uint8_t *record, size_t nbytes,
                  struct cli_entry *entry)
{
    char quoted[CLI_QUOTED_NBYTES];
    const uint8_t *tab = last_tab(record, nbytes);
    if (!tab)
        return refuse(source, "no tab between key and value in ",
                      cli_quote(quoted, record, nbytes));
    entry->key_nbytes = (size_t)(tab - record);
    const char *value = (const char *)tab + 1;
    size_t value_nbytes = nbytes - entry->key_nbytes - 1;
    if (cli_parse_u64(value, value_nbytes, &entry->value))
        return true;
    return refuse(source, "the value is not a decimal number from 0 to 18446744073709551615: ",
                  cli_quote(quoted, value, value_nbytes));
}

static bool decode(struct cli_source *source, struct cli_entry *entry)
{
    if (entry->key_nbytes > source->key_capacity || !source->key) {
        size_t capacity = entry->key_nbytes < 4096 ? 4096 : 2 * entry->key_nbytes;
        uint8_t *larger = realloc(source->key, capacity);
        if (!larger) {
            source->status = cli_fail_nomem();
            return false;
        }
        source->key = larger;
        source->key_capacity = capacity;
    }
    char quoted[CLI_QUOTED_NBYTES];
    const char *wrong = cli_key_decode(source->options->keys, (const char *)entry->key,
                                       entry->key_nbytes, source->key, &entry->key_nbytes);
    if (wrong) {
        cli_quote(quoted, entry->key, entry->key_nbytes);
        cli_say("%s:%llu: key %s: %s", source->input.name, (unsigned long long)source->input.line,
                quoted, wrong);
        source->status = CLI_TROUBLE;
        return false;
    }
    entry->key = source->key;
    return true;
}

bool cli_source_next(struct cli_source *source, struct cli_entry *entry_ret)
{
    uint8_t *record;
    size_t nbytes;
    if (!cli_input_next(&source->input, &record, &nbytes)) {
        source->status = source->input.status;
        return false;
    }
    entry_ret->key = record;
    entry_ret->key_nbytes = nbytes;
    entry_ret->value = source->input.records - 1;
    if (source->options->input == CLI_INPUT_TSV && !split(source, record, nbytes, entry_ret))
        return false;
    return source->options->keys == CLI_KEYS_RAW || decode(source, entry_ret);
}
