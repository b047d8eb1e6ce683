/* A file's bytes in memory, mapped or read: the contract that each platform implements. */
#ifndef ACT_OS_MAP_H
#define ACT_OS_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "actree.h"
#include "os/identity.h"

struct act_os_guard;
struct act_os_served;

struct act_os_bytes {
    const uint8_t *bytes; /* NULL when there are none */
    uint64_t nbytes;
    uint64_t padding_nbytes;  /* zeros after them that may be read too */
    uint64_t reserved_nbytes; /* of addresses that are taken, when mapped */
    bool mapped;
    struct act_os_guard *guard;   /* to be asked before what was read is believed; or NULL */
    struct act_os_served *served; /* who reads the pages, when they are neither mapped nor read */
    struct act_os_identity identity;
    bool copied;     /* with `mapped`: into memory of this process's own */
    intptr_t handle; /* of the open file when mapped, in the platform's way; 0: none */
};

/*
 * Makes the bytes of the regular file at `path` readable: mapped, shared and read-only, or read
 * into memory, as `access` says; ACT_ACCESS_AUTO reads files of up to `read_nbytes_max` bytes.
 * A mapping is set to ACT_OS_PAGING_SINGLE, and guarded as `guard` says. Never waits for the other
 * end of a pipe. ACT_ERR_NOMEM, ACT_ERR_IO, ACT_ERR_NOT_REGULAR.
 */
act_status act_os_bytes_open(const char *path, act_access access, act_guard guard,
                             uint64_t read_nbytes_max, struct act_os_bytes *bytes_ret,
                             act_error *error);

/* What is behind addresses of a mapping. */
enum act_os_backing {
    ACT_OS_BACKING_SHARED,  /* the file, as it was mapped */
    ACT_OS_BACKING_PRIVATE, /* the file: pages that were written to, which none is, would be this
                               process's own, MAP_PRIVATE */
    ACT_OS_BACKING_COPY     /* a copy, for which the system is asked to use huge pages; what is
                               released of it comes back, as of a file */
};

/*
 * Puts something else behind the whole pages in which some bytes of a mapping lie, in the same
 * place, while others read there. What the system was told or asked for these pages is forgotten:
 * those of the file are set to ACT_OS_PAGING_SINGLE, none is locked. What a guard looks at stays:
 * the file's last two pages. Returns 0, or an errno: then nothing was changed; ENOSYS where the
 * system has no way.
 */
int act_os_bytes_set_backing(const struct act_os_bytes *bytes, uint64_t off, uint64_t nbytes,
                             enum act_os_backing backing);

/*
 * Puts a copy of mapped bytes in their place, in memory for which the system is asked to use huge
 * pages. Whether it did is another question: act_os_paging_huge. ACT_ERR_NOMEM, ACT_ERR_IO: then
 * the bytes are what they were.
 */
act_status act_os_bytes_copy(struct act_os_bytes *bytes, act_error *error);

/* Gives them back. All-zero bytes are allowed. */
void act_os_bytes_close(struct act_os_bytes *bytes);

/* The size of the system's pages; of a system without any, a size to count in. */
size_t act_os_page_nbytes(void);

#endif
