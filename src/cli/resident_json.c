#include <stdlib.h>

#include "report.h"
#include "resident.h"

static void put_amount(json_t *object, const char *name, act_amount amount)
{
    if (amount.known)
        cli_report_u64(object, name, amount.nbytes);
    else
        cli_report_null(object, name);
}

static void put_totals(json_t *report, const act_residency_totals *totals)
{
    cli_report_u64(report, "file_bytes", totals->file_nbytes);
    cli_report_u64(report, "page_bytes", totals->page_nbytes);
    cli_report_u64(report, "pages", totals->pages);
    cli_report_bool(report, "mapped", totals->mapped);
    cli_report_text(report, "source", cli_source_name(totals->source));
    put_amount(report, "cached_bytes", totals->cached);
    put_amount(report, "present_bytes", totals->present);
    put_amount(report, "rss_bytes", totals->rss);
    put_amount(report, "pss_bytes", totals->pss);
    put_amount(report, "locked_bytes", totals->locked);
    put_amount(report, "huge_bytes", totals->huge);
    put_amount(report, "swapped_bytes", totals->swapped);
    put_amount(report, "dirty_bytes", totals->dirty);
    put_amount(report, "writeback_bytes", totals->writeback);
    put_amount(report, "evicted_bytes", totals->evicted);
    put_amount(report, "recently_evicted_bytes", totals->evicted_recently);
}

static void put_regions(json_t *report, const struct cli_resident *resident)
{
    json_t *regions = cli_report_array(report, "regions");
    for (size_t i = 0; i < resident->regions_count; i++) {
        const act_section_residency *region = &resident->regions[i].residency;
        json_t *item = cli_report_item(regions);
        cli_report_text(item, "name", act_section_name(region->region));
        if (!resident->parts)
            cli_report_u64(item, "offset", region->off);
        cli_report_u64(item, "bytes", region->nbytes);
        put_amount(item, "cached_bytes", region->cached);
        put_amount(item, "present_bytes", region->present);
    }
}

static void put_prefixes(json_t *report, const struct cli_resident *resident)
{
    json_t *prefixes = cli_report_array(report, "prefixes");
    for (size_t i = 0; i < resident->prefixes_count; i++) {
        const act_prefix_residency *prefix = &resident->prefixes[i];
        json_t *item = cli_report_item(prefixes);
        char *text = malloc(prefix->prefix_nbytes * CLI_KEY_TEXT_NBYTES_MAX + 1);
        if (text)
            text[cli_key_encode(resident->keys, prefix->prefix, prefix->prefix_nbytes, text)] =
                '\0';
        cli_report_text(item, "prefix", text ? text : "");
        free(text);
        cli_report_u64(item, "cached_bytes", prefix->cached_nbytes);
        cli_report_u64(item, "nodes", prefix->nodes);
        cli_report_u64(item, "missing", prefix->missing);
        cli_report_bool(item, "rest", prefix->rest);
    }
}

static void put_tree(json_t *report, const struct cli_resident *resident)
{
    const act_residency_walk *walk = &resident->walk;
    if (!resident->walked) {
        cli_report_null(report, "tree");
        return;
    }
    json_t *tree = cli_report_object(report, "tree");
    cli_report_u64(tree, "nodes", walk->nodes);
    cli_report_u64(tree, "bytes", walk->nbytes);
    cli_report_u64(tree, "missing", walk->missing);
    cli_report_u64(tree, "one_page_of", walk->sampled);
    cli_report_bool(tree, "complete", walk->complete);
}

static void put_walk(json_t *report, const struct cli_resident *resident)
{
    const act_residency_walk *walk = &resident->walk;
    put_tree(report, resident);
    if (!resident->walked)
        return;
    json_t *levels = cli_report_array(report, "levels");
    for (size_t i = 0; i <= walk->depth_max && i < ACT_DEPTH_BUCKETS; i++) {
        json_t *item = cli_report_item(levels);
        cli_report_u64(item, "nodes", walk->levels[i].nodes);
        cli_report_u64(item, "bytes", walk->levels[i].nbytes);
        cli_report_u64(item, "missing", walk->levels[i].missing);
    }
    put_prefixes(report, resident);
}

static void put_part(json_t *item, const struct cli_resident *part)
{
    cli_report_text(item, "file", part->name);
    cli_report_key(item, "from", part->from, part->from_nbytes);
    if (part->to)
        cli_report_key(item, "to", part->to, part->to_nbytes);
    else
        cli_report_null(item, "to");
    put_totals(item, &part->totals);
    put_regions(item, part);
    put_tree(item, part);
}

int cli_resident_json(struct cli_out *out, const struct cli_resident *resident)
{
    json_t *report = json_object();
    cli_report_text(report, "file", resident->name);
    put_totals(report, &resident->totals);
    if (resident->parts) {
        json_t *parts = cli_report_array(report, "parts");
        for (size_t i = 0; i < resident->parts_count; i++)
            put_part(cli_report_item(parts), &resident->parts[i]);
    }
    put_regions(report, resident);
    put_walk(report, resident);
    return cli_report_print(out, report);
}
