/*
 * Changing a file in place by appending to it, and what it held before. Included by actree.h, whose
 * conventions hold here too.
 *
 * A merge appends the nodes that change, and the way to them from a new root; all else is referred
 * to where it lies. Nothing that was there is written over but the root's offset, last of all, in
 * eight bytes. So maps that are open go on with the tree that they opened; whoever opens the file
 * later has the new one; and the former roots stay, a chain that leads back to the first.
 *
 * After a crash, or a power cut, the file opens as it was before or as it is after the merge. What
 * may remain at its end of a merge that did not end is ignored by all readers, but not by
 * act_map_verify, and taken away by the next merge.
 */
#ifndef ACTREE_MERGE_H
#define ACTREE_MERGE_H

#ifndef ACTREE_H
#error "include actree.h"
#endif

/*
 * A merge under way. Takes keys in strictly increasing order, as a builder does; memory grows with
 * the longest key and the widest nodes on the way to it. Used by one thread at a time.
 */
typedef struct act_merge act_merge;

/* Options of merging. All-zero bytes, or a NULL pointer, mean the defaults. */
typedef struct act_merge_options {
    bool no_sync; /* do not wait for the disk: after a power cut the file may be damaged */
    /* Verify the whole file first, as act_map_verify does. Without it, the end of the file and what
     * lies on the way to the keys is checked, and damage elsewhere goes unnoticed. */
    bool verify;
    act_progress_fn progress; /* called while the file is verified; NULL: nobody is told */
    void *context;            /* for progress */
} act_merge_options;

/*
 * Opens the file at `path`, of any layout, to be merged into, and keeps other writers out until it
 * is closed; a symbolic link is followed. Readers are not concerned. An indexed file stays one:
 * what is appended has jump tables and checksums too. Other files get what the reference would
 * write.
 *
 * The lock is one of the system's that programs agree on (flock): it ends with the process, and
 * keeps out those who ask for it, which are this library's merges, and not the reference's.
 *
 * On ACT_OK `*merge_ret` is the caller's, to be closed by act_merge_close; otherwise it is NULL,
 * and the file is as it was. Errors: those of act_map_open; ACT_ERR_LOCKED, naming the process that
 * has the file where it is known; ACT_ERR_CORRUPT also where the end of the file, or its index, is
 * damaged, or the root is not the one that the last writer left; ACT_STOPPED if the options'
 * `progress` asked for it.
 */
ACT_API act_status act_merge_open(const char *path, const act_merge_options *options,
                                  act_merge **merge_ret, act_error *error);

/*
 * Gives a key this value, be it there or not. A key must be above the one before, be that set or
 * removed: ACT_ERR_ORDER or ACT_ERR_DUPLICATE otherwise, and the merge stays usable, without the
 * refused key. ACT_ERR_CORRUPT for damage on the way to the key, ACT_ERR_NOMEM and ACT_ERR_IO are
 * final: only act_merge_close is left.
 */
ACT_API act_status act_merge_set(act_merge *merge, const void *key, size_t key_nbytes,
                                 uint64_t value, act_error *error);

/*
 * Removes a key, and the paths that led to it alone. A key that is not there is counted in the
 * report, and no error; nor is a path without a value removed. Otherwise as act_merge_set.
 */
ACT_API act_status act_merge_remove(act_merge *merge, const void *key, size_t key_nbytes,
                                    act_error *error);

/* What a merge did. */
typedef struct act_merge_report {
    uint64_t added;     /* keys that were not there */
    uint64_t replaced;  /* keys that got another value */
    uint64_t unchanged; /* keys that had that value */
    uint64_t removed;
    uint64_t missing; /* keys to remove that were not there */
    uint64_t root;
    uint64_t previous_root; /* the same as `root` if nothing changed: then nothing was appended */
    uint64_t file_nbytes;
    uint64_t appended_nbytes;
    uint64_t dropped_nbytes; /* what merges that did not end had left, now taken away */
} act_merge_report;

/*
 * Completes the merge: the file has the new root after ACT_OK, and on the disk unless `no_sync`.
 * Then, or after an error, only act_merge_close is left. ACT_ERR_NOMEM, ACT_ERR_IO,
 * ACT_ERR_CORRUPT: the file is as it was, unless the last step of all fails, the sync of the new
 * root: then it may be as it is after the merge, and the text says so.
 */
ACT_API act_status act_merge_finish(act_merge *merge, act_merge_report *report_ret,
                                    act_error *error);

/* Closes a merge; without act_merge_finish, the file is as it was. NULL is allowed. */
ACT_API void act_merge_close(act_merge *merge);

/* Called for each root: its offset, and how long the file was with it. Anything but 0 stops. */
typedef int (*act_root_fn)(void *context, uint64_t root, uint64_t file_nbytes);

/*
 * Calls `visit` for the root of the map and all that were before it, newest first; the last one is
 * that of the file as it was built. Each can be opened: act_open_options.root. Takes time in
 * proportion to the number of roots, which is at most a 16th of the file's bytes, whatever they
 * are.
 *
 * ACT_OK; ACT_STOPPED; ACT_ERR_CORRUPT, after those before the damage.
 */
ACT_API act_status act_map_history(const act_map *map, act_root_fn visit, void *context,
                                   act_error *error);

/*
 * The same file as `map` has open, as it was with one of the roots of its history, or as it is: 0.
 * It uses the bytes of `map`, and is to be closed before it; it has no guard (actree/guard.h): what
 * it tells holds if act_map_check says so of `map` afterwards. ACT_ERR_INVALID for another offset;
 * ACT_ERR_CORRUPT, ACT_ERR_NOMEM.
 */
ACT_API act_status act_map_open_former(const act_map *map, uint64_t root, act_map **map_ret,
                                       act_error *error);

/* A key that two maps do not have in common, or that has another value. */
typedef struct act_change {
    const uint8_t *key; /* valid during the call only */
    size_t key_nbytes;
    bool in_from; /* at least one of the two */
    bool in_to;
    uint64_t from_value; /* 0 where it is not */
    uint64_t to_value;
} act_change;

/* Called for each; anything but 0 stops. */
typedef int (*act_change_fn)(void *context, const act_change *change);

/*
 * Calls `visit` for each key in which the maps differ, in byte order. Any two maps will do; but
 * where one was opened over the other by act_map_open_former, what they share is passed by, so that
 * the time is in proportion to what the merges between them have written.
 *
 * The limits of both apply as in scans: steps_max between two differences, and to the end.
 * ACT_OK, ACT_STOPPED, ACT_ERR_CORRUPT, ACT_ERR_LIMIT, ACT_ERR_NOMEM.
 */
ACT_API act_status act_map_diff(const act_map *from, const act_map *to, act_change_fn visit,
                                void *context, act_error *error);

#endif /* ACTREE_MERGE_H */
