/*
 * Where the part of a file ends that its root belongs to, and how former roots are found.
 *
 * Writers put the root last, and right after it eight zeros, or the trailer of a merge; an index
 * says by itself how long its file is. What lies beyond that was left by a merge that did not end:
 * the root is written last of all.
 */
#ifndef ACT_FORMAT_TAIL_H
#define ACT_FORMAT_TAIL_H

#include <stdbool.h>
#include <stdint.h>

#include "format/file.h"
#include "format/index.h"

struct act_tail {
    uint64_t end; /* the tree and its tail end here */
    /* The root is followed by its tail. Otherwise `end` is the file's, and what is there was not
     * written as any known writer does it. */
    bool at_root;
    bool merged;                /* the tail is a trailer, */
    uint64_t trailer_off;       /* which lies here */
    struct act_trailer trailer; /* and says this */
};

/*
 * Finds the tail of the root at `root`, whose own bytes must lie in the file. `index` is NULL
 * without a valid one. False if there is none: the last bytes of the file are no tail either.
 */
bool act_tail_find(const uint8_t *bytes, uint64_t file_nbytes, uint64_t root,
                   const struct act_index *index, struct act_tail *tail_ret);

/*
 * From a tail that is a trailer to the one of the root before: `*root_ref` becomes that root,
 * `tail` its tail, and lies lower than before. False if the trailer, or what it leads to, makes no
 * sense.
 */
bool act_tail_previous(const uint8_t *bytes, const struct act_index *index, uint64_t *root_ref,
                       struct act_tail *tail);

#endif
