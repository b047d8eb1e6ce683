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

static uint64_t spot_nbytes(const struct cli_resident *file)
{
    uint64_t most = 0;
    for (size_t i = 0; i < file->cells_count; i++) {
        const struct cli_cell *cell = &file->cells[i];
        most = cell->end - cell->off > most ? cell->end - cell->off : most;
    }
    return most;
}

uint64_t cli_resident_spot_nbytes(const struct cli_resident *resident)
{
    uint64_t most = spot_nbytes(resident);
    for (size_t i = 0; i < resident->parts_count; i++) {
        uint64_t nbytes = spot_nbytes(&resident->parts[i]);
        most = nbytes > most ? nbytes : most;
    }
    return most;
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

/* Divides the regions at multiples of as many pages as make about so many cells of all. */
static bool make_cells(struct cli_resident *resident, const struct cli_look *look)
{
    uint64_t page_nbytes = resident->totals.page_nbytes;
    uint64_t whole_nbytes = look->whole_nbytes ? look->whole_nbytes : resident->totals.file_nbytes;
    uint64_t cell_nbytes = (whole_nbytes / page_nbytes / look->cells + 1) * page_nbytes;
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

int cli_resident_walk(struct cli_resident *resident, const act_residency_options *options,
                      const act_map *map, bool name_cells)
{
    act_residency_options own = *options;
    act_error error;
    if (name_cells && resident->cells_count) {
        own.page_fn = name_page;
        own.page_context = resident;
    }
    act_status status = act_map_residency_walk(map, resident->residency, &own, keep_prefix,
                                               resident, &resident->walk, &error);
    resident->prefix = options->prefix != NULL;
    resident->walked = status == ACT_OK;
    if (status == ACT_OK)
        return CLI_DONE;
    if (status == ACT_STOPPED)
        return cli_fail_nomem();
    return status == ACT_NOT_FOUND ? CLI_NO : cli_fail(resident->name, &error);
}

int cli_resident_take(struct cli_resident *resident, const struct cli_look *look, const char *name,
                      const act_map *map)
{
    act_error error;
    act_section_residency regions[ACT_SECTIONS_MAX];
    resident->name = name;
    resident->keys = look->keys;
    if (act_map_residency(map, &resident->residency, &error) != ACT_OK)
        return cli_fail(name, &error);
    act_residency_get_totals(resident->residency, &resident->totals);
    resident->regions_count = act_residency_get_sections(resident->residency, regions);
    for (size_t i = 0; i < resident->regions_count; i++)
        resident->regions[i].residency = regions[i];
    if (look->cells && resident->totals.cached.known && !make_cells(resident, look))
        return cli_fail_nomem();
    return CLI_DONE;
}

/* Of what is not mapped, all is in memory. */
bool cli_resident_is_known(const struct cli_resident *resident)
{
    return resident->totals.cached.known || !resident->totals.mapped;
}

static int look_at_map(struct cli_resident *resident, const struct cli_look *look,
                       const struct cli_map *map)
{
    int status = cli_resident_take(resident, look, map->name, map->map);
    if (status == CLI_DONE && look->walk && cli_resident_is_known(resident))
        status = cli_resident_walk(resident, &look->tree, map->map, true);
    return status;
}

static int look_at_set(struct cli_resident *resident, const struct cli_look *look,
                       const struct cli_options *given, const struct cli_map *map)
{
    act_set *set;
    act_error error;
    if (cli_set_open_by_parts(given, map->name, &set, &error) != ACT_OK)
        return cli_fail(map->name, &error);
    int status = cli_resident_look_at_set(resident, look, map->name, set);
    act_set_close(set);
    return status;
}

int cli_resident_look(struct cli_resident *resident, const struct cli_call *call,
                      const struct cli_map *map, size_t cells)
{
    const struct cli_options *given = &call->options;
    struct cli_look look = {
        .keys = given->keys == CLI_KEYS_HEX ? CLI_KEYS_HEX : CLI_KEYS_ESCAPED,
        .cells = cells,
        .walk = !given->top_given || given->top,
        .tree = {.depth = given->depth,
                 .top = given->top_given ? (size_t)given->top : PREFIXES_DEFAULT}};
    uint8_t *prefix = NULL;
    int status = CLI_DONE;
    memset(resident, 0, sizeof(*resident));
    if (given->prefix)
        status = cli_key_argument(call, given->prefix, &prefix, &look.tree.prefix_nbytes);
    if (status != CLI_DONE)
        return status;
    look.tree.prefix = prefix;
    status = map->set ? look_at_set(resident, &look, given, map)
                      : look_at_map(resident, &look, map);
    free(prefix);
    if (status == CLI_NO)
        cli_say("%s: no key begins with that prefix", map->name);
    return status;
}

void cli_resident_drop_prefix(act_prefix_residency *prefix)
{
    free((void *)(uintptr_t)prefix->prefix);
    prefix->prefix = NULL;
}

void cli_resident_drop_prefixes(struct cli_resident *resident)
{
    while (resident->prefixes_count)
        cli_resident_drop_prefix(&resident->prefixes[--resident->prefixes_count]);
}

static void free_one(struct cli_resident *resident)
{
    free(resident->own_name);
    free(resident->from);
    free(resident->to);
    cli_resident_drop_prefixes(resident);
    free(resident->prefixes);
    free(resident->cells);
    act_residency_close(resident->residency);
}

void cli_resident_free(struct cli_resident *resident)
{
    for (size_t i = 0; i < resident->parts_count; i++)
        free_one(&resident->parts[i]);
    free(resident->parts);
    free_one(resident);
}
