/*
 * Which pages of a mapped file are read from the disk, and when. All of it is advice: it changes
 * no answer, and cannot fail. Addresses need not lie on the bounds of pages.
 */
#ifndef ACT_OS_PAGING_H
#define ACT_OS_PAGING_H

#include <stdint.h>

enum act_os_paging {
    ACT_OS_PAGING_AHEAD, /* a page that is missing brings its neighbours: for what is all needed */
    ACT_OS_PAGING_SINGLE /* it comes alone: for a few pages of many, or more than memory holds */
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

#endif
