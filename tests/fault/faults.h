/*
 * Makes the system refuse: the n-th allocation, or the n-th call of some system function, fails,
 * and with `for_ever` every one after it. Works on what the library and the test themselves call,
 * through the linker's --wrap (see CMakeLists.txt). For one thread.
 */
#ifndef TESTS_FAULT_FAULTS_H
#define TESTS_FAULT_FAULTS_H

#include <stdbool.h>

enum fault_place {
    FAULT_ALLOCATE, /* malloc, calloc, realloc */
    FAULT_OPEN,
    FAULT_FSTAT,
    FAULT_PREAD,
    FAULT_MMAP,
    FAULT_MADVISE,
    FAULT_GETRUSAGE,
    FAULT_PLACES
};

/* From now on, call number `nth` (from 1) fails with this errno; allocations always with ENOMEM. */
void fault_arm(enum fault_place place, unsigned nth, int os_code, bool for_ever);

/* Every pread gives at most this many bytes: no error, but a short count. */
void fault_arm_short_reads(unsigned nbytes);

/* Every pread finds a file of this size, as if it had been cut after its size was asked for. */
void fault_arm_cut_file(unsigned file_nbytes);

/* Until then too, getrusage says each time that so many pages more had to be read. */
void fault_slow_disk(unsigned reads);

/* Lets everything pass again. How many calls there were at that place since it was armed. */
unsigned fault_disarm(void);

#endif
