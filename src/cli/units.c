#include "units.h"

#include <stdio.h>
#include <string.h>

#include "output.h"

const char *cli_count_text(char text[CLI_UNIT_NBYTES], uint64_t number)
{
    char digits[CLI_U64_NBYTES_MAX];
    size_t count = (size_t)(cli_put_u64(digits, number) - digits);
    char *at = text;
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && (count - i) % 3 == 0)
            *at++ = ',';
        *at++ = digits[i];
    }
    *at = '\0';
    return text;
}

const char *cli_bytes_text(char text[CLI_UNIT_NBYTES], uint64_t nbytes)
{
    static const char letters[] = "KMGTPE";
    double amount = (double)nbytes;
    size_t unit = 0;
    if (nbytes < 1024) {
        snprintf(text, CLI_UNIT_NBYTES, "%u B", (unsigned)nbytes);
        return text;
    }
    amount /= 1024;
    /* 1023.95 would be printed as 1024.0. */
    while (amount >= 1023.95 && unit < strlen(letters) - 1) {
        amount /= 1024;
        unit++;
    }
    snprintf(text, CLI_UNIT_NBYTES, "%.1f %ciB", amount, letters[unit]);
    return text;
}

const char *cli_digest_text(char text[CLI_DIGEST_TEXT_NBYTES], const act_digest *digest)
{
    for (size_t i = 0; i < ACT_DIGEST_NBYTES; i++)
        snprintf(text + 2 * i, 3, "%02x", digest->bytes[i]);
    return text;
}

const char *cli_time_text(char text[CLI_UNIT_NBYTES], double ns)
{
    if (ns < 1e3)
        snprintf(text, CLI_UNIT_NBYTES, "%.0f ns", ns);
    else if (ns < 1e6)
        snprintf(text, CLI_UNIT_NBYTES, "%.1f us", ns / 1e3);
    else
        snprintf(text, CLI_UNIT_NBYTES, "%.2f ms", ns / 1e6);
    return text;
}
