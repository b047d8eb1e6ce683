#include "page_set.h"

#include <stdlib.h>
#include <string.h>

#include "html.h"
#include "message.h"
#include "progress.h"
#include "units.h"

/* Numbers of keys and of ways may be more than a u64 holds: they stay at the most. */
static void add(uint64_t *sum, uint64_t number)
{
    *sum = number > UINT64_MAX - *sum ? UINT64_MAX : *sum + number;
}

static void take_most(uint64_t *most, uint64_t number)
{
    if (*most < number)
        *most = number;
}

static void add_info(act_map_info *sum, const act_map_info *part)
{
    add(&sum->keys, part->keys);
    add(&sum->key_nbytes, part->key_nbytes);
    add(&sum->dangling_paths, part->dangling_paths);
    take_most(&sum->key_nbytes_longest, part->key_nbytes_longest);
    take_most(&sum->node_depth_max, part->node_depth_max);
    sum->shared |= part->shared;
    sum->branch_nodes += part->branch_nodes;
    sum->leaf_nodes += part->leaf_nodes;
    sum->line_nodes += part->line_nodes;
    sum->lines += part->lines;
    sum->header_nbytes += part->header_nbytes;
    sum->branch_nbytes += part->branch_nbytes;
    sum->leaf_nbytes += part->leaf_nbytes;
    sum->line_node_nbytes += part->line_node_nbytes;
    sum->line_data_nbytes += part->line_data_nbytes;
    sum->jump_nbytes += part->jump_nbytes;
    sum->index_nbytes += part->index_nbytes;
    sum->unreferenced_nbytes += part->unreferenced_nbytes;
    sum->tail_nbytes += part->tail_nbytes;
    sum->value_nbytes += part->value_nbytes;
    for (size_t i = 0; i < ACT_DEPTH_BUCKETS; i++)
        add(&sum->node_depth[i], part->node_depth[i]);
    for (size_t i = 0; i < ACT_FAN_OUT_BUCKETS; i++)
        add(&sum->fan_out[i], part->fan_out[i]);
}

static void add_stat(struct cli_page *page, const act_map *map, bool is_first)
{
    act_map_stat stat;
    act_map_get_stat(map, &stat);
    page->stat.file_nbytes += stat.file_nbytes;
    page->stat.merged |= stat.merged;
    /* Of several layouts the first part's is told. */
    if (is_first)
        page->stat.layout = stat.layout;
}

static act_status add_part(const act_map *map, struct cli_page *page, struct cli_progress *progress,
                           act_error *error)
{
    act_map_info info;
    act_status status = act_map_get_info(map, cli_progress_tell, progress, &info, error);
    if (status == ACT_OK)
        add_info(&page->info, &info);
    return status;
}

static act_status look_at_parts(const struct cli_map *map, struct cli_page *page,
                                struct cli_progress *progress, act_error *error)
{
    act_status status = ACT_OK;
    for (size_t i = 0; i < page->resident->parts_count && status == ACT_OK; i++) {
        act_map *part_map;
        status = act_set_part_open(map->set, i, &part_map, error);
        if (status != ACT_OK)
            return status;
        add_stat(page, part_map, i == 0);
        status = add_part(part_map, page, progress, error);
        act_set_part_release(map->set, i);
    }
    return status;
}

int cli_page_look_at_set(struct cli_call *call, const struct cli_map *map, struct cli_page *page)
{
    struct cli_progress progress;
    act_error error;
    size_t count = page->resident->parts_count;
    page->parts = calloc(count, sizeof(*page->parts));
    if (!page->parts)
        return cli_fail_nomem();
    for (size_t i = 0; i < count; i++) {
        act_set_part told;
        if (act_set_get_part(map->set, i, &told, &error) != ACT_OK)
            return cli_fail(map->name, &error);
        page->parts[i].keys = told.content.entries;
    }
    cli_progress_start(&progress, call->options.progress, "counting", "B");
    act_status status = look_at_parts(map, page, &progress, &error);
    cli_progress_end(&progress);
    return status == ACT_OK ? CLI_DONE : cli_fail(map->name, &error);
}

void cli_page_free_set(struct cli_page *page)
{
    free(page->parts);
    page->parts = NULL;
}

void cli_page_print_parts(struct cli_out *out, const struct cli_page *page)
{
    static const char *const heads[] = {"part", "keys", "size", "in memory", "of it"};
    char text[CLI_UNIT_NBYTES];
    cli_out_text(out, "<h2>Parts</h2>\n");
    cli_html_table_begin(out, heads, 5, 4);
    for (size_t i = 0; i < page->resident->parts_count; i++) {
        const struct cli_resident *part = &page->resident->parts[i];
        const act_residency_totals *totals = &part->totals;
        cli_out_text(out, "<tr><td><code>");
        cli_html_bytes(out, part->name, strlen(part->name));
        cli_out_format(out, "</code></td><td class=\"r\">%s</td>",
                       cli_count_text(text, page->parts[i].keys));
        cli_out_format(out, "<td class=\"r\">%s</td>", cli_bytes_text(text, totals->file_nbytes));
        if (totals->cached.known)
            cli_out_format(out, "<td class=\"r\">%s</td><td class=\"r\">%.1f %%</td></tr>\n",
                           cli_bytes_text(text, totals->cached.nbytes),
                           cli_percent(totals->cached.nbytes, totals->pages * totals->page_nbytes));
        else
            cli_out_format(out, "<td class=\"r\">%s</td><td class=\"r\"></td></tr>\n",
                           totals->mapped ? "unknown" : "read");
    }
    cli_html_table_end(out);
}
