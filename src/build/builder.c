/*
 * From sorted keys to completed nodes.
 *
 * Of the tree only the way to the last key is open. On it stand the nodes that are known to exist
 * and may get more children: those where keys parted, and keys that others continue. Nothing is
 * kept for the bytes between them. The last key itself is a leaf of which only the next key tells
 * where its parent is. When a key parts from the last one, all that lies deeper than that place
 * is complete.
 */
#include <stdlib.h>
#include <string.h>

#include "base/attributes.h"
#include "base/error.h"
#include "base/memory.h"
#include "build/compact.h"
#include "build/indexed.h"
#include "build/key.h"
#include "build/plain.h"

/* An open node. */
struct open_node {
    size_t depth; /* bytes of its path */
    uint64_t value;
    uint16_t child_count; /* completed ones */
    bool has_value;
};

struct act_builder {
    uint8_t *key; /* the last one */
    size_t key_nbytes;
    size_t key_capacity;
    bool any_key;
    bool has_value; /* of the last key */
    uint64_t value;

    struct open_node *open; /* by depth, all above the last key */
    size_t open_count;
    size_t open_capacity;

    bool no_sync;
    bool finished;
    act_error failure; /* a final one, or ACT_OK */
    act_build_report report;
    size_t key_nbytes_longest;
    act_layout layout;
    union {
        struct act_compact compact;
        struct act_indexed indexed;
        struct act_plain plain;
    } out;
};

/* --------------------------------------------------------------------------- opening, closing */

static bool reserve_key(act_builder *builder, size_t key_nbytes)
{
    if (ACT_UNLIKELY(key_nbytes > SIZE_MAX - ACT_LINE_SLACK_NBYTES))
        return false;
    size_t needed = key_nbytes + ACT_LINE_SLACK_NBYTES;
    return ACT_LIKELY(needed <= builder->key_capacity) ||
           act_reserve(&builder->key, &builder->key_capacity, needed, 1);
}

/* ------------------------------------------------------------------------- the layout's writer */

static act_status out_open(act_builder *builder, const char *path, uint64_t share_nbytes,
                           act_error *error)
{
    if (builder->layout == ACT_LAYOUT_INDEXED)
        return act_indexed_open(&builder->out.indexed, path, error);
    if (builder->layout == ACT_LAYOUT_COMPACT)
        return act_compact_open(&builder->out.compact, path, share_nbytes, error);
    return act_plain_open(&builder->out.plain, path, error);
}

static ACT_ALWAYS_INLINE act_status out_node(act_builder *builder,
                                             const struct act_build_task *task, act_error *error)
{
    if (builder->layout == ACT_LAYOUT_INDEXED)
        return act_indexed_node(&builder->out.indexed, task, error);
    if (builder->layout == ACT_LAYOUT_COMPACT)
        return act_compact_node(&builder->out.compact, task, error);
    return act_plain_node(&builder->out.plain, task, error);
}

static act_status out_finish(act_builder *builder, act_error *error)
{
    bool sync = !builder->no_sync;
    if (builder->layout == ACT_LAYOUT_INDEXED)
        return act_indexed_finish(&builder->out.indexed, builder->key_nbytes_longest, sync,
                                  &builder->report, error);
    if (builder->layout == ACT_LAYOUT_COMPACT)
        return act_compact_finish(&builder->out.compact, sync, &builder->report, error);
    return act_plain_finish(&builder->out.plain, sync, &builder->report, error);
}

static void out_close(act_builder *builder)
{
    if (builder->layout == ACT_LAYOUT_INDEXED)
        act_indexed_close(&builder->out.indexed);
    else if (builder->layout == ACT_LAYOUT_COMPACT)
        act_compact_close(&builder->out.compact);
    else
        act_plain_close(&builder->out.plain);
}

/* What is wrong with the options, or ACT_OK. */
static act_status check_options(const act_builder_options *options, act_error *error)
{
    act_layout layout = options->layout;
    if (layout != ACT_LAYOUT_INDEXED && layout != ACT_LAYOUT_PLAIN && layout != ACT_LAYOUT_COMPACT)
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET, "unknown layout %d", (int)layout);
    if (options->share_nbytes && options->share_nbytes < ACT_SHARE_NBYTES_MIN)
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET,
                        "a limit of %llu bytes for finding equal subtrees is too low",
                        (unsigned long long)options->share_nbytes);
    return ACT_OK;
}

