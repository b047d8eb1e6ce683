/* Reading the entries of a damaged tree, as far as they can be read, into a builder. */
#ifndef ACT_REPAIR_SALVAGE_H
#define ACT_REPAIR_SALVAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "actree.h"
#include "base/pace.h"
#include "repair/damaged.h"

/* A branch on the way, with children to come. */
struct act_salvage_frame {
    uint64_t id;
    uint64_t first; /* child */
    uint64_t next;  /* the child at `index`, or 0: it is not known where that lies */
    uint64_t bytes_off;
    size_t path_nbytes;
    uint16_t index;
    uint16_t count;
    uint8_t byte; /* that leads to the child at `index` */
    bool masked;
    act_rule rule;   /* why it is not known where children lie, */
    uint64_t offset; /* and where the cause of that is */
};

/* Lost keys that may go on. */
struct act_salvage_loss {
    bool open;
    bool endless; /* up to the last key that can be */
    uint64_t offset;
    act_rule rule;
    uint8_t *first;
    size_t first_nbytes;
    size_t first_capacity;
    uint8_t *end;
    size_t end_nbytes;
    size_t end_capacity;
};

struct act_salvage {
    const struct act_damaged *file;
    act_builder *builder; /* NULL: only counting */
    uint64_t key_nbytes_max;
    uint64_t steps_left;
    uint64_t steps; /* taken */
    act_lost_keys_fn on_lost_keys;
    void *context;
    struct act_pace pace;

    struct act_salvage_frame *frames;
    size_t depth;
    size_t capacity;
    uint8_t *path;
    size_t path_capacity;
    struct act_salvage_loss loss;

    uint64_t keys;
    uint64_t dangling_paths;
    uint64_t lost_ranges;
    act_error *error;
};

/* Reads all below this root. ACT_OK; ACT_STOPPED; ACT_ERR_LIMIT; ACT_ERR_NOMEM; of the builder. */
act_status act_salvage_run(struct act_salvage *salvage, uint64_t root);

/* Frees what it holds; an all-zero one is allowed. */
void act_salvage_free(struct act_salvage *salvage);

#endif
