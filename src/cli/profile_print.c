#include <stdio.h>
#include <string.h>

#include "profile.h"
#include "report.h"
#include "units.h"

static const char *const kind_names[CLI_PROFILE_KINDS] = {"nodes", "jump tables", "siblings passed",
                                                          "line data"};

/* Reuse distances by powers of two: 0, 1, 2 to 3, 4 to 7 ... And rows of levels. */
enum {
    DISTANCE_BUCKETS = 34,
    LEVEL_ROWS = 8
};

static double percent(uint64_t part, uint64_t whole)
{
    return whole ? 100.0 * (double)part / (double)whole : 0;
}

static uint64_t memory_nbytes(const struct cli_profile *profile, uint64_t pages)
{
    return pages * profile->page_nbytes;
}

static void print_log(struct cli_out *out, const struct cli_profile *profile)
{
    char number[CLI_UNIT_NBYTES];
    char bytes[CLI_UNIT_NBYTES];
    uint64_t count = profile->queries.count;
    cli_out_format(out, "Log\n  %-22s %14s\n", "queries", cli_count_text(number, count));
    cli_out_format(out, "  %-22s %14s  (%.1f %%)\n", "found",
                   cli_count_text(number, profile->found), percent(profile->found, count));
    cli_out_format(out, "  %-22s %14s  (%s, %.1f %% of the file)\n", "different pages",
                   cli_count_text(number, profile->page_count),
                   cli_bytes_text(bytes, memory_nbytes(profile, profile->page_count)),
                   percent(profile->page_count, profile->file_pages));
    cli_out_format(out, "  %-22s %14.2f\n", "pages a query",
                   cli_profile_per_query(profile, profile->trace.touch_count));
    cli_out_format(out, "  %-22s %14.1f\n", "bytes read a query",
                   cli_profile_per_query(profile, profile->touched_nbytes));
}

static void print_regions(struct cli_out *out, const struct cli_profile *profile)
{
    char pages[CLI_UNIT_NBYTES];
    char bytes[CLI_UNIT_NBYTES];
    cli_out_text(out, "\nRegion              size     pages touched   of it   reads a query\n");
    for (size_t i = 0; i < CLI_PROFILE_REGIONS; i++) {
        const struct cli_profile_region *region = &profile->regions[i];
        uint64_t nbytes = region->nbytes;
        uint64_t whole = (nbytes + profile->page_nbytes - 1) / profile->page_nbytes;
        if (!region->touches)
            continue;
        cli_out_format(out, "  %-15s %10s %14s %6.1f%% %12.2f\n", region->name,
                       cli_bytes_text(bytes, nbytes), cli_count_text(pages, region->pages),
                       percent(region->pages, whole),
                       cli_profile_per_query(profile, region->touches));
    }
    cli_out_text(out, "\nRead of             reads a query   bytes a query\n");
    for (size_t i = 0; i < CLI_PROFILE_KINDS; i++)
        cli_out_format(out, "  %-18s %12.2f %15.1f\n", kind_names[i],
                       cli_profile_per_query(profile, profile->kind_touches[i]),
                       cli_profile_per_query(profile, profile->kind_nbytes[i]));
}

/* Several levels a row where there are many. */
static void print_levels(struct cli_out *out, const struct cli_profile *profile)
{
    char text[CLI_UNIT_NBYTES];
    size_t levels = CLI_PROFILE_LEVELS;
    while (levels > 0 && !profile->level_touches[levels - 1])
        levels--;
    size_t width = levels > LEVEL_ROWS ? CLI_PROFILE_LEVELS / LEVEL_ROWS : 1;
    if (levels == 0)
        return;
    cli_out_text(out, "\nLevel          new pages   reads a query\n");
    for (size_t first = 0; first < levels; first += width) {
        uint64_t pages = 0;
        uint64_t touches = 0;
        for (size_t i = first; i < first + width; i++) {
            pages += profile->level_pages[i];
            touches += profile->level_touches[i];
        }
        char name[CLI_UNIT_NBYTES];
        if (first + width == CLI_PROFILE_LEVELS)
            snprintf(name, sizeof(name), "%zu and more", first);
        else if (width == 1)
            snprintf(name, sizeof(name), "%zu", first);
        else
            snprintf(name, sizeof(name), "%zu to %zu", first, first + width - 1);
        cli_out_format(out, "  %-11s %10s %15.2f\n", name, cli_count_text(text, pages),
                       cli_profile_per_query(profile, touches));
    }
}

