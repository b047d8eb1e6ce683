#include "histogram.h"

void cli_histogram_add(struct cli_histogram *histogram, uint64_t ns)
{
    unsigned octave = 0;
    /* Below 2 * STEPS every nanosecond has a bucket of its own. */
    while (ns >> octave >= 2 * CLI_HISTOGRAM_STEPS)
        octave++;
    histogram->counts[octave * CLI_HISTOGRAM_STEPS + (size_t)(ns >> octave)]++;
    histogram->total++;
    histogram->sum_ns += ns;
    if (ns > histogram->max_ns)
        histogram->max_ns = ns;
}

double cli_histogram_mean(const struct cli_histogram *histogram)
{
    return histogram->total ? (double)histogram->sum_ns / (double)histogram->total : 0;
}

static unsigned octave_of(size_t bucket)
{
    return bucket < CLI_HISTOGRAM_STEPS ? 0 : (unsigned)(bucket / CLI_HISTOGRAM_STEPS) - 1;
}

uint64_t cli_histogram_first_ns(size_t bucket)
{
    unsigned octave = octave_of(bucket);
    return (uint64_t)(bucket - (size_t)octave * CLI_HISTOGRAM_STEPS) << octave;
}

uint64_t cli_histogram_last_ns(size_t bucket)
{
    return cli_histogram_first_ns(bucket) + (((uint64_t)1 << octave_of(bucket)) - 1);
}

uint64_t cli_histogram_quantile(const struct cli_histogram *histogram, unsigned of_a_million)
{
    /* The place, from 1 on, of the time wanted among all of them in order. */
    double wanted = (double)histogram->total * of_a_million / 1e6;
    uint64_t place = (uint64_t)wanted;
    uint64_t seen = 0;
    if ((double)place < wanted || place == 0)
        place++;
    for (size_t bucket = 0; bucket < CLI_HISTOGRAM_BUCKETS; bucket++) {
        seen += histogram->counts[bucket];
        if (seen >= place) {
            uint64_t last = cli_histogram_last_ns(bucket);
            return last < histogram->max_ns ? last : histogram->max_ns;
        }
    }
    return 0;
}
