/* Bits that nobody can foresee. */
#ifndef ACT_OS_RANDOM_H
#define ACT_OS_RANDOM_H

#include <stdint.h>

/* Cannot fail: where the system has no randomness to give, the time and the process make do. */
uint64_t act_os_random(void);

#endif
