/* The picture: a page of spots, each with its offset and its keys to be seen under the mouse. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "html.h"
#include "resident.h"
#include "units.h"

enum {
    COLUMNS = 128,
    SPOT = 8, /* from one to the next; drawn one less wide */
    MARGIN = 32,
    LABELS = 160, /* the column with the names of regions */
    WIDTH = 2 * MARGIN + LABELS + COLUMNS * SPOT,
    HEAD = 138, /* down to where the spots begin */
    GAP = 14,   /* between regions */
    PART = 44,  /* the heading of a part */
    REGION_MIN = 34,
    ROW = 19, /* of tables */
    TABLE_HEAD = 46,
    BAR_WIDTH = 150,
    PREFIX_CHARS = 52,
    LEVEL_ROWS = 16,
    MIDDLE = MARGIN + 660 /* where the table of levels begins */
};

typedef unsigned long long ull; /* what %llu takes */

/* In the order of act_section: header, arena, pages, hot region, checksums, tail, merged. */
static const char *const colors[] = {"#64748b", "#1d6fa5", "#1d6fa5", "#d9650b",
                                     "#4d8b57", "#64748b", "#8457b5"};

/* ----------------------------------------------------------------------------------------- text
 */

/* Bytes, escaped or in hex, and cut after so many characters. */
static void put_bytes(struct cli_out *out, enum cli_keys keys, const uint8_t *bytes, size_t nbytes,
                      size_t chars_max)
{
    char text[CLI_KEY_TEXT_NBYTES_MAX];
    size_t used = 0;
    for (size_t i = 0; i < nbytes; i++) {
        size_t length = cli_key_encode(keys, bytes + i, 1, text);
        if (used + length > chars_max) {
            cli_out_text(out, "\u2026");
            return;
        }
        cli_html_text_of(out, text, length);
        used += length;
    }
}

static void put_name(struct cli_out *out, const char *name)
{
    put_bytes(out, CLI_KEYS_ESCAPED, (const uint8_t *)name, strlen(name), 90);
}

static void start_text(struct cli_out *out, const char *kind, int x, int y)
{
    cli_out_format(out, "<text class=\"%s\" x=\"%d\" y=\"%d\">", kind, x, y);
}

static void end_text(struct cli_out *out)
{
    cli_out_text(out, "</text>\n");
}

static void put_rect(struct cli_out *out, const char *kind, int x, int y, int width, int height)
{
    cli_out_format(out, "<rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"/>\n", kind,
                   x, y, width, height);
}

/* ---------------------------------------------------------------------------------------- spots
 */

static int rows_of(const struct cli_region *region)
{
    return (int)((region->cells_count + COLUMNS - 1) / COLUMNS);
}

static int height_of(const struct cli_region *region)
{
    int height = rows_of(region) * SPOT;
    return height < REGION_MIN ? REGION_MIN : height;
}

/* 0: nothing of it, 4: all. */
static unsigned shade(const struct cli_cell *cell)
{
    uint64_t whole = cell->end - cell->off;
    if (!cell->cached_nbytes)
        return 0;
    return cell->cached_nbytes >= whole ? 4 : 1 + (unsigned)(3 * cell->cached_nbytes / whole);
}

static void put_keys(struct cli_out *out, const struct cli_resident *resident,
                     const struct cli_cell *cell)
{
    if (!cell->named)
        return;
    bool one = cell->first_nbytes == cell->last_nbytes &&
               memcmp(cell->first, cell->last, cell->first_nbytes) == 0;
    cli_out_text(out, "\n");
    put_bytes(out, resident->keys, cell->first, cell->first_nbytes, PREFIX_CHARS);
    if (cell->first_nbytes == CLI_CELL_PATH_NBYTES)
        cli_out_text(out, "\u2026");
    if (one)
        return;
    cli_out_text(out, " to ");
    put_bytes(out, resident->keys, cell->last, cell->last_nbytes, PREFIX_CHARS);
    if (cell->last_nbytes == CLI_CELL_PATH_NBYTES)
        cli_out_text(out, "\u2026");
}

