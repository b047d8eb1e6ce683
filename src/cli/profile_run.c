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
    PRESSED_NBYTES_MAX = 64 << 20,
    CHECK_ROUNDS = 5,
    CHECK_QUERIES_MAX = 50000
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

/* One memory stands for all of the sizes: a fifth of the files, if that is soon filled. */
static uint64_t pressed_nbytes(const struct cli_profile *profile)
{
    uint64_t nbytes = profile->file_nbytes / 5;
    return nbytes < PRESSED_NBYTES_MAX ? nbytes : PRESSED_NBYTES_MAX;
}

/* A warm lookup, and each page that it has to wait for, with those that are read around it. */
static double expected_ns(const struct cli_profile *profile, double faults, double reads,
                          struct cli_pressed pressed)
{
    uint64_t page_ns = pressed.page_ns ? pressed.page_ns : profile->page_ns;
    return cli_histogram_mean(&profile->warm) + faults * (double)page_ns +
           (reads - faults) * (double)pressed.ahead_ns;
}

int cli_profile_measure(const struct cli_call *call, struct cli_profile *profile)
{
    if (profile->queries.count == 0)
        return CLI_DONE;
    int status = CLI_DONE;
    if (!call->options.no_cold)
        profile->cold_known = cli_profile_page_ns(profile, CLI_PAGE_SAMPLES, &profile->page_ns);
    if (profile->cold_known)
        (void)cli_profile_pressed(profile, pressed_nbytes(profile), CLI_PAGE_SAMPLES,
                                  &profile->pressed);
    if (profile->cold_known)
        status = run_cold(call, profile);
    if (status == CLI_DONE)
        status = run_warm(call, profile);
    for (size_t i = 0; profile->cold_known && i < CLI_PROFILE_SIZES; i++) {
        struct cli_profile_size *size = &profile->sizes[i];
        size->latency_ns = expected_ns(profile, size->faults, size->pages_read, profile->pressed);
    }
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

/* What a page takes now: with so much memory, or else with all of it. */
static struct cli_pressed pressed_now(const struct cli_profile *profile, uint64_t nbytes)
{
    struct cli_pressed pressed;
    if (!cli_profile_pressed(profile, nbytes, CLI_PAGE_SAMPLES, &pressed))
        (void)cli_profile_page_ns(profile, CLI_PAGE_SAMPLES, &pressed.page_ns);
    return pressed;
}

/* One round, between two looks at the disk: it may be busy with others' work for a while. False if
 * it cannot be. */
static bool check_once(const struct cli_call *call, const struct cli_profile *profile,
                       struct cli_profile_check *check, struct limited_result *result,
                       double *predicted_ns_ret)
{
    struct limited_run run = {profile, &call->options};
    struct cli_pressed before = pressed_now(profile, check->size->nbytes);
    check->why_not = in_use;
    if (!cli_profile_drop(profile))
        return false;
    enum cli_limited how = cli_memory_limited(check->size->nbytes, run_limited, &run, result,
                                              sizeof(*result), &check->why_not);
    if (how == CLI_LIMITED_KILLED)
        check->why_not = "the memory is too little for a process";
    else if (how == CLI_LIMITED_FAILED)
        check->why_not = "the lookups failed";
    if (how != CLI_LIMITED_DONE)
        return false;
    struct cli_pressed after = pressed_now(profile, check->size->nbytes);
    *predicted_ns_ret =
        (expected_ns(profile, check->predicted_faults, check->predicted_reads, before) +
         expected_ns(profile, check->predicted_faults, check->predicted_reads, after)) /
        2;
    return true;
}

struct timed {
    double ns;
    double predicted_ns;
};

static int compare_ratios(const void *a, const void *b)
{
    const struct timed *x = a;
    const struct timed *y = b;
    double left = x->predicted_ns * y->ns;
    double right = y->predicted_ns * x->ns;
    return (left > right) - (left < right);
}

/* Rounds of one size, as many as there can be. Of times that is told which is off by the median:
 * what the disk gives changes from round to round, for what was reckoned and for the run. */
static void check_size(const struct cli_call *call, struct cli_profile *profile,
                       struct cli_profile_check *check)
{
    double count = (double)profile->check_queries;
    double faults[CHECK_ROUNDS];
    struct timed times[CHECK_ROUNDS];
    for (size_t i = 0; i < CHECK_ROUNDS && !cli_interrupted(); i++) {
        struct limited_result result = {0, 0};
        if (!check_once(call, profile, check, &result, &times[i].predicted_ns))
            break;
        faults[i] = (double)result.faults / count;
        times[i].ns = (double)result.ns / count;
        check->rounds++;
    }
    if (check->rounds == 0)
        return;
    check->faults = median(faults, check->rounds);
    qsort(times, check->rounds, sizeof(times[0]), compare_ratios);
    check->ns = times[check->rounds / 2].ns;
    check->predicted_ns = times[check->rounds / 2].predicted_ns;
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
        check->predicted_reads = (double)counts.reads / (double)profile->check_queries;
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
