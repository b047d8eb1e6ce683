/* A file's pages and the disk that they come from: the contract that each platform implements. */
#ifndef ACT_CLI_DISK_H
#define ACT_CLI_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The bytes of a page. */
uint64_t cli_page_nbytes(void);

/*
 * Throws a file's pages out of memory, as far as nobody has them mapped; other files' stay. False
 * if most are there still, as on a file system in memory, or if this cannot be done or known.
 */
bool cli_disk_drop(const char *name);

/* What this process has waited for, so far. */
struct cli_disk_use {
    uint64_t major_faults;
    uint64_t pages; /* read, by faults or ahead of them */
};

struct cli_disk_use cli_disk_use(void);

/*
 * How long it takes on average to read one page by touching it, of these pages of a file, which
 * are thrown out of memory first. False if that cannot be measured here.
 */
bool cli_disk_page_ns(const char *name, const uint64_t *pages, size_t count, uint64_t *ns_ret);

/* What a page takes where another one has to go for it. */
struct cli_pressed {
    uint64_t page_ns;  /* that is read by touching it, as above */
    uint64_t ahead_ns; /* that is read ahead, with many others */
};

/*
 * Measures that, in a process that may use little memory, which is first filled with the front of
 * the file: `fill_nbytes` of it, and as much again, which is what is read ahead. The file is to be
 * thrown out of memory before. False if that cannot be measured.
 */
bool cli_disk_pressed(const char *name, uint64_t fill_nbytes, const uint64_t *pages, size_t count,
                      struct cli_pressed *pressed_ret);

/* How many bytes the system reads around a missing page. */
uint64_t cli_disk_ahead_nbytes(const char *name);

/* Whether the kernel chooses pages to drop in another way than cli_reclaim does, as far as known.
 */
bool cli_disk_reclaims_otherwise(void);

#endif
