#include "build/splitters.h"

#include <stdlib.h>
#include <string.h>

#include "base/attributes.h"
#include "base/memory.h"

enum {
    WORD_NBYTES = 8,
    LEVELS_MAX = 32
};

/* In a target: the number is of a node, not of a range. */
#define NODE_BIT (SIZE_MAX / 2 + 1)

/* The bytes at some depth that the key has, zeros after its end. */
static uint64_t word_at(struct act_key key, size_t depth)
{
    size_t more = key.nbytes - depth;
    uint64_t bytes = act_load_be64(key.bytes + depth);
    return ACT_LIKELY(more >= WORD_NBYTES) ? bytes : bytes & ~(UINT64_MAX >> 8 * more);
}

/* ------------------------------------------------------------------------------------ finding */

/* The range of a key without the bytes that those of the node have in common: the first or the last
 * one of the node's. */
static ACT_NOINLINE size_t outer_range(const struct act_splitters *splitters,
                                       const struct act_splitters_node *node, struct act_key key)
{
    size_t have = key.nbytes < node->depth ? key.nbytes : node->depth;
    const uint8_t *wanted = splitters->bytes + node->bytes + node->from;
    if (have < node->from) /* zeros that it has not were taken for some that others have */
        return node->first;
    size_t common = act_common_nbytes(key.bytes + node->from, wanted, have - node->from);
    bool above = common < have - node->from && key.bytes[node->from + common] > wanted[common];
    return above ? node->last : node->first;
}

/* A key on its way at a node. */
struct search {
    const struct act_splitters_node *node;
    size_t number; /* of the key */
    uint64_t word;
    const uint64_t *at; /* a bound that is not above the word, or the first one */
};

enum {
    LANES = 4
};

/* Goes on if the bound before the middle is not above the word. No branch depends on it. */
static ACT_ALWAYS_INLINE const uint64_t *step(const uint64_t *at, size_t half, uint64_t word)
{
    size_t below = at[half - (half > 0)] <= word;
    ACT_OPAQUE(below);
    return at + (half & (0 - below));
}

/* Finds the last bounds that are not above the words, or the first ones. The steps of one search
 * wait for each other, but not for those of another. */
static ACT_ALWAYS_INLINE void search_at_one_node(struct search searches[LANES], size_t count)
{
    const uint64_t *a = searches[0].at;
    const uint64_t *b = a;
    const uint64_t *c = a;
    const uint64_t *d = a;
    while (count > 1) {
        size_t half = count / 2;
        a = step(a, half, searches[0].word);
        b = step(b, half, searches[1].word);
        c = step(c, half, searches[2].word);
        d = step(d, half, searches[3].word);
        count -= half;
    }
    searches[0].at = a;
    searches[1].at = b;
    searches[2].at = c;
    searches[3].at = d;
}

static ACT_ALWAYS_INLINE void search_at_many_nodes(struct search searches[LANES])
{
    size_t left[LANES];
    size_t most = 0;
    for (size_t i = 0; i < LANES; i++) {
        left[i] = searches[i].node->count;
        most |= left[i];
    }
    while (most > 1) {
        most = 0;
        for (size_t i = 0; i < LANES; i++) {
            size_t half = left[i] / 2;
            searches[i].at = step(searches[i].at, half, searches[i].word);
            left[i] -= half;
            most |= left[i];
        }
    }
}

/* Lets a key begin at a node. False if its range is known without it. */
static ACT_ALWAYS_INLINE bool begin_search(const struct act_splitters *splitters,
                                           struct search *search, struct act_key key,
                                           size_t *range_ret)
{
    const struct act_splitters_node *node = search->node;
    size_t nbytes = node->depth - node->from;
    const uint8_t *wanted = splitters->bytes + node->bytes + node->from;
    if (ACT_UNLIKELY(key.nbytes < node->depth ||
                     act_common_nbytes(key.bytes + node->from, wanted, nbytes) != nbytes)) {
        *range_ret = outer_range(splitters, node, key);
        return false;
    }
    search->word = word_at(key, node->depth);
    search->at = splitters->bounds + node->bounds;
    return true;
}

/* Finds the target. False if it is a range. */
static ACT_ALWAYS_INLINE bool end_search(const struct act_splitters *splitters,
                                         struct search *search, size_t *range_ret)
{
    const struct act_splitters_node *node = search->node;
    size_t at = (size_t)(search->at - splitters->bounds);
    at += node->count && *search->at <= search->word;
    size_t target = splitters->targets[at + (size_t)(node - splitters->nodes)];
    *range_ret = target;
    search->node = &splitters->nodes[target & ~NODE_BIT];
    return target & NODE_BIT;
}

