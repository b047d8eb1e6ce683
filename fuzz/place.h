/* Files of this process's own for targets whose inputs go through some: in memory, where there is
 * such a place. */
#ifndef FUZZ_PLACE_H
#define FUZZ_PLACE_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "fuzz/input.h"

enum {
    FUZZ_PLACES_MAX = 2
};

static struct fuzz_place {
    const char *name;
    char path[4096];
} fuzz_places[FUZZ_PLACES_MAX];

static void fuzz_place_remove(void)
{
    for (unsigned i = 0; i < FUZZ_PLACES_MAX; i++) {
        if (fuzz_places[i].name)
            remove(fuzz_places[i].path);
    }
}

/* The path of the file of that name; what is there is removed when the program ends. */
static inline const char *fuzz_place(const char *name)
{
    struct fuzz_place *place = fuzz_places;
    while (place->name && strcmp(place->name, name) != 0) {
        place++;
        FUZZ_EXPECT(place < fuzz_places + FUZZ_PLACES_MAX);
    }
    if (!place->name) {
        const char *folder = getenv("TMPDIR");
        if (!folder || !*folder)
            folder = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
        snprintf(place->path, sizeof(place->path), "%s/actree-fuzz-%ld-%s", folder, (long)getpid(),
                 name);
        place->name = name;
        if (place == fuzz_places)
            atexit(fuzz_place_remove);
    }
    return place->path;
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
