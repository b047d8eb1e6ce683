/* Numbers as people read them. */
#ifndef ACT_CLI_UNITS_H
#define ACT_CLI_UNITS_H

#include <stdint.h>

#include "actree.h"

#define CLI_UNIT_NBYTES 48

/* "7,315,688"; returns `text`. */
const char *cli_count_text(char text[CLI_UNIT_NBYTES], uint64_t number);

/* "117.6 MiB", "25 B"; returns `text`. */
const char *cli_bytes_text(char text[CLI_UNIT_NBYTES], uint64_t nbytes);

/* Two digits for each byte of a digest, and a NUL; returns `text`. */
#define CLI_DIGEST_TEXT_NBYTES (2 * ACT_DIGEST_NBYTES + 1)
const char *cli_digest_text(char text[CLI_DIGEST_TEXT_NBYTES], const act_digest *digest);

/* "980 ns", "12.3 us", "4.56 ms". */
const char *cli_time_text(char text[CLI_UNIT_NBYTES], double ns);

#endif
