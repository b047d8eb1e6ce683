/*
 * Standard output through a buffer of our own: data leaves in large pieces, and no failure to write
 * stays unseen.
 */
#ifndef ACT_CLI_OUTPUT_H
#define ACT_CLI_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "keys.h"

#define CLI_OUT_NBYTES ((size_t)128 << 10)

struct cli_out {
    int fd;
    int os_code; /* errno of the write that failed, after which nothing is written; or 0 */
    size_t used;
    uint8_t *buffer;
};

/* False if there is no memory. */
bool cli_out_open(struct cli_out *out, int fd);

/* Hands on what is in the buffer; false if that failed, now or before. */
bool cli_out_flush(struct cli_out *out);

/* Frees the buffer; what is in it is lost. */
void cli_out_close(struct cli_out *out);

/* Appends bytes, a text, formatted text. */
void cli_out_write(struct cli_out *out, const void *bytes, size_t nbytes);
void cli_out_text(struct cli_out *out, const char *text);
__attribute__((format(printf, 2, 3))) void cli_out_format(struct cli_out *out, const char *format,
                                                          ...);

/* Appends the decimal digits of a number, and one byte. */
void cli_out_u64(struct cli_out *out, uint64_t number, char end);

/* Appends the text of a key. */
void cli_out_key(struct cli_out *out, enum cli_keys keys, const uint8_t *key, size_t key_nbytes);

/* Room for `nbytes` more bytes, at most CLI_OUT_NBYTES; to be followed by out->used += ... */
static inline uint8_t *cli_out_room(struct cli_out *out, size_t nbytes)
{
    if (CLI_OUT_NBYTES - out->used < nbytes)
        cli_out_flush(out);
    return out->buffer + out->used;
}

/* Writes decimal digits; returns where they end. At most CLI_U64_NBYTES_MAX of them. */
#define CLI_U64_NBYTES_MAX 20
char *cli_put_u64(char *at, uint64_t number);

#endif
