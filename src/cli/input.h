/* Records, which are lines or end with NUL, from one input after another. */
#ifndef ACT_CLI_INPUT_H
#define ACT_CLI_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

struct cli_out;

struct cli_input {
    const char *const *names; /* of files; "-" is standard input; NULL after the last */
    size_t next_name;
    struct cli_out *flushed; /* flushed before each read, so that a partner is not kept waiting */
    const char *prompt;      /* printed to standard error before each read; or NULL */
    const char *name;        /* of the input at hand, for messages */
    uint64_t line;           /* number of the record given last, in its input, from 1 */
    uint64_t records;        /* given so far, from all inputs */
    uint64_t read_nbytes;    /* read so far */
    int64_t stdin_off; /* where standard input stood at first; -1 if it cannot go back there */
    uint8_t *buffer;
    size_t capacity;
    size_t begin; /* of what was not given yet */
    size_t end;
    size_t scanned; /* up to here there is no terminator */
    int64_t size;   /* of the input at hand when it was opened, where that is watched */
    struct timespec mtime;
    int fd;
    int status; /* exit status of the failure that ended it all, or 0 */
    char terminator;
    bool must_stay;  /* a regular file that changes while it is read is a failure */
    bool watched;    /* the input at hand is such a file */
    bool input_done; /* the input at hand has no more bytes than those in the buffer */
};

/* Starts with the first of the names. False after a message. */
bool cli_input_open(struct cli_input *input, const char *const *names, char terminator);

/*
 * The next record without its terminator, which the last one need not have; valid until the next
 * call. It may be written to, and so may the byte after it. False at the end, and after a failure
 * that was told on standard error; input->status then tells which. Stops early, with status 0, when
 * a signal was caught.
 */
bool cli_input_next(struct cli_input *input, uint8_t **record_ret, size_t *nbytes_ret);

/* Starts anew with the first of the names; for inputs that can be read again. */
void cli_input_rewind(struct cli_input *input);

void cli_input_close(struct cli_input *input);

/*
 * Bytes of all inputs together, into `*nbytes_ret`. False if that cannot be known, or if they
 * cannot be read a second time: unless all are regular files, be it one as standard input.
 */
bool cli_input_regular(const char *const *names, uint64_t *nbytes_ret);

#endif