act_status act_builder_open(const char *path, const act_builder_options *options,
                            act_builder **builder_ret, act_error *error)
{
    if (!builder_ret)
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET, "no place for the builder");
    *builder_ret = NULL;
    if (!path)
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET, "no file name");
    static const act_builder_options defaults = {.layout = ACT_LAYOUT_INDEXED};
    if (!options)
        options = &defaults;
    act_status status = check_options(options, error);
    if (status != ACT_OK)
        return status;
    act_builder *builder = calloc(1, sizeof(*builder));
    if (!builder)
        return act_fail_nomem(error);
    builder->no_sync = options->no_sync;
    builder->layout = options->layout;
    uint64_t share_nbytes = options->share_nbytes ? options->share_nbytes
                                                  : ACT_SHARE_NBYTES_DEFAULT;
    status = reserve_key(builder, 0) ? out_open(builder, path, share_nbytes, error)
                                     : act_fail_nomem(error);
    if (status != ACT_OK) {
        free(builder->key);
        free(builder);
        return status;
    }
    *builder_ret = builder;
    return ACT_OK;
}

void act_builder_close(act_builder *builder)
{
    if (!builder)
        return;
    out_close(builder);
    free(builder->open);
    free(builder->key);
    free(builder);
}

/* --------------------------------------------------------------------------------- the errors */

/* Remembers an error after which the file cannot be completed, and passes it on. */
ACT_COLD
static act_status fail_finally(act_builder *builder, const act_error *failure, act_error *error)
{
    if (&builder->failure != failure)
        builder->failure = *failure;
    if (error)
        *error = *failure;
    return failure->status;
}

/* Why nothing can be added, or ACT_OK. */
static act_status check_usable(act_builder *builder, act_error *error)
{
    if (ACT_UNLIKELY(!builder))
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET, "no builder");
    if (ACT_UNLIKELY(builder->failure.status != ACT_OK))
        return fail_finally(builder, &builder->failure, error);
    if (ACT_UNLIKELY(builder->finished))
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET, "the builder was finished before");
    return ACT_OK;
}

ACT_COLD
static act_status fail_order(const act_builder *builder, const uint8_t *key, size_t key_nbytes,
                             act_error *error)
{
    char quoted[ACT_QUOTED_NBYTES];
    char quoted_last[ACT_QUOTED_NBYTES];
    act_quote(quoted, key, key_nbytes);
    act_quote(quoted_last, builder->key, builder->key_nbytes);
    if (key_nbytes == builder->key_nbytes && memcmp(key, builder->key, key_nbytes) == 0)
        return act_fail(error, ACT_ERR_DUPLICATE, ACT_NO_OFFSET, "key %s came before, as %s",
                        quoted, quoted_last);
    return act_fail(error, ACT_ERR_ORDER, ACT_NO_OFFSET, "key %s is below %s, which came before it",
                    quoted, quoted_last);
}

/* ----------------------------------------------------------------------------- adding a key */

static bool push_open(act_builder *builder, size_t depth, uint16_t child_count)
{
    if (ACT_UNLIKELY((!builder->open || builder->open_count == builder->open_capacity) &&
                     !act_reserve(&builder->open, &builder->open_capacity, builder->open_count + 1,
                                  sizeof(*builder->open))))
        return false;
    struct open_node *open = &builder->open[builder->open_count++];
    open->depth = depth;
    open->value = 0;
    open->child_count = child_count;
    open->has_value = false;
    return true;
}

/*
 * Completes what lies deeper than `depth` on the way to the last key. A node is open at `depth`
 * afterwards.
 */
static act_status close_below(act_builder *builder, size_t depth, act_error *error)
{
    struct act_build_task task = {NULL, 0, 0, builder->value, 0, 0, 0, builder->has_value};
    size_t task_depth = builder->key_nbytes;
    for (;;) {
        struct open_node *parent = builder->open_count ? &builder->open[builder->open_count - 1]
                                                       : NULL;
        bool parted_below = !parent || parent->depth < depth;
        size_t parent_depth = parted_below ? depth : parent->depth;
        task.parent_depth = parent_depth;
        task.byte = builder->key[parent_depth];
        task.line = builder->key + parent_depth + 1;
        task.line_nbytes = task_depth - parent_depth - 1;
        act_status status = out_node(builder, &task, error);
        if (ACT_UNLIKELY(status != ACT_OK))
            return status;
        if (parted_below)
            return push_open(builder, depth, 1) ? ACT_OK : act_fail_nomem(error);
        parent->child_count++;
        if (parent_depth == depth)
            return ACT_OK;
        task.value = parent->value;
        task.has_value = parent->has_value;
        task.child_count = parent->child_count;
        task_depth = parent_depth;
        builder->open_count--;
    }
}

