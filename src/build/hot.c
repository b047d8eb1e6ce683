#include "build/hot.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "build/lines.h"

/* A node in the spool. Its line and its child bytes follow, one after the other. */
struct spooled {
    uint64_t value;
    uint64_t child;
    uint64_t line_id; /* of line data that were written before */
    uint16_t child_count;
    uint8_t line_nbytes;
    uint8_t byte;
    bool has_value;
    bool line_written;
};

/* Writing the runs. */
struct writing {
    struct act_hot *hot;
    struct act_sink *sink;
    struct act_build_counts *counts;
    uint64_t root;
    struct act_hot_run run;
    uint64_t ids[256]; /* of the first children of its nodes */
    uint64_t *places;  /* of runs that no parent has come for */
    size_t places_count;
    size_t places_capacity;
};

enum {
    LINES_NBYTES = 256 * ACT_SIBLINGS_LINE_NBYTES_MAX + ACT_LINE_SLACK_NBYTES
};

act_status act_hot_open(struct act_hot *hot, const char *path, act_error *error)
{
    hot->runs = 0;
    hot->base = 0;
    return act_spool_open(&hot->spool, path, error);
}

void act_hot_close(struct act_hot *hot)
{
    act_spool_close(&hot->spool);
}

void act_hot_clear(struct act_hot *hot)
{
    hot->runs = 0;
    hot->base = 0;
    act_spool_clear(&hot->spool);
}

/* Has the ids of what follows count from `base`: said by a run of no nodes. */
static act_status set_base(struct act_hot *hot, uint64_t base, act_error *error)
{
    static const uint16_t none = 0;
    if (hot->base == base)
        return ACT_OK;
    hot->base = base;
    act_status status = act_spool_write(&hot->spool, &none, sizeof(none), error);
    if (status == ACT_OK)
        status = act_spool_write(&hot->spool, &base, sizeof(base), error);
    return status;
}

act_status act_hot_append(struct act_hot *hot, const void *bytes, size_t nbytes, uint64_t runs,
                          uint64_t base, act_error *error)
{
    if (!runs)
        return ACT_OK;
    hot->runs += runs;
    act_status status = set_base(hot, base, error);
    return status == ACT_OK ? act_spool_write(&hot->spool, bytes, nbytes, error) : status;
}

act_status act_hot_add(struct act_hot *hot, const struct act_siblings_node *nodes, size_t count,
                       struct act_siblings_stores stores, act_error *error)
{
    uint16_t count16 = (uint16_t)count;
    act_status status = set_base(hot, 0, error);
    if (status == ACT_OK)
        status = act_spool_write(&hot->spool, &count16, sizeof(count16), error);
    for (size_t i = 0; i < count && status == ACT_OK; i++) {
        const struct act_siblings_node *node = &nodes[i];
        struct spooled spooled;
        memset(&spooled, 0, sizeof(spooled)); /* the padding too */
        spooled.value = node->value;
        spooled.child = node->child;
        spooled.line_id = node->line_written ? node->line : 0;
        spooled.child_count = node->child_count;
        spooled.line_nbytes = node->line_nbytes;
        spooled.byte = node->byte;
        spooled.has_value = node->has_value;
        spooled.line_written = node->line_written;
        status = act_spool_write(&hot->spool, &spooled, sizeof(spooled), error);
        if (status == ACT_OK && node->line_nbytes)
            status = act_spool_write(&hot->spool, stores.lines + node->line, node->line_nbytes,
                                     error);
        if (status == ACT_OK && node->child_count)
            status = act_spool_write(&hot->spool, stores.bytes + node->bytes_at,
                                     act_branch_count(node->child_count), error);
    }
    hot->runs++;
    return status;
}

bool act_hot_run_open(struct act_hot_run *run)
{
    run->base = 0;
    run->lines = malloc(LINES_NBYTES);
    return run->lines != NULL;
}

void act_hot_run_close(struct act_hot_run *run)
{
    free(run->lines);
    run->lines = NULL;
}

