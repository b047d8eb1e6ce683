/* Signals that end the program, for verbs that have something to put away first. */
#ifndef ACT_CLI_INTERRUPT_H
#define ACT_CLI_INTERRUPT_H

#include <stdbool.h>

/*
 * From now on SIGINT, SIGTERM and SIGHUP only leave a mark, which cli_interrupted() shows, unless
 * the program was started with them ignored. The verb stops soon, and ends by cli_die_of().
 */
void cli_interrupt_catch(void);

/* The signal that came, or 0. */
int cli_interrupted(void);

/* Waits until there is something to read, or the end; false if a signal came first or before. */
bool cli_wait_readable(int fd);

/* Ends the program by this signal, as if it had never been caught. */
__attribute__((noreturn)) void cli_die_of(int signal_number);

#endif