void act_splitters_find(const struct act_splitters *splitters, const struct act_key *keys,
                        size_t count, size_t *ranges_ret)
{
    struct search searches[ACT_SPLITTERS_TOGETHER + LANES];
    for (size_t i = 0; i < count; i++)
        searches[i] = (struct search){splitters->nodes, i, 0, NULL};
    for (bool root = true; count; root = false) {
        size_t left = 0;
        for (size_t i = 0; i < count; i++) {
            struct search search = searches[i];
            if (begin_search(splitters, &search, keys[search.number], &ranges_ret[search.number]))
                searches[left++] = search;
        }
        count = left;
        for (size_t i = count; count && i % LANES; i++)
            searches[i] = searches[0];
        for (size_t i = 0; i < count; i += LANES) {
            if (root)
                search_at_one_node(searches + i, splitters->nodes->count);
            else
                search_at_many_nodes(searches + i);
        }
        left = 0;
        for (size_t i = 0; i < count; i++) {
            struct search search = searches[i];
            if (end_search(splitters, &search, &ranges_ret[search.number]))
                searches[left++] = search;
        }
        count = left;
    }
}

/* ------------------------------------------------------------------------------------- making */

/* Appends bytes; SIZE_MAX when there is no memory. */
static size_t add_bytes(struct act_splitters *splitters, const uint8_t *bytes, size_t nbytes)
{
    size_t at = splitters->bytes_count;
    if (!act_reserve(&splitters->bytes, &splitters->bytes_capacity, at + nbytes + 1, 1))
        return SIZE_MAX;
    memcpy(splitters->bytes + at, bytes, nbytes);
    splitters->bytes_count += nbytes;
    return at;
}

/* How many bytes two words have in common that no key can lack: what follows a key counts as zeros.
 */
static size_t common_bytes(uint64_t a, uint64_t b)
{
    size_t nbytes = 0;
    for (; nbytes < WORD_NBYTES; nbytes++) {
        unsigned shift = 8 * (WORD_NBYTES - 1 - (unsigned)nbytes);
        if (a >> shift != b >> shift || (a >> shift & 0xff) == 0)
            break;
    }
    return nbytes;
}

/* Adds a node for keys of the sample, which are the same up to `from`. */
static bool add_node(struct act_splitters *splitters, const struct act_key *keys, size_t first,
                     size_t last, size_t from, size_t safe, unsigned level)
{
    struct act_key low = keys[first];
    struct act_key high = keys[last];
    size_t most = low.nbytes < high.nbytes ? low.nbytes : high.nbytes;
    size_t common = act_common_nbytes(low.bytes + from, high.bytes + from, most - from);
    size_t bytes = add_bytes(splitters, low.bytes, from + common);
    if (bytes == SIZE_MAX || !act_reserve(&splitters->nodes, &splitters->node_capacity,
                                          splitters->node_count + 1, sizeof(*splitters->nodes)))
        return false;
    splitters->nodes[splitters->node_count++] = (struct act_splitters_node){
        .from = from,
        .depth = from + common,
        .safe = safe,
        .bytes = bytes,
        .first = first,
        .last = last,
        .level = level,
    };
    return true;
}

/* Adds a bound, from which on the target holds; the first one of a node has none. */
static bool add_target(struct act_splitters *splitters, size_t number, bool first, uint64_t bound,
                       size_t target)
{
    struct act_splitters_node *node = &splitters->nodes[number];
    size_t at = node->bounds + number + (first ? 0 : ++node->count);
    if (!act_reserve(&splitters->targets, &splitters->target_capacity, at + 1,
                     sizeof(*splitters->targets)) ||
        !act_reserve(&splitters->bounds, &splitters->bound_capacity, splitters->bound_count + 1,
                     sizeof(*splitters->bounds)))
        return false;
    splitters->targets[at] = target;
    if (!first)
        splitters->bounds[splitters->bound_count++] = bound;
    return true;
}

/* The end of the keys that have the same word as the one at `i`. */
static size_t end_of_equal(const struct act_key *keys, size_t i, size_t last, size_t depth)
{
    uint64_t word = word_at(keys[i], depth);
    while (++i <= last && word_at(keys[i], depth) == word)
        ;
    return i;
}

/* Finds the bounds of a node, and adds a node for each group of keys that is too large and can be
 * divided. Ranges have no numbers yet. */
