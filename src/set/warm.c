#include "set/warm.h"

#include <string.h>

#include "base/error.h"
#include "os/memory.h"

void act_set_warming_start(struct act_set_warming *warming, const struct act_set *set,
                           uint64_t nbytes_max, act_progress_fn progress, void *context,
                           uint64_t total)
{
    *warming = (struct act_set_warming){
        .set = set, .progress = progress, .context = context, .total = total, .left = nbytes_max};
    if (!nbytes_max) {
        /* As for one file: an eighth is left to others. */
        uint64_t available = act_os_memory_available(set->manifest.file_nbytes, false);
        warming->left = available - available / 8;
    }
}

/* How far a part has come, as how far all have. */
static int tell(void *context, uint64_t done, uint64_t total)
{
    const struct act_set_warming *warming = context;
    (void)total;
    return warming->progress(warming->context, warming->state.done_nbytes + done, warming->total);
}

static uint64_t less(uint64_t nbytes, uint64_t by_nbytes)
{
    return nbytes > by_nbytes ? nbytes - by_nbytes : 0;
}

static void add(struct act_set_warming *warming, const act_warm_state *part,
                uint64_t counted_nbytes)
{
    act_warm_state *sum = &warming->state;
    uint64_t done = less(part->done_nbytes, counted_nbytes);
    sum->wanted_nbytes += less(part->wanted_nbytes, counted_nbytes);
    sum->done_nbytes += done;
    sum->read_nbytes += part->read_nbytes;
    sum->cut |= part->cut;
    /* A budget is each part's own: where it cut, there is room for the next. */
    bool used_up = part->cut && !warming->set->part_options.resident_nbytes_max;
    warming->left = used_up ? 0 : less(warming->left, done);
}

act_status act_set_warm_part(struct act_set_warming *warming, size_t part,
                             const act_warm_options *options, uint64_t counted_nbytes,
                             act_error *error)
{
    const struct act_set *set = warming->set;
    act_warm_options own = *options;
    act_warm_state state = {0};
    act_map *map;
    act_status status = act_set_pin(set, part, &map, error);
    if (status != ACT_OK)
        return status;
    /* Of one byte there is no piece: so it is only seen what would be wanted. */
    own.nbytes_max = warming->left ? warming->left : 1;
    if (warming->left && warming->left < UINT64_MAX - counted_nbytes)
        own.nbytes_max += counted_nbytes;
    status = act_map_warm(map, &own, warming->progress ? tell : NULL, warming, &state, error);
    act_set_unpin(set, part);
    if (status != ACT_NOT_FOUND)
        add(warming, &state, counted_nbytes);
    return act_set_name_part(set, part, status, error);
}

/* The hot regions first: every lookup needs one of them. */
static act_status warm_all(struct act_set_warming *warming, act_error *error)
{
    const act_warm_options hot = {.what = ACT_WARM_HOT};
    const act_warm_options all = {.what = ACT_WARM_ALL};
    size_t count = warming->set->manifest.count;
    act_status status = ACT_OK;
    for (size_t part = 0; part < count && status == ACT_OK; part++)
        status = act_set_warm_part(warming, part, &hot, 0, error);
    for (size_t part = 0; part < count && status == ACT_OK; part++) {
        act_map *map;
        act_map_stat stat;
        status = act_set_pin(warming->set, part, &map, error);
        if (status != ACT_OK)
            break;
        act_map_get_stat(map, &stat);
        act_set_unpin(warming->set, part);
        status = act_set_warm_part(warming, part, &all, stat.hot_end - stat.hot_off, error);
    }
    return status;
}

static act_status warm_hot(struct act_set_warming *warming, const act_warm_options *options,
                           act_error *error)
{
    act_status status = ACT_OK;
    for (size_t part = 0; part < warming->set->manifest.count && status == ACT_OK; part++)
        status = act_set_warm_part(warming, part, options, 0, error);
    return status;
}

/* Whether a part may have paths that begin with the prefix: those from the one on which the prefix
 * itself belongs to, while they begin with it. */
static bool may_have(const struct act_manifest_part *part, const act_warm_options *options)
{
    return part->from_nbytes >= options->prefix_nbytes &&
           memcmp(part->from, options->prefix, options->prefix_nbytes) == 0;
}

static act_status warm_prefix(struct act_set_warming *warming, const act_warm_options *options,
                              act_error *error)
{
    const struct act_set *set = warming->set;
    const struct act_manifest_part *parts = set->manifest.parts;
    if (options->prefix_nbytes && !options->prefix)
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET, "no prefix");
    size_t first = options->prefix_nbytes
                       ? act_locate(&set->locator, options->prefix, options->prefix_nbytes)
                       : 0;
    act_status found = ACT_NOT_FOUND;
    for (size_t part = first; part < set->manifest.count; part++) {
        if (part > first && options->prefix_nbytes && !may_have(&parts[part], options))
            break;
        act_status status = act_set_warm_part(warming, part, options, 0, error);
        if (status != ACT_OK && status != ACT_NOT_FOUND)
            return status;
        if (status == ACT_OK)
            found = ACT_OK;
    }
    return found;
}

act_status act_set_warm(const act_set *set, const act_warm_options *options,
                        act_progress_fn progress, void *context, act_warm_state *state_ret,
                        act_error *error)
{
    static const act_warm_options defaults = {.what = ACT_WARM_ALL};
    struct act_set_warming warming;
    act_status status = ACT_ERR_INVALID;
    if (state_ret)
        memset(state_ret, 0, sizeof(*state_ret));
    if (!set)
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET, "no set");
    if (!options)
        options = &defaults;
    act_set_warming_start(&warming, set, options->nbytes_max, progress, context,
                          options->what == ACT_WARM_ALL ? set->manifest.file_nbytes : 0);
    switch (options->what) {
    case ACT_WARM_ALL:
        status = warm_all(&warming, error);
        break;
    case ACT_WARM_HOT:
        status = warm_hot(&warming, options, error);
        break;
    case ACT_WARM_PREFIX:
        status = warm_prefix(&warming, options, error);
        break;
    case ACT_WARM_SET:
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET,
                        "a warm set is of one file: act_set_warm_restore has those of a set");
    default:
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET, "unknown kind of warming %d",
                        (int)options->what);
    }
    warming.state.ended = true;
    if (state_ret)
        *state_ret = warming.state;
    return status;
}
