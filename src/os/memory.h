/* What the system can be told about memory. */
#ifndef ACT_OS_MEMORY_H
#define ACT_OS_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Tells that a large block, of malloc and its like, will be accessed here and there, and would be
 * better off in huge pages. Best done before the memory is touched. Only a wish: it cannot fail.
 */
void act_os_memory_random(void *block, size_t nbytes);

/* The same for whole pages, of which all will be accessed: be they the system's default or not. */
void act_os_memory_huge(void *pages, size_t nbytes);

/*
 * How much memory this program may use now, page cache that others can do without included: what
 * the system has to give, and what the limits of the program's control groups leave. Where `enough`
 * is less than a sixteenth of all memory, the system is taken to have all of it to give. UINT64_MAX
 * if nothing is known. Reads a few small files of the system's, in some 60 microseconds; with
 * `lately`, what they said up to a tenth of a second ago will do, and the limits as they are,
 * whatever was taken of them.
 */
uint64_t act_os_memory_available(uint64_t enough, bool lately);

/* With less than this a program makes its buffers small, and has nothing read but what it asks for:
 * what the system reads around that, by megabytes, would push out the program's own code. */
#define ACT_OS_MEMORY_SCARCE ((uint64_t)64 << 20)

static inline bool act_os_memory_is_scarce(void)
{
    return act_os_memory_available(ACT_OS_MEMORY_SCARCE, true) < ACT_OS_MEMORY_SCARCE;
}

#endif
