#define _GNU_SOURCE
#define _FILE_OFFSET_BITS 64

#include "write_faults.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include "support/figures.h"

/* Changed while one thread runs, and read by all. */
static struct {
    bool armed, kill, for_ever;
    enum write_call call;
    unsigned nth;
    int os_code;
    unsigned io_nbytes_max;
} fault;

/* What the calls of all threads add up to. */
static atomic_uint calls, refusals;

static bool no_unnamed;
static bool no_threads;

const char *write_call_name(enum write_call call)
{
    static const char *const names[] = {"allocation", "stat",   "lstat",  "readlink", "faccessat",
                                        "open",       "write",  "pwrite", "fsync",    "fchmod",
                                        "linkat",     "rename", "close",  "random",   "pread",
                                        "mkstemp",    "unlink", "thread", "system"};
    return names[call];
}

void write_fault_arm(enum write_call call, unsigned nth, int os_code, bool for_ever)
{
    write_fault_disarm();
    fault.armed = true;
    fault.call = call;
    fault.nth = nth;
    fault.os_code = os_code;
    fault.for_ever = for_ever;
}

void write_fault_arm_kill(unsigned nth)
{
    write_fault_arm(CALL_SYSTEM, nth, 0, false);
    fault.kill = true;
}

void write_fault_arm_short_io(unsigned nbytes)
{
    write_fault_disarm();
    fault.io_nbytes_max = nbytes;
}

void write_fault_no_unnamed(bool none)
{
    no_unnamed = none;
}

void write_fault_no_threads(bool none)
{
    no_threads = none;
}

unsigned write_fault_disarm(void)
{
    unsigned count = atomic_exchange(&refusals, 0);
    if (count)
        figures_add(fault.call == CALL_ALLOCATE ? "refused_allocations" : "refused_calls", count);
    memset(&fault, 0, sizeof(fault));
    return atomic_exchange(&calls, 0);
}

/* Counts a call; true if it has to fail. */
static bool refuse(enum write_call call)
{
    if (!fault.armed ||
        (fault.call != call && (fault.call != CALL_SYSTEM || call == CALL_ALLOCATE)))
        return false;
    unsigned number = atomic_fetch_add(&calls, 1) + 1;
    if (number != fault.nth && !(fault.for_ever && number > fault.nth))
        return false;
    if (fault.kill)
        raise(SIGKILL);
    atomic_fetch_add(&refusals, 1);
    errno = fault.os_code;
    return true;
}

static size_t cut(size_t nbytes)
{
    return fault.io_nbytes_max && nbytes > fault.io_nbytes_max ? fault.io_nbytes_max : nbytes;
}

/* The linker gives __wrap_NAME the calls of NAME, and __real_NAME is what they meant. */
void *__real_malloc(size_t nbytes);
void *__wrap_malloc(size_t nbytes);
void *__wrap_malloc(size_t nbytes)
{
    return refuse(CALL_ALLOCATE) ? NULL : __real_malloc(nbytes);
}

void *__real_calloc(size_t count, size_t nbytes);
void *__wrap_calloc(size_t count, size_t nbytes);
void *__wrap_calloc(size_t count, size_t nbytes)
{
    return refuse(CALL_ALLOCATE) ? NULL : __real_calloc(count, nbytes);
}

void *__real_realloc(void *old, size_t nbytes);
void *__wrap_realloc(void *old, size_t nbytes);
void *__wrap_realloc(void *old, size_t nbytes)
{
    return refuse(CALL_ALLOCATE) ? NULL : __real_realloc(old, nbytes);
}

int __real_stat64(const char *path, struct stat *st);
int __wrap_stat64(const char *path, struct stat *st);
int __wrap_stat64(const char *path, struct stat *st)
{
    return refuse(CALL_STAT) ? -1 : __real_stat64(path, st);
}

int __real_lstat64(const char *path, struct stat *st);
int __wrap_lstat64(const char *path, struct stat *st);
int __wrap_lstat64(const char *path, struct stat *st)
{
    return refuse(CALL_LSTAT) ? -1 : __real_lstat64(path, st);
}

ssize_t __real_readlink(const char *path, char *target, size_t nbytes);
ssize_t __wrap_readlink(const char *path, char *target, size_t nbytes);
ssize_t __wrap_readlink(const char *path, char *target, size_t nbytes)
{
    return refuse(CALL_READLINK) ? -1 : __real_readlink(path, target, nbytes);
}

