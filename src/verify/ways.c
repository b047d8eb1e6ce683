#include "verify/ways.h"

#include <stdlib.h>
#include <string.h>

#include "format/varint.h"

enum {
    SLOTS_AT_FIRST = 256,
    LATER_PACK_NBYTES = 4096, /* less is not worth looking through for nodes that came again */
    RUN_MAX = 32,             /* nodes in a record */
    ONE_NBYTES_MAX = 2 + 1 + 5 * ACT_VARINT_NBYTES_MAX, /* what a record takes for one, */
    MORE_NBYTES_MAX = 3,                                /* and for each that follows it */
    SLACK_NBYTES = 8, /* that may be read and written beyond a varint */
    SINGLE = 0        /* in place of how many paths there are: one, which has but one length */
};

/*
 * For some nodes with the same ways: the low bits of the first one's offset, two bytes; then
 * varints: how many come after it, and for each how much further it lies; then SINGLE, the length
 * of the path, its depth; or all of struct act_ways. A node may come several times.
 */
struct act_ways_later {
    size_t used;
    size_t packed; /* bytes used when it was looked through last */
    size_t capacity;
    uint8_t bytes[];
};

/* -------------------------------------------------------------------------------- the hash table
 */

/*
 * Mixes all bits of the offset into the low ones. The seed is an address, which systems choose at
 * random, so that a file cannot be made whose offsets fall into few slots.
 */
static size_t home_of(const struct act_ways_table *table, uint64_t id)
{
    uint64_t hash = id ^ table->seed;
    hash = (hash ^ hash >> 33) * 0xff51afd7ed558ccdu;
    hash = (hash ^ hash >> 33) * 0xc4ceb9fe1a85ec53u;
    return (size_t)(hash ^ hash >> 33) & (table->slots_count - 1);
}

/* The slot of the node, or the free one where it belongs. */
static size_t find(const struct act_ways_table *table, uint64_t id)
{
    size_t at = home_of(table, id);
    while (table->slots[at].id && table->slots[at].id != id)
        at = (at + 1) & (table->slots_count - 1);
    return at;
}

static bool resize(struct act_ways_table *table, size_t slots_count)
{
    struct act_ways_table old = *table;
    if (!act_os_allowance_take(&table->allowance, slots_count * sizeof(*table->slots)))
        return false;
    table->slots = calloc(slots_count, sizeof(*table->slots));
    if (!table->slots) {
        table->slots = old.slots;
        return false;
    }
    table->slots_count = slots_count;
    table->seed = (uint64_t)(uintptr_t)table->slots;
    for (size_t i = 0; i < old.slots_count; i++) {
        if (old.slots[i].id)
            table->slots[find(table, old.slots[i].id)] = old.slots[i];
    }
    free(old.slots);
    act_os_allowance_give(&table->allowance, old.slots_count * sizeof(*table->slots));
    return true;
}

/* Adds more ways to a node. */
static void join(struct act_ways *to, const struct act_ways *ways)
{
    to->paths = act_saturating_add(to->paths, ways->paths);
    to->path_nbytes = act_saturating_add(to->path_nbytes, ways->path_nbytes);
    if (to->path_nbytes_longest < ways->path_nbytes_longest)
        to->path_nbytes_longest = ways->path_nbytes_longest;
    if (to->depth_least > ways->depth_least)
        to->depth_least = ways->depth_least;
    if (to->depth_most < ways->depth_most)
        to->depth_most = ways->depth_most;
}

static bool put_slot(struct act_ways_table *table, const struct act_ways *ways)
{
    struct act_ways *slot = &table->slots[find(table, ways->id)];
    if (slot->id) {
        join(slot, ways);
        return true;
    }
    *slot = *ways;
    /* At most three quarters full. */
    if (++table->used <= table->slots_count / 4 * 3)
        return true;
    return table->slots_count <= SIZE_MAX / 2 / sizeof(*table->slots) &&
           resize(table, table->slots_count * 2);
}

/* ------------------------------------------------------------------------------ what comes later
 */

