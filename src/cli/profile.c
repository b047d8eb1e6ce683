/* The trace of a log, and what follows from it by computing. */
#include "profile.h"

#include <stdlib.h>
#include <string.h>

#include "allocate.h"
#include "disk.h"
#include "message.h"
#include "open.h"
#include "progress.h"
#include "stack_distance.h"

enum {
    /* What the kernel takes to keep track of pages, on 64-bit machines with pages of 4 KiB: a node
     * for each 64 of the file's, be they in memory or gone, and a page of entries for each 512
     * that a process has mapped. Control groups count both. */
    NODE_PAGES = 64,
    NODE_NBYTES = 576,
    TABLE_PAGES = 512,
    TABLE_NBYTES = 4096,
    /* And for a process that does nothing but look up. Measured; see docs/PERFORMANCE.md. */
    PROCESS_NBYTES = 100 << 10,
    AHEAD_NBYTES_MAX = 8 << 20,
    TELL_QUERIES = 1024 /* between looks at the clock */
};

static const unsigned percents[CLI_PROFILE_SIZES] = {1,  2,  3,  5,  7,  10, 15, 20, 25,
                                                     30, 40, 50, 60, 70, 80, 90, 100};

/* What a touch is added to. */
struct tracing {
    struct cli_profile *profile;
    bool counts;
    const struct cli_profile_file *file; /* where the key is looked up */
    struct cli_page_trace *trace;
    bool nomem;
};

static void count_touch(struct tracing *tracing, const act_touch *touch, uint64_t new_pages)
{
    struct cli_profile *profile = tracing->profile;
    struct cli_profile_region *region = cli_profile_region_of(profile, tracing->file, touch->off);
    size_t last = CLI_PROFILE_LEVELS - 1;
    size_t level = touch->level < last ? touch->level : last;
    profile->touches++;
    profile->touched_nbytes += touch->nbytes;
    profile->kind_touches[touch->kind]++;
    profile->kind_nbytes[touch->kind] += touch->nbytes;
    profile->level_touches[level]++;
    profile->level_pages[level] += new_pages;
    region->touches++;
    region->pages += new_pages;
}

static int take_touch(void *context, const act_touch *touch)
{
    struct tracing *tracing = context;
    uint64_t page_nbytes = tracing->profile->page_nbytes;
    size_t before = tracing->trace->page_count;
    uint64_t last = (touch->off + touch->nbytes - 1) / page_nbytes;
    for (uint64_t page = touch->off / page_nbytes; page <= last; page++) {
        if (!cli_page_trace_add(tracing->trace, tracing->file->first_page + page)) {
            tracing->nomem = true;
            return 1;
        }
    }
    if (tracing->counts)
        count_touch(tracing, touch, tracing->trace->page_count - before);
    return 0;
}

/* In the one file, or in the part that the key belongs to. */
static act_status trace_key(const struct cli_map *map, const act_slice *key,
                            struct tracing *tracing, act_error *error)
{
    uint64_t value;
    act_map *part_map = map->map;
    size_t part = map->set ? act_set_find_part(map->set, key->bytes, key->nbytes) : 0;
    tracing->file = &tracing->profile->files[part];
    if (map->set) {
        act_status opened = act_set_part_open(map->set, part, &part_map, error);
        if (opened != ACT_OK)
            return opened;
    }
    act_status status = act_map_trace_get(part_map, key->bytes, key->nbytes, take_touch, tracing,
                                          &value, error);
    if (map->set)
        act_set_part_release(map->set, part);
    if (tracing->counts)
        tracing->profile->found += status == ACT_OK;
    return status == ACT_NOT_FOUND ? ACT_OK : status;
}

static act_status trace_keys(const struct cli_map *map, const act_slice *keys, size_t count,
                             struct tracing *tracing, struct cli_progress *progress,
                             act_error *error)
{
    act_status status = ACT_OK;
    for (size_t i = 0; i < count && status == ACT_OK; i++) {
        cli_page_trace_break(tracing->trace);
        status = trace_key(map, &keys[i], tracing, error);
        if (i % TELL_QUERIES == 0)
            cli_progress_tell(progress, i, count);
    }
    return status;
}

int cli_profile_trace(const struct cli_call *call, struct cli_profile *profile, bool counts,
                      const act_slice *keys, size_t count, struct cli_page_trace *trace)
{
    struct tracing tracing = {.profile = profile, .counts = counts, .trace = trace};
    struct cli_progress progress;
    struct cli_map map;
    act_error error;
    /* A map of its own: it has no shortcuts, as a map larger than memory has none. */
    act_status status = cli_map_open_again(&call->options, profile->name, profile->is_set, &map,
                                           &error);
    if (status == ACT_OK) {
        cli_progress_start(&progress, call->options.progress, "tracing", "queries");
        status = trace_keys(&map, keys, count, &tracing, &progress, &error);
        cli_progress_end(&progress);
    }
    cli_map_close(&map);
    if (status == ACT_STOPPED)
        return cli_fail_nomem();
    return status == ACT_OK ? CLI_DONE : cli_fail(profile->name, &error);
}

uint64_t cli_profile_capacity(const struct cli_profile *profile, uint64_t nbytes)
{
    uint64_t taken = PROCESS_NBYTES + profile->kernel_nbytes;
    return nbytes > taken ? (nbytes - taken) / profile->page_nbytes : 0;
}

/* As act_map_open and act_set_open decide: half of the memory is left to others, and what the
 * system may read around a page has to fit. */
