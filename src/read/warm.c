#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/pace.h"
#include "os/memory.h"
#include "os/paging.h"
#include "os/residency.h"
#include "os/thread.h"
#include "read/guard.h"
#include "read/map.h"
#include "read/paging.h"
#include "read/region.h"
#include "read/spans.h"
#include "read/warm_set.h"

enum {
    /* Asked for at a time: systems read no more of what is asked for than they would read ahead,
     * 128 KiB where nobody says otherwise. */
    PIECE_NBYTES = 128 << 10,
    /* On the way at any time: enough for a disk that does thousands of things at once. */
    AHEAD_NBYTES = 16 << 20
};

struct extent {
    uint64_t off;
    uint64_t nbytes;
};

/* How far something has come in the list of extents. */
struct place {
    size_t extent;
    uint64_t nbytes; /* of that extent */
};

struct act_warm {
    const act_map *map;
    act_warm_what what;
    uint8_t *prefix; /* a copy */
    size_t prefix_nbytes;
    const act_warm_set *set;
    uint64_t nbytes_max;

    struct extent *extents; /* in the order in which they are wanted */
    size_t count;
    size_t capacity;
    struct act_pace pace;
    act_status status;
    act_error error;

    struct act_os_thread *thread;
    atomic_bool cancelled;
    atomic_bool ended;
    atomic_bool cut;
    atomic_uint_fast64_t wanted_nbytes;
    atomic_uint_fast64_t done_nbytes;
    atomic_uint_fast64_t read_nbytes;
};

/* --------------------------------------------------------------------------------- what is wanted
 */

static bool add_extent(struct act_warm *warm, uint64_t off, uint64_t nbytes)
{
    if (!act_reserve(&warm->extents, &warm->capacity, warm->count + 1, sizeof(*warm->extents)))
        return false;
    warm->extents[warm->count++] = (struct extent){off, nbytes};
    return true;
}

static act_status add_region(struct act_warm *warm, act_region_kind kind)
{
    act_region region = {
        .kind = kind, .prefix = warm->prefix, .prefix_nbytes = warm->prefix_nbytes};
    struct act_spans spans = {0};
    act_status status = act_region_spans(warm->map, &region, &spans, &warm->error);
    for (size_t i = 0; status == ACT_OK && i < spans.count; i++)
        if (!add_extent(warm, spans.items[i].off, spans.items[i].end - spans.items[i].off))
            status = act_fail_nomem(&warm->error);
    act_spans_free(&spans);
    return status;
}

/* A file without an index has none, and nothing is to be done. */
static act_status add_hot_region(struct act_warm *warm)
{
    act_status status = add_region(warm, ACT_REGION_HOT);
    return status == ACT_NOT_FOUND ? ACT_OK : status;
}

static act_status add_set(struct act_warm *warm)
{
    const act_warm_set *set = warm->set;
    for (size_t i = 0; i < set->runs_count; i++) {
        uint64_t off = set->runs[i].first * set->page_nbytes;
        uint64_t nbytes = set->runs[i].count * set->page_nbytes;
        uint64_t left = set->file_nbytes - off;
        if (!add_extent(warm, off, nbytes < left ? nbytes : left))
            return act_fail_nomem(&warm->error);
    }
    return ACT_OK;
}

static act_status plan(struct act_warm *warm)
{
    act_status status = ACT_OK;
    act_map_settle(warm->map);
    if (!act_map_is_paged(warm->map))
        return warm->what == ACT_WARM_PREFIX
                   ? act_map_path_exists(warm->map, warm->prefix, warm->prefix_nbytes, NULL,
                                         &warm->error)
                   : ACT_OK;
    switch (warm->what) {
    case ACT_WARM_ALL:
        status = add_hot_region(warm);
        return status == ACT_OK ? add_region(warm, ACT_REGION_COLD) : status;
    case ACT_WARM_HOT:
        return add_hot_region(warm);
    case ACT_WARM_PREFIX:
        act_map_read_single(warm->map, true);
        status = add_region(warm, ACT_REGION_PREFIX);
        act_map_read_single(warm->map, false);
        return status;
    case ACT_WARM_SET:
        return add_set(warm);
    }
    return status;
}

