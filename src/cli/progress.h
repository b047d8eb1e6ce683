/* How far long work has come: a line on standard error, at most five times a second. */
#ifndef ACT_CLI_PROGRESS_H
#define ACT_CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "args.h"

struct cli_progress {
    const char *what; /* what is being done, such as "reading" */
    const char *unit; /* of done and total: "B" is shown as KiB, MiB and so on */
    bool shown;       /* anything is shown at all */
    bool on_terminal; /* the line is written over; elsewhere each is a line of its own */
    uint64_t started_ns;
    uint64_t printed_ns;
    uint64_t done;
    uint64_t total;
};

/* Starts; says nothing yet. */
void cli_progress_start(struct cli_progress *progress, enum cli_when when, const char *what,
                        const char *unit);

/* Ends what was told of before, and starts anew. */
void cli_progress_next(struct cli_progress *progress, enum cli_when when, const char *what,
                       const char *unit);

/*
 * Tells how much is done; of how much, if `total` is not 0. An act_progress_fn, with the structure
 * as its context: stops the work when a signal was caught.
 */
int cli_progress_tell(void *context, uint64_t done, uint64_t total);

/* Takes the line away, or completes it. The structure must not go away before. */
void cli_progress_end(struct cli_progress *progress);

/* Takes away the line that is on the terminal, if any, to make place for a message. */
void cli_progress_hide(void);

/* A clock that never goes back, in nanoseconds. */
uint64_t cli_now_ns(void);

#endif
