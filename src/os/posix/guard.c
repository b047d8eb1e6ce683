/*
 * The guard by a signal. What is read lies in a mapping; where its page is gone, the system sends
 * SIGBUS to the thread that reads. The handler finds the guard by the address, puts a mapping of
 * zeros in the place of all that is guarded, and returns: the read is made again, and succeeds.
 *
 * The handler takes no lock, and calls nothing but mmap and, to hand a signal on, sigaction,
 * pthread_sigmask and raise. Guards are kept in a list that only grows; one that is closed is used
 * again. The handler may come by while others are opened and closed, but never its own: the thread
 * that was interrupted is reading in that mapping. So what changes while it looks is another's.
 */
/* sigaction, MAP_ANONYMOUS */
#define _DEFAULT_SOURCE
#define _FILE_OFFSET_BITS 64

#include "os/guard.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/error.h"

/* ------------------------------------------------------------------------- what the handler sees
 */

static _Atomic(struct act_os_guard *) guards; /* all that were ever made */

/* What SIGBUS did before. Written only while the handler is not installed. */
static struct sigaction previous;
static atomic_bool previous_is_used_up; /* it was to be called once, and was */

static bool has_flag(const struct sigaction *action, unsigned flag)
{
    return (unsigned)action->sa_flags & flag;
}

/* Whether it calls a function. */
static bool has_handler(const struct sigaction *action)
{
    return has_flag(action, SA_SIGINFO) ||
           (action->sa_handler != SIG_DFL && action->sa_handler != SIG_IGN);
}

/* Faults of an instruction, which is made again after a handler returns. */
static bool is_fault(const siginfo_t *info)
{
    switch (info->si_code) {
    case BUS_ADRALN:
    case BUS_ADRERR:
    case BUS_OBJERR:
#ifdef BUS_MCEERR_AR
    case BUS_MCEERR_AR:
#endif
        return true;
    default:
        return false;
    }
}

/*
 * A checker of threads takes a mapping for a write to all that is mapped. Where there is one, it is
 * told that this is none; elsewhere these are NULL.
 */
__attribute__((weak)) void AnnotateIgnoreWritesBegin(const char *file, int line);
__attribute__((weak)) void AnnotateIgnoreWritesEnd(const char *file, int line);

static bool put_zeros(uintptr_t begin, uintptr_t end)
{
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
#ifdef MAP_NORESERVE
    flags |= MAP_NORESERVE;
#endif
    if (AnnotateIgnoreWritesBegin)
        AnnotateIgnoreWritesBegin("", 0);
    bool done = mmap((void *)begin, end - begin, PROT_READ, flags, -1, 0) != MAP_FAILED;
    if (AnnotateIgnoreWritesEnd)
        AnnotateIgnoreWritesEnd("", 0);
    return done;
}

static void wipe(struct act_os_guard *guard)
{
    put_zeros(atomic_load(&guard->begin), atomic_load(&guard->end));
}

/* Whether the address is guarded, and can be read from now on. */
static bool rescue(uintptr_t address)
{
    for (struct act_os_guard *guard = atomic_load(&guards); guard; guard = guard->next) {
        unsigned turn = atomic_load(&guard->turn);
        uintptr_t begin = atomic_load(&guard->begin);
        uintptr_t end = atomic_load(&guard->end);
        if (turn % 2 || address < begin || address >= end || atomic_load(&guard->turn) != turn)
            continue;
        int lost = 0;
        atomic_compare_exchange_strong(&guard->lost, &lost, EIO);
        return put_zeros(begin, end);
    }
    return false;
}

/* Does with the signal what would have been done without this handler. */
static void hand_on(int number, siginfo_t *info, void *context)
{
    bool once = has_flag(&previous, (unsigned)SA_RESETHAND);
    bool usable = !once || !atomic_exchange(&previous_is_used_up, true);
    if (usable && has_handler(&previous)) {
        sigset_t mask = previous.sa_mask;
        if (!has_flag(&previous, SA_NODEFER))
            sigaddset(&mask, number);
        /* When this handler returns, the system puts back what was blocked before. */
        pthread_sigmask(SIG_BLOCK, &mask, NULL);
        if (has_flag(&previous, SA_SIGINFO))
            previous.sa_sigaction(number, info, context);
        else
            previous.sa_handler(number);
        return;
    }
    /* Nobody survives a fault by ignoring it. */
    if (usable && previous.sa_handler == SIG_IGN && !is_fault(info))
        return;
    struct sigaction action = {.sa_handler = SIG_DFL};
    sigemptyset(&action.sa_mask);
    sigaction(number, &action, NULL);
    /* A fault comes again by itself, where it belongs; anything else is sent again. */
    if (!is_fault(info))
        raise(number);
}

