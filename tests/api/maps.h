/* Maps of a few keys given as words, for tests of single promises. */
#ifndef TESTS_API_MAPS_H
#define TESTS_API_MAPS_H

#include "actree.h"

/* Builds a map of these keys, which must be in byte order, up to a NULL. The value of a key is its
 * index; a word that begins with '?' is a path without a value. To be closed with close_map. */
act_map *map_of(const char *const *words, const act_open_options *options);

/* The map of a file in tests/interop/golden. */
act_map *golden_map(const char *name);

/* Bytes that belong to nothing, after the arenas of map_of_arena: nodes are read with less care
 * where the end of the file is far. 0 unless a test sets it. */
extern size_t map_of_arena_room_nbytes;

/* A map in memory of bytes laid out by hand: the arena from offset 16 on, the root somewhere in it.
 */
act_map *map_of_arena(const uint8_t *arena, size_t arena_nbytes, uint64_t root,
                      const act_open_options *options);

#endif
