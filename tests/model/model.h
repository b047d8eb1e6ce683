/* A map of the library beside the plain array that it should be equal to. */
#ifndef TESTS_MODEL_MODEL_H
#define TESTS_MODEL_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "actree.h"
#include "support/entries.h"
#include "support/random.h"

enum {
    MODEL_KEY_ROOM = 70100
};

struct model {
    uint64_t seed;
    const char *shape;
    const char *access;
    struct entries all;  /* with the paths that have no value */
    struct entries keys; /* without them */
    const act_map *map;
    struct random r;
    unsigned rounds;              /* how often each question is put */
    uint8_t key[MODEL_KEY_ROOM];  /* room for the key of a question */
    uint8_t key2[MODEL_KEY_ROOM]; /* and for others beside it */
    uint8_t key3[MODEL_KEY_ROOM];
};

/* Ends the program with the seed that shows the fault, unless the condition holds. */
#define MODEL_CHECK(model, condition, ...)                                                         \
    do {                                                                                           \
        if (!(condition))                                                                          \
            model_fail(model, __FILE__, __LINE__, #condition, __VA_ARGS__);                        \
    } while (0)

#if defined(__GNUC__)
__attribute__((format(printf, 5, 6)))
#endif
_Noreturn void
model_fail(const struct model *model, const char *file, int line, const char *condition,
           const char *format, ...);

/* The questions, each put to random keys and ranges. */
void model_ask_lookups(struct model *model);
void model_ask_scans(struct model *model);
void model_walk_iterators(struct model *model);
void model_use_up_budgets(struct model *model, const char *path);

/* A range with bounds that may be there or not, near to the keys; they point into the model. */
struct act_range model_random_range(struct model *model);

/* Which of the model's keys lie in a range: those from `*first_ret` up to `*end_ret`. */
void model_range_bounds(const struct model *model, const act_range *range, size_t *first_ret,
                        size_t *end_ret);

/* Of the keys in a range, the one with this index in the order of the range. */
const struct entry *model_in_range(const struct model *model, const act_range *range, size_t first,
                                   size_t end, size_t index);

/* A range in words, for messages; valid until the next call. */
const char *model_range_shown(const act_range *range);

#endif
