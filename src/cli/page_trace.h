/*
 * Which pages of a file were read, one after the other: what all that is said of working sets is
 * computed from.
 */
#ifndef ACT_CLI_PAGE_TRACE_H
#define ACT_CLI_PAGE_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Pages have numbers of their own here, from 0 in the order in which they came: there may be far
 * fewer of them than the file has. */
struct cli_page_trace {
    uint32_t *touches; /* numbers of pages; the same one not twice running without a break */
    size_t touch_count;
    size_t touch_max;
    uint64_t *pages; /* of the file, by number */
    size_t page_count;
    size_t page_max;
    uint32_t *slots; /* a hash table: a number and 1, or 0; never more than half full */
    size_t slot_count;
    uint64_t last; /* page touched last, and 1 */
};

/* All-zero bytes are an empty trace. Adds a touch of a page; false without memory. */
bool cli_page_trace_add(struct cli_page_trace *trace, uint64_t page);

/* Another query begins: the page touched last counts again. */
void cli_page_trace_break(struct cli_page_trace *trace);

/* The number of a page, which gets one if it has none, without a touch; UINT32_MAX without memory.
 */
uint32_t cli_page_trace_number(struct cli_page_trace *trace, uint64_t page);

void cli_page_trace_free(struct cli_page_trace *trace);

/* How many groups of `pages` neighbouring pages have a page in the trace; 0 without memory. */
size_t cli_page_trace_groups(const struct cli_page_trace *trace, uint64_t pages);

#endif
