/*
 * Makes the system refuse what writing a file asks of it, as faults.h does for reading: through
 * the linker's --wrap. The calls of all threads are counted together; what is told here, is told
 * while no other thread makes any. A call may also be the last thing that the process does.
 */
#ifndef TESTS_FAULT_WRITE_FAULTS_H
#define TESTS_FAULT_WRITE_FAULTS_H

#include <stdbool.h>

enum write_call {
    CALL_ALLOCATE, /* malloc, calloc, realloc */
    CALL_STAT,
    CALL_LSTAT,
    CALL_READLINK,
    CALL_FACCESSAT,
    CALL_OPEN, /* open, openat */
    CALL_WRITE,
    CALL_PWRITE,
    CALL_FSYNC,
    CALL_FCHMOD,
    CALL_LINKAT,
    CALL_RENAMEAT,
    CALL_CLOSE, /* fails after it has closed, as the system's does */
    CALL_RANDOM,
    CALL_OUTPUT_COUNT,              /* those above are what output files need */
    CALL_PREAD = CALL_OUTPUT_COUNT, /* those below, temporary ones */
    CALL_MKSTEMP,
    CALL_UNLINK,
    CALL_THREAD, /* pthread_create */
    CALL_COUNT,
    CALL_SYSTEM = CALL_COUNT /* any but allocations */
};

/* What a call is named, for messages. */
const char *write_call_name(enum write_call call);

/* From now on, call number `nth` (from 1) of that kind fails with this errno. */
void write_fault_arm(enum write_call call, unsigned nth, int os_code, bool for_ever);

/* From now on, the process is killed where it would make its `nth` call of the system. */
void write_fault_arm_kill(unsigned nth);

/* Every write, pwrite and pread takes at most this many bytes: no error, but a short count. */
void write_fault_arm_short_io(unsigned nbytes);

/* Files without a name are not to be had, until told otherwise. Outlives disarming. */
void write_fault_no_unnamed(bool none);

/* The same of threads. */
void write_fault_no_threads(bool none);

/* Lets everything pass again. How many such calls there were since it was armed. */
unsigned write_fault_disarm(void);

#endif
