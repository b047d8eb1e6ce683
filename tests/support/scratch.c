#include "support/scratch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Noreturn void scratch_fail(const char *what, const char *path)
{
    fprintf(stderr, "test support: cannot %s %s: %s\n", what, path, strerror(errno));
    exit(99);
}

char *scratch_path(const char *dir, const char *name)
{
    size_t nbytes = strlen(dir) + 1 + strlen(name) + 1;
    char *path = malloc(nbytes);

    if (!path)
        scratch_fail("name", name);
    snprintf(path, nbytes, "%s/%s", dir, name);
    return path;
}

void scratch_write(const char *path, const void *bytes, size_t nbytes)
{
    FILE *file = fopen(path, "wb");

    if (!file)
        scratch_fail("open for writing", path);
    if (nbytes > 0 && fwrite(bytes, 1, nbytes, file) != nbytes)
        scratch_fail("write", path);
    if (fclose(file) != 0)
        scratch_fail("write", path);
}

unsigned char *scratch_read(const char *path, size_t *nbytes_ret)
{
    FILE *file = fopen(path, "rb");
    size_t nbytes = 0, capacity = 4096;
    unsigned char *bytes = malloc(capacity);

    if (!file)
        scratch_fail("open", path);
    for (;;) {
        if (!bytes)
            scratch_fail("hold", path);
        size_t got = fread(bytes + nbytes, 1, capacity - nbytes - 1, file);
        nbytes += got;
        if (got == 0)
            break;
        if (nbytes + 1 == capacity) {
            capacity *= 2;
            bytes = realloc(bytes, capacity);
        }
    }
    if (ferror(file))
        scratch_fail("read", path);
    fclose(file);
    bytes[nbytes] = 0;
    *nbytes_ret = nbytes;
    return bytes;
}

char *scratch_dir;
char *scratch_map;

int scratch_set_up(void **state)
{
    (void)state;
    scratch_dir = scratch_make();
    scratch_map = scratch_path(scratch_dir, "map.act");
    return 0;
}

int scratch_tear_down(void **state)
{
    (void)state;
    free(scratch_map);
    scratch_remove(scratch_dir);
    return 0;
}
