/*
 * Dividing all keys into ranges that hold about equally many, by a sample of them.
 *
 * What is compared with the bounds of the ranges is eight bytes of a key, those after what the keys
 * of the sample have in common. Where too many keys of it are the same in these eight bytes too,
 * they have bounds of their own, further on in the key; and so on. So a key finds its range by a
 * binary search among numbers, or a few of them, whatever keys have in common.
 */
#ifndef ACT_BUILD_SPLITTERS_H
#define ACT_BUILD_SPLITTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "build/key.h"

enum {
    ACT_SPLITTERS_SLACK_NBYTES = 8, /* so many bytes after a key must be readable */
    ACT_SPLITTERS_TOGETHER = 32     /* keys whose ranges are found at once */
};

/* Keys that are the same up to `from`, among those of the sample also up to `depth`. */
struct act_splitters_node {
    size_t from;
    size_t depth;
    size_t
        safe; /* that the keys also have in common which are not in the node, but in its ranges */
    size_t bytes;       /* where in `bytes` those up to `depth` are */
    size_t bounds;      /* the first of its bounds */
    size_t count;       /* of them; there is one target more */
    size_t first, last; /* while it is made: keys of the sample; then: ranges */
    unsigned level;
};

/* Bytes that all keys of a range begin with, whatever keys there are. */
struct act_splitters_range {
    size_t bytes; /* where in `bytes` they are */
    size_t nbytes;
};

struct act_splitters {
    struct act_splitters_node *nodes; /* the first one is of all keys */
    size_t node_count;
    size_t node_capacity;
    uint64_t *bounds;
    size_t bound_count;
    size_t bound_capacity;
    /* Of each bound the target of what is not below it, and before that of the first one of a node
     * the target of what is below that: the number of a range, or of a node. */
    size_t *targets;
    size_t target_capacity;
    uint8_t *bytes;
    size_t bytes_count;
    size_t bytes_capacity;
    struct act_splitters_range *ranges;
    size_t range_count;
    size_t range_capacity;
};

/*
 * Makes some ranges, about `wanted` of them or two and three times as many, of sorted keys, at
 * least one. False when there is no memory; closing it is the caller's in any case.
 */
bool act_splitters_make(struct act_splitters *splitters, const struct act_key *keys, size_t count,
                        size_t wanted);

/*
 * The numbers of the ranges in which keys are, up to ACT_SPLITTERS_TOGETHER of them; of a greater
 * key it is the same or greater. Together, since the steps of one key wait for each other, but not
 * for those of another key.
 */
void act_splitters_find(const struct act_splitters *splitters, const struct act_key *keys,
                        size_t count, size_t *ranges_ret);

/* What all keys of a range begin with. */
static inline struct act_key act_splitters_prefix(const struct act_splitters *splitters,
                                                  size_t range)
{
    const struct act_splitters_range *of = &splitters->ranges[range];
    return (struct act_key){splitters->bytes + of->bytes, of->nbytes};
}

/* Frees it; all-zero bytes are allowed. */
void act_splitters_close(struct act_splitters *splitters);

#endif
