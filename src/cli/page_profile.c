/* What the page says of a query log. */
#include <stdio.h>
#include <string.h>

#include "chart.h"
#include "html.h"
#include "page.h"
#include "units.h"

enum {
    DISTANCES = 34
};

static void print_tiles(struct cli_out *out, const struct cli_profile *profile)
{
    char text[CLI_UNIT_NBYTES];
    cli_out_text(out, "<div class=\"tiles\">\n");
    cli_page_tile(out, cli_count_text(text, profile->queries.count), "queries");
    snprintf(text, sizeof(text), "%.1f %%", 100 * cli_profile_per_query(profile, profile->found));
    cli_page_tile(out, text, "of them found");
    cli_page_tile(out, cli_bytes_text(text, profile->page_count * profile->page_nbytes),
                  "in the pages they touch");
    snprintf(text, sizeof(text), "%.1f",
             cli_profile_per_query(profile, profile->trace.touch_count));
    cli_page_tile(out, text, "pages a query");
    cli_page_tile(out, cli_time_text(text, (double)cli_histogram_quantile(&profile->warm, 500000)),
                  "a lookup, warm (median)");
    if (profile->cold_known)
        cli_page_tile(out, cli_time_text(text, (double)profile->page_ns), "a page from the disk");
    cli_out_text(out, "</div>\n");
}

/* The least memory with which a query misses at most so many pages. */
static const struct cli_profile_size *size_for(const struct cli_profile *profile, double faults)
{
    for (size_t i = 0; i < CLI_PROFILE_SIZES; i++)
        if (profile->sizes[i].faults <= faults)
            return &profile->sizes[i];
    return NULL;
}

static void print_sentence(struct cli_out *out, const struct cli_profile *profile)
{
    static const double wanted[] = {1, 0.1};
    static const char *const words[] = {"one page a query", "one page in ten queries"};
    char bytes[CLI_UNIT_NBYTES];
    cli_out_text(out,
                 "<p>How many pages a query has to wait for, with so much memory for the file. ");
    for (size_t i = 0; i < 2; i++) {
        const struct cli_profile_size *size = size_for(profile, wanted[i]);
        if (size)
            cli_out_format(out, "With <strong>%s</strong> (%u&nbsp;%% of it) it is %s at most. ",
                           cli_bytes_text(bytes, size->nbytes), size->percent, words[i]);
    }
    cli_out_text(out,
                 "Reckoned from the pages that the log touches, as Linux drops pages, in the long "
                 "run. ");
    if (profile->other_reclaim)
        cli_out_text(out, "This system drops them in another way. ");
    cli_out_text(out, "</p>\n");
}

static void print_fault_curve(struct cli_out *out, const struct cli_profile *profile)
{
    double x[CLI_PROFILE_SIZES], y[CLI_PROFILE_SIZES], lru[CLI_PROFILE_SIZES],
        sorted[CLI_PROFILE_SIZES];
    double most = 0;
    for (size_t i = 0; i < CLI_PROFILE_SIZES; i++) {
        const struct cli_profile_size *size = &profile->sizes[i];
        x[i] = size->percent;
        y[i] = size->faults;
        lru[i] = size->faults_lru;
        sorted[i] = size->faults_sorted;
        most = y[i] > most ? y[i] : most;
        most = lru[i] > most ? lru[i] : most;
    }
    struct cli_chart chart = {
        out,
        {1, 100, true, CLI_SCALE_PERCENT, "memory, as a share of the file"},
        {0, cli_chart_round_up(most), false, CLI_SCALE_PLAIN, "page faults a query"}};
    cli_out_text(out, "<div class=\"legend\"><span><i class=\"ka\"></i>expected</span>"
                      "<span><i class=\"kb\"></i>if the page unused for the longest went</span>"
                      "<span><i class=\"kc\"></i>the log sorted</span>");
    if (profile->check_count)
        cli_out_text(out, "<span><i class=\"kd\"></i>measured</span>");
    cli_out_text(out, "</div>\n");
    cli_chart_begin(&chart, "Page faults a query by memory");
    cli_chart_line(&chart, "b dash", x, lru, CLI_PROFILE_SIZES);
    cli_chart_line(&chart, "c", x, sorted, CLI_PROFILE_SIZES);
    cli_chart_line(&chart, "a", x, y, CLI_PROFILE_SIZES);
    for (size_t i = 0; i < CLI_PROFILE_SIZES; i++) {
        char text[96];
        snprintf(text, sizeof(text), "%.0f %%: %.3f faults a query", x[i], y[i]);
        cli_chart_dot(&chart, "fa", x[i], y[i], text);
    }
    for (size_t i = 0; i < profile->check_count; i++) {
        const struct cli_profile_check *check = &profile->checks[i];
        char text[96];
        if (!check->rounds)
            continue;
        snprintf(text, sizeof(text), "%u %%, measured: %.3f faults a query", check->size->percent,
                 check->faults);
        cli_chart_dot(&chart, "fd", check->size->percent, check->faults, text);
    }
    cli_chart_end(&chart);
}

