#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "info_paging.h"
#include "info_set.h"
#include "message.h"
#include "open.h"
#include "progress.h"
#include "report.h"
#include "units.h"

static const struct poptOption options[] = {
    CLI_OPTION_CONTENT, CLI_OPTION_JSON, CLI_OPTION_PROGRESS, CLI_OPTIONS_OPENING, CLI_OPTIONS_END};

#define BAR_NBYTES 40

struct facts {
    const char *name;
    act_map_stat stat;
    act_map_info info;
    act_map_paging paging;
    bool is_counted; /* `info` is there */
    bool has_digest;
    act_digest digest;
};

/* A kind of object: its name, how many there are (NO_COUNT: not counted), its bytes. */
#define NO_COUNT UINT64_MAX
struct kind {
    const char *name;
    uint64_t count;
    uint64_t nbytes;
};

#define KIND_COUNT 9

static void list_kinds(const struct facts *facts, struct kind kinds[KIND_COUNT])
{
    const act_map_info *info = &facts->info;
    const struct kind list[KIND_COUNT] = {
        {"header", NO_COUNT, info->header_nbytes},
        {"branch nodes", info->branch_nodes, info->branch_nbytes},
        {"leaf nodes", info->leaf_nodes, info->leaf_nbytes},
        {"line nodes", info->line_nodes, info->line_node_nbytes},
        {"line data", info->lines, info->line_data_nbytes},
        {"jump tables", NO_COUNT, info->jump_nbytes},
        {"index", NO_COUNT, info->index_nbytes},
        {"unreferenced", NO_COUNT, info->unreferenced_nbytes},
        {"tail", NO_COUNT, info->tail_nbytes},
    };
    memcpy(kinds, list, sizeof(list));
}

static double percent(uint64_t part, uint64_t whole)
{
    return whole ? 100.0 * (double)part / (double)whole : 0;
}

/* A bar of at most BAR_NBYTES; what is there at all is seen. */
static const char *bar(uint64_t part, uint64_t whole)
{
    static const char full[BAR_NBYTES + 1] = "########################################";
    size_t nbytes = whole ? (size_t)((double)part / (double)whole * BAR_NBYTES + 0.5) : 0;
    if (nbytes > BAR_NBYTES)
        nbytes = BAR_NBYTES;
    if (nbytes == 0 && part)
        return ".";
    return full + (BAR_NBYTES - nbytes);
}

static void print_count(struct cli_out *out, const char *name, uint64_t number, const char *more)
{
    char text[CLI_UNIT_NBYTES];
    cli_out_format(out, "  %-16s %20s%s\n", name, cli_count_text(text, number), more);
}

static void print_content(struct cli_out *out, const struct facts *facts)
{
    char content[CLI_DIGEST_TEXT_NBYTES];
    if (facts->has_digest)
        cli_out_format(out, "  %-16s %s\n", "content", cli_digest_text(content, &facts->digest));
}

static void print_keys(struct cli_out *out, const struct facts *facts)
{
    const act_map_info *info = &facts->info;
    /* They count to the end of u64 and stay there. */
    const char *or_more = info->keys == UINT64_MAX ? " or more" : "";
    cli_out_text(out, "\nKeys\n");
    print_count(out, "keys", info->keys, or_more);
    print_count(out, "bytes of keys", info->key_nbytes,
                info->key_nbytes == UINT64_MAX ? " or more" : "");
    print_count(out, "longest key", info->key_nbytes_longest, " bytes");
    print_count(out, "dangling paths", info->dangling_paths,
                info->dangling_paths == UINT64_MAX ? " or more" : "");
    if (info->keys && info->keys != UINT64_MAX)
        cli_out_format(out, "  %-16s %20.2f\n", "file bytes a key",
                       (double)facts->stat.file_nbytes / (double)info->keys);
    print_content(out, facts);
}

