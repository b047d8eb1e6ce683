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
    ACT_ACCESS_MAP = 1,  /* mapped, read-only, wherever the system can map files */
    ACT_ACCESS_READ = 2  /* always read into memory: safe from later truncation */
} act_access;

/*
 * What becomes of a mapped file that another program cuts short, or whose device fails, while it is
 * read. actree/guard.h says what a guard promises.
 */
typedef enum act_guard {
    ACT_GUARD_NONE = 0, /* the system's way: SIGBUS, which ends the program */
    /*
     * A handler for SIGBUS, for the whole process while any map is open this way. Signals that are
     * not for it go to the handler that it found; a program that installs its own later is to hand
     * on in the same way what is not its own. Threads that read must not block SIGBUS. Lookups take
     * some nanoseconds more. What it cannot see: holes that are punched, and bytes that are written
     * over in place (act_map_changed does); and on file systems that wipe the rest of the block
     * before they cut a file, XFS for one, for a moment what is wiped.
     */
    ACT_GUARD_SIGNAL = 1,
    /*
     * No handler: each page is read when it is first touched, by a thread that lasts as long as the
     * map, into memory of this process alone; so first touches are slower, nothing is shared with
     * others, and what was touched stays in memory. Sees every change that the file's size and
     * time of writing tell of, when it next reads a page; what was read before stays as it was. A
     * file that has grown counts as merged into, which changes nothing that a map reads.
     * After a fork() the child has to reopen the map. Linux only, and only where programs may serve
     * their own page faults (userfaultfd; some containers forbid it): ACT_ERR_IO otherwise.
     */
    ACT_GUARD_THREAD = 2
} act_guard;

/* Whether what is read is compared with the checksums of an indexed file. */
typedef enum act_checksums {
    ACT_CHECKSUMS_OFF = 0, /* by act_map_verify only */
    /*
     * Each block is compared when it is first read from, by lookups, batches, scans, iterators and
     * cursors, on whichever thread: a block of 64 KiB of the file as it was built, and what each
     * merge has appended as a whole. Where that fails, the call ends with ACT_ERR_CORRUPT and the
     * block's offset, each time; other blocks are read as ever. So an answer is right or an error.
     * Opening compares the headers and the table of checksums (one 8192nd of the file), finds all
     * merges, and refuses a file in which any of these is damaged.
     *
     * The first read of a block takes some 10 microseconds more, if it is in memory. Until all
     * blocks have been read from, lookups take about twice as long and scans go entry by entry;
     * then everything is as fast as without. act_map_get_info, act_map_split, warming and residency
     * compare nothing; act_map_diff compares all blocks first.
     *
     * A file without checksums (plain, compact, or with an index of a later version) is read as it
     * is, and so is what another program has merged into an indexed one: act_map_stat says of how
     * many bytes there are checksums.
     */
    ACT_CHECKSUMS_TOUCH = 1
} act_checksums;

/* What the system is told of how the pages of a mapped file will be used. */
typedef enum act_advice {
    ACT_ADVICE_AUTO = 0,      /* chosen by the file, and the memory that the program may use */
    ACT_ADVICE_NORMAL = 1,    /* a missing page brings its neighbours */
    ACT_ADVICE_RANDOM = 2,    /* it comes alone; walks read ahead by themselves */
    ACT_ADVICE_SEQUENTIAL = 3 /* many that follow come with it, and may go once they were used */
} act_advice;

/* What is read when a map is opened. */
typedef enum act_populate {
    ACT_POPULATE_NONE = 0,   /* nothing before it is asked for */
    ACT_POPULATE_HOT = 1,    /* the hot region of an indexed file, which every lookup needs */
    ACT_POPULATE_PREFIX = 2, /* what the keys of a prefix need */
    ACT_POPULATE_ALL = 3     /* everything, the hot region first */
} act_populate;

/* What the system must keep in memory while a map is open. */
typedef enum act_lock {
    ACT_LOCK_NONE = 0,
    ACT_LOCK_HOT = 1,
    ACT_LOCK_ALL = 2
} act_lock;

/* Whether to read the file into huge pages when it is opened. Where the system's cache can hold it
 * in such pages, that is asked for; otherwise it is copied, to memory of this process's own, which
 * other processes do not share. See docs/PERFORMANCE.md for what it gains. Nothing is done for a
 * file of more than half of the memory that the program may use, nor beside a resident budget. */
typedef enum act_huge {
    ACT_HUGE_OFF = 0,
    ACT_HUGE_AUTO = 1, /* if it pays: the whole file is populated, of 32 MiB at least, and no more
                          than a quarter of the memory */
    ACT_HUGE_ON = 2    /* always */
} act_huge;

