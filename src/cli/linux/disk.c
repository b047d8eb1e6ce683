/* madvise, mincore */
#define _GNU_SOURCE
#define _FILE_OFFSET_BITS 64

#include "disk.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "progress.h"

enum {
    AHEAD_KIB_DEFAULT = 128,
    PIECE_NBYTES = 128 << 10, /* the least that is read ahead at a time */
    BLOCK_NBYTES = 512,       /* the unit of ru_inblock */
    KEPT_SHARE = 16           /* thrown out: at most one page of so many is left */
};

uint64_t cli_page_nbytes(void)
{
    return (uint64_t)sysconf(_SC_PAGESIZE);
}

/* Maps a whole file; NULL if it cannot be, or has nothing. */
static uint8_t *map_file(int fd, size_t *nbytes_ret)
{
    struct stat st;
    if (fstat(fd, &st) != 0 || st.st_size <= 0 || (uint64_t)st.st_size > SIZE_MAX / 2)
        return NULL;
    *nbytes_ret = (size_t)st.st_size;
    uint8_t *bytes = mmap(NULL, *nbytes_ret, PROT_READ, MAP_SHARED, fd, 0);
    return bytes == MAP_FAILED ? NULL : bytes;
}

/* Whether hardly any page is in memory. */
static bool is_out(int fd)
{
    size_t nbytes;
    uint8_t *bytes = map_file(fd, &nbytes);
    if (!bytes)
        return false;
    size_t page = (size_t)cli_page_nbytes();
    size_t pages = (nbytes + page - 1) / page;
    unsigned char *resident = malloc(pages);
    size_t count = 0;
    bool known = resident && mincore(bytes, nbytes, resident) == 0;
    for (size_t i = 0; known && i < pages; i++)
        count += resident[i] & 1;
    free(resident);
    munmap(bytes, nbytes);
    return known && count <= pages / KEPT_SHARE;
}

bool cli_disk_drop(const char *name)
{
    int fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return false;
    /* What was not written to the disk yet cannot be thrown out. */
    (void)fdatasync(fd);
    bool out = posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) == 0 && is_out(fd);
    close(fd);
    return out;
}

struct cli_disk_use cli_disk_use(void)
{
    struct rusage usage;
    struct cli_disk_use use = {0, 0};
    if (getrusage(RUSAGE_SELF, &usage) == 0) {
        use.major_faults = (uint64_t)usage.ru_majflt;
        use.pages = (uint64_t)usage.ru_inblock * BLOCK_NBYTES / cli_page_nbytes();
    }
    return use;
}

/* A page is read by looking at its first byte. */
static void touch(const uint8_t *bytes, size_t nbytes, uint64_t page)
{
    uint64_t off = page * cli_page_nbytes();
    if (off < nbytes)
        (void)*(volatile const uint8_t *)(bytes + off);
}

/* How long it takes for each page that is not there; 0 if all are. */
static uint64_t time_touches(const uint8_t *bytes, size_t nbytes, const uint64_t *pages,
                             size_t count)
{
    struct cli_disk_use before = cli_disk_use();
    uint64_t started_ns = cli_now_ns();
    for (size_t i = 0; i < count; i++)
        touch(bytes, nbytes, pages[i]);
    uint64_t spent_ns = cli_now_ns() - started_ns;
    uint64_t faults = cli_disk_use().major_faults - before.major_faults;
    return faults ? spent_ns / faults : 0;
}

/* By pieces that are asked for as a whole: page by page it would take as long as what is measured
 * later. */
static void fill(uint8_t *bytes, size_t off, size_t end, size_t piece_nbytes)
{
    for (; off < end; off += piece_nbytes) {
        size_t nbytes = end - off < piece_nbytes ? end - off : piece_nbytes;
        (void)madvise(bytes + off, nbytes, MADV_WILLNEED);
        for (uint64_t page = 0; page * cli_page_nbytes() < nbytes; page++)
            touch(bytes + off, nbytes, page);
    }
}

static size_t least(uint64_t a, size_t b)
{
    return a < b ? (size_t)a : b;
}

bool cli_disk_pressed(const char *name, uint64_t fill_nbytes, const uint64_t *pages, size_t count,
                      struct cli_pressed *pressed_ret)
{
    size_t nbytes;
    int fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    uint8_t *bytes = fd < 0 ? NULL : map_file(fd, &nbytes);
    *pressed_ret = (struct cli_pressed){0, 0};
    if (bytes) {
        /* As much at a time as the system reads ahead, but no more than there is room for. */
        size_t piece = least(cli_disk_ahead_nbytes(name), least(fill_nbytes, nbytes) / 4) /
                           PIECE_NBYTES * PIECE_NBYTES +
                       PIECE_NBYTES;
        size_t full = least(fill_nbytes, nbytes) / PIECE_NBYTES * PIECE_NBYTES;
        size_t end = least(2 * (uint64_t)full, nbytes);
        (void)madvise(bytes, nbytes, MADV_RANDOM);
        fill(bytes, 0, full, piece);
        uint64_t started_ns = cli_now_ns();
        fill(bytes, full, end, piece);
        uint64_t spent_ns = cli_now_ns() - started_ns;
        uint64_t filled = (end - full) / cli_page_nbytes();
        pressed_ret->ahead_ns = filled ? spent_ns / filled : 0;
        pressed_ret->page_ns = time_touches(bytes, nbytes, pages, count);
        munmap(bytes, nbytes);
    }
    if (fd >= 0)
        close(fd);
    return pressed_ret->page_ns && pressed_ret->ahead_ns;
}

bool cli_disk_page_ns(const char *name, const uint64_t *pages, size_t count, uint64_t *ns_ret)
{
    size_t nbytes;
    if (!cli_disk_drop(name))
        return false;
    int fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    uint8_t *bytes = fd < 0 ? NULL : map_file(fd, &nbytes);
    if (bytes) {
        (void)madvise(bytes, nbytes, MADV_RANDOM);
        *ns_ret = time_touches(bytes, nbytes, pages, count);
        munmap(bytes, nbytes);
    }
    if (fd >= 0)
        close(fd);
    return bytes && *ns_ret;
}

/* The number in a small file of the system's; 0 if there is none. */
static uint64_t number_in(const char *name)
{
    char text[64] = "";
    FILE *file = fopen(name, "re");
    if (!file)
        return 0;
    if (!fgets(text, sizeof(text), file))
        text[0] = '\0';
    fclose(file);
    return strtoull(text, NULL, 0);
}

/* A partition has no queue of its own: the disk, one folder above it, has. */
uint64_t cli_disk_ahead_nbytes(const char *name)
{
    static const char *const forms[] = {"/sys/dev/block/%u:%u/queue/read_ahead_kb",
                                        "/sys/dev/block/%u:%u/../queue/read_ahead_kb",
                                        "/sys/class/bdi/%u:%u/read_ahead_kb"};
    struct stat st;
    uint64_t kib = 0;
    if (stat(name, &st) != 0)
        return 0;
    for (size_t i = 0; !kib && i < sizeof(forms) / sizeof(forms[0]); i++) {
        char path[96];
        snprintf(path, sizeof(path), forms[i], major(st.st_dev), minor(st.st_dev));
        kib = number_in(path);
    }
    return (kib ? kib : AHEAD_KIB_DEFAULT) * 1024;
}

bool cli_disk_reclaims_otherwise(void)
{
    return number_in("/sys/kernel/mm/lru_gen/enabled") != 0;
}
