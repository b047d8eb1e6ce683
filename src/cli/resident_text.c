/* The report for people: a map of the file, tables. */
#define _POSIX_C_SOURCE 200809L

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "message.h"
#include "resident.h"
#include "units.h"

enum {
    MAP_COLUMNS = 64,
    BAR_COLUMNS = 24,
    LEVEL_ROWS = 12,
    PREFIX_COLUMNS = 48
};

/* How the terminal is written to. */
struct style {
    struct cli_out *out;
    bool utf8;
    bool color;
};

static struct style style_of(struct cli_out *out)
{
    struct style style = {out, false, false};
    const char *names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    const char *locale = NULL;
    for (size_t i = 0; i < 3 && (!locale || !*locale); i++)
        locale = getenv(names[i]);
    style.utf8 = locale && (strstr(locale, "UTF-8") || strstr(locale, "utf8"));
    const char *no_color = getenv("NO_COLOR");
    const char *term = getenv("TERM");
    style.color = isatty(out->fd) == 1 && !(no_color && *no_color) &&
                  !(term && strcmp(term, "dumb") == 0);
    return style;
}

/* In the order of act_section. */
static const char *const colors[] = {"\033[90m", "\033[34m", "\033[36m", "\033[33m",
                                     "\033[32m", "\033[90m", "\033[35m"};

static void set_color(const struct style *style, const char *color)
{
    if (style->color)
        cli_out_text(style->out, color);
}

/* A spot: nothing, up to a third, two thirds, less than all, all. */
static const char *shade(const struct style *style, uint64_t part, uint64_t whole)
{
    static const char *const ascii[] = {".", "-", "+", "*", "#"};
    static const char *const blocks[] = {"\u00b7", "\u2591", "\u2592", "\u2593", "\u2588"};
    size_t level = part == 0 ? 0 : part >= whole ? 4 : 1 + (size_t)(3 * part / whole);
    return (style->utf8 ? blocks : ascii)[level];
}

static void print_bar(const struct style *style, uint64_t part, uint64_t whole)
{
    size_t columns = whole ? (size_t)((double)part / (double)whole * BAR_COLUMNS + 0.5) : 0;
    for (size_t i = 0; i < columns; i++)
        cli_out_text(style->out, style->utf8 ? "\u2588" : "#");
    if (!columns && part)
        cli_out_text(style->out, style->utf8 ? "\u258f" : ".");
}

static const char *amount_text(char text[CLI_UNIT_NBYTES], act_amount amount)
{
    if (amount.known)
        return cli_bytes_text(text, amount.nbytes);
    snprintf(text, CLI_UNIT_NBYTES, "unknown");
    return text;
}

/* ------------------------------------------------------------------------------------ the head
 */

static void print_amount(const struct style *style, const char *name, act_amount amount,
                         uint64_t whole, const char *note)
{
    char text[CLI_UNIT_NBYTES];
    cli_out_format(style->out, "  %-16s %12s", name, amount_text(text, amount));
    if (amount.known && whole)
        cli_out_format(style->out, "  %5.1f %%", cli_percent(amount.nbytes, whole));
    cli_out_format(style->out, "%s%s\n", *note ? "  " : "", note);
}

/* A figure that is hardly ever anything but 0. */
static void print_rare(const struct style *style, const char *name, act_amount amount,
                       const char *note)
{
    if (amount.known && amount.nbytes)
        print_amount(style, name, amount, 0, note);
}

static void print_totals(const struct style *style, const struct cli_resident *resident)
{
    const act_residency_totals *totals = &resident->totals;
    uint64_t spanned = totals->pages * totals->page_nbytes;
    char text[CLI_UNIT_NBYTES];
    char source[64] = "";
    cli_out_format(style->out, "%s\n  %-16s %12s", resident->name, "size",
                   cli_bytes_text(text, totals->file_nbytes));
    if (resident->parts)
        cli_out_format(style->out, "  in parts: %s", cli_count_text(text, resident->parts_count));
    cli_out_text(style->out, "\n");
    if (!totals->mapped)
        cli_out_text(style->out, "  read into memory of this process; nothing of it is mapped\n");
    if (resident->unmapped_parts)
        cli_out_format(style->out,
                       "  (parts that are small and read into memory, not mapped, and not in the "
                       "following: %s)\n",
                       cli_count_text(text, resident->unmapped_parts));
    if (totals->cached.known)
        snprintf(source, sizeof(source), "%s%s",
                 totals->source == ACT_RESIDENCY_PAGEMAP ? "at least, " : "says ",
                 totals->source == ACT_RESIDENCY_PAGEMAP ? "what this process has mapped"
                                                         : cli_source_name(totals->source));
    if (totals->mapped)
        print_amount(style, "in memory", totals->cached, spanned, source);
    print_amount(style, "in this process", totals->present, spanned, "");
    print_rare(style, "locked", totals->locked, "");
    print_rare(style, "in huge pages", totals->huge, "");
    print_rare(style, "dirty", totals->dirty, "");
    print_rare(style, "being written", totals->writeback, "");
    print_rare(style, "evicted", totals->evicted, "was in memory, and had to go");
    print_rare(style, "lately", totals->evicted_recently, "of it: memory is short");
}