bool cli_profile_has_recency(const struct cli_profile *profile, uint64_t nbytes)
{
    uint64_t largest = 0;
    for (size_t i = 0; i < profile->file_count; i++)
        if (profile->files[i].stat.file_nbytes > largest)
            largest = profile->files[i].stat.file_nbytes;
    if (largest > AHEAD_NBYTES_MAX)
        largest = AHEAD_NBYTES_MAX;
    return profile->hot_nbytes && profile->hot_nbytes <= nbytes / 2 && largest <= nbytes;
}

double cli_profile_per_query(const struct cli_profile *profile, uint64_t number)
{
    size_t count = profile->queries.count;
    return count ? (double)number / (double)count : 0;
}

/* The same log in byte order: faults for each size. */
static int measure_sorted(const struct cli_call *call, struct cli_profile *profile)
{
    struct cli_page_trace trace = {0};
    act_slice *sorted = cli_queries_sorted(&profile->queries);
    int status = sorted ? cli_profile_trace(call, profile, false, sorted, profile->queries.count,
                                            &trace)
                        : cli_fail_nomem();
    free(sorted);
    struct cli_reclaim *model = status == CLI_DONE ? cli_reclaim_open(&trace, &profile->recent)
                                                   : NULL;
    if (status == CLI_DONE && !model)
        status = cli_fail_nomem();
    for (size_t i = 0; model && i < CLI_PROFILE_SIZES; i++) {
        struct cli_profile_size *size = &profile->sizes[i];
        struct cli_reclaim_counts counts;
        cli_reclaim_run(model, trace.touch_count, (size_t)size->capacity,
                        cli_profile_has_recency(profile, size->nbytes), &counts);
        size->faults_sorted = cli_profile_per_query(profile, counts.faults);
    }
    cli_reclaim_close(model);
    cli_page_trace_free(&trace);
    return status;
}

static void fill_size(struct cli_profile *profile, struct cli_reclaim *model, unsigned percent,
                      struct cli_profile_size *size)
{
    const struct cli_page_trace *trace = &profile->trace;
    struct cli_reclaim_counts counts;
    uint64_t lru = 0;
    size->percent = percent;
    size->nbytes = profile->file_nbytes / 100 * percent +
                   profile->file_nbytes % 100 * percent / 100;
    size->capacity = cli_profile_capacity(profile, size->nbytes);
    cli_reclaim_run(model, trace->touch_count, (size_t)size->capacity,
                    cli_profile_has_recency(profile, size->nbytes), &counts);
    for (size_t i = (size_t)size->capacity; i < profile->page_count; i++)
        lru += profile->distances[i];
    size->faults = cli_profile_per_query(profile, counts.faults);
    size->pages_read = cli_profile_per_query(profile, counts.reads);
    size->faults_lru = cli_profile_per_query(profile, lru);
    size->hit_rate = trace->touch_count ? 1 - (double)counts.faults / (double)trace->touch_count
                                        : 1;
}

int cli_profile_sizes(const struct cli_call *call, struct cli_profile *profile)
{
    struct cli_page_trace *trace = &profile->trace;
    struct cli_progress progress;
    profile->page_count = trace->page_count;
    profile->kernel_nbytes = cli_page_trace_groups(trace, NODE_PAGES) * (uint64_t)NODE_NBYTES +
                             cli_page_trace_groups(trace, TABLE_PAGES) * (uint64_t)TABLE_NBYTES;
    profile->distances = cli_allocate(trace->page_count + 1, sizeof(*profile->distances));
    if (!profile->distances || !cli_stack_distances(trace->touches, trace->touch_count,
                                                    trace->page_count, profile->distances))
        return cli_fail_nomem();
    struct cli_reclaim *model = cli_reclaim_open(trace, &profile->recent);
    if (!model)
        return cli_fail_nomem();
    cli_progress_start(&progress, call->options.progress, "computing", "sizes");
    for (size_t i = 0; i < CLI_PROFILE_SIZES; i++) {
        cli_progress_tell(&progress, i, CLI_PROFILE_SIZES);
        fill_size(profile, model, percents[i], &profile->sizes[i]);
    }
    cli_progress_end(&progress);
    cli_reclaim_close(model);
    return measure_sorted(call, profile);
}

int cli_profile_check_options(const struct cli_call *call)
{
    if (!call->options.check || !call->options.no_cold)
        return CLI_DONE;
    return cli_usage_error(call->verb->name,
                           "--check begins with a file that is not in memory, and --no-cold leaves "
                           "it there");
}

int cli_profile_make(const struct cli_call *call, struct cli_profile *profile)
{
    memset(profile, 0, sizeof(*profile));
    profile->name = call->arguments[0];
    profile->other_reclaim = cli_disk_reclaims_otherwise();
    int status = cli_queries_load(call, call->arguments[1], &profile->queries);
    if (status == CLI_DONE)
        status = cli_profile_list_files(call, profile);
    if (status == CLI_DONE)
        status = cli_profile_trace(call, profile, true, profile->queries.keys,
                                   profile->queries.count, &profile->trace);
    if (status == CLI_DONE)
        status = cli_profile_sizes(call, profile);
    if (status == CLI_DONE)
        status = cli_profile_measure(call, profile);
    return status;
}

void cli_profile_free(struct cli_profile *profile)
{
    cli_queries_free(&profile->queries);
    cli_profile_free_files(profile);
    cli_page_trace_free(&profile->trace);
    free(profile->distances);
    profile->distances = NULL;
}
