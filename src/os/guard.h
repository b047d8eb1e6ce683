/*
 * Memory over a file that may be cut short, or whose device may fail, while it is read: the
 * contract that each platform implements. Whoever reads there gets zeros instead of a fatal signal,
 * and learns of it when it looks at the guard, before it believes what it has read.
 */
#ifndef ACT_OS_GUARD_H
#define ACT_OS_GUARD_H

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "actree.h"
#include "base/attributes.h"

/* The errno for a file that has changed; not every system has one. */
#ifdef ESTALE
#define ACT_OS_GUARD_CHANGED ESTALE
#else
#define ACT_OS_GUARD_CHANGED EIO
#endif

struct act_os_guard {
    const volatile atomic_uintptr_t *word; /* `expected`, as long as what is there is right */
    uintptr_t expected;
    atomic_int lost; /* 0, or an errno: why it is not to be believed any more */
    void (*wipe)(struct act_os_guard *guard); /* makes the word another, for good */
    /* The platform's own. */
    atomic_uint turn; /* odd: free, or about to change */
    atomic_uintptr_t begin;
    atomic_uintptr_t end;
    struct act_os_guard *next;
};

/*
 * Guards a mapping by a signal handler for the whole process: when a page in [begin, begin +
 * nbytes), whole pages, turns out to be gone, `lost` is set and all of them become zeros at once.
 * `word` lies in the last page, and is to be `expected`, which is not 0. ACT_ERR_NOMEM, ACT_ERR_IO:
 * no handler to be had.
 */
act_status act_os_guard_open(const void *begin, uint64_t nbytes, const void *word,
                             uintptr_t expected, struct act_os_guard **guard_ret, act_error *error);

/* Ends it, before the mapping ends and when nobody reads there. NULL is allowed. */
void act_os_guard_close(struct act_os_guard *guard);

/*
 * To be called when it does not hold: from now on it never does again, be the bytes put back. Why
 * not, as an errno.
 */
static inline int act_os_guard_break(struct act_os_guard *guard)
{
    int lost = 0;
    if (!atomic_compare_exchange_strong(&guard->lost, &lost, ACT_OS_GUARD_CHANGED))
        return lost;
    guard->wipe(guard);
    return ACT_OS_GUARD_CHANGED;
}

/* Whether all that was read up to now may be believed. Any thread, at any time. */
static ACT_ALWAYS_INLINE bool act_os_guard_holds(struct act_os_guard *guard)
{
    /* What was read before is read before: the pages behind a cut go before what lies on it. */
    ACT_LOADS_DONE();
    return ACT_LIKELY(atomic_load_explicit(guard->word, memory_order_relaxed) == guard->expected);
}

#endif