/* --------------------------------------------------------------------------------------- the work
 */

/* The next piece of the list; false at its end. */
static bool next_piece(const struct act_warm *warm, struct place *place, struct extent *piece_ret)
{
    if (place->extent == warm->count)
        return false;
    const struct extent *extent = &warm->extents[place->extent];
    piece_ret->off = extent->off + place->nbytes;
    piece_ret->nbytes = extent->nbytes - place->nbytes;
    if (piece_ret->nbytes > PIECE_NBYTES) {
        piece_ret->nbytes = PIECE_NBYTES;
        place->nbytes += PIECE_NBYTES;
    } else {
        place->extent++;
        place->nbytes = 0;
    }
    return true;
}

static void note_reads(struct act_warm *warm, const act_faults *before)
{
    act_faults now;
    act_os_faults(ACT_FAULTS_THREAD, &now);
    if (now.known && before->known)
        atomic_store(&warm->read_nbytes, now.read_nbytes - before->read_nbytes);
}

/* Pieces are asked for some way ahead of the one that is waited for. */
static act_status bring(struct act_warm *warm, const act_faults *before)
{
    const uint8_t *bytes = warm->map->arena.bytes;
    struct place asked = {0, 0}, done = {0, 0};
    struct extent piece;
    uint64_t asked_nbytes = 0, done_nbytes = 0;
    while (next_piece(warm, &done, &piece)) {
        struct place next = asked;
        struct extent ahead;
        while (asked_nbytes < done_nbytes + AHEAD_NBYTES && next_piece(warm, &next, &ahead) &&
               ahead.nbytes <= warm->nbytes_max - asked_nbytes) {
            act_os_paging_fetch(bytes + ahead.off, ahead.nbytes);
            asked_nbytes += ahead.nbytes;
            asked = next;
        }
        if (done_nbytes + piece.nbytes > warm->nbytes_max) {
            atomic_store(&warm->cut, true);
            return ACT_OK;
        }
        if (act_os_paging_await(bytes + piece.off, piece.nbytes) != 0)
            return act_fail(&warm->error, ACT_ERR_IO, piece.off,
                            "cannot read %llu bytes at offset %llu: the disk fails, or the file "
                            "has become shorter",
                            (unsigned long long)piece.nbytes, (unsigned long long)piece.off);
        done_nbytes += piece.nbytes;
        atomic_store(&warm->done_nbytes, done_nbytes);
        note_reads(warm, before);
        if (atomic_load(&warm->cancelled) || !act_pace_tell(&warm->pace, done_nbytes))
            return ACT_STOPPED;
    }
    return ACT_OK;
}

static void work(void *context)
{
    struct act_warm *warm = context;
    act_faults before;
    act_os_faults(ACT_FAULTS_THREAD, &before);
    warm->status = plan(warm);
    uint64_t wanted = 0;
    for (size_t i = 0; i < warm->count; i++)
        wanted += warm->extents[i].nbytes;
    atomic_store(&warm->wanted_nbytes, wanted);
    if (!warm->nbytes_max) {
        uint64_t available = act_os_memory_available(wanted, false);
        warm->nbytes_max = available - available / 8;
    }
    /* What a budget would release at once is better not brought in. */
    uint64_t budget = act_map_budget(warm->map);
    if (budget && warm->nbytes_max > budget)
        warm->nbytes_max = budget;
    if (warm->status == ACT_OK) {
        act_progress_fn progress = warm->pace.progress;
        warm->status = act_pace_start(&warm->pace, progress, warm->pace.context, wanted)
                           ? bring(warm, &before)
                           : ACT_STOPPED;
    }
    note_reads(warm, &before);
    atomic_store(&warm->ended, true);
}