static size_t later_nbytes(size_t capacity)
{
    return sizeof(struct act_ways_later) + capacity + SLACK_NBYTES;
}

static size_t part_of(uint64_t id)
{
    return (size_t)(id >> ACT_WAYS_PART_LOG2);
}

/* Appends what is known of some nodes, RUN_MAX at most; there is room. */
static void write_record(struct act_ways_later *later, const struct act_ways *ways,
                         const uint64_t *ids, size_t count)
{
    uint8_t *p = later->bytes + later->used;
    *p++ = (uint8_t)ids[0];
    *p++ = (uint8_t)(ids[0] >> 8);
    p = act_varint_write(p, count - 1);
    for (size_t i = 1; i < count; i++)
        p = act_varint_write(p, ids[i] - ids[i - 1]);
    if (ways->paths == 1) { /* which has one length, and one depth */
        p = act_varint_write(p, SINGLE);
        p = act_varint_write(p, ways->path_nbytes);
        p = act_varint_write(p, ways->depth_least);
    } else {
        p = act_varint_write(p, ways->paths);
        p = act_varint_write(p, ways->path_nbytes);
        p = act_varint_write(p, ways->path_nbytes_longest);
        p = act_varint_write(p, ways->depth_least);
        p = act_varint_write(p, ways->depth_most);
    }
    later->used = (size_t)(p - later->bytes);
}

/* Reads it back; `base` is where the part begins. Returns how many nodes it is about. */
static size_t read_record(const uint8_t **p_ref, uint64_t base, struct act_ways *ways,
                          uint64_t ids[RUN_MAX])
{
    const uint8_t *p = *p_ref;
    ids[0] = base + p[0] + ((uint64_t)p[1] << 8);
    *p_ref = p + 2;
    size_t count = (size_t)act_varint_read(p_ref) + 1;
    for (size_t i = 1; i < count; i++)
        ids[i] = ids[i - 1] + act_varint_read(p_ref);
    ways->paths = act_varint_read(p_ref);
    ways->path_nbytes = act_varint_read(p_ref);
    if (ways->paths == SINGLE) {
        ways->paths = 1;
        ways->path_nbytes_longest = ways->path_nbytes;
        ways->depth_least = ways->depth_most = act_varint_read(p_ref);
    } else {
        ways->path_nbytes_longest = act_varint_read(p_ref);
        ways->depth_least = act_varint_read(p_ref);
        ways->depth_most = act_varint_read(p_ref);
    }
    return count;
}

/* Puts all of a part into the slots. */
static bool read_all(struct act_ways_table *table, const struct act_ways_later *later, size_t part)
{
    const uint8_t *p = later->bytes;
    while (p < later->bytes + later->used) {
        struct act_ways ways;
        uint64_t ids[RUN_MAX];
        size_t count = read_record(&p, (uint64_t)part << ACT_WAYS_PART_LOG2, &ways, ids);
        for (size_t i = 0; i < count; i++) {
            ways.id = ids[i];
            if (!put_slot(table, &ways))
                return false;
        }
    }
    return true;
}

static void free_later(struct act_ways_table *table, size_t part)
{
    act_os_allowance_give(&table->allowance, later_nbytes(table->later[part]->capacity));
    free(table->later[part]);
    table->later[part] = NULL;
}

/* Joins what came of the same node, in a table of its own, if that makes much less of it. */
static bool pack(struct act_ways_table *table, struct act_ways_later *later, size_t part)
{
    struct act_ways_table joined = {.allowance = table->allowance};
    bool packed = resize(&joined, SLOTS_AT_FIRST) && read_all(&joined, later, part) &&
                  joined.used * ONE_NBYTES_MAX <= later->used / 2;
    if (packed) {
        later->used = 0;
        for (size_t i = 0; i < joined.slots_count; i++)
            if (joined.slots[i].id)
                write_record(later, &joined.slots[i], &joined.slots[i].id, 1);
    }
    later->packed = later->used;
    free(joined.slots);
    return packed;
}

