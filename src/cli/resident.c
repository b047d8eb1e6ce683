#include "resident.h"

#include <stdlib.h>
#include <string.h>

#include "entries.h"
#include "message.h"

#define PREFIXES_DEFAULT 16

const char *cli_source_name(act_residency_source source)
{
    switch (source) {
    case ACT_RESIDENCY_MINCORE:
        return "mincore";
    case ACT_RESIDENCY_CACHESTAT:
        return "cachestat";
    case ACT_RESIDENCY_PAGEMAP:
        return "pagemap";
    case ACT_RESIDENCY_UNKNOWN:
        break;
    }
    return "unknown";
}

double cli_percent(uint64_t part, uint64_t whole)
{
    double percent = whole ? 100.0 * (double)part / (double)whole : 0;
    if (part < whole && percent > 99.9)
        return 99.9;
    return part && percent < 0.1 ? 0.1 : percent;
}

bool cli_resident_is_cut_off(const struct cli_resident *resident)
{
    const act_residency_walk *walk = &resident->walk;
    return walk->missing && walk->complete && !resident->prefix &&
           walk->nbytes < resident->totals.cached.nbytes / 2;
}

static int keep_prefix(void *context, const act_prefix_residency *prefix)
{
    struct cli_resident *resident = context;
    if (resident->prefixes_count == resident->prefixes_capacity) {
        size_t capacity = resident->prefixes_capacity * 2 + 16;
        act_prefix_residency *larger = realloc(resident->prefixes, capacity * sizeof(*larger));
        if (!larger)
            return 1;
        resident->prefixes = larger;
        resident->prefixes_capacity = capacity;
    }
    uint8_t *copy = malloc(prefix->prefix_nbytes + 1);
    if (!copy)
        return 1;
    memcpy(copy, prefix->prefix, prefix->prefix_nbytes);
    act_prefix_residency *kept = &resident->prefixes[resident->prefixes_count++];
    *kept = *prefix;
    kept->prefix = copy;
    return 0;
}

/* ---------------------------------------------------------------------------------------- cells
 */

/* What of some bytes lies in pages that are in memory. */
static uint64_t count_cached(const struct cli_resident *resident, uint64_t off, uint64_t end)
{
    const uint8_t *pages = act_residency_cached_pages(resident->residency);
    uint64_t page_nbytes = resident->totals.page_nbytes;
    uint64_t nbytes = 0;
    while (pages && off < end) {
        uint64_t page = off / page_nbytes;
        uint64_t next = (page + 1) * page_nbytes < end ? (page + 1) * page_nbytes : end;
        if (pages[page / 8] >> page % 8 & 1)
            nbytes += next - off;
        off = next;
    }
    return nbytes;
}

/* Divides the regions at multiples of as many pages as make about so many cells. */
static bool make_cells(struct cli_resident *resident, size_t wanted)
{
    uint64_t page_nbytes = resident->totals.page_nbytes;
    uint64_t cell_nbytes = (resident->totals.pages / wanted + 1) * page_nbytes;
    size_t most = (size_t)(resident->totals.file_nbytes / cell_nbytes + 1) + 2 * ACT_SECTIONS_MAX;
    resident->cells = calloc(most, sizeof(*resident->cells));
    if (!resident->cells)
        return false;
    for (size_t i = 0; i < resident->regions_count; i++) {
        struct cli_region *region = &resident->regions[i];
        uint64_t off = region->residency.off;
        uint64_t end = off + region->residency.nbytes;
        region->first_cell = resident->cells_count;
        while (off < end) {
            uint64_t next = (off / cell_nbytes + 1) * cell_nbytes;
            struct cli_cell *cell = &resident->cells[resident->cells_count++];
            cell->off = off;
            cell->end = next < end ? next : end;
            cell->cached_nbytes = count_cached(resident, cell->off, cell->end);
            off = cell->end;
        }
        region->cells_count = resident->cells_count - region->first_cell;
    }
    return true;
}

static struct cli_cell *find_cell(const struct cli_resident *resident, uint64_t off)
{
    size_t low = 0, high = resident->cells_count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (resident->cells[middle].off <= off)
            low = middle;
        else
            high = middle;
    }
    return &resident->cells[low];
}

/* Paths come in order: the first one stays, and the last one is the last. */
static void name_page(void *context, uint64_t off, bool cached, const uint8_t *path,
                      size_t path_nbytes)
{
    struct cli_cell *cell = find_cell(context, off);
    (void)cached;
    size_t nbytes = path_nbytes < CLI_CELL_PATH_NBYTES ? path_nbytes : CLI_CELL_PATH_NBYTES;
    if (!cell->named) {
        memcpy(cell->first, path, nbytes);
        cell->first_nbytes = (uint8_t)nbytes;
    }
    memcpy(cell->last, path, nbytes);
    cell->last_nbytes = (uint8_t)nbytes;
    cell->named = true;
}

/* -------------------------------------------------------------------------------------- looking
 */

static int walk(struct cli_resident *resident, const struct cli_call *call,
                const struct cli_map *map)
{
    const struct cli_options *options = &call->options;
    act_residency_options walk_options = {.depth = options->depth};
    act_error error;
    uint8_t *prefix = NULL;
    if (options->prefix) {
        int status = cli_key_argument(call, options->prefix, &prefix, &walk_options.prefix_nbytes);
        if (status != CLI_DONE)
            return status;
        walk_options.prefix = prefix;
        resident->prefix = true;
    }
    walk_options.top = options->top_given ? (size_t)options->top : PREFIXES_DEFAULT;
    if (resident->cells_count) {
        walk_options.page_fn = name_page;
        walk_options.page_context = resident;
    }
    act_status status = act_map_residency_walk(map->map, resident->residency, &walk_options,
                                               keep_prefix, resident, &resident->walk, &error);
    free(prefix);
    resident->walked = status == ACT_OK;
    if (status == ACT_OK)
        return CLI_DONE;
    if (status == ACT_STOPPED)
        return cli_fail_nomem();
    if (status != ACT_NOT_FOUND)
        return cli_fail(map->name, &error);
    cli_say("%s: no key begins with that prefix", map->name);
    return CLI_NO;
}

int cli_resident_look(struct cli_resident *resident, const struct cli_call *call,
                      const struct cli_map *map, size_t cells)
{
    act_error error;
    act_section_residency regions[ACT_SECTIONS_MAX];
    memset(resident, 0, sizeof(*resident));
    resident->name = map->name;
    resident->keys = call->options.keys == CLI_KEYS_HEX ? CLI_KEYS_HEX : CLI_KEYS_ESCAPED;
    if (act_map_residency(map->map, &resident->residency, &error) != ACT_OK)
        return cli_fail(map->name, &error);
    act_residency_get_totals(resident->residency, &resident->totals);
    resident->regions_count = act_residency_get_sections(resident->residency, regions);
    for (size_t i = 0; i < resident->regions_count; i++)
        resident->regions[i].residency = regions[i];
    if (cells && resident->totals.cached.known && !make_cells(resident, cells))
        return cli_fail_nomem();
    /* Of what is not mapped, all is in memory. */
    bool known = resident->totals.cached.known || !resident->totals.mapped;
    if (!known || (call->options.top_given && !call->options.top))
        return CLI_DONE;
    return walk(resident, call, map);
}

void cli_resident_free(struct cli_resident *resident)
{
    for (size_t i = 0; i < resident->prefixes_count; i++)
        free((void *)(uintptr_t)resident->prefixes[i].prefix);
    free(resident->prefixes);
    free(resident->cells);
    act_residency_close(resident->residency);
}
