#include "read/region.h"

#include <inttypes.h>

#include "base/error.h"
#include "read/extents.h"

struct collecting {
    struct act_spans *spans;
    bool failed;
};

static bool collect(void *context, uint64_t off, uint64_t nbytes)
{
    struct collecting *collecting = context;
    collecting->failed = !act_spans_add(collecting->spans, off, nbytes);
    return !collecting->failed;
}

static act_status add(struct act_spans *spans, uint64_t off, uint64_t nbytes, act_error *error)
{
    return act_spans_add(spans, off, nbytes) ? ACT_OK : act_fail_nomem(error);
}

static act_status add_range(const struct act_map *map, const act_region *region,
                            struct act_spans *spans, act_error *error)
{
    if (region->off > map->file_nbytes || region->nbytes > map->file_nbytes - region->off)
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET,
                        "%" PRIu64 " bytes from %" PRIu64 " on: the file ends at %" PRIu64,
                        region->nbytes, region->off, map->file_nbytes);
    return add(spans, region->off, region->nbytes, error);
}

static act_status add_prefix(const struct act_map *map, const act_region *region,
                             struct act_spans *spans, act_error *error)
{
    struct collecting collecting = {spans, false};
    if (!region->prefix && region->prefix_nbytes)
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET, "no prefix");
    act_status status = act_extents_of(map, region->prefix, region->prefix_nbytes, collect,
                                       &collecting, error);
    return collecting.failed ? act_fail_nomem(error) : status;
}

/* The hot region, or what lies before it and after it. */
static act_status add_hot(const struct act_map *map, bool hot, struct act_spans *spans,
                          act_error *error)
{
    if (!act_map_has_hot(map))
        return hot ? ACT_NOT_FOUND : add(spans, 0, map->file_nbytes, error);
    uint64_t off = map->index.hot_off;
    uint64_t end = map->index.sums_off;
    if (hot)
        return add(spans, off, end - off, error);
    act_status status = add(spans, 0, off, error);
    return status == ACT_OK ? add(spans, end, map->file_nbytes - end, error) : status;
}

act_status act_region_spans(const struct act_map *map, const act_region *region,
                            struct act_spans *spans, act_error *error)
{
    static const act_region whole = {.kind = ACT_REGION_WHOLE};
    if (!map)
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET, "no map");
    if (!region)
        region = &whole;
    switch (region->kind) {
    case ACT_REGION_WHOLE:
        return add(spans, 0, map->file_nbytes, error);
    case ACT_REGION_HOT:
    case ACT_REGION_COLD:
        return add_hot(map, region->kind == ACT_REGION_HOT, spans, error);
    case ACT_REGION_RANGE:
        return add_range(map, region, spans, error);
    case ACT_REGION_PREFIX:
        return add_prefix(map, region, spans, error);
    }
    return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET, "unknown kind of region %d",
                    (int)region->kind);
}
