#include "build/sort.h"

#include <string.h>

#include "base/attributes.h"
#include "base/bits.h"
#include "base/bytes.h"
#include "build/key.h"
#include "os/random.h"

/*
 * The cache of a key at some depth: its next 7 bytes, then how many more it has there, at most 8.
 * So caches order as keys do, a key before its own continuations; and keys with equal caches are
 * equal, unless there is more of them.
 */
enum {
    CACHE_KEY_NBYTES = 7,
    CACHE_MORE = 8,
    FEW = 16, /* sorted by insertion */
    NINTHER_MIN = 256,
    PREFETCH_AHEAD = 16,
    /* Two ranges wait for each third that the work goes on with: 3^41 > 2^64. */
    PARTS_MAX = 2 * 41,
    MANY =
        256, /* sorted by digits, where there is room; none of them is empty, so that these wait: */
    GROUPS_MAX = 512,
    RANGES_MAX = GROUPS_MAX + PARTS_MAX,
    DIGIT_NBITS_MAX = 11, /* so that counts of a digit's values stay in the first cache */
    TELL_EVERY = 1 << 14
};

#define TIES_DEPTH SIZE_MAX

/* Records whose keys agree up to `depth`, where their caches were taken. */
struct range {
    struct act_sort_record *records;
    size_t count;
    size_t depth; /* TIES_DEPTH: equal keys; the caches are the entries */
};

struct sorting {
    const uint8_t *store;
    struct act_sort_record *room; /* or NULL */
    uint64_t random;
    struct range ranges[RANGES_MAX]; /* a stack */
    size_t range_count;
    size_t done;
};

static uint64_t cache_at(struct act_key key, size_t depth)
{
    size_t more = key.nbytes - depth;
    uint64_t bytes = act_load_be64(key.bytes + depth);
    if (ACT_LIKELY(more >= CACHE_MORE))
        return (bytes & ~(uint64_t)0xff) | CACHE_MORE;
    return (bytes & ~(UINT64_MAX >> 8 * more)) | more;
}

static void load_caches(const struct sorting *sorting, const struct range *range)
{
    for (size_t i = 0; i < range->count; i++) {
        struct act_sort_record *record = &range->records[i];
        if (i + PREFETCH_AHEAD < range->count) {
            const uint8_t *entry = sorting->store + record[PREFETCH_AHEAD].entry;
            ACT_PREFETCH(entry);
            ACT_PREFETCH(entry + range->depth + sizeof(record->cache));
        }
        record->cache = cache_at(act_key_of_entry(sorting->store + record->entry), range->depth);
    }
}

/* How many bytes all keys of the range have in common; `range->depth` if that is less than so many
 * more. */
static size_t common_depth(const struct sorting *sorting, const struct range *range, size_t least)
{
    struct act_key first = act_key_of_entry(sorting->store + range->records[0].entry);
    size_t common = first.nbytes;
    /* A look at some shows most times that there is nothing to gain from looking at all. */
    size_t step = range->count / 4 + 1;
    for (int pass = 0; pass < 2; pass++, step = 1) {
        for (size_t i = step; i < range->count; i += step) {
            const struct act_sort_record *record = &range->records[i];
            if (step == 1 && i + PREFETCH_AHEAD < range->count)
                ACT_PREFETCH(sorting->store + record[PREFETCH_AHEAD].entry + range->depth);
            struct act_key key = act_key_of_entry(sorting->store + record->entry);
            size_t most = key.nbytes < common ? key.nbytes : common;
            common = range->depth + act_common_nbytes(first.bytes + range->depth,
                                                      key.bytes + range->depth,
                                                      most - range->depth);
        }
        if (common < range->depth + least)
            return range->depth;
    }
    return common;
}

/* ------------------------------------------------------------------------------------- a range */

/* Whether record `a` comes before `b`, both of a range at `depth`; at TIES_DEPTH no caches are
 * equal. */
static bool comes_before(const struct sorting *sorting, const struct act_sort_record *a,
                         const struct act_sort_record *b, size_t depth)
{
    if (a->cache != b->cache)
        return a->cache < b->cache;
    if ((a->cache & 0xff) == CACHE_MORE) {
        int order = act_key_compare_from(act_key_of_entry(sorting->store + a->entry),
                                         act_key_of_entry(sorting->store + b->entry),
                                         depth + CACHE_KEY_NBYTES);
        if (order)
            return order < 0;
    }
    return a->entry < b->entry;
}

static void sort_few(const struct sorting *sorting, const struct range *range)
{
    struct act_sort_record *records = range->records;
    for (size_t i = 1; i < range->count; i++) {
        struct act_sort_record record = records[i];
        size_t j = i;
        while (j > 0 && comes_before(sorting, &record, &records[j - 1], range->depth)) {
            records[j] = records[j - 1];
            j--;
        }
        records[j] = record;
    }
}

