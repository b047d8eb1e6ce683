/* Keys as lowercase hex. */
#ifndef TESTS_SUPPORT_HEX_H
#define TESTS_SUPPORT_HEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Half as many bytes as digits. False for anything else than pairs of lowercase hex digits. */
bool hex_decode(const char *digits, size_t digits_nbytes, uint8_t *bytes);

/* The digits of some bytes, NUL-terminated; long ones are cut. Valid until the fourth next call:
 * for messages. */
const char *hex_shown(const void *bytes, size_t nbytes);

#endif
