/*
 * Where in the file a subtree lies: the extents of bytes that the keys under a prefix take.
 *
 * In an indexed file that is told without reading the subtree: the nodes of its top are gone over
 * in the hot region, and each reference from there into the pages names the one page in which all
 * that is below lies. (Line data of more than 247 bytes, which lie in pages by themselves, are
 * known there only where the hot region refers to them.) In any other file, and for what was merged
 * into one, each node of the subtree has to be read.
 */
#ifndef ACT_READ_EXTENTS_H
#define ACT_READ_EXTENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "read/map.h"

/* Called for an extent of the file. Anything but true stops. */
typedef bool (*act_extent_fn)(void *context, uint64_t off, uint64_t nbytes);

/*
 * Calls `visit` for each extent of the subtree of the paths that begin with the prefix, in
 * ascending order, with room between one and the next. Extents are whole pages of ACT_PAGE_NBYTES,
 * cut at the end of the file. The empty prefix stands for the whole file, whatever is in it.
 *
 * Takes a bit of memory for each page in which something is found, in chunks of 4 KiB, and a frame
 * for each node on the way down. Goes over `steps_max` nodes of the map's at most, where parts that
 * are shared count each time.
 *
 * ACT_OK; ACT_STOPPED; ACT_NOT_FOUND: no path begins so; then, and after ACT_ERR_CORRUPT,
 * ACT_ERR_LIMIT (steps, or a prefix longer than keys may be) and ACT_ERR_NOMEM nothing was visited.
 */
act_status act_extents_of(const struct act_map *map, const void *prefix, size_t prefix_nbytes,
                          act_extent_fn visit, void *context, act_error *error);

#endif
