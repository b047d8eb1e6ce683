/*
 * What stands between the caller and a layout: keys are compared with the one before, and errors
 * kept. What the tree makes of the keys is told in build/path.h.
 */
#include <stdlib.h>
#include <string.h>

#include "base/attributes.h"
#include "base/error.h"
#include "build/compact.h"
#include "build/indexed.h"
#include "build/key.h"
#include "build/parts.h"
#include "build/path.h"
#include "build/plain.h"

struct act_builder {
    struct act_path path;
    bool any_key;
    bool no_sync;
    bool finished;
    act_error failure; /* a final one, or ACT_OK */
    act_build_report report;
    size_t key_nbytes_longest;
    act_layout layout;
    bool in_parts; /* on several threads */
    struct act_parts parts;
    union {
        struct act_compact compact;
        struct act_indexed indexed;
        struct act_plain plain;
    } out;
};

/* ------------------------------------------------------------------------- the layout's writer */

static act_status open_indexed(act_builder *builder, const char *path, unsigned threads,
                               act_error *error)
{
    act_status status = act_indexed_open(&builder->out.indexed, path, error);
    if (status != ACT_OK || threads < 2)
        return status;
    builder->in_parts = true;
    status = act_parts_open(&builder->parts, &builder->out.indexed, threads, error);
    if (status != ACT_OK)
        act_indexed_close(&builder->out.indexed);
    return status;
}

static act_status out_open(act_builder *builder, const char *path,
                           const act_builder_options *options, act_error *error)
{
    uint64_t share_nbytes = options->share_nbytes ? options->share_nbytes
                                                  : ACT_SHARE_NBYTES_DEFAULT;
    if (builder->layout == ACT_LAYOUT_INDEXED)
        return open_indexed(builder, path, options->threads, error);
    if (builder->layout == ACT_LAYOUT_COMPACT)
        return act_compact_open(&builder->out.compact, path, share_nbytes, error);
    return act_plain_open(&builder->out.plain, path, error);
}

/* The next key shares `common` bytes with the last one. */
static ACT_ALWAYS_INLINE act_status out_part(act_builder *builder, size_t common, act_error *error)
{
    struct act_path *keys = &builder->path;
    if (builder->layout == ACT_LAYOUT_INDEXED)
        return act_indexed_part(&builder->out.indexed, keys, common, error);
    if (builder->layout == ACT_LAYOUT_COMPACT)
        return act_compact_part(&builder->out.compact, keys, common, error);
    return act_plain_part(&builder->out.plain, keys, common, error);
}

static act_status out_finish(act_builder *builder, act_error *error)
{
    bool sync = !builder->no_sync;
    struct act_path *keys = &builder->path;
    if (builder->in_parts)
        return act_parts_finish(&builder->parts, builder->key_nbytes_longest, sync,
                                &builder->report, error);
    if (builder->layout == ACT_LAYOUT_INDEXED)
        return act_indexed_finish(&builder->out.indexed, keys, false, builder->key_nbytes_longest,
                                  sync, &builder->report, error);
    act_status status;
    if (builder->layout == ACT_LAYOUT_COMPACT) {
        status = act_compact_end(&builder->out.compact, keys, error);
        return status == ACT_OK
                   ? act_compact_finish(&builder->out.compact, sync, &builder->report, error)
                   : status;
    }
    status = act_plain_end(&builder->out.plain, keys, error);
    return status == ACT_OK ? act_plain_finish(&builder->out.plain, sync, &builder->report, error)
                            : status;
}

static void out_close(act_builder *builder)
{
    act_parts_close(&builder->parts);
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
    status = act_path_open(&builder->path) ? out_open(builder, path, options, error)
                                           : act_fail_nomem(error);
    if (status != ACT_OK) {
        act_path_close(&builder->path);
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
    act_path_close(&builder->path);
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
    act_quote(quoted_last, builder->path.key, builder->path.key_nbytes);
    if (key_nbytes == builder->path.key_nbytes && memcmp(key, builder->path.key, key_nbytes) == 0)
        return act_fail(error, ACT_ERR_DUPLICATE, ACT_NO_OFFSET, "key %s came before, as %s",
                        quoted, quoted_last);
    return act_fail(error, ACT_ERR_ORDER, ACT_NO_OFFSET, "key %s is below %s, which came before it",
                    quoted, quoted_last);
}

/* ----------------------------------------------------------------------------- adding a key */

/* Puts `key` in place of the last one, of which `common` bytes are there already. */
static ACT_ALWAYS_INLINE void replace_key(struct act_path *path, const uint8_t *key,
                                          size_t key_nbytes, size_t common)
{
    /* Copies of a fixed length are the faster ones. They may repeat some of what is there. */
    size_t nbytes = key_nbytes - common;
    if (ACT_UNLIKELY(nbytes > 16)) {
        memcpy(path->key + common, key + common, nbytes);
    } else if (key_nbytes >= 8) {
        size_t last = key_nbytes - 8;
        size_t first = common < last ? common : last;
        memcpy(path->key + first, key + first, 8);
        memcpy(path->key + last, key + last, 8);
    } else if (key_nbytes >= 4) {
        memcpy(path->key, key, 4);
        memcpy(path->key + key_nbytes - 4, key + key_nbytes - 4, 4);
    } else {
        for (size_t i = common; i < key_nbytes; i++)
            path->key[i] = key[i];
    }
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
    struct act_path *path = &builder->path;
    size_t common = 0;
    if (builder->any_key) {
        size_t last_nbytes = path->key_nbytes;
        common = act_common_nbytes(key, path->key,
                                   key_nbytes < last_nbytes ? key_nbytes : last_nbytes);
        if (ACT_UNLIKELY(common == key_nbytes ||
                         (common < last_nbytes && key[common] < path->key[common])))
            return fail_order(builder, key, key_nbytes, error);
        if (!builder->in_parts)
            status = out_part(builder, common, &failure);
    }
    if (ACT_LIKELY(status == ACT_OK) && ACT_UNLIKELY(!act_path_reserve(path, key_nbytes)))
        status = act_fail_nomem(&failure);
    if (ACT_UNLIKELY(status != ACT_OK))
        return fail_finally(builder, &failure, error);
    size_t last_nbytes = path->key_nbytes;
    replace_key(path, key, key_nbytes, common);
    if (builder->in_parts) {
        const struct act_part_record record = {common, key_nbytes - common, value, has_value};
        status = act_parts_add(&builder->parts, last_nbytes, path->key + common, &record, &failure);
        if (ACT_UNLIKELY(status != ACT_OK))
            return fail_finally(builder, &failure, error);
    }
    act_path_set(path, key_nbytes, has_value, value);
    builder->any_key = true;
    builder->report.keys += has_value;
    size_t longest = has_value ? key_nbytes : 0;
    if (ACT_UNLIKELY(longest > builder->key_nbytes_longest))
        builder->key_nbytes_longest = longest;
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

act_status act_builder_finish(act_builder *builder, act_build_report *report_ret, act_error *error)
{
    act_status status = check_usable(builder, error);
    if (status != ACT_OK)
        return status;
    act_error failure;
    status = out_finish(builder, &failure);
    if (status != ACT_OK)
        return fail_finally(builder, &failure, error);
    builder->finished = true;
    if (report_ret)
        *report_ret = builder->report;
    return ACT_OK;
}
