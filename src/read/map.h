/* An open map. */
#ifndef ACT_READ_MAP_H
#define ACT_READ_MAP_H

#include <stdatomic.h>
#include <stdbool.h>

#include "actree.h"
#include "format/node.h"
#include "os/map.h"

struct act_shortcuts;

/* What is made while a map is used, for all threads, none of which waits for it. */
struct act_map_lazy {
    _Atomic(struct act_shortcuts *) shortcuts; /* NULL until made */
    atomic_size_t lookups;                     /* a sample of them, until `claimed` */
    atomic_bool claimed;                       /* a thread has made them, or is about to */
};

/* Never written to after opening, but for what is lazy: threads share it without locks. */
struct act_map {
    struct act_arena arena;
    uint64_t root;
    enum act_index_state index_state;
    struct act_index index; /* when ACT_INDEX_VALID */
    uint64_t file_nbytes;
    uint64_t key_nbytes_max;
    uint64_t steps_max;
    bool single_pages; /* mapped, and larger than memory: missing pages are read one by one */
    bool hot_ahead;    /* mapped, with an index, and the hot region is not: it is read ahead */
    struct act_os_bytes os_bytes; /* all-zero when the bytes are the caller's */
    char *path;                   /* by which it was opened; NULL for the caller's bytes */
    act_open_options options;     /* for opening it again */
    struct act_map_lazy *lazy;    /* the map's own, after it in memory */
};

#endif
