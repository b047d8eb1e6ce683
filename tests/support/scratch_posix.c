/* Folders of tests, by POSIX. */
#define _XOPEN_SOURCE     700
#define _FILE_OFFSET_BITS 64

#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/scratch.h"

char *scratch_make(void)
{
    const char *parent = getenv("TMPDIR");
    char *dir = scratch_path(parent && *parent ? parent : "/tmp", "actree-test-XXXXXX");

    if (!mkdtemp(dir))
        scratch_fail("make", dir);
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
        scratch_fail("remove", dir);
    free(dir);
}

unsigned scratch_count(const char *dir)
{
    unsigned count = 0;
    DIR *folder = opendir(dir);

    if (!folder)
        scratch_fail("list", dir);
    for (const struct dirent *entry; (entry = readdir(folder));)
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(folder);
    return count;
}
