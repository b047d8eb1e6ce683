#define _POSIX_C_SOURCE   200809L
#define _FILE_OFFSET_BITS 64

#include "input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "allocate.h"
#include "interrupt.h"
#include "message.h"
#include "output.h"
#include "verb.h"

/* Small enough to stay in the processor's cache, between the kernel's copy and its use. */
#define BUFFER_NBYTES ((size_t)256 << 10)
/* A record without an end is a mistake, such as /dev/zero, and must not take all memory. */
#define RECORD_NBYTES_MAX ((size_t)1 << 30)

bool cli_input_open(struct cli_input *input, const char *const *names, char terminator)
{
    memset(input, 0, sizeof(*input));
    input->names = names;
    input->terminator = terminator;
    input->fd = -1;
    input->stdin_off = (int64_t)lseek(STDIN_FILENO, 0, SEEK_CUR);
    input->capacity = BUFFER_NBYTES;
    /* One byte more: the last record need not end, and its reader may want to end it. */
    input->buffer = malloc(input->capacity + 1);
    if (!input->buffer)
        input->status = cli_fail_nomem();
    return input->buffer;
}

static void close_file(struct cli_input *input)
{
    if (input->fd > STDIN_FILENO)
        close(input->fd);
    input->fd = -1;
}

void cli_input_rewind(struct cli_input *input)
{
    close_file(input);
    if (input->stdin_off >= 0)
        lseek(STDIN_FILENO, (off_t)input->stdin_off, SEEK_SET);
    input->next_name = 0;
    input->records = 0;
    input->read_nbytes = 0;
    input->begin = 0;
    input->end = 0;
    input->scanned = 0;
    input->status = 0;
}

void cli_input_close(struct cli_input *input)
{
    close_file(input);
    free(input->buffer);
    input->buffer = NULL;
}

/* Notes how a regular file looks before it is read. */
static void look_at(struct cli_input *input)
{
    struct stat st;
    input->watched = input->must_stay && fstat(input->fd, &st) == 0 && S_ISREG(st.st_mode);
    if (input->watched) {
        input->size = (int64_t)st.st_size;
        input->mtime = st.st_mtim;
    }
}

/*
 * Whether the file still looks so at its end. One that was cut off may have given zero bytes in
 * place of those that it lost, and one that grew may have given a part of its last record.
 */
static bool has_stayed(const struct cli_input *input)
{
    struct stat st;
    return !input->watched ||
           (fstat(input->fd, &st) == 0 && (int64_t)st.st_size == input->size &&
            st.st_mtim.tv_sec == input->mtime.tv_sec && st.st_mtim.tv_nsec == input->mtime.tv_nsec);
}

/* Goes on to the next file; false if there is none, or after a message. */
static bool open_next(struct cli_input *input)
{
    const char *name = input->names[input->next_name];
    if (!name)
        return false;
    input->next_name++;
    input->name = cli_input_name(name);
    input->line = 0;
    input->input_done = false;
    input->fd = STDIN_FILENO;
    if (strcmp(name, "-") != 0) {
        do {
            input->fd = open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        } while (input->fd < 0 && errno == EINTR && !cli_interrupted());
        if (input->fd < 0) {
            input->status = cli_fail_os(input->name, "cannot open", errno);
            return false;
        }
    }
    look_at(input);
    posix_fadvise(input->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    return true;
}

/* Makes room at the end of the buffer; false after a message. */
static bool make_room(struct cli_input *input)
{
    size_t left = input->end - input->begin;
    if (input->begin) {
        memmove(input->buffer, input->buffer + input->begin, left);
        input->scanned -= input->begin;
        input->begin = 0;
        input->end = left;
    }
    if (left < input->capacity)
        return true;
    if (left >= RECORD_NBYTES_MAX) {
        cli_say("%s:%llu: longer than 1 GiB", input->name, (unsigned long long)input->line + 1);
        input->status = CLI_TROUBLE;
        return false;
    }
    uint8_t *larger = cli_enlarge(input->buffer, input->capacity, input->capacity * 2 + 1);
    if (!larger) {
        input->status = cli_fail_nomem();
        return false;
    }
    input->buffer = larger;
    input->capacity *= 2;
    return true;
}

/* Reads more of the input at hand, or notices its end. False after a message or a signal. */
static bool refill(struct cli_input *input)
{
    if (!make_room(input))
        return false;
    if (input->flushed && !cli_out_flush(input->flushed))
        return false;
    if (input->prompt)
        fputs(input->prompt, stderr);
    for (;;) {
        if (!cli_wait_readable(input->fd))
            return false;
        ssize_t n = read(input->fd, input->buffer + input->end, input->capacity - input->end);
        if (n >= 0) {
            input->end += (size_t)n;
            input->read_nbytes += (uint64_t)n;
            input->input_done = n == 0;
            if (n > 0 || has_stayed(input))
                return true;
            cli_say("%s: changed while it was read", input->name);
            input->status = CLI_TROUBLE;
            return false;
        }
        if (errno != EINTR && errno != EAGAIN) {
            input->status = cli_fail_os(input->name, "cannot read", errno);
            return false;
        }
    }
}

bool cli_input_next(struct cli_input *input, uint8_t **record_ret, size_t *nbytes_ret)
{
    for (;;) {
        uint8_t *begin = input->buffer + input->begin;
        const uint8_t *found = memchr(input->buffer + input->scanned, input->terminator,
                                      input->end - input->scanned);
        size_t nbytes = found ? (size_t)(found - begin) : input->end - input->begin;
        if (found || (input->input_done && nbytes)) {
            input->begin += nbytes + (found ? 1 : 0);
            input->scanned = input->begin;
            input->line++;
            input->records++;
            *record_ret = begin;
            *nbytes_ret = nbytes;
            return true;
        }
        input->scanned = input->end;
        if (input->fd >= 0 && !input->input_done) {
            if (!refill(input))
                return false;
        } else {
            close_file(input);
            if (!open_next(input))
                return false;
        }
    }
}

bool cli_input_regular(const char *const *names, uint64_t *nbytes_ret)
{
    uint64_t nbytes = 0;
    for (; *names; names++) {
        struct stat st;
        bool is_stdin = strcmp(*names, "-") == 0;
        if ((is_stdin ? fstat(STDIN_FILENO, &st) : stat(*names, &st)) != 0 || !S_ISREG(st.st_mode))
            return false;
        off_t done = is_stdin ? lseek(STDIN_FILENO, 0, SEEK_CUR) : 0;
        if (st.st_size > done)
            nbytes += (uint64_t)(st.st_size - done);
    }
    *nbytes_ret = nbytes;
    return true;
}
