/* Parts that come when they are needed, and with a limit go again. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "set/set.h"

bool act_shelf_init(struct act_set *set)
{
    struct act_shelf *shelf = calloc(1, sizeof(*shelf));
    if (!shelf)
        return false;
    set->shelf = shelf;
    atomic_flag_clear(&shelf->spin);
    atomic_init(&shelf->clock, 0);
    atomic_init(&shelf->openings, 0);
    atomic_init(&shelf->open_nbytes, 0);
    atomic_init(&shelf->open_parts, 0);
    shelf->slots = malloc(set->manifest.count * sizeof(*shelf->slots));
    if (!shelf->slots)
        return false;
    for (size_t i = 0; i < set->manifest.count; i++) {
        atomic_init(&shelf->slots[i].map, NULL);
        atomic_init(&shelf->slots[i].pins, ACT_SLOT_CLOSED);
        atomic_init(&shelf->slots[i].used, 0);
    }
    if (!set->max_mapped_nbytes)
        return true;
    shelf->lock = act_os_monitor_new();
    shelf->open = malloc(set->manifest.count * sizeof(*shelf->open));
    return shelf->open != NULL;
}

void act_shelf_free(struct act_set *set)
{
    struct act_shelf *shelf = set->shelf;
    if (!shelf)
        return;
    if (shelf->slots)
        for (size_t i = 0; i < set->manifest.count; i++)
            act_map_close(atomic_load(&shelf->slots[i].map));
    act_os_monitor_free(shelf->lock);
    free(shelf->open);
    free(shelf->slots);
    free(shelf);
}

/* A part was opened, or closed. */
static void note(const struct act_set *set, size_t part, bool opened)
{
    struct act_shelf *shelf = set->shelf;
    size_t nbytes = (size_t)set->manifest.parts[part].file_nbytes; /* it was opened */
    if (opened) {
        atomic_fetch_add(&shelf->openings, 1);
        atomic_fetch_add(&shelf->open_parts, 1);
        atomic_fetch_add(&shelf->open_nbytes, nbytes);
    } else {
        atomic_fetch_sub(&shelf->open_parts, 1);
        atomic_fetch_sub(&shelf->open_nbytes, nbytes);
    }
}

/* ------------------------------------------------------------------------------ without a limit */

static act_status open_for_good(const struct act_set *set, size_t part, act_map **map_ret,
                                act_error *error)
{
    act_map *map;
    act_map *other = NULL;
    act_status status = act_set_open_file(set, part, &map, error);
    if (status != ACT_OK)
        return status;
    if (atomic_compare_exchange_strong(&set->shelf->slots[part].map, &other, map)) {
        note(set, part, true);
        *map_ret = map;
    } else {
        act_map_close(map);
        *map_ret = other;
    }
    return ACT_OK;
}

/* --------------------------------------------------------------------------------- with a limit */

static void lock(struct act_shelf *shelf)
{
    if (shelf->lock) {
        act_os_monitor_enter(shelf->lock);
        return;
    }
    while (atomic_flag_test_and_set_explicit(&shelf->spin, memory_order_acquire))
        ;
}

static void unlock(struct act_shelf *shelf)
{
    if (shelf->lock)
        act_os_monitor_leave(shelf->lock);
    else
        atomic_flag_clear_explicit(&shelf->spin, memory_order_release);
}

/* The clock moves only when another part is used than before, so that threads which stay in one
 * part write nothing that they share. */
static void touch(struct act_shelf *shelf, struct act_slot *slot)
{
    size_t now = atomic_load_explicit(&shelf->clock, memory_order_relaxed);
    if (atomic_load_explicit(&slot->used, memory_order_relaxed) == now && now)
        return;
    now = atomic_fetch_add_explicit(&shelf->clock, 1, memory_order_relaxed) + 1;
    atomic_store_explicit(&slot->used, now, memory_order_relaxed);
}

/* Closes the part that was not used for the longest, of those in which nobody is. False if there
 * is none. Under the lock. */
static bool close_oldest(const struct act_set *set)
{
    struct act_shelf *shelf = set->shelf;
    for (;;) {
        size_t oldest = SIZE_MAX;
        size_t oldest_used = SIZE_MAX;
        for (size_t i = 0; i < shelf->open_count; i++) {
            struct act_slot *slot = &shelf->slots[shelf->open[i]];
            size_t used = atomic_load_explicit(&slot->used, memory_order_relaxed);
            if (used >= oldest_used || atomic_load_explicit(&slot->pins, memory_order_relaxed))
                continue;
            oldest = i;
            oldest_used = used;
        }
        if (oldest == SIZE_MAX)
            return false;
        size_t part = shelf->open[oldest];
        struct act_slot *slot = &shelf->slots[part];
        size_t nobody = 0;
        /* Somebody may have come in meanwhile. */
        if (!atomic_compare_exchange_strong(&slot->pins, &nobody, ACT_SLOT_CLOSED))
            continue;
        shelf->open[oldest] = shelf->open[--shelf->open_count];
        act_map_close(atomic_exchange(&slot->map, NULL));
        note(set, part, false);
        return true;
    }
}

/* Whether a part could not be opened because others are: memory, addresses, open files. */
static bool is_for_want_of_room(act_status status, const act_error *error)
{
    return status == ACT_ERR_NOMEM ||
           (status == ACT_ERR_IO && (error->os_code == EMFILE || error->os_code == ENFILE));
}

/* Opens a part after closing others. Under the lock. */
static act_status open_in_window(const struct act_set *set, size_t part, act_error *error)
{
    struct act_shelf *shelf = set->shelf;
    struct act_slot *slot = &shelf->slots[part];
    uint64_t nbytes = set->manifest.parts[part].file_nbytes;
    uint64_t most = set->max_mapped_nbytes > nbytes ? set->max_mapped_nbytes - nbytes : 0;
    act_map *map;
    act_error own;
    act_status status;
    while (atomic_load(&shelf->open_nbytes) > most && close_oldest(set))
        ;
    do {
        status = act_set_open_file(set, part, &map, &own);
    } while (is_for_want_of_room(status, &own) && close_oldest(set));
    if (status != ACT_OK) {
        if (error)
            *error = own;
        return status;
    }
    atomic_store(&slot->map, map);
    shelf->open[shelf->open_count++] = part;
    note(set, part, true);
    /* Not in use from now on, but for those who look in at this moment. */
    atomic_fetch_sub(&slot->pins, ACT_SLOT_CLOSED);
    return ACT_OK;
}

static act_status pin_in_window(const struct act_set *set, size_t part, act_map **map_ret,
                                act_error *error)
{
    struct act_shelf *shelf = set->shelf;
    struct act_slot *slot = &shelf->slots[part];
    act_status status = ACT_OK;
    if (atomic_fetch_add(&slot->pins, 1) & ACT_SLOT_CLOSED) {
        atomic_fetch_sub(&slot->pins, 1);
        lock(shelf);
        /* Parts are closed under the lock only. */
        if (atomic_load(&slot->pins) & ACT_SLOT_CLOSED)
            status = open_in_window(set, part, error);
        if (status == ACT_OK)
            atomic_fetch_add(&slot->pins, 1);
        unlock(shelf);
    }
    if (status != ACT_OK)
        return status;
    touch(shelf, slot);
    *map_ret = atomic_load(&slot->map);
    return ACT_OK;
}

act_status act_set_pin_slowly(const struct act_set *set, size_t part, act_map **map_ret,
                              act_error *error)
{
    return set->max_mapped_nbytes ? pin_in_window(set, part, map_ret, error)
                                  : open_for_good(set, part, map_ret, error);
}
