/* What the page of a set says of its parts. */
#ifndef ACT_CLI_PAGE_SET_H
#define ACT_CLI_PAGE_SET_H

#include "page.h"
#include "verb.h"

/* Counts what all parts have, and adds it up; what of them is in memory is known by then, since
 * this changes it. An exit status, after a message if it is not CLI_DONE; to be freed in any case.
 */
int cli_page_look_at_set(struct cli_call *call, const struct cli_map *map, struct cli_page *page);
void cli_page_free_set(struct cli_page *page);

/* A row for each part, with what of it is in memory. */
void cli_page_print_parts(struct cli_out *out, const struct cli_page *page);

#endif
