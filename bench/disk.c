/* What a disk can do at best: reads a file at random places, past the page cache.
 *
 *   disk FILE BLOCK_NBYTES DEPTH MS
 *
 * DEPTH threads each wait for one read at a time. Prints JSON: reads in all, nanoseconds. Status 1
 * if the file cannot be read so (tmpfs cannot). */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "meter.h"

#define DEPTH_MAX 256

struct reader {
    pthread_t thread;
    size_t block_nbytes;
    uint64_t nblocks;
    uint64_t end_ns;
    uint64_t random;
    uint64_t nreads;
    int fd;
    int os_code; /* of the read that failed */
};

static void *read_blocks(void *context)
{
    struct reader *reader = context;
    void *block = NULL;

    reader->os_code = posix_memalign(&block, 4096, reader->block_nbytes);
    while (reader->os_code == 0 && meter_now_ns() < reader->end_ns) {
        uint64_t number;

        reader->random = reader->random * UINT64_C(6364136223846793005) + 1442695040888963407;
        number = (reader->random >> 20) % reader->nblocks;
        if (pread(reader->fd, block, reader->block_nbytes,
                  (off_t)(number * reader->block_nbytes)) != (ssize_t)reader->block_nbytes)
            reader->os_code = errno ? errno : EIO;
        else
            reader->nreads++;
    }
    free(block);
    return NULL;
}

/* All reads of all threads, or -1 after a message. */
static int64_t measure(int fd, uint64_t file_nbytes, size_t block_nbytes, unsigned depth,
                       uint64_t ms)
{
    static struct reader readers[DEPTH_MAX];
    uint64_t end_ns = meter_now_ns() + ms * 1000000;
    int64_t nreads = 0;
    int os_code = 0;

    for (unsigned i = 0; i < depth; i++) {
        readers[i] = (struct reader){.fd = fd,
                                     .block_nbytes = block_nbytes,
                                     .nblocks = file_nbytes / block_nbytes,
                                     .end_ns = end_ns,
                                     .random = end_ns + i};
        os_code = pthread_create(&readers[i].thread, NULL, read_blocks, &readers[i]);
        if (os_code) {
            fprintf(stderr, "disk: %s\n", strerror(os_code));
            exit(1);
        }
    }
    for (unsigned i = 0; i < depth; i++) {
        pthread_join(readers[i].thread, NULL);
        nreads += (int64_t)readers[i].nreads;
        if (readers[i].os_code)
            os_code = readers[i].os_code;
    }
    if (os_code)
        fprintf(stderr, "disk: %s\n", strerror(os_code));
    return os_code ? -1 : nreads;
}

int main(int argc, char **argv)
{
    struct stat st;
    size_t block_nbytes = argc == 5 ? strtoul(argv[2], NULL, 10) : 0;
    unsigned depth = argc == 5 ? (unsigned)strtoul(argv[3], NULL, 10) : 0;
    uint64_t start_ns;
    int64_t nreads;
    int fd;

    if (block_nbytes < 4096 || depth < 1 || depth > DEPTH_MAX) {
        fprintf(stderr, "usage: disk FILE BLOCK_NBYTES DEPTH MS\n");
        return 2;
    }
    fd = open(argv[1], O_RDONLY | O_CLOEXEC | O_DIRECT);
    if (fd < 0 || fstat(fd, &st) != 0 || (uint64_t)st.st_size < block_nbytes) {
        fprintf(stderr, "disk: %s: %s\n", argv[1], fd < 0 ? strerror(errno) : "too small");
        return 1;
    }
    start_ns = meter_now_ns();
    nreads = measure(fd, (uint64_t)st.st_size, block_nbytes, depth, strtoull(argv[4], NULL, 10));
    if (nreads < 0)
        return 1;
    printf("{\"reads\":%" PRId64 ",\"ns\":%" PRIu64 "}\n", nreads, meter_now_ns() - start_ns);
    close(fd);
    return 0;
}
