/*
 * Ranges of entries, and scans over them. Included by actree.h, whose conventions hold here too.
 */
#ifndef ACTREE_SCAN_H
#define ACTREE_SCAN_H

#ifndef ACTREE_H
#error "include actree.h"
#endif

/*
 * Which entries, and in which order. All-zero bytes, or a NULL pointer, mean all of them upwards.
 * The conditions add up. A bound is absent while its pointer is NULL; `to` with a length of 0 but
 * a pointer excludes everything.
 */
typedef struct act_range {
    const void *prefix; /* keys that start with these bytes */
    size_t prefix_nbytes;
    const void *from; /* keys >= from */
    size_t from_nbytes;
    const void *to; /* keys < to */
    size_t to_nbytes;
    bool reverse;   /* descending order */
    uint64_t limit; /* at most this many entries; 0: no limit */
} act_range;

/*
 * Called for each entry. The key is valid during the call only. Anything but 0 stops the scan.
 */
typedef int (*act_visit_fn)(void *context, const uint8_t *key, size_t key_nbytes, uint64_t value);

/*
 * Calls `visit` for each entry of the range, in order. Subtrees that the file shares are visited
 * once for each path that leads there, so that a small file may have up to 2^64 entries and more:
 * stop it by the callback or a limit.
 *
 * ACT_OK when all were visited; ACT_STOPPED; ACT_ERR_CORRUPT, ACT_ERR_LIMIT or ACT_ERR_NOMEM after
 * those before the fault. Memory grows with the depth of the tree and the longest key.
 */
ACT_API act_status act_map_scan(const act_map *map, const act_range *range, act_visit_fn visit,
                                void *context, act_error *error);

/*
 * Some entries, one after the other in the order of the range. Key i is the bytes of `keys` from
 * key_offs[i] on, up to key_offs[i + 1]; key_offs[0] is 0. So the arrays are those of an Apache
 * Arrow column of large binaries, and of one of unsigned 64-bit numbers.
 */
typedef struct act_entry_run {
    size_t count; /* at least 1 */
    const uint8_t *keys;
    const uint64_t *key_offs; /* count + 1 of them */
    const uint64_t *values;   /* count of them */
} act_entry_run;

/* Called for some entries at once. The run is valid during the call only. Anything but 0 stops. */
typedef int (*act_visit_run_fn)(void *context, const act_entry_run *run);

/*
 * act_map_scan by runs of entries: for those who want keys and values in arrays. Runs have up to
 * 1024 entries, few at first; where a run ends means nothing. Entries are read up to a run ahead
 * of the calls. A scan that looks at one entry after the other is faster with act_map_scan, which
 * copies no keys. Returns as act_map_scan does.
 */
ACT_API act_status act_map_scan_runs(const act_map *map, const act_range *range,
                                     act_visit_run_fn visit, void *context, act_error *error);

/* Called for each key that a range is split at; anything but 0 stops. */
typedef int (*act_split_fn)(void *context, const uint8_t *key, size_t key_nbytes);

/*
 * Splits a range into at most `parts` parts of about equal size in the file: calls `visit` for each
 * key where one part ends and the next begins, in ascending order, strictly within the range's
 * bounds. The key itself belongs to the upper part; it need not be in the map, and is valid during
 * the call only. There are fewer parts where the map is small, or its shape tells no better.
 *
 * Looks at the top of the tree only: takes time in proportion to `parts`, not to the file. Sizes
 * are told from where subtrees lie. In files with subtrees in common, or merged files, that is a
 * rough guess: the parts are valid, but may be of very different sizes. `limit` and `reverse` are
 * ignored.
 *
 * ACT_OK, ACT_STOPPED, ACT_ERR_INVALID (no parts), ACT_ERR_CORRUPT, ACT_ERR_LIMIT, ACT_ERR_NOMEM.
 */
ACT_API act_status act_map_split(const act_map *map, const act_range *range, size_t parts,
                                 act_split_fn visit, void *context, act_error *error);

/* Called for an entry of a part. As an act_visit_fn, on one of the scan's threads. */
typedef int (*act_part_visit_fn)(void *context, size_t part, const uint8_t *key, size_t key_nbytes,
                                 uint64_t value);

/* Called when all entries of a part were visited. Anything but 0 stops the scan. */
typedef int (*act_part_end_fn)(void *context, size_t part);

/* Options of a parallel scan. All-zero bytes, or a NULL pointer, mean the defaults. */
typedef struct act_parallel_options {
    unsigned threads; /* that scan at once; 0 or 1: the caller's alone. No more than 64 are used */
    size_t parts;     /* to divide the work into; 0: 16 for each thread */
    /* NULL, or a function that is called for one part after the other, in order, when all parts up
     * to this one were visited: by the caller's thread, while others go on with later parts. */
    act_part_end_fn part_end;
} act_parallel_options;

/*
 * Scans a range on several threads: splits it as act_map_split does, and calls `visit` for each
 * entry. Parts are numbered from 0, upwards in the order of keys. All entries of a part are visited
 * by one thread, in ascending order; entries of different parts at the same time, but never those
 * of a part and of one that comes `threads` or more parts later, so that no more parts than that
 * are between their first entry and their `part_end`. `context` is shared by all threads: what
 * belongs to a part may be changed without locks in `visit` and in `part_end`, for these calls
 * happen one after the other.
 *
 * ACT_OK when all were visited. When a call asks to stop, or a thread fails, no new part is begun,
 * the other threads stop soon, at an entry, and `part_end` is not called any more: ACT_STOPPED, or
 * the error of the first part, in order, that has one. Where the system has no thread to give, the
 * caller's does the work. `range` must have no limit and not be `reverse`: ACT_ERR_INVALID. Else
 * as act_map_scan.
 */
ACT_API act_status act_map_scan_parallel(const act_map *map, const act_range *range,
                                         const act_parallel_options *options,
                                         act_part_visit_fn visit, void *context, act_error *error);

#endif /* ACTREE_SCAN_H */
