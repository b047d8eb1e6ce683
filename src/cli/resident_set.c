/* What of a set is in memory: what is of each part, and their sum. */
#include <stdlib.h>
#include <string.h>

#include "message.h"
#include "resident.h"

/* As act_map_residency_walk has it: so many times more prefixes than there are places have the
 * bytes that make a prefix one to be told. */
#define PREFIXES_A_PLACE 4

/* --------------------------------------------------------------------------------------- parts */

static uint8_t *copy_of(const void *bytes, size_t nbytes)
{
    uint8_t *copy = malloc(nbytes + 1);
    if (!copy)
        return NULL;
    if (nbytes)
        memcpy(copy, bytes, nbytes);
    copy[nbytes] = '\0';
    return copy;
}

/* What the manifest says of a part, for when the set is closed. False without memory. */
static bool name_part(struct cli_resident *part, const act_set *set, size_t index)
{
    act_set_part told;
    if (act_set_get_part(set, index, &told, NULL) != ACT_OK)
        return false;
    part->own_name = (char *)copy_of(told.name, strlen(told.name));
    part->from = copy_of(told.from, told.from_nbytes);
    part->from_nbytes = told.from_nbytes;
    if (told.to) {
        part->to = copy_of(told.to, told.to_nbytes);
        part->to_nbytes = told.to_nbytes;
    }
    return part->own_name && part->from && (part->to || !told.to);
}

static int take_parts(struct cli_resident *all, const struct cli_look *look, const act_set *set)
{
    struct cli_look own = *look;
    act_set_stat stat;
    int status = CLI_DONE;
    act_set_get_stat(set, &stat);
    own.whole_nbytes = stat.file_nbytes;
    for (size_t i = 0; i < all->parts_count && status == CLI_DONE; i++) {
        struct cli_resident *part = &all->parts[i];
        act_map *part_map;
        act_error error;
        if (!name_part(part, set, i))
            return cli_fail_nomem();
        if (act_set_part_open(set, i, &part_map, &error) != ACT_OK)
            return cli_fail(all->name, &error);
        status = cli_resident_take(part, &own, part->own_name, part_map);
        act_set_part_release(set, i);
    }
    return status;
}

/* ----------------------------------------------------------------------------------------- sums */

static void add_amount(act_amount *sum, const act_amount *amount)
{
    sum->known = sum->known && amount->known;
    sum->nbytes = sum->known ? sum->nbytes + amount->nbytes : 0;
}

/* Whoever knows least says what is known of all. */
static void add_source(act_residency_source *sum, act_residency_source source, bool is_first)
{
    bool knows_less = source == ACT_RESIDENCY_UNKNOWN ||
                      (*sum != ACT_RESIDENCY_UNKNOWN && source > *sum);
    if (is_first || knows_less)
        *sum = source;
}

static void add_totals(act_residency_totals *sum, const act_residency_totals *part, bool is_first)
{
    sum->page_nbytes = part->page_nbytes;
    sum->pages += part->pages;
    add_source(&sum->source, part->source, is_first);
    add_amount(&sum->cached, &part->cached);
    add_amount(&sum->present, &part->present);
    add_amount(&sum->rss, &part->rss);
    add_amount(&sum->pss, &part->pss);
    add_amount(&sum->locked, &part->locked);
    add_amount(&sum->huge, &part->huge);
    add_amount(&sum->swapped, &part->swapped);
    add_amount(&sum->dirty, &part->dirty);
    add_amount(&sum->writeback, &part->writeback);
    add_amount(&sum->evicted, &part->evicted);
    add_amount(&sum->evicted_recently, &part->evicted_recently);
}

/* By kind; a kind that no part has is left out in the end. */
static void add_regions(act_section_residency sums[ACT_SECTIONS_MAX],
                        const struct cli_resident *part)
{
    for (size_t i = 0; i < part->regions_count; i++) {
        const act_section_residency *region = &part->regions[i].residency;
        act_section_residency *sum = &sums[region->region];
        if (!sum->nbytes)
            sum->cached.known = sum->present.known = true;
        sum->region = region->region;
        sum->nbytes += region->nbytes;
        add_amount(&sum->cached, &region->cached);
        add_amount(&sum->present, &region->present);
    }
}

static void sum_up(struct cli_resident *all)
{
    static const act_amount none = {0, true};
    act_section_residency regions[ACT_SECTIONS_MAX] = {{.nbytes = 0}};
    act_residency_totals *totals = &all->totals;
    bool is_first = true;
    for (size_t i = 0; i < all->parts_count; i++)
        totals->mapped = totals->mapped || all->parts[i].totals.mapped;
    totals->cached = totals->present = totals->rss = totals->pss = totals->locked = none;
    totals->huge = totals->swapped = totals->dirty = totals->writeback = none;
    totals->evicted = totals->evicted_recently = none;
    for (size_t i = 0; i < all->parts_count; i++) {
        const struct cli_resident *part = &all->parts[i];
        totals->file_nbytes += part->totals.file_nbytes;
        if (totals->mapped && !part->totals.mapped) {
            all->unmapped_parts++;
            continue;
        }
        add_totals(totals, &part->totals, is_first);
        add_regions(regions, part);
        is_first = false;
    }
    for (size_t i = 0; i < ACT_SECTIONS_MAX; i++)
        if (regions[i].nbytes)
            all->regions[all->regions_count++].residency = regions[i];
}