static void put_cell(struct cli_out *out, const struct cli_resident *resident,
                     const struct cli_region *region, const struct cli_cell *cell, int x, int y)
{
    char size[CLI_UNIT_NBYTES];
    cli_out_format(out, "<rect class=\"s%u\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"><title>",
                   shade(cell), x, y, SPOT - 1, SPOT - 1);
    if (resident->own_name) {
        put_name(out, resident->name);
        cli_out_text(out, ", ");
    }
    cli_out_format(out, "offset %llu, %s: %s, %.0f %% in memory", (ull)cell->off,
                   act_section_name(region->residency.region),
                   cli_bytes_text(size, cell->end - cell->off),
                   cli_percent(cell->cached_nbytes, cell->end - cell->off));
    put_keys(out, resident, cell);
    cli_out_text(out, "</title></rect>\n");
}

static void put_region(struct cli_out *out, const struct cli_resident *resident,
                       const struct cli_region *region, int y)
{
    char size[CLI_UNIT_NBYTES];
    const act_section_residency *residency = &region->residency;
    start_text(out, "name", MARGIN, y + 11);
    cli_out_text(out, act_section_name(residency->region));
    end_text(out);
    start_text(out, "note", MARGIN, y + 27);
    cli_out_text(out, cli_bytes_text(size, residency->nbytes));
    if (residency->cached.known)
        cli_out_format(out, ", %.1f %%", cli_percent(residency->cached.nbytes, residency->nbytes));
    end_text(out);
    cli_out_format(out, "<g fill=\"%s\">\n", colors[residency->region]);
    for (size_t i = 0; i < region->cells_count; i++)
        put_cell(out, resident, region, &resident->cells[region->first_cell + i],
                 MARGIN + LABELS + (int)(i % COLUMNS) * SPOT, y + (int)(i / COLUMNS) * SPOT);
    cli_out_text(out, "</g>\n");
}

static bool has_regions(const struct cli_resident *file)
{
    return file->cells_count > 0;
}

static int regions_height(const struct cli_resident *file)
{
    int height = 0;
    for (size_t i = 0; i < file->regions_count && has_regions(file); i++)
        height += height_of(&file->regions[i]) + GAP;
    return height;
}

static void put_regions(struct cli_out *out, const struct cli_resident *file, int y)
{
    for (size_t i = 0; i < file->regions_count && has_regions(file); i++) {
        put_region(out, file, &file->regions[i], y);
        y += height_of(&file->regions[i]) + GAP;
    }
}

/* The name of a part, the range of its keys, and how much of it is there. */
static void put_part(struct cli_out *out, const struct cli_resident *part, int y)
{
    char size[CLI_UNIT_NBYTES];
    const act_residency_totals *totals = &part->totals;
    start_text(out, "head", MARGIN, y + 14);
    put_name(out, part->name);
    end_text(out);
    start_text(out, "note", MARGIN, y + 32);
    cli_out_text(out, cli_bytes_text(size, totals->file_nbytes));
    if (totals->cached.known)
        cli_out_format(out, ", %.1f %% in memory",
                       cli_percent(totals->cached.nbytes, totals->pages * totals->page_nbytes));
    else
        cli_out_text(out, totals->mapped ? ", nobody tells what of it is in memory"
                                         : ", read into memory as a whole");
    cli_out_text(out, "; keys from \"");
    put_bytes(out, part->keys, part->from, part->from_nbytes, PREFIX_CHARS);
    cli_out_text(out, part->to ? "\" up to \"" : "\"");
    if (part->to) {
        put_bytes(out, part->keys, part->to, part->to_nbytes, PREFIX_CHARS);
        cli_out_text(out, "\"");
    }
    end_text(out);
}

