/*
 * A part of a file: a range of its keys, of which some thread makes pages and hot runs that can
 * then be put anywhere in the file, for all that they refer to by distance moves with them.
 *
 * What cannot be completed within a part are the nodes on the way to its first key that the part
 * before has begun, and those on the way to its last key that the next one goes on with: the spine.
 * Their finished children are lifted out of the part, and go to the file's own nodes when the part
 * is joined to those before it.
 */
#ifndef ACT_BUILD_PART_H
#define ACT_BUILD_PART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "build/indexed.h"
#include "build/path.h"

/* `common` of a part without a neighbour. */
#define ACT_PART_NO_COMMON SIZE_MAX

/* What joining does after some runs: children for nodes of the spine, then its end. */
struct act_part_step {
    size_t hot_nbytes; /* of `hot`, since the start */
    uint64_t hot_runs;
    size_t levels;   /* since the start */
    size_t close_to; /* nodes of the spine that are deeper are complete; ACT_PART_NO_COMMON: none */
};

/* What is said of a key beside the bytes that it does not share with the one before. */
struct act_part_record {
    size_t common; /* bytes that it shares */
    size_t suffix_nbytes;
    uint64_t value;
    bool has_value;
};

/*
 * How that stands before these bytes: as one number mostly, for what one thread writes and another
 * one reads has to go from cache to cache. From the lowest bit on: `common`, `suffix_nbytes`,
 * `has_value`, `value`. What does not fit follows as it is, and `common` is all ones.
 */
enum {
    ACT_PART_COMMON_BITS = 16,
    ACT_PART_SUFFIX_BITS = 15,
    ACT_PART_VALUE_BITS = 32
};
#define ACT_PART_LARGE (((uint64_t)1 << ACT_PART_COMMON_BITS) - 1)

struct act_part {
    /* Filled by the caller: records, and ACT_LINE_SLACK_NBYTES more after each. */
    uint8_t *records;
    size_t records_nbytes;
    size_t records_capacity;
    size_t first_common; /* of the first key and the last one of the part before */
    size_t next_common;  /* of the last key and the first one of the next part */
    bool built;          /* the caller's to set */

    /* Filled by act_part_build. */
    act_status status;
    act_error error;
    struct act_indexed indexed;
    struct act_path path;
    size_t spine; /* nodes at this depth and above are of the part before as well */
    struct act_hot lifted;
    struct act_path_node *levels; /* of the spine, with the number of children that were lifted */
    size_t levels_count;
    size_t levels_capacity;
    struct act_part_step *steps;
    size_t steps_count;
    size_t steps_capacity;
};

/* Makes a part. ACT_ERR_NOMEM. */
act_status act_part_open(struct act_part *part, act_error *error);

/* Frees it; all-zero bytes are allowed. */
void act_part_close(struct act_part *part);

/* Starts to fill a part anew. */
void act_part_start(struct act_part *part, size_t first_common);

/* Makes room for a key. False when there is no memory. */
bool act_part_grow(struct act_part *part, size_t suffix_nbytes);

/* Adds a key, of which `suffix` follows after the bytes that it shares with the one before;
 * ACT_LINE_SLACK_NBYTES after it must be readable. False when there is no memory. */
static inline bool act_part_add(struct act_part *part, const uint8_t *suffix,
                                const struct act_part_record *record)
{
    size_t room = part->records_capacity - part->records_nbytes;
    size_t extra = sizeof(uint64_t) + sizeof(*record) + ACT_LINE_SLACK_NBYTES;
    if (ACT_UNLIKELY((room < extra || room - extra < record->suffix_nbytes) &&
                     !act_part_grow(part, record->suffix_nbytes)))
        return false;
    uint8_t *p = part->records + part->records_nbytes;
    uint64_t head = ACT_PART_LARGE;
    if (ACT_LIKELY(record->common < ACT_PART_LARGE &&
                   record->suffix_nbytes >> ACT_PART_SUFFIX_BITS == 0 &&
                   record->value >> ACT_PART_VALUE_BITS == 0)) {
        head = record->common | (uint64_t)record->suffix_nbytes << ACT_PART_COMMON_BITS |
               (uint64_t)record->has_value << (ACT_PART_COMMON_BITS + ACT_PART_SUFFIX_BITS) |
               record->value << ACT_PART_VALUE_BITS;
        memcpy(p, &head, sizeof(head));
        p += sizeof(head);
    } else {
        memcpy(p, &head, sizeof(head));
        memcpy(p + sizeof(head), record, sizeof(*record));
        p += sizeof(head) + sizeof(*record);
    }
    act_copy_line(p, suffix, record->suffix_nbytes);
    part->records_nbytes = (size_t)(p - part->records) + record->suffix_nbytes;
    return true;
}

/* Builds what can be built; `status` and `error` say how that went. */
void act_part_build(struct act_part *part);

/*
 * Joins it to a file: `path` has the open nodes of the parts before, all of whose keys are
 * complete. ACT_ERR_NOMEM, ACT_ERR_IO; or what building it has met with.
 */
act_status act_part_join(struct act_part *part, struct act_indexed *indexed, struct act_path *path,
                         struct act_hot_run *run, act_error *error);

/* Adds the keys of a part that has no neighbours to a file, as if there were no parts.
 * ACT_ERR_NOMEM, ACT_ERR_IO. */
act_status act_part_replay(const struct act_part *part, struct act_indexed *indexed,
                           struct act_path *path, act_error *error);

#endif
