/* What the system can be told about memory. */
#ifndef ACT_OS_MEMORY_H
#define ACT_OS_MEMORY_H

#include <stddef.h>

/*
 * Tells that a large block, of malloc and its like, will be accessed here and there, and would be
 * better off in huge pages. Best done before the memory is touched. Only a wish: it cannot fail.
 */
void act_os_memory_random(void *block, size_t nbytes);

#endif
