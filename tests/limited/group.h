/* A control group with a limit of memory, for the program that makes it. */
#ifndef TESTS_LIMITED_GROUP_H
#define TESTS_LIMITED_GROUP_H

#include <stdint.h>

/*
 * Moves this process into a new group below its own. NULL if so; otherwise why that cannot be done
 * here, and then it stays where it was.
 */
const char *group_enter(uint64_t limit_nbytes);

/* Moves it back, and removes the group. */
void group_leave(void);

#endif