static uint64_t median(uint64_t a, uint64_t b, uint64_t c)
{
    if (a < b)
        return b < c ? b : a < c ? c : a;
    return a < c ? a : b < c ? c : b;
}

static uint64_t random_cache(struct sorting *sorting, const struct range *range)
{
    /* xorshift64 (Marsaglia, 2003) */
    sorting->random ^= sorting->random << 13;
    sorting->random ^= sorting->random >> 7;
    sorting->random ^= sorting->random << 17;
    return range->records[sorting->random % range->count].cache;
}

static uint64_t random_median(struct sorting *sorting, const struct range *range)
{
    uint64_t a = random_cache(sorting, range);
    uint64_t b = random_cache(sorting, range);
    return median(a, b, random_cache(sorting, range));
}

static uint64_t choose_pivot(struct sorting *sorting, const struct range *range)
{
    uint64_t a = random_median(sorting, range);
    if (range->count < NINTHER_MIN)
        return a;
    uint64_t b = random_median(sorting, range);
    return median(a, b, random_median(sorting, range));
}

/*
 * Brings those whose caches are below a bound to the front; how many they are. Without a branch on
 * what is compared: half of the guesses would be wrong.
 */
static size_t bring_forward(struct act_sort_record *records, size_t count, uint64_t bound)
{
    size_t below = 0;
    for (size_t i = 0; i < count; i++) {
        struct act_sort_record record = records[i];
        records[i] = records[below];
        records[below] = record;
        below += record.cache < bound;
    }
    return below;
}

/* Brings the records into three parts by their caches: below, equal to, above the pivot. No cache
 * is the highest number. */
static void partition(const struct range *range, uint64_t pivot, struct range parts_ret[3])
{
    struct act_sort_record *records = range->records;
    size_t below = bring_forward(records, range->count, pivot);
    size_t equal = bring_forward(records + below, range->count - below, pivot + 1);
    size_t above = below + equal;
    parts_ret[0] = (struct range){records, below, range->depth};
    parts_ret[1] = (struct range){records + below, equal, range->depth};
    parts_ret[2] = (struct range){records + above, range->count - above, range->depth};
}

/* Makes a range of records with equal caches ready: their caches are taken deeper. */
static void deepen(const struct sorting *sorting, struct range *range)
{
    if (range->count < 2)
        return;
    if ((range->records[0].cache & 0xff) == CACHE_MORE) {
        range->depth += CACHE_KEY_NBYTES;
        range->depth = common_depth(sorting, range, 2 * CACHE_KEY_NBYTES);
        load_caches(sorting, range);
        return;
    }
    range->depth = TIES_DEPTH;
    for (size_t i = 0; i < range->count; i++)
        range->records[i].cache = range->records[i].entry;
}

/* -------------------------------------------------------------------------- a range, by digits */

/* Which bits of a number are kept, moved together. */
struct pick {
    uint64_t masks[sizeof(uint64_t)];
    unsigned shifts[sizeof(uint64_t)];
    unsigned count;
    unsigned nbits; /* in all */
};

/* Picks of each byte the bits from the lowest to the highest of `bits`. */
static struct pick pick_bits(uint64_t bits)
{
    struct pick pick = {.count = 0};
    for (unsigned at = 0; at < 64; at += 8) {
        unsigned byte = bits >> at & 0xff;
        if (!byte)
            continue;
        unsigned low = act_lowest_bit64(byte);
        unsigned nbits = act_highest_bit64(byte) - low + 1;
        pick.masks[pick.count] = ((UINT64_C(1) << nbits) - 1) << pick.nbits;
        pick.shifts[pick.count++] = at + low - pick.nbits;
        pick.nbits += nbits;
    }
    return pick;
}

static void apply_pick(const struct pick *pick, const struct range *range)
{
    for (size_t i = 0; i < range->count; i++) {
        uint64_t cache = range->records[i].cache;
        uint64_t picked = 0;
        for (unsigned j = 0; j < pick->count; j++)
            picked |= cache >> pick->shifts[j] & pick->masks[j];
        range->records[i].cache = picked;
    }
}

/* Brings records into the order of one digit; those with the same one stay as they are. */
static void spread_by_digit(struct act_sort_record *to, const struct act_sort_record *from,
                            size_t count, unsigned shift, unsigned nbits)
{
    size_t places[1 << DIGIT_NBITS_MAX];
    uint64_t mask = (UINT64_C(1) << nbits) - 1;
    memset(places, 0, sizeof(*places) << nbits);
    for (size_t i = 0; i < count; i++)
        places[from[i].cache >> shift & mask]++;
    size_t place = 0;
    for (size_t i = 0; i <= mask; i++) {
        size_t here = places[i];
        places[i] = place;
        place += here;
    }
    for (size_t i = 0; i < count; i++)
        to[places[from[i].cache >> shift & mask]++] = from[i];
}

