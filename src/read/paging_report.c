/* How the pages of a map are held, and why, as numbers and in words. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/attributes.h"
#include "os/paging.h"
#include "read/backing.h"
#include "read/mapping.h"
#include "read/paging.h"

/* Appends to the text of a report; what does not fit is cut. */
ACT_PRINTF(2, 3) static void say(act_map_paging *paging, const char *format, ...)
{
    size_t length = strlen(paging->text);
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(paging->text + length, sizeof(paging->text) - length, format, arguments);
    va_end(arguments);
}

static double mib(uint64_t nbytes)
{
    return (double)nbytes / (1 << 20);
}

/* What was chosen for a mapped file, and why. */
static void say_advice(const struct act_map *map, act_map_paging *paging)
{
    static const char *const names[] = {"auto", "normal", "random", "sequential"};
    say(paging, "%s: ", names[paging->advice]);
    if (!paging->advice_is_auto)
        say(paging, "as asked");
    else if (paging->memory_nbytes != UINT64_MAX)
        say(paging, "%.1f MiB%s are %s half of the memory that may be used, %.1f MiB",
            mib(map->among_nbytes ? map->among_nbytes : map->file_nbytes),
            map->among_nbytes ? ", of the whole set," : "",
            act_map_exceeds_memory(map) ? "more than" : "within", mib(paging->memory_nbytes));
    else
        say(paging, "how much memory may be used is not known");
    if (paging->advice == ACT_ADVICE_RANDOM && paging->hot_is_ahead)
        say(paging, "; the hot region, %.1f MiB, is read ahead", mib(paging->hot_nbytes));
}

static void say_populate(const struct act_map *map, act_map_paging *paging)
{
    if (map->populate == ACT_POPULATE_NONE)
        return;
    if (paging->populate_asked_nbytes)
        say(paging, "; %.1f of %.1f MiB were populated", mib(paging->populate_done_nbytes),
            mib(paging->populate_asked_nbytes));
    else if (map->populate == ACT_POPULATE_HOT)
        say(paging, "; there is no hot region to populate");
    else
        say(paging, "; there is nothing to populate");
    if (paging->populate_done_nbytes < paging->populate_asked_nbytes)
        say(paging, ", as much as %s allows",
            act_map_budget(map) ? "the budget"
            : map->among_nbytes ? "this part's share of half of the memory"
                                : "half of the memory");
}

static void say_mapped(const struct act_map *map, act_map_paging *paging)
{
    say_advice(map, paging);
    say_populate(map, paging);
    if (map->huge == ACT_HUGE_ON && act_map_budget(map))
        say(paging, "; no huge pages beside a budget");
    else if (map->huge == ACT_HUGE_ON && act_map_exceeds_memory(map))
        say(paging, "; a copy in huge pages would not fit");
    if (paging->copied_nbytes)
        say(paging, "; %.1f MiB are copied", mib(paging->copied_nbytes));
    if (paging->huge_nbytes)
        say(paging, "; %.1f MiB are in huge pages", mib(paging->huge_nbytes));
    if (act_map_budget(map))
        say(paging, "; no more than %.1f MiB stay resident", mib(act_map_budget(map)));
}

static void say_copy(const struct act_map *map, act_map_paging *paging)
{
    say(paging, "a copy in memory, %.1f of %.1f MiB in huge pages", mib(paging->huge_nbytes),
        mib(map->file_nbytes));
    if (!paging->huge_nbytes)
        say(paging, ": the system gives none");
}

static act_huge_kind huge_kind(const act_map_paging *paging)
{
    if (!paging->huge_nbytes)
        return ACT_HUGE_KIND_NONE;
    bool copied = paging->is_copy || paging->huge_nbytes <= paging->copied_nbytes;
    return copied ? ACT_HUGE_KIND_COPY : ACT_HUGE_KIND_FILE;
}

void act_map_get_paging(const act_map *map, act_map_paging *paging_ret)
{
    struct act_map_lazy *lazy = map->lazy;
    memset(paging_ret, 0, sizeof(*paging_ret));
    paging_ret->memory_nbytes = act_map_memory(map);
    paging_ret->access = map->os_bytes.mapped ? ACT_ACCESS_MAP : ACT_ACCESS_READ;
    paging_ret->is_copy = map->os_bytes.copied;
    paging_ret->copied_nbytes = act_backing_copied_nbytes(map);
    uint64_t private_nbytes = act_backing_private_nbytes(map);
    paging_ret->is_private = private_nbytes &&
                             private_nbytes + paging_ret->copied_nbytes == map->file_nbytes;
    paging_ret->advice = (act_advice)atomic_load(&lazy->advice);
    paging_ret->advice_is_auto = map->advice == ACT_ADVICE_AUTO &&
                                 paging_ret->advice == act_map_chosen_advice(map);
    paging_ret->hot_is_ahead = atomic_load(&lazy->hot_ahead);
    if (act_map_has_hot(map))
        paging_ret->hot_nbytes = map->index.sums_off - map->index.hot_off;
    paging_ret->populate = map->populate;
    paging_ret->populate_asked_nbytes = map->populate_asked_nbytes;
    paging_ret->populate_done_nbytes = map->populate_done_nbytes;
    paging_ret->locked_nbytes = act_mapping_locked_nbytes(map);
    paging_ret->resident_nbytes_max = act_map_budget(map);
    paging_ret->released_nbytes = atomic_load(&lazy->budget.released_nbytes);
    paging_ret->huge = map->huge;
    if (map->os_bytes.mapped)
        paging_ret->huge_nbytes = act_os_paging_huge(map->arena.bytes, map->file_nbytes);
    paging_ret->huge_kind = huge_kind(paging_ret);
    if (paging_ret->is_copy)
        say_copy(map, paging_ret);
    else if (map->os_bytes.mapped)
        say_mapped(map, paging_ret);
    else
        say(paging_ret,
            map->os_bytes.bytes ? "read into memory as a whole" : "in memory of the caller's");
}
