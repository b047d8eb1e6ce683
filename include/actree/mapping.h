/*
 * Seeing and steering how the pages of an open map are held. Included by actree.h, whose
 * conventions hold here too.
 *
 * All of these may be called by any thread at any time, while others read: no answer depends on
 * them. They concern mapped files. Where the bytes of a map are in memory already, read, copied or
 * the caller's, there is nothing to advise, populate or release: then the functions return ACT_OK,
 * having checked their arguments.
 *
 * So all that options of opening say of pages can be changed later, but for the guard of a map, and
 * for what was read into memory when it was opened: that has no file behind it. Open such a file
 * again for something else (act_map_reopen).
 */
#ifndef ACTREE_MAPPING_H
#define ACTREE_MAPPING_H

#ifndef ACTREE_H
#error "include actree.h"
#endif

/*
 * How many more bytes of memory the program may use now, page cache that others can do without
 * included: what the system has to give, and what the limits of control groups leave. The latter
 * are no wish: a program that exceeds them is ended. UINT64_MAX if nothing is known. Takes some 100
 * microseconds.
 */
ACT_API uint64_t act_memory_available(void);

/* A part of a file. */
typedef enum act_region_kind {
    ACT_REGION_WHOLE = 0,
    ACT_REGION_HOT = 1,   /* the hot region; a file without an index has none */
    ACT_REGION_COLD = 2,  /* everything but the hot region */
    ACT_REGION_RANGE = 3, /* the pages of `nbytes` bytes from `off` on */
    /* The pages in which the nodes of the keys of a prefix lie. In an indexed file they are found
     * without being read; in others, and for what was merged into one, all of them are read to find
     * them, `steps_max` nodes at most. Line data of more than 247 bytes may be left out. */
    ACT_REGION_PREFIX = 4
} act_region_kind;

/* All-zero bytes, or a NULL pointer, mean the whole file. */
typedef struct act_region {
    act_region_kind kind;
    uint64_t off;
    uint64_t nbytes;
    const void *prefix;
    size_t prefix_nbytes;
} act_region;

/*
 * For all functions that take a region, besides what they say: ACT_NOT_FOUND when the file has no
 * hot region, or no path begins with the prefix, and then nothing was done. ACT_ERR_INVALID: an
 * unknown kind, or bytes beyond the file's end. By prefix: ACT_ERR_CORRUPT, ACT_ERR_LIMIT (more
 * than `steps_max` nodes), ACT_ERR_NOMEM.
 */

/*
 * Tells the system how the pages of a region will be used. ACT_ADVICE_AUTO: as it was opened. What
 * was told for a part of the file holds until pages are brought in for keys or a prefix
 * (actree/warm.h), fetched for a batch, or walked for residency: then it is that of the whole file.
 */
ACT_API act_status act_map_advise(const act_map *map, const act_region *region, act_advice advice,
                                  act_error *error);

/*
 * Reads a region and makes it present, and waits for that. Reads no more than half of the memory
 * that the program may use now, nor than half of a resident budget: of a larger region the first
 * bytes, of the whole file the hot region first. `*done_nbytes_ret` is how much of it was made
 * present, by whole pages; `*asked_nbytes_ret` how much the region has. Both are written on
 * ACT_STOPPED and errors too. `progress` may be NULL; it counts bytes.
 *
 * ACT_OK, also when there is less memory than it takes; ACT_STOPPED; ACT_ERR_IO: the file has
 * become shorter or cannot be read; ACT_ERR_NOMEM.
 */
ACT_API act_status act_map_populate(const act_map *map, const act_region *region,
                                    act_progress_fn progress, void *context,
                                    uint64_t *done_nbytes_ret, uint64_t *asked_nbytes_ret,
                                    act_error *error);

/*
 * Reads a region, and makes the system keep it in memory until it is unlocked or the map is closed.
 * Pages that are locked twice need to be unlocked once. After an error a part may be locked.
 *
 * ACT_ERR_LIMIT: more than the process may lock (RLIMIT_MEMLOCK; the text has both numbers), or
 * than half of the memory that the program may use now. ACT_ERR_NOMEM, ACT_ERR_IO: the system
 * failed. ACT_ERR_INVALID: the bytes are the caller's.
 */
ACT_API act_status act_map_lock(const act_map *map, const act_region *region, act_error *error);

/* Lets the system have the pages back when it needs them. Regions that are not locked may be among
 * them. */
ACT_API act_status act_map_unlock(const act_map *map, const act_region *region, act_error *error);

/* For act_map_release: ask the system to drop its own copies too, which it shares among processes;
 * it keeps those that another process has mapped. */
#define ACT_RELEASE_CACHE 1u

/*
 * Takes the pages of a region away from this process, so that they count for it no more; whoever
 * touches them has them back. Only pages that lie in the region as a whole; not those that are
 * locked. The system keeps them in its cache while it has room, so that this by itself frees no
 * memory, but lets it be freed: see ACT_RELEASE_CACHE. `flags` is 0, or that.
 */
ACT_API act_status act_map_release(const act_map *map, const act_region *region, unsigned flags,
                                   act_error *error);

