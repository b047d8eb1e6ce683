/*
 * The first byte says how the tool reads the rest, as `build` and `merge` do: TSV or lines, the
 * form of keys, what ends a record. It gives entries, each of which could be written out again, or
 * says what is wrong; and a second time the same.
 */
#define _POSIX_C_SOURCE 200809L

#include "cli/source.h"
#include "cli/verb.h"

#include "fuzz/place.h"
#include "fuzz/tool.h"

/* A key as text is that key again. */
static void write_and_read(enum cli_keys keys, const struct cli_entry *entry)
{
    char *text = malloc(CLI_KEY_TEXT_NBYTES_MAX * entry->key_nbytes + 1);
    uint8_t *key = malloc(CLI_KEY_TEXT_NBYTES_MAX * entry->key_nbytes + 1);
    size_t key_nbytes = 0;
    FUZZ_EXPECT(text && key);
    size_t nbytes = cli_key_encode(keys, entry->key, entry->key_nbytes, text);
    FUZZ_EXPECT(nbytes <= CLI_KEY_TEXT_NBYTES_MAX * entry->key_nbytes);
    FUZZ_EXPECT(!cli_key_decode(keys, text, nbytes, key, &key_nbytes));
    FUZZ_EXPECT(cli_key_compare(key, key_nbytes, entry->key, entry->key_nbytes) == 0);
    free(text);
    free(key);
}

/* Reads to the end; returns a number made from all that there was. */
static uint64_t read_all(struct cli_source *source)
{
    struct fuzz_told told = {.wanted = true};
    struct cli_entry entry;
    while (cli_source_next(source, &entry)) {
        char digits[CLI_U64_NBYTES_MAX + 1];
        uint64_t value;
        write_and_read(source->options->keys, &entry);
        size_t nbytes = (size_t)(cli_put_u64(digits, entry.value) - digits);
        FUZZ_EXPECT(cli_parse_u64(digits, nbytes, &value) && value == entry.value);
        if (source->options->input == CLI_INPUT_LINES)
            FUZZ_EXPECT(entry.value == told.count / 2);
        fuzz_tell_bytes(&told, entry.key, entry.key_nbytes);
        fuzz_tell(&told, entry.value);
    }
    FUZZ_EXPECT(source->status == CLI_DONE || source->status == CLI_TROUBLE);
    return told.sum + (uint64_t)source->status;
}

void fuzz_one(const uint8_t *data, size_t data_nbytes, struct fuzz_told *told)
{
    const char *path = fuzz_place("tsv");
    unsigned how = data_nbytes ? data[0] : 0;
    const char *const names[] = {path, how & 32 ? path : NULL, NULL};
    struct cli_options options = {.keys = (enum cli_keys)(how % 4 % 3),
                                  .input = how & 4 ? CLI_INPUT_LINES : CLI_INPUT_TSV,
                                  .nul_records = how & 8};
    fuzz_place_write(path, data_nbytes ? data + 1 : data, data_nbytes ? data_nbytes - 1 : 0);
    struct cli_source source;
    int spoken = fuzz_tool_hush();
    FUZZ_EXPECT(cli_source_open(&source, &options, names));
    uint64_t sum = read_all(&source);
    cli_source_rewind(&source);
    FUZZ_EXPECT(read_all(&source) == sum);
    cli_source_close(&source);
    fuzz_tool_speak(spoken);
    fuzz_tell(told, sum);
}
