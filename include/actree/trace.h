/*
 * Which bytes of a file a lookup reads, and bringing those of many into memory. Included by
 * actree.h, whose conventions hold here too.
 */
#ifndef ACTREE_TRACE_H
#define ACTREE_TRACE_H

#ifndef ACTREE_H
#error "include actree.h"
#endif

/* What some bytes were read for. */
typedef enum act_touch_kind {
    ACT_TOUCH_NODE = 0,     /* a node's own bytes */
    ACT_TOUCH_JUMP = 1,     /* a jump table, from the wanted number to its end */
    ACT_TOUCH_SIBLINGS = 2, /* nodes that were stepped over, where there is no jump table */
    ACT_TOUCH_LINE = 3      /* line data */
} act_touch_kind;

/* Bytes that a lookup reads, from `off` on in the file. */
typedef struct act_touch {
    uint64_t off;
    uint64_t nbytes; /* at least 1 */
    act_touch_kind kind;
    unsigned level; /* how many nodes this lookup read before */
} act_touch;

/* Called for each touch; anything but 0 stops. */
typedef int (*act_touch_fn)(void *context, const act_touch *touch);

/*
 * Looks a key up as act_map_get does, and calls `visit` for the bytes that act_map_get would read
 * for it now, in this order: wide loads count as a whole, and where a table of shortcuts has been
 * made, it is used. So the pages that hold these bytes are the pages that the lookup needs. Between
 * the first and the last byte of a touch some may be passed by, but no page is. What only asks the
 * processor for memory ahead of time does not count: that reads no page. A line of more than 16
 * bytes counts to its end where the C library compares it, and may have stopped before: in files
 * without an index, and of more than 247 bytes.
 *
 * Offsets are of the file; those of the few bytes that may be read beyond its end, in padding, are
 * not told. Takes some times as long as act_map_get, and does not count as a lookup: it makes no
 * shortcuts. Any number of threads may trace at once.
 *
 * The answer is act_map_get's: ACT_OK and the value, ACT_NOT_FOUND, ACT_ERR_CORRUPT. Or
 * ACT_STOPPED; ACT_ERR_INVALID if `visit` is NULL.
 */
ACT_API act_status act_map_trace_get(const act_map *map, const void *key, size_t key_nbytes,
                                     act_touch_fn visit, void *context, uint64_t *value_ret,
                                     act_error *error);

/* What was brought into memory for some keys. */
typedef struct act_warm_report {
    uint64_t pages;     /* different ones that the lookups need, as far as known; of 4096 bytes */
    uint64_t pieces;    /* in which they were asked for: neighbours together */
    uint64_t keys_done; /* lookups all of whose pages have been read */
    bool complete;      /* false: there is too little memory, or budget, for all of them */
} act_warm_report;

/*
 * Brings the pages of a mapped file into memory that lookups of these keys touch, present or not,
 * and waits for them. They are found as lookups find them, but of thousands of keys at a time, and
 * asked for in the order of the file, neighbours together, before any is waited for: as fast as the
 * disk can be. Of an indexed file, the hot region comes first if there are many keys.
 *
 * Reads no more than half of the memory that the program may use when it begins, nor than a
 * resident budget: then it ends, and the report says that it is not complete. Takes two bits of
 * memory for each page of the file, and 12 bytes for each of 65,536 keys. Makes no shortcuts. Does
 * nothing for a map that is not mapped, or a copy.
 *
 * `progress` may be NULL; it counts keys. `report_ret` may be NULL, and is filled in any case.
 * ACT_OK; ACT_STOPPED; ACT_ERR_CORRUPT: a lookup met damage, and no further keys were looked at;
 * ACT_ERR_NOMEM; ACT_ERR_INVALID: no map, or keys at NULL.
 */
ACT_API act_status act_map_warm_keys(const act_map *map, const act_slice *keys, size_t count,
                                     act_progress_fn progress, void *context,
                                     act_warm_report *report_ret, act_error *error);

#endif
