#include "copying.h"

#include "allocate.h"

act_status cli_for_each_map(const struct cli_map *map,
                            act_status (*work)(void *context, const act_map *map, act_error *error),
                            void *context, act_error *error)
{
    if (!map->set)
        return work(context, map->map, error);
    act_status status = ACT_OK;
    for (size_t part = 0; part < act_set_part_count(map->set) && status == ACT_OK; part++) {
        act_map *part_map;
        status = act_set_part_open(map->set, part, &part_map, error);
        if (status == ACT_OK) {
            status = work(context, part_map, error);
            act_set_part_release(map->set, part);
        }
    }
    return status;
}

/* ---------------------------------------------------------------------------------- inspecting */

struct counting {
    struct cli_progress *progress;
    struct cli_inventory *inventory;
};

static void add(uint64_t *sum, uint64_t number)
{
    *sum = number > UINT64_MAX - *sum ? UINT64_MAX : *sum + number;
}

static act_status count_map(void *context, const act_map *map, act_error *error)
{
    struct counting *counting = context;
    act_map_info info;
    act_status status = act_map_get_info(map, cli_progress_tell, counting->progress, &info, error);
    if (status != ACT_OK)
        return status;
    add(&counting->inventory->keys, info.keys);
    add(&counting->inventory->dangling_paths, info.dangling_paths);
    return ACT_OK;
}

act_status cli_inspect(const struct cli_map *map, const struct cli_options *options,
                       struct cli_progress *progress, struct cli_inventory *inventory_ret,
                       act_error *error)
{
    struct counting counting = {progress, inventory_ret};
    act_status status = ACT_OK;
    *inventory_ret = (struct cli_inventory){0, 0};
    if (!options->no_check) {
        cli_progress_next(progress, options->progress, "verifying", "B");
        status = map->set ? act_set_verify(map->set, cli_progress_tell, progress, NULL, error)
                          : act_map_verify(map->map, cli_progress_tell, progress, NULL, error);
    }
    if (status != ACT_OK)
        return status;
    cli_progress_next(progress, options->progress, "counting", "B");
    status = cli_for_each_map(map, count_map, &counting, error);
    cli_give_back();
    return status;
}

/* ------------------------------------------------------------------------------------ visiting */

struct visiting {
    cli_place_fn visit;
    void *context;
};

static int visit_entry(void *context, const uint8_t *key, size_t key_nbytes, uint64_t value)
{
    const struct visiting *visiting = context;
    return visiting->visit(visiting->context, key, key_nbytes, &value);
}

/* What the cursor stands on, if it is an entry, or a path that ends without a value. */
static int visit_place(const struct visiting *visiting, const act_cursor *cursor)
{
    size_t nbytes;
    uint64_t value;
    const uint8_t *path = act_cursor_path(cursor, &nbytes);
    if (act_cursor_value(cursor, &value) == ACT_OK)
        return visiting->visit(visiting->context, path, nbytes, &value);
    if (act_cursor_child_count(cursor) > 0)
        return 0;
    return visiting->visit(visiting->context, path, nbytes, NULL);
}

/* Scans pass by paths without a value. */
static act_status visit_with_paths(const act_map *map, const struct visiting *visiting,
                                   act_error *error)
{
    act_cursor *cursor;
    act_status status = act_cursor_open(map, NULL, 0, &cursor, error);
    if (status != ACT_OK)
        return status;
    do {
        if (visit_place(visiting, cursor))
            status = ACT_STOPPED;
        else
            status = act_cursor_to_next_step(cursor, error);
    } while (status == ACT_OK);
    act_cursor_close(cursor);
    return status == ACT_NOT_FOUND ? ACT_OK : status;
}

act_status cli_visit_places(const act_map *map, bool paths, cli_place_fn visit, void *context,
                            act_error *error)
{
    struct visiting visiting = {visit, context};
    return paths ? visit_with_paths(map, &visiting, error)
                 : act_map_scan(map, NULL, visit_entry, &visiting, error);
}