static void add_walk(act_residency_walk *sum, const act_residency_walk *part)
{
    sum->nodes += part->nodes;
    sum->nbytes += part->nbytes;
    sum->missing += part->missing;
    sum->sampled = part->sampled > sum->sampled ? part->sampled : sum->sampled;
    sum->complete = sum->complete && part->complete;
    sum->depth_max = part->depth_max > sum->depth_max ? part->depth_max : sum->depth_max;
    for (size_t i = 0; i < ACT_DEPTH_BUCKETS; i++) {
        sum->levels[i].nodes += part->levels[i].nodes;
        sum->levels[i].nbytes += part->levels[i].nbytes;
        sum->levels[i].missing += part->levels[i].missing;
    }
}

/* ------------------------------------------------------------------------------------- prefixes */

static bool begins_with(const uint8_t *key, size_t key_nbytes, const void *prefix,
                        size_t prefix_nbytes)
{
    return key_nbytes >= prefix_nbytes && (!prefix || memcmp(key, prefix, prefix_nbytes) == 0);
}

static int compare_prefixes(const void *a, const void *b)
{
    const act_prefix_residency *x = a;
    const act_prefix_residency *y = b;
    size_t common = x->prefix_nbytes < y->prefix_nbytes ? x->prefix_nbytes : y->prefix_nbytes;
    int order = common ? memcmp(x->prefix, y->prefix, common) : 0;
    if (order != 0)
        return order;
    return (x->prefix_nbytes > y->prefix_nbytes) - (x->prefix_nbytes < y->prefix_nbytes);
}

static int compare_weights(const void *a, const void *b)
{
    const act_prefix_residency *x = a;
    const act_prefix_residency *y = b;
    if (x->cached_nbytes != y->cached_nbytes)
        return x->cached_nbytes > y->cached_nbytes ? -1 : 1;
    return compare_prefixes(a, b);
}

/* Takes the parts' prefixes away from them. False without memory. */
static bool gather_prefixes(struct cli_resident *all)
{
    size_t count = 0;
    for (size_t i = 0; i < all->parts_count; i++)
        count += all->parts[i].prefixes_count;
    all->prefixes = malloc((count + 1) * sizeof(*all->prefixes));
    if (!all->prefixes)
        return false;
    for (size_t i = 0; i < all->parts_count; i++) {
        struct cli_resident *part = &all->parts[i];
        for (size_t j = 0; j < part->prefixes_count; j++)
            all->prefixes[all->prefixes_count++] = part->prefixes[j];
        part->prefixes_count = 0;
    }
    return true;
}

/*
 * The same prefix in several parts, where it is cut by the ends of their ranges, becomes one. What
 * longer ones have is not in the shorter one's sum, though they be of other parts.
 */
static void join_prefixes(struct cli_resident *all)
{
    size_t kept = 0;
    qsort(all->prefixes, all->prefixes_count, sizeof(*all->prefixes), compare_prefixes);
    for (size_t i = 0; i < all->prefixes_count; i++) {
        act_prefix_residency *item = &all->prefixes[i];
        act_prefix_residency *last = kept ? &all->prefixes[kept - 1] : NULL;
        if (!last || compare_prefixes(last, item) != 0) {
            if (last)
                last->rest |= begins_with(item->prefix, item->prefix_nbytes, last->prefix,
                                          last->prefix_nbytes);
            all->prefixes[kept++] = *item;
            continue;
        }
        last->cached_nbytes += item->cached_nbytes;
        last->nodes += item->nodes;
        last->missing += item->missing;
        last->rest |= item->rest;
        cli_resident_drop_prefix(item);
    }
    all->prefixes_count = kept;
}

static int merge_prefixes(struct cli_resident *all, size_t top)
{
    if (!gather_prefixes(all))
        return cli_fail_nomem();
    join_prefixes(all);
    qsort(all->prefixes, all->prefixes_count, sizeof(*all->prefixes), compare_weights);
    while (all->prefixes_count > top)
        cli_resident_drop_prefix(&all->prefixes[--all->prefixes_count]);
    return CLI_DONE;
}

/* ---------------------------------------------------------------------------------------- walks */

/* A part that is walked over, with the options for it. */
struct walking {
    struct cli_resident *all;
    const act_set *set;
    act_residency_options options;
    bool name_cells;
};

static bool has(const struct cli_resident *part, const act_residency_options *options,
                const uint8_t *prefix)
{
    for (size_t i = 0; i < part->prefixes_count; i++)
        if (part->prefixes[i].prefix_nbytes == options->depth &&
            memcmp(part->prefixes[i].prefix, prefix, (size_t)options->depth) == 0)
            return true;
    return false;
}

/*
 * Prefixes of a given length are cut where a part's range begins or ends. What a part has of such
 * one may be too little for a place among its own, and yet enough with what others have of it.
 */