int __real_faccessat(int folder_fd, const char *path, int mode, int flags);
int __wrap_faccessat(int folder_fd, const char *path, int mode, int flags);
int __wrap_faccessat(int folder_fd, const char *path, int mode, int flags)
{
    return refuse(CALL_FACCESSAT) ? -1 : __real_faccessat(folder_fd, path, mode, flags);
}

int __real_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = flags & O_CREAT ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    return refuse(CALL_OPEN) ? -1 : __real_open64(path, flags, mode);
}

int __real_openat64(int folder_fd, const char *path, int flags, ...);
int __wrap_openat64(int folder_fd, const char *path, int flags, ...);
int __wrap_openat64(int folder_fd, const char *path, int flags, ...)
{
    bool unnamed = (flags & O_TMPFILE) == O_TMPFILE;
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = flags & O_CREAT || unnamed ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    if (unnamed && no_unnamed) {
        errno = EOPNOTSUPP;
        return -1;
    }
    return refuse(CALL_OPEN) ? -1 : __real_openat64(folder_fd, path, flags, mode);
}

ssize_t __real_write(int fd, const void *bytes, size_t nbytes);
ssize_t __wrap_write(int fd, const void *bytes, size_t nbytes);
ssize_t __wrap_write(int fd, const void *bytes, size_t nbytes)
{
    return refuse(CALL_WRITE) ? -1 : __real_write(fd, bytes, cut(nbytes));
}

ssize_t __real_pwrite64(int fd, const void *bytes, size_t nbytes, off_t off);
ssize_t __wrap_pwrite64(int fd, const void *bytes, size_t nbytes, off_t off);
ssize_t __wrap_pwrite64(int fd, const void *bytes, size_t nbytes, off_t off)
{
    return refuse(CALL_PWRITE) ? -1 : __real_pwrite64(fd, bytes, cut(nbytes), off);
}

int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __wrap_fsync(int fd)
{
    return refuse(CALL_FSYNC) ? -1 : __real_fsync(fd);
}

int __real_fchmod(int fd, mode_t mode);
int __wrap_fchmod(int fd, mode_t mode);
int __wrap_fchmod(int fd, mode_t mode)
{
    return refuse(CALL_FCHMOD) ? -1 : __real_fchmod(fd, mode);
}

int __real_linkat(int from_fd, const char *from, int to_fd, const char *to, int flags);
int __wrap_linkat(int from_fd, const char *from, int to_fd, const char *to, int flags);
int __wrap_linkat(int from_fd, const char *from, int to_fd, const char *to, int flags)
{
    return refuse(CALL_LINKAT) ? -1 : __real_linkat(from_fd, from, to_fd, to, flags);
}

int __real_renameat(int from_fd, const char *from, int to_fd, const char *to);
int __wrap_renameat(int from_fd, const char *from, int to_fd, const char *to);
int __wrap_renameat(int from_fd, const char *from, int to_fd, const char *to)
{
    return refuse(CALL_RENAMEAT) ? -1 : __real_renameat(from_fd, from, to_fd, to);
}

int __real_close(int fd);
int __wrap_close(int fd);
int __wrap_close(int fd)
{
    bool refused = refuse(CALL_CLOSE);
    int os_code = errno;
    int result = __real_close(fd);
    if (!refused)
        return result;
    errno = os_code;
    return -1;
}

int __real_getentropy(void *bytes, size_t nbytes);
int __wrap_getentropy(void *bytes, size_t nbytes);
int __wrap_getentropy(void *bytes, size_t nbytes)
{
    return refuse(CALL_RANDOM) ? -1 : __real_getentropy(bytes, nbytes);
}

ssize_t __real_pread64(int fd, void *bytes, size_t nbytes, off_t off);
ssize_t __wrap_pread64(int fd, void *bytes, size_t nbytes, off_t off);
ssize_t __wrap_pread64(int fd, void *bytes, size_t nbytes, off_t off)
{
    return refuse(CALL_PREAD) ? -1 : __real_pread64(fd, bytes, cut(nbytes), off);
}

int __real_mkstemp64(char *path);
int __wrap_mkstemp64(char *path);
int __wrap_mkstemp64(char *path)
{
    return refuse(CALL_MKSTEMP) ? -1 : __real_mkstemp64(path);
}

int __real_unlink(const char *path);
int __wrap_unlink(const char *path);
int __wrap_unlink(const char *path)
{
    return refuse(CALL_UNLINK) ? -1 : __real_unlink(path);
}

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*start)(void *), void *argument);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*start)(void *), void *argument);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*start)(void *), void *argument)
{
    return no_threads || refuse(CALL_THREAD)
               ? EAGAIN
               : __real_pthread_create(thread, attributes, start, argument);
}
