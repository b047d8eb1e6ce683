/* Entries, read from text as the options of `build` say. */
#ifndef ACT_CLI_SOURCE_H
#define ACT_CLI_SOURCE_H

#include "args.h"
#include "input.h"

struct cli_entry {
    const uint8_t *key; /* valid until the next entry */
    size_t key_nbytes;
    uint64_t value;
};

struct cli_source {
    const struct cli_options *options;
    struct cli_input input;
    uint8_t *key; /* decoded */
    size_t key_capacity;
    int status; /* exit status of the failure that ended it, or 0 */
};

/* Starts reading files by these names; ends with NULL. False after a message. */
bool cli_source_open(struct cli_source *source, const struct cli_options *options,
                     const char *const *names);

/*
 * The next entry. False at the end; after a signal; and after a failure that was told on standard
 * error, with its file and line: source->status is not 0 then.
 */
bool cli_source_next(struct cli_source *source, struct cli_entry *entry_ret);

/* Starts anew, as cli_input_rewind. */
void cli_source_rewind(struct cli_source *source);

void cli_source_close(struct cli_source *source);

#endif
