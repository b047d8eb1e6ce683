#define _POSIX_C_SOURCE 200809L

#include "output.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool cli_out_open(struct cli_out *out, int fd)
{
    out->fd = fd;
    out->os_code = 0;
    out->used = 0;
    out->buffer = malloc(CLI_OUT_NBYTES);
    return out->buffer;
}

/* Writes everything, or sets out->os_code. */
static void write_all(struct cli_out *out, const uint8_t *bytes, size_t nbytes)
{
    while (nbytes && !out->os_code) {
        ssize_t n = write(out->fd, bytes, nbytes);
        if (n >= 0) {
            bytes += n;
            nbytes -= (size_t)n;
        } else if (errno != EINTR) {
            out->os_code = errno;
        }
    }
}

bool cli_out_flush(struct cli_out *out)
{
    write_all(out, out->buffer, out->used);
    out->used = 0;
    return !out->os_code;
}

void cli_out_close(struct cli_out *out)
{
    free(out->buffer);
    out->buffer = NULL;
}

void cli_out_write(struct cli_out *out, const void *bytes, size_t nbytes)
{
    if (nbytes > CLI_OUT_NBYTES / 2) {
        cli_out_flush(out);
        write_all(out, bytes, nbytes);
    } else if (nbytes) {
        memcpy(cli_out_room(out, nbytes), bytes, nbytes);
        out->used += nbytes;
    }
}

void cli_out_text(struct cli_out *out, const char *text)
{
    cli_out_write(out, text, strlen(text));
}

void cli_out_format(struct cli_out *out, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    va_list again;
    va_copy(again, arguments);
    int nbytes = vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (nbytes >= 0 && (size_t)nbytes < CLI_OUT_NBYTES) {
        char *at = (char *)cli_out_room(out, (size_t)nbytes + 1);
        vsnprintf(at, (size_t)nbytes + 1, format, arguments);
        out->used += (size_t)nbytes;
    } else {
        out->os_code = EOVERFLOW;
    }
    va_end(arguments);
}

/* Two digits at a time; a division costs more than anything else here. */
char *cli_put_u64(char *at, uint64_t number)
{
    static const char pairs[] = "0001020304050607080910111213141516171819"
                                "2021222324252627282930313233343536373839"
                                "4041424344454647484950515253545556575859"
                                "6061626364656667686970717273747576777879"
                                "8081828384858687888990919293949596979899";
    static const uint64_t powers[] = {10u,
                                      100u,
                                      1000u,
                                      10000u,
                                      100000u,
                                      1000000u,
                                      10000000u,
                                      100000000u,
                                      1000000000u,
                                      10000000000u,
                                      100000000000u,
                                      1000000000000u,
                                      10000000000000u,
                                      100000000000000u,
                                      1000000000000000u,
                                      10000000000000000u,
                                      100000000000000000u,
                                      1000000000000000000u,
                                      10000000000000000000u};
    size_t nbytes = 1;
    while (nbytes < CLI_U64_NBYTES_MAX && number >= powers[nbytes - 1])
        nbytes++;
    char *first = at + nbytes;
    while (number >= 100) {
        first -= 2;
        memcpy(first, pairs + 2 * (number % 100), 2);
        number /= 100;
    }
    if (number >= 10)
        memcpy(at, pairs + 2 * number, 2);
    else
        *at = (char)('0' + number);
    return at + nbytes;
}

void cli_out_u64(struct cli_out *out, uint64_t number, char end)
{
    char *at = (char *)cli_out_room(out, CLI_U64_NBYTES_MAX + 1);
    char *digits_end = cli_put_u64(at, number);
    *digits_end = end;
    out->used += (size_t)(digits_end + 1 - at);
}

void cli_out_key(struct cli_out *out, enum cli_keys keys, const uint8_t *key, size_t key_nbytes)
{
    /* A long key goes through the buffer in pieces, however much of it there is. */
    const size_t piece_nbytes_max = 4096;
    while (key_nbytes) {
        size_t piece = key_nbytes < piece_nbytes_max ? key_nbytes : piece_nbytes_max;
        char *at = (char *)cli_out_room(out, piece * CLI_KEY_TEXT_NBYTES_MAX);
        out->used += cli_key_encode(keys, key, piece, at);
        key += piece;
        key_nbytes -= piece;
    }
}
