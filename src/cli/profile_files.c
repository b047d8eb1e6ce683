/* The files of which a profile tells: one, or the parts of a set. */
#define _POSIX_C_SOURCE 200809L

#include "profile.h"

#include <stdlib.h>
#include <string.h>

#include "disk.h"
#include "message.h"
#include "open.h"
#include "parts.h"

enum {
    /* A page of entries for so many pages is what page tables are made of; files that begin at
     * multiples share none of them, nor of what the page cache is made of. */
    ALIGNED_PAGES = 512,
    HEADER_NBYTES = 256 /* of an indexed file */
};

enum region {
    REGION_PLAIN,
    REGION_HEADER,
    REGION_PAGES,
    REGION_HOT,
    REGION_SUMS, /* which lookups do not read */
    REGION_MERGED
};

/* Takes note of a file that is open. */
static bool add_file(struct cli_profile *profile, const act_map *map, char *name)
{
    struct cli_profile_file *file = &profile->files[profile->file_count];
    const struct cli_profile_file *before = profile->file_count ? file - 1 : NULL;
    if (!name)
        return false;
    file->name = name;
    act_map_get_stat(map, &file->stat);
    file->pages = (file->stat.file_nbytes + profile->page_nbytes - 1) / profile->page_nbytes;
    if (before)
        file->first_page = (before->first_page + before->pages + ALIGNED_PAGES - 1) /
                           ALIGNED_PAGES * ALIGNED_PAGES;
    profile->file_count++;
    profile->file_nbytes += file->stat.file_nbytes;
    profile->file_pages += file->pages;
    profile->hot_nbytes += file->stat.hot_end - file->stat.hot_off;
    return true;
}

static int add_parts(struct cli_profile *profile, const struct cli_map *map)
{
    for (size_t i = 0; i < act_set_part_count(map->set); i++) {
        act_map *part;
        act_error error;
        if (act_set_part_open(map->set, i, &part, &error) != ACT_OK)
            return cli_fail(map->name, &error);
        bool added = add_file(profile, part, cli_set_part_path(map->set, map->name, i, false));
        act_set_part_release(map->set, i);
        if (!added)
            return cli_fail_nomem();
    }
    return CLI_DONE;
}

static void add_region(struct cli_profile *profile, enum region which, const char *name,
                       uint64_t off, uint64_t end)
{
    struct cli_profile_region *region = &profile->regions[which];
    region->name = name;
    region->off = off;
    region->nbytes += end - off;
}

static void add_regions(struct cli_profile *profile, const act_map_stat *stat)
{
    if (stat->layout != ACT_LAYOUT_INDEXED) {
        add_region(profile, REGION_PLAIN, "nodes and lines", 0, stat->file_nbytes);
        return;
    }
    add_region(profile, REGION_HEADER, "header", 0, HEADER_NBYTES);
    add_region(profile, REGION_PAGES, "pages", HEADER_NBYTES, stat->hot_off);
    add_region(profile, REGION_HOT, "hot region", stat->hot_off, stat->hot_end);
    add_region(profile, REGION_SUMS, "checksums", stat->hot_end, stat->indexed_nbytes);
    add_region(profile, REGION_MERGED, "merged", stat->indexed_nbytes, stat->file_nbytes);
}

struct cli_profile_region *cli_profile_region_of(struct cli_profile *profile,
                                                 const struct cli_profile_file *file, uint64_t off)
{
    const act_map_stat *stat = &file->stat;
    enum region which = REGION_HEADER;
    if (stat->layout != ACT_LAYOUT_INDEXED)
        which = REGION_PLAIN;
    else if (off >= stat->indexed_nbytes)
        which = REGION_MERGED;
    else if (off >= stat->hot_end)
        which = REGION_SUMS;
    else if (off >= stat->hot_off)
        which = REGION_HOT;
    else if (off >= HEADER_NBYTES)
        which = REGION_PAGES;
    return &profile->regions[which];
}

/* The hot regions, in pages. */
static bool list_recent(struct cli_profile *profile)
{
    size_t count = 0;
    profile->hot_ranges = calloc(profile->file_count + 1, sizeof(*profile->hot_ranges));
    if (!profile->hot_ranges)
        return false;
    for (size_t i = 0; i < profile->file_count; i++) {
        const struct cli_profile_file *file = &profile->files[i];
        uint64_t page_nbytes = profile->page_nbytes;
        if (file->stat.layout == ACT_LAYOUT_INDEXED)
            profile->hot_ranges[count++] = (struct cli_recent_range){
                .floor = file->first_page,
                .first = file->first_page + file->stat.hot_off / page_nbytes,
                .end = file->first_page + (file->stat.hot_end + page_nbytes - 1) / page_nbytes};
    }
    profile->recent = (struct cli_recent){profile->hot_ranges, count,
                                          cli_disk_ahead_nbytes(profile->files[0].name) /
                                              profile->page_nbytes};
    return true;
}

static int add_files(struct cli_profile *profile, const struct cli_map *map)
{
    size_t count = map->set ? act_set_part_count(map->set) : 1;
    profile->is_set = map->set != NULL;
    profile->files = calloc(count, sizeof(*profile->files));
    if (!profile->files)
        return cli_fail_nomem();
    if (map->set)
        return add_parts(profile, map);
    return add_file(profile, map->map, strdup(profile->name)) ? CLI_DONE : cli_fail_nomem();
}

int cli_profile_list_files(const struct cli_call *call, struct cli_profile *profile)
{
    struct cli_map map;
    profile->page_nbytes = cli_page_nbytes();
    int status = cli_map_or_set_open(call, &map, NULL);
    if (status == CLI_DONE)
        status = add_files(profile, &map);
    cli_map_close(&map);
    if (status != CLI_DONE || !profile->files)
        return status;
    for (size_t i = 0; i < profile->file_count; i++)
        add_regions(profile, &profile->files[i].stat);
    return list_recent(profile) ? CLI_DONE : cli_fail_nomem();
}

void cli_profile_free_files(struct cli_profile *profile)
{
    for (size_t i = 0; i < profile->file_count; i++)
        free(profile->files[i].name);
    free(profile->files);
    free(profile->hot_ranges);
    profile->files = NULL;
    profile->hot_ranges = NULL;
    profile->file_count = 0;
}

bool cli_profile_drop(const struct cli_profile *profile)
{
    bool out = true;
    for (size_t i = 0; i < profile->file_count; i++)
        out = cli_disk_drop(profile->files[i].name) && out;
    return out;
}