/* ----------------------------------------------------------------------------------------- head
 */

static void put_legend(struct cli_out *out, const struct cli_resident *resident)
{
    static const char *const names[] = {"none", "", "", "", "all"};
    char size[CLI_UNIT_NBYTES];
    int x = MARGIN + LABELS;
    int y = HEAD - 26;
    cli_out_format(out, "<g fill=\"%s\">\n", colors[ACT_SECTION_PAGES]);
    for (unsigned i = 0; i < 5; i++) {
        char kind[8];
        snprintf(kind, sizeof(kind), "s%u", i);
        put_rect(out, kind, x + (int)i * SPOT, y, SPOT - 1, SPOT - 1);
    }
    cli_out_text(out, "</g>\n");
    start_text(out, "note", x + 5 * SPOT + 8, y + 8);
    cli_out_format(out, "%s to %s of a spot in memory; a spot is %s of %s file", names[0], names[4],
                   cli_bytes_text(size, cli_resident_spot_nbytes(resident)),
                   resident->parts ? "a" : "the");
    end_text(out);
}

static void put_head(struct cli_out *out, const struct cli_resident *resident)
{
    const act_residency_totals *totals = &resident->totals;
    char cached[CLI_UNIT_NBYTES];
    char whole[CLI_UNIT_NBYTES];
    int bar = WIDTH - 2 * MARGIN - LABELS;
    start_text(out, "title", MARGIN, 46);
    put_name(out, resident->name);
    end_text(out);
    if (!totals->cached.known) {
        start_text(out, "name", MARGIN, 74);
        cli_out_format(out, "%s; %s", cli_bytes_text(whole, totals->file_nbytes),
                       totals->mapped ? "nobody tells which of its pages are in memory"
                                      : "read into memory as a whole");
        end_text(out);
        return;
    }
    uint64_t cached_nbytes = totals->cached.nbytes < totals->file_nbytes ? totals->cached.nbytes
                                                                         : totals->file_nbytes;
    start_text(out, "figure", MARGIN, 90);
    cli_out_format(out, "%.1f %%", cli_percent(cached_nbytes, totals->file_nbytes));
    end_text(out);
    start_text(out, "name", MARGIN + LABELS, 74);
    cli_out_format(out, "%s of %s in memory%s", cli_bytes_text(cached, cached_nbytes),
                   cli_bytes_text(whole, totals->file_nbytes),
                   totals->source == ACT_RESIDENCY_PAGEMAP
                       ? ", at least: it is a file of others, and what this process has is known"
                       : "");
    end_text(out);
    put_rect(out, "s0", MARGIN + LABELS, 82, bar, 8);
    put_rect(out, "bar", MARGIN + LABELS, 82,
             (int)((double)cached_nbytes / (double)totals->file_nbytes * bar + 0.5), 8);
    put_legend(out, resident);
}

/* --------------------------------------------------------------------------------------- tables
 */

static void put_prefixes(struct cli_out *out, const struct cli_resident *resident, int y)
{
    char size[CLI_UNIT_NBYTES];
    uint64_t most = resident->prefixes_count ? resident->prefixes[0].cached_nbytes : 0;
    start_text(out, "head", MARGIN, y + 18);
    cli_out_text(out, "Prefixes with most bytes in memory");
    end_text(out);
    for (size_t i = 0; i < resident->prefixes_count; i++) {
        const act_prefix_residency *prefix = &resident->prefixes[i];
        int at = y + TABLE_HEAD + (int)i * ROW;
        int width = most ? (int)((double)prefix->cached_nbytes / (double)most * BAR_WIDTH) : 0;
        put_rect(out, "s0", MARGIN, at - 10, BAR_WIDTH, 11);
        put_rect(out, prefix->missing ? "part" : "bar", MARGIN, at - 10, width ? width : 1, 11);
        start_text(out, "number", MARGIN + BAR_WIDTH + 76, at);
        cli_out_text(out, cli_bytes_text(size, prefix->cached_nbytes));
        end_text(out);
        start_text(out, "key", MARGIN + BAR_WIDTH + 90, at);
        put_bytes(out, resident->keys, prefix->prefix, prefix->prefix_nbytes, PREFIX_CHARS);
        cli_out_text(out, !prefix->rest           ? ""
                          : prefix->prefix_nbytes ? " (the rest)"
                                                  : "(the rest)");
        end_text(out);
    }
    start_text(out, "note", MARGIN, y + TABLE_HEAD + (int)resident->prefixes_count * ROW + 4);
    cli_out_text(out, "Dark: all below the prefix is in memory. Light: some of it is missing.");
    if (cli_resident_is_cut_off(resident))
        cli_out_format(out, " (%s in all: to the rest no way leads.)",
                       cli_bytes_text(size, resident->walk.nbytes));
    end_text(out);
}

