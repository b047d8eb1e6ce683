/* What the page says of the file itself: figures, shape, sizes, residency. */
#define _POSIX_C_SOURCE 200809L

#include "page.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "chart.h"
#include "html.h"
#include "page_set.h"
#include "units.h"

enum {
    KINDS = 9,
    MAP_COLUMNS = 96,
    MAP_CELL = 7, /* the side of a spot, and the space after it */
    BARS_MAX = 24,
    WIDTH = 760
};

void cli_page_tile(struct cli_out *out, const char *figure, const char *what)
{
    cli_out_text(out, "<div class=\"tile\"><b>");
    cli_html_text(out, figure);
    cli_out_text(out, "</b><span>");
    cli_html_text(out, what);
    cli_out_text(out, "</span></div>\n");
}

static double share(uint64_t part, uint64_t whole)
{
    return whole ? (double)part / (double)whole : 0;
}

/* How much is in memory; false if that is not known. */
static bool cached_nbytes(const struct cli_page *page, uint64_t *nbytes_ret)
{
    *nbytes_ret = page->resident->totals.cached.nbytes;
    /* It is counted in whole pages. */
    if (*nbytes_ret > page->stat.file_nbytes)
        *nbytes_ret = page->stat.file_nbytes;
    return page->resident->totals.cached.known;
}

static void print_head(struct cli_out *out, const struct cli_page *page)
{
    char text[CLI_UNIT_NBYTES];
    char date[64] = "";
    time_t now = time(NULL);
    struct tm parts;
    if (gmtime_r(&now, &parts))
        strftime(date, sizeof(date), "%Y-%m-%d %H:%M UTC", &parts);
    cli_out_text(out, "<h1>");
    cli_html_bytes(out, page->name, strlen(page->name));
    cli_out_text(out, "</h1>\n<p class=\"dim\">");
    if (page->parts)
        cli_out_format(out, "A set of %s parts, ",
                       cli_count_text(text, page->resident->parts_count));
    cli_out_format(out, "%s layout, %s; looked at on %s by actree %s.</p>\n",
                   cli_layout_name(cli_layout_of(page->stat.layout, page->info.shared)),
                   page->stat.merged ? "merged into" : "never merged into", date, act_version());
    cli_out_text(out, "<div class=\"tiles\">\n");
    cli_page_tile(out, cli_bytes_text(text, page->stat.file_nbytes),
                  page->parts ? "size of the files" : "size of the file");
    cli_page_tile(out, cli_count_text(text, page->info.keys),
                  page->info.keys == UINT64_MAX ? "keys or more" : "keys");
    if (page->info.keys && page->info.keys != UINT64_MAX) {
        snprintf(text, sizeof(text), "%.2f",
                 (double)page->stat.file_nbytes / (double)page->info.keys);
        cli_page_tile(out, text,
                      page->parts ? "bytes of the files a key" : "bytes of the file a key");
        snprintf(text, sizeof(text), "%.1f",
                 (double)page->info.key_nbytes / (double)page->info.keys);
        cli_page_tile(out, text, "bytes of a key, on average");
    }
    uint64_t nbytes;
    if (cached_nbytes(page, &nbytes)) {
        snprintf(text, sizeof(text), "%.1f %%", cli_percent(nbytes, page->stat.file_nbytes));
        cli_page_tile(out, text, "of it in memory");
    }
    cli_out_text(out, "</div>\n");
}

/* ---------------------------------------------------------------------------------------- shape
 */

static size_t fill_depths(const act_map_info *info, struct cli_bar bars[BARS_MAX])
{
    size_t last = ACT_DEPTH_BUCKETS - 1;
    size_t depths = info->node_depth_max < last ? (size_t)info->node_depth_max + 1
                                                : ACT_DEPTH_BUCKETS;
    size_t width = (depths + BARS_MAX - 1) / BARS_MAX;
    size_t count = 0;
    for (size_t first = 0; first < depths; first += width) {
        struct cli_bar *bar = &bars[count++];
        uint64_t nodes = 0;
        for (size_t i = first; i < first + width && i <= last; i++)
            nodes += info->node_depth[i];
        if (first + width > last)
            snprintf(bar->name, sizeof(bar->name), "%zu and more", first);
        else if (width == 1)
            snprintf(bar->name, sizeof(bar->name), "%zu", first);
        else
            snprintf(bar->name, sizeof(bar->name), "%zu to %zu", first, first + width - 1);
        bar->length = (double)nodes;
        cli_count_text(bar->text, nodes);
    }
    return count;
}

