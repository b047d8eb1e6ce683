/* The work of `build`: from text to a file, in order or through the sorter. */
#ifndef ACT_CLI_ASSEMBLE_H
#define ACT_CLI_ASSEMBLE_H

#include "actree.h"
#include "args.h"

struct cli_assembly {
    const struct cli_options *options;
    const char *const *inputs; /* names of files; "-" is standard input; NULL after the last */
    const char *out_path;

    /* What was done. */
    act_build_report report;
    uint64_t entries;      /* read */
    uint64_t input_nbytes; /* read, once if twice */
    bool sorted;           /* went through the sorter */
    act_sort_report sort;
};

/* What the tool's options mean for building. */
act_builder_options cli_builder_options(const struct cli_options *options);

/* Tells which options do nothing for the layout that is built. */
void cli_note_idle_building(const struct cli_options *options);

/* Opens a sorter as the options say, for a file at that path; NULL after a message. */
act_sorter *cli_sorter_open(const struct cli_options *options, const char *out_path);

/* How much memory sorting takes where --memory does not say it: of the library's sorters, none
 * takes more than a quarter of what there is. */
#define CLI_SORTER_NBYTES_DEFAULT ((uint64_t)1 << 30)

/*
 * Does it. Returns an exit status, after a message if it is not CLI_DONE; CLI_TROUBLE without a
 * message if a signal was caught. Unless it is CLI_DONE, what is at `out_path` stays as it was.
 */
int cli_assemble(struct cli_assembly *assembly);

#endif