static int level_rows(const act_residency_walk *walk, size_t *width_ret)
{
    size_t levels = walk->depth_max < ACT_DEPTH_BUCKETS - 1 ? (size_t)walk->depth_max + 1
                                                            : ACT_DEPTH_BUCKETS;
    *width_ret = (levels + LEVEL_ROWS - 1) / LEVEL_ROWS;
    return (int)((levels + *width_ret - 1) / *width_ret);
}

static void put_level(struct cli_out *out, const act_residency_walk *walk, size_t first,
                      size_t width, int y)
{
    uint64_t nodes = 0, missing = 0;
    char there[CLI_UNIT_NBYTES];
    char absent[CLI_UNIT_NBYTES];
    for (size_t i = first; i < first + width && i < ACT_DEPTH_BUCKETS; i++) {
        nodes += walk->levels[i].nodes;
        missing += walk->levels[i].missing;
    }
    double share = nodes + missing ? (double)nodes / (double)(nodes + missing) : 0;
    start_text(out, "number", MIDDLE + 48, y);
    if (width == 1)
        cli_out_format(out, "%zu", first);
    else
        cli_out_format(out, "%zu\u2013%zu", first, first + width - 1);
    end_text(out);
    put_rect(out, "s0", MIDDLE + 60, y - 10, BAR_WIDTH, 11);
    put_rect(out, missing ? "part" : "bar", MIDDLE + 60, y - 10, (int)(share * BAR_WIDTH + 0.5),
             11);
    start_text(out, "number", MIDDLE + 310, y);
    cli_out_text(out, cli_count_text(there, nodes));
    end_text(out);
    start_text(out, "number", MIDDLE + 410, y);
    cli_out_text(out, cli_count_text(absent, missing));
    end_text(out);
}

static void put_levels(struct cli_out *out, const act_residency_walk *walk, int y)
{
    size_t width;
    int rows = level_rows(walk, &width);
    start_text(out, "head", MIDDLE, y + 18);
    cli_out_text(out, "Nodes by level of the tree");
    end_text(out);
    start_text(out, "number", MIDDLE + 310, y + 18);
    cli_out_text(out, "in memory");
    end_text(out);
    start_text(out, "number", MIDDLE + 410, y + 18);
    cli_out_text(out, "missing");
    end_text(out);
    for (int i = 0; i < rows; i++)
        put_level(out, walk, (size_t)i * width, width, y + TABLE_HEAD + i * ROW);
    start_text(out, "note", MIDDLE, y + TABLE_HEAD + rows * ROW + 4);
    cli_out_format(out, "Missing: not in memory, with a parent that is.%s%s",
                   walk->sampled > 1 ? " Estimated from a sample." : "",
                   walk->complete ? "" : " Not all was looked at.");
    end_text(out);
}

/* ------------------------------------------------------------------------------------- together
 */

