/* An open map. */
#ifndef ACT_READ_MAP_H
#define ACT_READ_MAP_H

#include <stdatomic.h>
#include <stdbool.h>

#include "actree.h"
#include "format/node.h"
#include "os/map.h"
#include "read/spans.h"

struct act_shortcuts;
struct act_checks;

/* A resident budget, and what is known of it; see read/budget.h. */
struct act_budget_state {
    atomic_uint_least64_t nbytes_max;      /* of a mapped file, or 0: there is none */
    atomic_uint_least64_t resident_nbytes; /* when that was measured last, */
    atomic_uint_least64_t files_nbytes;    /* and of all files, */
    atomic_uint_least64_t measured_faults; /* and page faults of the process until then */
    atomic_uint_least64_t seen_faults;     /* until the last look */
    atomic_uint_least64_t released_nbytes; /* in all */
    atomic_uint_least32_t steps;           /* lookups of all threads */
    atomic_bool busy;                      /* a thread measures or releases */
    uint64_t hand;                         /* where to release next; of the thread that is busy */
};

/* What is made, noted or told while a map is used, for all threads. None waits for it. */
struct act_map_lazy {
    _Atomic(struct act_shortcuts *) shortcuts; /* NULL until made, and beside a budget */
    atomic_size_t lookups;                     /* a sample of them, until `claimed` */
    atomic_bool claimed;                       /* a thread has made them, or is about to */

    /* What there was when it was asked for; 0: not yet; UINT64_MAX: not known. */
    atomic_uint_least64_t memory_nbytes;
    atomic_bool settling;     /* a thread has asked, or is about to */
    atomic_int advice;        /* in effect for the file, an act_advice; never ACT_ADVICE_AUTO */
    atomic_bool single_pages; /* missing pages are read one by one: walks read ahead themselves */
    atomic_bool hot_ahead;    /* with an index, and the hot region is not: it is read ahead */
    atomic_bool watched;      /* cursors have a budget to keep, or checks to make */
    struct act_budget_state budget;

    atomic_bool noting; /* a thread has taken what follows for itself, for a moment */
    struct act_spans locked;
    struct act_spans privates;              /* mapped privately, by whole pages, */
    struct act_spans copies;                /* or copied */
    struct act_shortcuts *unused_shortcuts; /* that were there when a budget was set */
};

/* Never written to after opening, but for what is lazy: threads share it without locks. */
struct act_map {
    struct act_arena arena;
    uint64_t root;
    enum act_index_state index_state;
    struct act_index index; /* when ACT_INDEX_VALID */
    bool segmented;         /* merged into, and all that was merged has jump tables and checksums */
    uint64_t file_nbytes;
    uint64_t key_nbytes_max;
    uint64_t steps_max;
    uint64_t among_nbytes; /* of all the files that it is one of, as a part of a set; or 0 */
    act_advice advice;     /* what was told when it was opened */
    act_populate populate; /* what was asked for, and what came of it */
    uint64_t populate_asked_nbytes;
    uint64_t populate_done_nbytes;
    act_huge huge;
    struct act_os_bytes os_bytes; /* all-zero when the bytes are the caller's */
    uint64_t live_root;           /* that the file named when it was opened */
    char *path;                   /* by which it was opened; NULL for the caller's bytes */
    act_open_options options;     /* for opening it again */
    struct act_map_lazy *lazy;    /* the map's own, after it in memory */
    struct act_checks *checks;    /* NULL: nothing is compared with checksums while reading */
};

/* As act_map_open, for a file that is used together with others, as a part of a set:
 * `among_nbytes`, what all of them have, is compared with the memory, and what is populated or
 * locked by options is the file's share of what there may be. 0: it is used alone. */
act_status act_map_open_among(const char *path, const act_open_options *options,
                              uint64_t among_nbytes, act_map **map_ret, act_error *error);

/* Whether pages are missing now and then, and can be released. */
static inline bool act_map_is_paged(const struct act_map *map)
{
    return map->os_bytes.mapped && !map->os_bytes.copied;
}

/* The most bytes that may be present, or 0. */
static inline uint64_t act_map_budget(const struct act_map *map)
{
    return atomic_load_explicit(&map->lazy->budget.nbytes_max, memory_order_relaxed);
}

/* For what has no atomic type: next to nobody notes anything, and nobody for long. A lock that is
 * spun on needs nothing that could fail. */
static inline void act_map_begin_noting(const struct act_map *map)
{
    while (atomic_exchange_explicit(&map->lazy->noting, true, memory_order_acquire))
        continue;
}

static inline void act_map_end_noting(const struct act_map *map)
{
    atomic_store_explicit(&map->lazy->noting, false, memory_order_release);
}

/* Whether missing pages are read one by one. */
static inline bool act_map_reads_single(const struct act_map *map)
{
    return atomic_load_explicit(&map->lazy->single_pages, memory_order_relaxed);
}

/* The root of an index lies in its hot region, which so is never empty. */
static inline bool act_map_has_hot(const struct act_map *map)
{
    return map->index_state == ACT_INDEX_VALID;
}

#endif
