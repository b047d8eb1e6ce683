/* What the builder says of a node when all below it is known: the last nodes that were said and
 * have no parent yet are its children. */
#ifndef ACT_BUILD_TASK_H
#define ACT_BUILD_TASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct act_build_task {
    const uint8_t *line; /* the bytes that lead here, after the one that the parent stores */
    size_t line_nbytes;
    uint64_t line_hash; /* for who wants it */
    uint64_t value;
    size_t parent_depth;  /* bytes of the path to the parent, by which siblings are known */
    uint16_t child_count; /* 0 to 256 */
    uint8_t byte;
    bool has_value;
};

#endif