static void print_latency(struct cli_out *out, const char *name,
                          const struct cli_histogram *histogram)
{
    static const unsigned quantiles[] = {500000, 900000, 990000, 999000};
    char text[CLI_UNIT_NBYTES];
    double mean = cli_histogram_mean(histogram);
    cli_out_format(out, "  %-18s %10s", name, cli_time_text(text, mean));
    for (size_t i = 0; i < sizeof(quantiles) / sizeof(quantiles[0]); i++)
        cli_out_format(
            out, " %10s",
            cli_time_text(text, (double)cli_histogram_quantile(histogram, quantiles[i])));
    cli_out_format(out, " %10s\n", cli_time_text(text, (double)histogram->max_ns));
}

static void print_runs(struct cli_out *out, const struct cli_profile *profile)
{
    char text[CLI_UNIT_NBYTES];
    if (profile->queries.count == 0)
        return;
    cli_out_text(out, "\nA lookup                 mean       50 %       90 %       99 %     99.9 %"
                      "        max\n");
    if (profile->cold_known)
        print_latency(out, "cold", &profile->cold);
    print_latency(out, "warm", &profile->warm);
    if (!profile->cold_known) {
        cli_out_text(out, "  (cold was not measured: the file cannot be thrown out of memory, or "
                          "was not to be)\n");
        return;
    }
    cli_out_format(out, "  %-18s %10s\n", "page from disk",
                   cli_time_text(text, (double)profile->page_ns));
    if (profile->pressed.page_ns)
        cli_out_format(out, "  %-18s %10s\n", "in little memory",
                       cli_time_text(text, (double)profile->pressed.page_ns));
    cli_out_text(out, "\nCold, all memory     faults a query   pages read   time a query\n");
    for (size_t i = 0; i <= profile->order_count; i++) {
        const struct cli_profile_order *order = i < profile->order_count ? &profile->orders[i]
                                                                         : &profile->again;
        cli_out_format(out, "  %-18s %14.4f %12.3f %14s\n", order->name, order->faults,
                       order->pages_read, cli_time_text(text, order->ns));
    }
}

static void print_distances(struct cli_out *out, const struct cli_profile *profile)
{
    uint64_t counts[DISTANCE_BUCKETS] = {0};
    uint64_t sum = 0;
    size_t last = 0;
    char text[CLI_UNIT_NBYTES];
    for (size_t i = 0; i < profile->page_count; i++) {
        size_t bucket = 0;
        while (i >> bucket)
            bucket++;
        counts[bucket] += profile->distances[i];
        last = bucket;
    }
    if (profile->page_count == 0)
        return;
    cli_out_text(out, "\nPages between two touches of one      touches   so far\n");
    for (size_t i = 0; i <= last; i++) {
        sum += counts[i];
        cli_out_format(out, "  below %-22s %14.2f%% %7.2f%%\n",
                       cli_count_text(text, (uint64_t)1 << i),
                       percent(counts[i], profile->trace.touch_count),
                       percent(sum, profile->trace.touch_count));
    }
}

static void print_sizes(struct cli_out *out, const struct cli_profile *profile)
{
    char bytes[CLI_UNIT_NBYTES];
    char time[CLI_UNIT_NBYTES] = "-";
    if (profile->queries.count == 0)
        return;
    cli_out_text(out,
                 "\nMemory                 hits  faults a query    if LRU    sorted    latency\n");
    for (size_t i = 0; i < CLI_PROFILE_SIZES; i++) {
        const struct cli_profile_size *size = &profile->sizes[i];
        if (size->latency_ns > 0)
            cli_time_text(time, size->latency_ns);
        cli_out_format(out, "  %3u %% %10s %7.2f%% %14.4f %9.4f %9.4f %10s\n", size->percent,
                       cli_bytes_text(bytes, size->nbytes), 100 * size->hit_rate, size->faults,
                       size->faults_lru, size->faults_sorted, time);
    }
    if (profile->other_reclaim)
        cli_out_text(out, "  (this system drops pages in another way than is reckoned here)\n");
}

