/*
 * Many keys on their way down an indexed tree at once.
 *
 * They advance in rounds, a step each, and in each round those that stand at the same kind of node
 * are served by one loop, in which nothing branches on what a single key found. So the processor
 * has no wrong guesses to take back, and while one key waits for memory, which was asked for a
 * round before, others go on. What does not fit these loops, and the last step of each key, is left
 * to act_descent_finish.
 */
#ifndef ACT_READ_ROUNDS_H
#define ACT_READ_ROUNDS_H

#include <stdint.h>

#include "format/node.h"
#include "read/descent.h"

enum {
    ACT_ROUNDS_KEYS_MAX = 128 /* keys under way at once. Measured; see docs/PERFORMANCE.md */
};

/*
 * Takes `count` descents, each at a node, as far down as rounds go: where each
 * then stands, act_descent_node is the next step. Needs an arena with jump tables.
 */
void act_rounds(const struct act_arena *arena, struct act_descent *descents, unsigned count);

#endif
