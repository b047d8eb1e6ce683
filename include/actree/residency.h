/*
 * What of a map is in memory, where, and what it cost to get it there. Included by actree.h, whose
 * conventions hold here too.
 */
#ifndef ACTREE_RESIDENCY_H
#define ACTREE_RESIDENCY_H

#ifndef ACTREE_H
#error "include actree.h"
#endif

/* A number of bytes that the system may know or not: 0 where `known` is false, which is no zero. */
typedef struct act_amount {
    uint64_t nbytes;
    bool known;
} act_amount;

/* Who said which pages of the file are in the page cache. */
typedef enum act_residency_source {
    ACT_RESIDENCY_UNKNOWN = 0, /* nobody: the map is not a mapped file, or nobody may say */
    ACT_RESIDENCY_MINCORE = 1, /* mincore(2), page by page */
    /* cachestat(2), range by range, where mincore does not tell the truth */
    ACT_RESIDENCY_CACHESTAT = 2,
    /* /proc/self/pagemap: the pages that this process has mapped. There may be more of them in the
     * page cache, but of a file that this process neither owns nor may write, that is all that
     * the system tells. */
    ACT_RESIDENCY_PAGEMAP = 3
} act_residency_source;

/* All of a map. Amounts are in whole pages, so that they may exceed the file by part of one. */
typedef struct act_residency_totals {
    uint64_t file_nbytes;
    uint64_t page_nbytes; /* of the system's pages */
    uint64_t pages;       /* that the map spans: bits of act_residency_pages */
    bool mapped;          /* false: read or copied into memory, or the caller's bytes */
    act_residency_source source;
    act_amount cached;  /* in the page cache, whoever brought it there. At least so much if the
                           source is ACT_RESIDENCY_PAGEMAP */
    act_amount present; /* in this process's page tables: to be had without a page fault */

    /* Of the mapping, as /proc/self/smaps has it: */
    act_amount rss;     /* resident in this process */
    act_amount pss;     /* the same, each page divided by the number of processes that share it */
    act_amount locked;  /* by mlock and its like */
    act_amount huge;    /* mapped in huge pages, of whatever kind */
    act_amount swapped; /* of anonymous memory */

    /* Of the file, as cachestat(2) has it (Linux 6.5): */
    act_amount dirty;
    act_amount writeback;        /* on the way to the disk */
    act_amount evicted;          /* was in the page cache once, and had to go */
    act_amount evicted_recently; /* so lately that it had better stayed: memory is short */
} act_residency_totals;

/*
 * What was in memory at one moment. It does not change, whatever happens afterwards, so that any
 * number of threads may use one at once. It does not refer to the map, which may be closed before.
 */
typedef struct act_residency act_residency;

/*
 * Looks which pages of the map are in memory. Touches none of them, and brings none in. Takes some
 * 100 ns for a page that is there, less for others, and two bits of memory. Where the system does
 * not tell, the answers say so; that is no error. On ACT_OK `*residency_ret` is the caller's, to be
 * closed by act_residency_close. ACT_ERR_INVALID, ACT_ERR_NOMEM.
 */
ACT_API act_status act_map_residency(const act_map *map, act_residency **residency_ret,
                                     act_error *error);

/* Closes one; NULL is allowed. */
ACT_API void act_residency_close(act_residency *residency);

/* Fills `*totals_ret`; cannot fail. */
ACT_API void act_residency_get_totals(const act_residency *residency,
                                      act_residency_totals *totals_ret);

/*
 * Bitmaps of the map's pages, `pages` bits: bit i % 8 of byte i / 8 stands for page i. Valid until
 * the residency is closed. NULL where nobody knows.
 */
ACT_API const uint8_t *act_residency_cached_pages(const act_residency *residency);
ACT_API const uint8_t *act_residency_present_pages(const act_residency *residency);

/* The parts that a file is made of, in this order: see docs/FORMAT.md. */
typedef enum act_section {
    ACT_SECTION_HEADER = 0,    /* of the file, and of its index */
    ACT_SECTION_ARENA = 1,     /* of a file without an index: nodes and line data */
    ACT_SECTION_PAGES = 2,     /* of an indexed file: small subtrees, each within a page */
    ACT_SECTION_HOT = 3,       /* the top of the tree, through which every lookup passes */
    ACT_SECTION_CHECKSUMS = 4, /* only verify reads them */
    ACT_SECTION_TAIL = 5,      /* the copy of the index's header, and zeros */
    ACT_SECTION_MERGED = 6     /* what was merged into an indexed file */
} act_section;

#define ACT_SECTIONS_MAX 7

/* "header", "arena", "pages", "hot region", "checksums", "tail", "merged": a static string. */
ACT_API const char *act_section_name(act_section region);

/* What of a region is in memory: to the byte, a page that two regions share counts for both. */
typedef struct act_section_residency {
    act_section region;
    uint64_t off; /* where it begins in the file */
    uint64_t nbytes;
    act_amount cached;
    act_amount present;
} act_section_residency;

/* Fills in the regions that the file has, in order; returns how many, ACT_SECTIONS_MAX at most. */
ACT_API size_t act_residency_get_sections(const act_residency *residency,
                                          act_section_residency regions_ret[ACT_SECTIONS_MAX]);

/* ---------------------------------------------------------------- by level of the tree, by prefix
 */

