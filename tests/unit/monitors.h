/*
 * How monitors are used: entered from outside; left, waited in and woken from inside. A test that
 * is linked with this and with what it wraps (see CMakeLists.txt) asks that, for all threads,
 * instead of finding out by a race that it loses once in a while.
 */
#ifndef TESTS_UNIT_MONITORS_H
#define TESTS_UNIT_MONITORS_H

/* On any thread: no monitor has been entered and not left. */
void monitors_expect_outside(void);

/* Fails if there has been a mistake, or there is a monitor still. */
void monitors_expect_sound(void);

#endif
