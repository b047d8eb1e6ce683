/*
 * Warming: bringing parts of a map into memory before they are asked for, at once or beside other
 * work; and sets of pages that can be kept, so that what was in memory is soon there again.
 * Included by actree.h, whose conventions hold here too.
 */
#ifndef ACTREE_WARM_H
#define ACTREE_WARM_H

#ifndef ACTREE_H
#error "include actree.h"
#endif

/* ------------------------------------------------------------------------------------ warm sets */

/* Pages of a file, and which file that is. Never changes: any number of threads may use one. */
typedef struct act_warm_set act_warm_set;

/*
 * The set of the pages that were in the page cache; without such knowledge, of those that were in
 * this process. On ACT_OK `*set_ret` is the caller's, to be closed by act_warm_set_close; it does
 * not refer to the residency. ACT_ERR_INVALID: not of this map, or nobody knows; ACT_ERR_NOMEM.
 */
ACT_API act_status act_warm_set_take(const act_map *map, const act_residency *residency,
                                     act_warm_set **set_ret, act_error *error);

/*
 * The set of any pages of the map: bit i % 8 of byte i / 8 of `pages` stands for the bytes from
 * i * page_nbytes on, a power of two from 512 to 2^30; the bitmap covers the whole file. As above.
 */
ACT_API act_status act_warm_set_of_pages(const act_map *map, const uint8_t *pages,
                                         uint64_t page_nbytes, act_warm_set **set_ret,
                                         act_error *error);

/*
 * Writes a set as a file of some bytes for each run of pages, whole or not at all, as a builder
 * does. ACT_ERR_INVALID, ACT_ERR_NOMEM, ACT_ERR_IO, ACT_ERR_NOT_REGULAR.
 */
ACT_API act_status act_warm_set_save(const act_warm_set *set, const char *path, act_error *error);

/*
 * Reads a set that was saved. Nothing in the file is trusted. On ACT_OK `*set_ret` is the caller's.
 * ACT_ERR_INVALID, ACT_ERR_NOMEM, ACT_ERR_IO, ACT_ERR_NOT_REGULAR; ACT_ERR_FORMAT: not a warm set,
 * or of a later version; ACT_ERR_TRUNCATED; ACT_ERR_CORRUPT: damaged.
 */
ACT_API act_status act_warm_set_load(const char *path, act_warm_set **set_ret, act_error *error);

/* What a set is. */
typedef struct act_warm_set_info {
    uint64_t file_nbytes; /* of the map's file */
    uint64_t root;
    uint64_t page_nbytes;
    uint64_t pages;
    uint64_t runs;   /* of neighbouring pages */
    uint64_t nbytes; /* of these pages in the file */
} act_warm_set_info;

/* Fills `*info_ret`; cannot fail. */
ACT_API void act_warm_set_get_info(const act_warm_set *set, act_warm_set_info *info_ret);

/*
 * Whether a set was made of this very file: its size, its root, and a checksum of its first bytes,
 * which in an indexed file stand for all others. ACT_OK; ACT_ERR_INVALID: of another file, or of
 * this one before it was merged into or built anew; the text says what differs.
 */
ACT_API act_status act_warm_set_check(const act_warm_set *set, const act_map *map,
                                      act_error *error);

/* Closes a set; NULL is allowed. */
ACT_API void act_warm_set_close(act_warm_set *set);

/* -------------------------------------------------------------------------------------- warming */

/* What is to be warm. */
typedef enum act_warm_what {
    ACT_WARM_ALL = 0,    /* the whole file, the hot region of an indexed one first */
    ACT_WARM_HOT = 1,    /* the hot region; nothing in a file without an index */
    ACT_WARM_PREFIX = 2, /* the pages with what begins with a prefix */
    ACT_WARM_SET = 3     /* the pages of a set */
} act_warm_what;

typedef struct act_warm_options {
    act_warm_what what;
    const void *prefix; /* of ACT_WARM_PREFIX; copied */
    size_t prefix_nbytes;
    const act_warm_set *set; /* of ACT_WARM_SET; must stay until the end of the work */
    /* Bytes to bring in at most. 0: seven eighths of the memory that the program may use, so that
     * what comes last does not push out what came first. No more than the map's resident budget
     * either, if it has one. */
    uint64_t nbytes_max;
} act_warm_options;

/* How far warming has come. */
typedef struct act_warm_state {
    uint64_t wanted_nbytes; /* to be warm; 0 until that is known */
    uint64_t done_nbytes;   /* are warm, those that were so before among them */
    uint64_t read_nbytes;   /* came from disks for it, as far as the system tells */
    bool ended;             /* there is no more to come: it is done, failed or cancelled */
    bool cut;               /* ended by `nbytes_max`, or for lack of memory */
} act_warm_state;

/*
 * Brings pages in, and waits until they are there: in the page cache, and in this process, which
 * may read them without a page fault. Many are asked for at a time. `progress` may be NULL; it
 * counts bytes. Of a map that is not a mapped file, all is there at once. `options` NULL: all of
 * the file. `state_ret` is filled in any case but ACT_ERR_INVALID.
 *
 * ACT_OK, also when `cut`; ACT_STOPPED; ACT_NOT_FOUND: nothing begins with the prefix;
 * ACT_ERR_INVALID, also for a set of another file; ACT_ERR_IO: the disk fails, or the file has
 * become shorter; ACT_ERR_CORRUPT, ACT_ERR_LIMIT, ACT_ERR_NOMEM for a prefix.
 */
ACT_API act_status act_map_warm(const act_map *map, const act_warm_options *options,
                                act_progress_fn progress, void *context, act_warm_state *state_ret,
                                act_error *error);

/* The same work on a thread of its own. */
typedef struct act_warm act_warm;

/*
 * Starts it. The map, and the set if there is one, must stay until act_warm_finish. Where the
 * system has no thread to give, the work is done before this returns. On ACT_OK `*warm_ret` is the
 * caller's, to be given to act_warm_finish. ACT_ERR_INVALID, as above; ACT_ERR_NOMEM.
 */
ACT_API act_status act_warm_start(const act_map *map, const act_warm_options *options,
                                  act_warm **warm_ret, act_error *error);

/* How far it has come. From any thread. */
ACT_API void act_warm_progress(const act_warm *warm, act_warm_state *state_ret);

/* Asks it to end, and does not wait. From any thread. */
ACT_API void act_warm_cancel(act_warm *warm);

/*
 * Waits for the end, and frees it: what act_map_warm returns; ACT_STOPPED if it was cancelled
 * before it was done. NULL is allowed: ACT_OK. `state_ret` may be NULL.
 */
ACT_API act_status act_warm_finish(act_warm *warm, act_warm_state *state_ret, act_error *error);

#endif /* ACTREE_WARM_H */