/* -------------------------------------------------------------------------------------- the map
 */

/* The regions whose first spot stands in a row, by name. */
static void print_names(const struct style *style, const struct cli_resident *resident,
                        size_t first_cell)
{
    for (size_t i = 0; i < resident->regions_count; i++) {
        const struct cli_region *region = &resident->regions[i];
        if (region->first_cell < first_cell || region->first_cell >= first_cell + MAP_COLUMNS)
            continue;
        set_color(style, colors[region->residency.region]);
        cli_out_format(style->out, "  %s", act_section_name(region->residency.region));
        set_color(style, "\033[0m");
    }
}

static void print_row(const struct style *style, const struct cli_resident *resident,
                      size_t first_cell)
{
    size_t end = first_cell + MAP_COLUMNS;
    size_t region = 0;
    cli_out_format(style->out, "  %10llx  ", (unsigned long long)resident->cells[first_cell].off);
    for (size_t i = first_cell; i < end; i++) {
        if (i >= resident->cells_count) {
            /* The names stand in one column, if there is more than one row. */
            cli_out_text(style->out, resident->cells_count > MAP_COLUMNS ? " " : "");
            continue;
        }
        const struct cli_cell *cell = &resident->cells[i];
        while (region + 1 < resident->regions_count &&
               resident->regions[region + 1].first_cell <= i)
            region++;
        set_color(style, colors[resident->regions[region].residency.region]);
        cli_out_text(style->out, shade(style, cell->cached_nbytes, cell->end - cell->off));
    }
    set_color(style, "\033[0m");
    print_names(style, resident, first_cell);
    cli_out_text(style->out, "\n");
}

static void print_legend(const struct style *style, const char *title, uint64_t most)
{
    char text[CLI_UNIT_NBYTES];
    cli_out_format(style->out, "\n%s (a spot: %s; %s none %s%s%s some %s all)\n", title,
                   cli_bytes_text(text, most), shade(style, 0, 9), shade(style, 1, 9),
                   shade(style, 4, 9), shade(style, 8, 9), shade(style, 9, 9));
}

static void print_rows(const struct style *style, const struct cli_resident *resident)
{
    for (size_t i = 0; i < resident->cells_count; i += MAP_COLUMNS)
        print_row(style, resident, i);
}

/* What it is, and the lowest key that it may have. */
static void print_part(const struct style *style, const struct cli_resident *part)
{
    char nbytes[CLI_UNIT_NBYTES];
    char cached[CLI_UNIT_NBYTES];
    char from[CLI_QUOTED_NBYTES];
    const act_residency_totals *totals = &part->totals;
    cli_out_format(style->out, "  %11s %12s", cli_bytes_text(nbytes, totals->file_nbytes),
                   totals->mapped ? amount_text(cached, totals->cached) : "all, read");
    if (totals->cached.known)
        cli_out_format(style->out, "  %5.1f %%",
                       cli_percent(totals->cached.nbytes, totals->pages * totals->page_nbytes));
    cli_out_text(style->out, "  ");
    cli_out_key(style->out, CLI_KEYS_ESCAPED, (const uint8_t *)part->name, strlen(part->name));
    cli_out_format(style->out, " from %s\n", cli_quote(from, part->from, part->from_nbytes));
}

static void print_map(const struct style *style, const struct cli_resident *resident)
{
    uint64_t most = cli_resident_spot_nbytes(resident);
    if (!resident->parts) {
        if (most)
            print_legend(style, "Map of the file", most);
        print_rows(style, resident);
        return;
    }
    if (most)
        print_legend(style, "Map of the parts", most);
    else
        cli_out_text(style->out, "\nBy part                 size    in memory\n");
    for (size_t i = 0; i < resident->parts_count; i++) {
        print_part(style, &resident->parts[i]);
        print_rows(style, &resident->parts[i]);
    }
}

/* --------------------------------------------------------------------------------------- tables
 */

