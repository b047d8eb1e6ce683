#include "build/part.h"

#include <stdlib.h>
#include <string.h>

#include "base/attributes.h"
#include "base/error.h"
#include "base/memory.h"

act_status act_part_open(struct act_part *part, act_error *error)
{
    memset(part, 0, sizeof(*part));
    act_status status = act_indexed_open_part(&part->indexed, error);
    if (status == ACT_OK)
        status = act_hot_open(&part->lifted, NULL, error);
    if (status == ACT_OK && !act_path_open(&part->path))
        status = act_fail_nomem(error);
    if (status != ACT_OK)
        act_part_close(part);
    return status;
}

void act_part_close(struct act_part *part)
{
    act_indexed_close(&part->indexed);
    act_hot_close(&part->lifted);
    act_path_close(&part->path);
    free(part->records);
    free(part->levels);
    free(part->steps);
    memset(part, 0, sizeof(*part));
}

void act_part_start(struct act_part *part, size_t first_common)
{
    part->records_nbytes = 0;
    part->first_common = first_common;
    part->next_common = ACT_PART_NO_COMMON;
    part->built = false;
    part->status = ACT_OK;
}

/* -------------------------------------------------------------------------------- the records */

bool act_part_grow(struct act_part *part, size_t suffix_nbytes)
{
    size_t extra = sizeof(uint64_t) + sizeof(struct act_part_record) + ACT_LINE_SLACK_NBYTES;
    return suffix_nbytes <= SIZE_MAX - part->records_nbytes - extra &&
           act_reserve(&part->records, &part->records_capacity,
                       part->records_nbytes + suffix_nbytes + extra, 1);
}

struct record {
    struct act_part_record head;
    const uint8_t *suffix;
};

static ACT_ALWAYS_INLINE struct record read_record(const uint8_t **p)
{
    struct record record;
    struct act_part_record *fields = &record.head;
    uint64_t head;
    memcpy(&head, *p, sizeof(head));
    record.suffix = *p + sizeof(head);
    fields->common = (size_t)(head & ACT_PART_LARGE);
    if (ACT_UNLIKELY(fields->common == ACT_PART_LARGE)) {
        memcpy(fields, record.suffix, sizeof(*fields));
        record.suffix += sizeof(*fields);
    } else {
        uint64_t rest = head >> ACT_PART_COMMON_BITS;
        fields->suffix_nbytes = (size_t)(rest & (((uint64_t)1 << ACT_PART_SUFFIX_BITS) - 1));
        fields->has_value = rest >> ACT_PART_SUFFIX_BITS & 1;
        fields->value = head >> ACT_PART_VALUE_BITS;
    }
    *p = record.suffix + fields->suffix_nbytes;
    return record;
}

/* Puts its key in place of the last one. */
static ACT_ALWAYS_INLINE act_status take_record(struct act_path *path, const struct record *record,
                                                act_error *error)
{
    const struct act_part_record *head = &record->head;
    size_t key_nbytes = head->common + head->suffix_nbytes;
    if (ACT_UNLIKELY(!act_path_reserve(path, key_nbytes)))
        return act_fail_nomem(error);
    act_copy_line(path->key + head->common, record->suffix, head->suffix_nbytes);
    act_path_set(path, key_nbytes, head->has_value, head->value);
    return ACT_OK;
}

act_status act_part_replay(const struct act_part *part, struct act_indexed *indexed,
                           struct act_path *path, act_error *error)
{
    const uint8_t *p = part->records;
    const uint8_t *end = p + part->records_nbytes;
    act_status status = ACT_OK;
    for (bool first = true; p < end && status == ACT_OK; first = false) {
        struct record record = read_record(&p);
        if (!first)
            status = act_indexed_part(indexed, path, record.head.common, error);
        if (status == ACT_OK)
            status = take_record(path, &record, error);
    }
    return status;
}

/* ---------------------------------------------------------------------------------- building */

/* Lifts all that waits, for the nodes of the spine as far as they are open here. There is one: that
 * at which the last key has parted from the next. */
static act_status add_step(struct act_part *part, size_t close_to, act_error *error)
{
    struct act_path *path = &part->path;
    act_status status = act_indexed_lift(&part->indexed, path, &part->lifted, error);
    if (status != ACT_OK)
        return status;
    if (!act_reserve(&part->steps, &part->steps_capacity, part->steps_count + 1,
                     sizeof(*part->steps)) ||
        !act_reserve(&part->levels, &part->levels_capacity, part->levels_count + path->open_count,
                     sizeof(*part->levels)))
        return act_fail_nomem(error);
    memcpy(part->levels + part->levels_count, path->open, path->open_count * sizeof(*path->open));
    part->levels_count += path->open_count;
    part->steps[part->steps_count++] = (struct act_part_step){
        .hot_nbytes = part->indexed.hot.spool.used,
        .hot_runs = part->indexed.hot.runs,
        .levels = part->levels_count,
        .close_to = close_to};
    path->open_count = 0;
    return ACT_OK;
}

/* Opens a node of the spine, of which this part knows nothing but that it is there. */
static act_status open_spine(struct act_part *part, size_t depth, act_error *error)
{
    part->spine = depth;
    return act_path_push(&part->path, depth, 0) ? ACT_OK : act_fail_nomem(error);
}