/* ------------------------------------------------------------------------------------- the calls
 */

static act_status check(const act_map *map, const act_warm_options *options, act_error *error)
{
    if (!map)
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET, "no map");
    switch (options->what) {
    case ACT_WARM_ALL:
    case ACT_WARM_HOT:
        return ACT_OK;
    case ACT_WARM_PREFIX:
        if (options->prefix_nbytes && !options->prefix)
            return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET, "no prefix");
        return ACT_OK;
    case ACT_WARM_SET:
        return act_warm_set_check(options->set, map, error);
    }
    return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET, "unknown kind of warming %d",
                    (int)options->what);
}

/* The work, not begun; NULL and the status if it cannot be. */
static struct act_warm *prepare(const act_map *map, const act_warm_options *options,
                                act_status *status_ret, act_error *error)
{
    static const act_warm_options defaults = {.what = ACT_WARM_ALL};
    if (!options)
        options = &defaults;
    *status_ret = check(map, options, error);
    if (*status_ret != ACT_OK)
        return NULL;
    struct act_warm *warm = calloc(1, sizeof(*warm));
    if (!warm) {
        *status_ret = act_fail_nomem(error);
        return NULL;
    }
    warm->map = map;
    warm->what = options->what;
    warm->set = options->set;
    warm->nbytes_max = options->nbytes_max;
    if (options->what == ACT_WARM_PREFIX) {
        warm->prefix_nbytes = options->prefix_nbytes;
        warm->prefix = malloc(options->prefix_nbytes + 1);
        if (!warm->prefix) {
            free(warm);
            *status_ret = act_fail_nomem(error);
            return NULL;
        }
        if (options->prefix_nbytes)
            memcpy(warm->prefix, options->prefix, options->prefix_nbytes);
    }
    return warm;
}

act_status act_map_warm(const act_map *map, const act_warm_options *options,
                        act_progress_fn progress, void *context, act_warm_state *state_ret,
                        act_error *error)
{
    act_status status;
    struct act_warm *warm = prepare(map, options, &status, error);
    if (!warm)
        return status;
    warm->pace.progress = progress;
    warm->pace.context = context;
    work(warm);
    return act_warm_finish(warm, state_ret, error);
}

act_status act_warm_start(const act_map *map, const act_warm_options *options, act_warm **warm_ret,
                          act_error *error)
{
    if (!warm_ret)
        return act_fail(error, ACT_ERR_INVALID, ACT_NO_OFFSET, "no place for the work");
    act_status status;
    struct act_warm *warm = prepare(map, options, &status, error);
    if (warm)
        warm->thread = act_os_thread_start(work, warm);
    *warm_ret = warm;
    return status;
}

void act_warm_progress(const act_warm *warm, act_warm_state *state_ret)
{
    /* First, so that an end is not told with numbers from before it. */
    state_ret->ended = atomic_load(&warm->ended);
    state_ret->wanted_nbytes = atomic_load(&warm->wanted_nbytes);
    state_ret->done_nbytes = atomic_load(&warm->done_nbytes);
    state_ret->read_nbytes = atomic_load(&warm->read_nbytes);
    state_ret->cut = atomic_load(&warm->cut);
}

void act_warm_cancel(act_warm *warm)
{
    atomic_store(&warm->cancelled, true);
}

act_status act_warm_finish(act_warm *warm, act_warm_state *state_ret, act_error *error)
{
    if (!warm)
        return ACT_OK;
    act_os_thread_join(warm->thread);
    if (state_ret)
        act_warm_progress(warm, state_ret);
    act_status status = warm->status;
    if (error && status >= ACT_ERR_INVALID)
        *error = warm->error;
    status = act_guarded(warm->map, status, error);
    free(warm->extents);
    free(warm->prefix);
    free(warm);
    return status;
}