/* How far the prediction is off. */
static double off_percent(double predicted, double real)
{
    if (real > 0)
        return 100 * (predicted - real) / real;
    return predicted > 0 ? 100 : 0;
}

static void print_checks(struct cli_out *out, const struct cli_profile *profile)
{
    char number[CLI_UNIT_NBYTES];
    char predicted[CLI_UNIT_NBYTES];
    char real[CLI_UNIT_NBYTES];
    if (profile->check_count == 0)
        return;
    cli_out_format(out,
                   "\nCheck, %s queries   predicted       real      off   predicted       real"
                   "      off\n",
                   cli_count_text(number, profile->check_queries));
    for (size_t i = 0; i < profile->check_count; i++) {
        const struct cli_profile_check *check = &profile->checks[i];
        if (check->rounds == 0) {
            cli_out_format(out, "  %3u %%  not run: %s\n", check->size->percent, check->why_not);
            continue;
        }
        cli_out_format(out, "  %3u %% faults %18.4f %10.4f %+7.1f%% %11s %10s %+7.1f%%\n",
                       check->size->percent, check->predicted_faults, check->faults,
                       off_percent(check->predicted_faults, check->faults),
                       cli_time_text(predicted, check->predicted_ns),
                       cli_time_text(real, check->ns), off_percent(check->predicted_ns, check->ns));
    }
}

void cli_profile_print(struct cli_out *out, const struct cli_profile *profile)
{
    print_log(out, profile);
    print_regions(out, profile);
    print_levels(out, profile);
    print_runs(out, profile);
    print_distances(out, profile);
    print_sizes(out, profile);
    print_checks(out, profile);
}

static void report_places(json_t *report, const struct cli_profile *profile)
{
    json_t *regions = cli_report_array(report, "regions");
    for (size_t i = 0; i < CLI_PROFILE_REGIONS; i++) {
        const struct cli_profile_region *region = &profile->regions[i];
        if (!region->name)
            continue;
        json_t *entry = cli_report_item(regions);
        cli_report_text(entry, "name", region->name);
        if (profile->is_set)
            cli_report_null(entry, "offset");
        else
            cli_report_u64(entry, "offset", region->off);
        cli_report_u64(entry, "bytes", region->nbytes);
        cli_report_u64(entry, "pages_touched", region->pages);
        cli_report_u64(entry, "reads", region->touches);
    }
    json_t *kinds = cli_report_array(report, "kinds");
    for (size_t i = 0; i < CLI_PROFILE_KINDS; i++) {
        json_t *entry = cli_report_item(kinds);
        cli_report_text(entry, "name", kind_names[i]);
        cli_report_u64(entry, "reads", profile->kind_touches[i]);
        cli_report_u64(entry, "bytes", profile->kind_nbytes[i]);
    }
    cli_report_u64s(report, "pages_by_level", profile->level_pages, CLI_PROFILE_LEVELS);
    cli_report_u64s(report, "reads_by_level", profile->level_touches, CLI_PROFILE_LEVELS);
}

static void report_latency(json_t *report, const char *name, const struct cli_histogram *histogram)
{
    json_t *entry = cli_report_object(report, name);
    cli_report_real(entry, "mean", cli_histogram_mean(histogram));
    cli_report_u64(entry, "p50", cli_histogram_quantile(histogram, 500000));
    cli_report_u64(entry, "p90", cli_histogram_quantile(histogram, 900000));
    cli_report_u64(entry, "p99", cli_histogram_quantile(histogram, 990000));
    cli_report_u64(entry, "p99_9", cli_histogram_quantile(histogram, 999000));
    cli_report_u64(entry, "max", histogram->max_ns);
}

static void report_order(json_t *entry, const struct cli_profile_order *order)
{
    cli_report_text(entry, "order", order->name);
    cli_report_real(entry, "faults_per_query", order->faults);
    cli_report_real(entry, "pages_read_per_query", order->pages_read);
    cli_report_real(entry, "ns_per_query", order->ns);
}

