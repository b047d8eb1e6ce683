/*
 * Serving page faults by userfaultfd: the memory is anonymous, so that no touch of it can end in a
 * signal; a touch of a page that is not there stops the thread that touches, and tells the thread
 * here, which reads the page from the file.
 */
/* MADV_WIPEONFORK, syscall */
#define _GNU_SOURCE
#define _FILE_OFFSET_BITS 64

#include "os/served.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.h"
#include "os/allowance.h"
#include "os/guard.h"
#include "os/posix/calls.h"
#include "os/posix/identify.h"
#include "os/thread.h"

enum {
    PADDING_NBYTES = 256,
    BLOCK_NBYTES = 64 << 10 /* read at a time at most, by who reads one page after the other */
};

#define WORD ((uintptr_t)0x5a17ed0f)

struct act_os_served {
    struct act_os_guard guard;
    uint8_t *address;
    size_t nbytes;       /* of the file */
    size_t pages_nbytes; /* the same in whole pages; then a page of zeros, and that of the word */
    size_t reserved_nbytes;
    atomic_uintptr_t *word;
    struct act_os_identity identity;
    int fd;
    int faults; /* userfaultfd */
    int stop;   /* eventfd */
    pid_t process;
    struct act_os_thread *thread;
    size_t next_off; /* after what was served last, which was so much: */
    size_t served_nbytes;
    struct act_os_allowance allowance;
    uint8_t block[BLOCK_NBYTES];
};

static void wipe(struct act_os_guard *guard)
{
    struct act_os_served *served = (struct act_os_served *)(void *)guard; /* its first member */
    atomic_store(served->word, 0);
}

/* ---------------------------------------------------------------------------------- the thread */

static void lose(struct act_os_served *served, int os_code)
{
    int lost = 0;
    atomic_compare_exchange_strong(&served->guard.lost, &lost, os_code);
    wipe(&served->guard);
}

/* Reads a part of the file, as it was when it was opened. 0, or an errno. */
static int read_block(struct act_os_served *served, size_t off, size_t nbytes)
{
    int64_t done = act_posix_read_at(served->fd, served->block, nbytes, off);
    if (done != (int64_t)nbytes)
        return done < 0 ? errno : ESTALE;
    /* Looked at afterwards: what was written before has told so by then. */
    struct stat st;
    struct act_os_identity now;
    if (fstat(served->fd, &st) != 0)
        return errno;
    act_os_identify(&now, &st);
    bool same = now.nbytes == served->identity.nbytes &&
                now.written_s == served->identity.written_s &&
                now.written_ns == served->identity.written_ns;
    /* One that has grown was merged into: what it had is as it was. */
    return same || now.nbytes > served->identity.nbytes ? 0 : ESTALE;
}

/* Puts a page into the memory, if it is not there, and lets those go on that wait for it. */
static bool put_page(const struct act_os_served *served, size_t off, const uint8_t *bytes,
                     size_t nbytes)
{
    struct uffdio_copy copy = {
        .dst = (uintptr_t)served->address + off, .src = (uintptr_t)bytes, .len = nbytes};
    while (ioctl(served->faults, UFFDIO_COPY, &copy) != 0) {
        if (errno == EAGAIN) /* the addresses are being changed by another thread */
            continue;
        if (errno != EEXIST)
            return false;
        struct uffdio_range range = {.start = copy.dst, .len = nbytes};
        return ioctl(served->faults, UFFDIO_WAKE, &range) == 0;
    }
    return true;
}

/* How much to read for a fault: one page, and twice as much each time that it is the next one. */
static size_t choose(struct act_os_served *served, size_t off)
{
    size_t nbytes = off == served->next_off ? 2 * served->served_nbytes : act_os_page_nbytes();
    if (nbytes > BLOCK_NBYTES)
        nbytes = BLOCK_NBYTES;
    if (nbytes > served->pages_nbytes - off)
        nbytes = served->pages_nbytes - off;
    served->served_nbytes = nbytes;
    served->next_off = off + nbytes;
    return nbytes;
}

/* For want of memory. A page of zeros takes none; and who is woken comes again. */
static void serve_nothing(struct act_os_served *served, size_t off)
{
    struct uffdio_zeropage zeros = {
        .range = {(uintptr_t)served->address + off, act_os_page_nbytes()}};
    lose(served, ENOMEM);
    if (ioctl(served->faults, UFFDIO_ZEROPAGE, &zeros) != 0)
        ioctl(served->faults, UFFDIO_WAKE, &zeros.range);
}

static void serve(struct act_os_served *served, size_t off)
{
    size_t page = act_os_page_nbytes();
    size_t nbytes = choose(served, off);
    if (!act_os_allowance_take(&served->allowance, nbytes)) {
        serve_nothing(served, off);
        return;
    }
    size_t file_nbytes = nbytes < served->nbytes - off ? nbytes : served->nbytes - off;
    int os_code = read_block(served, off, file_nbytes);
    if (os_code) {
        lose(served, os_code);
        file_nbytes = 0;
    }
    memset(served->block + file_nbytes, 0, nbytes - file_nbytes);
    for (size_t at = 0; at < nbytes; at += page) {
        if (!put_page(served, off + at, served->block + at, page) && !at)
            serve_nothing(served, off);
    }
}