/* The next key parts from the last one at or above the end of the spine. */
static ACT_NOINLINE act_status part_spine(struct act_part *part, size_t common, act_error *error)
{
    act_status status = act_indexed_part(&part->indexed, &part->path, part->spine, error);
    if (status != ACT_OK || common == part->spine)
        return status;
    status = add_step(part, common, error);
    return status == ACT_OK ? open_spine(part, common, error) : status;
}

static ACT_ALWAYS_INLINE act_status part_keys(struct act_part *part, size_t common,
                                              act_error *error)
{
    bool above = part->spine != ACT_PART_NO_COMMON && common <= part->spine;
    return ACT_UNLIKELY(above) ? part_spine(part, common, error)
                               : act_indexed_part(&part->indexed, &part->path, common, error);
}

static act_status start_building(struct act_part *part, act_error *error)
{
    act_indexed_clear(&part->indexed);
    act_hot_clear(&part->lifted);
    part->levels_count = 0;
    part->steps_count = 0;
    part->path.open_count = 0;
    part->spine = part->first_common;
    if (part->spine == ACT_PART_NO_COMMON)
        return ACT_OK;
    return open_spine(part, part->first_common, error);
}

/* Takes what is complete after the last key, and lifts what is not. */
static act_status end_building(struct act_part *part, act_error *error)
{
    size_t common = part->next_common == ACT_PART_NO_COMMON ? part->spine : part->next_common;
    act_status status = part_keys(part, common, error);
    if (status == ACT_OK)
        status = add_step(part, ACT_PART_NO_COMMON, error);
    if (status == ACT_OK)
        status = act_pages_flush(&part->indexed.pages, error);
    return status;
}

void act_part_build(struct act_part *part)
{
    act_error *error = &part->error;
    const uint8_t *p = part->records;
    const uint8_t *end = p + part->records_nbytes;
    act_status status = start_building(part, error);
    for (bool first = true; p < end && status == ACT_OK; first = false) {
        struct record record = read_record(&p);
        if (!first)
            status = part_keys(part, record.head.common, error);
        if (ACT_LIKELY(status == ACT_OK))
            status = take_record(&part->path, &record, error);
    }
    if (status == ACT_OK)
        status = end_building(part, error);
    part->status = status;
}

/* ----------------------------------------------------------------------------------- joining */

/* Adds lifted children to the node of the spine at their level, which is the last open one or comes
 * after it. */
static act_status join_level(struct act_part *part, const struct act_path_node *level,
                             struct act_indexed *indexed, struct act_path *path,
                             struct act_hot_run *run, act_error *error)
{
    bool open = path->open_count && path->open[path->open_count - 1].depth == level->depth;
    if (!open && !act_path_push(path, level->depth, 0))
        return act_fail_nomem(error);
    struct act_path_node *node = &path->open[path->open_count - 1];
    node->child_count = (uint16_t)(node->child_count + level->child_count);
    if (level->has_value) {
        node->has_value = true;
        node->value = level->value;
    }
    if (!level->child_count)
        return ACT_OK;
    act_status status = act_hot_read(&part->lifted, run, error);
    for (size_t i = 0; i < run->count && status == ACT_OK; i++)
        status = act_indexed_put(indexed, run, i, error);
    return status;
}

/* Makes the last key that of the part, as far as the next one goes on with it. */
static act_status join_key(const struct act_part *part, struct act_path *path, act_error *error)
{
    size_t from = part->spine == ACT_PART_NO_COMMON ? 0 : part->spine;
    size_t to = part->next_common;
    if (to == ACT_PART_NO_COMMON || to <= from)
        return ACT_OK;
    if (!act_path_reserve(path, to))
        return act_fail_nomem(error);
    memcpy(path->key + from, part->path.key + from, to - from);
    return ACT_OK;
}

static void add_counts(struct act_build_counts *counts, const struct act_build_counts *others)
{
    counts->nodes += others->nodes;
    counts->lines += others->lines;
    counts->lines_shared += others->lines_shared;
    counts->line_nbytes += others->line_nbytes;
}

act_status act_part_join(struct act_part *part, struct act_indexed *indexed, struct act_path *path,
                         struct act_hot_run *run, act_error *error)
{
    if (part->status != ACT_OK) {
        *error = part->error;
        return part->status;
    }
    const struct act_sink *sink = &part->indexed.sink;
    const uint8_t *hot = part->indexed.hot.spool.buffer;
    struct act_part_step before = {0};
    uint64_t off = 0;
    act_status status = act_pages_append(&indexed->pages, sink->buffer, sink->used, &off, error);
    run->base = off - ACT_PAGE_NBYTES;
    for (size_t i = 0; i < part->steps_count && status == ACT_OK; i++) {
        struct act_part_step step = part->steps[i];
        status = act_hot_append(&indexed->hot, hot + before.hot_nbytes,
                                step.hot_nbytes - before.hot_nbytes,
                                step.hot_runs - before.hot_runs, run->base, error);
        for (size_t j = before.levels; j < step.levels && status == ACT_OK; j++)
            status = join_level(part, &part->levels[j], indexed, path, run, error);
        if (status == ACT_OK && step.close_to != ACT_PART_NO_COMMON)
            status = act_indexed_close_open(indexed, path, step.close_to, error);
        before = step;
    }
    add_counts(&indexed->counts, &part->indexed.counts);
    return status == ACT_OK ? join_key(part, path, error) : status;
}
