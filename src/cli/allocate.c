#include "allocate.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "actree.h"

/* Less is not worth the question. */
#define ASK_NBYTES ((size_t)1 << 20)
/* What must be left for all else: a quarter, but for what is plenty. */
#define REST_NBYTES_MAX ((uint64_t)8 << 20)

/* What was refused last, on whatever thread. */
static atomic_uint_least64_t refused_wanted, refused_available;

static bool is_allowed(size_t nbytes)
{
    if (nbytes < ASK_NBYTES)
        return true;
    uint64_t available = act_memory_available();
    uint64_t rest = available / 4 < REST_NBYTES_MAX ? available / 4 : REST_NBYTES_MAX;
    if (available - rest >= nbytes)
        return true;
    atomic_store(&refused_available, available);
    atomic_store(&refused_wanted, nbytes);
    return false;
}

void *cli_enlarge(void *block, size_t old_nbytes, size_t nbytes)
{
    return is_allowed(nbytes - old_nbytes) ? realloc(block, nbytes) : NULL;
}

void *cli_allocate(size_t count, size_t item_nbytes)
{
    if (count > SIZE_MAX / item_nbytes || !is_allowed(count * item_nbytes))
        return NULL;
    return calloc(count, item_nbytes);
}

bool cli_allocation_refused(uint64_t *wanted_ret, uint64_t *available_ret)
{
    *wanted_ret = atomic_load(&refused_wanted);
    *available_ret = atomic_load(&refused_available);
    return *wanted_ret != 0;
}