static void on_signal(int number, siginfo_t *info, void *context)
{
    int os_code = errno;
    if (!is_fault(info) || !rescue((uintptr_t)info->si_addr))
        hand_on(number, info, context);
    errno = os_code;
}

/* ----------------------------------------------------------------------------- installing it */

/*
 * A lock for opening and closing. It holds the id of the process: a child of fork() that finds its
 * parent's there has none of the parent's threads, and takes it.
 */
static atomic_long owner;
static bool installed; /* under the lock, as is: */
static size_t live;    /* guards in use */

static void enter(void)
{
    long self = (long)getpid();
    long free_or_old = 0;
    while (!atomic_compare_exchange_weak(&owner, &free_or_old, self)) {
        if (free_or_old == self) {
            sched_yield();
            free_or_old = 0;
        }
    }
}

static void leave(void)
{
    atomic_store(&owner, 0);
}

static bool is_ours(const struct sigaction *action)
{
    return has_flag(action, SA_SIGINFO) && action->sa_sigaction == on_signal;
}

/*
 * Installs the handler. Where it was installed and another is there now, that one is taken to hand
 * on what is not its own, as this one does: to install a second time would make a circle.
 */
static int install(void)
{
    struct sigaction now;
    if (sigaction(SIGBUS, NULL, &now) != 0)
        return errno;
    if (installed || is_ours(&now))
        return 0;
    previous = now;
    atomic_store(&previous_is_used_up, false);
    /* SA_ONSTACK: for programs whose threads have small stacks, and one for signals. SA_NODEFER:
     * what the handler does is done twice without harm. */
    struct sigaction action = {.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    action.sa_flags |= has_handler(&now) ? now.sa_flags & SA_RESTART : SA_RESTART;
    action.sa_sigaction = on_signal;
    sigemptyset(&action.sa_mask);
    if (sigaction(SIGBUS, &action, NULL) != 0)
        return errno;
    installed = true;
    return 0;
}

/* Puts back what was there before, unless another handler was installed since. */
static void uninstall(void)
{
    struct sigaction now;
    if (!installed || sigaction(SIGBUS, NULL, &now) != 0 || !is_ours(&now))
        return;
    struct sigaction then = previous;
    if (atomic_load(&previous_is_used_up)) {
        then.sa_flags = 0;
        then.sa_handler = SIG_DFL;
    }
    sigaction(SIGBUS, &then, NULL);
    installed = false;
}

/* A guard that is free, or a new one; NULL without memory. */
static struct act_os_guard *take(void)
{
    for (struct act_os_guard *guard = atomic_load(&guards); guard; guard = guard->next) {
        if (atomic_load(&guard->turn) % 2)
            return guard;
    }
    struct act_os_guard *guard = calloc(1, sizeof(*guard));
    if (!guard)
        return NULL;
    atomic_init(&guard->turn, 1);
    guard->next = atomic_load(&guards);
    atomic_store(&guards, guard);
    return guard;
}

act_status act_os_guard_open(const void *begin, uint64_t nbytes, const void *word,
                             uintptr_t expected, struct act_os_guard **guard_ret, act_error *error)
{
    *guard_ret = NULL;
    enter();
    struct act_os_guard *guard = take();
    int os_code = guard ? install() : ENOMEM;
    if (os_code == 0) {
        guard->word = word;
        guard->expected = expected;
        guard->wipe = wipe;
        atomic_store(&guard->lost, 0);
        atomic_store(&guard->begin, (uintptr_t)begin);
        atomic_store(&guard->end, (uintptr_t)begin + (uintptr_t)nbytes);
        atomic_fetch_add(&guard->turn, 1);
        live++;
        *guard_ret = guard;
    }
    leave();
    return os_code == 0 ? ACT_OK : act_fail_os(error, os_code, "cannot guard a mapping");
}

void act_os_guard_close(struct act_os_guard *guard)
{
    if (!guard)
        return;
    enter();
    atomic_fetch_add(&guard->turn, 1);
    if (--live == 0)
        uninstall();
    leave();
}
