/* POSIX, MAP_ANONYMOUS, and files beyond 2 GiB where off_t would be 32 bits. */
#define _DEFAULT_SOURCE
#define _FILE_OFFSET_BITS 64

#include "os/map.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/config.h"
#include "base/error.h"
#include "os/allowance.h"
#include "os/guard.h"
#include "os/memory.h"
#include "os/paging.h"
#include "os/posix/calls.h"
#include "os/posix/identify.h"
#include "os/served.h"
#include "os/unnamed.h"

/* Wide loads near the end of a file may reach this far beyond it. A page is no less. */
enum {
    PADDING_NBYTES = 256,
    HUGE_PAGE_NBYTES = 2 << 20
};

/* As many whole pages as it takes, in bytes. */
static size_t in_pages(size_t nbytes)
{
    size_t page = act_os_page_nbytes();
    return (nbytes + page - 1) / page * page;
}

static act_status open_read(int fd, size_t nbytes, const char *quoted, struct act_os_bytes *bytes,
                            act_error *error)
{
    bool small = nbytes <= ACT_ALLOWANCE_NBYTES;
    uint8_t *buffer = NULL;
    if (small || act_os_memory_allows(nbytes))
        buffer = calloc(1, nbytes + PADDING_NBYTES);
    if (!buffer)
        return act_fail(error, ACT_ERR_NOMEM, ACT_NO_OFFSET,
                        "no memory to read %s into, of %llu bytes", quoted,
                        (unsigned long long)nbytes);
    int64_t done = act_posix_read_at(fd, buffer, nbytes, 0);
    if (done < 0) {
        int os_code = errno;
        free(buffer);
        return act_fail_os(error, os_code, "cannot read %s", quoted);
    }
    bytes->bytes = buffer;
    bytes->nbytes = (uint64_t)done;
    bytes->padding_nbytes = PADDING_NBYTES;
    bytes->mapped = false;
    return ACT_OK;
}

/*
 * Reserves readable addresses, zeros, at a multiple of `alignment`. NULL and errno on failure.
 * Systems that align large mappings by themselves (Linux from 6.7 on, what has whole huge pages)
 * are done with the first call.
 */
