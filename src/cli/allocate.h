/*
 * Memory for what grows with an input or a file. A program that takes more than the limit of its
 * control group is ended without a word; so it is asked before whether there is so much. What was
 * refused is told by cli_fail_nomem.
 */
#ifndef ACT_CLI_ALLOCATE_H
#define ACT_CLI_ALLOCATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* realloc, of a block of `old_nbytes`. */
void *cli_enlarge(void *block, size_t old_nbytes, size_t nbytes);

/* calloc. */
void *cli_allocate(size_t count, size_t item_nbytes);

/* Gives back to the system what was freed, where the C library would keep it: of all that went by,
 * for the next piece of work. */
void cli_give_back(void);

/* Whether memory was refused, though there might have been some; then how much it was that was
 * wanted, and how much might be used. */
bool cli_allocation_refused(uint64_t *wanted_ret, uint64_t *available_ret);

#endif
