#define _POSIX_C_SOURCE 200809L

#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "message.h"
#include "open.h"
#include "progress.h"
#include "queries.h"
#include "report.h"
#include "units.h"

static const struct poptOption options[] = {CLI_OPTION_JSON, CLI_OPTION_KEYS, CLI_OPTION_NUL,
                                            CLI_OPTIONS_OPENING, CLI_OPTIONS_END};

/* Rounds that are measured: at least so many; more while they are short, up to the most. */
#define ROUNDS_MIN     5
#define ROUNDS_MAX     101
#define ROUNDS_TIME_NS 500000000U
#define BATCH_COUNT    4096

struct bench {
    struct cli_call *call;
    struct cli_map map;
    struct cli_queries queries;
    act_error error;
    uint64_t hits;
    uint64_t value_sum;
    uint64_t entries;
};

/* One round of each measurement; ACT_OK, or an error that is in bench->error. */

static act_status round_open(struct bench *bench)
{
    struct cli_map map;
    act_status status = cli_map_open_again(&bench->call->options, bench->call->arguments[0],
                                           bench->map.set != NULL, &map, &bench->error);
    cli_map_close(&map);
    return status;
}

static act_status round_lookups(struct bench *bench)
{
    const struct cli_queries *queries = &bench->queries;
    uint64_t hits = 0;
    uint64_t sum = 0;
    for (size_t i = 0; i < queries->count; i++) {
        uint64_t value;
        act_status status = cli_map_get(&bench->map, &queries->keys[i], &value, &bench->error);
        if (status == ACT_OK) {
            hits++;
            sum += value;
        } else if (status != ACT_NOT_FOUND) {
            return status;
        }
    }
    bench->hits = hits;
    bench->value_sum = sum;
    return ACT_OK;
}

/* The same keys, as many at a time as BATCH_COUNT; the sums must come out the same. */
static act_status round_batches(struct bench *bench)
{
    static uint64_t values[BATCH_COUNT];
    static uint8_t found[BATCH_COUNT / 8];
    const struct cli_queries *queries = &bench->queries;
    uint64_t hits = 0;
    uint64_t sum = 0;
    for (size_t done = 0; done < queries->count;) {
        size_t left = queries->count - done;
        size_t count = left < BATCH_COUNT ? left : BATCH_COUNT;
        act_status status = cli_map_get_batch(&bench->map, queries->keys + done, count, values,
                                              found, &bench->error);
        if (status != ACT_OK)
            return status;
        for (size_t i = 0; i < count; i++) {
            hits += found[i / 8] >> i % 8 & 1;
            sum += values[i];
        }
        done += count;
    }
    if (hits != bench->hits || sum != bench->value_sum) {
        cli_say("%s: batches find %llu keys, single lookups %llu", bench->map.name,
                (unsigned long long)hits, (unsigned long long)bench->hits);
        bench->error.status = ACT_ERR_CORRUPT;
        return ACT_ERR_CORRUPT;
    }
    return ACT_OK;
}

static int count_entry(void *context, const uint8_t *key, size_t key_nbytes, uint64_t value)
{
    struct bench *bench = context;
    (void)key;
    (void)key_nbytes;
    (void)value;
    bench->entries++;
    return 0;
}

static act_status round_scan(struct bench *bench)
{
    bench->entries = 0;
    return bench->map.set ? act_set_scan(bench->map.set, NULL, count_entry, bench, &bench->error)
                          : act_map_scan(bench->map.map, NULL, count_entry, bench, &bench->error);
}