/* 1, 2, 3, then 4 to 7, 8 to 15 and so on, and 256. */
static size_t fill_fan_out(const act_map_info *info, struct cli_bar bars[BARS_MAX])
{
    size_t count = 0;
    for (size_t first = 1; first < ACT_FAN_OUT_BUCKETS;) {
        size_t last = first < 4 ? first : first * 2 - 1;
        if (last >= ACT_FAN_OUT_BUCKETS)
            last = ACT_FAN_OUT_BUCKETS - 1;
        struct cli_bar *bar = &bars[count++];
        uint64_t nodes = 0;
        for (size_t i = first; i <= last; i++)
            nodes += info->fan_out[i];
        if (first == last)
            snprintf(bar->name, sizeof(bar->name), "%zu", first);
        else
            snprintf(bar->name, sizeof(bar->name), "%zu to %zu", first, last);
        bar->length = (double)nodes;
        cli_count_text(bar->text, nodes);
        first = last + 1;
    }
    return count;
}

static void print_shape(struct cli_out *out, const struct cli_page *page)
{
    struct cli_bar bars[BARS_MAX];
    char depth[CLI_UNIT_NBYTES];
    cli_out_format(out,
                   "<h2>Shape of the tree</h2>\n<p>The deepest of its nodes has %s above it; "
                   "the longest key has ",
                   cli_count_text(depth, page->info.node_depth_max));
    cli_out_format(out, "%s bytes.</p>\n", cli_count_text(depth, page->info.key_nbytes_longest));
    cli_out_text(out, "<div class=\"pair\"><div><h3>Nodes by level</h3>\n");
    cli_chart_bars(out, "Nodes by level", "fa", bars, fill_depths(&page->info, bars));
    cli_out_text(out, "</div><div><h3>Branches by number of children</h3>\n");
    cli_chart_bars(out, "Branches by number of children", "fb", bars,
                   fill_fan_out(&page->info, bars));
    cli_out_text(out, "</div></div>\n");
}

/* ---------------------------------------------------------------------------------------- sizes
 */

static void fill_bar(struct cli_bar *bar, const char *name, uint64_t nbytes, uint64_t whole)
{
    char text[CLI_UNIT_NBYTES];
    snprintf(bar->name, sizeof(bar->name), "%s", name);
    bar->length = (double)nbytes;
    cli_bytes_text(text, nbytes);
    snprintf(bar->text, sizeof(bar->text), "%.20s, %.1f %%", text, 100 * share(nbytes, whole));
}

static void print_sizes(struct cli_out *out, const struct cli_page *page)
{
    const act_map_info *info = &page->info;
    const struct {
        const char *name;
        uint64_t nbytes;
    } kinds[KINDS] = {
        {"header", info->header_nbytes},       {"branches", info->branch_nbytes},
        {"leaves", info->leaf_nbytes},         {"lines", info->line_node_nbytes},
        {"line data", info->line_data_nbytes}, {"jump tables", info->jump_nbytes},
        {"index", info->index_nbytes},         {"unreferenced", info->unreferenced_nbytes},
        {"tail", info->tail_nbytes},
    };
    struct cli_bar bars[KINDS];
    size_t count = 0;
    for (size_t i = 0; i < KINDS; i++)
        if (kinds[i].nbytes)
            fill_bar(&bars[count++], kinds[i].name, kinds[i].nbytes, page->stat.file_nbytes);
    cli_out_text(out, "<h2>Sizes</h2>\n<div class=\"pair\"><div><h3>By kind of object</h3>\n");
    cli_chart_bars(out, "Bytes by kind of object", "fa", bars, count);
    cli_out_text(out, "</div><div><h3>By region of the file</h3>\n");
    count = 0;
    for (size_t i = 0; i < ACT_SECTIONS_MAX; i++)
        if (page->section_nbytes[i])
            fill_bar(&bars[count++], act_section_name((act_section)i), page->section_nbytes[i],
                     page->stat.file_nbytes);
    cli_chart_bars(out, "Bytes by region", "fc", bars, count);
    cli_out_text(out, "</div></div>\n");
}

/* ------------------------------------------------------------------------------------ residency
 */

static void print_cell(struct cli_out *out, const struct cli_cell *cell, size_t column, size_t row)
{
    char text[CLI_UNIT_NBYTES];
    double part = share(cell->cached_nbytes, cell->end - cell->off);
    cli_out_format(out, "<rect class=\"%s\" x=\"%zu\" y=\"%zu\" width=\"6\" height=\"6\"",
                   part > 0 ? "fa" : "f0", column * MAP_CELL, row * MAP_CELL);
    if (part > 0 && part < 0.995)
        cli_out_format(out, " opacity=\"%.2f\"", 0.25 + 0.75 * part);
    cli_out_format(out, "><title>at %s: %.0f %% in memory", cli_count_text(text, cell->off),
                   100 * part);
    if (cell->named) {
        cli_out_text(out, ", from ");
        cli_html_bytes(out, cell->first, cell->first_nbytes);
        cli_out_text(out, " to ");
        cli_html_bytes(out, cell->last, cell->last_nbytes);
    }
    cli_out_text(out, "</title></rect>\n");
}

