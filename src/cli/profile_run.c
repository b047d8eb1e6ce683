/* A log, looked up for real: cold, warm, and with little memory. */
#include <stdlib.h>
#include <string.h>

#include "disk.h"
#include "interrupt.h"
#include "memory_group.h"
#include "message.h"
#include "open.h"
#include "profile.h"
#include "progress.h"

enum {
    BATCH_KEYS = 4096,
    PAGE_SAMPLES = 1000, /* reads of single pages that are measured */
    CHECK_ROUNDS = 5,
    CHECK_QUERIES_MAX = 50000,
    CHECK_PAGE_SAMPLES = 400 /* before each round */
};

static const char in_use[] = "the file cannot be thrown out of memory";
static const unsigned check_percents[CLI_PROFILE_CHECKS] = {10, 20, 50};

/* Looks keys up one by one, each by the clock if there is a histogram. */
static act_status get_each(const struct cli_map *map, const act_slice *keys, size_t count,
                           struct cli_histogram *histogram, act_error *error)
{
    uint64_t before_ns = histogram ? cli_now_ns() : 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t value;
        act_status status = cli_map_get(map, &keys[i], &value, error);
        if (status != ACT_OK && status != ACT_NOT_FOUND)
            return status;
        if (histogram) {
            uint64_t now_ns = cli_now_ns();
            cli_histogram_add(histogram, now_ns - before_ns);
            before_ns = now_ns;
        }
    }
    return ACT_OK;
}

static act_status get_batches(const struct cli_map *map, const act_slice *keys, size_t count,
                              act_error *error)
{
    static uint64_t values[BATCH_KEYS];
    static uint8_t found[BATCH_KEYS / 8];
    for (size_t done = 0; done < count; done += BATCH_KEYS) {
        size_t left = count - done;
        act_status status = cli_map_get_batch(
            map, keys + done, left < BATCH_KEYS ? left : BATCH_KEYS, values, found, error);
        if (status != ACT_OK)
            return status;
    }
    return ACT_OK;
}

static void fill_order(struct cli_profile_order *order, const struct cli_disk_use *before,
                       const struct cli_disk_use *after, uint64_t spent_ns, double count)
{
    order->faults = (double)(after->major_faults - before->major_faults) / count;
    order->pages_read = (double)(after->pages - before->pages) / count;
    order->ns = (double)spent_ns / count;
}

/* One run over a file that has just been opened, and thrown out of memory before if that can be. */
static int run_order(const struct cli_call *call, struct cli_profile *profile,
                     const act_slice *keys, bool batches, struct cli_profile_order *order)
{
    size_t count = profile->queries.count;
    act_error error;
    struct cli_map map;
    if (!cli_profile_drop(profile)) {
        profile->cold_known = false; /* another program has it mapped by now */
        return CLI_DONE;
    }
    act_status status = cli_map_open_again(&call->options, profile->name, profile->is_set, &map,
                                           &error);
    if (status != ACT_OK)
        return cli_fail(profile->name, &error);
    struct cli_histogram *histogram = profile->order_count || batches ? NULL : &profile->cold;
    struct cli_disk_use before = cli_disk_use();
    uint64_t started_ns = cli_now_ns();
    status = batches ? get_batches(&map, keys, count, &error)
                     : get_each(&map, keys, count, histogram, &error);
    uint64_t spent_ns = cli_now_ns() - started_ns;
    struct cli_disk_use after = cli_disk_use();
    cli_map_close(&map);
    if (status != ACT_OK)
        return cli_fail(profile->name, &error);
    fill_order(order, &before, &after, spent_ns, (double)count);
    profile->order_count++;
    return CLI_DONE;
}

static int run_cold(const struct cli_call *call, struct cli_profile *profile)
{
    static const char *const names[CLI_PROFILE_ORDERS] = {"as it is", "sorted", "in batches",
                                                          "sorted, in batches"};
    act_slice *sorted = cli_queries_sorted(&profile->queries);
    int status = sorted ? CLI_DONE : cli_fail_nomem();
    for (size_t i = 0; status == CLI_DONE && profile->cold_known && i < CLI_PROFILE_ORDERS; i++) {
        profile->orders[i].name = names[i];
        status = run_order(call, profile, i % 2 ? sorted : profile->queries.keys, i >= 2,
                           &profile->orders[i]);
    }
    free(sorted);
    if (!profile->cold_known)
        profile->order_count = 0;
    return status;
}

