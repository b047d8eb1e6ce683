/* examples/words.c: counts the words of a text, and writes them to a file */
#include <actree.h>
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>

enum {
    WORD_NBYTES_MAX = 1000
};

/* Gives each word of the text to the sorter, which adds up their counts of 1. */
static act_status read_words(FILE *text, act_sorter *sorter, act_error *error)
{
    char word[WORD_NBYTES_MAX];
    size_t nbytes = 0;
    for (;;) {
        int c = getc(text);
        if (c != EOF && isalpha(c)) {
            if (nbytes < sizeof(word)) /* the rest of a longer one is left out */
                word[nbytes++] = (char)tolower(c);
            continue;
        }
        if (nbytes) {
            act_status status = act_sorter_add(sorter, word, nbytes, 1, error);
            if (status != ACT_OK)
                return status;
        }
        if (c == EOF)
            return act_sorter_sort(sorter, NULL, NULL, error);
        nbytes = 0;
    }
}

/* Moves what the sorter holds to the builder, each word once, in order. */
static act_status write_words(act_sorter *sorter, act_builder *builder, act_error *error)
{
    for (;;) {
        const uint8_t *word;
        size_t nbytes;
        uint64_t count;
        act_status status = act_sorter_next(sorter, &word, &nbytes, &count, error);
        if (status == ACT_END)
            return ACT_OK;
        if (status == ACT_OK)
            status = act_builder_add(builder, word, nbytes, count, error);
        if (status != ACT_OK)
            return status;
    }
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "words: needs the FILE to write; the text comes from standard input\n");
        return 2;
    }
    const act_sorter_options options = {.duplicates = ACT_DUPLICATES_SUM};
    act_sorter *sorter = NULL;
    act_builder *builder = NULL;
    act_build_report report;
    act_error error;
    act_status status = act_sorter_open(&options, &sorter, &error);
    if (status == ACT_OK)
        status = read_words(stdin, sorter, &error);
    if (status == ACT_OK)
        status = act_builder_open(argv[1], NULL, &builder, &error);
    if (status == ACT_OK)
        status = write_words(sorter, builder, &error);
    /* The file appears here, whole, or not at all. */
    if (status == ACT_OK)
        status = act_builder_finish(builder, &report, &error);
    if (status == ACT_OK)
        printf("%" PRIu64 " words in %" PRIu64 " bytes\n", report.keys, report.file_nbytes);
    else
        fprintf(stderr, "words: %s\n", error.text);
    act_builder_close(builder);
    act_sorter_close(sorter);
    return status == ACT_OK ? 0 : 2;
}
