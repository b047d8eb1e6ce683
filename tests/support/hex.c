#include "support/hex.h"

#include <stdio.h>
#include <string.h>

static int digit_value(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

bool hex_decode(const char *digits, size_t digits_nbytes, uint8_t *bytes)
{
    if (digits_nbytes % 2)
        return false;
    for (size_t i = 0; i < digits_nbytes; i += 2) {
        int high = digit_value(digits[i]), low = digit_value(digits[i + 1]);
        if (high < 0 || low < 0)
            return false;
        bytes[i / 2] = (uint8_t)(high * 16 + low);
    }
    return true;
}

const char *hex_shown(const void *bytes, size_t nbytes)
{
    enum {
        SHOWN = 60
    };
    static _Thread_local char texts[4][2 * SHOWN + 40];
    static _Thread_local unsigned turn;
    char *text = texts[turn++ % 4];
    char *at = text;
    const uint8_t *p = bytes;
    for (size_t i = 0; i < nbytes && i < SHOWN; i++)
        at += snprintf(at, 3, "%02x", p[i]);
    snprintf(at, 40, "%s (%zu)", nbytes > SHOWN ? "..." : "", nbytes);
    return text;
}