static bool divide(struct act_splitters *splitters, const struct act_key *keys, size_t number,
                   size_t share)
{
    struct act_splitters_node node = splitters->nodes[number];
    splitters->nodes[number].bounds = splitters->bound_count;
    if (!add_target(splitters, number, true, 0, 0))
        return false;
    size_t gathered = 0;
    size_t end;
    for (size_t i = node.first; i <= node.last; i = end) {
        end = end_of_equal(keys, i, node.last, node.depth);
        uint64_t word = word_at(keys[i], node.depth);
        size_t beyond = node.depth + WORD_NBYTES;
        /* The first keys with this word may be shorter ones; if all are, one is left here. */
        while (i + 1 < end && keys[i].nbytes < beyond)
            i++;
        if (end - i >= 2 * share && node.level < LEVELS_MAX &&
            (keys[end - 1].nbytes != keys[i].nbytes ||
             memcmp(keys[end - 1].bytes, keys[i].bytes, keys[i].nbytes) != 0)) {
            if (!add_target(splitters, number, false, word, NODE_BIT | splitters->node_count) ||
                !add_node(splitters, keys, i, end - 1, beyond,
                          node.depth + common_bytes(word, word), node.level + 1) ||
                (word != UINT64_MAX && !add_target(splitters, number, false, word + 1, 0)))
                return false;
            gathered = 0;
            continue;
        }
        if (gathered >= share) {
            if (!add_target(splitters, number, false, word, 0))
                return false;
            gathered = 0;
        }
        gathered += end - i;
    }
    return true;
}

/* Adds the range that is a target of a node, whose keys are between two of its bounds. */
static bool add_range(struct act_splitters *splitters, size_t number, size_t at)
{
    const struct act_splitters_node *node = &splitters->nodes[number];
    size_t nbytes = node->depth;
    size_t bytes = splitters->bytes_count;
    if (!act_reserve(&splitters->bytes, &splitters->bytes_capacity, bytes + nbytes + WORD_NBYTES,
                     1) ||
        !act_reserve(&splitters->ranges, &splitters->range_capacity, splitters->range_count + 1,
                     sizeof(*splitters->ranges)))
        return false;
    memcpy(splitters->bytes + bytes, splitters->bytes + node->bytes, nbytes);
    if (at > 0 && at < node->count) {
        const uint64_t *bounds = splitters->bounds + node->bounds + (at - 1);
        size_t more = bounds[1] > bounds[0] ? common_bytes(bounds[0], bounds[1] - 1) : 0;
        for (size_t i = 0; i < more; i++)
            splitters->bytes[bytes + nbytes++] = (uint8_t)(bounds[0] >> (56 - 8 * i));
    }
    splitters->bytes_count += nbytes;
    splitters->ranges[splitters->range_count++] = (struct act_splitters_range){bytes, nbytes};
    return true;
}

/* The first and the last range of a node have keys also that do not begin as the node's do. */
static void shorten_outer_ranges(struct act_splitters *splitters)
{
    for (size_t i = 0; i < splitters->node_count; i++) {
        const struct act_splitters_node *node = &splitters->nodes[i];
        struct act_splitters_range *first = &splitters->ranges[node->first];
        struct act_splitters_range *last = &splitters->ranges[node->last];
        if (first->nbytes > node->safe)
            first->nbytes = node->safe;
        if (last->nbytes > node->safe)
            last->nbytes = node->safe;
    }
}

/* Makes the ranges, in the order of their keys. False when there is no memory. */
static bool make_ranges(struct act_splitters *splitters)
{
    struct {
        size_t node;
        size_t at; /* of its targets, the next one */
    } way[LEVELS_MAX + 2];
    size_t depth = 0;
    way[0].node = 0;
    way[0].at = 0;
    for (;;) {
        size_t number = way[depth].node;
        struct act_splitters_node *node = &splitters->nodes[number];
        if (way[depth].at == 0)
            node->first = splitters->range_count;
        if (way[depth].at > node->count) {
            node->last = splitters->range_count - 1;
            if (depth-- == 0)
                break;
            continue;
        }
        size_t at = way[depth].at++;
        size_t *target = &splitters->targets[node->bounds + number + at];
        if (*target & NODE_BIT) {
            depth++;
            way[depth].node = *target & ~NODE_BIT;
            way[depth].at = 0;
        } else {
            *target = splitters->range_count;
            if (!add_range(splitters, number, at))
                return false;
        }
    }
    shorten_outer_ranges(splitters);
    return true;
}

bool act_splitters_make(struct act_splitters *splitters, const struct act_key *keys, size_t count,
                        size_t wanted)
{
    memset(splitters, 0, sizeof(*splitters));
    size_t share = count / wanted + 1;
    if (!add_node(splitters, keys, 0, count - 1, 0, 0, 0))
        return false;
    for (size_t i = 0; i < splitters->node_count; i++) {
        if (!divide(splitters, keys, i, share))
            return false;
    }
    /* A node without bounds looks at one all the same. */
    return make_ranges(splitters) &&
           act_reserve(&splitters->bounds, &splitters->bound_capacity, splitters->bound_count + 1,
                       sizeof(*splitters->bounds));
}

void act_splitters_close(struct act_splitters *splitters)
{
    free(splitters->nodes);
    free(splitters->bounds);
    free(splitters->targets);
    free(splitters->bytes);
    free(splitters->ranges);
    memset(splitters, 0, sizeof(*splitters));
}