static void print_map(struct cli_out *out, const struct cli_resident *resident)
{
    for (size_t i = 0; i < resident->regions_count; i++) {
        const struct cli_region *region = &resident->regions[i];
        size_t rows = (region->cells_count + MAP_COLUMNS - 1) / MAP_COLUMNS;
        char text[CLI_UNIT_NBYTES];
        if (rows == 0)
            continue;
        cli_out_format(out, "<h3>%s <span class=\"dim\">%s",
                       act_section_name(region->residency.region),
                       cli_bytes_text(text, region->residency.nbytes));
        cli_out_format(out, ", %.1f %% in memory</span></h3>\n",
                       cli_percent(region->residency.cached.nbytes, region->residency.nbytes));
        cli_out_format(out,
                       "<svg viewBox=\"0 0 %d %zu\" role=\"img\" aria-label=\"What of the %s "
                       "is in memory\">\n",
                       MAP_COLUMNS * MAP_CELL, rows * MAP_CELL,
                       act_section_name(region->residency.region));
        for (size_t j = 0; j < region->cells_count; j++)
            print_cell(out, &resident->cells[region->first_cell + j], j % MAP_COLUMNS,
                       j / MAP_COLUMNS);
        cli_out_text(out, "</svg>\n");
    }
}

static void print_part_map(struct cli_out *out, const struct cli_resident *part)
{
    if (!part->cells_count)
        return;
    cli_out_text(out, "<h3>Part <code>");
    cli_html_bytes(out, part->name, strlen(part->name));
    cli_out_text(out, "</code>, keys from <code>\"");
    cli_html_bytes(out, part->from, part->from_nbytes);
    if (part->to) {
        cli_out_text(out, "\"</code> up to <code>\"");
        cli_html_bytes(out, part->to, part->to_nbytes);
    }
    cli_out_text(out, "\"</code></h3>\n");
    print_map(out, part);
}

static void print_prefixes(struct cli_out *out, const struct cli_resident *resident)
{
    static const char *const heads[] = {"prefix", "bytes in memory", "nodes", "nodes missing"};
    char text[CLI_UNIT_NBYTES];
    if (resident->prefixes_count == 0)
        return;
    cli_out_text(out, "<h3>Prefixes with the most in memory</h3>\n");
    cli_html_table_begin(out, heads, 4, 3);
    for (size_t i = 0; i < resident->prefixes_count; i++) {
        const act_prefix_residency *prefix = &resident->prefixes[i];
        cli_out_text(out, "<tr><td><code>");
        cli_html_bytes(out, prefix->prefix, prefix->prefix_nbytes);
        cli_out_format(out, "</code>%s</td><td class=\"r\">%s</td>",
                       prefix->rest ? " <span class=\"dim\">and the rest of it</span>" : "",
                       cli_bytes_text(text, prefix->cached_nbytes));
        cli_out_format(out, "<td class=\"r\">%s</td>", cli_count_text(text, prefix->nodes));
        cli_out_format(out, "<td class=\"r\">%s</td></tr>\n",
                       cli_count_text(text, prefix->missing));
    }
    cli_html_table_end(out);
}

static void print_residency(struct cli_out *out, const struct cli_page *page)
{
    const struct cli_resident *resident = page->resident;
    cli_out_text(out, "<h2>What of it is in memory</h2>\n");
    if (!resident->totals.cached.known) {
        cli_out_text(out, "<p>The system does not tell, or the file is small and was read as a "
                          "whole.</p>\n");
        return;
    }
    cli_out_format(out,
                   "<p>As it was before this report measured anything; each spot stands for "
                   "some %.0f pages, and is the stronger the more of them are there. Point at one "
                   "to see what it holds.</p>\n",
                   (double)cli_resident_spot_nbytes(resident) /
                       (double)resident->totals.page_nbytes);
    cli_out_text(out, "<div class=\"legend\"><span><i class=\"ka\"></i>in memory</span>"
                      "<span><i class=\"k0\"></i>not in memory</span></div>\n");
    print_map(out, resident);
    for (size_t i = 0; i < resident->parts_count; i++)
        print_part_map(out, &resident->parts[i]);
    print_prefixes(out, resident);
}

void cli_page_print(struct cli_out *out, const struct cli_page *page)
{
    cli_html_begin(out, page->name);
    print_head(out, page);
    if (page->profile) {
        cli_out_text(out, "<p class=\"dim\">Query log: <code>");
        cli_html_bytes(out, page->log_name, strlen(page->log_name));
        cli_out_text(out, "</code></p>\n");
        cli_page_print_profile(out, page->profile);
    }
    if (page->parts)
        cli_page_print_parts(out, page);
    print_residency(out, page);
    print_shape(out, page);
    print_sizes(out, page);
    cli_html_end(out);
}
