#define _POSIX_C_SOURCE 200809L

#include "interrupt.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>

/* Of a kind that both a handler and any thread may touch. */
static atomic_int caught;
_Static_assert(ATOMIC_INT_LOCK_FREE == 2, "a handler may not wait for a lock");

static void mark(int signal_number)
{
    caught = signal_number;
}

static const int watched[] = {SIGINT, SIGTERM, SIGHUP};

void cli_interrupt_catch(void)
{
    struct sigaction action;
    memset(&action, 0, sizeof(action));
    action.sa_handler = mark;
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof(watched) / sizeof(watched[0]); i++) {
        struct sigaction old;
        /* Without SA_RESTART: what waits for input is to notice. */
        if (sigaction(watched[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
            sigaction(watched[i], &action, NULL);
    }
}

int cli_interrupted(void)
{
    return caught;
}

/* Waits until something can be read, which is also so where that cannot be waited for, or for a
 * signal. False if another look is due. */
static bool wait_once(int fd, const sigset_t *unblocked)
{
    fd_set readable;
    if (caught || fd < 0 || fd >= FD_SETSIZE)
        return true;
    FD_ZERO(&readable);
    FD_SET(fd, &readable);
    return pselect(fd + 1, &readable, NULL, NULL, NULL, unblocked) >= 0 || errno != EINTR;
}

bool cli_wait_readable(int fd)
{
    /* A signal between a look at the mark and the wait would go unnoticed for as long as there is
     * no input; so they are held back meanwhile, and let through by pselect alone. */
    sigset_t blocked;
    sigset_t before;
    bool done = false;
    sigemptyset(&blocked);
    for (size_t i = 0; i < sizeof(watched) / sizeof(watched[0]); i++)
        sigaddset(&blocked, watched[i]);
    while (!done) {
        sigprocmask(SIG_BLOCK, &blocked, &before);
        done = wait_once(fd, &before);
        /* ThreadSanitizer runs handlers here, and not within pselect. */
        sigprocmask(SIG_SETMASK, &before, NULL);
    }
    return !caught;
}

void cli_die_of(int signal_number)
{
    sigset_t one;
    signal(signal_number, SIG_DFL);
    sigemptyset(&one);
    sigaddset(&one, signal_number);
    sigprocmask(SIG_UNBLOCK, &one, NULL);
    raise(signal_number);
    exit(128 + signal_number);
}