/* The last key is continued by the next: it is an inner node, if there is anything to tell. */
static act_status open_last(act_builder *builder, act_error *error)
{
    if (!builder->has_value)
        return ACT_OK;
    if (!push_open(builder, builder->key_nbytes, 0))
        return act_fail_nomem(error);
    builder->open[builder->open_count - 1].value = builder->value;
    builder->open[builder->open_count - 1].has_value = true;
    return ACT_OK;
}

/* Makes `key` the last one, of which `common` bytes are there already. */
static act_status replace_last(act_builder *builder, const uint8_t *key, size_t key_nbytes,
                               size_t common, act_error *error)
{
    if (ACT_UNLIKELY(!reserve_key(builder, key_nbytes)))
        return act_fail_nomem(error);
    if (key_nbytes > common)
        memcpy(builder->key + common, key + common, key_nbytes - common);
    builder->key_nbytes = key_nbytes;
    return ACT_OK;
}

static act_status add(act_builder *builder, const uint8_t *key, size_t key_nbytes, bool has_value,
                      uint64_t value, act_error *error)
{
    act_status status = check_usable(builder, error);
    if (status != ACT_OK)
        return status;
    static const uint8_t empty[1] = {0};
    if (ACT_UNLIKELY(!key)) {
        if (key_nbytes)
            return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET, "no key");
        key = empty;
    }

    act_error failure;
    size_t common = 0;
    if (builder->any_key) {
        size_t last_nbytes = builder->key_nbytes;
        common = act_common_nbytes(key, builder->key,
                                   key_nbytes < last_nbytes ? key_nbytes : last_nbytes);
        if (ACT_UNLIKELY(common == key_nbytes ||
                         (common < last_nbytes && key[common] < builder->key[common])))
            return fail_order(builder, key, key_nbytes, error);
        status = common < last_nbytes ? close_below(builder, common, &failure)
                                      : open_last(builder, &failure);
    }
    if (ACT_LIKELY(status == ACT_OK))
        status = replace_last(builder, key, key_nbytes, common, &failure);
    if (ACT_UNLIKELY(status != ACT_OK))
        return fail_finally(builder, &failure, error);
    builder->any_key = true;
    builder->has_value = has_value;
    builder->value = value;
    builder->report.keys += has_value;
    if (has_value && key_nbytes > builder->key_nbytes_longest)
        builder->key_nbytes_longest = key_nbytes;
    return ACT_OK;
}

act_status act_builder_add(act_builder *builder, const void *key, size_t key_nbytes, uint64_t value,
                           act_error *error)
{
    return add(builder, key, key_nbytes, true, value, error);
}

act_status act_builder_add_path(act_builder *builder, const void *path, size_t path_nbytes,
                                act_error *error)
{
    return add(builder, path, path_nbytes, false, 0, error);
}

/* ---------------------------------------------------------------------------------- finishing */

/* Completes everything; the root comes last, and its line begins at the first byte of all. */
static act_status close_all(act_builder *builder, act_error *error)
{
    struct act_build_task root = {NULL, 0, 0, builder->value, 0, 0, 0, builder->has_value};
    size_t root_nbytes = builder->key_nbytes;
    if (builder->open_count) {
        act_status status = close_below(builder, builder->open[0].depth, error);
        if (status != ACT_OK)
            return status;
        const struct open_node *open = &builder->open[0];
        root.value = open->value;
        root.has_value = open->has_value;
        root.child_count = open->child_count;
        root_nbytes = open->depth;
    }
    root.line = builder->key;
    root.line_nbytes = root_nbytes;
    return out_node(builder, &root, error);
}

act_status act_builder_finish(act_builder *builder, act_build_report *report_ret, act_error *error)
{
    act_status status = check_usable(builder, error);
    if (status != ACT_OK)
        return status;
    act_error failure;
    status = close_all(builder, &failure);
    if (status == ACT_OK)
        status = out_finish(builder, &failure);
    if (status != ACT_OK)
        return fail_finally(builder, &failure, error);
    builder->finished = true;
    if (report_ret)
        *report_ret = builder->report;
    return ACT_OK;
}