/*
 * Called for a node that lies in another page than its parent: the path that leads there, without
 * what the node itself adds to it. So it tells what is in a page, also in one that is not in memory
 * but has a parent that is. The path is valid during the call only.
 */
typedef void (*act_residency_page_fn)(void *context, uint64_t off, bool cached, const uint8_t *path,
                                      size_t path_nbytes);

/* How the tree is walked. All-zero bytes, or a NULL pointer, mean the defaults. */
typedef struct act_residency_options {
    const void *prefix; /* only what lies below; NULL: all */
    size_t prefix_nbytes;
    /* Prefixes of this many bytes, and shorter keys. 0: those that tell most, of any length: the
     * longest that have a 4 * `top`-th of what is in memory, and then again those that have as much
     * without them. */
    uint64_t depth;
    size_t top; /* how many prefixes at most; 0: 16 */
    /* With no depth: bytes in memory that make a prefix one of those that tell most, in place of
     * the share above. So prefixes of several files, as the parts of a set, are of one measure. 0:
     * none */
    uint64_t nbytes_min;
    /* Nodes to look at, at most; 0: ACT_RESIDENCY_NODES_MAX_DEFAULT. In an indexed file that would
     * have more, a sample of its pages is looked at, and what they have is multiplied. */
    uint64_t nodes_max;
    act_residency_page_fn page_fn; /* may be NULL */
    void *page_context;
} act_residency_options;

#define ACT_RESIDENCY_NODES_MAX_DEFAULT ((uint64_t)1 << 24)

/* Nodes of one level: `nodes` of which the page is in memory, and what is known of others. */
typedef struct act_level_residency {
    uint64_t nodes;
    uint64_t nbytes;  /* of these, with their line data and jump tables */
    uint64_t missing; /* nodes that are not, and have a parent that is */
} act_level_residency;

/* What begins with a prefix. Where the line data that a prefix goes on with are not in memory, or
 * it is of more than 4096 bytes, what is below counts for the part that is known. */
typedef struct act_prefix_residency {
    const uint8_t *prefix;
    size_t prefix_nbytes;
    uint64_t cached_nbytes; /* of nodes, line data and jump tables below */
    uint64_t nodes;
    uint64_t missing; /* nodes whose page is not in memory and whose parent's is: 0 says that all
                         below the prefix is in memory */
    bool rest;        /* without what was found to belong to longer prefixes */
} act_prefix_residency;

/* What a walk over what is in memory came to. */
typedef struct act_residency_walk {
    uint64_t nodes;
    uint64_t nbytes;  /* of these, with their line data and jump tables */
    uint64_t missing; /* nodes whose page is not in memory, and whose parent's is */
    uint64_t sampled; /* 1: all pages were looked at; n: one of n, and the numbers are estimates */
    bool complete;    /* not ended by `nodes_max` */
    uint64_t depth_max; /* nodes above the deepest one found */
    /* By how many nodes are above, from the root; the last one is for all that are deeper. */
    act_level_residency levels[ACT_DEPTH_BUCKETS];
} act_residency_walk;

/* Called for a prefix; valid during the call only. Anything but 0 stops. */
typedef int (*act_prefix_residency_fn)(void *context, const act_prefix_residency *prefix);

/*
 * Walks the part of the tree that was in the page cache, and that alone: a node is looked at only
 * if its page was there, so that next to nothing is read from the disk (what went since). Objects
 * are counted once, with the first path that leads to them. Then calls `visit`, which may be NULL,
 * for the prefixes with the most bytes in memory, these first. `residency` must be of the same
 * map. Of a map that is not a mapped file, all is in memory.
 *
 * The pages come into this process's page tables by that. Takes some 50 ns a node, and a bit of
 * memory for each byte of the file that it looks at.
 *
 * ACT_OK; ACT_STOPPED; ACT_NOT_FOUND: nothing begins with options->prefix; ACT_ERR_INVALID: not of
 * this map, or nobody knows what is in memory; ACT_ERR_CORRUPT, ACT_ERR_NOMEM. `walk_ret` may be
 * NULL.
 */
ACT_API act_status act_map_residency_walk(const act_map *map, const act_residency *residency,
                                          const act_residency_options *options,
                                          act_prefix_residency_fn visit, void *context,
                                          act_residency_walk *walk_ret, act_error *error);

/* ----------------------------------------------------------------------------------- page faults
 */

/* Whose. */
typedef enum act_faults_of {
    ACT_FAULTS_THREAD = 0, /* the calling thread's */
    ACT_FAULTS_PROCESS = 1 /* those of all threads, also of those that ended */
} act_faults_of;

/* What page faults there were so far. */
typedef struct act_faults {
    bool known;           /* the system tells; otherwise all is 0 */
    uint64_t minor;       /* the page was in memory */
    uint64_t major;       /* it had to be read, or waited for while another read it */
    uint64_t read_nbytes; /* from disks, by faults, reads, and reading ahead */
} act_faults;

/* Counts until now; cannot fail. Takes a fraction of a microsecond. */
ACT_API void act_faults_now(act_faults_of whose, act_faults *faults_ret);

/* What came since `before`, of the same thread or process. */
ACT_API void act_faults_since(act_faults_of whose, const act_faults *before,
                              act_faults *difference_ret);

#endif /* ACTREE_RESIDENCY_H */
