/* Words on standard error. */
#ifndef ACT_CLI_MESSAGE_H
#define ACT_CLI_MESSAGE_H

#include "actree.h"

/*
 * Prints "actree: ", the text and a newline to standard error; mostly, but not only, for errors.
 * Whatever a terminal could take for a command is escaped: control bytes, and bytes that are not
 * UTF-8.
 */
__attribute__((format(printf, 1, 2))) void cli_say(const char *format, ...);

/* An error in the use of a verb, with a hint where to read more. Returns CLI_TROUBLE. */
__attribute__((format(printf, 2, 3))) int cli_usage_error(const char *verb_name, const char *format,
                                                          ...);

/* Tells that an option that was given does nothing, and why: what it is for. */
void cli_note_idle(const char *option, const char *what_for);

/*
 * Tells an error of the library: what, in which file (NULL: none), where. Returns the exit status
 * that belongs to it.
 */
int cli_fail(const char *file_name, const act_error *error);

/* Tells that a system call failed with this errno: "FILE: what: why". Returns CLI_TROUBLE. */
int cli_fail_os(const char *file_name, const char *what, int os_code);

/* Tells that there is no memory. Returns CLI_TROUBLE. */
int cli_fail_nomem(void);

/*
 * Quotes bytes for a message: escaped, and shortened in the middle when long. `quoted` has room
 * for CLI_QUOTED_NBYTES; returns it.
 */
#define CLI_QUOTED_NBYTES 160
const char *cli_quote(char quoted[CLI_QUOTED_NBYTES], const void *bytes, size_t nbytes);

/* How a file is called in messages: "-" is standard input. */
const char *cli_input_name(const char *file_name);

#endif
