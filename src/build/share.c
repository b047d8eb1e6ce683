#include "build/share.h"

#include <stdlib.h>
#include <string.h>

#include "base/attributes.h"
#include "base/config.h"
#include "os/memory.h"

enum {
    SLOT_BITS_MIN = 3,
    SLOT_BITS_FIRST = ACT_SMALL_BUFFERS ? 5 : 10,
    SLOT_BITS_MAX = sizeof(size_t) * 8 - 7, /* 32 bytes a slot, two tables, and one bit to spare */
    KIND_SHIFT = 60
};

static size_t slot_count(const struct act_shares *shares)
{
    return (size_t)1 << (64 - shares->shift);
}

static size_t count_max(const struct act_shares *shares)
{
    return slot_count(shares) / 4 * 3;
}

static struct act_share *make_slots(unsigned shift)
{
    size_t count = (size_t)1 << (64 - shift);
    struct act_share *slots = calloc(count, sizeof(*slots));
    if (slots)
        act_os_memory_random(slots, count * sizeof(*slots));
    return slots;
}

bool act_shares_open(struct act_shares *shares, uint64_t nbytes)
{
    memset(shares, 0, sizeof(*shares));
    unsigned bits = SLOT_BITS_MIN;
    while (bits < SLOT_BITS_MAX && sizeof(struct act_share) << (bits + 2) <= nbytes)
        bits++;
    shares->shift_min = 64 - bits;
    shares->shift = 64 - (bits < SLOT_BITS_FIRST ? bits : SLOT_BITS_FIRST);
    shares->young.slots = make_slots(shares->shift);
    if (shares->young.slots && shares->shift == shares->shift_min)
        shares->old.slots = make_slots(shares->shift);
    if (shares->young.slots && (shares->old.slots || shares->shift > shares->shift_min))
        return true;
    act_shares_close(shares);
    return false;
}

void act_shares_close(struct act_shares *shares)
{
    free(shares->young.slots);
    free(shares->old.slots);
    memset(shares, 0, sizeof(*shares));
}

/* Without a seed, so that the same entries make the same file. Whoever makes pairs fall together
 * has a slow build of his own. */
static uint64_t hash(uint64_t left, uint64_t right)
{
    uint64_t v = (left ^ right >> 32) * 0x9e3779b97f4a7c15u ^ right;
    v = (v ^ v >> 32) * 0xd6e8feb86659fd93u;
    return (v ^ v >> 32) * 0xd6e8feb86659fd93u;
}

/* The pair's slot, or the empty one where it would be. */
static struct act_share *probe(const struct act_shares *shares, struct act_share *slots,
                               uint64_t left, uint64_t right)
{
    struct act_share *slot = slots + (hash(left, right) >> shares->shift);
    const struct act_share *end = slots + slot_count(shares);
    while (slot->id && (slot->left != left || slot->right != right)) {
        if (++slot == end)
            slot = slots;
    }
    return slot;
}

/* Doubles the young table. The last time, the old one is made too. */
static bool grow(struct act_shares *shares)
{
    struct act_shares grown = *shares;
    grown.shift--;
    grown.young.slots = make_slots(grown.shift);
    if (grown.young.slots && grown.shift == grown.shift_min)
        grown.old.slots = make_slots(grown.shift);
    if (!grown.young.slots || (grown.shift == grown.shift_min && !grown.old.slots)) {
        free(grown.young.slots);
        return false;
    }
    for (size_t i = 0; i < slot_count(shares); i++) {
        const struct act_share *share = &shares->young.slots[i];
        if (share->id)
            *probe(&grown, grown.young.slots, share->left, share->right) = *share;
    }
    free(shares->young.slots);
    *shares = grown;
    return true;
}

bool act_shares_reserve(struct act_shares *shares, size_t count)
{
    while (shares->shift > shares->shift_min && shares->young.count + count > count_max(shares)) {
        if (!grow(shares))
            return false;
    }
    return true;
}

/* Forgets the old pairs: the young ones take their place. */
static void age(struct act_shares *shares)
{
    struct act_share_table forgotten = shares->old;
    shares->last_id_old = shares->last_id;
    shares->old = shares->young;
    memset(forgotten.slots, 0, slot_count(shares) * sizeof(*forgotten.slots));
    forgotten.count = 0;
    shares->young = forgotten;
}

/* Puts a pair into an empty slot of the young table, or another one, if that is full. */
static struct act_share *fill(struct act_shares *shares, struct act_share *slot,
                              struct act_share share)
{
    if (ACT_UNLIKELY(shares->young.count == count_max(shares))) {
        age(shares);
        slot = probe(shares, shares->young.slots, share.left, share.right);
    }
    shares->young.count++;
    *slot = share;
    return slot;
}

/* Whether a pair may be in the old table: not if a part of it became known after that was filled.
 */
static bool may_be_old(const struct act_shares *shares, uint64_t left, uint64_t right)
{
    uint64_t left_id = left & (((uint64_t)1 << KIND_SHIFT) - 1);
    bool run = left >> KIND_SHIFT == ACT_SHARE_RUN;
    return left_id <= shares->last_id_old && (!run || right <= shares->last_id_old) &&
           shares->old.count;
}

/* The pair in the young table, where it is brought if it is an old one; or else an empty slot. */
static struct act_share *look_up(struct act_shares *shares, uint64_t left, uint64_t right)
{
    struct act_share *slot = probe(shares, shares->young.slots, left, right);
    if (slot->id || !may_be_old(shares, left, right))
        return slot;
    const struct act_share *old = probe(shares, shares->old.slots, left, right);
    return old->id ? fill(shares, slot, *old) : slot;
}

static struct act_share *put(struct act_shares *shares, uint64_t left, uint64_t right)
{
    struct act_share *slot = look_up(shares, left, right);
    if (slot->id)
        return slot;
    struct act_share share = {left, right, ++shares->last_id, 0};
    return fill(shares, slot, share);
}

static uint64_t left_of(enum act_share_kind kind, uint64_t left)
{
    return (uint64_t)kind << KIND_SHIFT | left;
}

struct act_share *act_shares_find(struct act_shares *shares, enum act_share_kind kind,
                                  uint64_t left, uint64_t right)
{
    struct act_share *slot = look_up(shares, left_of(kind, left), right);
    return slot->id ? slot : NULL;
}

struct act_share *act_shares_put(struct act_shares *shares, enum act_share_kind kind, uint64_t left,
                                 uint64_t right)
{
    return put(shares, left_of(kind, left), right);
}

void act_shares_prefetch(const struct act_shares *shares, enum act_share_kind kind, uint64_t left,
                         uint64_t right)
{
    uint64_t home = hash(left_of(kind, left), right) >> shares->shift;
    ACT_PREFETCH(&shares->young.slots[home]);
    if (may_be_old(shares, left_of(kind, left), right))
        ACT_PREFETCH(&shares->old.slots[home]);
}

struct act_share *act_shares_again(struct act_shares *shares, const struct act_share *share)
{
    return put(shares, share->left, share->right);
}
