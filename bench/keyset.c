#define _GNU_SOURCE
#include "keyset.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int keyset_check(const uint8_t *data, size_t data_nbytes, struct keyset *set)
{
    const uint8_t *at;
    uint64_t nkeys = 0, keys_nbytes = 0;

    if (data_nbytes < KEYSET_HEADER_NBYTES || memcmp(data, KEYSET_MAGIC, 8) != 0)
        return -1;
    set->nkeys = keyset_load64(data + 8);
    set->keys_nbytes = keyset_load64(data + 16);
    set->value_sum = keyset_load64(data + 24);
    set->first = data + KEYSET_HEADER_NBYTES;
    set->end = data + data_nbytes;
    for (at = set->first; at < set->end; nkeys++) {
        size_t left = (size_t)(set->end - at);

        if (left < 4 || left - 4 < keyset_load32(at))
            return -1;
        keys_nbytes += keyset_load32(at);
        at += 4 + keyset_load32(at);
    }
    return nkeys == set->nkeys && keys_nbytes == set->keys_nbytes ? 0 : -1;
}

int keyset_load(const char *file, struct keyset *set_ret)
{
    struct stat st;
    void *data = MAP_FAILED;
    int fd = open(file, O_RDONLY | O_CLOEXEC);

    if (fd >= 0 && fstat(fd, &st) == 0 && st.st_size > 0)
        data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
    if (data == MAP_FAILED) {
        fprintf(stderr, "%s: %s\n", file, errno ? strerror(errno) : "empty file");
        if (fd >= 0)
            close(fd);
        return -1;
    }
    close(fd);
    if (keyset_check(data, (size_t)st.st_size, set_ret) != 0) {
        fprintf(stderr, "%s: not a packed set of keys\n", file);
        return -1;
    }
    return 0;
}
