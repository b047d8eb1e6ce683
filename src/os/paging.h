/*
 * Which pages of a mapped file are read from the disk, and when. None of it changes an answer, and
 * what does not say otherwise is advice, which cannot fail. Addresses need not lie on the bounds of
 * pages.
 */
#ifndef ACT_OS_PAGING_H
#define ACT_OS_PAGING_H

#include <stdbool.h>
#include <stdint.h>

#include "os/map.h"

enum act_os_paging {
    ACT_OS_PAGING_AHEAD,  /* a page that is missing brings its neighbours: for what is all needed */
    ACT_OS_PAGING_SINGLE, /* it comes alone: for a few pages of many, or more than memory holds */
    ACT_OS_PAGING_FORWARD /* what follows is wanted next, and what was passed may go soon */
};

/* Says how missing pages of these bytes of a mapping are to be read from now on. */
void act_os_paging_set(const uint8_t *bytes, uint64_t nbytes, enum act_os_paging paging);

/* Asks for the pages of these bytes of a mapping, and does not wait for them. */
void act_os_paging_fetch(const uint8_t *bytes, uint64_t nbytes);

/*
 * How many pages the calling thread has read from disks so far, by touching or by asking; more of
 * them where the system reads ahead. Only differences say something. Always 0 where that cannot be
 * known. Takes a fraction of a microsecond.
 */
uint64_t act_os_paging_reads(void);

/*
 * Reads the pages of these bytes, which may take time, and makes them present to this process.
 * Returns 0, or an errno: EFAULT or EIO where the file has become shorter or cannot be read. Where
 * the system has no call for it the pages are touched, with the risk of reading anything mapped.
 */
int act_os_paging_populate(const uint8_t *bytes, uint64_t nbytes);

/* The same for pages that were asked for before; where they were not, it may wait for one after the
 * other. */
int act_os_paging_await(const uint8_t *bytes, uint64_t nbytes);

/* The same, with the wish that the system reads and keeps them in huge pages; slower where it does
 * not. */
int act_os_paging_populate_huge(const uint8_t *bytes, uint64_t nbytes);

/* Keeps the pages of these bytes in memory, and reads those that are not, or lets them go again.
 * Return 0 or an errno; ENOSYS where the system has no such thing. */
int act_os_paging_lock(const uint8_t *bytes, uint64_t nbytes);
int act_os_paging_unlock(const uint8_t *bytes, uint64_t nbytes);

/* How many bytes this process may lock in all; UINT64_MAX: no limit, or none that is known. */
uint64_t act_os_paging_lock_limit(void);

/*
 * Takes the whole pages within these bytes of a mapped file away from this process: they will be
 * there again when they are touched. With `cache` the system's own copies are to go too, as far as
 * nobody else has mapped them. Bytes in memory of the process's own are left alone.
 */
void act_os_paging_release(const struct act_os_bytes *map, uint64_t off, uint64_t nbytes,
                           bool cache);

/* How many bytes of the pages of these are present in this process; UINT64_MAX if not known. */
uint64_t act_os_paging_resident(const uint8_t *bytes, uint64_t nbytes);

/*
 * Releases pages that are present, from *off_ref on and up to `end`, until `nbytes_max` bytes or
 * somewhat more have gone. Returns how many, and moves *off_ref to where it came; UINT64_MAX if
 * it is not known what is present. The bytes are a mapped file's.
 */
uint64_t act_os_paging_release_some(const struct act_os_bytes *map, uint64_t *off_ref, uint64_t end,
                                    uint64_t nbytes_max);

/* How many of these bytes this process sees in huge pages; 0 also where that is not known. Reads a
 * list of all that the process has mapped, in a millisecond or more. */
uint64_t act_os_paging_huge(const uint8_t *bytes, uint64_t nbytes);

/* How many bytes of files, of all that are mapped, are present in this process, about: the system
 * adds up what its processors have counted now and then. UINT64_MAX if not known. */
uint64_t act_os_paging_files_resident(void);

/* Page faults of all threads of the process so far. Only differences say something. */
uint64_t act_os_paging_faults(void);

#endif