/* Options of opening. All-zero bytes, or a NULL pointer, mean the defaults. What they say of pages
 * is for mapped files; where the bytes are in memory anyway it is passed over. act_map_get_paging
 * tells what became of it, and what is in actree/mapping.h changes it later. */
typedef struct act_open_options {
    act_access access;
    /* Longest key that scans, iterators and cursors may build, in bytes: a file of 1 MB can hold
     * a key of 5 GB. 0: ACT_KEY_NBYTES_MAX_DEFAULT. */
    uint64_t key_nbytes_max;
    /* Nodes that one step of a scan, an iterator or a cursor may visit before it gives up: a file
     * of 1 kB can hold 2^64 paths without any value. 0: ACT_STEPS_MAX_DEFAULT. */
    uint64_t steps_max;
    /* Opens the map as it was with this root, one of act_map_history; 0: as it is. Then the length
     * of the file, and its end, are those that it had. ACT_ERR_INVALID for another offset. */
    uint64_t root;
    act_advice advice;
    act_populate populate;
    const void *prefix; /* for ACT_POPULATE_PREFIX; read while opening only */
    size_t prefix_nbytes;
    act_lock lock;
    bool is_private; /* mapped for this process alone, where systems make a difference */
    act_huge huge;
    /*
     * Most bytes of the mapping that this process may have present at a time (its share of RSS), or
     * 0 for no such budget; from ACT_RESIDENT_NBYTES_MIN on. Whoever reads keeps it: lookups,
     * batches, scans, iterators and cursors look now and then, and give pages back when it is
     * exceeded, those outside of the hot region unless that alone takes more than half. What was
     * given back stays in the system's cache as long as it likes. Between two looks the budget may
     * be exceeded by what is touched meanwhile: some pages, but where the system keeps the file in
     * huge pages 2 MiB for each, and 16 MiB in all at the most for each thread that reads.
     */
    uint64_t resident_nbytes_max;
    act_guard guard; /* of a file that is mapped; one that is read into memory needs none */
    act_checksums checksums;
} act_open_options;

#define ACT_RESIDENT_NBYTES_MIN    ((uint64_t)4 << 20)
#define ACT_KEY_NBYTES_MAX_DEFAULT ((uint64_t)32 << 20)
#define ACT_STEPS_MAX_DEFAULT      ((uint64_t)1 << 22)

/*
 * Opens the file at `path` for reading. Takes constant time for a mapped file, unless options ask
 * for more, and touches its first page only, and the last where the root lies there: checks the
 * length, the magic, and that the root node lies inside. What is missing is read page by page at
 * first. With the first scan, iterator, cursor or batch, or after some 64 lookups, ACT_ADVICE_AUTO
 * decides how to go on: with neighbours in a file of up to half of the memory that the program may
 * use (limits of control groups, and what the system has left), page by page in a larger one, the
 * hot region apart. To ask for the limits takes some 50 microseconds, once.
 *
 * Populating comes next, and reads no more than that half; then locking, within it as well.
 *
 * On ACT_OK `*map_ret` is the caller's, to be closed by act_map_close; otherwise it is NULL. The
 * file may be renamed, replaced or unlinked while it is open; the map goes on with what it opened,
 * and keeps a file descriptor while it is mapped.
 *
 * Errors: ACT_ERR_INVALID (also: a budget that is too small, or with everything locked),
 * ACT_ERR_NOMEM, ACT_ERR_IO, ACT_ERR_NOT_REGULAR, ACT_ERR_FORMAT, ACT_ERR_TRUNCATED,
 * ACT_ERR_CORRUPT (the root; with a prefix, a node under it; with ACT_CHECKSUMS_TOUCH what leads to
 * the checksums). ACT_ERR_LIMIT: more was to be locked
 * than the process or the memory allows, or the prefix has more nodes than `steps_max`.
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
    uint64_t indexed_nbytes;     /* of an indexed file: what comes after was merged into it */
    act_guard guard;             /* that took effect: none where the file was read into memory */
    uint64_t checksummed_nbytes; /* that ACT_CHECKSUMS_TOUCH compares when they are first read; 0
                                    without it, and where there are no checksums */
    bool merged_unchecked;       /* then: another program has merged into it, which has none */
} act_map_stat;

/* Fills `*stat_ret`; cannot fail. */
ACT_API void act_map_get_stat(const act_map *map, act_map_stat *stat_ret);

#endif /* ACTREE_OPEN_H */