static void print_regions(const struct style *style, const struct cli_resident *resident)
{
    char nbytes[CLI_UNIT_NBYTES];
    char cached[CLI_UNIT_NBYTES];
    cli_out_text(style->out, "\nBy region               size    in memory\n");
    for (size_t i = 0; i < resident->regions_count; i++) {
        const act_section_residency *region = &resident->regions[i].residency;
        cli_out_format(style->out, "  %-14s %11s %12s", act_section_name(region->region),
                       cli_bytes_text(nbytes, region->nbytes), amount_text(cached, region->cached));
        if (region->cached.known)
            cli_out_format(style->out, "  %5.1f %%%s",
                           cli_percent(region->cached.nbytes, region->nbytes),
                           region->cached.nbytes ? "  " : "");
        set_color(style, colors[region->region]);
        print_bar(style, region->cached.nbytes, region->nbytes);
        set_color(style, "\033[0m");
        cli_out_text(style->out, "\n");
    }
}

/* Levels together, so that there are not too many rows. */
static void print_levels(const struct style *style, const act_residency_walk *walk)
{
    size_t levels = walk->depth_max < ACT_DEPTH_BUCKETS - 1 ? (size_t)walk->depth_max + 1
                                                            : ACT_DEPTH_BUCKETS;
    size_t width = (levels + LEVEL_ROWS - 1) / LEVEL_ROWS;
    char there[CLI_UNIT_NBYTES];
    char missing[CLI_UNIT_NBYTES];
    char name[32];
    cli_out_text(style->out, "\nBy level (nodes above)  nodes in memory   known to be missing\n");
    for (size_t first = 0; first < levels; first += width) {
        size_t last = first + width - 1;
        uint64_t nodes = 0, absent = 0;
        for (size_t i = first; i <= last && i < ACT_DEPTH_BUCKETS; i++) {
            nodes += walk->levels[i].nodes;
            absent += walk->levels[i].missing;
        }
        if (last >= ACT_DEPTH_BUCKETS - 1)
            snprintf(name, sizeof(name), "%zu or more", first);
        else if (first == last)
            snprintf(name, sizeof(name), "%zu", first);
        else
            snprintf(name, sizeof(name), "%zu to %zu", first, last);
        cli_out_format(style->out, "  %-14s %22s %21s  ", name, cli_count_text(there, nodes),
                       cli_count_text(missing, absent));
        print_bar(style, nodes, nodes + absent);
        cli_out_text(style->out, "\n");
    }
}

static void print_prefix(const struct style *style, const struct cli_resident *resident,
                         const act_prefix_residency *prefix)
{
    char nbytes[CLI_UNIT_NBYTES];
    char missing[CLI_UNIT_NBYTES];
    char text[PREFIX_COLUMNS * CLI_KEY_TEXT_NBYTES_MAX];
    size_t kept = prefix->prefix_nbytes;
    bool cut = kept > PREFIX_COLUMNS;
    kept = cut ? PREFIX_COLUMNS : kept;
    size_t text_nbytes = cli_key_encode(resident->keys, prefix->prefix, kept, text);
    cli_out_format(style->out, "  %11s  %5.1f %%  %14s  ",
                   cli_bytes_text(nbytes, prefix->cached_nbytes),
                   cli_percent(prefix->cached_nbytes, resident->walk.nbytes),
                   prefix->missing ? cli_count_text(missing, prefix->missing) : "all there");
    cli_out_write(style->out, text, text_nbytes);
    cli_out_format(style->out, "%s%s\n", cut ? "..." : "",
                   !prefix->rest ? ""
                   : text_nbytes ? " (the rest)"
                                 : "(the rest)");
}

static void print_prefixes(const struct style *style, const struct cli_resident *resident)
{
    if (!resident->prefixes_count)
        return;
    cli_out_text(style->out, "\nBy prefix                  missing nodes  prefix\n");
    for (size_t i = 0; i < resident->prefixes_count; i++)
        print_prefix(style, resident, &resident->prefixes[i]);
    char nbytes[CLI_UNIT_NBYTES];
    if (cli_resident_is_cut_off(resident))
        cli_out_format(style->out,
                       "  (%s in all: to what else is in memory no way leads through memory)\n",
                       cli_bytes_text(nbytes, resident->walk.nbytes));
}

void cli_resident_text(struct cli_out *out, const struct cli_resident *resident)
{
    struct style style = style_of(out);
    print_totals(&style, resident);
    print_map(&style, resident);
    print_regions(&style, resident);
    if (!resident->walked)
        return;
    print_levels(&style, &resident->walk);
    if (resident->walk.sampled > 1)
        cli_out_format(out, "  (an estimate, from one page of %llu)\n",
                       (unsigned long long)resident->walk.sampled);
    if (!resident->walk.complete)
        cli_out_text(out, "  (not all: there are more nodes than were looked at)\n");
    print_prefixes(&style, resident);
}