/* What is behind the addresses of a map. */
typedef enum act_backing {
    /* The file, mapped from the system's cache, which all processes share. Also from huge pages
     * back to what the system does by itself. */
    ACT_BACKING_SHARED = 0,
    ACT_BACKING_PRIVATE = 1, /* the file, as with act_open_options.is_private */
    /* The file, shared and present, in huge pages as far as the system's cache holds it in such:
     * which is for the file system to say. What it holds in small pages already stays so, but for
     * a file in memory (tmpfs): act_map_release with ACT_RELEASE_CACHE first. */
    ACT_BACKING_HUGE = 2,
    /* Read, into memory of this process's own, in huge pages where there are some: as with
     * act_open_options.huge, or ACT_ACCESS_READ. What is released of it comes back, but the memory
     * is free only when the region has something else behind it or the map is closed. */
    ACT_BACKING_COPY = 3
} act_backing;

/*
 * Puts something else behind a region, by whole pages: for huge pages those of 2 MiB in which it
 * lies. Others may read there meanwhile: each of them sees the one or the other. Of pages with
 * something new behind them what act_map_advise said is forgotten. After an error a part may have
 * been changed. Of a map with a signal's guard the last two pages of the file stay what they are;
 * and a copy too is gone for it when the file is cut short. act_map_get_paging tells what came of
 * it.
 *
 * ACT_ERR_INVALID: an unknown backing; pages of the region are locked; a copy, or huge pages,
 * beside a resident budget. ACT_ERR_LIMIT: a copy, or huge pages, of more than half of the memory
 * that the program may use now. ACT_ERR_IO: the file has become shorter or cannot be read; or the
 * system failed: `os_code` is ENOSYS where it can have no copy in a mapping's place, that is
 * anywhere but on Linux. ACT_ERR_NOMEM.
 */
ACT_API act_status act_map_set_backing(const act_map *map, const act_region *region,
                                       act_backing backing, act_error *error);

/*
 * Sets the resident budget, act_open_options.resident_nbytes_max, anew; 0: from now on none. What
 * is present beyond it is given back before this returns, or by another thread that is about to. A
 * scan that is under way goes on as it began.
 *
 * ACT_ERR_INVALID: no map; fewer than ACT_RESIDENT_NBYTES_MIN bytes; the whole file is locked, or
 * some of it copied.
 */
ACT_API act_status act_map_set_budget(const act_map *map, uint64_t resident_nbytes_max,
                                      act_error *error);

/* What is behind a mapping's addresses, as far as huge pages go. */
typedef enum act_huge_kind {
    ACT_HUGE_KIND_NONE = 0,
    ACT_HUGE_KIND_COPY = 1, /* a copy in memory of the process's own; also if only some is copied,
                               and no more than that is in huge pages */
    ACT_HUGE_KIND_FILE = 2  /* the system's cache of the file: file systems that keep large folios,
                               or a tmpfs mounted with huge= */
} act_huge_kind;

#define ACT_PAGING_TEXT_NBYTES 256

/* How the pages of a map are held, and why. */
typedef struct act_map_paging {
    act_access access;      /* ACT_ACCESS_MAP or ACT_ACCESS_READ, as in act_map_stat */
    bool is_private;        /* all of it, but for what was copied since */
    bool is_copy;           /* all of it, in memory of the process's own, since it was opened */
    uint64_t copied_nbytes; /* in such memory by act_map_set_backing, now */
    act_advice advice;   /* in effect for the file, not ACT_ADVICE_AUTO: as it was opened, or told
                            by act_map_advise for the whole since */
    bool advice_is_auto; /* it was chosen, not told */
    bool hot_is_ahead;   /* ACT_ADVICE_RANDOM, but the hot region is read ahead */
    /* What the program could use when the map first had to know, or now; UINT64_MAX if that is not
     * known, or is not asked, for files in memory. */
    uint64_t memory_nbytes;
    uint64_t hot_nbytes;               /* the size of the hot region, or 0 */
    act_populate populate;             /* as asked when opening */
    uint64_t populate_asked_nbytes;    /* how much that was; 0 also if the prefix is not there */
    uint64_t populate_done_nbytes;     /* how much was made present */
    uint64_t locked_nbytes;            /* by options and act_map_lock, now */
    uint64_t resident_nbytes_max;      /* the budget that is kept, or 0 */
    uint64_t released_nbytes;          /* how much it has made to be given back so far */
    act_huge huge;                     /* as asked when opening */
    act_huge_kind huge_kind;           /* what took effect, now */
    uint64_t huge_nbytes;              /* how much of the map is seen in huge pages, now */
    char text[ACT_PAGING_TEXT_NBYTES]; /* what was chosen and why, in one line; NUL-terminated */
} act_map_paging;

/* Fills `*paging_ret`; cannot fail. Asks the system about huge pages, which takes a millisecond or
 * more in a process that has mapped much. */
ACT_API void act_map_get_paging(const act_map *map, act_map_paging *paging_ret);

#endif /* ACTREE_MAPPING_H */