static uint8_t *reserve(size_t nbytes, size_t alignment)
{
    size_t page = act_os_page_nbytes();
    size_t slack = alignment - page;
    if (slack && nbytes % alignment == 0) {
        uint8_t *aligned = mmap(NULL, nbytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (aligned == MAP_FAILED)
            return NULL;
        if ((uintptr_t)aligned % alignment == 0)
            return aligned;
        munmap(aligned, nbytes);
    }
    uint8_t *start = mmap(NULL, nbytes + slack, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (start == MAP_FAILED)
        return NULL;
    size_t before = (alignment - (uintptr_t)start % alignment) % alignment;
    if (before)
        munmap(start, before);
    if (slack - before)
        munmap(start + before + nbytes, slack - before);
    return start + before;
}

/* The root's offset, which a merge writes over. */
enum {
    ROOT_OFF = 8,
    ROOT_END = 16
};

/* A word of a file, by which it is seen whether its bytes are there. */
struct watched {
    size_t off;
    uintptr_t word;
};

static size_t tail_off(size_t pages_nbytes)
{
    size_t tail_nbytes = 2 * act_os_page_nbytes();
    return pages_nbytes > tail_nbytes ? pages_nbytes - tail_nbytes : 0;
}

/*
 * The last word of some bytes of the file, from `off` on, that is not zero and stays what it is:
 * not the root's offset, and not one that the file's end goes through, for a merge may append the
 * rest of it. All zero if there is none.
 */
static struct watched last_word(const uint8_t *bytes, size_t nbytes, size_t off)
{
    struct watched watched = {0};
    for (size_t at = nbytes - nbytes % sizeof(watched.word); at && !watched.word;) {
        at -= sizeof(watched.word);
        watched.off = off + at;
        if (watched.off >= ROOT_END || watched.off + sizeof(watched.word) <= ROOT_OFF)
            memcpy(&watched.word, bytes + at, sizeof(watched.word));
    }
    return watched;
}

/*
 * Reads a file's tail, its last two pages or its only one, over its mapping. In shared memory:
 * pages that are given back come again. The word is the last that is not zero, for zeros are what
 * remains of a page that a cut goes through.
 */
static int copy_tail(int fd, size_t nbytes, uint8_t *address, size_t pages_nbytes,
                     struct watched *watched_ret)
{
    size_t off = tail_off(pages_nbytes);
    size_t tail_nbytes = nbytes - off;
    uint8_t *copy = address + off;
    size_t copy_nbytes = pages_nbytes - off;
    if (mmap(copy, copy_nbytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1,
             0) == MAP_FAILED)
        return errno;
    int64_t done = act_posix_read_at(fd, copy, tail_nbytes, off);
    if (done < 0)
        return errno;
    if ((size_t)done < tail_nbytes)
        return EIO;
    *watched_ret = last_word(copy, tail_nbytes, off);
    /* No more than zeros? The first word of a file that is worth it is none. */
    if (!watched_ret->word) {
        watched_ret->off = 0;
        done = act_posix_read_at(fd, (uint8_t *)&watched_ret->word, sizeof(watched_ret->word), 0);
        if (done < 0)
            return errno;
    }
    return mprotect(copy, copy_nbytes, PROT_READ) == 0 ? 0 : errno;
}

/*
 * Guards a mapping. A cut through a page leaves zeros there, which no signal tells of; but the
 * pages behind it are taken away before. So the tail, behind which there is nothing, is a copy, and
 * the page of its last word is mapped once more, at the end of the addresses that are reserved, to
 * be looked at after each use.
 */
static act_status guard_mapping(int fd, size_t pages_nbytes, const char *quoted,
                                struct act_os_bytes *bytes, act_error *error)
{
    size_t page = act_os_page_nbytes();
    uint8_t *address = (uint8_t *)(uintptr_t)bytes->bytes;
    uint8_t *second = address + bytes->reserved_nbytes - page;
    struct watched watched = {0};
    int os_code = copy_tail(fd, (size_t)bytes->nbytes, address, pages_nbytes, &watched);
    if (os_code)
        return act_fail_os(error, os_code, "cannot read the end of %s", quoted);
    size_t before = watched.off % page;
    if (mmap(second, page, PROT_READ, MAP_SHARED | MAP_FIXED, fd, (off_t)(watched.off - before)) ==
        MAP_FAILED)
        return act_fail_os(error, errno, "cannot map %s into memory", quoted);
    return act_os_guard_open(address, bytes->reserved_nbytes, second + before, watched.word,
                             &bytes->guard, error);
}

/*
 * The file is mapped over the front of a larger reservation, whose next page stays what it is: one
 * of zeros. What lies between the file's end and the end of its last page are zeros too.
 */
static act_status open_mapped(int fd, size_t nbytes, bool guarded, const char *quoted,
                              struct act_os_bytes *bytes, act_error *error)
{
    size_t page = act_os_page_nbytes();
    size_t pages_nbytes = in_pages(nbytes);
    size_t total = pages_nbytes + (guarded ? 2 : 1) * page;
    size_t alignment = nbytes >= HUGE_PAGE_NBYTES ? HUGE_PAGE_NBYTES : page;
    if (total <= SIZE_MAX - alignment)
        total = (total + alignment - 1) / alignment * alignment;
    uint8_t *address = reserve(total, alignment);
    if (!address)
        return act_fail_os(error, errno, "cannot map %s into memory", quoted);
    bytes->bytes = address;
    bytes->nbytes = nbytes;
    bytes->padding_nbytes = PADDING_NBYTES;
    bytes->reserved_nbytes = total;
    bytes->mapped = true;
    act_status status = ACT_OK;
    if (mmap(address, pages_nbytes, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED)
        status = act_fail_os(error, errno, "cannot map %s into memory", quoted);
    else if (guarded)
        status = guard_mapping(fd, pages_nbytes, quoted, bytes, error);
    if (status == ACT_OK) {
        act_os_paging_set(address, nbytes, ACT_OS_PAGING_SINGLE);
        bytes->handle = (intptr_t)fd + 1;
    } else {
        act_os_bytes_close(bytes);
    }
    return status;
}

static act_status open_fd(int fd, const char *quoted, act_access access, act_guard guard,
                          uint64_t read_nbytes_max, struct act_os_bytes *bytes, act_error *error)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return act_fail_os(error, errno, "cannot examine %s", quoted);
    act_status status = act_posix_check_regular(&st, quoted, error);
    if (status != ACT_OK)
        return status;
    act_os_identify(&bytes->identity, &st);
    if (st.st_size == 0)
        return ACT_OK;
    if ((uint64_t)st.st_size > SIZE_MAX / 2)
        return act_fail(error, ACT_ERR_NOMEM, ACT_NO_OFFSET,
                        "%s is larger than the address space of this program", quoted);
    size_t nbytes = (size_t)st.st_size;
    bool read = access == ACT_ACCESS_READ ||
                (access == ACT_ACCESS_AUTO && (uint64_t)nbytes <= read_nbytes_max);
    if (read)
        return open_read(fd, nbytes, quoted, bytes, error);
    if (guard == ACT_GUARD_THREAD)
        return act_os_served_open(fd, nbytes, quoted, bytes, error);
    return open_mapped(fd, nbytes, guard == ACT_GUARD_SIGNAL, quoted, bytes, error);
}

act_status act_os_bytes_open(const char *path, act_access access, act_guard guard,
                             uint64_t read_nbytes_max, struct act_os_bytes *bytes_ret,
                             act_error *error)
{
    memset(bytes_ret, 0, sizeof(*bytes_ret));
    char quoted[ACT_QUOTED_NBYTES];
    act_quote(quoted, path, strlen(path));
    int fd = act_posix_open(path, O_RDONLY);
    if (fd < 0)
        return act_fail_os(error, errno, "cannot open %s", quoted);
    act_status status = open_fd(fd, quoted, access, guard, read_nbytes_max, bytes_ret, error);
    if (!bytes_ret->handle)
        close(fd);
    return status;
}

static int fd_of(const struct act_os_bytes *bytes)
{
    return (int)(bytes->handle - 1);
}

#if ACT_THREAD_SANITIZER
/* Functions of its own. */
void AnnotateIgnoreWritesBegin(const char *file, int line);
void AnnotateIgnoreWritesEnd(const char *file, int line);
#else
#define AnnotateIgnoreWritesBegin(file, line) ((void)0)
#define AnnotateIgnoreWritesEnd(file, line)   ((void)0)
#endif

/*
 * Maps a file in place of pages that others read: what was there and what comes change places for
 * all threads at once, and are the same bytes. ThreadSanitizer takes mapping for writing them.
 * Returns 0 or an errno.
 */
static int map_over(uint8_t *address, size_t nbytes, int flags, int fd, size_t off)
{
    AnnotateIgnoreWritesBegin(__FILE__, __LINE__);
    const void *mapped = mmap(address, nbytes, PROT_READ, flags | MAP_FIXED, fd, (off_t)off);
    int os_code = mapped == MAP_FAILED ? errno : 0;
    AnnotateIgnoreWritesEnd(__FILE__, __LINE__);
    return os_code;
}

/*
 * A copy of a file's bytes from `off` to `end`, whole pages, as a file in memory that has them at
 * the same offsets: so that huge pages of it lie where those of the file would. Its descriptor, or
 * -1 and errno.
 */
static int copy_to_memory(const struct act_os_bytes *bytes, size_t off, size_t end)
{
    int fd = act_os_unnamed_memory(end);
    if (fd < 0)
        return -1;
    size_t nbytes = (end < bytes->nbytes ? end : (size_t)bytes->nbytes) - off;
    uint8_t *copy = mmap(NULL, end - off, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)off);
    int os_code = copy == MAP_FAILED ? errno : 0;
    if (!os_code) {
        int64_t done = act_posix_read_at(fd_of(bytes), copy, nbytes, off);
        if (done != (int64_t)nbytes)
            os_code = done < 0 ? errno : EIO;
        munmap(copy, end - off);
    }
    if (!os_code)
        return fd;
    close(fd);
    errno = os_code;
    return -1;
}

int act_os_bytes_set_backing(const struct act_os_bytes *bytes, uint64_t off, uint64_t nbytes,
                             enum act_os_backing backing)
{
    size_t page = act_os_page_nbytes();
    size_t limit = in_pages((size_t)bytes->nbytes);
    if (bytes->guard)
        limit = tail_off(limit);
    size_t start = (size_t)off / page * page;
    size_t end = in_pages((size_t)(off + nbytes));
    end = end < limit ? end : limit;
    if (start >= end)
        return 0;
    bool copied = backing == ACT_OS_BACKING_COPY;
    int fd = copied ? copy_to_memory(bytes, start, end) : fd_of(bytes);
    if (fd < 0)
        return errno;
    uint8_t *address = (uint8_t *)(uintptr_t)bytes->bytes + start;
    int flags = backing == ACT_OS_BACKING_PRIVATE ? MAP_PRIVATE : MAP_SHARED;
    int os_code = map_over(address, end - start, flags, fd, start);
    if (copied)
        close(fd);
    if (!os_code && copied)
        (void)act_os_paging_populate_huge(address, end - start);
    else if (!os_code)
        act_os_paging_set(address, (end < bytes->nbytes ? end : bytes->nbytes) - start,
                          ACT_OS_PAGING_SINGLE);
    return os_code;
}

/* Memory that can be written, of that size, for the bytes of a file. NULL and errno on failure. */
static uint8_t *reserve_copy(size_t total)
{
    uint8_t *copy = reserve(total, HUGE_PAGE_NBYTES);
    if (copy && mprotect(copy, total, PROT_READ | PROT_WRITE) != 0) {
        int os_code = errno;
        munmap(copy, total);
        errno = os_code;
        return NULL;
    }
    return copy;
}

act_status act_os_bytes_copy(struct act_os_bytes *bytes, act_error *error)
{
    size_t nbytes = (size_t)bytes->nbytes;
    size_t total = in_pages(nbytes) + act_os_page_nbytes();
    struct act_os_identity identity = bytes->identity;
    uint8_t *copy = reserve_copy(total);
    if (!copy)
        return act_fail_os(error, errno, "no memory for a copy of the file");
    act_os_memory_huge(copy, total);
    int64_t done = act_posix_read_at(fd_of(bytes), copy, nbytes, 0);
    if (done != (int64_t)nbytes || mprotect(copy, total, PROT_READ) != 0) {
        int os_code = done < 0 || done == (int64_t)nbytes ? errno : EIO;
        munmap(copy, total);
        return act_fail_os(error, os_code, "cannot read the file into a copy");
    }
    /* What the caller has made of the old bytes is believed together with the copy. */
    if (bytes->guard && !act_os_guard_holds(bytes->guard)) {
        munmap(copy, total);
        return act_fail_os(error, act_os_guard_break(bytes->guard),
                           "the file was changed while it was copied");
    }
    act_os_bytes_close(bytes);
    bytes->bytes = copy;
    bytes->nbytes = nbytes;
    bytes->padding_nbytes = PADDING_NBYTES;
    bytes->reserved_nbytes = total;
    bytes->mapped = true;
    bytes->copied = true;
    bytes->identity = identity;
    return ACT_OK;
}

void act_os_bytes_close(struct act_os_bytes *bytes)
{
    if (bytes->handle)
        close(fd_of(bytes));
    if (bytes->served) {
        act_os_served_close(bytes);
    } else if (bytes->mapped) {
        act_os_guard_close(bytes->guard);
        munmap((void *)(uintptr_t)bytes->bytes, (size_t)bytes->reserved_nbytes);
    } else {
        free((void *)(uintptr_t)bytes->bytes);
    }
    memset(bytes, 0, sizeof(*bytes));
}
