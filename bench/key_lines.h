/* Keys of a text file, for programs that need all of them at once as slices; see keyset.h for those
 * that take one after the other. */
#ifndef BENCH_KEY_LINES_H
#define BENCH_KEY_LINES_H

#include <actree.h>
#include <stddef.h>
#include <stdint.h>

struct key_lines {
    act_slice *keys;
    size_t count;
    uint64_t *values; /* room for what is found of each */
};

/* Reads the lines of a file into `lines`, which is all zero. 0, or -1 if there are none. They last
 * as long as the program; without memory it ends. */
int key_lines_load(const char *path, struct key_lines *lines);

#endif
