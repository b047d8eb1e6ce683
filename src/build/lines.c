#include "build/lines.h"

#include <stdlib.h>
#include <string.h>

#include "base/config.h"
#include "base/error.h"
#include "base/memory.h"
#include "build/key.h"
#include "format/varint.h"
#include "os/memory.h"

enum {
    SLOT_BITS_MIN = ACT_SMALL_BUFFERS ? 4 : 12,
    SLOT_BITS_MAX = sizeof(size_t) * 8 - 5, /* 16 bytes a slot, and one bit to spare */
    ID_NBYTES = 8
};

static size_t slot_count(const struct act_lines *lines)
{
    return (size_t)1 << (64 - lines->shift);
}

/* Makes the slots; three quarters may be used, which keeps probing short. */
static bool make_slots(struct act_lines *lines, unsigned bits)
{
    if (bits > SLOT_BITS_MAX ||
        !act_os_allowance_take(&lines->allowance, sizeof(*lines->slots) << bits))
        return false;
    struct act_line_slot *slots = calloc((size_t)1 << bits, sizeof(*slots));
    if (!slots)
        return false;
    act_os_memory_random(slots, sizeof(*slots) << bits);
    lines->slots = slots;
    lines->shift = 64 - bits;
    lines->count_max = slot_count(lines) / 4 * 3;
    return true;
}

bool act_lines_open(struct act_lines *lines, uint64_t seed)
{
    memset(lines, 0, sizeof(*lines));
    lines->seed = seed;
    return make_slots(lines, SLOT_BITS_MIN);
}

void act_lines_close(struct act_lines *lines)
{
    free(lines->slots);
    free(lines->store);
    memset(lines, 0, sizeof(*lines));
}

/* The slot after this one, around the end. */
static struct act_line_slot *next_slot(const struct act_lines *lines, struct act_line_slot *slot)
{
    return ++slot == lines->slots + slot_count(lines) ? lines->slots : slot;
}

static bool grow(struct act_lines *lines)
{
    struct act_line_slot *old = lines->slots;
    size_t old_count = slot_count(lines);
    if (!make_slots(lines, 64 - lines->shift + 1))
        return false;
    for (size_t i = 0; i < old_count; i++) {
        if (!old[i].place)
            continue;
        struct act_line_slot *slot = act_lines_home(lines, old[i].hash);
        while (slot->place)
            slot = next_slot(lines, slot);
        *slot = old[i];
    }
    free(old);
    act_os_allowance_give(&lines->allowance, old_count * sizeof(*old));
    return true;
}

bool act_lines_reserve(struct act_lines *lines, size_t count)
{
    while (ACT_UNLIKELY(lines->count_max - lines->count < count)) {
        if (!grow(lines))
            return false;
    }
    return true;
}

act_status act_lines_fail_nomem(const struct act_lines *lines, act_error *error)
{
    uint64_t nbytes = slot_count(lines) * sizeof(*lines->slots) + lines->store_capacity;
    return act_fail(error, ACT_ERR_NOMEM, ACT_NO_OFFSET,
                    "out of memory: the table of %llu line data, for which more is needed, takes "
                    "%llu bytes; a file of the indexed layout is built without one",
                    (unsigned long long)lines->count, (unsigned long long)nbytes);
}

static uint64_t find_short(const struct act_lines *lines, uint64_t hash,
                           struct act_line_slot **slot_ret)
{
    struct act_line_slot *slot = act_lines_home(lines, hash);
    for (; slot->place; slot = next_slot(lines, slot)) {
        if (slot->hash == hash && slot->place & ACT_LINE_SHORT_BIT)
            return slot->place & ~ACT_LINE_SHORT_BIT;
    }
    *slot_ret = slot;
    return 0;
}

uint64_t act_lines_find(const struct act_lines *lines, uint64_t hash, const uint8_t *bytes,
                        size_t nbytes, struct act_line_slot **slot_ret)
{
    if (nbytes <= ACT_LINE_SHORT_NBYTES)
        return find_short(lines, hash, slot_ret);
    struct act_line_slot *slot = act_lines_home(lines, hash);
    for (; slot->place; slot = next_slot(lines, slot)) {
        if (slot->hash != hash || slot->place & ACT_LINE_SHORT_BIT)
            continue;
        const uint8_t *stored = lines->store + slot->place;
        const uint8_t *p = stored + ID_NBYTES;
        if (act_varint_read(&p) == nbytes && act_common_nbytes(p, bytes, nbytes) == nbytes)
            return act_load_u64(stored);
    }
    *slot_ret = slot;
    return 0;
}

/* Stores a longer line; returns where, or 0 when there is no memory. */
static size_t store_line(struct act_lines *lines, const uint8_t *bytes, size_t nbytes, uint64_t id)
{
    /* The first byte stays unused, so that nothing is at 0; the last ones are for wide loads. */
    size_t place = lines->store_used ? lines->store_used : 1;
    size_t extra = ID_NBYTES + 2 * ACT_VARINT_NBYTES_MAX;
    size_t capacity = lines->store_capacity;
    if (nbytes > SIZE_MAX - extra - place)
        return 0;
    if (ACT_UNLIKELY(place + extra + nbytes > capacity) &&
        !act_os_allowance_take(&lines->allowance, capacity / 2 + extra + nbytes))
        return 0;
    if (!act_reserve(&lines->store, &lines->store_capacity, place + extra + nbytes, 1))
        return 0;
    if (lines->store_capacity != capacity)
        act_os_memory_random(lines->store + place, lines->store_capacity - place);
    uint8_t *p = lines->store + place;
    memcpy(p, &id, ID_NBYTES);
    p = act_varint_write(p + ID_NBYTES, nbytes);
    memcpy(p, bytes, nbytes);
    lines->store_used = (size_t)(p - lines->store) + nbytes;
    return place;
}

bool act_lines_add(struct act_lines *lines, struct act_line_slot *slot, uint64_t hash,
                   const uint8_t *bytes, size_t nbytes, uint64_t id)
{
    uint64_t place = id | ACT_LINE_SHORT_BIT;
    if (nbytes > ACT_LINE_SHORT_NBYTES) {
        place = store_line(lines, bytes, nbytes, id);
        if (!place)
            return false;
    }
    *slot = (struct act_line_slot){hash, place};
    lines->count++;
    return true;
}
