#include "read/ahead.h"

#include "os/paging.h"
#include "read/budget.h"
#include "read/shortcut.h"

/* Measured; see docs/PERFORMANCE.md. */
enum {
    FIRST_NBYTES = 64 << 10,
    MOST_NBYTES = 2 << 20,
    JUMP_NBYTES = 8 << 20 /* farther than this from the last look: another walk */
};

/*
 * The offset of the node with a key's value, which is in memory; 0 if there is none, or in
 * the hot region, which says nothing of how far the walk is.
 */
static uint64_t value_off(const struct act_map *map, const uint8_t *key, size_t key_nbytes)
{
    uint8_t tail[ACT_KEY_TAIL_NBYTES];
    struct act_descent d;
    act_descent_start(map, NULL, key, key_nbytes, tail, &d);
    enum act_next next = act_descent_finish(&map->arena, &d, ACT_NEXT_NODE);
    bool found = next == ACT_NEXT_FOUND ||
                 (next == ACT_NEXT_ODD && act_descend(map, &d, NULL) == ACT_OK);
    return found && d.id < map->arena.hot_off ? d.id : 0;
}

/* Asks for what lies behind the edge, and moves it. */
static void fetch(struct act_ahead *ahead, const struct act_map *map, bool upwards)
{
    uint64_t room = upwards ? map->file_nbytes - ahead->edge : ahead->edge;
    uint64_t nbytes = ahead->nbytes < room ? ahead->nbytes : room;
    uint64_t start = upwards ? ahead->edge : ahead->edge - nbytes;
    ahead->edge = upwards ? ahead->edge + nbytes : start;
    if (nbytes)
        act_os_paging_fetch(map->arena.bytes + start, nbytes);
    if (ahead->nbytes < MOST_NBYTES)
        ahead->nbytes *= 2;
}

void act_ahead_look(struct act_ahead *ahead, const struct act_map *map, const uint8_t *key,
                    size_t key_nbytes, bool upwards)
{
    act_budget_keep(map);
    if (!act_map_reads_single(map))
        return;
    uint64_t off = value_off(map, key, key_nbytes);
    if (!off)
        return;
    uint64_t moved = off > ahead->at ? off - ahead->at : ahead->at - off;
    if (!ahead->nbytes || moved > JUMP_NBYTES) {
        ahead->nbytes = FIRST_NBYTES;
        ahead->edge = off;
    }
    ahead->at = off;
    /* Also where the walk has turned, or overtaken the edge. */
    if (upwards ? ahead->edge < off : ahead->edge > off)
        ahead->edge = off;
    uint64_t left = upwards ? ahead->edge - off : off - ahead->edge;
    if (left <= ahead->nbytes / 2)
        fetch(ahead, map, upwards);
}
