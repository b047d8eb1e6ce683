/* cmocka with the headers that it wants before itself. */
#ifndef TESTS_SUPPORT_CHECK_H
#define TESTS_SUPPORT_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

/* 1 in builds where every step is several times slower: tests by number do fewer rounds there. */
#ifndef CHECK_SLOW_BUILD
#define CHECK_SLOW_BUILD 0
#endif

/* 0 where there are no links, pipes, permissions and limits in POSIX's way. */
#ifndef CHECK_POSIX
#define CHECK_POSIX 1
#endif

/* 0 where the library reads every file into memory, whatever is asked for. */
#ifndef CHECK_MAPPED
#define CHECK_MAPPED 1
#endif

/*
 * 1 where QEMU's user mode runs the program. It has system calls carried out, but not all of what
 * they do to pages and signals: MADV_POPULATE_READ succeeds and does nothing, /proc/self/pagemap is
 * in the order of bytes of the machine below, nothing limits addresses, every page that is mapped
 * takes time and memory, and the address that SIGBUS tells has its halves exchanged.
 */
#ifndef CHECK_EMULATED
#define CHECK_EMULATED 0
#endif

/* Ends a test, as skipped, that goes on with what only the machine's own kernel does; at the end of
 * a test, says that a part of it was left out. */
#define CHECK_NEEDS_KERNEL(what)                                                                   \
    do {                                                                                           \
        if (CHECK_EMULATED) {                                                                      \
            print_message("skipped: under an emulator, %s\n", what);                               \
            skip();                                                                                \
        }                                                                                          \
    } while (0)

#endif
