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

#endif