static int run_warm(const struct cli_call *call, struct cli_profile *profile)
{
    const struct cli_queries *queries = &profile->queries;
    act_error error;
    struct cli_map map;
    act_status status = cli_map_open_again(&call->options, profile->name, profile->is_set, &map,
                                           &error);
    if (status != ACT_OK)
        return cli_fail(profile->name, &error);
    status = get_each(&map, queries->keys, queries->count, NULL, &error);
    struct cli_disk_use before = cli_disk_use();
    uint64_t started_ns = cli_now_ns();
    if (status == ACT_OK)
        status = get_each(&map, queries->keys, queries->count, &profile->warm, &error);
    uint64_t spent_ns = cli_now_ns() - started_ns;
    struct cli_disk_use after = cli_disk_use();
    cli_map_close(&map);
    profile->again.name = "again, warm";
    fill_order(&profile->again, &before, &after, spent_ns, (double)queries->count);
    return status == ACT_OK ? CLI_DONE : cli_fail(profile->name, &error);
}

/* Of one file, of those pages that are its own. */
static bool file_page_ns(const struct cli_profile_file *file, const uint64_t *pages, size_t count,
                         size_t *own_count_ret, uint64_t *ns_ret)
{
    uint64_t own[PAGE_SAMPLES];
    size_t own_count = 0;
    for (size_t i = 0; i < count; i++)
        if (pages[i] >= file->first_page && pages[i] - file->first_page < file->pages)
            own[own_count++] = pages[i] - file->first_page;
    *own_count_ret = own_count;
    return !own_count || cli_disk_page_ns(file->name, own, own_count, ns_ret);
}

bool cli_profile_page_ns(const struct cli_profile *profile, size_t count, uint64_t *ns_ret)
{
    uint64_t pages[PAGE_SAMPLES];
    size_t total = profile->page_count;
    double sum_ns = 0;
    if (count > PAGE_SAMPLES)
        count = PAGE_SAMPLES;
    if (count > total)
        count = total;
    /* Here and there, as lookups come: a step that leaves no common divisor with most numbers. */
    for (size_t i = 0; i < count; i++)
        pages[i] = profile->trace.pages[(i * 7919 + 13) % total];
    for (size_t i = 0; i < profile->file_count; i++) {
        size_t own_count;
        uint64_t ns = 0;
        if (!file_page_ns(&profile->files[i], pages, count, &own_count, &ns))
            return false;
        if (own_count)
            sum_ns += (double)ns * (double)own_count;
    }
    if (count)
        *ns_ret = (uint64_t)(sum_ns / (double)count);
    return count;
}

int cli_profile_measure(const struct cli_call *call, struct cli_profile *profile)
{
    if (profile->queries.count == 0)
        return CLI_DONE;
    int status = CLI_DONE;
    if (!call->options.no_cold)
        profile->cold_known = cli_profile_page_ns(profile, PAGE_SAMPLES, &profile->page_ns);
    if (profile->cold_known)
        status = run_cold(call, profile);
    if (status == CLI_DONE)
        status = run_warm(call, profile);
    for (size_t i = 0; profile->cold_known && i < CLI_PROFILE_SIZES; i++)
        profile->sizes[i].latency_ns = cli_histogram_mean(&profile->warm) +
                                       profile->sizes[i].faults * (double)profile->page_ns;
    return status;
}

/* What a run with little memory does, and what comes out of it. */
struct limited_run {
    const struct cli_profile *profile;
    const struct cli_options *options;
};

struct limited_result {
    uint64_t faults;
    uint64_t ns;
};

/* Twice over the log, of which the second time counts. */
static int run_limited(void *context, void *result)
{
    const struct limited_run *run = context;
    const struct cli_profile *profile = run->profile;
    struct limited_result *measured = result;
    struct cli_map map;
    if (cli_map_open_again(run->options, profile->name, profile->is_set, &map, NULL) != ACT_OK ||
        get_each(&map, profile->queries.keys, profile->check_queries, NULL, NULL) != ACT_OK)
        return 1;
    struct cli_disk_use before = cli_disk_use();
    uint64_t started_ns = cli_now_ns();
    if (get_each(&map, profile->queries.keys, profile->check_queries, NULL, NULL) != ACT_OK)
        return 1;
    measured->ns = cli_now_ns() - started_ns;
    measured->faults = cli_disk_use().major_faults - before.major_faults;
    return 0;
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *numbers, size_t count)
{
    qsort(numbers, count, sizeof(*numbers), compare_doubles);
    return numbers[count / 2];
}

