/* strerror_r in its POSIX form. */
#define _POSIX_C_SOURCE 200809L

#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/config.h"

ACT_PRINTF(5, 0)
static void fill(act_error *error, act_status status, int os_code, uint64_t offset,
                 const char *format, va_list arguments)
{
    error->status = status;
    error->os_code = os_code;
    error->offset = offset;
    int n = vsnprintf(error->text, sizeof(error->text), format, arguments);
    if (n < 0)
        error->text[0] = '\0';
}

act_status act_fail(act_error *error, act_status status, uint64_t offset, const char *format, ...)
{
    if (error) {
        va_list arguments;
        va_start(arguments, format);
        fill(error, status, 0, offset, format, arguments);
        va_end(arguments);
    }
    return status;
}

/* What an errno means. On Windows strerror has a buffer for each thread. */
static const char *os_text(int os_code, char *buffer, size_t nbytes)
{
#if ACT_USE_STRERROR_R
    return strerror_r(os_code, buffer, nbytes) == 0 ? buffer : "unknown system error";
#else
    (void)buffer;
    (void)nbytes;
    return strerror(os_code);
#endif
}

act_status act_fail_os(act_error *error, int os_code, const char *format, ...)
{
    act_status status = os_code == ENOMEM ? ACT_ERR_NOMEM : ACT_ERR_IO;
    if (error) {
        va_list arguments;
        va_start(arguments, format);
        fill(error, status, os_code, ACT_NO_OFFSET, format, arguments);
        va_end(arguments);
        char buffer[128];
        size_t used = strlen(error->text);
        snprintf(error->text + used, sizeof(error->text) - used, ": %s",
                 os_text(os_code, buffer, sizeof(buffer)));
    }
    return status;
}

act_status act_fail_nomem(act_error *error)
{
    return act_fail(error, ACT_ERR_NOMEM, ACT_NO_OFFSET, "out of memory");
}

/* Appends one byte as it may stand in a text; returns how many characters that took. */
static size_t put_escaped(char *at, uint8_t byte)
{
    static const char digits[] = "0123456789abcdef";
    if (byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\') {
        at[0] = (char)byte;
        return 1;
    }
    at[0] = '\\';
    if (byte == '"' || byte == '\\') {
        at[1] = (char)byte;
        return 2;
    }
    at[1] = 'x';
    at[2] = digits[byte >> 4];
    at[3] = digits[byte & 15];
    return 4;
}

const char *act_quote(char quoted[ACT_QUOTED_NBYTES], const void *bytes, size_t nbytes)
{
    /* Room for two quotes, three dots, the NUL, and one escape that just did not fit. */
    enum {
        ROOM = ACT_QUOTED_NBYTES - 6 - 4,
        TAIL_NBYTES = 6
    };
    const uint8_t *p = bytes;
    size_t at = 0;
    size_t i = 0;
    size_t head_room = ROOM;
    quoted[at++] = '"';
    while (i < nbytes && at < head_room) {
        if (at + 4 * TAIL_NBYTES >= head_room && nbytes - i > TAIL_NBYTES) {
            memcpy(quoted + at, "...", 3);
            at += 3;
            i = nbytes - TAIL_NBYTES;
            head_room = ROOM + 4;
        }
        at += put_escaped(quoted + at, p[i++]);
    }
    quoted[at++] = '"';
    quoted[at] = '\0';
    return quoted;
}
