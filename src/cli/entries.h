/* Printing the entries of a range, which dump, prefix and range do. */
#ifndef ACT_CLI_ENTRIES_H
#define ACT_CLI_ENTRIES_H

#include "actree.h"
#include "verb.h"

/* The options that say how it is printed. */
#define CLI_OPTIONS_ENTRIES                                                                        \
    CLI_OPTION_KEYS, CLI_OPTION_NUL, CLI_OPTION_LIMIT, CLI_OPTION_MAX_KEY, CLI_OPTION_MAX_STEPS,   \
        CLI_OPTION_THREADS, CLI_OPTION_PROGRESS, CLI_OPTIONS_OPENING

/*
 * Opens the call's FILE, prints the entries of the range as KEY<TAB>VALUE, and counts them into
 * `*count_ret`. The limit and the direction are those of the call's options. Returns an exit
 * status, after a message if it is not CLI_DONE.
 */
int cli_print_entries(struct cli_call *call, act_range *range, uint64_t *count_ret);

/*
 * Reads a key that was given as the text of an option or argument, in the form that --keys says,
 * into memory of its own. Returns an exit status, after a message if it is not CLI_DONE.
 */
int cli_key_argument(const struct cli_call *call, const char *text, uint8_t **key_ret,
                     size_t *key_nbytes_ret);

#endif