static void report_runs(json_t *report, const struct cli_profile *profile)
{
    if (profile->cold_known) {
        report_latency(report, "cold_ns", &profile->cold);
        cli_report_u64(report, "page_read_ns", profile->page_ns);
    } else {
        cli_report_null(report, "cold_ns");
        cli_report_null(report, "page_read_ns");
    }
    if (profile->pressed.page_ns) {
        cli_report_u64(report, "pressed_page_read_ns", profile->pressed.page_ns);
        cli_report_u64(report, "pressed_page_ahead_ns", profile->pressed.ahead_ns);
    } else {
        cli_report_null(report, "pressed_page_read_ns");
        cli_report_null(report, "pressed_page_ahead_ns");
    }
    report_latency(report, "warm_ns", &profile->warm);
    json_t *orders = cli_report_array(report, "cold_orders");
    for (size_t i = 0; i < profile->order_count; i++)
        report_order(cli_report_item(orders), &profile->orders[i]);
    if (profile->again.name)
        report_order(cli_report_object(report, "again"), &profile->again);
}

static void report_sizes(json_t *report, const struct cli_profile *profile)
{
    json_t *sizes = cli_report_array(report, "memory");
    for (size_t i = 0; i < CLI_PROFILE_SIZES; i++) {
        const struct cli_profile_size *size = &profile->sizes[i];
        json_t *entry = cli_report_item(sizes);
        cli_report_u64(entry, "percent", size->percent);
        cli_report_u64(entry, "bytes", size->nbytes);
        cli_report_u64(entry, "pages", size->capacity);
        cli_report_real(entry, "hit_rate", size->hit_rate);
        cli_report_real(entry, "faults_per_query", size->faults);
        cli_report_real(entry, "pages_read_per_query", size->pages_read);
        cli_report_real(entry, "lru_faults_per_query", size->faults_lru);
        cli_report_real(entry, "sorted_faults_per_query", size->faults_sorted);
        if (size->latency_ns > 0)
            cli_report_real(entry, "latency_ns", size->latency_ns);
        else
            cli_report_null(entry, "latency_ns");
    }
    cli_report_bool(report, "reclaim_modelled", !profile->other_reclaim);
}

static void report_checks(json_t *report, const struct cli_profile *profile)
{
    json_t *checks = cli_report_array(report, "checks");
    for (size_t i = 0; i < profile->check_count; i++) {
        const struct cli_profile_check *check = &profile->checks[i];
        json_t *entry = cli_report_item(checks);
        cli_report_u64(entry, "percent", check->size->percent);
        cli_report_u64(entry, "queries", profile->check_queries);
        cli_report_u64(entry, "rounds", check->rounds);
        if (check->rounds == 0) {
            cli_report_text(entry, "not_run", check->why_not ? check->why_not : "");
            continue;
        }
        cli_report_real(entry, "predicted_faults_per_query", check->predicted_faults);
        cli_report_real(entry, "faults_per_query", check->faults);
        cli_report_real(entry, "predicted_ns", check->predicted_ns);
        cli_report_real(entry, "ns", check->ns);
    }
}

int cli_profile_print_json(struct cli_out *out, const struct cli_profile *profile)
{
    json_t *report = json_object();
    cli_report_text(report, "file", profile->name);
    if (profile->is_set)
        cli_report_u64(report, "parts", profile->file_count);
    cli_report_u64(report, "file_bytes", profile->file_nbytes);
    cli_report_u64(report, "page_bytes", profile->page_nbytes);
    cli_report_u64(report, "queries", profile->queries.count);
    cli_report_u64(report, "found", profile->found);
    cli_report_u64(report, "pages_touched", profile->page_count);
    cli_report_u64(report, "page_touches", profile->trace.touch_count);
    cli_report_u64(report, "reads", profile->touches);
    cli_report_u64(report, "bytes_read", profile->touched_nbytes);
    report_places(report, profile);
    cli_report_u64s(report, "touches_by_reuse_distance", profile->distances, profile->page_count);
    report_runs(report, profile);
    report_sizes(report, profile);
    report_checks(report, profile);
    return cli_report_print(out, report);
}
