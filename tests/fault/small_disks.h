/* File systems of a size that a test chooses, seen by one process only. */
#ifndef TESTS_FAULT_SMALL_DISKS_H
#define TESTS_FAULT_SMALL_DISKS_H

#include <stddef.h>

/*
 * Runs `work` in a process of its own, whose mounts are its own; what fails in it fails the test
 * that runs, and where nobody may mount the test is skipped. `work` gives 0, or
 * SMALL_DISKS_REFUSED.
 */
void small_disks_run(int (*work)(void));

enum {
    SMALL_DISKS_REFUSED = 3
};

/* Mounts an empty file system of that size at a folder: 0, or SMALL_DISKS_REFUSED. */
int small_disks_mount(const char *dir, size_t nbytes);

#endif
