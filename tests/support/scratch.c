#define _XOPEN_SOURCE     700
#define _FILE_OFFSET_BITS 64

#include "support/scratch.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static _Noreturn void fail(const char *what, const char *path)
{
    fprintf(stderr, "test support: cannot %s %s: %s\n", what, path, strerror(errno));
    exit(99);
}

char *scratch_make(void)
{
    const char *parent = getenv("TMPDIR");
    char *dir = scratch_path(parent && *parent ? parent : "/tmp", "actree-test-XXXXXX");

    if (!mkdtemp(dir))
        fail("make", dir);
    return dir;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
    (void)st;
    (void)type;
    (void)where;
    return remove(path);
}

void scratch_remove(char *dir)
{
    if (nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS) != 0)
        fail("remove", dir);
    free(dir);
}

char *scratch_path(const char *dir, const char *name)
{
    size_t nbytes = strlen(dir) + 1 + strlen(name) + 1;
    char *path = malloc(nbytes);

    if (!path)
        fail("name", name);
    snprintf(path, nbytes, "%s/%s", dir, name);
    return path;
}

unsigned scratch_count(const char *dir)
{
    unsigned count = 0;
    DIR *folder = opendir(dir);

    if (!folder)
        fail("list", dir);
    for (const struct dirent *entry; (entry = readdir(folder));)
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(folder);
    return count;
}

void scratch_write(const char *path, const void *bytes, size_t nbytes)
{
    FILE *file = fopen(path, "wb");

    if (!file)
        fail("open for writing", path);
    if (nbytes > 0 && fwrite(bytes, 1, nbytes, file) != nbytes)
        fail("write", path);
    if (fclose(file) != 0)
        fail("write", path);
}

unsigned char *scratch_read(const char *path, size_t *nbytes_ret)
{
    FILE *file = fopen(path, "rb");
    size_t nbytes = 0, capacity = 4096;
    unsigned char *bytes = malloc(capacity);

    if (!file)
        fail("open", path);
    for (;;) {
        if (!bytes)
            fail("hold", path);
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
        fail("read", path);
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
