/* A file of this process's own for targets whose inputs go through one: in memory, where there is
 * such a place. */
#ifndef FUZZ_PLACE_H
#define FUZZ_PLACE_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "fuzz/input.h"

static char fuzz_place_path[4096];

static void fuzz_place_remove(void)
{
    remove(fuzz_place_path);
}

/* Its path; what is there is removed when the program ends. */
static inline const char *fuzz_place(const char *name)
{
    if (!fuzz_place_path[0]) {
        const char *folder = getenv("TMPDIR");
        if (!folder || !*folder)
            folder = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
        snprintf(fuzz_place_path, sizeof(fuzz_place_path), "%s/actree-fuzz-%ld-%s", folder,
                 (long)getpid(), name);
        atexit(fuzz_place_remove);
    }
    return fuzz_place_path;
}

/* Writes the file anew. */
static inline void fuzz_place_write(const char *path, const uint8_t *bytes, size_t nbytes)
{
    FILE *file = fopen(path, "wb");
    FUZZ_EXPECT(file);
    setbuf(file, NULL);
    FUZZ_EXPECT(nbytes == 0 || fwrite(bytes, 1, nbytes, file) == nbytes);
    FUZZ_EXPECT(fclose(file) == 0);
}

/* All its bytes; to be freed. */
static inline uint8_t *fuzz_place_read(const char *path, size_t *nbytes_ret)
{
    FILE *file = fopen(path, "rb");
    FUZZ_EXPECT(file && fseek(file, 0, SEEK_END) == 0);
    long nbytes = ftell(file);
    FUZZ_EXPECT(nbytes >= 0);
    rewind(file);
    uint8_t *bytes = malloc(nbytes ? (size_t)nbytes : 1);
    FUZZ_EXPECT(bytes && fread(bytes, 1, (size_t)nbytes, file) == (size_t)nbytes);
    fclose(file);
    *nbytes_ret = (size_t)nbytes;
    return bytes;
}

#endif