/* Rounds of one size, as many as there can be. */
static void check_size(const struct cli_call *call, struct cli_profile *profile,
                       struct cli_profile_check *check)
{
    struct limited_run run = {profile, &call->options};
    double count = (double)profile->check_queries;
    double faults[CHECK_ROUNDS];
    double ns[CHECK_ROUNDS];
    double page_ns[CHECK_ROUNDS];
    for (size_t i = 0; i < CHECK_ROUNDS && !cli_interrupted(); i++) {
        struct limited_result result = {0, 0};
        uint64_t page = profile->page_ns;
        (void)cli_profile_page_ns(profile, CHECK_PAGE_SAMPLES, &page);
        if (!cli_profile_drop(profile)) {
            check->why_not = in_use;
            break;
        }
        enum cli_limited how = cli_memory_limited(check->size->nbytes, run_limited, &run, &result,
                                                  sizeof(result), &check->why_not);
        if (how != CLI_LIMITED_DONE) {
            if (how != CLI_LIMITED_UNAVAILABLE)
                check->why_not = how == CLI_LIMITED_KILLED
                                     ? "the memory is too little for a process"
                                     : "the lookups failed";
            return;
        }
        faults[i] = (double)result.faults / count;
        ns[i] = (double)result.ns / count;
        page_ns[i] = (double)page;
        check->rounds++;
    }
    if (check->rounds == 0)
        return;
    check->faults = median(faults, check->rounds);
    check->ns = median(ns, check->rounds);
    check->predicted_ns = cli_histogram_mean(&profile->warm) +
                          check->predicted_faults * median(page_ns, check->rounds);
}

/* What the model says of the first queries alone. */
static int predict(const struct cli_call *call, struct cli_profile *profile)
{
    struct cli_page_trace trace = {0};
    int status = cli_profile_trace(call, profile, false, profile->queries.keys,
                                   profile->check_queries, &trace);
    struct cli_reclaim *model = status == CLI_DONE ? cli_reclaim_open(&trace, &profile->recent)
                                                   : NULL;
    if (status == CLI_DONE && !model)
        status = cli_fail_nomem();
    for (size_t i = 0; model && i < profile->check_count; i++) {
        struct cli_profile_check *check = &profile->checks[i];
        struct cli_reclaim_counts counts;
        cli_reclaim_run(model, trace.touch_count, (size_t)check->size->capacity,
                        cli_profile_has_recency(profile, check->size->nbytes), &counts);
        check->predicted_faults = (double)counts.faults / (double)profile->check_queries;
    }
    cli_reclaim_close(model);
    cli_page_trace_free(&trace);
    return status;
}

static void list_checks(struct cli_profile *profile)
{
    size_t count = profile->queries.count;
    profile->check_queries = count < CHECK_QUERIES_MAX ? count : CHECK_QUERIES_MAX;
    for (size_t i = 0; count && i < CLI_PROFILE_SIZES; i++)
        for (size_t j = 0; j < CLI_PROFILE_CHECKS; j++)
            if (profile->sizes[i].percent == check_percents[j])
                profile->checks[profile->check_count++] = (struct cli_profile_check){
                    .size = &profile->sizes[i], .why_not = in_use};
}

int cli_profile_check(const struct cli_call *call, struct cli_profile *profile)
{
    struct cli_progress progress;
    list_checks(profile);
    if (profile->queries.count == 0 || !profile->cold_known)
        return CLI_DONE;
    int status = predict(call, profile);
    cli_interrupt_catch();
    cli_progress_start(&progress, call->options.progress, "checking", "sizes");
    for (size_t i = 0; status == CLI_DONE && i < profile->check_count; i++) {
        cli_progress_tell(&progress, i, profile->check_count);
        check_size(call, profile, &profile->checks[i]);
    }
    cli_progress_end(&progress);
    if (cli_interrupted())
        cli_die_of(cli_interrupted());
    return status;
}