static void print_kinds(struct cli_out *out, const struct facts *facts)
{
    struct kind kinds[KIND_COUNT];
    char count[CLI_UNIT_NBYTES] = "";
    char nbytes[CLI_UNIT_NBYTES];
    uint64_t whole = facts->stat.file_nbytes;
    list_kinds(facts, kinds);
    cli_out_text(out, "\nBytes by kind           objects              bytes   share\n");
    for (size_t i = 0; i < KIND_COUNT; i++) {
        const struct kind *kind = &kinds[i];
        if (kind->count == NO_COUNT)
            count[0] = '\0';
        else
            cli_count_text(count, kind->count);
        cli_out_format(out, "  %-14s %14s %18s %6.2f%%%s%s\n", kind->name, count,
                       cli_count_text(nbytes, kind->nbytes), percent(kind->nbytes, whole),
                       kind->nbytes ? "  " : "", bar(kind->nbytes, whole));
    }
    cli_out_format(out, "  %-14s %14s %18s %6.2f%%\n", "(values)", "",
                   cli_count_text(nbytes, facts->info.value_nbytes),
                   percent(facts->info.value_nbytes, whole));
    cli_out_format(out, "  subtrees with several parents: %s\n",
                   facts->info.shared ? "yes" : "none");
}

struct bucket {
    char name[32];
    uint64_t count;
};

static void print_buckets(struct cli_out *out, const char *title, const struct bucket *buckets,
                          size_t count)
{
    uint64_t most = 0;
    char text[CLI_UNIT_NBYTES];
    for (size_t i = 0; i < count; i++)
        if (buckets[i].count > most)
            most = buckets[i].count;
    if (!most)
        return;
    cli_out_format(out, "\n%s\n", title);
    for (size_t i = 0; i < count; i++)
        if (buckets[i].count)
            cli_out_format(out, "  %14s %14s  %s\n", buckets[i].name,
                           cli_count_text(text, buckets[i].count), bar(buckets[i].count, most));
}

/* "4", or "4 to 7". */
static void name_bucket(struct bucket *bucket, size_t first, size_t last)
{
    if (first == last)
        snprintf(bucket->name, sizeof(bucket->name), "%zu", first);
    else
        snprintf(bucket->name, sizeof(bucket->name), "%zu to %zu", first, last);
}

/* Adds up numbers[first..last], of `count` there are. */
static void fill_bucket(struct bucket *bucket, const uint64_t *numbers, size_t count, size_t first,
                        size_t last)
{
    bucket->count = 0;
    for (size_t i = first; i <= last && i < count; i++)
        bucket->count += numbers[i];
}

static void print_depth(struct cli_out *out, const act_map_info *info)
{
    enum {
        ROWS_MAX = 16
    };
    struct bucket buckets[ROWS_MAX];
    const size_t last_depth = ACT_DEPTH_BUCKETS - 1;
    size_t depths = info->node_depth_max < last_depth ? (size_t)info->node_depth_max + 1
                                                      : ACT_DEPTH_BUCKETS;
    size_t width = (depths + ROWS_MAX - 1) / ROWS_MAX;
    size_t rows = 0;
    for (size_t first = 0; first < depths; first += width) {
        struct bucket *bucket = &buckets[rows++];
        size_t last = first + width - 1;
        fill_bucket(bucket, info->node_depth, ACT_DEPTH_BUCKETS, first, last);
        if (last < last_depth)
            name_bucket(bucket, first, last);
        else
            snprintf(bucket->name, sizeof(bucket->name), "%zu or more", first);
    }
    char text[CLI_UNIT_NBYTES];
    char title[96];
    snprintf(title, sizeof(title), "Nodes by depth (the deepest: %s)",
             cli_count_text(text, info->node_depth_max));
    print_buckets(out, title, buckets, rows);
}