static int compare_u64(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* The median time of a round, after one that does not count. */
static act_status measure(struct bench *bench, act_status (*run_round)(struct bench *bench),
                          uint64_t *median_ns_ret)
{
    uint64_t times_ns[ROUNDS_MAX];
    size_t rounds = 0;
    uint64_t spent_ns = 0;
    act_status status = run_round(bench);
    while (status == ACT_OK && rounds < ROUNDS_MAX &&
           (rounds < ROUNDS_MIN || spent_ns < ROUNDS_TIME_NS)) {
        uint64_t started_ns = cli_now_ns();
        status = run_round(bench);
        times_ns[rounds] = cli_now_ns() - started_ns;
        spent_ns += times_ns[rounds++];
    }
    if (status != ACT_OK)
        return status;
    qsort(times_ns, rounds, sizeof(times_ns[0]), compare_u64);
    *median_ns_ret = times_ns[rounds / 2];
    return ACT_OK;
}

struct figures {
    uint64_t open_ns;
    uint64_t single_ns; /* a whole round, as the next two */
    uint64_t batch_ns;
    uint64_t scan_ns;
};

static act_status measure_all(struct bench *bench, struct figures *figures)
{
    act_status status = measure(bench, round_open, &figures->open_ns);
    if (status == ACT_OK)
        status = measure(bench, round_lookups, &figures->single_ns);
    if (status == ACT_OK)
        status = measure(bench, round_batches, &figures->batch_ns);
    if (status == ACT_OK)
        status = measure(bench, round_scan, &figures->scan_ns);
    return status;
}

static uint64_t per_query_ns(const struct bench *bench, uint64_t ns)
{
    uint64_t count = bench->queries.count;
    return count ? (ns + count / 2) / count : 0;
}

static uint64_t scan_rate(const struct bench *bench, const struct figures *figures)
{
    return figures->scan_ns ? (uint64_t)((double)bench->entries * 1e9 / (double)figures->scan_ns)
                            : 0;
}

static int print_json(struct cli_out *out, const struct bench *bench, const struct figures *figures)
{
    json_t *report = json_object();
    cli_report_u64(report, "queries", bench->queries.count);
    cli_report_u64(report, "hits", bench->hits);
    cli_report_u64(report, "value_sum", bench->value_sum);
    cli_report_real(report, "open_us", (double)figures->open_ns / 1000);
    cli_report_u64(report, "single_ns", per_query_ns(bench, figures->single_ns));
    cli_report_u64(report, "batch_ns", per_query_ns(bench, figures->batch_ns));
    cli_report_u64(report, "scan_entries_per_s", scan_rate(bench, figures));
    cli_report_u64(report, "entries", bench->entries);
    return cli_report_print(out, report);
}

static void print_row(struct cli_out *out, const char *name, uint64_t number, const char *unit)
{
    char text[CLI_UNIT_NBYTES];
    cli_out_format(out, "%-18s %18s%s\n", name, cli_count_text(text, number), unit);
}

static void print_text(struct cli_out *out, const struct bench *bench,
                       const struct figures *figures)
{
    print_row(out, "queries", bench->queries.count, "");
    print_row(out, "found", bench->hits, "");
    print_row(out, "sum of values", bench->value_sum, "");
    print_row(out, "open and close", figures->open_ns, " ns");
    print_row(out, "a lookup", per_query_ns(bench, figures->single_ns), " ns");
    print_row(out, "entries", bench->entries, "");
    print_row(out, "scan", scan_rate(bench, figures), " entries/s");
}

static int run(struct cli_call *call)
{
    struct bench bench;
    struct figures figures;
    memset(&bench, 0, sizeof(bench));
    bench.call = call;
    if (strcmp(call->arguments[0], "-") == 0)
        return cli_usage_error("bench", "FILE must have a name: opening it is measured");
    int status = cli_queries_load(call, call->arguments[1], &bench.queries);
    if (status == CLI_DONE)
        status = cli_map_or_set_open(call, &bench.map, NULL);
    if (status == CLI_DONE) {
        if (measure_all(&bench, &figures) != ACT_OK)
            status = cli_fail(bench.map.name, &bench.error);
        else if (call->options.json)
            status = print_json(&call->out, &bench, &figures);
        else
            print_text(&call->out, &bench, &figures);
        cli_map_close(&bench.map);
    }
    cli_queries_free(&bench.queries);
    return status;
}

const struct cli_verb cmd_bench = {
    .name = "bench",
    .arguments = "FILE QUERIES",
    .summary = "Measure opening, lookups of the keys in QUERIES, and a scan",
    .notes = "Medians of 5 rounds or more, after one to warm up. Lookups are measured one by one,\n"
             "and in batches of many keys a call: in JSON, single_ns and batch_ns.\n",
    .options = options,
    .argument_count_min = 2,
    .argument_count_max = 2,
    .run = run,
};
