#define _DEFAULT_SOURCE
#define _FILE_OFFSET_BITS 64

#include "faults.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/figures.h"

static struct {
    bool armed;
    enum fault_place place;
    unsigned nth, calls;
    int os_code;
    bool for_ever;
    unsigned read_nbytes_max;
    unsigned file_nbytes_max;
    long disk_reads, disk_reads_a_question;
} fault;

void fault_arm(enum fault_place place, unsigned nth, int os_code, bool for_ever)
{
    memset(&fault, 0, sizeof(fault));
    fault.armed = true;
    fault.place = place;
    fault.nth = nth;
    fault.os_code = place == FAULT_ALLOCATE ? ENOMEM : os_code;
    fault.for_ever = for_ever;
}

void fault_arm_short_reads(unsigned nbytes)
{
    memset(&fault, 0, sizeof(fault));
    fault.read_nbytes_max = nbytes;
}

void fault_arm_cut_file(unsigned file_nbytes)
{
    memset(&fault, 0, sizeof(fault));
    fault.file_nbytes_max = file_nbytes;
}

void fault_slow_disk(unsigned reads)
{
    fault.disk_reads_a_question = (long)reads;
}

unsigned fault_disarm(void)
{
    unsigned calls = fault.calls;
    memset(&fault, 0, sizeof(fault));
    return calls;
}

/* Counts a call; true if it has to fail. */
static bool refuse(enum fault_place place)
{
    if (!fault.armed || fault.place != place)
        return false;
    fault.calls++;
    if (fault.calls != fault.nth && !(fault.for_ever && fault.calls > fault.nth))
        return false;
    figures_add(place == FAULT_ALLOCATE ? "refused_allocations" : "refused_calls", 1);
    errno = fault.os_code;
    return true;
}

/* The linker gives __wrap_NAME the calls of NAME, and __real_NAME is what they meant. Files beyond
 * 2 GiB make NAME64 of some names. */
void *__real_malloc(size_t nbytes);
void *__wrap_malloc(size_t nbytes);
void *__wrap_malloc(size_t nbytes)
{
    return refuse(FAULT_ALLOCATE) ? NULL : __real_malloc(nbytes);
}

void *__real_calloc(size_t count, size_t nbytes);
void *__wrap_calloc(size_t count, size_t nbytes);
void *__wrap_calloc(size_t count, size_t nbytes)
{
    return refuse(FAULT_ALLOCATE) ? NULL : __real_calloc(count, nbytes);
}

void *__real_realloc(void *old, size_t nbytes);
void *__wrap_realloc(void *old, size_t nbytes);
void *__wrap_realloc(void *old, size_t nbytes)
{
    return refuse(FAULT_ALLOCATE) ? NULL : __real_realloc(old, nbytes);
}

int __real_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    /* Only read where open reads it: with O_CREAT and O_TMPFILE. */
    mode_t mode = flags & O_CREAT ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    return refuse(FAULT_OPEN) ? -1 : __real_open64(path, flags, mode);
}

int __real_fstat64(int fd, struct stat *st);
int __wrap_fstat64(int fd, struct stat *st);
int __wrap_fstat64(int fd, struct stat *st)
{
    return refuse(FAULT_FSTAT) ? -1 : __real_fstat64(fd, st);
}

ssize_t __real_pread64(int fd, void *buffer, size_t nbytes, off_t offset);
ssize_t __wrap_pread64(int fd, void *buffer, size_t nbytes, off_t offset);
ssize_t __wrap_pread64(int fd, void *buffer, size_t nbytes, off_t offset)
{
    if (refuse(FAULT_PREAD))
        return -1;
    if (fault.read_nbytes_max && nbytes > fault.read_nbytes_max)
        nbytes = fault.read_nbytes_max;
    if (fault.file_nbytes_max) {
        size_t left = (size_t)offset < fault.file_nbytes_max
                          ? fault.file_nbytes_max - (size_t)offset
                          : 0;
        nbytes = nbytes < left ? nbytes : left;
    }
    return __real_pread64(fd, buffer, nbytes, offset);
}

void *__real_mmap64(void *at, size_t nbytes, int protection, int flags, int fd, off_t offset);
void *__wrap_mmap64(void *at, size_t nbytes, int protection, int flags, int fd, off_t offset);
void *__wrap_mmap64(void *at, size_t nbytes, int protection, int flags, int fd, off_t offset)
{
    return refuse(FAULT_MMAP) ? MAP_FAILED
                              : __real_mmap64(at, nbytes, protection, flags, fd, offset);
}

int __real_madvise(void *at, size_t nbytes, int advice);
int __wrap_madvise(void *at, size_t nbytes, int advice);
int __wrap_madvise(void *at, size_t nbytes, int advice)
{
    return refuse(FAULT_MADVISE) ? -1 : __real_madvise(at, nbytes, advice);
}

int __real_getrusage(int who, struct rusage *usage);
int __wrap_getrusage(int who, struct rusage *usage);
int __wrap_getrusage(int who, struct rusage *usage)
{
    if (refuse(FAULT_GETRUSAGE))
        return -1;
    int result = __real_getrusage(who, usage);
    usage->ru_majflt += fault.disk_reads += fault.disk_reads_a_question;
    return result;
}