static void serve_all(void *context)
{
    struct act_os_served *served = context;
    struct pollfd fds[2] = {{.fd = served->faults, .events = POLLIN},
                            {.fd = served->stop, .events = POLLIN}};
    for (;;) {
        struct uffd_msg message;
        if (poll(fds, 2, -1) < 0)
            continue; /* EINTR, or for want of memory: whoever waits has nobody else */
        if (fds[1].revents)
            return;
        if (read(served->faults, &message, sizeof(message)) != (ssize_t)sizeof(message) ||
            message.event != UFFD_EVENT_PAGEFAULT)
            continue;
        size_t page = act_os_page_nbytes();
        serve(served, ((uintptr_t)message.arg.pagefault.address - (uintptr_t)served->address) /
                          page * page);
    }
}

/* --------------------------------------------------------------------------- opening and closing
 */

static int open_faults(void)
{
    unsigned flags = O_CLOEXEC | O_NONBLOCK;
    int fd = -1;
#ifdef UFFD_USER_MODE_ONLY
    fd = (int)syscall(SYS_userfaultfd, flags | UFFD_USER_MODE_ONLY);
    if (fd >= 0 || errno != EINVAL)
        return fd;
#endif
    return (int)syscall(SYS_userfaultfd, flags);
}

/* The addresses: pages to be served, one of zeros, one for the word, which a child finds empty. */
static int reserve(struct act_os_served *served)
{
    size_t page = act_os_page_nbytes();
    served->pages_nbytes = (served->nbytes + page - 1) / page * page;
    served->reserved_nbytes = served->pages_nbytes + 2 * page;
    uint8_t *address = mmap(NULL, served->reserved_nbytes, PROT_READ,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (address == MAP_FAILED)
        return errno;
    served->address = address;
    uint8_t *last = address + served->pages_nbytes + page;
    if (mprotect(last, page, PROT_READ | PROT_WRITE) != 0 ||
        madvise(last, page, MADV_WIPEONFORK) != 0)
        return errno;
    served->word = (atomic_uintptr_t *)(void *)last;
    atomic_init(served->word, WORD);
    return 0;
}

static int start(struct act_os_served *served, int fd)
{
    struct uffdio_api api = {.api = UFFD_API};
    int os_code = reserve(served);
    if (os_code)
        return os_code;
    served->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    served->stop = eventfd(0, EFD_CLOEXEC);
    served->faults = open_faults();
    if (served->fd < 0 || served->stop < 0 || served->faults < 0 ||
        ioctl(served->faults, UFFDIO_API, &api) != 0)
        return errno;
    struct uffdio_register all = {.range = {(uintptr_t)served->address, served->pages_nbytes},
                                  .mode = UFFDIO_REGISTER_MODE_MISSING};
    if (ioctl(served->faults, UFFDIO_REGISTER, &all) != 0)
        return errno;
    served->thread = act_os_thread_try(serve_all, served);
    return served->thread ? 0 : ENOMEM;
}

/* Frees what there is of it. */
static void end(struct act_os_served *served)
{
    /* In a child of fork() there is no such thread, and the descriptors are the parent's too. */
    if (served->thread && served->process == getpid()) {
        uint64_t one = 1;
        while (write(served->stop, &one, sizeof(one)) < 0 && errno == EINTR)
            continue;
        act_os_thread_join(served->thread);
    }
    if (served->address)
        munmap(served->address, served->reserved_nbytes);
    int fds[] = {served->faults, served->stop, served->fd};
    for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
        if (fds[i] >= 0)
            close(fds[i]);
    }
    free(served);
}

act_status act_os_served_open(int fd, size_t nbytes, const char *quoted,
                              struct act_os_bytes *bytes_ret, act_error *error)
{
    struct act_os_served *served = calloc(1, sizeof(*served));
    if (!served)
        return act_fail_nomem(error);
    served->fd = served->faults = served->stop = -1;
    served->next_off = SIZE_MAX;
    served->nbytes = nbytes;
    served->identity = bytes_ret->identity;
    served->process = getpid();
    served->guard.wipe = wipe;
    served->guard.expected = WORD;
    int os_code = start(served, fd);
    if (os_code) {
        end(served);
        return act_fail_os(error, os_code, "cannot serve the pages of %s by a thread", quoted);
    }
    served->guard.word = served->word;
    bytes_ret->bytes = served->address;
    bytes_ret->nbytes = nbytes;
    bytes_ret->padding_nbytes = PADDING_NBYTES;
    bytes_ret->reserved_nbytes = served->reserved_nbytes;
    bytes_ret->guard = &served->guard;
    bytes_ret->served = served;
    return ACT_OK;
}

void act_os_served_close(struct act_os_bytes *bytes)
{
    end(bytes->served);
}