static void print_size_table(struct cli_out *out, const struct cli_profile *profile)
{
    static const char *const heads[] = {"memory", "share",  "hits",         "faults a query",
                                        "if LRU", "sorted", "expected time"};
    char text[CLI_UNIT_NBYTES];
    cli_html_table_begin(out, heads, 7, 6);
    for (size_t i = 0; i < CLI_PROFILE_SIZES; i++) {
        const struct cli_profile_size *size = &profile->sizes[i];
        cli_out_format(out, "<tr><td>%s</td><td class=\"r\">%u %%</td><td class=\"r\">%.2f %%</td>",
                       cli_bytes_text(text, size->nbytes), size->percent, 100 * size->hit_rate);
        cli_out_format(out,
                       "<td class=\"r\">%.3f</td><td class=\"r\">%.3f</td>"
                       "<td class=\"r\">%.3f</td><td class=\"r\">%s</td></tr>\n",
                       size->faults, size->faults_lru, size->faults_sorted,
                       size->latency_ns > 0 ? cli_time_text(text, size->latency_ns) : "");
    }
    cli_html_table_end(out);
}

static void print_checks(struct cli_out *out, const struct cli_profile *profile)
{
    static const char *const heads[] = {"memory", "faults, expected", "measured", "time, expected",
                                        "measured"};
    char text[CLI_UNIT_NBYTES];
    if (profile->check_count == 0)
        return;
    cli_out_format(out,
                   "<h3>Compared with real runs</h3>\n<p class=\"dim\">The first %s queries, "
                   "twice, in a control group with so much memory; medians.</p>\n",
                   cli_count_text(text, profile->check_queries));
    cli_html_table_begin(out, heads, 5, 4);
    for (size_t i = 0; i < profile->check_count; i++) {
        const struct cli_profile_check *check = &profile->checks[i];
        cli_out_format(out, "<tr><td>%u %%</td>", check->size->percent);
        if (!check->rounds) {
            cli_out_text(out, "<td colspan=\"4\">not run: ");
            cli_html_text(out, check->why_not ? check->why_not : "");
            cli_out_text(out, "</td></tr>\n");
            continue;
        }
        cli_out_format(
            out, "<td class=\"r\">%.3f</td><td class=\"r\">%.3f</td><td class=\"r\">%s</td>",
            check->predicted_faults, check->faults, cli_time_text(text, check->predicted_ns));
        cli_out_format(out, "<td class=\"r\">%s</td></tr>\n", cli_time_text(text, check->ns));
    }
    cli_html_table_end(out);
}

/* ------------------------------------------------------------------------------------ latencies
 */

static void draw_cdf(struct cli_chart *chart, const char *classes,
                     const struct cli_histogram *histogram)
{
    static double x[CLI_HISTOGRAM_BUCKETS], y[CLI_HISTOGRAM_BUCKETS];
    uint64_t seen = 0;
    size_t count = 0;
    for (size_t i = 0; i < CLI_HISTOGRAM_BUCKETS; i++) {
        if (!histogram->counts[i])
            continue;
        if (count == 0) {
            x[count] = (double)cli_histogram_first_ns(i);
            y[count++] = 0;
        }
        seen += histogram->counts[i];
        if (count < CLI_HISTOGRAM_BUCKETS) {
            x[count] = (double)cli_histogram_last_ns(i);
            y[count++] = 100 * (double)seen / (double)histogram->total;
        }
    }
    cli_chart_line(chart, classes, x, y, count);
}

static void print_latency_row(struct cli_out *out, const char *name,
                              const struct cli_histogram *histogram)
{
    static const unsigned quantiles[] = {500000, 900000, 990000, 999000};
    char text[CLI_UNIT_NBYTES];
    double mean = cli_histogram_mean(histogram);
    cli_out_format(out, "<tr><td>%s</td><td class=\"r\">%s</td>", name, cli_time_text(text, mean));
    for (size_t i = 0; i < sizeof(quantiles) / sizeof(quantiles[0]); i++)
        cli_out_format(
            out, "<td class=\"r\">%s</td>",
            cli_time_text(text, (double)cli_histogram_quantile(histogram, quantiles[i])));
    cli_out_format(out, "<td class=\"r\">%s</td></tr>\n",
                   cli_time_text(text, (double)histogram->max_ns));
}

