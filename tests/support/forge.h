/*
 * Files made by hand, object by object, whole or broken on purpose. Everything is written exactly
 * as told: nothing is checked, and offsets may lead anywhere. Out of memory ends the program.
 */
#ifndef TESTS_SUPPORT_FORGE_H
#define TESTS_SUPPORT_FORGE_H

#include <stddef.h>
#include <stdint.h>

#include "actree.h"

struct forge {
    uint8_t *bytes;
    size_t nbytes, capacity;
    act_map *map;  /* after forge_open */
    uint8_t *copy; /* what the map lies over */
};

/* Stands for "no value" and "no child". */
#define FORGE_NONE UINT64_MAX

/* Starts a file: magic, and a root offset of 0. */
void forge_start(struct forge *f);

/* Closes the map and throws everything away. */
void forge_free(struct forge *f);

/* Each of these appends something and returns its offset. */

uint64_t forge_bytes(struct forge *f, const void *bytes, size_t nbytes);

/* The bytes given as arguments. */
#define FORGE_BYTES(f, ...)                                                                        \
    forge_bytes((f), (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

uint64_t forge_varint(struct forge *f, uint64_t value);

/* Line data: length and bytes. */
uint64_t forge_data(struct forge *f, const char *text);

/* A branch without children; its value may be FORGE_NONE. */
uint64_t forge_leaf(struct forge *f, uint64_t value);

/* A branch with children, first child at this offset; with 32 and more, their mask. */
uint64_t forge_branch(struct forge *f, uint64_t value, uint64_t first_child,
                      const uint8_t *children, size_t children_count);

/* The same, the children's bytes as a string. */
uint64_t forge_fork(struct forge *f, uint64_t value, uint64_t first_child, const char *children);

/* A line node; value and child may be FORGE_NONE. */
uint64_t forge_line(struct forge *f, uint64_t value, uint64_t child, uint64_t data);

/* Where the next object will lie. */
uint64_t forge_here(const struct forge *f);

/* Sets the root's offset. */
void forge_root(struct forge *f, uint64_t root);

/* Sets the root's offset and appends the 8 zeros of an end. */
void forge_end(struct forge *f, uint64_t root);

/* Appends the trailer of a merge. */
void forge_trailer(struct forge *f, uint64_t previous_trailer, uint64_t previous_root);

/*
 * A shared map: `levels` levels of `fan_out` children, all of one level sharing one run, above
 * leaves of this value: fan_out to the power of `levels` paths. Returns the root, written last.
 */
uint64_t forge_shared(struct forge *f, unsigned levels, unsigned fan_out, uint64_t value);

/*
 * Opens what was made so far as f->map, in a copy of exactly its size: a sanitizer sees any byte
 * read too many. Closes what was open before. The status of opening; NULL map if it fails.
 */
act_status forge_open(struct forge *f, act_error *error);

#endif
