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

/* Reading and writing the runs. */
struct writing {
    struct act_hot *hot;
    struct act_sink *sink;
    struct act_build_counts *counts;
    uint64_t root;
    struct act_siblings_node nodes[256];
    uint8_t *lines; /* of a run's nodes */
    uint8_t bytes[256 * ACT_MASK_NBYTES];
    uint64_t *places; /* of runs that no parent has come for */
    size_t places_count;
    size_t places_capacity;
};

enum {
    LINES_NBYTES = 256 * ACT_SIBLINGS_LINE_NBYTES_MAX + ACT_LINE_SLACK_NBYTES
};

act_status act_hot_open(struct act_hot *hot, const char *path, act_error *error)
{
    hot->runs = 0;
    return act_spool_open(&hot->spool, path, error);
}

void act_hot_close(struct act_hot *hot)
{
    act_spool_close(&hot->spool);
}

act_status act_hot_add(struct act_hot *hot, const struct act_siblings_node *nodes, size_t count,
                       struct act_siblings_stores stores, act_error *error)
{
    uint16_t count16 = (uint16_t)count;
    act_status status = act_spool_write(&hot->spool, &count16, sizeof(count16), error);
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

static act_status read_node(struct writing *writing, struct act_siblings_node *node,
                            size_t *lines_used, act_error *error)
{
    struct act_spool *spool = &writing->hot->spool;
    struct spooled spooled;
    act_status status = act_spool_read(spool, &spooled, sizeof(spooled), error);
    if (status != ACT_OK)
        return status;
    node->value = spooled.value;
    node->child = spooled.child;
    node->line = spooled.line_written ? spooled.line_id : *lines_used;
    node->child_count = spooled.child_count;
    node->line_nbytes = spooled.line_nbytes;
    node->byte = spooled.byte;
    node->has_value = spooled.has_value;
    node->line_written = spooled.line_written;
    node->bytes_at = (size_t)(node - writing->nodes) * ACT_MASK_NBYTES;
    status = act_spool_read(spool, writing->lines + *lines_used, node->line_nbytes, error);
    *lines_used += node->line_nbytes;
    if (status == ACT_OK)
        status = act_spool_read(spool, writing->bytes + node->bytes_at,
                                act_branch_count(node->child_count), error);
    return status;
}

static act_status read_run(struct writing *writing, size_t *count_ret, act_error *error)
{
    uint16_t count = 0;
    size_t lines_used = 0;
    size_t hot_count = 0;
    act_status status = act_spool_read(&writing->hot->spool, &count, sizeof(count), error);
    for (size_t i = 0; i < count && status == ACT_OK; i++) {
        status = read_node(writing, &writing->nodes[i], &lines_used, error);
        hot_count += writing->nodes[i].child == ACT_HOT_CHILD;
    }
    /* Their runs are the last ones that were written, in the same order. */
    writing->places_count -= hot_count;
    const uint64_t *place = writing->places + writing->places_count;
    for (size_t i = 0; i < count && status == ACT_OK; i++) {
        if (writing->nodes[i].child == ACT_HOT_CHILD)
            writing->nodes[i].child = *place++;
    }
    *count_ret = count;
    return status;
}

static act_status write_run(struct writing *writing, bool root, act_error *error)
{
    size_t count = 0;
    act_status status = read_run(writing, &count, error);
    if (status == ACT_OK)
        status = act_sink_make_room(writing->sink, error);
    if (status != ACT_OK)
        return status;
    if (!act_reserve(&writing->places, &writing->places_capacity, writing->places_count + 1,
                     sizeof(*writing->places)))
        return act_fail_nomem(error);
    struct act_siblings_place place = {.bytes = act_sink_end(writing->sink),
                                       .off = act_sink_position(writing->sink),
                                       .end = act_sink_end(writing->sink),
                                       .counts = writing->counts};
    struct act_siblings_stores stores = {writing->lines, writing->bytes};
    if (root)
        writing->root = act_siblings_write_root(&place, writing->nodes, stores);
    else
        writing->places[writing->places_count++] = act_siblings_write(&place, writing->nodes, count,
                                                                      stores);
    act_sink_set_end(writing->sink, place.end);
    return ACT_OK;
}

act_status act_hot_write(struct act_hot *hot, struct act_sink *sink,
                         struct act_build_counts *counts, uint64_t *root_ret, act_error *error)
{
    struct writing writing = {.hot = hot, .sink = sink, .counts = counts};
    writing.lines = malloc(LINES_NBYTES);
    if (!writing.lines)
        return act_fail_nomem(error);
    act_status status = act_spool_rewind(&hot->spool, error);
    for (uint64_t i = 0; i < hot->runs && status == ACT_OK; i++)
        status = write_run(&writing, i == hot->runs - 1, error);
    *root_ret = writing.root;
    free(writing.lines);
    free(writing.places);
    return status;
}