static void print_fan_out(struct cli_out *out, const act_map_info *info)
{
    /* 1, 2, 3, then 4 to 7, 8 to 15 and so on, and 256. */
    struct bucket buckets[16];
    size_t rows = 0;
    for (size_t first = 1; first < ACT_FAN_OUT_BUCKETS; rows++) {
        size_t last = first < 4 ? first : first * 2 - 1;
        if (last >= ACT_FAN_OUT_BUCKETS)
            last = ACT_FAN_OUT_BUCKETS - 1;
        fill_bucket(&buckets[rows], info->fan_out, ACT_FAN_OUT_BUCKETS, first, last);
        name_bucket(&buckets[rows], first, last);
        first = last + 1;
    }
    print_buckets(out, "Branch nodes by number of children", buckets, rows);
}

static const char *extension(const act_map_stat *stat)
{
    if (stat->index_unusable)
        return "unusable index";
    return stat->layout == ACT_LAYOUT_INDEXED ? "index" : "none";
}

static const char *layout(const struct facts *facts)
{
    return cli_layout_name(cli_layout_of(facts->stat.layout, facts->info.shared));
}

static void print_text(struct cli_out *out, const struct facts *facts)
{
    char text[CLI_UNIT_NBYTES];
    cli_out_text(out, "File\n");
    cli_info_print_size(out, "size", facts->stat.file_nbytes);
    bool indexed = facts->stat.layout == ACT_LAYOUT_INDEXED;
    cli_out_format(out, "  %-16s %20s\n", "layout", layout(facts));
    cli_out_format(out, "  %-16s %20s%s\n", "extension", extension(&facts->stat),
                   facts->stat.index_unusable ? "  (read as a plain file)" : "");
    if (indexed)
        cli_info_print_size(out, "hot region", facts->stat.hot_end - facts->stat.hot_off);
    print_count(out, "root at offset", facts->stat.root, "");
    if (facts->stat.merged)
        print_count(out, "root before it", facts->stat.merged_root, "  (the file was merged into)");
    else
        cli_out_format(out, "  %-16s %20s\n", "merged into", "never");
    cli_paging_print(out, &facts->paging);
    if (!facts->is_counted) {
        cli_out_format(
            out,
            "\nKeys and nodes are not counted: for this file that takes more memory than "
            "may be used, %s.\n",
            cli_bytes_text(text, facts->paging.memory_nbytes));
        print_content(out, facts);
        return;
    }
    print_keys(out, facts);
    print_kinds(out, facts);
    print_depth(out, &facts->info);
    print_fan_out(out, &facts->info);
}

static void report_kinds(json_t *report, const act_map_info *info)
{
    json_t *objects = cli_report_object(report, "objects");
    cli_report_u64(objects, "branch_nodes", info->branch_nodes);
    cli_report_u64(objects, "leaf_nodes", info->leaf_nodes);
    cli_report_u64(objects, "line_nodes", info->line_nodes);
    cli_report_u64(objects, "lines", info->lines);
    json_t *nbytes = cli_report_object(report, "bytes");
    cli_report_u64(nbytes, "header", info->header_nbytes);
    cli_report_u64(nbytes, "branch_nodes", info->branch_nbytes);
    cli_report_u64(nbytes, "leaf_nodes", info->leaf_nbytes);
    cli_report_u64(nbytes, "line_nodes", info->line_node_nbytes);
    cli_report_u64(nbytes, "line_data", info->line_data_nbytes);
    cli_report_u64(nbytes, "jump_tables", info->jump_nbytes);
    cli_report_u64(nbytes, "index", info->index_nbytes);
    cli_report_u64(nbytes, "unreferenced", info->unreferenced_nbytes);
    cli_report_u64(nbytes, "tail", info->tail_nbytes);
    cli_report_u64(report, "value_bytes", info->value_nbytes);
}

