/* What may be asked of a map whose file is cut short meanwhile, and what it may answer. */
#ifndef TESTS_THREADS_TRUNCATION_H
#define TESTS_THREADS_TRUNCATION_H

#include "actree.h"
#include "support/entries.h"
#include "support/random.h"

struct question {
    const act_map *map;
    const struct entries *entries; /* what the map held before */
    struct random r;
    const char *fault; /* what was wrong, or NULL */
};

/* How many kinds of questions there are. */
unsigned questions_count(void);

/*
 * Asks. Answers must be those from before, up to an ACT_ERR_IO, which is then the result; anything
 * else is noted as a fault. ACT_OK or ACT_ERR_IO.
 */
act_status questions_ask(struct question *question, unsigned kind);

#endif