static int add_cut_prefix(const struct walking *walking, struct cli_resident *part,
                          const act_map *map, const uint8_t *bound, size_t bound_nbytes)
{
    act_residency_options options = walking->options;
    if (!options.depth || !bound || bound_nbytes < options.depth ||
        part->prefixes_count < options.top || has(part, &options, bound) ||
        !begins_with(bound, bound_nbytes, options.prefix, options.prefix_nbytes) ||
        options.prefix_nbytes > options.depth)
        return CLI_DONE;
    act_residency_walk walk = part->walk;
    options.prefix = bound;
    options.prefix_nbytes = (size_t)options.depth;
    int status = cli_resident_walk(part, &options, map, false);
    part->walk = walk;
    part->walked = true;
    return status == CLI_NO ? CLI_DONE : status;
}

static int walk_part(const struct walking *walking, size_t index)
{
    struct cli_resident *part = &walking->all->parts[index];
    act_map *map;
    act_error error;
    if (act_set_part_open(walking->set, index, &map, &error) != ACT_OK)
        return cli_fail(walking->all->name, &error);
    cli_resident_drop_prefixes(part);
    int status = cli_resident_walk(part, &walking->options, map, walking->name_cells);
    if (status == CLI_DONE)
        status = add_cut_prefix(walking, part, map, part->from, part->from_nbytes);
    if (status == CLI_DONE)
        status = add_cut_prefix(walking, part, map, part->to, part->to_nbytes);
    act_set_part_release(walking->set, index);
    return status;
}

/* Whether a part's range has keys that begin with the prefix. */
static bool may_have(const struct cli_resident *part, const act_residency_options *options,
                     size_t index, size_t first)
{
    if (index <= first)
        return index == first;
    return begins_with(part->from, part->from_nbytes, options->prefix, options->prefix_nbytes);
}

/* Over all parts that may have something. CLI_NO: none has. */
static int walk_parts(const struct walking *walking)
{
    struct cli_resident *all = walking->all;
    const act_residency_options *options = &walking->options;
    size_t first = options->prefix
                       ? act_set_find_part(walking->set, options->prefix, options->prefix_nbytes)
                       : 0;
    int result = CLI_NO;
    memset(&all->walk, 0, sizeof(all->walk));
    all->walk.complete = true;
    for (size_t i = 0; i < all->parts_count; i++) {
        struct cli_resident *part = &all->parts[i];
        if (!may_have(part, options, i, first) || !cli_resident_is_known(part))
            continue;
        int status = walk_part(walking, i);
        if (status == CLI_DONE) {
            add_walk(&all->walk, &part->walk);
            result = CLI_DONE;
        } else if (status != CLI_NO) {
            return status;
        }
    }
    return result;
}

/* Of those that are known. */
static uint64_t cached_nbytes(const struct cli_resident *all)
{
    uint64_t nbytes = 0;
    for (size_t i = 0; i < all->parts_count; i++) {
        const act_residency_totals *totals = &all->parts[i].totals;
        nbytes += totals->mapped ? totals->cached.nbytes : totals->file_nbytes;
    }
    return nbytes;
}

/*
 * What makes a prefix one to be told is a share of what is in memory of all parts; and as in one
 * file, if walks come to much less than that, they are made once more with a share of what they
 * came to.
 */
static int walk_set(struct cli_resident *all, const struct cli_look *look, const act_set *set)
{
    struct walking walking = {all, set, look->tree, true};
    act_residency_options *options = &walking.options;
    uint64_t wanted = options->top * (uint64_t)PREFIXES_A_PLACE;
    bool any = false;
    for (size_t i = 0; i < all->parts_count; i++)
        any = any || cli_resident_is_known(&all->parts[i]);
    if (!any)
        return CLI_DONE;
    options->nbytes_min = cached_nbytes(all) / wanted + 1;
    options->nodes_max = ACT_RESIDENCY_NODES_MAX_DEFAULT / all->parts_count + 1;
    int status = walk_parts(&walking);
    uint64_t fair = all->walk.nbytes / wanted + 1;
    if (status == CLI_DONE && !options->depth && fair <= options->nbytes_min / 2) {
        options->nbytes_min = fair;
        walking.name_cells = false;
        status = walk_parts(&walking);
    }
    all->prefix = options->prefix != NULL;
    all->walked = status == CLI_DONE;
    return status == CLI_DONE ? merge_prefixes(all, options->top) : status;
}

int cli_resident_look_at_set(struct cli_resident *resident, const struct cli_look *look,
                             const char *name, const act_set *set)
{
    resident->name = name;
    resident->keys = look->keys;
    resident->parts_count = act_set_part_count(set);
    resident->parts = calloc(resident->parts_count, sizeof(*resident->parts));
    if (!resident->parts) {
        resident->parts_count = 0;
        return cli_fail_nomem();
    }
    int status = take_parts(resident, look, set);
    if (status != CLI_DONE)
        return status;
    sum_up(resident);
    return look->walk ? walk_set(resident, look, set) : CLI_DONE;
}
