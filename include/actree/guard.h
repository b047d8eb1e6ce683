/*
 * Files that change while they are read. Included by actree.h, whose conventions hold here too.
 *
 * Replaced by renaming, as builders do it, a file changes for nobody who has it open; all else is
 * for files that are cut short, written over, or on a device that fails.
 *
 * What a guard (act_open_options) promises: no call ends in a signal, and none gives an answer that
 * came from bytes which were not there. When it is noticed that the file was cut short or cannot be
 * read, the call under way and all later ones with that map, its iterators and cursors answer
 * ACT_ERR_IO, on all threads; what has no status says no, none or 0. Entries that were given before
 * were right. act_map_reopen is the way to go on.
 */
#ifndef ACTREE_GUARD_H
#define ACTREE_GUARD_H

#ifndef ACTREE_H
#error "include actree.h"
#endif

/*
 * Whether the map's guard still holds, as any call with the map would tell. ACT_OK, always so for a
 * map without a guard; ACT_ERR_IO. Reads a word or two; no system call.
 */
ACT_API act_status act_map_check(const act_map *map, act_error *error);

/* How what is at a map's path differs from what was opened there; bits, to be put together. */
enum act_changed {
    ACT_CHANGED_GONE = 1,    /* there is no file at the path; nothing else is known */
    ACT_CHANGED_FILE = 2,    /* another file is there: replaced; nothing else is known */
    ACT_CHANGED_SHORTER = 4, /* the same file, cut short */
    ACT_CHANGED_LONGER = 8,
    ACT_CHANGED_WRITTEN = 16, /* its time of writing is another one */
    ACT_CHANGED_ROOT = 32     /* it names another root: a merge in place, or another tree */
};

/*
 * Looks at what is at the path by which the map was opened; `*changes_ret` is 0 if that is the same
 * file as it was, else some of `enum act_changed`. Takes some system calls, a few microseconds, and
 * reads 16 bytes. Systems tell times of writing in steps, some of 10 ms: what is written over in
 * the first moment after opening may not show. A relative path is looked up from the present
 * folder. ACT_ERR_IO where it cannot be known; ACT_ERR_INVALID for a map in memory.
 */
ACT_API act_status act_map_changed(const act_map *map, unsigned *changes_ret, act_error *error);

/*
 * Opens what is now at the path by which `map` was opened, with the same options. `map` stays what
 * it is, and is still to be closed: readers that have it go on with the old tree until they take
 * the new one. Returns as act_map_open does; ACT_ERR_INVALID for a map in memory.
 */
ACT_API act_status act_map_reopen(const act_map *map, act_map **map_ret, act_error *error);

#endif /* ACTREE_GUARD_H */