static int tables_height(const struct cli_resident *resident)
{
    size_t width;
    int rows = level_rows(&resident->walk, &width);
    if (!resident->walked)
        return 0;
    if ((int)resident->prefixes_count > rows)
        rows = (int)resident->prefixes_count;
    return TABLE_HEAD + rows * ROW + 30;
}

static void put_style(struct cli_out *out)
{
    cli_out_text(
        out, "<style>\n"
             "text{font-family:system-ui,\"Segoe UI\",\"DejaVu Sans\",sans-serif;fill:#1f2937}\n"
             ".title{font-size:22px;font-weight:600}.figure{font-size:28px;font-weight:600}\n"
             ".head{font-size:15px;font-weight:600}.name{font-size:14px}\n"
             ".note,.number{font-size:12px;fill:#64748b}.number{text-anchor:end}\n"
             ".key{font-size:12px;font-family:ui-monospace,\"DejaVu Sans Mono\",monospace}\n"
             ".paper{fill:#fff}.bar{fill:#1d6fa5}.part{fill:#7fb2d3}\n"
             ".s0{fill:#e8ecf0}.s1{fill-opacity:.35}.s2{fill-opacity:.55}.s3{fill-opacity:.75}\n"
             "rect:hover{stroke:#111827;stroke-width:1.5}\n"
             "</style>\n");
}

void cli_resident_svg(struct cli_out *out, const struct cli_resident *resident)
{
    int y = HEAD;
    int height = HEAD + MARGIN + tables_height(resident) + regions_height(resident);
    for (size_t i = 0; i < resident->parts_count; i++)
        height += PART + regions_height(&resident->parts[i]);
    cli_out_format(out,
                   "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
                   "viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"What is in memory\">\n",
                   WIDTH, height, WIDTH, height);
    put_style(out);
    put_rect(out, "paper", 0, 0, WIDTH, height);
    put_head(out, resident);
    put_regions(out, resident, y);
    y += regions_height(resident);
    for (size_t i = 0; i < resident->parts_count; i++) {
        const struct cli_resident *part = &resident->parts[i];
        put_part(out, part, y);
        put_regions(out, part, y + PART);
        y += PART + regions_height(part);
    }
    if (resident->walked) {
        put_prefixes(out, resident, y);
        put_levels(out, &resident->walk, y);
    }
    cli_out_text(out, "</svg>\n");
}

void cli_resident_html(struct cli_out *out, const struct cli_resident *resident)
{
    cli_out_text(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                      "<meta name=\"viewport\" content=\"width=device-width\">\n<title>");
    put_name(out, resident->name);
    cli_out_text(out, ": what is in memory</title>\n"
                      "<style>\n"
                      "body{margin:0;background:#f3f5f7;color:#1f2937}\n"
                      "main{max-width:1240px;margin:24px auto 64px}\n"
                      "main{overflow-x:auto}"
                      "main>svg{width:100%;min-width:980px;height:auto;border-radius:8px;"
                      "box-shadow:0 1px 4px #0002}\n"
                      "#spot{position:fixed;left:0;right:0;bottom:0;min-height:20px;margin:0;"
                      "padding:10px 24px;background:#1f2937;color:#f9fafb;"
                      "font:13px ui-monospace,monospace;white-space:pre-wrap}\n"
                      "</style>\n</head>\n<body>\n<main>\n");
    cli_resident_svg(out, resident);
    cli_out_text(out, "</main>\n<p id=\"spot\">Point at a spot: its offset, and the keys in "
                      "it.</p>\n"
                      "<script>\n"
                      "const spot = document.getElementById(\"spot\");\n"
                      "document.querySelector(\"svg\").addEventListener(\"mouseover\", event => {\n"
                      "  const title = event.target.querySelector &&\n"
                      "    event.target.tagName === \"rect\" && "
                      "event.target.querySelector(\"title\");\n"
                      "  if (title) spot.textContent = title.textContent;\n"
                      "});\n"
                      "</script>\n</body>\n</html>\n");
}