static uint64_t differing_bits(const struct range *range)
{
    uint64_t first = range->records[0].cache;
    uint64_t differing = 0;
    for (size_t i = 1; i < range->count; i++)
        differing |= range->records[i].cache ^ first;
    return differing;
}

/* Sorts by the caches, of which nothing is left afterwards but which of them are equal. */
static void sort_caches(const struct sorting *sorting, const struct range *range)
{
    struct pick pick = pick_bits(differing_bits(range));
    apply_pick(&pick, range);
    struct act_sort_record *from = range->records;
    struct act_sort_record *to = sorting->room;
    unsigned digits = (pick.nbits + DIGIT_NBITS_MAX - 1) / DIGIT_NBITS_MAX;
    unsigned shift = 0;
    for (unsigned left = digits; left > 0; left--) {
        unsigned nbits = (pick.nbits - shift + left - 1) / left;
        spread_by_digit(to, from, range->count, shift, nbits);
        shift += nbits;
        struct act_sort_record *kept = from;
        from = to;
        to = kept;
    }
    if (from != range->records)
        memcpy(range->records, from, range->count * sizeof(*from));
}

static void sort_range(struct sorting *sorting, const struct range *range);

/* What is left to be done for records with equal caches. */
static void sort_group(struct sorting *sorting, struct range *group)
{
    struct act_sort_record *first = &group->records[0];
    first->cache = cache_at(act_key_of_entry(sorting->store + first->entry), group->depth);
    deepen(sorting, group);
    size_t base = sorting->range_count;
    sorting->ranges[sorting->range_count++] = *group;
    if (group->count >= MANY)
        return;
    while (sorting->range_count > base) {
        struct range range = sorting->ranges[--sorting->range_count];
        sort_range(sorting, &range);
    }
}

static void sort_by_digits(struct sorting *sorting, const struct range *range)
{
    sort_caches(sorting, range);
    const struct act_sort_record *records = range->records;
    size_t from = 0;
    for (size_t i = 1; i <= range->count; i++) {
        if (i < range->count && records[i].cache == records[from].cache)
            continue;
        struct range group = {range->records + from, i - from, range->depth};
        if (group.count > 1)
            sort_group(sorting, &group);
        else
            sorting->done++;
        from = i;
    }
}

/* Whether there is room for it, also for what of it will wait. */
static bool can_use_digits(const struct sorting *sorting, const struct range *range)
{
    return sorting->room && range->count >= MANY && range->depth != TIES_DEPTH &&
           sorting->range_count + range->count / MANY <= GROUPS_MAX;
}

/* ------------------------------------------------------------------------------------ the whole */

/* Puts the parts on the stack, the largest lowest, so that it cannot grow without bound. */
static void push_parts(struct sorting *sorting, struct range parts[3])
{
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < 2; i++) {
            if (parts[i].count < parts[i + 1].count) {
                struct range kept = parts[i];
                parts[i] = parts[i + 1];
                parts[i + 1] = kept;
            }
        }
    }
    for (int i = 0; i < 3 && parts[i].count; i++)
        sorting->ranges[sorting->range_count++] = parts[i];
}

static void sort_range(struct sorting *sorting, const struct range *range)
{
    if (range->count <= FEW) {
        sort_few(sorting, range);
        sorting->done += range->count;
        return;
    }
    if (can_use_digits(sorting, range)) {
        sort_by_digits(sorting, range);
        return;
    }
    struct range parts[3];
    partition(range, choose_pivot(sorting, range), parts);
    if (range->depth != TIES_DEPTH)
        deepen(sorting, &parts[1]);
    push_parts(sorting, parts);
}

bool act_sort(struct act_sort_record *records, size_t count, struct act_sort_record *room,
              const uint8_t *store, struct act_pace *pace)
{
    if (count < 2)
        return true;
    struct sorting sorting;
    sorting.store = store;
    sorting.room = room;
    sorting.random = act_os_random() | 1;
    sorting.range_count = 0;
    sorting.done = 0;
    struct range all = {records, count, 0};
    /* Here the keys lie in a row, and looking at all of them costs little. */
    all.depth = common_depth(&sorting, &all, 2 * CACHE_KEY_NBYTES);
    load_caches(&sorting, &all);
    sorting.ranges[sorting.range_count++] = all;
    size_t tell_at = TELL_EVERY;
    while (sorting.range_count) {
        struct range range = sorting.ranges[--sorting.range_count];
        sort_range(&sorting, &range);
        if (sorting.done >= tell_at) {
            tell_at = sorting.done + TELL_EVERY;
            if (!act_pace_tell(pace, sorting.done))
                return false;
        }
    }
    return true;
}
