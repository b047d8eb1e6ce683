/* Tests that count: how much they are to do, and how much they did. */
#ifndef TESTS_SUPPORT_FIGURES_H
#define TESTS_SUPPORT_FIGURES_H

#include <stdint.h>

/*
 * How many rounds: the number in the environment variable `name`, by which `make reliability` asks
 * for more than the normal run of the tests does, or `normal` where there is none.
 */
uint64_t figures_wanted(const char *name, uint64_t normal);

/* Adds to what is counted under that name, a literal. One thread at a time. */
void figures_add(const char *name, uint64_t count);

/* Prints all of them as one line, "FIGURES " and a JSON object, which scripts/reliability.py reads.
 */
void figures_print(void);

#endif
