/*
 * Opening and closing maps. Included by actree.h, whose conventions hold here too.
 */
#ifndef ACTREE_OPEN_H
#define ACTREE_OPEN_H

#ifndef ACTREE_H
#error "include actree.h"
#endif

/* An open map: immutable, so that any number of threads may use one at once without locks. */
typedef struct act_map act_map;

/* How a file is laid out. Either way every reader of ACTree03 files reads it. */
typedef enum act_layout {
    /* With an index: jump tables make each step down one load, what belongs together lies in one
     * page, and checksums tell damage. The file is some 5 to 20 % larger. */
    ACT_LAYOUT_INDEXED = 0,
    /* Without: byte for byte what the reference writes. */
    ACT_LAYOUT_PLAIN = 1,
    /* As plain, but equal subtrees are written once: for sets, whose values are all the same, and
     * for values that repeat. Never larger than plain; half as large for the words of a language.
     * Lookups are those of a plain file. */
    ACT_LAYOUT_COMPACT = 2
} act_layout;

/* How a file's bytes are reached. */
typedef enum act_access {
    ACT_ACCESS_AUTO = 0, /* small files are read into memory, others mapped */
    ACT_ACCESS_MAP = 1,  /* always mapped, shared and read-only */
    ACT_ACCESS_READ = 2  /* always read into memory: safe from later truncation */
} act_access;

/* Options of opening. All-zero bytes, or a NULL pointer, mean the defaults. */
typedef struct act_open_options {
    act_access access;
    /* Longest key that scans, iterators and cursors may build, in bytes: a file of 1 MB can hold
     * a key of 5 GB. 0: ACT_KEY_NBYTES_MAX_DEFAULT. */
    uint64_t key_nbytes_max;
    /* Nodes that one step of a scan, an iterator or a cursor may visit before it gives up: a file
     * of 1 kB can hold 2^64 paths without any value. 0: ACT_STEPS_MAX_DEFAULT. */
    uint64_t steps_max;
} act_open_options;

#define ACT_KEY_NBYTES_MAX_DEFAULT ((uint64_t)32 << 20)
#define ACT_STEPS_MAX_DEFAULT      ((uint64_t)1 << 22)

/*
 * Opens the file at `path` for reading. Takes constant time for a mapped file, and touches its
 * first page only, and the last where the root lies there: checks the length, the magic, and that
 * the root node lies inside. Then the system is told how to read what will be missing: with its
 * neighbours in a file of up to half of the memory that the program may use (limits of control
 * groups, and what the system has left), page by page in a larger one.
 *
 * On ACT_OK `*map_ret` is the caller's, to be closed by act_map_close; otherwise it is NULL. The
 * file may be renamed, replaced or unlinked while it is open; the map goes on with what it opened.
 *
 * Errors: ACT_ERR_INVALID, ACT_ERR_NOMEM, ACT_ERR_IO, ACT_ERR_NOT_REGULAR, ACT_ERR_FORMAT,
 * ACT_ERR_TRUNCATED, ACT_ERR_CORRUPT (the root).
 */
ACT_API act_status act_map_open(const char *path, const act_open_options *options,
                                act_map **map_ret, act_error *error);

/*
 * Opens a map that lies in memory. The bytes stay the caller's: they are not copied, need no
 * alignment, and must neither change nor go away before act_map_close. `options->access` is
 * ignored. Errors: as of act_map_open, without those of the system but ACT_ERR_NOMEM.
 */
ACT_API act_status act_map_open_memory(const void *data, size_t data_nbytes,
                                       const act_open_options *options, act_map **map_ret,
                                       act_error *error);

/* Closes a map; NULL is allowed. Its iterators and cursors must have been closed before. */
ACT_API void act_map_close(act_map *map);

/* What is known of an open map without reading more of it. */
typedef struct act_map_stat {
    uint64_t file_nbytes;
    uint64_t root;        /* offset of the root node */
    act_access access;    /* ACT_ACCESS_MAP or ACT_ACCESS_READ; the latter for caller's memory */
    bool merged;          /* ends in the trailer of a merge */
    uint64_t merged_root; /* root before the last merge, when `merged` */
    act_layout layout;    /* ACT_LAYOUT_INDEXED if the index is used */
    bool index_unusable;  /* there is an index, but damaged or of a later version: such a file is
                             read as a plain one, with the same answers */
    uint64_t hot_off;     /* of an indexed file: from here to `hot_end` lie the nodes with large */
    uint64_t hot_end;     /* subtrees, through which every lookup passes */
    uint64_t indexed_nbytes; /* of an indexed file: what comes after was merged into it */
} act_map_stat;

/* Fills `*stat_ret`; cannot fail. */
ACT_API void act_map_get_stat(const act_map *map, act_map_stat *stat_ret);

#endif /* ACTREE_OPEN_H */