/* What is there of a part, with room for a record of so many nodes. NULL without memory. */
static struct act_ways_later *later_with_room(struct act_ways_table *table, size_t part,
                                              size_t count)
{
    size_t nbytes = ONE_NBYTES_MAX + (count - 1) * MORE_NBYTES_MAX;
    struct act_ways_later *later = table->later[part];
    if (later && later->capacity - later->used >= nbytes)
        return later;
    if (later && later->used >= LATER_PACK_NBYTES && later->used / 2 >= later->packed &&
        pack(table, later, part))
        return later;
    size_t old = later ? later->capacity : 0;
    size_t capacity = old + old / 4 + nbytes;
    if (!act_os_allowance_take(&table->allowance, later_nbytes(capacity)))
        return NULL;
    struct act_ways_later *larger = realloc(later, later_nbytes(capacity));
    if (!larger)
        return NULL;
    if (later)
        act_os_allowance_give(&table->allowance, later_nbytes(old));
    else
        memset(larger, 0, sizeof(*larger));
    larger->capacity = capacity;
    table->later[part] = larger;
    return larger;
}

/* ------------------------------------------------------------------------------------- in common
 */

bool act_ways_open(struct act_ways_table *table, uint64_t limit)
{
    memset(table, 0, sizeof(*table));
    uint64_t count = (limit >> ACT_WAYS_PART_LOG2) + 1;
    if (count > SIZE_MAX / sizeof(struct act_ways_later *) ||
        !act_os_allowance_take(&table->allowance, count * sizeof(struct act_ways_later *)))
        return false;
    table->parts_count = (size_t)count;
    table->at_part = table->parts_count - 1;
    table->later = calloc(table->parts_count, sizeof(struct act_ways_later *));
    if (table->later && resize(table, SLOTS_AT_FIRST))
        return true;
    act_ways_close(table);
    return false;
}

void act_ways_close(struct act_ways_table *table)
{
    for (size_t i = 0; table->later && i < table->parts_count; i++)
        free(table->later[i]);
    free(table->later);
    free(table->slots);
    memset(table, 0, sizeof(*table));
}

/* How many of the nodes, from the first on, lie in the same part. */
static size_t count_together(const uint64_t *ids, size_t count)
{
    size_t most = count < RUN_MAX ? count : RUN_MAX;
    size_t together = 1;
    while (together < most && part_of(ids[together]) == part_of(ids[0]))
        together++;
    return together;
}

bool act_ways_put(struct act_ways_table *table, const struct act_ways *ways, const uint64_t *ids,
                  size_t count)
{
    struct act_ways one = *ways;
    while (count) {
        size_t part = part_of(ids[0]);
        size_t together = 1;
        if (part >= table->at_part) {
            one.id = ids[0];
            if (!put_slot(table, &one))
                return false;
        } else {
            together = count_together(ids, count);
            struct act_ways_later *later = later_with_room(table, part, together);
            if (!later)
                return false;
            write_record(later, ways, ids, together);
        }
        ids += together;
        count -= together;
    }
    return true;
}

/* Goes down to a part. */
static bool enter_part(struct act_ways_table *table, size_t part)
{
    for (; table->at_part > part; table->at_part--) {
        size_t below = table->at_part - 1;
        if (!table->later[below])
            continue;
        if (!read_all(table, table->later[below], below))
            return false;
        free_later(table, below);
    }
    return true;
}

bool act_ways_take(struct act_ways_table *table, uint64_t id, struct act_ways *ways_ret)
{
    if (part_of(id) < table->at_part && !enter_part(table, part_of(id)))
        return false;
    size_t mask = table->slots_count - 1;
    size_t hole = find(table, id);
    *ways_ret = table->slots[hole];
    if (!ways_ret->id)
        return true;
    table->used--;
    /* Moves up what was put further on because of this slot, so that no search ends too early. */
    for (size_t at = (hole + 1) & mask; table->slots[at].id; at = (at + 1) & mask) {
        size_t home = home_of(table, table->slots[at].id);
        if (((at - home) & mask) >= ((at - hole) & mask)) {
            table->slots[hole] = table->slots[at];
            hole = at;
        }
    }
    memset(&table->slots[hole], 0, sizeof(table->slots[hole]));
    return true;
}