static act_status read_node(struct act_spool *spool, struct act_hot_run *run,
                            struct act_siblings_node *node, size_t *lines_used, act_error *error)
{
    struct spooled spooled;
    act_status status = act_spool_read(spool, &spooled, sizeof(spooled), error);
    if (status != ACT_OK)
        return status;
    node->value = spooled.value;
    node->child = spooled.child == ACT_HOT_CHILD ? ACT_HOT_CHILD : spooled.child + run->base;
    node->line = spooled.line_written ? spooled.line_id + run->base : *lines_used;
    node->child_count = spooled.child_count;
    node->line_nbytes = spooled.line_nbytes;
    node->byte = spooled.byte;
    node->has_value = spooled.has_value;
    node->line_written = spooled.line_written;
    node->bytes_at = (size_t)(node - run->nodes) * ACT_MASK_NBYTES;
    status = act_spool_read(spool, run->lines + *lines_used, node->line_nbytes, error);
    *lines_used += node->line_nbytes;
    if (status == ACT_OK)
        status = act_spool_read(spool, run->bytes + node->bytes_at,
                                act_branch_count(node->child_count), error);
    return status;
}

act_status act_hot_read(struct act_hot *hot, struct act_hot_run *run, act_error *error)
{
    struct act_spool *spool = &hot->spool;
    uint16_t count = 0;
    size_t lines_used = 0;
    act_status status = act_spool_read(spool, &count, sizeof(count), error);
    if (status == ACT_OK && !count) {
        status = act_spool_read(spool, &run->base, sizeof(run->base), error);
        if (status == ACT_OK)
            status = act_spool_read(spool, &count, sizeof(count), error);
    }
    for (size_t i = 0; i < count && status == ACT_OK; i++)
        status = read_node(spool, run, &run->nodes[i], &lines_used, error);
    run->count = count;
    return status;
}

/* Fills in where the children of a run are that are in the hot region: their runs are the last ones
 * that were written, in the same order. */
static void find_children(struct writing *writing)
{
    struct act_hot_run *run = &writing->run;
    size_t hot_count = 0;
    for (size_t i = 0; i < run->count; i++)
        hot_count += run->nodes[i].child == ACT_HOT_CHILD;
    writing->places_count -= hot_count;
    size_t place = writing->places_count;
    for (size_t i = 0; i < run->count; i++) {
        struct act_siblings_node *node = &run->nodes[i];
        writing->ids[i] = node->child == ACT_HOT_CHILD ? writing->places[place++] : node->child;
        node->child = i;
    }
}

static act_status write_run(struct writing *writing, bool root, act_error *error)
{
    struct act_hot_run *run = &writing->run;
    act_status status = act_hot_read(writing->hot, run, error);
    if (status == ACT_OK)
        status = act_sink_make_room(writing->sink, error);
    if (status != ACT_OK)
        return status;
    find_children(writing);
    if (!act_reserve(&writing->places, &writing->places_capacity, writing->places_count + 1,
                     sizeof(*writing->places)))
        return act_fail_nomem(error);
    struct act_siblings_place place = {.bytes = act_sink_end(writing->sink),
                                       .off = act_sink_position(writing->sink),
                                       .end = act_sink_end(writing->sink),
                                       .counts = writing->counts};
    struct act_siblings_stores stores = {run->lines, run->bytes, writing->ids};
    if (root)
        writing->root = act_siblings_write_root(&place, run->nodes, stores);
    else
        writing->places[writing->places_count++] = act_siblings_write(&place, run->nodes,
                                                                      run->count, stores);
    act_sink_set_end(writing->sink, place.end);
    return ACT_OK;
}

act_status act_hot_write(struct act_hot *hot, struct act_sink *sink,
                         struct act_build_counts *counts, uint64_t *root_ret, act_error *error)
{
    struct writing writing = {.hot = hot, .sink = sink, .counts = counts};
    if (!act_hot_run_open(&writing.run))
        return act_fail_nomem(error);
    act_status status = act_spool_rewind(&hot->spool, error);
    for (uint64_t i = 0; i < hot->runs && status == ACT_OK; i++)
        status = write_run(&writing, i == hot->runs - 1, error);
    *root_ret = writing.root;
    act_hot_run_close(&writing.run);
    free(writing.places);
    return status;
}
