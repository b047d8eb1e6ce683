/*
 * Memory for tables that grow with a file or an input. A control group does not refuse memory that
 * is above its limit: it ends the program. So the system is asked before, for a megabyte at a time,
 * whether there is so much; if not, whoever wants it fails as if there were none.
 */
#ifndef ACT_OS_ALLOWANCE_H
#define ACT_OS_ALLOWANCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attributes.h"
#include "os/memory.h"

#define ACT_ALLOWANCE_NBYTES ((uint64_t)1 << 20) /* that are asked for at once, at the least */
/* What must be left for all else: the program's own, and pages of files that are being read or
 * written, which the system cannot throw out. A quarter of what there is in all, within these. */
#define ACT_ALLOWANCE_REST_NBYTES_MIN ((uint64_t)3 << 19)
#define ACT_ALLOWANCE_REST_NBYTES_MAX ((uint64_t)8 << 20)

/* All zero at first: nothing is taken. */
struct act_os_allowance {
    uint64_t taken; /* with what was given back */
    uint64_t left;  /* may be taken without asking */
};

/* Whether `nbytes` may be used now, beside all that is in use. */
static inline bool act_os_memory_allows(uint64_t nbytes)
{
    uint64_t available = act_os_memory_available(nbytes, false);
    uint64_t rest = act_os_memory_available(nbytes, true) / 4;
    if (rest < ACT_ALLOWANCE_REST_NBYTES_MIN)
        rest = ACT_ALLOWANCE_REST_NBYTES_MIN;
    if (rest > ACT_ALLOWANCE_REST_NBYTES_MAX)
        rest = ACT_ALLOWANCE_REST_NBYTES_MAX;
    return available >= rest && available - rest >= nbytes;
}

static inline bool act_os_allowance_ask(struct act_os_allowance *allowance, uint64_t nbytes)
{
    uint64_t wanted = nbytes - allowance->left;
    if (wanted < ACT_ALLOWANCE_NBYTES)
        wanted = ACT_ALLOWANCE_NBYTES;
    /* Small tables are not worth the question. */
    if (allowance->taken + wanted > ACT_ALLOWANCE_NBYTES && !act_os_memory_allows(wanted))
        return false;
    allowance->taken += wanted;
    allowance->left = allowance->left + wanted - nbytes;
    return true;
}

/* Whether so much more may be allocated. */
static inline bool act_os_allowance_take(struct act_os_allowance *allowance, uint64_t nbytes)
{
    if (ACT_UNLIKELY(nbytes > allowance->left))
        return act_os_allowance_ask(allowance, nbytes);
    allowance->left -= nbytes;
    return true;
}

/* After it was freed. */
static inline void act_os_allowance_give(struct act_os_allowance *allowance, uint64_t nbytes)
{
    allowance->left += nbytes;
}

#endif