static int print_json(struct cli_out *out, const struct facts *facts)
{
    const act_map_info *info = &facts->info;
    json_t *report = json_object();
    cli_report_text(report, "file", facts->name);
    bool indexed = facts->stat.layout == ACT_LAYOUT_INDEXED;
    cli_report_text(report, "layout", layout(facts));
    if (indexed || facts->stat.index_unusable)
        cli_report_text(report, "extension", extension(&facts->stat));
    else
        cli_report_null(report, "extension");
    if (indexed) {
        cli_report_u64(report, "hot_offset", facts->stat.hot_off);
        cli_report_u64(report, "hot_bytes", facts->stat.hot_end - facts->stat.hot_off);
        cli_report_u64(report, "indexed_bytes", facts->stat.indexed_nbytes);
    }
    cli_report_u64(report, "file_bytes", facts->stat.file_nbytes);
    cli_report_u64(report, "root", facts->stat.root);
    cli_report_bool(report, "merged", facts->stat.merged);
    if (facts->stat.merged)
        cli_report_u64(report, "previous_root", facts->stat.merged_root);
    else
        cli_report_null(report, "previous_root");
    cli_paging_report(report, &facts->paging);
    if (facts->has_digest) {
        char content[CLI_DIGEST_TEXT_NBYTES];
        cli_report_text(report, "content", cli_digest_text(content, &facts->digest));
    }
    cli_report_bool(report, "counted", facts->is_counted);
    if (!facts->is_counted)
        return cli_report_print(out, report);
    cli_report_u64(report, "keys", info->keys);
    cli_report_u64(report, "key_bytes", info->key_nbytes);
    cli_report_u64(report, "longest_key", info->key_nbytes_longest);
    cli_report_u64(report, "dangling_paths", info->dangling_paths);
    cli_report_bool(report, "shared_subtrees", info->shared);
    report_kinds(report, info);
    cli_report_u64(report, "deepest_node", info->node_depth_max);
    cli_report_u64s(report, "nodes_by_depth", info->node_depth, ACT_DEPTH_BUCKETS);
    cli_report_u64s(report, "nodes_by_children", info->fan_out, ACT_FAN_OUT_BUCKETS);
    return cli_report_print(out, report);
}

static act_status gather(const struct cli_call *call, const act_map *map, struct facts *facts,
                         act_error *error)
{
    struct cli_progress progress;
    cli_progress_start(&progress, call->options.progress, "counting", "B");
    act_map_get_stat(map, &facts->stat);
    act_map_get_paging(map, &facts->paging);
    act_status status = act_map_get_info(map, cli_progress_tell, &progress, &facts->info, error);
    cli_progress_end(&progress);
    facts->is_counted = status == ACT_OK;
    /* Files can be made of which much has to be known at once. */
    if (status == ACT_ERR_NOMEM)
        status = ACT_OK;
    if (status != ACT_OK || !call->options.content)
        return status;
    cli_progress_start(&progress, call->options.progress, "reading", "entries");
    status = act_map_digest(map, cli_progress_tell, &progress, &facts->digest, error);
    cli_progress_end(&progress);
    facts->has_digest = true;
    return status;
}

static int run(struct cli_call *call)
{
    struct cli_map map;
    int status = cli_map_or_set_open(call, &map, NULL);
    if (status == CLI_DONE && map.set) {
        status = cli_info_of_set(call, &map);
    } else if (status == CLI_DONE) {
        struct facts facts = {.name = map.name};
        act_error error;
        if (gather(call, map.map, &facts, &error) != ACT_OK)
            status = cli_fail(map.name, &error);
        else if (call->options.json)
            status = print_json(&call->out, &facts);
        else
            print_text(&call->out, &facts);
    }
    cli_map_close(&map);
    return status;
}

const struct cli_verb cmd_info = {
    .name = "info",
    .arguments = "FILE",
    .summary = "Describe a file: layout, counts, bytes by kind, depth, fan-out",
    .options = options,
    .argument_count_min = 1,
    .argument_count_max = 1,
    .run = run,
};
