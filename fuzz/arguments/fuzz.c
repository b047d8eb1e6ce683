/*
 * The input is words of a command line, each of which ends in a newline: a verb, and what it is
 * given. They are parsed as the tool does, and nothing is run. Options that are taken are within
 * their limits; others are refused with a word.
 */
#define _POSIX_C_SOURCE 200809L

#include "cli/verb.h"

#include "fuzz/tool.h"

enum {
    WORDS_MAX = 24
};

/* The words of a text that ends in a NUL, newlines become NULs. */
static int split(char *text, const char **words)
{
    int count = 0;
    for (char *at = text; *at && count < WORDS_MAX;) {
        char *end = at + strcspn(at, "\n");
        bool last = !*end;
        *end = 0;
        words[count++] = at;
        at = last ? end : end + 1;
    }
    words[count] = NULL;
    return count;
}

static void check(const struct cli_options *options, const char *const *arguments)
{
    FUZZ_EXPECT(arguments);
    FUZZ_EXPECT(options->keys <= CLI_KEYS_HEX && options->progress <= CLI_NEVER);
    FUZZ_EXPECT(options->input <= CLI_INPUT_LINES && options->layout <= ACT_LAYOUT_COMPACT);
    FUZZ_EXPECT(options->duplicates <= ACT_DUPLICATES_MAX && options->guard <= CLI_GUARD_THREAD);
    FUZZ_EXPECT(options->advice <= ACT_ADVICE_SEQUENTIAL && options->lock <= ACT_LOCK_ALL);
    FUZZ_EXPECT(options->populate <= ACT_POPULATE_ALL && options->huge <= ACT_HUGE_ON);
    FUZZ_EXPECT(!options->memory_nbytes || options->memory_nbytes >= ACT_SORTER_MEMORY_NBYTES_MIN);
    FUZZ_EXPECT(!options->share_nbytes || options->share_nbytes >= ACT_SHARE_NBYTES_MIN);
    FUZZ_EXPECT(!options->budget_nbytes || options->budget_nbytes >= ACT_RESIDENT_NBYTES_MIN);
    FUZZ_EXPECT(!options->watch || (options->watch_seconds >= 0 && options->watch_seconds < 1e12));
}

static void parse(const struct cli_verb *verb, int count, const char **words,
                  struct fuzz_told *told)
{
    poptContext context = poptGetContext(NULL, count, words, verb->options, 0);
    struct cli_options options;
    const char *const *arguments = NULL;
    FUZZ_EXPECT(context);
    bool ok = cli_options_parse(verb->name, context, verb->options, &options, &arguments);
    fuzz_tell(told, ok);
    if (ok)
        check(&options, arguments);
    cli_options_free(&options);
    poptFreeContext(context);
}

void fuzz_one(const uint8_t *data, size_t data_nbytes, struct fuzz_told *told)
{
    const char *words[WORDS_MAX + 1];
    uint64_t size;
    char *text = malloc(data_nbytes + 1);
    FUZZ_EXPECT(text);
    if (data_nbytes)
        memcpy(text, data, data_nbytes);
    text[data_nbytes] = 0;
    if (cli_parse_size(text, &size))
        fuzz_tell(told, size);
    int count = split(text, words);
    const struct cli_verb *verb = count ? cli_verb_find(words[0]) : NULL;
    if (verb) {
        int spoken = fuzz_tool_hush();
        parse(verb, count, words, told);
        fuzz_tool_speak(spoken);
    }
    free(text);
}