static void print_latencies(struct cli_out *out, const struct cli_profile *profile)
{
    static const char *const heads[] = {"", "mean", "50 %", "90 %", "99 %", "99.9 %", "longest"};
    double least = (double)cli_histogram_quantile(&profile->warm, 1);
    double most = (double)profile->warm.max_ns;
    if (profile->cold_known && (double)profile->cold.max_ns > most)
        most = (double)profile->cold.max_ns;
    struct cli_chart chart = {
        out,
        {least > 100 ? 100 : 10, most > 1e4 ? most : 1e4, true, CLI_SCALE_TIME, "time of a lookup"},
        {0, 100, false, CLI_SCALE_PERCENT, "lookups that take no longer"}};
    cli_out_text(out,
                 "<h2>How long lookups take</h2>\n<p>With all the memory there is. Warm: each page "
                 "was touched before. Cold: the file was thrown out of memory first, and comes "
                 "back as the lookups go on.</p>\n<div class=\"legend\">"
                 "<span><i class=\"ka\"></i>warm</span>");
    if (profile->cold_known)
        cli_out_text(out, "<span><i class=\"kb\"></i>cold</span>");
    cli_out_text(out, "</div>\n");
    cli_chart_begin(&chart, "Lookups by the time they take");
    if (profile->cold_known)
        draw_cdf(&chart, "b", &profile->cold);
    draw_cdf(&chart, "a", &profile->warm);
    cli_chart_end(&chart);
    cli_html_table_begin(out, heads, 7, 6);
    print_latency_row(out, "warm", &profile->warm);
    if (profile->cold_known)
        print_latency_row(out, "cold", &profile->cold);
    cli_html_table_end(out);
}

static void print_orders(struct cli_out *out, const struct cli_profile *profile)
{
    static const char *const heads[] = {"cold, the log", "faults a query", "pages read a query",
                                        "time a query"};
    char text[CLI_UNIT_NBYTES];
    if (profile->order_count == 0)
        return;
    cli_html_table_begin(out, heads, 4, 3);
    for (size_t i = 0; i <= profile->order_count; i++) {
        const struct cli_profile_order *order = i < profile->order_count ? &profile->orders[i]
                                                                         : &profile->again;
        cli_out_format(out,
                       "<tr><td>%s</td><td class=\"r\">%.4f</td><td class=\"r\">%.3f</td>"
                       "<td class=\"r\">%s</td></tr>\n",
                       order->name, order->faults, order->pages_read,
                       cli_time_text(text, order->ns));
    }
    cli_html_table_end(out);
}

/* --------------------------------------------------------------------------------------- places
 */

static void print_places(struct cli_out *out, const struct cli_profile *profile)
{
    static const char *const heads[] = {"region", "size", "touched", "of it", "reads a query"};
    char text[CLI_UNIT_NBYTES];
    cli_out_text(out, "<h2>Where lookups read</h2>\n");
    cli_html_table_begin(out, heads, 5, 4);
    for (size_t i = 0; i < CLI_PROFILE_REGIONS; i++) {
        const struct cli_profile_region *region = &profile->regions[i];
        uint64_t nbytes = region->nbytes;
        if (!region->touches)
            continue;
        cli_out_format(out, "<tr><td>%s</td><td class=\"r\">%s</td>", region->name,
                       cli_bytes_text(text, nbytes));
        cli_out_format(out,
                       "<td class=\"r\">%s</td><td class=\"r\">%.1f %%</td>"
                       "<td class=\"r\">%.2f</td></tr>\n",
                       cli_bytes_text(text, region->pages * profile->page_nbytes),
                       cli_percent(region->pages * profile->page_nbytes, nbytes),
                       cli_profile_per_query(profile, region->touches));
    }
    cli_html_table_end(out);
}

static void print_distances(struct cli_out *out, const struct cli_profile *profile)
{
    struct cli_bar bars[DISTANCES];
    size_t count = 0;
    memset(bars, 0, sizeof(bars));
    for (size_t i = 0; i < profile->page_count; i++) {
        size_t bucket = 0;
        while (i >> bucket)
            bucket++;
        bars[bucket].length += (double)profile->distances[i];
        count = bucket + 1;
    }
    for (size_t i = 0; i < count; i++) {
        char text[CLI_UNIT_NBYTES];
        snprintf(bars[i].name, sizeof(bars[i].name), "below %.20s",
                 cli_count_text(text, (uint64_t)1 << i));
        snprintf(bars[i].text, sizeof(bars[i].text), "%.1f %%",
                 100 * bars[i].length / (double)profile->trace.touch_count);
    }
    cli_out_text(out,
                 "<h3>Reuse</h3>\n<p>How many other pages are touched between two touches of a "
                 "page: what is far apart has left a small memory by then.</p>\n");
    cli_out_text(out, "<div class=\"half\">\n");
    cli_chart_bars(out, "Touches by reuse distance", "fd", bars, count);
    cli_out_text(out, "</div>\n");
}

void cli_page_print_profile(struct cli_out *out, const struct cli_profile *profile)
{
    print_tiles(out, profile);
    if (profile->queries.count == 0)
        return;
    cli_out_text(out, "<h2>Memory that the log needs</h2>\n");
    print_sentence(out, profile);
    print_fault_curve(out, profile);
    print_size_table(out, profile);
    print_checks(out, profile);
    print_latencies(out, profile);
    print_orders(out, profile);
    print_places(out, profile);
    print_distances(out, profile);
}
