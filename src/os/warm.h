/* Waiting for pages. */
#ifndef ACT_OS_WARM_H
#define ACT_OS_WARM_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Brings the pages of these bytes of a mapping into memory and into this process, and waits for
 * them. False if that cannot be: the disk fails, or the file has become shorter. (Where the system
 * can only be made to do it by touching them, such a page ends the program as any access does.)
 */
bool act_os_warm(const uint8_t *bytes, uint64_t nbytes);

#endif
